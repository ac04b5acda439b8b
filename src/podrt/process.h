/* SPDX-License-Identifier: Apache-2.0 */
/* Pods as sandboxed processes of this machine: docs/plugins.md tells what they see. Loop thread only.
 */
#pragma once

#include "base/error.h"
#include "loop/loop.h"
#include "podrt/podrt.h"

/* Freed with tph_podrt_free, before the loop. */
int tph_podrt_process_new(struct tph_loop *loop, struct tph_podrt **ret_rt, struct tph_error *err) TPH_MUST_CHECK;
