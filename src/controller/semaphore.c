/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of a semaphore stands in a ConfigMap: when one changes, who waits for it asks once more. */
#include "base/alloc.h"
#include "base/log.h"
#include "controller/follow.h"

struct semaphores {
    struct tph_controller *controller;
    struct tph_store_watch *watch;
};

static int follow(struct semaphores *it, struct tph_error *err);

static void changed(struct semaphores *it, struct tph_str ns, struct tph_str name)
{
    TPH_CLEANUP(tph_freep) char *prefix = tph_format("%.*s/ConfigMap/%.*s/", TPH_FMT(ns), TPH_FMT(name));
    tph_locks_limits_changed(it->controller->locks, tph_str(prefix));
}

static void woken(void *owner)
{
    struct semaphores *it = owner;
    struct tph_store_event event;
    struct tph_error err = TPH_ERROR_INIT;
    int r = 0;
    while ((r = tph_store_watch_next(it->watch, &event, &err)) == 0) {
        changed(it, event.key.ns, event.key.name);
    }
    if (r != TPH_STORE_NONE) {
        tph_store_watch_close(TPH_TAKE(it->watch));
        tph_locks_limits_changed(it->controller->locks, TPH_STR(""));
        if (follow(it, &err) < 0) {
            tph_log(TPH_LOG_ERROR, "limits of semaphores are not followed any more", "error", err.text, NULL);
        }
    }
    tph_controller_wake(it->controller);
}

static int follow(struct semaphores *it, struct tph_error *err)
{
    struct tph_store *store = it->controller->store;
    const struct tph_store_key key = {.resource = TPH_STR("configmaps")};
    return tph_store_watch_open(store, &key, tph_store_version(store), woken, it, &it->watch, err) == 0 ? 0 : -1;
}

int tph_semaphores_start(struct tph_controller *c, struct tph_error *err)
{
    c->semaphores = TPH_NEW(struct semaphores);
    c->semaphores->controller = c;
    return follow(c->semaphores, err);
}

void tph_semaphores_free(struct semaphores *it)
{
    if (it) {
        tph_store_watch_close(it->watch);
        free(it);
    }
}
