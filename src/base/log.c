/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/utf8.h"

static struct {
    struct tph_log_config config;
    void (*sink)(void *owner, const char *line, size_t len);
    void *sink_owner;
    uint64_t lines[TPH_LOG_COUNT];
    pthread_mutex_t lock;
} logger = {
    .config = {.level = TPH_LOG_INFO, .format = TPH_LOG_LOGFMT, .fd = STDERR_FILENO},
    .lock = PTHREAD_MUTEX_INITIALIZER,
};

static const char *const level_names[TPH_LOG_COUNT] = {"debug", "info", "warning", "error"};

void tph_log_init(const struct tph_log_config *config)
{
    (void)pthread_mutex_lock(&logger.lock);
    logger.config = *config;
    (void)pthread_mutex_unlock(&logger.lock);
}

void tph_log_set_sink(void (*sink)(void *owner, const char *line, size_t len), void *owner)
{
    (void)pthread_mutex_lock(&logger.lock);
    logger.sink = sink;
    logger.sink_owner = owner;
    (void)pthread_mutex_unlock(&logger.lock);
}

/* A bare word needs no quotes in logfmt: what Argo's logger leaves bare, we do. */
static bool is_bare(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    for (const char *p = text; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._/@^+", *p);
        if (!plain) {
            return false;
        }
    }
    return true;
}

static void put_quoted(struct tph_buf *line, const char *text, bool json)
{
    (void)tph_buf_putc(line, '"');
    struct tph_str rest = tph_str(text);
    while (rest.len > 0) {
        uint32_t rune;
        size_t len = tph_utf8_decode(rest, &rune);
        if (rune == '"' || rune == '\\') {
            (void)tph_buf_printf(line, "\\%c", (char)rune);
        } else if (json && (rune < 0x20 || rune == 0x7f)) {
            (void)tph_buf_printf(line, "\\u%04x", (unsigned)rune);
        } else {
            (void)tph_utf8_printable(line, tph_str_slice(rest, 0, len), 0);
        }
        rest = tph_str_slice(rest, len, rest.len);
    }
    (void)tph_buf_putc(line, '"');
}

static void put_pair(struct tph_buf *line, const char *key, const char *value)
{
    bool json = logger.config.format == TPH_LOG_JSON;
    if (json) {
        (void)tph_buf_puts(line, line->len == 0 ? "{" : ",");
        put_quoted(line, key, true);
        (void)tph_buf_putc(line, ':');
        put_quoted(line, value, true);
        return;
    }
    if (line->len > 0) {
        (void)tph_buf_putc(line, ' ');
    }
    (void)tph_buf_puts(line, key);
    (void)tph_buf_putc(line, '=');
    if (is_bare(value) && strcmp(key, "msg") != 0) {
        (void)tph_buf_puts(line, value);
    } else {
        put_quoted(line, value, false);
    }
}

static void put_time(struct tph_buf *line)
{
    int64_t now_ms = tph_clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[64];
    if (!gmtime_r(&seconds, &utc)) {
        return;
    }
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(now_ms % 1000));
    put_pair(line, "time", text);
}

void tph_log(enum tph_log_level level, const char *message, ...)
{
    (void)pthread_mutex_lock(&logger.lock);
    if (level >= logger.config.level) {
        logger.lines[level]++;
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE);
        if (logger.config.times) {
            put_time(&line);
        }
        put_pair(&line, "level", level_names[level]);
        put_pair(&line, "msg", message);
        va_list args;
        va_start(args, message);
        for (;;) {
            const char *key = va_arg(args, const char *);
            if (!key) {
                break;
            }
            const char *value = va_arg(args, const char *);
            if (value) {
                put_pair(&line, key, value);
            }
        }
        va_end(args);
        if (logger.config.format == TPH_LOG_JSON) {
            (void)tph_buf_putc(&line, '}');
        }
        /* A line past the ceiling is cut; its end still needs the newline. */
        line.failed = false;
        line.max += 1;
        (void)tph_buf_putc(&line, '\n');
        if (logger.sink) {
            logger.sink(logger.sink_owner, line.bytes, line.len);
        } else {
            (void)!tph_fd_write_all(logger.config.fd, tph_buf_str(&line)); /* nowhere to report it */
        }
    }
    (void)pthread_mutex_unlock(&logger.lock);
}

uint64_t tph_log_lines(enum tph_log_level level)
{
    (void)pthread_mutex_lock(&logger.lock);
    uint64_t lines = logger.lines[level];
    (void)pthread_mutex_unlock(&logger.lock);
    return lines;
}
