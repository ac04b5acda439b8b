/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of steps, tasks and cron workflows (`when`): the language of the govaluate library, as Argo uses it.
 *
 * The text has had its tags replaced. Words without quotes are texts (foo == foo), a text that is a date is a number of
 * seconds, numbers are doubles, == compares types too. Operators, loosest first: , then ? : ?? then || then && then
 * == != < > <= >= =~ !~ in, then & | ^, << >>, + -, * / %, **, and the prefixes - ! ~. All of them bind to the left.
 * Pure. Ceilings: TPH_LIMIT_WHEN (bytes), _TOKENS, _DEPTH (parentheses in each other).
 * Source: argo 2.5 and 8; reference data when.jsonl.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Whether the step is run: the value of the condition, true for an empty text. Returns 0, or -1 with Argo's words
 * appended to problem. */
int tph_when_decide(struct tph_str when, bool *ret_run, struct tph_buf *problem) TPH_MUST_CHECK;
