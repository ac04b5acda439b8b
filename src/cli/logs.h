/* SPDX-License-Identifier: Apache-2.0 */
/* What the sidecars of a workflow say (on a cluster its pods, too), on standard output.
 *
 * The pod is the workflow's agent pod by Argo's name, WORKFLOW-1340600742-agent, which our server understands as the
 * sidecars of the namespace; of its containers those whose plugins the workflow names, else all. Following, pods that
 * come later are found by a watch. Lines of several containers are told apart by "NAME | ", as `run --log` does; as
 * argo always by "POD: ".
 */
#pragma once

#include "cli/remote.h"

struct tph_log_ask {
    const char *workflow;
    const char *pod;               /* this one only; NULL: all of the workflow */
    const char *container;         /* NULL: see above */
    const struct tph_json *object; /* the workflow, if it is there: for its plugins' names. Used while it begins */
    bool follow, previous, timestamps, prefix;
    int64_t since_ms; /* 0: all */
    const char *since_time, *tail;
};

struct tph_log_follow;

/* Begins. Texts of ask are borrowed until it is freed, its object is not. */
struct tph_log_follow *tph_log_follow_new(struct tph_remote *remote, const struct tph_log_ask *ask) TPH_MUST_CHECK;
/* Runs the loop until all has been read; following, until nothing more came for TPH_LIMIT_LOG_DRAIN_MS. NULL is fine.
 * -1: there was nothing to read, and err says why. */
int tph_log_follow_drain(struct tph_log_follow *logs, struct tph_error *err);
void tph_log_follow_free(struct tph_log_follow *logs);
