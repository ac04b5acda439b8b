/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of Workflow objects that clients and servers make: retry, resubmit, set, stop, terminate, suspend, resume.
 *
 * Each takes a whole Workflow as JSON, with its nodes in status.nodes (not compressed), and gives a new one in doc;
 * what is not edited stays as it is, unknown members too. Nothing else happens: whoever calls writes the object, and
 * times and new names are given in. Errors are of kind INVALID in Argo's words. Cost follows the number of nodes and
 * edges. Reference: argo 2.11, 2.14, 2.19. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/json.h"

/* Parameters as on a command line: each "NAME=VALUE". They replace arguments of that name whole and come first. */
struct tph_edit_parameters {
    const struct tph_str *list;
    size_t n;
};

/* True when a node has all that a field selector asks for: displayName, templateName, phase, name, id,
 * templateRef.name, templateRef.template, inputs.parameters.NAME.value. -1: the selector is none. */
int tph_edit_node_matches(const struct tph_json *node, struct tph_str selector, bool *ret_matches,
                          struct tph_error *err) TPH_MUST_CHECK;

/* Makes a workflow that ended run again: leaves that failed are forgotten with all that came after them, what stands
 * around them runs again. With restart_successful also the nodes that match the selector; a Succeeded workflow needs
 * both. ret_pods: names of the pods that belong to forgotten nodes, an array of texts in doc.
 *
 * Parameters are also put into the spec that was merged with the template's (status.storedWorkflowTemplateSpec).
 * compat: as Argo does it, whose merged spec loses all parameters that are the template's only. Errors: "Cannot retry a
 * workflow in phase Running", "couldn't find parent node for ID" and others. */
struct tph_edit_retry {
    bool restart_successful;
    bool compat;
    struct tph_str selector;
    struct tph_edit_parameters parameters;
    int64_t now_ms;
};
int tph_edit_retry(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_retry *how,
                   struct tph_json **ret_workflow, struct tph_json **ret_pods, struct tph_error *err) TPH_MUST_CHECK;

/* A new workflow like an old one. memoized (Failed and Error only): with the nodes of the old one, renamed, so that
 * pods that did not fail are not run again; all other nodes are. name: of the new one, needed when memoized, for the
 * ids of nodes have it in them; otherwise it is made from generateName by whoever creates the object.
 * tph_edit_name_prefix is what a random part is put behind. */
struct tph_edit_resubmit {
    bool memoized;
    struct tph_str name;
    struct tph_edit_parameters parameters;
    int64_t now_ms;
};
int tph_edit_resubmit(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_resubmit *how,
                      struct tph_json **ret_workflow, struct tph_error *err) TPH_MUST_CHECK;
void tph_edit_name_prefix(const struct tph_json *workflow, struct tph_buf *prefix);

/* Gives running Suspend nodes that match the selector a phase, a message, values of the outputs they wait for; what is
 * empty stays. Errors: "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: S",
 * "node is not expecting output parameter 'P'", ... */
struct tph_edit_set {
    struct tph_str selector;
    struct tph_str phase;
    struct tph_str message;
    const struct tph_json *outputs; /* {name: text}, or NULL */
    int64_t now_ms;
};
int tph_edit_set(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_set *how,
                 struct tph_json **ret_workflow, struct tph_error *err) TPH_MUST_CHECK;

/* Without a selector: no new work, exit handlers run. With one: Suspend nodes that match fail, with the message. */
int tph_edit_stop(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_str selector,
                  struct tph_str message, int64_t now_ms, struct tph_json **ret_workflow, struct tph_error *err)
    TPH_MUST_CHECK;
int tph_edit_terminate(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_json **ret_workflow,
                       struct tph_error *err) TPH_MUST_CHECK;

/* spec.suspend, and its end. resume without a selector ends every running Suspend node, outputs by their defaults; with
 * one, nodes that match, their outputs as they are. note, which may be empty, is added to their messages. */
int tph_edit_suspend(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_json **ret_workflow,
                     struct tph_error *err) TPH_MUST_CHECK;
int tph_edit_resume(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_str selector,
                    struct tph_str note, int64_t now_ms, struct tph_json **ret_workflow, struct tph_error *err)
    TPH_MUST_CHECK;

/* Argo's clients say this before the error of a suspend or of a resume without a selector. */
#define TPH_EDIT_TIMED_OUT "timed out waiting for the condition: "
