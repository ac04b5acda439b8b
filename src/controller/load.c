/* SPDX-License-Identifier: Apache-2.0 */
/* From a Workflow object to a run, or to the message of one that cannot be run. */
#include <string.h>

#include "api/gotype_argo.h"
#include "api/gotype.h"
#include "api/merge.h"
#include "api/unstructured.h"
#include "base/alloc.h"
#include "controller/controller_internal.h"
#include "data/zone.h"
#include "lint/lint.h"

bool tph_workflow_is_over(const struct tph_json *object)
{
    struct tph_str phase = tph_json_get_str(tph_json_get(object, "status"), "phase");
    return tph_str_eqz(phase, "Succeeded") || tph_str_eqz(phase, "Failed") || tph_str_eqz(phase, "Error");
}

static bool has_text(const struct tph_json *json, const char *text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(json, 0, &all);
    return tph_str_find(tph_buf_str(&all), tph_str(text)) >= 0;
}

/* Whether every tag of a text names what is the same whenever it is asked: the node's inputs, and names. */
static bool tags_are_fixed(struct tph_str text)
{
    static const char *const fixed[] = {
        "inputs.", "item", "node.name", "workflow.name", "workflow.uid", "workflow.namespace", "workflow.parameters."};
    struct tph_str rest = text;
    for (ptrdiff_t at = tph_str_find(rest, TPH_STR("{{")); at >= 0; at = tph_str_find(rest, TPH_STR("{{"))) {
        bool good = false;
        rest = tph_str_trim(tph_str_slice(rest, (size_t)at + 2, rest.len));
        for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
            good = good || tph_str_has_prefix(rest, tph_str(fixed[i]));
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

/* Templates of other objects may be edited, and what they say is not looked at: their texts are kept. */
static bool texts_are_fixed(const struct tph_json *spec)
{
    if (has_text(spec, "emplateRef\":") || tph_json_get(spec, "templateDefaults")) {
        return false;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(spec, "templates"));
    while (tph_json_next(&it)) {
        const struct tph_json *plugin = tph_json_get(it.value, "plugin");
        const struct tph_json *http = tph_json_get(it.value, "http");
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        bool pod = tph_json_get(it.value, "container") || tph_json_get(it.value, "script"); /* templateMap */
        if (!plugin && !http && !pod) {
            continue;
        }
        struct tph_json_iter member = tph_json_iter(it.value);
        while (tph_json_next(&member)) {
            if (!tph_str_eqz(member.key, "inputs")) {
                tph_json_write(member.value, 0, &text);
            }
        }
        if (!tags_are_fixed(tph_buf_str(&text))) {
            return false;
        }
    }
    return true;
}

static const struct tph_run_objects *objects_of(const struct carried *w)
{
    const struct tph_controller_options *o = &w->controller->options;
    return o->objects ? o->objects(o->owner, w->shown.ns) : tph_finder_view(w->controller->finder, w->shown.ns);
}

/* What Argo's controller says of one that has not begun; 0 when nothing. */
static int validate(struct carried *w, struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_error *err)
{
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_json *object = NULL;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    int failed = 0;
    if (tph_go_convert(doc, workflow, &tph_gt_argo_Workflow, &options, &object, NULL) < 0) {
        return 0; /* the engine says what it cannot read */
    }
    if (has_text(tph_json_get(workflow, "spec"), "emplateRef\":")) {
        failed = tph_finder_templates(w->controller->finder, w->shown.ns, arena, doc, &set, err);
    }
    failed = failed < 0 ? failed : tph_lint_object(object, &set, TPH_LINT_FOR_RUN, err);
    tph_map_release(&set.templates);
    tph_map_release(&set.cluster);
    return failed;
}

static void refuse_with(struct carried *w, const struct tph_json *workflow, const char *what, const char *why)
{
    TPH_CLEANUP(tph_freep) char *message = tph_format("%s: %s", what, why);
    tph_carried_refuse(w, workflow, TPH_WORKFLOW_FAILED, tph_str(message));
}

/* workflowRestrictions, in Argo's words. */
static int check_reference(const struct carried *w, const struct tph_json *workflow, struct tph_error *err)
{
    const struct tph_json *spec = tph_json_get(workflow, "spec");
    if (!w->controller->settings.must_refer) {
        return 0;
    }
    if (!tph_json_is(tph_json_get(spec, "workflowTemplateRef"), TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "workflows must use workflowTemplateRef to be executed when the controller is in "
                             "reference mode");
    }
    return tph_merge_check_overrides(spec, NULL, err);
}

/* The checks before the first step. False: it is refused. */
static bool check_fresh(struct carried *w, struct tph_json_doc *doc, struct tph_json **workflow,
                        const struct tph_run_options *options)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_unstructured_check(*workflow, &tph_gt_argo_Workflow, &err) < 0) {
        refuse_with(w, *workflow, "cannot unmarshall spec", err.text);
        return false;
    }
    if (w->controller->options.objects) {
        return true; /* whoever gives the objects has looked */
    }
    struct tph_json *merged = NULL;
    if (check_reference(w, *workflow, &err) < 0 || tph_run_merge(doc, *workflow, options, &merged, &err) < 0) {
        tph_carried_refuse(w, *workflow, TPH_WORKFLOW_ERROR, tph_str(err.text));
        return false;
    }
    *workflow = merged;
    if (validate(w, doc, merged, &err) < 0) {
        refuse_with(w, merged, "invalid spec", err.text);
        return false;
    }
    return true;
}

/* The condition Completed is there, and False: `argo retry` has opened it again. */
static bool is_reopened(const struct tph_json *object)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "status", "conditions", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "type"), "Completed")) {
            return tph_str_eqz(tph_json_get_str(it.value, "status"), "False");
        }
    }
    return false;
}

static void adapt(void *owner, struct tph_json_doc *doc, struct tph_json *tmpl)
{
    tph_template_map_leaf(owner, doc, tmpl);
}

/* Whether what was decided of it counts for nothing, for something could not be read. */
static bool look_missed(struct carried *w)
{
    struct tph_error err = TPH_ERROR_INIT;
    bool missed = tph_finder_missed(w->controller->finder, &err);
    if (missed) {
        tph_carried_unread(w, &err);
    }
    return missed;
}

void tph_carried_make(struct carried *w, struct tph_json_doc *doc)
{
    struct tph_controller *c = w->controller;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *workflow = tph_json_root(doc);
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(8));
    struct tph_run_options options = {
        .objects = objects_of(w),
        .locks = c->locks,
        .lock_owner = w,
        .compat = c->settings.compat,
        .workflow_defaults = c->settings.workflow_defaults,
        .adapt = c->settings.map.container || c->settings.map.script ? adapt : NULL,
        .adapt_owner = &c->settings.map,
        .read_zone = tph_zone_read_file,
    };
    const struct tph_json *status = tph_json_get(workflow, "status");
    struct tph_str phase_now = tph_json_get_str(status, "phase");
    bool fresh = phase_now.len == 0 || (tph_str_eqz(phase_now, "Pending") && !tph_json_get(status, "storedTemplates"));
    w->unread = false;
    (void)tph_finder_missed(c->finder, &err); /* of somebody else */
    if (!tph_admit(w, workflow)) {
        return;
    }
    if (!w->rows_read && tph_tasks_load(w, is_reopened(workflow), &err) < 0) {
        if (!w->rows_read) {
            tph_carried_unread(w, &err);
            return;
        }
        tph_carried_refuse(w, workflow, TPH_WORKFLOW_ERROR, tph_str(err.text));
        return;
    }
    if (fresh && !check_fresh(w, doc, &workflow, &options)) {
        (void)look_missed(w);
        return;
    }
    struct tph_run *run = NULL;
    options.workflow_defaults = NULL; /* who begins has them, others keep what they began with */
    int made = tph_run_new(workflow, &options, &run, &path, &err);
    if (look_missed(w)) {
        tph_run_free(run);
        return;
    }
    if (made < 0) {
        enum tph_workflow_phase phase = err.kind == TPH_ERROR_NOT_FOUND ? TPH_WORKFLOW_FAILED : TPH_WORKFLOW_ERROR;
        tph_carried_refuse(w, workflow, phase, tph_str(err.text));
        return;
    }
    const struct tph_json *spec = tph_run_exec_spec(workflow);
    w->shown.run = run;
    w->has_locks = has_text(spec, "\"synchronization\":") || has_text(spec, "emplateRef\":");
    tph_tell_known(w);
    w->has_own_plugins = tph_json_len(tph_json_get(spec, "executorPlugins")) > 0;
    w->fixed_texts = texts_are_fixed(spec);
    w->generation = 0;
}

/* The results that were not durable when the object was edited. */
static void replay(struct carried *w)
{
    struct results list = w->fresh;
    w->fresh = (struct results){.first = NULL};
    for (struct result *r = list.first; r && w->state == CARRIED_RUNNING; r = r->next) {
        const struct tph_json *root = tph_json_root(r->doc);
        struct task *task = tph_map_get(&w->tasks, tph_str(r->node_id));
        struct tph_node_result kept = {
            .phase = tph_json_get_str(root, "phase"),
            .message = tph_json_get_str(root, "message"),
            .progress = tph_json_get_str(root, "progress"),
            .outputs = tph_json_get(root, "outputs"),
        };
        struct tph_task_result result = {
            .phase = kept.phase, .message = kept.message, .progress = kept.progress, .outputs = kept.outputs};
        if (task) {
            tph_results_add(&w->fresh, tph_str(r->node_id), &kept);
            tph_carried_apply(w, &(struct tph_event){.kind = TPH_EVENT_REPLY,
                                                     .node_id = tph_str(r->node_id),
                                                     .attempt = task->engine_attempt,
                                                     .result = &result});
        }
    }
    tph_results_free(&list);
}

void tph_carried_go(struct carried *w)
{
    const struct tph_controller_observer *o = &w->controller->options.observer;
    size_t at = 0;
    struct tph_str id;
    void *task = NULL;
    if (!w->shown.run || w->state == CARRIED_OVER || w->unread) {
        return;
    }
    while (tph_map_next(&w->tasks, &at, &id, &task)) {
        ((struct task *)task)->wanted = false;
    }
    enum tph_workflow_phase phase = tph_run_phase(w->shown.run);
    w->begins = phase == TPH_WORKFLOW_NEW || phase == TPH_WORKFLOW_PENDING;
    w->state = CARRIED_RUNNING;
    if (o->begun) {
        o->begun(o->owner, &w->shown);
    }
    w->again = !w->begins;
    tph_carried_apply(w, &(struct tph_event){.kind = TPH_EVENT_START});
    w->again = false;
    tph_tasks_loaded(w);
    replay(w);
    tph_carried_doom_unwanted(w);
}
