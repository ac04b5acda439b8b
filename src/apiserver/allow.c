/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, whether he may, and what was done in the end: everything that the API asks of struct tph_api_access. */
#include <string.h>

#include "apiserver/guard.h"
#include "apiserver/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"

/* 403 for what an authorizer refused. */
static int forbid(struct tph_api_call *call, const struct tph_api_attributes *ask, const char *reason)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER * 4);
    struct tph_status *s = &call->status;
    const struct tph_access_attributes what = tph_guard_attributes(ask);
    tph_access_refusal(call->user.name, &what, reason, &text);
    if (ask->is_resource) {
        (void)tph_buf_put(&s->name, ask->name);
        (void)tph_buf_put(&s->group, ask->group);
        (void)tph_buf_put(&s->kind, ask->resource);
    }
    return tph_status_set_bare(s, 403, "Forbidden", "%s", tph_buf_cstr(&text));
}

static int too_many(struct tph_api_call *call)
{
    call->status.retry_after_s = 1;
    return tph_status_set_bare(&call->status, 429, "TooManyRequests", "Too many requests, please try again later.");
}

static int become(struct tph_api_call *call)
{
    const struct tph_api_access *access = call->api->config.access;
    const struct tph_api_attributes ask = {.verb = "impersonate",
                                           .is_resource = true,
                                           .resource = TPH_STR("users"),
                                           .name = tph_str(call->request->impersonate)};
    struct tph_api_user other;
    if (!access->impersonate || !access->allowed(access->owner, &call->user, &ask) ||
        !access->impersonate(access->owner, &call->user, ask.name, &other)) {
        return forbid(call, &ask, NULL);
    }
    call->user = other;
    return 0;
}

int tph_call_check_access(struct tph_api_call *call)
{
    const struct tph_api_access *access = call->api->config.access;
    const struct tph_api_request *request = call->request;
    const char *peer = request->peer ? request->peer : "";
    call->user = (struct tph_api_user){.name = TPH_STR("admin")};
    if (!access || request->own) {
        return 0;
    }
    if (!access->identify(access->owner, request->authorization, &call->user)) {
        call->user = (struct tph_api_user){.name = TPH_STR_NONE};
        bool again = !access->admit || access->admit(access->owner, NULL, peer);
        return again ? tph_status_set(&call->status, 401, "Unauthorized", "Unauthorized") : too_many(call);
    }
    if (access->admit && !access->admit(access->owner, &call->user, peer)) {
        return too_many(call);
    }
    if (request->impersonate && become(call) < 0) {
        return -1;
    }
    if (access->allowed(access->owner, &call->user, &call->route.ask)) {
        return 0;
    }
    return forbid(call, &call->route.ask,
                  access->reason ? access->reason(access->owner, &call->user, &call->route.ask) : NULL);
}

bool tph_call_still_allowed(const struct tph_api_call *call)
{
    const struct tph_api_access *access = call->api->config.access;
    return !access || !call->request || call->request->own ||
           access->allowed(access->owner, &call->user, &call->route.ask);
}

int tph_call_check_object(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object)
{
    const struct tph_api_access *access = call->api->config.access;
    if (!access || !access->object || !call->request || call->request->own) {
        return 0;
    }
    const char *why = access->object(access->owner, &call->user, &call->route.ask, old, object);
    if (!why) {
        return 0;
    }
    struct tph_api_attributes ask = call->route.ask;
    ask.name = tph_object_meta_str(object ? object : old, "name");
    return forbid(call, &ask, why);
}

void tph_call_begin_id(struct tph_api_call *call)
{
    const struct tph_api_access *access = call->api->config.access;
    if (access && access->done && !call->request->own) {
        uint64_t number = tph_random_next(&call->api->random);
        for (size_t i = 0; i < sizeof(call->id) - 1; i++) {
            call->id[i] = "0123456789abcdef"[number >> (4 * i) & 15];
        }
        call->began_us = tph_clock_monotonic_us();
    }
}

static bool is_write(const struct tph_api_call *call)
{
    static const char *const reads[] = {"get", "list", "watch"};
    const struct tph_api_attributes *ask = &call->route.ask;
    bool asks_only = call->route.kind && (call->route.kind->flags & TPH_KIND_VIRTUAL) != 0;
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        asks_only = asks_only || strcmp(ask->verb, reads[i]) == 0;
    }
    return ask->is_resource && !asks_only;
}

void tph_call_done(struct tph_api_call *call, int code)
{
    const struct tph_api_access *access = call->api->config.access;
    if (call->id[0] == '\0' || call->told) {
        return;
    }
    call->told = true;
    const struct tph_api_done done = {
        .id = call->id,
        .user = &call->user,
        .what = &call->route.ask,
        .name = call->name.len > 0 ? tph_buf_str(&call->name) : call->route.ask.name,
        .peer = call->request && call->request->peer ? call->request->peer : "",
        .code = code,
        .took_us = tph_clock_monotonic_us() - call->began_us,
        .write = is_write(call),
        .stream = strcmp(call->route.ask.verb, "watch") == 0,
        .dry_run = call->options.dry_run,
    };
    access->done(access->owner, &done);
}
