/* SPDX-License-Identifier: Apache-2.0 */
/* The engine alone: what a node costs, in time and memory, as workflows grow.
 *
 * fan-out   one group of n steps, all replies one after the other
 * chain     n groups of one step, each with the result of the one before as argument
 * nested    steps in steps: 10 levels, 3 groups each, until n nodes are there
 * Then the finished workflow is written as an object and made again from it. */
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

static void bench(const char *name, size_t n, struct tph_json_doc *doc)
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
}

int main(void)
{
    static const size_t sizes[] = {1000, 10000, 100000};
    for (size_t i = 0; i < 3; i++) {
        bench("fan-out", sizes[i], fan_out(sizes[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        bench("chain", sizes[i], chain(sizes[i]));
    }
    bench("nested", 5, nested(5));
    bench("nested", 9, nested(9));
    return 0;
}
