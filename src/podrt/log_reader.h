/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what podrt/logs.h keeps in files: NAME.1, then NAME, as Kubernetes shows the log of a container.
 *
 * Memory is one piece of a file, however long the log is and however slowly it is taken. A reader that follows hears of
 * new lines by the file system's events and goes on in the new file when the old one is rotated; one that is so slow
 * that a whole file comes and goes meanwhile misses it. Options and their order of use are those of PodLogOptions: the
 * last tail_lines lines first, those of them from since_ms on, at most limit_bytes of them. Loop thread only, the one
 * that writes the files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

struct tph_log_reader;

struct tph_log_reader_options {
    const char *path;
    const char *ended; /* is there once nothing more will be written; in the same directory. NULL: it is so already */
    bool follow;
    bool previous;       /* only the last life that has ended */
    bool timestamps;     /* before each line */
    int64_t tail_lines;  /* -1: all */
    int64_t limit_bytes; /* -1: all */
    int64_t since_ms;    /* 0: all */
    /* There may be more to read; in a turn of its own. */
    void (*wake)(void *owner);
    void *owner;
};

/* 1: there is no life that has ended (previous). A log that is not there is empty. -1: SYSTEM. */
int tph_log_reader_open(struct tph_loop *loop, const struct tph_log_reader_options *options,
                        struct tph_log_reader **ret_reader, struct tph_error *err) TPH_MUST_CHECK;
void tph_log_reader_free(struct tph_log_reader *reader); /* NULL is fine; no wake after it */

enum tph_log_read {
    TPH_LOG_READ_MORE, /* there is more now */
    TPH_LOG_READ_WAIT, /* wake tells when there is more */
    TPH_LOG_READ_END,
};
/* Appends the next lines, some 32 KiB of them. */
enum tph_log_read tph_log_reader_read(struct tph_log_reader *reader, struct tph_buf *out);
