/* SPDX-License-Identifier: Apache-2.0 */
/* Other objects of the store, as they are now: what workflows and sidecars refer to. */
#include "api/gotype_argo.h"
#include "api/gotype.h"
#include "base/alloc.h"
#include "controller/controller_internal.h"
#include "data/base64.h"
#include "lint/lint.h"

/* What it is for one namespace; owned by the finder. */
struct view {
    struct tph_run_objects lookup;
    struct finder *finder;
    char *ns;
};

struct finder {
    struct tph_store *store;
    struct tph_map views;     /* namespace -> struct view, owned */
    struct tph_json_doc *doc; /* the last object that was found: borrowed until the next call */
    struct tph_error missed;  /* why something could not be read */
};

struct finder *tph_finder_new(struct tph_store *store)
{
    struct finder *finder = TPH_NEW(struct finder);
    finder->store = store;
    return finder;
}

void tph_finder_free(struct finder *finder)
{
    if (!finder) {
        return;
    }
    size_t at = 0;
    struct tph_str ns;
    void *value = NULL;
    while (tph_map_next(&finder->views, &at, &ns, &value)) {
        struct view *view = value;
        free(view->ns);
        free(view);
    }
    tph_map_release(&finder->views);
    tph_json_doc_free(finder->doc);
    free(finder);
}

bool tph_finder_missed(struct finder *finder, struct tph_error *ret_err)
{
    bool missed = finder->missed.kind != TPH_ERROR_NONE;
    if (missed) {
        *ret_err = finder->missed;
        finder->missed = TPH_ERROR_INIT;
    }
    return missed;
}

/* The object, or NULL: there is none, or (missed) it cannot be read. */
static const struct tph_json *find(struct finder *finder, const char *resource, struct tph_str ns, struct tph_str name)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = {.resource = tph_str(resource), .ns = ns, .name = name};
    struct tph_error err = TPH_ERROR_INIT;
    tph_json_doc_free(TPH_TAKE(finder->doc));
    int r = name.len == 0 ? TPH_STORE_NOT_FOUND : tph_store_get(finder->store, &key, 0, &object, &err);
    if (r < 0) {
        finder->missed = err;
    }
    if (r != 0 || tph_json_parse(tph_buf_str(&object.text), &finder->doc, NULL) < 0) {
        return NULL;
    }
    return tph_json_root(finder->doc);
}

static const struct tph_json *see(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    const struct view *view = owner;
    switch (kind) {
    case TPH_OBJECT_TEMPLATE:
        return find(view->finder, TPH_CONTROLLER_TEMPLATES, tph_str(view->ns), name);
    case TPH_OBJECT_CLUSTER_TEMPLATE:
        return find(view->finder, TPH_CONTROLLER_CLUSTER_TEMPLATES, TPH_STR_NONE, name);
    case TPH_OBJECT_CONFIG_MAP:
        return find(view->finder, "configmaps", tph_str(view->ns), name);
    }
    return NULL;
}

const struct tph_run_objects *tph_finder_view(struct finder *finder, struct tph_str ns)
{
    struct view *view = tph_map_get(&finder->views, ns);
    if (!view) {
        view = TPH_NEW(struct view);
        view->ns = tph_str_dup(ns);
        view->finder = finder;
        view->lookup = (struct tph_run_objects){.find = see, .owner = view};
        (void)tph_map_set(&finder->views, tph_str(view->ns), view);
    }
    return &view->lookup;
}

static const char *resource_of(enum tph_env_source kind)
{
    return kind == TPH_ENV_SECRET ? "secrets" : "configmaps";
}

static int value(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name, struct tph_str key,
                 struct tph_buf *out)
{
    const struct tph_json *object = find(owner, resource_of(kind), ns, name);
    const struct tph_json *plain = tph_json_getn(tph_json_get(object, "data"), key);
    const struct tph_json *coded =
        kind == TPH_ENV_SECRET ? plain : tph_json_getn(tph_json_get(object, "binaryData"), key);
    if (!object) {
        return 1;
    }
    if (kind == TPH_ENV_SECRET && tph_json_getn(tph_json_get(object, "stringData"), key)) {
        (void)tph_buf_put(out, tph_json_str(tph_json_getn(tph_json_get(object, "stringData"), key)));
        return 0;
    }
    if (kind != TPH_ENV_SECRET && plain) {
        (void)tph_buf_put(out, tph_json_str(plain));
        return 0;
    }
    return coded && tph_base64_decode(tph_json_str(coded), out) == 0 ? 0 : 2;
}

static int keys(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                void (*each)(void *each_owner, struct tph_str key), void *each_owner)
{
    static const char *const members[] = {"data", "stringData", "binaryData"};
    const struct tph_json *object = find(owner, resource_of(kind), ns, name);
    if (!object) {
        return 1;
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *kept = tph_json_doc_new();
    object = tph_json_copy(kept, object); /* who hears of a key may ask for its value */
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(object, members[i]));
        while (tph_json_next(&it)) {
            each(each_owner, it.key);
        }
    }
    return 0;
}

struct tph_pod_objects tph_finder_pod_objects(struct finder *finder)
{
    return (struct tph_pod_objects){.value = value, .keys = keys, .owner = finder};
}

/* ---- templates for lint ---- */

struct gather {
    struct tph_arena *arena;
    struct tph_json_doc *doc;
    struct tph_map *map;
    const struct tph_go_type *type;
    bool with_ns;
};

static bool gather_one(void *owner, const struct tph_store_object *object)
{
    struct gather *g = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    struct tph_json *written = NULL;
    if (tph_json_parse(tph_buf_str(&object->text), &doc, NULL) == 0 &&
        tph_go_convert(g->doc, tph_json_root(doc), g->type, &options, &written, NULL) == 0) {
        struct tph_str name =
            g->with_ns
                ? tph_str(tph_arena_format(g->arena, "%.*s/%.*s", TPH_FMT(object->key.ns), TPH_FMT(object->key.name)))
                : tph_arena_str(g->arena, object->key.name);
        (void)tph_map_set(g->map, name, written);
    }
    return true;
}

int tph_finder_templates(struct finder *finder, struct tph_str ns, struct tph_arena *arena, struct tph_json_doc *doc,
                         struct tph_lint_set *set, struct tph_error *err)
{
    struct gather own = {
        .arena = arena, .doc = doc, .map = &set->templates, .type = &tph_gt_argo_WorkflowTemplate, .with_ns = true};
    struct gather all = {
        .arena = arena, .doc = doc, .map = &set->cluster, .type = &tph_gt_argo_ClusterWorkflowTemplate};
    struct tph_store_list list = {.key = {.resource = TPH_STR(TPH_CONTROLLER_TEMPLATES), .ns = ns}};
    struct tph_store_list cluster = {.key = {.resource = TPH_STR(TPH_CONTROLLER_CLUSTER_TEMPLATES)}};
    struct tph_store_page page;
    if (tph_store_list(finder->store, &list, gather_one, &own, &page, err) < 0 ||
        tph_store_list(finder->store, &cluster, gather_one, &all, &page, err) < 0) {
        finder->missed = *err;
        return -1;
    }
    return 0;
}
