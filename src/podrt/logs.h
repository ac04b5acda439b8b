/* SPDX-License-Identifier: Apache-2.0 */
/* A sidecar's output: pipes in, time-stamped lines to a file of two generations, the last lines in memory.
 *
 * The reader never blocks the loop: a turn reads at most a few pieces of each pipe. Lines longer than TPH_LIMIT_LOG_LINE
 * are split; a last line without newline is kept when the pipe closes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"
#include "podrt/tail.h"

struct tph_logs;

/* Called for each line, without its newline; NULL where nobody listens. */
typedef void tph_logs_line_fn(void *owner, struct tph_str line, bool stderr_stream);

/* path: of the file; NULL: memory only. */
int tph_logs_new(struct tph_loop *loop, const char *path, tph_logs_line_fn *line, void *owner, struct tph_logs **ret_logs,
                 struct tph_error *err) TPH_MUST_CHECK;
void tph_logs_free(struct tph_logs *logs);

/* Reads from these pipes from now on, and takes them over; pipes before them are drained and closed. */
int tph_logs_follow(struct tph_logs *logs, int out, int err_fd, struct tph_error *err) TPH_MUST_CHECK;

/* Reads what the pipes hold right now: before the last lines are shown. */
void tph_logs_drain(struct tph_logs *logs);

const struct tph_tail *tph_logs_tail(const struct tph_logs *logs);
