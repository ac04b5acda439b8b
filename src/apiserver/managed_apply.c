/* SPDX-License-Identifier: Apache-2.0 */
/* Server-side apply: the configuration is checked against the schema, laid over the object, freed of what its manager
 * no longer sends, and then what others own of that is looked for. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apiserver/managed_entry.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/time.h"

void tph_managed_fault_release(struct tph_managed_fault *fault)
{
    for (size_t i = 0; i < fault->n_conflicts; i++) {
        free(fault->conflicts[i].message);
        free(fault->conflicts[i].field);
    }
    free(fault->conflicts);
    tph_buf_release(&fault->message);
    fault->conflicts = NULL;
    fault->n_conflicts = 0;
}

/* ---- the configuration against the schema ---- */

struct check {
    struct tph_buf path;
    struct tph_buf first; /* the first problem */
    struct tph_buf more;  /* all of them, a line each */
    size_t n;
};

static void problem(struct check *c, const char *text)
{
    if (c->n++ == 0) {
        (void)tph_buf_printf(&c->first, "%s: %s", tph_buf_cstr(&c->path), text);
    }
    (void)tph_buf_printf(&c->more, "\n  %s: %s", tph_buf_cstr(&c->path), text);
}

/* As Go prints what it got: a value's own form depends on its type. */
static void wrong(struct check *c, const char *wanted, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_printf(&text, "expected %s, got &value.valueUnstructured{Value:", wanted);
    tph_json_write(value, 0, &text);
    (void)tph_buf_putc(&text, '}');
    problem(c, tph_buf_cstr(&text));
}

static void check_value(struct check *c, const struct tph_schema *schema, const struct tph_json *value);

struct member {
    struct tph_str key;
    const struct tph_json *value;
};

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* The first member that is not declared ends the look at a map. */
static void check_map(struct check *c, const struct tph_schema *schema, const struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = c->path.len;
    size_t n = 0;
    bool known = true;
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        wrong(c, "map", value);
        return;
    }
    struct member *members = tph_calloc(tph_json_len(value) + 1, sizeof *members);
    while (tph_json_next(&it)) {
        members[n++] = (struct member){it.key, it.value};
    }
    qsort(members, n, sizeof *members, by_key);
    for (size_t i = 0; i < n && known; i++) {
        const struct tph_schema_field *f = tph_schema_field_find(schema, members[i].key);
        (void)tph_buf_printf(&c->path, ".%.*s", TPH_FMT(members[i].key));
        if (f || schema->element) {
            check_value(c, f ? f->type : schema->element, members[i].value);
        } else if (!(schema->flags & TPH_SCHEMA_OPEN) && schema->fields) {
            problem(c, "field not declared in schema");
            known = false;
        }
        c->path.bytes[mark] = '\0';
        c->path.len = mark;
    }
    free(members);
}

static void check_value(struct check *c, const struct tph_schema *schema, const struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = c->path.len;
    if (tph_json_is_null(value)) {
        return;
    }
    switch (schema->kind) {
    case TPH_SCHEMA_MAP:
        check_map(c, schema, value);
        break;
    case TPH_SCHEMA_LIST:
        if (!tph_json_is(value, TPH_JSON_ARRAY)) {
            wrong(c, "list", value);
            break;
        }
        while (tph_json_next(&it)) {
            (void)tph_buf_printf(&c->path, "[%zu]", it.index);
            check_value(c, schema->element, it.value);
            c->path.bytes[mark] = '\0';
            c->path.len = mark;
        }
        break;
    case TPH_SCHEMA_STRING:
        if (!tph_json_is(value, TPH_JSON_STRING)) {
            wrong(c, "string", value);
        }
        break;
    case TPH_SCHEMA_NUMBER:
    case TPH_SCHEMA_INTEGER:
        if (!tph_json_is(value, TPH_JSON_NUMBER)) {
            wrong(c, "numeric (int or float)", value);
        }
        break;
    case TPH_SCHEMA_BOOL:
        if (!tph_json_is(value, TPH_JSON_BOOL)) {
            wrong(c, "boolean", value);
        }
        break;
    case TPH_SCHEMA_SCALAR:
        if (tph_json_is(value, TPH_JSON_ARRAY) || tph_json_is(value, TPH_JSON_OBJECT)) {
            wrong(c, "scalar", value);
        }
        break;
    case TPH_SCHEMA_ANY:
        break;
    }
}

static int fail(struct tph_managed_fault *fault, int code, const char *format, ...) TPH_PRINTF(3, 4);
static int fail(struct tph_managed_fault *fault, int code, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    fault->code = code;
    tph_buf_clear(&fault->message);
    (void)tph_buf_puts(&fault->message, len < 0 ? "" : text);
    free(text);
    return -1;
}

/* "/v1, Kind=ConfigMap", "argoproj.io/v1alpha1, Kind=Workflow" */
static void put_type(struct tph_str api_version, struct tph_str kind, struct tph_buf *out)
{
    bool group = tph_str_find_byte(api_version, '/') >= 0;
    (void)tph_buf_printf(out, "%s%.*s, Kind=%.*s", group ? "" : "/", TPH_FMT(api_version), TPH_FMT(kind));
}

static int check_config(const struct tph_managed_write *write, const struct tph_schema *schema,
                        const struct tph_json *config, struct tph_managed_fault *fault)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(TPH_KIB(4));
    char version[TPH_API_VERSION_TEXT];
    const struct tph_json *metadata = tph_json_get(config, "metadata");
    put_type(tph_json_get_str(config, "apiVersion"), tph_json_get_str(config, "kind"), &type);
    if (!tph_str_eqz(tph_json_get_str(config, "kind"), write->kind->kind) ||
        !tph_str_eqz(tph_json_get_str(config, "apiVersion"), tph_kind_api_version(write->kind, version))) {
        return fail(fault, 400, "invalid object type: %s", tph_buf_cstr(&type));
    }
    if (!tph_json_is_null(tph_json_get(metadata, "managedFields"))) {
        return fail(fault, 400, "metadata.managedFields must be nil");
    }
    if (!schema) {
        return fail(fault, 500, "failed to create typed patch object (%s): no corresponding type", tph_buf_cstr(&type));
    }
    struct check c = {.path = TPH_BUF_INIT(TPH_MIB(1)),
                      .first = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT),
                      .more = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    (void)tph_buf_puts(&c.path, "");
    check_value(&c, schema, config);
    if (c.n > 0) {
        struct tph_str ns = tph_json_get_str(metadata, "namespace");
        struct tph_str name = tph_json_get_str(metadata, "name");
        (void)fail(fault, 500, "failed to create typed patch object (%.*s/%.*s; %s): %s%s", TPH_FMT(ns), TPH_FMT(name),
                   tph_buf_cstr(&type), c.n > 1 ? "errors:" : "", tph_buf_cstr(c.n > 1 ? &c.more : &c.first));
    }
    tph_buf_release(&c.path);
    tph_buf_release(&c.first);
    tph_buf_release(&c.more);
    return c.n > 0 ? -1 : 0;
}

/* ---- what goes because it is no longer sent ---- */

/* Without what the manager owned before and nobody owns now. */
static struct tph_json *prune(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                              const struct tph_json *merged, const struct tph_managers *managers,
                              const struct tph_fieldset *last)
{
    const struct tph_fieldset *owned = NULL;
    if (!last) {
        return tph_json_copy(doc, merged);
    }
    for (size_t i = 0; i < managers->n; i++) {
        owned = tph_fieldset_union(arena, owned, managers->list[i].set);
    }
    const struct tph_fieldset *last_all = tph_fieldset_with_parents(arena, last, schema);
    const struct tph_fieldset *all = tph_fieldset_with_parents(arena, tph_fieldset_of(arena, schema, merged), schema);
    struct tph_json *pruned = tph_fieldset_remove(arena, doc, schema, merged, last_all);
    const struct tph_fieldset *left = tph_fieldset_with_parents(arena, tph_fieldset_of(arena, schema, pruned), schema);
    left = tph_fieldset_union(arena, left, tph_fieldset_with_parents(arena, owned, schema));
    pruned = tph_fieldset_remove(arena, doc, schema, merged, tph_fieldset_minus(arena, all, left));
    left = tph_fieldset_with_parents(arena, tph_fieldset_of(arena, schema, pruned), schema);
    const struct tph_fieldset *gone = tph_fieldset_both(arena, tph_fieldset_minus(arena, all, left), last_all);
    return tph_fieldset_remove(arena, doc, schema, merged, gone);
}

/* ---- conflicts ---- */

struct teller {
    struct tph_managed_fault *fault;
    const char *with;
    size_t capacity;
};

static void tell_conflict(void *owner, struct tph_str path)
{
    struct teller *t = owner;
    struct tph_managed_fault *fault = t->fault;
    if (fault->n_conflicts == t->capacity) {
        t->capacity = t->capacity * 2 + 8;
        fault->conflicts = tph_realloc(fault->conflicts, t->capacity * sizeof *fault->conflicts);
    }
    fault->conflicts[fault->n_conflicts++] = (struct tph_managed_conflict){
        .message = tph_format("conflict with %s", t->with), .field = tph_strndup(path.p, path.len)};
}

/* `"m1"`, `"m1" with subresource "status" using v1` */
static void put_manager(const struct tph_manager *m, struct tph_buf *out)
{
    tph_json_write_str(m->name, 0, out);
    if (m->subresource.len > 0) {
        (void)tph_buf_puts(out, " with subresource ");
        tph_json_write_str(m->subresource, 0, out);
    }
    if (!tph_manager_applies(m)) {
        (void)tph_buf_printf(out, " using %.*s", TPH_FMT(m->api_version));
    }
}

static int by_name(const void *a, const void *b)
{
    return tph_manager_cmp(a, b);
}

static void put_conflicts(const struct tph_manager *others, size_t n, struct tph_managed_fault *fault)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf lines = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct teller t = {.fault = fault};
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf with = TPH_BUF_INIT(TPH_KIB(16));
        size_t first = fault->n_conflicts;
        put_manager(&others[i], &with);
        t.with = tph_buf_cstr(&with);
        tph_fieldset_walk(others[i].set, tell_conflict, &t);
        (void)tph_buf_printf(&lines, "%sconflicts with %s:", i > 0 ? "\n" : "", t.with);
        for (size_t k = first; k < fault->n_conflicts; k++) {
            (void)tph_buf_printf(&lines, "\n- %s", fault->conflicts[k].field);
        }
    }
    if (fault->n_conflicts == 1) {
        (void)fail(fault, 409, "Apply failed with 1 conflict: %s: %s", fault->conflicts[0].message,
                   fault->conflicts[0].field);
    } else {
        (void)fail(fault, 409, "Apply failed with %zu conflicts: %s", fault->n_conflicts, tph_buf_cstr(&lines));
    }
}

/* What others own of what changes; allowed: what may be taken without force. */
static int find_conflicts(struct tph_arena *arena, const struct tph_managers *managers, const struct tph_manager *self,
                          const struct tph_fieldset_changes *changes, const struct tph_fieldset *allowed,
                          struct tph_managed_fault *fault)
{
    const struct tph_fieldset *taken = tph_fieldset_union(arena, changes->added, changes->modified);
    struct tph_manager *others = TPH_ARENA_ARRAY(arena, struct tph_manager, managers->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < managers->n; i++) {
        struct tph_manager other = managers->list[i];
        other.set = tph_fieldset_minus(arena, tph_fieldset_both(arena, other.set, taken), allowed);
        if (other.set && !tph_manager_is(&other, self)) {
            others[n++] = other;
        }
    }
    if (n == 0) {
        return 0;
    }
    qsort(others, n, sizeof *others, by_name);
    put_conflicts(others, n, fault);
    return -1;
}

/* ---- kubectl's annotation of client-side apply ---- */

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* Fields that kubectl applied itself before it changed to server-side apply: those it may take over. */
static const struct tph_fieldset *allowed_by_annotation(struct tph_arena *arena, const struct tph_managed_write *write,
                                                        const struct tph_schema *schema, const struct tph_json *live)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_str text = tph_json_str(tph_json_path(live, "metadata", "annotations", LAST_APPLIED, NULL));
    if (!tph_str_eqz(write->manager, "kubectl") || text.len == 0 || tph_json_parse(text, &doc, NULL) < 0) {
        return NULL;
    }
    return tph_fieldset_of(arena, schema, tph_json_root(doc));
}

static void refresh_annotation(struct tph_json_doc *doc, const struct tph_managed_write *write,
                               const struct tph_json *config, struct tph_json *object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json *annotations = tph_json_path(object, "metadata", "annotations", NULL);
    if (!tph_str_eqz(write->manager, "kubectl") || !tph_json_get(annotations, LAST_APPLIED)) {
        return;
    }
    tph_json_write(config, TPH_JSON_SORTED | TPH_JSON_HTML, &text);
    (void)tph_buf_putc(&text, '\n');
    tph_json_set_str(doc, annotations, LAST_APPLIED,
                     text.len > TPH_LIMIT_LAST_APPLIED ? TPH_STR_NONE : tph_buf_str(&text));
}

/* ---- times ---- */

/* An apply that in the end changes nothing but its own time keeps the old one, so that nothing is written. before: what
 * was there, in the same form. */
static bool only_times_differ(const struct tph_managers *old, const struct tph_managers *new,
                              const struct tph_json *before, const struct tph_json *after)
{
    size_t found = 0;
    for (size_t i = 0; i < old->n; i++) {
        for (size_t j = 0; j < new->n; j++) {
            found += tph_manager_is(&old->list[i], &new->list[j]) &&
                     tph_fieldset_same_as(old->list[i].set, new->list[j].set);
        }
    }
    return old->n == new->n &&found == old->n &&tph_json_equal(before, after);
}

/* ---- */

struct apply {
    struct tph_arena *arena;
    struct tph_json_doc *doc;
    const struct tph_managed_write *write;
    const struct tph_schema *schema;
    struct tph_managers managers;
    struct tph_manager self;
};

/* The object as it becomes; managers have their new fields. NULL: it stays as it is. */
static int lay_over(struct apply *a, const struct tph_json *before, const struct tph_json *live,
                    const struct tph_json *config, struct tph_json **ret_object, struct tph_managed_fault *fault)
{
    struct tph_json *merged = tph_fieldset_merge(a->arena, a->doc, a->schema, before, config);
    const struct tph_fieldset *set = tph_fieldset_of(a->arena, a->schema, config);
    struct tph_manager *own = tph_managers_get(a->arena, &a->managers, &a->self);
    const struct tph_fieldset *last = own->set;
    own->set = tph_managed_ignore(a->arena, a->write, !live, set);
    struct tph_json *object = prune(a->arena, a->doc, a->schema, merged, &a->managers, last);
    struct tph_fieldset_changes changes = tph_fieldset_compare(a->arena, a->schema, before, object);
    changes.added = tph_managed_ignore(a->arena, a->write, !live, changes.added);
    changes.modified = tph_managed_ignore(a->arena, a->write, !live, changes.modified);
    const struct tph_fieldset *allowed = allowed_by_annotation(a->arena, a->write, a->schema, live);
    if (!a->write->force && find_conflicts(a->arena, &a->managers, &a->self, &changes, allowed, fault) < 0) {
        return -1;
    }
    tph_managers_yield(a->arena, &a->managers, &a->self, &changes);
    own = tph_managers_get(a->arena, &a->managers, &a->self);
    own->set = tph_managed_strip(a->arena, own->set);
    bool same = !changes.added && !changes.modified && !changes.removed;
    *ret_object = same ? NULL : object;
    return 0;
}

int tph_managed_apply(struct tph_json_doc *doc, const struct tph_managed_write *write, const struct tph_json *live,
                      const struct tph_json *config, struct tph_json **ret_object, struct tph_managed_fault *fault)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct apply a = {.arena = arena, .doc = doc, .write = write, .schema = tph_schema_of(write->kind)};
    struct tph_json *object = NULL;
    char now[TPH_TIME_TEXT];
    if (check_config(write, a.schema, config, fault) < 0) {
        return -1;
    }
    a.managers = tph_managers_read(arena, tph_json_path(live, "metadata", "managedFields", NULL));
    a.self = tph_managed_self(arena, write, "Apply");
    struct tph_json *before = tph_managed_form(doc, write->kind, live);
    if (lay_over(&a, before, live, config, &object, fault) < 0) {
        return -1;
    }
    if (object) {
        tph_time_format(write->now_ms, now);
        tph_managers_get(arena, &a.managers, &a.self)->time = tph_arena_str(arena, tph_str(now));
    } else {
        object = before;
    }
    struct tph_json *typed = tph_managed_form(doc, write->kind, object);
    if (!tph_json_is(tph_json_get(typed, "metadata"), TPH_JSON_OBJECT)) {
        tph_json_set(doc, typed, "metadata", tph_json_new_object(doc));
    }
    refresh_annotation(doc, write, config, typed);
    tph_managers_drop_empty(&a.managers);
    const struct tph_json *fields = tph_json_path(live, "metadata", "managedFields", NULL);
    const struct tph_managers old = tph_managers_read(arena, fields);
    bool same = only_times_differ(&old, &a.managers, before, typed);
    tph_managed_set(doc, typed, same ? tph_json_copy(doc, fields) : tph_managers_write(doc, &a.managers));
    *ret_object = typed;
    return 0;
}
