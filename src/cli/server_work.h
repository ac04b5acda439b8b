/* SPDX-License-Identifier: Apache-2.0 */
/* What `server` does beside serving: the controller, the agent and the sidecars, over the same store. */
#pragma once

#include <stdbool.h>

#include "apiserver/api.h"
#include "base/metrics.h"
#include "controller/controller.h"
#include "podrt/podrt.h"

struct tph_server_work;

struct tph_server_work_options {
    struct tph_store *store;
    struct tph_metrics *metrics; /* borrowed; NULL: nothing is counted */
    struct tph_health *health;   /* borrowed; NULL: nobody asks */
    const char *images_file;     /* NULL: the configured maps */
    const char *logs_dir;        /* borrowed; NULL: only the last lines, in memory */
    const char *network;         /* --network; NULL: isolated where this machine can do that, else host */
    bool unsafe_plain;
    bool executor_plugins;                     /* or ARGO_EXECUTOR_PLUGINS in the environment */
    bool own_executor_plugins;                 /* or ARGO_WORKFLOW_LEVEL_EXECUTOR_PLUGINS */
    const struct tph_agent_accounts *accounts; /* outlives it; NULL: sidecars have none */
    const struct tph_settings *settings;       /* of the start; copied. NULL: none */
    /* The settings that count now; called at each change of the ConfigMap that lies over them. NULL: nobody asks. */
    void (*configured)(void *owner, const struct tph_settings *settings);
    void *owner;
};

int tph_server_work_new(struct tph_loop *loop, const struct tph_server_work_options *options,
                        struct tph_server_work **ret_work, struct tph_error *err) TPH_MUST_CHECK;
/* Begins with what the store has. */
int tph_server_work_start(struct tph_server_work *work, struct tph_error *err) TPH_MUST_CHECK;
/* Nothing new begins; sidecars end; done is called once. Workflows stay as they are. */
void tph_server_work_stop(struct tph_server_work *work, int64_t grace_ms, void (*done)(void *owner), void *owner);
void tph_server_work_free(struct tph_server_work *work); /* before the store */
TPH_DEFINE_CLEANUP(struct tph_server_work, tph_server_work_free);

/* What of it the API serves as Pods. */
const struct tph_api_pods *tph_server_work_pods(struct tph_server_work *work);
struct tph_controller *tph_server_work_controller(struct tph_server_work *work);
