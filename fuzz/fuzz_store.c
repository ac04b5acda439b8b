/* SPDX-License-Identifier: Apache-2.0 */
/* The store's readers of bytes. The first byte says which: 'h' the header of a file, 'w' a WAL, 'u' an undo, else the
 * text of an object: what is put together reads as what was taken apart, and an undo of a change gives what was before.
 */
#include "base/limits.h"
#include "data/json.h"
#include "fuzz.h"
#include "store/sqlite_files.h"
#include "store/state.h"

static void files(char which, struct tph_str bytes)
{
    struct tph_error err = TPH_ERROR_INIT;
    uint64_t commits = 0;
    int r = which == 'h' ? tph_sqlite_check_header(tph_str_slice(bytes, 0, 100), bytes.len, bytes.len % 2, &err)
                         : tph_sqlite_check_wal(bytes, &commits, &err);
    FUZZ_HOLDS(r == 0 || err.kind == TPH_ERROR_INVALID);
}

static void undo(struct tph_str bytes)
{
    TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_state_undo(&state, TPH_STORE_DELETED, bytes, 7, &err) == 0) {
        FUZZ_HOLDS(state.there && state.version == 7);
        FUZZ_HOLDS(tph_state_text(&state, &text, &err) == 0);
        FUZZ_HOLDS(text.len <= state.bytes);
    } else {
        FUZZ_HOLDS(err.text[0]);
    }
}

static bool reads_as(const struct tph_state *state, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *was = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *is = NULL;
    return tph_state_text(state, &out, NULL) == 0 && out.len <= state->bytes && tph_json_parse(text, &was, NULL) == 0 &&
           tph_json_parse(tph_buf_str(&out), &is, NULL) == 0 && tph_json_equal(tph_json_root(was), tph_json_root(is));
}

static void object(struct tph_str resource, struct tph_str text)
{
    TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf replaced = TPH_BUF_INIT(0);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_change change = {.verb = TPH_STORE_CREATE, .key = {.resource = resource}, .text = text};
    if (tph_state_apply(&state, &change, 1, &replaced, &err) != 0) {
        FUZZ_HOLDS(err.text[0]);
        return;
    }
    FUZZ_HOLDS(reads_as(&state, text));
    const struct tph_store_part part = {.member = TPH_STR("x"), .text = TPH_STR("[1]")};
    change =
        (struct tph_store_change){.verb = TPH_STORE_MERGE, .key = {.resource = resource}, .parts = &part, .n_parts = 1};
    if (tph_state_apply(&state, &change, 2, &replaced, &err) == 0) {
        FUZZ_HOLDS(!reads_as(&state, text) || tph_str_find(text, TPH_STR("[")) >= 0);
        FUZZ_HOLDS(tph_state_undo(&state, TPH_STORE_MODIFIED, tph_buf_str(&replaced), 1, &err) == 0);
    }
    FUZZ_HOLDS(reads_as(&state, text));
    change = (struct tph_store_change){.verb = TPH_STORE_UPDATE, .key = {.resource = resource}, .text = TPH_STR("{}")};
    FUZZ_HOLDS(tph_state_apply(&state, &change, 3, &replaced, &err) == 0);
    FUZZ_HOLDS(reads_as(&state, TPH_STR("{}")));
    FUZZ_HOLDS(tph_state_undo(&state, TPH_STORE_MODIFIED, tph_buf_str(&replaced), 1, &err) == 0);
    FUZZ_HOLDS(reads_as(&state, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct tph_str rest = fuzz_text(data + 1, size - 1);
    if (data[0] == 'h' || data[0] == 'w') {
        files((char)data[0], rest);
    } else if (data[0] == 'u') {
        undo(rest);
    } else {
        object(data[0] % 2 ? TPH_STR("workflows.argoproj.io") : TPH_STR("workflowtasksets.argoproj.io"), rest);
    }
    return 0;
}
