/* SPDX-License-Identifier: Apache-2.0 */
/* What the edits share. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "data/fieldsel.h"
#include "edit/edit.h"

/* One node of status.nodes with its edges. */
struct edit_node {
    struct tph_str id, name, type, phase;
    const struct tph_json *value;
    struct edit_node **children; /* those that are there */
    size_t n_children;
    struct edit_node **parents;
    size_t n_parents;
    struct edit_node *parent;   /* of several the one with the greatest id, as in Argo; NULL: none */
    struct edit_node *boundary; /* NULL: none */

    bool selected;  /* by the field selector */
    bool succeeded; /* something below it has succeeded */
    bool gone;      /* forgotten */
    bool reset;     /* runs again */
    /* retry_plan.c: what it has done with the node already */
    bool climbed, surrounded, chained, listed;
};

struct edit_graph {
    struct tph_arena *arena;
    struct edit_node *nodes; /* in the order of the object */
    size_t n_nodes;
    struct edit_node **sorted; /* by id */
    struct tph_str workflow;   /* its name */
};

/* Lives in the arena; borrows the workflow. */
void tph_edit_graph_build(struct edit_graph *graph, struct tph_arena *arena, const struct tph_json *workflow);

/* Sets `succeeded`. Nodes that the selector names count as if they had not. */
void tph_edit_mark_succeeded(struct edit_graph *graph);

/* "w.onExit" and whatever begins so. */
bool tph_edit_is_on_exit(const struct edit_graph *graph, struct tph_str name);

/* retry_plan.c: marks gone and reset; adds the names of pods to the array. */
struct edit_plan {
    const struct tph_json *workflow;
    const struct tph_fieldsel *selector; /* NULL: none */
    bool parameters;                     /* loops are expanded anew */
    struct tph_json_doc *doc;
    struct tph_json *pods;
};
int tph_edit_plan(struct edit_graph *graph, const struct edit_plan *plan, struct tph_error *err) TPH_MUST_CHECK;

/* nodes.c */
bool tph_edit_is_completed(struct tph_str workflow_phase);
bool tph_edit_is_fulfilled(struct tph_str node_phase);
struct tph_json *tph_edit_time(struct tph_json_doc *doc, int64_t now_ms);
/* A copy of an object but for some members (names ended by NULL). */
struct tph_json *tph_edit_copy_without(struct tph_json_doc *doc, const struct tph_json *object,
                                       const char *const *members);
/* The member, made an empty object where it is none. */
struct tph_json *tph_edit_object(struct tph_json_doc *doc, struct tph_json *object, const char *key);

/* The condition Completed is False. */
void tph_edit_reopen(struct tph_json_doc *doc, struct tph_json *status);

/* arguments.c */
int tph_edit_check_parameters(const struct tph_edit_parameters *parameters, struct tph_error *err) TPH_MUST_CHECK;
/* Replaces or adds them in spec.arguments.parameters. */
void tph_edit_put_parameters(struct tph_json_doc *doc, struct tph_json *spec,
                             const struct tph_edit_parameters *parameters);
