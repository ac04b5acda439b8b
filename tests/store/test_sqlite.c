/* SPDX-License-Identifier: Apache-2.0 */
/* What only the store on SQLite does: it stays; its files may be foreign, damaged, too large for the disk. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "store/sqlite.h"
#include "store/sqlite_care.h"
#include "store/sqlite_files.h"

static char *path_of(const struct harness *h, const char *suffix)
{
    return tph_format("%s/store%s", h->directory, suffix);
}

/* Opening says no; what it said is in h->err. */
static void refuses(struct harness *h)
{
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    h->err = TPH_ERROR_INIT;
    struct tph_store *store = NULL;
    assert_int_equal(tph_store_sqlite_open(h->loop, path, &h->config, &store, &h->err), -1);
    assert_non_null(strstr(h->err.text, path));
    assert_non_null(strstr(h->err.text, "\n  ")); /* what to do */
}

/* For the teardown: a store of its own again. */
static void start_anew(struct harness *h)
{
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        TPH_CLEANUP(tph_freep) char *path = path_of(h, SUFFIXES[i]);
        (void)unlink(path);
    }
    harness_open(h);
}

static void put_file(const struct harness *h, const char *suffix, struct tph_str content)
{
    TPH_CLEANUP(tph_freep) char *path = path_of(h, suffix);
    assert_int_equal(tph_fd_write_file(path, content, 0600, NULL), 0);
}

static struct tph_buf get_file(const struct harness *h, const char *suffix)
{
    TPH_CLEANUP(tph_freep) char *path = path_of(h, suffix);
    struct tph_buf content = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(tph_fd_read_file(path, &content, NULL), 0);
    return content;
}

static void exec(const struct harness *h, const char *sql)
{
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- it stays ---- */

static void everything_is_there_when_it_is_opened_again(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1}}}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "y", "2"), 0);
    assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
    assert_int_equal(do_delete(h, workflow("b"), 0), 0);
    assert_true(harness_reopen(h));
    assert_int_equal(tph_store_version(h->store), 4);
    assert_string_equal(text_of(h, workflow("a")), "{\"status\":{\"nodes\":{\"x\":1,\"y\":2}}}");
    assert_string_equal(text_at(h, workflow("a"), 1), "{\"status\":{\"nodes\":{\"x\":1}}}");
    assert_string_equal(text_at(h, workflow("b"), 3), "{}");
    assert_string_equal(text_of(h, workflow("b")), "NOT_FOUND");
    struct tph_store_key all = key_of("workflows.argoproj.io", "", "");
    struct tph_store_watch *watch = NULL;
    assert_int_equal(tph_store_watch_open(h->store, &all, 1, harness_woken, h, &watch, &h->err), 0);
    assert_string_equal(drained(watch), "MODIFIED argo/a 2, ADDED argo/b 3, DELETED argo/b 4, NONE");
    tph_store_watch_close(watch);
    assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
    assert_int_equal(h->result.version, 5);
}

static void the_version_does_not_go_back_when_all_is_deleted_and_forgotten(void **state)
{
    struct harness *h = *state;
    harness_close(h);
    h->config.history = 1;
    harness_open(h);
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    assert_int_equal(do_delete(h, workflow("a"), 0), 0);
    assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
    assert_int_equal(do_delete(h, workflow("b"), 0), 0);
    uint64_t floor = tph_store_floor(h->store);
    assert_true(floor > 0);
    assert_true(harness_reopen(h));
    assert_int_equal(tph_store_version(h->store), 4);
    assert_int_equal(tph_store_floor(h->store), floor);
    assert_string_equal(text_at(h, workflow("a"), floor - 1), "EXPIRED");
}

static void its_files_are_for_their_owner_only(void **state)
{
    struct harness *h = *state;
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
    static const char *const SUFFIXES[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < 4; i++) {
        TPH_CLEANUP(tph_freep) char *path = path_of(h, SUFFIXES[i]);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
}

static void one_process_has_it_at_a_time(void **state)
{
    struct harness *h = *state;
    refuses(h);
    assert_int_equal(h->err.kind, TPH_ERROR_CONFLICT);
    assert_int_equal(do_create(h, workflow("a"), "{}"), 0); /* and the first one goes on */
    assert_true(harness_reopen(h));
}

/* ---- what is no store ---- */

static void other_files_are_refused_and_left_alone(void **state)
{
    struct harness *h = *state;
    harness_close(h);
    start_anew(h);
    harness_close(h);
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    (void)unlink(path);
    put_file(h, "", TPH_STR("apiVersion: v1\n"));
    refuses(h);
    assert_int_equal(h->err.kind, TPH_ERROR_INVALID);

    (void)unlink(path);
    exec(h, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    TPH_CLEANUP(tph_buf_release) struct tph_buf before = get_file(h, "");
    refuses(h);
    assert_non_null(strstr(h->err.text, "another program"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf after = get_file(h, "");
    assert_true(tph_str_eq(tph_buf_str(&before), tph_buf_str(&after)));

    (void)unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    h->err = TPH_ERROR_INIT;
    struct tph_store *store = NULL;
    assert_int_equal(tph_store_sqlite_open(h->loop, path, NULL, &store, &h->err), -1);
    assert_int_equal(rmdir(path), 0);
    start_anew(h);
}

static void a_directory_that_is_not_there_is_told(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/none/store", h->directory);
    struct tph_store *store = NULL;
    assert_int_equal(tph_store_sqlite_open(h->loop, path, NULL, &store, &h->err), -1);
    assert_non_null(strstr(h->err.text, "No such file or directory"));
}

static void a_store_of_a_newer_program_or_with_other_tables_is_refused(void **state)
{
    static const struct {
        const char *sql, *says;
    } CASES[] = {
        {"PRAGMA user_version = 99", "schema 99"},
        {"CREATE INDEX mine ON part(text)", "tables"},
        {"DROP TABLE body", "tables"},
        {"UPDATE number SET value = 1 WHERE name = 'version'", "older than what is in it"},
        {"DELETE FROM number WHERE name = 'floor'", "older than what is in it"},
    };
    struct harness *h = *state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(do_create(h, workflow("a"), "{}"), 0);
        assert_int_equal(do_create(h, workflow("b"), "{}"), 0);
        harness_close(h);
        exec(h, CASES[i].sql);
        refuses(h);
        assert_int_equal(h->err.kind, TPH_ERROR_INVALID);
        assert_non_null(strstr(h->err.text, CASES[i].says));
        start_anew(h);
    }
}

/* ---- what is damaged ---- */

struct image {
    struct tph_buf file, wal;
};

/* The files as a crash would leave them after ten writes: n0 to n9. */
static struct image crash_image(struct harness *h)
{
    for (unsigned i = 0; i < 10; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("n%u", i);
        assert_int_equal(do_create(h, workflow(name), "{\"n\":1}"), 0);
    }
    struct image image = {.file = get_file(h, ""), .wal = get_file(h, "-wal")};
    uint64_t commits = 0;
    assert_int_equal(tph_sqlite_check_wal(tph_buf_str(&image.wal), &commits, NULL), 0);
    assert_int_equal(commits, 10); /* each was answered before the next one */
    harness_close(h);
    return image;
}

static void restore(struct harness *h, const struct image *image)
{
    TPH_CLEANUP(tph_freep) char *shm = path_of(h, "-shm");
    (void)unlink(shm);
    put_file(h, "", tph_buf_str(&image->file));
    put_file(h, "-wal", tph_buf_str(&image->wal));
}

static void release_image(struct image *image)
{
    tph_buf_release(&image->file);
    tph_buf_release(&image->wal);
}

static unsigned count(struct harness *h)
{
    unsigned n = 0;
    while (n < 10) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("n%u", n);
        if (strcmp(text_of(h, workflow(name)), "NOT_FOUND") == 0) {
            break;
        }
        n++;
    }
    return n;
}

static void what_a_crash_leaves_is_taken_up_again(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(release_image) struct image image = crash_image(h);
    restore(h, &image);
    harness_open(h);
    assert_int_equal(count(h), 10);
    harness_close(h);

    image.wal.len -= 100; /* the last write was under way */
    restore(h, &image);
    harness_open(h);
    assert_int_equal(count(h), 9);
    assert_int_equal(tph_store_version(h->store), 9);
    harness_close(h);

    image.wal.len = 20; /* the first one, even its header */
    restore(h, &image);
    harness_open(h);
    assert_int_equal(count(h), 0);
    assert_int_equal(do_create(h, workflow("n0"), "{}"), 0);
}

static void a_wal_that_lost_what_was_acknowledged_is_refused(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(release_image) struct image image = crash_image(h);
    static const size_t PLACES[] = {0, 9, 17, 30, 32 + 10, 32 + 24 + 5, 4096 * 3};
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        image.wal.bytes[PLACES[i]] ^= 0x10;
        restore(h, &image);
        refuses(h);
        assert_int_equal(h->err.kind, TPH_ERROR_INVALID);
        assert_non_null(strstr(h->err.text, "store-wal: "));
        image.wal.bytes[PLACES[i]] ^= 0x10;
    }
    restore(h, &image);
    harness_open(h);
    assert_int_equal(count(h), 10);
}

static void a_file_that_was_cut_is_refused(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(release_image) struct image image = crash_image(h);
    restore(h, &image);
    harness_open(h);
    harness_close(h); /* the WAL is in the file now */
    TPH_CLEANUP(tph_buf_release) struct tph_buf file = get_file(h, "");
    static const size_t CUTS[] = {1, 4096};
    for (size_t i = 0; i < sizeof(CUTS) / sizeof(CUTS[0]); i++) {
        put_file(h, "", tph_str_slice(tph_buf_str(&file), 0, file.len - CUTS[i]));
        refuses(h);
        assert_non_null(strstr(h->err.text, "cut off"));
    }
    start_anew(h);
}

/* Each page in turn is rubbish: an error that says so, or an answer that does not need it; never a crash. */
static void a_damaged_page_is_an_error(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(release_image) struct image image = crash_image(h);
    restore(h, &image);
    harness_open(h);
    harness_close(h);
    TPH_CLEANUP(tph_buf_release) struct tph_buf file = get_file(h, "");
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    unsigned told = 0;
    for (size_t page = 0; page < file.len / 4096; page++) {
        put_file(h, "", tph_buf_str(&file));
        TPH_CLEANUP(tph_fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
        char rubbish[4096 - 100];
        memset(rubbish, 0x5a, sizeof(rubbish));
        assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), (off_t)(page * 4096 + (page ? 0 : 100))),
                         sizeof(rubbish));
        struct tph_error err = TPH_ERROR_INIT;
        if (tph_store_sqlite_open(h->loop, path, NULL, &h->store, &err) == 0) {
            struct tph_store_object object = TPH_STORE_OBJECT_INIT;
            struct tph_store_key key = workflow("n5");
            if (tph_store_get(h->store, &key, 3, &object, &err) >= 0 && do_create(h, workflow("new"), "{}") < 0) {
                err = h->err;
            }
            tph_store_object_release(&object);
            harness_close(h);
        }
        if (err.kind != TPH_ERROR_NONE) {
            assert_int_equal(err.kind, TPH_ERROR_INVALID);
            assert_non_null(strstr(err.text, path));
            told++;
        }
    }
    assert_true(told >= 5);
    start_anew(h);
}

/* ---- a disk that is full ---- */

static void a_full_disk_is_told_and_nothing_is_lost(void **state)
{
    struct harness *h = *state;
    struct rlimit before, small = {.rlim_cur = 200000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    unsigned n = 0;
    int r = 0;
    for (; n < 1000 && r == 0; n += r == 0) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("f%u", n);
        r = do_create(h, workflow(name), "{\"n\":1}");
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -1);
    assert_int_equal(h->err.kind, TPH_ERROR_SYSTEM);
    assert_true(n > 0);
    uint64_t version = tph_store_version(h->store);
    assert_int_equal(do_create(h, workflow("after"), "{}"), 0); /* room again */
    assert_true(h->result.version > version);
    assert_true(harness_reopen(h));
    for (unsigned i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("f%u", i);
        assert_string_equal(text_of(h, workflow(name)), "{\"n\":1}");
    }
    assert_string_equal(text_of(h, workflow("after")), "{}");
}

/* ---- check, backup, compact ---- */

static void keep_problem(void *owner, const char *problem)
{
    struct tph_buf *all = owner;
    tph_buf_printf(all, "%s\n", problem);
}

/* What a check tells of the file, or its error. Valid until the next call. */
static const char *checked(struct harness *h)
{
    static char text[4096];
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_KIB(64));
    unsigned n = 0;
    h->err = TPH_ERROR_INIT;
    int r = tph_store_sqlite_check(path, keep_problem, &all, &n, &h->err);
    assert_true(r < 0 || (n > 0) == (all.len > 0));
    (void)snprintf(text, sizeof(text), "%s", r < 0 ? h->err.text : tph_buf_cstr(&all));
    return text;
}

static void a_check_tells_what_is_wrong(void **state)
{
    static const struct {
        const char *sql, *says;
    } CASES[] = {
        {"DELETE FROM body WHERE object = 1", "object 1 has no text"},
        {"DELETE FROM object WHERE id = 1", "has no object"},
        {"UPDATE object SET version = 1000", "argo/a is newer"},
        {"UPDATE body SET hole0 = 3", "argo/a is damaged"},
        {"UPDATE history SET undo = x'58' WHERE version = 2", "argo/a is damaged"},
        {"UPDATE history SET kind = 7 WHERE version = 2", "argo/a is damaged"},
        {"UPDATE part SET path = 1", "argo/a is damaged"},
    };
    struct harness *h = *state;
    assert_non_null(strstr(checked(h), "another process"));
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1}}}"), 0);
        assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "x", "2"), 0);
        harness_close(h);
        assert_string_equal(checked(h), "");
        exec(h, CASES[i].sql);
        const char *says = checked(h);
        if (!strstr(says, CASES[i].says)) {
            fail_msg("%s: %s", CASES[i].sql, says);
        }
        start_anew(h);
    }
    harness_close(h);
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    (void)unlink(path);
    assert_non_null(strstr(checked(h), "No such file"));
    assert_int_equal(access(path, F_OK), -1); /* and makes none */
    harness_open(h);
}

static void a_check_tells_so_many_problems_and_no_more(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_KIB(64));
    unsigned n = 0;
    harness_close(h);
    exec(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)"
            " INSERT INTO body SELECT 1000 + i, 0, 0, '{}' FROM n");
    assert_int_equal(tph_store_sqlite_check(path, keep_problem, &all, &n, &h->err), 0);
    assert_int_equal(n, TPH_LIMIT_STORE_PROBLEMS);
    assert_non_null(strstr(tph_buf_cstr(&all), "text 1100 has no object\n"));
    assert_null(strstr(tph_buf_cstr(&all), "text 1101 has no object\n"));
    start_anew(h);
}

/* ---- the check beside the work ---- */

struct background {
    unsigned n, problems;
    char first[256];
    bool failed;
};

static void note_checked(void *owner, const struct tph_store_checked *result)
{
    struct background *b = owner;
    b->n++;
    b->problems = result->problems;
    b->failed = result->error != NULL;
    (void)snprintf(b->first, sizeof(b->first), "%s", result->first ? result->first : "");
}

static void await_checked(struct harness *h, const struct background *b)
{
    while (b->n == 0) {
        (void)uv_run(tph_loop_uv(h->loop), UV_RUN_ONCE);
    }
}

static void after_a_crash_all_of_the_file_is_checked(void **state)
{
    struct harness *h = *state;
    struct background b = {.n = 0};
    TPH_CLEANUP(tph_health_freep) struct tph_health *health = tph_health_new();
    TPH_CLEANUP(release_image) struct image image = crash_image(h);
    h->config.health = health;
    h->config.checked = note_checked;
    h->config.owner = &b;
    restore(h, &image);
    harness_open(h);
    assert_int_equal(do_create(h, workflow("meanwhile"), "{}"), 0);
    await_checked(h, &b);
    assert_false(b.failed);
    assert_int_equal(b.problems, 0);
    assert_null(tph_health_problem(health));
    harness_close(h);

    harness_open(h); /* it was left in order */
    assert_int_equal(do_create(h, workflow("later"), "{}"), 0);
    assert_int_equal(b.n, 1);
    harness_close(h);

    restore(h, &image);
    harness_open(h); /* and goes while it is checked */
    harness_close(h);
    assert_int_equal(b.n, 1);
    h->config = (struct tph_store_config){.history = 0};
    harness_open(h);
}

static void what_the_check_finds_is_told(void **state)
{
    struct harness *h = *state;
    struct background b = {.n = 0};
    TPH_CLEANUP(tph_health_freep) struct tph_health *health = tph_health_new();
    assert_int_equal(do_create(h, workflow("old"), "{}"), 0);
    assert_int_equal(do_update(h, workflow("old"), 0, "{\"n\":1}"), 0);
    harness_close(h);
    exec(h, "UPDATE history SET kind = 7 WHERE version = 2");
    harness_open(h);
    TPH_CLEANUP(release_image) struct image image = crash_image(h);
    h->config.health = health;
    h->config.checked = note_checked;
    h->config.owner = &b;
    restore(h, &image);
    harness_open(h);
    await_checked(h, &b);
    assert_int_equal(b.problems, 1);
    assert_non_null(strstr(b.first, "argo/old is damaged"));
    assert_non_null(strstr(tph_health_problem(health), "argo/old is damaged"));
    assert_int_equal(do_create(h, workflow("new"), "{}"), 0); /* who is not concerned goes on */
    harness_close(h);
    h->config = (struct tph_store_config){.history = 0};
    start_anew(h);
}

/* ---- ceilings ---- */

/* More than one transaction may hold is several, in their order; one write that is larger is one of its own. */
static void large_writes_are_groups_of_their_own(void **state)
{
    struct harness *h = *state;
    size_t len = TPH_LIMIT_STORE_GROUP / 2 + 100;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(2 * TPH_LIMIT_STORE_GROUP);
    memset(text, ' ', 2 * TPH_LIMIT_STORE_GROUP);
    memcpy(text, "{}", 2);
    for (unsigned i = 0; i < 5; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("n%u", i);
        struct tph_store_change change = {.verb = TPH_STORE_CREATE,
                                          .key = workflow(name),
                                          .text = {.p = text, .len = i == 3 ? TPH_LIMIT_STORE_GROUP + 100 : len}};
        begin_write(h, &change, 1);
    }
    harness_await(h, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(h->outcomes[i], 0);
        assert_int_equal(h->versions[i], h->versions[0] + i);
    }
    assert_int_equal(count(h), 5);
}

/* The WAL goes into the file by itself; what it holds is not more than that and one transaction. */
static void the_wal_does_not_grow_without_end(void **state)
{
    struct harness *h = *state;
    enum { TEXT = 200000 };
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "-wal");
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(TEXT + 1);
    struct stat status;
    memset(text, ' ', TEXT);
    memcpy(text, "{}", 2);
    text[TEXT] = '\0';
    for (unsigned i = 0; i < 200; i++) { /* 40 MB, where 4000 pages are 16 */
        TPH_CLEANUP(tph_freep) char *name = tph_format("w%u", i % 10);
        assert_int_equal(i < 10 ? do_create(h, workflow(name), text) : do_update(h, workflow(name), 0, text), 0);
    }
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 0 && status.st_size < (TPH_LIMIT_STORE_WAL_PAGES + 500) * (off_t)4200);
}

static void a_check_finds_a_damaged_page(void **state)
{
    struct harness *h = *state;
    for (unsigned i = 0; i < 200; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("n%u", i);
        assert_int_equal(do_create(h, workflow(name), "{\"n\":1}"), 0);
    }
    harness_close(h);
    TPH_CLEANUP(tph_buf_release) struct tph_buf file = get_file(h, "");
    memset(file.bytes + file.len - 4096, 0x5a, 4096); /* the last page */
    put_file(h, "", tph_buf_str(&file));
    assert_string_not_equal(checked(h), "");
    start_anew(h);
}

static void a_backup_is_a_store_of_that_moment(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    TPH_CLEANUP(tph_freep) char *to = path_of(h, "-backup");
    assert_int_equal(do_create(h, workflow("a"), "{\"status\":{\"nodes\":{\"x\":1}}}"), 0);
    assert_int_equal(do_merge(h, workflow("a"), 0, "", 0, "y", "2"), 0);
    if (tph_store_sqlite_backup(path, to, &h->err) < 0) { /* while it is used */
        fail_msg("%s", h->err.text);
    }
    assert_int_equal(do_delete(h, workflow("a"), 0), 0);
    assert_int_equal(tph_store_sqlite_backup(path, to, &h->err), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_CONFLICT);
    struct stat status;
    assert_int_equal(stat(to, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    harness_close(h);
    start_anew(h);
    harness_close(h);
    assert_int_equal(rename(to, path), 0);
    assert_string_equal(checked(h), "");
    harness_open(h);
    assert_string_equal(text_of(h, workflow("a")), "{\"status\":{\"nodes\":{\"x\":1,\"y\":2}}}");
    assert_string_equal(text_at(h, workflow("a"), 1), "{\"status\":{\"nodes\":{\"x\":1}}}");
    assert_string_equal(text_at(h, workflow("a"), 3), "EXPIRED"); /* of the store that it was made of */
    assert_int_equal(do_delete(h, workflow("a"), 0), 0);
}

static void compacting_gives_room_back_and_changes_nothing(void **state)
{
    struct harness *h = *state;
    harness_close(h);
    h->config.history = 1;
    harness_open(h);
    TPH_CLEANUP(tph_freep) char *path = path_of(h, "");
    TPH_CLEANUP(tph_freep) char *large = tph_malloc(TPH_KIB(100) + 1);
    memset(large, 'x', TPH_KIB(100));
    large[TPH_KIB(100)] = '\0';
    TPH_CLEANUP(tph_freep) char *text = tph_format("{\"a\":\"%s\"}", large);
    assert_int_equal(do_create(h, workflow("a"), text), 0);
    assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":1}"), 0);
    assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":2}"), 0);
    assert_int_equal(do_update(h, workflow("a"), 0, "{\"n\":3}"), 0);
    assert_int_equal(tph_store_sqlite_compact(path, &h->err), -1);
    assert_int_equal(h->err.kind, TPH_ERROR_CONFLICT);
    harness_close(h);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(tph_store_sqlite_compact(path, &h->err), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_size < before.st_size);
    assert_string_equal(checked(h), "");
    harness_open(h);
    assert_string_equal(text_of(h, workflow("a")), "{\"n\":3}");
    assert_int_equal(tph_store_version(h->store), 4);
}

/* ---- both stores ---- */

static uint64_t draw(uint64_t *random, uint64_t below)
{
    return tph_random_next(random) % below;
}

/* One random change of one of four workflows. */
static int change_both(struct harness *h, struct tph_store *other, uint64_t *random)
{
    static const char *const NAMES[] = {"a", "b", "c", "d"};
    static const char *const TEXTS[] = {"{}", "{\"status\":{\"nodes\":{\"x\":1,\"y\":2}},\"n\":1}", "{\"n\":{}}",
                                        "{\"status\":{\"nodes\":{\"y\":2}}}"};
    static const char *const MEMBERS[] = {"x", "y", "z", "\"\n"};
    static const char *const VALUES[] = {"", "1", "{\"p\":[2]}", "\"s\""};
    enum tph_store_verb verb = (enum tph_store_verb)draw(random, TPH_STORE_VERB_COUNT);
    const struct tph_store_part parts[] = {
        {.member = tph_str(MEMBERS[draw(random, 4)]), .text = tph_str(VALUES[draw(random, 4)])},
        {.member = tph_str(MEMBERS[draw(random, 4)]), .text = tph_str(VALUES[draw(random, 4)])},
    };
    bool whole = verb == TPH_STORE_CREATE || verb == TPH_STORE_UPDATE;
    struct tph_store_change change = {
        .verb = verb,
        .key = workflow(NAMES[draw(random, 4)]),
        .expected =
            verb != TPH_STORE_CREATE && draw(random, 4) == 0 ? draw(random, tph_store_version(h->store) + 1) : 0,
        .text = whole ? tph_str(TEXTS[draw(random, 4)]) : TPH_STR_NONE,
        .parts = verb == TPH_STORE_MERGE ? parts : NULL,
        .n_parts = verb == TPH_STORE_MERGE ? draw(random, 3) : 0,
    };
    if (verb == TPH_STORE_MERGE && draw(random, 3) == 0) {
        change.text = TPH_STR("{\"n\":2,\"status\":{\"phase\":\"Running\"}}");
    }
    struct tph_store *mine = h->store;
    int here = do_write(h, &change, 1);
    uint64_t version = h->result.version;
    h->store = other;
    int there = do_write(h, &change, 1);
    h->store = mine;
    assert_int_equal(here, there);
    assert_int_equal(version, h->result.version);
    return here;
}

/* Many random changes, and then each object at each version: both stores tell the same. */
static void both_stores_tell_the_same(void **state)
{
    struct harness *h = *state;
    struct tph_store *sqlite = h->store, *memory = tph_store_memory_new(h->loop, NULL);
    uint64_t random = 0;
    tph_random_bytes(&random, sizeof(random));
    print_message("seed %llu\n", (unsigned long long)random);
    for (unsigned i = 0; i < 300; i++) {
        (void)change_both(h, memory, &random);
    }
    assert_int_equal(tph_store_version(sqlite), tph_store_version(memory));
    static const char *const NAMES[] = {"a", "b", "c", "d"};
    for (uint64_t at = 1; at <= tph_store_version(sqlite); at++) {
        for (size_t i = 0; i < 4; i++) {
            h->store = memory;
            TPH_CLEANUP(tph_freep) char *text = tph_strdup(text_at(h, workflow(NAMES[i]), at));
            h->store = sqlite;
            assert_string_equal(text_at(h, workflow(NAMES[i]), at), text);
        }
        struct tph_store_list list = {.key = key_of("workflows.argoproj.io", "", ""), .at = at, .limit = 1 + at % 4};
        h->store = memory;
        TPH_CLEANUP(tph_freep) char *text = tph_strdup(listing(h, &list, NULL));
        h->store = sqlite;
        assert_string_equal(listing(h, &list, NULL), text);
    }
    tph_store_free(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_there_when_it_is_opened_again),
        TEST(the_version_does_not_go_back_when_all_is_deleted_and_forgotten),
        TEST(its_files_are_for_their_owner_only),
        TEST(one_process_has_it_at_a_time),
        TEST(other_files_are_refused_and_left_alone),
        TEST(a_directory_that_is_not_there_is_told),
        TEST(a_store_of_a_newer_program_or_with_other_tables_is_refused),
        TEST(what_a_crash_leaves_is_taken_up_again),
        TEST(a_wal_that_lost_what_was_acknowledged_is_refused),
        TEST(a_file_that_was_cut_is_refused),
        TEST(a_damaged_page_is_an_error),
        TEST(a_full_disk_is_told_and_nothing_is_lost),
        TEST(a_check_tells_what_is_wrong),
        TEST(a_check_finds_a_damaged_page),
        TEST(a_check_tells_so_many_problems_and_no_more),
        TEST(after_a_crash_all_of_the_file_is_checked),
        TEST(what_the_check_finds_is_told),
        TEST(large_writes_are_groups_of_their_own),
        TEST(the_wal_does_not_grow_without_end),
        TEST(a_backup_is_a_store_of_that_moment),
        TEST(compacting_gives_room_back_and_changes_nothing),
        TEST(both_stores_tell_the_same),
    };
    harness_set_implementation("sqlite");
    return cmocka_run_group_tests_name("store/files", tests, NULL, NULL);
}
