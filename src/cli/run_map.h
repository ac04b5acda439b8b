/* SPDX-License-Identifier: Apache-2.0 */
/* `run --map container=PLUGIN`: there are no pods here, so a plugin gets what a pod would have run. */
#pragma once

#include "cli/run_input.h"

/* Makes plugin templates of the container or script templates of every workflow and workflow template, inline ones too:
 * the plugin gets image, command, args and source as they stand there; podResources and resourceClaims go. maps:
 * "container=PLUGIN", "script=PLUGIN". Anything else is an error of usage. */
int tph_run_map(struct tph_run_input *input, const struct tph_texts *maps, struct tph_error *err) TPH_MUST_CHECK;
