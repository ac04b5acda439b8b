/* SPDX-License-Identifier: Apache-2.0 */
/* The managers of one object while a write is worked out. All in the arena. */
#pragma once

#include "apiserver/fieldset.h"
#include "apiserver/managed.h"

struct tph_manager {
    struct tph_str name, operation, api_version, subresource;
    struct tph_str time; /* empty: none */
    const struct tph_fieldset *set;
};

struct tph_managers {
    struct tph_manager *list;
    size_t n, capacity;
};

/* Reads managedFields; entries that cannot be read are none. */
struct tph_managers tph_managers_read(struct tph_arena *arena, const struct tph_json *fields);

/* In the order of the API server: Apply before Update, then by time, name. */
struct tph_json *tph_managers_write(struct tph_json_doc *doc, struct tph_managers *managers);

/* Room for one more: found by its four words, or added without fields. */
struct tph_manager *tph_managers_get(struct tph_arena *arena, struct tph_managers *managers,
                                     const struct tph_manager *like);

/* Drops those without fields. */
void tph_managers_drop_empty(struct tph_managers *managers);

bool tph_manager_is(const struct tph_manager *manager, const struct tph_manager *other);
bool tph_manager_applies(const struct tph_manager *manager);

/* What the API server sorts managers by. */
int tph_manager_cmp(const struct tph_manager *a, const struct tph_manager *b);

/* What others lose when an object changes so. self is left alone; NULL: there is no such. */
void tph_managers_yield(struct tph_arena *arena, struct tph_managers *managers, const struct tph_manager *self,
                        const struct tph_fieldset_changes *changes);

/* Without what nobody owns: names, versions, times. */
const struct tph_fieldset *tph_managed_strip(struct tph_arena *arena, const struct tph_fieldset *set);
/* Without what a write of this kind to this (sub)resource cannot change. */
const struct tph_fieldset *tph_managed_ignore(struct tph_arena *arena, const struct tph_managed_write *write,
                                              bool creates, const struct tph_fieldset *set);

/* An object in the form in which it is compared: without managedFields, core kinds as Go writes them. NULL: an empty
 * object of the kind. */
struct tph_json *tph_managed_form(struct tph_json_doc *doc, const struct tph_kind *kind, const struct tph_json *object);

/* The same to look at only: a custom object is not copied, for its managedFields are nobody's and its spec may be
 * large. */
const struct tph_json *tph_managed_view(struct tph_json_doc *doc, const struct tph_kind *kind,
                                        const struct tph_json *object);

/* This write's manager, without fields. */
struct tph_manager tph_managed_self(struct tph_arena *arena, const struct tph_managed_write *write,
                                    const char *operation);
void tph_managed_set(struct tph_json_doc *doc, struct tph_json *object, struct tph_json *fields);
