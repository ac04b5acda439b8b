/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/time.h"
#include "podrt/tail.h"

enum {
    PIECE = 64 * 1024,  /* one read: what a pipe holds */
    FLUSH = 256 * 1024, /* so much is gathered before it is written to the file */
    STAMP = 32,
};

static const char *const stream_names[TPH_LOGS_STREAMS] = {"stdout", "stderr"};

struct stream {
    struct tph_logs *logs;
    int fd; /* owned, -1 when closed */
    struct tph_io *io;
    struct tph_buf unfinished; /* a line whose newline has not come */
};

struct tph_logs {
    struct tph_loop *loop;
    struct tph_logs_options options; /* path owned */
    char *path;
    int file; /* -1 when there is none */
    size_t file_size;
    struct tph_buf gathered; /* for the file */
    struct stream streams[TPH_LOGS_STREAMS];
    struct tph_tail tail;
    char stamp[STAMP]; /* of the piece that is being cut */
};

/* Tells once what is wrong with the file, and goes on without it. */
static void give_up_file(struct tph_logs *logs, const char *what, int number)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "its log is not kept any more: cannot %s %s: %s", what, logs->path,
                   strerrordesc_np(number));
    tph_fd_close(&logs->file);
    tph_buf_release(&logs->gathered);
    if (logs->options.problem) {
        logs->options.problem(logs->options.owner, text);
    }
}

static int open_file(struct tph_logs *logs)
{
    /* Output may hold secrets: for the owner alone. */
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
    logs->file = open(logs->path, flags, 0600);
    if (logs->file < 0) {
        return -errno;
    }
    struct stat st;
    logs->file_size = fstat(logs->file, &st) == 0 ? (size_t)st.st_size : 0;
    return 0;
}

static void rotate(struct tph_logs *logs)
{
    TPH_CLEANUP(tph_freep) char *older = tph_format("%s.1", logs->path);
    tph_fd_close(&logs->file);
    if (rename(logs->path, older) < 0) {
        give_up_file(logs, "rename", errno);
        return;
    }
    int failed = open_file(logs);
    if (failed < 0) {
        give_up_file(logs, "write", -failed);
    }
}

static void flush(struct tph_logs *logs)
{
    if (logs->file < 0 || logs->gathered.len == 0) {
        return;
    }
    if (logs->file_size > 0 && logs->file_size + logs->gathered.len > TPH_LIMIT_LOG_FILE) {
        rotate(logs);
        if (logs->file < 0) {
            return;
        }
    }
    int failed = tph_fd_write_all(logs->file, tph_buf_str(&logs->gathered));
    logs->file_size += logs->gathered.len;
    tph_buf_clear(&logs->gathered);
    if (failed < 0) {
        give_up_file(logs, "write", -failed);
    }
}

/* "2026-11-24T08:41:54.123Z": one for all lines of a piece. */
static void take_time(struct tph_logs *logs)
{
    int64_t now_ms = tph_clock_wall_ms();
    char seconds[TPH_TIME_TEXT];
    tph_time_format(now_ms, seconds);
    (void)snprintf(logs->stamp, sizeof(logs->stamp), "%.19s.%03dZ", seconds, (int)(now_ms % 1000));
}

/* One line or, with last false, a piece of one. */
static void put_line(struct stream *s, struct tph_str line, bool last)
{
    struct tph_logs *logs = s->logs;
    enum tph_logs_stream which = s == &logs->streams[TPH_LOGS_STDOUT] ? TPH_LOGS_STDOUT : TPH_LOGS_STDERR;
    struct tph_str secret = tph_str(logs->options.secret);
    TPH_CLEANUP(tph_buf_release) struct tph_buf redacted = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE);
    if (secret.len > 0 && tph_str_find(line, secret) >= 0) {
        tph_buf_put_redacted(&redacted, line, secret);
        line = tph_buf_str(&redacted);
    }
    tph_tail_add(&logs->tail, line);
    if (logs->file >= 0) {
        struct tph_buf *out = &logs->gathered;
        (void)tph_buf_puts(out, logs->stamp);
        (void)tph_buf_putc(out, ' ');
        (void)tph_buf_puts(out, stream_names[which]);
        (void)tph_buf_puts(out, last ? " F " : " P ");
        (void)tph_buf_put(out, line);
        (void)tph_buf_putc(out, '\n');
        if (out->len >= FLUSH) {
            flush(logs);
        }
    }
    if (logs->options.line) {
        logs->options.line(logs->options.owner, which, line);
    }
}

/* How many of the first `max` bytes go into a piece, so that no character is cut. */
static size_t whole_characters(struct tph_str text, size_t max)
{
    size_t at = max;
    while (at > 0 && max - at < 3 && ((unsigned char)text.p[at] & 0xc0) == 0x80) {
        at--;
    }
    return at > 0 && ((unsigned char)text.p[at] & 0xc0) != 0x80 ? at : max;
}

/* Takes pieces off the front of a line that is too long. */
static struct tph_str split(struct stream *s, struct tph_str line)
{
    while (line.len > TPH_LIMIT_LOG_LINE) {
        size_t n = whole_characters(line, TPH_LIMIT_LOG_LINE);
        put_line(s, tph_str_slice(line, 0, n), false);
        line = tph_str_slice(line, n, line.len);
    }
    return line;
}

static void put_piece(struct stream *s, struct tph_str piece)
{
    take_time(s->logs);
    while (piece.len > 0) {
        ptrdiff_t end = tph_str_find_byte(piece, '\n');
        struct tph_str part = end < 0 ? piece : tph_str_slice(piece, 0, (size_t)end);
        piece = tph_str_slice(piece, end < 0 ? piece.len : (size_t)end + 1, piece.len);
        if (s->unfinished.len == 0 && end >= 0) {
            put_line(s, split(s, part), true);
            continue;
        }
        (void)tph_buf_put(&s->unfinished, part); /* fits: it holds at most a line, and a piece is PIECE long */
        struct tph_str rest = split(s, tph_buf_str(&s->unfinished));
        if (end >= 0) {
            put_line(s, rest, true);
            tph_buf_clear(&s->unfinished);
        } else {
            tph_buf_consume(&s->unfinished, s->unfinished.len - rest.len);
        }
    }
}

static void end_stream(struct stream *s)
{
    if (s->unfinished.len > 0) {
        take_time(s->logs);
        put_line(s, tph_buf_str(&s->unfinished), true);
    }
    tph_buf_release(&s->unfinished);
    tph_io_free(s->io);
    s->io = NULL;
    tph_fd_close(&s->fd);
}

/* Reads at most `budget` bytes. Returns how many; 0 when nothing is there now or the stream has ended. */
static size_t read_stream(struct stream *s, size_t budget)
{
    char piece[PIECE];
    size_t total = 0;
    while (s->fd >= 0 && total < budget) {
        ssize_t n = read(s->fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            end_stream(s);
            break;
        }
        if (n < 0) {
            break;
        }
        put_piece(s, (struct tph_str){.p = piece, .len = (size_t)n});
        total += (size_t)n;
        if ((size_t)n < sizeof(piece)) {
            break; /* it is empty; the loop tells when it is not */
        }
    }
    flush(s->logs);
    return total;
}

static void on_readable(void *owner, unsigned events)
{
    (void)events;
    (void)read_stream(owner, TPH_LIMIT_LOG_TURN);
}

int tph_logs_new(struct tph_loop *loop, const struct tph_logs_options *options, struct tph_logs **ret_logs,
                 struct tph_error *err)
{
    struct tph_logs *logs = TPH_NEW(struct tph_logs);
    logs->loop = loop;
    logs->options = *options;
    logs->file = -1;
    logs->gathered = TPH_BUF_INIT(FLUSH + TPH_LIMIT_LOG_LINE + PIECE);
    tph_tail_init(&logs->tail);
    for (size_t i = 0; i < TPH_LOGS_STREAMS; i++) {
        logs->streams[i] =
            (struct stream){.logs = logs, .fd = -1, .unfinished = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE + PIECE)};
    }
    if (options->path) {
        logs->path = tph_strdup(options->path);
        int failed = open_file(logs);
        if (failed < 0) {
            (void)tph_error_errno(err, -failed, "cannot write the log file %s", options->path);
            tph_logs_free(logs);
            return -1;
        }
    }
    *ret_logs = logs;
    return 0;
}

static void close_stream(struct stream *s)
{
    tph_io_free(s->io);
    s->io = NULL;
    tph_fd_close(&s->fd);
    tph_buf_release(&s->unfinished);
}

void tph_logs_free(struct tph_logs *logs)
{
    if (!logs) {
        return;
    }
    for (size_t i = 0; i < TPH_LOGS_STREAMS; i++) {
        close_stream(&logs->streams[i]);
    }
    tph_fd_close(&logs->file);
    tph_buf_release(&logs->gathered);
    tph_tail_release(&logs->tail);
    free(logs->path);
    free(logs);
}

int tph_logs_attach(struct tph_logs *logs, const int fds[TPH_LOGS_STREAMS], struct tph_error *err)
{
    tph_logs_finish(logs);
    for (size_t i = 0; i < TPH_LOGS_STREAMS; i++) {
        logs->streams[i].fd = fds[i];
    }
    for (size_t i = 0; i < TPH_LOGS_STREAMS; i++) {
        struct stream *s = &logs->streams[i];
        if (tph_io_new(logs->loop, s->fd, on_readable, s, &s->io, err) < 0) {
            close_stream(&logs->streams[TPH_LOGS_STDOUT]);
            close_stream(&logs->streams[TPH_LOGS_STDERR]);
            return -1;
        }
        tph_io_watch(s->io, TPH_IO_READ);
    }
    return 0;
}

void tph_logs_finish(struct tph_logs *logs)
{
    for (size_t i = 0; i < TPH_LOGS_STREAMS; i++) {
        struct stream *s = &logs->streams[i];
        if (s->fd < 0) {
            continue;
        }
        /* What a pipe can hold at most; should a writer live on, it does not keep us here. */
        int held = fcntl(s->fd, F_GETPIPE_SZ);
        size_t left = held > 0 ? (size_t)held : PIECE;
        size_t n;
        while (left > 0 && (n = read_stream(s, left < PIECE ? left : PIECE)) > 0) {
            left -= n < left ? n : left;
        }
        if (s->fd >= 0) {
            end_stream(s);
        }
    }
    flush(logs);
}

void tph_logs_mark(struct tph_logs *logs, bool begins)
{
    if (logs->file >= 0 && logs->options.lives) {
        take_time(logs);
        (void)tph_buf_printf(&logs->gathered, "%s tiphys %s \n", logs->stamp, begins ? "S" : "E");
        flush(logs);
    }
}

void tph_logs_tail(const struct tph_logs *logs, size_t max_lines, struct tph_buf *buf)
{
    size_t unfinished = 0;
    for (size_t i = 0; i < TPH_LOGS_STREAMS; i++) {
        unfinished += logs->streams[i].unfinished.len > 0 ? 1 : 0;
    }
    tph_tail_read(&logs->tail, max_lines > unfinished ? max_lines - unfinished : 0, buf);
    for (size_t i = 0; i < TPH_LOGS_STREAMS && max_lines > 0; i++) {
        const struct tph_buf *line = &logs->streams[i].unfinished;
        if (line->len > 0) {
            (void)tph_buf_put(buf, tph_buf_str(line));
            (void)tph_buf_putc(buf, '\n');
            max_lines--;
        }
    }
}
