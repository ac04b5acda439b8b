/* SPDX-License-Identifier: Apache-2.0 */
/* The output of one container, over all its lives: read from pipes, cut into lines, kept.
 *
 * Lines go to a file in the format of Kubernetes' container logs ("TIME stdout F text"; P in place of F marks a piece
 * of a line that was longer than TPH_LIMIT_LOG_LINE), which is rotated to NAME.1 at TPH_LIMIT_LOG_FILE: together the
 * two hold at least the last TPH_LIMIT_LOG_FILE bytes. The last TPH_LIMIT_LOG_TAIL lines stay in memory. A last line
 * without a newline is a line when its stream ends. With `lives` lines "TIME tiphys S" and "TIME tiphys E" tell where
 * a life of the container begins and ends (podrt/log_reader.h). A flood costs at most TPH_LIMIT_LOG_TURN bytes a turn
 * of the loop; the rest waits in the pipe. A file that cannot be written is told once; reading goes on. Loop thread
 * only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"

enum tph_logs_stream { TPH_LOGS_STDOUT, TPH_LOGS_STDERR, TPH_LOGS_STREAMS };

struct tph_logs;

struct tph_logs_options {
    const char *path; /* of the file; NULL: none */
    bool lives;
    /* Each line, without its newline; NULL when nobody listens. */
    void (*line)(void *owner, enum tph_logs_stream stream, struct tph_str line);
    const char *secret; /* shown and kept as ***, should the output hold it within a line; borrowed. NULL: none */
    /* The file could not be written; once. */
    void (*problem)(void *owner, const char *text);
    void *owner;
};

/* Opens the file (appends to an old one). Errors: SYSTEM, with the path. */
int tph_logs_new(struct tph_loop *loop, const struct tph_logs_options *options, struct tph_logs **ret_logs,
                 struct tph_error *err) TPH_MUST_CHECK;
void tph_logs_free(struct tph_logs *logs); /* NULL is fine; unread output is lost */

/* Reads from these pipes (taken over) from the next turn on; what was attached before is closed. */
int tph_logs_attach(struct tph_logs *logs, const int fds[TPH_LOGS_STREAMS], struct tph_error *err) TPH_MUST_CHECK;

/* The writers are gone: reads what is still in the pipes, ends unfinished lines, closes the pipes. Not from a callback
 * of logs. */
void tph_logs_finish(struct tph_logs *logs);

/* A life begins, or has ended: after attach, after finish. */
void tph_logs_mark(struct tph_logs *logs, bool begins);

/* Appends the last lines, oldest first, a newline after each, unfinished ones too; at most max_lines. */
void tph_logs_tail(const struct tph_logs *logs, size_t max_lines, struct tph_buf *buf);
