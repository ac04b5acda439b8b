/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as Go writes them ("1h30m", "1.5s", "100ms") and as Argo takes them (a bare integer is seconds).
 *
 * Nanoseconds in int64_t, as in Go; overflow is an error. Error texts are Go's.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Go's time.ParseDuration. */
int tph_duration_parse_go(struct tph_str text, int64_t *ret_ns, struct tph_error *err) TPH_MUST_CHECK;

/* Argo's ParseStringToDuration: an integer is seconds, else Go's form. Error: `unable to parse X as a duration: ...`.
 */
int tph_duration_parse(struct tph_str text, int64_t *ret_ns, struct tph_error *err) TPH_MUST_CHECK;

/* The same with Go's overflow: too many seconds wrap, to a negative time if it so happens. For compatibility: argo. */
int tph_duration_parse_compat(struct tph_str text, int64_t *ret_ns, struct tph_error *err) TPH_MUST_CHECK;

/* tph_duration_parse in whole milliseconds, rounded up so that a short wait is still a wait. -1 when it is none. */
int tph_duration_parse_ms(struct tph_str text, int64_t *ret_ms) TPH_MUST_CHECK;

/* Go's Duration.String(): "1h30m0s", "1.5s", "100ms", "0s". */
void tph_duration_write(int64_t ns, struct tph_buf *out);
