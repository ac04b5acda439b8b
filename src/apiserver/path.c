/* SPDX-License-Identifier: Apache-2.0 */
/* What is no resource: discovery, OpenAPI, version, health. */
#include <string.h>

#include "apiserver/internal.h"
#include "base/limits.h"

static void nowhere(struct tph_api_call *call)
{
    struct tph_str path = call->route.ask.path;
    if (tph_str_has_prefix(path, TPH_STR("/api/"))) {
        (void)tph_status_unknown_path(&call->status);
        tph_call_fail(call);
        return;
    }
    tph_call_answer(call, 404, "text/plain; charset=utf-8", TPH_STR("404 page not found\n"));
}

static void put_version(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_printf(&out,
                         "{\"major\":\"1\",\"minor\":\"35\",\"emulationMajor\":\"1\",\"emulationMinor\":\"35\","
                         "\"minCompatibilityMajor\":\"1\",\"minCompatibilityMinor\":\"34\",\"gitVersion\":\"v1.35.4+"
                         "tiphys-%s\",\"gitCommit\":\"\",\"gitTreeState\":\"clean\",\"buildDate\":"
                         "\"1970-01-01T00:00:00Z\",\"goVersion\":\"\",\"compiler\":\"\",\"platform\":\"linux/amd64\"}",
                         call->api->config.version);
    tph_call_answer(call, 200, "application/json", tph_buf_str(&out));
}

static void put_health(struct tph_api_call *call)
{
    tph_call_answer(call, 200, "text/plain; charset=utf-8", TPH_STR("ok"));
}

static void put_metrics(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (!call->api->config.metrics) {
        nowhere(call);
        return;
    }
    tph_metrics_write(call->api->config.metrics, &out);
    tph_call_answer(call, 200, TPH_METRICS_TYPE, tph_buf_str(&out));
}

void tph_api_path(struct tph_api_call *call)
{
    static const struct {
        const char *path;
        void (*serve)(struct tph_api_call *call);
    } paths[] = {
        {"/version", put_version}, {"/healthz", put_health},  {"/livez", put_health},
        {"/readyz", put_health},   {"/metrics", put_metrics},
    };
    struct tph_str path = call->route.ask.path;
    if (path.len > 1 && path.p[path.len - 1] == '/') {
        path.len--;
    }
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!tph_str_eqz(path, paths[i].path)) {
            continue;
        }
        if (strcmp(call->request->method, "GET") != 0) {
            (void)tph_status_method(&call->status);
            tph_call_fail(call);
            return;
        }
        paths[i].serve(call);
        return;
    }
    nowhere(call);
}
