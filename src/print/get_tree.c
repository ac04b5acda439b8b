/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of nodes in columns. */
#include <stdlib.h>

#include "api/names.h"
#include "api/node_fields.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "print/columns.h"
#include "print/get_internal.h"
#include "print/shape.h"
#include "print/workflow.h"

enum { PADDING = 2 };

/* What siblings are ordered by. */
struct place {
    int64_t started_ms;
    int64_t index; /* of a loop; -1: none */
    struct tph_str name;
};

struct tree {
    const struct tph_json *workflow;
    struct tph_str name; /* of the workflow */
    const struct tph_get_options *options;
    struct tph_arena *arena;
    size_t n;
    const struct tph_json **nodes;
    struct place *places;
    struct tph_shape_node *shapes;
    struct tph_map by_id; /* id -> its shape */
    struct tph_buf text;  /* rows, cells ended by tabs */
    bool old_pod_names;
};

static const struct tph_json *nodes_of(const struct tph_json *workflow)
{
    const struct tph_json *nodes = tph_json_path(workflow, "status", "nodes", NULL);
    return tph_json_is(nodes, TPH_JSON_OBJECT) ? nodes : NULL;
}

static struct tph_str name_of(const struct tph_json *workflow)
{
    return tph_json_get_str(tph_json_get(workflow, "metadata"), "name");
}

bool tph_get_has_tree(const struct tph_json *workflow)
{
    return tph_json_is(tph_json_getn(nodes_of(workflow), name_of(workflow)), TPH_JSON_OBJECT);
}

static size_t find(const struct tree *t, struct tph_str id)
{
    const struct tph_shape_node *shape = tph_map_get(&t->by_id, id);
    return shape ? (size_t)(shape - t->shapes) : TPH_SHAPE_NOWHERE;
}

static enum tph_shape_kind kind_of(const struct tph_json *node)
{
    static const struct {
        const char *type;
        enum tph_shape_kind kind;
    } kinds[] = {
        {"Steps", TPH_SHAPE_BOUNDARY}, {"DAG", TPH_SHAPE_BOUNDARY},   {"StepGroup", TPH_SHAPE_GROUP},
        {"Retry", TPH_SHAPE_RETRY},    {"TaskGroup", TPH_SHAPE_NONE}, {"Container", TPH_SHAPE_NONE},
    };
    struct tph_str type = tph_json_get_str(node, "type");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tph_str_eqz(type, kinds[i].type)) {
            return kinds[i].kind;
        }
    }
    return TPH_SHAPE_LEAF;
}

/* Tasks that were omitted, retries of one attempt (which stands for them), and what the user does not want to see. */
static bool is_hidden(const struct tree *t, const struct tph_json *node, enum tph_shape_kind kind)
{
    const struct tph_get_options *options = t->options;
    struct tph_str phase = tph_json_get_str(node, "phase");
    bool once = kind == TPH_SHAPE_RETRY && tph_json_len(tph_json_get(node, "children")) == 1;
    bool omitted = tph_str_eqz(phase, "Omitted") && tph_str_eqz(tph_json_get_str(node, "type"), "Skipped");
    return once || omitted || (options->status.len > 0 && !tph_str_eq(options->status, phase)) ||
           (options->nodes && !tph_node_matches(options->nodes, node));
}

/* The number between the first parenthesis and the first colon of "task(3:c)". */
static int64_t loop_index(struct tph_str name)
{
    ptrdiff_t open = tph_str_find_byte(name, '(');
    ptrdiff_t colon = tph_str_find_byte(name, ':');
    int64_t index = -1;
    if (open < 0 || colon < open || tph_str_to_i64(tph_str_slice(name, (size_t)open + 1, (size_t)colon), &index) < 0) {
        return -1;
    }
    return index;
}

static int compare(const void *context, size_t a, size_t b)
{
    const struct tree *t = context;
    const struct place *left = &t->places[a];
    const struct place *right = &t->places[b];
    if (left->started_ms != right->started_ms) {
        return left->started_ms < right->started_ms ? -1 : 1;
    }
    if (left->index >= 0 && right->index >= 0 && left->index != right->index) {
        return left->index < right->index ? -1 : 1;
    }
    return tph_str_cmp(left->name, right->name);
}

static void set_children(struct tree *t, struct tph_shape_node *shape, const struct tph_json *node)
{
    const struct tph_json *children = tph_json_get(node, "children");
    struct tph_json_iter it = tph_json_iter(tph_json_is(children, TPH_JSON_ARRAY) ? children : NULL);
    size_t *list = TPH_ARENA_ARRAY(t->arena, size_t, tph_json_len(children) + 1);
    while (tph_json_next(&it)) {
        list[shape->n_children++] = find(t, tph_json_str(it.value));
    }
    shape->children = list;
}

static void read_nodes(struct tree *t)
{
    const struct tph_json *nodes = nodes_of(t->workflow);
    struct tph_json_iter it = tph_json_iter(nodes);
    t->n = tph_json_len(nodes);
    t->nodes = TPH_ARENA_ARRAY(t->arena, const struct tph_json *, t->n);
    t->places = TPH_ARENA_ARRAY(t->arena, struct place, t->n);
    t->shapes = TPH_ARENA_ARRAY(t->arena, struct tph_shape_node, t->n);
    while (tph_json_next(&it)) {
        t->nodes[it.index] = it.value;
        (void)tph_map_set(&t->by_id, it.key, &t->shapes[it.index]);
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct tph_json *node = t->nodes[i];
        struct tph_str name = tph_json_get_str(node, "displayName");
        enum tph_shape_kind kind = kind_of(node);
        t->places[i] = (struct place){
            .started_ms = tph_print_time(tph_json_get(node, "startedAt")), .index = loop_index(name), .name = name};
        t->shapes[i] = (struct tph_shape_node){.kind = kind,
                                               .hidden = is_hidden(t, node, kind),
                                               .boundary = find(t, tph_json_get_str(node, "boundaryID"))};
        if (kind == TPH_SHAPE_GROUP || kind == TPH_SHAPE_RETRY) {
            set_children(t, &t->shapes[i], node);
        }
    }
}

static void end_cell(struct tree *t)
{
    (void)tph_buf_putc(&t->text, '\t');
}

static struct tph_str template_of(const struct tph_json *node)
{
    const struct tph_json *reference = tph_json_get(node, "templateRef");
    return reference ? tph_json_get_str(reference, "template") : tph_json_get_str(node, "templateName");
}

static void put_name(struct tree *t, const struct tph_json *node, struct tph_str prefix)
{
    const struct tph_json *reference = tph_json_get(node, "templateRef");
    struct tph_str phase = tph_json_get_str(node, "phase");
    (void)tph_buf_put(&t->text, prefix);
    if (tph_print_is_suspended(node)) {
        tph_print_suspended_icon(&t->options->style, &t->text);
    } else if (!tph_str_eqz(phase, "Omitted")) { /* for which Argo has none */
        tph_print_phase_icon(phase, &t->options->style, &t->text);
    }
    (void)tph_buf_putc(&t->text, ' ');
    (void)tph_buf_put(&t->text, tph_json_get_str(node, "displayName"));
    end_cell(t);
    if (reference) {
        (void)tph_buf_put(&t->text, tph_json_get_str(reference, "name"));
        (void)tph_buf_putc(&t->text, '/');
    }
    (void)tph_buf_put(&t->text, template_of(node));
    end_cell(t);
}

static void put_pod(struct tree *t, const struct tph_json *node, bool pod)
{
    if (pod && t->old_pod_names) {
        (void)tph_buf_put(&t->text, tph_json_get_str(node, "id"));
    } else if (pod) {
        tph_names_pod(t->name, tph_json_get_str(node, "name"), template_of(node), &t->text);
    }
    end_cell(t);
    if (pod) {
        int64_t span = tph_print_span(tph_print_time(tph_json_get(node, "startedAt")),
                                      tph_print_time(tph_json_get(node, "finishedAt")), &t->options->clock);
        tph_print_duration_short(span, &t->text);
    }
    end_cell(t);
}

static void put_artifacts(struct tree *t, const struct tph_json *node)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(node, "outputs", "artifacts", NULL));
    while (tph_json_next(&it)) {
        (void)tph_buf_puts(&t->text, it.index > 0 ? "," : "");
        (void)tph_buf_put(&t->text, tph_json_get_str(it.value, "name"));
    }
    end_cell(t);
}

static void put_row(void *context, size_t index, struct tph_str prefix)
{
    struct tree *t = context;
    const struct tph_json *node = t->nodes[index];
    bool pod = tph_str_eqz(tph_json_get_str(node, "type"), "Pod");
    bool wide = t->options->form == TPH_GET_FORM_WIDE;
    put_name(t, node, prefix);
    put_pod(t, node, pod);
    if (wide) {
        put_artifacts(t, node);
    }
    (void)tph_buf_put(&t->text, tph_json_get_str(node, "message"));
    end_cell(t);
    if (wide) {
        tph_print_resources(tph_json_get(node, "resourcesDuration"), &t->text);
        end_cell(t);
    }
    if (pod && t->options->form != TPH_GET_FORM_DEFAULT) {
        (void)tph_buf_put(&t->text, tph_json_get_str(node, "hostNodeName"));
    }
    (void)tph_buf_putc(&t->text, '\n');
}

static void put_header(struct tree *t)
{
    static const char *const headers[TPH_GET_FORM_COUNT] = {
        [TPH_GET_FORM_DEFAULT] = "\tTEMPLATE\tPODNAME\tDURATION\tMESSAGE\n",
        [TPH_GET_FORM_WIDE] = "\tTEMPLATE\tPODNAME\tDURATION\tARTIFACTS\tMESSAGE\tRESOURCESDURATION\tNODENAME\n",
        [TPH_GET_FORM_SHORT] = "\tTEMPLATE\tPODNAME\tDURATION\tMESSAGE\tNODENAME\n",
    };
    tph_print_colored("STEP", "39", &t->options->style, &t->text); /* as wide as a name with its icon's colour */
    (void)tph_buf_puts(&t->text, headers[t->options->form]);
}

/* The exit handler's tree stands below, for it hangs on nothing. */
static int put_trees(struct tree *t, struct tph_error *err)
{
    struct tph_shape_options options = {
        .utf8 = t->options->style.utf8, .compare = compare, .row = put_row, .context = t};
    TPH_CLEANUP(tph_shape_freep) struct tph_shape *shape = tph_shape_new(t->shapes, t->n, &options);
    TPH_CLEANUP(tph_buf_release) struct tph_buf handler = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_put(&handler, t->name);
    (void)tph_buf_puts(&handler, ".onExit");
    tph_names_node_id(t->name, tph_buf_str(&handler), &id);
    put_header(t);
    if (tph_shape_walk(shape, find(t, t->name), err) < 0) {
        return -1;
    }
    if (find(t, tph_buf_str(&id)) != TPH_SHAPE_NOWHERE) {
        (void)tph_buf_puts(&t->text, "\t\t\t\t\t\n");
        return tph_shape_walk(shape, find(t, tph_buf_str(&id)), err);
    }
    return 0;
}

int tph_get_put_tree(const struct tph_json *workflow, const struct tph_get_options *options, struct tph_buf *out,
                     struct tph_error *err)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    const struct tph_json *annotations = tph_json_path(workflow, "metadata", "annotations", NULL);
    struct tree t = {.workflow = workflow,
                     .name = name_of(workflow),
                     .options = options,
                     .arena = arena,
                     .by_id = TPH_MAP_INIT,
                     .text = TPH_BUF_INIT(out->max),
                     .old_pod_names =
                         tph_str_eqz(tph_json_get_str(annotations, "workflows.argoproj.io/pod-name-format"), "v1")};
    read_nodes(&t);
    int failed = put_trees(&t, err);
    if (failed == 0) {
        tph_columns_write(tph_buf_str(&t.text), PADDING, out);
        out->failed = out->failed || tph_buf_failed(&t.text);
    }
    tph_map_release(&t.by_id);
    tph_buf_release(&t.text);
    return failed;
}
