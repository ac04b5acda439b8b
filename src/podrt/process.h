/* SPDX-License-Identifier: Apache-2.0 */
/* The `process` runtime: each container a sandboxed process tree on this machine (podrt/sandbox.h).
 *
 * A container's image is mapped to this machine's own programs (podrt/image.h). Restarts follow Kubernetes' back-off.
 * Logs go to <logs_dir>/<pod>_<container>.log or to a private file that has no name, two generations of
 * TPH_LIMIT_LOG_FILE; the last lines are kept in memory. */
#pragma once

#include "base/error.h"
#include "loop/loop.h"
#include "podrt/podrt.h"

/* Freed with tph_podrt_free, before the loop. */
int tph_podrt_process_new(struct tph_loop *loop, struct tph_podrt **ret_rt, struct tph_error *err) TPH_MUST_CHECK;
