/* SPDX-License-Identifier: Apache-2.0 */
/* What sqlite_db.c and sqlite_open.c share; nobody else sees SQLite. */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/str.h"
#include "store/sqlite_care.h"
#include "store/sqlite_db.h"

enum { TPH_DB_STATEMENTS = 32 };

struct tph_db {
    char *path;
    sqlite3 *sqlite;
    int lock; /* of the writer; else -1 */
    bool writer;
    bool after_crash;                            /* of the writer: a WAL was there when it was opened */
    bool damaged;                                /* damage was met since the last time that this was asked */
    sqlite3_stmt *statements[TPH_DB_STATEMENTS]; /* prepared when first used */
};

/* What SQLite said, with the path and what to do. Returns -1. */
int tph_db_tell(struct tph_db *db, int code, const char *doing, struct tph_error *err);

/* 1 a row, 0 the end, -1. */
int tph_db_step(struct tph_db *db, sqlite3_stmt *statement, const char *doing, struct tph_error *err) TPH_MUST_CHECK;

/* The bytes of a column as they are, whatever type they claim; until the next step. */
struct tph_str tph_db_column(sqlite3_stmt *statement, int at);

/* All checks of sqlite_care.h, within begin and rollback. stop: ends it early, with what was found by then; NULL:
 * never.
 */
int tph_db_check(struct tph_db *db, tph_store_problem_fn *problem, void *owner, const atomic_bool *stop,
                 unsigned *ret_problems, struct tph_error *err) TPH_MUST_CHECK;

/* Whether the file is a store of a schema that this program knows; changes nothing. */
int tph_db_check_ours(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;
