/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules as cron has them: minute, hour, day of month, month, day of week, as robfig/cron v3 reads them, in a time
 * zone, and when they are due next.
 *
 *     30 9-17 * * MON-FRI      every weekday, half past nine to half past five
 *     0 0 13 * FRI             on the 13th and on Fridays: where both days are given, one is enough
 *     @daily, @every 1h30m     by name, or a time after the run before
 *     TZ=Asia/Tokyo 0 0 * * *  with a zone of its own
 *
 * A schedule is due when clocks of its zone show it: not on the day when they skip that time, twice when they show it
 * twice. Pure: the zone's bytes come from a function, times are given. Error texts are those of that library. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_cron;

/* Appends the compiled zone of that name to bytes; -1: there is none. tph_zone_read_file (data/zone.h) takes the
 * system's.
 */
typedef int tph_cron_zone_fn(struct tph_str name, struct tph_buf *bytes);

/* timezone: the zone where the schedule names none, and none may be named where it is given; empty: UTC, as is "Local".
 * Errors: INVALID; LIMIT beyond TPH_LIMIT_CRON bytes. */
int tph_cron_parse(struct tph_str schedule, struct tph_str timezone, tph_cron_zone_fn *read_zone,
                   struct tph_cron **ret_cron, struct tph_error *err) TPH_MUST_CHECK;
void tph_cron_free(struct tph_cron *cron);
TPH_DEFINE_CLEANUP(struct tph_cron, tph_cron_free);

/* Whether there is a zone of that name (none, UTC and Local are always). Errors: INVALID, in the words of Go's time
 * package. */
int tph_cron_check_zone(struct tph_str name, tph_cron_zone_fn *read_zone, struct tph_error *err) TPH_MUST_CHECK;

/* The first time after `after_s` (seconds since 1970) that it is due. False: not before the sixth year from then, so
 * presumably never. */
bool tph_cron_next(const struct tph_cron *cron, int64_t after_s, int64_t *ret_due_s);
