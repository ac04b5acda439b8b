/* SPDX-License-Identifier: Apache-2.0 */
/* Patches of all kinds: the document that comes out, as Go writes it, or the error. */
#include "api/strategic.h"
#include "base/limits.h"
#include "data/patch.h"
#include "golden.h"

struct texts {
    struct tph_json_doc *original, *patch; /* NULL: the text is none */
    struct tph_error original_error, patch_error;
};

static int read_texts(struct golden_case *c, struct texts *t)
{
    t->original_error = t->patch_error = TPH_ERROR_INIT;
    int failed = tph_json_parse(golden_in(c, "original"), &t->original, &t->original_error);
    return tph_json_parse(golden_in(c, "patch"), &t->patch, &t->patch_error) < 0 ? -1 : failed;
}

/* Without the place in front. */
static struct tph_str bare(const struct tph_error *err)
{
    struct tph_str rest = tph_str(err->text);
    ptrdiff_t at = tph_str_find(rest, TPH_STR(": "));
    return at < 0 ? rest : tph_str_slice(rest, (size_t)at + 2, rest.len);
}

/* Which error a text that is no JSON gives. */
static struct tph_str broken(const struct texts *t, struct tph_str type)
{
    if (tph_str_eqz(type, "strategic")) {
        return TPH_STR("invalid JSON document");
    }
    if (!t->original || tph_str_eqz(type, "createmerge")) {
        return TPH_STR("Invalid JSON Document");
    }
    return tph_str_eqz(type, "merge") ? TPH_STR("Invalid JSON Patch") : bare(&t->patch_error);
}

static int apply(struct golden_case *c, const struct texts *t, struct tph_str type, struct tph_json **ret_value,
                 struct tph_error *err)
{
    const struct tph_json *original = tph_json_root(t->original);
    const struct tph_json *patch = tph_json_root(t->patch);
    if (tph_str_eqz(type, "merge")) {
        return tph_patch_merge(c->doc, original, patch, ret_value, err);
    }
    if (tph_str_eqz(type, "createmerge")) {
        return tph_patch_make_merge(c->doc, original, patch, ret_value, err);
    }
    if (tph_str_eqz(type, "json")) {
        return tph_patch_json(c->doc, original, patch, ret_value, err);
    }
    const struct tph_go_type *kind = tph_strategic_type_of(golden_in(c, "kind"));
    return kind ? tph_strategic_merge(c->doc, original, patch, kind, ret_value, err) : -1;
}

void golden_patch(struct golden_case *c)
{
    struct texts t = {.original = NULL};
    struct tph_str type = golden_in(c, "type");
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *value = NULL;
    bool json = tph_str_eqz(type, "json");
    bool readable = read_texts(c, &t) == 0;
    (void)golden_object(c);
    if (json && (!t.patch || tph_patch_check_json(tph_json_root(t.patch), NULL) < 0)) {
        golden_set(c, "stage", TPH_STR("decode"));
    }
    if (!readable) {
        golden_set(c, "error", broken(&t, type));
    } else if (apply(c, &t, type, &value, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
    } else {
        golden_set_json(c, "json", value, TPH_JSON_SORTED | TPH_JSON_HTML);
    }
    tph_json_doc_free(t.original);
    tph_json_doc_free(t.patch);
}
