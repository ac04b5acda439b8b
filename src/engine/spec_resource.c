/* SPDX-License-Identifier: Apache-2.0 */
/* Templates by resource: the workflow's own, and those of WorkflowTemplates, compiled when they are first called. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/position.h"
#include "engine/spec_internal.h"

struct tph_resource *tph_spec_resource(const struct tph_spec *spec, enum tph_resource_kind kind, struct tph_str name)
{
    for (struct tph_resource *r = spec->resources; r; r = r->next) {
        if (r->kind == kind && (kind == TPH_RESOURCE_LOCAL || tph_str_eq(r->name, name))) {
            return r;
        }
    }
    return NULL;
}

struct tph_resource *tph_spec_add_resource(struct tph_spec *spec, enum tph_resource_kind kind, struct tph_str name,
                                           const struct tph_json *templates)
{
    struct tph_resource *r = TPH_ARENA_NEW(spec->arena, struct tph_resource);
    r->kind = kind;
    r->name = tph_arena_str(spec->arena, name);
    if (kind != TPH_RESOURCE_LOCAL) {
        bool cluster = kind == TPH_RESOURCE_CLUSTER;
        r->stored =
            tph_str(tph_arena_format(spec->arena, "%s/%.*s", cluster ? "cluster" : "namespaced", TPH_FMT(name)));
    }
    r->next = spec->resources;
    spec->resources = r;
    struct tph_json_iter it = tph_json_iter(templates ? tph_json_copy(spec->doc, templates) : NULL);
    while (tph_json_next(&it)) {
        struct tph_str key = tph_json_get_str(it.value, "name");
        if (key.len > 0 && !tph_map_get(&r->sources, key)) {
            (void)tph_map_set(&r->sources, key, it.value);
        }
    }
    return r;
}

int tph_spec_template(struct tph_spec *spec, struct tph_resource *resource, struct tph_str name,
                      const struct tph_template **ret_template, struct tph_error *err)
{
    struct tph_template *t = tph_map_get(&resource->templates, name);
    const struct tph_json *source = tph_map_get(&resource->sources, name);
    *ret_template = t;
    if (t || !source) {
        return 0;
    }
    struct compiler c = {
        .spec = spec, .flags = spec->flags, .resource = resource, .path = TPH_BUF_INIT(TPH_KIB(64)), .err = err};
    const struct tph_json *json_spec = spec->exec;
    const struct tph_json *retry = tph_json_get(json_spec, "retryStrategy");
    c.retry = tph_json_is(retry, TPH_JSON_OBJECT) ? retry : NULL;
    c.workflow_arguments = tph_json_get(json_spec, "arguments");
    (void)tph_buf_printf(&c.path, "%.*s.templates[%.*s]", TPH_FMT(resource->name), TPH_FMT(name));
    int failed = tph_compile_template(&c, source, &t);
    tph_buf_release(&c.path);
    if (failed < 0) {
        return -1;
    }
    (void)tph_map_set(&resource->templates, t->name, t);
    *ret_template = t;
    return 0;
}

void tph_resource_release(struct tph_resource *resource)
{
    tph_map_release(&resource->templates);
    tph_map_release(&resource->sources);
}
