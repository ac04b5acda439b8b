/* SPDX-License-Identifier: Apache-2.0 */
/* Cancels that outlive a crash: a task that a plugin has heard of and that is not wanted any more stands in an object
 * of its own from the write on that ends its node until the plugin was told.
 *
 * One object, of resource tiphys.cancels, for all tasks of one write: {"workflow": what of it says which
 * plugins it sees, "tasks": {NODE: {"name", "key", "plugin", "attempt", "calls",
 * "text"}}}. Whoever can be reached is told at once. Others, and all that a program finds when it starts, are told by a
 * workflow at the agent that is made for this: it starts the sidecar, waits until that listens, and tries once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "controller/controller_internal.h"

#define CANCELS "tiphys.cancels"

enum { MOST = 8 * 1024 * 1024 }; /* bytes of texts in one; who has more is told, but not surely */

/* One write's. */
struct batch {
    struct batch *next, *previous;
    struct tph_controller *controller;
    struct tph_json_doc *doc;        /* owned: the object */
    char *ns, *name;                 /* owned: its key */
    struct tph_agent_workflow *view; /* NULL until it is needed */
    size_t n_left;                   /* tasks that are not told yet */
    bool ending;                     /* in the next turn it goes */
};

static struct batch *batch_new(struct tph_controller *c, struct tph_str ns, struct tph_str name,
                               struct tph_json_doc *doc)
{
    struct batch *b = TPH_NEW(struct batch);
    b->controller = c;
    b->doc = doc;
    b->ns = tph_str_dup(ns);
    b->name = tph_str_dup(name);
    b->next = c->cancels;
    if (b->next) {
        b->next->previous = b;
    }
    c->cancels = b;
    return b;
}

static void batch_free(struct batch *b)
{
    *(b->previous ? &b->previous->next : &b->controller->cancels) = b->next;
    if (b->next) {
        b->next->previous = b->previous;
    }
    tph_defer_cancel(b->controller->loop, b);
    if (b->view) {
        tph_agent_end(b->view);
    }
    tph_json_doc_free(b->doc);
    free(b->ns);
    free(b->name);
    free(b);
}

static struct tph_store_key key_of(const struct batch *b)
{
    return (struct tph_store_key){.resource = TPH_STR(CANCELS), .ns = tph_str(b->ns), .name = tph_str(b->name)};
}

static void deleted(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* should it be there still, they are told once more */
}

/* All are told. In a turn of its own: the agent is not done with the last one. */
static void end(void *owner)
{
    struct batch *b = owner;
    struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = key_of(b)};
    tph_controller_write(b->controller, &change, 1, deleted, NULL, NULL);
    batch_free(b);
}

static void end_if_told(struct batch *b)
{
    if (b->n_left == 0 && !b->ending) {
        b->ending = true;
        tph_defer(b->controller->loop, end, b);
    }
}

/* ---- telling later ---- */

static void told_late(void *owner, bool told)
{
    struct batch *b = owner;
    if (!told && b->controller->stopping) {
        return; /* its sidecar ends with the program: the next one tells it */
    }
    if (!told) {
        TPH_CLEANUP(tph_freep)
        char *workflow =
            tph_str_dup(tph_json_str(tph_json_path(tph_json_root(b->doc), "workflow", "metadata", "name", NULL)));
        tph_log(TPH_LOG_WARN, "a plugin could not be told that its task is cancelled", "namespace", b->ns, "workflow",
                workflow, NULL);
    }
    b->n_left--;
    end_if_told(b);
}

/* The plugins of the workflow's own spec, else those that its namespace sees now. */
static void begin_view(struct batch *b)
{
    struct tph_controller *c = b->controller;
    const struct tph_json *workflow = tph_json_get(tph_json_root(b->doc), "workflow");
    const struct tph_json *meta = tph_json_get(workflow, "metadata");
    struct tph_plugin *plugins[TPH_LIMIT_PLUGINS];
    size_t n = 0;
    size_t n_own = 0;
    if (c->options.plugins) {
        n = c->options.plugins(c->options.owner, workflow, plugins, TPH_LIMIT_PLUGINS);
    } else if (tph_json_len(tph_json_path(workflow, "spec", "executorPlugins", NULL)) > 0) {
        n = n_own = tph_own_plugins(workflow, plugins, TPH_LIMIT_PLUGINS);
    } else if (c->discovery) {
        n = tph_discovery_visible(c->discovery, tph_str(b->ns), plugins, TPH_LIMIT_PLUGINS);
    }
    b->view = tph_agent_begin(c->agent, tph_json_get_str(meta, "name"), tph_str(b->ns), tph_json_get_str(meta, "uid"),
                              plugins, n);
    for (size_t i = 0; i < n_own; i++) {
        tph_plugin_unref(plugins[i]);
    }
}

static void tell_late(struct batch *b, struct tph_str id)
{
    const struct tph_json *row = tph_json_getn(tph_json_get(tph_json_root(b->doc), "tasks"), id);
    int64_t attempt = 0;
    int64_t calls = 0;
    (void)!tph_json_to_i64(tph_json_get(row, "attempt"), &attempt);
    (void)!tph_json_to_i64(tph_json_get(row, "calls"), &calls);
    if (!b->view) {
        begin_view(b);
    }
    tph_agent_submit(b->view, &(struct tph_agent_task){.node_id = id,
                                                       .node_name = tph_json_get_str(row, "name"),
                                                       .attempt = (uint32_t)attempt,
                                                       .calls = (uint32_t)calls,
                                                       .template_json = tph_json_get_str(row, "text"),
                                                       .key = tph_json_get_str(row, "key"),
                                                       .taker = tph_json_get_str(row, "plugin"),
                                                       .told = told_late,
                                                       .told_owner = b});
}

/* ---- telling at once ---- */

struct telling {
    struct batch *batch;
    char id[];
};

static void told_now(void *owner, bool told)
{
    TPH_CLEANUP(tph_freep) struct telling *t = owner;
    struct batch *b = t->batch;
    if (!told && b->controller->stopping) {
        return;
    }
    if (!told) {
        tell_late(b, tph_str(t->id));
        return;
    }
    b->n_left--;
    end_if_told(b);
}

static void cancel_plainly(struct tph_agent_workflow *view, const struct task *task)
{
    if (view) {
        tph_agent_cancel(view, task->id, task->attempt);
    }
}

void tph_cancels_tell(struct batch *b, struct tph_agent_workflow *view, const struct task *list)
{
    const struct tph_json *tasks = b ? tph_json_get(tph_json_root(b->doc), "tasks") : NULL;
    for (const struct task *task = list; task; task = task->next) {
        struct tph_agent_task known;
        bool row = tph_json_getn(tasks, task->id) != NULL;
        if (row && !(view && tph_agent_is_heard_of(view, task->id, task->attempt, &known))) {
            tell_late(b, task->id); /* of a life before this one */
            continue;
        }
        if (!row) {
            cancel_plainly(view, task);
            continue;
        }
        struct telling *t = tph_calloc(1, sizeof(*t) + task->id.len + 1);
        t->batch = b;
        memcpy(t->id, task->id.p, task->id.len);
        enum tph_agent_cancel how = tph_agent_cancel_telling(view, task->id, task->attempt, told_now, t);
        if (how == TPH_AGENT_CANCEL_LATER) {
            tell_late(b, task->id);
        }
        if (how == TPH_AGENT_CANCEL_NONE) {
            b->n_left--;
        }
        if (how != TPH_AGENT_CANCEL_SENT) {
            free(t);
        }
    }
    if (b) {
        end_if_told(b);
    }
}

/* ---- making one ---- */

static struct tph_json *row_of(const struct tph_agent_task *task, struct tph_json_doc *doc)
{
    struct tph_json *row = tph_json_new_object(doc);
    tph_json_set_str(doc, row, "name", task->node_name);
    tph_json_set_str(doc, row, "key", task->key);
    tph_json_set_str(doc, row, "plugin", task->taker);
    tph_json_set(doc, row, "attempt", tph_json_new_i64(doc, task->attempt));
    tph_json_set(doc, row, "calls", tph_json_new_i64(doc, task->calls));
    tph_json_set_str(doc, row, "text", task->template_json);
    return row;
}

/* What of the workflow says which plugins it sees. */
static struct tph_json *object_of(const struct carried *w, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_new_object(doc);
    struct tph_json *meta = tph_json_new_object(doc);
    tph_json_set_str(doc, meta, "name", w->shown.name);
    tph_json_set_str(doc, meta, "namespace", w->shown.ns);
    tph_json_set_cstr(doc, meta, "uid", w->uid);
    tph_json_set(doc, object, "metadata", meta);
    if (w->has_own_plugins && w->shown.run) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *whole = tph_json_doc_new();
        const struct tph_json *base = tph_run_object_base(w->shown.run, whole);
        struct tph_json *spec = tph_json_new_object(doc);
        tph_json_set(doc, spec, "executorPlugins",
                     tph_json_copy(doc, tph_json_path(base, "spec", "executorPlugins", NULL)));
        tph_json_set(doc, object, "spec", spec);
    }
    return object;
}

/* The agent has it, and knows better. */
static bool given(const struct carried *w, const struct task *task)
{
    return w->shown.tasks && tph_agent_has(w->shown.tasks, task->id, task->attempt);
}

/* Whether a plugin may have heard of it: in this life, which the agent knows, or in one before. */
static bool must_hear(const struct carried *w, const struct task *task, struct tph_agent_task *ret_known)
{
    if (w->shown.tasks && tph_agent_is_heard_of(w->shown.tasks, task->id, task->attempt, ret_known)) {
        return true;
    }
    *ret_known = (struct tph_agent_task){.node_id = task->id,
                                         .node_name = task->name,
                                         .attempt = task->attempt,
                                         .template_json = tph_str(task->text),
                                         .key = task->key,
                                         .calls = task->calls,
                                         .taker = task->plugin ? tph_str(task->plugin) : task->key};
    return task->again && task->text && !task->is_http && !given(w, task);
}

struct batch *tph_cancels_begin(const struct carried *w, const struct task *list, struct tph_arena *arena,
                                struct tph_store_change *ret_change)
{
    struct tph_json_doc *doc = NULL;
    struct tph_json *root = NULL;
    struct tph_json *tasks = NULL;
    size_t bytes = 0;
    size_t n = 0;
    for (const struct task *task = list; task; task = task->next) {
        struct tph_agent_task known;
        if (!must_hear(w, task, &known) || bytes + known.template_json.len > MOST) {
            continue;
        }
        if (!doc) {
            doc = tph_json_doc_new();
            root = tph_json_new_object(doc);
            tasks = tph_json_new_object(doc);
        }
        bytes += known.template_json.len;
        tph_json_append_member(doc, tasks, known.node_id, row_of(&known, doc));
        n++;
    }
    if (n == 0) {
        return NULL;
    }
    char random[17];
    tph_random_text(random, sizeof(random) - 1);
    tph_json_set(doc, root, "workflow", object_of(w, doc));
    tph_json_set(doc, root, "tasks", tasks);
    tph_json_set_root(doc, root);
    struct batch *b = batch_new(w->controller, w->shown.ns, tph_str(random), doc);
    b->n_left = n;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(root, 0, &text);
    *ret_change = (struct tph_store_change){
        .verb = TPH_STORE_CREATE, .key = key_of(b), .text = tph_arena_str(arena, tph_buf_str(&text))};
    return b;
}

void tph_cancels_drop(struct batch *b)
{
    if (b) {
        batch_free(b);
    }
}

/* ---- life ---- */

static bool take_one(void *owner, const struct tph_store_object *object)
{
    struct tph_controller *c = owner;
    const struct tph_controller_options *o = &c->options;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(tph_buf_str(&object->text), &doc, NULL) < 0) {
        return true;
    }
    struct tph_str name = tph_json_str(tph_json_path(tph_json_root(doc), "workflow", "metadata", "name", NULL));
    size_t n = tph_json_len(tph_json_get(tph_json_root(doc), "tasks"));
    if (!o->takes || o->takes(o->owner, object->key.ns, name)) {
        batch_new(c, object->key.ns, object->key.name, TPH_TAKE(doc))->n_left = n;
    }
    return true;
}

static void tell_all(void *owner)
{
    struct batch *b = owner;
    struct tph_json_iter it = tph_json_iter(tph_json_get(tph_json_root(b->doc), "tasks"));
    while (tph_json_next(&it)) {
        tell_late(b, it.key);
    }
    end_if_told(b);
}

int tph_cancels_start(struct tph_controller *c, struct tph_error *err)
{
    struct tph_store_list list = {.key = {.resource = TPH_STR(CANCELS)}};
    struct tph_store_page page;
    if (tph_store_list(c->store, &list, take_one, c, &page, err) < 0) {
        return -1;
    }
    for (struct batch *b = c->cancels; b; b = b->next) {
        tph_defer(c->loop, tell_all, b);
    }
    return 0;
}

void tph_cancels_free(struct tph_controller *c)
{
    while (c->cancels) {
        batch_free(c->cancels);
    }
}
