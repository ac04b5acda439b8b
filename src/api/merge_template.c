/* SPDX-License-Identifier: Apache-2.0 */
/* Template defaults. A template has a type, the first of the members below that it has; what defaults say about other
 * types is not meant for it. */
#include "api/gotype_tables.h"
#include "api/merge.h"
#include "api/strategic_internal.h"

static const struct {
    const char *key;
    bool exclusive; /* members of these types do not stand beside each other in the result */
} TYPES[] = {
    {"container", true}, {"containerSet", false}, {"steps", true},   {"dag", true},   {"script", true},
    {"resource", true},  {"data", true},          {"suspend", true}, {"http", false}, {"plugin", false},
};
enum { N_TYPES = sizeof TYPES / sizeof TYPES[0] };

static size_t type_of(const struct tph_json *tmpl)
{
    size_t i = 0;
    while (i < N_TYPES && tph_json_is_null(tph_json_get(tmpl, TYPES[i].key))) {
        i++;
    }
    return i;
}

/* What defaults hold for other types. Argo overlooks `steps`, which is no object. */
static void drop_other_types(struct tph_json *defaults, size_t type, unsigned flags)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        bool overlooked = (flags & TPH_MERGE_COMPAT) && tph_str_eqz(tph_str(TYPES[i].key), "steps");
        if (i != type && !overlooked) {
            (void)tph_json_remove(defaults, TYPES[i].key);
        }
    }
}

static void make_exclusive(struct tph_json *merged, size_t type)
{
    for (size_t i = 0; i < N_TYPES && type < N_TYPES && TYPES[type].exclusive; i++) {
        if (i != type && TYPES[i].exclusive) {
            (void)tph_json_remove(merged, TYPES[i].key);
        }
    }
}

/* Adds members of `from` that `into` has not, at any depth (that of a JSON text) or here only. */
static void complete(struct tph_json_doc *doc, struct tph_json *into, const struct tph_json *from, bool deep)
{
    if (!tph_json_is(into, TPH_JSON_OBJECT) || !tph_json_is(from, TPH_JSON_OBJECT)) {
        return;
    }
    struct tph_strategic_members members = tph_strategic_members(into);
    struct tph_json_iter it = tph_json_iter(from);
    while (tph_json_next(&it)) {
        struct tph_json *member = tph_strategic_member(&members, it.key);
        if (member && deep) {
            complete(doc, member, it.value, true);
        } else if (!member) {
            tph_json_append_member(doc, into, it.key, tph_json_copy(doc, it.value));
        }
    }
    tph_strategic_members_release(&members);
}

/* Takes both plugins out, for a strategic merge does not know how to merge them: the template's own value with what
 * the defaults add to it where they name the same plugin. NULL when it has none. */
static struct tph_json *take_plugin(struct tph_json_doc *doc, struct tph_json *tmpl, struct tph_json *defaults)
{
    struct tph_json *plugin = tph_json_remove(tmpl, "plugin");
    const struct tph_json *added = tph_json_remove(defaults, "plugin");
    struct tph_json_iter it = tph_json_iter(plugin);
    if (added && tph_json_next(&it)) {
        complete(doc, it.value, tph_json_getn(added, it.key), true);
    }
    return plugin;
}

/* What Go's decoder leaves of the value that it reads into: members of structs and maps that the text has not, and
 * the elements of lists serve as the start of those that take their place. Argo reads the merged template into the one
 * it merged, so an element of the defaults that comes before an element of the template keeps members of that. */
static void read_into(struct tph_json_doc *doc, const struct tph_json *old, const struct tph_go_type *type,
                      struct tph_json *read)
{
    struct tph_json_iter it = tph_json_iter(old);
    if (tph_json_type(old) != tph_json_type(read)) {
        return;
    }
    if (type->kind == TPH_GO_LIST) {
        struct tph_json_iter to = tph_json_iter(read);
        while (tph_json_next(&it) && tph_json_next(&to)) {
            read_into(doc, it.value, type->element, to.value);
        }
    } else if (type->kind == TPH_GO_MAP) {
        complete(doc, read, old, false);
    } else if (type->kind == TPH_GO_STRUCT) {
        for (const struct tph_go_field *f = type->fields; f->name; f++) {
            const struct tph_json *before = tph_json_get(old, f->name);
            struct tph_json *now = tph_json_get(read, f->name);
            if (before && now) {
                read_into(doc, before, f->type, now);
            } else if (before) {
                tph_json_set(doc, read, f->name, tph_json_copy(doc, before));
            }
        }
    }
}

int tph_merge_template(struct tph_json_doc *doc, const struct tph_json *tmpl, const struct tph_json *defaults,
                       unsigned flags, struct tph_json **ret_template, struct tph_error *err)
{
    static const struct tph_go_options PLAIN = {.flags = 0};
    const struct tph_go_type *go = &tph_gt_argo_Template;
    struct tph_json *over = NULL;
    struct tph_json *under = NULL;
    struct tph_json *merged = NULL;
    if (tph_go_convert(doc, tmpl, go, &PLAIN, &over, err) < 0) {
        return -1;
    }
    if (tph_json_is_null(defaults)) {
        *ret_template = over;
        return 0;
    }
    if (tph_go_convert(doc, defaults, go, &PLAIN, &under, err) < 0) {
        return -1;
    }
    size_t type = type_of(tmpl); /* of what was written, for an empty list of steps is a type too */
    drop_other_types(under, type, flags);
    struct tph_json *plugin = flags & TPH_MERGE_COMPAT ? NULL : take_plugin(doc, over, under);
    if (tph_strategic_merge(doc, under, over, go, &merged, err) < 0) {
        return -1;
    }
    if (flags & TPH_MERGE_COMPAT) {
        read_into(doc, over, go, merged);
    } else if (plugin) {
        tph_json_set(doc, merged, "plugin", plugin);
    }
    make_exclusive(merged, type);
    return tph_go_convert(doc, merged, go, &PLAIN, ret_template, err);
}
