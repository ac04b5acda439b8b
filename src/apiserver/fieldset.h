/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of paths into an object, as managedFields keep them (FieldsV1), and what gives such sets: an object, or the
 * difference of two.
 *
 * A path is made of names ("f:data"), keys of list elements (`k:{"name":"main"}`) and values of sets (`v:"x"`), in the
 * order of their texts. A set is NULL when it is empty. Everything lives in the arena of the call; sets are never
 * changed once they are made, and share parts. Rules are those of structured-merge-diff v6, which kube-apiserver uses.
 * Cost: n log n of the members that are looked at. Depth is that of JSON.
 */
#pragma once

#include <stdbool.h>

#include "apiserver/schema.h"
#include "base/arena.h"
#include "data/json.h"

struct tph_fieldset_entry {
    struct tph_str key;
    bool member; /* the path itself is in the set; below it may be more */
    const struct tph_fieldset *below;
};

struct tph_fieldset {
    struct tph_fieldset_entry *entries; /* sorted by key, none without member and below */
    size_t n;
};

/* FieldsV1 and back; what is no object reads as empty. */
const struct tph_fieldset *tph_fieldset_read(struct tph_arena *arena, const struct tph_json *fields);
struct tph_json *tph_fieldset_write(struct tph_json_doc *doc, const struct tph_fieldset *set);

const struct tph_fieldset *tph_fieldset_union(struct tph_arena *arena, const struct tph_fieldset *a,
                                              const struct tph_fieldset *b);
const struct tph_fieldset *tph_fieldset_minus(struct tph_arena *arena, const struct tph_fieldset *a,
                                              const struct tph_fieldset *b);
const struct tph_fieldset *tph_fieldset_both(struct tph_arena *arena, const struct tph_fieldset *a,
                                             const struct tph_fieldset *b);

bool tph_fieldset_same_as(const struct tph_fieldset *a, const struct tph_fieldset *b);

/* Without a member and all below it: `path` is keys of names, ended by NULL. */
const struct tph_fieldset *tph_fieldset_without(struct tph_arena *arena, const struct tph_fieldset *set,
                                                const char *const *path);

/* With the declared members that only have something below them. */
const struct tph_fieldset *tph_fieldset_with_parents(struct tph_arena *arena, const struct tph_fieldset *set,
                                                     const struct tph_schema *schema);

/* Tells each path in order: those that end here first, then what is below. Texts as errors have them:
 * `.spec.containers[name="main"].image`. */
void tph_fieldset_walk(const struct tph_fieldset *set, void (*tell)(void *owner, struct tph_str path), void *owner);

/* The paths that an applied object owns. */
const struct tph_fieldset *tph_fieldset_of(struct tph_arena *arena, const struct tph_schema *schema,
                                           const struct tph_json *value);

/* What changes from one to the other. */
struct tph_fieldset_changes {
    const struct tph_fieldset *added, *modified, *removed;
};
struct tph_fieldset_changes tph_fieldset_compare(struct tph_arena *arena, const struct tph_schema *schema,
                                                 const struct tph_json *before, const struct tph_json *after);

/* value without the paths of set; a map or list that loses all becomes null. */
struct tph_json *tph_fieldset_remove(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                                     const struct tph_json *value, const struct tph_fieldset *set);

/* applied over live, lists with keys merged. */
struct tph_json *tph_fieldset_merge(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                                    const struct tph_json *live, const struct tph_json *applied);
