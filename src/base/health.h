/* SPDX-License-Identifier: Apache-2.0 */
/* What of a long-lived program is well, and why the rest is not: for /readyz, a metric, the log.
 *
 * A check has a name and, while it fails, a reason of one line. Whoever knows says so when it changes; nobody is asked.
 * Loop thread only. NULL in the place of a health: nothing is kept. At most TPH_LIMIT_HEALTH_CHECKS; who comes later is
 * not kept, which a test would see.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct tph_health;

struct tph_health *tph_health_new(void) TPH_MUST_CHECK;
void tph_health_free(struct tph_health *health);
TPH_DEFINE_CLEANUP(struct tph_health, tph_health_free);

/* name: a constant. why: copied, up to its first line's end; NULL: it is well. */
void tph_health_set(struct tph_health *health, const char *name, const char *why);

/* Called for what is news, while it is set; the last one that was given. */
void tph_health_on_change(struct tph_health *health, void (*changed)(void *owner, const char *name, const char *why),
                          void *owner);

/* The reason of the check that began to fail first; NULL: all is well. */
const char *tph_health_problem(const struct tph_health *health);
/* The checks in the order they came: true and the next one from *at (0 at first), whose reason is NULL when it is well;
 * false: no more. Texts until it is set again. */
bool tph_health_next(const struct tph_health *health, size_t *at, const char **ret_name, const char **ret_why);
