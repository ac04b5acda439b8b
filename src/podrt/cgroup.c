/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "podrt/init_image.h"

enum controller { MEMORY, CPU, PIDS, N_CONTROLLERS };
enum { UNIQUE = 6 };
static const char *const names[N_CONTROLLERS] = {"memory", "cpu", "pids"};

struct tph_cgroups {
    bool v2;
    char *parents[N_CONTROLLERS]; /* our own parent group of each controller; v2: all in [0]; NULL = cannot */
    bool able[N_CONTROLLERS];
    unsigned next;
    int janitor; /* write end of its standard input; it acts when this closes */
};

struct tph_cgroup {
    bool v2;
    char *dirs[N_CONTROLLERS];  /* v2: only [0] */
    char *procs[N_CONTROLLERS]; /* v1: cgroup.procs of each */
    size_t n_procs;
    int fd;
    struct tph_cgroup_limits enforced;
};

static int write_text(const char *dir, const char *file, const char *text)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", dir, file);
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : tph_fd_write_all(fd, tph_str(text));
}

static bool read_text(const char *dir, const char *file, struct tph_buf *text)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", dir, file);
    return tph_fd_read_file(path, text, NULL) == 0;
}

/* Removes what programs left behind that ended without their janitor. */
static void sweep(const char *mount)
{
    DIR *dir = opendir(mount);
    if (!dir) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        int64_t pid = 0;
        struct tph_str name = tph_str(entry->d_name);
        struct tph_str rest = tph_str_slice(name, 7, name.len), number;
        if (!tph_str_has_prefix(name, TPH_STR("tiphys-")) || !tph_str_cut(&rest, '-', &number) ||
            tph_str_to_i64(number, &pid) < 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH) {
            continue;
        }
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", mount, entry->d_name);
        DIR *inner = opendir(path);
        for (struct dirent *e = inner ? readdir(inner) : NULL; e; e = readdir(inner)) {
            if (e->d_type == DT_DIR && e->d_name[0] != '.') {
                (void)unlinkat(dirfd(inner), e->d_name,
                               AT_REMOVEDIR); /* busy or not ours: the next start tries again */
            }
        }
        if (inner) {
            (void)closedir(inner);
        }
        (void)rmdir(path);
    }
    (void)closedir(dir);
}

/* A tiny process that removes our groups when we are gone, however that happens. It hears of each before it is made. */
static void start_janitor(struct tph_cgroups *c)
{
    char *argv[] = {(char[]){"tiphys-janitor"}, (char[]){"--janitor"}, NULL};
    int ends[2];
    TPH_CLEANUP(tph_fd_close) int image = tph_init_image();
    if (image < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        return;
    }
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    char *no_env[] = {NULL};
    if (posix_spawn_file_actions_init(&actions) == 0) {
        (void)posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
        if (posix_spawn(&pid, path, &actions, NULL, argv, no_env) == 0) {
            c->janitor = tph_fd_take(&ends[1]);
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) { /* its child stays */
            }
        }
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    tph_fd_close(&ends[0]);
    tph_fd_close(&ends[1]);
}

static char *make_parent(struct tph_cgroups *c, const char *mount)
{
    sweep(mount);
    /* A name of its own each time: the janitor of an earlier one in this process may still be at work. */
    char unique[UNIQUE + 1];
    tph_random_text(unique, UNIQUE);
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/tiphys-%d-%s", mount, (int)getpid(), unique);
    if (c->janitor < 0) {
        start_janitor(c);
    }
    if (c->janitor < 0 || tph_fd_write_all(c->janitor, (struct tph_str){.p = path, .len = strlen(path) + 1}) < 0) {
        return NULL; /* what nobody would remove is not made */
    }
    return mkdir(path, 0755) == 0 ? TPH_TAKE(path) : NULL;
}

/* Version 2: the controllers must be there, and must be passed on from parent to child. */
static bool try_v2(struct tph_cgroups *c, const char *mount)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf controllers = TPH_BUF_INIT(TPH_KIB(4));
    if (!read_text(mount, "cgroup.controllers", &controllers)) {
        return false;
    }
    bool any = false;
    for (int i = 0; i < N_CONTROLLERS; i++) {
        char word[16];
        (void)snprintf(word, sizeof(word), "+%s", names[i]);
        bool there = tph_str_find(tph_buf_str(&controllers), tph_str(names[i])) >= 0;
        c->able[i] = there && write_text(mount, "cgroup.subtree_control", word) == 0;
        any = any || c->able[i];
    }
    c->parents[0] = any ? make_parent(c, mount) : NULL;
    for (int i = 0; i < N_CONTROLLERS; i++) {
        char word[16];
        (void)snprintf(word, sizeof(word), "+%s", names[i]);
        c->able[i] = c->able[i] && c->parents[0] && write_text(c->parents[0], "cgroup.subtree_control", word) == 0;
    }
    c->v2 = c->able[MEMORY] || c->able[CPU] || c->able[PIDS];
    return c->v2;
}

/* An ordinary user's own, delegated group: this process moves into a leaf of it, so that it may have children with
 * controllers. */
static bool try_delegated(struct tph_cgroups *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf own = TPH_BUF_INIT(TPH_KIB(4));
    if (!read_text("/proc/self", "cgroup", &own) || !tph_str_has_prefix(tph_buf_str(&own), TPH_STR("0::/"))) {
        return false;
    }
    struct tph_str path = tph_str_trim(tph_str_slice(tph_buf_str(&own), 3, own.len));
    TPH_CLEANUP(tph_freep) char *dir = tph_format("/sys/fs/cgroup%.*s", TPH_FMT(path));
    TPH_CLEANUP(tph_freep) char *leaf = tph_format("%s/tiphys-main", dir);
    if (access(dir, W_OK) < 0 || (mkdir(leaf, 0755) < 0 && errno != EEXIST)) {
        return false;
    }
    char pid[16];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (write_text(leaf, "cgroup.procs", pid) < 0) {
        (void)rmdir(leaf);
        return false;
    }
    if (!try_v2(c, dir)) { /* others are in it, too: back to them */
        (void)!write_text(dir, "cgroup.procs", pid);
        (void)rmdir(leaf);
        return false;
    }
    return true;
}

static void try_v1(struct tph_cgroups *c)
{
    for (int i = 0; i < N_CONTROLLERS; i++) {
        static const char *const dirs[N_CONTROLLERS][2] = {{"memory", NULL}, {"cpu", "cpu,cpuacct"}, {"pids", NULL}};
        for (int j = 0; j < 2 && dirs[i][j] && !c->parents[i]; j++) {
            TPH_CLEANUP(tph_freep) char *mount = tph_format("/sys/fs/cgroup/%s", dirs[i][j]);
            TPH_CLEANUP(tph_freep) char *probe = tph_format("%s/cgroup.procs", mount);
            c->parents[i] = access(probe, W_OK) == 0 ? make_parent(c, mount) : NULL;
        }
        c->able[i] = c->parents[i] != NULL;
    }
}

struct tph_cgroups *tph_cgroups_new(void)
{
    struct tph_cgroups *c = TPH_NEW(struct tph_cgroups);
    c->janitor = -1;
    if (!(geteuid() == 0 && try_v2(c, "/sys/fs/cgroup")) && !try_delegated(c)) {
        try_v1(c);
    }
    return c;
}

void tph_cgroups_free(struct tph_cgroups *c)
{
    if (!c) {
        return;
    }
    for (int i = 0; i < N_CONTROLLERS; i++) {
        if (c->parents[i]) {
            (void)rmdir(c->parents[i]); /* busy for a moment more: the janitor comes after us */
            free(c->parents[i]);
        }
    }
    tph_fd_close(&c->janitor);
    free(c);
}

bool tph_cgroups_memory(const struct tph_cgroups *c)
{
    return c->able[MEMORY];
}

bool tph_cgroups_cpu(const struct tph_cgroups *c)
{
    return c->able[CPU];
}

bool tph_cgroups_pids(const struct tph_cgroups *c)
{
    return c->able[PIDS];
}

const char *tph_cgroups_version(const struct tph_cgroups *c)
{
    bool any = c->able[MEMORY] || c->able[CPU] || c->able[PIDS];
    return !any ? "none" : c->v2 ? "v2" : "v1";
}

/* Version 2 counts weights from 1 to 10,000, version 1 shares from 2 to 262,144: Kubernetes' conversion. */
static void set_weight(const struct tph_cgroup *g, const char *dir, int64_t request_milli)
{
    int64_t shares = request_milli * 1024 / 1000;
    shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)(g->v2 ? 1 + (shares - 2) * 9999 / 262142 : shares));
    (void)!write_text(dir, g->v2 ? "cpu.weight" : "cpu.shares", text); /* a wish: nothing is promised */
}

static bool set_limit(struct tph_cgroup *g, enum controller which, int64_t limit)
{
    enum { PERIOD_US = 100000, LEAST_QUOTA_US = 1000 };
    const char *dir = g->dirs[g->v2 ? 0 : which];
    char text[64];
    const char *file = "pids.max";
    (void)snprintf(text, sizeof(text), "%lld", (long long)limit);
    if (which == MEMORY) {
        file = g->v2 ? "memory.max" : "memory.limit_in_bytes";
    } else if (which == CPU) {
        int64_t quota_us = limit * (PERIOD_US / 1000);
        quota_us = quota_us < LEAST_QUOTA_US ? LEAST_QUOTA_US : quota_us;
        file = g->v2 ? "cpu.max" : "cpu.cfs_quota_us";
        (void)snprintf(text, sizeof(text), g->v2 ? "%lld %d" : "%lld", (long long)quota_us, PERIOD_US);
    }
    if (write_text(dir, file, text) < 0) {
        return false;
    }
    if (which == MEMORY) { /* else the limit would only move pages to swap, where there is some */
        (void)!write_text(dir, g->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", g->v2 ? "0" : text);
    }
    return true;
}

/* The directory for a controller. */
static bool make_dir(struct tph_cgroup *g, const struct tph_cgroups *c, int slot, unsigned number)
{
    if (g->dirs[slot]) {
        return true;
    }
    TPH_CLEANUP(tph_freep) char *dir = tph_format("%s/%u", c->parents[slot], number);
    if (mkdir(dir, 0755) < 0) {
        return false;
    }
    if (g->v2) {
        g->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (g->fd < 0) {
            (void)rmdir(dir);
            return false;
        }
    } else {
        g->procs[g->n_procs++] = tph_format("%s/cgroup.procs", dir);
    }
    g->dirs[slot] = TPH_TAKE(dir);
    return true;
}

struct tph_cgroup *tph_cgroup_new(struct tph_cgroups *c, const struct tph_cgroup_limits *limits)
{
    int64_t wanted[N_CONTROLLERS] = {limits->memory_bytes, limits->cpu_milli, limits->pids};
    struct tph_cgroup *g = TPH_NEW(struct tph_cgroup);
    int64_t *enforced[N_CONTROLLERS] = {&g->enforced.memory_bytes, &g->enforced.cpu_milli, &g->enforced.pids};
    unsigned number = c->next++;
    g->fd = -1;
    g->v2 = c->v2;
    for (int i = 0; i < N_CONTROLLERS; i++) {
        int64_t weight = i == CPU ? limits->cpu_request_milli : 0;
        int slot = g->v2 ? 0 : i;
        if (!c->able[i] || (wanted[i] <= 0 && weight <= 0) || !make_dir(g, c, slot, number)) {
            continue;
        }
        if (weight > 0) {
            set_weight(g, g->dirs[slot], weight);
        }
        *enforced[i] = wanted[i] > 0 && set_limit(g, (enum controller)i, wanted[i]) ? wanted[i] : 0;
    }
    if (!g->dirs[0] && !g->dirs[1] && !g->dirs[2]) {
        free(g);
        return NULL;
    }
    return g;
}

struct tph_cgroup_limits tph_cgroup_enforced(const struct tph_cgroup *g)
{
    return g ? g->enforced : (struct tph_cgroup_limits){.memory_bytes = 0};
}

int tph_cgroup_fd(const struct tph_cgroup *g)
{
    return g->fd;
}

const char *const *tph_cgroup_procs_files(const struct tph_cgroup *g, size_t *ret_n)
{
    *ret_n = g->n_procs;
    return (const char *const *)g->procs;
}

bool tph_cgroup_oom_killed(const struct tph_cgroup *g)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    if (!g->dirs[0] || !read_text(g->dirs[0], g->v2 ? "memory.events" : "memory.oom_control", &text)) {
        return false;
    }
    struct tph_str rest = tph_buf_str(&text);
    struct tph_str line;
    while (tph_str_cut(&rest, '\n', &line)) {
        if (tph_str_has_prefix(line, TPH_STR("oom_kill "))) {
            return !tph_str_eqz(line, "oom_kill 0");
        }
    }
    return false;
}

void tph_cgroup_free(struct tph_cgroup *g)
{
    if (!g) {
        return;
    }
    for (int i = 0; i < N_CONTROLLERS; i++) {
        if (g->dirs[i]) {
            (void)rmdir(g->dirs[i]); /* busy for a moment more: the janitor comes after us */
        }
        free(g->dirs[i]);
        free(g->procs[i]);
    }
    tph_fd_close(&g->fd);
    free(g);
}
