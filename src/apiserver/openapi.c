/* SPDX-License-Identifier: Apache-2.0 */
/* Operations tell what kubectl looks for: the kind (an object here, a list in schemas), the action, the parameter
 * fieldValidation, and which patches a kind takes. */
#include "apiserver/openapi.h"

#include <stddef.h>

#include "apiserver/kinds.h"
#include "apiserver/openapi_schema.h"

static const char *const paths[] = {"api/v1",
                                    "apis/authentication.k8s.io/v1",
                                    "apis/authorization.k8s.io/v1",
                                    "apis/coordination.k8s.io/v1",
                                    "apis/argoproj.io/v1alpha1",
                                    NULL};

const char *const *tph_openapi_paths(void)
{
    return paths;
}

struct operation {
    const char *method, *action;
    bool body, patch, list;
};

static void write_parameters(const struct operation *op, struct tph_buf *out)
{
    static const char *const of_reads[] = {"pretty", NULL};
    static const char *const of_lists[] = {"pretty", "labelSelector", "fieldSelector", "limit", "continue", "watch",
                                           NULL};
    static const char *const of_writes[] = {"pretty", "dryRun", "fieldManager", "fieldValidation", NULL};
    const char *const *names = op->body ? of_writes : op->list ? of_lists : of_reads;
    (void)tph_buf_puts(out, "\"parameters\":[");
    for (size_t i = 0; names[i]; i++) {
        (void)tph_buf_printf(
            out, "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"uniqueItems\":true}}",
            i > 0 ? "," : "", names[i]);
    }
    if (op->patch) {
        (void)tph_buf_puts(
            out, ",{\"name\":\"force\",\"in\":\"query\",\"schema\":{\"type\":\"boolean\",\"uniqueItems\":true}}");
    }
    (void)tph_buf_puts(out, "],");
}

static void write_content(const char *type, const struct tph_kind *kind, bool list, bool patch, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "\"%s\":{\"schema\":{", type);
    if (patch) {
        (void)tph_buf_puts(out, "\"type\":\"object\"");
    } else {
        (void)tph_buf_puts(out, "\"$ref\":\"#/components/schemas/");
        tph_openapi_kind_name(kind, list, out);
        (void)tph_buf_putc(out, '"');
    }
    (void)tph_buf_puts(out, "}}");
}

static void write_body(const struct tph_kind *kind, const struct operation *op, struct tph_buf *out)
{
    static const char *const patches[] = {"application/apply-patch+yaml", "application/json-patch+json",
                                          "application/merge-patch+json", "application/strategic-merge-patch+json"};
    size_t n = kind->flags & TPH_KIND_CUSTOM ? 3 : 4; /* custom kinds take no strategic merges */
    (void)tph_buf_puts(out, "\"requestBody\":{\"required\":true,\"content\":{");
    for (size_t i = 0; op->patch && i < n; i++) {
        (void)tph_buf_puts(out, i > 0 ? "," : "");
        write_content(patches[i], kind, false, true, out);
    }
    if (!op->patch) {
        write_content("application/json", kind, false, false, out);
    }
    (void)tph_buf_puts(out, "}},");
}

static void write_operation(const struct tph_kind *kind, const struct operation *op, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "\"%s\":{", op->method);
    write_parameters(op, out);
    if (op->body) {
        write_body(kind, op, out);
    }
    (void)tph_buf_puts(out, "\"responses\":{\"200\":{\"description\":\"OK\",\"content\":{");
    write_content("application/json", kind, op->list, false, out);
    (void)tph_buf_printf(out,
                         "}}},\"x-kubernetes-action\":\"%s\",\"x-kubernetes-group-version-kind\":{\"group\":\"%s\","
                         "\"kind\":\"%s\",\"version\":\"%s\"}}",
                         op->action, kind->group, kind->kind, kind->version);
}

static void write_path_parameters(bool namespaced, bool named, struct tph_buf *out)
{
    if (namespaced || named) {
        (void)tph_buf_puts(out, ",\"parameters\":[");
        (void)tph_buf_puts(
            out, named ? "{\"name\":\"name\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\","
                         "\"uniqueItems\":true}}"
                       : "");
        (void)tph_buf_puts(out, named && namespaced ? "," : "");
        (void)tph_buf_puts(out, namespaced
                                    ? "{\"name\":\"namespace\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":"
                                      "\"string\",\"uniqueItems\":true}}"
                                    : "");
        (void)tph_buf_putc(out, ']');
    }
    (void)tph_buf_putc(out, '}');
}

/* One path with those of its operations whose verb the kind has. */
static void write_path(const struct tph_kind *kind, const char *path, bool namespaced, bool named, const char *below,
                       unsigned verbs, struct tph_buf *out)
{
    static const struct {
        enum tph_api_verb verb;
        bool named;
        struct operation op;
    } rows[] = {
        {TPH_API_LIST, false, {"get", "list", false, false, true}},
        {TPH_API_CREATE, false, {"post", "post", true, false, false}},
        {TPH_API_DELETE_COLLECTION, false, {"delete", "deletecollection", false, false, false}},
        {TPH_API_GET, true, {"get", "get", false, false, false}},
        {TPH_API_UPDATE, true, {"put", "put", true, false, false}},
        {TPH_API_PATCH, true, {"patch", "patch", true, true, false}},
        {TPH_API_DELETE, true, {"delete", "delete", false, false, false}},
    };
    bool first = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].named == named && (verbs & rows[i].verb)) {
            if (first) {
                (void)tph_buf_printf(out, "\"/%s%s/%s%s%s\":{", path, namespaced ? "/namespaces/{namespace}" : "",
                                     kind->plural, named ? "/{name}" : "", below);
            }
            (void)tph_buf_puts(out, first ? "" : ",");
            write_operation(kind, &rows[i].op, out);
            first = false;
        }
    }
    write_path_parameters(namespaced, named, out);
}

static void write_kind_paths(const struct tph_kind *k, const char *path, struct tph_buf *out)
{
    write_path(k, path, k->namespaced, false, "", k->verbs, out);
    if (!(k->verbs & TPH_API_GET)) {
        return;
    }
    if (k->namespaced) {
        (void)tph_buf_putc(out, ',');
        write_path(k, path, false, false, "", TPH_API_LIST, out);
    }
    (void)tph_buf_putc(out, ',');
    write_path(k, path, k->namespaced, true, "", k->verbs, out);
    if (k->flags & TPH_KIND_STATUS) {
        (void)tph_buf_putc(out, ',');
        write_path(k, path, k->namespaced, true, "/status", TPH_API_GET | TPH_API_UPDATE | TPH_API_PATCH, out);
    }
}

bool tph_openapi_document(struct tph_str path, struct tph_buf *out)
{
    const char *const *known = paths;
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    while (*known && !tph_str_eqz(path, *known)) {
        known++;
    }
    if (!*known) {
        return false;
    }
    struct tph_str group = TPH_STR_NONE;
    struct tph_str version = tph_str(*known);
    struct tph_str first = TPH_STR_NONE;
    (void)tph_str_cut(&version, '/', &first);
    if (tph_str_eqz(first, "apis")) {
        (void)tph_str_cut(&version, '/', &group);
    }
    const char *comma = "";
    (void)tph_buf_puts(out, "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Tiphys\",\"version\":\"v1\"},\"paths\":{");
    for (size_t i = 0; i < n; i++) {
        if (tph_str_eqz(group, kinds[i].group) && tph_str_eqz(version, kinds[i].version)) {
            (void)tph_buf_puts(out, comma);
            write_kind_paths(&kinds[i], *known, out);
            comma = ",";
        }
    }
    (void)tph_buf_puts(out, "},\"components\":{\"schemas\":{");
    tph_openapi_schemas(group, version, out);
    (void)tph_buf_puts(out, "}}}");
    return true;
}

void tph_openapi_index(const char *const *hashes, struct tph_buf *out)
{
    (void)tph_buf_puts(out, "{\"paths\":{");
    for (size_t i = 0; paths[i]; i++) {
        (void)tph_buf_printf(out, "%s\"%s\":{\"serverRelativeURL\":\"/openapi/v3/%s?hash=%s\"}", i > 0 ? "," : "",
                             paths[i], paths[i], hashes[i]);
    }
    (void)tph_buf_puts(out, "}}");
}
