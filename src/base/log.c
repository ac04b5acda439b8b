/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
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
    struct tph_buf waiting; /* what the reader has not taken, whole lines but for the first */
    uint64_t lost;          /* lines, since it was told last */
    bool has_writer;        /* the thread is there */
    bool writing;           /* it has lines of its own in hand */
    pthread_cond_t more, less;
} logger = {
    .config = {.level = TPH_LOG_INFO, .format = TPH_LOG_LOGFMT, .fd = STDERR_FILENO},
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .waiting = {.max = TPH_LIMIT_LOG_WAITING},
    .more = PTHREAD_COND_INITIALIZER,
    .less = PTHREAD_COND_INITIALIZER,
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

static void begin_line(struct tph_buf *line, enum tph_log_level level, const char *message)
{
    if (logger.config.times) {
        put_time(line);
    }
    put_pair(line, "level", level_names[level]);
    put_pair(line, "msg", message);
}

static void end_line(struct tph_buf *line)
{
    if (logger.config.format == TPH_LOG_JSON) {
        (void)tph_buf_putc(line, '}');
    }
    /* A line past the ceiling is cut; its end still needs the newline. */
    line->failed = false;
    line->max += 1;
    (void)tph_buf_putc(line, '\n');
}

/* Writes what waits, however long that takes. Everything is the logger's: the thread is there until the program ends.
 */
static void *write_waiting(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&logger.lock);
    for (;;) {
        while (logger.waiting.len == 0) {
            (void)pthread_cond_wait(&logger.more, &logger.lock);
        }
        struct tph_buf lines = logger.waiting;
        int fd = logger.config.fd;
        logger.waiting = TPH_BUF_INIT(TPH_LIMIT_LOG_WAITING);
        logger.writing = true;
        (void)pthread_mutex_unlock(&logger.lock);
        (void)!tph_fd_write_all(fd, tph_buf_str(&lines)); /* nowhere to report it */
        tph_buf_release(&lines);
        (void)pthread_mutex_lock(&logger.lock);
        logger.writing = false;
        (void)pthread_cond_broadcast(&logger.less);
    }
    return NULL;
}

/* Signals are for the thread that runs the loop. */
static bool start_writer(void)
{
    pthread_t thread;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    logger.has_writer = pthread_create(&thread, NULL, write_waiting, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (logger.has_writer) {
        (void)pthread_detach(thread);
    }
    return logger.has_writer;
}

/* Writes as much as the reader takes now: a pipe that says it can be written takes PIPE_BUF bytes at once, whoever else
 * writes into it. O_NONBLOCK is no way, for it would be set for all who have the other end of it. */
static size_t write_now(struct tph_str bytes)
{
    struct pollfd writable = {.fd = logger.config.fd, .events = POLLOUT};
    size_t done = 0;
    while (done < bytes.len && poll(&writable, 1, 0) == 1) {
        struct tph_str piece = tph_str_slice(bytes, done, done + PIPE_BUF < bytes.len ? done + PIPE_BUF : bytes.len);
        if (tph_fd_write_all(logger.config.fd, piece) < 0) {
            return bytes.len; /* nowhere to report it */
        }
        done += piece.len;
    }
    return done;
}

static void put_hastily(struct tph_str line)
{
    size_t done = logger.waiting.len == 0 && !logger.writing ? write_now(line) : 0;
    if (done == line.len) {
        return;
    }
    struct tph_str rest = tph_str_slice(line, done, line.len);
    bool fits = logger.waiting.len + rest.len <= TPH_LIMIT_LOG_WAITING;
    if (!fits || (!logger.has_writer && !start_writer())) {
        logger.lost++;
        return;
    }
    (void)tph_buf_put(&logger.waiting, rest);
    (void)pthread_cond_signal(&logger.more);
}

/* Told before the next line for which there is room. */
static void tell_lost(void)
{
    char number[24];
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE);
    if (logger.lost == 0 || logger.waiting.len > TPH_LIMIT_LOG_WAITING / 2) {
        return;
    }
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)logger.lost);
    begin_line(&line, TPH_LOG_WARN, "lines of this log were lost: nobody read them");
    put_pair(&line, "lines", number);
    end_line(&line);
    logger.lost = 0;
    put_hastily(tph_buf_str(&line));
}

static void put_line(struct tph_str line)
{
    if (logger.sink) {
        logger.sink(logger.sink_owner, line.p, line.len);
    } else if (logger.config.hasty) {
        tell_lost();
        put_hastily(line);
    } else {
        (void)!tph_fd_write_all(logger.config.fd, line); /* nowhere to report it */
    }
}

void tph_log(enum tph_log_level level, const char *message, ...)
{
    (void)pthread_mutex_lock(&logger.lock);
    if (level >= logger.config.level) {
        logger.lines[level]++;
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE);
        begin_line(&line, level, message);
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
        end_line(&line);
        put_line(tph_buf_str(&line));
    }
    (void)pthread_mutex_unlock(&logger.lock);
}

bool tph_log_flush(int64_t most_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(most_ms / 1000);
    until.tv_nsec += (long)(most_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&logger.lock);
    int failed = 0;
    while (failed == 0 && (logger.waiting.len > 0 || logger.writing)) {
        failed = pthread_cond_timedwait(&logger.less, &logger.lock, &until);
    }
    (void)pthread_mutex_unlock(&logger.lock);
    return failed == 0;
}

uint64_t tph_log_lines(enum tph_log_level level)
{
    (void)pthread_mutex_lock(&logger.lock);
    uint64_t lines = logger.lines[level];
    (void)pthread_mutex_unlock(&logger.lock);
    return lines;
}
