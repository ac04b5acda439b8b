/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of large workflows, compressed and back; what gzip wrote is read, and gzip reads what we wrote (known bytes).
 */
#include "api/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

/* printf '{"a":{"id":"a"}}' | gzip -n | base64 */
#define OF_GZIP "H4sIAAAAAAAAA6tWSlSyqlbKTFGyArJqawFW9dUNEAAAAA=="

static struct tph_json *read_text(const char *text, struct tph_json_doc **ret_doc)
{
    assert_int_equal(tph_json_parse(tph_str(text), ret_doc, NULL), 0);
    return tph_json_root(*ret_doc);
}

static void what_is_small_stays_as_it_is(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *w = read_text("{\"status\":{\"nodes\":{\"a\":{\"id\":\"a\"}}}}", &doc);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_packed_pack(doc, w, 38, &err), 0);
    assert_non_null(tph_json_path(w, "status", "nodes", "a", NULL));
    assert_int_equal(tph_packed_unpack(doc, w, &err), 0);
    assert_non_null(tph_json_path(w, "status", "nodes", "a", NULL));
}

static void nodes_come_back_as_they_were(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *read = NULL;
    struct tph_json *w = read_text("{\"status\":{\"phase\":\"Running\"}}", &read);
    struct tph_json *status = tph_json_get(w, "status");
    struct tph_json *nodes = tph_json_new_object(read);
    for (int i = 0; i < 3000; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("w-%d", i);
        struct tph_json *node = tph_json_new_object(read);
        tph_json_set_cstr(read, node, "displayName", name);
        tph_json_setn(read, nodes, tph_json_str(tph_json_new_cstr(read, name)), node);
    }
    tph_json_set(read, status, "nodes", nodes);
    const struct tph_json *before = tph_json_copy(doc, w);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_packed_pack(read, w, TPH_KIB(64), &err), 1);
    assert_null(tph_json_get(status, "nodes"));
    assert_true(tph_str_has_prefix(tph_json_get_str(status, "compressedNodes"), TPH_STR("H4sI")));
    assert_int_equal(tph_packed_unpack(read, w, &err), 0);
    assert_null(tph_json_get(status, "compressedNodes"));
    assert_true(tph_json_equal(before, w));
}

static void what_is_too_large_for_all_that_is_told_in_argos_words(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *w = read_text("{\"spec\":\"xxxxxxxxxxxxxxxxxxxx\",\"status\":{}}", &doc);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_packed_pack(doc, w, 43, &err), 0);
    assert_int_equal(tph_packed_pack(doc, w, 42, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_non_null(tph_json_get(w, "status"));
    assert_string_equal(err.text, "workflow is longer than maximum allowed size. compressed size 43 > maxSize 42");
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"!", "status.compressedNodes is not base64"},
        {"KLUv/QAAAQAA", "compressed with zstd; only gzip is read"},
        {"iweAdGVzdAM=", "compressed with brotli, or with nothing known"},
        {"H4sIAAAAAAAAA6tWSlQ=", "is broken, or holds more than 64 MiB"},
        {"H4sIAAAAAAAAA4uOBQApu0wNAgAAAA==", "holds no map of nodes"}, /* [] */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        TPH_CLEANUP(tph_freep) char *text = tph_format("{\"status\":{\"compressedNodes\":\"%s\"}}", rows[i][0]);
        struct tph_json *w = read_text(text, &doc);
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(tph_packed_unpack(doc, w, &err), -1);
        assert_int_equal(err.kind, TPH_ERROR_INVALID);
        assert_non_null(strstr(err.text, rows[i][1]));
        assert_non_null(tph_json_path(w, "status", "compressedNodes", NULL));
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *w = read_text("{\"status\":{\"compressedNodes\":\"" OF_GZIP "\"}}", &doc);
    assert_int_equal(tph_packed_unpack(doc, w, NULL), 0);
    assert_string_equal(tph_json_get_str(tph_json_path(w, "status", "nodes", "a", NULL), "id").p, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_small_stays_as_it_is),
        cmocka_unit_test(nodes_come_back_as_they_were),
        cmocka_unit_test(what_is_too_large_for_all_that_is_told_in_argos_words),
        cmocka_unit_test(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests_name("api/packed", tests, NULL, NULL);
}
