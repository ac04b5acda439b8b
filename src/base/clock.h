/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Monotonic milliseconds for waiting, wall clock only for what is shown or stored.
 * The engine never includes this: `now` is one of its inputs. */
#pragma once

#include <stdint.h>

/* Milliseconds of a clock that never goes back; only differences mean something. */
int64_t tph_clock_monotonic_ms(void);

/* The same clock in microseconds, to measure with. */
int64_t tph_clock_monotonic_us(void);

/* Milliseconds since 1970-01-01 UTC. */
int64_t tph_clock_wall_ms(void);
