/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked about oneself, and tokens of service accounts: nothing is kept. The answers are those of struct
 * tph_api_access; where everybody may do everything, access reviews say so. */
#include <string.h>

#include "apiserver/guard.h"
#include "apiserver/internal.h"
#include "apiserver/protobuf.h"
#include "access/review.h"
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

static struct tph_json *answer_token(const struct tph_access *access, const struct tph_api_review *asked,
                                     const struct tph_review *review, struct tph_json_doc *doc,
                                     struct tph_review_fault *fault)
{
    const struct tph_json *meta = tph_json_get(asked->account, "metadata");
    const struct tph_review_account account = {.ns = tph_json_get_str(meta, "namespace"),
                                               .name = tph_json_get_str(meta, "name"),
                                               .uid = tph_json_get_str(meta, "uid"),
                                               .now_s = asked->now_ms / 1000};
    return tph_review_token(access, review, &account, asked->request, doc, fault);
}

static void tell_fault(const struct tph_api_review *asked, const struct tph_review_fault *fault,
                       struct tph_status *status)
{
    if (!fault->field) {
        (void)tph_status_bad_request(status, "%s", fault->text);
        return;
    }
    tph_status_fault(status, TPH_FAULT_INVALID, fault->field, "%s", fault->text);
    (void)!(asked->account
                ? tph_status_invalid(status, TPH_STR("authentication.k8s.io"), TPH_STR("TokenRequest"), TPH_STR_NONE)
                : tph_status_invalid(status, tph_str(asked->kind->group), TPH_STR_NONE, TPH_STR_NONE));
}

void tph_api_answer_review(const struct tph_access *access, const struct tph_access_user *user,
                           const struct tph_api_review *asked, struct tph_json_doc *doc, struct tph_status *status)
{
    const struct tph_review review = {.user = user, .time = asked->time, .manager = asked->manager};
    struct tph_review_fault fault = {.field = NULL};
    const char *kind = asked->account ? "TokenRequest" : asked->kind->kind;
    struct tph_json *root;
    if (asked->account) {
        root = answer_token(access, asked, &review, doc, &fault);
    } else if (strcmp(kind, "SelfSubjectAccessReview") == 0) {
        root = tph_review_access(&review, asked->request, doc, &fault);
    } else if (strcmp(kind, "SelfSubjectRulesReview") == 0) {
        root = tph_review_rules(&review, asked->request, doc, &fault);
    } else {
        root = tph_review_user(&review, doc);
    }
    if (!root) {
        tell_fault(asked, &fault, status);
    }
}

/* Where everybody may do everything, an administrator asks. */
static void answer_everybody(struct tph_api_call *call, const struct tph_api_review *review, struct tph_json_doc *doc)
{
    const struct tph_access_config config = {.admin_token = TPH_STR("any")};
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = tph_access_new(&config);
    if (review->account) {
        (void)tph_status_set_bare(&call->status, 404, "NotFound", "the server could not find the requested resource");
        return;
    }
    tph_api_answer_review(access, tph_access_identify(access, "Bearer any", 0), review, doc, &call->status);
}

static void ask(struct tph_api_call *call, struct tph_api_review *review)
{
    const struct tph_api_access *access = call->api->config.access;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    char time[TPH_TIME_TEXT];
    review->user = &call->user;
    review->now_ms = tph_clock_wall_ms();
    tph_time_format(review->now_ms, time);
    review->time = tph_str(time);
    review->manager = call->options.manager;
    if (access && access->review && !call->request->own) {
        access->review(access->owner, review, doc, &call->status);
    } else {
        answer_everybody(call, review, doc);
    }
    answer(call, tph_json_root(doc));
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
    ask(call, &review);
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
    ask(call, &review);
}
