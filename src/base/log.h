/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line an event, logfmt (as Argo's) or JSON, to standard error or another descriptor.
 *
 * The one piece of global state in the program, set up once in main. Code below the controller does not log above
 * debug: it returns errors, and an error is logged once, where it is handled. Values are escaped, control characters
 * too. Secrets are never given to the log. Thread-safe: a line is one write.
 *
 * Who reads it may be slow, or hang. With `hasty`, as a server has it, tph_log does not wait for him: what
 * cannot be written now waits in memory (at most TPH_LIMIT_LOG_WAITING bytes) for a thread that is started for it; what
 * does not fit is counted, and a line tells how many were lost once there is room again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum tph_log_level { TPH_LOG_DEBUG, TPH_LOG_INFO, TPH_LOG_WARN, TPH_LOG_ERROR, TPH_LOG_COUNT };
enum tph_log_format { TPH_LOG_LOGFMT, TPH_LOG_JSON };

struct tph_log_config {
    enum tph_log_level level;
    enum tph_log_format format;
    int fd;     /* borrowed; standard error by default */
    bool times; /* put time= in front */
    bool hasty; /* never wait for the reader */
};

void tph_log_init(const struct tph_log_config *config);

/* A hook that gets each finished line (with its newline) in place of the write: the live view prints it above
 * itself. NULL takes it out. Called on the thread that logs. */
void tph_log_set_sink(void (*sink)(void *owner, const char *line, size_t len), void *owner);

/* tph_log(TPH_LOG_INFO, "Executor plugin added", "name", name, "port", port_text, NULL): the message, then pairs of
 * key and value texts, ended by NULL; a pair whose value is NULL is left out.
 * Prints: level=info msg="Executor plugin added" name=hello-executor-plugin */
void tph_log(enum tph_log_level level, const char *message, ...) __attribute__((sentinel));

/* Waits until what tph_log put aside is written, at most so long: before the program ends. False: time was up. */
bool tph_log_flush(int64_t most_ms);

/* Lines of this level since the program began. */
uint64_t tph_log_lines(enum tph_log_level level);
