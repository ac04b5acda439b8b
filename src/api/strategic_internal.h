/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of a strategic merge: objects and lists. */
#pragma once

#include "api/strategic.h"
#include "base/arena.h"
#include "base/map.h"

struct tph_strategic {
    struct tph_json_doc *doc;
    struct tph_arena *arena; /* for what lives as long as the merge */
    struct tph_error *err;
};

/* The members of an object by name, without walking it each time. Borrows the object. */
struct tph_strategic_members {
    const struct tph_json *object;
    struct tph_map map; /* empty for a small object */
};
struct tph_strategic_members tph_strategic_members(const struct tph_json *object);
void tph_strategic_members_release(struct tph_strategic_members *members);
struct tph_json *tph_strategic_member(const struct tph_strategic_members *members, struct tph_str key);

int tph_strategic_object(struct tph_strategic *m, const struct tph_json *original, const struct tph_json *patch,
                         const struct tph_go_type *type, struct tph_json **ret_merged) TPH_MUST_CHECK;

/* What a patch wants of one list; each may be NULL. */
struct tph_strategic_wishes {
    const struct tph_json *patch;
    const struct tph_json *order;   /* $setElementOrder */
    const struct tph_json *removed; /* $deleteFromPrimitiveList */
};
int tph_strategic_list(struct tph_strategic *m, const struct tph_json *original,
                       const struct tph_strategic_wishes *wishes, const struct tph_go_field *field,
                       struct tph_json **ret_merged) TPH_MUST_CHECK;

/* "unknown patch type: X in map: map[...]". Returns -1. */
int tph_strategic_unknown(struct tph_strategic *m, const struct tph_json *patch);
