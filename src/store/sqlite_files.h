/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a store's files before SQLite opens them.
 *
 * SQLite takes a WAL up to its first frame that does not fit and silently drops the rest: right after a crash, where
 * the end is what nobody was told of, but the loss of what was acknowledged when the WAL was damaged. We tell the two
 * apart: each commit is on the disk before the next one begins, so behind the frame that does not fit there is at most
 * one commit of this generation. Formats: https://www.sqlite.org/fileformat2.html, sections 1.3 and 4.
 *
 * Pure functions of bytes, and one that reads the files. Errors: INVALID, with what is wrong.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* What an SQLite file begins with: its first bytes (100 or all), the file's size. with_wal: a WAL has frames for it,
 * and then the file alone may be shorter than it says. A file of 0 bytes is a new one. */
int tph_sqlite_check_header(struct tph_str head, uint64_t size, bool with_wal, struct tph_error *err) TPH_MUST_CHECK;

/* A whole WAL. ret_commits: those that SQLite will take. */
int tph_sqlite_check_wal(struct tph_str wal, uint64_t *ret_commits, struct tph_error *err) TPH_MUST_CHECK;

/* Both files of a store; those that are not there are new. Errors name the file, SYSTEM too. */
int tph_sqlite_check_files(const char *path, struct tph_error *err) TPH_MUST_CHECK;
