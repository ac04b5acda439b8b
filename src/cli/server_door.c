/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/access.h"
#include "access/account.h"
#include "access/state.h"
#include "apiserver/guard.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "data/json.h"
#include "data/url.h"
#include "tls/tls.h"

enum { MAX_NAMES = 64, NAME = 256, RENEW_LOOK_MS = 6 * 3600 * 1000 };

struct tph_door {
    struct tph_door_config config; /* its texts are borrowed for the door's life */
    struct tph_access_state state;
    struct tph_access *access;
    struct tph_guard *guard;
    struct tph_tls *tls;
    struct tph_fswatch *watched_tokens, *watched_certificate, *watched_key;
    struct tph_timer *renew;
    struct tph_buf uid; /* of the account that was asked for last */
    const struct tph_http_server *server;
    struct tph_metric *handshakes, *connections;
    char names[MAX_NAMES][NAME];
    const char *list[MAX_NAMES];
    size_t n_names;
};

/* Names of the certificate. */

static void add_name(struct tph_door *door, const char *name)
{
    for (size_t i = 0; i < door->n_names; i++) {
        if (strcmp(door->names[i], name) == 0) {
            return;
        }
    }
    if (door->n_names < MAX_NAMES && strlen(name) < NAME && *name != '\0') {
        (void)snprintf(door->names[door->n_names], NAME, "%s", name);
        door->list[door->n_names] = door->names[door->n_names];
        door->n_names++;
    }
}

static bool is_any(const char *host)
{
    struct in6_addr address;
    return strcmp(host, "0.0.0.0") == 0 ||
           (inet_pton(AF_INET6, host, &address) == 1 && IN6_IS_ADDR_UNSPECIFIED(&address));
}

/* By which a client on this machine reaches it. */
static const char *local_host(const struct tph_door *door)
{
    return !is_any(door->config.host) ? door->config.host : strchr(door->config.host, ':') ? "::1" : "127.0.0.1";
}

/* Those of this machine, without those that hold on one link only. */
static void add_addresses(struct tph_door *door)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) < 0) {
        return;
    }
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        const struct sockaddr *address = one->ifa_addr;
        if (!address || !(one->ifa_flags & IFF_UP)) {
            continue;
        }
        if (address->sa_family == AF_INET) {
            const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
            add_name(door, inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)) ? text : "");
        } else if (address->sa_family == AF_INET6) {
            const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
            if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
                add_name(door, inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)) ? text : "");
            }
        }
    }
    freeifaddrs(all);
}

static void find_names(struct tph_door *door)
{
    char host[NAME] = "";
    add_name(door, "localhost");
    add_name(door, "127.0.0.1");
    add_name(door, "::1");
    for (size_t i = 0; i < door->config.names.n; i++) {
        add_name(door, door->config.names.list[i]);
    }
    if (gethostname(host, sizeof(host) - 1) == 0 &&
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == strlen(host)) {
        add_name(door, host);
    }
    if (is_any(door->config.host)) {
        add_addresses(door);
    } else {
        add_name(door, door->config.host);
    }
}

/* TLS. */

static int read_pem(const char *path, struct tph_buf *ret, struct tph_error *err)
{
    *ret = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    return tph_fd_read_regular_file(path, ret, err);
}

/* Takes over the certificate that is there now: for the first time, or anew. */
static int use_certificate(struct tph_door *door, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf certificate = TPH_BUF_INIT(0);
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(0);
    struct tph_str texts[2] = {tph_str(door->state.certificate), tph_str(door->state.key)};
    const struct tph_door_config *config = &door->config;
    if (config->certificate) {
        if (read_pem(config->certificate, &certificate, err) < 0 || read_pem(config->key, &key, err) < 0) {
            return -1;
        }
        texts[0] = tph_buf_str(&certificate);
        texts[1] = tph_buf_str(&key);
    }
    int failed = door->tls ? tph_tls_renew(door->tls, texts[0], texts[1], err)
                           : tph_tls_new(texts[0], texts[1], &door->tls, err);
    if (key.bytes) {
        explicit_bzero(key.bytes, key.len);
    }
    if (failed < 0 && config->certificate) {
        return tph_error_wrap(err, "--tls-cert %s, --tls-key %s", config->certificate, config->key);
    }
    return failed;
}

static void certificate_changed(void *owner)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (use_certificate(owner, &err) < 0) {
        tph_log(TPH_LOG_WARN, "certificate was not taken over; the old one stays", "error", err.text, NULL);
    } else {
        tph_log(TPH_LOG_INFO, "certificate taken over", NULL);
    }
}

static struct tph_access_state_config state_config(const struct tph_door *door)
{
    const struct tph_door_config *config = &door->config;
    return (struct tph_access_state_config){.directory = config->directory,
                                            .names = door->list,
                                            .n_names = door->n_names,
                                            .now_s = tph_clock_wall_ms() / 1000,
                                            .own_certificate = config->certificate != NULL,
                                            .ca_file = config->ca};
}

static void look_for_renewal(void *owner)
{
    struct tph_door *door = owner;
    struct tph_access_state_config config = state_config(door);
    struct tph_access_state state;
    struct tph_error err = TPH_ERROR_INIT;
    tph_timer_start(door->renew, RENEW_LOOK_MS);
    if (tph_access_state_open(&config, &state, &err) < 0) {
        tph_log(TPH_LOG_WARN, "the certificate could not be looked after", "error", err.text, NULL);
        return;
    }
    if (state.certificate && strcmp(state.certificate, door->state.certificate) != 0 &&
        strcmp(state.ca, door->state.ca) == 0) {
        free(door->state.certificate);
        free(door->state.key);
        door->state.certificate = TPH_TAKE(state.certificate);
        door->state.key = TPH_TAKE(state.key);
        certificate_changed(door);
    }
    tph_access_state_release(&state);
}

/* Users. */

static const char *tokens_path(const struct tph_door *door)
{
    return door->config.token_file ? door->config.token_file : door->state.tokens_path;
}

static void tokens_changed(void *owner)
{
    struct tph_door *door = owner;
    struct tph_error err = TPH_ERROR_INIT;
    char n[32];
    if (tph_access_read(door->access, tokens_path(door), &err) < 0) {
        tph_log(TPH_LOG_ERROR, "the token file was not taken over; the users stay as they were", "error", err.text,
                NULL);
        return;
    }
    (void)snprintf(n, sizeof(n), "%zu", tph_access_users(door->access));
    tph_log(TPH_LOG_INFO, "token file read", "users", n, NULL);
}

static bool find_account(void *owner, struct tph_str ns, struct tph_str name, struct tph_str *ret_uid)
{
    struct tph_door *door = owner;
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object found = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    const struct tph_store_key key = {.resource = TPH_STR("serviceaccounts"), .ns = ns, .name = name};
    if (tph_store_get(door->config.store, &key, 0, &found, NULL) != 0 ||
        tph_json_parse(tph_buf_str(&found.text), &doc, NULL) < 0) {
        return false;
    }
    tph_buf_clear(&door->uid);
    (void)tph_buf_put(&door->uid, tph_json_get_str(tph_json_get(tph_json_root(doc), "metadata"), "uid"));
    *ret_uid = tph_buf_str(&door->uid);
    return true;
}

/* Signs tokens of service accounts (access/account.h). */
static struct tph_str account_key(const struct tph_door *door)
{
    return (struct tph_str){(const char *)door->state.account_key, sizeof(door->state.account_key)};
}

static bool find_pod(void *owner, struct tph_str ns, struct tph_str name, struct tph_str uid)
{
    const struct tph_door *door = owner;
    return door->config.pod && door->config.pod(door->config.pod_owner, ns, name, uid);
}

static int open_users(struct tph_door *door, struct tph_error *err)
{
    const struct tph_access_config config = {.admin_token = tph_str(door->state.admin_token),
                                             .signing_key = account_key(door),
                                             .pod = find_pod,
                                             .account = find_account,
                                             .account_owner = door};
    door->access = tph_access_new(&config);
    if (door->config.token_file && access(door->config.token_file, F_OK) < 0) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "--token-file %s: %s", door->config.token_file, strerror(errno));
        return tph_error_hint(err, "make it, if only empty, or leave the option out: STATE/tokens is the usual one");
    }
    if (tph_access_read(door->access, tokens_path(door), err) < 0 ||
        tph_fswatch_new(door->config.loop, tokens_path(door), tokens_changed, door, &door->watched_tokens, err) < 0) {
        return -1;
    }
    const struct tph_guard_config guard = {
        .access = door->access, .loop = door->config.loop, .metrics = door->config.metrics, .rate = door->config.rate};
    door->guard = tph_guard_new(&guard);
    return 0;
}

static void look(void *owner)
{
    const struct tph_door *door = owner;
    struct tph_tls_counts counts = tph_tls_counts(door->tls);
    tph_series_set(tph_metric_of(door->handshakes, "full", NULL), (double)(counts.handshakes - counts.resumed));
    tph_series_set(tph_metric_of(door->handshakes, "resumed", NULL), (double)counts.resumed);
    tph_series_set(tph_metric_of(door->handshakes, "failed", NULL), (double)counts.failed);
    tph_series_set(tph_metric_of(door->connections, NULL),
                   door->server ? (double)tph_http_server_connections(door->server) : 0);
}

static void open_metrics(struct tph_door *door)
{
    static const char *const kinds[] = {"kind", NULL};
    static const struct tph_metric_spec handshakes = {.name = "tiphys_tls_handshakes_total",
                                                      .help = "TLS handshakes: full, of resumed sessions, failed.",
                                                      .kind = TPH_METRIC_COUNTER,
                                                      .labels = kinds};
    static const struct tph_metric_spec connections = {
        .name = "tiphys_http_connections", .help = "Connections of clients.", .kind = TPH_METRIC_GAUGE};
    door->handshakes = tph_metric_new(door->config.metrics, &handshakes);
    door->connections = tph_metric_new(door->config.metrics, &connections);
    tph_metrics_on_write(door->config.metrics, look, door);
}

int tph_door_open(const struct tph_door_config *config, struct tph_door **ret_door, struct tph_error *err)
{
    struct tph_door *door = TPH_NEW(struct tph_door);
    door->config = *config;
    door->uid = TPH_BUF_INIT(TPH_KIB(4));
    find_names(door);
    const struct tph_access_state_config files = state_config(door);
    if (tph_access_state_open(&files, &door->state, err) < 0 || use_certificate(door, err) < 0 ||
        open_users(door, err) < 0) {
        tph_door_free(door);
        return -1;
    }
    door->config.directory = door->state.directory; /* the caller's may go */
    door->renew = tph_timer_new(config->loop, look_for_renewal, door);
    if (!config->certificate) {
        tph_timer_start(door->renew, RENEW_LOOK_MS);
    } else if (tph_fswatch_new(config->loop, config->certificate, certificate_changed, door, &door->watched_certificate,
                               err) < 0 ||
               tph_fswatch_new(config->loop, config->key, certificate_changed, door, &door->watched_key, err) < 0) {
        tph_door_free(door);
        return -1;
    }
    open_metrics(door);
    *ret_door = door;
    return 0;
}

void tph_door_free(struct tph_door *door)
{
    if (!door) {
        return;
    }
    tph_metrics_forget(door->config.metrics, door);
    tph_fswatch_free(door->watched_tokens);
    tph_fswatch_free(door->watched_certificate);
    tph_fswatch_free(door->watched_key);
    tph_timer_free(door->renew);
    tph_guard_free(door->guard);
    tph_access_free(door->access);
    tph_tls_free(door->tls);
    tph_access_state_release(&door->state);
    tph_buf_release(&door->uid);
    free(door);
}

const struct tph_api_access *tph_door_access(const struct tph_door *door)
{
    return tph_guard_access(door->guard);
}

void tph_door_fill(const struct tph_door *door, struct tph_http_server_config *config)
{
    config->filter = tph_tls_filter();
    config->filter_owner = door->tls;
}

const char *tph_door_ca(const struct tph_door *door)
{
    return door->state.ca;
}

/* Sidecars. */

/* Of Debian, Alpine and Arch; of Fedora and its kin. */
static const char *const SYSTEM_CAS[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

int tph_door_token(void *owner, const struct tph_agent_account *account, struct tph_buf *out, struct tph_error *err)
{
    struct tph_door *door = owner;
    struct tph_account_claims claims = {.ns = account->ns,
                                        .name = account->name,
                                        .pod = account->pod,
                                        .pod_uid = account->pod_uid,
                                        .issued_s = tph_clock_wall_ms() / 1000};
    if (!find_account(door, account->ns, account->name, &claims.uid)) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND,
                            "there is no ServiceAccount \"%.*s\" in namespace %.*s, whose token it asks for",
                            TPH_FMT(account->name), TPH_FMT(account->ns));
        return tph_error_hint(err, "kubectl -n %.*s create serviceaccount %.*s", TPH_FMT(account->ns),
                              TPH_FMT(account->name));
    }
    claims.expires_s = claims.issued_s + TPH_ACCOUNT_BOUND_S;
    tph_account_sign(account_key(door), &claims, NULL, 0, out);
    return 0;
}

int tph_door_anchor(void *owner, struct tph_buf *out)
{
    const struct tph_door *door = owner;
    struct tph_error err = TPH_ERROR_INIT;
    if (door->state.ca) {
        (void)tph_buf_puts(out, door->state.ca);
        return 0;
    }
    for (size_t i = 0; i < sizeof(SYSTEM_CAS) / sizeof(SYSTEM_CAS[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(2));
        if (tph_fd_read_regular_file(SYSTEM_CAS[i], &text, &err) == 0) {
            (void)tph_buf_put(out, tph_buf_str(&text));
            return 0;
        }
    }
    tph_log(TPH_LOG_ERROR, "no CA for a sidecar's ca.crt: name yours with --tls-ca", "error", err.text, NULL);
    return -1;
}

/* As the certificate has it: the server's own has all addresses, one of the user's the name in --url. */
void tph_door_address(void *owner, char ret_host[TPH_AGENT_HOST], unsigned *ret_port)
{
    const struct tph_door *door = owner;
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(1));
    char room[TPH_KIB(2)];
    struct tph_url url;
    *ret_port = tph_http_server_port(door->server);
    (void)snprintf(ret_host, TPH_AGENT_HOST, "%s", local_host(door));
    if (door->config.certificate && door->config.url && strlen(door->config.url) < sizeof(room) &&
        tph_url_parse(tph_str(door->config.url), room, &url, &problem) == 0) {
        struct tph_str host = tph_url_hostname(&url);
        struct tph_str rest = tph_str_slice(url.host, (size_t)(host.p - url.host.p) + host.len, url.host.len);
        int64_t port = 0;
        rest = tph_str_has_prefix(rest, TPH_STR("]")) ? tph_str_slice(rest, 1, rest.len) : rest;
        bool given = rest.len > 1 && tph_str_to_i64(tph_str_slice(rest, 1, rest.len), &port) == 0;
        (void)snprintf(ret_host, TPH_AGENT_HOST, "%.*s", TPH_FMT(host));
        *ret_port = given && port > 0 && port <= UINT16_MAX ? (unsigned)port : 443;
    }
}

int tph_door_publish(struct tph_door *door, const struct tph_http_server *server, struct tph_error *err)
{
    const char *host = local_host(door);
    bool v6 = strchr(host, ':') != NULL;
    door->server = server;
    TPH_CLEANUP(tph_freep)
    char *url = door->config.url
                    ? tph_strdup(door->config.url)
                    : tph_format("https://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", tph_http_server_port(server));
    return tph_access_state_publish(&door->state, url, err);
}

const char *tph_door_kubeconfig(const struct tph_door *door)
{
    return door->state.kubeconfig_path;
}
