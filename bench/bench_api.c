/* SPDX-License-Identifier: Apache-2.0 */
/* bench_api: what a server's API does, asked by a client that costs little. Over plain HTTP, on 127.0.0.1.
 *
 *   bench_api PORT get TARGET           GETs a second of one object, on 16 kept connections: any HTTP server
 *   bench_api PORT one N [STEPS]        N workflows, one after the other: from the first byte of the create to the
 *                                       event that shows the end; STEPS plugin steps each, 1 when not given
 *   bench_api PORT flight N IN_FLIGHT   N workflows of one step, so many under way at once
 *   bench_api PORT fan N                one workflow of N parallel steps
 *   bench_api PORT watchers N ROUNDS    one change of a ConfigMap, until the last of N watchers has heard of it
 *   bench_api PORT call N               N calls of a plugin, one after the other; it may refuse them
 *
 * The plugin "echo" of examples/c must be there. Prints NAME VALUE lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "http/client.h"
#include "http/stream.h"

#define WORKFLOWS "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
#define CONFIGMAP "/api/v1/namespaces/argo/configmaps/bench"

enum { GETTERS = 16, ROUND_MS = 2000, READ = 1 << 16, NAME = 32 };

struct bench;

/* A watch: its lines, as they come. */
struct watch {
    struct bench *bench;
    struct tph_stream stream;
    struct tph_buf line;
    void (*heard)(struct watch *watch, const char *line);
};

struct bench {
    struct tph_loop *loop;
    struct tph_http_client *client;
    uint16_t port;
    struct tph_buf body;
    /* workflows */
    struct watch ends;
    int n_wanted, n_started, n_ended, n_steps, n_members, in_flight;
    int64_t *began_us, *took_us; /* one each of n_wanted */
    /* watchers */
    struct watch *watchers;
    int n_watchers, n_ready, n_heard, n_rounds, round;
    /* get */
    const char *target;
    unsigned long long n_got;
    bool over;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_api: %s: %s\n", what, why);
    exit(1);
}

/* Asks for something with bench->body */
static void ask(struct bench *b, const char *method, const char *target, tph_http_done_fn *done)
{
    static const struct tph_http_header headers[] = {{"Content-Type", "application/json"}};
    struct tph_http_request request = {
        .method = method,
        .host = "127.0.0.1",
        .port = b->port,
        .target = target,
        .headers = headers,
        .n_headers = 1,
        .body = tph_buf_str(&b->body),
        .timeout_ms = 60000,
        .max_reply = TPH_LIMIT_DOCUMENT,
    };
    if (!tph_http_call_start(b->client, &request, done, b)) {
        fail(target, "no memory");
    }
}

static void answered(const struct tph_http_answer *a, const char *what)
{
    if (a->outcome != TPH_HTTP_ANSWERED) {
        fail(what, a->error);
    }
    if (a->status > 299) {
        fprintf(stderr, "%.*s\n", (int)a->body.len, a->body.p);
        fail(what, "refused");
    }
}

/* Watches */

static void readable(void *owner, unsigned events)
{
    static char bytes[READ];
    struct watch *w = owner;
    (void)events;
    for (;;) {
        ssize_t n = tph_stream_read(&w->stream, bytes, sizeof(bytes));
        if (n == -EAGAIN) {
            return;
        }
        if (n <= 0) {
            fail("watch", n < 0 ? strerror((int)-n) : "the server closed it");
        }
        for (char *p = bytes, *end = bytes + n, *line; p < end; p = line + 1) {
            line = memchr(p, '\n', (size_t)(end - p));
            if (tph_buf_append(&w->line, p, (size_t)((line ? line : end) - p)) < 0) {
                fail("watch", "no memory");
            }
            if (!line) {
                break;
            }
            if (*tph_buf_cstr(&w->line) == '{') { /* else a line of the head */
                w->heard(w, tph_buf_cstr(&w->line));
            }
            tph_buf_clear(&w->line);
        }
    }
}

static void begin_watch(struct bench *b, struct watch *w, const char *target,
                        void (*heard)(struct watch *watch, const char *line))
{
    char request[512];
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: x\r\n\r\n", target);
    int fd = tph_stream_connect("127.0.0.1", b->port);
    *w = (struct watch){.bench = b, .heard = heard, .line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    if (fd < 0 || tph_stream_open(&w->stream, b->loop, fd, readable, w) < 0) {
        fail("watch", "cannot connect");
    }
    struct iovec piece = {.iov_base = request, .iov_len = (size_t)len};
    if (tph_stream_write(&w->stream, &piece, 1) != len) {
        fail("watch", "cannot ask");
    }
    tph_stream_watch(&w->stream, TPH_IO_READ);
}

/* Workflows */

static void created(void *owner, const struct tph_http_answer *a)
{
    (void)owner;
    answered(a, "create");
}

static void put_workflow(struct tph_buf *out, int number, int n_steps, int n_members)
{
    (void)tph_buf_printf(
        out,
        "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"b-%d\"},"
        "\"spec\":{\"entrypoint\":\"%s\",\"templates\":[{\"name\":\"echo\",\"plugin\":{\"echo\":"
        "{\"text\":\"hi\"}}},{\"name\":\"main\",\"steps\":[",
        number, n_steps == 1 && n_members == 1 ? "echo" : "main");
    for (int i = 0; i < n_steps; i++) {
        (void)tph_buf_printf(out, "%s[{\"name\":\"s%d\",\"template\":\"echo\"", i > 0 ? "," : "", i);
        if (n_members > 1) {
            (void)tph_buf_printf(out, ",\"withSequence\":{\"count\":\"%d\"}", n_members);
        }
        (void)tph_buf_puts(out, "}]");
    }
    (void)tph_buf_puts(out, "]}]}}");
}

static void submit(struct bench *b)
{
    int number = b->n_started++;
    tph_buf_clear(&b->body);
    put_workflow(&b->body, number, b->n_steps, b->n_members);
    b->began_us[number] = tph_clock_monotonic_us();
    ask(b, "POST", WORKFLOWS, created);
}

static void workflow_ended(struct watch *w, const char *line)
{
    struct bench *b = w->bench;
    const char *name = strstr(line, "\"name\":\"b-");
    if (!strstr(line, "{\"type\":\"ADDED\"")) {
        if (!strstr(line, "{\"type\":\"MODIFIED\"")) {
            fail("watch", line);
        }
        return;
    }
    int number = name ? (int)strtol(name + sizeof("\"name\":\"b-") - 1, NULL, 10) : -1;
    if (number < 0 || number >= b->n_started || b->took_us[number] != 0) {
        fail("watch: not a workflow of this run", line);
    }
    if (!strstr(line, "\"workflows.argoproj.io/phase\":\"Succeeded\"")) {
        fail("a workflow did not succeed", line);
    }
    b->took_us[number] = tph_clock_monotonic_us() - b->began_us[number];
    if (++b->n_ended == b->n_wanted) {
        tph_loop_stop(b->loop);
    } else if (b->n_started < b->n_wanted) {
        submit(b);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void workflows(struct bench *b)
{
    b->began_us = calloc((size_t)b->n_wanted, sizeof(*b->began_us));
    b->took_us = calloc((size_t)b->n_wanted, sizeof(*b->took_us));
    if (!b->began_us || !b->took_us) {
        fail("workflows", "no memory");
    }
    begin_watch(b, &b->ends, WORKFLOWS "?watch=true&labelSelector=workflows.argoproj.io/completed%3Dtrue",
                workflow_ended);
    int64_t begin = tph_clock_monotonic_us();
    for (int i = 0; i < b->in_flight && i < b->n_wanted; i++) {
        submit(b);
    }
    tph_loop_run(b->loop);
    double seconds = (double)(tph_clock_monotonic_us() - begin) / 1e6;
    qsort(b->took_us, (size_t)b->n_wanted, sizeof(*b->took_us), by_value);
    printf("p50_ms %.3f\np99_ms %.3f\nper_second %.1f\nseconds %.3f\n", (double)b->took_us[b->n_wanted / 2] / 1000,
           (double)b->took_us[b->n_wanted * 99 / 100] / 1000, b->n_wanted / seconds, seconds);
    tph_stream_close(&b->ends.stream);
    tph_buf_release(&b->ends.line);
    free(b->began_us);
    free(b->took_us);
}

/* Watchers of one object */

static void changed(void *owner, const struct tph_http_answer *a)
{
    (void)owner;
    answered(a, "change of the ConfigMap");
}

static void change(struct bench *b)
{
    b->n_heard = 0;
    tph_buf_clear(&b->body);
    (void)tph_buf_printf(&b->body,
                         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"bench\"},"
                         "\"data\":{\"round\":\"%d\"}}",
                         b->round);
    b->began_us[b->round] = tph_clock_monotonic_us();
    ask(b, "PUT", CONFIGMAP, changed);
}

static void change_heard(struct watch *w, const char *line)
{
    struct bench *b = w->bench;
    if (strstr(line, "{\"type\":\"ADDED\"")) { /* what was there at the begin */
        if (++b->n_ready == b->n_watchers) {
            change(b);
        }
        return;
    }
    if (++b->n_heard < b->n_watchers) {
        return;
    }
    b->took_us[b->round] = tph_clock_monotonic_us() - b->began_us[b->round];
    if (++b->round == b->n_rounds) {
        tph_loop_stop(b->loop);
    } else {
        change(b);
    }
}

static void watchers_begin(void *owner, const struct tph_http_answer *a)
{
    struct bench *b = owner;
    answered(a, "create");
    for (int i = 0; i < b->n_watchers; i++) {
        begin_watch(b, &b->watchers[i],
                    "/api/v1/namespaces/argo/configmaps?watch=true&fieldSelector=metadata.name%3Dbench", change_heard);
    }
}

static void watchers(struct bench *b)
{
    b->watchers = calloc((size_t)b->n_watchers, sizeof(*b->watchers));
    b->began_us = calloc((size_t)b->n_rounds, sizeof(*b->began_us));
    b->took_us = calloc((size_t)b->n_rounds, sizeof(*b->took_us));
    if (!b->watchers || !b->began_us || !b->took_us) {
        fail("watchers", "no memory");
    }
    (void)tph_buf_puts(&b->body, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"bench\"}}");
    ask(b, "POST", "/api/v1/namespaces/argo/configmaps", watchers_begin);
    tph_loop_run(b->loop);
    qsort(b->took_us, (size_t)b->n_rounds, sizeof(*b->took_us), by_value);
    printf("p50_ms %.1f\nmax_ms %.1f\n", (double)b->took_us[b->n_rounds / 2] / 1000,
           (double)b->took_us[b->n_rounds - 1] / 1000);
    for (int i = 0; i < b->n_watchers; i++) {
        tph_stream_close(&b->watchers[i].stream);
        tph_buf_release(&b->watchers[i].line);
    }
    free(b->watchers);
    free(b->began_us);
    free(b->took_us);
}

/* GETs */

static void got(void *owner, const struct tph_http_answer *a)
{
    struct bench *b = owner;
    answered(a, b->target);
    b->n_got++;
    if (!b->over) {
        ask(b, "GET", b->target, got);
    } else if (--b->in_flight == 0) {
        tph_loop_stop(b->loop);
    }
}

static void called(void *owner, const struct tph_http_answer *a)
{
    struct bench *b = owner;
    if (a->outcome != TPH_HTTP_ANSWERED) { /* without the token it answers 403, as fast as it answers at all */
        fail(b->target, a->error);
    }
    b->took_us[b->n_ended] = tph_clock_monotonic_us() - b->began_us[b->n_ended];
    if (++b->n_ended == b->n_wanted) {
        tph_loop_stop(b->loop);
        return;
    }
    b->began_us[b->n_ended] = tph_clock_monotonic_us();
    ask(b, "POST", b->target, called);
}

static void calls(struct bench *b)
{
    b->target = "/api/v1/template.execute";
    (void)tph_buf_puts(&b->body, "{\"workflow\":{\"metadata\":{\"name\":\"b\",\"namespace\":\"argo\"}},\"template\":"
                                 "{\"name\":\"echo\",\"plugin\":{\"echo\":{\"text\":\"hi\"}}}}");
    b->began_us = calloc((size_t)b->n_wanted, sizeof(*b->began_us));
    b->took_us = calloc((size_t)b->n_wanted, sizeof(*b->took_us));
    if (!b->began_us || !b->took_us) {
        fail("calls", "no memory");
    }
    b->began_us[0] = tph_clock_monotonic_us();
    ask(b, "POST", b->target, called);
    tph_loop_run(b->loop);
    qsort(b->took_us, (size_t)b->n_wanted, sizeof(*b->took_us), by_value);
    printf("p50_ms %.3f\n", (double)b->took_us[b->n_wanted / 2] / 1000);
    free(b->began_us);
    free(b->took_us);
}

static void time_is_up(void *owner)
{
    ((struct bench *)owner)->over = true;
}

static void gets(struct bench *b)
{
    struct tph_timer *timer = tph_timer_new(b->loop, time_is_up, b);
    if (!timer) {
        fail("timer", "no memory");
    }
    b->in_flight = GETTERS;
    for (int i = 0; i < GETTERS; i++) {
        ask(b, "GET", b->target, got);
    }
    tph_timer_start(timer, ROUND_MS);
    int64_t begin = tph_clock_monotonic_us();
    tph_loop_run(b->loop);
    printf("per_second %.0f\n", (double)b->n_got * 1e6 / (double)(tph_clock_monotonic_us() - begin));
    tph_timer_free(timer);
}

static int number(int argc, char **argv, int at, int otherwise)
{
    return argc > at ? (int)strtol(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct bench b = {.body = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    if (argc < 4) {
        fail("usage", "PORT get|one|flight|fan|watchers ...");
    }
    b.port = (uint16_t)number(argc, argv, 1, 0);
    if (tph_loop_new(&b.loop, &err) < 0 || !(b.client = tph_http_client_new(b.loop))) {
        fail("begin", err.text);
    }
    const char *what = argv[2];
    b.in_flight = b.n_steps = b.n_members = 1;
    if (strcmp(what, "get") == 0) {
        b.target = argv[3];
        gets(&b);
    } else if (strcmp(what, "one") == 0) {
        b.n_wanted = number(argc, argv, 3, 1);
        b.n_steps = number(argc, argv, 4, 1);
        workflows(&b);
    } else if (strcmp(what, "flight") == 0) {
        b.n_wanted = number(argc, argv, 3, 1);
        b.in_flight = number(argc, argv, 4, 1);
        workflows(&b);
    } else if (strcmp(what, "fan") == 0) {
        b.n_wanted = 1;
        b.n_members = number(argc, argv, 3, 1);
        workflows(&b);
    } else if (strcmp(what, "watchers") == 0) {
        b.n_watchers = number(argc, argv, 3, 1);
        b.n_rounds = number(argc, argv, 4, 1);
        watchers(&b);
    } else if (strcmp(what, "call") == 0) {
        b.n_wanted = number(argc, argv, 3, 1);
        calls(&b);
    } else {
        fail(what, "not a part");
    }
    tph_buf_release(&b.body);
    tph_http_client_free(b.client);
    tph_loop_free(b.loop);
    return 0;
}
