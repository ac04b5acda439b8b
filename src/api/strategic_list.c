/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that merge. Elements are told apart by the merge key of their field, scalars by themselves. */
#include "api/strategic_internal.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "data/gotext.h"

static const char PATCH[] = "$patch";
static const size_t NOWHERE = SIZE_MAX;

/* One element of the result. */
struct slot {
    const struct tph_json *value; /* of the original, or of the patch where only that has it */
    struct tph_json *merged;      /* NULL: value as it is */
    struct tph_str name;
    size_t server; /* first place of its name in the original */
    size_t wanted; /* its place in the patch or in $setElementOrder */
    size_t seq;    /* among all slots, the original's first */
};

struct list {
    struct tph_strategic *m;
    const struct tph_go_field *field;
    bool objects;
    struct slot *slots; /* owned */
    size_t n_slots;
    struct tph_map names;   /* name -> its first slot */
    struct tph_map deleted; /* names that $patch or $deleteFromPrimitiveList take out of the original */
    struct tph_map wanted;  /* name -> its first place + 1 in what gives the order */
};

static void *as_place(size_t index)
{
    return (void *)(uintptr_t)(index + 1);
}

static int say(struct tph_strategic *m, const char *before, const struct tph_json *value, const char *after)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_gotext_write(value, &text);
    return tph_error_set(m->err, TPH_ERROR_INVALID, "%s%s%s", before, tph_buf_cstr(&text), after);
}

/* The name of an element: its type and text, for 1 and "1" are not the same. */
static int name_of(const struct list *l, const struct tph_json *value, struct tph_str *ret_name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_json *key = l->objects ? tph_json_get(value, l->field->merge_key) : value;
    if (!key) {
        TPH_CLEANUP(tph_freep)
        char *after = tph_format(" does not contain declared merge key: %s", l->field->merge_key);
        return say(l->m, "map: ", value, after);
    }
    (void)tph_buf_puts(&text, tph_json_type_name(tph_json_type(key)));
    tph_json_write(key, 0, &text);
    *ret_name = tph_arena_str(l->m->arena, tph_buf_str(&text));
    return 0;
}

/* Go's name of the type that a value is read as. */
static const char *go_type(const struct tph_json *value)
{
    int64_t whole = 0;
    switch (tph_json_type(value)) {
    case TPH_JSON_NUMBER:
        return tph_json_to_i64(value, &whole) == 0 ? "int64" : "float64";
    case TPH_JSON_ARRAY:
        return "[]interface {}";
    case TPH_JSON_OBJECT:
        return "map[string]interface {}";
    case TPH_JSON_NULL:
        return "%!s(<nil>)";
    case TPH_JSON_BOOL:
    case TPH_JSON_STRING:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return tph_json_type_name(tph_json_type(value));
}

static bool same_types(const struct tph_json *list, enum tph_json_type type)
{
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_json_type(it.value) != type) {
            return false;
        }
    }
    return true;
}

/* All elements are of one type, and of one that can be merged. */
static int check_elements(struct list *l, const struct tph_json *original, const struct tph_json *patch)
{
    const struct tph_json *first = tph_json_at(tph_json_len(original) > 0 ? original : patch, 0);
    enum tph_json_type type = tph_json_type(first);
    if (!same_types(original, type) || !same_types(patch, type)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        tph_gotext_write(patch, &text);
        TPH_CLEANUP(tph_freep) char *after = tph_format(" %s]", tph_buf_cstr(&text));
        return say(l->m, "list element types are not identical: [", original, after);
    }
    l->objects = type == TPH_JSON_OBJECT;
    if (type == TPH_JSON_ARRAY) {
        return tph_error_set(l->m->err, TPH_ERROR_INVALID, "lists of lists are not supported");
    }
    if (!l->objects && l->field->merge_key) {
        return tph_error_set(l->m->err, TPH_ERROR_INVALID, "expected a map[string]interface {}, but received a %s",
                             go_type(first));
    }
    if (l->objects && !l->field->merge_key) {
        return tph_error_set(l->m->err, TPH_ERROR_INVALID, "cannot merge lists without merge key for %s",
                             l->field->type->name);
    }
    return 0;
}

static int add_slot(struct list *l, const struct tph_json *value, bool of_original)
{
    struct slot *slot = &l->slots[l->n_slots];
    *slot = (struct slot){.value = value, .server = NOWHERE, .wanted = NOWHERE, .seq = l->n_slots};
    if (name_of(l, value, &slot->name) < 0) {
        return -1;
    }
    const struct slot *first = tph_map_get(&l->names, slot->name);
    if (first && !l->objects) { /* scalars make a set */
        return 0;
    }
    if (of_original) {
        slot->server = first ? first->server : slot->seq;
    }
    if (!first) {
        (void)tph_map_set(&l->names, slot->name, slot);
    }
    l->n_slots++;
    return 0;
}

/* $patch: delete in an element takes all of its name out of the original. */
static int delete_named(struct list *l, const struct tph_json *element)
{
    struct tph_str name;
    if (name_of(l, element, &name) < 0) {
        return -1;
    }
    void *slot = tph_map_remove(&l->names, name);
    if (slot) {
        (void)tph_map_set(&l->deleted, name, slot);
    }
    return 0;
}

/* Elements of the patch that are directives. *ret_replace: the others are the result. */
static int follow_directives(struct list *l, const struct tph_json *patch, bool *ret_replace)
{
    struct tph_json_iter it = tph_json_iter(patch);
    bool replace = false;
    while (tph_json_next(&it)) {
        const struct tph_json *word = tph_json_get(it.value, PATCH);
        if (!word) {
            continue;
        }
        if (tph_str_eqz(tph_json_str(word), "delete")) {
            if (delete_named(l, it.value) < 0) {
                return -1;
            }
        } else if (tph_str_eqz(tph_json_str(word), "replace")) {
            replace = true;
        } else if (tph_str_eqz(tph_json_str(word), "merge")) {
            return tph_error_set(l->m->err, TPH_ERROR_INVALID, "merging lists cannot yet be specified in the patch");
        } else {
            return tph_strategic_unknown(l->m, it.value);
        }
    }
    *ret_replace = replace;
    return 0;
}

static bool is_special(const struct tph_json *element)
{
    return tph_json_get(element, PATCH) != NULL;
}

static int merge_element(struct list *l, const struct tph_json *element)
{
    struct tph_str name;
    if (name_of(l, element, &name) < 0) {
        return -1;
    }
    struct slot *slot = tph_map_get(&l->names, name);
    if (!slot) {
        return add_slot(l, element, false);
    }
    if (!l->objects) {
        return 0;
    }
    return tph_strategic_object(l->m, slot->merged ? slot->merged : slot->value, element, l->field->type->element,
                                &slot->merged);
}

/* The elements of the patch, directives aside, have to come in the order that $setElementOrder gives. */
static int check_order(struct list *l, const struct tph_json *patch, const struct tph_json *order)
{
    struct tph_json_iter it = tph_json_iter(patch);
    size_t last = 0;
    bool fine = true;
    while (tph_json_next(&it)) {
        struct tph_str name;
        if (is_special(it.value)) {
            continue;
        }
        if (name_of(l, it.value, &name) < 0) {
            return -1;
        }
        size_t place = (size_t)(uintptr_t)tph_map_get(&l->wanted, name);
        fine = fine && place > last;
        last = place;
    }
    if (fine) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_gotext_write(order, &text);
    TPH_CLEANUP(tph_freep)
    char *after = tph_format("\n doesn't match $setElementOrder list:\n%s\n", tph_buf_cstr(&text));
    return say(l->m, "The order in patch list:\n", patch, after);
}

static int note_order(struct list *l, const struct tph_json *order)
{
    struct tph_json_iter it = tph_json_iter(order);
    while (tph_json_next(&it)) {
        struct tph_str name;
        if (is_special(it.value)) {
            continue;
        }
        if (name_of(l, it.value, &name) < 0) {
            return -1;
        }
        if (!tph_map_get(&l->wanted, name)) {
            (void)tph_map_set(&l->wanted, name, as_place(it.index));
        }
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct slot *left = a;
    const struct slot *right = b;
    if (left->wanted != right->wanted) {
        return left->wanted < right->wanted ? -1 : 1;
    }
    if (left->server != right->server) {
        return left->server < right->server ? -1 : 1;
    }
    return left->seq < right->seq ? -1 : 1;
}

/* Those that are wanted in their order, each as late as it can without passing what stood behind it in the
 * original; the others keep the original's order. */
static struct tph_json *ordered(struct list *l)
{
    struct tph_json *merged = tph_json_new_array(l->m->doc);
    size_t n = 0;
    for (size_t i = 0; i < l->n_slots; i++) {
        bool deleted = l->slots[i].server != NOWHERE && tph_map_get(&l->deleted, l->slots[i].name);
        if (!deleted) {
            size_t place = (size_t)(uintptr_t)tph_map_get(&l->wanted, l->slots[i].name);
            l->slots[n] = l->slots[i];
            l->slots[n++].wanted = place > 0 ? place - 1 : NOWHERE;
        }
    }
    qsort(l->slots, n, sizeof(struct slot), by_place);
    size_t wanted = 0;
    size_t others = 0;
    while (others < n && l->slots[others].wanted != NOWHERE) {
        others++;
    }
    size_t n_wanted = others;
    while (wanted < n_wanted || others < n) {
        const struct slot *left = wanted < n_wanted ? &l->slots[wanted] : NULL;
        const struct slot *right = others < n ? &l->slots[others] : NULL;
        bool behind = left && right && left->server != NOWHERE && right->server < left->server;
        const struct slot *next = !left || behind ? right : left;
        wanted += next == left;
        others += next == right;
        tph_json_append(l->m->doc, merged, next->merged ? next->merged : tph_json_copy(l->m->doc, next->value));
    }
    return merged;
}

/* The patch without its directives, as it is. */
static struct tph_json *replaced(struct tph_strategic *m, const struct tph_json *patch)
{
    struct tph_json *list = tph_json_new_array(m->doc);
    struct tph_json_iter it = tph_json_iter(patch);
    while (tph_json_next(&it)) {
        if (!is_special(it.value)) {
            tph_json_append(m->doc, list, tph_json_copy(m->doc, it.value));
        }
    }
    return list;
}

static int merge_elements(struct list *l, const struct tph_json *original, const struct tph_strategic_wishes *wishes,
                          struct tph_json **ret_merged)
{
    bool has_order = tph_json_len(wishes->order) > 0;
    const struct tph_json *order = has_order ? wishes->order : wishes->patch;
    struct tph_json_iter it = tph_json_iter(original);
    bool replace = false;
    while (tph_json_next(&it)) {
        if (add_slot(l, it.value, true) < 0) {
            return -1;
        }
    }
    it = tph_json_iter(l->objects ? NULL : wishes->removed);
    while (tph_json_next(&it)) {
        if (delete_named(l, it.value) < 0) {
            return -1;
        }
    }
    if (note_order(l, order) < 0 || (has_order && check_order(l, wishes->patch, order) < 0) ||
        follow_directives(l, wishes->patch, &replace) < 0) {
        return -1;
    }
    if (replace) {
        *ret_merged = replaced(l->m, wishes->patch);
        return 0;
    }
    it = tph_json_iter(wishes->patch);
    while (tph_json_next(&it)) {
        if (!is_special(it.value) && merge_element(l, it.value) < 0) {
            return -1;
        }
    }
    *ret_merged = ordered(l);
    return 0;
}

int tph_strategic_list(struct tph_strategic *m, const struct tph_json *original,
                       const struct tph_strategic_wishes *wishes, const struct tph_go_field *field,
                       struct tph_json **ret_merged)
{
    struct list list = {.m = m, .field = field};
    const struct tph_json *given[] = {wishes->order, wishes->patch};
    for (size_t i = 0; wishes->order && i < 2; i++) {
        if (given[i] && !tph_json_is(given[i], TPH_JSON_ARRAY)) {
            return tph_error_set(m->err, TPH_ERROR_INVALID, "expected a []interface {}, but received a %s",
                                 go_type(given[i]));
        }
    }
    if (tph_json_len(original) + tph_json_len(wishes->patch) == 0) {
        *ret_merged = tph_json_copy(m->doc, original);
        return 0;
    }
    if (check_elements(&list, original, wishes->patch) < 0) {
        return -1;
    }
    list.slots = tph_calloc(tph_json_len(original) + tph_json_len(wishes->patch), sizeof(struct slot));
    int failed = merge_elements(&list, original, wishes, ret_merged);
    free(list.slots);
    tph_map_release(&list.names);
    tph_map_release(&list.deleted);
    tph_map_release(&list.wanted);
    return failed;
}
