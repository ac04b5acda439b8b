/* SPDX-License-Identifier: Apache-2.0 */
/* A node of a workflow, as others may look at it; only the engine changes one (run_internal.h is its inside).
 *
 * Phases, types: enums; their words exist at the JSON edge only. Reference: argo 1.5 to 1.8.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "data/json.h"

enum tph_node_phase {
    TPH_NODE_PENDING,
    TPH_NODE_RUNNING,
    TPH_NODE_SUCCEEDED,
    TPH_NODE_SKIPPED,
    TPH_NODE_FAILED,
    TPH_NODE_ERROR,
    TPH_NODE_OMITTED,
    TPH_NODE_PHASE_COUNT,
};

enum tph_node_type {
    TPH_NODE_STEPS,
    TPH_NODE_STEP_GROUP,
    TPH_NODE_DAG,
    TPH_NODE_TASK_GROUP,
    TPH_NODE_RETRY,
    TPH_NODE_SKIP, /* "Skipped" */
    TPH_NODE_SUSPEND,
    TPH_NODE_HTTP,
    TPH_NODE_PLUGIN,
    TPH_NODE_TYPE_COUNT,
};

enum tph_workflow_phase {
    TPH_WORKFLOW_NEW, /* "": not begun */
    TPH_WORKFLOW_PENDING,
    TPH_WORKFLOW_RUNNING,
    TPH_WORKFLOW_SUCCEEDED,
    TPH_WORKFLOW_FAILED,
    TPH_WORKFLOW_ERROR,
    TPH_WORKFLOW_PHASE_COUNT,
};

const char *tph_node_phase_name(enum tph_node_phase phase);
const char *tph_node_type_name(enum tph_node_type type);
const char *tph_workflow_phase_name(enum tph_workflow_phase phase);
/* False for a word that is none; *ret_phase stays. */
bool tph_node_phase_parse(struct tph_str word, enum tph_node_phase *ret_phase);

/* Succeeded, Failed, Error, Skipped, Omitted: nothing more will happen. */
bool tph_node_phase_is_final(enum tph_node_phase phase);

struct tph_node {
    struct tph_str id, name, display_name;
    enum tph_node_type type;
    enum tph_node_phase phase;
    struct tph_str template_name;
    struct tph_str message;
    struct tph_str progress; /* of the leaves below; in JSON, as in Argo, with all that hangs on them in the graph */
    const struct tph_node *boundary; /* NULL for the root */
    int64_t started_ms, finished_ms; /* wall clock; 0 = not yet. JSON shows whole seconds */
    uint32_t attempt;
    struct tph_node *const *children;
    size_t n_children;
    const struct tph_json *inputs;  /* NULL = none */
    const struct tph_json *outputs; /* NULL = none */
};
