/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses.
 *
 * Before restarts, as Kubernetes makes them: a base, doubling, at most TPH_LIMIT_RESTART_PAUSE_MS; who ran for
 * TPH_LIMIT_RESTART_HEALTHY_MS begins at the base again. Pure values, no clock.
 */
#pragma once

#include <stdint.h>

struct tph_backoff {
    int64_t base_ms;
    int64_t next_ms;
};

/* base_ms <= 0: TPH_LIMIT_RESTART_BASE_MS. */
struct tph_backoff tph_backoff_init(int64_t base_ms);

/* The pause before the next start of what has just ended after running for ran_ms. */
int64_t tph_backoff_next(struct tph_backoff *backoff, int64_t ran_ms);

/* Forgets what was. */
void tph_backoff_reset(struct tph_backoff *backoff);

/* The pause before it is asked again whether a server listens that has been waited for that long: a sixteenth of it,
 * so that the waiting ends soon after it does, from TPH_LIMIT_PROBE_FIRST_MS to TPH_LIMIT_PROBE_LAST_MS. */
int64_t tph_probe_pause_ms(int64_t waited_ms);
