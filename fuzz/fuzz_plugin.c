/* SPDX-License-Identifier: Apache-2.0 */
/* A file with a plugin: plugin.yaml, a plugin's ConfigMap, or a workflow that brings its own. What is refused is
 * refused with a place and a reason; what is taken has all that the agent and the pod need, and a workflow can see it.
 */
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "data/yaml.h"
#include "fuzz.h"
#include "plugin/plugin.h"

static void plugin_is_sound(struct tph_plugin *plugin)
{
    TPH_CLEANUP(tph_plugin_set_freep) struct tph_plugin_set *set = tph_plugin_set_new();
    struct tph_plugin *seen[1] = {NULL};
    struct tph_plugin *other = NULL;
    const struct tph_container *c = &plugin->container;
    FUZZ_HOLDS(plugin->name.len > 0 && plugin->config_name.len > 0 && tph_utf8_valid(plugin->name));
    FUZZ_HOLDS(c->n_ports > 0 && c->ports[0].port > 0);
    FUZZ_HOLDS(c->resources.has_requests && c->resources.has_limits && c->security.present);
    FUZZ_HOLDS(plugin->call_timeout_ms > 0);
    FUZZ_HOLDS(tph_plugin_set_add(set, plugin, &other) == 0);
    FUZZ_HOLDS(tph_plugin_set_add(set, plugin, &other) == 1 && other == plugin);
    FUZZ_HOLDS(tph_plugin_set_visible(set, plugin->ns, TPH_STR("argo"), seen, 1) == 1 && seen[0] == plugin);
}

/* A fault's place is one of the file's lines, or its end: YAML has more line ends than one, these are their last bytes.
 */
static void place_is_in(struct tph_str file, const char *told)
{
    struct tph_str rest = tph_str(told + strlen("plugin.yaml:"));
    struct tph_str number;
    int64_t line = 0;
    int64_t lines = 1;
    if (!tph_str_cut(&rest, ':', &number) || tph_str_to_i64(number, &line) < 0) {
        return;
    }
    for (size_t i = 0; i < file.len; i++) {
        lines += memchr("\n\r\x85\xa8\xa9", file.p[i], 5) ? 1 : 0;
    }
    FUZZ_HOLDS(line >= 1 && line <= lines + 1);
}

static void read(struct tph_str file, const struct tph_json *root, const struct tph_source *source,
                 size_t workflow_index)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    int failed;
    if (tph_plugin_is_configmap(root)) {
        failed = tph_plugin_from_configmap(root, source, &plugin, &err);
    } else if (tph_json_path(root, "spec", "executorPlugins", NULL)) {
        failed = tph_plugin_from_workflow(root, workflow_index, source, &plugin, &err);
    } else {
        failed = tph_plugin_from_manifest(root, source, NULL, &plugin, &err);
    }
    FUZZ_HOLDS((failed < 0) == (plugin == NULL));
    if (failed < 0) {
        FUZZ_HOLDS(err.kind == TPH_ERROR_INVALID && strncmp(err.text, "plugin.yaml:", 12) == 0);
        place_is_in(file, err.text);
    } else {
        plugin_is_sound(plugin);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_yaml_places places = {.positions = NULL};
    if (tph_yaml_parse(fuzz_text(data, size), TPH_YAML_STRICT | TPH_YAML_POSITIONS, &doc, &places, &err) < 0) {
        return 0;
    }
    TPH_CLEANUP(tph_positions_freep) struct tph_positions *positions = places.positions;
    struct tph_source source = {.file = "plugin.yaml", .positions = positions};
    const struct tph_json *root = tph_json_root(doc);
    size_t n = tph_json_len(tph_json_path(root, "spec", "executorPlugins", NULL));
    for (size_t i = 0; i < (n > 0 ? n : 1) && i < 8; i++) {
        read(fuzz_text(data, size), root, &source, i);
    }
    return 0;
}
