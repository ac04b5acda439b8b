/* SPDX-License-Identifier: Apache-2.0 */
/* The engine alone: what a node costs, in time and memory, as workflows grow.
 *
 * fan-out   one group of n steps, all replies one after the other
 * chain     n groups of one step, each with the result of the one before as argument
 * nested    steps in steps: 10 levels, 3 groups each, until n nodes are there
 * loop      one step with n items
 * loops     a loop of sqrt(n) items, each a loop of sqrt(n) items
 * dag       a chain of n tasks, each with the result of the one before as argument
 * fan-in    n tasks, and one that depends on all of them
 * tags      a loop of n items with two expression tags each
 * Then the finished workflow is written as an object and made again from it.
 * At the end: what a node costs in the largest beside 1,000 of them, what an expression tag costs, and how long a
 * workflow of 1 MB takes to be read and compiled. */
#include <malloc.h>
#include <time.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run.h"

enum { START_S = 1700000000 };

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static struct tph_json_doc *parse(struct tph_buf *text)
{
    struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_json_parse(tph_buf_str(text), &doc, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return doc;
}

static void begin(struct tph_buf *text)
{
    (void)tph_buf_puts(text,
                       "{\"kind\":\"Workflow\",\"metadata\":{\"name\":\"bench\",\"namespace\":\"d\",\"uid\":\"u\"},"
                       "\"spec\":{\"entrypoint\":\"main\",\"templates\":[{\"name\":\"leaf\",\"inputs\":"
                       "{\"parameters\":[{\"name\":\"p\",\"default\":\"x\"}]},"
                       "\"plugin\":{\"k\":{\"p\":\"{{inputs.parameters.p}}\"}}}");
}

static struct tph_json_doc *fan_out(size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    (void)tph_buf_puts(&text, ",{\"name\":\"main\",\"steps\":[[");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(&text, "%s{\"name\":\"s%zu\",\"template\":\"leaf\"}", i ? "," : "", i);
    }
    (void)tph_buf_puts(&text, "]]}]}}");
    return parse(&text);
}

static struct tph_json_doc *chain(size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    (void)tph_buf_puts(&text, ",{\"name\":\"main\",\"steps\":[[{\"name\":\"s0\",\"template\":\"leaf\"}]");
    for (size_t i = 1; i < n; i++) {
        (void)tph_buf_printf(&text,
                             ",[{\"name\":\"s%zu\",\"template\":\"leaf\",\"arguments\":{\"parameters\":[{\"name\":"
                             "\"p\",\"value\":\"{{steps.s%zu.outputs.result}}\"}]}}]",
                             i, i - 1);
    }
    (void)tph_buf_puts(&text, "]}]}}");
    return parse(&text);
}

static struct tph_json_doc *nested(size_t levels)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    for (size_t i = 0; i < levels; i++) {
        char name[24] = "main";
        char below[24] = "leaf";
        if (i > 0) {
            (void)snprintf(name, sizeof(name), "l%zu", i);
        }
        if (i + 1 < levels) {
            (void)snprintf(below, sizeof(below), "l%zu", i + 1);
        }
        (void)tph_buf_printf(&text,
                             ",{\"name\":\"%s\",\"steps\":[[{\"name\":\"a\",\"template\":\"%s\"}],[{\"name\":\"b\","
                             "\"template\":\"%s\"}],[{\"name\":\"c\",\"template\":\"%s\"}]]}",
                             name, below, below, below);
    }
    (void)tph_buf_puts(&text, "]}}");
    return parse(&text);
}

/* A loop of n items over a template. */
static void put_loop(struct tph_buf *text, const char *name, const char *called, size_t n)
{
    (void)tph_buf_printf(text,
                         ",{\"name\":\"%s\",\"steps\":[[{\"name\":\"s\",\"template\":\"%s\",\"withSequence\":{"
                         "\"count\":\"%zu\"},\"arguments\":{\"parameters\":[{\"name\":\"p\",\"value\":\"{{item}}\"}]}}]"
                         "],\"inputs\":{\"parameters\":[{\"name\":\"p\",\"default\":\"x\"}]}}",
                         name, called, n);
}

static struct tph_json_doc *loop(size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    put_loop(&text, "main", "leaf", n);
    (void)tph_buf_puts(&text, "]}}");
    return parse(&text);
}

static struct tph_json_doc *loops(size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    size_t side = 1;
    while (side * side < n) {
        side++;
    }
    begin(&text);
    put_loop(&text, "main", "inner", side);
    put_loop(&text, "inner", "leaf", side);
    (void)tph_buf_puts(&text, "]}}");
    return parse(&text);
}

static struct tph_json_doc *dag(size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    (void)tph_buf_puts(&text, ",{\"name\":\"main\",\"dag\":{\"tasks\":[{\"name\":\"t0\",\"template\":\"leaf\"}");
    for (size_t i = 1; i < n; i++) {
        (void)tph_buf_printf(&text,
                             ",{\"name\":\"t%zu\",\"template\":\"leaf\",\"depends\":\"t%zu\",\"arguments\":{"
                             "\"parameters\":[{\"name\":\"p\",\"value\":\"{{tasks.t%zu.outputs.result}}\"}]}}",
                             i, i - 1, i - 1);
    }
    (void)tph_buf_puts(&text, "]}}]}}");
    return parse(&text);
}

static struct tph_json_doc *fan_in(size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    (void)tph_buf_puts(&text, ",{\"name\":\"main\",\"dag\":{\"tasks\":[");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(&text, "{\"name\":\"t%zu\",\"template\":\"leaf\"},", i);
    }
    (void)tph_buf_puts(&text, "{\"name\":\"last\",\"template\":\"leaf\",\"dependencies\":[\"t0\"");
    for (size_t i = 1; i < n; i++) {
        (void)tph_buf_printf(&text, ",\"t%zu\"", i);
    }
    (void)tph_buf_puts(&text, "]}]}}]}}");
    return parse(&text);
}

/* Two tags an item, expressions or the same as simple ones. */
static struct tph_json_doc *tags(size_t n, const char *first, const char *second)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    begin(&text);
    (void)tph_buf_printf(&text,
                         ",{\"name\":\"two\",\"inputs\":{\"parameters\":[{\"name\":\"p\"}]},\"plugin\":{\"k\":{\"a\":"
                         "\"%s\",\"b\":\"%s\"}}}",
                         first, second);
    put_loop(&text, "main", "two", n);
    (void)tph_buf_puts(&text, "]}}");
    return parse(&text);
}

static struct tph_json_doc *expressions(size_t n)
{
    return tags(n, "{{=inputs.parameters.p + '!'}}", "{{=asInt(inputs.parameters.p) + 1}}");
}

static struct tph_json_doc *simple(size_t n)
{
    return tags(n, "{{inputs.parameters.p}}!", "{{inputs.parameters.p}}1");
}

/* Tasks that were started and wait for their reply. */
struct queue {
    const struct tph_node **list;
    size_t head, tail, capacity;
};

static void take_tasks(struct queue *q, const struct tph_actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        if (actions->list[i].kind == TPH_ACTION_START_TASK) {
            if (q->tail == q->capacity) {
                q->capacity = q->capacity ? q->capacity * 2 : 1024;
                q->list = tph_realloc(q->list, q->capacity * sizeof(*q->list));
            }
            q->list[q->tail++] = actions->list[i].node;
        }
    }
}

static struct tph_run *compile(const struct tph_json *object)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    if (tph_run_new(object, &(struct tph_run_options){.compatibility_argo = false}, &run, NULL, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return run;
}

static void play(struct tph_run *run, const struct tph_json *outputs)
{
    struct tph_task_result result = {.phase = TPH_STR("Succeeded"), .message = TPH_STR("ok"), .outputs = outputs};
    struct queue q = {.list = NULL};
    struct tph_actions actions;
    int64_t now_ms = (int64_t)START_S * 1000;
    tph_run_apply(run, &(struct tph_event){.kind = TPH_EVENT_START}, now_ms, &actions);
    take_tasks(&q, &actions);
    while (q.head < q.tail) {
        struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = q.list[q.head++]->id, .result = &result};
        tph_run_apply(run, &event, ++now_ms, &actions);
        take_tasks(&q, &actions);
    }
    free(q.list);
}

/* Returns nanoseconds a node. */
static double bench(const char *name, size_t n, struct tph_json_doc *doc)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *given = doc;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *reply = tph_json_doc_new();
    struct tph_json *outputs = tph_json_new_object(reply);
    tph_json_set_cstr(reply, outputs, "result", "1");
    int64_t t0 = now_ns();
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = compile(tph_json_root(given));
    int64_t t1 = now_ns();
    size_t before = heap_bytes();
    play(run, outputs);
    int64_t t2 = now_ns();
    size_t after = heap_bytes();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *saved = tph_json_doc_new();
    const struct tph_json *object = tph_run_object(run, saved);
    int64_t t3 = now_ns();
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = compile(object);
    int64_t t4 = now_ns();
    double nodes = (double)tph_run_n_nodes(run);
    bool good = tph_run_phase(run) == TPH_WORKFLOW_SUCCEEDED && tph_run_n_nodes(again) == tph_run_n_nodes(run);
    printf("%-8s n=%-7zu nodes=%-7.0f compile %7.1f ms, run %6.0f ns/node (%5.0f knodes/s), %5.0f bytes/node, object "
           "%5.0f ns/node, restore %5.0f ns/node%s\n",
           name, n, nodes, (double)(t1 - t0) / 1e6, (double)(t2 - t1) / nodes, nodes * 1e6 / (double)(t2 - t1),
           (double)(after - before) / nodes, (double)(t3 - t2) / nodes, (double)(t4 - t3) / nodes,
           good ? "" : " WRONG RESULT");
    return (double)(t2 - t1) / nodes;
}

/* Nanoseconds a node with n, the best of three. */
static double cost(struct tph_json_doc *(*make)(size_t), const char *name, size_t n)
{
    double best = bench(name, n, make(n));
    for (int i = 0; i < 2; i++) {
        double again = bench(name, n, make(n));
        best = again < best ? again : best;
    }
    return best;
}

static void show_ratio(const char *name, struct tph_json_doc *(*make)(size_t), size_t large)
{
    double small = cost(make, name, 1000);
    double much = cost(make, name, large);
    printf("%-8s a node of %zu beside one of 1,000: %.2f times (target 1.5); %.0f completions/s (target 200,000)\n",
           name, large, much / small, 1e9 / much);
}

static void show_reading(void)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *made = dag(8000);
    int64_t best = INT64_MAX;
    tph_json_write(tph_json_root(made), 0, &text);
    for (int i = 0; i < 5; i++) {
        int64_t t0 = now_ns();
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(&text);
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = compile(tph_json_root(doc));
        int64_t took = now_ns() - t0;
        best = took < best ? took : best;
        (void)run;
    }
    printf("a workflow of %.2f MB, read and compiled: %.1f ms (target 30 ms a MB)\n", (double)text.len / 1e6,
           (double)best / 1e6);
}

int main(void)
{
    static const struct {
        const char *name;
        struct tph_json_doc *(*make)(size_t);
        size_t large;
    } shapes[] = {{"fan-out", fan_out, 100000}, {"loop", loop, 100000}, {"loops", loops, 100000},
                  {"chain", chain, 10000},      {"dag", dag, 10000},    {"fan-in", fan_in, 10000}};
    (void)bench("nested", 5, nested(5));
    (void)bench("nested", 9, nested(9));
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        show_ratio(shapes[i].name, shapes[i].make, shapes[i].large);
    }
    double with = cost(expressions, "tags", 10000);
    double without = cost(simple, "simple", 10000);
    printf("an expression tag, once compiled: %.2f us (target 2 us)\n", (with - without) / 2 / 1000);
    show_reading();
    return 0;
}
