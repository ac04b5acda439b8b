/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_input.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/yaml.h"

/* One document of one file; never moves, so that sources may point to it. */
struct document {
    struct document *next;
    struct tph_json_doc *json;
    struct tph_positions *positions;
    char *file; /* as given; "<stdin>" for "-" */
    size_t line_offset;
};

void tph_run_input_init(struct tph_run_input *input, const struct tph_cli *cli)
{
    *input = (struct tph_run_input){
        .cli = cli,
        .default_namespace = "default",
        .plugins = tph_plugin_set_new(),
        .objects = tph_objects_new(),
    };
}

void tph_run_input_release(struct tph_run_input *input)
{
    tph_plugin_set_free(input->plugins);
    tph_objects_free(input->objects);
    free(input->workflows);
    while (input->documents) {
        struct document *d = input->documents;
        input->documents = d->next;
        tph_json_doc_free(d->json);
        tph_positions_free(d->positions);
        free(d->file);
        free(d);
    }
    *input = (struct tph_run_input){.cli = NULL};
}

static struct tph_source source_of(const struct document *d)
{
    return (struct tph_source){.file = d->file, .positions = d->positions, .line_offset = d->line_offset};
}

void tph_run_input_place(const struct tph_source *source, struct tph_str path, struct tph_buf *place)
{
    if (!source->file) {
        return;
    }
    struct tph_position at = tph_positions_find(source->positions, path);
    if (at.line > 0) {
        (void)tph_buf_printf(place, "%s:%zu:%zu: ", source->file, at.line + source->line_offset, at.column);
    } else {
        (void)tph_buf_printf(place, "%s: ", source->file);
    }
}

/* "FILE:LINE:COLUMN: " + the text, as an error of the manifest. */
TPH_PRINTF(4, 5)
static int invalid(struct tph_error *err, const struct document *d, const char *path, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct tph_source source = source_of(d);
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
    tph_run_input_place(&source, tph_str(path), &place);
    return tph_error_set(err, TPH_ERROR_INVALID, "%s%s", tph_buf_cstr(&place), text);
}

static int add_workflow(struct tph_run_input *input, const struct document *d, struct tph_json *object,
                        struct tph_error *err)
{
    struct tph_str name = tph_json_get_str(tph_json_get(object, "metadata"), "name");
    struct tph_str ns = tph_json_get_str(tph_json_get(object, "metadata"), "namespace");
    if (input->plugins_only) {
        return 0;
    }
    if (input->n_workflows >= TPH_LIMIT_WORKFLOWS) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "more than %d workflows in one run", TPH_LIMIT_WORKFLOWS);
    }
    for (size_t i = 0; name.len > 0 && i < input->n_workflows; i++) {
        const struct tph_run_workflow *other = &input->workflows[i];
        const struct tph_json *meta = tph_json_get(other->object, "metadata");
        if (tph_str_eq(tph_json_get_str(meta, "name"), name) && tph_str_eq(tph_json_get_str(meta, "namespace"), ns)) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
            tph_run_input_place(&other->source, TPH_STR("metadata.name"), &place);
            return invalid(err, d, "metadata.name",
                           "there is a workflow called \"%.*s\" already (%.*s)\n"
                           "  give one of them another metadata.name, or use generateName",
                           TPH_FMT(name), (int)(place.len > 2 ? place.len - 2 : 0), tph_buf_cstr(&place));
        }
    }
    if ((input->n_workflows & (input->n_workflows + 1)) == 0) { /* n + 1 is a power of two: full */
        input->workflows = tph_realloc(input->workflows, (input->n_workflows + 1) * 2 * sizeof(*input->workflows));
    }
    input->workflows[input->n_workflows++] =
        (struct tph_run_workflow){.doc = d->json, .object = object, .source = source_of(d)};
    return 0;
}

/* plugin.yaml and the ConfigMap that was built from it, side by side, are one plugin. */
static bool is_built_from(const struct tph_plugin *other, const char *file)
{
    TPH_CLEANUP(tph_freep) char *path = tph_strdup(file);
    TPH_CLEANUP(tph_freep) char *directory = realpath(dirname(path), NULL);
    return directory && other->directory && strcmp(directory, other->directory) == 0;
}

static int add_plugin(struct tph_run_input *input, struct tph_plugin *plugin, const char *file, struct tph_error *err)
{
    struct tph_plugin *other = NULL;
    if (tph_plugin_set_add(input->plugins, plugin, &other) == 0) {
        input->n_plugins++;
        return 0;
    }
    if (is_built_from(other, file)) {
        return 0;
    }
    return tph_error_set(err, TPH_ERROR_INVALID,
                         "%s: there is a plugin called \"%.*s\" already (%s)\n  give one of them another "
                         "metadata.name, or another namespace",
                         file, TPH_FMT(plugin->name), other->file ? other->file : "unknown");
}

static int add_directory_plugin(struct tph_run_input *input, const char *directory, struct tph_error *err)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
    if (tph_plugin_from_directory(directory, &plugin, err) < 0) {
        return -1;
    }
    return add_plugin(input, plugin, directory, err);
}

static bool is_plugin_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, "plugin.yaml") == 0;
}

static int add_manifest_plugin(struct tph_run_input *input, const struct document *d, const struct tph_json *object,
                               struct tph_error *err)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
    struct tph_source source = source_of(d);
    TPH_CLEANUP(tph_freep) char *path = tph_strdup(d->file);
    const char *directory = is_plugin_file(d->file) ? dirname(path) : NULL;
    if (tph_plugin_from_manifest(object, &source, directory, &plugin, err) < 0) {
        return -1;
    }
    return add_plugin(input, plugin, d->file, err);
}

static int add_configmap(struct tph_run_input *input, const struct document *d, const struct tph_json *object,
                         struct tph_error *err)
{
    if (tph_plugin_is_configmap(object)) {
        TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
        struct tph_source source = source_of(d);
        if (tph_plugin_from_configmap(object, &source, &plugin, err) < 0) {
            return -1;
        }
        return add_plugin(input, plugin, d->file, err);
    }
    if (tph_objects_add(input->objects, TPH_ENV_CONFIGMAP, object) != 0) {
        return invalid(err, d, "metadata.name", "there is a ConfigMap of that name already");
    }
    return 0;
}

static bool is_cluster_only(struct tph_str kind)
{
    static const char *const kinds[] = {"Namespace",   "ServiceAccount", "Role",
                                        "RoleBinding", "ClusterRole",    "ClusterRoleBinding"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tph_str_eqz(kind, kinds[i])) {
            return true;
        }
    }
    return false;
}

static int unknown_kind(const struct document *d, struct tph_str kind, struct tph_error *err)
{
    static const char *const kinds[] = {"Workflow", "ExecutorPlugin", "ConfigMap", "Secret", "List"};
    static const char *const later[] = {"WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"};
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (tph_str_eqz(kind, later[i])) {
            return invalid(err, d, "kind", "kind %s is not supported yet", later[i]);
        }
    }
    const char *near = tph_str_nearest(kind, kinds, sizeof(kinds) / sizeof(kinds[0]));
    return invalid(err, d, "kind",
                   "unknown kind \"%.*s\"%s%s%s\n  run takes Workflow, ExecutorPlugin, "
                   "ConfigMap, Secret and List",
                   TPH_FMT(kind), near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int add_object(struct tph_run_input *input, const struct document *d, struct tph_json *object,
                      struct tph_error *err)
{
    struct tph_str kind = tph_json_get_str(object, "kind");
    if (!tph_json_is(object, TPH_JSON_OBJECT)) {
        return invalid(err, d, "", "this is no manifest: an object was expected, here is a %s",
                       tph_json_type_name(tph_json_type(object)));
    }
    if (tph_str_eqz(kind, "Workflow")) {
        return add_workflow(input, d, object, err);
    }
    if (tph_str_eqz(kind, "ExecutorPlugin") || (kind.len == 0 && is_plugin_file(d->file))) {
        return add_manifest_plugin(input, d, object, err);
    }
    if (tph_str_eqz(kind, "ConfigMap")) {
        return add_configmap(input, d, object, err);
    }
    if (tph_str_eqz(kind, "Secret")) {
        return tph_objects_add(input->objects, TPH_ENV_SECRET, object) == 0
                   ? 0
                   : invalid(err, d, "metadata.name", "there is a Secret of that name already");
    }
    if (kind.len == 0 && tph_json_path(object, "spec", "templates", NULL)) {
        tph_cli_warn(input->cli, "%s: no kind; taken as a Workflow", d->file);
        return add_workflow(input, d, object, err);
    }
    if (is_cluster_only(kind)) {
        tph_cli_warn(input->cli, "%s: a %.*s means nothing without a cluster; ignored", d->file, TPH_FMT(kind));
        return 0;
    }
    if (kind.len == 0) {
        return invalid(err, d, "",
                       "kind is missing\n  run takes Workflow, ExecutorPlugin, ConfigMap, "
                       "Secret and List");
    }
    return unknown_kind(d, kind, err);
}

static int add_root(struct tph_run_input *input, const struct document *d, struct tph_json *root, struct tph_error *err)
{
    struct tph_str kind = tph_json_get_str(root, "kind");
    struct tph_json *items = tph_json_get(root, "items");
    if (!tph_str_has_suffix(kind, TPH_STR("List")) || !items) {
        return add_object(input, d, root, err);
    }
    struct tph_json_iter it = tph_json_iter(items);
    while (tph_json_next(&it)) {
        if (add_object(input, d, it.value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* "FILE:LINE:COLUMN: " in front of what the YAML reader says. */
static int syntax_error(const struct document *d, const struct tph_position *at, struct tph_error *err)
{
    if (at->line == 0) {
        return tph_error_wrap(err, "%s", d->file);
    }
    return tph_error_wrap(err, "%s:%zu:%zu", d->file, at->line + d->line_offset, at->column);
}

/* Reads the documents of one text; file is how messages call it. */
static int read_text(struct tph_run_input *input, const char *file, struct tph_str text, struct tph_error *err)
{
    struct tph_yaml_stream stream = {.rest = text.p ? text : TPH_STR("")};
    struct tph_str document;
    while (tph_yaml_next_document(&stream, &document)) {
        struct document *d = TPH_NEW(struct document);
        d->next = input->documents;
        input->documents = d;
        d->file = tph_strdup(file);
        d->line_offset = stream.line;
        struct tph_yaml_places places = {.positions = NULL};
        if (tph_yaml_parse(document, TPH_YAML_STRICT | TPH_YAML_POSITIONS, &d->json, &places, err) < 0) {
            return syntax_error(d, &places.error, err);
        }
        d->positions = places.positions;
        struct tph_json *root = tph_json_root(d->json);
        if (!tph_json_is_null(root) && add_root(input, d, root, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_file(struct tph_run_input *input, const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (tph_fd_read_file(path, &text, err) < 0) {
        return -1;
    }
    return read_text(input, strcmp(path, "-") == 0 ? "<stdin>" : path, tph_buf_str(&text), err);
}

static int is_manifest(const struct dirent *entry)
{
    struct tph_str name = tph_str(entry->d_name);
    return entry->d_name[0] != '.' &&
           (tph_str_has_suffix(name, TPH_STR(".yaml")) || tph_str_has_suffix(name, TPH_STR(".yml")) ||
            tph_str_has_suffix(name, TPH_STR(".json")));
}

static int read_entries(struct tph_run_input *input, const char *directory, struct dirent **entries, int n,
                        struct tph_error *err)
{
    size_t before = input->n_workflows + input->n_plugins;
    /* plugin.yaml first: the ConfigMap built from it then counts as the same plugin. */
    for (int i = 0; i < n; i++) {
        if (strcmp(entries[i]->d_name, "plugin.yaml") == 0 && add_directory_plugin(input, directory, err) < 0) {
            return -1;
        }
    }
    for (int i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", directory, entries[i]->d_name);
        if (strcmp(entries[i]->d_name, "plugin.yaml") != 0 && read_file(input, path, err) < 0) {
            return -1;
        }
    }
    if (input->n_workflows + input->n_plugins == before) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND,
                             "%s: no workflow and no plugin in this directory\n  it needs a *.yaml, *.yml or "
                             "*.json file with one",
                             directory);
    }
    return 0;
}

static int read_directory(struct tph_run_input *input, const char *path, struct tph_error *err)
{
    size_t len = strlen(path);
    TPH_CLEANUP(tph_freep) char *directory = tph_strndup(path, len > 1 && path[len - 1] == '/' ? len - 1 : len);
    struct dirent **entries = NULL;
    int n = scandir(directory, &entries, is_manifest, alphasort);
    if (n < 0) {
        return tph_error_errno(err, errno, "%s", directory);
    }
    int failed = read_entries(input, directory, entries, n, err);
    for (int i = 0; i < n; i++) {
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int tph_run_input_read(struct tph_run_input *input, const char *path, struct tph_error *err)
{
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return read_directory(input, path, err);
    }
    return read_file(input, path, err);
}
