/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a store's SQLite file, in blocking calls. The only face of SQLite in the program.
 *
 * One thread at a time uses a connection. Versions of SQLite up to 3.51.2 can corrupt a WAL when two connections write
 * or checkpoint at the same moment: so there is one writer in the program, all others read only and make no checkpoint.
 *
 * Errors: SYSTEM (the disk, a lock), CONFLICT (another process has it), INVALID (no store, one of a newer
 * version, damaged), each with the path and what to do.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "store/internal.h"

struct tph_db;

/* writer: makes the file (0600) where there is none, takes its lock, checks it, brings it to the newest schema. Readers
 * are opened after the writer. */
int tph_db_open(const char *path, bool writer, struct tph_db **ret_db, struct tph_error *err) TPH_MUST_CHECK;
void tph_db_free(struct tph_db *db);
TPH_DEFINE_CLEANUP(struct tph_db, tph_db_free);

/* Whether the program that had the file last left it without closing it. */
bool tph_db_after_crash(const struct tph_db *db);
/* Whether damage was met since this was asked last. */
bool tph_db_damaged(struct tph_db *db);
/* Ends what another thread does with the connection just now, with an error. */
void tph_db_interrupt(struct tph_db *db);

/* What begins ends with commit or rollback; a savepoint inside with keep or drop, which take back what came since.
 * Readers begin and end with rollback. */
int tph_db_begin(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;
int tph_db_commit(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;
void tph_db_rollback(struct tph_db *db);
int tph_db_savepoint(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;
int tph_db_keep(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;
int tph_db_drop(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;

/* Writes the WAL into the file and empties it, if no reader is in the way: at once. Outside a transaction; writer only.
 */
int tph_db_checkpoint(struct tph_db *db, struct tph_error *err) TPH_MUST_CHECK;

/* The store's version and floor. */
int tph_db_numbers(struct tph_db *db, uint64_t *ret_version, uint64_t *ret_floor, struct tph_error *err) TPH_MUST_CHECK;
int tph_db_set_numbers(struct tph_db *db, uint64_t version, uint64_t floor, struct tph_error *err) TPH_MUST_CHECK;

/* Makes one change: 0, an outcome of store.h, or -1. Both leave halves: drop the savepoint. */
int tph_db_change(struct tph_db *db, const struct tph_store_change *change, uint64_t version, struct tph_error *err)
    TPH_MUST_CHECK;

/* Forgets the history up to floor. */
int tph_db_forget(struct tph_db *db, uint64_t floor, struct tph_error *err) TPH_MUST_CHECK;

/* As in struct tph_store_ops, within begin and rollback. */
int tph_db_load(struct tph_db *db, const struct tph_store_key *key, uint64_t at, struct tph_state *state,
                struct tph_error *err) TPH_MUST_CHECK;
int tph_db_list(struct tph_db *db, const struct tph_store_list *list, bool now,
                bool (*each)(void *owner, const struct tph_store_key *key, const struct tph_state *state), void *owner,
                struct tph_error *err) TPH_MUST_CHECK;
int tph_db_next(struct tph_db *db, const struct tph_store_key *key, uint64_t from, uint64_t to,
                struct tph_store_event *ret_event, struct tph_buf *names, struct tph_error *err) TPH_MUST_CHECK;
