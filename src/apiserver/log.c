/* SPDX-License-Identifier: Apache-2.0 */
/* pods/NAME/log: which container, and whether the options make sense. */
#include <string.h>

#include "apiserver/internal.h"
#include "base/limits.h"
#include "data/time.h"

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

void tph_api_log(struct tph_api_call *call, const struct tph_json *pod)
{
    if (check_options(call) < 0 || check_container(call, pod) < 0) {
        tph_call_fail(call);
        return;
    }
    const struct tph_api_pods *pods = call->api->config.pods;
    TPH_CLEANUP(tph_buf_release) struct tph_buf lines = TPH_BUF_INIT(TPH_LIMIT_LOG_TAIL * (TPH_LIMIT_LOG_LINE + 1));
    int64_t tail = TPH_LIMIT_LOG_TAIL;
    int64_t bytes = INT64_MAX;
    bool before = tph_str_eqz(tph_query_str(&call->query, "previous"), "true");
    if (tph_call_number(call, "tailLines", &tail) < 0 || tph_call_number(call, "limitBytes", &bytes) < 0) {
        tph_call_fail(call);
        return;
    }
    size_t most = tail < TPH_LIMIT_LOG_TAIL ? (size_t)tail : TPH_LIMIT_LOG_TAIL;
    if (!pods || before ||
        !pods->log(pods->owner, call->route.ask.ns, call->route.ask.name, tph_query_str(&call->query, "container"),
                   most, &lines)) {
        /* Nobody runs it, so there is nothing that it said. */
        tph_call_answer(call, 204, "text/plain", TPH_STR_NONE);
        return;
    }
    struct tph_str all = tph_buf_str(&lines);
    tph_call_answer(call, 200, "text/plain",
                    tph_str_slice(all, 0, (uint64_t)bytes < all.len ? (size_t)bytes : all.len));
}
