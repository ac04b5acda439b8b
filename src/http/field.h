/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that we write: what may stand in them, so that no value from outside can add a line of its own. Pure.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct tph_http_header {
    const char *name;
    const char *value;
};

/* The first field whose name is no token or whose value holds a control character; n when all are fit. */
size_t tph_http_headers_unfit(const struct tph_http_header *headers, size_t n) TPH_MUST_CHECK;

/* Appends "Name: value\r\n" for each, names exactly as given. */
void tph_http_headers_write(const struct tph_http_header *headers, size_t n, struct tph_buf *out);

/* The value of the field of that name, whatever its case; NULL when there is none. */
const char *tph_http_headers_get(const struct tph_http_header *headers, size_t n, const char *name);

/* A method or a field's name: one or more of the characters that RFC 9110 allows in a token. */
bool tph_http_token(struct tph_str text);
/* A request target: printable characters without blanks. */
bool tph_http_target(struct tph_str text);
