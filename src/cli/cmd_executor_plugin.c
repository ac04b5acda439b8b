/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys executor-plugin build, list. `build` keeps Argo's exit codes and texts under both names of the program. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cli/cmd_options.h"
#include "cli/run_input.h"
#include "data/yaml.h"
#include "plugin/build.h"

struct build_options {
    bool force;
};

const struct tph_option tph_plugin_build_options[] = {
    {"force", 'f', TPH_OPTION_FLAG, offsetof(struct build_options, force), NULL, NULL,
     "overwrite a README.md that was not generated"},
    {.name = NULL},
};

int tph_cmd_plugin_build(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts directories = {.list = NULL};
    TPH_CLEANUP(tph_build_report_release) struct tph_build_report report = TPH_BUILD_REPORT_INIT;
    struct build_options options = {.force = false};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &options, &directories, &code)) {
        return code == TPH_EXIT_USAGE ? TPH_EXIT_FAILED : code;
    }
    if (directories.n != 1) {
        (void)fprintf(stderr, "Error: accepts 1 arg(s), received %zu\n", directories.n);
        return TPH_EXIT_FAILED;
    }
    bool argo = strcmp(cli->program, "argo") == 0;
    unsigned flags = argo || options.force ? TPH_BUILD_OVERWRITE_README : 0U;
    int failed = tph_plugin_build(directories.list[0], flags, &report, &err);
    (void)fputs(tph_buf_cstr(&report.lines), stdout);
    (void)fputs(tph_buf_cstr(&report.warnings), stderr);
    if (failed < 0) {
        (void)fprintf(stderr, "Error: %s\n", err.text);
        return TPH_EXIT_FAILED;
    }
    return TPH_EXIT_OK;
}

struct list_options {
    const char *output;
};

const struct tph_option tph_plugin_list_options[] = {
    {"output", 'o', TPH_OPTION_CHOICE, offsetof(struct list_options, output), "FORMAT", "wide|json|yaml|name",
     "wide, json, yaml or name"},
    {.name = NULL},
};

static void put_ports(const struct tph_plugin *p, struct tph_buf *out)
{
    for (size_t i = 0; i < p->container.n_ports; i++) {
        (void)tph_buf_printf(out, "%s%u", i > 0 ? "," : "", p->container.ports[i].port);
    }
}

static struct tph_json *describe(struct tph_json_doc *doc, const struct tph_plugin *p)
{
    struct tph_json *object = tph_json_new_object(doc);
    struct tph_json *ports = tph_json_new_array(doc);
    for (size_t i = 0; i < p->container.n_ports; i++) {
        tph_json_append(doc, ports, tph_json_new_i64(doc, p->container.ports[i].port));
    }
    tph_json_set_str(doc, object, "name", p->config_name);
    tph_json_set_str(doc, object, "key", p->name);
    tph_json_set_str(doc, object, "namespace", p->ns);
    tph_json_set_str(doc, object, "image", p->container.image);
    tph_json_set(doc, object, "ports", ports);
    tph_json_set_str(doc, object, "serviceAccount", p->automount_token ? p->config_name : TPH_STR(""));
    tph_json_set_cstr(doc, object, "file", p->file ? p->file : "");
    return object;
}

static void print_table(struct tph_plugin *const *list, size_t n, struct tph_buf *out)
{
    size_t wide[4] = {strlen("NAME"), strlen("KEY"), strlen("IMAGE"), strlen("PORTS")};
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf ports = TPH_BUF_INIT(TPH_KIB(1));
        put_ports(list[i], &ports);
        size_t widths[4] = {list[i]->config_name.len, list[i]->name.len, list[i]->container.image.len, ports.len};
        for (size_t c = 0; c < 4; c++) {
            wide[c] = widths[c] > wide[c] ? widths[c] : wide[c];
        }
    }
    (void)tph_buf_printf(out, "%-*s  %-*s  %-*s  %-*s  %s\n", (int)wide[0], "NAME", (int)wide[1], "KEY", (int)wide[2],
                         "IMAGE", (int)wide[3], "PORTS", "SERVICE ACCOUNT");
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf ports = TPH_BUF_INIT(TPH_KIB(1));
        const struct tph_plugin *p = list[i];
        put_ports(p, &ports);
        (void)tph_buf_printf(out, "%-*.*s  %-*.*s  %-*.*s  %-*s  ", (int)wide[0], TPH_FMT(p->config_name), (int)wide[1],
                             TPH_FMT(p->name), (int)wide[2], TPH_FMT(p->container.image), (int)wide[3],
                             tph_buf_cstr(&ports));
        (void)tph_buf_put(out, p->automount_token ? p->config_name : TPH_STR("-"));
        (void)tph_buf_putc(out, '\n');
    }
}

static bool has_port(const struct tph_plugin *p, uint16_t port)
{
    for (size_t i = 0; i < p->container.n_ports; i++) {
        if (p->container.ports[i].port == port) {
            return true;
        }
    }
    return false;
}

static void warn_same_port(const struct tph_cli *cli, struct tph_plugin *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            for (size_t k = 0; k < list[i]->container.n_ports; k++) {
                uint16_t port = list[i]->container.ports[k].port;
                if (has_port(list[j], port)) {
                    tph_cli_warn(cli, "plugins %.*s and %.*s both want port %u", TPH_FMT(list[i]->name),
                                 TPH_FMT(list[j]->name), port);
                    break;
                }
            }
        }
    }
}

static int print_list(const struct tph_cli *cli, const char *format, struct tph_plugin *const *list, size_t n,
                      struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *all = tph_json_new_array(doc);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, all, describe(doc, list[i]));
    }
    if (strcmp(format, "json") == 0) {
        tph_json_write(all, TPH_JSON_PRETTY, &out);
        (void)tph_buf_putc(&out, '\n');
    } else if (strcmp(format, "yaml") == 0) {
        if (tph_yaml_write(all, &out, err) < 0) {
            return -1;
        }
    } else if (strcmp(format, "name") == 0) {
        for (size_t i = 0; i < n; i++) {
            (void)tph_buf_printf(&out, "%.*s\n", TPH_FMT(list[i]->name));
        }
    } else if (n > 0) {
        print_table(list, n, &out);
    }
    (void)fputs(tph_buf_cstr(&out), stdout);
    warn_same_port(cli, list, n);
    return 0;
}

/* The plugins of an input, and those that its workflows bring along. */
struct found {
    struct tph_plugin **list; /* owned, and a reference to each */
    size_t n;
};

static void found_release(struct found *found)
{
    for (size_t i = 0; i < found->n; i++) {
        tph_plugin_unref(found->list[i]);
    }
    free(found->list);
}

static int find_plugins(const struct tph_run_input *input, struct found *found, struct tph_error *err)
{
    size_t n = input->n_plugins;
    for (size_t i = 0; i < input->n_workflows; i++) {
        n += tph_json_len(tph_json_path(input->workflows[i].object, "spec", "executorPlugins", NULL));
    }
    found->list = tph_calloc(n, sizeof(struct tph_plugin *));
    found->n = tph_plugin_set_all(input->plugins, found->list, input->n_plugins);
    for (size_t i = 0; i < found->n; i++) {
        (void)tph_plugin_ref(found->list[i]);
    }
    for (size_t i = 0; i < input->n_workflows; i++) {
        const struct tph_run_workflow *w = &input->workflows[i];
        size_t own = tph_json_len(tph_json_path(w->object, "spec", "executorPlugins", NULL));
        for (size_t j = 0; j < own; j++) {
            if (tph_plugin_from_workflow(w->object, j, &w->source, &found->list[found->n], err) < 0) {
                return -1;
            }
            found->n++;
        }
    }
    return 0;
}

int tph_cmd_plugin_list(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts paths = {.list = NULL};
    struct list_options options = {.output = "wide"};
    struct tph_run_input input;
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &options, &paths, &code)) {
        return code;
    }
    if (paths.n == 0) {
        return tph_cli_usage(cli, command, "name at least one file or directory with a plugin");
    }
    tph_run_input_init(&input, cli);
    struct found found = {.list = NULL};
    int failed = 0;
    for (size_t i = 0; i < paths.n && failed == 0; i++) {
        failed = tph_run_input_read(&input, paths.list[i], &err);
    }
    if (failed == 0 && find_plugins(&input, &found, &err) == 0) {
        failed = print_list(cli, options.output, found.list, found.n, &err);
    } else {
        failed = -1;
    }
    if (failed == 0 && found.n == 0) {
        tph_cli_warn(cli, "there is no plugin in %s", paths.n == 1 ? paths.list[0] : "these files");
    }
    found_release(&found);
    tph_run_input_release(&input);
    return failed < 0 ? tph_cli_error(cli, &err) : TPH_EXIT_OK;
}
