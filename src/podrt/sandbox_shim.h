/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: what the shim (sandbox_shim.c) and the one that enters later (sandbox_exec.c) share, and
 * what both need from sandbox.c.
 *
 * The tph_shim_ functions run in a fresh process that ends soon: nothing is freed, and what fails is told on descriptor
 * TPH_SHIM_STATUS and ends the process. */
#pragma once

#include <limits.h>

#include "base/buf.h"
#include "podrt/cgroup.h"
#include "podrt/ids.h"
#include "podrt/sandbox.h"
#include "podrt/sandbox_root.h"

void tph_shim_give_up(int number, const char *step) __attribute__((noreturn));
void tph_shim_read_plan(struct tph_shim_plan *plan);
int tph_shim_write_to(const char *path, const char *text); /* -errno */
/* Limits of the process, umask, signals. */
void tph_shim_set_limits(const struct tph_shim_spec *s);
/* To the sidecar's user, without capabilities for good. */
void tph_shim_drop_rights(const struct tph_shim_spec *s);
/* Landlock and seccomp: the last thing before exec. */
void tph_shim_confine(const struct tph_shim_spec *s);
void tph_shim_filter_calls(void); /* seccomp alone */
void tph_shim_tell_degraded(const char *what);
void tph_shim_change_directory(const struct tph_shim_plan *plan);
/* Where the program is, as the sidecar's user sees it; `found` may hold the result. */
const char *tph_shim_find_program(const struct tph_shim_plan *plan, char found[PATH_MAX]);

/* sandbox_plain.c: all that one without a sandbox gives up. Returns its program, and the token's descriptor. */
const char *tph_shim_prepare_plainly(struct tph_shim_plan *plan, int *ret_token, char found[PATH_MAX]);

/* In the program: what the shim reads. cgroup may be NULL. */
void tph_sandbox_write_wire(const struct tph_sandbox_spec *spec, const struct tph_cgroup *cgroup,
                            const struct tph_ids *ids, struct tph_buf *wire);
const struct tph_ids *tph_sandbox_ids(const struct tph_sandbox *sandbox);
const struct tph_cgroup *tph_sandbox_cgroup(const struct tph_sandbox *sandbox);

/* In the one that enters: does its work and does not come back. Called by tph_sandbox_shim_main. */
void tph_sandbox_exec_main(int argc, char **argv);
