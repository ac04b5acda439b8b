/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at workflows of a server until they are over.
 *
 * On a terminal a live tree, as `run` has it; else a line for each thing that happens; or nothing. A server that goes
 * away is waited for (TPH_LIMIT_FOLLOW_LOST_MS), and said so. A signal ends the looking and nothing else. What is left
 * at the end, a report or a line, goes to standard output.
 */
#pragma once

#include "cli/logs.h"

enum tph_follow_mode {
    TPH_FOLLOW_QUIET, /* a line at the end */
    TPH_FOLLOW_LINES, /* a line for each change of a node, too */
    TPH_FOLLOW_LIVE,
};

struct tph_follow_options {
    enum tph_follow_mode mode;
    bool no_end;                   /* nothing of the end on standard output */
    bool any_result;               /* how they end says nothing about the exit code */
    const struct tph_log_ask *log; /* what their sidecars say, too; NULL: no. Its workflow and object are not used */
};

/* TPH_FOLLOW_LIVE where a person looks. */
enum tph_follow_mode tph_follow_mode_of(const struct tph_cli *cli);

/* Workflows of remote's namespace. Returns the exit code: 0 all Succeeded, 1 one did not, was deleted, or nobody knows
 * what became of it (which was told); 128 + signal. */
int tph_follow(struct tph_remote *remote, const char *const *names, size_t n, const struct tph_follow_options *options)
    TPH_MUST_CHECK;
