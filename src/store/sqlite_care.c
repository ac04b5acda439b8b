/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_care.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/sqlite_internal.h"

struct report {
    tph_store_problem_fn *problem;
    void *owner;
    unsigned n;
    const atomic_bool *stop; /* NULL: never */
};

static bool is_stopped(const struct report *report)
{
    return report->stop && atomic_load(report->stop);
}

static void tell_problem(struct report *report, struct tph_str text)
{
    if (report->n < TPH_LIMIT_STORE_PROBLEMS) {
        TPH_CLEANUP(tph_freep) char *line = tph_str_dup(text);
        report->n++;
        report->problem(report->owner, line);
    }
}

/* Each row of the answer is a problem, but "ok". */
static int report_rows(struct tph_db *db, const char *sql, struct report *report, struct tph_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);
    if (code != SQLITE_OK) {
        return tph_db_tell(db, code, "checking", err);
    }
    int r;
    while ((r = tph_db_step(db, statement, "checking", err)) > 0 && !is_stopped(report)) {
        struct tph_str text = tph_db_column(statement, 0);
        if (!tph_str_eqz(text, "ok")) {
            tell_problem(report, text);
        }
    }
    (void)sqlite3_finalize(statement);
    return r < 0 ? -1 : 0;
}

static bool check_state(void *owner, const struct tph_store_key *key, const struct tph_state *state)
{
    struct report *report = owner;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    if (state->there && tph_state_text(state, &text, &err) < 0) {
        TPH_CLEANUP(tph_freep)
        char *line =
            tph_format("%.*s %.*s/%.*s: %s", TPH_FMT(key->resource), TPH_FMT(key->ns), TPH_FMT(key->name), err.text);
        tell_problem(report, tph_str(line));
    }
    return !is_stopped(report);
}

/* Every object of a resource as it was at the floor: which reads every row and undoes the whole history. */
static int check_resource(struct tph_db *db, struct tph_str resource, uint64_t floor, struct report *report)
{
    const struct tph_store_list list = {.key = {.resource = resource}, .at = floor ? floor : 1};
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_db_list(db, &list, false, check_state, report, &err) < 0) {
        if (err.kind != TPH_ERROR_INVALID) {
            return -1;
        }
        tell_problem(report, tph_str_slice(tph_str(err.text), 0, strcspn(err.text, "\n")));
    }
    return 0;
}

static int check_objects(struct tph_db *db, struct report *report, struct tph_error *err)
{
    uint64_t version = 0, floor = 0;
    if (tph_db_numbers(db, &version, &floor, err) < 0) {
        return -1;
    }
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, "SELECT resource FROM object UNION SELECT resource FROM history", -1,
                                  &statement, NULL);
    if (code != SQLITE_OK) {
        return tph_db_tell(db, code, "checking", err);
    }
    int r;
    while ((r = tph_db_step(db, statement, "checking", err)) > 0 && !is_stopped(report)) {
        if (check_resource(db, tph_db_column(statement, 0), floor, report) < 0) {
            r = tph_error_set(err, TPH_ERROR_SYSTEM, "%s: it could not be read", db->path);
            break;
        }
    }
    (void)sqlite3_finalize(statement);
    return r < 0 ? -1 : 0;
}

int tph_db_check(struct tph_db *db, tph_store_problem_fn *problem, void *owner, const atomic_bool *stop,
                 unsigned *ret_problems, struct tph_error *err)
{
    struct report report = {.problem = problem, .owner = owner, .stop = stop};
    static const char LOST[] =
        "SELECT printf('object %d has no text', id) FROM object WHERE id NOT IN (SELECT object FROM body)"
        " UNION ALL SELECT printf('text %d has no object', object) FROM body WHERE object NOT IN (SELECT id FROM "
        "object)"
        " UNION ALL SELECT printf('member %s has no object', member) FROM part WHERE object NOT IN (SELECT id FROM "
        "object)"
        " UNION ALL SELECT printf('%s %s/%s is newer than the store', resource, namespace, name) FROM object"
        " WHERE version > (SELECT value FROM number WHERE name = 'version')";
    TPH_CLEANUP(tph_freep) char *integrity = tph_format("PRAGMA integrity_check(%d)", TPH_LIMIT_STORE_PROBLEMS);
    int r = report_rows(db, integrity, &report, err);
    if (r == 0 && report.n == 0) { /* else ours would only tell the same in other words */
        r = report_rows(db, LOST, &report, err);
    }
    if (r == 0 && report.n == 0) {
        r = check_objects(db, &report, err);
    }
    *ret_problems = report.n;
    return r;
}

int tph_store_sqlite_check(const char *path, tph_store_problem_fn *problem, void *owner, unsigned *ret_problems,
                           struct tph_error *err)
{
    TPH_CLEANUP(tph_db_freep) struct tph_db *db = NULL;
    if (access(path, F_OK) < 0) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s: %s", path, strerrordesc_np(errno));
    }
    if (tph_db_open(path, true, &db, err) < 0 || tph_db_begin(db, err) < 0) {
        return -1;
    }
    int r = tph_db_check(db, problem, owner, NULL, ret_problems, err);
    tph_db_rollback(db);
    return r;
}

static int run_with(struct tph_db *db, const char *sql, const char *value, const char *doing, struct tph_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);
    if (code != SQLITE_OK) {
        return tph_db_tell(db, code, doing, err);
    }
    if (value) {
        (void)sqlite3_bind_text(statement, 1, value, -1, SQLITE_STATIC);
    }
    int r = tph_db_step(db, statement, doing, err);
    (void)sqlite3_finalize(statement);
    return r < 0 ? -1 : 0;
}

/* The copy has its name when it is whole and on the disk. */
static int publish(const char *temporary, const char *to, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *copy = tph_strdup(to);
    TPH_CLEANUP(tph_fd_close) int fd = open(temporary, O_RDONLY | O_CLOEXEC);
    TPH_CLEANUP(tph_fd_close) int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || directory < 0 || fsync(fd) < 0 ||
        renameat2(AT_FDCWD, temporary, AT_FDCWD, to, RENAME_NOREPLACE) < 0 || fsync(directory) < 0) {
        return tph_error_errno(err, errno, "%s", to);
    }
    return 0;
}

int tph_store_sqlite_backup(const char *path, const char *to, struct tph_error *err)
{
    TPH_CLEANUP(tph_db_freep) struct tph_db *db = NULL;
    TPH_CLEANUP(tph_freep) char *temporary = tph_format("%s.part-%d", to, (int)getpid());
    struct stat status;
    if (lstat(to, &status) == 0) {
        (void)tph_error_set(err, TPH_ERROR_CONFLICT, "%s: there is such a file already", to);
        return tph_error_hint(err, "take another name");
    }
    if (access(path, F_OK) < 0) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s: %s", path, strerrordesc_np(errno));
    }
    if (tph_db_open(path, false, &db, err) < 0 || tph_db_check_ours(db, err) < 0) {
        return -1;
    }
    /* Made before SQLite writes into it, for its owner only. */
    TPH_CLEANUP(tph_fd_close) int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return tph_error_errno(err, errno, "%s", temporary);
    }
    /* Which SQLite takes for a write, though it only reads here. */
    int r = run_with(db, "PRAGMA query_only = OFF", NULL, "writing the backup", err);
    r = r < 0 ? r : run_with(db, "VACUUM INTO ?1", temporary, "writing the backup", err);
    r = r < 0 ? r : publish(temporary, to, err);
    if (r < 0) {
        (void)unlink(temporary);
    }
    return r;
}

int tph_store_sqlite_compact(const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_db_freep) struct tph_db *db = NULL;
    if (access(path, F_OK) < 0) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s: %s", path, strerrordesc_np(errno));
    }
    if (tph_db_open(path, true, &db, err) < 0 || run_with(db, "VACUUM", NULL, "compacting", err) < 0) {
        return -1;
    }
    return tph_db_checkpoint(db, err);
}
