/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic versions and constraints on them, as the semver library of Go's sprig reads them: v1, 1.2 and 1.2.3-rc.1+b
 * are versions; ">=1.2 <2 || ^0.3.1 || 1.x || 1.2 - 1.4" are constraints. Pure. A version points into the text it was
 * read from. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_semver {
    uint64_t major;
    uint64_t minor;
    uint64_t patch;
    struct tph_str prerelease; /* without its -; empty: a release */
    struct tph_str metadata;   /* without its + */
};

/* Parts that are missing are 0. Errors have the library's words. */
int tph_semver_parse(struct tph_str text, struct tph_semver *ret, struct tph_error *err) TPH_MUST_CHECK;

/* By precedence: metadata does not count. <0, 0, >0. */
int tph_semver_compare(const struct tph_semver *a, const struct tph_semver *b);

/* 1.2.3-rc.1+b: all three numbers, no v. */
void tph_semver_write(const struct tph_semver *version, struct tph_buf *out);

/* Whether version fulfils the constraint. A pre-release fulfils only parts (between ||) that name one themselves.
 * -1 when constraint is none. */
int tph_semver_check(struct tph_str constraint, const struct tph_semver *version, bool *ret_fulfils,
                     struct tph_error *err) TPH_MUST_CHECK;
