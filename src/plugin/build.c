/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gotype_tables.h"
#include "plugin/build.h"

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

/* Go's filepath.Join: "." and trailing slashes vanish. */
static char *join(const char *directory, const char *name)
{
    const char *start = directory;
    while (start[0] == '.' && start[1] == '/') {
        for (start += 2; *start == '/'; start++) {
        }
    }
    size_t len = strlen(start);
    while (len > 1 && start[len - 1] == '/') {
        len--;
    }
    if (len == 0 || (len == 1 && start[0] == '.')) {
        return tph_strdup(name);
    }
    return tph_format("%.*s/%s", (int)len, start, name);
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

static int read_plugin(struct source *s)
{
    TPH_CLEANUP(tph_freep) char *path = join(s->directory, "plugin.yaml");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error inner = TPH_ERROR_INIT;
    if (access(path, R_OK) < 0) {
        int number = errno;
        return tph_error_set(s->err, TPH_ERROR_NOT_FOUND, "open %s: %s", path,
                             number == ENOENT ? "no such file or directory" : "permission denied");
    }
    if (tph_fd_read_file(path, &text, s->err) < 0) {
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
    TPH_CLEANUP(tph_freep) char *path = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (tph_plugin_server_file(s->directory, name, &path, s->err) < 0) {
        return -1;
    }
    if (!path) {
        return 0;
    }
    if (tph_fd_read_file(path, &text, s->err) < 0) {
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

static void warn_about(const struct source *s)
{
    static const char *const common[] = {"80", "443", "8080", "8081", "8443"};
    const struct tph_json *container = container_of(s->plugin);
    struct tph_str kind = tph_json_get_str(s->plugin, "kind");
    if (!tph_str_eqz(kind, "ExecutorPlugin")) {
        warn(s, "kind is \"%.*s\", not ExecutorPlugin: no controller will take the ConfigMap for a plugin",
             TPH_FMT(kind));
    }
    const struct tph_json *resources = tph_json_get(container, "resources");
    if (!tph_json_get(resources, "requests") || !tph_json_get(resources, "limits")) {
        warn(s, "resources that are {} vanish from the ConfigMap, and a controller then refuses the plugin; give cpu "
                "and memory");
    }
    if (tph_json_len(tph_json_get(container, "securityContext")) == 0) {
        warn(s, "securityContext is {}: the sidecar may run as root; set runAsNonRoot and runAsUser");
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(container, "ports"));
    while (tph_json_next(&it)) {
        struct tph_str port = tph_json_number_text(tph_json_get(it.value, "containerPort"));
        for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
            if (tph_str_eqz(port, common[i])) {
                warn(s, "port %s is used by many programs and clashes easily; choose another", common[i]);
            }
        }
    }
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

static int write_configmap(const struct source *s, const char *configmap_name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf container = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_freep) char *name = tph_format("%s-configmap.yaml", configmap_name);
    TPH_CLEANUP(tph_freep) char *path = join(s->directory, name);
    if (tph_yaml_write(container_of(s->plugin), &container, s->err) < 0) {
        return -1;
    }
    (void)tph_buf_puts(&text, GENERATED_YAML);
    if (tph_yaml_write(make_configmap(s, configmap_name, tph_buf_str(&container)), &text, s->err) < 0 ||
        tph_fd_write_file(path, tph_buf_str(&text), 0666, s->err) < 0) {
        return -1;
    }
    (void)tph_buf_printf(&s->report->lines, "%s created\n", path);
    return 0;
}

/* True when there is a README.md that was not made by this program or Argo's. */
static bool is_own_readme(const char *path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    return access(path, F_OK) == 0 && tph_fd_read_file(path, &text, NULL) == 0 &&
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
    if (tph_fd_write_file(path, tph_buf_str(&text), 0666, s->err) < 0) {
        return -1;
    }
    (void)tph_buf_printf(&s->report->lines, "%s created\n", path);
    return 0;
}

static int build(struct source *s, unsigned flags)
{
    if (read_plugin(s) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(tph_json_get_str(tph_json_get(s->plugin, "metadata"), "name"));
    TPH_CLEANUP(tph_freep) char *configmap_name = tph_format("%s-executor-plugin", name);
    if (take_server(s, name) < 0 || validate(s) < 0) {
        return -1;
    }
    warn_about(s);
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
