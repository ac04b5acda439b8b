/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/better/runs.jsonl: what becomes of workflows where ours computes otherwise than Argo, with the switch
 * that turns it off and without. in: {compat, workflow, events: [{at (seconds), ms, node, reply} or {at, ms, stop}]};
 * out: {phase, message, progress, outputs, nodes: {name: "Phase message"}, started: {name: the task's body},
 * cancelled}. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run.h"
#include "golden.h"

enum { START_S = 1795514400, MOST_TIMERS = 100 };

struct world {
    struct golden_case *c;
    struct tph_run *run;
    struct tph_json *started, *cancelled;
    int64_t now_ms, wait_ms;
};

static void apply(struct world *w, const struct tph_event *event)
{
    struct tph_json_doc *doc = w->c->doc;
    struct tph_actions actions;
    tph_run_apply(w->run, event, w->now_ms, &actions);
    for (size_t i = 0; i < actions.n; i++) {
        const struct tph_action *action = &actions.list[i];
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *task = NULL;
        if (action->kind == TPH_ACTION_WAIT_UNTIL) {
            w->wait_ms = action->time_ms;
        } else if (action->kind == TPH_ACTION_CANCEL_TASK) {
            tph_json_append(doc, w->cancelled, tph_json_new_str(doc, action->node->name));
        } else if (action->kind == TPH_ACTION_START_TASK && tph_json_parse(action->template_json, &task, NULL) == 0) {
            const struct tph_json *body = tph_json_getn(tph_json_get(tph_json_root(task), "plugin"), action->key);
            tph_json_setn(doc, w->started, action->node->name, tph_json_copy(doc, body));
        }
    }
}

static void pass_time(struct world *w, int64_t until_ms)
{
    for (int i = 0; i < MOST_TIMERS && w->wait_ms != 0 && w->wait_ms <= until_ms; i++) {
        w->now_ms = w->wait_ms > w->now_ms ? w->wait_ms : w->now_ms;
        w->wait_ms = 0;
        apply(w, &(struct tph_event){.kind = TPH_EVENT_TIMER});
    }
    w->now_ms = until_ms;
}

static struct tph_str id_of(const struct world *w, struct tph_str name)
{
    for (size_t i = 0; i < tph_run_n_nodes(w->run); i++) {
        if (tph_str_eq(tph_run_node_at(w->run, i)->name, name)) {
            return tph_run_node_at(w->run, i)->id;
        }
    }
    return TPH_STR_NONE;
}

static void happen(struct world *w, const struct tph_json *line)
{
    const struct tph_json *reply = tph_json_get(line, "reply");
    int64_t at_s = 0;
    if (tph_json_to_i64(tph_json_get(line, "at"), &at_s) < 0) {
        w->c->skip = "an event without its time";
    }
    int64_t ms = 0;
    if (tph_json_get(line, "ms") && tph_json_to_i64(tph_json_get(line, "ms"), &ms) < 0) {
        w->c->skip = "an event with a broken time";
    }
    pass_time(w, (START_S + at_s) * 1000 + ms);
    struct tph_task_result result = {.phase = tph_json_get_str(reply, "phase"),
                                     .message = tph_json_get_str(reply, "message"),
                                     .progress = tph_json_get_str(reply, "progress"),
                                     .outputs = tph_json_get(reply, "outputs")};
    if (reply) {
        apply(w, &(struct tph_event){
                     .kind = TPH_EVENT_REPLY, .node_id = id_of(w, tph_json_get_str(line, "node")), .result = &result});
    } else if (tph_json_bool(tph_json_get(line, "stop"))) {
        apply(w, &(struct tph_event){.kind = TPH_EVENT_STOP});
    }
}

/* Only what the expectation speaks of. */
static void tell(struct world *w)
{
    struct golden_case *c = w->c;
    struct tph_json *got = golden_object(c);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_json *status = tph_json_get(tph_run_object(w->run, doc), "status");
    struct tph_json *nodes = tph_json_new_object(c->doc);
    for (size_t i = 0; i < tph_run_n_nodes(w->run); i++) {
        const struct tph_node *node = tph_run_node_at(w->run, i);
        TPH_CLEANUP(tph_freep)
        char *text = tph_format("%s%s%.*s", tph_node_phase_name(node->phase), node->message.len > 0 ? " " : "",
                                TPH_FMT(node->message));
        if (tph_json_getn(tph_json_get(c->expected, "nodes"), node->name)) {
            tph_json_setn(c->doc, nodes, node->name, tph_json_new_cstr(c->doc, text));
        }
    }
    struct tph_json_iter it = tph_json_iter(c->expected);
    while (tph_json_next(&it)) {
        struct tph_json *value = tph_str_eqz(it.key, "nodes")     ? nodes
                                 : tph_str_eqz(it.key, "started") ? w->started
                                 : tph_str_eqz(it.key, "cancelled")
                                     ? w->cancelled
                                     : tph_json_copy(c->doc, tph_json_getn(status, it.key));
        tph_json_setn(c->doc, got, it.key, value);
    }
}

void golden_better_runs(struct golden_case *c)
{
    struct world w = {.c = c,
                      .now_ms = (int64_t)START_S * 1000,
                      .started = tph_json_new_object(c->doc),
                      .cancelled = tph_json_new_array(c->doc)};
    struct tph_run_options options = {.compat = 0};
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_compat_parse(golden_in(c, "compat"), &options.compat, &err) < 0 ||
        tph_run_new(tph_json_get(c->in, "workflow"), &options, &w.run, NULL, &err) < 0) {
        (void)golden_object(c);
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    apply(&w, &(struct tph_event){.kind = TPH_EVENT_START});
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "events"));
    while (tph_json_next(&it)) {
        happen(&w, it.value);
    }
    pass_time(&w, w.now_ms + INT64_C(3600000));
    tell(&w);
    tph_run_free(w.run);
}
