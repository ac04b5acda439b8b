/* SPDX-License-Identifier: Apache-2.0 */
/* One object in memory, with its parts, and how a change and its undoing work on it.
 *
 * An undo is what a change replaced, as bytes: applied to what is after it gives what was before. Its form:
 *   'T' holes (8 bytes each, little-endian) length (4) text     the base was this
 *   'P' path (1) length (4) member length (4) text              the member was this; with a length of 2^32 - 1: absent
 * in any number, undone from the last to the first. A created object has an empty one: before it there was none. Not
 * thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/str.h"
#include "store/parts.h"
#include "store/store.h"

struct tph_state {
    bool there;
    uint64_t version;
    struct tph_parts_base base;
    struct tph_map parts; /* of struct part, which state.c knows, by path and member */
    size_t bytes;         /* of the whole text, or somewhat more */
};
#define TPH_STATE_INIT ((struct tph_state){.base = TPH_PARTS_BASE_INIT, .parts = TPH_MAP_INIT})
void tph_state_release(struct tph_state *state); /* leaves an initial one */

/* Sets or (absent) takes out one member. */
void tph_state_set(struct tph_state *state, unsigned path, struct tph_str member, struct tph_str text, bool absent);
void tph_state_set_base(struct tph_state *state, struct tph_str text, const size_t holes[TPH_PARTS_PATHS]);

void tph_state_copy(const struct tph_state *from, struct tph_state *to); /* to: initialised */

/* Does what change says and sets version; undo gets what that replaced. 0, or an outcome of enum tph_store_outcome, or
 * -1: then nothing has changed. Maps that parts need and the base lacks are made. */
int tph_state_apply(struct tph_state *state, const struct tph_store_change *change, uint64_t version,
                    struct tph_buf *undo, struct tph_error *err) TPH_MUST_CHECK;

/* Undoes one change: what it was (enum tph_store_event_kind), its undo, and the version before. -1 of kind INVALID:
 * these bytes are no undo of this state. */
int tph_state_undo(struct tph_state *state, enum tph_store_event_kind kind, struct tph_str undo, uint64_t previous,
                   struct tph_error *err) TPH_MUST_CHECK;

/* The whole text. */
int tph_state_text(const struct tph_state *state, struct tph_buf *out, struct tph_error *err) TPH_MUST_CHECK;

/* Walks the pieces of an undo: 1 a piece, 0 the end, -1 these bytes are none. *rest begins as all of it. */
struct tph_undo_piece {
    bool base; /* text and holes; else path, member, text, absent */
    size_t holes[TPH_PARTS_PATHS];
    unsigned path;
    struct tph_str member, text;
    bool absent;
};
int tph_undo_next(struct tph_str *rest, struct tph_undo_piece *ret_piece) TPH_MUST_CHECK;

/* What a member is now; false when it is not there. */
bool tph_state_find(const struct tph_state *state, unsigned path, struct tph_str member, struct tph_str *ret_text);

/* Walks the members; start with *at = 0. */
bool tph_state_next(const struct tph_state *state, size_t *at, unsigned *ret_path, struct tph_str *ret_member,
                    struct tph_str *ret_text);

/* Appends a piece of an undo. */
void tph_undo_put_base(struct tph_buf *undo, struct tph_str text, const size_t holes[TPH_PARTS_PATHS]);
void tph_undo_put_part(struct tph_buf *undo, unsigned path, struct tph_str member, struct tph_str text, bool absent);
