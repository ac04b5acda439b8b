/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: CLOEXEC at birth, -1 when unset, closed by cleanup; whole files in and out. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Closes *fd if it is open and sets it to -1; errno stays.
 * For scopes: TPH_CLEANUP(tph_fd_close) int fd = -1; */
void tph_fd_close(int *fd);

/* Gives up ownership: returns *fd and leaves -1. */
int tph_fd_take(int *fd);

/* Reads a whole file into buf, whose ceiling is the largest size allowed; "-" is standard input.
 * Fails with kind LIMIT when it is larger, NOT_FOUND when there is none, SYSTEM else; the text names the path. */
int tph_fd_read_file(const char *path, struct tph_buf *buf, struct tph_error *err) TPH_MUST_CHECK;

/* The same for a file that was found and not named: what is no regular file is an error of kind INVALID and nothing
 * that is waited for. */
int tph_fd_read_regular_file(const char *path, struct tph_buf *buf, struct tph_error *err) TPH_MUST_CHECK;

/* Writes a whole file under a temporary name beside it and renames it: a reader sees the old or the new.
 * The umask takes from mode what it takes from every new file. */
int tph_fd_write_file(const char *path, struct tph_str content, mode_t mode, struct tph_error *err) TPH_MUST_CHECK;

/* Writes all of it; waits where the descriptor takes no more for now, also when it is one that does not block (a pipe
 * that another program made so). Returns 0, or -errno. */
int tph_fd_write_all(int fd, struct tph_str content) TPH_MUST_CHECK;
