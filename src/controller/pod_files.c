/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/pod_files.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"

#define LOG   ".log"
#define OLDER ".log.1"
#define POD   ".json"

/* A file's name, taken apart. */
struct parts {
    struct tph_str ns, name, container; /* container is empty for a .json */
};

static bool take_apart(const char *file, struct parts *ret)
{
    struct tph_str rest = tph_str(file);
    struct parts parts = {.ns = TPH_STR_NONE};
    size_t cut = 0;
    static const char *const ends[] = {OLDER, LOG, POD};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && cut == 0; i++) {
        cut = tph_str_has_suffix(rest, tph_str(ends[i])) ? strlen(ends[i]) : 0;
    }
    bool pod = tph_str_has_suffix(rest, TPH_STR(POD));
    rest = tph_str_slice(rest, 0, rest.len - cut);
    if (cut == 0 || !tph_str_cut(&rest, '_', &parts.ns)) {
        return false;
    }
    ptrdiff_t end = tph_str_find_byte(rest, '_');
    if ((end < 0) != pod) {
        return false;
    }
    parts.name = pod ? rest : tph_str_slice(rest, 0, (size_t)end);
    parts.container = pod ? TPH_STR_NONE : tph_str_slice(rest, (size_t)end + 1, rest.len);
    *ret = parts;
    return true;
}

/* A name of a client's leads to no other file. */
static bool is_plain(struct tph_str name)
{
    return name.len > 0 && name.len <= NAME_MAX && tph_str_find_byte(name, '/') < 0 &&
           tph_str_find_byte(name, '_') < 0 && tph_str_find_byte(name, '\0') < 0;
}

static char *pod_path(const char *dir, struct tph_str ns, struct tph_str name)
{
    return tph_format("%s/%.*s_%.*s" POD, dir, TPH_FMT(ns), TPH_FMT(name));
}

void tph_pod_files_end(const char *dir, struct tph_str ns, struct tph_str name, struct tph_str pod)
{
    TPH_CLEANUP(tph_freep) char *path = pod_path(dir, ns, name);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_fd_write_file(path, pod, 0600, &err) < 0) {
        tph_log(TPH_LOG_WARN, "the end of a pod is not written down", "error", err.text, NULL);
    }
}

bool tph_pod_files_read(const char *dir, struct tph_str ns, struct tph_str name, struct tph_buf *text)
{
    TPH_CLEANUP(tph_freep) char *path = pod_path(dir, ns, name);
    return is_plain(ns) && is_plain(name) && tph_fd_read_regular_file(path, text, NULL) == 0;
}

/* ---- all of them ---- */

struct ended {
    int64_t at_ns;
    char *name; /* owned: the pod's */
};

static int newest_first(const void *a, const void *b)
{
    const struct ended *one = a;
    const struct ended *other = b;
    return one->at_ns > other->at_ns ? -1 : one->at_ns < other->at_ns;
}

static int64_t time_of(DIR *dir, const char *file)
{
    struct stat status;
    return fstatat(dirfd(dir), file, &status, AT_SYMLINK_NOFOLLOW) == 0
               ? (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec
               : 0;
}

static struct ended *list(const char *path, struct tph_str ns, size_t *ret_n)
{
    struct ended *found = NULL;
    size_t n = 0, capacity = 0;
    DIR *dir = opendir(path);
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        struct parts parts;
        if (!take_apart(e->d_name, &parts) || parts.container.len > 0 || !tph_str_eq(parts.ns, ns)) {
            continue;
        }
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            found = tph_realloc(found, capacity * sizeof(*found));
        }
        found[n++] = (struct ended){.at_ns = time_of(dir, e->d_name), .name = tph_str_dup(parts.name)};
    }
    if (dir) {
        (void)closedir(dir);
    }
    if (n > 0) {
        qsort(found, n, sizeof(*found), newest_first);
    }
    *ret_n = n;
    return found;
}

static void list_free(struct ended *found, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(found[i].name);
    }
    free(found);
}

void tph_pod_files_each(const char *dir, struct tph_str ns, void (*each)(void *owner, struct tph_str pod), void *owner)
{
    size_t n = 0;
    struct ended *found = list(dir, ns, &n);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < n; i++) {
        tph_buf_clear(&text);
        if (tph_pod_files_read(dir, ns, tph_str(found[i].name), &text)) {
            each(owner, tph_buf_str(&text));
        }
    }
    list_free(found, n);
}

/* The container whose log a pod has, when it is this one or any. */
static char *find_log(const char *path, struct tph_str ns, struct tph_str name, struct tph_str container)
{
    char *found = NULL;
    DIR *dir = opendir(path);
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e && !found; e = readdir(dir)) {
        struct parts parts;
        if (take_apart(e->d_name, &parts) && parts.container.len > 0 && tph_str_eq(parts.ns, ns) &&
            tph_str_eq(parts.name, name) && (container.len == 0 || tph_str_eq(parts.container, container))) {
            found = tph_format("%s/%.*s_%.*s_%.*s" LOG, path, TPH_FMT(ns), TPH_FMT(name), TPH_FMT(parts.container));
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

bool tph_pod_files_newest(const char *dir, struct tph_str ns, struct tph_str container, struct tph_buf *ret_name)
{
    size_t n = 0;
    bool good = false;
    struct ended *found = list(dir, ns, &n);
    for (size_t i = 0; i < n && !good; i++) {
        TPH_CLEANUP(tph_freep) char *path = find_log(dir, ns, tph_str(found[i].name), container);
        good = path && tph_buf_puts(ret_name, found[i].name) == 0;
    }
    list_free(found, n);
    return good;
}

bool tph_pod_files_log(const char *dir, struct tph_str ns, struct tph_str name, struct tph_str container,
                       struct tph_pod_log_files *ret)
{
    char *path = is_plain(ns) && is_plain(name) ? find_log(dir, ns, name, container) : NULL;
    if (path) {
        *ret = (struct tph_pod_log_files){.path = path, .ended = pod_path(dir, ns, name)};
    }
    return path != NULL;
}

/* ---- what is too old ---- */

static bool there(DIR *dir, const struct parts *parts)
{
    TPH_CLEANUP(tph_freep) char *file = tph_format("%.*s_%.*s" POD, TPH_FMT(parts->ns), TPH_FMT(parts->name));
    return faccessat(dirfd(dir), file, F_OK, 0) == 0;
}

/* The Pods first: logs of those that are gone follow. A log without a Pod is what a crash left. */
void tph_pod_files_sweep(const char *dir_path, int64_t before_ms,
                         bool (*lives)(void *owner, struct tph_str ns, struct tph_str name), void *owner)
{
    DIR *dir = opendir(dir_path);
    for (int pods = 1; dir && pods >= 0; pods--) {
        rewinddir(dir);
        for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
            struct parts parts;
            if (!take_apart(e->d_name, &parts) || (parts.container.len == 0) != (pods == 1)) {
                continue;
            }
            bool kept = pods == 0 && (there(dir, &parts) || lives(owner, parts.ns, parts.name));
            if (!kept && time_of(dir, e->d_name) / 1000000 < before_ms) {
                (void)unlinkat(dirfd(dir), e->d_name, 0);
            }
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}
