/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/managed_entry.h"

#include <stdlib.h>
#include <string.h>

#include "data/time.h"

bool tph_manager_is(const struct tph_manager *manager, const struct tph_manager *other)
{
    return tph_str_eq(manager->name, other->name) && tph_str_eq(manager->operation, other->operation) &&
           tph_str_eq(manager->api_version, other->api_version) && tph_str_eq(manager->subresource, other->subresource);
}

bool tph_manager_applies(const struct tph_manager *manager)
{
    return tph_str_eqz(manager->operation, "Apply");
}

/* The API server compares {"manager":..,"operation":..,"apiVersion":..,"subresource":..} as texts. */
int tph_manager_cmp(const struct tph_manager *a, const struct tph_manager *b)
{
    const struct tph_str words[][2] = {{a->name, b->name},
                                       {a->operation, b->operation},
                                       {a->api_version, b->api_version},
                                       {a->subresource, b->subresource}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        int order = tph_str_cmp(words[i][0], words[i][1]);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static void add(struct tph_arena *arena, struct tph_managers *managers, const struct tph_manager *manager)
{
    if (managers->n == managers->capacity) {
        size_t capacity = managers->capacity * 2 + 8;
        struct tph_manager *list = TPH_ARENA_ARRAY(arena, struct tph_manager, capacity);
        for (size_t i = 0; i < managers->n; i++) {
            list[i] = managers->list[i];
        }
        managers->list = list;
        managers->capacity = capacity;
    }
    managers->list[managers->n++] = *manager;
}

struct tph_managers tph_managers_read(struct tph_arena *arena, const struct tph_json *fields)
{
    struct tph_managers managers = {.list = NULL};
    struct tph_json_iter it = tph_json_iter(fields);
    while (tph_json_next(&it)) {
        struct tph_manager m = {
            .name = tph_arena_str(arena, tph_json_get_str(it.value, "manager")),
            .operation = tph_arena_str(arena, tph_json_get_str(it.value, "operation")),
            .api_version = tph_arena_str(arena, tph_json_get_str(it.value, "apiVersion")),
            .subresource = tph_arena_str(arena, tph_json_get_str(it.value, "subresource")),
            .time = tph_arena_str(arena, tph_json_get_str(it.value, "time")),
            .set = tph_fieldset_read(arena, tph_json_get(it.value, "fieldsV1")),
        };
        if (m.operation.len > 0) {
            add(arena, &managers, &m);
        }
    }
    return managers;
}

static int in_order(const void *left, const void *right)
{
    const struct tph_manager *a = left;
    const struct tph_manager *b = right;
    const struct tph_str words[][2] = {{a->operation, b->operation},
                                       {a->time, b->time}, /* all of one form */
                                       {a->name, b->name},
                                       {a->api_version, b->api_version},
                                       {a->subresource, b->subresource}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        int order = tph_str_cmp(words[i][0], words[i][1]);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

struct tph_json *tph_managers_write(struct tph_json_doc *doc, struct tph_managers *managers)
{
    struct tph_json *fields = tph_json_new_array(doc);
    if (managers->n > 0) {
        qsort(managers->list, managers->n, sizeof *managers->list, in_order);
    }
    for (size_t i = 0; i < managers->n; i++) {
        const struct tph_manager *m = &managers->list[i];
        struct tph_json *entry = tph_json_new_object(doc);
        tph_json_set_str(doc, entry, "manager", m->name);
        tph_json_set_str(doc, entry, "operation", m->operation);
        tph_json_set_str(doc, entry, "apiVersion", m->api_version);
        if (m->time.len > 0) {
            tph_json_set_str(doc, entry, "time", m->time);
        }
        tph_json_set_cstr(doc, entry, "fieldsType", "FieldsV1");
        tph_json_set(doc, entry, "fieldsV1", tph_fieldset_write(doc, m->set));
        if (m->subresource.len > 0) {
            tph_json_set_str(doc, entry, "subresource", m->subresource);
        }
        tph_json_append(doc, fields, entry);
    }
    return fields;
}

struct tph_manager *tph_managers_get(struct tph_arena *arena, struct tph_managers *managers,
                                     const struct tph_manager *like)
{
    for (size_t i = 0; i < managers->n; i++) {
        if (tph_manager_is(&managers->list[i], like)) {
            return &managers->list[i];
        }
    }
    struct tph_manager m = *like;
    m.set = NULL;
    add(arena, managers, &m);
    return &managers->list[managers->n - 1];
}

void tph_managers_drop_empty(struct tph_managers *managers)
{
    size_t kept = 0;
    for (size_t i = 0; i < managers->n; i++) {
        if (managers->list[i].set) {
            managers->list[kept++] = managers->list[i];
        }
    }
    managers->n = kept;
}

void tph_managers_yield(struct tph_arena *arena, struct tph_managers *managers, const struct tph_manager *self,
                        const struct tph_fieldset_changes *changes)
{
    const struct tph_fieldset *gone =
        tph_fieldset_union(arena, tph_fieldset_union(arena, changes->added, changes->modified), changes->removed);
    for (size_t i = 0; i < managers->n; i++) {
        if (!self || !tph_manager_is(&managers->list[i], self)) {
            managers->list[i].set = tph_fieldset_minus(arena, managers->list[i].set, gone);
        }
    }
}

const struct tph_fieldset *tph_managed_strip(struct tph_arena *arena, const struct tph_fieldset *set)
{
    static struct tph_fieldset_entry of_metadata[] = {
        {{"f:clusterName", 13}, true, NULL},
        {{"f:creationTimestamp", 19}, true, NULL},
        {{"f:generation", 12}, true, NULL},
        {{"f:managedFields", 15}, true, NULL},
        {{"f:name", 6}, true, NULL},
        {{"f:namespace", 11}, true, NULL},
        {{"f:resourceVersion", 17}, true, NULL},
        {{"f:selfLink", 10}, true, NULL},
        {{"f:uid", 5}, true, NULL},
    };
    static const struct tph_fieldset metadata = {of_metadata, sizeof of_metadata / sizeof *of_metadata};
    static struct tph_fieldset_entry top[] = {
        {{"f:apiVersion", 12}, true, NULL}, {{"f:kind", 6}, true, NULL}, {{"f:metadata", 10}, true, &metadata}};
    static const struct tph_fieldset all = {top, sizeof top / sizeof *top};
    return tph_fieldset_minus(arena, set, &all);
}

const struct tph_fieldset *tph_managed_ignore(struct tph_arena *arena, const struct tph_managed_write *write,
                                              bool creates, const struct tph_fieldset *set)
{
    static const char *const status[] = {"f:status", NULL};
    static const char *const spec[] = {"f:spec", NULL};
    static const char *const finalizers[] = {"f:spec", "f:finalizers", NULL};
    if (!(write->kind->flags & TPH_KIND_STATUS)) {
        return set;
    }
    if (tph_str_eqz(write->subresource, "status")) {
        return tph_fieldset_without(arena, set, spec);
    }
    if (creates && strcmp(write->kind->resource, "namespaces") == 0) { /* the server's own */
        set = tph_fieldset_without(arena, set, finalizers);
    }
    return tph_fieldset_without(arena, set, status);
}

void tph_managed_set(struct tph_json_doc *doc, struct tph_json *object, struct tph_json *fields)
{
    struct tph_json *metadata = tph_json_get(object, "metadata");
    if (!tph_json_is(metadata, TPH_JSON_OBJECT)) {
        return;
    }
    if (tph_json_len(fields) > 0) {
        tph_json_set(doc, metadata, "managedFields", fields);
    } else {
        (void)tph_json_remove(metadata, "managedFields");
    }
}

struct tph_json *tph_managed_form(struct tph_json_doc *doc, const struct tph_kind *kind, const struct tph_json *object)
{
    char version[TPH_API_VERSION_TEXT];
    struct tph_json *form = object ? tph_json_copy(doc, object) : tph_json_new_object(doc);
    struct tph_json *typed = NULL;
    const struct tph_go_options options = {.flags = 0};
    if (!object) {
        tph_json_set_cstr(doc, form, "apiVersion", tph_kind_api_version(kind, version));
        tph_json_set_cstr(doc, form, "kind", kind->kind);
    }
    tph_managed_set(doc, form, NULL);
    if (!(kind->flags & TPH_KIND_CUSTOM) && kind->type &&
        tph_go_convert(doc, form, kind->type, &options, &typed, NULL) == 0) {
        return typed;
    }
    return form;
}

const struct tph_json *tph_managed_view(struct tph_json_doc *doc, const struct tph_kind *kind,
                                        const struct tph_json *object)
{
    return object && (kind->flags & TPH_KIND_CUSTOM) ? object : tph_managed_form(doc, kind, object);
}

struct tph_manager tph_managed_self(struct tph_arena *arena, const struct tph_managed_write *write,
                                    const char *operation)
{
    char version[TPH_API_VERSION_TEXT];
    return (struct tph_manager){
        .name = write->manager.len > 0 ? write->manager : TPH_STR("unknown"),
        .operation = tph_str(operation),
        .api_version = tph_arena_str(arena, tph_str(tph_kind_api_version(write->kind, version))),
        .subresource = write->subresource,
    };
}
