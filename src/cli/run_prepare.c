/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_prepare.h"

#include <string.h>

#include "api/merge.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "data/time.h"
#include "data/yaml.h"
#include "data/zone.h"

/* Where Argo is installed by custom: plugins there are everybody's. */
#define INSTALL_NAMESPACE "argo"

/* Argo makes a label of a workflow's name: it is no longer than one may be. */
enum { NAME_SUFFIX_LEN = 5, NAME_MAX_LEN = 63 };

void tph_prepared_release(struct tph_prepared *prepared)
{
    for (size_t i = 0; i < prepared->n_plugins; i++) {
        tph_plugin_unref(prepared->plugins[i]);
    }
    free(prepared->plugins);
    tph_run_free(prepared->run);
    tph_map_release(&prepared->keys);
    *prepared = (struct tph_prepared){.run = NULL};
}

int tph_run_read_parameters(const char *path, struct tph_arena *arena, struct tph_texts *parameters,
                            struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_fd_read_file(path, &text, err) < 0) {
        return -1;
    }
    struct tph_yaml_places places = {.positions = NULL};
    if (tph_yaml_parse(tph_buf_str(&text), TPH_YAML_STRICT, &doc, &places, err) < 0) {
        struct tph_source source = {.file = path};
        return tph_source_syntax(&source, &places.error, err);
    }
    if (!tph_json_is(tph_json_root(doc), TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "%s: a parameter file is a map of names and values, found: %s\n  for example: message: hi",
                             path, tph_json_type_name(tph_json_type(tph_json_root(doc))));
    }
    struct tph_json_iter it = tph_json_iter(tph_json_root(doc));
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        if (tph_json_is(it.value, TPH_JSON_STRING)) {
            (void)tph_buf_put(&value, tph_json_str(it.value));
        } else {
            tph_json_write(it.value, 0, &value);
        }
        if (tph_buf_failed(&value)) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "%s: parameter %.*s is larger than %zu bytes", path,
                                 TPH_FMT(it.key), TPH_LIMIT_PARAMETER);
        }
        tph_texts_add(parameters, tph_arena_format(arena, "%.*s=%.*s", TPH_FMT(it.key), TPH_FMT(tph_buf_str(&value))));
    }
    return 0;
}

/* The member of an object, made when it is not there or no object. */
static struct tph_json *child_object(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *child = tph_json_get(object, key);
    if (!tph_json_is(child, TPH_JSON_OBJECT)) {
        child = tph_json_new_object(doc);
        tph_json_set(doc, object, key, child);
    }
    return child;
}

static int set_parameter(struct tph_json_doc *doc, struct tph_json *spec, const char *text, struct tph_error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--parameter takes NAME=VALUE, not \"%s\"", text);
    }
    struct tph_str name = {.p = text, .len = (size_t)(equals - text)};
    struct tph_json *arguments = child_object(doc, spec, "arguments");
    struct tph_json *list = tph_json_get(arguments, "parameters");
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        list = tph_json_new_array(doc);
        tph_json_set(doc, arguments, "parameters", list);
    }
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            tph_json_set_cstr(doc, it.value, "value", equals + 1);
            (void)tph_json_remove(it.value, "valueFrom");
            return 0;
        }
    }
    struct tph_json *parameter = tph_json_new_object(doc);
    tph_json_set_str(doc, parameter, "name", name);
    tph_json_set_cstr(doc, parameter, "value", equals + 1);
    tph_json_append(doc, list, parameter);
    return 0;
}

/* The key of a workflow among all that are run. */
static struct tph_str full_name(const struct tph_json *meta, struct tph_arena *arena)
{
    return tph_str(tph_arena_format(arena, "%.*s/%.*s", TPH_FMT(tph_json_get_str(meta, "namespace")),
                                    TPH_FMT(tph_json_get_str(meta, "name"))));
}

/* A name of generateName and five letters that no other workflow has. */
static void generate_name(const struct tph_run_input *input, struct tph_json_doc *doc, struct tph_json *meta,
                          struct tph_arena *arena)
{
    struct tph_str prefix = tph_json_get_str(meta, "generateName");
    prefix = prefix.len > 0 ? tph_str_slice(prefix, 0, NAME_MAX_LEN - NAME_SUFFIX_LEN) : TPH_STR("workflow-");
    do {
        char suffix[NAME_SUFFIX_LEN + 1];
        tph_random_text(suffix, NAME_SUFFIX_LEN);
        TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s%s", TPH_FMT(prefix), suffix);
        tph_json_set_cstr(doc, meta, "name", name);
    } while (tph_map_get(&input->names, full_name(meta, arena)));
}

/* Name, namespace, uid, creationTimestamp: what the API server would have filled in. */
static void complete_metadata(const struct tph_run_input *input, struct tph_json_doc *doc, struct tph_json *object,
                              const struct tph_run_overrides *overrides, struct tph_arena *arena)
{
    struct tph_json *meta = child_object(doc, object, "metadata");
    if (overrides->name) {
        tph_json_set_cstr(doc, meta, "name", overrides->name);
    }
    if (overrides->ns || tph_json_get_str(meta, "namespace").len == 0) {
        tph_json_set_cstr(doc, meta, "namespace", overrides->ns ? overrides->ns : input->default_namespace);
    }
    if (tph_json_get_str(meta, "name").len == 0) {
        generate_name(input, doc, meta, arena);
    }
    char uid[37];
    tph_random_uuid(uid);
    tph_json_set_cstr(doc, meta, "uid", uid);
    char created[TPH_TIME_TEXT];
    tph_time_format(tph_clock_wall_ms(), created);
    tph_json_set_cstr(doc, meta, "creationTimestamp", created);
    if (tph_json_get_str(object, "kind").len == 0) {
        tph_json_set_cstr(doc, object, "kind", "Workflow");
    }
    if (tph_json_get_str(object, "apiVersion").len == 0) {
        tph_json_set_cstr(doc, object, "apiVersion", "argoproj.io/v1alpha1");
    }
}

/* Lower case letters, digits, '-' and '.', a letter or digit at both ends: what Kubernetes calls a subdomain. */
static bool is_object_name(struct tph_str name)
{
    bool end = true; /* at the front, at the back, and on both sides of a dot */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (end || (c != '-' && c != '.') || (c == '.' && name.p[i - 1] == '-'))) {
            return false;
        }
        end = c == '.';
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN && !end && name.p[name.len - 1] != '-';
}

#define NAME_RULES "at most %d lower case letters, digits, '-' and '.', the first and the last a letter or digit"

static int check_name(const struct tph_run_workflow *workflow, const char *member, const char *option,
                      struct tph_error *err)
{
    struct tph_str name = tph_json_get_str(tph_json_get(workflow->object, "metadata"), member);
    if (is_object_name(name)) {
        return 0;
    }
    if (option) {
        return tph_error_set(err, TPH_ERROR_USAGE, "%s takes a name, not \"%.*s\"\n  " NAME_RULES, option,
                             TPH_FMT(name), NAME_MAX_LEN);
    }
    TPH_CLEANUP(tph_freep) char *path = tph_format("metadata.%s", member);
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
    tph_source_place(&workflow->source, tph_str(path), &place);
    return tph_error_set(err, TPH_ERROR_INVALID, "%s%s: \"%.*s\" is no name\n  " NAME_RULES, tph_buf_cstr(&place), path,
                         TPH_FMT(name), NAME_MAX_LEN);
}

/* Two workflows of one name could not be told apart. */
static int take_name(struct tph_run_input *input, struct tph_run_workflow *workflow, struct tph_arena *arena,
                     struct tph_error *err)
{
    const struct tph_json *meta = tph_json_get(workflow->object, "metadata");
    const struct tph_run_workflow *other = tph_map_set(&input->names, full_name(meta, arena), workflow);
    if (!other) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
    TPH_CLEANUP(tph_buf_release) struct tph_buf first = TPH_BUF_INIT(TPH_KIB(8));
    tph_source_place(&workflow->source, TPH_STR("metadata.name"), &place);
    tph_source_place(&other->source, TPH_STR("metadata.name"), &first);
    return tph_error_set(err, TPH_ERROR_INVALID,
                         "%sthere is a workflow called \"%.*s\" already (%.*s)\n"
                         "  give one of them another metadata.name, or use generateName",
                         tph_buf_cstr(&place), TPH_FMT(tph_json_get_str(meta, "name")),
                         (int)(first.len > 2 ? first.len - 2 : 0), tph_buf_cstr(&first));
}

/* The template, given with it, that a workflow refers to as a whole; NULL: it refers to none, or it is not here. */
static const struct tph_run_workflow *referred(const struct tph_run_input *input,
                                               const struct tph_run_workflow *workflow)
{
    const struct tph_json *ref = tph_json_path(workflow->object, "spec", "workflowTemplateRef", NULL);
    bool cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
    struct tph_str ns = tph_json_get_str(tph_json_get(workflow->object, "metadata"), "namespace");
    for (size_t i = 0; i < input->n_templates && tph_json_is(ref, TPH_JSON_OBJECT); i++) {
        const struct tph_json *meta = tph_json_get(input->templates[i].object, "metadata");
        struct tph_str own = tph_json_get_str(meta, "namespace");
        bool is_cluster = tph_str_eqz(tph_json_get_str(input->templates[i].object, "kind"), "ClusterWorkflowTemplate");
        bool visible = cluster || own.len == 0 || tph_str_eq(own, ns);
        if (is_cluster == cluster && visible &&
            tph_str_eq(tph_json_get_str(meta, "name"), tph_json_get_str(ref, "name"))) {
            return &input->templates[i];
        }
    }
    return NULL;
}

/* A parameter that the workflow does not declare is one all the same, as in Argo; but it may be a slip. */
static void warn_undeclared(const struct tph_run_input *input, const struct tph_run_workflow *workflow,
                            struct tph_str name)
{
    const struct tph_run_workflow *template = referred(input, workflow);
    const struct tph_json *objects[] = {workflow->object, template ? template->object : NULL};
    const char *names[TPH_LIMIT_PLUGINS];
    size_t n = 0;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    for (size_t i = 0; i < 2; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_path(objects[i], "spec", "arguments", "parameters", NULL));
        while (tph_json_next(&it) && n < TPH_LIMIT_PLUGINS) {
            struct tph_str other = tph_json_get_str(it.value, "name");
            if (tph_str_eq(other, name)) {
                return;
            }
            names[n++] = tph_arena_strdup(arena, other);
        }
    }
    const char *near = tph_str_nearest(name, names, n);
    if (near) {
        tph_cli_warn(input->cli, "--parameter %.*s: %s declares no such parameter; did you mean \"%s\"?", TPH_FMT(name),
                     workflow->source.file, near);
    }
}

int tph_run_check_own_plugins(const struct tph_run_workflow *workflow, struct tph_error *err)
{
    size_t n = tph_json_len(tph_json_path(workflow->object, "spec", "executorPlugins", NULL));
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
        if (tph_plugin_from_workflow(workflow->object, i, &workflow->source, &plugin, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int find_plugins(struct tph_run_input *input, const struct tph_run_workflow *workflow,
                        struct tph_prepared *prepared, struct tph_error *err)
{
    const struct tph_json *own = tph_json_path(workflow->object, "spec", "executorPlugins", NULL);
    size_t n_own = tph_json_len(own);
    size_t max = n_own > 0 ? n_own : input->n_plugins;
    prepared->plugins = tph_calloc(max, sizeof(struct tph_plugin *));
    for (size_t i = 0; i < n_own; i++) {
        if (tph_plugin_from_workflow(workflow->object, i, &workflow->source, &prepared->plugins[i], err) < 0) {
            return -1;
        }
        prepared->n_plugins++;
    }
    if (n_own == 0) {
        struct tph_str ns = tph_json_get_str(tph_json_get(workflow->object, "metadata"), "namespace");
        size_t n = tph_plugin_set_visible(input->plugins, ns, TPH_STR(INSTALL_NAMESPACE), prepared->plugins, max);
        for (; prepared->n_plugins < n; prepared->n_plugins++) {
            (void)tph_plugin_ref(prepared->plugins[prepared->n_plugins]);
        }
    }
    return 0;
}

static int check_plugins(const struct tph_prepared *prepared, struct tph_error *err)
{
    for (size_t i = 0; i < prepared->n_plugins; i++) {
        const struct tph_plugin *plugin = prepared->plugins[i];
        if (plugin->refused || plugin->no_account) {
            return tph_error_set(err, TPH_ERROR_INVALID, "%s", plugin->refused ? plugin->refused : plugin->no_account);
        }
    }
    return 0;
}

static bool is_called(const struct tph_prepared *prepared, struct tph_str key)
{
    for (size_t i = 0; i < prepared->n_plugins; i++) {
        if (tph_str_eq(prepared->plugins[i]->name, key)) {
            return true;
        }
    }
    return false;
}

static void warn_unknown_key(const struct tph_run_input *input, const struct tph_prepared *prepared, struct tph_str key,
                             const char *place_and_path)
{
    const char *names[TPH_LIMIT_PLUGINS];
    size_t n = 0;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_KIB(16));
    for (size_t i = 0; i < prepared->n_plugins && n < TPH_LIMIT_PLUGINS; i++) {
        const struct tph_plugin *p = prepared->plugins[i];
        names[n++] = tph_arena_strdup(arena, p->name);
        (void)tph_buf_printf(&all, "%s%.*s%s%s%s", i > 0 ? ", " : "", TPH_FMT(p->name), p->file ? " (" : "",
                             p->file ? p->file : "", p->file ? ")" : "");
    }
    const char *near = tph_str_nearest(key, names, n);
    tph_cli_warn(input->cli,
                 "%s: no plugin is called \"%.*s\"%s%s%s asking all\n  plugins here: %s\n  add another with "
                 "--plugin DIR or a ConfigMap on the command line",
                 place_and_path, TPH_FMT(key), near ? "; did you mean \"" : ";", near ? near : "", near ? "\"?" : "",
                 tph_buf_cstr(&all));
}

/* Walks the templates that name a plugin: fills keys, and complains where nobody can answer. */
static int check_keys(struct tph_run_input *input, const struct tph_run_workflow *workflow, struct tph_arena *arena,
                      struct tph_prepared *prepared, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(workflow->object, "spec", "templates", NULL));
    while (tph_json_next(&it)) {
        struct tph_json_iter plugin = tph_json_iter(tph_json_get(it.value, "plugin"));
        if (!tph_json_is(tph_json_get(it.value, "plugin"), TPH_JSON_OBJECT) || !tph_json_next(&plugin)) {
            continue;
        }
        char *path = tph_arena_format(arena, "spec.templates[%zu].plugin", it.index);
        TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
        tph_source_place(&workflow->source, tph_str(path), &place);
        (void)tph_buf_puts(&place, path);
        if (prepared->n_plugins == 0) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "%s: no plugin is given that could run \"%.*s\"\n  add one with --plugin DIR or a "
                                 "ConfigMap on the command line",
                                 tph_buf_cstr(&place), TPH_FMT(plugin.key));
        }
        if (!is_called(prepared, plugin.key)) {
            warn_unknown_key(input, prepared, plugin.key, tph_buf_cstr(&place));
        }
        struct tph_str name = tph_arena_str(arena, tph_json_get_str(it.value, "name"));
        (void)tph_map_set(&prepared->keys, name, tph_arena_strdup(arena, plugin.key));
    }
    return 0;
}

/* Puts the place of the path before the error. */
static int place_error(const struct tph_source *source, struct tph_str path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
    struct tph_error inner = *err;
    tph_source_place(source, path, &place);
    return tph_error_set(err, inner.kind, "%s%s", tph_buf_cstr(&place), inner.text);
}

static struct tph_run_options options_of(struct tph_run_input *input, const struct tph_run_workflow *workflow)
{
    struct tph_str ns = tph_json_get_str(tph_json_get(workflow->object, "metadata"), "namespace");
    return (struct tph_run_options){.compat = input->compat,
                                    .workflow_defaults = input->workflow_defaults,
                                    .objects = tph_objects_view(input->objects, ns),
                                    .locks = input->locks,
                                    .read_zone = tph_zone_read_file};
}

static int compile(struct tph_run_input *input, const struct tph_run_workflow *workflow,
                   const struct tph_source *source, struct tph_prepared *prepared, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(8));
    struct tph_run_options options = options_of(input, workflow);
    if (tph_run_new(workflow->object, &options, &prepared->run, &path, err) < 0) {
        return place_error(source, tph_buf_str(&path), err);
    }
    return 0;
}

/* Lays the workflow over the template that it refers to. ret_whole: as if all of that stood in the workflow itself,
 * with the place where it does stand. */
static int merge(struct tph_run_input *input, struct tph_run_workflow *workflow, struct tph_run_workflow *ret_whole,
                 struct tph_error *err)
{
    struct tph_run_options options = options_of(input, workflow);
    const struct tph_run_workflow *template = referred(input, workflow);
    *ret_whole = *workflow;
    if (!tph_json_is(tph_json_path(workflow->object, "spec", "workflowTemplateRef", NULL), TPH_JSON_OBJECT)) {
        return 0;
    }
    if (tph_run_merge(workflow->doc, workflow->object, &options, &workflow->object, err) < 0) {
        return place_error(&workflow->source, TPH_STR("spec.workflowTemplateRef"), err);
    }
    struct tph_json_doc *doc = workflow->doc;
    ret_whole->object = tph_json_copy(doc, workflow->object);
    tph_json_set(doc, ret_whole->object, "spec", tph_json_copy(doc, tph_run_exec_spec(workflow->object)));
    ret_whole->source = template ? template->source : workflow->source;
    return 0;
}

int tph_run_take_defaults(struct tph_run_input *input, struct tph_run_workflow *workflow, struct tph_error *err)
{
    if (tph_json_len(input->workflow_defaults) == 0 ||
        tph_json_is(tph_json_path(workflow->object, "spec", "workflowTemplateRef", NULL), TPH_JSON_OBJECT)) {
        return 0;
    }
    if (tph_merge_workflow(workflow->doc, workflow->object, input->workflow_defaults, &workflow->object, err) < 0) {
        return place_error(&workflow->source, TPH_STR("spec"), err);
    }
    return 0;
}

int tph_run_name(struct tph_run_input *input, struct tph_run_workflow *workflow,
                 const struct tph_run_overrides *overrides, struct tph_arena *arena, struct tph_error *err)
{
    complete_metadata(input, workflow->doc, workflow->object, overrides, arena);
    if (check_name(workflow, "name", overrides->name ? "--name" : NULL, err) < 0 ||
        check_name(workflow, "namespace", overrides->ns ? "--namespace" : NULL, err) < 0) {
        return -1;
    }
    return take_name(input, workflow, arena, err);
}

int tph_run_override(struct tph_run_input *input, struct tph_run_workflow *workflow,
                     const struct tph_run_overrides *overrides, struct tph_error *err)
{
    struct tph_json_doc *doc = workflow->doc;
    struct tph_json *spec = child_object(doc, workflow->object, "spec");
    if (overrides->entrypoint) {
        tph_json_set_cstr(doc, spec, "entrypoint", overrides->entrypoint);
    }
    for (size_t i = 0; i < overrides->parameters->n; i++) {
        const char *equals = strchr(overrides->parameters->list[i], '=');
        if (equals && equals > overrides->parameters->list[i] &&
            input->n_workflows == 1) { /* with several each takes what it knows */
            struct tph_str text = tph_str(overrides->parameters->list[i]);
            warn_undeclared(input, workflow, tph_str_slice(text, 0, (size_t)(equals - text.p)));
        }
        if (set_parameter(doc, spec, overrides->parameters->list[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int tph_run_prepare(struct tph_run_input *input, struct tph_run_workflow *workflow, struct tph_arena *arena,
                    struct tph_prepared *ret_prepared, struct tph_error *err)
{
    TPH_CLEANUP(tph_prepared_release) struct tph_prepared prepared = {.keys = TPH_MAP_INIT};
    struct tph_run_workflow whole;
    if (merge(input, workflow, &whole, err) < 0 || find_plugins(input, &whole, &prepared, err) < 0 ||
        check_plugins(&prepared, err) < 0 || compile(input, workflow, &whole.source, &prepared, err) < 0 ||
        check_keys(input, &whole, arena, &prepared, err) < 0) {
        return -1;
    }
    *ret_prepared = prepared;
    prepared = (struct tph_prepared){.keys = TPH_MAP_INIT};
    return 0;
}
