/* SPDX-License-Identifier: Apache-2.0 */
#include "access/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/access.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "data/base64.h"
#include "data/yaml.h"
#include "tls/certificate.h"

enum {
    DAY_S = 86400,
    CA_S = 3650 * DAY_S,
    SERVER_S = 365 * DAY_S,
    RENEW_S = 30 * DAY_S,
    KEY_DIGITS = 64,
};

static void wipe(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void tph_access_state_release(struct tph_access_state *state)
{
    free(state->directory);
    free(state->ca);
    free(state->certificate);
    wipe(state->key);
    wipe(state->admin_token);
    free(state->kubeconfig_path);
    free(state->tokens_path);
    explicit_bzero(state->account_key, sizeof(state->account_key));
    memset(state, 0, sizeof(*state));
}

static int flush_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    TPH_CLEANUP(tph_freep)
    char *directory = slash ? tph_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : tph_strdup(".");
    TPH_CLEANUP(tph_fd_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int tph_access_write_file(const char *path, struct tph_str content, struct tph_error *err)
{
    /* Always the same name: what a kill leaves behind is written over by the next start, and no key lies about. */
    TPH_CLEANUP(tph_freep) char *temporary = tph_format("%s.new", path);
    TPH_CLEANUP(tph_fd_close) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0) {
        return tph_error_errno(err, errno, "cannot write %s", path);
    }
    int failed = -tph_fd_write_all(fd, content);
    if (failed == 0 && (fsync(fd) < 0 || rename(temporary, path) < 0)) {
        failed = errno;
    }
    if (failed != 0) {
        (void)unlink(temporary);
    } else {
        failed = -flush_directory_of(path);
    }
    return failed != 0 ? tph_error_errno(err, failed, "cannot write %s", path) : 0;
}

/* Makes the directory and those above it. One that is there stays as it is. */
static int make_directory(const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *part = tph_strdup(path);
    for (char *at = part + 1; at[-1] != '\0'; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char kept = *at;
        *at = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST) {
            return tph_error_errno(err, errno, "cannot make the directory %s", part);
        }
        *at = kept;
    }
    struct stat status;
    if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s is no directory", path);
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s can be written by everybody", path);
        return tph_error_hint(err,
                              "who puts a token file there is administrator of this server: chmod o-w %s, or name "
                              "another directory",
                              path);
    }
    return 0;
}

/* Text of a file in the directory; NULL when it is not there. -1: it cannot be read. A secret that others can read is
 * refused. */
static int read_text(const char *directory, const char *name, bool secret, char **ret_text, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", directory, name);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    struct tph_error why = TPH_ERROR_INIT;
    struct stat status;
    *ret_text = NULL;
    if (tph_fd_read_regular_file(path, &text, &why) < 0) {
        return why.kind == TPH_ERROR_NOT_FOUND ? 0 : tph_error_set(err, why.kind, "%s", why.text);
    }
    if (secret && stat(path, &status) == 0 && (status.st_mode & 077) != 0) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s is a secret, and others than its owner may read or write it",
                            path);
        return tph_error_hint(err, "chmod 600 %s; or, where somebody may have read it, remove it: a new one is made",
                              path);
    }
    *ret_text = tph_buf_take(&text, NULL);
    return 0;
}

static int write_text(const char *directory, const char *name, const char *text, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", directory, name);
    return tph_access_write_file(path, tph_str(text), err);
}

/* The pair NAME.crt and NAME.key; both are NULL when neither is there. */
static int read_pair(const char *directory, const char *name, struct tph_certificate *ret, struct tph_error *err)
{
    char certificate[32], key[32];
    (void)snprintf(certificate, sizeof(certificate), "%s.crt", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    return read_text(directory, certificate, false, &ret->certificate, err) < 0 ||
                   read_text(directory, key, true, &ret->key, err) < 0
               ? -1
               : 0;
}

static int write_pair(const char *directory, const char *name, const struct tph_certificate *pair,
                      struct tph_error *err)
{
    char certificate[32], key[32];
    (void)snprintf(certificate, sizeof(certificate), "%s.crt", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    return write_text(directory, key, pair->key, err) < 0 ||
                   write_text(directory, certificate, pair->certificate, err) < 0
               ? -1
               : 0;
}

static int open_ca(const struct tph_access_state_config *config, struct tph_certificate *ca, struct tph_error *err)
{
    struct tph_certificate_facts facts;
    char name[80];
    if (read_pair(config->directory, "ca", ca, err) < 0) {
        return -1;
    }
    if (ca->certificate && ca->key) {
        struct tph_str key = tph_str(ca->key);
        if (tph_certificate_look(tph_str(ca->certificate), NULL, &key, NULL, 0, &facts, err) < 0) {
            return tph_error_wrap(err, "%s/ca.crt", config->directory);
        }
        if (facts.has_key && facts.to_s > config->now_s + RENEW_S) {
            return 0;
        }
        if (!facts.has_key) {
            (void)tph_error_set(err, TPH_ERROR_INVALID, "%s/ca.key is not the key of ca.crt", config->directory);
            return tph_error_hint(err,
                                  "bring back the right one, or remove both: clients then need the new kubeconfig");
        }
    } else if (ca->certificate) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s/ca.key is missing, ca.crt is there", config->directory);
        return tph_error_hint(err, "bring it back, or remove ca.crt: clients then need the new kubeconfig");
    }
    tph_certificate_release(ca);
    char mark[6];
    tph_random_text(mark, sizeof(mark) - 1);
    (void)snprintf(name, sizeof(name), "tiphys CA %s", mark); /* another name for another key */
    if (tph_certificate_make_ca(name, config->now_s, config->now_s + CA_S, ca, err) < 0) {
        return -1;
    }
    return write_pair(config->directory, "ca", ca, err);
}

static int open_server(const struct tph_access_state_config *config, const struct tph_certificate *ca,
                       struct tph_certificate *own, int64_t *ret_to_s, struct tph_error *err)
{
    struct tph_certificate_facts facts;
    struct tph_str signer = tph_str(ca->certificate);
    if (read_pair(config->directory, "server", own, err) < 0) {
        return -1;
    }
    struct tph_str key = tph_str(own->key);
    if (own->certificate && own->key &&
        tph_certificate_look(tph_str(own->certificate), &signer, &key, config->names, config->n_names, &facts, NULL) ==
            0 &&
        facts.signed_by_ca && facts.has_key && facts.has_names && facts.to_s > config->now_s + RENEW_S) {
        *ret_to_s = facts.to_s;
        return 0;
    }
    tph_certificate_release(own);
    *ret_to_s = config->now_s + SERVER_S;
    if (tph_certificate_make_server(signer, tph_str(ca->key), config->names, config->n_names, config->now_s, *ret_to_s,
                                    own, err) < 0) {
        return -1;
    }
    return write_pair(config->directory, "server", own, err);
}

static int open_tls(const struct tph_access_state_config *config, struct tph_access_state *state, struct tph_error *err)
{
    TPH_CLEANUP(tph_certificate_release) struct tph_certificate ca = TPH_CERTIFICATE_INIT;
    TPH_CLEANUP(tph_certificate_release) struct tph_certificate own = TPH_CERTIFICATE_INIT;
    if (config->plain) {
        return 0;
    }
    if (config->own_certificate) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
        if (config->ca_file && tph_fd_read_regular_file(config->ca_file, &text, err) < 0) {
            return -1;
        }
        state->ca = config->ca_file ? tph_buf_take(&text, NULL) : NULL;
        return 0;
    }
    if (open_ca(config, &ca, err) < 0 || open_server(config, &ca, &own, &state->certificate_to_s, err) < 0) {
        return -1;
    }
    state->ca = TPH_TAKE(ca.certificate);
    state->certificate = TPH_TAKE(own.certificate);
    state->key = TPH_TAKE(own.key);
    return 0;
}

static int open_account_key(const char *directory, unsigned char key[32], struct tph_error *err)
{
    char *text = NULL, digits[KEY_DIGITS + 2];
    if (read_text(directory, "account.key", true, &text, err) < 0) {
        return -1;
    }
    bool good = text && strspn(text, "0123456789abcdef") == KEY_DIGITS;
    if (text && !good) {
        free(text);
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s/account.key is no key: 64 hexadecimal digits", directory);
        return tph_error_hint(err, "remove it: a new one is made, and tokens of service accounts must be made anew");
    }
    if (!text) {
        tph_random_bytes(key, 32);
        for (size_t i = 0; i < 32; i++) {
            (void)snprintf(digits + 2 * i, 3, "%02x", key[i]);
        }
        (void)snprintf(digits + KEY_DIGITS, 2, "\n");
        int failed = write_text(directory, "account.key", digits, err);
        explicit_bzero(digits, sizeof(digits));
        return failed;
    }
    for (size_t i = 0; i < 32; i++) {
        unsigned byte;
        (void)sscanf(text + 2 * i, "%2x", &byte);
        key[i] = (unsigned char)byte;
    }
    wipe(text);
    return 0;
}

/* The user of the current context has it; else the first. */
static const struct tph_json *entry(const struct tph_json *root, const char *list, const char *member,
                                    struct tph_str name)
{
    const struct tph_json *first = NULL;
    struct tph_json_iter it = tph_json_iter(tph_json_get(root, list));
    while (tph_json_next(&it)) {
        const struct tph_json *value = tph_json_get(it.value, member);
        if (name.len > 0 && tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return value;
        }
        first = first ? first : value;
    }
    return first;
}

char *tph_access_kubeconfig_token(struct tph_str text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_yaml_parse(text, 0, &doc, NULL, NULL) < 0) {
        return NULL;
    }
    const struct tph_json *root = tph_json_root(doc);
    const struct tph_json *context = entry(root, "contexts", "context", tph_json_get_str(root, "current-context"));
    struct tph_str token = tph_json_get_str(entry(root, "users", "user", tph_json_get_str(context, "user")), "token");
    return token.len > 0 ? tph_str_dup(token) : NULL;
}

int tph_access_kubeconfig_server(struct tph_str text, char **ret_url, char **ret_ca)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf pem = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    if (tph_yaml_parse(text, 0, &doc, NULL, NULL) < 0) {
        return -1;
    }
    const struct tph_json *root = tph_json_root(doc);
    const struct tph_json *context = entry(root, "contexts", "context", tph_json_get_str(root, "current-context"));
    const struct tph_json *cluster = entry(root, "clusters", "cluster", tph_json_get_str(context, "cluster"));
    struct tph_str url = tph_json_get_str(cluster, "server");
    struct tph_str data = tph_json_get_str(cluster, "certificate-authority-data");
    if (url.len == 0 || tph_base64_decode(data, &pem) < 0) {
        return -1;
    }
    *ret_url = tph_str_dup(url);
    *ret_ca = pem.len > 0 ? tph_buf_take(&pem, NULL) : NULL;
    return 0;
}

/* The beginning of a token file, so that it is found where it is needed. */
static int open_tokens(const struct tph_access_state *state, struct tph_error *err)
{
    static const char text[] =
        "# Users of this server beside its administrator. `tiphys token add` writes a line; the server reads the file\n"
        "# again when it changes. NAME sha256:DIGEST ROLES [expires=TIME]\n"
        "# ROLES: admin, edit, view, plugins, each for all namespaces or for one: view,edit@argo\n";
    char *old = NULL;
    if (read_text(state->directory, "tokens", false, &old, err) < 0) {
        return -1;
    }
    bool there = old != NULL;
    free(old);
    return there ? 0 : write_text(state->directory, "tokens", text, err);
}

static int open_admin(struct tph_access_state *state, struct tph_error *err)
{
    char *text = NULL;
    if (read_text(state->directory, "kubeconfig", true, &text, err) < 0) {
        return -1;
    }
    state->admin_token = text ? tph_access_kubeconfig_token(tph_str(text)) : NULL;
    wipe(text);
    if (!state->admin_token) {
        char token[TPH_ACCESS_TOKEN];
        tph_access_new_token(token);
        state->admin_token = tph_strdup(token);
        explicit_bzero(token, sizeof(token));
    }
    return 0;
}

int tph_access_state_open(const struct tph_access_state_config *config, struct tph_access_state *ret_state,
                          struct tph_error *err)
{
    TPH_CLEANUP(tph_access_state_release)
    struct tph_access_state state = {
        .directory = tph_strdup(config->directory),
        .kubeconfig_path = tph_format("%s/kubeconfig", config->directory),
        .tokens_path = tph_format("%s/tokens", config->directory),
    };
    if (make_directory(config->directory, err) < 0 || open_tls(config, &state, err) < 0 ||
        open_account_key(config->directory, state.account_key, err) < 0 || open_admin(&state, err) < 0 ||
        open_tokens(&state, err) < 0) {
        return -1;
    }
    *ret_state = state;
    memset(&state, 0, sizeof(state));
    return 0;
}

void tph_access_kubeconfig(const char *url, const char *ca, const char *user, const char *token, const char *ns,
                           struct tph_buf *out)
{
    (void)tph_buf_printf(out, "apiVersion: v1\nkind: Config\nclusters:\n- name: tiphys\n  cluster:\n    server: %s\n",
                         url);
    if (ca) {
        (void)tph_buf_puts(out, "    certificate-authority-data: ");
        tph_base64_encode(tph_str(ca), out);
        (void)tph_buf_putc(out, '\n');
    }
    (void)tph_buf_printf(out,
                         "contexts:\n- name: tiphys\n  context:\n    cluster: tiphys\n    user: %s\n    namespace: %s\n"
                         "current-context: tiphys\nusers:\n- name: %s\n  user:\n    token: %s\n",
                         user, ns, user, token);
}

int tph_access_state_publish(const struct tph_access_state *state, const char *url, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    char *old = NULL;
    tph_access_kubeconfig(url, state->ca, "admin", state->admin_token, "argo", &text);
    if (read_text(state->directory, "kubeconfig", true, &old, NULL) < 0) {
        old = NULL;
    }
    bool same = old && strcmp(old, tph_buf_cstr(&text)) == 0;
    wipe(old);
    return same ? 0 : tph_access_write_file(state->kubeconfig_path, tph_buf_str(&text), err);
}
