/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/process.h"

int tph_podrt_process_new(struct tph_loop *loop, struct tph_podrt **ret_rt, struct tph_error *err)
{
    (void)loop;
    (void)ret_rt;
    return tph_error_set(err, TPH_ERROR_SYSTEM, "running sidecars as processes is not built yet");
}
