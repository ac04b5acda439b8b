/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/object.h"

#include <stdlib.h>

#include "base/limits.h"

static void put_prefix(const struct tph_kind *kind, struct tph_buf *out)
{
    char version[TPH_API_VERSION_TEXT];
    (void)tph_buf_printf(out, "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{",
                         tph_kind_api_version(kind, version), kind->kind);
}

enum { MAX_MEMBERS = 64 };

static int by_name(const void *a, const void *b)
{
    const struct tph_json_iter *x = a;
    const struct tph_json_iter *y = b;
    return tph_str_cmp(x->key, y->key);
}

/* The members of an object by name, but for those that are left out, each with a comma before it unless it is first. */
static void put_members(const struct tph_json *object, const char *const *left_out, bool first, struct tph_buf *out)
{
    struct tph_json_iter members[MAX_MEMBERS] = {{.value = NULL}};
    struct tph_json_iter it = tph_json_iter(object);
    size_t n = 0;
    while (n < MAX_MEMBERS && tph_json_next(&it)) {
        const char *const *name = left_out;
        while (*name && !tph_str_eqz(it.key, *name)) {
            name++;
        }
        if (!*name) {
            members[n++] = it;
        }
    }
    qsort(members, n, sizeof(members[0]), by_name);
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_puts(out, first ? "" : ",");
        first = false;
        tph_json_write_str(members[i].key, TPH_JSON_HTML, out);
        (void)tph_buf_putc(out, ':');
        tph_json_write(members[i].value, TPH_JSON_HTML | TPH_JSON_SORTED, out);
    }
}

void tph_object_keep(const struct tph_kind *kind, const struct tph_json *object, struct tph_buf *out)
{
    static const char *const version[] = {"resourceVersion", NULL};
    static const char *const begun[] = {"apiVersion", "kind", "metadata", NULL};
    put_prefix(kind, out);
    put_members(tph_json_get(object, "metadata"), version, true, out);
    (void)tph_buf_putc(out, '}');
    put_members(object, begun, false, out);
    (void)tph_buf_putc(out, '}');
}

/* Offset behind the object that begins at `at`; 0 when it does not end. */
static size_t end_of_object(struct tph_str text, size_t at)
{
    size_t depth = 0;
    for (size_t i = at; i < text.len; i++) {
        char c = text.p[i];
        if (c == '"') {
            for (i++; i < text.len && text.p[i] != '"'; i++) {
                i += text.p[i] == '\\';
            }
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static size_t prefix_of(const struct tph_kind *kind, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(TPH_KIB(1));
    put_prefix(kind, &prefix);
    return tph_str_has_prefix(text, tph_buf_str(&prefix)) ? prefix.len : 0;
}

struct tph_str tph_object_metadata(const struct tph_kind *kind, struct tph_str text)
{
    size_t at = prefix_of(kind, text);
    size_t end = at > 0 ? end_of_object(text, at - 1) : 0;
    return end > 0 ? tph_str_slice(text, at - 1, end) : TPH_STR_NONE;
}

static void serve(const struct tph_kind *kind, struct tph_str text, size_t prefix, uint64_t version, unsigned flags,
                  struct tph_buf *out)
{
    struct tph_str rest = tph_str_slice(text, prefix, text.len);
    if ((flags & TPH_SERVE_PARTIAL) != 0) {
        (void)tph_buf_printf(out,
                             "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1%s\",\"metadata\":{",
                             (flags & TPH_SERVE_V1BETA1) != 0 ? "beta1" : "");
        rest = tph_str_slice(text, prefix, end_of_object(text, prefix - 1));
    } else if ((flags & TPH_SERVE_UNTYPED) != 0) {
        (void)tph_buf_puts(out, "{\"metadata\":{");
    } else {
        (void)tph_buf_append(out, text.p, prefix);
    }
    if (version > 0) {
        bool alone = rest.len > 0 && rest.p[0] == '}';
        (void)tph_buf_printf(out, "\"resourceVersion\":\"%llu\"%s", (unsigned long long)version, alone ? "" : ",");
    }
    (void)tph_buf_put(out, rest);
    (void)tph_buf_puts(out, (flags & TPH_SERVE_PARTIAL) != 0 ? "}" : "");
    (void)kind;
}

int tph_object_serve(const struct tph_kind *kind, struct tph_str text, uint64_t version, unsigned flags,
                     struct tph_buf *out, struct tph_error *err)
{
    size_t prefix = prefix_of(kind, text);
    if (prefix > 0) {
        serve(kind, text, prefix, version, flags, out);
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf kept = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(text, &doc, err) < 0) {
        return -1;
    }
    tph_object_keep(kind, tph_json_root(doc), &kept);
    serve(kind, tph_buf_str(&kept), prefix_of(kind, tph_buf_str(&kept)), version, flags, out);
    return 0;
}

int tph_object_read(struct tph_str text, uint64_t version, struct tph_json_doc **ret_doc, struct tph_error *err)
{
    struct tph_json_doc *doc = NULL;
    if (tph_json_parse(text, &doc, err) < 0) {
        return -1;
    }
    if (version > 0) {
        char number[24];
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)version);
        tph_json_set_cstr(doc, tph_object_meta(doc, tph_json_root(doc)), "resourceVersion", number);
    }
    *ret_doc = doc;
    return 0;
}

struct tph_json *tph_object_meta(struct tph_json_doc *doc, struct tph_json *object)
{
    struct tph_json *meta = tph_json_get(object, "metadata");
    if (!tph_json_is(meta, TPH_JSON_OBJECT)) {
        meta = tph_json_new_object(doc);
        tph_json_set(doc, object, "metadata", meta);
    }
    return meta;
}

struct tph_str tph_object_meta_str(const struct tph_json *object, const char *key)
{
    return tph_json_get_str(tph_json_get(object, "metadata"), key);
}

void tph_object_plain_numbers(struct tph_json_doc *doc, struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    int64_t whole;
    double number;
    if (tph_json_is(value, TPH_JSON_NUMBER)) {
        if (tph_json_to_i64(value, &whole) < 0 && tph_json_to_double(value, &number) == 0) {
            tph_json_assign(value, tph_json_new_double(doc, number));
        }
        return;
    }
    while (tph_json_next(&it)) {
        tph_object_plain_numbers(doc, it.value); /* as deep as the reader of JSON allows */
    }
}
