/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/ids.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "podrt/image.h"

#define SUBUID "/etc/subuid"
#define SUBGID "/etc/subgid"

/* NAME:FIRST:COUNT */
struct given {
    struct tph_str name;
    int64_t first, n;
};

/* The next good line; false at the end. */
static bool next_given(struct tph_str *rest, struct given *ret)
{
    struct tph_str line;
    while (tph_str_cut(rest, '\n', &line)) {
        struct given given;
        struct tph_str first;
        if (tph_str_cut(&line, ':', &given.name) && tph_str_cut(&line, ':', &first) &&
            tph_str_to_i64(tph_str_trim(first), &given.first) == 0 &&
            tph_str_to_i64(tph_str_trim(line), &given.n) == 0 && given.first > 0 && given.n > 0 &&
            given.first <= UINT32_MAX && given.n <= UINT32_MAX - given.first) {
            *ret = given;
            return true;
        }
    }
    return false;
}

static bool is_of(const struct given *given, struct tph_str name, uint32_t uid)
{
    int64_t number = -1;
    return (name.len > 0 && tph_str_eq(given->name, name)) ||
           (tph_str_to_i64(given->name, &number) == 0 && number == (int64_t)uid);
}

bool tph_ids_subordinate(struct tph_str text, struct tph_str name, uint32_t uid, uint32_t *ret_first, uint32_t *ret_n)
{
    struct given given;
    while (next_given(&text, &given)) {
        if (is_of(&given, name, uid) && given.n >= TPH_IDS_FEW) {
            *ret_first = (uint32_t)given.first;
            *ret_n = (uint32_t)given.n;
            return true;
        }
    }
    return false;
}

bool tph_ids_are_given(struct tph_str text, uint32_t first, uint32_t n)
{
    struct given given;
    while (next_given(&text, &given)) {
        if (!is_of(&given, TPH_STR("root"), 0) && given.first < (int64_t)first + n && first < given.first + given.n) {
            return true;
        }
    }
    return false;
}

/* Returns a descriptor, or -errno: EADDRINUSE when somebody has it. */
static int claim(uint32_t first)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "tiphys-ids-%u", first);
    TPH_CLEANUP(tph_fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0) {
        return -errno;
    }
    return tph_fd_take(&fd);
}

static uint32_t any_below(uint32_t n)
{
    uint32_t number = 0;
    tph_random_bytes(&number, sizeof(number));
    return number % n;
}

/* Empty when there is none, or when it is none. */
static void read_given(const char *path, struct tph_buf *text)
{
    if (tph_fd_read_regular_file(path, text, NULL) < 0) {
        tph_buf_clear(text);
    }
}

static int take_range(struct tph_str subuid, struct tph_str subgid, struct tph_ids *ids, struct tph_error *err)
{
    uint32_t begin = any_below(TPH_IDS_SLOTS);
    for (uint32_t i = 0; i < TPH_IDS_SLOTS; i++) {
        uint32_t first = TPH_IDS_BASE + (begin + i) % TPH_IDS_SLOTS * TPH_IDS_RANGE;
        if (tph_ids_are_given(subuid, first, TPH_IDS_RANGE) || tph_ids_are_given(subgid, first, TPH_IDS_RANGE)) {
            continue;
        }
        ids->claim = claim(first);
        if (ids->claim >= 0) {
            ids->first_uid = ids->first_gid = first;
            ids->n = TPH_IDS_RANGE;
            return 0;
        }
        if (ids->claim != -EADDRINUSE) {
            return tph_error_errno(err, -ids->claim, "cannot claim user ids for a sandbox");
        }
    }
    (void)tph_error_set(err, TPH_ERROR_LIMIT, "all %d ranges of user ids for sandboxes are taken", TPH_IDS_SLOTS);
    return tph_error_hint(err, "stop other sidecars first, or take ranges above %d out of " SUBUID " and " SUBGID,
                          TPH_IDS_BASE);
}

/* One after the other from any point on; none when all are taken. */
static void take_few(uint32_t first_uid, uint32_t first_gid, uint32_t n_slots, struct tph_ids *ids)
{
    uint32_t begin = any_below(n_slots);
    for (uint32_t i = 0; i < n_slots && i < TPH_IDS_SLOTS; i++) {
        uint32_t at = (begin + i) % n_slots * TPH_IDS_FEW;
        ids->claim = claim(first_uid + at);
        if (ids->claim >= 0) {
            ids->first_uid = first_uid + at;
            ids->first_gid = first_gid + at;
            ids->n = TPH_IDS_FEW;
            return;
        }
    }
}

static void take_subordinate(struct tph_str subuid, struct tph_str subgid, struct tph_ids *ids)
{
    char text[4096];
    struct passwd entry, *found = NULL;
    uint32_t first_uid, first_gid, n_uids, n_gids;
    if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) != 0) {
        found = NULL;
    }
    struct tph_str name = tph_str(found ? found->pw_name : "");
    if (!tph_ids_subordinate(subuid, name, geteuid(), &first_uid, &n_uids) ||
        !tph_ids_subordinate(subgid, name, geteuid(), &first_gid, &n_gids)) {
        return;
    }
    TPH_CLEANUP(tph_freep) char *newuidmap = tph_image_find_program("/", "newuidmap");
    TPH_CLEANUP(tph_freep) char *newgidmap = tph_image_find_program("/", "newgidmap");
    if (!newuidmap || !newgidmap) {
        return;
    }
    take_few(first_uid, first_gid, (n_uids < n_gids ? n_uids : n_gids) / TPH_IDS_FEW, ids);
    if (ids->n > 0) {
        ids->newuidmap = TPH_TAKE(newuidmap);
        ids->newgidmap = TPH_TAKE(newgidmap);
    }
}

int tph_ids_take(bool own_id, struct tph_ids *ret_ids, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf subuid = TPH_BUF_INIT(TPH_LIMIT_SUBIDS);
    TPH_CLEANUP(tph_buf_release) struct tph_buf subgid = TPH_BUF_INIT(TPH_LIMIT_SUBIDS);
    struct tph_ids ids = TPH_IDS_INIT;
    bool root = geteuid() == 0;
    /* newuidmap is root's by its file's mode, which does not count for who may gain nothing by exec. */
    if (!root && (own_id || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)) {
        *ret_ids = ids;
        return 0;
    }
    read_given(SUBUID, &subuid);
    read_given(SUBGID, &subgid);
    if (root && take_range(tph_buf_str(&subuid), tph_buf_str(&subgid), &ids, err) < 0) {
        return -1;
    }
    if (!root) {
        take_subordinate(tph_buf_str(&subuid), tph_buf_str(&subgid), &ids);
        ids.claim = ids.n > 0 ? ids.claim : -1;
    }
    *ret_ids = ids;
    return 0;
}

void tph_ids_release(struct tph_ids *ids)
{
    tph_fd_close(&ids->claim);
    free(ids->newuidmap);
    free(ids->newgidmap);
    *ids = TPH_IDS_INIT;
}
