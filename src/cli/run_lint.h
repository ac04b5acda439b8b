/* SPDX-License-Identifier: Apache-2.0 */
/* `run` lints first: what lint tells of a workflow, told before anything begins, in the same words. */
#pragma once

#include "cli/run_input.h"

/* Checks a workflow that has its name and its parameters. Warnings, and all errors but the last, are printed; that one
 * is in err. An error that is in err already is printed before. Returns -1 when there is an error. */
int tph_run_lint(const struct tph_run_input *input, const struct tph_run_workflow *workflow, struct tph_error *err)
    TPH_MUST_CHECK;
