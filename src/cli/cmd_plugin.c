/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys plugin add, list, remove: the executor plugins of a server, which are ConfigMaps there. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/cmd_options.h"
#include "cli/remote.h"
#include "cli/show.h"
#include "data/yaml.h"
#include "plugin/build.h"
#include "plugin/plugin.h"
#include "print/columns.h"

#define TYPE_LABEL "workflows.argoproj.io/configmap-type"
#define POD_LABEL  "tiphys/plugin"
#define SUFFIX     "-executor-plugin"

enum { PADDING = 3, REASON_MAX = 512 };

struct plugin_options {
    struct tph_remote_options remote;
    const char *output;
    bool all_namespaces, dry_run;
};

#define OPTION(member) offsetof(struct plugin_options, member)

const struct tph_option tph_plugins_options[] = {
    {"all-namespaces", 'A', TPH_OPTION_FLAG, OPTION(all_namespaces), NULL, NULL, "of all namespaces"},
    {"output", 'o', TPH_OPTION_CHOICE, OPTION(output), "FORMAT", "wide|json|yaml|name", "wide, json, yaml or name"},
    TPH_REMOTE_OPTIONS(struct plugin_options),
    {.name = NULL},
};

const struct tph_option tph_plugin_add_options[] = {
    {"dry-run", 0, TPH_OPTION_FLAG, OPTION(dry_run), NULL, NULL, "ask the server whether it would, and change nothing"},
    TPH_REMOTE_OPTIONS(struct plugin_options),
    {.name = NULL},
};

/* ---- list ---- */

/* One plugin, as it is shown. */
struct row {
    struct tph_str ns, name;            /* of the ConfigMap */
    char *key, *ports, *image, *reason; /* owned */
    const char *state;
    int64_t restarts;
};

struct rows {
    struct row *list; /* owned */
    size_t n;
};

static void rows_release(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        free(rows->list[i].key);
        free(rows->list[i].ports);
        free(rows->list[i].image);
        free(rows->list[i].reason);
    }
    free(rows->list);
}

/* Whose sidecar a pod is: of its namespace's plugin of that name, else of the install namespace's, which serves all. */
static bool is_of(const struct row *row, const struct rows *rows, const struct tph_json *pod)
{
    const struct tph_json *meta = tph_json_get(pod, "metadata");
    struct tph_str ns = tph_json_get_str(meta, "namespace");
    if (!tph_str_eqz(tph_json_get_str(tph_json_get(meta, "labels"), POD_LABEL), row->key)) {
        return false;
    }
    if (tph_str_eq(ns, row->ns)) {
        return true;
    }
    for (size_t i = 0; i < rows->n; i++) {
        if (tph_str_eq(rows->list[i].ns, ns) && strcmp(rows->list[i].key, row->key) == 0) {
            return false;
        }
    }
    return true;
}

/* Why a container waits: the server's words, and how it ended last. */
static char *reason_of(const struct tph_json *status, const struct tph_json *waiting)
{
    const struct tph_json *ended = tph_json_path(status, "lastState", "terminated", NULL);
    struct tph_str reason = tph_json_get_str(waiting, "reason");
    const struct tph_json *message = tph_json_get(waiting, "message");
    if (message && !tph_str_eqz(reason, "CrashLoopBackOff")) { /* whose message tells times and names, and not why */
        return tph_str_dup(tph_json_str(message));
    }
    int64_t code = 0;
    if (tph_json_to_i64(tph_json_get(ended, "exitCode"), &code) < 0) {
        return tph_str_dup(reason);
    }
    return tph_format("%.*s: it ended with exit code %lld", TPH_FMT(reason), (long long)code);
}

/* What its sidecars do; the worst counts. */
static void take_pods(struct row *row, const struct rows *rows, const struct tph_json *pods)
{
    struct tph_json_iter it = tph_json_iter(pods);
    while (tph_json_next(&it)) {
        const struct tph_json *status = tph_json_at(tph_json_path(it.value, "status", "containerStatuses", NULL), 0);
        const struct tph_json *waiting = tph_json_path(status, "state", "waiting", NULL);
        int64_t restarts = 0;
        if (!is_of(row, rows, it.value)) {
            continue;
        }
        (void)!tph_json_to_i64(tph_json_get(status, "restartCount"), &restarts);
        row->restarts += restarts;
        bool failing = waiting && !tph_str_eqz(tph_json_get_str(waiting, "reason"), "ContainerCreating");
        if (failing) {
            row->state = "failing";
            free(row->reason);
            row->reason = reason_of(status, waiting);
        } else if (strcmp(row->state, "failing") != 0) {
            row->state = tph_json_bool(tph_json_get(status, "ready")) ? "ready" : "starting";
        }
    }
}

/* What the server said of it last: of an earlier text, perhaps, when it is valid now. */
static struct tph_str last_event(const struct row *row, const struct tph_json *events)
{
    struct tph_str message = TPH_STR_NONE;
    struct tph_str newest = TPH_STR_NONE;
    struct tph_json_iter it = tph_json_iter(events);
    while (tph_json_next(&it)) {
        const struct tph_json *object = tph_json_get(it.value, "involvedObject");
        struct tph_str at = tph_json_get_str(it.value, "lastTimestamp");
        if (tph_str_eq(tph_json_get_str(object, "name"), row->name) &&
            tph_str_eq(tph_json_get_str(object, "namespace"), row->ns) && tph_str_cmp(at, newest) >= 0) {
            message = tph_json_get_str(it.value, "message");
            newest = at;
        }
    }
    return message;
}

static void put_ports(const struct tph_plugin *p, struct tph_buf *out)
{
    for (size_t i = 0; i < p->container.n_ports; i++) {
        (void)tph_buf_printf(out, "%s%u", i > 0 ? "," : "", p->container.ports[i].port);
    }
}

static void read_plugin(struct row *row, const struct tph_json *configmap, const struct tph_json *events)
{
    TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf ports = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_json *meta = tph_json_get(configmap, "metadata");
    struct tph_error err = TPH_ERROR_INIT;
    row->ns = tph_json_get_str(meta, "namespace");
    row->name = tph_json_get_str(meta, "name");
    struct tph_str key = row->name;
    if (tph_str_has_suffix(key, TPH_STR(SUFFIX))) {
        key.len -= strlen(SUFFIX);
    }
    row->key = tph_str_dup(key);
    row->state = "idle";
    int failed = tph_plugin_from_configmap(configmap, NULL, &plugin, &err);
    if (failed < 0 || plugin->refused) {
        struct tph_str said = last_event(row, events);
        row->state = "invalid";
        row->reason = said.len > 0 ? tph_str_dup(said) : tph_strdup(failed < 0 ? err.text : plugin->refused);
    }
    if (failed == 0) {
        put_ports(plugin, &ports);
        row->image = tph_str_dup(plugin->container.image);
    }
    row->ports = tph_strdup(tph_buf_cstr(&ports));
}

static int list_all(struct tph_remote *remote, const struct tph_kube_kind *kind, const char *labels, const char *fields,
                    struct tph_str ns, struct tph_remote_answer *ret_answer, struct tph_error *err)
{
    const struct tph_remote_selection selection = {.ns = ns, .labels = labels, .fields = fields};
    return tph_remote_list(remote, kind, &selection, ret_answer, err);
}

/* Pods and events say more; who may not read them sees the plugins all the same. */
static void look(struct tph_remote *remote, const struct plugin_options *o, const struct tph_json *configmaps,
                 struct rows *rows)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer pods = {.doc = NULL};
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer events = {.doc = NULL};
    struct tph_error unseen = TPH_ERROR_INIT;
    struct tph_str ns = o->all_namespaces ? TPH_STR_NONE : tph_str(remote->ns);
    if (list_all(remote, &tph_kube_pods, POD_LABEL, NULL, TPH_STR_NONE, &pods, &unseen) < 0) {
        (void)!list_all(remote, &tph_kube_pods, POD_LABEL, NULL, ns, &pods, &unseen);
    }
    (void)!list_all(remote, &tph_kube_events, NULL, "reason=ExecutorPluginInvalid", ns, &events, &unseen);
    rows->list = tph_calloc(tph_json_len(configmaps) + 1, sizeof *rows->list);
    struct tph_json_iter it = tph_json_iter(configmaps);
    while (tph_json_next(&it)) {
        read_plugin(&rows->list[rows->n++], it.value, tph_json_get(events.object, "items"));
    }
    for (size_t i = 0; i < rows->n; i++) {
        if (strcmp(rows->list[i].state, "invalid") != 0) {
            take_pods(&rows->list[i], rows, tph_json_get(pods.object, "items"));
        }
    }
}

static void put_table(const struct rows *rows, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&text, "NAMESPACE\tNAME\tKEY\tSTATE\tPORTS\tRESTARTS\tREASON\n");
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->list[i];
        struct tph_str reason = tph_str(row->reason);
        ptrdiff_t line = tph_str_find_byte(reason, '\n'); /* the first says what, the others what to do */
        (void)tph_buf_printf(&text, "%.*s\t%.*s\t%s\t%s\t%s\t%lld\t", TPH_FMT(row->ns), TPH_FMT(row->name), row->key,
                             row->state, row->ports, (long long)row->restarts);
        (void)tph_utf8_printable(&text, tph_str_slice(reason, 0, line < 0 ? REASON_MAX : (size_t)line), 0);
        (void)tph_buf_putc(&text, '\n');
    }
    tph_columns_write(tph_buf_str(&text), PADDING, out);
}

static struct tph_json *describe(struct tph_json_doc *doc, const struct row *row)
{
    struct tph_json *object = tph_json_new_object(doc);
    struct tph_json *ports = tph_json_new_array(doc);
    struct tph_str rest = tph_str(row->ports);
    struct tph_str port;
    while (rest.len > 0 && tph_str_cut(&rest, ',', &port)) {
        tph_json_append(doc, ports, tph_json_new_number(doc, port));
    }
    tph_json_set_str(doc, object, "namespace", row->ns);
    tph_json_set_str(doc, object, "name", row->name);
    tph_json_set_cstr(doc, object, "key", row->key);
    tph_json_set_cstr(doc, object, "state", row->state);
    tph_json_set(doc, object, "ports", ports);
    tph_json_set_cstr(doc, object, "image", row->image ? row->image : "");
    tph_json_set(doc, object, "restarts", tph_json_new_i64(doc, row->restarts));
    tph_json_set_cstr(doc, object, "reason", row->reason ? row->reason : "");
    return object;
}

static int print_rows(const struct rows *rows, const char *format, struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json *all = tph_json_new_array(doc);
    for (size_t i = 0; i < rows->n; i++) {
        tph_json_append(doc, all, describe(doc, &rows->list[i]));
    }
    if (strcmp(format, "json") == 0 || strcmp(format, "yaml") == 0) {
        return tph_show_object(all, format[0] == 'y' ? TPH_SHOW_YAML : TPH_SHOW_JSON, err);
    }
    if (strcmp(format, "name") == 0) {
        for (size_t i = 0; i < rows->n; i++) {
            (void)printf("%.*s\n", TPH_FMT(rows->list[i].name));
        }
    } else if (rows->n > 0) {
        put_table(rows, &out);
        (void)fputs(tph_buf_cstr(&out), stdout);
    }
    return 0;
}

static int list_plugins(struct tph_remote *remote, const struct plugin_options *o, struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer configmaps = {.doc = NULL};
    TPH_CLEANUP(rows_release) struct rows rows = {.list = NULL};
    struct tph_str ns = o->all_namespaces ? TPH_STR_NONE : tph_str(remote->ns);
    if (list_all(remote, &tph_kube_configmaps, TYPE_LABEL "=ExecutorPlugin", NULL, ns, &configmaps, err) < 0) {
        return -1;
    }
    look(remote, o, tph_json_get(configmaps.object, "items"), &rows);
    if (rows.n == 0) {
        (void)fprintf(stderr, "no executor plugin%s%s; tiphys plugin add DIR puts one there\n",
                      o->all_namespaces ? "" : " in namespace ", o->all_namespaces ? "" : remote->ns);
    }
    return print_rows(&rows, o->output, err);
}

int tph_cmd_plugins(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct plugin_options o = {.output = "wide"};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &arguments, &code)) {
        return code;
    }
    if (arguments.n > 0) {
        return tph_cli_usage(cli, command, "plugin list takes no names; of files: tiphys executor-plugin list FILE");
    }
    if (tph_remote_open(cli, &o.remote, &remote, &code)) {
        return code;
    }
    code = list_plugins(&remote, &o, &err) < 0 ? tph_remote_fail(cli, &err) : TPH_EXIT_OK;
    tph_remote_close(&remote);
    return code;
}

/* ---- add ---- */

/* Server-side apply: makes it, or changes what we said of it before. */
static int apply(struct tph_remote *remote, const struct plugin_options *o, const struct tph_json *configmap,
                 struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_str name = tph_json_get_str(tph_json_get(configmap, "metadata"), "name");
    const struct tph_json *own = tph_json_path(configmap, "metadata", "namespace", NULL);
    struct tph_str ns = own ? tph_json_str(own) : tph_str(remote->ns);
    tph_kube_path(&path, &tph_kube_configmaps, ns, name, NULL);
    tph_kube_query(&path, "fieldManager", TPH_STR("tiphys"));
    tph_kube_query(&path, "force", TPH_STR("true"));
    tph_kube_query(&path, "dryRun", o->dry_run ? TPH_STR("All") : TPH_STR_NONE);
    tph_json_write(configmap, 0, &body);
    const struct tph_kube_request request = {.method = "PATCH",
                                             .path = tph_buf_str(&path),
                                             .content_type = "application/apply-patch+yaml",
                                             .body = tph_buf_str(&body)};
    if (tph_remote_ask(remote, &request, &answer, err) < 0) {
        return -1;
    }
    (void)printf("executor plugin %.*s %s in namespace %.*s%s\n", TPH_FMT(name),
                 answer.status == 201 ? "added" : "updated", TPH_FMT(ns), o->dry_run ? " (dry run)" : "");
    return 0;
}

static int add_directory(struct tph_remote *remote, const struct plugin_options *o, const char *path,
                         struct tph_error *err)
{
    TPH_CLEANUP(tph_build_report_release) struct tph_build_report report = TPH_BUILD_REPORT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_plugin_manifest(path, &report, &doc, err) < 0) {
        return -1;
    }
    (void)fputs(tph_buf_cstr(&report.warnings), stderr);
    return apply(remote, o, tph_json_root(doc), err);
}

/* Every ConfigMap of a file; whatever else stands in it is told of. */
static int add_file(struct tph_remote *remote, const struct plugin_options *o, const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_str document;
    size_t n = 0;
    if (tph_fd_read_file(path, &text, err) < 0) {
        return -1;
    }
    struct tph_yaml_stream stream = {.rest = text.len > 0 ? tph_buf_str(&text) : TPH_STR("")};
    while (tph_yaml_next_document(&stream, &document)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        TPH_CLEANUP(tph_plugin_unrefp) struct tph_plugin *plugin = NULL;
        if (tph_yaml_parse(document, TPH_YAML_STRICT, &doc, NULL, err) < 0) {
            return tph_error_wrap(err, "%s", path);
        }
        const struct tph_json *object = tph_json_root(doc);
        if (tph_json_is_null(object)) {
            continue;
        }
        if (!tph_plugin_is_configmap(object)) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "%s: no executor plugin: a ConfigMap labelled " TYPE_LABEL
                                 ": ExecutorPlugin is wanted, or a directory with plugin.yaml",
                                 path);
        }
        if (tph_plugin_from_configmap(object, NULL, &plugin, err) < 0) {
            return tph_error_wrap(err, "%s", path);
        }
        if (apply(remote, o, object, err) < 0) {
            return -1;
        }
        n++;
    }
    return n > 0 ? 0 : tph_error_set(err, TPH_ERROR_INVALID, "%s: there is nothing in it", path);
}

int tph_cmd_plugin_add(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts paths = {.list = NULL};
    struct plugin_options o = {.output = ""};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &paths, &code)) {
        return code;
    }
    if (paths.n == 0) {
        return tph_cli_usage(cli, command, "name a plugin's directory, or the ConfigMap that was built of it");
    }
    if (tph_remote_open(cli, &o.remote, &remote, &code)) {
        return code;
    }
    int failed = 0;
    for (size_t i = 0; i < paths.n && failed == 0; i++) {
        struct stat status;
        bool directory = stat(paths.list[i], &status) == 0 && S_ISDIR(status.st_mode);
        failed =
            directory ? add_directory(&remote, &o, paths.list[i], &err) : add_file(&remote, &o, paths.list[i], &err);
    }
    tph_remote_close(&remote);
    return failed < 0 ? tph_remote_fail(cli, &err) : TPH_EXIT_OK;
}

/* ---- remove ---- */

static int remove_one(struct tph_remote *remote, const struct plugin_options *o, const char *given,
                      struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer found = {.doc = NULL};
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer gone = {.doc = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    bool whole = tph_str_has_suffix(tph_str(given), TPH_STR(SUFFIX));
    TPH_CLEANUP(tph_freep) char *name = tph_format("%s%s", given, whole ? "" : SUFFIX);
    struct tph_str ns = tph_str(remote->ns);
    if (tph_remote_get(remote, &tph_kube_configmaps, ns, tph_str(name), &found, err) < 0) {
        return found.problem == TPH_KUBE_NOT_FOUND
                   ? tph_error_hint(err, "tiphys plugin list -A shows which there are; -n names another namespace")
                   : -1;
    }
    if (!tph_plugin_is_configmap(found.object)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "ConfigMap %s in namespace %s is no executor plugin", name,
                             remote->ns);
    }
    tph_kube_path(&path, &tph_kube_configmaps, ns, tph_str(name), NULL);
    tph_kube_query(&path, "dryRun", o->dry_run ? TPH_STR("All") : TPH_STR_NONE);
    if (tph_remote_ask(remote, &(struct tph_kube_request){.method = "DELETE", .path = tph_buf_str(&path)}, &gone, err) <
        0) {
        return -1;
    }
    (void)printf("executor plugin %s removed from namespace %s%s\n", name, remote->ns, o->dry_run ? " (dry run)" : "");
    return 0;
}

int tph_cmd_plugin_remove(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts names = {.list = NULL};
    struct plugin_options o = {.output = ""};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &names, &code)) {
        return code;
    }
    if (names.n == 0) {
        return tph_cli_usage(cli, command, "name a plugin; tiphys plugin list shows them");
    }
    if (tph_remote_open(cli, &o.remote, &remote, &code)) {
        return code;
    }
    int failed = 0;
    for (size_t i = 0; i < names.n && failed == 0; i++) {
        failed = remove_one(&remote, &o, names.list[i], &err);
    }
    tph_remote_close(&remote);
    return failed < 0 ? tph_remote_fail(cli, &err) : TPH_EXIT_OK;
}
