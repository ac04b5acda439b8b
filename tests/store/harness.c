/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <stdio.h>
#include <unistd.h>

#include "store/sqlite.h"

static const char *implementation = "memory";
static struct tph_buf answer = {.max = TPH_LIMIT_DOCUMENT};

void harness_set_implementation(const char *name)
{
    implementation = name;
}

void harness_open(struct harness *h)
{
    if (strcmp(h->implementation, "memory") == 0) {
        h->store = tph_store_memory_new(h->loop, &h->config);
        return;
    }
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/store", h->directory);
    if (tph_store_sqlite_open(h->loop, path, &h->config, &h->store, &h->err) < 0) {
        fail_msg("%s", h->err.text);
    }
}

void harness_close(struct harness *h)
{
    tph_store_free(h->store);
    h->store = NULL;
}

int harness_setup(void **state)
{
    struct harness *h = TPH_NEW(struct harness);
    h->implementation = implementation;
    h->directory = tph_strdup("/tmp/tiphys-store-XXXXXX");
    h->err = TPH_ERROR_INIT;
    assert_non_null(mkdtemp(h->directory));
    assert_int_equal(tph_loop_new(&h->loop, &h->err), 0);
    harness_open(h);
    *state = h;
    return 0;
}

int harness_teardown(void **state)
{
    struct harness *h = *state;
    harness_close(h);
    tph_loop_free(h->loop);
    TPH_CLEANUP(tph_freep) char *command = tph_format("rm -rf '%s'", h->directory);
    int r = system(command);
    free(h->directory);
    free(h);
    tph_buf_release(&answer);
    return r;
}

bool harness_reopen(struct harness *h)
{
    if (strcmp(h->implementation, "memory") == 0) {
        return false;
    }
    harness_close(h);
    harness_open(h);
    return true;
}

struct tph_store_key key_of(const char *resource, const char *ns, const char *name)
{
    return (struct tph_store_key){.resource = tph_str(resource), .ns = tph_str(ns), .name = tph_str(name)};
}

struct tph_store_key workflow(const char *name)
{
    return key_of("workflows.argoproj.io", "argo", name);
}

static void stop_at(struct harness *h)
{
    if ((h->wanted && h->answers >= h->wanted) || (h->wanted_wakes && h->wakes >= h->wanted_wakes)) {
        tph_loop_stop(h->loop);
    }
}

static void answered(void *owner, const struct tph_store_result *result)
{
    struct harness *h = owner;
    if (h->answers < sizeof(h->versions) / sizeof(h->versions[0])) {
        h->outcomes[h->answers] = result->outcome;
        h->versions[h->answers] = result->version;
    }
    h->answers++;
    h->result = *result;
    h->result.error = NULL;
    h->err = result->error ? *result->error : TPH_ERROR_INIT;
    stop_at(h);
}

void harness_woken(void *owner)
{
    struct harness *h = owner;
    h->wakes++;
    stop_at(h);
}

void harness_await(struct harness *h, unsigned answers)
{
    h->wanted = answers;
    while (h->answers < answers) {
        tph_loop_run(h->loop);
    }
    h->wanted = 0;
}

void harness_await_wakes(struct harness *h, unsigned wakes)
{
    h->wanted_wakes = wakes;
    while (h->wakes < wakes) {
        tph_loop_run(h->loop);
    }
    h->wanted_wakes = 0;
}

static void stop(void *owner)
{
    tph_loop_stop(owner);
}

void harness_turn(struct harness *h)
{
    tph_defer(h->loop, stop, h->loop);
    tph_loop_run(h->loop);
}

void begin_write(struct harness *h, const struct tph_store_change *changes, size_t n)
{
    tph_store_write(h->store, changes, n, answered, h);
}

int do_write(struct harness *h, const struct tph_store_change *changes, size_t n)
{
    unsigned wanted = h->answers + 1;
    begin_write(h, changes, n);
    assert_int_equal(h->answers, wanted - 1); /* never from inside the call */
    harness_await(h, wanted);
    return h->result.outcome;
}

int do_create(struct harness *h, struct tph_store_key key, const char *text)
{
    const struct tph_store_change change = {.verb = TPH_STORE_CREATE, .key = key, .text = tph_str(text)};
    return do_write(h, &change, 1);
}

int do_update(struct harness *h, struct tph_store_key key, uint64_t expected, const char *text)
{
    const struct tph_store_change change = {
        .verb = TPH_STORE_UPDATE, .key = key, .expected = expected, .text = tph_str(text)};
    return do_write(h, &change, 1);
}

int do_merge(struct harness *h, struct tph_store_key key, uint64_t expected, const char *text, unsigned path,
             const char *member, const char *value)
{
    const struct tph_store_part part = {.path = path, .member = tph_str(member), .text = tph_str(value)};
    const struct tph_store_change change = {.verb = TPH_STORE_MERGE,
                                            .key = key,
                                            .expected = expected,
                                            .text = tph_str(text),
                                            .parts = &part,
                                            .n_parts = member ? 1 : 0};
    return do_write(h, &change, 1);
}

int do_delete(struct harness *h, struct tph_store_key key, uint64_t expected)
{
    const struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = key, .expected = expected};
    return do_write(h, &change, 1);
}

static const char *outcome_name(int outcome)
{
    switch (outcome) {
    case TPH_STORE_NOT_FOUND:
        return "NOT_FOUND";
    case TPH_STORE_EXPIRED:
        return "EXPIRED";
    case TPH_STORE_NONE:
        return "NONE";
    default:
        return "?";
    }
}

const char *text_at(struct harness *h, struct tph_store_key key, uint64_t at)
{
    struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    int r = tph_store_get(h->store, &key, at, &object, &h->err);
    if (r < 0) {
        fail_msg("%s", h->err.text);
    }
    tph_buf_clear(&answer);
    if (r == 0) {
        assert_true(tph_str_eq(object.key.resource, key.resource) && tph_str_eq(object.key.ns, key.ns) &&
                    tph_str_eq(object.key.name, key.name));
    }
    tph_buf_puts(&answer, r == 0 ? tph_buf_cstr(&object.text) : outcome_name(r));
    tph_store_object_release(&object);
    return tph_buf_cstr(&answer);
}

uint64_t version_of(struct harness *h, struct tph_store_key key)
{
    struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    assert_int_equal(tph_store_get(h->store, &key, 0, &object, &h->err), 0);
    uint64_t version = object.version;
    tph_store_object_release(&object);
    return version;
}

static bool add(void *owner, const struct tph_store_object *object)
{
    (void)owner;
    tph_buf_printf(&answer, "%s%.*s/%.*s=%s", answer.len ? " " : "", TPH_FMT(object->key.ns), TPH_FMT(object->key.name),
                   tph_buf_cstr(&object->text));
    return true;
}

const char *listing(struct harness *h, const struct tph_store_list *list, struct tph_store_page *ret_page)
{
    tph_buf_clear(&answer);
    struct tph_store_page page = {.version = 0};
    int r = tph_store_list(h->store, list, add, NULL, &page, &h->err);
    if (r < 0) {
        fail_msg("%s", h->err.text);
    }
    if (r > 0) {
        return outcome_name(r);
    }
    tph_buf_puts(&answer, page.more ? " ..." : "");
    if (ret_page) {
        *ret_page = page;
    }
    return tph_buf_cstr(&answer);
}

const char *drained(struct tph_store_watch *watch)
{
    static const char *const NAMES[] = {"ADDED", "MODIFIED", "DELETED"};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_event event;
    tph_buf_clear(&answer);
    int r;
    while ((r = tph_store_watch_next(watch, &event, &err)) == 0) {
        tph_buf_printf(&answer, "%s %.*s/%.*s %llu, ", NAMES[event.kind], TPH_FMT(event.key.ns),
                       TPH_FMT(event.key.name), (unsigned long long)event.version);
    }
    tph_buf_puts(&answer, outcome_name(r));
    return tph_buf_cstr(&answer);
}
