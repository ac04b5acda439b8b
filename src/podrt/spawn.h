/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a fresh run of this program for a small task: shim, enterer, broker.
 *
 * Nothing of ours goes with it but the descriptors that are named, and /dev/null as the first three: no environment, no
 * ignored or blocked signal, no terminal. Blocks for the spawn (below 1 ms). Loop thread only. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum { TPH_SPAWN_TARGETS = 16 }; /* numbers in `to` are below this */

/* Makes from[i] the new process's descriptor to[i]; -1 in from is left out. argv[0] is what its main knows it by.
 * Returns 0, or -errno. */
int tph_spawn_self(char *const argv[], const int from[], const int to[], size_t n, pid_t *ret_pid) TPH_MUST_CHECK;
