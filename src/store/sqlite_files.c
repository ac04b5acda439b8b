/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

enum {
    HEADER = 100,
    WAL_HEADER = 32,
    FRAME_HEADER = 24,
    WAL_VERSION = 3007000,
};
#define WAL_MAGIC 0x377f0682U /* its lowest bit: checksums over big-endian words */

static uint32_t big_endian(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t little_endian(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static bool is_page_size(uint32_t size)
{
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

int tph_sqlite_check_header(struct tph_str head, uint64_t size, bool with_wal, struct tph_error *err)
{
    static const char MAGIC[16] = "SQLite format 3"; /* and its NUL */
    if (size == 0) {
        return 0;
    }
    if (head.len < HEADER || memcmp(head.p, MAGIC, sizeof(MAGIC)) != 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "this is no SQLite file");
    }
    uint32_t page = (uint32_t)(unsigned char)head.p[16] << 8 | (unsigned char)head.p[17];
    page = page == 1 ? 65536 : page;
    if (!is_page_size(page)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "its header is damaged: pages of %u bytes", page);
    }
    uint64_t pages = big_endian(head.p + 28);
    if (!with_wal && (size % page != 0 || size / page < pages)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "it is cut off: %llu bytes where its header says %llu",
                             (unsigned long long)size, (unsigned long long)pages * page);
    }
    return 0;
}

/* ---- the WAL ---- */

struct wal {
    struct tph_str bytes;
    uint32_t page;
    bool big; /* words of the checksums */
    uint32_t sums[2];
};

static void add_to_sums(struct wal *wal, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        wal->sums[0] += (wal->big ? big_endian(p + i) : little_endian(p + i)) + wal->sums[1];
        wal->sums[1] += (wal->big ? big_endian(p + i + 4) : little_endian(p + i + 4)) + wal->sums[0];
    }
}

static bool sums_are(const struct wal *wal, const char *p)
{
    return wal->sums[0] == big_endian(p) && wal->sums[1] == big_endian(p + 4);
}

static bool is_zero(struct tph_str bytes)
{
    return bytes.len == 0 || (bytes.p[0] == 0 && memcmp(bytes.p, bytes.p + 1, bytes.len - 1) == 0);
}

/* The header is on the disk before the first frame: who was stopped before that has acknowledged nothing. */
static int check_wal_header(struct wal *wal, struct tph_error *err)
{
    const char *p = wal->bytes.p;
    uint32_t magic = big_endian(p);
    wal->page = big_endian(p + 8);
    wal->big = magic & 1;
    if ((magic & ~1U) == WAL_MAGIC && big_endian(p + 4) == WAL_VERSION && is_page_size(wal->page)) {
        add_to_sums(wal, p, WAL_HEADER - 8);
        if (sums_are(wal, p + WAL_HEADER - 8)) {
            return 0;
        }
    }
    return tph_error_set(err, TPH_ERROR_INVALID,
                         "its header is damaged, and with it what was written last would be lost");
}

/* A frame of this generation: those of the one before, which were not written over yet, have other salts. */
static bool is_of_now(const struct wal *wal, const char *frame)
{
    return memcmp(frame + 8, wal->bytes.p + 16, 8) == 0;
}

static bool is_commit(const char *frame)
{
    return big_endian(frame + 4) != 0;
}

int tph_sqlite_check_wal(struct tph_str bytes, uint64_t *ret_commits, struct tph_error *err)
{
    struct wal wal = {.bytes = bytes};
    *ret_commits = 0;
    if (bytes.len <= WAL_HEADER || is_zero(bytes)) {
        return 0;
    }
    if (check_wal_header(&wal, err) < 0) {
        return -1;
    }
    uint64_t good = 0, lost = 0, n = 0, broken = 0;
    bool fits = true;
    for (size_t at = WAL_HEADER; bytes.len - at >= FRAME_HEADER + (size_t)wal.page; at += FRAME_HEADER + wal.page) {
        const char *frame = bytes.p + at;
        n++;
        if (fits) {
            add_to_sums(&wal, frame, 8);
            add_to_sums(&wal, frame + FRAME_HEADER, wal.page);
            fits = is_of_now(&wal, frame) && sums_are(&wal, frame + 16);
            broken = fits ? 0 : n;
        }
        if (is_commit(frame) && (fits || is_of_now(&wal, frame))) {
            *(fits ? &good : &lost) += 1;
        }
    }
    if (lost > 1) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "its frame %llu is damaged, and the %llu transactions behind it would be lost",
                             (unsigned long long)broken, (unsigned long long)lost);
    }
    *ret_commits = good;
    return 0;
}

/* ---- the files ---- */

struct view {
    struct tph_str bytes;
};

static void unmap(struct view *view)
{
    if (view->bytes.len > 0) {
        (void)munmap((void *)(uintptr_t)view->bytes.p, view->bytes.len);
    }
}

/* The whole file; nothing where there is none. It is ours alone: its lock is held. */
static int map(const char *path, struct view *ret_view, struct tph_error *err)
{
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    if (fd < 0) {
        return errno == ENOENT ? 0 : tph_error_errno(err, errno, "%s", path);
    }
    if (fstat(fd, &status) < 0) {
        return tph_error_errno(err, errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: this is no regular file", path);
    }
    if (status.st_size > 0) {
        void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (memory == MAP_FAILED) {
            return tph_error_errno(err, errno, "%s", path);
        }
        ret_view->bytes = (struct tph_str){.p = memory, .len = (size_t)status.st_size};
    }
    return 0;
}

int tph_sqlite_check_files(const char *path, struct tph_error *err)
{
    TPH_CLEANUP(unmap) struct view file = {.bytes = TPH_STR_NONE};
    TPH_CLEANUP(unmap) struct view wal = {.bytes = TPH_STR_NONE};
    TPH_CLEANUP(tph_freep) char *wal_path = tph_format("%s-wal", path);
    uint64_t commits = 0;
    if (map(path, &file, err) < 0 || map(wal_path, &wal, err) < 0) {
        return -1;
    }
    if (tph_sqlite_check_wal(wal.bytes, &commits, err) < 0) {
        (void)tph_error_wrap(err, "%s", wal_path);
        return tph_error_hint(err, "put a backup in the place of both files");
    }
    if (tph_sqlite_check_header(tph_str_slice(file.bytes, 0, HEADER), file.bytes.len, commits > 0, err) < 0) {
        (void)tph_error_wrap(err, "%s", path);
        return tph_error_hint(err, "put a backup in its place, or take another file");
    }
    return 0;
}
