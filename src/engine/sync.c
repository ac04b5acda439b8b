/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes and semaphores of the workflow and of its templates. Source: argo 2.15. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/locks.h"
#include "engine/run_internal.h"

struct tph_locks *tph_run_locks(struct tph_run *run)
{
    if (run->options.locks) {
        return run->options.locks;
    }
    if (!run->own_locks) {
        run->own_locks = tph_locks_new();
    }
    return run->own_locks;
}

/* The run is its own owner where the locks are its own alone. */
static void *owner_of(struct tph_run *run)
{
    return run->options.lock_owner ? run->options.lock_owner : run;
}

static struct tph_lock_holder holder_of(struct tph_run *run, const struct node *node)
{
    struct tph_str ns = run->spec->ns;
    struct tph_str name = run->spec->name;
    return (struct tph_lock_holder){
        .name = tph_str(
            node ? tph_arena_format(run->scratch, "%.*s/%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name), TPH_FMT(node->pub.id))
                 : tph_arena_format(run->scratch, "%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name))),
        .owner = owner_of(run),
        .priority = run->spec->priority,
        .created_ms = run->created_ms,
    };
}

static int eval(const struct scope *scope, const struct tph_text *text, struct tph_str *ret, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(4));
    if (tph_scope_eval(scope, text, 0, &value, problem)) {
        return -1;
    }
    *ret = tph_arena_str(scope->run->scratch, tph_buf_str(&value));
    return 0;
}

/* How many may hold a semaphore, as its ConfigMap says now; 0 = it does not say. */
static int64_t limit_of(const struct tph_run *run, struct tph_str map_name, struct tph_str key)
{
    const struct tph_run_objects *objects = run->options.objects;
    const struct tph_json *map = objects ? objects->find(objects->owner, TPH_OBJECT_CONFIG_MAP, map_name) : NULL;
    int64_t limit = 0;
    struct tph_str text = tph_json_str(tph_json_getn(tph_json_get(map, "data"), key));
    return tph_str_to_i64(text, &limit) == 0 && limit > 0 ? limit : 0;
}

/* What a synchronization asks for, with its texts put together. */
static int requested(struct tph_run *run, const struct scope *scope, const struct tph_sync *sync,
                     struct tph_lock *locks, struct tph_buf *problem)
{
    for (size_t i = 0; i < sync->n; i++) {
        const struct tph_sync_lock *l = &sync->locks[i];
        struct tph_str ns = TPH_STR_NONE;
        struct tph_str name;
        struct tph_str key = TPH_STR_NONE;
        if (eval(scope, &l->ns, &ns, problem) < 0 || eval(scope, &l->name, &name, problem) < 0 ||
            eval(scope, &l->key, &key, problem) < 0) {
            return -1;
        }
        ns = ns.len > 0 ? ns : run->spec->ns;
        locks[i].limit = l->is_semaphore ? limit_of(run, name, key) : 1;
        locks[i].name =
            tph_str(l->is_semaphore ? tph_arena_format(run->scratch, "%.*s/ConfigMap/%.*s/%.*s", TPH_FMT(ns),
                                                       TPH_FMT(name), TPH_FMT(key))
                                    : tph_arena_format(run->scratch, "%.*s/Mutex/%.*s", TPH_FMT(ns), TPH_FMT(name)));
        for (size_t other = 0; other < i; other++) {
            if (tph_str_eq(locks[other].name, locks[i].name)) {
                (void)tph_buf_puts(problem, "requested configuration is invalid: duplicate synchronization item found");
                return -1;
            }
        }
        if (locks[i].limit == 0) {
            (void)tph_buf_printf(problem, "failed to initialize semaphore %.*s with limit", TPH_FMT(locks[i].name));
            return -1;
        }
    }
    return 0;
}

static void tell_wait(const struct tph_lock *lock, int64_t left, struct tph_buf *message)
{
    (void)tph_buf_printf(message, "Waiting for %.*s lock. Lock status: %lld/%lld", TPH_FMT(lock->name), (long long)left,
                         (long long)lock->limit);
}

static void wait_for(struct node *node, struct tph_str lock)
{
    struct tph_run *run = node->run;
    node->waits_for = tph_arena_str(run->arena, lock);
    node->pub.phase = TPH_NODE_PENDING;
    if (!node->in_lock_queue) {
        node->in_lock_queue = true;
        if (run->n_lock_queue == run->lock_queue_capacity) {
            run->lock_queue_capacity = run->lock_queue_capacity ? run->lock_queue_capacity * 2 : 16;
            run->lock_queue = tph_realloc(run->lock_queue, run->lock_queue_capacity * sizeof(struct node *));
        }
        run->lock_queue[run->n_lock_queue++] = node;
    }
    tph_node_touch(node);
}

static void note_held(struct node *node, const struct tph_lock *locks, size_t n)
{
    struct tph_str *held = TPH_ARENA_ARRAY(node->run->arena, struct tph_str, n);
    for (size_t i = 0; i < n; i++) {
        held[i] = tph_arena_str(node->run->arena, locks[i].name);
    }
    node->held = held;
    node->n_held = n;
}

enum sync_answer tph_sync_node(struct node *node, struct tph_buf *problem)
{
    struct tph_run *run = node->run;
    const struct tph_sync *sync = node->template->sync;
    if (!sync || sync->n == 0) {
        return SYNC_GO;
    }
    struct tph_lock *locks = TPH_ARENA_ARRAY(run->scratch, struct tph_lock, sync->n);
    struct scope scope = tph_scope_of(node);
    struct tph_lock_holder holder = holder_of(run, node);
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_KIB(4));
    size_t at = 0;
    int64_t left = 0;
    if (requested(run, &scope, sync, locks, problem) < 0) {
        return SYNC_BROKEN;
    }
    if (tph_locks_take(tph_run_locks(run), &holder, locks, sync->n, &at, &left) == TPH_LOCKS_WAIT) {
        tell_wait(&locks[at], left, &message);
        tph_node_set_message(node, tph_buf_str(&message));
        wait_for(node, locks[at].name);
        return SYNC_WAIT;
    }
    note_held(node, locks, sync->n);
    return SYNC_GO;
}

enum sync_answer tph_sync_workflow(struct tph_run *run, struct tph_buf *problem)
{
    const struct tph_sync *sync = run->spec->sync;
    if (!sync || sync->n == 0) {
        return SYNC_GO;
    }
    struct tph_lock *locks = TPH_ARENA_ARRAY(run->scratch, struct tph_lock, sync->n);
    struct scope scope = {.run = run};
    struct tph_lock_holder holder = holder_of(run, NULL);
    size_t at = 0;
    int64_t left = 0;
    if (requested(run, &scope, sync, locks, problem) < 0) {
        return SYNC_BROKEN;
    }
    if (tph_locks_take(tph_run_locks(run), &holder, locks, sync->n, &at, &left) == TPH_LOCKS_WAIT) {
        tell_wait(&locks[at], left, problem);
        run->waits_for = tph_arena_str(run->arena, locks[at].name);
        return SYNC_WAIT;
    }
    struct tph_str *held = TPH_ARENA_ARRAY(run->arena, struct tph_str, sync->n);
    for (size_t i = 0; i < sync->n; i++) {
        held[i] = tph_arena_str(run->arena, locks[i].name);
    }
    run->held = held;
    run->n_held = sync->n;
    run->waits_for = TPH_STR_NONE;
    return SYNC_GO;
}

/* Others of the same run may go on at once; those of other runs are told by whoever has them. */
static void wake_own(struct tph_run *run)
{
    if (run->own_locks) {
        while (tph_locks_next_woken(run->own_locks)) {
        }
    }
    if (run->n_lock_queue > 0) {
        tph_run_push(run, WORK_LOCKS, NULL);
    }
}

void tph_sync_release(struct node *node)
{
    struct tph_run *run = node->run;
    if (node->n_held == 0 && !node->waits_for.p) {
        return;
    }
    tph_locks_drop(tph_run_locks(run), holder_of(run, node).name);
    node->n_held = 0;
    node->waits_for = TPH_STR_NONE;
    wake_own(run);
}

void tph_sync_release_workflow(struct tph_run *run)
{
    if (run->n_held > 0 || run->waits_for.p) {
        tph_locks_drop(tph_run_locks(run), holder_of(run, NULL).name);
        run->n_held = 0;
        run->waits_for = TPH_STR_NONE;
    }
}

/* One that waited tries again. */
static void try_node(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_node_phase_is_final(node->pub.phase)) {
        return;
    }
    switch (tph_sync_node(node, &problem)) {
    case SYNC_WAIT:
        break;
    case SYNC_BROKEN:
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        break;
    case SYNC_GO:
        node->waits_for = TPH_STR_NONE;
        tph_node_set_message(node, TPH_STR_NONE);
        tph_dispatch_go_on(node);
        break;
    }
}

void tph_sync_leave_queues(struct tph_run *run)
{
    for (size_t i = 0; i < run->n_lock_queue; i++) {
        run->lock_queue[i]->in_lock_queue = false;
        tph_locks_drop(tph_run_locks(run), holder_of(run, run->lock_queue[i]).name);
    }
    run->n_lock_queue = 0;
}

void tph_run_drop_locks(struct tph_run *run)
{
    tph_sync_release_workflow(run);
    tph_sync_leave_queues(run);
    for (size_t i = 0; i < run->n_nodes; i++) {
        tph_sync_release(run->nodes[i]);
    }
}

void tph_sync_wait_again(struct node *node)
{
    wait_for(node, node->waits_for);
    tph_run_push(node->run, WORK_LOCKS, NULL);
}

void tph_sync_try_again(struct tph_run *run)
{
    size_t n = run->n_lock_queue;
    struct node **queue = TPH_ARENA_ARRAY(run->scratch, struct node *, n);
    for (size_t i = 0; i < n; i++) {
        queue[i] = run->lock_queue[i];
        queue[i]->in_lock_queue = false;
    }
    run->n_lock_queue = 0;
    for (size_t i = 0; i < n; i++) {
        try_node(queue[i]);
    }
}

/* status.synchronization: what is held and waited for. */
static bool is_mutex(struct tph_str lock)
{
    return tph_str_find(lock, TPH_STR("/Mutex/")) >= 0;
}

static struct tph_json *list_in(struct tph_json_doc *doc, struct tph_json *sync, struct tph_str lock, const char *key)
{
    const char *kind = is_mutex(lock) ? "mutex" : "semaphore";
    struct tph_json *part = tph_json_get(sync, kind);
    if (!part) {
        tph_json_set(doc, sync, kind, tph_json_new_object(doc));
        part = tph_json_get(sync, kind);
    }
    if (!tph_json_get(part, key)) {
        tph_json_set(doc, part, key, tph_json_new_array(doc));
    }
    return tph_json_get(part, key);
}

static void add_entry(struct tph_json_doc *doc, struct tph_json *sync, struct tph_str lock, const char *key,
                      struct tph_str holders)
{
    struct tph_json *list = list_in(doc, sync, lock, key);
    struct tph_json *entry = tph_json_new_object(doc);
    struct tph_str one;
    if (is_mutex(lock)) {
        tph_json_set_str(doc, entry, "holder", holders);
    } else {
        struct tph_json *names = tph_json_new_array(doc);
        while (holders.len > 0 && tph_str_cut(&holders, ',', &one)) {
            tph_json_append(doc, names, tph_json_new_str(doc, one));
        }
        tph_json_set(doc, entry, "holders", names);
    }
    tph_json_set_str(doc, entry, is_mutex(lock) ? "mutex" : "semaphore", lock);
    tph_json_append(doc, list, entry);
}

static void add_waiting(const struct tph_run *run, struct tph_json_doc *doc, struct tph_json *sync, struct tph_str lock)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf holders = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_locks *locks = run->options.locks ? run->options.locks : run->own_locks;
    tph_locks_holders(locks, lock, &holders);
    add_entry(doc, sync, lock, "waiting", tph_buf_str(&holders));
}

struct tph_json *tph_sync_status(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *sync = tph_json_new_object(doc);
    TPH_CLEANUP(tph_freep)
    char *workflow = tph_format("%.*s/%.*s", TPH_FMT(run->spec->ns), TPH_FMT(run->spec->name));
    for (size_t i = 0; i < run->n_held; i++) {
        add_entry(doc, sync, run->held[i], "holding", tph_str(workflow));
    }
    if (run->waits_for.p) {
        add_waiting(run, doc, sync, run->waits_for);
    }
    for (const struct node *node = run->root; node; node = tph_node_next(node)) {
        for (size_t l = 0; l < node->n_held; l++) {
            TPH_CLEANUP(tph_freep) char *holder = tph_format("%s/%.*s", workflow, TPH_FMT(node->pub.id));
            add_entry(doc, sync, node->held[l], "holding", tph_str(holder));
        }
        if (node->waits_for.p) {
            add_waiting(run, doc, sync, node->waits_for);
        }
    }
    return tph_json_len(sync) > 0 ? sync : NULL;
}

/* After a restart: a node, or the workflow, that had a lock has it again. */
static void restore_one(struct tph_run *run, struct tph_str lock, struct tph_str holder)
{
    TPH_CLEANUP(tph_freep)
    char *workflow = tph_format("%.*s/%.*s", TPH_FMT(run->spec->ns), TPH_FMT(run->spec->name));
    size_t own = strlen(workflow);
    if (!tph_str_has_prefix(holder, tph_str(workflow))) {
        return;
    }
    struct node *node =
        holder.len > own + 1 ? tph_map_get(&run->by_id, tph_str_slice(holder, own + 1, holder.len)) : NULL;
    struct tph_str **held = node ? &node->held : &run->held;
    size_t *n = node ? &node->n_held : &run->n_held;
    struct tph_str *more = TPH_ARENA_ARRAY(run->arena, struct tph_str, *n + 1);
    if (*n > 0) {
        memcpy(more, *held, *n * sizeof(*more));
    }
    more[(*n)++] = tph_arena_str(run->arena, lock);
    *held = more;
    struct tph_lock_holder who = holder_of(run, node);
    tph_locks_restore(tph_run_locks(run), &who, lock, 1);
}

void tph_sync_restore(struct tph_run *run, const struct tph_json *sync)
{
    static const char *const kinds[] = {"mutex", "semaphore"};
    for (size_t k = 0; k < 2; k++) {
        struct tph_json_iter it = tph_json_iter(tph_json_path(sync, kinds[k], "holding", NULL));
        while (tph_json_next(&it)) {
            struct tph_str lock = tph_json_get_str(it.value, kinds[k]);
            struct tph_json_iter h = tph_json_iter(tph_json_get(it.value, "holders"));
            if (k == 0) {
                restore_one(run, lock, tph_json_get_str(it.value, "holder"));
            }
            while (tph_json_next(&h)) {
                restore_one(run, lock, tph_json_str(h.value));
            }
        }
    }
}
