/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of a workflow: a JSON text, behind its first line, which is a selector. What is retried runs again, and no node
 * hangs on one that is gone. */
#include "edit/edit.h"
#include "fuzz.h"

static void check_children(const struct tph_json *before, const struct tph_json *after)
{
    struct tph_json_iter it = tph_json_iter(after);
    for (size_t looked = 0; looked < 50 && tph_json_next(&it); looked++) {
        struct tph_json_iter child = tph_json_iter(tph_json_get(it.value, "children"));
        while (tph_json_next(&child)) {
            struct tph_str id = tph_json_str(child.value);
            FUZZ_HOLDS(!tph_json_getn(before, id) || tph_json_getn(after, id));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *in = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    static const struct tph_str PARAMETERS[] = {{"a=1", 3}, {"=", 1}};
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str selector = TPH_STR_NONE;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *workflow = NULL;
    struct tph_json *pods = NULL;
    (void)tph_str_cut(&rest, '\n', &selector);
    if (tph_json_parse(rest, &in, &err) < 0) {
        return 0;
    }
    const struct tph_json *root = tph_json_root(in);
    const struct tph_json *nodes = tph_json_path(root, "status", "nodes", NULL);
    struct tph_edit_retry retry = {
        .restart_successful = true, .selector = selector, .parameters = {PARAMETERS, size % 3}, .now_ms = 1};
    if (tph_edit_retry(doc, root, &retry, &workflow, &pods, &err) == 0) {
        check_children(nodes, tph_json_path(workflow, "status", "nodes", NULL));
        FUZZ_HOLDS(!tph_json_get(tph_json_get(workflow, "status"), "phase"));
    }
    struct tph_edit_resubmit resubmit = {
        .memoized = size % 2 == 0, .name = TPH_STR("new"), .parameters = {PARAMETERS, size % 3}, .now_ms = 1};
    FUZZ_HOLDS(tph_edit_resubmit(doc, root, &resubmit, &workflow, &err) == 0 || err.text[0]);
    struct tph_edit_set set = {
        .selector = selector, .phase = TPH_STR("Succeeded"), .outputs = tph_json_get(root, "outputs"), .now_ms = 1};
    FUZZ_HOLDS(tph_edit_set(doc, root, &set, &workflow, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_edit_stop(doc, root, selector, selector, 1, &workflow, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_edit_resume(doc, root, TPH_STR_NONE, selector, 1, &workflow, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_edit_suspend(doc, root, &workflow, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_edit_terminate(doc, root, &workflow, &err) == 0 || err.text[0]);
    return 0;
}
