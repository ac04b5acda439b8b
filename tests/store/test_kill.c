/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 of a process that writes to a store, again and again: what it was told is done is there, whole, and versions
 * go on.
 *
 * The writer is this program once more: `test_store_kill write FILE`. It keeps several writes under way and says on
 * its standard output which were answered; it is killed after a random number of answers, that is while others are on
 * their way. Each write i does all of this: `counter` says i, `wf` gets node i, object o<i> comes, object o<i - 10>
 * goes. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "data/json.h"
#include "store/sqlite.h"

enum { UNDER_WAY = 16, KEPT = 10, CHANGES = 4 };

extern char **environ;

struct said {
    uint64_t number;  /* of the write */
    uint64_t version; /* that it got */
};

static struct tph_store_key counter(void)
{
    return key_of("secrets", "", "counter");
}

/* ---- the writer ---- */

struct writer {
    struct tph_store *store;
    uint64_t next, answered;
};

static void next_write(struct writer *w);

static void writer_answered(void *owner, const struct tph_store_result *result)
{
    struct writer *w = owner;
    if (result->outcome != 0) {
        fprintf(stderr, "write %llu: %d %s\n", (unsigned long long)w->answered, result->outcome,
                result->error ? result->error->text : "");
        abort();
    }
    struct said said = {.number = w->answered++, .version = result->version};
    if (tph_fd_write_all(STDOUT_FILENO, (struct tph_str){(const char *)&said, sizeof(said)}) < 0) {
        abort();
    }
    next_write(w);
}

static void next_write(struct writer *w)
{
    unsigned long long i = w->next++;
    char number[64], node[64], name[64], old[64];
    (void)snprintf(number, sizeof(number), "{\"n\":%llu}", i);
    (void)snprintf(node, sizeof(node), "n%llu", i);
    (void)snprintf(name, sizeof(name), "o%llu", i);
    (void)snprintf(old, sizeof(old), "o%llu", i - KEPT);
    const struct tph_store_part part = {.member = tph_str(node), .text = tph_str(number)};
    const struct tph_store_change changes[CHANGES] = {
        {.verb = TPH_STORE_MERGE, .key = workflow("wf"), .parts = &part, .n_parts = 1},
        {.verb = TPH_STORE_UPDATE, .key = counter(), .text = tph_str(number)},
        {.verb = TPH_STORE_CREATE, .key = key_of("pods", "argo", name), .text = tph_str(number)},
        {.verb = TPH_STORE_DELETE, .key = key_of("pods", "argo", old)},
    };
    tph_store_write(w->store, changes, i > KEPT ? CHANGES : CHANGES - 1, writer_answered, w);
}

/* Its numbers go on from what is there. */
static int write_until_killed(const char *path, const char *from)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_loop *loop = NULL;
    int64_t start = 0;
    struct writer w = {.store = NULL};
    if (tph_str_to_i64(tph_str(from), &start) < 0 || tph_loop_new(&loop, &err) < 0 ||
        tph_store_sqlite_open(loop, path, NULL, &w.store, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    w.next = w.answered = (uint64_t)start;
    for (unsigned i = 0; i < UNDER_WAY; i++) {
        next_write(&w);
    }
    tph_loop_run(loop);
    return 1;
}

/* ---- the test ---- */

static pid_t spawn_writer(const char *path, uint64_t from, int *ret_fd)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    TPH_CLEANUP(tph_freep) char *number = tph_format("%llu", (unsigned long long)from);
    char *const argv[] = {(char *)"/proc/self/exe", (char *)"write", (char *)path, number, NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    pid_t pid = 0;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    *ret_fd = ends[0];
    return pid;
}

static bool hear(int fd, struct said *ret_said)
{
    char *at = (char *)ret_said;
    for (size_t have = 0; have < sizeof(*ret_said);) {
        ssize_t n = read(fd, at + have, sizeof(*ret_said) - have);
        if (n == 0) {
            return false; /* what it had not said whole it had not said */
        }
        assert_true(n > 0 || errno == EINTR);
        have += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Lets it write, kills it, and returns the last that it said. */
static struct said let_write(const char *path, uint64_t from, unsigned answers, uint64_t version)
{
    int fd = -1;
    pid_t pid = spawn_writer(path, from, &fd);
    struct said last = {.number = from - 1, .version = version}, said;
    for (unsigned heard = 0; hear(fd, &said); heard++) {
        assert_int_equal(said.number, last.number + 1);
        assert_true(said.version > last.version); /* goes on, also over the kill before */
        last = said;
        if (heard == answers) {
            assert_int_equal(kill(pid, SIGKILL), 0);
        }
    }
    (void)close(fd);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

/* Which write was the last one that is in the store. */
static uint64_t last_written(struct harness *h)
{
    const char *text = text_of(h, counter());
    int64_t number = 0;
    assert_int_equal(tph_str_to_i64(tph_str_slice(tph_str(text), strlen("{\"n\":"), strlen(text) - 1), &number), 0);
    return (uint64_t)number;
}

/* Every write up to the last one is there whole, and nothing of others. */
static void check_all(struct harness *h, uint64_t last)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text_of(h, workflow("wf"))), &doc, &h->err), 0);
    const struct tph_json *nodes = tph_json_path(tph_json_root(doc), "status", "nodes", NULL);
    assert_int_equal(tph_json_len(nodes), last);
    struct tph_json_iter it = tph_json_iter(nodes);
    while (tph_json_next(&it)) {
        int64_t name = 0, value = 0;
        assert_int_equal(tph_str_to_i64(tph_str_slice(it.key, 1, it.key.len), &name), 0);
        assert_int_equal(tph_json_to_i64(tph_json_get(it.value, "n"), &value), 0);
        assert_int_equal(name, value);
        assert_true(name >= 1 && (uint64_t)name <= last);
    }
    for (uint64_t i = 1; i <= last + UNDER_WAY; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("o%llu", (unsigned long long)i);
        bool there = i <= last && i + KEPT > last;
        assert_int_equal(strcmp(text_of(h, key_of("pods", "argo", name)), "NOT_FOUND") != 0, there);
    }
}

/* A watch from before the kill goes on: each change of the pods once, in order, and those of a write together. */
static void check_watch(struct harness *h, uint64_t from, uint64_t from_write, uint64_t last)
{
    struct tph_store_watch *watch = NULL;
    const struct tph_store_key pods = key_of("pods", "", "");
    assert_int_equal(tph_store_watch_open(h->store, &pods, from, harness_woken, h, &watch, &h->err), 0);
    struct tph_store_event event;
    uint64_t version = from, added = from_write;
    int r;
    while ((r = tph_store_watch_next(watch, &event, &h->err)) == 0) {
        assert_true(event.version > version);
        version = event.version;
        if (event.kind == TPH_STORE_ADDED) {
            TPH_CLEANUP(tph_freep) char *name = tph_format("o%llu", (unsigned long long)++added);
            assert_true(tph_str_eqz(event.key.name, name));
        } else {
            assert_int_equal(event.kind, TPH_STORE_DELETED);
        }
    }
    assert_int_equal(r, TPH_STORE_NONE);
    assert_int_equal(added, last);
    tph_store_watch_close(watch);
}

static void what_was_answered_is_there_after_a_kill(void **state)
{
    struct harness *h = *state;
    const char *wanted = getenv("TIPHYS_STORE_KILLS");
    int64_t rounds = 20;
    if (wanted) {
        assert_int_equal(tph_str_to_i64(tph_str(wanted), &rounds), 0);
    }
    uint64_t random = 0;
    tph_random_bytes(&random, sizeof(random));
    print_message("seed %llu\n", (unsigned long long)random);
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/store", h->directory);
    assert_int_equal(do_create(h, workflow("wf"), "{\"status\":{\"nodes\":{}}}"), 0);
    assert_int_equal(do_create(h, counter(), "{\"n\":0}"), 0);
    uint64_t last = 0, version = tph_store_version(h->store), answers = 0, unheard = 0;
    for (int64_t i = 0; i < rounds; i++) {
        harness_close(h);
        struct said said = let_write(path, last + 1, (unsigned)(tph_random_next(&random) % 200), version);
        harness_open(h);
        uint64_t written = last_written(h);
        assert_true(written >= said.number);
        assert_true(written <= said.number + UNDER_WAY);
        assert_true(tph_store_version(h->store) >= said.version);
        check_all(h, written);
        check_watch(h, version, last, written);
        answers += said.number - last;
        unheard += written - said.number;
        last = written;
        version = tph_store_version(h->store);
    }
    print_message("%lld kills, %llu answers, %llu writes that were on the disk and not yet answered\n",
                  (long long)rounds, (unsigned long long)answers, (unsigned long long)unheard);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_answered_is_there_after_a_kill, harness_setup, harness_teardown),
    };
    if (argc == 4 && strcmp(argv[1], "write") == 0) {
        return write_until_killed(argv[2], argv[3]);
    }
    harness_set_implementation("sqlite");
    return cmocka_run_group_tests_name("store/kill", tests, NULL, NULL);
}
