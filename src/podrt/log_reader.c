/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/time.h"

enum {
    PIECE = 32 * 1024, /* one read */
    STAMP = 24,        /* "2026-11-24T08:41:54.123Z" */
    HEAD = 48,         /* more than what stands before a line's text */
};

struct tph_log_reader {
    struct tph_loop *loop;
    struct tph_log_reader_options options; /* texts owned */
    char *path, *ended, *directory;
    struct tph_fswatch *watch;
    int older, file;        /* -1: not there */
    uint64_t older_size;    /* both files are one text: this much is of the older one */
    uint64_t at, until;     /* in it; until: UINT64_MAX when the end is where the file ends */
    struct tph_buf in;      /* a line that is not whole yet */
    char since[STAMP + 16]; /* empty: all */
    bool in_line;           /* a piece without the end of its line was given out */
    int64_t left;           /* bytes that may be given out; -1: any */
};

/* ---- files ---- */

static uint64_t size_of(int fd)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static uint64_t total(const struct tph_log_reader *r)
{
    return r->older_size + size_of(r->file);
}

/* Returns how many bytes; 0 at the end, or where they cannot be read. */
static size_t read_at(const struct tph_log_reader *r, uint64_t at, char *bytes, size_t len)
{
    bool in_older = at < r->older_size;
    uint64_t left = in_older ? r->older_size - at : UINT64_MAX;
    ssize_t n;
    do {
        n = pread(in_older ? r->older : r->file, bytes, len < left ? len : (size_t)left,
                  (off_t)(in_older ? at : at - r->older_size));
    } while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

static int open_file(const char *path, struct tph_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT) {
        (void)tph_error_errno(err, errno, "the log %s cannot be read", path);
        return -2;
    }
    return fd;
}

/* The file has been given another name and all of it was read: on with the one that has its name now. */
static bool enter_next_file(struct tph_log_reader *r)
{
    struct stat here, there;
    if (stat(r->path, &there) < 0 ||
        (r->file >= 0 && fstat(r->file, &here) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino)) {
        return false;
    }
    int next = open_file(r->path, NULL);
    if (next < 0) {
        return false;
    }
    tph_fd_close(&r->older);
    tph_fd_close(&r->file);
    r->file = next;
    r->older_size = 0;
    r->at = 0;
    tph_buf_clear(&r->in);
    return true;
}

/* ---- lines ---- */

struct line {
    struct tph_str time, stream, text;
    char flag; /* F: it ends here; P: it goes on; S, E: a life begins, ends (stream tiphys) */
};

/* A line of what was cut off in the middle has no fields. */
static bool parse(struct tph_str text, struct line *ret)
{
    struct tph_str flag;
    struct line line = {.flag = 0};
    if (!tph_str_cut(&text, ' ', &line.time) || !tph_str_cut(&text, ' ', &line.stream)) {
        return false;
    }
    if (!tph_str_cut(&text, ' ', &flag) || flag.len != 1 || line.time.len != STAMP) {
        return false;
    }
    line.flag = flag.p[0];
    line.text = text;
    *ret = line;
    return true;
}

static void give(struct tph_log_reader *r, struct tph_str text, struct tph_buf *out)
{
    if (r->left >= 0 && text.len > (uint64_t)r->left) {
        text = tph_str_slice(text, 0, (size_t)r->left);
    }
    r->left -= r->left >= 0 ? (int64_t)text.len : 0;
    (void)tph_buf_put(out, text);
}

static void give_line(struct tph_log_reader *r, struct tph_str text, struct tph_buf *out)
{
    struct line line;
    bool good = parse(text, &line) && (line.flag == 'F' || line.flag == 'P');
    if (!good || memcmp(line.time.p, r->since, r->since[0] ? STAMP : 0) < 0) {
        return;
    }
    if (r->options.timestamps && !r->in_line) {
        give(r, line.time, out);
        give(r, TPH_STR(" "), out);
    }
    give(r, line.text, out);
    r->in_line = line.flag == 'P';
    if (!r->in_line) {
        give(r, TPH_STR("\n"), out);
    }
}

/* ---- backwards ---- */

/* Lines from the end to the beginning. */
struct back {
    const struct tph_log_reader *r;
    uint64_t start; /* of the line that is there now */
    uint64_t from;  /* of the block */
    size_t len;
    char block[PIECE];
};

static void load(struct back *b, uint64_t end)
{
    b->from = end > PIECE ? end - PIECE : 0;
    /* A block does not go over the border between the files. */
    if (b->from < b->r->older_size && end > b->r->older_size) {
        b->from = b->r->older_size;
    }
    b->len = 0;
    size_t n = 1;
    while (n > 0 && b->from + b->len < end) {
        n = read_at(b->r, b->from + b->len, b->block + b->len, (size_t)(end - b->from) - b->len);
        b->len += n;
    }
}

static bool previous_line(struct back *b)
{
    if (b->start == 0) {
        return false;
    }
    uint64_t end = b->start - 1; /* its newline */
    for (;;) {
        if (end == 0) {
            b->start = 0;
            return true;
        }
        if (end <= b->from || end > b->from + b->len) {
            load(b, end);
            if (b->from + b->len < end) {
                return false; /* cannot be read */
            }
        }
        const char *newline = memrchr(b->block, '\n', (size_t)(end - b->from));
        if (newline) {
            b->start = b->from + (uint64_t)(newline - b->block) + 1;
            return true;
        }
        end = b->from;
    }
}

/* Behind the last line that is whole. */
static struct back *begin_back(const struct tph_log_reader *r, uint64_t end)
{
    struct back *b = TPH_NEW(struct back);
    b->r = r;
    b->start = end + 1; /* as if the last one was */
    (void)previous_line(b);
    return b;
}

static char flag_of(const struct back *b)
{
    char head[HEAD];
    struct line line;
    size_t n;
    if (b->start >= b->from && b->start + HEAD <= b->from + b->len) {
        memcpy(head, b->block + (b->start - b->from), HEAD);
        n = HEAD;
    } else {
        n = read_at(b->r, b->start, head, sizeof(head));
    }
    return parse((struct tph_str){.p = head, .len = n}, &line) ? line.flag : 0;
}

/* Where the last n lines begin. */
static uint64_t find_tail(const struct tph_log_reader *r, uint64_t end, uint64_t first, int64_t n)
{
    TPH_CLEANUP(tph_freep) struct back *b = begin_back(r, end);
    uint64_t found = end;
    while (previous_line(b) && b->start >= first) {
        char flag = flag_of(b);
        if (flag == 'F' && n-- == 0) {
            break;
        }
        if ((flag == 'S' || flag == 'E') && n == 0) {
            break;
        }
        if (flag == 'F' || flag == 'P') {
            found = b->start;
        }
    }
    return found;
}

/* The last life that has ended. False: there is none. */
static bool find_previous(const struct tph_log_reader *r, uint64_t *ret_begin, uint64_t *ret_end)
{
    TPH_CLEANUP(tph_freep) struct back *b = begin_back(r, total(r));
    bool found = false;
    *ret_begin = 0;
    while (previous_line(b)) {
        char flag = flag_of(b);
        if (!found && flag == 'E') {
            found = true;
            *ret_end = b->start;
        } else if (found && flag == 'S') {
            *ret_begin = b->start;
            break;
        }
    }
    return found;
}

/* ---- life ---- */

void tph_log_reader_free(struct tph_log_reader *r)
{
    if (!r) {
        return;
    }
    tph_fswatch_free(r->watch);
    tph_fd_close(&r->older);
    tph_fd_close(&r->file);
    tph_buf_release(&r->in);
    free(r->path);
    free(r->ended);
    free(r->directory);
    free(r);
}

static void changed(void *owner)
{
    struct tph_log_reader *r = owner;
    r->options.wake(r->options.owner);
}

static int open_files(struct tph_log_reader *r, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *older = tph_format("%s.1", r->path);
    r->older = open_file(older, err);
    r->file = r->older == -2 ? -1 : open_file(r->path, err);
    if (r->older == -2 || r->file == -2) {
        r->older = r->older == -2 ? -1 : r->older;
        r->file = r->file == -2 ? -1 : r->file;
        return -1;
    }
    r->older_size = size_of(r->older);
    return 0;
}

/* What is written from now on wakes the reader: before it looks where the end is. */
static int begin_watch(struct tph_log_reader *r, struct tph_error *err)
{
    const char *slash = strrchr(r->path, '/');
    r->directory = slash ? tph_str_dup(tph_str_slice(tph_str(r->path), 0, (size_t)(slash - r->path))) : tph_strdup(".");
    if (tph_fswatch_new(r->loop, r->directory, changed, r, &r->watch, err) < 0) {
        return -1;
    }
    tph_fswatch_be_quick(r->watch);
    return 0;
}

static void set_since(struct tph_log_reader *r)
{
    char seconds[TPH_TIME_TEXT];
    if (r->options.since_ms > 0) {
        tph_time_format(r->options.since_ms, seconds);
        (void)snprintf(r->since, sizeof(r->since), "%.19s.%03dZ", seconds, (int)(r->options.since_ms % 1000));
    }
}

int tph_log_reader_open(struct tph_loop *loop, const struct tph_log_reader_options *options,
                        struct tph_log_reader **ret_reader, struct tph_error *err)
{
    struct tph_log_reader *r = TPH_NEW(struct tph_log_reader);
    r->loop = loop;
    r->options = *options;
    r->path = tph_strdup(options->path);
    r->ended = options->ended ? tph_strdup(options->ended) : NULL;
    r->options.path = r->options.ended = NULL;
    r->older = r->file = -1;
    r->in = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE + HEAD + PIECE);
    r->left = options->limit_bytes;
    r->until = UINT64_MAX;
    set_since(r);
    if (options->follow && options->ended && !options->previous && begin_watch(r, err) < 0) {
        tph_log_reader_free(r);
        return -1;
    }
    if (open_files(r, err) < 0) {
        tph_log_reader_free(r);
        return -1;
    }
    if (options->previous && !find_previous(r, &r->at, &r->until)) {
        tph_log_reader_free(r);
        return 1;
    }
    if (options->tail_lines >= 0) {
        r->at = find_tail(r, options->previous ? r->until : total(r), r->at, options->tail_lines);
    }
    *ret_reader = r;
    return 0;
}

/* Nothing more is there now. */
static enum tph_log_read at_end(struct tph_log_reader *r)
{
    if (r->until != UINT64_MAX || !r->watch) {
        return TPH_LOG_READ_END;
    }
    bool ended = access(r->ended, F_OK) == 0; /* before the last look at the files */
    if (r->at < total(r) || enter_next_file(r)) {
        return TPH_LOG_READ_MORE;
    }
    return ended ? TPH_LOG_READ_END : TPH_LOG_READ_WAIT;
}

enum tph_log_read tph_log_reader_read(struct tph_log_reader *r, struct tph_buf *out)
{
    char piece[PIECE];
    uint64_t room = r->until - r->at;
    size_t n = r->left == 0 ? 0 : read_at(r, r->at, piece, room < PIECE ? (size_t)room : PIECE);
    if (r->left == 0) {
        return TPH_LOG_READ_END;
    }
    if (n == 0) {
        return at_end(r);
    }
    r->at += n;
    struct tph_str rest = {.p = piece, .len = n};
    ptrdiff_t end;
    while ((end = tph_str_find_byte(rest, '\n')) >= 0) {
        struct tph_str part = tph_str_slice(rest, 0, (size_t)end);
        if (r->in.len > 0) {
            (void)tph_buf_put(&r->in, part);
            give_line(r, tph_buf_str(&r->in), out);
            tph_buf_clear(&r->in);
        } else {
            give_line(r, part, out);
        }
        rest = tph_str_slice(rest, (size_t)end + 1, rest.len);
    }
    if (tph_buf_put(&r->in, rest) < 0) {
        tph_buf_clear(&r->in); /* no line of ours is so long */
    }
    return TPH_LOG_READ_MORE;
}
