/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of tasks: in memory, and in an object of their own beside the workflow (controller.h has its form).
 *
 * A row is written when a node does not say all of a task: it was answered but is not over, or its text would come out
 * otherwise if it were made again. So a task of one call costs no row. */
#include <string.h>

#include "base/alloc.h"
#include "controller/controller_internal.h"

/* Copies a text to the front of the room. */
static struct tph_str keep(char **room, struct tph_str text)
{
    struct tph_str kept = {.p = *room, .len = text.len};
    if (text.len > 0) {
        memcpy(*room, text.p, text.len);
    }
    *room += text.len;
    return kept;
}

/* What the store knows of it from before. */
static void load_row(struct carried *w, struct task *task)
{
    const struct tph_json *rows = w->rows ? tph_json_get(tph_json_root(w->rows), "tasks") : NULL;
    const struct tph_json *row = tph_json_getn(rows, task->id);
    int64_t number = 0;
    if (!row) {
        return;
    }
    if (tph_json_to_i64(tph_json_get(row, "attempt"), &number) == 0) {
        task->attempt = (uint32_t)number;
    }
    if (tph_json_to_i64(tph_json_get(row, "calls"), &number) == 0) {
        task->calls = (uint32_t)number;
    }
    if (tph_json_to_i64(tph_json_get(row, "due"), &number) == 0) {
        task->due_ms = number;
    }
    struct tph_str text = tph_json_get_str(row, "text");
    struct tph_str plugin = tph_json_get_str(row, "plugin");
    if (text.len > 0) {
        free(task->text);
        task->text = tph_str_dup(text);
    }
    task->plugin = plugin.len > 0 ? tph_str_dup(plugin) : NULL;
    task->row = true;
    task->row_due = false;
    (void)tph_json_removen((struct tph_json *)(uintptr_t)rows, task->id);
}

struct task *tph_task_new(struct carried *w, const struct tph_action *action)
{
    const struct tph_node *node = action->node;
    struct task *task = tph_calloc(1, sizeof(*task) + node->id.len + node->name.len + action->key.len);
    char *room = task->texts;
    task->id = keep(&room, node->id);
    task->name = keep(&room, node->name);
    task->key = keep(&room, action->key);
    task->text = tph_str_dup(action->template_json);
    task->attempt = w->attempt;
    task->again = w->again;
    task->is_http = node->type == TPH_NODE_HTTP;
    task->row = task->row_due = !w->fixed_texts;
    w->rows_due = w->rows_due || task->row;
    load_row(w, task);
    (void)tph_map_set(&w->tasks, task->id, task);
    return task;
}

void tph_task_free(struct task *task)
{
    free(task->text);
    free(task->plugin);
    free(task);
}

void tph_tasks_free(struct task *list)
{
    while (list) {
        struct task *task = list;
        list = task->next;
        tph_task_free(task);
    }
}

void tph_task_hold(struct carried *w, struct task *task)
{
    task->state = TASK_HELD;
    task->next = NULL;
    if (!w->held) {
        w->held_end = &w->held;
    }
    *w->held_end = task;
    w->held_end = &task->next;
}

static void take_row_out(struct carried *w, struct tph_str id)
{
    if (w->n_rows_out == w->rows_out_capacity) {
        w->rows_out_capacity = w->rows_out_capacity ? w->rows_out_capacity * 2 : 8;
        w->rows_out = tph_realloc(w->rows_out, w->rows_out_capacity * sizeof(char *));
    }
    w->rows_out[w->n_rows_out++] = tph_str_dup(id);
    w->rows_due = true;
}

void tph_task_drop(struct carried *w, struct task *task, bool cancel)
{
    (void)tph_map_remove(&w->tasks, task->id);
    if (task->row) {
        take_row_out(w, task->id);
    }
    if (task->state == TASK_HELD) {
        task->dead = true; /* it stands in a list, which is walked when its write is through */
    } else if (task->state == TASK_GIVEN && cancel) {
        task->next = w->doomed;
        w->doomed = task;
    } else {
        tph_task_free(task);
    }
}

static struct tph_store_key rows_key(const struct carried *w)
{
    return (struct tph_store_key){.resource = TPH_STR(TPH_CONTROLLER_TASKS), .ns = w->shown.ns, .name = w->shown.name};
}

int tph_tasks_load(struct carried *w, bool reopened, struct tph_error *err)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = rows_key(w);
    int r = tph_store_get(w->controller->store, &key, 0, &object, err);
    if (r < 0) {
        return -1;
    }
    int64_t attempt = 0;
    bool over = false;
    w->rows_read = true;
    w->rows_there = r == 0;
    if (r == 0 && tph_json_parse(tph_buf_str(&object.text), &w->rows, err) < 0) {
        return -1;
    }
    if (w->rows && !tph_str_eqz(tph_json_get_str(tph_json_root(w->rows), "uid"), w->uid)) {
        tph_json_doc_free(TPH_TAKE(w->rows)); /* of another workflow of that name */
        w->rows_whole = true;
    }
    if (w->rows) {
        const struct tph_json *root = tph_json_root(w->rows);
        over = tph_json_bool(tph_json_get(root, "ended"));
        attempt = tph_json_to_i64(tph_json_get(root, "attempt"), &attempt) == 0 ? attempt : 0;
    }
    /* A workflow that was over runs again: its tasks are others than those of before, though their nodes are the same.
     */
    bool raise = reopened && (over || attempt == 0);
    w->attempt = (uint32_t)attempt + (raise ? 1 : 0);
    w->rows_whole = w->rows_whole || raise;
    return 0;
}

void tph_tasks_loaded(struct carried *w)
{
    if (w->rows && tph_json_len(tph_json_get(tph_json_root(w->rows), "tasks")) > 0) {
        w->rows_whole = true; /* some are of tasks that are not wanted any more */
    }
    tph_json_doc_free(TPH_TAKE(w->rows));
}

static struct tph_json *row_of(const struct task *task, bool with_text, struct tph_json_doc *doc)
{
    struct tph_json *row = tph_json_new_object(doc);
    tph_json_set(doc, row, "attempt", tph_json_new_i64(doc, task->attempt));
    tph_json_set(doc, row, "calls", tph_json_new_i64(doc, task->calls));
    if (task->due_ms > 0) {
        tph_json_set(doc, row, "due", tph_json_new_i64(doc, task->due_ms));
    }
    if (task->plugin) {
        tph_json_set_cstr(doc, row, "plugin", task->plugin);
    }
    if (with_text && task->text) {
        tph_json_set_cstr(doc, row, "text", task->text);
    }
    return row;
}

static struct tph_str written(const struct tph_json *json, struct tph_arena *arena)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(json, 0, &text);
    return tph_arena_str(arena, tph_buf_str(&text));
}

/* All that is known, in one text. */
static struct tph_str whole(const struct carried *w, struct tph_arena *arena)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *root = tph_json_new_object(doc);
    struct tph_json *tasks = tph_json_new_object(doc);
    tph_json_set_cstr(doc, root, "uid", w->uid);
    tph_json_set(doc, root, "attempt", tph_json_new_i64(doc, w->attempt));
    if (w->over_in_write) {
        tph_json_set(doc, root, "ended", tph_json_new_bool(doc, true));
    }
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    while (!w->over_in_write && tph_map_next(&w->tasks, &at, &id, &value)) {
        struct task *task = value;
        if (task->row && task->state != TASK_ENDED) {
            tph_json_append_member(doc, tasks, id, row_of(task, !w->fixed_texts, doc));
        }
        task->row_due = false;
    }
    tph_json_set(doc, root, "tasks", tasks);
    return written(root, arena);
}

static size_t parts_of(struct carried *w, struct tph_arena *arena, struct tph_store_part *parts)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    size_t n = 0;
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    for (size_t i = 0; i < w->n_rows_out; i++) {
        parts[n++] = (struct tph_store_part){.member = tph_arena_str(arena, tph_str(w->rows_out[i]))};
    }
    while (tph_map_next(&w->tasks, &at, &id, &value)) {
        struct task *task = value;
        if (task->state == TASK_ENDED && task->row) {
            parts[n++] = (struct tph_store_part){.member = id};
        } else if (task->row_due) {
            parts[n++] =
                (struct tph_store_part){.member = id, .text = written(row_of(task, !w->fixed_texts, doc), arena)};
        }
        task->row_due = false;
    }
    return n;
}

static void forget_rows_out(struct carried *w)
{
    for (size_t i = 0; i < w->n_rows_out; i++) {
        free(w->rows_out[i]);
    }
    w->n_rows_out = 0;
}

static bool any_row(const struct carried *w)
{
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    while (tph_map_next(&w->tasks, &at, &id, &value)) {
        const struct task *task = value;
        if (task->row_due && task->state != TASK_ENDED) {
            return true;
        }
    }
    return false;
}

/* The text of a task stays with it only where its row has it: so there is little to keep for a fan-out. */
bool tph_tasks_change(struct carried *w, struct tph_arena *arena, struct tph_store_change *ret_change)
{
    struct tph_store_change change = {.verb = TPH_STORE_MERGE, .key = rows_key(w)};
    bool all = w->rows_whole || w->over_in_write;
    if (!all && !w->rows_due) {
        return false;
    }
    bool keep_any = w->attempt > 0 || (!w->over_in_write && any_row(w));
    w->rows_there_after = w->rows_there;
    if (!w->rows_there && !keep_any) {
        forget_rows_out(w);
        return false;
    }
    if (w->over_in_write && w->attempt == 0) {
        change.verb = TPH_STORE_DELETE;
        w->rows_there_after = false;
    } else if (!w->rows_there || all) {
        change.verb = w->rows_there ? TPH_STORE_UPDATE : TPH_STORE_CREATE;
        change.text = whole(w, arena);
        w->rows_there_after = true;
    } else {
        struct tph_store_part *parts =
            TPH_ARENA_ARRAY(arena, struct tph_store_part, w->n_rows_out + tph_map_len(&w->tasks) + 1);
        change.n_parts = parts_of(w, arena, parts);
        change.parts = parts;
    }
    forget_rows_out(w);
    w->rows_whole = w->rows_due = false;
    *ret_change = change;
    return change.verb != TPH_STORE_MERGE || change.n_parts > 0;
}

void tph_results_add(struct results *list, struct tph_str node_id, const struct tph_node_result *result)
{
    struct result *r = TPH_NEW(struct result);
    struct tph_json *root = NULL;
    r->node_id = tph_str_dup(node_id);
    r->doc = tph_json_doc_new();
    root = tph_json_new_object(r->doc);
    tph_json_set_str(r->doc, root, "phase", result->phase);
    tph_json_set_str(r->doc, root, "message", result->message);
    tph_json_set_str(r->doc, root, "progress", result->progress);
    if (result->outputs) {
        tph_json_set(r->doc, root, "outputs", tph_json_copy(r->doc, result->outputs));
    }
    tph_json_set_root(r->doc, root);
    if (!list->first) {
        list->end = &list->first;
    }
    *list->end = r;
    list->end = &r->next;
}

void tph_results_free(struct results *list)
{
    while (list->first) {
        struct result *r = list->first;
        list->first = r->next;
        free(r->node_id);
        tph_json_doc_free(r->doc);
        free(r);
    }
    list->end = NULL;
}

void tph_results_join(struct results *to, struct results *more)
{
    if (!more->first) {
        return;
    }
    *more->end = to->first;
    if (!to->first) {
        to->end = more->end;
    }
    to->first = more->first;
    *more = (struct results){.first = NULL};
}
