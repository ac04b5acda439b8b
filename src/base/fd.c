/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"

void tph_fd_close(int *fd)
{
    if (*fd >= 0) {
        int keep = errno;
        (void)close(*fd); /* nothing can be done about a failure; data was checked at write */
        errno = keep;
        *fd = -1;
    }
}

int tph_fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static int open_to_read(const char *path, int flags, struct tph_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
    if (fd < 0) {
        int number = errno;
        tph_error_errno(err, number, "%s", path);
        if (err && (number == ENOENT || number == ENOTDIR)) {
            err->kind = TPH_ERROR_NOT_FOUND;
        }
    }
    return fd;
}

/* Reads to the end; name is how messages call it. */
static int read_all(int fd, const char *name, struct tph_buf *buf, struct tph_error *err)
{
    for (;;) {
        /* One byte of probing past the ceiling tells "exactly full" from "too large". */
        char probe = 0;
        size_t room = buf->max - buf->len < 65536 ? buf->max - buf->len : 65536;
        char *at = room > 0 ? tph_buf_reserve(buf, room) : &probe;
        ssize_t n = read(fd, at, room > 0 ? room : 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return tph_error_errno(err, errno, "%s", name);
        }
        if (n == 0) {
            return 0;
        }
        if (room == 0) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "%s is larger than %zu bytes", name, buf->max);
        }
        tph_buf_commit(buf, (size_t)n);
    }
}

int tph_fd_read_file(const char *path, struct tph_buf *buf, struct tph_error *err)
{
    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, "standard input", buf, err);
    }
    TPH_CLEANUP(tph_fd_close) int fd = open_to_read(path, 0, err);
    return fd < 0 ? -1 : read_all(fd, path, buf, err);
}

int tph_fd_read_regular_file(const char *path, struct tph_buf *buf, struct tph_error *err)
{
    TPH_CLEANUP(tph_fd_close) int fd = open_to_read(path, O_NONBLOCK, err);
    struct stat status;
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &status) < 0) {
        return tph_error_errno(err, errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) { /* reading says the latter */
        return tph_error_set(err, TPH_ERROR_INVALID, "%s is no regular file", path);
    }
    return read_all(fd, path, buf, err);
}

int tph_fd_write_all(int fd, struct tph_str content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.p, content.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            struct pollfd full = {.fd = fd, .events = POLLOUT};
            (void)poll(&full, 1, -1);
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        content = tph_str_slice(content, (size_t)n, content.len);
    }
    return 0;
}

int tph_fd_write_file(const char *path, struct tph_str content, mode_t mode, struct tph_error *err)
{
    char mark[7];
    tph_random_text(mark, sizeof(mark) - 1);
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    /* Not after the file's own name, which may be as long as names can be. */
    TPH_CLEANUP(tph_freep) char *temporary = tph_format("%.*s.tiphys-%s", directory, path, mark);
    TPH_CLEANUP(tph_fd_close) int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return tph_error_errno(err, errno, "cannot write %s", path);
    }
    int failed = -tph_fd_write_all(fd, content);
    if (failed == 0 && rename(temporary, path) < 0) {
        failed = errno;
    }
    if (failed != 0) {
        (void)unlink(temporary);
        return tph_error_errno(err, failed, "cannot write %s", path);
    }
    return 0;
}
