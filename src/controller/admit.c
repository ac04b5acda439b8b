/* SPDX-License-Identifier: Apache-2.0 */
/* How many workflows run at a time: of all, and of a namespace. Who waits is Pending, with Argo's message; who comes
 * next is by priority, then by age. Those that had begun before a restart go on whatever the limit is. */
#include <string.h>

#include "base/alloc.h"
#include "controller/controller_internal.h"
#include "data/time.h"

#define POSTPONED "Workflow processing has been postponed because too many workflows are already running"

/* Workflows of a namespace that run. */
struct crowd {
    size_t n;
    char ns[];
};

static struct crowd *crowd_of(struct tph_controller *c, struct tph_str ns)
{
    struct crowd *crowd = tph_map_get(&c->crowds, ns);
    if (!crowd) {
        crowd = tph_calloc(1, sizeof(*crowd) + ns.len + 1);
        memcpy(crowd->ns, ns.p, ns.len);
        (void)tph_map_set(&c->crowds, tph_str(crowd->ns), crowd);
    }
    return crowd;
}

void tph_admit_free(struct tph_controller *c)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&c->crowds, &at, &key, &value)) {
        free(value);
    }
    tph_map_release(&c->crowds);
}

static size_t running_of(const struct tph_controller *c, struct tph_str ns)
{
    const struct crowd *crowd = tph_map_get(&c->crowds, ns);
    return crowd ? crowd->n : 0;
}

static bool has_room(const struct tph_controller *c, struct tph_str ns)
{
    const struct tph_settings *o = &c->settings;
    return (o->parallelism == 0 || c->n_admitted < o->parallelism) &&
           (o->ns_parallelism == 0 || running_of(c, ns) < o->ns_parallelism);
}

/* Pending in the store: so a person sees why nothing happens. */
static void postpone(struct carried *w, const struct tph_json *workflow)
{
    const struct tph_json *status = tph_json_get(workflow, "status");
    if (tph_str_eqz(tph_json_get_str(status, "message"), POSTPONED)) {
        return;
    }
    struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *object = tph_json_copy(doc, workflow);
    struct tph_json *now = tph_json_get(object, "status");
    struct tph_json *meta = tph_json_get(object, "metadata");
    struct tph_json *labels = tph_json_get(meta, "labels");
    if (!now) {
        now = tph_json_new_object(doc);
        tph_json_set(doc, object, "status", now);
    }
    if (!labels) {
        labels = tph_json_new_object(doc);
        tph_json_set(doc, meta, "labels", labels);
    }
    tph_json_set_cstr(doc, labels, "workflows.argoproj.io/phase", "Pending");
    tph_json_set_cstr(doc, labels, "workflows.argoproj.io/completed", "false");
    tph_json_set_cstr(doc, now, "phase", "Pending");
    tph_json_set_cstr(doc, now, "message", POSTPONED);
    tph_json_set(doc, now, "startedAt", tph_json_new_null(doc));
    tph_json_set(doc, now, "finishedAt", tph_json_new_null(doc));
    tph_json_set_root(doc, object);
    tph_json_doc_free(w->refusal);
    w->refusal = doc;
    tph_measure_phase(w->controller, w->shown.ns, TPH_STR("Pending"));
    w->base_dirty = true;
    tph_carried_flush(w);
}

bool tph_admit(struct carried *w, const struct tph_json *workflow)
{
    struct tph_controller *c = w->controller;
    struct tph_str phase = tph_json_get_str(tph_json_get(workflow, "status"), "phase");
    struct tph_str shutdown = tph_json_str(tph_json_path(workflow, "spec", "shutdown", NULL));
    bool begun = (phase.len > 0 && !tph_str_eqz(phase, "Pending")) || tph_str_eqz(shutdown, "Terminate");
    if (w->admitted || begun || has_room(c, w->shown.ns)) {
        c->n_admitted += w->admitted ? 0 : 1;
        crowd_of(c, w->shown.ns)->n += w->admitted ? 0 : 1;
        w->admitted = true;
        return true;
    }
    w->state = CARRIED_WAITING;
    w->priority = 0;
    (void)!tph_json_to_i64(tph_json_path(workflow, "spec", "priority", NULL), &w->priority);
    if (tph_time_parse(tph_json_get_str(tph_json_get(workflow, "metadata"), "creationTimestamp"), &w->created_ms,
                       NULL) < 0) {
        w->created_ms = 0;
    }
    postpone(w, workflow);
    return false;
}

static bool is_before(const struct carried *a, const struct carried *b)
{
    if (a->priority != b->priority) {
        return a->priority > b->priority;
    }
    return a->created_ms != b->created_ms ? a->created_ms < b->created_ms : strcmp(a->key, b->key) < 0;
}

/* Whoever is next and has room begins, one after the other. */
static void admit_next(void *owner)
{
    struct tph_controller *c = owner;
    struct carried *best = NULL;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    c->admitting = false;
    while (!c->stopping && tph_map_next(&c->by_key, &at, &key, &value)) {
        struct carried *w = value;
        if (w->state == CARRIED_WAITING && !w->writing && has_room(c, w->shown.ns) && (!best || is_before(w, best))) {
            best = w;
        }
    }
    if (best) {
        tph_carried_reload(best);
        tph_admit_anew(c);
    }
}

void tph_admit_anew(struct tph_controller *c)
{
    if (!c->admitting) {
        c->admitting = true;
        tph_defer(c->loop, admit_next, c);
    }
}

void tph_admit_others(struct tph_controller *c)
{
    if (c->settings.parallelism > 0 || c->settings.ns_parallelism > 0) {
        tph_admit_anew(c);
    }
}

void tph_admit_left(struct carried *w)
{
    if (w->admitted) {
        w->admitted = false;
        w->controller->n_admitted--;
        crowd_of(w->controller, w->shown.ns)->n--;
        tph_admit_others(w->controller);
    }
}
