/* SPDX-License-Identifier: Apache-2.0 */
/* bench_data: how fast JSON and YAML are read and written. Prints one line a figure: name, milliseconds (median of 9),
 * MB/s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/json.h"
#include "data/yaml.h"

enum { ROUNDS = 9 };

/* A workflow's status with `nodes` nodes, as Argo stores it. */
static void make_workflow(struct tph_buf *text, int nodes)
{
    (void)tph_buf_puts(
        text, "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"bench\"},"
              "\"status\":{\"phase\":\"Running\",\"nodes\":{");
    for (int i = 0; i < nodes; i++) {
        (void)tph_buf_printf(
            text,
            "%s\"bench-%010d\":{\"id\":\"bench-%010d\",\"name\":\"bench[0].step(%d:item-%d)\",\"displayName\":"
            "\"step(%d:item-%d)\",\"type\":\"Plugin\",\"templateName\":\"hello\",\"templateScope\":\"local/bench\","
            "\"phase\":\"Succeeded\",\"boundaryID\":\"bench\",\"message\":\"Hello <template>! \\u00e9\",\"startedAt\":"
            "\"2026-11-24T08:00:00Z\",\"finishedAt\":\"2026-11-24T08:00:01Z\",\"progress\":\"1/1\",\"inputs\":{"
            "\"parameters\":[{\"name\":\"n\",\"value\":\"%d\"},{\"name\":\"text\",\"value\":\"a line\\nand another "
            "\\\"line\\\"\"}]},\"outputs\":{\"parameters\":[{\"name\":\"foo\",\"value\":\"bar\"}]},\"count\":%d,"
            "\"ratio\":%d.5}",
            i ? "," : "", i, i, i, i, i, i, i, i, i);
    }
    (void)tph_buf_puts(text, "}}}");
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

struct job {
    struct tph_str text;
    const struct tph_json *value;
    unsigned flags;
};

static void read_json(const struct job *job)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(job->text, &doc, NULL) < 0) {
        abort();
    }
}

static void write_json(const struct job *job)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(job->value, job->flags, &out);
}

static void read_yaml(const struct job *job)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_yaml_places places = {.positions = NULL};
    if (tph_yaml_parse(job->text, job->flags, &doc, &places, NULL) < 0) {
        abort();
    }
    tph_positions_free(places.positions);
}

static void write_yaml(const struct job *job)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_yaml_write(job->value, &out, NULL) < 0) {
        abort();
    }
}

static void measure(const char *name, void (*run)(const struct job *), const struct job *job)
{
    int64_t took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = tph_clock_monotonic_us();
        run(job);
        took[i] = tph_clock_monotonic_us() - start;
    }
    qsort(took, ROUNDS, sizeof(took[0]), by_value);
    double ms = (double)took[ROUNDS / 2] / 1000;
    printf("%-28s %8.2f ms %8.1f MB/s\n", name, ms, (double)job->text.len / 1000 / (ms > 0 ? ms : 1e-3));
}

int main(void)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf small = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf yaml = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *part = NULL;
    make_workflow(&json, 10000);
    make_workflow(&small, 1350);
    if (tph_json_parse(tph_buf_str(&json), &doc, NULL) < 0 || tph_json_parse(tph_buf_str(&small), &part, NULL) < 0 ||
        tph_yaml_write(tph_json_root(part), &yaml, NULL) < 0) {
        return 1;
    }
    printf("json: %zu bytes, yaml: %zu bytes\n", json.len, yaml.len);
    struct job of_json = {.text = tph_buf_str(&json), .value = tph_json_root(doc)};
    struct job of_yaml = {.text = tph_buf_str(&yaml), .value = tph_json_root(part)};
    measure("json read", read_json, &of_json);
    measure("json write", write_json, &of_json);
    of_json.flags = TPH_JSON_SORTED | TPH_JSON_HTML;
    measure("json write sorted, html", write_json, &of_json);
    measure("yaml read", read_yaml, &of_yaml);
    of_yaml.flags = TPH_YAML_STRICT | TPH_YAML_POSITIONS;
    measure("yaml read strict, positions", read_yaml, &of_yaml);
    measure("yaml write", write_yaml, &of_yaml);
    return 0;
}
