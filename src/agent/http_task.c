/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/http_task.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "data/base64.h"
#include "expr/expr.h"

void tph_http_task_release(struct tph_http_task *task)
{
    tph_json_doc_free(task->doc);
    tph_arena_free(task->arena);
    tph_buf_release(&task->body);
    *task = TPH_HTTP_TASK_INIT;
}

/* A number, or a text that holds one: it may have come out of a tag. */
static int read_timeout(struct tph_http_task *task, struct tph_error *err)
{
    const struct tph_json *value = tph_json_get(task->http, "timeoutSeconds");
    int64_t seconds = 0;
    task->request.timeout_ms = TPH_LIMIT_FETCH_MS;
    if (tph_json_is_null(value) || (tph_json_is(value, TPH_JSON_STRING) && tph_json_str(value).len == 0)) {
        return 0;
    }
    bool text = tph_json_is(value, TPH_JSON_STRING);
    if ((text ? tph_str_to_i64(tph_json_str(value), &seconds) : tph_json_to_i64(value, &seconds)) < 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_LIMIT_ERROR_BODY);
        tph_json_write(value, 0, &shown);
        return tph_error_set(err, TPH_ERROR_INVALID, "http.timeoutSeconds is a whole number of seconds, not %s",
                             tph_buf_cstr(&shown));
    }
    seconds = seconds < 0 ? 0 : seconds;
    task->request.timeout_ms = (seconds < TPH_LIMIT_FETCH_S ? seconds : TPH_LIMIT_FETCH_S) * 1000;
    return 0;
}

static int read_body(struct tph_http_task *task, struct tph_error *err)
{
    const struct tph_json *from = tph_json_get(task->http, "bodyFrom");
    const struct tph_json *bytes = tph_json_get(from, "bytes");
    task->request.body = tph_json_get_str(task->http, "body");
    if (tph_json_is_null(from)) {
        return 0;
    }
    if (!tph_json_is(bytes, TPH_JSON_STRING)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "http.bodyFrom has no bytes: give the body there as base64");
    }
    task->body = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_base64_decode(tph_json_str(bytes), &task->body) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "http.bodyFrom.bytes is not base64");
    }
    task->request.body = tph_buf_str(&task->body);
    return 0;
}

/* Argo's words: the API server's, and those of its own look into the Secret. */
static int read_secret(struct tph_http_task *task, const struct tph_json *ref, const struct tph_pod_objects *secrets,
                       struct tph_str ns, struct tph_str *ret_value, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    struct tph_str name = tph_json_get_str(ref, "name");
    struct tph_str key = tph_json_get_str(ref, "key");
    int found = secrets->value ? secrets->value(secrets->owner, TPH_ENV_SECRET, ns, name, key, &value) : 1;
    if (found == 1) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "secrets \"%.*s\" not found", TPH_FMT(name));
    }
    if (found != 0) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "secret '%.*s' does not have the key '%.*s'", TPH_FMT(name),
                             TPH_FMT(key));
    }
    *ret_value = tph_arena_str(task->arena, tph_buf_str(&value));
    return 0;
}

static int read_headers(struct tph_http_task *task, const struct tph_pod_objects *secrets, struct tph_str ns,
                        struct tph_error *err)
{
    const struct tph_json *list = tph_json_get(task->http, "headers");
    struct tph_fetch_header *headers = TPH_ARENA_ARRAY(task->arena, struct tph_fetch_header, tph_json_len(list));
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        const struct tph_json *ref = tph_json_path(it.value, "valueFrom", "secretKeyRef", NULL);
        struct tph_fetch_header *h = &headers[it.index];
        h->name = tph_json_get_str(it.value, "name");
        h->value = tph_json_get_str(it.value, "value");
        if (tph_json_is(ref, TPH_JSON_OBJECT) && read_secret(task, ref, secrets, ns, &h->value, err) < 0) {
            return -1;
        }
    }
    task->request.headers = headers;
    task->request.n_headers = tph_json_len(list);
    return 0;
}

int tph_http_task_read(struct tph_http_task *task, struct tph_str template_json, const struct tph_pod_objects *secrets,
                       struct tph_str ns, struct tph_error *err)
{
    *task = TPH_HTTP_TASK_INIT;
    if (tph_json_parse(template_json, &task->doc, err) < 0) {
        return -1;
    }
    task->arena = tph_arena_new();
    task->http = tph_json_get(tph_json_root(task->doc), "http");
    task->request.method = tph_json_get_str(task->http, "method");
    task->request.url = tph_json_get_str(task->http, "url");
    task->request.insecure = tph_json_bool(tph_json_get(task->http, "insecureSkipVerify"));
    task->request.max_body = TPH_LIMIT_PARAMETER;
    return read_timeout(task, err) < 0 || read_body(task, err) < 0 || read_headers(task, secrets, ns, err) < 0 ? -1 : 0;
}

/* Go's http.Header: name -> list of values, all of one name together. */
static int put_header(struct tph_expr_memory *memory, struct tph_expr_map *map, struct tph_fetch_header header)
{
    const struct tph_expr_value *before = tph_expr_map_get(map, header.name);
    struct tph_expr_builder values = TPH_EXPR_BUILDER(memory);
    struct tph_expr_value list = TPH_EXPR_VALUE_NIL;
    for (size_t i = 0; before && i < before->list.n; i++) {
        if (tph_expr_push(&values, before->list.items[i]) < 0) {
            return -1;
        }
    }
    if (tph_expr_push(&values, tph_expr_str(header.value)) < 0 ||
        tph_expr_finish(&values, TPH_EXPR_LIST_STRING, &list) < 0) {
        return -1;
    }
    return tph_expr_map_set(memory, map, header.name, list);
}

static int put(struct tph_expr_memory *memory, struct tph_expr_value map, const char *name, struct tph_expr_value value)
{
    return tph_expr_map_set(memory, map.map, tph_str(name), value);
}

/* As the template has them, names as they are; those from Secrets are left out, as in Argo. */
static int request_headers(const struct tph_http_task *task, struct tph_expr_memory *memory, struct tph_expr_value *ret)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(task->http, "headers"));
    if (tph_expr_map_new(memory, TPH_EXPR_MAP_LISTS, ret) < 0) {
        return -1;
    }
    while (tph_json_next(&it)) {
        struct tph_expr_builder one = TPH_EXPR_BUILDER(memory);
        struct tph_expr_value list = TPH_EXPR_VALUE_NIL;
        if (!tph_json_is_null(tph_json_get(it.value, "valueFrom"))) {
            continue;
        }
        if (tph_expr_push(&one, tph_expr_str(tph_json_get_str(it.value, "value"))) < 0 ||
            tph_expr_finish(&one, TPH_EXPR_LIST_STRING, &list) < 0 ||
            tph_expr_map_set(memory, ret->map, tph_json_get_str(it.value, "name"), list) < 0) {
            return -1;
        }
    }
    return 0;
}

static int request_value(const struct tph_http_task *task, struct tph_expr_memory *memory, struct tph_expr_value *ret)
{
    struct tph_expr_value headers = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value bytes = {.type = TPH_EXPR_BYTES, .str = tph_buf_str(&task->body)};
    if (tph_expr_map_new(memory, TPH_EXPR_MAP, ret) < 0 || request_headers(task, memory, &headers) < 0) {
        return -1;
    }
    return put(memory, *ret, "method", tph_expr_str(task->request.method)) < 0 ||
                   put(memory, *ret, "url", tph_expr_str(task->request.url)) < 0 ||
                   put(memory, *ret, "body", tph_expr_str(tph_json_get_str(task->http, "body"))) < 0 ||
                   put(memory, *ret, "bodyBytes", bytes) < 0 || put(memory, *ret, "headers", headers) < 0
               ? -1
               : 0;
}

static int response_value(const struct tph_fetch_answer *answer, struct tph_expr_memory *memory,
                          struct tph_expr_value *ret)
{
    struct tph_expr_value headers = TPH_EXPR_VALUE_NIL;
    if (tph_expr_map_new(memory, TPH_EXPR_MAP, ret) < 0 || tph_expr_map_new(memory, TPH_EXPR_MAP_LISTS, &headers) < 0) {
        return -1;
    }
    for (size_t i = 0; i < answer->n_headers; i++) {
        if (put_header(memory, headers.map, answer->headers[i]) < 0) {
            return -1;
        }
    }
    return put(memory, *ret, "statusCode", tph_expr_int(answer->status)) < 0 ||
                   put(memory, *ret, "body", tph_expr_str(answer->body)) < 0 ||
                   put(memory, *ret, "headers", headers) < 0
               ? -1
               : 0;
}

/* 1: met, 0: not, -1: problem. */
static int condition(const struct tph_http_task *task, const struct tph_fetch_answer *answer, struct tph_str text,
                     struct tph_buf *problem)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_expr_flat_freep) struct tph_expr_flat *flat = tph_expr_flat_new();
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(text);
    struct tph_expr_value request = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value response = TPH_EXPR_VALUE_NIL;
    bool met = false;
    if (request_value(task, &memory, &request) < 0 || response_value(answer, &memory, &response) < 0) {
        (void)tph_buf_printf(problem, "the answer is too large for a condition (TPH_LIMIT_EXPR_MEMORY, %zu bytes)",
                             TPH_LIMIT_EXPR_MEMORY);
        return -1;
    }
    tph_expr_flat_set(flat, TPH_STR("request"), request);
    tph_expr_flat_set(flat, TPH_STR("response"), response);
    struct tph_expr_env env = tph_expr_flat_env(flat);
    env.is_plain = true;
    if (tph_expr_decide(expr, &env, &met, problem) < 0) {
        return -1;
    }
    return met ? 1 : 0;
}

/* outputs.result: the body, with what is no UTF-8 replaced, as Go writes it into JSON. */
static const struct tph_json *outputs(struct tph_json_doc *doc, struct tph_str body)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(4 * TPH_LIMIT_PARAMETER);
    struct tph_json *object = tph_json_new_object(doc);
    (void)tph_utf8_repair(&text, body);
    tph_json_set_str(doc, object, "result", tph_buf_str(&text));
    return object;
}

static void fail(struct tph_json_doc *doc, struct tph_str message, struct tph_node_result *result)
{
    result->phase = TPH_STR("Failed");
    result->message = tph_json_str(tph_json_new_str(doc, message));
}

void tph_http_task_judge(const struct tph_http_task *task, const struct tph_fetch_answer *answer,
                         struct tph_json_doc *doc, struct tph_node_result *ret_result)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE + TPH_LIMIT_EXPR);
    struct tph_str wanted = tph_json_get_str(task->http, "successCondition");
    *ret_result = (struct tph_node_result){.phase = TPH_STR("Succeeded")};
    if (answer->outcome != TPH_FETCH_ANSWERED) {
        fail(doc, tph_str(answer->error), ret_result);
        return;
    }
    int met = wanted.len > 0 ? condition(task, answer, wanted, &text) : answer->status / 100 == 2;
    if (met < 0) {
        fail(doc, tph_buf_str(&text), ret_result);
        return;
    }
    ret_result->outputs = outputs(doc, answer->body);
    if (met == 0) {
        if (wanted.len > 0) {
            (void)tph_buf_printf(&text, "successCondition '%.*s' evaluated false", TPH_FMT(wanted));
        } else {
            (void)tph_buf_printf(&text, "received non-2xx response code: %d", answer->status);
        }
        fail(doc, tph_buf_str(&text), ret_result);
    }
}
