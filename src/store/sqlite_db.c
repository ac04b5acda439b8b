/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_db.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/sqlite_internal.h"

enum statement {
    BEGIN,
    BEGIN_WRITE,
    COMMIT,
    ROLLBACK,
    SAVEPOINT,
    RELEASE,
    ROLLBACK_TO,
    NUMBER,
    SET_NUMBER,
    FIND,
    BODY,
    MEMBERS,
    MEMBER,
    INSERT_OBJECT,
    SET_OBJECT,
    DELETE_OBJECT,
    SET_BODY,
    DELETE_BODY,
    SET_MEMBER,
    DELETE_MEMBER,
    DELETE_MEMBERS,
    INSERT_HISTORY,
    HISTORY_OF,
    FORGET,
    LIST_NOW,
    LIST_AT,
    NEXT,
    STATEMENT_COUNT,
};

#define WANTED "resource = ?1 AND (?2 = '' OR namespace = ?2) AND (?3 = '' OR name = ?3)"

static const char *const TEXTS[] = {
    [BEGIN] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [SAVEPOINT] = "SAVEPOINT batch",
    [RELEASE] = "RELEASE batch",
    [ROLLBACK_TO] = "ROLLBACK TO batch",
    [NUMBER] = "SELECT value FROM number WHERE name = ?1",
    [SET_NUMBER] = "UPDATE number SET value = ?2 WHERE name = ?1",
    [FIND] = "SELECT id, version, size FROM object WHERE resource = ?1 AND namespace = ?2 AND name = ?3",
    [BODY] = "SELECT hole0, hole1, text FROM body WHERE object = ?1",
    [MEMBERS] = "SELECT path, member, text FROM part WHERE object = ?1",
    [MEMBER] = "SELECT text FROM part WHERE object = ?1 AND path = ?2 AND member = ?3",
    [INSERT_OBJECT] = "INSERT INTO object(resource, namespace, name, version, size) VALUES(?1, ?2, ?3, ?4, ?5)",
    [SET_OBJECT] = "UPDATE object SET version = ?2, size = ?3 WHERE id = ?1",
    [DELETE_OBJECT] = "DELETE FROM object WHERE id = ?1",
    [SET_BODY] = "INSERT INTO body VALUES(?1, ?2, ?3, ?4) ON CONFLICT(object) DO UPDATE"
                 " SET hole0 = excluded.hole0, hole1 = excluded.hole1, text = excluded.text",
    [DELETE_BODY] = "DELETE FROM body WHERE object = ?1",
    [SET_MEMBER] = "INSERT INTO part VALUES(?1, ?2, ?3, ?4) ON CONFLICT(object, path, member) DO UPDATE"
                   " SET text = excluded.text",
    [DELETE_MEMBER] = "DELETE FROM part WHERE object = ?1 AND path = ?2 AND member = ?3",
    [DELETE_MEMBERS] = "DELETE FROM part WHERE object = ?1",
    [INSERT_HISTORY] = "INSERT INTO history VALUES(?4, ?5, ?6, ?1, ?2, ?3, ?7)",
    [HISTORY_OF] = "SELECT version, previous, kind, undo FROM history WHERE resource = ?1 AND namespace = ?2"
                   " AND name = ?3 AND version > ?4 ORDER BY version DESC",
    [FORGET] = "DELETE FROM history WHERE version <= ?1",
    [LIST_NOW] = "SELECT namespace, name, id, version, size, hole0, hole1, text FROM object LEFT JOIN body ON"
                 " body.object = object.id WHERE " WANTED " AND (namespace, name) > (?4, ?5) ORDER BY namespace, name",
    [LIST_AT] = "SELECT namespace, name FROM object WHERE " WANTED " AND (namespace, name) > (?4, ?5)"
                " UNION SELECT namespace, name FROM history WHERE version > ?6 AND " WANTED
                " AND (namespace, name) > (?4, ?5) ORDER BY 1, 2",
    /* Along the versions: a watch that keeps up has few to look at. */
    [NEXT] = "SELECT version, kind, namespace, name FROM history NOT INDEXED WHERE version > ?4 AND version <= ?5"
             " AND " WANTED " ORDER BY version LIMIT 1",
};

static_assert((int)STATEMENT_COUNT <= (int)TPH_DB_STATEMENTS, "there is room for each");

/* ---- errors and statements ---- */

/* SQLite keeps the errno to itself. */
static int tell_disk(const struct tph_db *db, int code, const char *doing, const char *message, struct tph_error *err)
{
    const char *when = code == SQLITE_IOERR_WRITE                                     ? " in a write"
                       : code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ? " in a flush"
                       : code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ ? " in a read"
                                                                                      : "";
    (void)tph_error_set(err, TPH_ERROR_SYSTEM, "%s: %s: %s%s", db->path, doing, message, when);
    return tph_error_hint(err, "look whether the disk is broken, or mounted read-only: the kernel's log (dmesg) says");
}

int tph_db_tell(struct tph_db *db, int code, const char *doing, struct tph_error *err)
{
    const char *message = db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        db->damaged = true;
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s: %s: the file is damaged: %s", db->path, doing, message);
        return tph_error_hint(err, "put a backup in its place");
    case SQLITE_FULL:
        (void)tph_error_set(err, TPH_ERROR_SYSTEM, "%s: %s: there is no room left on the disk", db->path, doing);
        return tph_error_hint(err, "make some; what was acknowledged is there");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        (void)tph_error_set(err, TPH_ERROR_SYSTEM, "%s: %s: %s", db->path, doing, message);
        return tph_error_hint(err, "the file, those beside it and its directory must be writable");
    case SQLITE_IOERR:
        return tell_disk(db, code, doing, message, err);
    default:
        return tph_error_set(err, TPH_ERROR_SYSTEM, "%s: %s: %s", db->path, doing, message);
    }
}

static int damaged(struct tph_db *db, const struct tph_store_key *key, struct tph_error *err)
{
    db->damaged = true;
    (void)tph_error_set(err, TPH_ERROR_INVALID, "%s: %.*s %.*s/%.*s is damaged", db->path, TPH_FMT(key->resource),
                        TPH_FMT(key->ns), TPH_FMT(key->name));
    return tph_error_hint(err, "put a backup of the store in its place");
}

bool tph_db_damaged(struct tph_db *db)
{
    bool damaged_now = db->damaged;
    db->damaged = false;
    return damaged_now;
}

void tph_db_interrupt(struct tph_db *db)
{
    sqlite3_interrupt(db->sqlite);
}

/* Ends a use of a statement. For scopes. */
static void reset(sqlite3_stmt **statement)
{
    if (*statement) {
        (void)sqlite3_reset(*statement);
        (void)sqlite3_clear_bindings(*statement);
    }
}

/* One that is prepared already, or is now; NULL with err. */
static sqlite3_stmt *get(struct tph_db *db, enum statement which, struct tph_error *err)
{
    sqlite3_stmt **slot = &db->statements[which];
    if (!*slot) {
        int code = sqlite3_prepare_v3(db->sqlite, TEXTS[which], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
        if (code != SQLITE_OK) {
            (void)tph_db_tell(db, code, "preparing a statement", err);
            return NULL;
        }
    }
    return *slot;
}

static void bind_str(sqlite3_stmt *statement, int at, struct tph_str text)
{
    (void)sqlite3_bind_text64(statement, at, tph_str_fmt_ptr(text), text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_u64(sqlite3_stmt *statement, int at, uint64_t number)
{
    (void)sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
}

static void bind_key(sqlite3_stmt *statement, const struct tph_store_key *key)
{
    bind_str(statement, 1, key->resource);
    bind_str(statement, 2, key->ns);
    bind_str(statement, 3, key->name);
}

struct tph_str tph_db_column(sqlite3_stmt *statement, int at)
{
    const char *text = sqlite3_column_blob(statement, at); /* the bytes as they are, whatever type they claim */
    return (struct tph_str){.p = text, .len = (size_t)sqlite3_column_bytes(statement, at)};
}

static uint64_t column_u64(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

/* 1 a row, 0 the end, -1. */
int tph_db_step(struct tph_db *db, sqlite3_stmt *statement, const char *doing, struct tph_error *err)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return 1;
    }
    return code == SQLITE_DONE ? 0 : tph_db_tell(db, code, doing, err);
}

/* A statement without values or rows. */
static int run(struct tph_db *db, enum statement which, const char *doing, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, which, err);
    return statement ? tph_db_step(db, statement, doing, err) : -1;
}

int tph_db_begin(struct tph_db *db, struct tph_error *err)
{
    tph_db_rollback(db); /* nothing, unless the last one could not be ended */
    return run(db, db->writer ? BEGIN_WRITE : BEGIN, "beginning a transaction", err);
}

int tph_db_commit(struct tph_db *db, struct tph_error *err)
{
    return run(db, COMMIT, "writing", err);
}

void tph_db_rollback(struct tph_db *db)
{
    if (!sqlite3_get_autocommit(db->sqlite)) { /* some errors have rolled back already */
        (void)run(db, ROLLBACK, "rolling back", NULL);
    }
}

int tph_db_savepoint(struct tph_db *db, struct tph_error *err)
{
    return run(db, SAVEPOINT, "writing", err);
}

int tph_db_keep(struct tph_db *db, struct tph_error *err)
{
    return run(db, RELEASE, "writing", err);
}

int tph_db_drop(struct tph_db *db, struct tph_error *err)
{
    return run(db, ROLLBACK_TO, "writing", err) < 0 || run(db, RELEASE, "writing", err) < 0 ? -1 : 0;
}

/* ---- numbers ---- */

static int number(struct tph_db *db, const char *name, uint64_t *ret_number, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, NUMBER, err);
    if (!statement) {
        return -1;
    }
    bind_str(statement, 1, tph_str(name));
    int r = tph_db_step(db, statement, "reading", err);
    if (r == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: the store has no number %s", db->path, name);
    }
    *ret_number = r > 0 ? column_u64(statement, 0) : 0;
    return r < 0 ? -1 : 0;
}

static int set_number(struct tph_db *db, const char *name, uint64_t value, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, SET_NUMBER, err);
    if (!statement) {
        return -1;
    }
    bind_str(statement, 1, tph_str(name));
    bind_u64(statement, 2, value);
    return tph_db_step(db, statement, "writing", err);
}

int tph_db_numbers(struct tph_db *db, uint64_t *ret_version, uint64_t *ret_floor, struct tph_error *err)
{
    return number(db, "version", ret_version, err) < 0 || number(db, "floor", ret_floor, err) < 0 ? -1 : 0;
}

int tph_db_set_numbers(struct tph_db *db, uint64_t version, uint64_t floor, struct tph_error *err)
{
    return set_number(db, "version", version, err) < 0 || set_number(db, "floor", floor, err) < 0 ? -1 : 0;
}

int tph_db_forget(struct tph_db *db, uint64_t floor, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, FORGET, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, floor);
    return tph_db_step(db, statement, "forgetting the history", err);
}

/* ---- loading ---- */

/* The columns id, version, size of a row, from `at` on; returns the id. */
static uint64_t take_object(sqlite3_stmt *statement, int at, struct tph_state *state)
{
    state->there = true;
    state->version = column_u64(statement, at + 1);
    state->bytes = (size_t)column_u64(statement, at + 2);
    return column_u64(statement, at);
}

/* 1 there is one: its id, and version and size in state; 0 none. */
static int find(struct tph_db *db, const struct tph_store_key *key, struct tph_state *state, uint64_t *ret_id,
                struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, FIND, err);
    if (!statement) {
        return -1;
    }
    bind_key(statement, key);
    int r = tph_db_step(db, statement, "reading", err);
    if (r > 0) {
        *ret_id = take_object(statement, 0, state);
    }
    return r;
}

/* The columns hole0, hole1, text of a row, from `at` on; all NULL where there is none. */
static int take_body(struct tph_db *db, const struct tph_store_key *key, sqlite3_stmt *statement, int at,
                     struct tph_state *state, struct tph_error *err)
{
    size_t holes[TPH_PARTS_PATHS];
    for (int i = 0; i < TPH_PARTS_PATHS; i++) {
        holes[i] = (size_t)column_u64(statement, at + i);
    }
    struct tph_str text = tph_db_column(statement, at + TPH_PARTS_PATHS);
    if (text.len == 0 || !tph_parts_base_fits(text, holes)) {
        return damaged(db, key, err);
    }
    tph_state_set_base(state, text, holes);
    return 0;
}

static int load_body(struct tph_db *db, const struct tph_store_key *key, uint64_t id, struct tph_state *state,
                     struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, BODY, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    int r = tph_db_step(db, statement, "reading", err);
    if (r < 0) {
        return -1;
    }
    return r == 0 ? damaged(db, key, err) : take_body(db, key, statement, 0, state, err);
}

static int load_members(struct tph_db *db, const struct tph_store_key *key, uint64_t id, struct tph_state *state,
                        struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, MEMBERS, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    int r;
    while ((r = tph_db_step(db, statement, "reading", err)) > 0) {
        uint64_t path = column_u64(statement, 0);
        struct tph_str member = tph_db_column(statement, 1);
        if (path >= TPH_PARTS_PATHS || !state->base.holes[path] || member.len > TPH_LIMIT_STORE_MEMBER) {
            return damaged(db, key, err);
        }
        tph_state_set(state, (unsigned)path, member, tph_db_column(statement, 2), false);
    }
    return r;
}

static int load_member(struct tph_db *db, uint64_t id, const struct tph_store_part *part, struct tph_state *state,
                       struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, MEMBER, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    bind_u64(statement, 2, part->path);
    bind_str(statement, 3, part->member);
    int r = tph_db_step(db, statement, "reading", err);
    if (r > 0) {
        tph_state_set(state, part->path, part->member, tph_db_column(statement, 0), false);
    }
    return r < 0 ? -1 : 0;
}

/* All of it as it is now: 1 there, 0 not. */
static int load_now(struct tph_db *db, const struct tph_store_key *key, struct tph_state *state, uint64_t *ret_id,
                    struct tph_error *err)
{
    int r = find(db, key, state, ret_id, err);
    if (r <= 0) {
        return r;
    }
    state->bytes = 0;
    if (load_body(db, key, *ret_id, state, err) < 0 || load_members(db, key, *ret_id, state, err) < 0) {
        return -1;
    }
    return 1;
}

/* What a merge has to know of it: the base, and the members that it names. */
static int load_for_merge(struct tph_db *db, const struct tph_store_change *change, struct tph_state *state,
                          uint64_t *ret_id, struct tph_error *err)
{
    int r = find(db, &change->key, state, ret_id, err);
    if (r <= 0) {
        return r;
    }
    size_t bytes = state->bytes;
    if (load_body(db, &change->key, *ret_id, state, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < change->n_parts; i++) {
        if (load_member(db, *ret_id, &change->parts[i], state, err) < 0) {
            return -1;
        }
    }
    state->bytes = bytes; /* with the members that were not read */
    return 1;
}

int tph_db_load(struct tph_db *db, const struct tph_store_key *key, uint64_t at, struct tph_state *state,
                struct tph_error *err)
{
    uint64_t id;
    if (load_now(db, key, state, &id, err) < 0) {
        return -1;
    }
    if (!at) {
        return 0;
    }
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, HISTORY_OF, err);
    if (!statement) {
        return -1;
    }
    bind_key(statement, key);
    bind_u64(statement, 4, at);
    int r;
    while ((r = tph_db_step(db, statement, "reading the history", err)) > 0) {
        uint64_t kind = column_u64(statement, 2);
        if (kind >= TPH_STORE_EVENT_COUNT ||
            tph_state_undo(state, (enum tph_store_event_kind)kind, tph_db_column(statement, 3),
                           column_u64(statement, 1), NULL) < 0) {
            return damaged(db, key, err);
        }
    }
    return r;
}

/* ---- changing ---- */

static int set_body(struct tph_db *db, uint64_t id, const struct tph_state *state, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, SET_BODY, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    for (int i = 0; i < TPH_PARTS_PATHS; i++) {
        bind_u64(statement, 2 + i, state->base.holes[i]);
    }
    bind_str(statement, 2 + TPH_PARTS_PATHS, tph_buf_str(&state->base.text));
    return tph_db_step(db, statement, "writing", err);
}

static int set_member(struct tph_db *db, uint64_t id, unsigned path, struct tph_str member, const struct tph_str *text,
                      struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, text ? SET_MEMBER : DELETE_MEMBER, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    bind_u64(statement, 2, path);
    bind_str(statement, 3, member);
    if (text) {
        bind_str(statement, 4, *text);
    }
    return tph_db_step(db, statement, "writing", err);
}

static int with_id(struct tph_db *db, enum statement which, uint64_t id, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, which, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    return tph_db_step(db, statement, "writing", err);
}

static int insert(struct tph_db *db, const struct tph_store_key *key, const struct tph_state *state,
                  struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, INSERT_OBJECT, err);
    if (!statement) {
        return -1;
    }
    bind_key(statement, key);
    bind_u64(statement, 4, state->version);
    bind_u64(statement, 5, state->bytes);
    if (tph_db_step(db, statement, "writing", err) < 0) {
        return -1;
    }
    uint64_t id = (uint64_t)sqlite3_last_insert_rowid(db->sqlite);
    if (set_body(db, id, state, err) < 0) {
        return -1;
    }
    size_t at = 0;
    unsigned path;
    struct tph_str member, text;
    while (tph_state_next(state, &at, &path, &member, &text)) {
        if (set_member(db, id, path, member, &text, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Writes what is other than before: what undo has pieces of. */
static int update(struct tph_db *db, uint64_t id, const struct tph_state *state, struct tph_str undo,
                  struct tph_error *err)
{
    struct tph_undo_piece piece;
    while (tph_undo_next(&undo, &piece) > 0) {
        struct tph_str text = TPH_STR_NONE;
        bool there = !piece.base && tph_state_find(state, piece.path, piece.member, &text);
        if (piece.base ? set_body(db, id, state, err) < 0
                       : set_member(db, id, piece.path, piece.member, there ? &text : NULL, err) < 0) {
            return -1;
        }
    }
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, SET_OBJECT, err);
    if (!statement) {
        return -1;
    }
    bind_u64(statement, 1, id);
    bind_u64(statement, 2, state->version);
    bind_u64(statement, 3, state->bytes);
    return tph_db_step(db, statement, "writing", err);
}

static int insert_history(struct tph_db *db, const struct tph_store_key *key, uint64_t version, uint64_t previous,
                          enum tph_store_event_kind kind, struct tph_str undo, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, INSERT_HISTORY, err);
    if (!statement) {
        return -1;
    }
    bind_key(statement, key);
    bind_u64(statement, 4, version);
    bind_u64(statement, 5, previous);
    bind_u64(statement, 6, kind);
    (void)sqlite3_bind_blob64(statement, 7, tph_str_fmt_ptr(undo), undo.len, SQLITE_STATIC);
    return tph_db_step(db, statement, "writing the history", err);
}

int tph_db_change(struct tph_db *db, const struct tph_store_change *change, uint64_t version, struct tph_error *err)
{
    TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf undo = TPH_BUF_INIT(0);
    uint64_t id = 0;
    int r = change->verb == TPH_STORE_MERGE ? load_for_merge(db, change, &state, &id, err)
                                            : load_now(db, &change->key, &state, &id, err);
    if (r < 0) {
        return -1;
    }
    uint64_t previous = state.version;
    r = tph_state_apply(&state, change, version, &undo, err);
    if (r != 0) {
        return r;
    }
    enum tph_store_event_kind kind = TPH_STORE_MODIFIED;
    if (change->verb == TPH_STORE_CREATE) {
        kind = TPH_STORE_ADDED;
        r = insert(db, &change->key, &state, err);
    } else if (change->verb == TPH_STORE_DELETE) {
        kind = TPH_STORE_DELETED;
        r = with_id(db, DELETE_OBJECT, id, err) < 0 || with_id(db, DELETE_BODY, id, err) < 0 ||
                    with_id(db, DELETE_MEMBERS, id, err) < 0
                ? -1
                : 0;
    } else {
        r = update(db, id, &state, tph_buf_str(&undo), err);
    }
    return r < 0 ? -1 : insert_history(db, &change->key, version, previous, kind, tph_buf_str(&undo), err);
}

/* ---- lists and watches ---- */

/* What a row of a list stands for, as of now or as of list->at. */
static int load_row(struct tph_db *db, const struct tph_store_list *list, bool now, sqlite3_stmt *row,
                    const struct tph_store_key *key, struct tph_state *state, struct tph_error *err)
{
    if (!now) {
        return tph_db_load(db, key, list->at, state, err);
    }
    uint64_t id = take_object(row, 2, state);
    state->bytes = 0;
    if (take_body(db, key, row, 5, state, err) < 0) {
        return -1;
    }
    return list->bare ? 0 : load_members(db, key, id, state, err);
}

int tph_db_list(struct tph_db *db, const struct tph_store_list *list, bool now,
                bool (*each)(void *owner, const struct tph_store_key *key, const struct tph_state *state), void *owner,
                struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, now ? LIST_NOW : LIST_AT, err);
    if (!statement) {
        return -1;
    }
    bind_key(statement, &list->key);
    bind_str(statement, 4, list->after ? list->after->ns : TPH_STR_NONE);
    bind_str(statement, 5, list->after ? list->after->name : TPH_STR_NONE);
    if (!now) {
        bind_u64(statement, 6, list->at);
    }
    int r;
    while ((r = tph_db_step(db, statement, "reading", err)) > 0) {
        TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
        const struct tph_store_key key = {
            .resource = list->key.resource, .ns = tph_db_column(statement, 0), .name = tph_db_column(statement, 1)};
        if (load_row(db, list, now, statement, &key, &state, err) < 0) {
            return -1;
        }
        if (!each(owner, &key, &state)) {
            return 0;
        }
    }
    return r;
}

int tph_db_next(struct tph_db *db, const struct tph_store_key *key, uint64_t from, uint64_t to,
                struct tph_store_event *ret_event, struct tph_buf *names, struct tph_error *err)
{
    TPH_CLEANUP(reset) sqlite3_stmt *statement = get(db, NEXT, err);
    if (!statement) {
        return -1;
    }
    bind_key(statement, key);
    bind_u64(statement, 4, from);
    bind_u64(statement, 5, to);
    int r = tph_db_step(db, statement, "reading the history", err);
    if (r <= 0) {
        return r < 0 ? -1 : TPH_STORE_NONE;
    }
    const struct tph_store_key found = {
        .resource = key->resource, .ns = tph_db_column(statement, 2), .name = tph_db_column(statement, 3)};
    uint64_t kind = column_u64(statement, 1);
    if (kind >= TPH_STORE_EVENT_COUNT || found.resource.len + found.ns.len + found.name.len > TPH_LIMIT_STORE_KEY) {
        return damaged(db, &found, err);
    }
    ret_event->kind = (enum tph_store_event_kind)kind;
    ret_event->version = column_u64(statement, 0);
    ret_event->key = tph_store_key_copy(&found, names);
    return 0;
}
