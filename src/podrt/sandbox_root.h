/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: the new root of a sandbox, built by the process that will live in it.
 *
 * Runs in the child of the shim, in its own mount namespace; nothing here is freed, the process executes tiphys-init
 * soon. Every function returns 0, or -errno with the step in *step. */
#pragma once

#include "podrt/sandbox_wire.h"

struct tph_shim_plan {
    struct tph_shim_spec spec;
    const char **argv, **env; /* ended by NULL */
    const char *hostname, *working_dir, *root;
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
};

#define TPH_SHIM_BIN "/run/tiphys/bin" /* private commands such as python; first in PATH */

/* Opens what will be bound, while this process still is who it was outside. */
int tph_shim_open_trees(struct tph_shim_plan *plan, const char **step);

/* Builds the root and makes it this process's. */
int tph_shim_enter_root(const struct tph_shim_plan *plan, const char **step);
