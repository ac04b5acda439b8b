/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow's spec, compiled: templates by name, texts cut into pieces, references resolved.
 *
 * Made once per workflow and never changed; everything in one arena. What the engine cannot run is refused here,
 * before anything starts, with the path in the object.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/str.h"
#include "data/json.h"
#include "engine/text.h"

enum tph_template_type {
    TPH_TEMPLATE_PLUGIN,
    TPH_TEMPLATE_STEPS,
    TPH_TEMPLATE_DAG,
    TPH_TEMPLATE_SUSPEND,
    TPH_TEMPLATE_HTTP,
    TPH_TEMPLATE_TYPE_COUNT
};

/* A declared input: what it is without an argument. */
struct tph_input {
    struct tph_str name;
    const struct tph_json *declared; /* the parameter as Argo writes it */
    bool has_value;                  /* value or default */
    struct tph_text text;            /* value, else default */
    bool has_config_map;             /* valueFrom.configMapKeyRef */
    struct tph_text config_map, key; /* of it */
    const struct tph_json *fallback; /* valueFrom.default; NULL = none */
};

/* An argument: a text for a parameter. */
struct tph_argument {
    struct tph_str name;
    struct tph_text text;
    bool is_expression; /* text is a valueFrom.expression's */
};

/* Which template a step, task or hook calls: of the same resource, of another one, or its own. */
struct tph_target {
    struct tph_text name;                /* template, or templateRef.template */
    struct tph_text resource;            /* templateRef.name */
    bool has_resource, is_cluster;       /* templateRef */
    const struct tph_template *template; /* resolved: a template of the same resource, or inline; NULL = when it runs */
    bool is_inline;
};

enum tph_loop_kind { TPH_LOOP_NONE, TPH_LOOP_ITEMS, TPH_LOOP_PARAM, TPH_LOOP_SEQUENCE };

struct tph_loop {
    enum tph_loop_kind kind;
    const struct tph_json *items;              /* withItems, keys sorted */
    struct tph_text items_text;                /* the same as JSON, where there are tags in it; else empty */
    struct tph_text param;                     /* withParam */
    struct tph_text start, end, count, format; /* withSequence */
    bool has_start, has_end, has_count, has_format;
};

/* A life-cycle hook or exit handler. */
struct tph_hook {
    const struct tph_call *call; /* its name is "onExit" or "hooks.NAME" */
    bool is_exit;
    bool has_expression;
    struct tph_text expression;
};

/* One step, task or hook: a template, and what it is called with. */
struct tph_call {
    struct tph_str name;
    struct tph_target target;
    const struct tph_argument *arguments;
    size_t n_arguments;
    bool has_when;
    struct tph_text when;
    struct tph_loop loop;
    bool continue_on_error, continue_on_failed;
    const struct tph_hook *hooks; /* an exit handler first */
    size_t n_hooks;

    /* of a DAG */
    const struct tph_depends *depends; /* what must have become of its dependencies; NULL = nothing */
    const size_t *dependencies;        /* tasks */
    size_t n_dependencies;
    const size_t *dependents; /* tasks that wait for this one, in the DAG's order */
    size_t n_dependents;
};

struct tph_step_group {
    const struct tph_call *steps;
    size_t n_steps;
};

/* Where a step or task of a name stands: group (0 in a DAG) and place in it. */
struct tph_place {
    size_t group, member;
};

/* An output of a steps or DAG template: outputs.parameters[]. */
struct tph_output {
    struct tph_str name, global_name;
    bool has_reference;        /* there is a valueFrom.parameter */
    bool has_expression;       /* there is a valueFrom.expression: in reference */
    struct tph_text reference; /* one tag, or a bare name */
    bool has_default;
    struct tph_text fallback; /* valueFrom.default */
};

enum tph_retry_policy { TPH_RETRY_ON_FAILURE, TPH_RETRY_ON_ERROR, TPH_RETRY_ALWAYS, TPH_RETRY_ON_TRANSIENT };

struct tph_retry {
    bool has_limit, has_backoff, has_expression, has_factor;
    enum tph_retry_policy policy;
    struct tph_text limit;
    struct tph_text duration, factor, max_duration, cap; /* of backoff; empty = none */
    struct tph_text expression;
};

/* Where templates live that may name each other: the workflow, or a WorkflowTemplate. */
enum tph_resource_kind { TPH_RESOURCE_LOCAL, TPH_RESOURCE_NAMESPACED, TPH_RESOURCE_CLUSTER };

struct tph_resource {
    enum tph_resource_kind kind;
    struct tph_str name;      /* "" for LOCAL where the workflow's templates are those that it refers to */
    struct tph_str stored;    /* "namespaced/NAME": under what its templates are kept in the status; "" = not at all */
    struct tph_map sources;   /* name -> template as JSON */
    struct tph_map templates; /* name -> struct tph_template, as far as compiled */
    struct tph_resource *next;
};

/* Which tasks of a DAG run for its targets. */
struct tph_dag_plan {
    const size_t *order; /* dependencies before dependents, as Argo comes by them from the targets */
    size_t n_order;      /* those that no target needs are not in it */
    const size_t *targets;
    size_t n_targets;
};

/* synchronization: mutexes, then semaphores. */
struct tph_sync_lock {
    bool is_semaphore;
    struct tph_text ns, name, key; /* name: of the mutex, or of the semaphore's ConfigMap */
};
struct tph_sync {
    const struct tph_sync_lock *locks;
    size_t n;
};

struct tph_memo {
    struct tph_text key, max_age, cache; /* max_age: a Go duration; empty = none. cache: of a ConfigMap */
};

struct tph_template {
    struct tph_str name;
    struct tph_resource *resource;
    enum tph_template_type type;
    const struct tph_json *object; /* as it is written */
    struct tph_template *next_compiled;
    const struct tph_input *inputs;
    size_t n_inputs;
    const struct tph_json *other_inputs; /* members of inputs but parameters, kept as they are; NULL = none */
    bool has_display_name, has_timeout, has_deadline, has_pending_timeout;
    struct tph_text display_name;    /* annotation workflows.argoproj.io/display-name */
    struct tph_text timeout;         /* a duration */
    struct tph_text pending_timeout; /* the same */
    struct tph_text deadline;        /* activeDeadlineSeconds */
    const struct tph_retry *retry;   /* NULL = none */
    const struct tph_memo *memo;     /* NULL = none */
    const struct tph_sync *sync;     /* NULL = none */
    const struct tph_output *outputs;
    size_t n_outputs;
    const struct tph_json *declared_outputs; /* of leaves, as written; NULL = none */

    /* plugin, http: the JSON text of the template, cut around its inputs: head, inputs, tail */
    struct tph_text head, tail;
    struct tph_str key; /* the one key under plugin: */

    /* suspend */
    bool has_duration;
    struct tph_text duration;

    /* steps; a DAG is one group of tasks */
    const struct tph_step_group *groups;
    size_t n_groups;
    struct tph_map places; /* name of a step or task -> struct tph_place */

    /* DAG */
    struct tph_dag_plan plan; /* without tags in target: its own; else of all tasks */
    bool has_late_target;
    struct tph_text late_target; /* target, where there are tags in it: known when the DAG begins */
    bool fail_late;              /* failFast: false */

    const char *problem; /* its defaults cannot be merged in, which whoever calls it hears; NULL = none */

    int64_t parallelism; /* of what is in it; 0 = no limit */
    bool fail_fast;      /* the template's failFast */
};

/* spec.arguments.parameters[].valueFrom.configMapKeyRef */
struct tph_late_parameter {
    struct tph_str name, config_map, key;
    const struct tph_json *from;     /* valueFrom */
    const struct tph_json *fallback; /* NULL = none */
    struct tph_late_parameter *next;
};

struct tph_spec {
    struct tph_arena *arena;  /* owned */
    struct tph_json_doc *doc; /* owned: the workflow object as it was given */
    struct tph_json *object;
    const struct tph_json *exec; /* the spec that is executed, in object */
    const struct tph_template *entrypoint;
    struct tph_resource *resources; /* all of them, by next */
    struct tph_resource *local;     /* the workflow's own templates */
    unsigned flags;
    const struct tph_run_options *options;
    struct tph_template *compiled; /* all of them, inline ones too, by next_compiled */
    struct tph_map parameters;     /* workflow argument name -> struct tph_str */
    struct tph_late_parameter *late_parameters;
    const struct tph_json *parameter_list; /* the arguments as Argo writes them: [{name, value}, ...] */
    int64_t parallelism;                   /* 0 = no limit */
    int64_t priority;
    const struct tph_sync *sync;  /* NULL = none */
    int64_t deadline_s;           /* activeDeadlineSeconds; -1 = none */
    const struct tph_hook *hooks; /* of the workflow; an exit handler first */
    size_t n_hooks;
    struct tph_str name, ns, uid;
};

enum {
    /* As in Argo: numbers in plugin bodies go through 64 bits, else they stay exact; defaults of templates are merged
     * as TPH_MERGE_COMPAT says. */
    TPH_SPEC_ARGO = 1,
};

/* A resource that is known already, or NULL; name is of no matter for LOCAL. */
struct tph_resource *tph_spec_resource(const struct tph_spec *spec, enum tph_resource_kind kind, struct tph_str name);
/* templates: a list, copied. */
struct tph_resource *tph_spec_add_resource(struct tph_spec *spec, enum tph_resource_kind kind, struct tph_str name,
                                           const struct tph_json *templates);
/* A template of a resource, compiled now if it was not yet; NULL in ret_template where there is none of that name. */
int tph_spec_template(struct tph_spec *spec, struct tph_resource *resource, struct tph_str name,
                      const struct tph_template **ret_template, struct tph_error *err) TPH_MUST_CHECK;
void tph_resource_release(struct tph_resource *resource);

/* spec_dag.c: what a DAG template runs for a target: names with single spaces between them; empty = all tasks. The plan
 * is in the arena. Returns 0, TPH_DAG_NO_TASK or -1 (a cycle) with the problem. */
enum { TPH_DAG_NO_TASK = 1 };
int tph_dag_plan_for(const struct tph_template *t, struct tph_str target, struct tph_arena *arena,
                     struct tph_dag_plan *ret_plan, struct tph_buf *problem) TPH_MUST_CHECK;

/* Of options only how templates are adapted counts; they outlive the spec. Errors: kind INVALID, "PATH: what"; ret_path
 * (may be NULL) gets the path. */
int tph_spec_compile(const struct tph_json *workflow, const struct tph_run_options *options, unsigned flags,
                     struct tph_spec **ret_spec, struct tph_buf *ret_path, struct tph_error *err) TPH_MUST_CHECK;
void tph_spec_free(struct tph_spec *spec);
TPH_DEFINE_CLEANUP(struct tph_spec, tph_spec_free);
