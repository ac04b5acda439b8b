/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a request as net/url reads it: escapes undone, + is a blank, the first of several counts.
 *
 * Owns its texts. A part that cannot be decoded (%zz) or holds a semicolon is dropped, as Go's server does.
 * Limits: the request's head. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct tph_query_part {
    struct tph_str key, value;
};
struct tph_query {
    char *text; /* owned: what the parts point into */
    struct tph_query_part *parts;
    size_t n_parts;
};

/* text: what follows the "?"; may be empty. */
void tph_query_read(struct tph_str text, struct tph_query *ret_query);
void tph_query_release(struct tph_query *query);

/* The first of that name; false when there is none. ret_value may be NULL. */
bool tph_query_get(const struct tph_query *query, const char *key, struct tph_str *ret_value);
struct tph_str tph_query_str(const struct tph_query *query, const char *key); /* empty when there is none */
/* Kubernetes' booleans: anything but 0 and false, in any case, is true, the empty text too. */
bool tph_query_bool(const struct tph_query *query, const char *key);

/* Undoes %XX into room (as long as text); plus: + is a blank. Returns false when an escape is broken. */
bool tph_query_unescape(struct tph_str text, bool plus, char *room, struct tph_str *ret_text);
