/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/packed.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/state_directory.h"
#include "data/time.h"

bool tph_cli_is_argo(const struct tph_cli *cli)
{
    return strcmp(cli->program, "argo") == 0;
}

int tph_remote_fail(const struct tph_cli *cli, const struct tph_error *err)
{
    (void)fflush(stdout);
    if (tph_cli_is_argo(cli)) {
        (void)fprintf(stderr, "Error: %s\n", err->text);
    } else {
        (void)tph_cli_error(cli, err);
    }
    return TPH_EXIT_FAILED;
}

int tph_remote_usage(const struct tph_cli *cli, const struct tph_command *command, const char *argo, const char *ours)
{
    if (tph_cli_is_argo(cli)) {
        (void)fprintf(stderr, "Error: %s\n", argo);
        return TPH_EXIT_FAILED;
    }
    return tph_cli_usage(cli, command, "%s", ours);
}

/* ---- which server ---- */

/* The first kubeconfig that is there, when nobody names one: of a server of ours, then kubectl's. */
struct own_files {
    char *paths[3]; /* owned */
    const char *list[3];
    size_t n, n_own;
};

static void own_files_release(struct own_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->paths[i]);
    }
}

static void add_file(struct own_files *files, char *path)
{
    files->list[files->n] = files->paths[files->n] = path;
    files->n++;
}

static void find_files(struct own_files *files)
{
    const char *home = getenv("HOME");
    struct tph_error unseen = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_freep) char *state = tph_state_directory(NULL, &unseen);
    if (state) {
        add_file(files, tph_format("%s/kubeconfig", state));
    }
    if (!state || strcmp(state, "/var/lib/tiphys") != 0) {
        add_file(files, tph_strdup("/var/lib/tiphys/kubeconfig"));
    }
    /* One that is there and not for us is no file of ours. */
    for (size_t i = 0; i < files->n; i++) {
        if (access(files->list[i], F_OK) == 0 && access(files->list[i], R_OK) != 0) {
            free(files->paths[i]);
            files->n--;
            files->list[i] = files->paths[i] = files->paths[files->n];
            i--;
        }
    }
    files->n_own = files->n;
    if (home && *home) {
        add_file(files, tph_format("%s/.kube/config", home));
    }
}

static int load(struct tph_remote *remote, const struct tph_remote_options *options, struct tph_error *err)
{
    TPH_CLEANUP(own_files_release) struct own_files files = {.n = 0};
    find_files(&files);
    const struct tph_kube_places places = {
        .given = options->kubeconfig, .variable = getenv("KUBECONFIG"), .others = files.list, .n_others = files.n};
    const struct tph_kube_choice choice = {
        .context = options->context, .server = options->server, .token = options->token, .as = options->as};
    if (tph_kube_config_load(&places, &choice, &remote->config, err) < 0) {
        return err->kind == TPH_ERROR_NOT_FOUND && !(options->kubeconfig && *options->kubeconfig) &&
                       !(places.variable && *places.variable)
                   ? tph_error_hint(err,
                                    "start a server here: tiphys server; or name one: --kubeconfig FILE, KUBECONFIG")
                   : -1;
    }
    for (size_t i = 0; i < files.n_own; i++) {
        remote->is_own = remote->is_own || strcmp(remote->config.file, files.list[i]) == 0;
    }
    return 0;
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    const char *d = a && *a ? a : b;
    return d && *d ? d : c;
}

/* Times on the screen are local: TZ, else the system's. What cannot be read is UTC. */
static void read_zone(struct tph_remote *remote)
{
    const char *name = getenv("TZ");
    struct tph_error unseen = TPH_ERROR_INIT;
    remote->zone_bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    if (name && *name == ':') {
        name++;
    }
    int failed = 0;
    if (name && *name != '/') {
        failed = *name ? tph_zone_read_file(tph_str(name), &remote->zone_bytes) : -1;
    } else {
        failed = tph_fd_read_regular_file(name ? name : "/etc/localtime", &remote->zone_bytes, &unseen);
    }
    remote->has_zone = failed == 0 && tph_zone_open(tph_buf_str(&remote->zone_bytes), &remote->zone) == 0;
}

struct tph_print_clock tph_remote_clock(const struct tph_remote *remote)
{
    return (struct tph_print_clock){.now_ms = tph_clock_wall_ms(), .zone = remote->has_zone ? &remote->zone : NULL};
}

int tph_remote_open(const struct tph_cli *cli, const struct tph_remote_options *options, struct tph_remote *ret_remote,
                    int *ret_exit)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote *r = ret_remote;
    *r = (struct tph_remote){.cli = cli};
    if (load(r, options, &err) < 0 || tph_loop_new(&r->loop, &err) < 0) {
        tph_remote_close(r);
        *ret_exit = tph_remote_fail(cli, &err);
        return 1;
    }
    r->has_server = options->server && *options->server;
    r->has_token = options->token && *options->token;
    read_zone(r);
    r->kube = tph_kube_new(r->loop, &r->config);
    r->ns = tph_strdup(first_of(options->ns, getenv("ARGO_NAMESPACE"), *r->config.ns ? r->config.ns : "default"));
    r->timeout_ms = options->request_timeout_ms > 0 ? options->request_timeout_ms : TPH_LIMIT_KUBE_REQUEST_MS;
    return 0;
}

void tph_remote_close(struct tph_remote *remote)
{
    tph_kube_free(remote->kube);
    tph_loop_free(remote->loop);
    tph_kube_config_release(&remote->config);
    tph_buf_release(&remote->zone_bytes);
    free(remote->ns);
    *remote = (struct tph_remote){.cli = remote->cli};
}

/* ---- what to do about it ---- */

static void advise_unreachable(const struct tph_remote *remote, struct tph_error *err)
{
    const struct tph_kube_config *c = &remote->config;
    bool is_here = strstr(c->server, "://127.") || strstr(c->server, "://localhost") || strstr(c->server, "://[::1]");
    if (remote->is_own || is_here) {
        (void)tph_error_hint(err, "is the server running? start it with: tiphys server");
    }
    if (!remote->has_server) {
        (void)tph_error_hint(err, "%s is the server of %s%s%s%s; --kubeconfig, KUBECONFIG or --context name another",
                             c->server, c->file, *c->context ? " (context " : "", c->context, *c->context ? ")" : "");
    }
}

void tph_remote_advise(const struct tph_remote *remote, enum tph_kube_problem problem, struct tph_error *err)
{
    const struct tph_kube_config *c = &remote->config;
    const char *user = *c->user ? c->user : "nobody";
    switch (problem) {
    case TPH_KUBE_UNREACHABLE:
        advise_unreachable(remote, err);
        break;
    case TPH_KUBE_TRUST:
        (void)tph_error_hint(err,
                             "%s (%s) is not who its certificate-authority vouches for: was the server's state "
                             "made anew? take its new kubeconfig",
                             c->server, remote->has_server ? "--server" : c->file);
        break;
    case TPH_KUBE_UNAUTHORIZED:
        if (remote->has_token) {
            (void)tph_error_hint(err, "%s does not take that token", c->server);
        } else {
            (void)tph_error_hint(err, "%s does not take the credentials of user %s (%s)", c->server, user, c->file);
        }
        (void)tph_error_hint(
            err, "a new token for `tiphys server`: tiphys token add NAME --role edit -n %s -o kubeconfig", remote->ns);
        break;
    case TPH_KUBE_FORBIDDEN:
        (void)tph_error_hint(err, "who administers the server can give that right: tiphys token add NAME --role ..., "
                                  "or a Role on a cluster");
        break;
    case TPH_KUBE_NO_KIND:
        (void)tph_error_hint(err, "%s does not know workflows: is it another cluster's, or one without Argo's CRDs?",
                             c->server);
        break;
    case TPH_KUBE_BUSY:
        (void)tph_error_hint(err, "the server has too much to do, or is just ending: try it again");
        break;
    case TPH_KUBE_EXISTS:
        (void)tph_error_hint(err, "another name: --name NAME, or --generate-name PREFIX-");
        break;
    case TPH_KUBE_FINE:
    case TPH_KUBE_BROKEN:
    case TPH_KUBE_NOT_FOUND:
    case TPH_KUBE_CONFLICT:
    case TPH_KUBE_EXPIRED:
    case TPH_KUBE_INVALID:
    case TPH_KUBE_OTHER:
    case TPH_KUBE_PROBLEM_COUNT:
        break;
    }
}

/* ---- requests ---- */

void tph_remote_answer_release(struct tph_remote_answer *answer)
{
    tph_json_doc_free(answer->doc);
    *answer = (struct tph_remote_answer){.doc = NULL};
}

struct waiting {
    struct tph_remote *remote;
    struct tph_remote_answer *answer;
    struct tph_error *err;
};

static void take(void *owner, const struct tph_kube_answer *answer)
{
    struct waiting *w = owner;
    struct tph_str warnings = tph_str(answer->warnings);
    struct tph_str line;
    while (tph_str_cut(&warnings, '\n', &line)) {
        if (line.len > 0) {
            tph_cli_warn(w->remote->cli, "%.*s", TPH_FMT(line));
        }
    }
    w->answer->problem = answer->problem;
    w->answer->status = answer->status;
    if (answer->object && answer->problem == TPH_KUBE_FINE) {
        w->answer->doc = tph_json_doc_new();
        w->answer->object = tph_json_copy(w->answer->doc, answer->object);
        tph_json_set_root(w->answer->doc, w->answer->object);
    }
    if (answer->problem != TPH_KUBE_FINE) {
        *w->err = *answer->err;
        if (!tph_cli_is_argo(w->remote->cli)) {
            tph_remote_advise(w->remote, answer->problem, w->err);
        }
    }
    tph_loop_stop(w->remote->loop);
}

int tph_remote_ask(struct tph_remote *remote, const struct tph_kube_request *request,
                   struct tph_remote_answer *ret_answer, struct tph_error *err)
{
    struct tph_kube_request whole = *request;
    struct waiting w = {.remote = remote, .answer = ret_answer, .err = err};
    *ret_answer = (struct tph_remote_answer){.doc = NULL};
    whole.timeout_ms = whole.timeout_ms > 0 ? whole.timeout_ms : remote->timeout_ms;
    (void)!tph_kube_start(remote->kube, &whole, take, &w);
    tph_loop_run(remote->loop);
    return ret_answer->problem == TPH_KUBE_FINE ? 0 : -1;
}

int tph_remote_get(struct tph_remote *remote, const struct tph_kube_kind *kind, struct tph_str ns, struct tph_str name,
                   struct tph_remote_answer *ret_answer, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    tph_kube_path(&path, kind, ns, name, NULL);
    return tph_remote_ask(remote, &(struct tph_kube_request){.path = tph_buf_str(&path)}, ret_answer, err);
}

static int ask_page(struct tph_remote *remote, const struct tph_kube_kind *kind,
                    const struct tph_remote_selection *selection, struct tph_str next,
                    struct tph_remote_answer *ret_answer, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(256));
    char page[16];
    (void)snprintf(page, sizeof page, "%d", TPH_LIMIT_KUBE_PAGE);
    tph_kube_path(&path, kind, selection->ns, TPH_STR_NONE, NULL);
    tph_kube_query(&path, "labelSelector", tph_str(selection->labels));
    tph_kube_query(&path, "fieldSelector", tph_str(selection->fields));
    tph_kube_query(&path, "limit", tph_str(page));
    tph_kube_query(&path, "continue", next);
    return tph_remote_ask(remote, &(struct tph_kube_request){.path = tph_buf_str(&path), .accept = selection->accept},
                          ret_answer, err);
}

int tph_remote_list(struct tph_remote *remote, const struct tph_kube_kind *kind,
                    const struct tph_remote_selection *selection, struct tph_remote_answer *ret_answer,
                    struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer whole = {.doc = NULL};
    TPH_CLEANUP(tph_freep) char *next = NULL;
    bool again = false; /* a page has expired: from the beginning, once */
    do {
        TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer page = {.doc = NULL};
        if (ask_page(remote, kind, selection, tph_str(next), &page, err) < 0) {
            if (page.problem == TPH_KUBE_EXPIRED && next && !again) {
                again = true;
                free(TPH_TAKE(next));
                next = tph_strdup("");
                tph_remote_answer_release(&whole);
                continue;
            }
            ret_answer->problem = page.problem;
            return -1;
        }
        free(next);
        next = tph_str_dup(tph_json_get_str(tph_json_get(page.object, "metadata"), "continue"));
        if (!whole.doc) {
            whole = page;
            page = (struct tph_remote_answer){.doc = NULL};
            continue;
        }
        struct tph_json_iter it = tph_json_iter(tph_json_get(page.object, "items"));
        while (tph_json_next(&it)) {
            tph_json_append(whole.doc, tph_json_get(whole.object, "items"), tph_json_copy(whole.doc, it.value));
        }
    } while (*next || !whole.doc);
    *ret_answer = whole;
    whole = (struct tph_remote_answer){.doc = NULL};
    return 0;
}

/* Of two made in one second, the one that was written last is the better guess. */
static bool is_later(struct tph_str version, struct tph_str other)
{
    return version.len != other.len ? version.len > other.len : tph_str_cmp(version, other) > 0;
}

static int find_latest(struct tph_remote *remote, char **ret_name, struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer all = {.doc = NULL};
    const struct tph_remote_selection selection = {
        .ns = tph_str(remote->ns),
        .accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"};
    struct tph_str name = TPH_STR_NONE;
    struct tph_str newest = TPH_STR_NONE;
    struct tph_str version = TPH_STR_NONE;
    if (tph_remote_list(remote, &tph_kube_workflows, &selection, &all, err) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(all.object, "items"));
    while (tph_json_next(&it)) {
        const struct tph_json *meta = tph_json_get(it.value, "metadata");
        struct tph_str created = tph_json_get_str(meta, "creationTimestamp"); /* UTC, all of one length */
        struct tph_str own = tph_json_get_str(meta, "resourceVersion");
        int order = tph_str_cmp(created, newest);
        if (name.len == 0 || order > 0 || (order == 0 && is_later(own, version))) {
            name = tph_json_get_str(meta, "name");
            newest = created;
            version = own;
        }
    }
    if (name.len == 0) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "No workflows found");
        return tph_cli_is_argo(remote->cli)
                   ? -1
                   : tph_error_hint(err, "there is none in namespace %s, so none is the latest; -n names another",
                                    remote->ns);
    }
    *ret_name = tph_str_dup(name);
    return 0;
}

int tph_remote_workflow(struct tph_remote *remote, const char *name, struct tph_remote_answer *ret_answer,
                        struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *latest = NULL;
    if (strcmp(name, "@latest") == 0) {
        if (find_latest(remote, &latest, err) < 0) {
            return -1;
        }
        name = latest;
    }
    if (tph_remote_get(remote, &tph_kube_workflows, tph_str(remote->ns), tph_str(name), ret_answer, err) < 0) {
        if (ret_answer->problem == TPH_KUBE_NOT_FOUND && !tph_cli_is_argo(remote->cli)) {
            (void)tph_error_hint(err, "there is no such workflow in namespace %s: tiphys list -n %s; -A lists all",
                                 remote->ns, remote->ns);
        }
        return -1;
    }
    return tph_packed_unpack(ret_answer->doc, ret_answer->object, err);
}
