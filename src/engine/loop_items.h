/* SPDX-License-Identifier: Apache-2.0 */
/* What a loop runs over: withItems, withParam and withSequence become items; an item has a name and is a variable.
 *
 * An item is the JSON text it was spelt with (data/item.h). Items live in the caller's arena; their texts there too, or
 * in the text they were read from, which must live as long. At most TPH_LIMIT_ITEMS a loop, and texts of
 * TPH_LIMIT_DOCUMENT bytes in a sequence. Pure; linear.
 * Errors: -1, with Argo's words appended to problem; a limit is named with ours.
 * Source: argo 2.7; reference data items.jsonl.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "engine/text.h"

struct tph_loop_items {
    const struct tph_str *raw; /* JSON texts */
    size_t n;
};

/* withItems: list is an array of the specification. */
int tph_loop_items_list(const struct tph_json *list, struct tph_arena *arena, struct tph_loop_items *ret_items,
                        struct tph_buf *problem) TPH_MUST_CHECK;

/* withParam: text with its tags replaced, a JSON list or null (none). It must outlive the items. */
int tph_loop_items_param(struct tph_str text, struct tph_arena *arena, struct tph_loop_items *ret_items,
                         struct tph_buf *problem) TPH_MUST_CHECK;

/* withSequence, tags replaced. A text whose p is NULL was not given. With count and end, end wins; an end below start
 * counts down, a negative count too: -2 gives 0, -1, -2, -3. */
struct tph_loop_sequence {
    struct tph_str start;
    struct tph_str end;
    struct tph_str count;
    struct tph_str format; /* Go's, of one int; the items are texts */
};
int tph_loop_items_sequence(const struct tph_loop_sequence *sequence, struct tph_arena *arena,
                            struct tph_loop_items *ret_items, struct tph_buf *problem) TPH_MUST_CHECK;

/* NAME(INDEX:WHAT), the name of the item's step or task: a text or number as it is spelt, a list [a b], a map a:1,b:2
 * by keys, without any parenthesis. */
void tph_loop_item_name(struct tph_str name, size_t index, struct tph_str raw, struct tph_buf *out);

/* The value of the variable `item` (name "item") or of a member (name "item.KEY", of a map only). */
enum tph_text_value tph_loop_item_lookup(struct tph_str raw, struct tph_str name, struct tph_buf *value);
