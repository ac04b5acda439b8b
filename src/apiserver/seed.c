/* SPDX-License-Identifier: Apache-2.0 */
/* What is there from the beginning: the namespaces default, kube-system and argo; and what each namespace has. */
#include "apiserver/internal.h"
#include "base/alloc.h"
#include "base/limits.h"

static const char *const namespaces[] = {"default", "kube-system", "argo"};
enum { N_NAMESPACES = sizeof(namespaces) / sizeof(namespaces[0]) };

/* The calls of one seeding, one after the other. */
struct seeding {
    struct tph_api *api;
    tph_api_seeded_fn *done;
    void *owner;
    size_t step;
    struct tph_buf body;
    struct tph_api_request request;
    struct tph_error err;
};

static void next(void *owner);

static void seeded(struct seeding *s, const struct tph_error *failed)
{
    s->done(s->owner, failed);
    tph_buf_release(&s->body);
    free(s);
}

static void answered(void *owner, const struct tph_api_answer *answer)
{
    struct seeding *s = owner;
    if (answer->status != 201 && answer->status != 409) {
        (void)tph_error_set(&s->err, TPH_ERROR_SYSTEM, "the namespace %s cannot be made: %.*s", namespaces[s->step],
                            TPH_FMT(tph_str_slice(answer->body, 0, 1000)));
    }
    s->step++;
    tph_defer(s->api->config.loop, next, s); /* the call is not over yet */
}

static const struct tph_api_sink sink = {.answer = answered};

static void next(void *owner)
{
    struct seeding *s = owner;
    if (s->err.kind != TPH_ERROR_NONE || s->step == N_NAMESPACES) {
        seeded(s, s->err.kind != TPH_ERROR_NONE ? &s->err : NULL);
        return;
    }
    tph_buf_clear(&s->body);
    (void)tph_buf_printf(&s->body, "{\"metadata\":{\"name\":\"%s\"}}", namespaces[s->step]);
    s->request = (struct tph_api_request){.method = "POST",
                                          .target = "/api/v1/namespaces",
                                          .content_type = "application/json",
                                          .user_agent = "tiphys/1",
                                          .body = tph_buf_str(&s->body),
                                          .own = true};
    (void)tph_api_call(s->api, &s->request, &sink, s);
}

void tph_api_seed(struct tph_api *api, tph_api_seeded_fn *done, void *owner)
{
    struct seeding *s = TPH_NEW(struct seeding);
    *s = (struct seeding){
        .api = api, .done = done, .owner = owner, .body = TPH_BUF_INIT(TPH_KIB(4)), .err = TPH_ERROR_INIT};
    next(s);
}

/* ---- what every namespace has ---- */

#define ABOUT_CA                                                                                                \
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as " \
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "  \
    "Kubernetes clusters."

struct furnishing {
    struct tph_buf target, body;
    struct tph_api_request request;
};

static void furnished(void *owner, const struct tph_api_answer *answer)
{
    struct furnishing *f = owner;
    (void)answer; /* it is there, or the namespace is not any more; a failed write is made up for at the next start */
    tph_buf_release(&f->target);
    tph_buf_release(&f->body);
    free(f);
}

static const struct tph_api_sink furnish_sink = {.answer = furnished};

static void make(struct tph_api *api, struct tph_str ns, const char *plural, struct tph_str body)
{
    struct furnishing *f = TPH_NEW(struct furnishing);
    f->target = TPH_BUF_INIT(TPH_KIB(4));
    f->body = TPH_BUF_INIT(TPH_LIMIT_API_BODY);
    (void)tph_buf_printf(&f->target, "/api/v1/namespaces/%.*s/%s", TPH_FMT(ns), plural);
    (void)tph_buf_put(&f->body, body);
    f->request = (struct tph_api_request){.method = "POST",
                                          .target = tph_buf_cstr(&f->target),
                                          .content_type = "application/json",
                                          .user_agent = "kube-controller-manager/tiphys",
                                          .body = tph_buf_str(&f->body),
                                          .own = true};
    (void)tph_api_call(api, &f->request, &furnish_sink, f);
}

void tph_api_furnish(struct tph_api *api, struct tph_str ns)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_API_BODY);
    make(api, ns, "serviceaccounts", TPH_STR("{\"metadata\":{\"name\":\"default\"}}"));
    if (api->config.ca) {
        (void)tph_buf_puts(&body, "{\"metadata\":{\"name\":\"kube-root-ca.crt\",\"annotations\":{"
                                  "\"kubernetes.io/description\":\"" ABOUT_CA "\"}},\"data\":{\"ca.crt\":");
        tph_json_write_str(tph_str(api->config.ca), 0, &body);
        (void)tph_buf_puts(&body, "}}");
        make(api, ns, "configmaps", tph_buf_str(&body));
    }
}
