/* SPDX-License-Identifier: Apache-2.0 */
/* Which template a call means: of the same resource, inline, or another resource's. Source: argo 2.16.
 *
 * What was called once is kept (status.storedTemplates): a workflow that runs does not see that somebody edits a
 * WorkflowTemplate. */
#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

static const char *const kinds[] = {
    [TPH_RESOURCE_LOCAL] = "local", [TPH_RESOURCE_NAMESPACED] = "namespaced", [TPH_RESOURCE_CLUSTER] = "cluster"};

const char *tph_resource_kind_name(enum tph_resource_kind kind)
{
    return kinds[kind];
}

/* The resource in whose template a call stands. */
struct tph_resource *tph_node_resource(const struct node *boundary)
{
    return boundary->template ? boundary->template->resource : boundary->run->spec->local;
}

static const struct tph_json *find_object(const struct tph_run *run, enum tph_resource_kind kind, struct tph_str name)
{
    const struct tph_run_objects *objects = run->options.objects;
    bool cluster = kind == TPH_RESOURCE_CLUSTER;
    return objects ? objects->find(objects->owner, cluster ? TPH_OBJECT_CLUSTER_TEMPLATE : TPH_OBJECT_TEMPLATE, name)
                   : NULL;
}

static struct tph_resource *load_resource(struct tph_run *run, enum tph_resource_kind kind, struct tph_str name)
{
    const struct tph_json *object = find_object(run, kind, name);
    return object ? tph_spec_add_resource(run->spec, kind, name, tph_json_path(object, "spec", "templates", NULL))
                  : NULL;
}

/* Another resource, as it is now. */
static struct tph_resource *find_resource(struct tph_run *run, const struct tph_target *target, struct tph_str name)
{
    enum tph_resource_kind kind = target->is_cluster ? TPH_RESOURCE_CLUSTER : TPH_RESOURCE_NAMESPACED;
    struct tph_resource *known = tph_spec_resource(run->spec, kind, name);
    return known ? known : load_resource(run, kind, name);
}

void tph_run_store_template(struct tph_run *run, const struct tph_template *t, struct tph_str step)
{
    const struct tph_resource *r = t->resource;
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_KIB(4));
    if (r->stored.len == 0) {
        return;
    }
    (void)tph_buf_printf(&key, "%.*s/", TPH_FMT(r->stored));
    if (t->name.len > 0) {
        (void)tph_buf_put(&key, t->name);
    } else {
        (void)tph_buf_printf(&key, "inline/%.*s", TPH_FMT(step));
    }
    if (!run->stored) {
        run->stored = tph_json_new_object(run->doc);
    }
    if (!tph_json_getn(run->stored, tph_buf_str(&key))) {
        tph_json_setn(run->doc, run->stored, tph_buf_str(&key), tph_json_copy(run->doc, t->object));
        run->workflow_changed = true;
    }
}

/* All templates that the workflow refers to, as Argo's validation comes by them. */
void tph_run_store_local(struct tph_run *run)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(run->spec->exec, "templates"));
    while (run->spec->local->stored.len > 0 && tph_json_next(&it)) {
        const struct tph_template *t = tph_map_get(&run->spec->local->templates, tph_json_get_str(it.value, "name"));
        tph_run_store_template(run, t, TPH_STR_NONE);
    }
}

/* After a restart a resource is known by what was called of it; the rest is looked up when it is needed. */
static void load_template(struct tph_run *run, struct tph_resource *r, struct tph_str name)
{
    if (r->kind == TPH_RESOURCE_LOCAL || tph_map_get(&r->sources, name)) {
        return;
    }
    struct tph_json_iter it =
        tph_json_iter(tph_json_path(find_object(run, r->kind, r->name), "spec", "templates", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            (void)tph_map_set(&r->sources, tph_arena_str(run->arena, name), tph_json_copy(run->spec->doc, it.value));
            return;
        }
    }
}

const struct tph_template *tph_resolve_template(const struct node *boundary, const struct tph_call *call,
                                                struct tph_str resource, struct tph_str name, struct tph_arena *arena,
                                                const char **ret_problem)
{
    struct tph_run *run = boundary->run;
    const struct tph_target *target = &call->target;
    const struct tph_template *t = target->template;
    struct tph_resource *r = tph_node_resource(boundary);
    struct tph_error err = TPH_ERROR_INIT;
    if (!t) {
        r = target->has_resource ? find_resource(run, target, resource) : r;
        name = target->has_resource ? name : target->name.source;
        if (!r) {
            *ret_problem = tph_arena_format(arena, "%sworkflowtemplates.argoproj.io \"%.*s\" not found",
                                            target->is_cluster ? "cluster" : "", TPH_FMT(resource));
            return NULL;
        }
        load_template(run, r, name);
        if (tph_spec_template(run->spec, r, name, &t, &err) < 0) {
            *ret_problem = tph_arena_strdup(arena, tph_str(err.text));
            return NULL;
        }
    }
    if (!t) {
        *ret_problem = r->kind == TPH_RESOURCE_LOCAL
                           ? tph_arena_format(arena, "template %.*s not found", TPH_FMT(name))
                           : tph_arena_format(arena, "template %.*s not found in workflow template %.*s", TPH_FMT(name),
                                              TPH_FMT(r->name));
        return NULL;
    }
    tph_run_store_template(run, t, call->name);
    return t;
}
