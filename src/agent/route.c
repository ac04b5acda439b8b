/* SPDX-License-Identifier: Apache-2.0 */
/* Which plugin is asked: the key's own first, then the others in their fixed order; who took a key keeps it. */
#include <string.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"

static int index_of(const struct tph_agent_workflow *w, const struct view *v)
{
    return (int)(v - w->views);
}

int tph_agent_namesake(const struct tph_agent_workflow *w, struct tph_str key)
{
    for (size_t i = 0; i < w->n_views; i++) {
        if (tph_str_eq(w->views[i].plugin->name, key)) {
            return (int)i;
        }
    }
    return -1;
}

/* The n-th to be asked: the namesake, then all others as they stand. -1 = nobody is left. */
static int candidate(const struct tph_agent_workflow *w, int own, size_t n)
{
    if (own < 0) {
        return n < w->n_views ? (int)n : -1;
    }
    if (n == 0) {
        return own;
    }
    size_t other = n - 1 < (size_t)own ? n - 1 : n;
    return other < w->n_views ? (int)other : -1;
}

void tph_agent_route(struct task *task)
{
    struct tph_agent_workflow *w = task->workflow;
    const struct view *taker = tph_map_get(&w->takers, task->key);
    if (task->told && !task->settled) {
        tph_agent_told(task, false); /* who had it is not here any more, and others have not heard of it */
        return;
    }
    int own = tph_agent_namesake(w, task->key);
    int chosen = -1;
    if (taker && !task->asked && !taker->execute_missing) {
        chosen = index_of(w, taker);
        task->owner = true;
    }
    while (chosen < 0) {
        chosen = candidate(w, own, task->asked);
        if (chosen < 0) {
            tph_agent_fail(task, "no plugin executed the template");
            return;
        }
        task->asked++;
        task->owner = chosen == own || (taker && index_of(w, taker) == chosen);
        if (w->views[chosen].execute_missing) {
            chosen = -1;
        }
    }
    struct view *v = &w->views[chosen];
    task->plugin = chosen;
    task->tries = 0;
    task->sent = 0;
    v->asked = true;
    if (!v->sidecar) {
        v->sidecar = tph_sidecar_get(w->agent, tph_str(w->ns), v->plugin);
        tph_sidecar_use(v->sidecar);
    }
    tph_sidecar_assign(task, v->sidecar);
    tph_sidecar_enqueue(task->sidecar, task);
}

void tph_agent_declined(struct task *task, const char *said)
{
    struct view *v = tph_agent_view(task);
    free(v->said);
    v->said = tph_strdup(said);
    if (task->settled) {
        /* It had the task before and now says that it is not its own: nobody else can go on with it. */
        tph_agent_fail(task, "no plugin executed the template");
        return;
    }
    if (tph_map_get(&task->workflow->takers, task->key) == v) {
        (void)tph_map_remove(&task->workflow->takers, task->key);
    }
    task->plugin = -1;
    tph_agent_route(task);
}

void tph_agent_took(struct task *task)
{
    struct tph_agent_workflow *w = task->workflow;
    struct view *v = tph_agent_view(task);
    task->settled = true;
    task->owner = true;
    if (!tph_map_get(&w->takers, task->key)) {
        (void)tph_map_set(&w->takers, tph_arena_str(w->names, task->key), v);
    }
}
