/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow that a controller carries on, as a screen looks at it. Borrowed from the controller. */
#pragma once

#include "agent/agent.h"
#include "engine/run.h"

struct tph_shown {
    struct tph_run *run;              /* NULL: it was refused */
    struct tph_agent_workflow *tasks; /* the agent's side; NULL until it begins */
    struct tph_str ns, name;
    void *user; /* the observer's */
};
