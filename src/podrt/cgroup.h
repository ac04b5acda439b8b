/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups for sidecars: memory, cpu and pids, by version 2 or version 1, where this process may make them.
 *
 * Groups are <mount>/tiphys-<our pid>-<m>/<n>. Those of a program that is gone are removed by its janitor (src/init)
 * and, failing that, by the next start. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tph_cgroups; /* what this process can do; made once */
struct tph_cgroup;  /* one sidecar's */

struct tph_cgroup_limits {
    int64_t memory_bytes, cpu_milli, pids; /* 0 = not limited */
    int64_t cpu_request_milli;             /* its weight when processors are scarce; 0 = as anybody's */
};

/* Looks at the mounts and makes our own parent groups; never fails, may be able to nothing. */
struct tph_cgroups *tph_cgroups_new(void) TPH_MUST_CHECK;
void tph_cgroups_free(struct tph_cgroups *cgroups);

bool tph_cgroups_memory(const struct tph_cgroups *cgroups);
bool tph_cgroups_cpu(const struct tph_cgroups *cgroups);
bool tph_cgroups_pids(const struct tph_cgroups *cgroups);
/* "v2", "v1" or "none", for doctor. */
const char *tph_cgroups_version(const struct tph_cgroups *cgroups);

/* Makes a group with these limits. NULL when there is nothing to limit or nothing can be. */
struct tph_cgroup *tph_cgroup_new(struct tph_cgroups *cgroups, const struct tph_cgroup_limits *limits);

/* Those of the limits that the kernel took; NULL: none. */
struct tph_cgroup_limits tph_cgroup_enforced(const struct tph_cgroup *cgroup);

/* A descriptor of its directory for CLONE_INTO_CGROUP (version 2), or -1; stays the group's. */
int tph_cgroup_fd(const struct tph_cgroup *cgroup);
/* Files to write a process id to (version 1): *ret_n texts. */
const char *const *tph_cgroup_procs_files(const struct tph_cgroup *cgroup, size_t *ret_n);

/* True when the kernel killed something in it for memory. */
bool tph_cgroup_oom_killed(const struct tph_cgroup *cgroup);

/* Removes the group; its processes are gone by then. */
void tph_cgroup_free(struct tph_cgroup *cgroup);
