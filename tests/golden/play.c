/* SPDX-License-Identifier: Apache-2.0 */
/* The world of a recorded workflow: what was applied, who answered when, what people did. */
#include "play.h"

#include <stdlib.h>
#include <string.h>

#include "api/gotype_tables.h"
#include "api/packed.h"
#include "api/unstructured.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "lint/lint.h"

enum {
    START_S = 1795514400, /* PLAY_CREATED */
    BATCH_MS = 1200,      /* until the recorder saw that nothing moved any more, and answered */
    MOST_TIMERS = 1000,
};

static void apply(struct actor *a, const struct tph_event *event);

/* Locks that were given up may be somebody else's now. */
static void wake(struct play *p)
{
    for (struct actor *a = tph_locks_next_woken(p->locks); a; a = tph_locks_next_woken(p->locks)) {
        if (a->run) {
            apply(a, &(struct tph_event){.kind = TPH_EVENT_LOCKS});
        }
    }
}

/* An entry of a cache becomes a member of the ConfigMap. */
static void save_cache(struct play *p, const struct tph_action *action)
{
    struct tph_json *map = NULL;
    struct tph_json_iter it = tph_json_iter(p->objects);
    struct tph_json_doc *doc = p->c->doc;
    while (!map && tph_json_next(&it)) {
        bool same = tph_str_eq(tph_json_get_str(tph_json_get(it.value, "metadata"), "name"), action->cache);
        map = same && tph_str_eqz(tph_json_get_str(it.value, "kind"), "ConfigMap") ? it.value : NULL;
    }
    if (!map) {
        struct tph_json *made = tph_json_new_object(doc);
        struct tph_json *meta = tph_json_new_object(doc);
        struct tph_json *labels = tph_json_new_object(doc);
        tph_json_set_cstr(doc, labels, "workflows.argoproj.io/configmap-type", "Cache");
        tph_json_set_str(doc, meta, "name", action->cache);
        tph_json_set(doc, meta, "labels", labels);
        tph_json_set_cstr(doc, made, "kind", "ConfigMap");
        tph_json_set(doc, made, "metadata", meta);
        tph_json_set(doc, made, "data", tph_json_new_object(doc));
        tph_json_append(doc, p->objects, made);
        map = tph_json_at(p->objects, tph_json_len(p->objects) - 1);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(action->entry, TPH_JSON_SORTED, &text);
    tph_json_setn(doc, tph_json_get(map, "data"), action->key, tph_json_new_str(doc, tph_buf_str(&text)));
}

static void apply(struct actor *a, const struct tph_event *event)
{
    struct tph_actions actions;
    tph_run_apply(a->run, event, a->p->now_ms, &actions);
    for (size_t i = 0; i < actions.n; i++) {
        const struct tph_action *action = &actions.list[i];
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (action->kind == TPH_ACTION_WAIT_UNTIL) {
            a->wait_ms = action->time_ms;
        }
        if (action->kind == TPH_ACTION_SAVE_CACHE) {
            save_cache(a->p, action);
        }
        if (action->kind == TPH_ACTION_START_TASK && tph_json_parse(action->template_json, &doc, NULL) == 0 &&
            !tph_json_getn(a->tasks, action->node->id)) {
            tph_json_setn(a->p->c->doc, a->tasks, action->node->id, tph_json_copy(a->p->c->doc, tph_json_root(doc)));
        }
    }
    wake(a->p);
}

/* The genuine controller stores the object after each look: it packs what is too large, and refuses what is still. */
static void store_it(struct actor *a)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (!a->run || !a->p->options.compatibility_argo) {
        return;
    }
    doc = tph_json_doc_new();
    if (tph_packed_pack(doc, tph_run_object(a->run, doc), TPH_LIMIT_PACKED, &err) < 0) {
        TPH_CLEANUP(tph_freep) /* there is no database that would take it */
        char *message =
            tph_format("%sTried to offload but encountered error: offload node status is not supported", err.text);
        apply(a, &(struct tph_event){.kind = TPH_EVENT_REFUSED, .message = tph_str(message)});
    }
}

static void happen(struct actor *a, const struct tph_event *event)
{
    a->p->now_ms += PLAY_STEP_MS;
    if (a->run) {
        apply(a, event);
    }
}

/* The soonest timer of all; NULL = there is none. */
static struct actor *next_timer(struct play *p)
{
    struct actor *next = NULL;
    for (size_t i = 0; i < p->n_actors; i++) {
        struct actor *a = &p->actors[i];
        next = a->run && a->wait_ms != 0 && (!next || a->wait_ms < next->wait_ms) ? a : next;
    }
    return next;
}

/* Time goes on to `until_ms`; timers that are due on the way fire. */
static void pass_time(struct play *p, int64_t until_ms)
{
    for (struct actor *a = next_timer(p); a && a->wait_ms <= until_ms; a = next_timer(p)) {
        p->now_ms = a->wait_ms > p->now_ms ? a->wait_ms : p->now_ms;
        a->wait_ms = 0;
        apply(a, &(struct tph_event){.kind = TPH_EVENT_TIMER});
    }
    p->now_ms = until_ms > p->now_ms ? until_ms : p->now_ms;
}

const struct tph_json *play_find_object(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    static const char *const kinds[] = {[TPH_OBJECT_TEMPLATE] = "WorkflowTemplate",
                                        [TPH_OBJECT_CLUSTER_TEMPLATE] = "ClusterWorkflowTemplate",
                                        [TPH_OBJECT_CONFIG_MAP] = "ConfigMap"};
    const struct play *p = owner;
    struct tph_json_iter it = tph_json_iter(p->objects);
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "kind"), kinds[kind]) &&
            tph_str_eq(tph_json_get_str(tph_json_get(it.value, "metadata"), "name"), name)) {
            return it.value;
        }
    }
    return NULL;
}

/* As the controller sees an object: with the members that Go's structs have. */
static struct tph_json *as_go(struct play *p, const struct tph_json *object, const struct tph_go_type *type)
{
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    struct tph_json *written = NULL;
    return tph_go_convert(p->c->doc, object, type, &options, &written, NULL) == 0 ? written : NULL;
}

/* What the controller says of the workflow before it begins; 0 when nothing. */
static int validate(struct play *p, const struct tph_json *workflow, struct tph_error *err)
{
    struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_json *object = as_go(p, workflow, &tph_gt_argo_Workflow);
    struct tph_json_iter it = tph_json_iter(p->objects);
    while (tph_json_next(&it)) {
        struct tph_str kind = tph_json_get_str(it.value, "kind");
        struct tph_str name = tph_json_get_str(tph_json_get(it.value, "metadata"), "name");
        if (tph_str_eqz(kind, "WorkflowTemplate")) {
            char *key = tph_format("argo/%.*s", TPH_FMT(name));
            struct tph_json *kept = tph_json_new_cstr(p->c->doc, key);
            (void)tph_map_set(&set.templates, tph_json_str(kept), as_go(p, it.value, &tph_gt_argo_WorkflowTemplate));
            free(key);
        } else if (tph_str_eqz(kind, "ClusterWorkflowTemplate")) {
            (void)tph_map_set(&set.cluster, name, as_go(p, it.value, &tph_gt_argo_ClusterWorkflowTemplate));
        }
    }
    int failed = object ? tph_lint_object(object, &set, TPH_LINT_FOR_RUN, err) : 0;
    tph_map_release(&set.templates);
    tph_map_release(&set.cluster);
    return failed;
}

struct actor *play_find(struct play *p, struct tph_str name)
{
    for (size_t i = 0; i < p->n_actors; i++) {
        if (tph_str_eq(tph_json_get_str(tph_json_get(p->actors[i].workflow, "metadata"), "name"), name)) {
            return &p->actors[i];
        }
    }
    return NULL;
}

int play_add(struct play *p, const struct tph_json *root)
{
    struct tph_json_doc *doc = p->c->doc;
    if (tph_json_is_null(root)) {
        return 0;
    }
    if (!tph_str_eqz(tph_json_get_str(root, "kind"), "Workflow")) {
        tph_json_append(doc, p->objects, tph_json_copy(doc, root));
        return 0;
    }
    if (p->n_actors == MOST_WORKFLOWS) {
        p->c->skip = "has more workflows than the runner knows";
        return -1;
    }
    struct actor *a = &p->actors[p->n_actors++];
    *a = (struct actor){.p = p, .workflow = tph_json_copy(doc, root), .tasks = tph_json_new_object(doc)};
    struct tph_json *meta = tph_json_get(a->workflow, "metadata");
    tph_json_set_cstr(doc, meta, "namespace", "argo");
    tph_json_set_cstr(doc, meta, "uid", "UID");
    tph_json_set_cstr(doc, meta, "creationTimestamp", PLAY_CREATED);
    return 0;
}

int play_load(struct play *p, struct golden_case *c)
{
    p->c = c;
    p->now_ms = (int64_t)START_S * 1000;
    p->objects = tph_json_new_array(c->doc);
    p->refused = tph_json_new_array(c->doc);
    p->refusals = tph_json_new_array(c->doc);
    p->locks = tph_locks_new();
    p->lookup = (struct tph_run_objects){.find = play_find_object, .owner = p};
    p->options = (struct tph_run_options){.compatibility_argo = true, .objects = &p->lookup, .locks = p->locks};
    struct tph_yaml_stream stream = {.rest = tph_json_get_str(c->row, "input.yaml")};
    struct tph_str text;
    while (stream.rest.p && tph_yaml_next_document(&stream, &text)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_yaml_parse(text, 0, &doc, NULL, NULL) < 0 || play_add(p, tph_json_root(doc)) < 0) {
            c->skip = c->skip ? c->skip : "input.yaml cannot be read";
            return -1;
        }
    }
    return 0;
}

void play_release(struct play *p)
{
    for (size_t i = 0; i < p->n_actors; i++) {
        tph_run_free(p->actors[i].run);
    }
    tph_locks_free(p->locks);
}

/* A workflow that never begins. */
static void refuse(struct actor *a, const char *what, const char *why)
{
    TPH_CLEANUP(tph_freep) char *message = tph_format("%s: %s", what, why);
    a->object = tph_run_refused_object(a->workflow, TPH_WORKFLOW_FAILED, tph_str(message), a->p->now_ms, a->p->c->doc);
}

/* Makes the run, of a new workflow or of one that was edited. -1 with c->skip. */
static int make_run(struct actor *a, const struct tph_json *object)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run_options options = a->p->options;
    options.lock_owner = a;
    struct tph_run *run = NULL;
    if (tph_run_new(object, &options, &run, NULL, &err) < 0 && err.kind == TPH_ERROR_NOT_FOUND) {
        a->object =
            tph_run_refused_object(a->workflow, TPH_WORKFLOW_FAILED, tph_str(err.text), a->p->now_ms, a->p->c->doc);
        return 0;
    }
    if (!run) {
        const char *reason = strrchr(err.text, ':');
        const struct tph_json *kept = tph_json_new_cstr(a->p->c->doc, reason ? reason + 2 : err.text);
        a->p->c->skip = tph_json_str(kept).p;
        return -1;
    }
    tph_run_free(a->run);
    a->run = run;
    a->wait_ms = 0;
    apply(a, &(struct tph_event){.kind = TPH_EVENT_START});
    return 0;
}

int play_begin(struct actor *a)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str phase = tph_json_get_str(tph_json_get(a->workflow, "status"), "phase");
    a->object = NULL;
    if (phase.len > 0) { /* it has begun already */
        return make_run(a, a->workflow);
    }
    if (tph_unstructured_check(a->workflow, &tph_gt_argo_Workflow, &err) < 0) {
        refuse(a, "cannot unmarshall spec", err.text);
        return 0;
    }
    if (tph_run_merge(a->p->c->doc, a->workflow, &a->p->options, &a->workflow, &err) < 0) {
        a->object =
            tph_run_refused_object(a->workflow, TPH_WORKFLOW_ERROR, tph_str(err.text), a->p->now_ms, a->p->c->doc);
        return 0;
    }
    if (validate(a->p, a->workflow, &err) < 0) {
        refuse(a, "invalid spec", err.text);
        return 0;
    }
    return make_run(a, a->workflow);
}

void play_reply(struct actor *a, struct tph_str id, const struct tph_json *node)
{
    struct tph_task_result result = {
        .phase = tph_json_get_str(node, "phase"),
        .message = tph_json_get_str(node, "message"),
        .progress = tph_json_get_str(node, "progress"),
        .outputs = tph_json_get(node, "outputs"),
    };
    happen(a, &(struct tph_event){.kind = TPH_EVENT_REPLY, .node_id = id, .result = &result});
}

struct tph_json *play_object(const struct actor *a)
{
    return a->object ? a->object : tph_run_object(a->run, a->p->c->doc);
}

/* RFC 7396, in place. */
static void merge(struct tph_json_doc *doc, struct tph_json *target,
                  const struct tph_json *patch) /* NOLINT(misc-no-recursion) */
{
    struct tph_json_iter it = tph_json_iter(patch);
    while (tph_json_next(&it)) {
        struct tph_json *old = tph_json_getn(target, it.key);
        if (tph_json_is(it.value, TPH_JSON_OBJECT) && tph_json_is(old, TPH_JSON_OBJECT)) {
            merge(doc, old, it.value);
        } else {
            tph_json_setn(doc, target, it.key, tph_json_copy(doc, it.value));
        }
    }
}

static void locks_changed(struct play *p)
{
    for (size_t i = 0; i < p->n_actors; i++) {
        if (p->actors[i].run) {
            happen(&p->actors[i], &(struct tph_event){.kind = TPH_EVENT_LOCKS});
        }
    }
}

/* A merge patch from outside: of a task set replies by hand, of any other object what it says. */
static bool patch_event(struct play *p, const struct tph_json *patch)
{
    struct tph_str kind = tph_json_get_str(patch, "kind");
    struct tph_str name = tph_json_get_str(patch, "name");
    const struct tph_json *body = tph_json_get(patch, "body");
    struct actor *a = play_find(p, name);
    if (tph_str_eqz(kind, "Workflow") && a && a->run) {
        bool metadata = tph_json_len(body) == 1 && tph_json_get(body, "metadata");
        struct tph_json *object = tph_json_copy(p->c->doc, play_object(a));
        merge(p->c->doc, object, body);
        a->patched = tph_json_copy(p->c->doc, tph_json_get(body, "metadata"));
        if (metadata) {
            happen(a, &(struct tph_event){.kind = TPH_EVENT_TIMER});
            return true;
        }
        a->workflow = object;
        p->now_ms += PLAY_STEP_MS;
        return play_begin(a) == 0;
    }
    if (tph_str_eqz(kind, "WorkflowTaskSet") && a) {
        struct tph_json_iter it = tph_json_iter(tph_json_path(body, "status", "nodes", NULL));
        while (tph_json_next(&it)) {
            play_reply(a, it.key, it.value);
        }
        return true;
    }
    struct tph_json_iter it = tph_json_iter(p->objects);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "kind"), kind) &&
            tph_str_eq(tph_json_get_str(tph_json_get(it.value, "metadata"), "name"), name)) {
            merge(p->c->doc, it.value, body);
            locks_changed(p);
            return true;
        }
    }
    return false;
}

/* How long the world waited before the event, in milliseconds. */
static int64_t waited_ms(const struct tph_json *line)
{
    const struct tph_json *at = tph_json_get(line, "at");
    const struct tph_json *wait = tph_json_get(at, "wait");
    double seconds = 0;
    return tph_json_to_double(wait ? wait : tph_json_get(at, "time"), &seconds) == 0 ? (int64_t)(seconds * 1000) : 0;
}

static bool apply_event(struct play *p, const struct tph_json *documents)
{
    struct tph_json_iter it = tph_json_iter(documents);
    while (tph_json_next(&it)) {
        size_t before = p->n_actors;
        if (play_add(p, it.value) < 0 || (p->n_actors > before && play_begin(&p->actors[before]) < 0)) {
            return false;
        }
    }
    return true;
}

/* Task sets are not among the objects: nothing of ours depends on them. */
static void delete_event(struct play *p, const struct tph_json *what)
{
    struct tph_json_iter it = tph_json_iter(p->objects);
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(tph_json_get(it.value, "metadata"), "name");
        if (tph_str_eq(tph_json_get_str(it.value, "kind"), tph_json_get_str(what, "kind")) &&
            tph_str_eq(name, tph_json_get_str(what, "name"))) {
            (void)tph_json_remove_at(p->objects, it.index);
            return;
        }
    }
}

/* One line of events.jsonl; false for one that is not played here. */
static bool outside_event(struct play *p, const struct tph_json *line)
{
    const struct tph_json *command = tph_json_get(line, "argo");
    pass_time(p, p->now_ms + waited_ms(line));
    if (command) {
        return play_command(p, line);
    }
    if (tph_json_get(line, "apply")) {
        return apply_event(p, tph_json_get(line, "apply"));
    }
    if (tph_json_get(line, "patch")) {
        return patch_event(p, tph_json_get(line, "patch"));
    }
    if (tph_json_get(line, "delete")) {
        delete_event(p, tph_json_get(line, "delete"));
        return true;
    }
    return tph_json_get(line, "patch-refused") != NULL; /* by the API server; the reply comes all the same */
}

/* Lines of a JSON Lines file, parsed into the case's document. */
struct tph_json *play_lines(struct golden_case *c, const char *name)
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

/* The recorder answers when nothing has moved for a while. */
static void grow_quiet(struct play *p)
{
    int64_t until_ms = p->now_ms + BATCH_MS;
    for (size_t i = 0; i < p->n_actors; i++) {
        store_it(&p->actors[i]);
    }
    for (int i = 0; i < MOST_TIMERS && next_timer(p) && next_timer(p)->wait_ms <= until_ms; i++) {
        pass_time(p, next_timer(p)->wait_ms);
        until_ms = p->now_ms + BATCH_MS;
    }
    pass_time(p, until_ms);
}

/* What the recorded answer is for may have to wait for a time to come. */
static void wait_for_node(struct actor *a, struct tph_str id)
{
    for (int i = 0; i < MOST_TIMERS && next_timer(a->p) && !tph_json_getn(a->tasks, id); i++) {
        pass_time(a->p, next_timer(a->p)->wait_ms);
    }
}

bool play_all(struct play *p)
{
    struct tph_json_iter replies = tph_json_iter(play_lines(p->c, "replies.jsonl"));
    struct tph_json_iter events = tph_json_iter(play_lines(p->c, "events.jsonl"));
    bool more = tph_json_next(&events);
    int64_t batch = 0;
    for (size_t i = 0; i < p->n_actors; i++) {
        if (play_begin(&p->actors[i]) < 0) {
            return false;
        }
    }
    while (tph_json_next(&replies)) {
        int64_t next = number_of(replies.value, "batch");
        if (next != batch && !play_events(p, &events, &more, batch)) {
            return false;
        }
        if (next != batch) {
            grow_quiet(p);
        }
        batch = next;
        struct actor *a = play_find(p, tph_json_get_str(replies.value, "workflow"));
        if (a) {
            wait_for_node(a, tph_json_get_str(replies.value, "nodeID"));
            play_reply(a, tph_json_get_str(replies.value, "nodeID"), tph_json_get(replies.value, "reply"));
        }
    }
    if (!play_events(p, &events, &more, INT64_MAX)) {
        return false;
    }
    grow_quiet(p);
    for (int i = 0; i < MOST_TIMERS && next_timer(p); i++) {
        pass_time(p, next_timer(p)->wait_ms);
    }
    return true;
}
