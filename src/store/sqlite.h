/* SPDX-License-Identifier: Apache-2.0 */
/* The store on an SQLite file: what was acknowledged is there after kill -9 and after a power cut.
 *
 * WAL, synchronous FULL, group commit on a thread of its own. One process has the file at a time. Beside FILE are
 * FILE-wal, which belongs to it, FILE-shm and FILE-lock. On local disks only: WAL and locks need one machine.
 */
#pragma once

#include "store/store.h"

/* Opens the file, or makes one (0600; its directory must be there). Errors: CONFLICT, another process has it; INVALID,
 * it is no store, one of a newer program, or damaged; SYSTEM. A store keeps the loop running until it is freed. */
int tph_store_sqlite_open(struct tph_loop *loop, const char *path, const struct tph_store_config *config,
                          struct tph_store **ret_store, struct tph_error *err) TPH_MUST_CHECK;
