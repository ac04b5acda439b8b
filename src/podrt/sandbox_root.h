/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: the new root of a sandbox, built by the process that will live in it.
 *
 * Runs in the child of the shim, in its own mount namespace; nothing here is freed, the process executes tiphys-init
 * soon. Every function returns 0, or -errno with the step in plan->step.
 *
 * What is wanted of the host is opened as detached mounts first; then the host goes out of sight, and all else is done
 * inside the new root, so that no link in it can lead out. Nothing that is mounted on the host later appears inside. */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "podrt/pasta.h"
#include "podrt/sandbox_wire.h"

enum { TPH_SHIM_SYSTEM_DIRS = 8, TPH_SHIM_DEVICES = 6 };

/* What of the host the new root is made of: mount trees, opened before the host's files go out of sight. -1: not
 * there. */
struct tph_shim_host {
    int root;
    int dirs[TPH_SHIM_SYSTEM_DIRS];
    char dir_links[TPH_SHIM_SYSTEM_DIRS][256]; /* target where the directory is a symbolic link */
    int devices[TPH_SHIM_DEVICES];
    char resolv_target[PATH_MAX]; /* where resolv.conf really is */
    char resolv_text[16384];
    ssize_t resolv_len;
};

struct tph_shim_plan {
    struct tph_shim_spec spec;
    const char **argv, **env; /* ended by NULL */
    const char *hostname, *working_dir, *root;
    const char *newuidmap, *newgidmap; /* empty: not needed */
    const char *pasta;
    struct tph_pasta_refused refused; /* with pasta */
    struct {
        const char *host, *inside;
        int tree; /* opened before the host's files go out of sight */
    } * binds;
    struct {
        const char *path;
        struct tph_shim_number number;
    } * tmpfs;
    struct {
        const char *path, *content;
        struct tph_shim_number number; /* size of content, mode */
    } * files;
    struct {
        const char *name, *target;
    } * links;
    const char **cgroup_files;
    struct tph_shim_host host;
    char step[PATH_MAX + 32]; /* what was being done when something failed */
};

#define TPH_SHIM_BIN "/run/tiphys/bin" /* private commands such as python; first in PATH */

/* Opens what will be bound, while this process still is who it was outside. */
int tph_shim_open_trees(struct tph_shim_plan *plan);

/* Builds the root and makes it this process's. */
int tph_shim_enter_root(struct tph_shim_plan *plan);
