/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/base64.h"
#include "data/yaml.h"

enum { FILES_MAX = 16, NAMES_MAX = 64 };

/* The texts as values; the first that has something wins. */
struct reader {
    const struct tph_kube_text *texts;
    struct tph_json_doc *docs[FILES_MAX]; /* owned */
    size_t n;
    struct tph_kube_config *config; /* to be filled */
    struct tph_error *err;
};

static void reader_release(struct reader *r)
{
    for (size_t i = 0; i < r->n; i++) {
        tph_json_doc_free(r->docs[i]);
    }
}

static int read_texts(struct reader *r, size_t n)
{
    if (n > FILES_MAX) {
        return tph_error_set(r->err, TPH_ERROR_LIMIT, "KUBECONFIG names more than %d files", FILES_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        struct tph_yaml_places places = {.positions = NULL};
        if (tph_yaml_parse(r->texts[i].text, 0, &r->docs[i], &places, r->err) < 0) {
            return places.error.line > 0 ? tph_error_wrap(r->err, "%s:%zu:%zu", r->texts[i].path,
                                                          (size_t)places.error.line, (size_t)places.error.column)
                                         : tph_error_wrap(r->err, "%s", r->texts[i].path);
        }
        r->n++;
        const struct tph_json *root = tph_json_root(r->docs[i]);
        if (!tph_json_is_null(root) && !tph_json_is(root, TPH_JSON_OBJECT)) {
            return tph_error_set(r->err, TPH_ERROR_INVALID, "%s: this is no kubeconfig: an object was expected",
                                 r->texts[i].path);
        }
    }
    return 0;
}

/* The first text that is not empty, of one member of the files. */
static const char *first_text(const struct reader *r, const char *member)
{
    for (size_t i = 0; i < r->n; i++) {
        struct tph_str text = tph_json_get_str(tph_json_root(r->docs[i]), member);
        if (text.len > 0) {
            return tph_arena_strdup(r->config->arena, text);
        }
    }
    return "";
}

/* The element of that name in a list of {name, MEMBER: {...}}; *ret_file gets its text's index. */
static const struct tph_json *find_named(const struct reader *r, const char *list, const char *member, const char *name,
                                         size_t *ret_file)
{
    for (size_t i = 0; i < r->n; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(tph_json_root(r->docs[i]), list));
        while (tph_json_next(&it)) {
            if (tph_str_eqz(tph_json_get_str(it.value, "name"), name)) {
                *ret_file = i;
                return tph_json_get(it.value, member);
            }
        }
    }
    return NULL;
}

static int not_there(const struct reader *r, const char *list, const char *what, const char *name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_KIB(1));
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(tph_json_root(r->docs[i]), list));
        while (tph_json_next(&it) && n < NAMES_MAX) {
            names[n] = tph_arena_strdup(r->config->arena, tph_json_get_str(it.value, "name"));
            (void)tph_buf_printf(&all, "%s%s", n > 0 ? ", " : "", names[n]);
            n++;
        }
    }
    const char *near = tph_str_nearest(tph_str(name), names, n);
    (void)tph_error_set(r->err, TPH_ERROR_NOT_FOUND, "there is no %s \"%s\" in %s%s%s%s", what, name,
                        r->n > 0 ? r->texts[0].path : "the kubeconfig", near ? "; did you mean \"" : "",
                        near ? near : "", near ? "\"?" : "");
    return n > 0 ? tph_error_hint(r->err, "there are: %s", tph_buf_cstr(&all)) : -1;
}

/* A text member; "" where it is absent. Digits without quotes are meant as a text, too. */
static const char *text_of(const struct reader *r, const struct tph_json *object, const char *member)
{
    const struct tph_json *value = tph_json_get(object, member);
    bool number = tph_json_is(value, TPH_JSON_NUMBER);
    return tph_arena_strdup(r->config->arena, number ? tph_json_number_text(value) : tph_json_str(value));
}

/* A file's name, relative to the kubeconfig that names it. */
static const char *path_of(const struct reader *r, const struct tph_json *object, const char *member, size_t file)
{
    const char *path = text_of(r, object, member);
    const char *slash = strrchr(r->texts[file].path, '/');
    if (!*path || path[0] == '/' || !slash) {
        return path;
    }
    return tph_arena_format(r->config->arena, "%.*s/%s", (int)(slash - r->texts[file].path), r->texts[file].path, path);
}

/* base64 of PEM */
static int data_of(const struct reader *r, const struct tph_json *object, const char *member, size_t file,
                   struct tph_str *ret)
{
    struct tph_str text = tph_json_get_str(object, member);
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_KUBECONFIG);
    if (tph_base64_decode(text, &bytes) < 0) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "%s: %s is not base64", r->texts[file].path, member);
    }
    *ret = tph_arena_str(r->config->arena, tph_buf_str(&bytes));
    return 0;
}

static int take_cluster(struct reader *r, const char *name)
{
    struct tph_kube_config *c = r->config;
    size_t file = 0;
    const struct tph_json *cluster = find_named(r, "clusters", "cluster", name, &file);
    if (!cluster) {
        return not_there(r, "clusters", "cluster", name);
    }
    c->file = r->texts[file].path;
    c->server = text_of(r, cluster, "server");
    c->tls_server_name = text_of(r, cluster, "tls-server-name");
    c->proxy = text_of(r, cluster, "proxy-url");
    c->insecure = tph_json_bool(tph_json_get(cluster, "insecure-skip-tls-verify"));
    if (data_of(r, cluster, "certificate-authority-data", file, &c->ca) < 0) {
        return -1;
    }
    c->ca_file = c->ca.len > 0 ? "" : path_of(r, cluster, "certificate-authority", file);
    if (c->insecure && (c->ca.len > 0 || *c->ca_file)) {
        return tph_error_set(r->err, TPH_ERROR_INVALID,
                             "%s: cluster \"%s\" has a certificate-authority and insecure-skip-tls-verify, which says "
                             "that it does not count: take one of them out",
                             c->file, name);
    }
    return 0;
}

static int refuse_provider(const struct reader *r, const struct tph_json *user, size_t file, const char *name)
{
    const struct tph_json *provider = tph_json_get(user, "auth-provider");
    if (tph_json_is_null(provider)) {
        return 0;
    }
    (void)tph_error_set(r->err, TPH_ERROR_INVALID, "%s: user \"%s\" logs in with the auth-provider %.*s",
                        r->texts[file].path, name, TPH_FMT(tph_json_get_str(provider, "name")));
    return tph_error_hint(r->err,
                          "those are gone from Kubernetes since 1.26: its successor is a program (exec); or give "
                          "a token: --token TOKEN");
}

/* A list of texts, or of {name, value}, NULL-ended. */
static const char **words_of(const struct reader *r, const struct tph_json *object, const char *member)
{
    const struct tph_json *list = tph_json_get(object, member);
    const char **words = TPH_ARENA_ARRAY(r->config->arena, const char *, tph_json_len(list) + 1);
    struct tph_json_iter it = tph_json_iter(list);
    size_t n = 0;
    while (tph_json_next(&it)) {
        bool pair = tph_json_is(it.value, TPH_JSON_OBJECT);
        words[n++] = pair ? tph_arena_format(r->config->arena, "%s=%s", text_of(r, it.value, "name"),
                                             text_of(r, it.value, "value"))
                          : tph_arena_strdup(r->config->arena, tph_json_str(it.value));
    }
    return words;
}

/* What the program is told of the cluster, when it wants to know: as its kubeconfig has it. */
static const char *cluster_info(const struct reader *r)
{
    size_t file = 0;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_KUBECONFIG);
    tph_json_write(find_named(r, "clusters", "cluster", r->config->cluster, &file), 0, &text);
    return tph_arena_strdup(r->config->arena, tph_buf_str(&text));
}

static int take_exec(const struct reader *r, const struct tph_json *user, size_t file, const char *name)
{
    const struct tph_json *given = tph_json_get(user, "exec");
    struct tph_str mode = tph_json_get_str(given, "interactiveMode");
    if (tph_json_is_null(given)) {
        return 0;
    }
    struct tph_kube_exec *exec = TPH_ARENA_NEW(r->config->arena, struct tph_kube_exec);
    const char *command = text_of(r, given, "command");
    exec->command = strchr(command, '/') ? path_of(r, given, "command", file) : command;
    exec->api_version = text_of(r, given, "apiVersion");
    exec->install_hint = text_of(r, given, "installHint");
    exec->must_ask = tph_str_eqz(mode, "Always");
    exec->may_ask = !tph_str_eqz(mode, "Never");
    exec->args = words_of(r, given, "args");
    exec->env = words_of(r, given, "env");
    exec->cluster = tph_json_bool(tph_json_get(given, "provideClusterInfo")) ? cluster_info(r) : NULL;
    if (!*command || !tph_str_has_prefix(tph_str(exec->api_version), TPH_STR("client.authentication.k8s.io/"))) {
        return tph_error_set(r->err, TPH_ERROR_INVALID,
                             "%s: exec of user \"%s\" needs a command, and an apiVersion such as "
                             "client.authentication.k8s.io/v1",
                             r->texts[file].path, name);
    }
    r->config->exec = exec;
    return 0;
}

static int take_groups(const struct reader *r, const struct tph_json *user)
{
    const struct tph_json *groups = tph_json_get(user, "as-groups");
    size_t n = tph_json_len(groups);
    r->config->as_groups = TPH_ARENA_ARRAY(r->config->arena, const char *, n);
    struct tph_json_iter it = tph_json_iter(groups);
    while (tph_json_next(&it)) {
        r->config->as_groups[r->config->n_as_groups++] = tph_arena_strdup(r->config->arena, tph_json_str(it.value));
    }
    return 0;
}

static int take_user(struct reader *r, const char *name, bool needs_token)
{
    struct tph_kube_config *c = r->config;
    size_t file = 0;
    const struct tph_json *user = find_named(r, "users", "user", name, &file);
    if (!user) {
        return not_there(r, "users", "user", name);
    }
    if (needs_token && (refuse_provider(r, user, file, name) < 0 || take_exec(r, user, file, name) < 0)) {
        return -1;
    }
    if (data_of(r, user, "client-certificate-data", file, &c->certificate) < 0 ||
        data_of(r, user, "client-key-data", file, &c->key) < 0) {
        return -1;
    }
    c->certificate_file = c->certificate.len > 0 ? "" : path_of(r, user, "client-certificate", file);
    c->key_file = c->key.len > 0 ? "" : path_of(r, user, "client-key", file);
    c->token = text_of(r, user, "token");
    c->token_file = path_of(r, user, "tokenFile", file);
    c->username = text_of(r, user, "username");
    c->password = text_of(r, user, "password");
    c->as = text_of(r, user, "as");
    c->as_uid = text_of(r, user, "as-uid");
    return take_groups(r, user);
}

static const char *first_of(const char *a, const char *b)
{
    return a && *a ? a : b;
}

/* What the command line says goes before all files. */
static void override(struct tph_kube_config *c, const struct tph_kube_choice *choice)
{
    if (choice->token && *choice->token) {
        c->token = tph_arena_strdup(c->arena, tph_str(choice->token));
        c->token_file = c->username = c->password = "";
    }
    c->server = tph_arena_strdup(c->arena, tph_str(first_of(choice->server, c->server)));
    c->as = tph_arena_strdup(c->arena, tph_str(first_of(choice->as, c->as)));
    c->ns = tph_arena_strdup(c->arena, tph_str(first_of(choice->ns, c->ns)));
}

static int check_server(struct tph_kube_config *c, struct tph_error *err)
{
    struct tph_str server = tph_str(c->server);
    if (server.len == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: cluster \"%s\" has no server", c->file, c->cluster);
    }
    if (!strstr(c->server, "://")) { /* kubectl takes HOST:PORT, too */
        server = tph_str(tph_arena_format(c->arena, "http://%s", c->server));
    }
    if (!tph_str_has_prefix(server, TPH_STR("http://")) && !tph_str_has_prefix(server, TPH_STR("https://"))) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: the server of cluster \"%s\" is no http or https URL: %s",
                             c->file, c->cluster, c->server);
    }
    while (server.len > 0 && server.p[server.len - 1] == '/') {
        server.len--;
    }
    c->server = tph_arena_strdup(c->arena, server);
    return 0;
}

static int pick(struct reader *r, const struct tph_kube_choice *choice)
{
    struct tph_kube_config *c = r->config;
    size_t file = 0;
    c->context = tph_arena_strdup(c->arena, tph_str(first_of(choice->context, first_text(r, "current-context"))));
    const struct tph_json *context = *c->context ? find_named(r, "contexts", "context", c->context, &file) : NULL;
    if (*c->context && !context) {
        return not_there(r, "contexts", "context", c->context);
    }
    c->cluster = tph_arena_strdup(c->arena, tph_str(first_of(choice->cluster, text_of(r, context, "cluster"))));
    c->user = tph_arena_strdup(c->arena, tph_str(first_of(choice->user, text_of(r, context, "user"))));
    c->ns = text_of(r, context, "namespace");
    if (!*c->cluster && !(choice->server && *choice->server)) {
        (void)tph_error_set(r->err, TPH_ERROR_INVALID, "%s: no context is chosen, so there is no server to ask",
                            r->n > 0 ? r->texts[0].path : "kubeconfig");
        return tph_error_hint(r->err, "name one with --context, or write it down: kubectl config use-context NAME");
    }
    if ((*c->cluster && take_cluster(r, c->cluster) < 0) ||
        (*c->user && take_user(r, c->user, !(choice->token && *choice->token)) < 0)) {
        return -1;
    }
    override(c, choice);
    return check_server(c, r->err);
}

int tph_kube_config_parse(const struct tph_kube_text *texts, size_t n, const struct tph_kube_choice *choice,
                          struct tph_kube_config *ret_config, struct tph_error *err)
{
    struct tph_kube_config config = {.arena = tph_arena_new()};
    const char **all[] = {&config.context,
                          &config.cluster,
                          &config.user,
                          &config.file,
                          &config.server,
                          &config.ns,
                          &config.ca_file,
                          &config.certificate_file,
                          &config.key_file,
                          &config.token_file,
                          &config.tls_server_name,
                          &config.proxy,
                          &config.token,
                          &config.username,
                          &config.password,
                          &config.as,
                          &config.as_uid};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i] = "";
    }
    TPH_CLEANUP(reader_release) struct reader r = {.texts = texts, .config = &config, .err = err};
    if (read_texts(&r, n) < 0 || pick(&r, choice) < 0) {
        tph_kube_config_release(&config);
        return -1;
    }
    config.file = tph_arena_strdup(config.arena, tph_str(config.file));
    *ret_config = config;
    return 0;
}

void tph_kube_config_release(struct tph_kube_config *config)
{
    tph_arena_free(config->arena);
    *config = (struct tph_kube_config){.arena = NULL};
}

/* ---- files ---- */

struct files {
    struct tph_kube_text texts[FILES_MAX];
    struct tph_buf bytes[FILES_MAX]; /* owned */
    char *paths[FILES_MAX];          /* owned */
    size_t n;
};

static void files_release(struct files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        tph_buf_release(&files->bytes[i]);
        free(files->paths[i]);
    }
}

static int read_one(struct files *files, const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_KUBECONFIG);
    if (files->n == FILES_MAX) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "KUBECONFIG names more than %d files", FILES_MAX);
    }
    if (tph_fd_read_file(path, &bytes, err) < 0) {
        return -1;
    }
    files->bytes[files->n] = bytes;
    bytes = TPH_BUF_INIT(TPH_LIMIT_KUBECONFIG);
    files->paths[files->n] = tph_strdup(path);
    files->texts[files->n] =
        (struct tph_kube_text){.text = tph_buf_str(&files->bytes[files->n]), .path = files->paths[files->n]};
    files->n++;
    return 0;
}

static bool is_there(const struct files *files, const char *path)
{
    for (size_t i = 0; i < files->n; i++) {
        if (strcmp(files->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

/* KUBECONFIG: a file named twice counts once, one that is missing is passed over. */
static int read_list(struct files *files, const char *list, struct tph_error *err)
{
    struct tph_str rest = tph_str(list);
    struct tph_str part;
    while (tph_str_cut(&rest, ':', &part)) {
        TPH_CLEANUP(tph_freep) char *path = tph_str_dup(part);
        if (*path && !is_there(files, path) && access(path, F_OK) == 0 && read_one(files, path, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_files(struct files *files, const struct tph_kube_places *places, struct tph_error *err)
{
    if (places->given && *places->given) {
        return read_one(files, places->given, err);
    }
    if (places->variable && *places->variable) {
        return read_list(files, places->variable, err);
    }
    for (size_t i = 0; i < places->n_others; i++) {
        if (access(places->others[i], F_OK) == 0) {
            return read_one(files, places->others[i], err);
        }
    }
    return 0;
}

static int none_there(const struct tph_kube_places *places, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_KIB(4));
    if (places->variable && *places->variable) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "no file that KUBECONFIG names is there: %s", places->variable);
    }
    for (size_t i = 0; i < places->n_others; i++) {
        (void)tph_buf_printf(&all, "%s%s", i > 0 ? ", " : "", places->others[i]);
    }
    return tph_error_set(err, TPH_ERROR_NOT_FOUND, "there is no kubeconfig, so no server is known\n  looked for: %s",
                         tph_buf_cstr(&all));
}

static int read_pem(struct tph_kube_config *c, const char *path, struct tph_str *ret, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_KUBECONFIG);
    if (!*path) {
        return 0;
    }
    if (tph_fd_read_file(path, &bytes, err) < 0) {
        return tph_error_wrap(err, "%s", c->file);
    }
    *ret = tph_arena_str(c->arena, tph_buf_str(&bytes));
    return 0;
}

int tph_kube_config_load(const struct tph_kube_places *places, const struct tph_kube_choice *choice,
                         struct tph_kube_config *ret_config, struct tph_error *err)
{
    TPH_CLEANUP(files_release) struct files files = {.n = 0};
    struct tph_kube_config config;
    if (read_files(&files, places, err) < 0) {
        return -1;
    }
    if (files.n == 0 && !(choice->server && *choice->server)) {
        return none_there(places, err);
    }
    if (tph_kube_config_parse(files.texts, files.n, choice, &config, err) < 0) {
        return -1;
    }
    if (read_pem(&config, config.ca_file, &config.ca, err) < 0 ||
        read_pem(&config, config.certificate_file, &config.certificate, err) < 0 ||
        read_pem(&config, config.key_file, &config.key, err) < 0) {
        tph_kube_config_release(&config);
        return -1;
    }
    *ret_config = config;
    return 0;
}
