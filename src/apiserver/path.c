/* SPDX-License-Identifier: Apache-2.0 */
/* What is no resource: discovery, OpenAPI, version, health. */
#include <string.h>

#include "apiserver/discovery.h"
#include "apiserver/write.h"
#include "apiserver/openapi.h"
#include "base/limits.h"

/* Below the paths of the API server's own groups. */
static bool is_built_in(struct tph_str path)
{
    static const char APIS[] = "/apis/";
    struct tph_str rest = tph_str_slice(path, sizeof(APIS) - 1, path.len);
    struct tph_str group;
    if (!tph_str_has_prefix(path, tph_str(APIS))) {
        return tph_str_has_prefix(path, TPH_STR("/api/")) || tph_str_eqz(path, "/api");
    }
    return tph_str_cut(&rest, '/', &group) && group.len > 0 && tph_kind_group_built_in(group);
}

static void nowhere(struct tph_api_call *call)
{
    if (is_built_in(call->route.ask.path)) {
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

static void put_alive(struct tph_api_call *call)
{
    tph_call_answer(call, 200, "text/plain; charset=utf-8", TPH_STR("ok"));
}

/* As Kubernetes' : "ok", or with ?verbose or when it is not well each check in a line. Reasons may name files: they are
 * told to those whom we know. */
static void put_health(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_health *health = call->api->config.health;
    const char *problem = tph_health_problem(health);
    bool stranger = tph_str_eqz(call->user.name, "system:anonymous");
    struct tph_str verbose;
    if (!problem && !tph_query_get(&call->query, "verbose", &verbose)) {
        put_alive(call);
        return;
    }
    (void)tph_buf_puts(&out, "[+]ping ok\n");
    const char *name, *why;
    for (size_t at = 0; tph_health_next(health, &at, &name, &why);) {
        if (why) {
            (void)tph_buf_printf(&out, "[-]%s failed: %s\n", name, stranger ? "reason withheld" : why);
        } else {
            (void)tph_buf_printf(&out, "[+]%s ok\n", name);
        }
    }
    struct tph_str path = call->route.ask.path;
    bool ready = tph_str_has_prefix(path, TPH_STR("/readyz"));
    (void)tph_buf_printf(&out, "%s check %s\n", ready ? "readyz" : "healthz", problem ? "failed" : "passed");
    tph_call_answer(call, problem ? 500 : 200, "text/plain; charset=utf-8", tph_buf_str(&out));
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

static void put_root(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(16));
    static const char *const more[] = {"/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"};
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    (void)tph_buf_puts(&out, "{\"paths\":[\"/api\",\"/api/v1\",\"/apis\",\"/apis/\"");
    for (size_t i = 0; i < n; i++) {
        bool begins = i == 0 || strcmp(kinds[i].group, kinds[i - 1].group) != 0;
        if (begins && kinds[i].group[0] != '\0') {
            (void)tph_buf_printf(&out, ",\"/apis/%s\",\"/apis/%s/%s\"", kinds[i].group, kinds[i].group,
                                 kinds[i].version);
        }
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        (void)tph_buf_printf(&out, ",\"%s\"", more[i]);
    }
    (void)tph_buf_puts(&out, "]}");
    tph_call_answer(call, 200, "application/json", tph_buf_str(&out));
}

/* A document that never changes, with its ETag: 304 for who has it. */
static void put_tagged(struct tph_api_call *call, const char *type, struct tph_str document)
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

/* /openapi/v2 and what is below /openapi/v3. */
static void put_openapi(struct tph_api_call *call, struct tph_str path)
{
    struct tph_documents *documents = &call->api->documents;
    const char *accept = call->request->accept ? call->request->accept : "";
    static const char V3[] = "/openapi/v3";
    if (tph_str_eqz(path, "/openapi/v2")) {
        bool protobuf = strstr(accept, "protobuf") != NULL;
        put_tagged(call, protobuf ? TPH_OPENAPI_V2_PROTOBUF : "application/json",
                   protobuf ? TPH_STR_NONE : TPH_STR(TPH_OPENAPI_V2_JSON));
        return;
    }
    tph_documents_make(documents);
    if (tph_str_eqz(path, V3)) {
        put_tagged(call, "text/plain; charset=utf-8", tph_buf_str(&documents->index.text));
        return;
    }
    struct tph_str rest = tph_str_slice(path, sizeof(V3), path.len);
    const struct tph_document *document =
        tph_str_has_prefix(path, tph_str(V3)) ? tph_documents_find(documents, rest) : NULL;
    if (!document) {
        nowhere(call);
        return;
    }
    struct tph_str hash = tph_query_str(&call->query, "hash");
    size_t len = strlen(document->etag);
    struct tph_str right = {.p = document->etag + 1, .len = len > 2 ? len - 2 : 0};
    if (hash.len > 0 && !tph_str_eq(hash, right)) {
        (void)tph_buf_printf(&call->location, "%.*s?hash=%.*s", TPH_FMT(path), TPH_FMT(right));
        tph_call_answer(call, 301, "application/json", TPH_STR_NONE);
        return;
    }
    put_tagged(call, "application/json", tph_buf_str(&document->text));
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
        put_tagged(call, type, tph_buf_str(&out));
    }
    return known;
}

void tph_api_path(struct tph_api_call *call)
{
    static const struct {
        const char *path;
        void (*serve)(struct tph_api_call *call);
    } paths[] = {
        {"/", put_root},       {"/version", put_version}, {"/healthz", put_health},
        {"/livez", put_alive}, {"/readyz", put_health},   {"/metrics", put_metrics},
    };
    struct tph_str path = call->route.ask.path;
    if (path.len > 1 && path.p[path.len - 1] == '/') {
        path.len--;
    }
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!tph_str_eqz(path, paths[i].path)) {
            continue;
        }
        bool head =
            (paths[i].serve == put_health || paths[i].serve == put_alive) && strcmp(call->request->method, "HEAD") == 0;
        if (strcmp(call->request->method, "GET") != 0 && !head) {
            (void)tph_status_method(&call->status);
            tph_call_fail(call);
            return;
        }
        paths[i].serve(call);
        return;
    }
    if (tph_str_has_prefix(path, TPH_STR("/openapi/"))) {
        put_openapi(call, path);
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
