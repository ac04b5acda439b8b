/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys submit: workflows of files, or made of what a server has, to a server. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "cli/cmd_options.h"
#include "cli/follow.h"
#include "cli/run_input.h"
#include "cli/run_lint.h"
#include "cli/run_prepare.h"
#include "cli/show.h"
#include "cli/submit_from.h"

struct submit_options {
    struct tph_remote_options remote;
    const char *name, *generate_name, *entrypoint, *parameter_file, *account, *labels, *priority, *from, *output;
    struct tph_texts parameters;
    bool dry_run, server_dry_run, wait, watch, log, strict;
};

#define OPTION(member) offsetof(struct submit_options, member)

const struct tph_option tph_submit_options_table[] = {
    {"parameter", 'p', TPH_OPTION_LIST, OPTION(parameters), "NAME=VALUE", NULL, "set a parameter; may be repeated"},
    {"parameter-file", 'f', TPH_OPTION_TEXT, OPTION(parameter_file), "FILE", NULL,
     "parameters from a YAML or JSON map; -p goes before it"},
    {"name", 0, TPH_OPTION_TEXT, OPTION(name), "NAME", NULL, "in place of metadata.name"},
    {"generate-name", 0, TPH_OPTION_TEXT, OPTION(generate_name), "PREFIX", NULL,
     "a new name that begins so, in place of the manifest's"},
    {"entrypoint", 0, TPH_OPTION_TEXT, OPTION(entrypoint), "TEMPLATE", NULL, "in place of spec.entrypoint"},
    {"labels", 'l', TPH_OPTION_TEXT, OPTION(labels), "LABELS", NULL, "further labels: team=a,ticket=42"},
    {"serviceaccount", 0, TPH_OPTION_TEXT, OPTION(account), "NAME", NULL, "in place of spec.serviceAccountName"},
    {"priority", 0, TPH_OPTION_TEXT, OPTION(priority), "N", NULL, "in place of spec.priority"},
    {"from", 0, TPH_OPTION_TEXT, OPTION(from), "KIND/NAME", NULL, "no file: wftmpl/NAME, cwft/NAME or cronwf/NAME"},
    {"wait", 'w', TPH_OPTION_FLAG, OPTION(wait), NULL, NULL, "until it is over; the exit code tells the result"},
    {"watch", 0, TPH_OPTION_FLAG, OPTION(watch), NULL, NULL, "and show what happens, as `watch`"},
    {"log", 0, TPH_OPTION_FLAG, OPTION(log), NULL, NULL, "and print what its sidecars say, as `logs -f`"},
    {"output", 'o', TPH_OPTION_TEXT, OPTION(output), "FORMAT", NULL, "name, json, yaml or wide"},
    {"dry-run", 0, TPH_OPTION_FLAG, OPTION(dry_run), NULL, NULL, "print what would be sent"},
    {"server-dry-run", 0, TPH_OPTION_FLAG, OPTION(server_dry_run), NULL, NULL,
     "print what the server would make of it"},
    {"strict", 0, TPH_OPTION_FLAG, OPTION(strict), NULL, NULL,
     "what `lint` finds wrong is not sent (default); --strict=false sends it"},
    TPH_REMOTE_OPTIONS(struct submit_options),
    {.name = NULL},
};

/* One run of the verb. */
struct submit {
    const struct tph_cli *cli;
    struct submit_options o;
    enum tph_show_form form;
    struct tph_remote *remote;
    struct tph_run_input input;
    struct tph_arena *arena;
    char **names, **spaces; /* owned: of what was made */
    size_t n_made;
};

/* ---- what is sent ---- */

static int read_input(struct submit *s, const struct tph_texts *paths, struct tph_error *err)
{
    if (s->o.from) {
        struct tph_remote_answer made = {.doc = NULL};
        return tph_submit_from(s->remote, s->o.from, &made, err) < 0
                   ? -1
                   : tph_run_input_take(&s->input, made.doc, s->o.from, err);
    }
    for (size_t i = 0; i < paths->n; i++) {
        if (tph_run_input_read(&s->input, paths->list[i], err) < 0) {
            return -1;
        }
    }
    if (s->input.n_workflows == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "No Workflow found in given files");
    }
    return 0;
}

static struct tph_json *child(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *found = tph_json_get(object, key);
    if (!tph_json_is(found, TPH_JSON_OBJECT)) {
        found = tph_json_new_object(doc);
        tph_json_set(doc, object, key, found);
    }
    return found;
}

static int set_labels(const struct submit *s, struct tph_json_doc *doc, struct tph_json *meta, struct tph_error *err)
{
    struct tph_str rest = tph_str(s->o.labels);
    struct tph_str part;
    while (rest.len > 0 && tph_str_cut(&rest, ',', &part)) {
        ptrdiff_t equals = tph_str_find_byte(part, '=');
        if (equals <= 0) {
            return tph_error_set(err, TPH_ERROR_USAGE, "--labels takes KEY=VALUE with commas between, not \"%s\"",
                                 s->o.labels);
        }
        tph_json_setn(doc, child(doc, meta, "labels"), tph_str_slice(part, 0, (size_t)equals),
                      tph_json_new_str(doc, tph_str_slice(part, (size_t)equals + 1, part.len)));
    }
    return 0;
}

/* The manifest's namespace counts; another one on the command line is a contradiction, as for kubectl. */
static int set_namespace(const struct submit *s, struct tph_json_doc *doc, struct tph_json *meta, struct tph_error *err)
{
    struct tph_str own = tph_json_get_str(meta, "namespace");
    if (own.len > 0 && s->o.remote.ns && !tph_str_eqz(own, s->o.remote.ns)) {
        (void)tph_error_set(err, TPH_ERROR_USAGE, "the manifest's namespace is \"%.*s\", not \"%s\"", TPH_FMT(own),
                            s->o.remote.ns);
        return tph_error_hint(err, "leave -n out, or metadata.namespace");
    }
    if (own.len == 0) {
        tph_json_set_cstr(doc, meta, "namespace", s->remote->ns);
    }
    return 0;
}

static int set_metadata(const struct submit *s, struct tph_json_doc *doc, struct tph_json *workflow,
                        struct tph_error *err)
{
    struct tph_json *meta = child(doc, workflow, "metadata");
    if (s->o.name) {
        tph_json_set_cstr(doc, meta, "name", s->o.name);
        (void)tph_json_remove(meta, "generateName");
    }
    if (s->o.generate_name) {
        tph_json_set_cstr(doc, meta, "generateName", s->o.generate_name);
        (void)tph_json_remove(meta, "name");
    }
    if (tph_json_get_str(workflow, "kind").len == 0) {
        tph_json_set_cstr(doc, workflow, "kind", "Workflow");
    }
    if (tph_json_get_str(workflow, "apiVersion").len == 0) {
        tph_json_set_cstr(doc, workflow, "apiVersion", "argoproj.io/v1alpha1");
    }
    return set_namespace(s, doc, meta, err) < 0 ? -1 : set_labels(s, doc, meta, err);
}

static int set_spec(struct submit *s, struct tph_run_workflow *w, const struct tph_texts *parameters,
                    struct tph_error *err)
{
    const struct tph_run_overrides overrides = {.entrypoint = s->o.entrypoint, .parameters = parameters};
    int64_t priority = 0;
    if (s->o.account) {
        tph_json_set_cstr(w->doc, child(w->doc, w->object, "spec"), "serviceAccountName", s->o.account);
    }
    if (s->o.priority) {
        if (tph_str_to_i64(tph_str(s->o.priority), &priority) < 0) {
            return tph_error_set(err, TPH_ERROR_USAGE, "--priority takes a whole number, not \"%s\"", s->o.priority);
        }
        tph_json_set(w->doc, child(w->doc, w->object, "spec"), "priority", tph_json_new_i64(w->doc, priority));
    }
    return tph_run_override(&s->input, w, &overrides, err);
}

/* ---- lint, with the templates that the server has ---- */

/* Whether any member anywhere is called so: whether templates are needed at all. */
static bool mentions(const struct tph_json *value, const char *key)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_KIB(1));
    tph_json_write(value, 0, &text);
    (void)tph_buf_printf(&quoted, "\"%s\":", key);
    return tph_str_find(tph_buf_str(&text), tph_buf_str(&quoted)) >= 0;
}

static int take_templates(struct submit *s, const struct tph_kube_kind *kind, const char *kind_name, struct tph_str ns,
                          struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer all = {.doc = NULL};
    const struct tph_remote_selection selection = {.ns = ns};
    if (tph_remote_list(s->remote, kind, &selection, &all, err) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(all.object, "items"));
    while (tph_json_next(&it)) {
        struct tph_json_doc *doc = tph_json_doc_new();
        struct tph_json *object = tph_json_copy(doc, it.value);
        struct tph_str name = tph_json_get_str(tph_json_get(it.value, "metadata"), "name");
        tph_json_set_root(doc, object);
        tph_json_set_cstr(doc, object, "kind", kind_name); /* items of a list need not have it */
        const char *file = tph_arena_format(s->arena, "%s/%.*s", kind->plural, TPH_FMT(name));
        if (tph_run_input_take(&s->input, doc, file, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fetch_templates(struct submit *s, const struct tph_json *workflow, struct tph_error *err)
{
    struct tph_str ns = tph_json_get_str(tph_json_get(workflow, "metadata"), "namespace");
    if (s->input.n_templates > 0 ||
        (!mentions(workflow, "templateRef") && !mentions(workflow, "workflowTemplateRef"))) {
        return 0;
    }
    if (take_templates(s, &tph_kube_workflow_templates, "WorkflowTemplate", ns, err) < 0) {
        return -1;
    }
    return mentions(workflow, "clusterScope")
               ? take_templates(s, &tph_kube_cluster_templates, "ClusterWorkflowTemplate", TPH_STR_NONE, err)
               : 0;
}

static int prepare(struct submit *s, struct tph_error *err)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts parameters = {.list = NULL};
    if (s->o.parameter_file && tph_run_read_parameters(s->o.parameter_file, s->arena, &parameters, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->o.parameters.n; i++) {
        tph_texts_add(&parameters, s->o.parameters.list[i]);
    }
    for (size_t i = 0; i < s->input.n_workflows; i++) {
        struct tph_run_workflow *w = &s->input.workflows[i];
        if (set_metadata(s, w->doc, w->object, err) < 0) {
            return -1;
        }
        bool known = fetch_templates(s, w->object, err) == 0;
        if (!known) { /* who may not read templates leaves the check to the server */
            tph_cli_warn(s->cli, "not checked: %s", err->text);
            *err = TPH_ERROR_INIT;
        }
        if (set_spec(s, w, &parameters, err) < 0 || (known && s->o.strict && tph_run_lint(&s->input, w, err) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* ---- sending ---- */

static int print_made(const struct submit *s, const struct tph_json *workflow, struct tph_error *err)
{
    bool dry = s->o.dry_run || s->o.server_dry_run;
    struct tph_show show = {.form = s->form};
    if (dry && show.form == TPH_SHOW_DEFAULT) {
        show.form = TPH_SHOW_YAML;
    }
    bool stays = s->o.wait || s->o.watch || s->o.log;
    if (stays && !dry && show.form == TPH_SHOW_DEFAULT && !tph_cli_is_argo(s->cli)) {
        (void)fprintf(stderr, "workflow %.*s submitted\n",
                      TPH_FMT(tph_json_get_str(tph_json_get(workflow, "metadata"), "name")));
        return 0;
    }
    return tph_show_workflow(s->remote, workflow, &show, err);
}

static int send_one(struct submit *s, const struct tph_json *workflow, struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    tph_kube_path(&path, &tph_kube_workflows, tph_json_get_str(tph_json_get(workflow, "metadata"), "namespace"),
                  TPH_STR_NONE, NULL);
    tph_kube_query(&path, "fieldManager", TPH_STR("tiphys"));
    tph_kube_query(&path, "dryRun", s->o.server_dry_run ? TPH_STR("All") : TPH_STR_NONE);
    tph_json_write(workflow, 0, &body);
    const struct tph_kube_request request = {.method = "POST", .path = tph_buf_str(&path), .body = tph_buf_str(&body)};
    if (tph_remote_ask(s->remote, &request, &answer, err) < 0) {
        return answer.problem == TPH_KUBE_BROKEN
                   ? tph_error_hint(err, "whether it was taken is not known: tiphys list shows it then")
                   : -1;
    }
    const struct tph_json *meta = tph_json_get(answer.object, "metadata");
    s->names[s->n_made] = tph_str_dup(tph_json_get_str(meta, "name"));
    s->spaces[s->n_made] = tph_str_dup(tph_json_get_str(meta, "namespace"));
    s->n_made++;
    return print_made(s, answer.object, err);
}

static int send_all(struct submit *s, struct tph_error *err)
{
    s->names = tph_calloc(s->input.n_workflows, sizeof *s->names);
    s->spaces = tph_calloc(s->input.n_workflows, sizeof *s->spaces);
    for (size_t i = 0; i < s->input.n_workflows; i++) {
        const struct tph_json *workflow = s->input.workflows[i].object;
        if ((s->o.dry_run ? print_made(s, workflow, err) : send_one(s, workflow, err)) < 0) {
            return -1;
        }
    }
    (void)fflush(stdout);
    return 0;
}

/* ---- and then ---- */

/* Those of one namespace together. */
static int follow_all(struct submit *s)
{
    const struct tph_log_ask log = {.follow = true};
    const struct tph_follow_options options = {
        /* Lines of a log would be written into the picture. */
        .mode = !s->o.watch ? TPH_FOLLOW_QUIET
                : s->o.log  ? TPH_FOLLOW_LINES
                            : tph_follow_mode_of(s->cli),
        .no_end = s->form != TPH_SHOW_DEFAULT,
        .any_result = tph_cli_is_argo(s->cli) && !s->o.wait,
        .log = s->o.log ? &log : NULL,
    };
    int code = TPH_EXIT_OK;
    for (size_t i = 0; i < s->n_made && code < 128;) {
        size_t n = 1;
        while (i + n < s->n_made && strcmp(s->spaces[i], s->spaces[i + n]) == 0) {
            n++;
        }
        free(s->remote->ns);
        s->remote->ns = tph_strdup(s->spaces[i]);
        int r = tph_follow(s->remote, (const char *const *)s->names + i, n, &options);
        code = r > code ? r : code;
        i += n;
    }
    return code;
}

static void submit_release(struct submit *s)
{
    for (size_t i = 0; i < s->n_made; i++) {
        free(s->names[i]);
        free(s->spaces[i]);
    }
    free(s->names);
    free(s->spaces);
    tph_run_input_release(&s->input);
    tph_texts_release(&s->o.parameters);
    tph_arena_free(s->arena);
}

/* A mistake in what was given is 2, but as argo 1; what the server refuses is 1. */
static int fail(const struct submit *s, const struct tph_error *err, bool given)
{
    return given && !tph_cli_is_argo(s->cli) ? tph_cli_error(s->cli, err) : tph_remote_fail(s->cli, err);
}

static int run(struct submit *s, const struct tph_texts *paths)
{
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    s->arena = tph_arena_new();
    tph_run_input_init(&s->input, s->cli);
    s->input.workflows_only = true;
    if (!s->o.from && read_input(s, paths, &err) < 0) { /* what is wrong with the files needs no server */
        return fail(s, &err, true);
    }
    if (tph_remote_open(s->cli, &s->o.remote, s->remote, &code)) {
        return code;
    }
    if (s->o.from && read_input(s, paths, &err) < 0) {
        code = fail(s, &err, err.kind == TPH_ERROR_USAGE);
    } else if (prepare(s, &err) < 0) {
        code = fail(s, &err, true);
    } else if (send_all(s, &err) < 0) {
        code = fail(s, &err, false);
    } else if ((s->o.wait || s->o.watch || s->o.log) && !s->o.dry_run && !s->o.server_dry_run) {
        code = follow_all(s);
    }
    tph_remote_close(s->remote);
    return code;
}

static int check(const struct submit *s, const struct tph_command *command, const struct tph_texts *paths)
{
    bool dry = s->o.dry_run || s->o.server_dry_run;
    if (s->o.from && paths->n > 0) {
        return tph_remote_usage(s->cli, command, "cannot combine --from with file arguments",
                                "a file or --from, not both");
    }
    if (!s->o.from && paths->n == 0) {
        return tph_remote_usage(s->cli, command, "requires at least 1 arg(s), only received 0",
                                "name a file, - for standard input, or --from wftmpl/NAME");
    }
    if (s->o.name && s->o.generate_name) {
        return tph_remote_usage(s->cli, command, "--name and --generate-name exclude each other",
                                "--name or --generate-name, not both");
    }
    if (dry && tph_cli_is_argo(s->cli) && s->form == TPH_SHOW_DEFAULT) {
        return tph_remote_usage(s->cli, command,
                                s->o.dry_run ? "--dry-run should have an output option"
                                             : "--server-dry-run should have an output option",
                                "");
    }
    return TPH_EXIT_OK;
}

int tph_cmd_submit(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts paths = {.list = NULL};
    struct tph_remote remote;
    struct submit s = {.cli = cli, .remote = &remote, .o = {.strict = true, .output = ""}};
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &s.o, &paths, &code)) {
        code = code == TPH_EXIT_USAGE && tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : code;
    } else if (tph_show_form(s.o.output, TPH_SHOW_NO_SHORT, &s.form) < 0) {
        code = tph_remote_usage(cli, command, "One of: name|json|yaml|wide", "--output takes name, json, yaml or wide");
    } else {
        code = check(&s, command, &paths);
        code = code == TPH_EXIT_OK ? run(&s, &paths) : code;
    }
    submit_release(&s);
    return code;
}
