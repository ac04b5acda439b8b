/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow as it is executed: over the template that it refers to, and over the controller's defaults. Source:
 * argo 2.1 (1), 2.16.
 *
 * What was merged when the workflow began is kept in its status and counts from then on, whatever becomes of the
 * template. */
#include <string.h>

#include "api/merge.h"
#include "engine/run.h"
#include "engine/run_internal.h"

#define LABEL(name) "workflows.argoproj.io/" name

static struct tph_json *member_object(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    if (!tph_json_is(tph_json_get(object, key), TPH_JSON_OBJECT)) {
        tph_json_set(doc, object, key, tph_json_new_object(doc));
    }
    return tph_json_get(object, key);
}

const struct tph_json *tph_run_exec_spec(const struct tph_json *workflow)
{
    const struct tph_json *spec = tph_json_get(workflow, "spec");
    const struct tph_json *stored = tph_json_path(workflow, "status", "storedWorkflowTemplateSpec", NULL);
    bool refers = tph_json_is(tph_json_get(spec, "workflowTemplateRef"), TPH_JSON_OBJECT);
    return refers && tph_json_is(stored, TPH_JSON_OBJECT) ? stored : spec;
}

/* The template's spec, or -1 with what Kubernetes says when there is none. */
static int find_template(const struct tph_json *ref, const struct tph_run_objects *objects,
                         const struct tph_json **ret_spec, struct tph_error *err)
{
    bool cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
    struct tph_str name = tph_json_get_str(ref, "name");
    const struct tph_json *found =
        objects ? objects->find(objects->owner, cluster ? TPH_OBJECT_CLUSTER_TEMPLATE : TPH_OBJECT_TEMPLATE, name)
                : NULL;
    if (!found) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "%sworkflowtemplates.argoproj.io \"%.*s\" not found",
                             cluster ? "cluster" : "", TPH_FMT(name));
    }
    *ret_spec = tph_json_get(found, "spec");
    return 0;
}

static int merge_template(struct tph_json_doc *doc, struct tph_json *workflow, const struct tph_run_options *options,
                          struct tph_error *err)
{
    const struct tph_json *ref = tph_json_path(workflow, "spec", "workflowTemplateRef", NULL);
    bool cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
    struct tph_merge_specs specs = {.workflow = tph_json_get(workflow, "spec"),
                                    .defaults = tph_json_get(options->workflow_defaults, "spec")};
    struct tph_json *merged = NULL;
    struct tph_json *metadata = NULL;
    if (find_template(ref, options->objects, &specs.template_spec, err) < 0 ||
        tph_merge_specs(doc, &specs, &merged, err) < 0 ||
        tph_merge_metadata(doc, tph_json_get(workflow, "metadata"),
                           tph_json_get(options->workflow_defaults, "metadata"), &metadata, err) < 0) {
        return -1;
    }
    static const char *const kept[] = {"labels", "annotations"};
    for (size_t i = 0; i < 2 && options->workflow_defaults; i++) {
        const struct tph_json *marks = tph_json_get(metadata, kept[i]);
        if (tph_json_len(marks) > 0) {
            tph_json_set(doc, member_object(doc, workflow, "metadata"), kept[i], tph_json_copy(doc, marks));
        }
    }
    struct tph_json *labels = member_object(doc, member_object(doc, workflow, "metadata"), "labels");
    tph_json_set_str(doc, labels, cluster ? LABEL("cluster-workflow-template") : LABEL("workflow-template"),
                     tph_json_get_str(ref, "name"));
    tph_json_set(doc, member_object(doc, workflow, "status"), "storedWorkflowTemplateSpec", merged);
    return 0;
}

bool tph_run_needs_merge(const struct tph_json *workflow, const struct tph_run_options *options)
{
    const struct tph_json *status = tph_json_get(workflow, "status");
    if (tph_json_is(tph_json_path(workflow, "spec", "workflowTemplateRef", NULL), TPH_JSON_OBJECT)) {
        return !tph_json_is(tph_json_get(status, "storedWorkflowTemplateSpec"), TPH_JSON_OBJECT);
    }
    struct tph_str phase = tph_json_get_str(status, "phase");
    bool begun = phase.len > 0 && !(tph_str_eqz(phase, "Pending") && tph_json_len(tph_json_get(status, "nodes")) == 0);
    return tph_json_len(options->workflow_defaults) > 0 && !begun;
}

int tph_run_merge(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_run_options *options,
                  struct tph_json **ret_workflow, struct tph_error *err)
{
    struct tph_json *merged = NULL;
    if (!tph_run_needs_merge(workflow, options)) {
        *ret_workflow = tph_json_copy(doc, workflow);
        return 0;
    }
    if (!tph_json_is(tph_json_path(workflow, "spec", "workflowTemplateRef", NULL), TPH_JSON_OBJECT)) {
        return tph_merge_workflow(doc, workflow, options->workflow_defaults, ret_workflow, err);
    }
    merged = tph_json_copy(doc, workflow);
    if (merge_template(doc, merged, options, err) < 0) {
        return -1;
    }
    *ret_workflow = merged;
    return 0;
}
