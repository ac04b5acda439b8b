/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_map.h"

#include "base/str.h"

static void map_template(struct tph_json_doc *doc, struct tph_json *tmpl, const char *type, struct tph_str plugin)
{
    static const char *const members[] = {"image", "command", "args", "source"};
    struct tph_json *pod = tph_json_get(tmpl, type);
    if (!tph_json_is(pod, TPH_JSON_OBJECT)) {
        return;
    }
    struct tph_json *given = tph_json_new_object(doc);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (tph_json_get(pod, members[i])) {
            tph_json_set(doc, given, members[i], tph_json_copy(doc, tph_json_get(pod, members[i])));
        }
    }
    struct tph_json *call = tph_json_new_object(doc);
    tph_json_setn(doc, call, plugin, given);
    tph_json_set(doc, tmpl, "plugin", call);
    (void)tph_json_remove(tmpl, type);
}

static void map_all(struct tph_run_workflow *list, size_t n, const char *type, struct tph_str plugin)
{
    for (size_t i = 0; i < n; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_path(list[i].object, "spec", "templates", NULL));
        while (tph_json_next(&it)) {
            map_template(list[i].doc, it.value, type, plugin);
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
