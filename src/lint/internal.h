/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the validation, for each other. Order of checks and texts are Argo's (workflow/validate at v4.1.2).
 *
 * Everything a check makes lives as long as the call: texts in the arena, values in the document. Texts that are only
 * known at run time are placeholders, as in Argo. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "lint/lint.h"

/* Names that a tag may have, in layers. */
struct tph_lint_scope {
    struct tph_map names;
    const struct tph_lint_scope *parent;
    const struct tph_lint_dag *dag; /* of a task: its ancestors' status may be asked for */
    size_t task;
};

/* Where templates are looked up by name: the workflow itself or the object of a templateRef. */
struct tph_lint_base {
    const char *scope; /* "local/w", "namespaced/t", "cluster/t" */
    const struct tph_json *spec;
    struct tph_map templates;
    struct tph_lint_base *next;
};

struct tph_lint {
    const struct tph_lint_set *set;
    struct tph_str ns;
    struct tph_arena *arena;
    struct tph_json_doc *doc;
    struct tph_lint_base *bases; /* owned list */
    struct tph_map globals;      /* name -> text */
    struct tph_map results;      /* scope and name of templates whose body was walked */
    bool lint;                   /* arguments may lack values */
    bool for_run;                /* references are told as the cluster tells them */
    bool of_template;            /* a WorkflowTemplate or ClusterWorkflowTemplate */
    size_t depth;
    struct tph_error *err;
};

/* Arguments of a call; fake ones have every name. */
struct tph_lint_args {
    const struct tph_json *arguments;
    bool fake;
};

int tph_lint_fail(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
int tph_lint_wrap(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3); /* "context " in front, no colon */
struct tph_str tph_lint_text(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);

/* scope.c */
void tph_lint_scope_add(struct tph_lint *l, struct tph_lint_scope *scope, const char *format, ...) TPH_PRINTF(3, 4);
bool tph_lint_scope_has(const struct tph_lint_scope *scope, struct tph_str name);
void tph_lint_global(struct tph_lint *l, struct tph_str name, struct tph_str value); /* no value: a placeholder */

/* tags.c */
int tph_lint_resolve(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str text) TPH_MUST_CHECK;
int tph_lint_resolve_json(struct tph_lint *l, const struct tph_lint_scope *scope, const struct tph_json *value)
    TPH_MUST_CHECK;
int tph_lint_substitute(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_map *local,
                        struct tph_json **ret_tmpl) TPH_MUST_CHECK;
bool tph_lint_is_parameter(struct tph_str text); /* has a tag */

/* names.c: lists of named things; where is "templates.x.inputs.parameters" */
enum tph_lint_name { TPH_LINT_FIELD, TPH_LINT_PARAMETER };
int tph_lint_names(struct tph_lint *l, const struct tph_json *list, enum tph_lint_name kind, const char *where)
    TPH_MUST_CHECK;
const char *tph_lint_bad_name(struct tph_str name, enum tph_lint_name kind); /* NULL when good */
int tph_lint_arguments(struct tph_lint *l, const struct tph_json *arguments, bool empty, const char *prefix)
    TPH_MUST_CHECK;

/* template.c */
const char *tph_lint_type(const struct tph_json *tmpl); /* "Steps", "Plugin", ...; NULL = none */
bool tph_lint_is_leaf(const char *type);
int tph_lint_holder(struct tph_lint *l, const struct tph_json *holder, struct tph_lint_base *base,
                    const struct tph_lint_args *args, const struct tph_json **ret_tmpl) TPH_MUST_CHECK;
struct tph_lint_base *tph_lint_base(struct tph_lint *l, const char *scope, const struct tph_json *spec);

/* outputs.c */
int tph_lint_outputs(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl) TPH_MUST_CHECK;
int tph_lint_metrics(struct tph_lint *l, const struct tph_json *tmpl) TPH_MUST_CHECK;
struct tph_lint_add {
    const char *word; /* "steps", "tasks" */
    struct tph_str name;
    bool aggregate;
};
void tph_lint_add_outputs(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                          const struct tph_lint_add *add);

/* leaf.c, steps.c, dag.c */
int tph_lint_leaf(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                  const struct tph_lint_base *base) TPH_MUST_CHECK;
int tph_lint_steps(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                   struct tph_lint_base *base) TPH_MUST_CHECK;
int tph_lint_dag(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                 struct tph_lint_base *base) TPH_MUST_CHECK;
int tph_lint_items(struct tph_lint *l, const struct tph_json *step, struct tph_lint_scope *scope) TPH_MUST_CHECK;
int tph_lint_hooks(struct tph_lint *l, const struct tph_json *hooks, const char *where) TPH_MUST_CHECK;
bool tph_lint_dag_ancestor(const struct tph_lint_dag *dag, size_t task, struct tph_str name);
