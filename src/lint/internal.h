/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the validation, for each other. Order of checks and texts are Argo's (workflow/validate at v4.1.2).
 *
 * Everything a check makes lives as long as the call: texts in the arena, values in the document. Texts that are only
 * known at run time are placeholders, as in Argo. */
#pragma once

#include "api/gotype.h"
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

/* A template of a base, and its place in the list. */
struct tph_lint_template {
    const struct tph_json *json;
    size_t index;
};

/* Where templates are looked up by name: the workflow itself or the object of a templateRef. */
struct tph_lint_base {
    const char *scope;             /* "local/w", "namespaced/t", "cluster/t" */
    const struct tph_json *object; /* that spec is of */
    const char *path;              /* of spec in object: "spec", "spec.workflowSpec" */
    const struct tph_json *spec;
    struct tph_map templates; /* name -> struct tph_lint_template */
    struct tph_lint_base *next;
};

/* Where the walk is: a path in an object, a frame for each template that is called by its name. */
struct tph_lint_frame {
    const struct tph_json *object;
    size_t begin; /* of its path, in l->path */
};
struct tph_lint_mark {
    size_t path, frames;
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

    const struct tph_json *object; /* what is checked */
    struct tph_buf path;           /* the frames' paths, one after the other */
    struct tph_lint_frame *frames; /* TPH_LIMIT_LINT_DEPTH + 2 */
    size_t n_frames;
    struct tph_lint_problems *problems; /* NULL: the first error is all that is wanted */
    struct tph_lint_problem found;      /* the error or warning told last */
    const struct tph_map *plugins;      /* see struct tph_lint_subject */
    const struct tph_map *mapped;
    const struct tph_json *template; /* whose texts are looked at; NULL = the workflow's own */
    size_t n_hints;                  /* names were looked for that are near */
};

/* Arguments of a call; fake ones have every name. */
struct tph_lint_args {
    const struct tph_json *arguments;
    bool fake;
};

/* Tells an error in Argo's words. Where these begin with how Argo calls the place, PLACE_END stands behind that. */
#define TPH_LINT_PLACE_END "\f"
int tph_lint_fail(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
int tph_lint_wrap(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3); /* "context " in front, no colon */
struct tph_str tph_lint_text(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);

/* read.c: the bit of enum tph_lint_kind, 0 for kinds that are not linted; the nearest kind that is, or NULL. */
unsigned tph_lint_kind_of(struct tph_str kind, const struct tph_go_type **ret_type);
const char *tph_lint_kind_near(struct tph_str kind);

/* problem.c. The way: enter on the way down, leave with what enter gave on the way back; after an error go_on does. */
struct tph_lint_mark tph_lint_enter(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
struct tph_lint_mark tph_lint_enter_template(struct tph_lint *l, const struct tph_lint_base *base,
                                             const struct tph_lint_template *t);
struct tph_lint_mark tph_lint_here(const struct tph_lint *l);
void tph_lint_leave(struct tph_lint *l, struct tph_lint_mark mark);
/* More on the error that was told last, for our own report; each returns -1. at: where in the place that the walk is
 * at; at_call: it is at the one who called the template; say: in other words; hint: what to do. */
int tph_lint_at(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
int tph_lint_at_call(struct tph_lint *l);
int tph_lint_say(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
int tph_lint_hint(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
/* The hint "did you mean X?" with the name that is nearest, and else (may be NULL) the other one. */
int tph_lint_hint_near(struct tph_lint *l, struct tph_str name, const char *const *names, size_t n, const char *other);
/* Where all errors are wanted, an error is kept, and the walk goes on: 0. Else what failed says. */
int tph_lint_go_on(struct tph_lint *l, int failed, struct tph_lint_mark mark) TPH_MUST_CHECK;
/* A warning: then at, hint, and keep. */
void tph_lint_warn(struct tph_lint *l, const char *format, ...) TPH_PRINTF(2, 3);
void tph_lint_keep(struct tph_lint *l);
void tph_lint_begin(struct tph_lint *l, const struct tph_json *object);

/* True when an error is told of a member of the value that the walk is at. */
bool tph_lint_is_told_below(const struct tph_lint *l);
void tph_lint_problems_tidy(struct tph_lint_problems *problems);

struct tph_arena *tph_lint_problems_arena(struct tph_lint_problems *problems);
struct tph_lint_problem *tph_lint_problems_add(struct tph_lint_problems *problems,
                                               const struct tph_lint_problem *problem);

/* scope.c */
/* A name that begins so and goes on "steps.a": what that gives is not known, for it cannot be called. */
#define TPH_LINT_BROKEN "\f"
void tph_lint_scope_add(struct tph_lint *l, struct tph_lint_scope *scope, const char *format, ...) TPH_PRINTF(3, 4);
bool tph_lint_scope_has(const struct tph_lint_scope *scope, struct tph_str name);
void tph_lint_global(struct tph_lint *l, struct tph_str name, struct tph_str value); /* no value: a placeholder */

/* tags.c */
/* The next "{{...}}" of *rest; before gets what stood in front of it. 1: none; -1: not closed. */
int tph_lint_next_tag(struct tph_lint *l, struct tph_str *rest, struct tph_str *before, struct tph_str *tag)
    TPH_MUST_CHECK;
/* Writes the path of the first text in value that has the tag. Depth is limited by the reader. */
bool tph_lint_locate(const struct tph_json *value, struct tph_str tag, struct tph_buf *path);
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
/* TOLD: nothing can be called, and why is told already. */
enum { TPH_LINT_TOLD = 1 };
int tph_lint_holder(struct tph_lint *l, const struct tph_json *holder, struct tph_lint_base *base,
                    const struct tph_lint_args *args, const struct tph_json **ret_tmpl) TPH_MUST_CHECK;
struct tph_lint_base *tph_lint_base(struct tph_lint *l, const char *scope, const struct tph_json *object,
                                    const struct tph_json *spec);
/* Tells that the object of a reference is not there. Returns -1. */
int tph_lint_not_found(struct tph_lint *l, struct tph_str name, bool cluster);

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

/* cron.c: when a CronWorkflow is due, and what happens then; the walk is at its spec. */
int tph_lint_cron(struct tph_lint *l, const struct tph_json *spec) TPH_MUST_CHECK;

/* traps.c: warnings, where all problems are wanted. The walk is at the template, or at the spec. */
void tph_lint_trap_template(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_base *base);
void tph_lint_trap_workflow(struct tph_lint *l, const struct tph_json *spec, const struct tph_lint_base *base);

/* Tags of a call that name a step or task (word: "steps", "tasks") for which is_early(owner, name) says that it has not
 * ended when the call is made. */
typedef bool tph_lint_is_early(const void *owner, struct tph_str name);
void tph_lint_trap_early(struct tph_lint *l, const struct tph_json *call, const char *word, tph_lint_is_early *is_early,
                         const void *owner);

/* compare.c: warnings about texts in value: conditions, expressions, tags that are expressions. key: what value is in
 * its holder. */
void tph_lint_trap_texts(struct tph_lint *l, const struct tph_json *value, const char *key);
/* All that is said of an expression; the walk is at its text. */
void tph_lint_expression(struct tph_lint *l, struct tph_str expression);
