/* SPDX-License-Identifier: Apache-2.0 */
/* The object in pieces: who writes only what an event changed has in the end what Argo would have written, and a run
 * that is made from what was written until then goes on as the one that wrote it. */
#include "random_workflow.h"

#include "harness.h"

/* What a store would have. */
struct kept {
    struct tph_json_doc *doc;
    struct tph_json *base, *nodes;
    uint32_t seed;
};

static void keep_node(void *owner, const struct tph_node *node, const struct tph_json *json)
{
    struct kept *k = owner;
    tph_json_setn(k->doc, k->nodes, node->id, tph_json_copy(k->doc, json));
}

static void keep_base(struct kept *k, const struct tph_run *run)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    k->base = tph_json_copy(k->doc, tph_run_object_base(run, doc));
}

/* Some of what only follows is not written. */
static void keep(struct kept *k, struct tph_run *run, const struct tph_actions *actions)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    for (size_t i = 0; i < actions->n; i++) {
        const struct tph_action *a = &actions->list[i];
        if (a->kind == TPH_ACTION_NODE && (!a->follows || one_in(&k->seed, 2))) {
            tph_run_give_nodes(run, &a->node, 1, doc, keep_node, k);
        }
    }
    keep_base(k, run);
}

static struct tph_json *whole(const struct kept *k, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_copy(doc, k->base);
    if (tph_json_len(k->nodes) > 0) {
        tph_json_set(doc, tph_json_get(object, "status"), "nodes", tph_json_copy(doc, k->nodes));
    }
    return object;
}

static struct tph_run *made_of(const struct kept *k)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_run_options options = {.compatibility_argo = false};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    if (tph_run_new(whole(k, doc), &options, &run, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return run;
}

static void assert_whole(const struct kept *k, const struct tph_run *run)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_freep) char *theirs = object_text(run);
    tph_json_write(whole(k, doc), TPH_JSON_SORTED, &text);
    assert_string_equal(tph_buf_cstr(&text), theirs);
}

/* The next leaf that is live gets an answer; false when there is none. */
static bool answer_one(struct kept *k, struct tph_run *run, struct tph_actions *ret_actions)
{
    size_t n = tph_run_n_nodes(run);
    size_t from = n ? next_random(&k->seed) % n : 0;
    for (size_t i = 0; i < n; i++) {
        const struct tph_node *node = tph_run_node_at(run, (from + i) % n);
        bool leaf = node->type == TPH_NODE_PLUGIN || node->type == TPH_NODE_HTTP;
        if (leaf && !tph_node_phase_is_final(node->phase)) {
            const char *phase = one_in(&k->seed, 8) ? "Failed" : one_in(&k->seed, 6) ? "Running" : "Succeeded";
            TPH_CLEANUP(tph_freep) char *id = tph_str_dup(node->id);
            *ret_actions = reply_with(run, id, phase, one_in(&k->seed, 3) ? NULL : "{\"result\":\"[1,2]\"}");
            return true;
        }
    }
    return false;
}

static void live(uint32_t seed)
{
    enum { EVENTS = 200 };
    struct kept k = {.doc = tph_json_doc_new(), .seed = seed};
    TPH_CLEANUP(tph_freep) char *yaml = random_language_workflow(seed, (unsigned)-1);
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(yaml);
    k.nodes = tph_json_new_object(k.doc);
    struct tph_actions actions = start(run);
    keep(&k, run, &actions);
    bool over = count(actions, TPH_ACTION_FINISHED) > 0;
    for (int e = 0; e < EVENTS && !over; e++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *copy = made_of(&k);
        assert_same_object(run, copy);
        if (one_in(&k.seed, 20) || !answer_one(&k, run, &actions)) {
            actions = apply_at(run, TPH_EVENT_TIMER, START_MS + 5000 + e * INT64_C(60000));
        }
        keep(&k, run, &actions);
        over = count(actions, TPH_ACTION_FINISHED) > 0;
    }
    if (!over) {
        actions = apply_at(run, TPH_EVENT_TERMINATE, START_MS + INT64_C(100000000));
        keep(&k, run, &actions);
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    tph_run_give_stale(run, doc, keep_node, &k);
    assert_whole(&k, run);
    tph_json_doc_free(k.doc);
}

static void what_was_written_in_pieces_is_the_object(void **state)
{
    (void)state;
    enum { RUNS = 600 };
    for (uint32_t seed = 1; seed <= RUNS; seed++) {
        live(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_in_pieces_is_the_object),
    };
    return cmocka_run_group_tests_name("engine/pieces", tests, NULL, NULL);
}
