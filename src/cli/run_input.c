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

/* One document of one file, or an item of a List in one; never moves, so that sources may point to it. */
struct document {
    struct document *next;
    const struct document *list; /* of which it is an item; NULL: a document */
    struct tph_json_doc *json;   /* this and the next are the list's where it is an item */
    struct tph_positions *positions;
    char *file;   /* as given; "<stdin>" for "-" */
    char *prefix; /* "items[0]"; NULL: a document */
    size_t line_offset;
};

void tph_run_input_init(struct tph_run_input *input, const struct tph_cli *cli)
{
    *input = (struct tph_run_input){
        .cli = cli,
        .default_namespace = "default",
        .plugins = tph_plugin_set_new(),
        .objects = tph_objects_new(),
        .locks = tph_locks_new(),
    };
}

void tph_run_input_release(struct tph_run_input *input)
{
    tph_plugin_set_free(input->plugins);
    tph_objects_free(input->objects);
    tph_locks_free(input->locks);
    tph_map_release(&input->names);
    free(input->workflows);
    free(input->templates);
    while (input->documents) {
        struct document *d = input->documents;
        input->documents = d->next;
        if (!d->list) {
            tph_json_doc_free(d->json);
            tph_positions_free(d->positions);
        }
        free(d->file);
        free(d->prefix);
        free(d);
    }
    *input = (struct tph_run_input){.cli = NULL};
}

static struct tph_source source_of(const struct document *d)
{
    return (struct tph_source){
        .file = d->file, .positions = d->positions, .line_offset = d->line_offset, .prefix = d->prefix};
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
    tph_source_place(&source, tph_str(path), &place);
    return tph_error_set(err, TPH_ERROR_INVALID, "%s%s", tph_buf_cstr(&place), text);
}

static int add_workflow(struct tph_run_input *input, const struct document *d, struct tph_json *object,
                        struct tph_error *err)
{
    if (input->plugins_only) {
        return 0;
    }
    if (input->n_workflows >= TPH_LIMIT_WORKFLOWS) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "more than %d workflows in one run", TPH_LIMIT_WORKFLOWS);
    }
    if ((input->n_workflows & (input->n_workflows + 1)) == 0) { /* n + 1 is a power of two: full */
        input->workflows = tph_realloc(input->workflows, (input->n_workflows + 1) * 2 * sizeof(*input->workflows));
    }
    input->workflows[input->n_workflows++] =
        (struct tph_run_workflow){.doc = d->json, .object = object, .source = source_of(d)};
    return 0;
}

static bool is_one_file(const char *a, const char *b)
{
    TPH_CLEANUP(tph_freep) char *real_a = realpath(a, NULL);
    TPH_CLEANUP(tph_freep) char *real_b = realpath(b, NULL);
    return real_a && real_b && strcmp(real_a, real_b) == 0;
}

/* One file given twice; or plugin.yaml and the ConfigMap that was built from it, side by side. */
static bool is_same_plugin(const struct tph_plugin *other, const char *file)
{
    if (other->file && is_one_file(other->file, file)) {
        return true;
    }
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
    input->n_plugins_again++;
    if (is_same_plugin(other, file)) {
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
    TPH_CLEANUP(tph_freep) char *file = tph_format("%s/plugin.yaml", directory);
    return add_plugin(input, plugin, file, err);
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

#define KINDS "Workflow, WorkflowTemplate, ClusterWorkflowTemplate, ExecutorPlugin, ConfigMap, Secret and List"

static int unknown_kind(const struct document *d, struct tph_str kind, struct tph_error *err)
{
    static const char *const kinds[] = {
        "Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "ExecutorPlugin", "ConfigMap", "Secret", "List"};
    if (tph_str_eqz(kind, "CronWorkflow")) {
        return invalid(err, d, "kind", "kind CronWorkflow is not supported yet");
    }
    const char *near = tph_str_nearest(kind, kinds, sizeof(kinds) / sizeof(kinds[0]));
    return invalid(err, d, "kind", "unknown kind \"%.*s\"%s%s%s\n  run takes " KINDS, TPH_FMT(kind),
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int add_template(struct tph_run_input *input, const struct document *d, bool is_cluster, struct tph_json *object,
                        struct tph_error *err)
{
    if (tph_objects_add_template(input->objects, is_cluster, object) != 0) {
        return invalid(err, d, "metadata.name", "there is a %s of that name already",
                       is_cluster ? "ClusterWorkflowTemplate" : "WorkflowTemplate");
    }
    if ((input->n_templates & (input->n_templates + 1)) == 0) { /* n + 1 is a power of two: full */
        input->templates = tph_realloc(input->templates, (input->n_templates + 1) * 2 * sizeof(*input->templates));
    }
    input->templates[input->n_templates++] =
        (struct tph_run_workflow){.doc = d->json, .object = object, .source = source_of(d)};
    return 0;
}

/* For submit: what is no Workflow, and what else puts it on a server. */
static void leave_out(const struct tph_run_input *input, const struct document *d, const struct tph_json *object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
    struct tph_source source = source_of(d);
    struct tph_str kind = tph_json_get_str(object, "kind");
    bool plugin = tph_plugin_is_configmap(object) || tph_str_eqz(kind, "ExecutorPlugin");
    tph_source_place(&source, TPH_STR("kind"), &place);
    tph_cli_warn(input->cli, "%s%s%.*s is no Workflow and is not submitted\n  %s %s", tph_buf_cstr(&place),
                 kind.len > 0 ? "a " : "this", TPH_FMT(kind),
                 plugin ? "it is put on a server with: tiphys plugin add" : "it is written with: kubectl apply -f",
                 d->file);
}

static int add_object(struct tph_run_input *input, const struct document *d, struct tph_json *object,
                      struct tph_error *err)
{
    struct tph_str kind = tph_json_get_str(object, "kind");
    if (!tph_json_is(object, TPH_JSON_OBJECT)) {
        return invalid(err, d, "", "this is no manifest: an object was expected, found: %s",
                       tph_json_type_name(tph_json_type(object)));
    }
    if (tph_str_eqz(kind, "Workflow")) {
        return add_workflow(input, d, object, err);
    }
    if (input->workflows_only && d->positions && (kind.len > 0 || !tph_json_path(object, "spec", "templates", NULL))) {
        leave_out(input, d, object);
        return 0;
    }
    if (tph_str_eqz(kind, "ExecutorPlugin") || (kind.len == 0 && is_plugin_file(d->file))) {
        return add_manifest_plugin(input, d, object, err);
    }
    if (tph_str_eqz(kind, "ConfigMap")) {
        return add_configmap(input, d, object, err);
    }
    if (tph_str_eqz(kind, "WorkflowTemplate") || tph_str_eqz(kind, "ClusterWorkflowTemplate")) {
        return add_template(input, d, tph_str_eqz(kind, "ClusterWorkflowTemplate"), object, err);
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
        return invalid(err, d, "", "kind is missing\n  run takes " KINDS);
    }
    return unknown_kind(d, kind, err);
}

static struct document *add_document(struct tph_run_input *input, const char *file, size_t line_offset)
{
    struct document *d = TPH_NEW(struct document);
    d->next = input->documents;
    input->documents = d;
    d->file = tph_strdup(file);
    d->line_offset = line_offset;
    return d;
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
        struct document *item = add_document(input, d->file, d->line_offset);
        item->list = d;
        item->json = d->json;
        item->positions = d->positions;
        item->prefix = tph_format("items[%zu]", it.index);
        if (add_object(input, item, it.value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Reads the documents of one text; file is how messages call it. */
static int read_text(struct tph_run_input *input, const char *file, struct tph_str text, struct tph_error *err)
{
    struct tph_yaml_stream stream = {.rest = text.p ? text : TPH_STR("")};
    struct tph_str document;
    while (tph_yaml_next_document(&stream, &document)) {
        struct document *d = add_document(input, file, stream.line);
        struct tph_yaml_places places = {.positions = NULL};
        if (tph_yaml_parse(document, TPH_YAML_STRICT | TPH_YAML_POSITIONS, &d->json, &places, err) < 0) {
            struct tph_source source = source_of(d);
            return tph_source_syntax(&source, &places.error, err);
        }
        d->positions = places.positions;
        struct tph_json *root = tph_json_root(d->json);
        if (!tph_json_is_null(root) && add_root(input, d, root, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A file that was named, or one that was found in a directory: who names a pipe knows what writes to it. */
enum origin { NAMED, FOUND };

static int read_file(struct tph_run_input *input, const char *path, enum origin origin, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    int failed = origin == NAMED ? tph_fd_read_file(path, &text, err) : tph_fd_read_regular_file(path, &text, err);
    if (failed < 0) {
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

/* What `run` has found of what it is about; another time the same plugin counts, too. */
static size_t count(const struct tph_run_input *input)
{
    return input->n_workflows + input->n_plugins + input->n_plugins_again;
}

static int read_entries(struct tph_run_input *input, const char *directory, struct dirent **entries, int n,
                        struct tph_error *err)
{
    size_t before = count(input);
    /* plugin.yaml first: the ConfigMap built from it then counts as the same plugin. */
    for (int i = 0; i < n; i++) {
        bool plugin = strcmp(entries[i]->d_name, "plugin.yaml") == 0;
        if (plugin && input->workflows_only) {
            tph_cli_warn(input->cli,
                         "%s/plugin.yaml is no Workflow and is not submitted\n"
                         "  it is put on a server with: tiphys plugin add %s",
                         directory, directory);
        } else if (plugin && add_directory_plugin(input, directory, err) < 0) {
            return -1;
        }
    }
    for (int i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", directory, entries[i]->d_name);
        if (strcmp(entries[i]->d_name, "plugin.yaml") != 0 && read_file(input, path, FOUND, err) < 0) {
            return -1;
        }
    }
    if (count(input) == before) {
        return tph_error_set(
            err, TPH_ERROR_NOT_FOUND,
            "%s: no %s in this directory\n"
            "  it needs a *.yaml, *.yml or *.json file with one; directories in it are not looked into",
            directory,
            input->plugins_only     ? "plugin"
            : input->workflows_only ? "workflow"
                                    : "workflow and no plugin");
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
    if (!*path) {
        return tph_error_set(err, TPH_ERROR_USAGE,
                             "an argument is empty\n  name a file or directory, or - for standard input");
    }
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return read_directory(input, path, err);
    }
    return read_file(input, path, NAMED, err);
}

int tph_run_input_take(struct tph_run_input *input, struct tph_json_doc *doc, const char *file, struct tph_error *err)
{
    struct document *d = add_document(input, file, 0);
    d->json = doc;
    return add_object(input, d, tph_json_root(doc), err);
}
