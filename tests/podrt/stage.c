/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/cgroup.h"
#include "stage.h"

enum { OUTPUT = 64 * 1024 };

struct place stage_place(void)
{
    struct place p = {.dir = ""};
    const char *dir = getenv("TPH_TEST_PLACE");
    (void)snprintf(p.dir, sizeof(p.dir), "%.31s", dir ? dir : "/tmp/tiphys-isolation-XXXXXX");
    (void)snprintf(p.intruder, sizeof(p.intruder), "%.31s/intruder", p.dir);
    (void)snprintf(p.secret, sizeof(p.secret), "%.31s.secret", p.dir);
    return p;
}

void stage_open(const char *from)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf program = TPH_BUF_INIT(TPH_MIB(64));
    struct tph_error err = TPH_ERROR_INIT;
    struct place p = stage_place();
    bool made = mkdtemp(p.dir) && chmod(p.dir, 0755) == 0 && setenv("TPH_TEST_PLACE", p.dir, 1) == 0;
    p = stage_place();
    if (!made || tph_fd_read_file(from, &program, &err) < 0 ||
        tph_fd_write_file(p.intruder, tph_buf_str(&program), 0755, &err) < 0 || chmod(p.intruder, 0755) < 0 ||
        tph_fd_write_file(p.secret, TPH_STR("mine\n"), 0644, &err) < 0) {
        (void)printf("no place for the intruder: %s\n", err.text);
        exit(1);
    }
}

void stage_close(void)
{
    struct place p = stage_place();
    (void)unlink(p.intruder);
    (void)unlink(p.secret);
    (void)rmdir(p.dir);
}

/* The next container runs the intruder with these words. */
struct tph_container *add_intruder(struct harness *h, const char *words)
{
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 16);
    struct tph_str rest = tph_arena_str(h->arena, tph_str(words)), word;
    size_t n = 0;
    command[n++] = TPH_STR("intruder");
    while (n < 16 && tph_str_cut(&rest, ' ', &word)) {
        command[n++] = word;
    }
    c->command = command;
    c->n_command = n;
    c->image = TPH_STR("none-of-these");
    c->security.run_as_user = 1000;
    h->spec.plugin_dir = getenv("TPH_TEST_PLACE");
    h->spec.restart_base_ms = 60000;
    return c;
}

const char *output_of(struct harness *h, size_t container)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(TPH_MIB(1));
    tph_pod_log_tail(h->pod, container, 1000, &tail);
    return tph_arena_strdup(h->arena, tph_buf_str(&tail));
}

/* The intruder in a sandbox, to its end: what it said. */
const char *sandboxed(struct harness *h)
{
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    return output_of(h, 0);
}

/* The same without a sandbox. */
const char *plainly(struct harness *h, const char *words)
{
    TPH_CLEANUP(tph_freep) char *command = tph_format("%s %s 2>&1", stage_place().intruder, words);
    char *text = TPH_ARENA_ARRAY(h->arena, char, OUTPUT);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    size_t n = fread(text, 1, OUTPUT - 1, pipe);
    text[n] = '\0';
    (void)pclose(pipe);
    return text;
}

bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Each character moved up by one. */
const char *needle_of(struct harness *h, const char *text)
{
    char *needle = tph_arena_strdup(h->arena, tph_str(text));
    for (char *p = needle; *p; p++) {
        (*p)++;
    }
    return needle;
}

int64_t number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at ? atoll(at + strlen(word)) : -1;
}

/* Processes of this machine */

/* All whose command line has the word, but for us. */
size_t find_processes(const char *word, struct process *list, size_t max)
{
    DIR *proc = opendir("/proc");
    size_t n = 0;
    assert_non_null(proc);
    for (const struct dirent *e = readdir(proc); e && n < max; e = readdir(proc)) {
        pid_t pid = atoi(e->d_name);
        char path[64], text[4096];
        (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        int fd = pid > 0 && pid != getpid() ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text));
        if (len > 0 && memmem(text, (size_t)len, word, strlen(word))) {
            list[n] = (struct process){.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
            n += list[n].pidfd >= 0 ? 1 : 0;
        }
        tph_fd_close(&fd);
    }
    (void)closedir(proc);
    return n;
}

/* How many of them still live after the time; closes. */
size_t await_ends(struct process *list, size_t n, int64_t ms)
{
    int64_t until_ms = harness_now_ms() + ms;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t now_ms = harness_now_ms();
        struct pollfd end = {.fd = list[i].pidfd, .events = POLLIN};
        left += poll(&end, 1, until_ms > now_ms ? (int)(until_ms - now_ms) : 0) == 1 ? 0 : 1;
        tph_fd_close(&list[i].pidfd);
    }
    return left;
}

pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *end = strrchr(text, ')');
    return end ? atoi(end + 4) : 0;
}

/* The runtime has some of this process, too: one at a time. */
void look_at_groups(struct harness *h, bool *ret_memory, bool *ret_cpu)
{
    tph_podrt_free(h->rt);
    struct tph_cgroups *groups = tph_cgroups_new();
    *ret_memory = tph_cgroups_memory(groups);
    *ret_cpu = tph_cgroups_cpu(groups);
    tph_cgroups_free(groups);
    h->rt = h->implementation->make(h->loop);
}
