/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/managed.h"

#include <stdlib.h>

#include "apiserver/managed_entry.h"
#include "base/limits.h"
#include "data/time.h"

/* One entry with nothing in it: the client wants no managers any more. */
static bool is_reset(const struct tph_json *fields)
{
    struct tph_json_iter it = tph_json_iter(tph_json_at(fields, 0));
    if (tph_json_len(fields) != 1) {
        return false;
    }
    while (tph_json_next(&it)) {
        if (!tph_json_is_null(it.value) && tph_json_str(it.value).len > 0) {
            return false;
        }
    }
    return true;
}

/* The managers that count: those that the client sent, else those of the object. */
static struct tph_managers managers_of(struct tph_arena *arena, const struct tph_managed_write *write,
                                       const struct tph_json *live, const struct tph_json *object)
{
    const struct tph_json *sent = tph_json_path(object, "metadata", "managedFields", NULL);
    struct tph_managers managers = {.list = NULL};
    if (write->subresource.len == 0) {
        if (is_reset(sent)) {
            return managers;
        }
        managers = tph_managers_read(arena, sent);
    }
    return managers.n > 0 ? managers : tph_managers_read(arena, tph_json_path(live, "metadata", "managedFields", NULL));
}

static int oldest_first(const void *left, const void *right)
{
    const struct tph_manager *a = left;
    const struct tph_manager *b = right;
    int order = tph_str_cmp(a->time, b->time);
    return order != 0 ? order : tph_manager_cmp(a, b);
}

/* More updating managers than are told apart: the oldest of each version become one. */
static void cap(struct tph_arena *arena, struct tph_managers *managers)
{
    size_t updating = 0;
    for (size_t i = 0; i < managers->n; i++) {
        updating += !tph_manager_applies(&managers->list[i]);
    }
    if (updating <= TPH_LIMIT_MANAGERS) {
        return;
    }
    qsort(managers->list, managers->n, sizeof *managers->list, oldest_first);
    struct tph_manager *first = NULL; /* all have the version that is served */
    for (size_t i = 0; i < managers->n && updating > TPH_LIMIT_MANAGERS; i++) {
        struct tph_manager *m = &managers->list[i];
        if (tph_manager_applies(m)) {
            continue;
        }
        if (first) {
            first->name = TPH_STR("ancient-changes");
            first->subresource = TPH_STR_NONE;
            first->set = tph_fieldset_union(arena, first->set, m->set);
            first->time = m->time;
            m->set = NULL;
            updating--;
        } else {
            first = m;
        }
    }
    tph_managers_drop_empty(managers);
}

/* This write's own fields: those it had and did not remove, and what it changed. */
static void take_over(struct tph_arena *arena, const struct tph_managed_write *write, bool creates,
                      struct tph_managers *managers, const struct tph_fieldset_changes *changes)
{
    const struct tph_fieldset *took = tph_fieldset_union(arena, changes->modified, changes->added);
    took = tph_managed_strip(arena, tph_managed_ignore(arena, write, creates, took));
    if (!took) {
        return;
    }
    char now[TPH_TIME_TEXT];
    struct tph_manager self = tph_managed_self(arena, write, "Update");
    struct tph_manager *own = tph_managers_get(arena, managers, &self);
    tph_time_format(write->now_ms, now);
    own->set = tph_fieldset_union(arena, own->set, took);
    own->time = tph_arena_str(arena, tph_str(now));
}

void tph_managed_update(struct tph_json_doc *doc, const struct tph_managed_write *write, const struct tph_json *live,
                        struct tph_json *object)
{
    const struct tph_schema *schema = tph_schema_of(write->kind);
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_managers managers = managers_of(arena, write, live, object);
    if (!schema || (live && managers.n == 0)) { /* untracked: stays so */
        tph_managed_set(doc, object, NULL);
        return;
    }
    const struct tph_json *before = tph_managed_view(doc, write->kind, live);
    const struct tph_json *after = tph_managed_view(doc, write->kind, object);
    struct tph_fieldset_changes changes = tph_fieldset_compare(arena, schema, before, after);
    changes.added = tph_managed_ignore(arena, write, !live, changes.added);
    changes.modified = tph_managed_ignore(arena, write, !live, changes.modified);
    changes.removed = tph_managed_ignore(arena, write, !live, changes.removed);
    tph_managers_yield(arena, &managers, NULL, &changes);
    take_over(arena, write, !live, &managers, &changes);
    tph_managers_drop_empty(&managers);
    cap(arena, &managers);
    tph_managed_set(doc, object, tph_managers_write(doc, &managers));
}
