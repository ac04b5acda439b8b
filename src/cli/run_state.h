/* SPDX-License-Identifier: Apache-2.0 */
/* `run --state FILE`: workflows live in a store, so that a run which was interrupted, in whatever way, goes on where it
 * was when the same command is given again.
 *
 * What is the same is known by a digest of each manifest as it was given, with what the command line puts into it. The
 * store has for each the name of its workflow (resource tiphys.runs); one whose end was not told yet is told, and not
 * run again. Workflows are carried on by controller/controller.h; plugins and other objects are those of the command
 * line.
 */
#pragma once

#include "cli/run_prepare.h"
#include "controller/controller.h"

struct tph_run_state;

struct tph_run_state_options {
    const char *path;
    struct tph_run_input *input;             /* borrowed, as the next; workflows get the names of those that go on */
    struct tph_prepared *prepared;           /* one for each of input; their runs are not used */
    const struct tph_texts *digests;         /* one for each of input: tph_run_state_digest */
    struct tph_controller_observer observer; /* node, agent; ended and begun go through here */
    void (*begun)(void *owner, size_t index, const struct tph_shown *workflow);
    void (*finished)(void *owner); /* all of them; owner as the observer's */
};

/* Of a manifest before anything is filled in; "more" tells equal ones apart. The arena's. */
const char *tph_run_state_digest(const struct tph_json *manifest, const struct tph_run_overrides *overrides,
                                 size_t more, struct tph_arena *arena);

/* Opens the store, finds out what goes on, and writes what is new. Errors: those of the store; CONFLICT, another
 * workflow of that name is under way in it. Runs the loop. */
int tph_run_state_open(struct tph_loop *loop, const struct tph_run_state_options *options,
                       struct tph_run_state **ret_state, struct tph_error *err) TPH_MUST_CHECK;
void tph_run_state_free(struct tph_run_state *state); /* before the agent and the loop */
TPH_DEFINE_CLEANUP(struct tph_run_state, tph_run_state_free);

/* For the agent's options. */
struct tph_controller *tph_run_state_controller(struct tph_run_state *state);
int tph_run_state_start(struct tph_run_state *state, struct tph_agent *agent, struct tph_error *err) TPH_MUST_CHECK;

/* NULL: it has not begun. */
const struct tph_shown *tph_run_state_shown(const struct tph_run_state *state, size_t index);
bool tph_run_state_goes_on(const struct tph_run_state *state, size_t index); /* it is not new */

/* The ends were told: the same command begins anew. Runs the loop. */
void tph_run_state_told(struct tph_run_state *state);
