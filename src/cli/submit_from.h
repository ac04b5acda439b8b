/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows of what a server has: `submit --from KIND/NAME`. */
#pragma once

#include "cli/remote.h"

/* A Workflow that runs that template, or what that CronWorkflow would make; owned by the answer. kinds: cronwf, wftmpl,
 * cwft and their long names. */
int tph_submit_from(struct tph_remote *remote, const char *from, struct tph_remote_answer *ret_answer,
                    struct tph_error *err) TPH_MUST_CHECK;
