/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin nodes: the template as the plugin gets it, what it answers, and its end from outside. */
#include <string.h>

#include "base/limits.h"
#include "data/duration.h"
#include "engine/run_internal.h"

/* {"name":...,"inputs":{...},...}: head, the node's inputs, tail. */
static struct tph_str processed_template(struct node *node)
{
    const struct tph_template *t = node->template;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = {.run = node->run, .node = node, .inputs = node->pub.inputs};
    struct tph_text_scope texts = {.lookup = tph_scope_lookup, .owner = &scope, .flags = TPH_TEXT_JSON};
    texts.flags |= node->run->options.compatibility_argo ? TPH_TEXT_QUOTE_GO : 0U;
    tph_text_eval(&t->head, &texts, &text);
    if (node->pub.inputs) {
        tph_json_write(node->pub.inputs, TPH_JSON_HTML, &text);
    } else {
        (void)tph_buf_puts(&text, "{}");
    }
    tph_text_eval(&t->tail, &texts, &text);
    return tph_arena_str(node->run->scratch, tph_buf_str(&text));
}

void tph_leaf_start_task(struct node *node)
{
    tph_run_act(node->run, &(struct tph_action){
                               .kind = TPH_ACTION_START_TASK,
                               .node = &node->pub,
                               .attempt = node->pub.attempt,
                               .template_json = processed_template(node),
                               .key = node->template->key,
                               .deadline_ms = node->deadline_ms,
                           });
}

/* Deadlines count from the stored whole second, so that a restored run agrees. */
static int set_timeout(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    struct scope scope = {.run = node->run, .node = node, .inputs = node->pub.inputs};
    struct tph_text_scope texts = {.lookup = tph_scope_lookup, .owner = &scope};
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    tph_text_eval(&node->template->timeout, &texts, &text);
    if (tph_duration_parse(tph_buf_str(&text), &ns, &err) < 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_KIB(8));
        (void)tph_buf_printf(&message, "invalid timeout format %s", err.text);
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(&message));
        return -1;
    }
    tph_node_set_deadline(node, node->pub.started_ms / 1000 * 1000 + ns / 1000000);
    return 0;
}

void tph_leaf_begin(struct node *node)
{
    if (node->template->has_timeout && set_timeout(node) < 0) {
        return;
    }
    tph_leaf_start_task(node);
}

/* "1/3": two whole numbers, the first not larger. */
static bool parse_progress(struct tph_str text, int64_t *ret_done, int64_t *ret_total)
{
    ptrdiff_t slash = tph_str_find_byte(text, '/');
    return slash > 0 && tph_str_to_i64(tph_str_slice(text, 0, (size_t)slash), ret_done) == 0 &&
           tph_str_to_i64(tph_str_slice(text, (size_t)slash + 1, text.len), ret_total) == 0 && *ret_done >= 0 &&
           *ret_done <= *ret_total && *ret_total <= INT32_MAX;
}

static void take_outputs(struct node *node, const struct tph_json *outputs)
{
    if (!outputs || tph_json_equal(outputs, node->pub.outputs)) {
        return;
    }
    struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *copy = tph_json_copy(doc, outputs);
    tph_json_set_root(doc, copy);
    tph_json_doc_free(node->outputs_doc);
    node->outputs_doc = doc;
    node->pub.outputs = copy;
    tph_node_touch(node);
}

static void take_progress(struct node *node, struct tph_str progress, enum tph_node_phase phase)
{
    int64_t done = node->done;
    int64_t total = node->total;
    if (progress.len > 0 && !node->run->options.compatibility_argo) {
        (void)parse_progress(progress, &done, &total);
    }
    bool good = phase == TPH_NODE_SUCCEEDED || phase == TPH_NODE_SKIPPED || phase == TPH_NODE_OMITTED;
    total = total > 0 ? total : 1;
    tph_node_set_progress(node, good ? total : done, total);
}

void tph_leaf_reply(struct node *node, const struct tph_task_result *result)
{
    enum tph_node_phase phase = node->pub.phase;
    if (tph_node_phase_is_final(phase)) {
        return;
    }
    if (result->phase.len > 0 && !tph_node_phase_parse(result->phase, &phase)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_PARAMETER + TPH_KIB(8));
        (void)tph_buf_printf(&message, "the plugin answered with the phase \"%.*s\", which is none",
                             TPH_FMT(result->phase));
        if (result->message.len > 0) {
            (void)tph_buf_printf(&message, ": %.*s", TPH_FMT(result->message));
        }
        tph_run_act(node->run, &(struct tph_action){
                                   .kind = TPH_ACTION_CANCEL_TASK, .node = &node->pub, .attempt = node->pub.attempt});
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(&message));
        return;
    }
    take_outputs(node, result->outputs);
    take_progress(node, result->progress, phase);
    tph_node_set_message(node, result->message);
    tph_node_set_phase(node, phase, NULL);
}

void tph_leaf_end(struct node *node, const char *message)
{
    tph_run_act(node->run,
                &(struct tph_action){.kind = TPH_ACTION_CANCEL_TASK, .node = &node->pub, .attempt = node->pub.attempt});
    tph_node_set_phase(node, TPH_NODE_FAILED, message);
}

void tph_leaf_restore(struct node *node)
{
    if (node->pub.type == TPH_NODE_PLUGIN && node->template->has_timeout && !tph_node_phase_is_final(node->pub.phase)) {
        (void)set_timeout(node);
    }
}
