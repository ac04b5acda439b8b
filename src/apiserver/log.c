/* SPDX-License-Identifier: Apache-2.0 */
/* pods/NAME/log: which container, whether the options make sense, and the lines as long as the client wants them. */
#include <stdlib.h>
#include <string.h>

#include "apiserver/internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/time.h"

enum { TURNS = 16 }; /* pieces of a log in one turn of the loop */

/* A number that must be at least `least`. */
static int check_number(struct tph_api_call *call, const char *name, int64_t least)
{
    int64_t value = INT64_MAX;
    if (tph_call_number(call, name, &value) < 0) {
        return -1;
    }
    if (value < least) {
        tph_status_fault(&call->status, TPH_FAULT_INVALID, name, "Invalid value: %lld: must be greater than %s0",
                         (long long)value, least == 0 ? "or equal to " : "");
    }
    return 0;
}

static int check_options(struct tph_api_call *call)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_instant instant;
    struct tph_str since = tph_query_str(&call->query, "sinceTime");
    if (since.len > 0 && tph_time_parse_instant(since, &instant, &err) < 0) {
        return tph_status_bad_request(&call->status, "%s", err.text);
    }
    if (check_number(call, "tailLines", 0) < 0 || check_number(call, "limitBytes", 1) < 0) {
        return -1;
    }
    if (since.len > 0 && tph_query_str(&call->query, "sinceSeconds").len > 0) {
        tph_status_fault(&call->status, TPH_FAULT_FORBIDDEN, "[]",
                         "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");
    } else if (check_number(call, "sinceSeconds", 1) < 0) {
        return -1;
    }
    if (tph_query_get(&call->query, "stream", NULL)) {
        tph_status_fault(&call->status, TPH_FAULT_FORBIDDEN, "stream", "Forbidden: may not be specified");
    }
    return tph_status_invalid(&call->status, TPH_STR_NONE, TPH_STR("PodLogOptions"), call->route.ask.name);
}

/* The container that is asked for; empty: the only one. */
static int check_container(struct tph_api_call *call, const struct tph_json *pod)
{
    struct tph_str asked = tph_query_str(&call->query, "container");
    const struct tph_json *containers = tph_json_path(pod, "spec", "containers", NULL);
    struct tph_str name = call->route.ask.name;
    TPH_CLEANUP(tph_buf_release) struct tph_buf names = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json_iter it = tph_json_iter(containers);
    bool known = false;
    while (tph_json_next(&it)) {
        struct tph_str own = tph_json_get_str(it.value, "name");
        (void)tph_buf_printf(&names, "%s%.*s", it.index > 0 ? " " : "", TPH_FMT(own));
        known = known || tph_str_eq(own, asked);
    }
    it = tph_json_iter(tph_json_path(pod, "spec", "initContainers", NULL));
    while (tph_json_next(&it)) {
        known = known || tph_str_eq(tph_json_get_str(it.value, "name"), asked);
    }
    if (asked.len == 0 && tph_json_len(containers) > 1) {
        return tph_status_bad_request(&call->status,
                                      "a container name must be specified for pod %.*s, choose one of: [%s]",
                                      TPH_FMT(name), tph_buf_cstr(&names));
    }
    if (asked.len > 0 && !known) {
        return tph_status_bad_request(&call->status, "container %.*s is not valid for pod %.*s", TPH_FMT(asked),
                                      TPH_FMT(name));
    }
    return 0;
}

/* ---- the answer ---- */

/* A log on its way to a client. Nothing is gathered for one who is slow: the file is read when he has taken what there
 * was. */
struct tph_api_log_stream {
    struct tph_api_call *call;
    void *log;          /* of the pods */
    struct tph_buf out; /* what the client did not take yet */
    bool reading, ended, follows;
};

void tph_api_log_free(struct tph_api_log_stream *s)
{
    if (!s) {
        return;
    }
    const struct tph_api_pods *pods = s->call->api->config.pods;
    tph_defer_cancel(s->call->api->config.loop, s);
    pods->log_close(pods->owner, s->log);
    tph_buf_release(&s->out);
    free(s);
}

static void wake(void *owner)
{
    struct tph_api_log_stream *s = owner;
    tph_api_log_pump(s->call);
}

void tph_api_log_pump(struct tph_api_call *call)
{
    struct tph_api_log_stream *s = call->log;
    const struct tph_api_pods *pods = call->api->config.pods;
    if (s->reading) {
        return;
    }
    s->ended = s->ended || (s->follows && !tph_call_still_allowed(call));
    s->reading = true;
    for (unsigned turns = 0; !s->ended; turns++) {
        if (s->out.len > 0 && !call->sink->write(call->owner, tph_buf_str(&s->out))) {
            s->reading = false;
            return; /* tph_api_drained goes on */
        }
        tph_buf_clear(&s->out);
        enum tph_api_log_state state = pods->log_read(pods->owner, s->log, &s->out);
        s->ended = state == TPH_API_LOG_END && s->out.len == 0;
        if (state == TPH_API_LOG_WAIT && s->out.len == 0) {
            break;
        }
        if (turns >= TURNS) {
            tph_defer_cancel(call->api->config.loop, s);
            tph_defer(call->api->config.loop, wake, s); /* others have their turn */
            break;
        }
    }
    s->reading = false;
    if (s->ended) {
        call->sink->end(call->owner);
        tph_call_end(call);
    }
}

/* The container that is asked for, or the only one. */
static struct tph_str container_of(const struct tph_api_call *call, const struct tph_json *pod)
{
    struct tph_str asked = tph_query_str(&call->query, "container");
    return asked.len > 0 ? asked
                         : tph_json_get_str(tph_json_at(tph_json_path(pod, "spec", "containers", NULL), 0), "name");
}

static int read_ask(struct tph_api_call *call, const struct tph_json *pod, struct tph_api_log_ask *ask)
{
    struct tph_instant since;
    int64_t seconds = 0;
    *ask = (struct tph_api_log_ask){.ns = call->route.ask.ns,
                                    .name = call->route.ask.name,
                                    .container = container_of(call, pod),
                                    .follow = tph_query_bool(&call->query, "follow"),
                                    .previous = tph_query_bool(&call->query, "previous"),
                                    .timestamps = tph_query_bool(&call->query, "timestamps"),
                                    .tail_lines = -1,
                                    .limit_bytes = -1,
                                    .wake = wake};
    if (tph_call_number(call, "tailLines", &ask->tail_lines) < 0 ||
        tph_call_number(call, "limitBytes", &ask->limit_bytes) < 0 ||
        tph_call_number(call, "sinceSeconds", &seconds) < 0) {
        return -1;
    }
    if (seconds > 0) {
        int64_t now_ms = tph_clock_wall_ms();
        ask->since_ms = seconds < now_ms / 1000 ? now_ms - seconds * 1000 : 0;
    } else if (tph_time_parse_instant(tph_query_str(&call->query, "sinceTime"), &since, NULL) == 0) {
        ask->since_ms = since.seconds > 0 ? since.seconds * 1000 + since.ns / 1000000 : 0;
    }
    return 0;
}

void tph_api_log(struct tph_api_call *call, const struct tph_json *pod)
{
    const struct tph_api_pods *pods = call->api->config.pods;
    struct tph_api_log_ask ask;
    struct tph_error err = TPH_ERROR_INIT;
    void *log = NULL;
    if (check_options(call) < 0 || check_container(call, pod) < 0 || read_ask(call, pod, &ask) < 0) {
        tph_call_fail(call);
        return;
    }
    struct tph_api_log_stream *s = TPH_NEW(struct tph_api_log_stream);
    ask.wake_owner = s;
    int found = pods ? pods->log_open(pods->owner, &ask, &log, &err) : TPH_API_LOG_UNKNOWN;
    if (found != TPH_API_LOG_OPEN) {
        free(s);
    }
    if (found < 0) {
        tph_call_error(call, &err);
        return;
    }
    if (found == TPH_API_LOG_NO_PREVIOUS) {
        (void)tph_status_bad_request(&call->status, "previous terminated container \"%.*s\" in pod \"%.*s\" not found",
                                     TPH_FMT(ask.container), TPH_FMT(ask.name));
        tph_call_fail(call);
        return;
    }
    if (found == TPH_API_LOG_UNKNOWN) {
        /* Nobody runs it, so there is nothing that it said. */
        tph_call_answer(call, 204, "text/plain", TPH_STR_NONE);
        return;
    }
    *s = (struct tph_api_log_stream){
        .call = call, .log = log, .out = TPH_BUF_INIT(TPH_LIMIT_LOG_TURN), .follows = ask.follow};
    call->log = s;
    const struct tph_http_header headers[] = {{"Content-Type", "text/plain"}, {"Cache-Control", "no-cache, private"}};
    tph_call_done(call, 200);
    call->sink->begin(call->owner, &(struct tph_api_answer){.status = 200, .headers = headers, .n_headers = 2});
    tph_defer(call->api->config.loop, wake, s);
}
