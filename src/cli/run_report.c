/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_report.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"

enum {
    SCREEN_ROWS = 20, /* of a tree that is seen at a glance */
    FAILED_SHOWN = 5,
};

static void put_output(struct tph_str name, struct tph_str value, struct tph_buf *out)
{
    (void)tph_buf_puts(out, "   ");
    (void)tph_utf8_printable(out, name, 0);
    (void)tph_buf_puts(out, " = ");
    (void)tph_utf8_printable(out, value, 0);
    (void)tph_buf_putc(out, '\n');
}

static void put_outputs(const struct tph_node *root, struct tph_buf *out)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(root->outputs, "parameters"));
    while (tph_json_next(&it)) {
        put_output(tph_json_get_str(it.value, "name"), tph_json_get_str(it.value, "value"), out);
    }
    struct tph_str result = tph_json_get_str(root->outputs, "result");
    if (result.len > 0) {
        put_output(TPH_STR("result"), result, out);
    }
}

/* True for one line that ends with what stands beside the node anyway. */
static bool is_said(struct tph_str why, struct tph_str message)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf end = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_printf(&end, ": %.*s\n", TPH_FMT(message));
    return tph_str_find_byte(why, '\n') + 1 == (ptrdiff_t)why.len && tph_str_has_suffix(why, tph_buf_str(&end));
}

/* Which leaves failed, the first one first, where the tree is too long to find them in. */
static void put_failed(const struct tph_run *run, struct tph_buf *out)
{
    const struct tph_node *shown[FAILED_SHOWN];
    size_t n_failed = 0;
    size_t n_shown = 0;
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        const struct tph_node *node = tph_run_node_at(run, i);
        if ((node->phase != TPH_NODE_FAILED && node->phase != TPH_NODE_ERROR) || !tph_tree_is_leaf(node)) {
            continue;
        }
        size_t at = n_shown < FAILED_SHOWN ? n_shown++ : FAILED_SHOWN;
        for (; at > 0 && node->finished_ms < shown[at - 1]->finished_ms; at--) {
            if (at < FAILED_SHOWN) {
                shown[at] = shown[at - 1];
            }
        }
        if (at < FAILED_SHOWN) {
            shown[at] = node;
        }
        n_failed++;
    }
    for (size_t i = 0; i < n_shown; i++) {
        (void)tph_buf_puts(out, "failed: ");
        (void)tph_utf8_printable(out, shown[i]->name, 0);
        (void)tph_buf_puts(out, shown[i]->message.len > 0 ? ": " : "");
        (void)tph_utf8_printable(out, shown[i]->message, 0);
        (void)tph_buf_putc(out, '\n');
    }
    if (n_failed > n_shown) {
        (void)tph_buf_printf(out, "and %zu more\n", n_failed - n_shown);
    }
    (void)tph_buf_puts(out, n_failed > 0 ? "\n" : "");
}

/* Once for each key that a failed plugin node used: who was asked and what each said. */
static void put_explanations(const struct tph_shown *workflow, const struct tph_map *keys, struct tph_buf *out)
{
    struct tph_map seen = TPH_MAP_INIT;
    const struct tph_run *run = workflow->run;
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        const struct tph_node *node = tph_run_node_at(run, i);
        bool failed = node->phase == TPH_NODE_FAILED || node->phase == TPH_NODE_ERROR;
        char *key = failed && node->type == TPH_NODE_PLUGIN ? tph_map_get(keys, node->template_name) : NULL;
        if (key && workflow->tasks && !tph_map_set(&seen, tph_str(key), key)) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
            tph_agent_explain(workflow->tasks, tph_str(key), &why);
            (void)tph_buf_put(out, is_said(tph_buf_str(&why), node->message) ? TPH_STR("") : tph_buf_str(&why));
        }
    }
    tph_map_release(&seen);
}

/* "NAME Failed in 7.4s: why" */
static void put_result(const struct tph_run *run, const struct tph_tree_style *style, struct tph_buf *out)
{
    static const char *const colors[TPH_WORKFLOW_PHASE_COUNT] = {
        [TPH_WORKFLOW_SUCCEEDED] = "32", [TPH_WORKFLOW_FAILED] = "31", [TPH_WORKFLOW_ERROR] = "31"};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_node *root = tph_run_root(run);
    enum tph_workflow_phase phase = tph_run_phase(run);
    const char *color = style->color ? colors[phase] : NULL;
    (void)tph_utf8_printable(out, tph_json_get_str(tph_json_get(tph_run_object(run, doc), "metadata"), "name"), 0);
    (void)tph_buf_printf(out, " %s%s%s%s%s in ", color ? "\033[" : "", color ? color : "", color ? "m" : "",
                         tph_workflow_phase_name(phase), color ? "\033[0m" : "");
    int64_t ms = root && root->finished_ms ? root->finished_ms - root->started_ms : 0;
    if (style->seconds) {
        tph_tree_seconds(ms / 1000, out);
    } else {
        tph_tree_duration(ms, out);
    }
    struct tph_str message = tph_run_message(run);
    if (message.len > 0 && !(root && tph_str_eq(message, root->message))) {
        (void)tph_buf_puts(out, ": ");
        (void)tph_utf8_printable(out, message, 0);
    }
    (void)tph_buf_putc(out, '\n');
}

void tph_report_write(const struct tph_shown *workflow, const struct tph_map *keys, const struct tph_tree_style *style,
                      struct tph_buf *out)
{
    const struct tph_run *run = workflow->run;
    struct tph_tree tree = {.run = run, .keys = keys, .now_ms = tph_clock_wall_ms()};
    struct tph_tree_style whole = {.color = style->color, .utf8 = style->utf8, .seconds = style->seconds};
    (void)tph_buf_putc(out, '\n');
    size_t rows = tph_tree_write(&tree, &whole, out);
    if (tph_run_root(run)) {
        put_outputs(tph_run_root(run), out);
    }
    (void)tph_buf_putc(out, '\n');
    if (tph_run_phase(run) != TPH_WORKFLOW_SUCCEEDED) {
        if (rows > SCREEN_ROWS) {
            put_failed(run, out);
        }
        TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        put_explanations(workflow, keys, &why);
        (void)tph_utf8_printable(out, tph_buf_str(&why), TPH_UTF8_NEWLINES);
        (void)tph_buf_puts(out, why.len > 0 ? "\n" : "");
    }
    put_result(run, style, out);
}
