/* SPDX-License-Identifier: Apache-2.0 */
/* bench_http: requests a second and CPU time a request, of our client against our server (a process of its own) or
 * against a given port, and of wrk, where it is installed, against the same.
 *
 *   bench_http                  own server, keep-alive, then closing each connection
 *   bench_http PORT [TARGET]    whatever listens on 127.0.0.1
 *   bench_http serve PORT [close]   the server alone, until it is killed
 *
 * The request is a POST of 1 KiB, the answer 118 bytes of JSON, as in the tables of the design's research. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/client.h"
#include "http/server.h"

enum { BODY = 1024, ROUND_MS = 1500 };

static char body[BODY + 1];
static const char answer[] = "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"Hello template!\",\"outputs\":"
                             "{\"parameters\":[{\"name\":\"foo\",\"value\":\"bar\"}]}}}      ";

/* The server */

static void on_request(void *owner, struct tph_http_exchange *x)
{
    static const struct tph_http_header headers[] = {{"Content-Type", "application/json"}};
    (void)owner;
    struct tph_http_reply reply = {
        .status = 200, .headers = headers, .n_headers = 1, .body = {.p = answer, .len = sizeof(answer) - 1}};
    tph_http_exchange_reply(x, &reply);
}

static const struct tph_http_handler handler = {.request = on_request};

static int serve(uint16_t port, int told)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_loop *loop = NULL;
    struct tph_http_server *server = NULL;
    struct tph_http_server_config config = {.host = "127.0.0.1", .port = port, .handler = &handler};
    if (tph_loop_new(&loop, &err) < 0 || tph_http_server_new(loop, &config, &server, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    port = tph_http_server_port(server);
    if (told < 0) {
        printf("listening on 127.0.0.1:%u\n", port);
        (void)fflush(stdout);
    } else if (write(told, &port, sizeof(port)) != sizeof(port)) {
        return 1;
    }
    tph_loop_run(loop);
    return 0;
}

/* The server in a process of its own. Returns its pid, or -1. */
static pid_t start_server(uint16_t *ret_port)
{
    int ends[2];
    if (pipe(ends) < 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        _exit(serve(0, ends[1]));
    }
    close(ends[1]);
    if (read(ends[0], ret_port, sizeof(*ret_port)) != sizeof(*ret_port)) {
        pid = -1;
    }
    close(ends[0]);
    return pid;
}

/* The client */

struct run {
    struct tph_loop *loop;
    struct tph_http_client *client;
    struct tph_http_request request;
    int in_flight, n_wanted;
    uint64_t n_done, n_failed;
    bool over;
    char error[200];
};

static void done(void *owner, const struct tph_http_answer *a)
{
    struct run *run = owner;
    run->n_done++;
    if (a->outcome != TPH_HTTP_ANSWERED || a->status != 200) {
        run->n_failed++;
        (void)snprintf(run->error, sizeof(run->error), "%d %s", a->status, a->error);
    }
    if (run->over) {
        if (--run->in_flight == 0) {
            tph_loop_stop(run->loop);
        }
        return;
    }
    (void)!tph_http_call_start(run->client, &run->request, done, run);
}

static void time_is_up(void *owner)
{
    ((struct run *)owner)->over = true;
}

static int64_t cpu_us(int who)
{
    struct rusage usage;
    (void)getrusage(who, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static pid_t server_pid; /* 0: not ours */

/* CPU time of our server so far. */
static int64_t server_us(void)
{
    clockid_t clock;
    struct timespec used = {.tv_sec = 0};
    if (server_pid > 0 && clock_getcpuclockid(server_pid, &clock) == 0) {
        (void)clock_gettime(clock, &used);
    }
    return used.tv_sec * 1000000LL + used.tv_nsec / 1000;
}

static void print_row(const char *who, int in_flight, double rate, double cpu, double server)
{
    printf("%-6s  %5d in flight  %8.0f /s  %6.2f us CPU each", who, in_flight, rate, cpu);
    if (server > 0) {
        printf("  server %5.2f us", server);
    }
}

static double measure(const struct tph_http_request *request, int in_flight)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct run run = {.request = *request, .in_flight = in_flight, .error = ""};
    if (tph_loop_new(&run.loop, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 0;
    }
    run.client = tph_http_client_new(run.loop);
    struct tph_timer *timer = tph_timer_new(run.loop, time_is_up, &run);
    for (int i = 0; i < in_flight; i++) {
        (void)!tph_http_call_start(run.client, &run.request, done, &run);
    }
    tph_timer_start(timer, ROUND_MS);
    int64_t cpu = cpu_us(RUSAGE_SELF), begin = tph_clock_monotonic_us(), server = server_us();
    tph_loop_run(run.loop);
    int64_t took = tph_clock_monotonic_us() - begin;
    cpu = cpu_us(RUSAGE_SELF) - cpu;
    double rate = (double)run.n_done * 1e6 / (double)took;
    double n_done = (double)run.n_done;
    print_row("client", in_flight, rate, (double)cpu / n_done, (double)(server_us() - server) / n_done);
    printf(run.n_failed ? "  %llu failed: %s\n" : "\n", (unsigned long long)run.n_failed, run.error);
    (void)fflush(stdout);
    tph_timer_free(timer);
    tph_http_client_free(run.client);
    tph_loop_free(run.loop);
    return rate;
}

/* wrk on the same; 0 when it is not installed. */
static double measure_wrk(const struct tph_http_request *request, int in_flight)
{
    char script[] = "/tmp/bench-http-XXXXXX", command[512], line[256];
    double rate = 0;
    int fd = mkstemp(script);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        return 0;
    }
    fprintf(file, "wrk.method = \"POST\"\nwrk.body = string.rep(\"b\", %d)\n", BODY);
    fprintf(file, "wrk.headers[\"Content-Type\"] = \"application/json\"\n");
    (void)fclose(file);
    (void)snprintf(command, sizeof(command), "wrk -t1 -c%d -d%ds -s %s http://127.0.0.1:%u%s 2>/dev/null", in_flight,
                   (ROUND_MS + 999) / 1000, script, request->port, request->target);
    int64_t cpu = cpu_us(RUSAGE_CHILDREN), server = server_us();
    FILE *pipe = popen(command, "r");
    unsigned long long n = 0;
    while (pipe && fgets(line, sizeof(line), pipe)) {
        (void)sscanf(line, "Requests/sec: %lf", &rate);
        (void)sscanf(line, " %llu requests in", &n);
    }
    if (pipe && pclose(pipe) == 0 && n > 0) {
        cpu = cpu_us(RUSAGE_CHILDREN) - cpu;
        print_row("wrk", in_flight, rate, (double)cpu / (double)n, (double)(server_us() - server) / (double)n);
    }
    (void)unlink(script);
    return rate;
}

static void compare(uint16_t port, const char *target, const struct tph_http_header *headers, size_t n_headers)
{
    static const int flights[] = {1, 16, 256, 1000};
    struct tph_http_request request = {
        .method = "POST",
        .host = "127.0.0.1",
        .port = port,
        .target = target,
        .headers = headers,
        .n_headers = n_headers,
        .body = {.p = body, .len = BODY},
        .timeout_ms = 30000,
        .max_reply = TPH_LIMIT_REPLY,
    };
    for (size_t i = 0; i < sizeof(flights) / sizeof(flights[0]); i++) {
        double ours = measure(&request, flights[i]);
        double theirs = n_headers > 1 ? 0 : measure_wrk(&request, flights[i]);
        if (theirs > 0) {
            printf("  client is %.0f %% of wrk\n", ours * 100 / theirs);
        }
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static const struct tph_http_header headers[] = {{"Content-Type", "application/json"}, {"Connection", "close"}};
    memset(body, 'b', BODY);
    if (argc > 2 && strcmp(argv[1], "serve") == 0) {
        return serve((uint16_t)strtoul(argv[2], NULL, 10), -1);
    }
    if (argc > 1) {
        compare((uint16_t)strtoul(argv[1], NULL, 10), argc > 2 ? argv[2] : "/api/v1/template.execute", headers, 1);
        return 0;
    }
    uint16_t port = 0;
    server_pid = start_server(&port);
    if (server_pid < 0) {
        fprintf(stderr, "the server did not start\n");
        return 1;
    }
    printf("keep-alive\n");
    compare(port, "/", headers, 1);
    printf("a connection each\n");
    compare(port, "/", headers, 2);
    struct rusage usage;
    (void)kill(server_pid, SIGKILL);
    (void)wait4(server_pid, NULL, 0, &usage);
    printf("peak memory: client %ld KiB, server %ld KiB\n", (getrusage(RUSAGE_SELF, &usage), usage.ru_maxrss),
           (getrusage(RUSAGE_CHILDREN, &usage), usage.ru_maxrss));
    return 0;
}
