/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions with the syntax of Go's regexp package (RE2), over PCRE2.
 *
 * A pattern is checked and rewritten first (data/regex_syntax.c): what RE2 does not know (look-around, back-references,
 * possessive and atomic groups, recursion) is refused in Go's words, what both spell alike but mean differently (\s,
 * \v, $) is spelt out. Texts are bytes; what is not UTF-8 in them matches nothing but itself. Matching has ceilings
 * for work and memory, for PCRE2 tries alternatives one after the other.
 * A compiled expression does not change: threads may share it. Independent of the locale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

struct tph_regex;

/* Bytes [from, to) of the text; from is TPH_REGEX_UNSET for a group that took no part. */
#define TPH_REGEX_UNSET ((size_t)-1)
struct tph_regex_span {
    size_t from;
    size_t to;
};

struct tph_regex_match {
    struct tph_regex_span spans[TPH_LIMIT_REGEX_GROUPS]; /* the whole match, then its groups */
    size_t n;
};

/* err has Go's text: "error parsing regexp: missing closing ): `(`". */
int tph_regex_compile(struct tph_str pattern, struct tph_regex **ret, struct tph_error *err) TPH_MUST_CHECK;
void tph_regex_free(struct tph_regex *regex);
TPH_DEFINE_CLEANUP(struct tph_regex, tph_regex_free);

/* The leftmost match at or after byte `from` of text. Returns 0, or -1 when a ceiling was reached. */
enum { TPH_REGEX_NO_MATCH = 1 };
int tph_regex_find(const struct tph_regex *regex, struct tph_str text, size_t from, struct tph_regex_match *ret_match,
                   struct tph_error *err) TPH_MUST_CHECK;

/* One match after the other, none overlapping, none empty right behind the one before, as Go's FindAll has them:
 *     struct tph_regex_walk walk = TPH_REGEX_WALK(regex, text);
 *     while ((found = tph_regex_next(&walk, &err)) == 0) { ... walk.match ... }
 * Returns as tph_regex_find. */
struct tph_regex_walk {
    const struct tph_regex *regex;
    struct tph_str text;
    size_t at;
    size_t last_end;
    struct tph_regex_match match;
};
#define TPH_REGEX_WALK(which, in) ((struct tph_regex_walk){.regex = (which), .text = (in), .last_end = TPH_REGEX_UNSET})
int tph_regex_next(struct tph_regex_walk *walk, struct tph_error *err) TPH_MUST_CHECK;

/* Appends a template of Go's Expand for one match: $1, $name, ${name}, $$. */
void tph_regex_expand(const struct tph_regex *regex, struct tph_str text, const struct tph_regex_match *match,
                      struct tph_str format, struct tph_buf *out);

/* Private to data/regex*.c: appends PCRE2's spelling of a Go pattern; -1 with Go's text. */
int tph_regex_translate(struct tph_str pattern, struct tph_buf *out, struct tph_error *err) TPH_MUST_CHECK;
