/* SPDX-License-Identifier: Apache-2.0 */
/* The API without sockets: calls that disturb each other, clients that read slowly or leave, rights. */
#include "apiserver/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "data/json.h"

struct world {
    struct tph_loop *loop;
    struct tph_store *store;
    struct tph_api *api;
    bool seeded;
};

/* What came of one call. */
struct answer {
    struct tph_api_request request;
    struct tph_api_call *call;
    int status; /* 0: none yet */
    struct tph_buf body;
    bool begun, ended;
    size_t room; /* bytes that a stream takes */
};

static void got_answer(void *owner, const struct tph_api_answer *answer)
{
    struct answer *a = owner;
    a->status = answer->status;
    a->call = NULL;
    (void)tph_buf_put(&a->body, answer->body);
}

static void got_begin(void *owner, const struct tph_api_answer *head)
{
    struct answer *a = owner;
    a->status = head->status;
    a->begun = true;
}

static bool got_bytes(void *owner, struct tph_str bytes)
{
    struct answer *a = owner;
    if (bytes.len > a->room) {
        return false;
    }
    a->room -= bytes.len;
    (void)tph_buf_put(&a->body, bytes);
    return true;
}

static void got_end(void *owner)
{
    struct answer *a = owner;
    a->ended = true;
    a->call = NULL;
}

static const struct tph_api_sink sink = {.answer = got_answer, .begin = got_begin, .write = got_bytes, .end = got_end};

static void stop(void *owner)
{
    struct world *w = owner;
    tph_loop_stop(w->loop);
}

/* Lets the loop turn until nothing is left to do at once. */
static void turn(struct world *w)
{
    for (int i = 0; i < 50; i++) {
        tph_defer(w->loop, stop, w);
        tph_loop_run(w->loop);
    }
}

static void seeded(void *owner, const struct tph_error *failed)
{
    struct world *w = owner;
    assert_null(failed);
    w->seeded = true;
}

static void open_world(struct world *w, const struct tph_api_access *access)
{
    struct tph_error err = TPH_ERROR_INIT;
    *w = (struct world){.loop = NULL};
    assert_int_equal(tph_loop_new(&w->loop, &err), 0);
    w->store = tph_store_memory_new(w->loop, NULL);
    const struct tph_api_config config = {.loop = w->loop, .store = w->store, .access = access, .version = "test"};
    assert_int_equal(tph_api_new(&config, &w->api, &err), 0);
    tph_api_seed(w->api, seeded, w);
    turn(w);
    assert_true(w->seeded);
}

static void close_world(struct world *w)
{
    tph_api_stop(w->api);
    tph_store_free(w->store);
    tph_api_free(w->api);
    tph_loop_free(w->loop);
}

static void begin(struct world *w, struct answer *a, const char *method, const char *target, const char *body)
{
    *a = (struct answer){.body = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT), .room = SIZE_MAX};
    const char *type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : "application/json";
    a->request =
        (struct tph_api_request){.method = method, .target = target, .content_type = type, .body = tph_str(body)};
    a->call = tph_api_call(w->api, &a->request, &sink, a);
}

static void call(struct world *w, struct answer *a, const char *method, const char *target, const char *body)
{
    begin(w, a, method, target, body);
    turn(w);
    assert_int_not_equal(a->status, 0);
}

static void expect(struct world *w, int status, const char *method, const char *target, const char *body)
{
    struct answer a;
    call(w, &a, method, target, body);
    if (a.status != status) {
        fail_msg("%s %s: %d %s", method, target, a.status, tph_buf_cstr(&a.body));
    }
    tph_buf_release(&a.body);
}

#define CMS "/api/v1/namespaces/default/configmaps"

/* Patches that meet are all made, one after the other. */
static void test_patches_meet(void **state)
{
    struct world w;
    struct answer a[8];
    char bodies[8][40];
    (void)state;
    open_world(&w, NULL);
    expect(&w, 201, "POST", CMS, "{\"metadata\":{\"name\":\"c\"}}");
    for (int i = 0; i < 8; i++) {
        (void)snprintf(bodies[i], sizeof(bodies[i]), "{\"data\":{\"k%d\":\"v\"}}", i);
        begin(&w, &a[i], "PATCH", CMS "/c", bodies[i]);
    }
    turn(&w);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(a[i].status, 200);
        tph_buf_release(&a[i].body);
    }
    struct answer got;
    call(&w, &got, "GET", CMS "/c", "");
    for (int i = 0; i < 8; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "\"k%d\":\"v\"", i);
        assert_true(tph_str_find(tph_buf_str(&got.body), tph_str(key)) >= 0);
    }
    tph_buf_release(&got.body);
    close_world(&w);
}

/* Of two that create one name one is told that it is there already. */
static void test_creates_meet(void **state)
{
    struct world w;
    struct answer a, b;
    (void)state;
    open_world(&w, NULL);
    begin(&w, &a, "POST", CMS, "{\"metadata\":{\"name\":\"one\"}}");
    begin(&w, &b, "POST", CMS, "{\"metadata\":{\"name\":\"one\"}}");
    turn(&w);
    assert_int_equal(a.status + b.status, 201 + 409);
    tph_buf_release(&a.body);
    tph_buf_release(&b.body);
    close_world(&w);
}

/* A write goes on when its client has left, and nobody is told. */
static void test_client_leaves(void **state)
{
    struct world w;
    struct answer a;
    (void)state;
    open_world(&w, NULL);
    begin(&w, &a, "POST", CMS, "{\"metadata\":{\"name\":\"left\"}}");
    if (a.call) {
        tph_api_gone(a.call);
    }
    turn(&w);
    expect(&w, 200, "GET", CMS "/left", "");
    tph_buf_release(&a.body);
    close_world(&w);
}

static size_t lines(const struct tph_buf *body, const char *type)
{
    size_t n = 0;
    struct tph_str rest = tph_buf_str(body);
    ptrdiff_t at;
    while ((at = tph_str_find(rest, tph_str(type))) >= 0) {
        rest = tph_str_slice(rest, (size_t)at + 1, rest.len);
        n++;
    }
    return n;
}

/* A watch whose client takes nothing for a while gets everything once it does, in order and once. */
static void test_slow_watcher(void **state)
{
    struct world w;
    struct answer watch;
    (void)state;
    open_world(&w, NULL);
    for (int i = 0; i < 300; i++) {
        char body[64];
        (void)snprintf(body, sizeof(body), "{\"metadata\":{\"name\":\"c%03d\"}}", i);
        expect(&w, 201, "POST", CMS, body);
    }
    begin(&w, &watch, "GET", CMS "?watch=1&timeoutSeconds=3000", "");
    assert_true(watch.begun);
    turn(&w);
    assert_int_equal(lines(&watch.body, "\"ADDED\""), 300);
    watch.room = 0;
    for (int i = 0; i < 200; i++) {
        char target[64];
        (void)snprintf(target, sizeof(target), CMS "/c%03d", i);
        expect(&w, 200, "DELETE", target, "");
    }
    turn(&w);
    assert_int_equal(lines(&watch.body, "\"DELETED\""), 0);
    while (lines(&watch.body, "\"DELETED\"") < 200) { /* a little at a time */
        watch.room += 700;
        tph_api_drained(watch.call);
        turn(&w);
    }
    assert_int_equal(lines(&watch.body, "\"type\""), 500);
    tph_api_gone(watch.call);
    tph_buf_release(&watch.body);
    close_world(&w);
}

/* A large list comes in as many pieces as its reader takes. */
static void test_slow_reader_of_what_is_there(void **state)
{
    struct world w;
    struct answer watch;
    (void)state;
    open_world(&w, NULL);
    for (int i = 0; i < 300; i++) {
        char body[64];
        (void)snprintf(body, sizeof(body), "{\"metadata\":{\"name\":\"c%03d\"}}", i);
        expect(&w, 201, "POST", CMS, body);
    }
    watch = (struct answer){.body = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT), .room = 1000};
    watch.request = (struct tph_api_request){
        .method = "GET",
        .target = CMS "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"};
    watch.call = tph_api_call(w.api, &watch.request, &sink, &watch);
    expect(&w, 200, "DELETE", CMS "/c299", ""); /* is still there in what is shown first */
    for (int i = 0; i < 1000 && lines(&watch.body, "\"DELETED\"") == 0; i++) {
        watch.room += 1000;
        tph_api_drained(watch.call);
        turn(&w);
    }
    assert_int_equal(lines(&watch.body, "\"ADDED\""), 300);
    assert_int_equal(lines(&watch.body, "initial-events-end"), 1);
    assert_int_equal(lines(&watch.body, "\"DELETED\""), 1);
    tph_api_gone(watch.call);
    tph_buf_release(&watch.body);
    close_world(&w);
}

static bool identify(void *owner, const char *authorization, struct tph_api_user *ret_user)
{
    (void)owner;
    *ret_user = (struct tph_api_user){.name = TPH_STR("eve")};
    return !authorization || strcmp(authorization, "Bearer right") == 0;
}

static bool allowed(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what)
{
    (void)owner;
    (void)user;
    return what->is_resource && strcmp(what->verb, "get") == 0;
}

static void test_rights(void **state)
{
    const struct tph_api_access access = {.identify = identify, .allowed = allowed};
    struct world w;
    struct answer a;
    (void)state;
    open_world(&w, &access);
    expect(&w, 404, "GET", CMS "/c", "");
    expect(&w, 403, "GET", CMS, "");
    expect(&w, 403, "POST", CMS, "{\"metadata\":{\"name\":\"c\"}}");
    expect(&w, 403, "GET", "/api/v1/namespaces/default/nopes", ""); /* what is there is not told either */
    a = (struct answer){.body = TPH_BUF_INIT(TPH_KIB(64))};
    a.request = (struct tph_api_request){.method = "GET", .target = CMS "/c", .authorization = "Bearer wrong"};
    (void)tph_api_call(w.api, &a.request, &sink, &a);
    assert_int_equal(a.status, 401);
    tph_buf_release(&a.body);
    close_world(&w);
}

/* Ceilings of a client's texts. */
static void test_ceilings(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, NULL);
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_MIB(8));
    (void)tph_buf_puts(&body, "{\"metadata\":{\"name\":\"c\"},\"data\":{\"a\":\"");
    while (body.len <= TPH_LIMIT_API_BODY) {
        (void)tph_buf_puts(&body, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    }
    (void)tph_buf_puts(&body, "\"}}");
    expect(&w, 413, "POST", CMS, tph_buf_cstr(&body));
    tph_buf_clear(&body);
    (void)tph_buf_puts(&body,
                       "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"c\"},"
                       "\"spec\":{\"a\":\"");
    while (body.len <= TPH_LIMIT_API_OBJECT) {
        (void)tph_buf_puts(&body, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    }
    (void)tph_buf_puts(&body, "\"}}");
    expect(&w, 500, "POST", "/apis/argoproj.io/v1alpha1/namespaces/default/workflows", tph_buf_cstr(&body));
    close_world(&w);
}

/* A collection is deleted under the conditions that were named, or not at all. */
static void test_preconditions_of_a_collection(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, NULL);
    expect(&w, 201, "POST", CMS, "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"}}}");
    expect(&w, 201, "POST", CMS, "{\"metadata\":{\"name\":\"b\",\"labels\":{\"x\":\"y\"}}}");
    expect(&w, 409, "DELETE", CMS "?labelSelector=x", "{\"preconditions\":{\"uid\":\"of another\"}}");
    expect(&w, 200, "GET", CMS "/a", "");
    expect(&w, 200, "DELETE", CMS "?labelSelector=x", "{}");
    expect(&w, 404, "GET", CMS "/a", "");
    close_world(&w);
}

/* What an answer tells of faults has an end, for each is compared with those before it. */
static void test_faults_have_an_end(void **state)
{
    struct world w;
    struct answer a;
    (void)state;
    open_world(&w, NULL);
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_API_BODY);
    (void)tph_buf_puts(&body, "{\"metadata\":{\"name\":\"c\",\"labels\":{\"a\":\"b\"");
    for (int i = 0; i < 100000; i++) {
        (void)tph_buf_printf(&body, ",\"!%d\":\"\"", i);
    }
    (void)tph_buf_puts(&body, "}}}");
    call(&w, &a, "POST", CMS, tph_buf_cstr(&body));
    assert_int_equal(a.status, 422);
    size_t told = lines(&a.body, "\"FieldValueInvalid\"");
    assert_in_range(told, 100, TPH_LIMIT_API_FAULTS);
    tph_buf_release(&a.body);
    close_world(&w);
}

/* Members that no schema has are taken out in one go, however many they are. */
static void test_many_unknown_members(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, NULL);
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_API_BODY);
    (void)tph_buf_puts(&body, "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":"
                              "\"c\"},\"spec\":{}");
    for (int i = 0; i < 200000; i++) {
        (void)tph_buf_printf(&body, ",\"u%d\":0", i);
    }
    (void)tph_buf_puts(&body, "}");
    expect(&w, 201, "POST", "/apis/argoproj.io/v1alpha1/namespaces/default/workflows", tph_buf_cstr(&body));
    tph_buf_clear(&body);
    (void)tph_buf_puts(&body, "{\"metadata\":{\"name\":\"s\"},\"data\":{\"u1\":\"eA==\"},\"stringData\":{\"u0\":\"\"");
    for (int i = 1; i < 60000; i++) {
        (void)tph_buf_printf(&body, ",\"u%d\":\"\"", i);
    }
    (void)tph_buf_puts(&body, "}}");
    expect(&w, 201, "POST", "/api/v1/namespaces/default/secrets", tph_buf_cstr(&body));
    close_world(&w);
}

/* Numbers and names that nothing can have. */
static void test_nonsense(void **state)
{
    struct world w;
    struct answer a;
    char body[256];
    (void)state;
    open_world(&w, NULL);
    expect(&w, 404, "GET", CMS "/a%00b", "");
    expect(&w, 404, "DELETE", CMS "/a%00b", "");
    expect(&w, 404, "POST", "/api/v1/namespaces/a%00b/configmaps", "{\"metadata\":{\"name\":\"c\"}}");
    expect(&w, 422, "POST", CMS, "{\"metadata\":{\"name\":\"a\\u0000b\"}}");
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_puts(&name, "{\"metadata\":{\"name\":\"");
    while (name.len < 2000) {
        (void)tph_buf_puts(&name, "aaaaaaaa");
    }
    (void)tph_buf_puts(&name, "\"}}");
    expect(&w, 422, "POST", CMS, tph_buf_cstr(&name));

    call(&w, &a, "POST", CMS, "{\"metadata\":{\"name\":\"c\"}}");
    assert_int_equal(a.status, 201);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_buf_str(&a.body), &doc, NULL), 0);
    tph_buf_release(&a.body);
    int64_t version = 0;
    struct tph_str text = tph_json_str(tph_json_path(tph_json_root(doc), "metadata", "resourceVersion", NULL));
    assert_int_equal(tph_str_to_i64(text, &version), 0);
    assert_in_range(version, 1, 99); /* 2^64 and the version: must not be taken for it */
    (void)snprintf(body, sizeof(body), "{\"metadata\":{\"name\":\"c\",\"resourceVersion\":\"184467440737095516%02d\"}}",
                   (int)version + 16);
    expect(&w, 500, "PUT", CMS "/c", body);

    begin(&w, &a, "GET", CMS "?watch=1&timeoutSeconds=9223372036854775807", "");
    turn(&w);
    assert_false(a.ended);
    tph_api_gone(a.call);
    tph_buf_release(&a.body);
    close_world(&w);
}

/* An owner whose name nothing can have is gone; the collector neither trips over it nor asks for it again and again. */
static void test_an_owner_that_cannot_be(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, NULL);
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_KIB(16));
    (void)tph_buf_puts(&body, "{\"metadata\":{\"name\":\"orphan\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":"
                              "\"ConfigMap\",\"uid\":\"u\",\"name\":\"");
    while (body.len < 8000) {
        (void)tph_buf_puts(&body, "aaaaaaaa");
    }
    (void)tph_buf_puts(&body, "\"}]}}");
    expect(&w, 201, "POST", CMS, tph_buf_cstr(&body));
    turn(&w);
    expect(&w, 404, "GET", CMS "/orphan", "");
    expect(
        &w, 201, "POST", CMS,
        "{\"metadata\":{\"name\":\"orphan\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"uid\":"
        "\"u\",\"name\":\"a\\u0000b\"}]}}");
    turn(&w);
    expect(&w, 404, "GET", CMS "/orphan", "");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patches_meet),
        cmocka_unit_test(test_creates_meet),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_slow_watcher),
        cmocka_unit_test(test_slow_reader_of_what_is_there),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_preconditions_of_a_collection),
        cmocka_unit_test(test_faults_have_an_end),
        cmocka_unit_test(test_many_unknown_members),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_an_owner_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
