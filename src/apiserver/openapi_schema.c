/* SPDX-License-Identifier: Apache-2.0 */
/* Named types are those that genuine documents name, too: structs, quantities, times, "int or string". */
#include "apiserver/openapi_schema.h"

#include <string.h>

#include "api/gotype_tables.h"
#include "apiserver/openapi_words.h"
#include "base/alloc.h"

enum { TYPES_MAX = 1024 };

struct writer {
    struct tph_buf *out;
    const struct tph_go_type **types; /* TYPES_MAX, in the order in which they are met */
    size_t n_types;
};

/* Types of apimachinery share the version of core, so they are told by their name. */
static bool is_meta(const char *name)
{
    static const char *const names[] = {"ObjectMeta",
                                        "OwnerReference",
                                        "ManagedFieldsEntry",
                                        "LabelSelector",
                                        "FieldsV1",
                                        "LabelSelectorRequirement",
                                        "LabelSelectorOperator",
                                        "DeleteOptions",
                                        "Preconditions",
                                        "FieldSelectorRequirement",
                                        "Duration"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void tph_openapi_name(const struct tph_go_type *type, struct tph_buf *out)
{
    const char *dot = strrchr(type->name, '.');
    const char *name = dot ? dot + 1 : type->name;
    const char *package = "io.k8s.api.core.v1";
    if (type->kind == TPH_GO_QUANTITY) {
        package = "io.k8s.apimachinery.pkg.api.resource";
    } else if (type->kind == TPH_GO_INT_OR_STRING) {
        package = "io.k8s.apimachinery.pkg.util.intstr";
    } else if (type->kind == TPH_GO_TIME || is_meta(name)) {
        package = "io.k8s.apimachinery.pkg.apis.meta.v1";
    } else if (strncmp(type->name, "v1alpha1.", 9) == 0) {
        package = "io.argoproj.v1alpha1";
    }
    (void)tph_buf_printf(out, "%s.%s", package, name);
}

void tph_openapi_kind_name(const struct tph_kind *kind, bool list, struct tph_buf *out)
{
    if (!list && kind->type) {
        tph_openapi_name(kind->type, out);
        return;
    }
    (void)tph_buf_printf(out, "%s.%s", kind->flags & TPH_KIND_CUSTOM ? "io.argoproj.v1alpha1" : "io.k8s.api.core.v1",
                         list ? kind->list_kind : kind->kind);
}

static bool is_named(const struct tph_go_type *type)
{
    return type->kind == TPH_GO_STRUCT || type->kind == TPH_GO_QUANTITY || type->kind == TPH_GO_INT_OR_STRING ||
           type->kind == TPH_GO_TIME;
}

static void meet(struct writer *w, const struct tph_go_type *type)
{
    for (size_t i = 0; i < w->n_types; i++) {
        if (w->types[i] == type) {
            return;
        }
    }
    if (w->n_types < TYPES_MAX) { /* the tables have fewer: a test looks */
        w->types[w->n_types++] = type;
    }
}

/* How a reference is written, as in genuine documents: what is always there has an empty default; beside a bare $ref
 * nothing else counts. */
enum reference { ALWAYS_THERE, POINTER, DESCRIBED_POINTER };

static void write_type(struct writer *w, const struct tph_go_type *type, enum reference how);

static void write_description(const char *type, const char *member, struct tph_buf *out)
{
    const char *text = tph_openapi_words(type, member);
    if (text) {
        (void)tph_buf_puts(out, "\"description\":");
        tph_json_write_str(tph_str(text), 0, out);
        (void)tph_buf_putc(out, ',');
    }
}

static void write_reference(struct writer *w, const struct tph_go_type *type, enum reference how)
{
    bool filled = how == ALWAYS_THERE && type->kind == TPH_GO_STRUCT;
    bool plain = !filled && how != DESCRIBED_POINTER;
    meet(w, type);
    (void)tph_buf_puts(w->out,
                       plain ? "\"$ref\":\"#/components/schemas/" : "\"allOf\":[{\"$ref\":\"#/components/schemas/");
    tph_openapi_name(type, w->out);
    (void)tph_buf_puts(w->out, plain ? "\"" : filled ? "\"}],\"default\":{}" : "\"}]");
}

/* The members of the schema of a type, without its braces. */
static void write_type(struct writer *w, const struct tph_go_type *type, enum reference how)
{
    static const char *const simple[] = {
        [TPH_GO_STR] = "\"type\":\"string\"",
        [TPH_GO_BOOL] = "\"type\":\"boolean\"",
        [TPH_GO_INT32] = "\"type\":\"integer\",\"format\":\"int32\"",
        [TPH_GO_INT64] = "\"type\":\"integer\",\"format\":\"int64\"",
        [TPH_GO_FLOAT] = "\"type\":\"number\",\"format\":\"double\"",
        [TPH_GO_BYTES] = "\"type\":\"string\",\"format\":\"byte\"",
        [TPH_GO_DURATION] = "\"type\":\"string\"",
        [TPH_GO_ANYSTRING] = "\"type\":\"string\"",
        [TPH_GO_ITEM] = "\"x-kubernetes-preserve-unknown-fields\":true",
        [TPH_GO_ANY] = "\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true",
        [TPH_GO_PLUGIN] = "\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true",
    };
    switch (type->kind) {
    case TPH_GO_STRUCT:
    case TPH_GO_QUANTITY:
    case TPH_GO_INT_OR_STRING:
    case TPH_GO_TIME:
        write_reference(w, type, how);
        return;
    case TPH_GO_LIST:
    case TPH_GO_MAP:
        (void)tph_buf_puts(w->out, type->kind == TPH_GO_LIST ? "\"type\":\"array\",\"items\":{"
                                                             : "\"type\":\"object\",\"additionalProperties\":{");
        write_type(w, type->element, ALWAYS_THERE);
        (void)tph_buf_putc(w->out, '}');
        return;
    case TPH_GO_PARALLEL:
        (void)tph_buf_puts(w->out, "\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{");
        write_type(w, type->element, ALWAYS_THERE);
        (void)tph_buf_puts(w->out, "}}");
        return;
    case TPH_GO_STR:
    case TPH_GO_BOOL:
    case TPH_GO_INT32:
    case TPH_GO_INT64:
    case TPH_GO_FLOAT:
    case TPH_GO_BYTES:
    case TPH_GO_DURATION:
    case TPH_GO_ANYSTRING:
    case TPH_GO_ITEM:
    case TPH_GO_ANY:
    case TPH_GO_PLUGIN:
        break;
    }
    (void)tph_buf_puts(w->out, simple[type->kind]);
}

/* What makes kubectl's strategic merges right. */
static void write_patch_words(const struct tph_go_field *f, struct tph_buf *out)
{
    bool merge = f->flags & TPH_GO_MERGE;
    bool replace = f->flags & TPH_GO_REPLACE;
    if (merge || replace) {
        (void)tph_buf_printf(out, ",\"x-kubernetes-patch-strategy\":\"%s%s%s\"", merge ? "merge" : "",
                             merge && replace ? "," : "", replace ? "replace" : "");
    }
    if (f->merge_key) {
        (void)tph_buf_printf(out, ",\"x-kubernetes-patch-merge-key\":\"%s\"", f->merge_key);
    }
}

static void write_struct(struct writer *w, const struct tph_go_type *type)
{
    write_description(type->name, NULL, w->out);
    (void)tph_buf_puts(w->out, "\"type\":\"object\",\"properties\":{");
    for (const struct tph_go_field *f = type->fields; f->name; f++) {
        (void)tph_buf_printf(w->out, "%s\"%s\":{", f == type->fields ? "" : ",", f->name);
        bool described = tph_openapi_words(type->name, f->name) != NULL;
        bool inner = (f->flags & TPH_GO_POINTER) || f->type->kind != TPH_GO_STRUCT;
        write_description(type->name, f->name, w->out);
        write_type(w, f->type, !inner ? ALWAYS_THERE : described ? DESCRIBED_POINTER : POINTER);
        write_patch_words(f, w->out);
        (void)tph_buf_putc(w->out, '}');
    }
    (void)tph_buf_putc(w->out, '}');
}

static void write_named(struct writer *w, const struct tph_go_type *type)
{
    switch (type->kind) {
    case TPH_GO_STRUCT:
        write_struct(w, type);
        break;
    case TPH_GO_QUANTITY:
        (void)tph_buf_puts(w->out, "\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]");
        break;
    case TPH_GO_INT_OR_STRING:
        (void)tph_buf_puts(w->out,
                           "\"format\":\"int-or-string\",\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]");
        break;
    case TPH_GO_TIME:
        (void)tph_buf_puts(w->out, "\"type\":\"string\",\"format\":\"date-time\"");
        break;
    case TPH_GO_STR:
    case TPH_GO_BOOL:
    case TPH_GO_INT32:
    case TPH_GO_INT64:
    case TPH_GO_FLOAT:
    case TPH_GO_BYTES:
    case TPH_GO_DURATION:
    case TPH_GO_ANYSTRING:
    case TPH_GO_ITEM:
    case TPH_GO_ANY:
    case TPH_GO_PLUGIN:
    case TPH_GO_PARALLEL:
    case TPH_GO_LIST:
    case TPH_GO_MAP:
        break; /* have no name */
    }
}

/* Kinds without a Go type. Metadata stays a reference. */
static void write_schema(struct writer *w, const struct tph_schema *schema, bool top)
{
    static const char *const words[] = {
        [TPH_SCHEMA_ANY] = "\"x-kubernetes-preserve-unknown-fields\":true",
        [TPH_SCHEMA_STRING] = "\"type\":\"string\"",
        [TPH_SCHEMA_NUMBER] = "\"type\":\"number\"",
        [TPH_SCHEMA_INTEGER] = "\"type\":\"integer\"",
        [TPH_SCHEMA_BOOL] = "\"type\":\"boolean\"",
        [TPH_SCHEMA_SCALAR] = "\"x-kubernetes-int-or-string\":true",
        [TPH_SCHEMA_MAP] = "\"type\":\"object\"",
        [TPH_SCHEMA_LIST] = "\"type\":\"array\"",
    };
    (void)tph_buf_puts(w->out, words[schema->kind]);
    if (schema->element) {
        (void)tph_buf_puts(w->out, schema->kind == TPH_SCHEMA_LIST ? ",\"items\":{" : ",\"additionalProperties\":{");
        write_schema(w, schema->element, false);
        (void)tph_buf_putc(w->out, '}');
    }
    for (const struct tph_schema_field *f = schema->fields; f && f->name; f++) {
        (void)tph_buf_printf(w->out, "%s\"%s\":{", f == schema->fields ? ",\"properties\":{" : ",", f->name);
        if (top && strcmp(f->name, "metadata") == 0) {
            write_reference(w, &tph_gt_meta_ObjectMeta, ALWAYS_THERE);
        } else {
            write_schema(w, f->type, false);
        }
        (void)tph_buf_puts(w->out, f[1].name ? "}" : "}}");
    }
}

static void write_kind_words(const struct tph_kind *kind, bool list, struct tph_buf *out)
{
    (void)tph_buf_printf(
        out, ",\"x-kubernetes-group-version-kind\":[{\"group\":\"%s\",\"kind\":\"%s\",\"version\":\"%s\"}]}",
        kind->group, list ? kind->list_kind : kind->kind, kind->version);
}

static void write_kind(struct writer *w, const struct tph_kind *kind, bool first)
{
    (void)tph_buf_puts(w->out, first ? "\"" : ",\"");
    tph_openapi_kind_name(kind, false, w->out);
    (void)tph_buf_puts(w->out, "\":{");
    const struct tph_schema *schema = tph_schema_of(kind);
    if (kind->type) {
        write_struct(w, kind->type);
    } else if (schema) {
        write_schema(w, schema, true);
    } else {
        (void)tph_buf_puts(w->out, "\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true");
    }
    write_kind_words(kind, false, w->out);
    if (!kind->list_kind[0]) {
        return;
    }
    (void)tph_buf_puts(w->out, ",\"");
    tph_openapi_kind_name(kind, true, w->out);
    (void)tph_buf_puts(w->out,
                       "\":{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"apiVersion\":{\"type\":"
                       "\"string\"},\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/");
    tph_openapi_kind_name(kind, false, w->out);
    (void)tph_buf_puts(w->out,
                       "\"}},\"kind\":{\"type\":\"string\"},\"metadata\":{\"type\":\"object\",\"properties\":{"
                       "\"continue\":{\"type\":\"string\"},\"remainingItemCount\":{\"type\":\"integer\",\"format\":"
                       "\"int64\"},\"resourceVersion\":{\"type\":\"string\"}}}}");
    write_kind_words(kind, true, w->out);
}

static bool is_written(const struct tph_kind *kinds, size_t n, struct tph_str group, const struct tph_go_type *type)
{
    for (size_t i = 0; i < n; i++) {
        if (kinds[i].type == type && tph_str_eqz(group, kinds[i].group)) {
            return true;
        }
    }
    return false;
}

void tph_openapi_schemas(struct tph_str group, struct tph_str version, struct tph_buf *out)
{
    size_t n = 0;
    bool first = true;
    const struct tph_kind *kinds = tph_kinds(&n);
    struct writer w = {.out = out, .types = tph_calloc(TYPES_MAX, sizeof *w.types)};
    for (size_t i = 0; i < n; i++) {
        if (tph_str_eqz(group, kinds[i].group) && tph_str_eqz(version, kinds[i].version)) {
            write_kind(&w, &kinds[i], first);
            first = false;
        }
    }
    for (size_t i = 0; i < w.n_types; i++) { /* grows as they are written */
        if (is_named(w.types[i]) && !is_written(kinds, n, group, w.types[i])) {
            (void)tph_buf_puts(out, ",\"");
            tph_openapi_name(w.types[i], out);
            (void)tph_buf_puts(out, "\":{");
            write_named(&w, w.types[i]);
            (void)tph_buf_putc(out, '}');
        }
    }
    free(w.types);
}
