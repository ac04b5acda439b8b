/* SPDX-License-Identifier: Apache-2.0 */
#include "api/merge.h"

#include <string.h>

#include "api/gotype_tables.h"
#include "api/strategic.h"
#include "base/map.h"

static int typed(struct tph_json_doc *doc, const struct tph_json *value, const struct tph_go_type *type,
                 struct tph_json **ret_value, struct tph_error *err)
{
    static const struct tph_go_options PLAIN = {.flags = 0};
    return tph_go_convert(doc, value, type, &PLAIN, ret_value, err);
}

/* Members of `from` that `into` has not. */
static void add_missing(struct tph_json_doc *doc, struct tph_json *into, const struct tph_json *from)
{
    struct tph_map there = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(into);
    while (tph_json_next(&it)) {
        (void)tph_map_set(&there, it.key, it.value);
    }
    it = tph_json_iter(from);
    while (tph_json_next(&it)) {
        if (!tph_map_get(&there, it.key)) {
            tph_json_append_member(doc, into, it.key, tph_json_copy(doc, it.value));
        }
    }
    tph_map_release(&there);
}

static void join_map(struct tph_json_doc *doc, struct tph_json *object, const char *key, const struct tph_json *from)
{
    if (tph_json_len(from) == 0) {
        return;
    }
    if (!tph_json_is(tph_json_get(object, key), TPH_JSON_OBJECT)) {
        tph_json_set(doc, object, key, tph_json_new_object(doc));
    }
    add_missing(doc, tph_json_get(object, key), from);
}

/* The maps of structs in a spec, which a strategic merge does not know how to merge. */
struct maps {
    struct tph_json *hooks, *labels_from;
};

static struct maps take_maps(struct tph_json *spec)
{
    struct tph_json *metadata = tph_json_get(spec, "workflowMetadata");
    struct maps maps = {.hooks = tph_json_is(spec, TPH_JSON_OBJECT) ? tph_json_remove(spec, "hooks") : NULL};
    if (tph_json_is(metadata, TPH_JSON_OBJECT)) {
        maps.labels_from = tph_json_remove(metadata, "labelsFrom");
    }
    return maps;
}

static void give_maps(struct tph_json_doc *doc, struct tph_json *spec, const struct maps *maps)
{
    join_map(doc, spec, "hooks", maps->hooks);
    if (tph_json_len(maps->labels_from) > 0) {
        if (!tph_json_is(tph_json_get(spec, "workflowMetadata"), TPH_JSON_OBJECT)) {
            tph_json_set(doc, spec, "workflowMetadata", tph_json_new_object(doc));
        }
        join_map(doc, tph_json_get(spec, "workflowMetadata"), "labelsFrom", maps->labels_from);
    }
}

/* high over low; spec_key: where the spec is in them, or NULL when they are specs. */
static int merge(struct tph_json_doc *doc, const struct tph_json *high, const struct tph_json *low,
                 const struct tph_go_type *type, const char *spec_key, struct tph_json **ret_merged,
                 struct tph_error *err)
{
    struct tph_json *over = NULL;
    struct tph_json *under = NULL;
    struct tph_json *merged = NULL;
    if (typed(doc, high, type, &over, err) < 0 || typed(doc, low, type, &under, err) < 0) {
        return -1;
    }
    struct maps maps = take_maps(spec_key ? tph_json_get(under, spec_key) : under);
    if (tph_strategic_merge(doc, under, over, type, &merged, err) < 0) {
        return -1;
    }
    give_maps(doc, spec_key ? tph_json_get(merged, spec_key) : merged, &maps);
    return typed(doc, merged, type, ret_merged, err);
}

int tph_merge_workflow(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_json *defaults,
                       struct tph_json **ret_workflow, struct tph_error *err)
{
    return merge(doc, workflow, defaults, &tph_gt_argo_Workflow, "spec", ret_workflow, err);
}

static bool has_value(const struct tph_json *parameter)
{
    return tph_json_get(parameter, "value") || tph_json_get(parameter, "valueFrom") ||
           tph_json_get(parameter, "default");
}

static bool is_there(const struct tph_json *artifact)
{
    return artifact != NULL;
}

/* What tells where an artifact is, the kinds of places in Argo's order of looking. */
static const char *const PLACE[] = {"artifactory", "azure", "git", "gcs",    "hdfs",        "http",
                                    "oss",         "raw",   "s3",  "plugin", "archiveLogs", NULL};

static const char *location(const struct tph_json *artifact)
{
    size_t i = 0;
    while (PLACE[i] && !tph_json_get(artifact, PLACE[i])) {
        i++;
    }
    return PLACE[i] && strcmp(PLACE[i], "archiveLogs") != 0 ? PLACE[i] : NULL;
}

/* An artifact is the supplier's whole; but where its place is of the kind that the merged one has, all that tells of
 * the merged place stays under it. */
static int supplied_artifact(struct tph_json_doc *doc, const struct tph_json *supplier, const struct tph_json *merged,
                             struct tph_json **ret_artifact, struct tph_error *err)
{
    const char *kind = location(supplier);
    if (!kind || location(merged) != kind) {
        *ret_artifact = tph_json_copy(doc, supplier);
        return 0;
    }
    struct tph_json *place = tph_json_new_object(doc);
    for (size_t i = 0; PLACE[i]; i++) {
        const struct tph_json *member = tph_json_get(merged, PLACE[i]);
        if (member) {
            tph_json_set(doc, place, PLACE[i], tph_json_copy(doc, member));
        }
    }
    return tph_strategic_merge(doc, place, supplier, &tph_gt_argo_Artifact, ret_artifact, err);
}

static int supplied_parameter(struct tph_json_doc *doc, const struct tph_json *supplier, const struct tph_json *merged,
                              struct tph_json **ret_parameter, struct tph_error *err)
{
    (void)merged;
    (void)err;
    *ret_parameter = tph_json_copy(doc, supplier);
    return 0;
}

static const struct argument_kind {
    const char *key;
    bool (*supplies)(const struct tph_json *argument);
    int (*supplied)(struct tph_json_doc *doc, const struct tph_json *supplier, const struct tph_json *merged,
                    struct tph_json **ret_argument, struct tph_error *err);
} KINDS[] = {{"parameters", has_value, supplied_parameter}, {"artifacts", is_there, supplied_artifact}};
enum { N_KINDS = sizeof KINDS / sizeof KINDS[0] };

/* The arguments that supply something, the last of each name. */
static struct tph_map by_name(const struct tph_json *spec, const struct argument_kind *kind)
{
    struct tph_map names = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(tph_json_path(spec, "arguments", kind->key, NULL));
    while (tph_json_next(&it)) {
        if (kind->supplies(it.value)) {
            (void)tph_map_set(&names, tph_json_get_str(it.value, "name"), it.value);
        }
    }
    return names;
}

/* Each argument is the workflow's where that supplies it, else the template's, else what the merge made of it. */
static int supply_arguments(struct tph_json_doc *doc, struct tph_json *merged, const struct tph_json *workflow,
                            const struct tph_json *template_spec, struct tph_error *err)
{
    int failed = 0;
    for (const struct argument_kind *kind = KINDS; kind < KINDS + N_KINDS; kind++) {
        struct tph_map first = by_name(workflow, kind);
        struct tph_map second = by_name(template_spec, kind);
        struct tph_json_iter it = tph_json_iter(tph_json_path(merged, "arguments", kind->key, NULL));
        while (failed == 0 && tph_json_next(&it)) {
            struct tph_str name = tph_json_get_str(it.value, "name");
            const struct tph_json *own = tph_map_get(&first, name);
            const struct tph_json *supplier = own ? own : tph_map_get(&second, name);
            struct tph_json *argument = NULL;
            if (supplier && kind->supplies(it.value)) {
                failed = kind->supplied(doc, supplier, it.value, &argument, err);
            }
            if (argument) {
                tph_json_assign(it.value, argument);
            }
        }
        tph_map_release(&first);
        tph_map_release(&second);
    }
    return failed;
}

int tph_merge_specs(struct tph_json_doc *doc, const struct tph_merge_specs *specs, struct tph_json **ret_spec,
                    struct tph_error *err)
{
    const struct tph_go_type *type = &tph_gt_argo_WorkflowSpec;
    struct tph_json *workflow = NULL;
    struct tph_json *template_spec = NULL;
    if (typed(doc, specs->workflow, type, &workflow, err) < 0 ||
        typed(doc, specs->template_spec, type, &template_spec, err) < 0) {
        return -1;
    }
    struct tph_json *merged = tph_json_copy(doc, workflow);
    if (!tph_json_is_null(specs->template_spec) && merge(doc, merged, template_spec, type, NULL, &merged, err) < 0) {
        return -1;
    }
    if (!tph_json_is_null(specs->defaults) && merge(doc, merged, specs->defaults, type, NULL, &merged, err) < 0) {
        return -1;
    }
    if (supply_arguments(doc, merged, workflow, template_spec, err) < 0) {
        return -1;
    }
    const struct tph_json *suspend = tph_json_get(workflow, "suspend");
    (void)tph_json_remove(merged, "suspend");
    if (suspend) {
        tph_json_set(doc, merged, "suspend", tph_json_copy(doc, suspend));
    }
    return typed(doc, merged, type, ret_spec, err);
}

int tph_merge_metadata(struct tph_json_doc *doc, const struct tph_json *metadata, const struct tph_json *defaults,
                       struct tph_json **ret_metadata, struct tph_error *err)
{
    static const char *const KEYS[] = {"labels", "annotations"};
    const struct tph_go_type *type = &tph_gt_meta_ObjectMeta;
    struct tph_json *merged = NULL;
    struct tph_json *under = NULL;
    if (typed(doc, metadata, type, &merged, err) < 0 || typed(doc, defaults, type, &under, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < 2; i++) {
        join_map(doc, merged, KEYS[i], tph_json_get(under, KEYS[i]));
    }
    return typed(doc, merged, type, ret_metadata, err);
}
