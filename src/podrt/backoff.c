/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/backoff.h"

#include "base/limits.h"

static int64_t capped(int64_t pause_ms)
{
    return pause_ms < TPH_LIMIT_RESTART_PAUSE_MS ? pause_ms : TPH_LIMIT_RESTART_PAUSE_MS;
}

struct tph_backoff tph_backoff_init(int64_t base_ms)
{
    int64_t base = capped(base_ms > 0 ? base_ms : TPH_LIMIT_RESTART_BASE_MS);
    return (struct tph_backoff){.base_ms = base, .next_ms = base};
}

int64_t tph_backoff_next(struct tph_backoff *backoff, int64_t ran_ms)
{
    if (ran_ms >= TPH_LIMIT_RESTART_HEALTHY_MS) {
        tph_backoff_reset(backoff);
    }
    int64_t pause_ms = backoff->next_ms;
    backoff->next_ms = capped(pause_ms * 2);
    return pause_ms;
}

int64_t tph_probe_pause_ms(int64_t waited_ms)
{
    int64_t pause_ms = waited_ms / 16;
    if (pause_ms < TPH_LIMIT_PROBE_FIRST_MS) {
        return TPH_LIMIT_PROBE_FIRST_MS;
    }
    return pause_ms < TPH_LIMIT_PROBE_LAST_MS ? pause_ms : TPH_LIMIT_PROBE_LAST_MS;
}

void tph_backoff_reset(struct tph_backoff *backoff)
{
    backoff->next_ms = backoff->base_ms;
}
