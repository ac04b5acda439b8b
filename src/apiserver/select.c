/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/select.h"

#include <string.h>

#include "apiserver/object.h"
#include "base/limits.h"
#include "data/quote.h"

static bool is_own_field(const struct tph_kind *kind, struct tph_str field)
{
    for (const char *const *name = kind->fields; name && *name; name++) {
        if (tph_str_eqz(field, *name)) {
            return true;
        }
    }
    return tph_str_eqz(field, "metadata.name") || tph_str_eqz(field, "metadata.namespace");
}

static int check_fields(const struct tph_kind *kind, const struct tph_fieldsel *fields, struct tph_status *status)
{
    for (size_t i = 0; i < fields->n_terms; i++) {
        struct tph_str field = fields->terms[i].field;
        if (is_own_field(kind, field)) {
            continue;
        }
        if ((kind->flags & TPH_KIND_CUSTOM) != 0 || kind->fields) {
            return tph_status_bad_request(status, "field label not supported: %.*s", TPH_FMT(field));
        }
        TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_KIB(256));
        tph_quote_go(field, &quoted);
        return tph_status_bad_request(
            status, "%s is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            tph_buf_cstr(&quoted));
    }
    return 0;
}

int tph_select_read(const struct tph_kind *kind, const struct tph_query *query, struct tph_status *status,
                    struct tph_select *ret_select)
{
    struct tph_select s = {.fields = TPH_FIELDSEL_INIT};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str labels = tph_query_str(query, "labelSelector");
    if (labels.len > 0 && tph_labelsel_parse(labels, &s.labels, &err) < 0) {
        return tph_status_bad_request(status, "%s", err.text);
    }
    if (tph_fieldsel_parse(tph_query_str(query, "fieldSelector"), &s.fields, &err) < 0) {
        tph_labelsel_free(s.labels);
        return tph_status_bad_request(status, "%s", err.text);
    }
    if (check_fields(kind, &s.fields, status) < 0) {
        tph_select_release(&s);
        return -1;
    }
    for (size_t i = 0; i < s.fields.n_terms; i++) {
        if (tph_str_eqz(s.fields.terms[i].field, "metadata.name") && !s.fields.terms[i].differs) {
            s.name = s.fields.terms[i].value;
        }
    }
    s.all = s.fields.n_terms == 0 && (!s.labels || tph_labelsel_is_empty(s.labels));
    *ret_select = s;
    return 0;
}

void tph_select_release(struct tph_select *select)
{
    tph_labelsel_free(select->labels);
    tph_fieldsel_release(&select->fields);
    *select = (struct tph_select){.labels = NULL};
}

/* "status.phase" of an object; what is no text reads as empty. */
static struct tph_str get_field(void *owner, struct tph_str field)
{
    const struct tph_json *value = owner;
    struct tph_str rest = field;
    struct tph_str step;
    if (tph_str_eqz(field, "source")) {
        return tph_json_str(tph_json_path(value, "source", "component", NULL));
    }
    while (rest.p && tph_str_cut(&rest, '.', &step)) {
        value = tph_json_getn(value, step);
    }
    if (tph_json_is(value, TPH_JSON_BOOL)) {
        return tph_json_bool(value) ? TPH_STR("true") : TPH_STR("false");
    }
    return tph_json_str(value);
}

static bool only_metadata(const struct tph_fieldsel *fields)
{
    for (size_t i = 0; i < fields->n_terms; i++) {
        if (!tph_str_has_prefix(fields->terms[i].field, TPH_STR("metadata."))) {
            return false;
        }
    }
    return true;
}

bool tph_select_matches(const struct tph_select *select, const struct tph_kind *kind, struct tph_str text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (select->all) {
        return true;
    }
    struct tph_str meta = only_metadata(&select->fields) ? tph_object_metadata(kind, text) : TPH_STR_NONE;
    if (tph_json_parse(meta.len > 0 ? meta : text, &doc, &err) < 0) {
        return false;
    }
    struct tph_json *object = tph_json_root(doc);
    if (meta.len > 0) {
        object = tph_json_new_object(doc);
        tph_json_set(doc, object, "metadata", tph_json_copy(doc, tph_json_root(doc)));
    }
    if (select->labels &&
        !tph_labelsel_matches_object(select->labels, tph_json_path(object, "metadata", "labels", NULL))) {
        return false;
    }
    return tph_fieldsel_matches(&select->fields, get_field, object);
}
