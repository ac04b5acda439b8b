/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller knows of CronWorkflows; of cron.c only. */
#pragma once

#include "base/map.h"
#include "loop/loop.h"
#include "store/store.h"

/* One of its workflows that is over. */
struct child {
    char *name; /* owned */
    int64_t ended_ms;
    bool good;
};

struct cron {
    struct crons *crons;
    char *key; /* owned: "NAMESPACE/NAME"; ns and name point into it */
    struct tph_str ns, name;
    struct tph_timer *timer; /* until it is due */
    int64_t after_s;         /* times after it count; -1: nothing is known yet */
    int64_t fired_s;         /* of the workflow in the write under way; 0 = none */
    struct child *children;  /* owned */
    size_t n_children, children_capacity;
    bool asked; /* it will be looked at in the next turn */
    bool writing;
    struct tph_buf problem; /* of its stopStrategy */
};

struct crons {
    struct tph_controller *controller;
    struct tph_map by_key; /* -> struct cron, owned */
    struct tph_store_watch *watch;
};
