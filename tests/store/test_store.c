/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h, sentence by sentence, on every implementation. */
#include "harness.h"

#include <stdio.h>

static void what_was_created_is_read_with_its_version(void **state)
{
    struct harness *h = *state;
    assert_int_equal(tph_store_version(h->store), 0);
    assert_string_equal(text_of(h, workflow("a")), "NOT_FOUND");
    assert_int_equal(do_create(h, workflow("a"), "{\"spec\": {\"n\":1.0}}"), 0);
    assert_int_equal(h->result.version, 1);
    assert_string_equal(text_of(h, workflow("a")), "{\"spec\":{\"n\":1.0}}");
    assert_int_equal(version_of(h, workflow("a")), 1);
    assert_int_equal(tph_store_version(h->store), 1);
}

static void a_name_is_taken_once_in_its_namespace_and_resource(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    assert_int_equal(do_create(h, workflow("a"), "{\"second\":1}"), TPH_STORE_EXISTS);
    assert_int_equal(do_create(h, key_of("workflows.argoproj.io", "other", "a"), "{\"o\":1}"), 0);
    assert_int_equal(do_create(h, key_of("secrets", "argo", "a"), "{\"s\":1}"), 0);
    assert_int_equal(do_create(h, key_of("namespaces", "", "a"), "{\"n\":1}"), 0);
    assert_string_equal(text_of(h, workflow("a")), "{}");
    assert_string_equal(text_of(h, key_of("secrets", "argo", "a")), "{\"s\":1}");
    assert_string_equal(text_of(h, key_of("namespaces", "", "a")), "{\"n\":1}");
}

/* Namespace and name are no one text: a + bc is not ab + c. */
static void keys_do_not_run_into_each_other(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, key_of("secrets", "a", "bc"), "{\"n\":1}"), 0);
    assert_string_equal(text_of(h, key_of("secrets", "ab", "c")), "NOT_FOUND");
    assert_int_equal(do_create(h, key_of("secrets", "ab", "c"), "{\"n\":2}"), 0);
    assert_string_equal(text_of(h, key_of("secrets", "a", "bc")), "{\"n\":1}");
}

static void an_update_names_the_version_it_read_or_is_a_conflict(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_update(h, workflow("a"), 0, "{}"), TPH_STORE_NOT_FOUND);
    assert_int_equal(do_create(h, workflow("a"), "{\"n\":1}"), 0);
    uint64_t first = h->result.version;
    assert_int_equal(do_update(h, workflow("a"), first, "{\"n\":2}"), 0);
    assert_true(h->result.version > first);
    assert_int_equal(do_update(h, workflow("a"), first, "{\"n\":3}"), TPH_STORE_CONFLICT);
    assert_string_equal(text_of(h, workflow("a")), "{\"n\":2}");
    assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":4}"), 0);
    assert_string_equal(text_of(h, workflow("a")), "{\"n\":4}");
}

static void what_is_deleted_is_gone_and_its_name_is_free(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_delete(h, workflow("a"), 0), TPH_STORE_NOT_FOUND);
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1}}}"), 0);
    uint64_t first = h->result.version;
    assert_int_equal(do_delete(h, workflow("a"), first + 7), TPH_STORE_CONFLICT);
    assert_int_equal(do_delete(h, workflow("a"), first), 0);
    assert_string_equal(text_of(h, workflow("a")), "NOT_FOUND");
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{}}}"), 0);
    assert_string_equal(text_of(h, workflow("a")), "{\"status\":{\"nodes\":{}}}");  /* not the old one's x */
    assert_int_equal(do_update(h, workflow("a"), first, "{}"), TPH_STORE_CONFLICT); /* the old one's version */
}

static void a_write_makes_all_of_its_changes_or_none(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1}}}"), 0);
    uint64_t before = h->result.version;
    const struct tph_store_part part = {.member = TPH_STR("y"), .text = TPH_STR("2")};
    struct tph_store_change changes[] = {
        {.verb = TPH_STORE_CREATE, .key = workflow("b"), .text = TPH_STR("{}")},
        {.verb = TPH_STORE_MERGE, .key = workflow("a"), .parts = &part, .n_parts = 1},
        {.verb = TPH_STORE_DELETE, .key = workflow("a")},
        {.verb = TPH_STORE_UPDATE, .key = workflow("b"), .text = TPH_STR("{\"n\":1}"), .expected = before},
    };
    assert_int_equal(do_write(h, changes, 4), TPH_STORE_CONFLICT);
    assert_int_equal(h->result.index, 3);
    assert_string_equal(text_of(h, workflow("a")), "{\"status\":{\"nodes\":{\"x\":1}}}");
    assert_string_equal(text_of(h, workflow("b")), "NOT_FOUND");
    assert_int_equal(version_of(h, workflow("a")), before);

    changes[3].expected = 0;
    assert_int_equal(do_write(h, changes, 4), 0);
    assert_true(h->result.version >= before + 4);
    assert_string_equal(text_of(h, workflow("a")), "NOT_FOUND");
    assert_string_equal(text_of(h, workflow("b")), "{\"n\":1}");
    assert_int_equal(version_of(h, workflow("b")), h->result.version);
}

static void answers_come_in_the_order_of_the_calls(void **state)
{
    struct harness *h = *state;
    for (unsigned i = 0; i < 20; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "{\"n\":%u}", i);
        const struct tph_store_change change = {
            .verb = i == 0 ? TPH_STORE_CREATE : TPH_STORE_UPDATE,
            .key = i == 7 ? workflow("") : workflow("a"), /* one that is refused at once waits for its turn, too */
            .text = tph_str(text),
        };
        begin_write(h, &change, 1);
    }
    harness_await(h, 20);
    uint64_t last = 0;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(h->outcomes[i], i == 7 ? -1 : 0);
        assert_true(i == 7 || h->versions[i] > last);
        last = i == 7 ? last : h->versions[i];
    }
    assert_string_equal(text_of(h, workflow("a")), "{\"n\":19}");
}

/* ---- parts ---- */

static void members_of_a_large_map_come_back_at_their_place_sorted(void **state)
{
    struct harness *h = *state;
    assert_int_equal(
        do_create(h, workflow("a"), "{\"status\":{\"a\":1,\"nodes\":{\"z\":{\"n\":1},\"b\":[2]},\"z\":2},\"x\":3}"), 0);
    assert_string_equal(text_of(h, workflow("a")),
                        "{\"status\":{\"a\":1,\"nodes\":{\"b\":[2],\"z\":{\"n\":1}},\"z\":2},\"x\":3}");
}

static void a_merge_changes_one_member_and_leaves_the_others(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "x", "1"), TPH_STORE_NOT_FOUND);
    assert_int_equal(do_create(h, workflow("a"), "{\"spec\":{},\"status\":{\"nodes\":{\"x\":1,\"y\":2}}}"), 0);
    uint64_t first = h->result.version;
    assert_int_equal(do_merge(h, workflow("a"), first, "", 0, "x", "{\"p\":\"Running\"}"), 0);
    assert_true(h->result.version > first);
    assert_int_equal(do_merge(h, workflow("a"), first, "", 0, "x", "0"), TPH_STORE_CONFLICT);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "a\"\n", "3"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "y", ""), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "never", ""), 0);
    assert_string_equal(text_of(h, workflow("a")),
                        "{\"spec\":{},\"status\":{\"nodes\":{\"a\\\"\\n\":3,\"x\":{\"p\":\"Running\"}}}}");
}

static void a_merge_makes_the_map_where_there_is_none(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"spec\":{}}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "x", "1"), 0);
    assert_string_equal(text_of(h, workflow("a")), "{\"spec\":{},\"status\":{\"nodes\":{\"x\":1}}}");
    assert_int_equal(do_create(h, workflow("b"), "{\"status\":7}"), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_INVALID);
    assert_int_equal(do_create(h, workflow("b"), "{\"status\":{\"nodes\":[]}}"), -1);
}

static void a_merge_with_a_text_replaces_all_but_the_members(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"phase\":\"Running\",\"nodes\":{\"x\":1,\"y\":2}}}"),
                     0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "{\"status\":{\"phase\":\"Failed\"}}", 0, "z", "3"), 0);
    assert_string_equal(text_of(h, workflow("a")),
                        "{\"status\":{\"phase\":\"Failed\",\"nodes\":{\"x\":1,\"y\":2,\"z\":3}}}");
    assert_int_equal(do_merge(h, workflow("a"), 0, "{\"status\":{\"nodes\":{},\"phase\":\"Error\"}}", 0, NULL, NULL),
                     0);
    assert_string_equal(text_of(h, workflow("a")),
                        "{\"status\":{\"nodes\":{\"x\":1,\"y\":2,\"z\":3},\"phase\":\"Error\"}}");
    assert_int_equal(do_merge(h, workflow("a"), 0, "{\"status\":{\"nodes\":{\"q\":1}}}", 0, NULL, NULL), -1);
    assert_non_null(strstr(h->err.text, "parts"));
}

static void an_update_replaces_the_members_too(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1,\"y\":2}}}"), 0);
    assert_int_equal(do_update(h, workflow("a"), 0, "{\"status\":{\"nodes\":{\"y\":2,\"z\":3}}}"), 0);
    assert_string_equal(text_of(h, workflow("a")), "{\"status\":{\"nodes\":{\"y\":2,\"z\":3}}}");
    assert_int_equal(do_update(h, workflow("a"), 0, "{}"), 0);
    assert_string_equal(text_of(h, workflow("a")), "{}");
}

static void one_object_may_have_two_such_maps(void **state)
{
    struct harness *h = *state;
    struct tph_store_key set = key_of("workflowtasksets.argoproj.io", "argo", "t");
    assert_int_equal(do_create(h, set, "{\"status\":{\"nodes\":{\"s\":1}},\"spec\":{\"tasks\":{\"t\":2}}}"), 0);
    assert_string_equal(text_of(h, set), "{\"status\":{\"nodes\":{\"s\":1}},\"spec\":{\"tasks\":{\"t\":2}}}");
    assert_int_equal(do_merge(h, set, 0, "", 0, "s", "3"), 0); /* the same name in the other map */
    assert_int_equal(do_merge(h, set, 0, "", 1, "u", "4"), 0);
    assert_string_equal(text_of(h, set),
                        "{\"status\":{\"nodes\":{\"s\":1,\"u\":4}},\"spec\":{\"tasks\":{\"s\":3,\"t\":2}}}");
    assert_int_equal(do_merge(h, set, 0, "", 2, "u", "4"), -1);
}

/* The mark that the store writes in the place of a map is one that the text does not have. */
static void no_text_is_taken_for_a_place_of_the_store(void **state)
{
    struct harness *h = *state;
    const char *text =
        "{\"a\":\"@parts0@0\",\"@parts1@0\":\"@parts0@1\",\"status\":{\"nodes\":{\"@parts2@0\":\"@parts0@0\"}}}";
    assert_int_equal(do_create(h, workflow("a"), text), 0);
    assert_string_equal(text_of(h, workflow("a")), text);
    assert_int_equal(do_update(h, workflow("a"), 0, text), 0);
    assert_string_equal(text_of(h, workflow("a")), text);
}

/* ---- at a version ---- */

static void an_object_is_read_as_it_was_at_each_version(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("other"), "{}"), 0);
    assert_int_equal(do_create(h, workflow("a"), "{\"n\":1,\"status\":{\"nodes\":{\"x\":1}}}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "y", "2"), 0);
    assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":2,\"status\":{\"nodes\":{\"y\":5}}}"), 0);
    assert_int_equal(do_delete(h, workflow("a"), 0), 0);
    assert_int_equal(do_create(h, workflow("a"), "{\"n\":3}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "{\"n\":4}", 0, "z", "6"), 0);

    assert_string_equal(text_at(h, workflow("a"), 1), "NOT_FOUND");
    assert_string_equal(text_at(h, workflow("a"), 2), "{\"n\":1,\"status\":{\"nodes\":{\"x\":1}}}");
    assert_string_equal(text_at(h, workflow("a"), 3), "{\"n\":1,\"status\":{\"nodes\":{\"x\":1,\"y\":2}}}");
    assert_string_equal(text_at(h, workflow("a"), 4), "{\"n\":2,\"status\":{\"nodes\":{\"y\":5}}}");
    assert_string_equal(text_at(h, workflow("a"), 5), "NOT_FOUND");
    assert_string_equal(text_at(h, workflow("a"), 6), "{\"n\":3}");
    assert_string_equal(text_at(h, workflow("a"), 7), "{\"n\":4,\"status\":{\"nodes\":{\"z\":6}}}");
    assert_string_equal(text_at(h, workflow("a"), 8), "EXPIRED"); /* of no store that this one knows */

    struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = workflow("a");
    assert_int_equal(tph_store_get(h->store, &key, 5 - 1, &object, &h->err), 0);
    assert_int_equal(object.version, 4);
    assert_int_equal(tph_store_get(h->store, &key, 3, &object, &h->err), 0);
    assert_int_equal(object.version, 3);
    tph_store_object_release(&object);
}

/* One member twice in a change: what it was before is what it was before the first. */
static void a_member_that_changes_twice_in_one_merge_has_one_past(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1}}}"), 0);
    const struct tph_store_part parts[] = {
        {.member = TPH_STR("x"), .text = TPH_STR("2")},
        {.member = TPH_STR("x")},
        {.member = TPH_STR("x"), .text = TPH_STR("3")},
    };
    const struct tph_store_change change = {
        .verb = TPH_STORE_MERGE, .key = workflow("a"), .parts = parts, .n_parts = 3};
    assert_int_equal(do_write(h, &change, 1), 0);
    assert_string_equal(text_at(h, workflow("a"), 2), "{\"status\":{\"nodes\":{\"x\":3}}}");
    assert_string_equal(text_at(h, workflow("a"), 1), "{\"status\":{\"nodes\":{\"x\":1}}}");
}

/* ---- lists ---- */

static void fill_namespaces(struct harness *h)
{
    static const char *const KEYS[][2] = {{"b", "2"}, {"a", "1"}, {"b", "1"}, {"a", "10"}, {"c", "1"}, {"a", "2"}};
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%zu", i + 1);
        TPH_CLEANUP(tph_freep) char *object = tph_format("{\"n\":%s}", text);
        assert_int_equal(do_create(h, key_of("secrets", KEYS[i][0], KEYS[i][1]), object), 0);
    }
    assert_int_equal(do_create(h, key_of("secretsx", "a", "1"), "{}"), 0);
}

static void a_list_has_the_order_of_namespaces_and_names(void **state)
{
    struct harness *h = *state;
    struct tph_store_list list = {.key = key_of("secrets", "", "")};
    struct tph_store_page page;
    assert_string_equal(listing(h, &list, &page), "");
    assert_int_equal(page.version, 0);
    fill_namespaces(h);
    assert_string_equal(listing(h, &list, &page),
                        "a/1={\"n\":2} a/10={\"n\":4} a/2={\"n\":6} b/1={\"n\":3} b/2={\"n\":1} c/1={\"n\":5}");
    assert_int_equal(page.version, 7); /* of the store, not of the newest secret */
    list.key = key_of("secrets", "b", "");
    assert_string_equal(listing(h, &list, NULL), "b/1={\"n\":3} b/2={\"n\":1}");
    list.key = key_of("secrets", "", "1");
    assert_string_equal(listing(h, &list, NULL), "a/1={\"n\":2} b/1={\"n\":3} c/1={\"n\":5}");
    list.key = key_of("secrets", "c", "1");
    assert_string_equal(listing(h, &list, NULL), "c/1={\"n\":5}");
    list.key = key_of("secrets", "c", "2");
    assert_string_equal(listing(h, &list, NULL), "");
}

static void a_list_of_one_name_keeps_to_version_and_place(void **state)
{
    struct harness *h = *state;
    fill_namespaces(h);
    assert_int_equal(do_update(h, key_of("secrets", "b", "1"), 0, "{\"n\":100}"), 0);
    struct tph_store_key after = key_of("secrets", "b", "0");
    struct tph_store_list list = {.key = key_of("secrets", "b", "1"), .after = &after, .at = 7};
    struct tph_store_page page;
    assert_string_equal(listing(h, &list, &page), "b/1={\"n\":3}");
    assert_int_equal(page.version, 7);
    list.at = 0;
    assert_string_equal(listing(h, &list, &page), "b/1={\"n\":100}");
    assert_int_equal(page.version, 8);
    after = key_of("secrets", "b", "1");
    assert_string_equal(listing(h, &list, NULL), "");
    list = (struct tph_store_list){.key = key_of("secrets", "b", "1"), .at = 3};
    assert_string_equal(listing(h, &list, NULL), "b/1={\"n\":3}");
    list.at = 2;
    assert_string_equal(listing(h, &list, NULL), "");
}

static void pages_of_a_list_show_one_moment(void **state)
{
    struct harness *h = *state;
    fill_namespaces(h);
    struct tph_store_list list = {.key = key_of("secrets", "", ""), .limit = 2};
    struct tph_store_page page;
    assert_string_equal(listing(h, &list, &page), "a/1={\"n\":2} a/10={\"n\":4} ...");

    assert_int_equal(do_delete(h, key_of("secrets", "a", "2"), 0), 0);
    assert_int_equal(do_update(h, key_of("secrets", "b", "1"), 0, "{\"n\":100}"), 0);
    assert_int_equal(do_create(h, key_of("secrets", "b", "11"), "{}"), 0);
    assert_int_equal(do_delete(h, key_of("secrets", "c", "1"), 0), 0);
    assert_int_equal(do_create(h, key_of("secrets", "c", "1"), "{\"n\":200}"), 0);

    struct tph_store_key after = key_of("secrets", "a", "10");
    list.after = &after;
    list.at = page.version;
    assert_string_equal(listing(h, &list, &page), "a/2={\"n\":6} b/1={\"n\":3} ...");
    after = key_of("secrets", "b", "1");
    assert_string_equal(listing(h, &list, &page), "b/2={\"n\":1} c/1={\"n\":5}"); /* and no "..." */
    assert_int_equal(page.version, 7);

    list = (struct tph_store_list){.key = key_of("secrets", "", "")};
    assert_string_equal(listing(h, &list, NULL),
                        "a/1={\"n\":2} a/10={\"n\":4} b/1={\"n\":100} b/11={} b/2={\"n\":1} c/1={\"n\":200}");
}

static void a_bare_list_leaves_out_the_members_of_parts(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1},\"phase\":\"Running\"}}"), 0);
    assert_int_equal(do_create(h, workflow("b"), "{\"spec\":{}}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "y", "2"), 0);
    assert_int_equal(do_update(h, workflow("b"), 0, "{}"), 0);
    struct tph_store_list list = {.key = key_of("workflows.argoproj.io", "", ""), .bare = true};
    assert_string_equal(listing(h, &list, NULL), "argo/a={\"status\":{\"nodes\":{},\"phase\":\"Running\"}} argo/b={}");
    list.at = 2;
    assert_string_equal(listing(h, &list, NULL),
                        "argo/a={\"status\":{\"nodes\":{},\"phase\":\"Running\"}} argo/b={\"spec\":{}}");
    list.key = workflow("a");
    assert_string_equal(listing(h, &list, NULL), "argo/a={\"status\":{\"nodes\":{},\"phase\":\"Running\"}}");
    list.bare = false;
    assert_string_equal(listing(h, &list, NULL), "argo/a={\"status\":{\"nodes\":{\"x\":1},\"phase\":\"Running\"}}");
}

/* ---- watches ---- */

static struct tph_store_watch *open_watch(struct harness *h, struct tph_store_key key, uint64_t from)
{
    struct tph_store_watch *watch = NULL;
    assert_int_equal(tph_store_watch_open(h->store, &key, from, harness_woken, h, &watch, &h->err), 0);
    return watch;
}

static void a_watch_gives_each_change_once_in_order(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "x", "1"), 0);
    TPH_CLEANUP(tph_store_watch_closep)
    struct tph_store_watch *watch = open_watch(h, key_of("workflows.argoproj.io", "", ""), 1);
    assert_int_equal(h->wakes, 0);
    harness_await_wakes(h, 1); /* there is something already */
    assert_string_equal(drained(watch), "MODIFIED argo/a 2, NONE");
    assert_int_equal(tph_store_watch_version(watch), 2);

    assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
    assert_int_equal(do_delete(h, workflow("a"), 0), 0);
    harness_await_wakes(h, 2);
    assert_string_equal(drained(watch), "ADDED argo/b 3, DELETED argo/a 4, NONE");
    assert_string_equal(drained(watch), "NONE");
    harness_turn(h);
    assert_int_equal(h->wakes, 2); /* two changes, one wake; none for nothing */
}

static void a_watch_is_woken_by_what_it_names_only(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_store_watch_closep) struct tph_store_watch *one = open_watch(h, workflow("b"), 0);
    assert_string_equal(drained(one), "NONE");
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    assert_int_equal(do_create(h, key_of("secrets", "argo", "b"), "{}"), 0);
    assert_int_equal(do_create(h, key_of("workflows.argoproj.io", "other", "b"), "{}"), 0);
    harness_turn(h);
    assert_int_equal(h->wakes, 0);
    assert_string_equal(drained(one), "NONE");
    assert_int_equal(tph_store_watch_version(one), 3); /* what a bookmark tells */
    assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
    harness_await_wakes(h, 1);
    assert_string_equal(drained(one), "ADDED argo/b 4, NONE");
}

static void a_closed_watch_is_not_woken(void **state)
{
    struct harness *h = *state;
    struct tph_store_watch *watch = open_watch(h, key_of("workflows.argoproj.io", "", ""), 0);
    assert_string_equal(drained(watch), "NONE");
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    tph_store_watch_close(watch);
    unsigned before = h->wakes; /* it may have been woken in the turn of the answer */
    assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
    harness_turn(h);
    assert_int_equal(h->wakes, before);
}

/* ---- history ---- */

static void below_the_floor_everything_is_expired(void **state)
{
    struct harness *h = *state;
    harness_close(h);
    h->config.history = 10;
    harness_open(h);
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    TPH_CLEANUP(tph_store_watch_closep)
    struct tph_store_watch *slow = open_watch(h, key_of("workflows.argoproj.io", "", ""), 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":1}"), 0);
    }
    assert_int_equal(tph_store_floor(h->store), 0); /* ten are kept at least */
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":2}"), 0);
    }
    uint64_t floor = tph_store_floor(h->store), version = tph_store_version(h->store);
    assert_true(floor > 0 && floor <= version - 10);
    assert_string_equal(text_at(h, workflow("a"), floor - 1), "EXPIRED");
    assert_string_equal(text_at(h, workflow("a"), floor), "{\"n\":2}");
    struct tph_store_list list = {.key = key_of("workflows.argoproj.io", "", ""), .at = floor - 1};
    assert_string_equal(listing(h, &list, NULL), "EXPIRED");
    assert_string_equal(drained(slow), "EXPIRED");
    assert_string_equal(drained(slow), "EXPIRED");
    struct tph_store_watch *watch = NULL;
    assert_int_equal(tph_store_watch_open(h->store, &list.key, floor - 1, harness_woken, h, &watch, &h->err),
                     TPH_STORE_EXPIRED);
    assert_int_equal(tph_store_watch_open(h->store, &list.key, version + 1, harness_woken, h, &watch, &h->err),
                     TPH_STORE_EXPIRED);
    assert_int_equal(tph_store_watch_open(h->store, &list.key, floor, harness_woken, h, &watch, &h->err), 0);
    struct tph_store_event event;
    assert_int_equal(tph_store_watch_next(watch, &event, &h->err), 0);
    assert_int_equal(event.version, floor + 1);
    tph_store_watch_close(watch);
}

/* ---- what is refused ---- */

static void a_change_that_makes_no_sense_is_refused_with_the_reason(void **state)
{
    struct harness *h = *state;
    const struct tph_store_part part = {.member = TPH_STR("x"), .text = TPH_STR("{1}")};
    const struct tph_store_part of_none = {.path = 1, .member = TPH_STR("x"), .text = TPH_STR("1")};
    const struct tph_store_change CHANGES[] = {
        {.verb = TPH_STORE_CREATE, .key = workflow("a"), .text = TPH_STR("{\"a\":")},
        {.verb = TPH_STORE_CREATE, .key = workflow("a"), .text = TPH_STR("[]")},
        {.verb = TPH_STORE_CREATE, .key = workflow("a")},
        {.verb = TPH_STORE_CREATE, .key = workflow("a"), .text = TPH_STR("{}"), .expected = 1},
        {.verb = TPH_STORE_CREATE, .key = workflow(""), .text = TPH_STR("{}")},
        {.verb = TPH_STORE_CREATE, .key = key_of("", "argo", "a"), .text = TPH_STR("{}")},
        {.verb = TPH_STORE_CREATE,
         .key = {.resource = TPH_STR("secrets"), .name = TPH_STR("a\0b")},
         .text = TPH_STR("{}")},
        {.verb = TPH_STORE_DELETE, .key = workflow("a"), .text = TPH_STR("{}")},
        {.verb = TPH_STORE_UPDATE, .key = workflow("a"), .text = TPH_STR("{}"), .parts = &part, .n_parts = 1},
        {.verb = TPH_STORE_MERGE, .key = workflow("a"), .parts = &part, .n_parts = 1},
        {.verb = TPH_STORE_MERGE, .key = workflow("a"), .parts = &of_none, .n_parts = 1},
        {.verb = TPH_STORE_VERB_COUNT, .key = workflow("a")},
    };
    for (size_t i = 0; i < sizeof(CHANGES) / sizeof(CHANGES[0]); i++) {
        assert_int_equal(do_write(h, &CHANGES[i], 1), -1);
        assert_int_equal(h->err.kind, TPH_ERROR_INVALID);
        assert_true(h->err.text[0]);
    }
    assert_int_equal(do_write(h, NULL, 0), -1);
    assert_int_equal(tph_store_version(h->store), 0);
    assert_string_equal(text_of(h, workflow("a")), "NOT_FOUND");
}

static void every_ceiling_is_one(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *name = tph_malloc(TPH_LIMIT_STORE_MEMBER + 2);
    memset(name, 'n', TPH_LIMIT_STORE_MEMBER + 1);
    name[TPH_LIMIT_STORE_KEY] = '\0'; /* with the resource it is too long */
    assert_int_equal(do_create(h, key_of("secrets", "", name), "{}"), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_LIMIT);
    name[TPH_LIMIT_STORE_KEY - strlen("secrets")] = '\0';
    assert_int_equal(do_create(h, key_of("secrets", "", name), "{}"), 0);
    assert_string_equal(text_of(h, key_of("secrets", "", name)), "{}");

    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    memset(name, 'n', TPH_LIMIT_STORE_MEMBER + 1);
    name[TPH_LIMIT_STORE_MEMBER + 1] = '\0';
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, name, "1"), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_LIMIT);
    TPH_CLEANUP(tph_freep) char *whole = tph_format("{\"status\":{\"nodes\":{\"%s\":1}}}", name);
    assert_int_equal(do_update(h, workflow("a"), 0, whole), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_LIMIT);
    name[TPH_LIMIT_STORE_MEMBER] = '\0';
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, name, "1"), 0);

    TPH_CLEANUP(tph_freep) struct tph_store_change *many = tph_calloc(TPH_LIMIT_STORE_CHANGES + 1, sizeof(*many));
    for (size_t i = 0; i <= TPH_LIMIT_STORE_CHANGES; i++) {
        many[i] = (struct tph_store_change){.verb = TPH_STORE_UPDATE, .key = workflow("a"), .text = TPH_STR("{}")};
    }
    assert_int_equal(do_write(h, many, TPH_LIMIT_STORE_CHANGES + 1), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_LIMIT);
    assert_int_equal(do_write(h, many, TPH_LIMIT_STORE_CHANGES), 0);
}

/* All parts together are one text: what would be too long to be read is refused when it is written. */
static void an_object_does_not_grow_beyond_what_can_be_read(void **state)
{
    struct harness *h = *state;
    size_t third = TPH_LIMIT_DOCUMENT / 3;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(third + 1);
    memset(text, 'x', third);
    text[0] = text[third - 1] = '"';
    text[third] = '\0';
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "a", text), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "b", text), 0);
    uint64_t version = h->result.version;
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "c", text), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_LIMIT);
    assert_int_equal(version_of(h, workflow("a")), version);
    assert_null(strstr(text_of(h, workflow("a")), "\"c\""));
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "a", "1"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "c", text), 0);
}

/* Each write is small enough, all together are not; those that were taken are made. */
static void a_store_takes_no_more_than_it_can_hold(void **state)
{
    struct harness *h = *state;
    size_t len = TPH_LIMIT_DOCUMENT - 4096;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(len + 1);
    memset(text, ' ', len);
    text[0] = '{';
    text[len - 1] = '}';
    text[len] = '\0';
    const struct tph_store_change change = {.verb = TPH_STORE_CREATE, .key = workflow("a"), .text = {text, len}};
    const struct tph_store_change again = {.verb = TPH_STORE_UPDATE, .key = workflow("a"), .text = {text, len}};
    unsigned n = (unsigned)(TPH_LIMIT_STORE_QUEUE / len);
    for (unsigned i = 0; i < n; i++) {
        begin_write(h, i ? &again : &change, 1);
    }
    begin_write(h, &again, 1);
    harness_await(h, n + 1);
    assert_int_equal(h->result.outcome, -1);
    assert_int_equal(h->err.kind, TPH_ERROR_BUSY);
    assert_int_equal(do_write(h, &again, 1), 0);
    assert_string_equal(text_of(h, workflow("a")), "{}");
}

static void a_change_has_so_many_parts_at_most(void **state)
{
    struct harness *h = *state;
    size_t n = TPH_LIMIT_STORE_PARTS + 1;
    TPH_CLEANUP(tph_freep) struct tph_store_part *parts = tph_calloc(n, sizeof(*parts));
    for (size_t i = 0; i < n; i++) {
        parts[i] = (struct tph_store_part){.member = TPH_STR("m"), .text = TPH_STR("1")};
    }
    const struct tph_store_change change = {
        .verb = TPH_STORE_MERGE, .key = workflow("a"), .parts = parts, .n_parts = n};
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    assert_int_equal(do_write(h, &change, 1), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_LIMIT);
    assert_int_equal(version_of(h, workflow("a")), 1);
}

/* By default; SQLite's is cut when there is a quarter too much of it. */
static void so_much_of_the_history_is_kept(void **state)
{
    struct harness *h = *state;
    enum { AT_ONCE = 100 };
    struct tph_store_change changes[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++) {
        changes[i] = (struct tph_store_change){.verb = TPH_STORE_UPDATE, .key = workflow("a"), .text = TPH_STR("{}")};
    }
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    while (tph_store_version(h->store) + AT_ONCE <= TPH_LIMIT_STORE_HISTORY) {
        assert_int_equal(do_write(h, changes, AT_ONCE), 0);
    }
    assert_int_equal(tph_store_floor(h->store), 0);
    assert_string_equal(text_at(h, workflow("a"), 1), "{}");
    while (tph_store_version(h->store) <= TPH_LIMIT_STORE_HISTORY + TPH_LIMIT_STORE_HISTORY / 4) {
        assert_int_equal(do_write(h, changes, AT_ONCE), 0);
    }
    assert_int_equal(tph_store_version(h->store) - tph_store_floor(h->store), TPH_LIMIT_STORE_HISTORY);
    assert_string_equal(text_at(h, workflow("a"), 1), "EXPIRED");
}

static void writes_that_wait_when_it_is_freed_are_not_answered(void **state)
{
    struct harness *h = *state;
    const struct tph_store_change change = {.verb = TPH_STORE_CREATE, .key = workflow("a"), .text = TPH_STR("{}")};
    begin_write(h, &change, 1);
    harness_close(h);
    harness_turn(h);
    assert_int_equal(h->answers, 0);
    harness_open(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_created_is_read_with_its_version),
        TEST(a_name_is_taken_once_in_its_namespace_and_resource),
        TEST(keys_do_not_run_into_each_other),
        TEST(an_update_names_the_version_it_read_or_is_a_conflict),
        TEST(what_is_deleted_is_gone_and_its_name_is_free),
        TEST(a_write_makes_all_of_its_changes_or_none),
        TEST(answers_come_in_the_order_of_the_calls),
        TEST(members_of_a_large_map_come_back_at_their_place_sorted),
        TEST(a_merge_changes_one_member_and_leaves_the_others),
        TEST(a_merge_makes_the_map_where_there_is_none),
        TEST(a_merge_with_a_text_replaces_all_but_the_members),
        TEST(an_update_replaces_the_members_too),
        TEST(one_object_may_have_two_such_maps),
        TEST(no_text_is_taken_for_a_place_of_the_store),
        TEST(an_object_is_read_as_it_was_at_each_version),
        TEST(a_member_that_changes_twice_in_one_merge_has_one_past),
        TEST(a_list_has_the_order_of_namespaces_and_names),
        TEST(a_list_of_one_name_keeps_to_version_and_place),
        TEST(pages_of_a_list_show_one_moment),
        TEST(a_bare_list_leaves_out_the_members_of_parts),
        TEST(a_watch_gives_each_change_once_in_order),
        TEST(a_watch_is_woken_by_what_it_names_only),
        TEST(a_closed_watch_is_not_woken),
        TEST(below_the_floor_everything_is_expired),
        TEST(a_change_that_makes_no_sense_is_refused_with_the_reason),
        TEST(every_ceiling_is_one),
        TEST(an_object_does_not_grow_beyond_what_can_be_read),
        TEST(a_store_takes_no_more_than_it_can_hold),
        TEST(a_change_has_so_many_parts_at_most),
        TEST(so_much_of_the_history_is_kept),
        TEST(writes_that_wait_when_it_is_freed_are_not_answered),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s IMPLEMENTATION\n", argv[0]);
        return 2;
    }
    harness_set_implementation(argv[1]);
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
