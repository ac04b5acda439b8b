/* SPDX-License-Identifier: Apache-2.0 */
/* The token file: users, digests of their tokens, their roles.
 *
 *   # NAME   TOKEN            ROLES                  more
 *   ci       sha256:HEX       edit@argo,view         expires=2027-01-01T00:00:00Z
 *   system:serviceaccount:argo:robot   -   view@argo
 *
 * A line a token; words are separated by blanks; # begins a comment. A user has several tokens in several lines, with
 * the same roles in each. ROLES: admin, edit, view, plugins, each with @NAMESPACE or for all namespaces. A service
 * account has no token here (-): the line says its roles only. Others must not be able to write the file.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Appends a line to a file's text. expires: NULL or RFC 3339. Checks name, roles and time as reading does. */
int tph_tokens_add(struct tph_buf *text, const char *name, const char *digest, const char *roles, const char *expires,
                   struct tph_error *err) TPH_MUST_CHECK;

/* Copies text without the lines of a user to out; with a digest (its beginning, at least 6 digits) only that line.
 * Returns how many were left out. */
size_t tph_tokens_remove(struct tph_str text, const char *name, const char *digest, struct tph_buf *out);

/* A table of what stands in it: NAME, ROLES, EXPIRES, TOKEN (the beginning of the digest). -1 as reading does. */
int tph_tokens_list(struct tph_str text, const char *file, struct tph_buf *out, struct tph_error *err) TPH_MUST_CHECK;
