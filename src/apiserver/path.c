/* SPDX-License-Identifier: Apache-2.0 */
/* What is no resource: discovery, OpenAPI, version, health. */
#include <string.h>

#include "apiserver/discovery.h"
#include "apiserver/internal.h"
#include "base/limits.h"

static void nowhere(struct tph_api_call *call)
{
    struct tph_str path = call->route.ask.path;
    if (tph_str_has_prefix(path, TPH_STR("/api/")) || tph_str_eqz(path, "/api")) {
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

/* A document that never changes, with its ETag: 304 for who has it. */
static void put_document(struct tph_api_call *call, const char *type, struct tph_str document)
{
    tph_etag(document, call->etag);
    if (call->request->if_none_match && strcmp(call->request->if_none_match, call->etag) == 0) {
        tph_call_answer(call, 304, NULL, TPH_STR_NONE);
        return;
    }
    if (call->accept.yaml) {
        tph_call_json(call, 200, document);
    } else {
        tph_call_answer(call, 200, type, document);
    }
}

/* /api, /apis and what is below them, but for resources. False: not served. */
static bool put_discovery(struct tph_api_call *call, struct tph_str path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool core = tph_str_eqz(path, "/api");
    bool root = core || tph_str_eqz(path, "/apis");
    bool known = true;
    const char *type = "application/json";
    if (root && call->accept.form == TPH_FORM_DISCOVERY) {
        tph_discovery_aggregated(core, &out);
        type = TPH_DISCOVERY_TYPE;
    } else if (core) {
        tph_discovery_versions(call->api->config.address, &out);
    } else if (root) {
        tph_discovery_groups(&out);
    } else if (tph_str_eqz(path, "/api/v1")) {
        known = tph_discovery_resources(TPH_STR(""), TPH_STR("v1"), &out);
    } else if (tph_str_has_prefix(path, TPH_STR("/apis/"))) {
        struct tph_str version = tph_str_slice(path, 6, path.len);
        struct tph_str group;
        known = tph_str_cut(&version, '/', &group) &&
                (version.p ? tph_discovery_resources(group, version, &out) : tph_discovery_group(group, &out));
    } else {
        known = false;
    }
    if (known) {
        put_document(call, type, tph_buf_str(&out));
    }
    return known;
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
    if (tph_str_has_prefix(path, TPH_STR("/api"))) {
        if (strcmp(call->request->method, "GET") != 0) {
            (void)tph_status_method(&call->status);
            tph_call_fail(call);
            return;
        }
        if (put_discovery(call, path)) {
            return;
        }
    }
    nowhere(call);
}
