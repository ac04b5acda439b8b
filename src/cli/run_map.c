/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_map.h"

#include "base/str.h"

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

static void map_all(struct tph_run_workflow *list, size_t n, const char *type, struct tph_str plugin)
{
    for (size_t i = 0; i < n; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_path(list[i].object, "spec", "templates", NULL));
        struct map map = {.doc = list[i].doc, .type = type, .plugin = plugin};
        while (tph_json_next(&it)) {
            map_template(&map, it.value);
        }
    }
}

int tph_run_map(struct tph_run_input *input, const struct tph_texts *maps, struct tph_error *err)
{
    for (size_t i = 0; i < maps->n; i++) {
        struct tph_str plugin = tph_str(maps->list[i]);
        struct tph_str type = TPH_STR_NONE;
        bool cut = tph_str_cut(&plugin, '=', &type);
        const char *member = tph_str_eqz(type, "container") ? "container" : NULL;
        member = tph_str_eqz(type, "script") ? "script" : member;
        if (!cut || !member || plugin.len == 0) {
            return tph_error_set(err, TPH_ERROR_USAGE, "--map takes container=PLUGIN or script=PLUGIN, not \"%s\"",
                                 maps->list[i]);
        }
        map_all(input->workflows, input->n_workflows, member, plugin);
        map_all(input->templates, input->n_templates, member, plugin);
    }
    return 0;
}
