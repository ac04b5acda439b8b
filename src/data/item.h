/* SPDX-License-Identifier: Apache-2.0 */
/* Argo's Item: one element of a loop, kept as the JSON text it was spelt with (1.0 stays 1.0, "\u00e9" keeps its
 * escape). */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum tph_item_type {
    TPH_ITEM_NUMBER,
    TPH_ITEM_BOOL,
    TPH_ITEM_LIST, /* null too: so it is in Argo */
    TPH_ITEM_MAP,
    TPH_ITEM_STRING, /* a number too large for a double too */
    TPH_ITEM_TYPE_COUNT,
};

/* raw is valid JSON in all of these. */
enum tph_item_type tph_item_type(struct tph_str raw);
const char *tph_item_type_name(enum tph_item_type type); /* "Number", "Bool", "List", "Map", "String" */

/* As Argo encodes it: without blanks, < > & escaped. */
void tph_item_write_json(struct tph_str raw, struct tph_buf *buf);

/* As Argo prints it in node names: the same without escaping < > &, a string without its quotes, its escapes kept. */
void tph_item_write_text(struct tph_str raw, struct tph_buf *buf);
