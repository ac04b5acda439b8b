/* SPDX-License-Identifier: Apache-2.0 */
/* What is there from the beginning: the namespaces default, kube-system and argo, each with its service account. */
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
    size_t step; /* even: a namespace; odd: its service account */
    struct tph_buf target, body;
    struct tph_api_request request;
    struct tph_error err;
};

static void next(void *owner);

static void seeded(struct seeding *s, const struct tph_error *failed)
{
    s->done(s->owner, failed);
    tph_buf_release(&s->target);
    tph_buf_release(&s->body);
    free(s);
}

static void answered(void *owner, const struct tph_api_answer *answer)
{
    struct seeding *s = owner;
    if (answer->status != 201 && answer->status != 409) {
        (void)tph_error_set(&s->err, TPH_ERROR_SYSTEM, "the namespace %s cannot be made: %.*s", namespaces[s->step / 2],
                            TPH_FMT(tph_str_slice(answer->body, 0, 1000)));
    }
    s->step++;
    tph_defer(s->api->config.loop, next, s); /* the call is not over yet */
}

static const struct tph_api_sink sink = {.answer = answered};

static void next(void *owner)
{
    struct seeding *s = owner;
    if (s->err.kind != TPH_ERROR_NONE || s->step == 2 * N_NAMESPACES) {
        seeded(s, s->err.kind != TPH_ERROR_NONE ? &s->err : NULL);
        return;
    }
    const char *name = namespaces[s->step / 2];
    bool account = s->step % 2 != 0;
    tph_buf_clear(&s->target);
    tph_buf_clear(&s->body);
    (void)tph_buf_printf(&s->target, account ? "/api/v1/namespaces/%s/serviceaccounts" : "/api/v1/namespaces", name);
    (void)tph_buf_printf(&s->body, "{\"metadata\":{\"name\":\"%s\"}}", account ? "default" : name);
    s->request = (struct tph_api_request){.method = "POST",
                                          .target = tph_buf_cstr(&s->target),
                                          .content_type = "application/json",
                                          .user_agent = "tiphys/1",
                                          .body = tph_buf_str(&s->body),
                                          .own = true};
    (void)tph_api_call(s->api, &s->request, &sink, s);
}

void tph_api_seed(struct tph_api *api, tph_api_seeded_fn *done, void *owner)
{
    struct seeding *s = TPH_NEW(struct seeding);
    *s = (struct seeding){.api = api,
                          .done = done,
                          .owner = owner,
                          .target = TPH_BUF_INIT(TPH_KIB(4)),
                          .body = TPH_BUF_INIT(TPH_KIB(4)),
                          .err = TPH_ERROR_INIT};
    next(s);
}
