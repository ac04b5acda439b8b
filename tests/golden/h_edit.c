/* SPDX-License-Identifier: Apache-2.0 */
/* retry.jsonl: edits of workflow objects. The reference reads workflows into its
 * types first, so what we made is compared as those would write it. */
#include <string.h>

#include "api/gotype_tables.h"
#include "api/names.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "edit/edit.h"
#include "golden.h"

static const int64_t NOW_MS = 4070908800000; /* 2099-01-01T00:00:00Z */

static void set_workflow(struct golden_case *c, const struct tph_json *workflow)
{
    static const struct tph_go_options PLAIN = {.flags = 0};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *typed = NULL;
    if (tph_go_convert(c->doc, workflow, &tph_gt_argo_Workflow, &PLAIN, &typed, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_json_set(c->doc, c->got, "workflow", typed);
}

static struct tph_edit_parameters parameters_of(const struct golden_case *c, struct tph_arena *arena)
{
    const struct tph_json *list = tph_json_get(c->in, "parameters");
    struct tph_str *texts = TPH_ARENA_ARRAY(arena, struct tph_str, tph_json_len(list) + 1);
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        texts[it.index] = tph_json_str(it.value);
    }
    return (struct tph_edit_parameters){.list = texts, .n = tph_json_len(list)};
}

static int retry(struct golden_case *c, struct tph_arena *arena, struct tph_json **ret_workflow, struct tph_error *err)
{
    struct tph_json *pods = NULL;
    struct tph_edit_retry how = {.compat = true,
                                 .restart_successful = tph_json_bool(tph_json_get(c->in, "restartSuccessful")),
                                 .selector = golden_in(c, "selector"),
                                 .parameters = parameters_of(c, arena),
                                 .now_ms = NOW_MS};
    if (tph_edit_retry(c->doc, tph_json_get(c->in, "workflow"), &how, ret_workflow, &pods, err) < 0) {
        return -1;
    }
    tph_json_set(c->doc, c->got, "podsToDelete", pods);
    return 0;
}

/* The table has ID[NAME] for the ids of nodes; also for those in lists whose nodes are gone. */
struct ids {
    struct tph_json_doc *doc;
    struct tph_map table;
};

static struct tph_json *readable_id(const struct ids *ids, struct tph_str id)
{
    const char *text = tph_map_get(&ids->table, id);
    return text ? tph_json_new_cstr(ids->doc, text) : tph_json_new_str(ids->doc, id);
}

static struct tph_json *readable_node(const struct ids *ids, const struct tph_json *node)
{
    static const char *const ONE[] = {"id", "boundaryID"};
    static const char *const MANY[] = {"children", "outboundNodes"};
    struct tph_json *copy = tph_json_copy(ids->doc, node);
    for (size_t i = 0; i < 2; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(copy, MANY[i]));
        while (tph_json_next(&it)) {
            tph_json_assign(it.value, readable_id(ids, tph_json_str(it.value)));
        }
        if (tph_json_get(copy, ONE[i])) {
            tph_json_set(ids->doc, copy, ONE[i], readable_id(ids, tph_json_get_str(copy, ONE[i])));
        }
    }
    return copy;
}

static void make_ids_readable(struct golden_case *c, struct tph_arena *arena, struct tph_json *workflow)
{
    const struct tph_json *old = tph_json_get(c->in, "workflow");
    struct tph_str name = tph_json_get_str(tph_json_get(old, "metadata"), "name");
    struct tph_json *nodes = tph_json_path(workflow, "status", "nodes", NULL);
    struct ids ids = {.doc = c->doc, .table = TPH_MAP_INIT};
    struct tph_json_iter it = tph_json_iter(tph_json_path(old, "status", "nodes", NULL));
    while (nodes && tph_json_next(&it)) {
        struct tph_str node = tph_json_get_str(it.value, "name");
        char *renamed = tph_arena_format(arena, "NEWNAME%.*s", TPH_FMT(tph_str_slice(node, name.len, node.len)));
        TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_KIB(4));
        tph_names_node_id(TPH_STR("NEWNAME"), tph_str(renamed), &id);
        if (!tph_buf_failed(&id) && strcmp(renamed, "NEWNAME") != 0) {
            (void)tph_map_set(&ids.table, tph_arena_str(arena, tph_buf_str(&id)),
                              tph_arena_format(arena, "ID[%s]", renamed));
        }
    }
    struct tph_json *readable = tph_json_new_object(c->doc);
    it = tph_json_iter(nodes);
    while (tph_json_next(&it)) {
        tph_json_setn(c->doc, readable, tph_json_str(readable_id(&ids, it.key)), readable_node(&ids, it.value));
    }
    if (nodes) {
        tph_json_set(c->doc, tph_json_get(workflow, "status"), "nodes", readable);
    }
    tph_map_release(&ids.table);
}

static int resubmit(struct golden_case *c, struct tph_arena *arena, struct tph_json **ret_workflow,
                    struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_json *workflow = tph_json_get(c->in, "workflow");
    struct tph_edit_resubmit how = {.memoized = tph_json_bool(tph_json_get(c->in, "memoized")),
                                    .name = TPH_STR("NEWNAME"),
                                    .parameters = parameters_of(c, arena),
                                    .now_ms = NOW_MS};
    if (tph_edit_resubmit(c->doc, workflow, &how, ret_workflow, err) < 0) {
        return -1;
    }
    if (how.memoized) {
        tph_edit_name_prefix(workflow, &prefix);
        golden_set_buf(c, "prefix", &prefix);
        make_ids_readable(c, arena, *ret_workflow);
    }
    return 0;
}

static int set(struct golden_case *c, struct tph_arena *arena, struct tph_json **ret_workflow, struct tph_error *err)
{
    const struct tph_json *values = tph_json_get(c->in, "values");
    struct tph_edit_set how = {.selector = golden_in(c, "selector"),
                               .phase = tph_json_get_str(values, "phase"),
                               .message = tph_json_get_str(values, "message"),
                               .outputs = tph_json_get(values, "outputParameters"),
                               .now_ms = NOW_MS};
    (void)arena;
    return tph_edit_set(c->doc, tph_json_get(c->in, "workflow"), &how, ret_workflow, err);
}

static int stop(struct golden_case *c, struct tph_arena *arena, struct tph_json **ret_workflow, struct tph_error *err)
{
    (void)arena;
    return tph_edit_stop(c->doc, tph_json_get(c->in, "workflow"), golden_in(c, "selector"), golden_in(c, "message"),
                         NOW_MS, ret_workflow, err);
}

static int resume(struct golden_case *c, struct tph_arena *arena, struct tph_json **ret_workflow, struct tph_error *err)
{
    struct tph_str selector = golden_in(c, "selector");
    if (tph_edit_resume(c->doc, tph_json_get(c->in, "workflow"), selector, TPH_STR_NONE, NOW_MS, ret_workflow, err) ==
        0) {
        return 0;
    }
    return selector.len > 0 ? -1
                            : tph_error_set(err, TPH_ERROR_INVALID, "%s",
                                            tph_arena_format(arena, "%s%s", TPH_EDIT_TIMED_OUT, err->text));
}

static void matches(struct golden_case *c)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *table = tph_json_new_object(c->doc);
    struct tph_json_iter it = tph_json_iter(tph_json_path(c->in, "workflow", "status", "nodes", NULL));
    while (tph_json_next(&it)) {
        bool fits = false;
        if (tph_edit_node_matches(it.value, golden_in(c, "selector"), &fits, &err) < 0) {
            golden_set(c, "error", tph_str(err.text));
            return;
        }
        tph_json_setn(c->doc, table, tph_json_get_str(it.value, "name"), tph_json_new_bool(c->doc, fits));
    }
    tph_json_set(c->doc, c->got, "matches", table);
}

void golden_edit(struct golden_case *c)
{
    static const struct {
        const char *kind;
        int (*run)(struct golden_case *c, struct tph_arena *arena, struct tph_json **ret_workflow,
                   struct tph_error *err);
    } KINDS[] = {{"retry", retry}, {"resubmit", resubmit}, {"set", set}, {"stop", stop}, {"resume", resume}};
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *workflow = NULL;
    (void)golden_object(c);
    if (tph_str_eqz(golden_in(c, "kind"), "selector")) {
        matches(c);
        return;
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!tph_str_eqz(golden_in(c, "kind"), KINDS[i].kind)) {
            continue;
        }
        if (KINDS[i].run(c, arena, &workflow, &err) < 0) {
            golden_set(c, "error", tph_str(err.text));
        } else {
            set_workflow(c, workflow);
        }
    }
}
