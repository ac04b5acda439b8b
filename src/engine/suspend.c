/* SPDX-License-Identifier: Apache-2.0 */
/* Suspend nodes: they wait for a time or for a person. Source: argo 2.11. */
#include "base/limits.h"
#include "data/duration.h"
#include "engine/run_internal.h"

/* The default that an input of the same name declares. */
static const struct tph_json *input_default(const struct node *node, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(node->pub.inputs, "parameters"));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return tph_json_get(it.value, "default");
        }
    }
    return NULL;
}

/* Outputs that somebody is to supply are there from the beginning, without values. */
static void declare_outputs(struct node *node)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(node->template->declared_outputs, "parameters"));
    while (tph_json_next(&it)) {
        struct tph_json *parameter = tph_json_copy(doc, it.value);
        struct tph_json *from = tph_json_get(parameter, "valueFrom");
        const struct tph_json *fallback = input_default(node, tph_json_get_str(parameter, "name"));
        if (tph_json_get(from, "supplied") && !tph_json_get(from, "default") && fallback) {
            tph_json_set(doc, from, "default", tph_json_copy(doc, fallback));
        }
        tph_json_append(doc, list, parameter);
    }
    if (tph_json_len(list) > 0) {
        struct tph_json *outputs = tph_json_new_object(doc);
        tph_json_set(doc, outputs, "parameters", list);
        tph_node_set_outputs(node, outputs);
    }
}

static int set_deadline(struct node *node, struct tph_buf *problem)
{
    const struct tph_template *t = node->template;
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(4));
    struct scope scope = tph_scope_of(node);
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    if (!t->has_duration) {
        return 0;
    }
    if (tph_scope_eval(&scope, &t->duration, 0, &value, problem)) {
        return -1;
    }
    if (tph_duration_parse(tph_buf_str(&value), &ns, &err) < 0) {
        (void)tph_buf_puts(problem, err.text);
        return -1;
    }
    int64_t due_ms = tph_run_since(node->run, node->pub.started_ms, node->unknown_ms) + ns / 1000000;
    tph_node_set_deadline(node, due_ms > 0 ? due_ms : 1);
    return 0;
}

int tph_suspend_prepare(struct node *node, struct tph_buf *problem)
{
    declare_outputs(node);
    if (set_deadline(node, problem) < 0) {
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    return 0;
}

/* What was not supplied gets its default; -1: one has none. */
static int fill_outputs(struct node *node, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *outputs = node->pub.outputs ? tph_json_copy(doc, node->pub.outputs) : NULL;
    struct tph_json_iter it = tph_json_iter(tph_json_get(outputs, "parameters"));
    while (tph_json_next(&it)) {
        const struct tph_json *from = tph_json_get(it.value, "valueFrom");
        const struct tph_json *fallback = tph_json_get(from, "default");
        if (tph_json_get(it.value, "value") || !tph_json_get(from, "supplied")) {
            continue;
        }
        if (!fallback) {
            (void)tph_buf_printf(problem,
                                 "raw output parameter '%.*s' has not been set and does not have a default value",
                                 TPH_FMT(tph_json_get_str(it.value, "name")));
            return -1;
        }
        tph_json_set(doc, it.value, "value", tph_json_copy(doc, fallback));
        (void)tph_json_remove(it.value, "valueFrom");
    }
    tph_node_set_outputs(node, outputs);
    return 0;
}

void tph_suspend_expire(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_node_set_deadline(node, 0);
    if (fill_outputs(node, &problem) < 0) {
        node->broken = true;
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        return;
    }
    tph_node_set_progress(node, node->total, node->total);
    tph_node_set_phase(node, TPH_NODE_SUCCEEDED, NULL);
}

void tph_suspend_restore(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    if (!tph_node_phase_is_final(node->pub.phase)) {
        (void)set_deadline(node, &problem); /* was good when the node was made */
    }
}
