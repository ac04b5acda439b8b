/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of a workflow that runs: of its Suspend nodes, and of what its spec asks for. */
#include "api/node_fields.h"
#include "base/alloc.h"
#include "edit/internal.h"

/* The edits below change a copy. */
static struct tph_json *copy_of(struct tph_json_doc *doc, const struct tph_json *workflow)
{
    return tph_json_is(workflow, TPH_JSON_OBJECT) ? tph_json_copy(doc, workflow) : tph_json_new_object(doc);
}

static bool is_waiting(const struct tph_json *node)
{
    return tph_str_eqz(tph_json_get_str(node, "type"), "Suspend") &&
           tph_str_eqz(tph_json_get_str(node, "phase"), "Running");
}

static void end_node(struct tph_json_doc *doc, struct tph_json *node, struct tph_str phase, int64_t now_ms)
{
    tph_json_set_str(doc, node, "phase", phase);
    if (tph_edit_is_fulfilled(phase)) {
        tph_json_set(doc, node, "finishedAt", tph_edit_time(doc, now_ms));
    }
}

static bool is_supplied(const struct tph_json *parameter)
{
    return tph_json_is(tph_json_path(parameter, "valueFrom", "supplied", NULL), TPH_JSON_OBJECT);
}

static void supply(struct tph_json_doc *doc, struct tph_json *parameter, struct tph_str value)
{
    tph_json_set_str(doc, parameter, "value", value);
    (void)tph_json_remove(parameter, "valueFrom");
}

/* An output with a globalName is the workflow's too. */
static void export_globally(struct tph_json_doc *doc, struct tph_json *workflow, const struct tph_json *parameter)
{
    struct tph_str name = tph_json_get_str(parameter, "globalName");
    if (name.len == 0) {
        return;
    }
    struct tph_json *outputs = tph_edit_object(doc, tph_edit_object(doc, workflow, "status"), "outputs");
    struct tph_json *list = tph_json_get(outputs, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            tph_json_set_str(doc, it.value, "value", tph_json_get_str(parameter, "value"));
            return;
        }
    }
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        list = tph_json_new_array(doc);
        tph_json_set(doc, outputs, "parameters", list);
    }
    struct tph_json *global = tph_json_new_object(doc);
    tph_json_set_str(doc, global, "name", name);
    tph_json_set_str(doc, global, "value", tph_json_get_str(parameter, "value"));
    tph_json_append(doc, list, global);
}

static int set_output(struct tph_json_doc *doc, struct tph_json *workflow, struct tph_json *node, struct tph_str name,
                      struct tph_str value, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(node, "outputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        if (!tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            continue;
        }
        if (!is_supplied(it.value)) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "cannot set output parameter '%.*s' because it does not use valueFrom.raw or it was "
                                 "already set",
                                 TPH_FMT(name));
        }
        supply(doc, it.value, value);
        export_globally(doc, workflow, it.value);
        return 0;
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "node is not expecting output parameter '%.*s'", TPH_FMT(name));
}

/* *ret_changed: something was asked for. */
static int set_node(struct tph_json_doc *doc, struct tph_json *workflow, struct tph_json *node,
                    const struct tph_edit_set *how, bool *ret_changed, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(how->outputs);
    if (tph_json_len(how->outputs) > 0 && !tph_json_is(tph_json_get(node, "outputs"), TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "cannot set output parameters because node is not expecting any raw parameters");
    }
    while (tph_json_next(&it)) {
        if (set_output(doc, workflow, node, it.key, tph_json_str(it.value), err) < 0) {
            return -1;
        }
    }
    if (how->phase.len > 0) {
        end_node(doc, node, how->phase, how->now_ms);
    }
    if (how->message.len > 0) {
        tph_json_set_str(doc, node, "message", how->message);
    }
    *ret_changed = *ret_changed || how->phase.len + how->message.len + tph_json_len(how->outputs) > 0;
    return 0;
}

static int set_selected(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_set *how,
                        struct tph_json **ret_workflow, struct tph_error *err)
{
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
    bool changed = false;
    if (tph_fieldsel_parse(how->selector, &selector, err) < 0) {
        return -1;
    }
    struct tph_json *edited = copy_of(doc, workflow);
    struct tph_json_iter it = tph_json_iter(tph_json_path(edited, "status", "nodes", NULL));
    while (tph_json_next(&it)) {
        if (is_waiting(it.value) && tph_node_matches(&selector, it.value) &&
            set_node(doc, edited, it.value, how, &changed, err) < 0) {
            return -1;
        }
    }
    if (!changed) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: "
                             "%.*s",
                             TPH_FMT(how->selector));
    }
    *ret_workflow = edited;
    return 0;
}

int tph_edit_set(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_set *how,
                 struct tph_json **ret_workflow, struct tph_error *err)
{
    if (how->selector.len == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "'set' currently only targets suspend nodes, use a node field selector to target them");
    }
    return set_selected(doc, workflow, how, ret_workflow, err);
}

static int shut_down(struct tph_json_doc *doc, const struct tph_json *workflow, const char *strategy,
                     struct tph_json **ret_workflow, struct tph_error *err)
{
    const struct tph_json *metadata = tph_json_get(workflow, "metadata");
    if (tph_edit_is_completed(tph_json_get_str(tph_json_get(workflow, "status"), "phase"))) {
        return tph_error_set(
            err, TPH_ERROR_INVALID, "cannot shutdown a completed workflow: workflow: \"%.*s\", namespace: \"%.*s\"",
            TPH_FMT(tph_json_get_str(metadata, "name")), TPH_FMT(tph_json_get_str(metadata, "namespace")));
    }
    struct tph_json *edited = copy_of(doc, workflow);
    tph_json_set_cstr(doc, tph_edit_object(doc, edited, "spec"), "shutdown", strategy);
    *ret_workflow = edited;
    return 0;
}

int tph_edit_stop(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_str selector,
                  struct tph_str message, int64_t now_ms, struct tph_json **ret_workflow, struct tph_error *err)
{
    if (selector.len == 0) {
        return shut_down(doc, workflow, "Stop", ret_workflow, err);
    }
    struct tph_edit_set how = {.selector = selector, .phase = TPH_STR("Failed"), .message = message, .now_ms = now_ms};
    return set_selected(doc, workflow, &how, ret_workflow, err);
}

int tph_edit_terminate(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_json **ret_workflow,
                       struct tph_error *err)
{
    return shut_down(doc, workflow, "Terminate", ret_workflow, err);
}

int tph_edit_suspend(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_json **ret_workflow,
                     struct tph_error *err)
{
    const struct tph_json *labels = tph_json_path(workflow, "metadata", "labels", NULL);
    if (tph_str_eqz(tph_json_get_str(labels, "workflows.argoproj.io/completed"), "true")) {
        return tph_error_set(err, TPH_ERROR_INVALID, "cannot suspend completed workflows");
    }
    struct tph_json *edited = copy_of(doc, workflow);
    tph_json_set(doc, tph_edit_object(doc, edited, "spec"), "suspend", tph_json_new_bool(doc, true));
    *ret_workflow = edited;
    return 0;
}

/* Outputs that nobody supplied get their defaults. */
static int default_outputs(struct tph_json_doc *doc, struct tph_json *node, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(node, "outputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        const struct tph_json *value = tph_json_path(it.value, "valueFrom", "default", NULL);
        if (!is_supplied(it.value)) {
            continue;
        }
        if (tph_json_is_null(value)) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "raw output parameter '%.*s' has not been set and does not have a default value",
                                 TPH_FMT(tph_json_get_str(it.value, "name")));
        }
        supply(doc, it.value, tph_json_str(value));
    }
    return 0;
}

static int resume_node(struct tph_json_doc *doc, struct tph_json *node, struct tph_str note, int64_t now_ms,
                       struct tph_error *err)
{
    struct tph_str message = tph_json_get_str(node, "message");
    if (default_outputs(doc, node, err) < 0) {
        return -1;
    }
    if (message.len + note.len > 0) {
        TPH_CLEANUP(tph_freep)
        char *text = tph_format("%.*s%s%.*s", TPH_FMT(message), message.len > 0 ? "; " : "", TPH_FMT(note));
        tph_json_set_cstr(doc, node, "message", text);
    }
    end_node(doc, node, TPH_STR("Succeeded"), now_ms);
    return 0;
}

int tph_edit_resume(struct tph_json_doc *doc, const struct tph_json *workflow, struct tph_str selector,
                    struct tph_str note, int64_t now_ms, struct tph_json **ret_workflow, struct tph_error *err)
{
    if (selector.len > 0) {
        struct tph_edit_set how = {
            .selector = selector, .phase = TPH_STR("Succeeded"), .message = note, .now_ms = now_ms};
        return set_selected(doc, workflow, &how, ret_workflow, err);
    }
    struct tph_json *edited = copy_of(doc, workflow);
    struct tph_json *spec = tph_json_get(edited, "spec");
    if (tph_json_bool(tph_json_get(spec, "suspend"))) {
        (void)tph_json_remove(spec, "suspend");
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(edited, "status", "nodes", NULL));
    while (tph_json_next(&it)) {
        if (is_waiting(it.value) && resume_node(doc, it.value, note, now_ms, err) < 0) {
            return -1;
        }
    }
    *ret_workflow = edited;
    return 0;
}
