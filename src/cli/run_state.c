/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_state.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/digest.h"
#include "data/zone.h"
#include "store/sqlite.h"

#define RUNS "tiphys.runs"

/* One workflow of the command line. */
struct item {
    struct tph_run_state *state;
    const char *digest;
    struct tph_shown over; /* of one that was over before: its run is owned */
    const struct tph_shown *shown;
    bool known;   /* there is a row */
    bool goes_on; /* with a workflow that is in the store */
    bool ended;
    struct tph_str ns, name;
};

struct tph_run_state {
    struct tph_loop *loop;
    struct tph_run_state_options options;
    struct tph_store *store;
    struct tph_controller *controller;
    struct item *items; /* owned, as input's workflows */
    size_t n_items, n_left;
    struct tph_map by_name; /* "NS/NAME" -> struct item; keys are the arena's */
    struct tph_arena *arena;
    size_t n_writes;
    struct tph_error failed; /* of a write */
};

const char *tph_run_state_digest(const struct tph_json *manifest, const struct tph_run_overrides *overrides,
                                 size_t more, struct tph_arena *arena)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    unsigned char digest[TPH_SHA256_BYTES];
    char *hex = tph_arena_alloc(arena, 2 * TPH_SHA256_BYTES + 1);
    const char *texts[] = {overrides->name, overrides->ns, overrides->entrypoint};
    tph_json_write(manifest, TPH_JSON_SORTED, &text);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        (void)tph_buf_printf(&text, "\n%s", texts[i] ? texts[i] : "");
    }
    for (size_t i = 0; i < overrides->parameters->n; i++) {
        (void)tph_buf_printf(&text, "\n%s", overrides->parameters->list[i]);
    }
    (void)tph_buf_printf(&text, "\n%zu", more);
    tph_sha256(tph_buf_str(&text), digest);
    for (size_t i = 0; i < TPH_SHA256_BYTES; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 0xf];
    }
    return hex;
}

static struct tph_json *meta_of(const struct item *item)
{
    const struct tph_run_state *s = item->state;
    return tph_json_get(s->options.input->workflows[item - s->items].object, "metadata");
}

/* Reads an object of the store; NULL and 0: there is none. */
static int read_object(struct tph_run_state *s, const char *resource, struct tph_str ns, struct tph_str name,
                       struct tph_json_doc **ret_doc, struct tph_error *err)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = {.resource = tph_str(resource), .ns = ns, .name = name};
    int r = tph_store_get(s->store, &key, 0, &object, err);
    *ret_doc = NULL;
    return r == 0 ? tph_json_parse(tph_buf_str(&object.text), ret_doc, err) : r < 0 ? -1 : 0;
}

static bool is_over(const struct tph_json *workflow)
{
    struct tph_str phase = tph_json_get_str(tph_json_get(workflow, "status"), "phase");
    return tph_str_eqz(phase, "Succeeded") || tph_str_eqz(phase, "Failed") || tph_str_eqz(phase, "Error");
}

static const struct tph_run_objects *objects_of(void *owner, struct tph_str ns)
{
    struct tph_run_state *s = owner;
    return tph_objects_view(s->options.input->objects, ns);
}

/* One that is over, but nobody was told. */
static int show_over(struct item *item, const struct tph_json *workflow, struct tph_error *err)
{
    struct tph_run_state *s = item->state;
    struct tph_run_options options = {
        .compat = s->options.input->compat, .objects = objects_of(s, item->ns), .read_zone = tph_zone_read_file};
    item->ended = true;
    item->over.ns = item->ns;
    item->over.name = item->name;
    item->shown = &item->over;
    return tph_run_new(workflow, &options, &item->over.run, NULL, err);
}

/* Whether the row names a workflow that is to be gone on with. */
static int find_again(struct item *item, const struct tph_json *row, struct tph_error *err)
{
    struct tph_run_state *s = item->state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_str ns = tph_json_get_str(row, "namespace");
    struct tph_str name = tph_json_get_str(row, "name");
    if (read_object(s, TPH_CONTROLLER_WORKFLOWS, ns, name, &doc, err) < 0) {
        return -1;
    }
    const struct tph_json *workflow = doc ? tph_json_root(doc) : NULL;
    struct tph_str uid = tph_json_get_str(tph_json_get(workflow, "metadata"), "uid");
    bool over = is_over(workflow);
    if (!workflow || !tph_str_eq(uid, tph_json_get_str(row, "uid")) ||
        (over && tph_json_bool(tph_json_get(row, "told")))) {
        return 0;
    }
    struct tph_json_doc *own = s->options.input->workflows[item - s->items].doc;
    tph_json_set_str(own, meta_of(item), "name", name);
    tph_json_set_str(own, meta_of(item), "uid", uid);
    item->goes_on = true;
    item->ns = tph_arena_str(s->arena, ns);
    item->name = tph_arena_str(s->arena, name);
    return over ? show_over(item, workflow, err) : 0;
}

static int find_item(struct item *item, struct tph_error *err)
{
    struct tph_run_state *s = item->state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *row = NULL;
    item->ns = tph_arena_str(s->arena, tph_json_get_str(meta_of(item), "namespace"));
    item->name = tph_arena_str(s->arena, tph_json_get_str(meta_of(item), "name"));
    if (read_object(s, RUNS, TPH_STR_NONE, tph_str(item->digest), &row, err) < 0) {
        return -1;
    }
    item->known = row != NULL;
    if (row && find_again(item, tph_json_root(row), err) < 0) {
        return -1;
    }
    char *key = tph_arena_format(s->arena, "%.*s/%.*s", TPH_FMT(item->ns), TPH_FMT(item->name));
    (void)tph_map_set(&s->by_name, tph_str(key), item);
    return 0;
}

/* ---- writing ---- */

static void written(void *owner, const struct tph_store_result *result)
{
    struct tph_run_state *s = owner;
    if (result->outcome != TPH_STORE_DONE && s->failed.kind == TPH_ERROR_NONE) {
        (void)tph_error_set(&s->failed, TPH_ERROR_SYSTEM, "%s: %s", s->options.path,
                            result->error ? result->error->text : "somebody else changed it meanwhile");
    }
    if (--s->n_writes == 0) {
        tph_loop_stop(s->loop);
    }
}

static int wait_written(struct tph_run_state *s, struct tph_error *err)
{
    if (s->n_writes > 0) {
        tph_loop_run(s->loop);
    }
    if (s->failed.kind != TPH_ERROR_NONE) {
        *err = s->failed;
        return -1;
    }
    return 0;
}

static struct tph_store_change row_change(const struct item *item, bool told, struct tph_buf *text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *row = tph_json_new_object(doc);
    tph_json_set_str(doc, row, "namespace", item->ns);
    tph_json_set_str(doc, row, "name", item->name);
    tph_json_set_str(doc, row, "uid", tph_json_get_str(meta_of(item), "uid"));
    if (told) {
        tph_json_set(doc, row, "told", tph_json_new_bool(doc, true));
    }
    tph_json_write(row, 0, text);
    return (struct tph_store_change){
        .verb = item->known ? TPH_STORE_UPDATE : TPH_STORE_CREATE,
        .key = {.resource = TPH_STR(RUNS), .name = tph_str(item->digest)},
        .text = tph_buf_str(text),
    };
}

/* The workflow, in the place of one of its name that is over. */
static int create(struct item *item, struct tph_error *err)
{
    struct tph_run_state *s = item->state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *old = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf row = TPH_BUF_INIT(TPH_KIB(8));
    struct tph_store_key key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = item->ns, .name = item->name};
    struct tph_store_change changes[3];
    size_t n = 0;
    if (read_object(s, TPH_CONTROLLER_WORKFLOWS, item->ns, item->name, &old, err) < 0) {
        return -1;
    }
    if (old && !is_over(tph_json_root(old))) {
        return tph_error_set(
            err, TPH_ERROR_CONFLICT,
            "%s: another run of \"%.*s\" is under way in it, of another manifest or command line\n  give "
            "that command again to go on with it, or take another --state file",
            s->options.path, TPH_FMT(item->name));
    }
    if (old) {
        changes[n++] = (struct tph_store_change){.verb = TPH_STORE_DELETE, .key = key};
    }
    tph_json_write(s->options.input->workflows[item - s->items].object, TPH_JSON_SORTED, &text);
    changes[n++] = (struct tph_store_change){.verb = TPH_STORE_CREATE, .key = key, .text = tph_buf_str(&text)};
    changes[n++] = row_change(item, false, &row);
    s->n_writes++;
    tph_store_write(s->store, changes, n, written, s);
    item->known = true;
    return 0;
}

/* ---- what the controller asks and tells ---- */

static struct item *item_of(const struct tph_run_state *s, struct tph_str ns, struct tph_str name)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    return tph_map_get(&s->by_name, tph_str(key));
}

static bool takes(void *owner, struct tph_str ns, struct tph_str name)
{
    return item_of(owner, ns, name) != NULL;
}

static size_t plugins_of(void *owner, const struct tph_json *workflow, struct tph_plugin **out, size_t max)
{
    struct tph_run_state *s = owner;
    const struct tph_json *meta = tph_json_get(workflow, "metadata");
    const struct item *item = item_of(s, tph_json_get_str(meta, "namespace"), tph_json_get_str(meta, "name"));
    if (!item) {
        return 0;
    }
    const struct tph_prepared *p = &s->options.prepared[item - s->items];
    size_t n = p->n_plugins < max ? p->n_plugins : max;
    for (size_t i = 0; i < n; i++) {
        out[i] = p->plugins[i];
    }
    return n;
}

static void node_changed(void *owner, const struct tph_shown *workflow, const struct tph_node *node)
{
    const struct tph_controller_observer *o = &((struct tph_run_state *)owner)->options.observer;
    o->node(o->owner, workflow, node);
}

static void agent_says(void *owner, const struct tph_agent_event *event)
{
    const struct tph_controller_observer *o = &((struct tph_run_state *)owner)->options.observer;
    o->agent(o->owner, event);
}

static void begun(void *owner, const struct tph_shown *workflow)
{
    struct tph_run_state *s = owner;
    struct item *item = item_of(s, workflow->ns, workflow->name);
    if (!item->shown) {
        item->shown = workflow;
        s->options.begun(s->options.observer.owner, (size_t)(item - s->items), workflow);
    }
}

static void tell_finished(void *owner)
{
    struct tph_run_state *s = owner;
    s->options.finished(s->options.observer.owner);
}

static void ended(void *owner, const struct tph_shown *workflow)
{
    struct tph_run_state *s = owner;
    struct item *item = item_of(s, workflow->ns, workflow->name);
    item->shown = workflow;
    item->ended = true;
    if (--s->n_left == 0) {
        tph_defer(s->loop, tell_finished, s);
    }
}

/* ---- life ---- */

static int open_items(struct tph_run_state *s, struct tph_error *err)
{
    for (size_t i = 0; i < s->n_items; i++) {
        struct item *item = &s->items[i];
        item->state = s;
        item->digest = s->options.digests->list[i];
        if (find_item(item, err) < 0) {
            return -1;
        }
        s->n_left += item->ended ? 0 : 1;
    }
    for (size_t i = 0; i < s->n_items; i++) {
        if (!s->items[i].goes_on && create(&s->items[i], err) < 0) {
            return -1;
        }
    }
    return wait_written(s, err);
}

int tph_run_state_open(struct tph_loop *loop, const struct tph_run_state_options *options,
                       struct tph_run_state **ret_state, struct tph_error *err)
{
    TPH_CLEANUP(tph_run_state_freep) struct tph_run_state *s = TPH_NEW(struct tph_run_state);
    s->loop = loop;
    s->options = *options;
    s->arena = tph_arena_new();
    s->n_items = options->input->n_workflows;
    s->items = tph_calloc(s->n_items, sizeof(*s->items));
    if (tph_store_sqlite_open(loop, options->path, NULL, &s->store, err) < 0 || open_items(s, err) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_settings_release) struct tph_settings settings;
    tph_settings_init(&settings);
    settings.compat = options->input->compat;
    struct tph_controller_options controller = {
        .store = s->store,
        .observer = {.node = node_changed, .begun = begun, .ended = ended, .agent = agent_says, .owner = s},
        .takes = takes,
        .objects = objects_of,
        .plugins = plugins_of,
        .owner = s,
        .executor_plugins = true,
        .settings = &settings,
        .keep_ended = true,
    };
    s->controller = tph_controller_new(loop, &controller);
    *ret_state = TPH_TAKE(s);
    return 0;
}

void tph_run_state_free(struct tph_run_state *state)
{
    if (!state) {
        return;
    }
    tph_defer_cancel(state->loop, state);
    tph_controller_free(state->controller);
    for (size_t i = 0; i < state->n_items; i++) {
        tph_run_free(state->items[i].over.run);
    }
    tph_store_free(state->store);
    free(state->items);
    tph_map_release(&state->by_name);
    tph_arena_free(state->arena);
    free(state);
}

struct tph_controller *tph_run_state_controller(struct tph_run_state *state)
{
    return state->controller;
}

int tph_run_state_start(struct tph_run_state *state, struct tph_agent *agent, struct tph_error *err)
{
    for (size_t i = 0; i < state->n_items; i++) {
        if (state->items[i].ended) {
            state->options.begun(state->options.observer.owner, i, state->items[i].shown);
        }
    }
    if (state->n_left == 0) {
        tph_defer(state->loop, tell_finished, state);
    }
    return tph_controller_start(state->controller, agent, err);
}

const struct tph_shown *tph_run_state_shown(const struct tph_run_state *state, size_t index)
{
    return state->items[index].shown;
}

bool tph_run_state_goes_on(const struct tph_run_state *state, size_t index)
{
    return state->items[index].goes_on;
}

void tph_run_state_told(struct tph_run_state *state)
{
    struct tph_error err = TPH_ERROR_INIT;
    for (size_t i = 0; i < state->n_items; i++) {
        struct item *item = &state->items[i];
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(8));
        if (item->ended) {
            struct tph_store_change change = row_change(item, true, &text);
            state->n_writes++;
            tph_store_write(state->store, &change, 1, written, state);
        }
    }
    (void)!wait_written(state, &err); /* it is told once more, then */
}
