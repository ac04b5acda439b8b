/* SPDX-License-Identifier: Apache-2.0 */
/* A Workflow object as JSON: it is refused with a reason and a path, or it runs to its end: every task is answered,
 * every node ends, and the object that is saved on the way gives the same run again. */
#include <string.h>

#include "base/limits.h"
#include "engine/run.h"
#include "fuzz.h"

enum { MOST_NODES = 300, MOST_EVENTS = 200, START_S = 1700000000 };

/* What a workflow refers to stands beside its spec, in the input. */
static const struct tph_json *input;

static const struct tph_json *find(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    (void)owner;
    (void)kind;
    (void)name;
    return tph_json_get(input, "referred");
}

static struct tph_run *make(const struct tph_json *object)
{
    static const struct tph_run_objects objects = {.find = find};
    struct tph_run_options options = {.max_nodes = MOST_NODES, .objects = &objects};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    int failed = tph_run_new(object, &options, &run, NULL, &err);
    FUZZ_HOLDS((failed < 0) == (run == NULL));
    FUZZ_HOLDS(failed == 0 || ((err.kind == TPH_ERROR_INVALID || err.kind == TPH_ERROR_NOT_FOUND) && err.text[0]));
    return run;
}

static void write_object(const struct tph_run *run, struct tph_buf *text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    tph_json_write(tph_run_object(run, doc), TPH_JSON_SORTED, text);
}

static void restores(const struct tph_run *run)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf ours = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf theirs = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    write_object(run, &ours);
    FUZZ_HOLDS(tph_json_parse(tph_buf_str(&ours), &doc, NULL) == 0);
    TPH_CLEANUP(tph_run_freep) struct tph_run *copy = make(tph_json_root(doc));
    FUZZ_HOLDS(copy != NULL);
    write_object(copy, &theirs);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&ours), tph_buf_str(&theirs)));
}

/* A leaf that waits for its answer, or NULL. */
static const struct tph_node *waiting(const struct tph_run *run)
{
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        const struct tph_node *node = tph_run_node_at(run, i);
        if (node->type == TPH_NODE_PLUGIN && !tph_node_phase_is_final(node->phase)) {
            return node;
        }
    }
    return NULL;
}

static void live(struct tph_run *run)
{
    struct tph_task_result result = {.phase = TPH_STR("Succeeded"), .message = TPH_STR("{{x}} \"")};
    struct tph_actions actions;
    int64_t now_ms = (int64_t)START_S * 1000;
    tph_run_apply(run, &(struct tph_event){.kind = TPH_EVENT_START}, now_ms, &actions);
    int events = 0;
    for (const struct tph_node *node; events < MOST_EVENTS && (node = waiting(run)); events++) {
        if (events < 3) {
            restores(run);
        }
        struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = node->id, .result = &result};
        tph_run_apply(run, &event, now_ms, &actions);
        FUZZ_HOLDS(node->phase == TPH_NODE_SUCCEEDED);
    }
    if (events == MOST_EVENTS) {
        tph_run_apply(run, &(struct tph_event){.kind = TPH_EVENT_TERMINATE}, now_ms, &actions);
    }
    enum tph_workflow_phase phase = tph_run_phase(run);
    FUZZ_HOLDS(phase == TPH_WORKFLOW_SUCCEEDED || phase == TPH_WORKFLOW_FAILED || phase == TPH_WORKFLOW_ERROR);
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        FUZZ_HOLDS(tph_node_phase_is_final(tph_run_node_at(run, i)->phase));
    }
    restores(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(fuzz_text(data, size), &doc, NULL) < 0) {
        return 0;
    }
    struct tph_json *object = tph_json_root(doc);
    tph_json_remove(object, "status"); /* one that nobody wrote */
    input = object;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make(object);
    if (run) {
        live(run);
    }
    return 0;
}
