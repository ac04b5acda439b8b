/* SPDX-License-Identifier: Apache-2.0 */
/* The controller of `run`: workflows, engine and agent in one process, nothing stored.
 *
 * Carries the engine's actions to the agent and the agent's results to the engine; one timer a workflow for what
 * the engine waits for. Workflows run side by side. It owns the runs; loop and agent are the caller's. What happens
 * is told to one observer, on the loop thread, never from inside a call. Loop thread only.
 */
#pragma once

#include <stdint.h>

#include "agent/agent.h"
#include "controller/shown.h"
#include "base/error.h"
#include "engine/locks.h"
#include "engine/run.h"
#include "loop/loop.h"

/* How long the timer of a workflow runs that waits until time_ms of the wall clock: that may be set meanwhile, and the
 * machine may sleep, which the loop's clock does not see, so it is looked at now and then. */
int64_t tph_local_look_ms(int64_t time_ms, int64_t now_ms);

struct tph_local;
struct tph_local_workflow;

struct tph_local_observer {
    /* A node was made or changed. */
    void (*node)(void *owner, struct tph_local_workflow *workflow, const struct tph_node *node);
    /* Phase, message or outputs of the workflow changed; after the last one it is final. */
    void (*workflow)(void *owner, struct tph_local_workflow *workflow);
    /* What the agent says that is no result: see enum tph_agent_event_kind. */
    void (*agent)(void *owner, const struct tph_agent_event *event);
    /* Every workflow is final. */
    void (*finished)(void *owner);
    void *owner;
};

/* locks: which the runs were made with, and which outlive it; NULL: each has its own. */
struct tph_local *tph_local_new(struct tph_loop *loop, struct tph_locks *locks,
                                const struct tph_local_observer *observer) TPH_MUST_CHECK;
void tph_local_free(struct tph_local *local); /* before the agent: ends its workflows */
TPH_DEFINE_CLEANUP(struct tph_local, tph_local_free);

/* The agent gives its events here. */
void tph_local_agent_event(void *local, const struct tph_agent_event *event);

/* Adds a workflow; takes over run. plugins: those it sees, in the order of asking; references are taken by the
 * agent. user is the caller's. It does not begin before tph_local_start. */
struct tph_local_workflow *tph_local_add(struct tph_local *local, struct tph_run *run,
                                         struct tph_plugin *const *plugins, size_t n_plugins, void *user);

/* Begins all of them in the next turn of the loop. */
void tph_local_start(struct tph_local *local, struct tph_agent *agent);

/* Stops (exit handlers run) or terminates every workflow that is not final. */
void tph_local_stop(struct tph_local *local, enum tph_event_kind how);

const struct tph_shown *tph_local_shown(const struct tph_local_workflow *workflow);
struct tph_run *tph_local_run(const struct tph_local_workflow *workflow);
void *tph_local_user(const struct tph_local_workflow *workflow);
struct tph_agent_workflow *tph_local_agent_workflow(const struct tph_local_workflow *workflow);
size_t tph_local_n_workflows(const struct tph_local *local);
struct tph_local_workflow *tph_local_workflow_at(const struct tph_local *local, size_t index);
