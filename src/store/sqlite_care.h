/* SPDX-License-Identifier: Apache-2.0 */
/* Looking after a store's file: check, backup, compact. In blocking calls, for commands and threads of their own.
 *
 * Errors are those of opening (sqlite.h) and name the file.
 */
#pragma once

#include "base/error.h"

/* Reads all of the file, which no other process has: SQLite's own integrity check, then ours (each object has its text,
 * no text or member is without its object, places and sizes fit, the history can be undone). Tells each problem as a
 * line, at most TPH_LIMIT_STORE_PROBLEMS; ret_problems gets how many. -1: it could not be opened or read at all. */
typedef void tph_store_problem_fn(void *owner, const char *problem);
int tph_store_sqlite_check(const char *path, tph_store_problem_fn *problem, void *owner, unsigned *ret_problems,
                           struct tph_error *err) TPH_MUST_CHECK;

/* Writes a copy of one moment to `to`, which must not exist and is there whole or not at all; also while a server uses
 * the store. The copy is compact and a store of its own, whose versions go on from there. */
int tph_store_sqlite_backup(const char *path, const char *to, struct tph_error *err) TPH_MUST_CHECK;

/* Makes a file that no other process has as small as it can be; needs as much room again meanwhile. */
int tph_store_sqlite_compact(const char *path, struct tph_error *err) TPH_MUST_CHECK;
