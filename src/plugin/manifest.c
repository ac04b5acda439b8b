/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions from plugin.yaml, from a plugin's ConfigMap, and from a workflow's spec.executorPlugins. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "plugin/plugin_internal.h"
#include "plugin/server_file.h"

#define CONFIGMAP_SUFFIX "-executor-plugin"
#define CONFIGMAP_TYPE   "workflows.argoproj.io/configmap-type"

static struct tph_arena *arena_of(struct tph_plugin *plugin)
{
    return ((struct tph_plugin_owned *)(void *)plugin)->arena;
}

int tph_plugin_server_file(const char *directory, const char *plugin_name, char **ret_path, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *found = NULL;
    DIR *dir = opendir(directory);
    if (!dir) {
        return tph_error_errno(err, errno, "%s", directory);
    }
    bool several = false;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strncmp(entry->d_name, "server.", 7) == 0) {
            several = several || found != NULL;
            free(found);
            found = tph_format("%s/%s", directory, entry->d_name);
        }
    }
    (void)closedir(dir);
    if (several) {
        return tph_error_set(err, TPH_ERROR_INVALID, "plugin %s has more than one server.* file", plugin_name);
    }
    *ret_path = TPH_TAKE(found);
    return 0;
}

static int read_server(const char *directory, const char *name, struct tph_buf *text, bool *ret_found,
                       struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *path = NULL;
    if (tph_plugin_server_file(directory, name, &path, err) < 0) {
        return -1;
    }
    *ret_found = path != NULL;
    return path ? tph_fd_read_regular_file(path, text, err) : 0;
}

int tph_plugin_from_manifest(const struct tph_json *manifest, const struct tph_source *source, const char *directory,
                             struct tph_plugin **ret_plugin, struct tph_error *err)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = tph_plugin_make();
    TPH_CLEANUP(tph_buf_release) struct tph_buf server = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_arena *arena = arena_of(plugin);
    const struct tph_json *meta = tph_json_get(manifest, "metadata");
    const struct tph_json *sidecar = tph_json_path(manifest, "spec", "sidecar", NULL);
    plugin->name = tph_arena_str(arena, tph_json_get_str(meta, "name"));
    plugin->ns = tph_arena_str(arena, tph_json_get_str(meta, "namespace"));
    plugin->config_name = tph_str(tph_arena_format(arena, "%.*s" CONFIGMAP_SUFFIX, TPH_FMT(plugin->name)));
    plugin->automount_token = tph_json_bool(tph_json_get(sidecar, "automountServiceAccountToken"));
    if (plugin->name.len == 0) {
        return tph_plugin_fail(source, "metadata.name", err, "is missing");
    }
    bool has_server = false;
    if (directory) {
        char resolved[PATH_MAX];
        plugin->directory = tph_arena_strdup(arena, tph_str(realpath(directory, resolved) ? resolved : directory));
        if (read_server(directory, plugin->name.p, &server, &has_server, err) < 0) {
            return -1;
        }
    }
    struct tph_sidecar_document document = {
        .container = tph_json_get(sidecar, "container"),
        .volumes = tph_json_get(sidecar, "volumes"),
        .grace = tph_json_get(sidecar, "terminationGracePeriodSeconds"),
        .annotations = tph_json_get(meta, "annotations"),
        .path = "spec.sidecar",
        .container_path = "spec.sidecar.container",
        .automount_path = "spec.sidecar.automountServiceAccountToken",
        .object = source,
        .source = source,
    };
    if (has_server) {
        document.args_override = tph_str(tph_buf_cstr(&server));
    }
    if (tph_plugin_read_sidecar(plugin, &document, err) < 0) {
        return -1;
    }
    *ret_plugin = TPH_TAKE(plugin);
    return 0;
}

int tph_plugin_from_directory(const char *directory, struct tph_plugin **ret_plugin, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/plugin.yaml", directory);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_fd_read_regular_file(path, &text, err) < 0) {
        return -1;
    }
    struct tph_yaml_places places = {.positions = NULL};
    struct tph_source source = {.file = path};
    if (tph_yaml_parse(tph_buf_str(&text), TPH_YAML_STRICT | TPH_YAML_POSITIONS, &doc, &places, err) < 0) {
        return tph_source_syntax(&source, &places.error, err);
    }
    TPH_CLEANUP(tph_positions_freep) struct tph_positions *positions = places.positions;
    source.positions = positions;
    return tph_plugin_from_manifest(tph_json_root(doc), &source, directory, ret_plugin, err);
}

bool tph_plugin_is_configmap(const struct tph_json *object)
{
    const struct tph_json *labels = tph_json_path(object, "metadata", "labels", NULL);
    return tph_str_eqz(tph_json_get_str(object, "kind"), "ConfigMap") &&
           tph_str_eqz(tph_json_get_str(labels, CONFIGMAP_TYPE), "ExecutorPlugin");
}

#define BLOCK_PATH "data[sidecar.container]"

/* The YAML text under data["sidecar.container"] with its places; prefix: where it stands, of the caller. */
static int parse_block(const struct tph_json *data, const struct tph_source *object, const char *prefix,
                       struct tph_json_doc **ret_doc, struct tph_positions **ret_positions,
                       struct tph_source *ret_source, struct tph_error *err)
{
    struct tph_str text = tph_json_get_str(data, "sidecar.container");
    struct tph_yaml_places places = {.positions = NULL};
    if (!text.p) {
        return tph_plugin_fail(object, BLOCK_PATH, err, "is missing");
    }
    int failed = tph_yaml_parse(text, TPH_YAML_STRICT | TPH_YAML_POSITIONS, ret_doc, &places, err);
    struct tph_source source = tph_source_within(object, prefix, TPH_STR(BLOCK_PATH), places.positions);
    if (failed < 0 && source.apart) {
        return tph_source_syntax(&source, &places.error, err);
    }
    if (failed < 0) {
        struct tph_error inner = *err;
        return tph_plugin_fail(object, BLOCK_PATH, err, "%s", inner.text);
    }
    *ret_positions = places.positions;
    *ret_source = source;
    return 0;
}

int tph_plugin_from_configmap(const struct tph_json *configmap, const struct tph_source *source,
                              struct tph_plugin **ret_plugin, struct tph_error *err)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = tph_plugin_make();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *block = NULL;
    TPH_CLEANUP(tph_positions_freep) struct tph_positions *positions = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_source within;
    struct tph_arena *arena = arena_of(plugin);
    const struct tph_json *meta = tph_json_get(configmap, "metadata");
    const struct tph_json *data = tph_json_get(configmap, "data");
    struct tph_str name = tph_json_get_str(meta, "name");
    if (name.len == 0) {
        return tph_plugin_fail(source, "metadata.name", err, "is missing");
    }
    plugin->config_name = tph_arena_str(arena, name);
    plugin->name = tph_str_has_suffix(name, TPH_STR(CONFIGMAP_SUFFIX))
                       ? tph_arena_str(arena, tph_str_slice(name, 0, name.len - strlen(CONFIGMAP_SUFFIX)))
                       : plugin->config_name;
    if (plugin->name.len == 0) {
        return tph_plugin_fail(source, "metadata.name", err, "has no plugin's name before \"" CONFIGMAP_SUFFIX "\"");
    }
    plugin->ns = tph_arena_str(arena, tph_json_get_str(meta, "namespace"));
    plugin->automount_token = tph_str_eqz(tph_json_get_str(data, "sidecar.automountServiceAccountToken"), "true");
    tph_source_path(source, TPH_STR(BLOCK_PATH), &prefix);
    if (parse_block(data, source, tph_buf_cstr(&prefix), &block, &positions, &within, err) < 0) {
        return -1;
    }
    struct tph_sidecar_document document = {
        .container = tph_json_root(block),
        .annotations = tph_json_get(meta, "annotations"),
        .path = "",
        .container_path = "",
        .automount_path = "data[sidecar.automountServiceAccountToken]",
        .object = source,
        .source = &within,
    };
    if (tph_plugin_read_sidecar(plugin, &document, err) < 0) {
        return -1;
    }
    *ret_plugin = TPH_TAKE(plugin);
    return 0;
}

int tph_plugin_from_workflow(const struct tph_json *workflow, size_t index, const struct tph_source *source,
                             struct tph_plugin **ret_plugin, struct tph_error *err)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = tph_plugin_make();
    struct tph_arena *arena = arena_of(plugin);
    const struct tph_json *own = tph_json_at(tph_json_path(workflow, "spec", "executorPlugins", NULL), index);
    const struct tph_json *meta = tph_json_get(own, "metadata");
    const struct tph_json *sidecar = tph_json_path(own, "spec", "sidecar", NULL);
    const char *path = tph_arena_format(arena, "spec.executorPlugins[%zu].spec.sidecar", index);
    plugin->name = tph_arena_str(arena, tph_json_get_str(meta, "name"));
    if (plugin->name.len == 0) {
        return tph_plugin_fail(source, path, err, "has no metadata.name");
    }
    plugin->config_name = tph_str(tph_arena_format(arena, "%.*s" CONFIGMAP_SUFFIX, TPH_FMT(plugin->name)));
    plugin->automount_token = tph_json_bool(tph_json_get(sidecar, "automountServiceAccountToken"));
    struct tph_sidecar_document document = {
        .container = tph_json_get(sidecar, "container"),
        .volumes = tph_json_get(sidecar, "volumes"),
        .grace = tph_json_get(sidecar, "terminationGracePeriodSeconds"),
        .annotations = tph_json_get(meta, "annotations"),
        .path = path,
        .container_path = tph_arena_format(arena, "%s.container", path),
        .automount_path = tph_arena_format(arena, "%s.automountServiceAccountToken", path),
        .object = source,
        .source = source,
    };
    if (tph_plugin_read_sidecar(plugin, &document, err) < 0) {
        return -1;
    }
    *ret_plugin = TPH_TAKE(plugin);
    return 0;
}
