/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line an event, logfmt (as Argo's) or JSON, to standard error or another descriptor.
 *
 * The one piece of global state in the program, set up once in main. Code below the controller does not log above
 * debug: it returns errors, and an error is logged once, where it is handled. Values are escaped, control characters
 * too. Secrets are never given to the log. Thread-safe: a line is one write.
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
};

void tph_log_init(const struct tph_log_config *config);

/* A hook that gets each finished line (with its newline) in place of the write: the live view prints it above
 * itself. NULL takes it out. Called on the thread that logs. */
void tph_log_set_sink(void (*sink)(void *owner, const char *line, size_t len), void *owner);

/* tph_log(TPH_LOG_INFO, "Executor plugin added", "name", name, "port", port_text, NULL): the message, then pairs of
 * key and value texts, ended by NULL; a pair whose value is NULL is left out.
 * Prints: level=info msg="Executor plugin added" name=hello-executor-plugin */
void tph_log(enum tph_log_level level, const char *message, ...) __attribute__((sentinel));

/* Lines of this level since the program began. */
uint64_t tph_log_lines(enum tph_log_level level);
