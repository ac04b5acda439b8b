/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/base64.h"
#include "fetch/fetch.h"

enum { HEADERS_MAX = 8 };

struct tph_kube {
    struct tph_loop *loop;
    const struct tph_kube_config *config;
    struct tph_fetcher *fetcher;
    struct tph_kube_call *calls;
    char *token; /* owned: of the token's file; NULL: not read yet, or to be read again */
    int64_t token_ms;
    struct tph_kube_credential credential; /* of a program */
};

struct tph_kube_call {
    struct tph_kube_call *next, *previous;
    struct tph_kube *kube;
    struct tph_arena *arena; /* of the request's texts */
    struct tph_kube_request request;
    tph_kube_done_fn *done;
    void *owner;
    struct tph_fetch *fetch; /* NULL while it pauses */
    struct tph_timer *pause;
    int tries;  /* made again so far */
    bool began; /* its owner has got parts: it is not asked again */
};

#define ARGO "/apis/argoproj.io/v1alpha1"
const struct tph_kube_kind tph_kube_workflows = {.prefix = ARGO, .plural = "workflows"};
const struct tph_kube_kind tph_kube_workflow_templates = {.prefix = ARGO, .plural = "workflowtemplates"};
const struct tph_kube_kind tph_kube_cluster_templates = {
    .prefix = ARGO, .plural = "clusterworkflowtemplates", .cluster_wide = true};
const struct tph_kube_kind tph_kube_cron_workflows = {.prefix = ARGO, .plural = "cronworkflows"};
const struct tph_kube_kind tph_kube_configmaps = {.prefix = "/api/v1", .plural = "configmaps"};
const struct tph_kube_kind tph_kube_events = {.prefix = "/api/v1", .plural = "events"};
const struct tph_kube_kind tph_kube_pods = {.prefix = "/api/v1", .plural = "pods"};

/* ---- paths ---- */

static void put_escaped(struct tph_buf *path, struct tph_str text)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\0' && strchr(PLAIN, text.p[i])) {
            (void)tph_buf_putc(path, text.p[i]);
        } else {
            (void)tph_buf_printf(path, "%%%02X", (unsigned char)text.p[i]);
        }
    }
}

void tph_kube_path(struct tph_buf *path, const struct tph_kube_kind *kind, struct tph_str ns, struct tph_str name,
                   const char *sub)
{
    (void)tph_buf_puts(path, kind->prefix);
    if (!kind->cluster_wide && ns.len > 0) {
        (void)tph_buf_puts(path, "/namespaces/");
        put_escaped(path, ns);
    }
    (void)tph_buf_printf(path, "/%s", kind->plural);
    if (name.len > 0) {
        (void)tph_buf_putc(path, '/');
        put_escaped(path, name);
    }
    if (sub && *sub) {
        (void)tph_buf_printf(path, "/%s", sub);
    }
}

void tph_kube_query(struct tph_buf *path, const char *key, struct tph_str value)
{
    if (value.len > 0) {
        (void)tph_buf_printf(path, "%c%s=", tph_str_find_byte(tph_buf_str(path), '?') >= 0 ? '&' : '?', key);
        put_escaped(path, value);
    }
}

/* ---- the server ---- */

struct tph_kube *tph_kube_new(struct tph_loop *loop, const struct tph_kube_config *config)
{
    struct tph_kube *kube = TPH_NEW(struct tph_kube);
    kube->loop = loop;
    kube->config = config;
    kube->fetcher = tph_fetcher_new(loop, &(struct tph_fetch_environment){.ca_file = NULL});
    return kube;
}

static void call_free(struct tph_kube_call *call)
{
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        call->kube->calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
    tph_timer_free(call->pause);
    tph_arena_free(call->arena);
    free(call);
}

void tph_kube_cancel(struct tph_kube_call *call)
{
    if (call->fetch) {
        tph_fetch_cancel(call->fetch);
    }
    call_free(call);
}

void tph_kube_free(struct tph_kube *kube)
{
    if (!kube) {
        return;
    }
    while (kube->calls) {
        tph_kube_cancel(kube->calls);
    }
    tph_fetcher_free(kube->fetcher);
    free(kube->token);
    tph_kube_credential_release(&kube->credential);
    free(kube);
}

struct tph_loop *tph_kube_loop(const struct tph_kube *kube)
{
    return kube->loop;
}

const struct tph_kube_config *tph_kube_config_of(const struct tph_kube *kube)
{
    return kube->config;
}

/* ---- who we are ---- */

/* The token's file goes before the token, once it could be read. */
static int read_token(struct tph_kube *kube, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_KIB(64));
    int64_t now = tph_loop_now_ms(kube->loop);
    if (!*kube->config->token_file || (kube->token && now - kube->token_ms < TPH_LIMIT_KUBE_TOKEN_MS)) {
        return 0;
    }
    if (tph_fd_read_file(kube->config->token_file, &bytes, err) < 0) {
        return *kube->config->token ? 0 : -1;
    }
    struct tph_str token = tph_str_trim(tph_buf_str(&bytes));
    if (token.len == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: the file of the token is empty", kube->config->token_file);
    }
    free(kube->token);
    kube->token = tph_str_dup(token);
    kube->token_ms = now;
    return 0;
}

/* Runs the program that gives credentials, when there are none or they are old. */
static int log_in(struct tph_kube *kube, struct tph_error *err)
{
    struct tph_kube_credential fresh;
    if (!kube->config->exec || (kube->credential.arena && kube->credential.expires_ms > tph_clock_wall_ms())) {
        return 0;
    }
    if (tph_kube_exec_run(kube->config->exec, &fresh, err) < 0) {
        return -1;
    }
    tph_kube_credential_release(&kube->credential);
    kube->credential = fresh;
    return 0;
}

static const char *authorization(struct tph_kube_call *call)
{
    const struct tph_kube_config *c = call->kube->config;
    const struct tph_kube_credential *program = &call->kube->credential;
    const char *token = call->kube->token ? call->kube->token : program->arena ? program->token : c->token;
    if (*token) {
        return tph_arena_format(call->arena, "Bearer %s", token);
    }
    if (*c->username) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf coded = TPH_BUF_INIT(TPH_KIB(64));
        const char *pair = tph_arena_format(call->arena, "%s:%s", c->username, c->password);
        tph_base64_encode(tph_str(pair), &coded);
        return tph_arena_format(call->arena, "Basic %s", tph_buf_cstr(&coded));
    }
    return NULL;
}

static void put_header(struct tph_fetch_header *headers, size_t *n, const char *name, const char *value)
{
    if (value && *value) {
        headers[(*n)++] = (struct tph_fetch_header){.name = tph_str(name), .value = tph_str(value)};
    }
}

/* ---- one try ---- */

static void answered(void *owner, const struct tph_fetch_answer *answer);

static void part(void *owner, struct tph_str bytes)
{
    struct tph_kube_call *call = owner;
    call->began = true;
    call->request.part(call->owner, bytes);
}

static void begin(struct tph_kube_call *call)
{
    const struct tph_kube_config *c = call->kube->config;
    const struct tph_kube_request *r = &call->request;
    size_t n = 0;
    size_t room = HEADERS_MAX + c->n_as_groups;
    struct tph_fetch_header *headers = TPH_ARENA_ARRAY(call->arena, struct tph_fetch_header, room);
    put_header(headers, &n, "Accept", r->accept ? r->accept : "application/json");
    if (r->body.len > 0) {
        put_header(headers, &n, "Content-Type", r->content_type ? r->content_type : "application/json");
    }
    if (strncmp(c->server, "https://", 8) == 0) {
        put_header(headers, &n, "Authorization", authorization(call));
        put_header(headers, &n, "Impersonate-User", c->as);
        put_header(headers, &n, "Impersonate-Uid", c->as_uid);
        for (size_t i = 0; i < c->n_as_groups; i++) {
            put_header(headers, &n, "Impersonate-Group", c->as_groups[i]);
        }
    }
    const struct tph_kube_credential *program = &call->kube->credential;
    bool given = program->arena && program->certificate.len > 0;
    const struct tph_fetch_trust trust = {.ca = c->ca,
                                          .certificate = given ? program->certificate : c->certificate,
                                          .key = given ? program->key : c->key,
                                          .server_name = tph_str(c->tls_server_name),
                                          .proxy = tph_str(c->proxy)};
    const char *url = tph_arena_format(call->arena, "%s%.*s", c->server, TPH_FMT(r->path));
    call->fetch =
        tph_fetch_start(call->kube->fetcher,
                        &(struct tph_fetch_request){.method = tph_str(r->method),
                                                    .url = tph_str(url),
                                                    .headers = headers,
                                                    .n_headers = n,
                                                    .body = r->body,
                                                    .timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : TPH_FETCH_FOREVER,
                                                    .max_body = TPH_LIMIT_API_LIST,
                                                    .insecure = c->insecure,
                                                    .trust = &trust,
                                                    .part = r->part ? part : NULL},
                        answered, call);
}

static void tell(struct tph_kube_call *call, const struct tph_kube_answer *answer)
{
    call->done(call->owner, answer);
    call_free(call);
}

static void try_now(void *owner)
{
    struct tph_kube_call *call = owner;
    struct tph_error err = TPH_ERROR_INIT;
    if (read_token(call->kube, &err) < 0 || log_in(call->kube, &err) < 0) {
        tell(call, &(struct tph_kube_answer){.problem = TPH_KUBE_OTHER, .err = &err, .warnings = ""});
        return;
    }
    begin(call);
}

/* ---- its end ---- */

static struct tph_str header(const struct tph_fetch_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_headers; i++) {
        if (tph_str_eqz(answer->headers[i].name, name)) {
            return answer->headers[i].value;
        }
    }
    return TPH_STR_NONE;
}

/* `299 - "text"` */
static void gather_warnings(const struct tph_fetch_answer *answer, struct tph_buf *out)
{
    for (size_t i = 0; i < answer->n_headers; i++) {
        struct tph_str value = answer->headers[i].value;
        ptrdiff_t quote = tph_str_find_byte(value, '"');
        if (tph_str_eqz(answer->headers[i].name, "Warning") && quote >= 0 && value.p[value.len - 1] == '"') {
            struct tph_str text = tph_str_slice(value, (size_t)quote + 1, value.len - 1);
            for (size_t k = 0; k < text.len; k++) {
                if (text.p[k] != '\\' || k + 1 == text.len) {
                    (void)tph_buf_putc(out, text.p[k]);
                }
            }
            (void)tph_buf_putc(out, '\n');
        }
    }
}

static bool again(struct tph_kube_call *call, int64_t pause_ms)
{
    if (call->tries >= TPH_LIMIT_KUBE_TRIES || call->began) {
        return false;
    }
    call->tries++;
    call->fetch = NULL;
    tph_timer_start(call->pause, pause_ms);
    return true;
}

/* Whether it is worth another try, which is then under way. */
static bool retry(struct tph_kube_call *call, const struct tph_fetch_answer *answer)
{
    int64_t seconds = 0;
    if (answer->outcome != TPH_FETCH_ANSWERED) {
        return answer->failure == TPH_FETCH_FAILURE_BROKEN && call->tries == 0 && !call->request.part &&
               strcmp(call->request.method, "GET") == 0 && again(call, TPH_LIMIT_KUBE_BROKEN_MS);
    }
    if (answer->status == 401 && *call->kube->config->token_file && call->kube->token && call->tries == 0) {
        free(TPH_TAKE(call->kube->token)); /* a new one may stand there by now */
        return again(call, 0);
    }
    if (answer->status == 401 && call->kube->credential.arena && call->tries == 0) {
        tph_kube_credential_release(&call->kube->credential);
        return again(call, 0);
    }
    bool busy = answer->status == 429 || answer->status >= 500;
    return busy && tph_str_to_i64(header(answer, "Retry-After"), &seconds) == 0 && seconds >= 0 &&
           seconds <= TPH_LIMIT_KUBE_RETRY_AFTER_S && again(call, seconds * 1000);
}

static void no_answer(struct tph_kube_call *call, const struct tph_fetch_answer *answer)
{
    static const enum tph_kube_problem PROBLEMS[TPH_FETCH_FAILURE_COUNT] = {
        [TPH_FETCH_FAILURE_OTHER] = TPH_KUBE_OTHER,      [TPH_FETCH_FAILURE_REFUSED] = TPH_KUBE_UNREACHABLE,
        [TPH_FETCH_FAILURE_NAME] = TPH_KUBE_UNREACHABLE, [TPH_FETCH_FAILURE_TRUST] = TPH_KUBE_TRUST,
        [TPH_FETCH_FAILURE_TIME] = TPH_KUBE_BROKEN,      [TPH_FETCH_FAILURE_BROKEN] = TPH_KUBE_BROKEN,
    };
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_error_set(&err, TPH_ERROR_SYSTEM, "%s", answer->error);
    tell(call, &(struct tph_kube_answer){.problem = PROBLEMS[answer->failure], .err = &err, .warnings = ""});
}

static void answered(void *owner, const struct tph_fetch_answer *answer)
{
    struct tph_kube_call *call = owner;
    call->fetch = NULL;
    if (retry(call, answer)) {
        return;
    }
    if (answer->outcome != TPH_FETCH_ANSWERED) {
        no_answer(call, answer);
        return;
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf warnings = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    struct tph_error err = TPH_ERROR_INIT;
    bool json = tph_str_has_prefix(header(answer, "Content-Type"), TPH_STR("application/json"));
    bool broken = json && answer->body.len > 0 && tph_json_parse(answer->body, &doc, NULL) < 0;
    gather_warnings(answer, &warnings);
    struct tph_kube_answer said = {.status = answer->status,
                                   .body = answer->body,
                                   .object = doc ? tph_json_root(doc) : NULL,
                                   .warnings = tph_buf_cstr(&warnings),
                                   .err = &err};
    said.problem = tph_kube_judge(said.status, said.object, said.body, &err);
    if (said.problem == TPH_KUBE_FINE && broken) {
        said.problem = TPH_KUBE_OTHER;
        (void)tph_error_set(&err, TPH_ERROR_INVALID, "the answer says that it is JSON and is not");
    }
    tell(call, &said);
}

struct tph_kube_call *tph_kube_start(struct tph_kube *kube, const struct tph_kube_request *request,
                                     tph_kube_done_fn *done, void *owner)
{
    struct tph_kube_call *call = TPH_NEW(struct tph_kube_call);
    call->kube = kube;
    call->arena = tph_arena_new();
    call->request = *request;
    call->request.method = tph_arena_strdup(call->arena, tph_str(request->method ? request->method : "GET"));
    if (request->content_type) {
        call->request.content_type = tph_arena_strdup(call->arena, tph_str(request->content_type));
    }
    if (request->accept) {
        call->request.accept = tph_arena_strdup(call->arena, tph_str(request->accept));
    }
    call->request.path = tph_arena_str(call->arena, request->path);
    call->request.body = tph_arena_str(call->arena, request->body);
    call->done = done;
    call->owner = owner;
    call->next = kube->calls;
    if (call->next) {
        call->next->previous = call;
    }
    kube->calls = call;
    call->pause = tph_timer_new(kube->loop, try_now, call);
    tph_timer_start(call->pause, 0);
    return call;
}
