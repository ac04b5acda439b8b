/* SPDX-License-Identifier: Apache-2.0 */
/* Whole workflows: input.yaml, the recorded replies and events on a virtual clock, the final objects.
 *
 * The tasks that the engine starts are compared with those that the genuine controller sent; replies go in their
 * recorded batches. What the engine refuses as not supported yet is skipped with its words. */
#include <stdlib.h>
#include <string.h>

#include "api/packed.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "play.h"

#define TIME "2026-11-24T10:00:00Z"

/* A time of the recording's day in RFC 3339, here and in the recording T. */
static struct tph_str time_at(struct tph_str text)
{
    enum { LENGTH = sizeof(TIME) - 1 };
    static const char shape[] = TIME;
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
    while (tph_json_next(&it)) {
        if (!tph_json_is(it.value, TPH_JSON_STRING)) {
            normalise(c, it.value);
        } else if (tph_str_find_byte(tph_json_str(it.value), 'T') >= 0) {
            tph_json_assign(it.value, without_times(c, tph_json_str(it.value)));
        }
    }
}

/* Only what expected.json has: some labels and annotations, spec.shutdown, the status. */
static struct tph_json *got_of(const struct actor *a)
{
    struct golden_case *c = a->p->c;
    struct tph_json *object = play_object(a);
    struct tph_error err = TPH_ERROR_INIT;
    bool packed =
        a->run && a->p->options.compatibility_argo && tph_packed_pack(c->doc, object, TPH_LIMIT_PACKED, &err) > 0;
    if (packed && tph_packed_unpack(c->doc, object, &err) == 0) { /* as the recorder did */
        tph_json_set_cstr(c->doc, tph_json_get(object, "status"), "compressedNodes", "<gzip+base64 of nodes>");
    }
    struct tph_json_iter patched = tph_json_iter(tph_json_get(a->patched, "annotations"));
    while (tph_json_next(&patched)) {
        tph_json_setn(c->doc, tph_json_path(object, "metadata", "annotations", NULL), patched.key,
                      tph_json_copy(c->doc, patched.value));
    }
    struct tph_json *got = tph_json_new_object(c->doc);
    struct tph_json *meta = tph_json_new_object(c->doc);
    const struct tph_json *full = tph_json_get(object, "metadata");
    static const char *const kept[] = {"name", "generateName", "labels", "annotations"};
    for (size_t i = 0; i < 4; i++) {
        if (tph_json_len(tph_json_get(full, kept[i])) > 0 || (i < 2 && tph_json_get(full, kept[i]))) {
            tph_json_set(c->doc, meta, kept[i], tph_json_copy(c->doc, tph_json_get(full, kept[i])));
        }
    }
    tph_json_set(c->doc, got, "metadata", meta);
    static const char *const spec_kept[] = {"shutdown", "suspend"};
    struct tph_json *spec = tph_json_new_object(c->doc);
    for (size_t i = 0; i < 2; i++) {
        const struct tph_json *value = tph_json_get(tph_json_get(object, "spec"), spec_kept[i]);
        if (value) {
            tph_json_set(c->doc, spec, spec_kept[i], tph_json_copy(c->doc, value));
        }
    }
    if (tph_json_len(spec) > 0) {
        tph_json_set(c->doc, got, "spec", spec);
    }
    tph_json_set(c->doc, got, "status", tph_json_copy(c->doc, tph_json_get(object, "status")));
    return got;
}

/* The genuine controller never ends these; what is right for them is not theirs to say. */
static bool is_stuck(const struct tph_json *expected)
{
    struct tph_str phase = tph_json_get_str(tph_json_get(expected, "status"), "phase");
    return tph_str_eqz(phase, "Running") || tph_str_eqz(phase, "Pending") || phase.len == 0;
}

/* The genuine controller sent another text each time it was recorded (nondet.json). */
static bool is_random(const struct golden_case *c, size_t index)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("\"replies.jsonl:/%zu/template/", index);
    return tph_str_find(tph_json_get_str(c->row, "nondet.json"), tph_str(path)) >= 0;
}

/* The message tells a size that was another one each time: without its digits. */
static void without_digits(struct golden_case *c, const struct tph_json *object)
{
    struct tph_json *message = tph_json_path(object, "status", "message", NULL);
    if (!message ||
        tph_str_find(tph_json_get_str(c->row, "nondet.json"), TPH_STR("\"expected.json:/status/message\"")) < 0) {
        return;
    }
    struct tph_str text = tph_json_str(message);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            (void)tph_buf_putc(&out, text.p[i]);
        }
    }
    tph_json_assign(message, tph_json_new_str(c->doc, tph_buf_str(&out)));
}

/* Templates as they were sent, by node: the recorded ones, and ours of the same nodes. */
static void compare_tasks(struct play *p, struct tph_json *expected)
{
    struct golden_case *c = p->c;
    struct tph_json *recorded = tph_json_new_object(c->doc);
    struct tph_json *sent = tph_json_new_object(c->doc);
    struct tph_json_iter it = tph_json_iter(play_lines(c, "replies.jsonl"));
    while (tph_json_next(&it)) {
        struct tph_str id = tph_json_get_str(it.value, "nodeID");
        const struct tph_json *template = tph_json_get(it.value, "template");
        const struct actor *a = play_find(p, tph_json_get_str(it.value, "workflow"));
        const struct tph_json *task = a ? tph_json_getn(a->tasks, id) : NULL;
        if (template && !tph_json_getn(recorded, id) && !is_random(c, it.index)) {
            tph_json_setn(c->doc, recorded, id, tph_json_copy(c->doc, template));
            if (task) {
                tph_json_setn(c->doc, sent, id, tph_json_copy(c->doc, task));
            }
        }
    }
    tph_json_set(c->doc, expected, "tasks", recorded);
    tph_json_set(c->doc, c->got, "tasks", sent);
}

/* The caches as they are in the end, their entries as JSON. */
static void compare_caches(struct play *p, struct tph_json *expected)
{
    struct golden_case *c = p->c;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(tph_json_get_str(c->row, "configmaps.json"), &doc, NULL) < 0) {
        return;
    }
    struct tph_json *caches = tph_json_new_object(c->doc);
    struct tph_json_iter it = tph_json_iter(p->objects);
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(tph_json_get(it.value, "metadata"), "name");
        if (!tph_str_eqz(tph_json_get_str(it.value, "kind"), "ConfigMap") || !tph_json_getn(tph_json_root(doc), name)) {
            continue;
        }
        struct tph_json *data = tph_json_new_object(c->doc);
        struct tph_json_iter entry = tph_json_iter(tph_json_get(it.value, "data"));
        while (tph_json_next(&entry)) {
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *read = NULL;
            if (tph_json_parse(tph_json_str(entry.value), &read, NULL) == 0) {
                tph_json_setn(c->doc, data, entry.key, tph_json_copy(c->doc, tph_json_root(read)));
            }
        }
        struct tph_json *cache = tph_json_new_object(c->doc);
        tph_json_set(c->doc, cache, "data", data);
        tph_json_set(c->doc, cache, "labels",
                     tph_json_copy(c->doc, tph_json_path(it.value, "metadata", "labels", NULL)));
        tph_json_setn(c->doc, caches, name, cache);
    }
    tph_json_set(c->doc, expected, "caches", tph_json_copy(c->doc, tph_json_root(doc)));
    tph_json_set(c->doc, c->got, "caches", caches);
}

static int by_text(const void *a, const void *b)
{
    return tph_str_cmp(tph_json_str(*(struct tph_json *const *)a), tph_json_str(*(struct tph_json *const *)b));
}

/* The genuine controller visits tasks with several dependencies in no fixed order (README there). */
static bool has_several_dependencies(const struct tph_json *workflow)
{
    struct tph_json_iter t = tph_json_iter(tph_json_path(workflow, "spec", "templates", NULL));
    while (tph_json_next(&t)) {
        struct tph_json_iter task = tph_json_iter(tph_json_path(t.value, "dag", "tasks", NULL));
        while (tph_json_next(&task)) {
            struct tph_str depends = tph_json_get_str(task.value, "depends");
            bool several = tph_str_find_byte(depends, '&') >= 0 || tph_str_find_byte(depends, '|') >= 0;
            if (several || tph_json_len(tph_json_get(task.value, "dependencies")) > 1) {
                return true;
            }
        }
    }
    return false;
}

static void sort_children(struct golden_case *c, const struct tph_json *object)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "status", "nodes", NULL));
    static const char *const lists[] = {"children", "outboundNodes"};
    while (tph_json_next(&it)) {
        for (size_t l = 0; l < 2; l++) {
            const struct tph_json *list = tph_json_get(it.value, lists[l]);
            size_t n = 0;
            TPH_CLEANUP(tph_freep) struct tph_json **values = tph_calloc(tph_json_len(list) + 1, sizeof(*values));
            struct tph_json_iter child = tph_json_iter(list);
            while (tph_json_next(&child)) {
                values[n++] = tph_json_copy(c->doc, child.value);
            }
            qsort(values, n, sizeof(*values), by_text);
            struct tph_json *sorted = tph_json_new_array(c->doc);
            for (size_t i = 0; i < n; i++) {
                tph_json_append(c->doc, sorted, values[i]);
            }
            if (n > 0) {
                tph_json_set(c->doc, it.value, lists[l], sorted);
            }
        }
    }
}

/* Tasks that the genuine controller never sent have no recorded answer: they go well, but for those that are not
 * meant to be answered. */
static void answer_the_rest(struct actor *a)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *reply = tph_json_new_object(doc);
    tph_json_set_cstr(doc, reply, "phase", "Succeeded");
    for (size_t i = 0; i < tph_run_n_nodes(a->run); i++) {
        const struct tph_node *node = tph_run_node_at(a->run, i);
        const struct tph_json *task = tph_json_getn(a->tasks, node->id);
        bool live = node->type == TPH_NODE_PLUGIN && !tph_node_phase_is_final(node->phase);
        if (live && task && !tph_json_path(task, "plugin", "stub", "never", NULL)) {
            play_reply(a, node->id, reply);
        }
    }
}

/* The genuine controller never ends the case; ours has to, unless it waits for a person. */
static void ended(struct actor *a, bool waits)
{
    struct golden_case *c = a->p->c;
    struct tph_json *expected = tph_json_new_object(c->doc);
    answer_the_rest(a);
    enum tph_workflow_phase phase = tph_run_phase(a->run);
    bool over = phase != TPH_WORKFLOW_NEW && phase != TPH_WORKFLOW_PENDING && phase != TPH_WORKFLOW_RUNNING;
    tph_json_set(c->doc, expected, "ended", tph_json_new_bool(c->doc, !waits));
    struct tph_json *got = golden_object(c);
    tph_json_set(c->doc, got, "ended", tph_json_new_bool(c->doc, over));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_json *row = golden_row(GOLDEN_BETTER, "stuck.jsonl", c->id, doc);
    if (row) { /* thought out, not recorded */
        tph_json_set(c->doc, expected, "better", tph_json_copy(c->doc, tph_json_get(row, "out")));
        struct tph_json *better = tph_json_new_object(c->doc);
        tph_json_set_cstr(c->doc, better, "phase", tph_workflow_phase_name(phase));
        tph_json_set_str(c->doc, better, "message", tph_run_message(a->run));
        tph_json_set(c->doc, got, "better", better);
    }
    c->expected = expected;
    if (over == waits) {
        tph_json_set(c->doc, got, "status", tph_json_copy(c->doc, tph_json_get(play_object(a), "status")));
    }
}

/* The N-th workflow's object is expected in expected.json, expected-2.json, ... */
static struct tph_json *expected_of(struct golden_case *c, size_t index)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_freep)
    char *name = index == 0 ? tph_strdup("expected.json") : tph_format("expected-%zu.json", index + 1);
    return tph_json_parse(tph_json_get_str(c->row, name), &doc, NULL) < 0 ? NULL
                                                                          : tph_json_copy(c->doc, tph_json_root(doc));
}

static void compare_objects(struct play *p)
{
    struct golden_case *c = p->c;
    struct tph_json *expected = tph_json_new_object(c->doc);
    struct tph_json *got = golden_object(c);
    for (size_t i = 0; i < p->n_actors; i++) {
        struct tph_json *want = expected_of(c, i);
        if (!want) {
            continue;
        }
        struct tph_str name = tph_json_get_str(tph_json_get(want, "metadata"), "name");
        const struct actor *a = play_find(p, name);
        struct tph_json *have = a ? got_of(a) : tph_json_new_null(c->doc);
        normalise(c, have);
        without_digits(c, want);
        without_digits(c, have);
        if (a && has_several_dependencies(a->workflow)) {
            sort_children(c, want);
            sort_children(c, have);
        }
        tph_json_setn(c->doc, expected, name, want);
        tph_json_setn(c->doc, got, name, have);
    }
    compare_tasks(p, expected);
    compare_caches(p, expected);
    tph_json_set(c->doc, expected, "refused", p->refused);
    tph_json_set(c->doc, got, "refused", p->refusals);
    normalise(c, tph_json_get(got, "tasks"));
    normalise(c, tph_json_get(got, "caches"));
    c->expected = expected;
}

void golden_cases(struct golden_case *c)
{
    struct play p = {.n_actors = 0};
    const struct tph_json *first = expected_of(c, 0);
    if (!first) {
        c->skip = "has no expected object";
        return;
    }
    if (play_load(&p, c) == 0) {
        bool stuck = is_stuck(first);
        p.options.compatibility_argo = !stuck; /* which is what ends it */
        bool played = play_all(&p);
        if (!played) {
            c->skip = c->skip ? c->skip : "needs events from outside that are not supported yet";
        } else if (stuck && p.actors[0].run) {
            ended(&p.actors[0], tph_str_eqz(c->id, "suspend-input-json-enum"));
        } else {
            compare_objects(&p);
        }
    }
    play_release(&p);
}
