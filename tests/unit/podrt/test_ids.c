/* SPDX-License-Identifier: Apache-2.0 */
/* Whose ids a sandbox has: read from subuid's format, and each range to one at a time, whichever process asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/ids.h"

static void a_users_subordinate_ids_are_found_by_name_or_number(void **state)
{
    static const struct {
        const char *text;
        uint32_t first, n; /* 0: none */
    } cases[] = {
        {"", 0, 0},
        {"ann:100000:65536\nbob:165536:65536\n", 165536, 65536},
        {"ann:100000:65536\nbob:165536:65536", 165536, 65536},
        {"ann:100000:65536\n1001:165536:9\n", 165536, 9},
        {"bob:5:2\nbob:165536:3\n", 165536, 3}, /* two are too few */
        {"bobby:165536:65536\nbo:1:9\n", 0, 0},
        {"bob:0:65536\n", 0, 0}, /* root's */
        {"bob:1:-5\nbob:x:9\nbob:9\nbob\n:::\nbob:4294967290:9\n", 0, 0},
        {"# bob:1:9\n\nbob: 7 : 9 \n", 7, 9},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t first = 0, n = 0;
        bool found = tph_ids_subordinate(tph_str(cases[i].text), TPH_STR("bob"), 1001, &first, &n);
        assert_int_equal(found, cases[i].n > 0);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(n, cases[i].n);
    }
    uint32_t first = 0, n = 0;
    assert_false(tph_ids_subordinate(TPH_STR(":1:9\n"), TPH_STR(""), 1001, &first, &n)); /* who has no name */
}

static void ids_that_people_were_given_are_theirs(void **state)
{
    (void)state;
    struct tph_str text = TPH_STR("root:300000:65536000\nann:365536:65536\n");
    assert_false(tph_ids_are_given(text, 300000, 65536));
    assert_true(tph_ids_are_given(text, 365536, 65536));
    assert_true(tph_ids_are_given(text, 365535, 2));
    assert_true(tph_ids_are_given(text, 431071, 1));
    assert_false(tph_ids_are_given(text, 431072, 65536));
}

/* Takes until there are none, at most max. */
static size_t take_all(struct tph_ids *list, size_t max, struct tph_error *err)
{
    size_t n = 0;
    while (n < max && tph_ids_take(false, &list[n], err) == 0) {
        n++;
    }
    return n;
}

static size_t count_free_slots(void)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf uids = TPH_BUF_INIT(TPH_LIMIT_SUBIDS);
    TPH_CLEANUP(tph_buf_release) struct tph_buf gids = TPH_BUF_INIT(TPH_LIMIT_SUBIDS);
    (void)!tph_fd_read_file("/etc/subuid", &uids, NULL);
    (void)!tph_fd_read_file("/etc/subgid", &gids, NULL);
    size_t n = 0;
    for (uint32_t i = 0; i < TPH_IDS_SLOTS; i++) {
        uint32_t first = TPH_IDS_BASE + i * TPH_IDS_RANGE;
        n += tph_ids_are_given(tph_buf_str(&uids), first, TPH_IDS_RANGE) ||
                     tph_ids_are_given(tph_buf_str(&gids), first, TPH_IDS_RANGE)
                 ? 0
                 : 1;
    }
    return n;
}

/* Another program of ours: takes half, says which, and holds them until it is killed. */
static void be_other(int to, size_t half) __attribute__((noreturn));
static void be_other(int to, size_t half)
{
    static struct tph_ids list[TPH_IDS_SLOTS + 1];
    struct tph_error err = TPH_ERROR_INIT;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (take_all(list, half, &err) == half) {
        for (size_t i = 0; i < half; i++) {
            (void)!write(to, &list[i].first_uid, sizeof(list[i].first_uid));
        }
    }
    (void)close(to);
    (void)pause();
    _exit(0);
}

/* Where no other program of this machine takes part. Returns what failed, 0 for nothing. */
static int share_all_ranges(void)
{
    static struct tph_ids list[TPH_IDS_SLOTS + 1];
    static bool seen[TPH_IDS_SLOTS];
    struct tph_error err = TPH_ERROR_INIT;
    struct rlimit files = {2048, 2048};
    int ends[2], status = 0;
    uint32_t first = 0;
    size_t slots = count_free_slots(), half = slots / 2, others = 0;
    if (unshare(CLONE_NEWNET) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0 || pipe(ends) < 0) {
        (void)printf("no network of one's own here: %s\n", strerrordesc_np(errno));
        return 77;
    }
    pid_t other = fork();
    if (other == 0) {
        be_other(ends[1], half);
    }
    (void)close(ends[1]);
    for (; read(ends[0], &first, sizeof(first)) == sizeof(first); others++) {
        seen[(first - TPH_IDS_BASE) / TPH_IDS_RANGE] = true;
    }
    size_t n = take_all(list, TPH_IDS_SLOTS + 1, &err);
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = (list[i].first_uid - TPH_IDS_BASE) / TPH_IDS_RANGE;
        if (seen[slot] || list[i].n != TPH_IDS_RANGE || list[i].first_gid != list[i].first_uid) {
            return 1; /* two have the same */
        }
        seen[slot] = true;
    }
    if (others != half || n != slots - half ||
        strncmp(err.text, "all 1000 ranges of user ids for sandboxes are taken\n", 52) != 0) {
        return 2;
    }
    /* What the other held is free when it is gone; what one gives back, too. */
    if (kill(other, SIGKILL) < 0 || waitpid(other, &status, 0) != other ||
        take_all(list + n, TPH_IDS_SLOTS + 1 - n, &err) != half) {
        return 3;
    }
    tph_ids_release(&list[7]);
    return take_all(&list[7], 1, &err) == 1 && tph_ids_take(false, &list[TPH_IDS_SLOTS], &err) < 0 ? 0 : 4;
}

static void each_range_is_one_sandboxs_whoever_asks(void **state)
{
    int status = 0;
    (void)state;
    if (geteuid() != 0) {
        print_message("an ordinary user has no ranges of 65536\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(share_all_ranges());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_users_subordinate_ids_are_found_by_name_or_number),
        cmocka_unit_test(ids_that_people_were_given_are_theirs),
        cmocka_unit_test(each_range_is_one_sandboxs_whoever_asks),
    };
    return cmocka_run_group_tests_name("podrt/ids", tests, NULL, NULL);
}
