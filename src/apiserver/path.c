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

void tph_api_path(struct tph_api_call *call)
{
    static const struct {
        const char *path;
        void (*serve)(struct tph_api_call *call);
    } paths[] = {
        {"/version", put_version},
        {"/healthz", put_health},
        {"/livez", put_health},
        {"/readyz", put_health},
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

/* ---- reviews: nothing is kept, the answer is the question with its status ---- */

void tph_api_review(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *object = NULL;
    if (tph_call_options(call, "CreateOptions", false) < 0 || tph_decode(call, &doc, &object) < 0) {
        tph_call_fail(call);
        return;
    }
    const struct tph_json *spec = tph_json_get(object, "spec");
    const struct tph_json *resource = tph_json_get(spec, "resourceAttributes");
    const struct tph_json *other = tph_json_get(spec, "nonResourceAttributes");
    char verb[64];
    const struct tph_json *asked = resource ? resource : other;
    (void)snprintf(verb, sizeof(verb), "%.*s", TPH_FMT(tph_json_get_str(asked, "verb")));
    const struct tph_api_attributes what = {.verb = verb,
                                            .is_resource = resource != NULL,
                                            .path = tph_json_get_str(other, "path"),
                                            .group = tph_json_get_str(resource, "group"),
                                            .version = tph_json_get_str(resource, "version"),
                                            .resource = tph_json_get_str(resource, "resource"),
                                            .sub = tph_json_get_str(resource, "subresource"),
                                            .ns = tph_json_get_str(resource, "namespace"),
                                            .name = tph_json_get_str(resource, "name")};
    const struct tph_api_access *access = call->api->config.access;
    bool allowed = !access || access->allowed(access->owner, &call->user, &what);
    struct tph_json *status = tph_json_new_object(doc);
    tph_json_set(doc, status, "allowed", tph_json_new_bool(doc, allowed));
    tph_json_set(doc, object, "status", status);
    (void)tph_object_meta(doc, object);
    tph_object_keep(call->route.kind, object, &call->text);
    call->code = 201;
    tph_call_answer_object(call);
}
