/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/engine only: texts with their tags replaced, for a place, and what a variable is there. */
#pragma once

#include "engine/state.h"

/* scope.c: whose text it is, and what its tags may name */
struct scope {
    const struct tph_run *run;
    const struct node *node;       /* of whose template the text is */
    const struct tph_json *inputs; /* {{inputs.parameters.X}}; NULL = none yet */
    bool references;               /* {{steps.X...}} or {{tasks.X...}} of the members of node have to be known */
    const struct node *self;       /* of a hook: the node it belongs to, known under its own name */
    struct tph_str item;           /* {{item}}; p NULL = none */
    bool only_item;                /* nothing but {{item}} is known, and every tag has to be */
    bool hook;                     /* of a hook: what the other steps gave may be named, but need not be known */
    bool late;                     /* {{workflow.status}} and so on are known */
    bool only_globals;             /* nothing but the workflow's own names is known; node is NULL */
    bool only_retry;               /* nothing but retries and lastRetry is known */
    const struct node *retry;      /* {{retries}}, {{lastRetry.*}}: of this retry node's attempts; NULL = none */
};
/* Puts a text together for a scope. Returns as tph_text_eval; TPH_TEXT_ABSENT_WHOLE when the text is one tag for what
 * is absent. flags: TPH_TEXT_JSON or 0. */
int tph_scope_eval(const struct scope *scope, const struct tph_text *text, unsigned flags, struct tph_buf *out,
                   struct tph_buf *problem) TPH_MUST_CHECK;
/* A text whose tags came in with a value. */
int tph_scope_eval_again(const struct scope *scope, struct tph_str text, struct tph_buf *out, struct tph_buf *problem)
    TPH_MUST_CHECK;
/* Appends a finished text, if there is room. */
int tph_scope_give(struct tph_str made, struct tph_buf *out, struct tph_buf *problem) TPH_MUST_CHECK;
/* inputs.c: data[key] of a ConfigMap that is meant for parameters. Returns 0, or -1 with the problem. */
int tph_config_map_value(const struct tph_run *run, struct tph_str name, struct tph_str key, struct tph_buf *value,
                         struct tph_buf *problem) TPH_MUST_CHECK;
/* The same pass by pass for a JSON text that was put together from several, where braces came in with values. */
int tph_scope_replace(const struct scope *scope, struct tph_str json, struct tph_buf *out, struct tph_buf *problem)
    TPH_MUST_CHECK;
/* True where braces in text may be tags for a later pass. */
bool tph_scope_has_tags(struct tph_str text);
enum tph_text_value tph_scope_resolve(const struct scope *scope, struct tph_str reference, struct tph_buf *value,
                                      struct tph_buf *problem);
/* express.c: of the passes of a scope, which is their owner. */
tph_text_expression tph_scope_expression;
/* An expression's value as a text, as outputs have it. Returns 0, or -1 with the problem. */
int tph_scope_express(const struct scope *scope, struct tph_str expression, struct tph_buf *value,
                      struct tph_buf *problem) TPH_MUST_CHECK;
/* The value of a label, which has to be a text. Returns 0, or -1 with the problem. */
int tph_scope_label(const struct scope *scope, struct tph_str label, struct tph_str expression, struct tph_buf *value,
                    struct tph_buf *problem) TPH_MUST_CHECK;
/* A condition in the expression language. Returns 0, or -1 with the problem. */
int tph_scope_decide(const struct scope *scope, struct tph_str expression, bool *ret_value, struct tph_buf *problem)
    TPH_MUST_CHECK;
/* Frees the expressions that a run keeps compiled, text -> struct tph_expr, and leaves the map empty. */
void tph_express_forget(struct tph_map *kept);
/* lookup.c: what a variable is; owner is a struct scope. all: any of them, in this order. */
tph_text_lookup tph_lookup_globals;
tph_text_lookup tph_lookup_inputs;
tph_text_lookup tph_lookup_references;
tph_text_lookup tph_lookup_item;
tph_text_lookup tph_lookup_retry;
tph_text_lookup tph_lookup_all;

/* Appends to an error about a reference why it cannot be resolved; nothing where that is not known. */
void tph_lookup_explain(const struct node *boundary, struct tph_buf *problem);
/* What a loop over nothing says. */
#define TPH_EMPTY_LOOP_MESSAGE "Skipped, empty params"

/* The scope of a node's own template. */
struct scope tph_scope_of(const struct node *node);
/* The inputs of a node: what is declared, overridden by values. Returns 0, NULL in ret_inputs where there are none;
 * or -1 with the problem. */
int tph_scope_inputs(struct node *node, const struct tph_str *values, struct tph_json **ret_inputs,
                     struct tph_buf *problem) TPH_MUST_CHECK;
/* Those of an attempt: the retry node's, with what is known of attempts put in. */
int tph_scope_attempt_inputs(struct node *node, struct tph_json **ret_inputs, struct tph_buf *problem) TPH_MUST_CHECK;
