/* SPDX-License-Identifier: Apache-2.0 */
/* Where ours computes otherwise than Argo: a switch each, that turns it off. docs/differences.md has the reasons,
 * tests/golden/better a case for each. `argo` is all of them. */
#pragma once

#include "base/error.h"
#include "base/str.h"

enum tph_compat {
    TPH_COMPAT_TIMEOUTS = 1 << 0,    /* "timeouts": times end what is Pending only, and no attempts */
    TPH_COMPAT_EXPORTS = 1 << 1,     /* "exports": globalName counts in DAGs only, an old value to the event's end */
    TPH_COMPAT_PROGRESS = 1 << 2,    /* "progress": that of plugins is dropped */
    TPH_COMPAT_PARALLELISM = 1 << 3, /* "parallelism": calls of plugins and HTTP are not counted */
    TPH_COMPAT_REPLIES = 1 << 4,     /* "replies": without a phase they change none; no declared defaults */
    TPH_COMPAT_TEXTS = 1 << 5,       /* "texts": Go's quotes and numbers, templateDefaults merged by its rules */
    TPH_COMPAT_LOOPS = 1 << 6,       /* "loops": results that are no JSON are errors, a loop over nothing gives none */
    TPH_COMPAT_HOOKS = 1 << 7,       /* "hooks": broken off at once, loops are let go */
    TPH_COMPAT_SHUTDOWN = 1 << 8,    /* "shutdown": suspended or refused, nodes stay; handlers have one try */
    TPH_COMPAT_RETRIES = 1 << 9,     /* "retries": no pauses without a limit, failFast hears of attempts and hooks */
    TPH_COMPAT_MESSAGES = 1 << 10,   /* "messages": Argo's, and its graph, and no more */
    TPH_COMPAT_SECONDS = 1 << 11,    /* "seconds": times count from whole seconds, and end up to one early */
    TPH_COMPAT_ARGO = (1 << 12) - 1, /* "argo": all */
};

/* "argo", or names joined by commas; "" is none. Kind INVALID: there is no such name. */
int tph_compat_parse(struct tph_str text, unsigned *ret_compat, struct tph_error *err) TPH_MUST_CHECK;
