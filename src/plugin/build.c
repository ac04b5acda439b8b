/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gotype_tables.h"
#include "plugin/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "plugin/server_file.h"

enum { OBJECT_NAME_MAX = 253 };

#define GENERATED_YAML   "# This is an auto-generated file. DO NOT EDIT\n"
#define GENERATED_README "<!-- This is an auto-generated file. DO NOT EDIT -->\n"

void tph_build_report_release(struct tph_build_report *report)
{
    tph_buf_release(&report->lines);
    tph_buf_release(&report->warnings);
}

/* What is built from. */
struct source {
    const char *directory;
    struct tph_json_doc *raw; /* plugin.yaml as read */
    struct tph_json_doc *doc; /* the same through Argo's types, and what is made of it */
    struct tph_json *plugin;
    struct tph_build_report *report;
    struct tph_error *err;
};

static void drop_last_element(struct tph_buf *path, size_t root)
{
    while (path->len > root && path->bytes[path->len - 1] != '/') {
        path->len--;
    }
    path->len -= path->len > root ? 1 : 0;
    tph_buf_commit(path, 0);
}

/* Go's filepath.Join: no "." and no double slash, and ".." takes the element before it. */
static char *join(const char *directory, const char *name)
{
    TPH_CLEANUP(tph_freep) char *whole = tph_format("%s/%s", directory, name);
    struct tph_buf path = TPH_BUF_INIT(strlen(whole) + 1);
    struct tph_str rest = tph_str(*directory ? whole : name);
    struct tph_str element;
    size_t root = rest.len > 0 && rest.p[0] == '/' ? 1 : 0;
    size_t n_names = 0; /* at the end, for ".." to take */
    (void)tph_buf_puts(&path, root > 0 ? "/" : "");
    while (tph_str_cut(&rest, '/', &element)) {
        bool up = tph_str_eqz(element, "..");
        if (up && n_names > 0) {
            drop_last_element(&path, root);
            n_names--;
        } else if (element.len > 0 && !tph_str_eqz(element, ".") && !(up && root > 0)) {
            (void)tph_buf_puts(&path, path.len > root ? "/" : "");
            (void)tph_buf_put(&path, element);
            n_names += up ? 0 : 1;
        }
    }
    return tph_buf_take(&path, NULL);
}

static void warn(const struct source *s, const char *format, ...) TPH_PRINTF(2, 3);
static void warn(const struct source *s, const char *format, ...)
{
    va_list args;
    char text[1024];
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)tph_buf_printf(&s->report->warnings, "warning: %s\n", text);
}

/* What the system said, in Go's form: "open PATH: no such file or directory". */
static int system_said(const struct source *s, const char *doing, const char *path, const struct tph_error *said)
{
    const char *colon = strrchr(said->text, ':');
    if (said->kind == TPH_ERROR_LIMIT || said->kind == TPH_ERROR_INVALID || !colon || colon[1] != ' ') {
        return tph_error_set(s->err, said->kind, "%s", said->text);
    }
    const char *reason = colon + 2;
    return tph_error_set(s->err, said->kind, "%s %s: %c%s", doing, path, tolower((unsigned char)*reason), reason + 1);
}

static int read_file(const struct source *s, const char *path, struct tph_buf *text)
{
    struct tph_error said = TPH_ERROR_INIT;
    return tph_fd_read_regular_file(path, text, &said) < 0
               ? system_said(s, said.kind == TPH_ERROR_SYSTEM && strstr(said.text, strerror(EISDIR)) ? "read" : "open",
                             path, &said)
               : 0;
}

static int write_file(const struct source *s, const char *path, const struct tph_buf *text)
{
    struct tph_error said = TPH_ERROR_INIT;
    if (tph_fd_write_file(path, tph_buf_str(text), 0666, &said) < 0) {
        return system_said(s, "open", path, &said);
    }
    (void)tph_buf_printf(&s->report->lines, "%s created\n", path);
    return 0;
}

static int read_plugin(struct source *s)
{
    TPH_CLEANUP(tph_freep) char *path = join(s->directory, "plugin.yaml");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error inner = TPH_ERROR_INIT;
    if (read_file(s, path, &text) < 0) {
        return -1;
    }
    if (tph_yaml_parse(tph_buf_str(&text), TPH_YAML_STRICT, &s->raw, NULL, &inner) < 0) {
        return tph_error_set(s->err, TPH_ERROR_INVALID, "error converting YAML to JSON: %s", inner.text);
    }
    const struct tph_go_options options = {.flags = TPH_GO_TEXTS | TPH_GO_KNOWN};
    if (tph_go_convert(s->doc, tph_json_root(s->raw), &tph_gt_spec_Plugin, &options, &s->plugin, &inner) < 0) {
        return tph_error_set(s->err, TPH_ERROR_INVALID, "error unmarshaling JSON: while decoding JSON: %s", inner.text);
    }
    return 0;
}

static struct tph_json *container_of(const struct tph_json *plugin)
{
    return tph_json_path(plugin, "spec", "sidecar", "container", NULL);
}

/* At most one server.* becomes args. */
static int take_server(struct source *s, const char *name)
{
    TPH_CLEANUP(tph_freep) char *found = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error said = TPH_ERROR_INIT;
    if (tph_plugin_server_file(s->directory, name, &found, &said) < 0) {
        return system_said(s, "open", s->directory, &said);
    }
    if (!found) {
        return 0;
    }
    TPH_CLEANUP(tph_freep) char *path = join(found, "");
    if (read_file(s, path, &text) < 0) {
        return -1;
    }
    struct tph_json *container = container_of(s->plugin);
    if (!container) {
        container = tph_json_new_object(s->doc);
        tph_json_set(s->doc, tph_json_path(s->plugin, "spec", "sidecar", NULL), "container", container);
        container = container_of(s->plugin);
    }
    if (tph_json_len(tph_json_get(container, "args")) > 0) {
        warn(s, "%s replaces the args of plugin.yaml", path);
    }
    struct tph_json *args = tph_json_new_array(s->doc);
    tph_json_append(s->doc, args, tph_json_new_str(s->doc, tph_buf_str(&text)));
    tph_json_set(s->doc, container, "args", args);
    return 0;
}

static int validate(const struct source *s)
{
    const struct tph_json *container = container_of(s->plugin);
    const struct tph_json *raw = tph_json_get(container_of(tph_json_root(s->raw)), "resources");
    const char *problem = NULL;
    if (tph_json_len(tph_json_get(container, "ports")) == 0) {
        problem = "at least one port is mandatory";
    } else if (tph_json_is_null(tph_json_get(raw, "requests"))) {
        problem = "resources requests are mandatory";
    } else if (tph_json_is_null(tph_json_get(raw, "limits"))) {
        problem = "resources limits are mandatory";
    } else if (!tph_json_get(container, "securityContext")) {
        problem = "security context is mandatory";
    }
    return problem ? tph_error_set(s->err, TPH_ERROR_INVALID, "sidecar is invalid: %s", problem) : 0;
}

/* Kubernetes' rule for names of most objects: a DNS subdomain. */
static bool is_object_name(const char *name)
{
    size_t len = strlen(name);
    bool edge = true; /* what comes next must be a letter or digit */
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool last = i + 1 == len || name[i + 1] == '.';
        if (!alphanumeric && (edge || last || c != '-') && (edge || c != '.')) {
            return false;
        }
        edge = c == '.';
    }
    return len > 0 && len <= OBJECT_NAME_MAX && !edge;
}

static void warn_about_ports(const struct source *s, const struct tph_json *ports)
{
    static const char *const common[] = {"80", "443", "8080", "8081", "8443"};
    struct tph_json_iter it = tph_json_iter(ports);
    while (tph_json_next(&it)) {
        struct tph_str port = tph_json_number_text(tph_json_get(it.value, "containerPort"));
        for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
            if (tph_str_eqz(port, common[i])) {
                warn(s, "port %s is used by many programs and clashes easily; choose another", common[i]);
            }
        }
        for (size_t i = 0; i < it.index; i++) {
            const struct tph_json *other = tph_json_get(tph_json_at(ports, i), "containerPort");
            if (tph_str_eq(port, tph_json_number_text(other))) {
                warn(s, "port %.*s stands twice in spec.sidecar.container.ports", TPH_FMT(port));
                break;
            }
        }
    }
}

static void warn_about(const struct source *s, const char *configmap_name)
{
    const struct tph_json *container = container_of(s->plugin);
    struct tph_str kind = tph_json_get_str(s->plugin, "kind");
    if (!tph_str_eqz(kind, "ExecutorPlugin")) {
        warn(s, "kind is \"%.*s\", not ExecutorPlugin: no controller will take the ConfigMap for a plugin",
             TPH_FMT(kind));
    }
    if (!is_object_name(configmap_name)) {
        warn(s,
             "metadata.name: \"%s\" is no name that Kubernetes takes for a ConfigMap: at most %d lower case letters, "
             "digits, '-' and '.', the first and the last of each part between dots a letter or digit",
             configmap_name, OBJECT_NAME_MAX);
    }
    const struct tph_json *resources = tph_json_get(container, "resources");
    if (!tph_json_get(resources, "requests") || !tph_json_get(resources, "limits")) {
        warn(s, "resources that are {} vanish from the ConfigMap, and a controller then refuses the plugin; give cpu "
                "and memory");
    }
    if (tph_json_len(tph_json_get(container, "securityContext")) == 0) {
        warn(s, "securityContext is {}: the sidecar may run as root; set runAsNonRoot and runAsUser");
    }
    warn_about_ports(s, tph_json_get(container, "ports"));
}

/* The manifest's object. */
static struct tph_json *make_configmap(const struct source *s, const char *configmap_name, struct tph_str container)
{
    const struct tph_json *meta = tph_json_get(s->plugin, "metadata");
    const struct tph_json *sidecar = tph_json_path(s->plugin, "spec", "sidecar", NULL);
    bool automount = tph_json_bool(tph_json_get(sidecar, "automountServiceAccountToken"));
    struct tph_json *object = tph_json_new_object(s->doc);
    struct tph_json *metadata = tph_json_new_object(s->doc);
    struct tph_json *labels = tph_json_new_object(s->doc);
    struct tph_json *data = tph_json_new_object(s->doc);
    tph_json_set_cstr(s->doc, object, "apiVersion", "v1");
    tph_json_set_cstr(s->doc, object, "kind", "ConfigMap");
    tph_json_set_cstr(s->doc, metadata, "name", configmap_name);
    tph_json_set_str(s->doc, labels, "workflows.argoproj.io/configmap-type", tph_json_get_str(s->plugin, "kind"));
    struct tph_json_iter it = tph_json_iter(tph_json_get(meta, "labels"));
    while (tph_json_next(&it)) {
        tph_json_setn(s->doc, labels, it.key, tph_json_copy(s->doc, it.value));
    }
    tph_json_set(s->doc, metadata, "labels", labels);
    const struct tph_json *annotations = tph_json_get(meta, "annotations");
    if (tph_json_len(annotations) > 0) {
        tph_json_set(s->doc, metadata, "annotations", tph_json_copy(s->doc, annotations));
    }
    tph_json_set(s->doc, object, "metadata", metadata);
    tph_json_set_cstr(s->doc, data, "sidecar.automountServiceAccountToken", automount ? "true" : "false");
    tph_json_set_str(s->doc, data, "sidecar.container", container);
    tph_json_set(s->doc, object, "data", data);
    return object;
}

static int put_configmap(const struct source *s, const char *configmap_name, struct tph_json **ret_object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf container = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (tph_yaml_write(container_of(s->plugin), &container, s->err) < 0) {
        return -1;
    }
    *ret_object = make_configmap(s, configmap_name, tph_buf_str(&container));
    return 0;
}

static int write_configmap(const struct source *s, const char *configmap_name)
{
    struct tph_json *object = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_freep) char *name = tph_format("%s-configmap.yaml", configmap_name);
    TPH_CLEANUP(tph_freep) char *path = join(s->directory, name);
    (void)tph_buf_puts(&text, GENERATED_YAML);
    if (put_configmap(s, configmap_name, &object) < 0 || tph_yaml_write(object, &text, s->err) < 0 ||
        write_file(s, path, &text) < 0) {
        return -1;
    }
    return 0;
}

/* True when there is a README.md that was not made by this program or Argo's. */
static bool is_own_readme(const char *path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    return access(path, F_OK) == 0 && tph_fd_read_regular_file(path, &text, NULL) == 0 &&
           !tph_str_has_prefix(tph_buf_str(&text), TPH_STR(GENERATED_README));
}

static int write_readme(const struct source *s, const char *configmap_name, unsigned flags)
{
    const struct tph_json *meta = tph_json_get(s->plugin, "metadata");
    const struct tph_json *annotations = tph_json_get(meta, "annotations");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_freep) char *path = join(s->directory, "README.md");
    if (!(flags & TPH_BUILD_OVERWRITE_README) && is_own_readme(path)) {
        warn(s, "%s was not generated and is kept; --force replaces it", path);
        return 0;
    }
    (void)tph_buf_printf(
        &text,
        GENERATED_README "# %.*s\n\n* Needs: %.*s\n* Image: %.*s\n\n%.*s\n\nInstall:\n\n    kubectl apply -f "
                         "%s-configmap.yaml\n\nUninstall:\n\t\n    kubectl delete cm %s \n",
        TPH_FMT(tph_json_get_str(meta, "name")),
        TPH_FMT(tph_json_get_str(annotations, "workflows.argoproj.io/version")),
        TPH_FMT(tph_json_get_str(container_of(s->plugin), "image")),
        TPH_FMT(tph_json_get_str(annotations, "workflows.argoproj.io/description")), configmap_name, configmap_name);
    return write_file(s, path, &text);
}

/* Reads, checks, warns; *ret_name is the ConfigMap's, the caller's to free. */
static int prepare(struct source *s, char **ret_name)
{
    if (read_plugin(s) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(tph_json_get_str(tph_json_get(s->plugin, "metadata"), "name"));
    TPH_CLEANUP(tph_freep) char *configmap_name = tph_format("%s-executor-plugin", name);
    if (take_server(s, name) < 0 || validate(s) < 0) {
        return -1;
    }
    if (strchr(name, '/')) {
        return tph_error_set(s->err, TPH_ERROR_INVALID,
                             "metadata.name: \"%s\" has a slash: its ConfigMap would be written elsewhere", name);
    }
    warn_about(s, configmap_name);
    *ret_name = TPH_TAKE(configmap_name);
    return 0;
}

static int build(struct source *s, unsigned flags)
{
    TPH_CLEANUP(tph_freep) char *configmap_name = NULL;
    if (prepare(s, &configmap_name) < 0) {
        return -1;
    }
    return write_configmap(s, configmap_name) < 0 ? -1 : write_readme(s, configmap_name, flags);
}

int tph_plugin_build(const char *directory, unsigned flags, struct tph_build_report *report, struct tph_error *err)
{
    struct source s = {.directory = directory, .doc = tph_json_doc_new(), .report = report, .err = err};
    int failed = build(&s, flags);
    tph_json_doc_free(s.raw);
    tph_json_doc_free(s.doc);
    return failed;
}

int tph_plugin_manifest(const char *directory, struct tph_build_report *report, struct tph_json_doc **ret_doc,
                        struct tph_error *err)
{
    struct source s = {.directory = directory, .doc = tph_json_doc_new(), .report = report, .err = err};
    TPH_CLEANUP(tph_freep) char *name = NULL;
    struct tph_json *object = NULL;
    int failed = prepare(&s, &name) < 0 || put_configmap(&s, name, &object) < 0 ? -1 : 0;
    tph_json_doc_free(s.raw);
    if (failed < 0) {
        tph_json_doc_free(s.doc);
        return -1;
    }
    tph_json_set_root(s.doc, object);
    *ret_doc = s.doc;
    return 0;
}
