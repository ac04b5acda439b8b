/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

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

int tph_fd_read_file(const char *path, struct tph_buf *buf, struct tph_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    TPH_CLEANUP(tph_fd_close) int opened = -1;
    if (!is_stdin) {
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (opened < 0) {
            int number = errno;
            tph_error_errno(err, number, "%s", path);
            if (err && (number == ENOENT || number == ENOTDIR)) {
                err->kind = TPH_ERROR_NOT_FOUND;
            }
            return -1;
        }
    }
    int fd = is_stdin ? STDIN_FILENO : opened;
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
            return tph_error_errno(err, errno, "%s", is_stdin ? "standard input" : path);
        }
        if (n == 0) {
            return 0;
        }
        if (room == 0) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "%s is larger than %zu bytes",
                                 is_stdin ? "standard input" : path, buf->max);
        }
        tph_buf_commit(buf, (size_t)n);
    }
}

int tph_fd_write_all(int fd, struct tph_str content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.p, content.len);
        if (n < 0 && errno == EINTR) {
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
    TPH_CLEANUP(tph_freep) char *temporary = tph_format("%s.XXXXXX", path);
    TPH_CLEANUP(tph_fd_close) int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return tph_error_errno(err, errno, "cannot write %s", path);
    }
    int failed = fchmod(fd, mode) < 0 ? errno : -tph_fd_write_all(fd, content);
    if (failed == 0 && rename(temporary, path) < 0) {
        failed = errno;
    }
    if (failed != 0) {
        (void)unlink(temporary);
        return tph_error_errno(err, failed, "cannot write %s", path);
    }
    return 0;
}
