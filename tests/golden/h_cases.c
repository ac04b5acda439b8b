/* SPDX-License-Identifier: Apache-2.0 */
/* Whole workflows: input.yaml, the recorded replies and events on a virtual clock, the final object.
 *
 * The tasks that the engine starts are compared with those that the genuine controller sent; replies go in their
 * recorded batches. What the engine refuses as not supported yet is skipped with its words. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "engine/run.h"
#include "golden.h"

#define CREATED "2026-11-24T10:00:00Z"
enum {
    START_S = 1795514400, /* CREATED */
    STEP_MS = 10,         /* between two events, less than any recorded time */
    MOST_TIMERS = 1000,
};

struct play {
    struct golden_case *c;
    struct tph_run *run;
    int64_t now_ms;
    int64_t wait_ms;                /* of the last WAIT_UNTIL; 0 = none */
    struct tph_json *tasks;         /* node id -> template as first sent */
    const struct tph_json *patched; /* metadata that came from outside; NULL = none */
};

static void apply(struct play *p, const struct tph_event *event)
{
    struct tph_actions actions;
    tph_run_apply(p->run, event, p->now_ms, &actions);
    for (size_t i = 0; i < actions.n; i++) {
        const struct tph_action *a = &actions.list[i];
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (a->kind == TPH_ACTION_WAIT_UNTIL) {
            p->wait_ms = a->time_ms;
        }
        if (a->kind == TPH_ACTION_START_TASK && tph_json_parse(a->template_json, &doc, NULL) == 0 &&
            !tph_json_getn(p->tasks, a->node->id)) {
            tph_json_setn(p->c->doc, p->tasks, a->node->id, tph_json_copy(p->c->doc, tph_json_root(doc)));
        }
    }
}

static void happen(struct play *p, const struct tph_event *event)
{
    p->now_ms += STEP_MS;
    apply(p, event);
}

/* Time goes on to `until_ms`; timers that are due on the way fire. */
static void pass_time(struct play *p, int64_t until_ms)
{
    while (p->wait_ms != 0 && p->wait_ms <= until_ms) {
        p->now_ms = p->wait_ms;
        p->wait_ms = 0;
        apply(p, &(struct tph_event){.kind = TPH_EVENT_TIMER});
    }
    p->now_ms = until_ms > p->now_ms ? until_ms : p->now_ms;
}

/* The Workflow among the documents of input.yaml; anything else there is beyond what the engine takes. */
static int load_workflow(struct play *p, struct tph_json **ret_workflow)
{
    struct tph_yaml_stream stream = {.rest = tph_json_get_str(p->c->row, "input.yaml")};
    struct tph_str text;
    struct tph_json *found = NULL;
    while (stream.rest.p && tph_yaml_next_document(&stream, &text)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_yaml_parse(text, 0, &doc, NULL, NULL) < 0) {
            return -1;
        }
        const struct tph_json *root = tph_json_root(doc);
        if (tph_json_is_null(root)) {
            continue;
        }
        if (found || !tph_str_eqz(tph_json_get_str(root, "kind"), "Workflow")) {
            p->c->skip = "needs several objects";
            return -1;
        }
        found = tph_json_copy(p->c->doc, root);
    }
    if (!found) {
        return -1;
    }
    struct tph_json *meta = tph_json_get(found, "metadata");
    tph_json_set_cstr(p->c->doc, meta, "namespace", "argo");
    tph_json_set_cstr(p->c->doc, meta, "uid", "UID");
    tph_json_set_cstr(p->c->doc, meta, "creationTimestamp", CREATED);
    *ret_workflow = found;
    return 0;
}

static void reply(struct play *p, struct tph_str id, const struct tph_json *node)
{
    struct tph_task_result result = {
        .phase = tph_json_get_str(node, "phase"),
        .message = tph_json_get_str(node, "message"),
        .progress = tph_json_get_str(node, "progress"),
        .outputs = tph_json_get(node, "outputs"),
    };
    happen(p, &(struct tph_event){.kind = TPH_EVENT_REPLY, .node_id = id, .result = &result});
}

/* A merge patch from outside: replies by hand, or metadata that says nothing to the engine. */
static bool patch_event(struct play *p, const struct tph_json *patch)
{
    if (tph_str_eqz(tph_json_get_str(patch, "kind"), "Workflow")) {
        p->patched = tph_json_path(patch, "body", "metadata", NULL);
        happen(p, &(struct tph_event){.kind = TPH_EVENT_TIMER});
        return tph_json_len(tph_json_get(patch, "body")) == 1 && p->patched;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(patch, "body", "status", "nodes", NULL));
    while (tph_json_next(&it)) {
        reply(p, it.key, it.value);
    }
    return true;
}

/* How long the world waited before the event, in milliseconds. */
static int64_t waited_ms(const struct tph_json *line)
{
    const struct tph_json *at = tph_json_get(line, "at");
    const struct tph_json *wait = tph_json_get(at, "wait");
    double seconds = 0;
    return tph_json_to_double(wait ? wait : tph_json_get(at, "time"), &seconds) == 0 ? (int64_t)(seconds * 1000) : 0;
}

/* One line of events.jsonl; false for one that is not played here. */
static bool outside_event(struct play *p, const struct tph_json *line)
{
    const struct tph_json *command = tph_json_get(line, "argo");
    struct tph_str verb = tph_json_str(tph_json_at(command, 0));
    int64_t code = 0;
    pass_time(p, p->now_ms + waited_ms(line));
    if (tph_json_to_i64(tph_json_get(line, "rc"), &code) == 0 && code != 0) {
        return true; /* was refused, and changed nothing */
    }
    bool selects = false;
    struct tph_json_iter it = tph_json_iter(command);
    while (tph_json_next(&it)) {
        selects = selects || tph_str_has_prefix(tph_json_str(it.value), TPH_STR("--node-field-selector"));
    }
    if (tph_str_eqz(verb, "stop") && !selects) {
        happen(p, &(struct tph_event){.kind = TPH_EVENT_STOP});
        return true;
    }
    if (tph_str_eqz(verb, "terminate")) {
        happen(p, &(struct tph_event){.kind = TPH_EVENT_TERMINATE});
        return true;
    }
    if (tph_json_get(line, "patch")) {
        return patch_event(p, tph_json_get(line, "patch"));
    }
    return tph_json_get(line, "delete") || tph_json_get(line, "patch-refused"); /* of the task set: ours is none */
}

/* Lines of a JSON Lines file, parsed into the case's document. */
static struct tph_json *lines_of(struct golden_case *c, const char *name)
{
    struct tph_json *list = tph_json_new_array(c->doc);
    struct tph_str rest = tph_json_get_str(c->row, name);
    struct tph_str line;
    while (tph_str_cut(&rest, '\n', &line)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (line.len > 0 && tph_json_parse(line, &doc, NULL) == 0) {
            tph_json_append(c->doc, list, tph_json_copy(c->doc, tph_json_root(doc)));
        }
    }
    return list;
}

static int64_t number_of(const struct tph_json *line, const char *key)
{
    int64_t value = 0;
    return tph_json_to_i64(tph_json_get(line, key), &value) == 0 ? value : 0;
}

/* Events that happened before the replies of the next batch. */
static bool play_events(struct play *p, struct tph_json_iter *events, bool *more, int64_t batch)
{
    while (*more && number_of(events->value, "afterBatch") <= batch) {
        if (!outside_event(p, events->value)) {
            return false;
        }
        *more = tph_json_next(events);
    }
    return true;
}

static bool play_all(struct play *p)
{
    struct tph_json_iter replies = tph_json_iter(lines_of(p->c, "replies.jsonl"));
    struct tph_json_iter events = tph_json_iter(lines_of(p->c, "events.jsonl"));
    bool more = tph_json_next(&events);
    int64_t batch = 0;
    apply(p, &(struct tph_event){.kind = TPH_EVENT_START});
    while (tph_json_next(&replies)) {
        int64_t next = number_of(replies.value, "batch");
        if (next != batch && !play_events(p, &events, &more, batch)) {
            return false;
        }
        batch = next;
        reply(p, tph_json_get_str(replies.value, "nodeID"), tph_json_get(replies.value, "reply"));
    }
    if (!play_events(p, &events, &more, INT64_MAX)) {
        return false;
    }
    for (int i = 0; i < MOST_TIMERS && p->wait_ms != 0; i++) {
        pass_time(p, p->wait_ms);
    }
    return true;
}

/* A time of the recording's day in RFC 3339, here and in the recording T. */
static struct tph_str time_at(struct tph_str text)
{
    enum { LENGTH = sizeof(CREATED) - 1 };
    static const char shape[] = CREATED;
    if (text.len < LENGTH) {
        return TPH_STR_NONE;
    }
    for (size_t i = 0; i < LENGTH; i++) {
        bool digit = shape[i] >= '0' && shape[i] <= '9';
        if (digit ? text.p[i] < '0' || text.p[i] > '9' : text.p[i] != shape[i]) {
            return TPH_STR_NONE;
        }
    }
    return tph_str_slice(text, 0, LENGTH);
}

static struct tph_json *without_times(struct golden_case *c, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < text.len;) {
        struct tph_str time = time_at(tph_str_slice(text, i, text.len));
        (void)tph_buf_putc(&out, time.p ? 'T' : text.p[i]);
        i += time.p ? time.len : 1;
    }
    return tph_json_new_str(c->doc, tph_buf_str(&out));
}

static void normalise(struct golden_case *c, struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    bool list = tph_json_is(value, TPH_JSON_ARRAY);
    while (tph_json_next(&it)) {
        if (!tph_json_is(it.value, TPH_JSON_STRING)) {
            normalise(c, it.value);
        } else if (!list && tph_str_find_byte(tph_json_str(it.value), 'T') >= 0) {
            tph_json_setn(c->doc, value, it.key, without_times(c, tph_json_str(it.value)));
        }
    }
}

/* Only what expected.json has: some labels and annotations, spec.shutdown, the status. */
static void set_got(const struct play *p)
{
    struct golden_case *c = p->c;
    struct tph_json *object = tph_run_object(p->run, c->doc);
    struct tph_json_iter patched = tph_json_iter(tph_json_get(p->patched, "annotations"));
    while (tph_json_next(&patched)) {
        tph_json_setn(c->doc, tph_json_path(object, "metadata", "annotations", NULL), patched.key,
                      tph_json_copy(c->doc, patched.value));
    }
    struct tph_json *got = golden_object(c);
    struct tph_json *meta = tph_json_new_object(c->doc);
    const struct tph_json *full = tph_json_get(object, "metadata");
    static const char *const kept[] = {"name", "labels", "annotations"};
    for (size_t i = 0; i < 3; i++) {
        if (tph_json_get(full, kept[i])) {
            tph_json_set(c->doc, meta, kept[i], tph_json_copy(c->doc, tph_json_get(full, kept[i])));
        }
    }
    tph_json_set(c->doc, got, "metadata", meta);
    const struct tph_json *shutdown = tph_json_path(object, "spec", "shutdown", NULL);
    if (shutdown) {
        struct tph_json *spec = tph_json_new_object(c->doc);
        tph_json_set(c->doc, spec, "shutdown", tph_json_copy(c->doc, shutdown));
        tph_json_set(c->doc, got, "spec", spec);
    }
    tph_json_set(c->doc, got, "status", tph_json_copy(c->doc, tph_json_get(object, "status")));
}

/* The genuine controller never ends these; what is right for them is not theirs to say. */
static bool is_stuck(const struct tph_json *expected)
{
    struct tph_str phase = tph_json_get_str(tph_json_get(expected, "status"), "phase");
    return tph_str_eqz(phase, "Running") || tph_str_eqz(phase, "Pending") || phase.len == 0;
}

static void compare_tasks(struct play *p)
{
    struct tph_json *recorded = tph_json_new_object(p->c->doc);
    struct tph_json_iter it = tph_json_iter(lines_of(p->c, "replies.jsonl"));
    while (tph_json_next(&it)) {
        struct tph_str id = tph_json_get_str(it.value, "nodeID");
        const struct tph_json *template = tph_json_get(it.value, "template");
        if (template && !tph_json_getn(recorded, id)) {
            tph_json_setn(p->c->doc, recorded, id, tph_json_copy(p->c->doc, template));
        }
    }
    struct tph_json *sent = tph_json_new_object(p->c->doc);
    it = tph_json_iter(recorded);
    while (tph_json_next(&it)) {
        const struct tph_json *task = tph_json_getn(p->tasks, it.key);
        if (task) {
            tph_json_setn(p->c->doc, sent, it.key, tph_json_copy(p->c->doc, task));
        }
    }
    tph_json_set(p->c->doc, (struct tph_json *)(uintptr_t)p->c->expected, "tasks", recorded);
    tph_json_set(p->c->doc, p->c->got, "tasks", sent);
}

void golden_cases(struct golden_case *c)
{
    struct play p = {.c = c, .now_ms = (int64_t)START_S * 1000, .tasks = tph_json_new_object(c->doc)};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *expected = NULL;
    struct tph_json *workflow = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run_options options = {.compatibility_argo = true};
    if (tph_json_parse(tph_json_get_str(c->row, "expected.json"), &expected, NULL) < 0) {
        c->skip = "has no single expected object";
        return;
    }
    c->expected = tph_json_copy(c->doc, tph_json_root(expected));
    if (tph_str_has_prefix(tph_json_str(tph_json_path(c->expected, "status", "message", NULL)),
                           TPH_STR("invalid spec:"))) {
        c->skip = "refused by validation, whose texts come with lint";
        return;
    }
    if (is_stuck(c->expected)) {
        c->skip = "the genuine controller never ends it";
        return;
    }
    if (load_workflow(&p, &workflow) < 0) {
        c->skip = c->skip ? c->skip : "input is no single workflow";
        return;
    }
    if (tph_run_new(workflow, &options, &p.run, NULL, &err) < 0) {
        c->skip = strstr(err.text, "not supported yet") ? "needs a part of the language that is not supported yet"
                                                        : "refused by validation, whose texts come with lint";
        return;
    }
    if (play_all(&p)) {
        set_got(&p);
        compare_tasks(&p);
        normalise(c, c->got);
    } else {
        c->skip = "needs events from outside that are not supported yet";
    }
    tph_run_free(p.run);
}
