/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones as the system stores them compiled (TZif, RFC 9636). Pure but for the one function that reads a file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* A zone: points into the bytes that it was read from, which must outlive it. */
struct tph_zone {
    struct tph_str times;   /* when it changes: 8 bytes each */
    struct tph_str indexes; /* to which type: a byte each */
    struct tph_str types;   /* 6 bytes each */
    struct tph_str names;   /* abbreviations, each ended by a NUL */
    struct tph_str rule;    /* of POSIX, for what comes after the last change: "CET-1CEST,M3.5.0,M10.5.0/3"; or empty */
    size_t n_times;
    size_t n_types;
};

/* What holds at one time: from `from` on, up to before `to`. */
struct tph_zone_period {
    int32_t offset; /* seconds east of UTC */
    bool is_dst;
    struct tph_str name; /* CET */
    int64_t from;        /* seconds since 1970; INT64_MIN: ever */
    int64_t to;          /* INT64_MAX: for ever */
};

/* -1: these bytes are no zone. */
int tph_zone_open(struct tph_str bytes, struct tph_zone *ret) TPH_MUST_CHECK;
void tph_zone_at(const struct tph_zone *zone, int64_t seconds, struct tph_zone_period *ret);

/* The offset that an abbreviation stands for, best at that time. -1: the zone does not have it. */
int tph_zone_offset_of(const struct tph_zone *zone, struct tph_str name, int64_t seconds, int32_t *ret) TPH_MUST_CHECK;

/* The bytes of a zone of this system by its name ("Europe/Zurich"), from the first of the usual directories that has
 * it. -1: there is none. */
int tph_zone_read_file(struct tph_str name, struct tph_buf *bytes) TPH_MUST_CHECK;
