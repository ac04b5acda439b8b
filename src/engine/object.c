/* SPDX-License-Identifier: Apache-2.0 */
/* The Workflow object with its status as Argo writes it. Source: argo 1.5 to 1.10. */
#include <stdio.h>
#include <string.h>

#include "api/gotype_tables.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/time.h"
#include "engine/run_internal.h"

#define LABEL(name) "workflows.argoproj.io/" name

static void set_time(struct tph_json_doc *doc, struct tph_json *object, const char *key, int64_t ms)
{
    char text[TPH_TIME_TEXT];
    if (ms == 0) {
        tph_json_set(doc, object, key, tph_json_new_null(doc));
        return;
    }
    tph_time_format(ms, text);
    tph_json_set_cstr(doc, object, key, text);
}

static struct tph_json *id_list(struct tph_json_doc *doc, struct tph_node *const *list, size_t n)
{
    struct tph_json *ids = tph_json_new_array(doc);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, ids, tph_json_new_str(doc, list[i]->id));
    }
    return ids;
}

/* Leaves that are done, and all. */
struct counts {
    int64_t done, total;
};

/* Argo counts a node's progress over all that hangs on it in the graph, whoever made it: below a group that is what
 * comes after it, too. */
struct sums {
    const struct tph_run *run;
    struct counts *below; /* by seq; owned, as the others */
    uint8_t *marks;       /* 0 new, 1 open, 2 done */
    uint32_t *stamps;     /* of the last collection that came by */
    uint32_t stamp;
    const struct node **stack;
    size_t depth;
};

static const struct node *child_of(const struct node *node, size_t i)
{
    return (const struct node *)(const void *)node->pub.children[i];
}

static struct counts own_count(const struct node *node)
{
    return tph_node_is_leaf(node) ? (struct counts){.done = node->done, .total = node->total} : (struct counts){0, 0};
}

static void add(struct counts *to, struct counts more)
{
    to->done += more.done;
    to->total += more.total;
}

/* The one node that all children of a node lead to, or NULL; *ret_simple says whether there is no other way on. */
static const struct node *meeting_point(const struct node *node, bool *ret_simple)
{
    const struct node *meet = NULL;
    for (size_t i = 0; i < node->pub.n_children; i++) {
        const struct node *child = child_of(node, i);
        bool same = child->pub.n_children == 1 && (!meet || meet == child_of(child, 0));
        same = same && child_of(child, 0)->parent != child->parent; /* or it might be a child itself */
        if (child->pub.n_children > 0 && !same) {
            *ret_simple = false;
            return NULL;
        }
        meet = child->pub.n_children == 1 ? child_of(child, 0) : meet;
    }
    *ret_simple = true;
    return meet;
}

/* Every node below, once. */
static struct counts collect(struct sums *s, const struct node *from)
{
    struct counts sum = {0, 0};
    size_t bottom = s->depth;
    s->stamp++;
    s->stack[s->depth++] = from;
    while (s->depth > bottom) {
        const struct node *node = s->stack[--s->depth];
        for (size_t i = 0; i < node->pub.n_children; i++) {
            const struct node *child = child_of(node, i);
            if (s->stamps[child->seq] != s->stamp) {
                s->stamps[child->seq] = s->stamp;
                add(&sum, own_count(child));
                s->stack[s->depth++] = child;
            }
        }
    }
    return sum;
}

/* The sums of its children are known. Chains, fans and fans that come together again cost what they add; only other
 * shapes are walked through. */
static struct counts sum_of(struct sums *s, const struct node *node)
{
    struct counts sum = {0, 0};
    bool simple = true;
    if (node->pub.n_children == 1) {
        sum = own_count(child_of(node, 0));
        add(&sum, s->below[child_of(node, 0)->seq]);
        return sum;
    }
    const struct node *meet = meeting_point(node, &simple);
    if (!simple) {
        return collect(s, node);
    }
    for (size_t i = 0; i < node->pub.n_children; i++) {
        add(&sum, own_count(child_of(node, i)));
    }
    if (meet) {
        add(&sum, own_count(meet));
        add(&sum, s->below[meet->seq]);
    }
    return sum;
}

static void sum_from(struct sums *s, const struct node *root)
{
    s->stack[s->depth++] = root;
    while (s->depth > 0) {
        const struct node *node = s->stack[s->depth - 1];
        if (s->marks[node->seq] == 0) {
            s->marks[node->seq] = 1;
            for (size_t i = 0; i < node->pub.n_children; i++) {
                const struct node *child = child_of(node, i);
                if (s->marks[child->seq] == 0) {
                    s->stack[s->depth++] = child;
                }
            }
            continue;
        }
        s->depth--;
        if (s->marks[node->seq] == 1) {
            s->marks[node->seq] = 2;
            s->below[node->seq] = sum_of(s, node);
        }
    }
}

static struct counts *sum_all(const struct tph_run *run)
{
    size_t n = run->n_nodes;
    size_t edges = 0;
    for (size_t i = 0; i < n; i++) {
        edges += run->nodes[i]->pub.n_children;
    }
    struct sums s = {.run = run,
                     .below = tph_calloc(n, sizeof(*s.below)),
                     .marks = tph_calloc(n, sizeof(*s.marks)),
                     .stamps = tph_calloc(n, sizeof(*s.stamps)),
                     .stack = tph_calloc(2 * (n + edges) + 1, sizeof(*s.stack))};
    for (size_t i = 0; i < n; i++) {
        if (s.marks[i] == 0) {
            sum_from(&s, run->nodes[i]);
        }
    }
    free(s.marks);
    free(s.stamps);
    free(s.stack);
    return s.below;
}

static void set_progress(struct tph_json_doc *doc, struct tph_json *object, const struct node *node,
                         struct counts below)
{
    char text[48];
    struct counts sum = tph_node_is_leaf(node) ? own_count(node) : below;
    if (sum.total > 0) {
        (void)snprintf(text, sizeof(text), "%lld/%lld", (long long)sum.done, (long long)sum.total);
        tph_json_set_cstr(doc, object, "progress", text);
    }
}

static void set_inputs_outputs(struct tph_json_doc *doc, struct tph_json *object, const struct node *node)
{
    if (node->pub.inputs) {
        tph_json_set(doc, object, "inputs", tph_json_copy(doc, node->pub.inputs));
    }
    if (node->pub.outputs) {
        tph_json_set(doc, object, "outputs", tph_json_copy(doc, node->pub.outputs));
    }
}

/* nodeFlag: what made the node; groups and what was skipped have an empty one. */
static void set_flag(struct tph_json_doc *doc, struct tph_json *object, const struct node *node)
{
    const struct tph_node *n = &node->pub;
    bool group = n->type == TPH_NODE_STEP_GROUP || n->type == TPH_NODE_TASK_GROUP;
    bool skipped = n->type == TPH_NODE_SKIP && n->phase != TPH_NODE_ERROR;
    bool retried = node->role == ROLE_ATTEMPT;
    bool hooked = node->role == ROLE_HOOK || (retried && node->parent->role == ROLE_HOOK);
    if (!group && !skipped && !retried && !hooked && !node->flagged) {
        return;
    }
    struct tph_json *flag = tph_json_new_object(doc);
    if (hooked) {
        tph_json_set(doc, flag, "hooked", tph_json_new_bool(doc, true));
    }
    if (retried || (hooked && n->type == TPH_NODE_RETRY && node->n_members > 0)) {
        tph_json_set(doc, flag, "retried", tph_json_new_bool(doc, true));
    }
    tph_json_set(doc, object, "nodeFlag", flag);
}

/* The template as it was called, and from where. */
static void set_template(struct tph_json_doc *doc, struct tph_json *object, const struct node *node)
{
    const struct node *from = node->role == ROLE_GROUP ? node->parent : tph_node_boundary(node);
    const struct tph_resource *r = from ? tph_node_resource(from) : node->run->spec->local;
    struct tph_str name = node->old_scope && r->kind == TPH_RESOURCE_LOCAL ? node->run->old_scope : r->name;
    TPH_CLEANUP(tph_freep) char *scope = tph_format("%s/%.*s", tph_resource_kind_name(r->kind), TPH_FMT(name));
    if (node->call && node->call->target.has_resource && node->template) {
        struct tph_json *ref = tph_json_new_object(doc);
        tph_json_set_str(doc, ref, "name", node->template->resource->name);
        tph_json_set_str(doc, ref, "template", node->template->name);
        if (node->call->target.is_cluster) {
            tph_json_set(doc, ref, "clusterScope", tph_json_new_bool(doc, true));
        }
        tph_json_set(doc, object, "templateRef", ref);
    } else if (node->pub.template_name.len > 0) {
        tph_json_set_str(doc, object, "templateName", node->pub.template_name);
    }
    tph_json_set_cstr(doc, object, "templateScope", scope);
}

static struct tph_json *node_object(struct tph_json_doc *doc, const struct node *node)
{
    const struct tph_node *n = &node->pub;
    struct tph_json *object = tph_json_new_object(doc);
    tph_json_set_str(doc, object, "id", n->id);
    tph_json_set_str(doc, object, "name", n->name);
    tph_json_set_str(doc, object, "displayName", n->display_name);
    tph_json_set_cstr(doc, object, "type", tph_node_type_name(n->type));
    set_template(doc, object, node);
    tph_json_set_cstr(doc, object, "phase", tph_node_phase_name(n->phase));
    if (n->boundary) {
        tph_json_set_str(doc, object, "boundaryID", n->boundary->id);
    }
    if (n->message.len > 0) {
        tph_json_set_str(doc, object, "message", n->message);
    }
    set_time(doc, object, "startedAt", n->started_ms);
    set_time(doc, object, "finishedAt", n->finished_ms);
    set_flag(doc, object, node);
    set_inputs_outputs(doc, object, node);
    if (node->waits_for.p) {
        struct tph_json *sync = tph_json_new_object(doc);
        tph_json_set_str(doc, sync, "waiting", node->waits_for);
        tph_json_set(doc, object, "synchronizationStatus", sync);
    }
    if (node->memo) {
        struct tph_json *memo = tph_json_new_object(doc);
        tph_json_set(doc, memo, "hit", tph_json_new_bool(doc, node->memo->hit));
        tph_json_set_str(doc, memo, "key", node->memo->key);
        tph_json_set_str(doc, memo, "cacheName", node->memo->cache);
        tph_json_set(doc, object, "memoizationStatus", memo);
    }
    if (n->n_children > 0) {
        struct tph_json *children = id_list(doc, n->children, n->n_children);
        if (node->never_made) {
            tph_json_append(doc, children, tph_json_new_cstr(doc, node->never_made));
        }
        tph_json_set(doc, object, "children", children);
    }
    if (node->n_outbound > 0) {
        tph_json_set(doc, object, "outboundNodes", id_list(doc, node->outbound, node->n_outbound));
    }
    return object;
}

static struct tph_json *nodes_object(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *nodes = tph_json_new_object(doc);
    struct counts *below = sum_all(run);
    for (size_t i = 0; i < run->n_nodes; i++) {
        struct tph_json *object = node_object(doc, run->nodes[i]);
        set_progress(doc, object, run->nodes[i], below[i]);
        tph_json_append_member(doc, nodes, run->nodes[i]->pub.id, object);
    }
    free(below);
    return nodes;
}

static struct tph_json *condition(struct tph_json_doc *doc, const char *type, const char *status)
{
    struct tph_json *c = tph_json_new_object(doc);
    tph_json_set_cstr(doc, c, "type", type);
    tph_json_set_cstr(doc, c, "status", status);
    return c;
}

/* As Go would write them: with the empty members that its structs have. */
static struct tph_json *stored_templates(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *stored = tph_json_new_object(doc);
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    struct tph_json_iter it = tph_json_iter(run->stored);
    while (tph_json_next(&it)) {
        struct tph_json *written = NULL;
        bool good = tph_go_convert(doc, it.value, &tph_gt_argo_Template, &options, &written, NULL) == 0;
        tph_json_setn(doc, stored, it.key, good ? written : tph_json_copy(doc, it.value));
    }
    return stored;
}

/* ^[a-zA-Z_][a-zA-Z0-9_]*$ */
static bool is_metric_name(struct tph_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0;
}

/* The workflow's own metrics are looked at when it is over, and nobody has checked their names before. */
static void add_metric_errors(const struct tph_run *run, struct tph_json_doc *doc, struct tph_json *conditions)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json_iter it = tph_json_iter(tph_json_path(run->spec->exec, "metrics", "prometheus", NULL));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        if (!is_metric_name(name)) {
            (void)tph_buf_printf(&message,
                                 "%scould not construct metric '%.*s': metric name is invalid: names may only contain "
                                 "alphanumeric characters or '_'",
                                 message.len > 0 ? ", " : "", TPH_FMT(name));
        }
    }
    if (message.len > 0) {
        struct tph_json *c = condition(doc, "MetricsError", "True");
        tph_json_set_cstr(doc, c, "message", tph_buf_cstr(&message));
        tph_json_append(doc, conditions, c);
    }
}

/* What Argo says of artifacts in every workflow that it looked at. */
static void set_artifacts(struct tph_json_doc *doc, struct tph_json *status)
{
    struct tph_json *gc = tph_json_new_object(doc);
    struct tph_json *repository = tph_json_new_object(doc);
    tph_json_set(doc, gc, "notSpecified", tph_json_new_bool(doc, true));
    tph_json_set(doc, status, "artifactGCStatus", gc);
    tph_json_set(doc, repository, "artifactRepository", tph_json_new_object(doc));
    tph_json_set(doc, repository, "default", tph_json_new_bool(doc, true));
    tph_json_set(doc, status, "artifactRepositoryRef", repository);
}

static struct tph_json *status_object(const struct tph_run *run, bool with_nodes, struct tph_json_doc *doc)
{
    struct tph_json *status = tph_json_new_object(doc);
    struct tph_json *conditions = tph_json_new_array(doc);
    struct tph_json *outputs = tph_json_new_object(doc);
    char progress[48];
    tph_json_set_cstr(doc, status, "phase", tph_workflow_phase_name(run->phase));
    if (run->message) {
        tph_json_set_cstr(doc, status, "message", run->message);
    }
    set_time(doc, status, "startedAt", run->started_ms);
    set_time(doc, status, "finishedAt", run->finished_ms);
    (void)snprintf(progress, sizeof(progress), "%lld/%lld", (long long)run->done, (long long)run->total);
    tph_json_set_cstr(doc, status, "progress", progress);
    bool completed = run->finished_ms > 0;
    if (run->completed_first) {
        tph_json_append(doc, conditions, condition(doc, "Completed", completed ? "True" : "False"));
    }
    if (run->second_pass) {
        tph_json_append(doc, conditions, condition(doc, "PodRunning", "False"));
    }
    if (completed && !run->completed_first) {
        tph_json_append(doc, conditions, condition(doc, "Completed", "True"));
    }
    if (completed) {
        add_metric_errors(run, doc, conditions);
    }
    if (tph_json_len(conditions) > 0) {
        tph_json_set(doc, status, "conditions", conditions);
    }
    struct tph_json *sync = tph_sync_status(run, doc);
    if (sync) {
        tph_json_set(doc, status, "synchronization", sync);
    }
    if (run->stored) {
        tph_json_set(doc, status, "storedTemplates", stored_templates(run, doc));
    }
    if (run->spec->local->stored.len > 0) {
        struct tph_json *stored = tph_json_copy(doc, run->spec->exec);
        if (run->shutdown) {
            tph_json_set_cstr(doc, stored, "shutdown", run->shutdown);
        }
        tph_json_set(doc, status, "storedWorkflowTemplateSpec", stored);
    }
    if (run->outputs) {
        tph_json_set(doc, outputs, "parameters", tph_json_copy(doc, run->outputs));
        tph_json_set(doc, status, "outputs", outputs);
    }
    set_artifacts(doc, status);
    tph_json_set(doc, status, "nodes", with_nodes ? nodes_object(run, doc) : tph_json_new_object(doc));
    return status;
}

static struct tph_json *member_object(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *member = tph_json_get(object, key);
    if (!tph_json_is(member, TPH_JSON_OBJECT)) {
        member = tph_json_new_object(doc);
        tph_json_set(doc, object, key, member);
        member = tph_json_get(object, key);
    }
    return member;
}

static struct tph_json *whole_object(const struct tph_run *run, bool with_nodes, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_copy(doc, run->spec->object);
    if (run->refused) {
        object = tph_run_refused_object(run->spec->object, run->phase, tph_run_message(run), run->finished_ms, doc);
        if (run->phase == TPH_WORKFLOW_FAILED) { /* at its locks, which are asked for later than the metadata */
            set_artifacts(doc, tph_json_get(object, "status"));
        }
        return object;
    }
    if (!run->root && (run->phase == TPH_WORKFLOW_NEW || run->was_over)) {
        return object; /* not begun, or never begun: as it was saved */
    }
    struct tph_json *meta = member_object(doc, object, "metadata");
    struct tph_json *labels = member_object(doc, meta, "labels");
    struct tph_json *annotations = member_object(doc, meta, "annotations");
    tph_json_set_cstr(doc, labels, LABEL("phase"), tph_workflow_phase_name(run->phase));
    tph_json_set_cstr(doc, labels, LABEL("completed"), run->finished_ms > 0 ? "true" : "false");
    if (!run->was_pending) {
        tph_json_set_cstr(doc, annotations, LABEL("pod-name-format"), "v2");
    }
    if (run->shutdown) {
        tph_json_set_cstr(doc, member_object(doc, object, "spec"), "shutdown", run->shutdown);
    }
    tph_json_set(doc, object, "status", status_object(run, with_nodes, doc));
    return object;
}

struct tph_json *tph_run_object(const struct tph_run *run, struct tph_json_doc *doc)
{
    return whole_object(run, true, doc);
}

struct tph_json *tph_run_object_base(const struct tph_run *run, struct tph_json_doc *doc)
{
    return whole_object(run, false, doc);
}

static struct node *own(const struct tph_node *node)
{
    return (struct node *)(uintptr_t)node;
}

static void give_node(struct node *node, struct counts below, struct tph_json_doc *doc, tph_run_node_fn *each,
                      void *owner)
{
    struct tph_json *object = node_object(doc, node);
    set_progress(doc, object, node, below);
    node->shown_done = below.done;
    node->shown_total = below.total;
    each(owner, &node->pub, object);
}

void tph_run_give_nodes(struct tph_run *run, const struct tph_node *const *list, size_t n, struct tph_json_doc *doc,
                        tph_run_node_fn *each, void *owner)
{
    struct counts *below = NULL;
    for (size_t i = 0; i < n; i++) {
        struct node *node = own(list[i]);
        bool leaf = tph_node_is_leaf(node);
        below = leaf || below ? below : sum_all(run);
        give_node(node, leaf ? own_count(node) : below[node->seq], doc, each, owner);
    }
    free(below);
}

void tph_run_give_stale(struct tph_run *run, struct tph_json_doc *doc, tph_run_node_fn *each, void *owner)
{
    struct counts *below = sum_all(run);
    for (size_t i = 0; i < run->n_nodes; i++) {
        struct node *node = run->nodes[i];
        struct counts now = below[i];
        if (!tph_node_is_leaf(node) && (now.done != node->shown_done || now.total != node->shown_total)) {
            give_node(node, now, doc, each, owner);
        }
    }
    free(below);
}

struct tph_json *tph_run_refused_object(const struct tph_json *workflow, enum tph_workflow_phase phase,
                                        struct tph_str message, int64_t now_ms, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_copy(doc, workflow);
    struct tph_json *labels = member_object(doc, member_object(doc, object, "metadata"), "labels");
    struct tph_json *status = tph_json_new_object(doc);
    struct tph_json *conditions = tph_json_new_array(doc);
    const struct tph_json *stored = tph_json_path(workflow, "status", "storedWorkflowTemplateSpec", NULL);
    tph_json_set_cstr(doc, labels, LABEL("phase"), tph_workflow_phase_name(phase));
    tph_json_set_cstr(doc, labels, LABEL("completed"), "true");
    tph_json_set_cstr(doc, status, "phase", tph_workflow_phase_name(phase));
    tph_json_set_str(doc, status, "message", message);
    if (stored) {
        tph_json_set(doc, status, "storedWorkflowTemplateSpec", tph_json_copy(doc, stored));
    }
    set_time(doc, status, "startedAt", now_ms);
    set_time(doc, status, "finishedAt", now_ms);
    tph_json_set_cstr(doc, status, "progress", "0/0");
    tph_json_append(doc, conditions, condition(doc, "Completed", "True"));
    tph_json_set(doc, status, "conditions", conditions);
    tph_json_set(doc, object, "status", status);
    return object;
}
