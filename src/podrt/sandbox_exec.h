/* SPDX-License-Identifier: Apache-2.0 */
/* Running a command inside a sandbox that is there: exec probes.
 *
 * A fresh run of the program joins the sandbox's namespaces and control groups; its child there gives up the same
 * rights as the sidecar did and runs the command, with nothing to read and its output dropped. It dies with the sandbox
 * and with us. Loop thread only; starting blocks for a spawn.
 */
#pragma once

#include "base/error.h"
#include "podrt/sandbox.h"

struct tph_sandbox_exec;

/* code: 0-255, 128 + n after signal n. why: what could not be done, or "". Last event. */
typedef void tph_sandbox_exec_fn(void *owner, int code, const char *why);

/* Of spec argv, env, working_dir, uid, gid, pids and no_seccomp count: those the sandbox was started with, but for
 * argv. */
int tph_sandbox_exec(struct tph_loop *loop, const struct tph_sandbox *sandbox, const struct tph_sandbox_spec *spec,
                     tph_sandbox_exec_fn *done, void *owner, struct tph_sandbox_exec **ret_exec, struct tph_error *err)
    TPH_MUST_CHECK;

/* Kills what still runs. NULL is fine; may be called in done. */
void tph_sandbox_exec_free(struct tph_sandbox_exec *exec);
