/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/time.h"

enum { PIECE = 65536, PIECES_A_TURN = 8 };

struct stream {
    struct tph_logs *logs;
    struct tph_io *io;
    int fd; /* owned; -1 = closed */
    bool is_stderr;
    struct tph_buf partial; /* a line that has not ended yet */
};

struct tph_logs {
    struct tph_loop *loop;
    struct stream streams[2];
    struct tph_tail tail;
    tph_logs_line_fn *line;
    void *owner;
    char *path; /* owned; NULL: memory only */
    int file;
    size_t written;       /* to the present file */
    struct tph_buf batch; /* lines of one piece, written at once */
};

static void stream_ready(void *owner, unsigned events);

int tph_logs_new(struct tph_loop *loop, const char *path, tph_logs_line_fn *line, void *owner, struct tph_logs **ret_logs,
                 struct tph_error *err)
{
    struct tph_logs *logs = TPH_NEW(struct tph_logs);
    logs->loop = loop;
    logs->line = line;
    logs->owner = owner;
    logs->file = -1;
    logs->batch = TPH_BUF_INIT(TPH_LIMIT_LOG_FILE);
    tph_tail_init(&logs->tail);
    for (int i = 0; i < 2; i++) {
        logs->streams[i] = (struct stream){.logs = logs, .fd = -1, .is_stderr = i == 1, .partial = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE)};
    }
    if (path) {
        logs->path = tph_strdup(path);
        logs->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (logs->file < 0) {
            int number = errno;
            tph_logs_free(logs);
            return tph_error_errno(err, number, "cannot write the log %s", path);
        }
    }
    *ret_logs = logs;
    return 0;
}

static void close_stream(struct stream *s)
{
    tph_io_free(TPH_TAKE(s->io));
    tph_fd_close(&s->fd);
}

void tph_logs_free(struct tph_logs *logs)
{
    if (!logs) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        close_stream(&logs->streams[i]);
        tph_buf_release(&logs->streams[i].partial);
    }
    tph_tail_release(&logs->tail);
    tph_buf_release(&logs->batch);
    tph_fd_close(&logs->file);
    free(logs->path);
    free(logs);
}

/* The present file becomes the older one, and a new one begins. */
static void rotate(struct tph_logs *logs)
{
    TPH_CLEANUP(tph_freep) char *older = tph_format("%s.1", logs->path);
    (void)rename(logs->path, older); /* failing that, the file is begun anew all the same */
    tph_fd_close(&logs->file);
    logs->file = open(logs->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    logs->written = 0;
}

static void write_batch(struct tph_logs *logs)
{
    if (logs->file >= 0 && logs->batch.len > 0) {
        if (logs->written + logs->batch.len > TPH_LIMIT_LOG_FILE) {
            rotate(logs);
        }
        logs->written += logs->batch.len;
        (void)!tph_fd_write_all(logs->file, tph_buf_str(&logs->batch)); /* a full disk loses lines, not the sidecar */
    }
    tph_buf_clear(&logs->batch);
}

static void take_line(struct stream *s, struct tph_str line)
{
    struct tph_logs *logs = s->logs;
    tph_tail_add(&logs->tail, line);
    if (logs->file >= 0) {
        char stamp[TPH_TIME_TEXT];
        int64_t now_ms = tph_clock_wall_ms();
        tph_time_format(now_ms, stamp);
        stamp[strlen(stamp) - 1] = '\0'; /* the Z goes behind the fraction */
        (void)tph_buf_printf(&logs->batch, "%s.%03dZ %s ", stamp, (int)(now_ms % 1000), s->is_stderr ? "stderr" : "stdout");
        (void)tph_buf_put(&logs->batch, line);
        (void)tph_buf_putc(&logs->batch, '\n');
    }
    if (logs->line) {
        logs->line(logs->owner, line, s->is_stderr);
    }
}

static void take_bytes(struct stream *s, struct tph_str bytes)
{
    struct tph_str line;
    while (bytes.len > 0) {
        ptrdiff_t end = tph_str_find_byte(bytes, '\n');
        size_t len = end < 0 ? bytes.len : (size_t)end;
        size_t room = TPH_LIMIT_LOG_LINE - s->partial.len;
        bool whole = end >= 0 && len <= room;
        len = len < room ? len : room;
        line = tph_str_slice(bytes, 0, len);
        if (s->partial.len > 0 || !whole) {
            (void)tph_buf_put(&s->partial, line);
            line = tph_buf_str(&s->partial);
        }
        if (whole || s->partial.len == TPH_LIMIT_LOG_LINE) {
            take_line(s, line);
            tph_buf_clear(&s->partial);
        }
        bytes = tph_str_slice(bytes, len + (whole ? 1 : 0), bytes.len);
    }
    write_batch(s->logs);
}

static void stream_ended(struct stream *s)
{
    if (s->partial.len > 0) {
        take_line(s, tph_buf_str(&s->partial));
        tph_buf_clear(&s->partial);
        write_batch(s->logs);
    }
    close_stream(s);
}

static void read_stream(struct stream *s, int pieces)
{
    char bytes[PIECE];
    for (int i = 0; i < pieces && s->fd >= 0; i++) {
        ssize_t n = read(s->fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            stream_ended(s);
            return;
        }
        take_bytes(s, (struct tph_str){.p = bytes, .len = (size_t)n});
    }
}

static void stream_ready(void *owner, unsigned events)
{
    (void)events;
    read_stream(owner, PIECES_A_TURN);
}

void tph_logs_drain(struct tph_logs *logs)
{
    for (int i = 0; i < 2; i++) {
        read_stream(&logs->streams[i], 64);
    }
}

int tph_logs_follow(struct tph_logs *logs, int out, int err_fd, struct tph_error *err)
{
    int fds[2] = {out, err_fd};
    tph_logs_drain(logs);
    for (int i = 0; i < 2; i++) {
        struct stream *s = &logs->streams[i];
        if (s->fd >= 0) {
            stream_ended(s);
        }
        s->fd = fds[i];
    }
    for (int i = 0; i < 2; i++) {
        struct stream *s = &logs->streams[i];
        if (s->fd >= 0 && tph_io_new(logs->loop, s->fd, stream_ready, s, &s->io, err) < 0) {
            return -1;
        }
        if (s->fd >= 0) {
            tph_io_watch(s->io, TPH_IO_READ);
        }
    }
    return 0;
}

const struct tph_tail *tph_logs_tail(const struct tph_logs *logs)
{
    return &logs->tail;
}
