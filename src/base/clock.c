/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

static int64_t read_us(clockid_t which)
{
    struct timespec now;
    if (clock_gettime(which, &now) < 0) {
        abort(); /* cannot happen for these clocks */
    }
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t tph_clock_monotonic_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t tph_clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t tph_clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}
