/* SPDX-License-Identifier: Apache-2.0 */
#include "store/parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/json.h"

static const struct {
    const char *resource;
    struct tph_parts_path paths[TPH_PARTS_PATHS];
    size_t n;
} TABLE[] = {
    {"workflows.argoproj.io", {{{"status", "nodes"}}}, 1},
    {"workflowtasksets.argoproj.io", {{{"spec", "tasks"}}, {{"status", "nodes"}}}, 2},
    {"tiphys.tasks", {{{"tasks"}}}, 1}, /* of one workflow each: what the agent knows, see controller/controller.h */
    {"configmaps", {{{"data"}}}, 1},    /* those of caches grow; the others are small */
};

const struct tph_parts_path *tph_parts_of(struct tph_str resource, size_t *ret_n)
{
    for (size_t i = 0; i < sizeof(TABLE) / sizeof(TABLE[0]); i++) {
        if (tph_str_eqz(resource, TABLE[i].resource)) {
            *ret_n = TABLE[i].n;
            return TABLE[i].paths;
        }
    }
    *ret_n = 0;
    return NULL;
}

void tph_parts_base_release(struct tph_parts_base *base)
{
    if (base) {
        tph_buf_release(&base->text);
        memset(base->holes, 0, sizeof(base->holes));
    }
}

bool tph_parts_base_fits(struct tph_str text, const size_t holes[TPH_PARTS_PATHS])
{
    for (size_t i = 0; i < TPH_PARTS_PATHS; i++) {
        if (holes[i] && (holes[i] >= text.len || text.p[holes[i] - 1] != '{' || text.p[holes[i]] != '}')) {
            return false;
        }
    }
    return true;
}

/* Where to write the maps: a word that the text does not have anywhere. */
static void choose_mark(struct tph_str text, struct tph_buf *mark)
{
    for (unsigned i = 0;; i++) {
        tph_buf_clear(mark);
        tph_buf_printf(mark, "@parts%u@", i);
        if (tph_str_find(text, tph_buf_str(mark)) < 0) {
            return;
        }
    }
}

/* What leads to a map: the object it is a member of, made where `open` and absent. NULL and 0 when there is none. */
static int parent_of(struct tph_json_doc *doc, const struct tph_parts_path *path, bool open,
                     struct tph_json **ret_parent, const char **ret_last, struct tph_error *err)
{
    struct tph_json *at = tph_json_root(doc);
    size_t i = 0;
    for (; path->steps[i + 1]; i++) {
        struct tph_json *next = tph_json_get(at, path->steps[i]);
        if (tph_json_is_null(next)) {
            if (!open) {
                *ret_parent = NULL;
                return 0;
            }
            next = tph_json_new_object(doc);
            tph_json_set(doc, at, path->steps[i], next);
        } else if (!tph_json_is(next, TPH_JSON_OBJECT)) {
            return tph_error_set(err, TPH_ERROR_INVALID, "%s of the object is no map but a %s", path->steps[i],
                                 tph_json_type_name(tph_json_type(next)));
        }
        at = next;
    }
    *ret_parent = at;
    *ret_last = path->steps[i];
    return 0;
}

/* Takes the members of one map out and leaves the mark in its place. */
static int cut(struct tph_json_doc *doc, const struct tph_parts_path *paths, unsigned path, bool open, const char *mark,
               tph_parts_member_fn *member, void *owner, bool *ret_there, struct tph_error *err)
{
    struct tph_json *parent = NULL;
    const char *last = NULL;
    *ret_there = false;
    if (parent_of(doc, &paths[path], open, &parent, &last, err) < 0) {
        return -1;
    }
    struct tph_json *map = tph_json_get(parent, last);
    if (!parent || (tph_json_is_null(map) && !open)) {
        return 0;
    }
    if (!tph_json_is_null(map) && !tph_json_is(map, TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s of the object is no map but a %s", last,
                             tph_json_type_name(tph_json_type(map)));
    }
    if (!member && tph_json_len(map) > 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s has members in the text of a merge\n  give them as parts",
                             last);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json_iter it = tph_json_iter(map);
    while (tph_json_next(&it)) {
        tph_buf_clear(&text);
        tph_json_write(it.value, 0, &text);
        member(owner, path, it.key, tph_buf_str(&text));
    }
    tph_json_set_cstr(doc, parent, last, mark);
    *ret_there = true;
    return 0;
}

/* Copies text with {} in the place of each `"mark"N`. */
static void dig(struct tph_str text, struct tph_str mark, struct tph_parts_base *base)
{
    tph_buf_clear(&base->text);
    memset(base->holes, 0, sizeof(base->holes));
    for (ptrdiff_t at; (at = tph_str_find(text, mark)) >= 0;) {
        size_t end = (size_t)at + mark.len;
        tph_buf_put(&base->text, tph_str_slice(text, 0, (size_t)at - 1)); /* up to the quote */
        tph_buf_putc(&base->text, '{');
        base->holes[text.p[end] - '0'] = base->text.len;
        tph_buf_putc(&base->text, '}');
        text = tph_str_slice(text, end + 2, text.len);
    }
    tph_buf_put(&base->text, text);
}

int tph_parts_split(struct tph_str resource, struct tph_str text, unsigned open, struct tph_parts_base *base,
                    tph_parts_member_fn *member, void *owner, struct tph_error *err)
{
    size_t n = 0;
    const struct tph_parts_path *paths = tph_parts_of(resource, &n);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(text, &doc, err) < 0) {
        return -1;
    }
    if (!tph_json_is(tph_json_root(doc), TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "the text is no JSON object but a %s",
                             tph_json_type_name(tph_json_type(tph_json_root(doc))));
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf written = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf mark = TPH_BUF_INIT(64);
    if (n > 0) {
        /* Chosen for what the writer makes of the text, whose escapes may spell anything. */
        tph_json_write(tph_json_root(doc), 0, &written);
        if (tph_buf_failed(&written)) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "the object has more than %zu bytes", TPH_LIMIT_DOCUMENT);
        }
        choose_mark(tph_buf_str(&written), &mark);
        tph_buf_clear(&written);
    }
    for (unsigned i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *numbered = tph_format("%s%u", tph_buf_cstr(&mark), i);
        bool there = false;
        if (cut(doc, paths, i, open >> i & 1, numbered, member, owner, &there, err) < 0) {
            return -1;
        }
    }
    tph_json_write(tph_json_root(doc), 0, &written);
    if (tph_buf_failed(&written)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the object has more than %zu bytes", TPH_LIMIT_DOCUMENT);
    }
    if (n > 0) {
        dig(tph_buf_str(&written), tph_buf_str(&mark), base);
    } else {
        tph_buf_clear(&base->text);
        memset(base->holes, 0, sizeof(base->holes));
        tph_buf_put(&base->text, tph_buf_str(&written));
    }
    return 0;
}

void tph_parts_join_begin(struct tph_parts_join *join, struct tph_str text, const size_t holes[TPH_PARTS_PATHS],
                          struct tph_buf *out)
{
    join->text = text;
    join->out = out;
    for (unsigned i = 0; i < TPH_PARTS_PATHS; i++) {
        join->holes[i] = holes[i];
        join->order[i] = i;
        join->members[i] = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    }
    if (holes[0] > holes[1]) {
        join->order[0] = 1;
        join->order[1] = 0;
    }
}

void tph_parts_join_member(struct tph_parts_join *join, unsigned path, struct tph_str member, struct tph_str text)
{
    struct tph_buf *to = &join->members[path];
    if (to->len > 0) {
        tph_buf_putc(to, ',');
    }
    tph_json_write_str(member, 0, to);
    tph_buf_putc(to, ':');
    tph_buf_put(to, text);
}

void tph_parts_join_end(struct tph_parts_join *join)
{
    size_t from = 0;
    for (unsigned i = 0; i < TPH_PARTS_PATHS; i++) {
        unsigned path = join->order[i];
        if (join->holes[path]) {
            tph_buf_put(join->out, tph_str_slice(join->text, from, join->holes[path]));
            tph_buf_put(join->out, tph_buf_str(&join->members[path]));
            from = join->holes[path];
            join->out->failed |= tph_buf_failed(&join->members[path]);
        }
        tph_buf_release(&join->members[path]);
    }
    tph_buf_put(join->out, tph_str_slice(join->text, from, join->text.len));
}
