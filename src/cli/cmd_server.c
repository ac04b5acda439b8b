/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys server: the Kubernetes-compatible API over a durable store.
 *
 * Prints two lines once it serves: its address, and where the administrator's kubeconfig is. SIGTERM, SIGINT and SIGHUP
 * drain: watches end, what is being written is answered, then it ends with 0; the second one ends it at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apiserver/serve.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/cmd_options.h"
#include "cli/network.h"
#include "cli/server_care.h"
#include "cli/server_door.h"
#include "cli/state_directory.h"
#include "cli/server_work.h"
#include "loop/loop.h"
#include "store/sqlite.h"

enum { N_SIGNALS = 3, DRAIN_MS = 10000, DRAIN_LOOK_MS = 20, LOG_MS = 500 };

struct server_options {
    const char *state, *listen, *history, *url;
    const char *tls_cert, *tls_key, *tls_ca, *token_file, *rate, *log_format;
    struct tph_texts names;
    const char *images_file, *config, *validate, *network;
    bool memory, plain_http, no_controller, executor_plugins, own_executor_plugins, unsafe_plain;
};

#define OPTION(member) offsetof(struct server_options, member)

const struct tph_option tph_server_options[] = {
    {"state", 0, TPH_OPTION_TEXT, OPTION(state), "DIR", NULL,
     "where everything is kept ($XDG_STATE_HOME/tiphys; /var/lib/tiphys for root)"},
    {"listen", 0, TPH_OPTION_TEXT, OPTION(listen), "ADDR:PORT", NULL, "where to serve (127.0.0.1:8443); port 0: any"},
    {"history", 0, TPH_OPTION_TEXT, OPTION(history), "N", NULL, "changes that a watch can go back (10000)"},
    {"memory", 0, TPH_OPTION_FLAG, OPTION(memory), NULL, NULL, "keep nothing: for tests"},
    {"plain-http", 0, TPH_OPTION_FLAG, OPTION(plain_http), NULL, NULL,
     "HTTP without TLS and without tokens, on a loopback address only: whoever can connect may do everything"},
    {"no-controller", 0, TPH_OPTION_FLAG, OPTION(no_controller), NULL, NULL,
     "serve the API only: workflows stay as their clients wrote them"},
    {"url", 0, TPH_OPTION_TEXT, OPTION(url), "URL", NULL,
     "what clients call the server, for the kubeconfig (https://ADDR:PORT)"},
    {"tls-san", 0, TPH_OPTION_LIST, OPTION(names), "NAME", NULL,
     "a further name or address for the server's own certificate; may be repeated"},
    {"tls-cert", 0, TPH_OPTION_TEXT, OPTION(tls_cert), "FILE", NULL,
     "your own certificate, PEM, with those between it and its CA; read again when it changes"},
    {"tls-key", 0, TPH_OPTION_TEXT, OPTION(tls_key), "FILE", NULL, "its private key, PEM"},
    {"tls-ca", 0, TPH_OPTION_TEXT, OPTION(tls_ca), "FILE", NULL,
     "the CA of that certificate, for the kubeconfig; without it clients use their system's"},
    {"token-file", 0, TPH_OPTION_TEXT, OPTION(token_file), "FILE", NULL, "more users (STATE/tokens): see tiphys token"},
    {"rate", 0, TPH_OPTION_TEXT, OPTION(rate), "N", NULL,
     "requests a second of one user, twice as many at once (400); administrators have no limit"},
    {"log-format", 0, TPH_OPTION_CHOICE, OPTION(log_format), "FORMAT", "text|json",
     "of the log on standard error (text)"},
    {"executor-plugins", 0, TPH_OPTION_FLAG, OPTION(executor_plugins), NULL, NULL,
     "run executor plugins, which whoever may write ConfigMaps brings here (ARGO_EXECUTOR_PLUGINS=true)"},
    {"workflow-level-executor-plugins", 0, TPH_OPTION_FLAG, OPTION(own_executor_plugins), NULL, NULL,
     "also those of spec.executorPlugins (ARGO_WORKFLOW_LEVEL_EXECUTOR_PLUGINS=true)"},
    {"images-file", 0, TPH_OPTION_TEXT, OPTION(images_file), "FILE", NULL,
     "what images mean here, in place of the configured maps: see tiphys doctor --images"},
    {"config", 0, TPH_OPTION_TEXT, OPTION(config), "FILE", NULL,
     "settings as workflow-controller-configmap has them, which lies over them: see docs/server.md"},
    {"validate", 0, TPH_OPTION_CHOICE, OPTION(validate), "HOW", "off|warn|deny",
     "lint workflows and templates when they are written, whatever the settings say (off)"},
    {"network", 0, TPH_OPTION_CHOICE, OPTION(network), "MODE", TPH_CLI_NETWORKS,
     "network of the sidecars: isolated (default where it can be had: other machines, not this one), host or none"},
    {"unsafe-plain", 0, TPH_OPTION_FLAG, OPTION(unsafe_plain), NULL, NULL,
     "start sidecars without a sandbox: for development, where none can be made"},
    {.name = NULL},
};

struct session {
    struct tph_cli cli;
    struct server_options options;
    char *logs; /* owned: directory of the sidecars' logs; NULL: none are kept */
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    struct tph_loop *loop;
    struct tph_store *store;
    struct tph_metrics *metrics;
    struct tph_server_care *care;       /* how all of it is */
    struct tph_door *door;              /* NULL with plain HTTP */
    struct tph_server_work *work;       /* controller, agent, sidecars */
    struct tph_agent_accounts accounts; /* of the door */
    struct tph_settings settings;       /* of --config */
    const char *mapped[3];              /* types of templates that plugins take over */
    struct tph_api *api;
    struct tph_api_server *server;
    struct tph_signal *signals[N_SIGNALS];
    struct tph_timer *drain;
    int64_t drain_until_ms;
    bool stopping, failed, work_stopped;
};

static void session_release(struct session *s)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        tph_signal_free(s->signals[i]);
    }
    tph_timer_free(s->drain);
    if (s->api) {
        tph_api_stop(s->api);
    }
    tph_api_server_free(s->server);
    tph_server_work_free(s->work);
    tph_store_free(s->store);
    tph_api_free(s->api);
    tph_door_free(s->door);
    tph_server_care_free(s->care);
    tph_metrics_free(s->metrics);
    tph_loop_free(s->loop);
    tph_settings_release(&s->settings);
    free(s->logs);
    tph_texts_release(&s->options.names);
}

/* ADDR:PORT, [ADDR]:PORT. */
static int read_listen(struct session *s, struct tph_error *err)
{
    struct tph_str text = tph_str(s->options.listen ? s->options.listen : "127.0.0.1:8443");
    struct in6_addr address;
    ptrdiff_t colon = -1;
    int64_t port;
    for (size_t i = 0; i < text.len; i++) {
        colon = text.p[i] == ':' ? (ptrdiff_t)i : colon;
    }
    struct tph_str host = tph_str_slice(text, 0, colon < 0 ? 0 : (size_t)colon);
    if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        host = tph_str_slice(host, 1, host.len - 1);
    }
    (void)snprintf(s->host, sizeof(s->host), "%.*s", TPH_FMT(host));
    bool v6 = inet_pton(AF_INET6, s->host, &address) == 1;
    if (colon < 0 || tph_str_to_i64(tph_str_slice(text, (size_t)colon + 1, text.len), &port) < 0 || port < 0 ||
        port > UINT16_MAX || host.len >= sizeof(s->host) || (!v6 && inet_pton(AF_INET, s->host, &address) != 1)) {
        return tph_error_set(err, TPH_ERROR_USAGE,
                             "--listen %s is no address and port\n  write it as 127.0.0.1:8443 or [::1]:8443",
                             s->options.listen);
    }
    s->port = (uint16_t)port;
    bool loopback = v6 ? IN6_IS_ADDR_LOOPBACK(&address) : strncmp(s->host, "127.", 4) == 0;
    if (s->options.plain_http && !loopback) {
        return tph_error_set(err, TPH_ERROR_USAGE,
                             "--plain-http on %s would let everybody in\n  leave it out, or listen on 127.0.0.1",
                             s->host);
    }
    return 0;
}

/* Makes a directory and those above it; path is changed on the way and back again. */
static int make_directory(char *path, struct tph_error *err)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) {
            *slash = '\0';
        }
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            return tph_error_errno(err, errno, "the state directory %s cannot be made", path);
        }
        if (!slash) {
            return 0;
        }
        *slash = '/';
    }
}

static int open_durable(struct session *s, const struct tph_store_config *config, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *directory = tph_state_directory(s->options.state, err);
    if (!directory) {
        return -1;
    }
    if (make_directory(directory, err) < 0) {
        return -1;
    }
    s->logs = tph_format("%s/logs", directory);
    if (make_directory(s->logs, err) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/store.db", directory);
    s->failed = tph_store_sqlite_open(s->loop, path, config, &s->store, err) < 0; /* which is no mistake in the words */
    return s->failed ? -1 : 0;
}

static int open_store(struct session *s, struct tph_error *err)
{
    struct tph_store_config config = {.history = 0};
    int64_t history = 0;
    if (s->options.history && (tph_str_to_i64(tph_str(s->options.history), &history) < 0 || history <= 0)) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--history %s is no number of changes", s->options.history);
    }
    config.history = (uint64_t)history;
    tph_server_care_fill(s->care, &config);
    if (s->options.memory) {
        s->store = tph_store_memory_new(s->loop, &config);
        return 0;
    }
    return open_durable(s, &config, err);
}

static void look_drained(void *owner)
{
    struct session *s = owner;
    bool idle = tph_http_server_connections(tph_api_server_http(s->server)) == 0 && s->work_stopped;
    if (idle || tph_loop_now_ms(s->loop) >= s->drain_until_ms) {
        tph_loop_stop(s->loop);
        return;
    }
    tph_timer_start(s->drain, DRAIN_LOOK_MS);
}

static void work_stopped(void *owner)
{
    struct session *s = owner;
    s->work_stopped = true;
}

static void got_signal(void *owner, int number)
{
    struct session *s = owner;
    (void)number;
    if (s->stopping || !s->server) {
        tph_loop_stop(s->loop);
        return;
    }
    s->stopping = true;
    tph_log(TPH_LOG_INFO, "stopping; once more ends it at once", NULL);
    tph_server_work_stop(s->work, DRAIN_MS / 2, work_stopped, s);
    tph_api_stop(s->api);
    tph_http_server_drain(tph_api_server_http(s->server));
    s->drain_until_ms = tph_loop_now_ms(s->loop) + DRAIN_MS;
    look_drained(s);
}

static void fail(struct session *s, const struct tph_error *err)
{
    (void)tph_cli_error(&s->cli, err);
    s->failed = true;
    tph_loop_stop(s->loop);
}

static void serve(struct session *s)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_http_server_config config = {.host = s->host, .port = s->port};
    if (s->door) {
        tph_door_fill(s->door, &config);
    }
    if (tph_api_server_new(s->loop, s->api, &config, &s->server, &err) < 0) {
        fail(s, &err);
        return;
    }
    const struct tph_http_server *http = tph_api_server_http(s->server);
    if (s->door && tph_door_publish(s->door, http, &err) < 0) {
        fail(s, &err);
        return;
    }
    bool v6 = strchr(s->host, ':') != NULL;
    (void)printf("serving %s://%s%s%s:%u\n", s->door ? "https" : "http", v6 ? "[" : "", s->host, v6 ? "]" : "",
                 tph_http_server_port(http));
    if (s->door) {
        (void)printf("kubeconfig %s\n", tph_door_kubeconfig(s->door));
    }
    (void)fflush(stdout);
}

/* Workflows that were interrupted go on. */
static void start_work(struct session *s)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (!s->failed && !s->options.no_controller && tph_server_work_start(s->work, &err) < 0) {
        (void)tph_cli_error(&s->cli, &err);
        s->failed = true;
        tph_loop_stop(s->loop);
    }
}

static void seeded(void *owner, const struct tph_error *failed)
{
    struct session *s = owner;
    if (failed) {
        fail(s, failed);
    } else if (!s->stopping) {
        serve(s);
        start_work(s);
    }
}

static bool pod_lives(void *owner, struct tph_str ns, struct tph_str name, struct tph_str uid)
{
    const struct session *s = owner;
    return tph_controller_has_pod(tph_server_work_controller(s->work), ns, name, uid);
}

static int open_door(struct session *s, struct tph_error *err)
{
    const struct server_options *o = &s->options;
    int64_t rate = 0;
    if (o->plain_http) {
        return 0;
    }
    if (!o->tls_cert != !o->tls_key || (o->tls_ca && !o->tls_cert)) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--tls-cert and --tls-key belong together, and --tls-ca to them");
    }
    if (o->rate && (tph_str_to_i64(tph_str(o->rate), &rate) < 0 || rate <= 0)) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--rate %s: a number of requests a second is wanted", o->rate);
    }
    TPH_CLEANUP(tph_freep) char *directory = tph_state_directory(s->options.state, err);
    if (!directory) {
        return -1;
    }
    const struct tph_door_config config = {.loop = s->loop,
                                           .store = s->store,
                                           .metrics = s->metrics,
                                           .directory = directory,
                                           .host = s->host,
                                           .url = o->url,
                                           .certificate = o->tls_cert,
                                           .key = o->tls_key,
                                           .ca = o->tls_ca,
                                           .token_file = o->token_file,
                                           .names = o->names,
                                           .pod = pod_lives,
                                           .pod_owner = s,
                                           .rate = (double)rate};
    if (tph_door_open(&config, &s->door, err) < 0) {
        return -1;
    }
    s->accounts = (struct tph_agent_accounts){
        .token = tph_door_token, .ca = tph_door_anchor, .address = tph_door_address, .owner = s->door};
    return 0;
}

static int read_settings(struct session *s, struct tph_error *err)
{
    const char *file = s->options.config;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    if (file &&
        (tph_fd_read_file(file, &text, err) < 0 || tph_settings_read(&s->settings, tph_buf_str(&text), err) < 0)) {
        struct tph_error inner = *err;
        return tph_error_set(err, TPH_ERROR_USAGE, "--config %s: %s", file, inner.text);
    }
    if (s->settings.unused.len > 0) {
        tph_cli_warn(&s->cli, "--config %s: nothing here looks at %s", file, tph_buf_cstr(&s->settings.unused));
    }
    return 0;
}

/* --validate, or what the settings say. */
static void configured(void *owner, const struct tph_settings *settings)
{
    struct session *s = owner;
    enum tph_validate validate = settings->validate;
    struct tph_error err = TPH_ERROR_INIT;
    if (s->options.validate) {
        (void)!tph_validate_parse(tph_str(s->options.validate), &validate, &err);
    }
    size_t n = 0;
    if (settings->map.container) {
        s->mapped[n++] = "container";
    }
    if (settings->map.script) {
        s->mapped[n++] = "script";
    }
    s->mapped[n] = NULL;
    tph_api_validate(s->api,
                     validate == TPH_VALIDATE_DENY   ? TPH_API_VALIDATE_DENY
                     : validate == TPH_VALIDATE_WARN ? TPH_API_VALIDATE_WARN
                                                     : TPH_API_VALIDATE_OFF,
                     s->mapped);
}

static int open_session(struct session *s, struct tph_error *err)
{
    static const int numbers[N_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    if (read_listen(s, err) < 0 || read_settings(s, err) < 0 || tph_loop_new(&s->loop, err) < 0) {
        return -1;
    }
    s->metrics = tph_metrics_new();
    s->care = tph_server_care_new(s->metrics);
    if (open_store(s, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < N_SIGNALS; i++) {
        if (tph_signal_new(s->loop, numbers[i], got_signal, s, &s->signals[i], err) < 0) {
            return -1;
        }
    }
    s->drain = tph_timer_new(s->loop, look_drained, s);
    const struct tph_server_work_options work = {
        .store = s->store,
        .metrics = s->metrics,
        .health = tph_server_care_health(s->care),
        .images_file = s->options.images_file,
        .logs_dir = s->logs,
        .network = s->options.network,
        .unsafe_plain = s->options.unsafe_plain,
        .executor_plugins = s->options.executor_plugins,
        .own_executor_plugins = s->options.own_executor_plugins,
        .accounts = s->options.plain_http ? NULL : &s->accounts,
        .settings = &s->settings,
        .configured = configured,
        .owner = s,
    };
    if (tph_server_work_new(s->loop, &work, &s->work, err) < 0) {
        return -1;
    }
    if (open_door(s, err) < 0) {
        return -1;
    }
    const struct tph_api_config config = {.loop = s->loop,
                                          .store = s->store,
                                          .access = s->door ? tph_door_access(s->door) : NULL,
                                          .pods = s->options.no_controller ? NULL : tph_server_work_pods(s->work),
                                          .metrics = s->metrics,
                                          .health = tph_server_care_health(s->care),
                                          .ca = s->door ? tph_door_ca(s->door) : NULL,
                                          .version = TPH_VERSION};
    s->failed = tph_api_new(&config, &s->api, err) < 0; /* the store cannot be read */
    if (s->failed) {
        return -1;
    }
    configured(s, &s->settings);
    return 0;
}

int tph_cmd_server(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(session_release) struct session s = {.cli = *cli};
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &s.options, &arguments, &code)) {
        return code;
    }
    tph_settings_init(&s.settings);
    if (arguments.n > 0) {
        return tph_cli_usage(cli, command, "%s is no option", arguments.list[0]);
    }
    bool json = s.options.log_format && strcmp(s.options.log_format, "json") == 0;
    tph_log_init(&(struct tph_log_config){.level = TPH_LOG_INFO,
                                          .format = json ? TPH_LOG_JSON : TPH_LOG_LOGFMT,
                                          .fd = STDERR_FILENO,
                                          .times = true,
                                          .hasty = true});
    (void)signal(SIGPIPE, SIG_IGN);
    if (open_session(&s, &err) < 0) {
        code = tph_cli_error(cli, &err);
        return s.failed ? TPH_EXIT_FAILED : code;
    }
    tph_api_seed(s.api, seeded, &s);
    tph_loop_run(s.loop);
    (void)tph_log_flush(LOG_MS);
    return s.failed ? TPH_EXIT_FAILED : TPH_EXIT_OK;
}
