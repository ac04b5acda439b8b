/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store's file: lock, checks, schema. */
#include "store/sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/sqlite_files.h"
#include "store/sqlite_internal.h"

#define APPLICATION_ID 0x54706879 /* "Tphy" */

/* Each brings a file from the schema of its number to the next one. Never changed once released: a new one is added. */
static const char *const MIGRATIONS[] = {
    "CREATE TABLE number(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO number VALUES('version', 0), ('floor', 0);"
    /* Small rows, so that a new version of a large object costs little; its text is in body. */
    "CREATE TABLE object(id INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
    " version INTEGER NOT NULL, size INTEGER NOT NULL, UNIQUE(resource, namespace, name));"
    "CREATE TABLE body(object INTEGER PRIMARY KEY, hole0 INTEGER NOT NULL, hole1 INTEGER NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE part(object INTEGER NOT NULL, path INTEGER NOT NULL, member TEXT NOT NULL, text TEXT NOT NULL,"
    " UNIQUE(object, path, member));"
    "CREATE TABLE history(version INTEGER PRIMARY KEY, previous INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, undo BLOB NOT NULL);"
    "CREATE INDEX history_of ON history(resource, namespace, name, version);",
};
#define SCHEMA ((int)(sizeof(MIGRATIONS) / sizeof(MIGRATIONS[0])))

int tph_db_checkpoint(struct tph_db *db, struct tph_error *err)
{
    (void)sqlite3_busy_timeout(db->sqlite, 0); /* a long reader is not waited for */
    int code = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(db->sqlite, TPH_LIMIT_STORE_BUSY_MS);
    return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY
               ? 0
               : tph_db_tell(db, code, "writing the WAL into the file", err);
}

static int exec(struct tph_db *db, const char *sql, const char *doing, struct tph_error *err)
{
    int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : tph_db_tell(db, code, doing, err);
}

/* The first number of the first row. */
static int ask(struct tph_db *db, const char *sql, int64_t *ret_number, struct tph_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);
    if (code != SQLITE_OK) {
        return tph_db_tell(db, code, "opening", err);
    }
    int r = tph_db_step(db, statement, "opening", err);
    *ret_number = r > 0 ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    return r < 0 ? -1 : 0;
}

/* SQLite takes its own locks with fcntl, which any close of the file would drop: ours is on a file beside it. */
static int take_lock(struct tph_db *db, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *name = tph_format("%s-lock", db->path);
    db->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (db->lock < 0) {
        return tph_error_errno(err, errno, "%s", name);
    }
    if (flock(db->lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK) {
            return tph_error_errno(err, errno, "%s", name);
        }
        (void)tph_error_set(err, TPH_ERROR_CONFLICT, "%s: another process uses this store", db->path);
        return tph_error_hint(err, "end it, or take another file");
    }
    return 0;
}

/* For its owner only, and its name is on the disk before anything is acknowledged. */
static int make_file(struct tph_db *db, struct tph_error *err)
{
    TPH_CLEANUP(tph_fd_close) int fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? 0 : tph_error_errno(err, errno, "%s", db->path);
    }
    TPH_CLEANUP(tph_freep) char *copy = tph_strdup(db->path);
    TPH_CLEANUP(tph_fd_close) int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || fsync(directory) < 0) {
        return tph_error_errno(err, errno, "the directory of %s", db->path);
    }
    return 0;
}

/* Nothing is changed in a file before it is known to be ours. */
static int check_ours(struct tph_db *db, int64_t *ret_schema, struct tph_error *err)
{
    int64_t application = 0, tables = 0;
    if (ask(db, "PRAGMA application_id", &application, err) < 0 ||
        ask(db, "PRAGMA user_version", ret_schema, err) < 0 ||
        ask(db, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0) {
        return -1;
    }
    if (tables > 0 && application != APPLICATION_ID) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s: this is another program's database, no store of tiphys",
                            db->path);
        return tph_error_hint(err, "take another file");
    }
    if (*ret_schema < 0 || *ret_schema > SCHEMA) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s: the store has schema %lld, this program knows up to %d",
                            db->path, (long long)*ret_schema, SCHEMA);
        return tph_error_hint(err, "use the newer program that made it, or another file");
    }
    return 0;
}

int tph_db_check_ours(struct tph_db *db, struct tph_error *err)
{
    int64_t schema = 0;
    if (check_ours(db, &schema, err) < 0) {
        return -1;
    }
    if (schema == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: this is no store of tiphys", db->path);
    }
    return 0;
}

static int migrate(struct tph_db *db, int64_t schema, struct tph_error *err)
{
    for (; schema < SCHEMA; schema++) {
        TPH_CLEANUP(tph_freep)
        char *sql = tph_format("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %lld; COMMIT",
                               MIGRATIONS[schema], APPLICATION_ID, (long long)schema + 1);
        if (exec(db, sql, "making the tables", err) < 0) {
            tph_db_rollback(db);
            return -1;
        }
    }
    return 0;
}

/* The tables are those that the migrations make: a file with others is not one that we wrote. */
static int check_schema(struct tph_db *db, struct tph_error *err)
{
    sqlite3_stmt *theirs = NULL, *ours = NULL;
    TPH_CLEANUP(tph_db_freep) struct tph_db *model = TPH_NEW(struct tph_db);
    static const char SQL[] = "SELECT name, ifnull(sql, '') FROM sqlite_schema ORDER BY name";
    model->path = tph_strdup(db->path);
    model->lock = -1;
    int code = sqlite3_open_v2(":memory:", &model->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL);
    for (int i = 0; code == SQLITE_OK && i < SCHEMA; i++) {
        code = sqlite3_exec(model->sqlite, MIGRATIONS[i], NULL, NULL, NULL);
    }
    if (code != SQLITE_OK || sqlite3_prepare_v2(model->sqlite, SQL, -1, &ours, NULL) != SQLITE_OK) {
        return tph_db_tell(model, code, "making the tables in memory", err);
    }
    code = sqlite3_prepare_v2(db->sqlite, SQL, -1, &theirs, NULL);
    if (code != SQLITE_OK) {
        (void)sqlite3_finalize(ours);
        return tph_db_tell(db, code, "opening", err);
    }
    int left, right;
    bool same = true;
    do {
        left = sqlite3_step(ours);
        right = sqlite3_step(theirs);
        same = left == right && (left != SQLITE_ROW || (tph_str_eq(tph_db_column(ours, 0), tph_db_column(theirs, 0)) &&
                                                        tph_str_eq(tph_db_column(ours, 1), tph_db_column(theirs, 1))));
    } while (same && left == SQLITE_ROW);
    (void)sqlite3_finalize(ours);
    (void)sqlite3_finalize(theirs);
    if (!same) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s: the tables are not those of schema %d", db->path, SCHEMA);
        return tph_error_hint(err, "somebody changed them: put a backup in its place");
    }
    return 0;
}

/* The versions go on from the number in the file: nothing in it may be newer. */
static int check_versions(struct tph_db *db, struct tph_error *err)
{
    int64_t wrong = 0;
    if (ask(db,
            "SELECT (SELECT count(*) FROM number) <> 2 OR (SELECT value FROM number WHERE name = 'version') <"
            " max(ifnull((SELECT max(version) FROM history), 0), (SELECT value FROM number WHERE name = 'floor'))",
            &wrong, err) < 0) {
        return -1;
    }
    if (wrong) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s: the store's version is older than what is in it", db->path);
        return tph_error_hint(err, "put a backup in its place");
    }
    return 0;
}

static int open_connection(struct tph_db *db, struct tph_error *err)
{
    int code = sqlite3_open_v2(db->path, &db->sqlite,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        return tph_db_tell(db, code, "opening", err);
    }
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!db->writer) { /* a reader of another process writes nothing, not even when it is the last to close */
        (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    (void)sqlite3_busy_timeout(db->sqlite, TPH_LIMIT_STORE_BUSY_MS);
    return exec(db, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0", "opening", err);
}

static bool has_wal(const struct tph_db *db)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s-wal", db->path);
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0;
}

bool tph_db_after_crash(const struct tph_db *db)
{
    return db->after_crash;
}

static int open_writer(struct tph_db *db, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep)
    char *pragmas = tph_format("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA wal_autocheckpoint = %d",
                               TPH_LIMIT_STORE_WAL_PAGES);
    int64_t schema = 0;
    if (take_lock(db, err) < 0) {
        return -1;
    }
    db->after_crash = has_wal(db);
    if (make_file(db, err) < 0 || tph_sqlite_check_files(db->path, err) < 0 || open_connection(db, err) < 0 ||
        check_ours(db, &schema, err) < 0 || exec(db, pragmas, "opening", err) < 0 || migrate(db, schema, err) < 0 ||
        check_schema(db, err) < 0) {
        return -1;
    }
    /* What a crash left behind the last commit goes, so that it is not counted as lost after the next one. */
    return check_versions(db, err) < 0 ? -1 : tph_db_checkpoint(db, err);
}

int tph_db_open(const char *path, bool writer, struct tph_db **ret_db, struct tph_error *err)
{
    TPH_CLEANUP(tph_db_freep) struct tph_db *db = TPH_NEW(struct tph_db);
    db->path = tph_strdup(path);
    db->lock = -1;
    db->writer = writer;
    int r = writer ? open_writer(db, err) : open_connection(db, err);
    if (r == 0 && !writer) {
        r = exec(db, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0", "opening", err);
    }
    if (r < 0) {
        return -1;
    }
    *ret_db = TPH_TAKE(db);
    return 0;
}

void tph_db_free(struct tph_db *db)
{
    if (!db) {
        return;
    }
    for (size_t i = 0; i < TPH_DB_STATEMENTS; i++) {
        (void)sqlite3_finalize(db->statements[i]);
    }
    (void)sqlite3_close(db->sqlite);
    tph_fd_close(&db->lock);
    free(db->path);
    free(db);
}
