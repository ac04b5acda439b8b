/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/loop only: what its files share. */
#pragma once

#include "loop/loop.h"

struct tph_deferred;

struct tph_loop {
    uv_loop_t uv;
    uv_idle_t idle; /* active while something is deferred */
    struct tph_deferred *first, *last;
    struct tph_deferred *running; /* the batch that is being called now */
    bool firing;                  /* in the callback of a timer */
};
