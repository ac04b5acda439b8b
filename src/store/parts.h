/* SPDX-License-Identifier: Apache-2.0 */
/* Parts: which maps of which objects are kept member by member, and how a text is taken apart and put together.
 *
 * The base of an object is its text with those maps empty. Where one stands is known by its hole: the offset just after
 * its brace, so that putting together copies bytes and reads no JSON. Not thread-safe, no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { TPH_PARTS_PATHS = 2 }; /* maps of one object, at most */

/* Names of members from the root to the map, NULL at the end. */
struct tph_parts_path {
    const char *steps[3];
};

/* The maps of a resource; ret_n gets how many (0: all of it is one text). */
const struct tph_parts_path *tph_parts_of(struct tph_str resource, size_t *ret_n);

/* A base and its holes: 0 where the text has no such map. */
struct tph_parts_base {
    struct tph_buf text;
    size_t holes[TPH_PARTS_PATHS];
};
#define TPH_PARTS_BASE_INIT ((struct tph_parts_base){.text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)})
void tph_parts_base_release(struct tph_parts_base *base);

/* True when the holes can be those of this text: who reads a base from a file asks before putting together. */
bool tph_parts_base_fits(struct tph_str text, const size_t holes[TPH_PARTS_PATHS]);

/* Told of each member; borrowed. */
typedef void tph_parts_member_fn(void *owner, unsigned path, struct tph_str member, struct tph_str text);

/* Takes text apart: base gets it without the members of its maps, member (may be NULL: having members is an error then)
 * is told of each. open: bit n makes map n where there is none. base: initialised; written only on success.
 * -1 of kind INVALID: no JSON object, or what should be such a map or lead to it is something else. */
int tph_parts_split(struct tph_str resource, struct tph_str text, unsigned open, struct tph_parts_base *base,
                    tph_parts_member_fn *member, void *owner, struct tph_error *err) TPH_MUST_CHECK;

/* Puts together what follows a base: call begin, then member for each in the order of path and name, then end. The
 * paths of members have holes. Check tph_buf_failed(out) at the end. */
struct tph_parts_join {
    struct tph_str text;
    size_t holes[TPH_PARTS_PATHS];
    unsigned order[TPH_PARTS_PATHS]; /* of the maps in the text */
    struct tph_buf *out;
    struct tph_buf members[TPH_PARTS_PATHS];
};
void tph_parts_join_begin(struct tph_parts_join *join, struct tph_str text, const size_t holes[TPH_PARTS_PATHS],
                          struct tph_buf *out);
void tph_parts_join_member(struct tph_parts_join *join, unsigned path, struct tph_str member, struct tph_str text);
void tph_parts_join_end(struct tph_parts_join *join);
