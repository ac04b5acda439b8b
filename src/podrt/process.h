/* SPDX-License-Identifier: Apache-2.0 */
/* Pods as sandboxed processes of this machine.
 *
 * What a container sees: docs/sandbox.md; what its image means: docs/images.md. On the host's network a declared port
 * is checked before the start and held by one pod at a time. Loop thread only.
 */
#pragma once

#include "base/error.h"
#include "loop/loop.h"
#include "podrt/podrt.h"

struct tph_process_options {
    const char *images_file; /* in place of the configured image maps; NULL: those */
    /* No sandbox, for development on a machine that lets an ordinary user make none: what such a pod cannot have is an
     * error that names the field, what it does not keep apart one warning. Not as root. */
    bool unsafe_plain;
};

/* Sees to it now that pods of this runtime can have TPH_NETWORK_ISOLATED, or says why not and what to do. */
int tph_process_open_uplink(struct tph_podrt *rt, struct tph_error *err) TPH_MUST_CHECK;

/* What that changed on this machine until the runtime is freed; NULL: nothing. */
const char *tph_process_uplink_changes(const struct tph_podrt *rt);

/* options may be NULL. Freed with tph_podrt_free, before the loop. */
int tph_podrt_process_new(struct tph_loop *loop, const struct tph_process_options *options, struct tph_podrt **ret_rt,
                          struct tph_error *err) TPH_MUST_CHECK;
