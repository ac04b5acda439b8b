/* SPDX-License-Identifier: Apache-2.0 */
/* What a workflow may set on top of the template it refers to, where the controller restricts that. */
#include <ctype.h>

#include "api/gotype_tables.h"
#include "api/merge.h"
#include "base/limits.h"

static const char *const ALLOWED[] = {
    "arguments",        "entrypoint",          "shutdown", "suspend",       "activeDeadlineSeconds",
    "priority",         "ttlStrategy",         "podGC",    "volumeClaimGC", "archiveLogs",
    "workflowMetadata", "workflowTemplateRef", "metrics",  "artifactGC",    NULL};

/* Of artifactGC these reach into the pods that delete artifacts. */
static const char *const GC_REFUSED[] = {"podMetadata", "podSpecPatch", "serviceAccountName", NULL};

static bool is_in(struct tph_str name, const char *const *names)
{
    for (; names && *names; names++) {
        if (tph_str_eqz(name, *names)) {
            return true;
        }
    }
    return false;
}

/* Go's name of a field, as Argo tells it. */
static void put_go_name(struct tph_str name, struct tph_buf *text)
{
    static const struct {
        const char *json, *go;
    } IRREGULAR[] = {{"dnsPolicy", "DNSPolicy"}, {"dnsConfig", "DNSConfig"}, {"ttlStrategy", "TTLStrategy"}};
    for (size_t i = 0; i < sizeof IRREGULAR / sizeof IRREGULAR[0]; i++) {
        if (tph_str_eqz(name, IRREGULAR[i].json)) {
            (void)tph_buf_puts(text, IRREGULAR[i].go);
            return;
        }
    }
    (void)tph_buf_putc(text, (char)toupper((unsigned char)name.p[0]));
    (void)tph_buf_put(text, tph_str_slice(name, 1, name.len));
}

static int by_name(const void *a, const void *b)
{
    return tph_str_cmp(*(const struct tph_str *)a, *(const struct tph_str *)b);
}

enum { FIELDS_MAX = 64 }; /* more than WorkflowSpec has */

struct names {
    struct tph_buf text;
    size_t ends[FIELDS_MAX + sizeof GC_REFUSED / sizeof GC_REFUSED[0]];
    size_t n;
};

static void note(struct names *names, const char *prefix, struct tph_str name)
{
    (void)tph_buf_puts(&names->text, prefix);
    put_go_name(name, &names->text);
    if (names->n < sizeof names->ends / sizeof names->ends[0]) {
        names->ends[names->n++] = names->text.len;
    }
}

static int refuse(const struct names *names, struct tph_error *err)
{
    struct tph_str sorted[sizeof names->ends / sizeof names->ends[0]] = {{NULL, 0}};
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(16));
    for (size_t i = 0; i < names->n; i++) {
        sorted[i] = tph_str_slice(tph_buf_str(&names->text), i > 0 ? names->ends[i - 1] : 0, names->ends[i]);
    }
    qsort(sorted, names->n, sizeof sorted[0], by_name);
    for (size_t i = 0; i < names->n; i++) {
        (void)tph_buf_printf(&text, "%s%.*s", i > 0 ? " " : "", TPH_FMT(sorted[i]));
    }
    return tph_error_set(err, TPH_ERROR_INVALID,
                         "fields [%s] are not permitted when using workflowTemplateRef with templateReferencing "
                         "restriction",
                         tph_buf_cstr(&text));
}

/* Read so that empty lists and maps stay: they were set. */
static int typed(struct tph_json_doc *doc, const struct tph_json *spec, struct tph_json **ret_spec,
                 struct tph_error *err)
{
    static const struct tph_go_options OPTIONS = {.flags = TPH_GO_KEEP_EMPTY};
    return tph_go_convert(doc, spec, &tph_gt_argo_WorkflowSpec, &OPTIONS, ret_spec, err);
}

int tph_merge_check_overrides(const struct tph_json *spec, const char *const *more, struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct names names = {.text = TPH_BUF_INIT(TPH_KIB(16)), .n = 0};
    struct tph_json *read = NULL;
    if (typed(doc, spec, &read, err) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(read);
    while (tph_json_next(&it)) {
        if (!is_in(it.key, ALLOWED) && !is_in(it.key, more)) {
            note(&names, "", it.key);
        }
    }
    it = tph_json_iter(tph_json_get(read, "artifactGC"));
    while (tph_json_next(&it)) {
        if (is_in(it.key, GC_REFUSED)) {
            note(&names, "ArtifactGC.", it.key);
        }
    }
    int failed = names.n > 0 ? refuse(&names, err) : 0;
    tph_buf_release(&names.text);
    return failed;
}

int tph_merge_allowed(struct tph_json_doc *doc, const struct tph_json *spec, const char *const *more,
                      struct tph_json **ret_spec, struct tph_error *err)
{
    struct tph_json *read = NULL;
    if (typed(doc, spec, &read, err) < 0) {
        return -1;
    }
    struct tph_json *allowed = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(read);
    while (tph_json_next(&it)) {
        if (is_in(it.key, ALLOWED) || is_in(it.key, more)) {
            tph_json_append_member(doc, allowed, it.key, tph_json_copy(doc, it.value));
        }
    }
    struct tph_json *gc = tph_json_get(allowed, "artifactGC");
    for (size_t i = 0; gc && GC_REFUSED[i]; i++) {
        (void)tph_json_remove(gc, GC_REFUSED[i]);
    }
    static const struct tph_go_options PLAIN = {.flags = 0};
    return tph_go_convert(doc, allowed, &tph_gt_argo_WorkflowSpec, &PLAIN, ret_spec, err);
}
