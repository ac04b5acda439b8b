/* SPDX-License-Identifier: Apache-2.0 */
/* How long a sidecar stays: warm while a workflow that used it lives and for some time after that; until its tasks are
 * through when its definition changed; and nothing of it is kept when its pod has gone.
 *
 * With the host's network two sidecars cannot have one port: who comes waits until the one that leaves is gone, and one
 * that nobody needs any more goes at once. Nothing is freed but from the loop itself, so that whoever works with a
 * sidecar may go on with it until its function ends. */
#include "agent/agent_internal.h"

static void idle_is_over(void *owner);

static bool is_needed(const struct sidecar *s)
{
    return s->n_tasks > 0 || s->n_cancels > 0 || (s->users > 0 && !s->leaving);
}

/* Its pod is gone, or it never had one: who waited for its port may start. */
static void reap(void *owner)
{
    struct sidecar *s = owner;
    struct tph_agent *agent = s->agent;
    struct sidecar **at = &agent->sidecars;
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    tph_http_client_forget(agent->http, s);
    tph_sidecar_free(s);
    for (struct sidecar *other = agent->sidecars; other; other = other->next) {
        tph_sidecar_start_waiting(other);
    }
}

/* In a turn of its own: nobody needed it when that was asked for. */
static void settle(void *owner)
{
    struct sidecar *s = owner;
    struct tph_agent *agent = s->agent;
    s->settling = false;
    if (is_needed(s) || s->stop_sent || agent->stopping) {
        return;
    }
    if (!s->pod) {
        reap(s);
    } else if (s->leaving || s->state == SIDECAR_FAILED) {
        s->leaving = true;
        s->stop_sent = true;
        tph_sidecar_stop(s, s->plugin->container.termination_grace_ms);
        tph_agent_say(agent, TPH_AGENT_SIDECAR, s->plugin, "stopping: not needed any more");
    } else {
        s->idle = s->idle ? s->idle : tph_timer_new(agent->loop, idle_is_over, s);
        tph_timer_start(s->idle, agent->options.idle_ms);
    }
}

static void check(struct sidecar *s)
{
    if (!is_needed(s) && !s->settling) {
        s->settling = true;
        tph_defer(s->agent->loop, settle, s);
    }
}

static void idle_is_over(void *owner)
{
    struct sidecar *s = owner;
    s->leaving = s->leaving || !is_needed(s);
    check(s);
}

void tph_sidecar_use(struct sidecar *s)
{
    s->users++;
    if (s->idle) {
        tph_timer_stop(s->idle);
    }
}

void tph_sidecar_unuse(struct sidecar *s)
{
    s->users--;
    check(s);
}

void tph_sidecar_assign(struct task *task, struct sidecar *s)
{
    struct sidecar *old = task->sidecar;
    task->sidecar = s;
    if (s) {
        s->n_tasks++;
    }
    if (old) {
        old->n_tasks--;
        check(old);
    }
}

void tph_sidecar_cancel_begins(struct sidecar *s)
{
    s->n_cancels++;
}

void tph_sidecar_cancel_ended(struct sidecar *s)
{
    s->n_cancels--;
    check(s);
}

void tph_sidecar_gone(struct sidecar *s)
{
    if (s->stop_sent) {
        tph_defer(s->agent->loop, reap, s);
    }
}

static bool share_a_port(const struct tph_container *a, const struct tph_container *b)
{
    for (size_t i = 0; i < a->n_ports; i++) {
        for (size_t j = 0; j < b->n_ports; j++) {
            if (a->ports[i].port == b->ports[j].port) {
                return true;
            }
        }
    }
    return false;
}

bool tph_sidecar_must_wait(struct sidecar *s)
{
    struct tph_agent *agent = s->agent;
    const char *note;
    bool wait = false;
    if (tph_sidecar_network(s, &note) != TPH_NETWORK_HOST) {
        return false;
    }
    for (struct sidecar *o = agent->sidecars; o; o = o->next) {
        if (o == s || !o->pod || tph_sidecar_network(o, &note) != TPH_NETWORK_HOST ||
            !share_a_port(&o->plugin->container, &s->plugin->container)) {
            continue;
        }
        o->leaving = o->leaving || !is_needed(o);
        check(o);
        wait = wait || o->leaving;
    }
    return wait;
}

/* Tasks that the old one has not heard of go to its successor. */
static void move_tasks(struct sidecar *s)
{
    struct task *next;
    for (struct task *task = s->queue_first; task; task = next) {
        next = task->next;
        if (task->sent == 0 && !task->settled) {
            tph_sidecar_unqueue(s, task);
            tph_agent_route_again(task);
        }
    }
}

void tph_agent_replace(struct tph_agent *agent, const struct tph_plugin *old, struct tph_plugin *plugin)
{
    struct tph_plugin *kept = tph_plugin_ref(plugin); /* old and plugin may be one, held by what lets go of it here */
    for (struct tph_agent_workflow *w = agent->workflows; w; w = w->next) {
        for (size_t i = 0; i < w->n_views; i++) {
            struct view *v = &w->views[i];
            if (v->plugin != old) {
                continue;
            }
            v->plugin = tph_plugin_ref(plugin);
            v->execute_missing = v->cancel_missing = false;
            if (v->sidecar) {
                tph_sidecar_unuse(v->sidecar);
                v->sidecar = NULL;
            }
            tph_plugin_unref((struct tph_plugin *)(uintptr_t)old);
        }
    }
    for (struct sidecar *s = agent->sidecars; s; s = s->next) {
        if (s->plugin == old && !s->leaving) {
            s->leaving = true;
            move_tasks(s);
            check(s);
        }
    }
    tph_plugin_unref(kept);
}
