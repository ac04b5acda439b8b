/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked about oneself, and tokens of service accounts: nothing is kept. The answers are those of struct
 * tph_api_access; where everybody may do everything, access reviews say so. */
#include <string.h>

#include "apiserver/internal.h"
#include "apiserver/protobuf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/time.h"

static void answer(struct tph_api_call *call, const struct tph_json *root)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (call->status.code != 0) {
        tph_call_fail(call);
        return;
    }
    tph_json_write(root, TPH_JSON_HTML, &out);
    (void)tph_buf_putc(&out, '\n');
    tph_call_json(call, 201, tph_buf_str(&out));
}

/* Without an access object. */
static void allow(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object)
{
    struct tph_json *status = tph_json_new_object(doc);
    if (strcmp(call->route.kind->kind, "SelfSubjectAccessReview") != 0) {
        (void)tph_status_unknown_path(&call->status);
        tph_call_fail(call);
        return;
    }
    tph_json_set(doc, status, "allowed", tph_json_new_bool(doc, true));
    tph_json_set(doc, object, "status", status);
    (void)tph_object_meta(doc, object);
    answer(call, object);
}

static void ask(struct tph_api_call *call, struct tph_api_review *review, struct tph_json_doc *doc)
{
    const struct tph_api_access *access = call->api->config.access;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *answer_doc = tph_json_doc_new();
    char time[TPH_TIME_TEXT];
    review->user = &call->user;
    review->now_ms = tph_clock_wall_ms();
    tph_time_format(review->now_ms, time);
    review->time = tph_str(time);
    review->manager = call->options.manager;
    if (access && access->review && !call->request->own &&
        access->review(access->owner, review, answer_doc, &call->status)) {
        answer(call, tph_json_root(answer_doc));
    } else {
        allow(call, doc, tph_json_root(doc));
    }
}

/* The body as JSON; an empty one is an empty object. */
static int read_body(struct tph_api_call *call, const char *version, const char *kind, struct tph_json_doc **ret_doc)
{
    struct tph_error err = TPH_ERROR_INIT;
    char room[TPH_MEDIA_TEXT];
    struct tph_str body = call->request->body, type = tph_media_type(call->request->content_type, room);
    bool protobuf = tph_str_eqz(type, "application/vnd.kubernetes.protobuf");
    int failed = protobuf ? tph_protobuf_read(body, tph_str(version), tph_str(kind), ret_doc, &err)
                          : tph_json_parse(body.len > 0 ? body : TPH_STR("{}"), ret_doc, &err);
    if (failed < 0) {
        return protobuf ? tph_status_bad_request(&call->status, "%s", err.text)
                        : tph_status_bad_request(&call->status, "%s in version \"v1\" cannot be handled as a %s: %s",
                                                 kind, kind, err.text);
    }
    return 0;
}

void tph_api_review(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *object = NULL;
    if (tph_call_options(call, "CreateOptions", false) < 0 || tph_decode(call, &doc, &object) < 0) {
        tph_call_fail(call);
        return;
    }
    struct tph_api_review review = {.kind = call->route.kind, .request = object};
    tph_json_set_root(doc, object);
    ask(call, &review, doc);
}

void tph_api_token(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *account = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object found = TPH_STORE_OBJECT_INIT;
    const struct tph_store_key key = tph_call_key(call);
    if (tph_call_options(call, "CreateOptions", false) < 0 ||
        read_body(call, "authentication.k8s.io/v1", "TokenRequest", &doc) < 0) {
        tph_call_fail(call);
        return;
    }
    int there = tph_store_get(call->api->config.store, &key, 0, &found, &err);
    if (there != 0) {
        (void)(there < 0 ? tph_status_internal(&call->status, "%s", err.text)
                         : tph_status_not_found(&call->status, call->route.kind, key.name));
        tph_call_fail(call);
        return;
    }
    there = tph_object_read(tph_buf_str(&found.text), 0, &account, &err);
    if (there < 0) {
        tph_call_error(call, &err);
        return;
    }
    struct tph_api_review review = {
        .kind = call->route.kind, .request = tph_json_root(doc), .account = tph_json_root(account)};
    ask(call, &review, doc);
}
