/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/template_map.h"

#include <stdlib.h>

#include "base/alloc.h"

struct map {
    struct tph_json_doc *doc; /* of the templates */
    const char *type;
    struct tph_str plugin;
};

static void map_leaf(const struct map *map, struct tph_json *tmpl)
{
    static const char *const members[] = {"image", "command", "args", "source"};
    struct tph_json *pod = tph_json_get(tmpl, map->type);
    if (!tph_json_is(pod, TPH_JSON_OBJECT)) {
        return;
    }
    struct tph_json *given = tph_json_new_object(map->doc);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (tph_json_get(pod, members[i])) {
            tph_json_set(map->doc, given, members[i], tph_json_copy(map->doc, tph_json_get(pod, members[i])));
        }
    }
    struct tph_json *call = tph_json_new_object(map->doc);
    tph_json_setn(map->doc, call, map->plugin, given);
    tph_json_set(map->doc, tmpl, "plugin", call);
    (void)tph_json_remove(tmpl, map->type);
    /* What lint lets only pods ask for. */
    (void)tph_json_remove(tmpl, "podResources");
    (void)tph_json_remove(tmpl, "resourceClaims");
}

static void map_template(const struct map *map, struct tph_json *tmpl);

static void map_inline(const struct map *map, const struct tph_json *calls) /* NOLINT(misc-no-recursion) */
{
    struct tph_json_iter it = tph_json_iter(calls);
    while (tph_json_next(&it)) {
        if (tph_json_get(it.value, "inline")) {
            map_template(map, tph_json_get(it.value, "inline"));
        }
    }
}

/* And the inline templates in it, as deep as the reader lets them be. */
static void map_template(const struct map *map, struct tph_json *tmpl) /* NOLINT(misc-no-recursion) */
{
    map_leaf(map, tmpl);
    map_inline(map, tph_json_path(tmpl, "dag", "tasks", NULL));
    struct tph_json_iter it = tph_json_iter(tph_json_get(tmpl, "steps"));
    while (tph_json_next(&it)) {
        map_inline(map, it.value);
    }
}

void tph_template_map_release(struct tph_template_map *map)
{
    free(TPH_TAKE(map->container));
    free(TPH_TAKE(map->script));
}

int tph_template_map_set(struct tph_template_map *map, struct tph_str type, struct tph_str plugin,
                         struct tph_error *err)
{
    char **place = tph_str_eqz(type, "container") ? &map->container : tph_str_eqz(type, "script") ? &map->script : NULL;
    if (!place || plugin.len == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "takes container and script templates, and a plugin's name, not \"%.*s=%.*s\"",
                             TPH_FMT(type), TPH_FMT(plugin));
    }
    free(*place);
    *place = tph_str_dup(plugin);
    return 0;
}

void tph_template_map_apply(const struct tph_template_map *map, struct tph_json_doc *doc, struct tph_json *object)
{
    const struct {
        const char *type, *plugin;
    } pairs[] = {{"container", map->container}, {"script", map->script}};
    for (size_t i = 0; i < 2; i++) {
        struct map one = {.doc = doc, .type = pairs[i].type, .plugin = tph_str(pairs[i].plugin ? pairs[i].plugin : "")};
        struct tph_json_iter it = tph_json_iter(tph_json_path(object, "spec", "templates", NULL));
        while (pairs[i].plugin && tph_json_next(&it)) {
            map_template(&one, it.value);
        }
    }
}

void tph_template_map_leaf(const struct tph_template_map *map, struct tph_json_doc *doc, struct tph_json *tmpl)
{
    const struct map maps[] = {
        {.doc = doc, .type = "container", .plugin = tph_str(map->container)},
        {.doc = doc, .type = "script", .plugin = tph_str(map->script)},
    };
    for (size_t i = 0; i < 2; i++) {
        if (maps[i].plugin.len > 0) {
            map_leaf(&maps[i], tmpl);
        }
    }
}
