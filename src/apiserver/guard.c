/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/guard.h"

#include <stdio.h>
#include <string.h>

#include "access/limit.h"
#include "access/review.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

struct tph_guard {
    struct tph_guard_config config;
    struct tph_api_access access;
    struct tph_limit *users, *strangers; /* owned */
    struct tph_metric *requests, *seconds, *refused;
};

struct tph_access_attributes tph_guard_attributes(const struct tph_api_attributes *what)
{
    return (struct tph_access_attributes){.verb = what->verb,
                                          .is_resource = what->is_resource,
                                          .path = what->path,
                                          .group = what->group,
                                          .resource = what->resource,
                                          .sub = what->sub,
                                          .ns = what->ns,
                                          .name = what->name};
}

static struct tph_api_user user_of(const struct tph_access_user *user)
{
    return (struct tph_api_user){.name = tph_access_name(user), .rights = user};
}

static bool identify(void *owner, const char *authorization, struct tph_api_user *ret_user)
{
    const struct tph_guard *g = owner;
    const struct tph_access_user *user = tph_access_identify(g->config.access, authorization, tph_clock_wall_ms());
    if (user) {
        *ret_user = user_of(user);
    }
    return user != NULL;
}

static bool allowed(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what)
{
    struct tph_access_attributes asked = tph_guard_attributes(what);
    (void)owner;
    return tph_access_allowed(user->rights, &asked, NULL);
}

static const char *reason(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what)
{
    struct tph_access_attributes asked = tph_guard_attributes(what);
    const char *why;
    (void)owner;
    (void)tph_access_allowed(user->rights, &asked, &why);
    return why;
}

static bool impersonate(void *owner, const struct tph_api_user *user, struct tph_str name,
                        struct tph_api_user *ret_user)
{
    const struct tph_guard *g = owner;
    const struct tph_access_user *other = tph_access_impersonate(g->config.access, user->rights, name);
    if (other) {
        *ret_user = user_of(other);
    }
    return other != NULL;
}

/* An address without its port, which each connection has another of. */
static struct tph_str host_of(const char *peer)
{
    const char *colon = strrchr(peer, ':');
    return colon ? (struct tph_str){peer, (size_t)(colon - peer)} : tph_str(peer);
}

static bool admit(void *owner, const struct tph_api_user *user, const char *peer)
{
    const struct tph_guard *g = owner;
    int64_t now_ms = tph_loop_now_ms(g->config.loop);
    bool stranger = !user || tph_access_anonymous(user->rights);
    if (!stranger && tph_access_is_admin(user->rights)) {
        return true;
    }
    bool good =
        stranger ? tph_limit_take(g->strangers, host_of(peer), now_ms) : tph_limit_take(g->users, user->name, now_ms);
    if (!good) {
        tph_series_add(tph_metric_of(g->refused, stranger ? "unknown" : "user", NULL), 1);
    }
    return good;
}

static const char *judge_object(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what,
                                const struct tph_json *old, const struct tph_json *object)
{
    (void)owner;
    if (tph_access_changes_settings(what->group, what->resource, old, object) && !tph_access_is_admin(user->rights)) {
        return "it has the settings of this server, for all namespaces: that is for administrators of all of them";
    }
    if (!object || !tph_access_changes_code(what->group, what->resource, old, object) ||
        tph_access_may_run_code(user->rights, what->ns)) {
        return NULL;
    }
    return "it defines what runs as code on this server: that needs the right plugins (tiphys token add --role "
           "edit,plugins), which administrators have";
}

/* Numbers and the log. */

static void put_object(const struct tph_api_done *done, struct tph_buf *out)
{
    const struct tph_api_attributes *what = done->what;
    (void)tph_buf_printf(out, "%.*s%s%.*s", TPH_FMT(what->resource), what->group.len > 0 ? "." : "",
                         TPH_FMT(what->group));
    if (what->ns.len > 0) {
        (void)tph_buf_printf(out, "/%.*s", TPH_FMT(what->ns));
    }
    if (done->name.len > 0) {
        (void)tph_buf_printf(out, "/%.*s", TPH_FMT(done->name));
    }
    if (what->sub.len > 0) {
        (void)tph_buf_printf(out, "/%.*s", TPH_FMT(what->sub));
    }
}

static void write_audit(const struct tph_api_done *done)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf object = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    TPH_CLEANUP(tph_freep) char *user = tph_str_dup(done->user->name);
    char code[16], ms[32];
    put_object(done, &object);
    (void)snprintf(code, sizeof(code), "%d", done->code);
    (void)snprintf(ms, sizeof(ms), "%lld.%lld", (long long)(done->took_us / 1000),
                   (long long)(done->took_us % 1000 / 100));
    tph_log(TPH_LOG_INFO, "audit", "id", done->id, "user", *user ? user : NULL, "verb", done->what->verb, "object",
            tph_buf_cstr(&object), "code", code, "ms", ms, "dryRun", done->dry_run ? "true" : NULL, "peer",
            *done->peer ? done->peer : NULL, NULL);
}

static void done(void *owner, const struct tph_api_done *done)
{
    const struct tph_guard *g = owner;
    char code[16];
    (void)snprintf(code, sizeof(code), "%d", done->code);
    const struct tph_api_attributes *what = done->what;
    /* Of what was refused, or is no resource of ours, the client chose the words. */
    bool known = what->is_resource && done->code != 401 && done->code != 403 && done->code != 404 && done->code != 405;
    const struct tph_str values[] = {tph_str(known ? what->verb : "other"), known ? what->group : TPH_STR("other"),
                                     known ? what->resource : TPH_STR("other"), tph_str(code)};
    tph_series_add(tph_metric_series(g->requests, values), 1);
    if (!done->stream) {
        tph_series_observe(tph_metric_series(g->seconds, values), (double)done->took_us / 1e6);
    }
    if (done->write && done->code != 429) { /* who floods us does not fill the disk as well */
        write_audit(done);
    }
}

static void answer_review(void *owner, const struct tph_api_review *asked, struct tph_json_doc *doc,
                          struct tph_status *status)
{
    const struct tph_guard *g = owner;
    tph_api_answer_review(g->config.access, asked->user->rights, asked, doc, status);
}

struct tph_guard *tph_guard_new(const struct tph_guard_config *config)
{
    static const char *const request_labels[] = {"verb", "group", "resource", "code", NULL};
    static const char *const refused_labels[] = {"client", NULL};
    static const struct tph_metric_spec requests = {.name = "apiserver_request_total",
                                                    .help = "Requests by what they wanted and how they were answered.",
                                                    .kind = TPH_METRIC_COUNTER,
                                                    .labels = request_labels};
    static const char *const seconds_labels[] = {"verb", "group", "resource", NULL};
    static const struct tph_metric_spec seconds = {.name = "apiserver_request_duration_seconds",
                                                   .help = "From the whole request to its answer; without watches.",
                                                   .kind = TPH_METRIC_HISTOGRAM,
                                                   .labels = seconds_labels};
    static const struct tph_metric_spec refused = {.name = "apiserver_rejected_requests_total",
                                                   .help = "Requests that were too many: answered 429.",
                                                   .kind = TPH_METRIC_COUNTER,
                                                   .labels = refused_labels};
    struct tph_guard *g = TPH_NEW(struct tph_guard);
    double rate = config->rate > 0 ? config->rate : TPH_LIMIT_RATE;
    g->config = *config;
    g->users = tph_limit_new(rate, config->burst > 0 ? config->burst : 2 * rate);
    g->strangers = tph_limit_new(TPH_LIMIT_RATE_STRANGERS, 5 * TPH_LIMIT_RATE_STRANGERS);
    g->requests = tph_metric_new(config->metrics, &requests);
    g->seconds = tph_metric_new(config->metrics, &seconds);
    g->refused = tph_metric_new(config->metrics, &refused);
    g->access = (struct tph_api_access){.owner = g,
                                        .identify = identify,
                                        .allowed = allowed,
                                        .impersonate = impersonate,
                                        .admit = admit,
                                        .object = judge_object,
                                        .reason = reason,
                                        .review = answer_review,
                                        .done = done};
    return g;
}

void tph_guard_free(struct tph_guard *guard)
{
    if (guard) {
        tph_limit_free(guard->users);
        tph_limit_free(guard->strangers);
        free(guard);
    }
}

const struct tph_api_access *tph_guard_access(const struct tph_guard *guard)
{
    return &guard->access;
}
