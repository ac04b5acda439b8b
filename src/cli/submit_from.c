/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/submit_from.h"

#include "base/limits.h"

#define LABEL "workflows.argoproj.io/"

/* One kind that a workflow can be made of. */
struct origin {
    const char *names[5];
    const struct tph_kube_kind *kind;
    const char *label; /* of the workflow: what it was made of */
};

static const struct origin ORIGINS[] = {
    {{"cronwf", "cronworkflow", "cronworkflows"}, &tph_kube_cron_workflows, LABEL "cron-workflow"},
    {{"wftmpl", "workflowtemplate", "workflowtemplates"}, &tph_kube_workflow_templates, LABEL "workflow-template"},
    {{"cwft", "clusterworkflowtemplate", "clusterworkflowtemplates", "clusterwftmpl"},
     &tph_kube_cluster_templates,
     LABEL "cluster-workflow-template"},
};

static const struct origin *find_origin(struct tph_str kind)
{
    for (size_t i = 0; i < sizeof ORIGINS / sizeof ORIGINS[0]; i++) {
        for (size_t k = 0; k < 5 && ORIGINS[i].names[k]; k++) {
            if (tph_str_eqz(kind, ORIGINS[i].names[k])) {
                return &ORIGINS[i];
            }
        }
    }
    return NULL;
}

static void copy_map(struct tph_json_doc *doc, struct tph_json *meta, const char *member, const struct tph_json *from)
{
    struct tph_json *map = tph_json_get(meta, member);
    struct tph_json_iter it = tph_json_iter(tph_json_get(from, member));
    if (!map && tph_json_len(tph_json_get(from, member)) > 0) {
        map = tph_json_new_object(doc);
        tph_json_set(doc, meta, member, map);
    }
    while (tph_json_next(&it)) {
        tph_json_setn(doc, map, it.key, tph_json_copy(doc, it.value));
    }
}

static void set_owner(struct tph_json_doc *doc, struct tph_json *meta, const struct tph_json *cron)
{
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_json *owner = tph_json_new_object(doc);
    tph_json_set_cstr(doc, owner, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, owner, "kind", "CronWorkflow");
    tph_json_set_str(doc, owner, "name", tph_json_get_str(tph_json_get(cron, "metadata"), "name"));
    tph_json_set_str(doc, owner, "uid", tph_json_get_str(tph_json_get(cron, "metadata"), "uid"));
    tph_json_set(doc, owner, "controller", tph_json_new_bool(doc, true));
    tph_json_set(doc, owner, "blockOwnerDeletion", tph_json_new_bool(doc, true));
    tph_json_append(doc, list, owner);
    tph_json_set(doc, meta, "ownerReferences", list);
}

static struct tph_json *reference(struct tph_json_doc *doc, const struct origin *origin, struct tph_str name)
{
    struct tph_json *spec = tph_json_new_object(doc);
    struct tph_json *ref = tph_json_new_object(doc);
    tph_json_set_str(doc, ref, "name", name);
    if (origin->kind->cluster_wide) {
        tph_json_set(doc, ref, "clusterScope", tph_json_new_bool(doc, true));
    }
    tph_json_set(doc, spec, "workflowTemplateRef", ref);
    return spec;
}

static struct tph_json *make(struct tph_json_doc *doc, const struct origin *origin, const struct tph_json *object,
                             struct tph_buf *prefix)
{
    struct tph_str name = tph_json_get_str(tph_json_get(object, "metadata"), "name");
    const struct tph_json *spec = tph_json_get(object, "spec");
    bool is_cron = origin->kind == &tph_kube_cron_workflows;
    struct tph_json *workflow = tph_json_new_object(doc);
    struct tph_json *meta = tph_json_new_object(doc);
    struct tph_json *labels = tph_json_new_object(doc);
    (void)tph_buf_printf(prefix, "%.*s-", TPH_FMT(name));
    tph_json_set_str(doc, meta, "generateName", tph_buf_str(prefix));
    tph_json_set_str(doc, labels, origin->label, name);
    tph_json_set(doc, meta, "labels", labels);
    const struct tph_json *given = tph_json_get(spec, "workflowMetadata");
    copy_map(doc, meta, "labels", given);
    copy_map(doc, meta, "annotations", given);
    if (is_cron) {
        set_owner(doc, meta, object);
    }
    tph_json_set_cstr(doc, workflow, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, workflow, "kind", "Workflow");
    tph_json_set(doc, workflow, "metadata", meta);
    tph_json_set(doc, workflow, "spec",
                 is_cron ? tph_json_copy(doc, tph_json_get(spec, "workflowSpec")) : reference(doc, origin, name));
    return workflow;
}

int tph_submit_from(struct tph_remote *remote, const char *from, struct tph_remote_answer *ret_answer,
                    struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_str name = tph_str(from);
    struct tph_str kind = TPH_STR_NONE;
    (void)tph_str_cut(&name, '/', &kind);
    const struct origin *origin = find_origin(kind);
    if (!origin || name.len == 0 || !name.p) {
        return tph_error_set(
            err, TPH_ERROR_USAGE,
            "--from takes KIND/NAME, not \"%s\"\n  KIND is cronwf, wftmpl or cwft: --from wftmpl/nightly", from);
    }
    if (tph_remote_get(remote, origin->kind, tph_str(remote->ns), name, &answer, err) < 0) {
        return -1;
    }
    struct tph_json *workflow = make(answer.doc, origin, answer.object, &prefix);
    answer.object = workflow;
    tph_json_set_root(answer.doc, workflow);
    *ret_answer = answer;
    answer = (struct tph_remote_answer){.doc = NULL};
    return 0;
}
