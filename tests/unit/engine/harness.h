/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's tests share: runs from YAML, events, and texts of what came out, to compare. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "engine/run.h"

#define START_MS INT64_C(1700000000000)

/* The front of a workflow called wf; templates follow as a YAML flow list's elements. */
#define WORKFLOW "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\nspec: {entrypoint: m, templates: ["
#define LEAF     "{name: leaf, inputs: {parameters: [{name: p, default: x}]}, plugin: {k: '{{inputs.parameters.p}}'}}"
#define END      "]}\n"

static inline struct tph_json_doc *parse_yaml(const char *yaml)
{
    struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_parse(tph_str(yaml), 0, &doc, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return doc;
}

static inline struct tph_run *make_run_with(const char *yaml, const struct tph_run_options *options)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse_yaml(yaml);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    if (tph_run_new(tph_json_root(doc), options, &run, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return run;
}

static inline struct tph_run *make_run(const char *yaml)
{
    return make_run_with(yaml, &(struct tph_run_options){.compatibility_argo = false});
}

static inline struct tph_run *restored_with(const struct tph_run *run, const struct tph_run_options *options)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *copy = NULL;
    if (tph_run_new(tph_run_object(run, doc), options, &copy, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return copy;
}

static inline struct tph_run *restored(const struct tph_run *run)
{
    return restored_with(run, &(struct tph_run_options){.compatibility_argo = false});
}

static inline char *object_text(const struct tph_run *run)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_run_object(run, doc), TPH_JSON_SORTED, &text);
    return tph_buf_take(&text, NULL);
}

static inline void assert_same_object(const struct tph_run *a, const struct tph_run *b)
{
    TPH_CLEANUP(tph_freep) char *ours = object_text(a);
    TPH_CLEANUP(tph_freep) char *theirs = object_text(b);
    assert_string_equal(ours, theirs);
}

/* One line an action, with all that it says. */
static inline char *actions_text(const struct tph_actions *actions)
{
    static const char *const kinds[] = {"start", "cancel", "wait", "node", "workflow", "cache", "finished"};
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < actions->n; i++) {
        const struct tph_action *a = &actions->list[i];
        (void)tph_buf_printf(&text, "%s", kinds[a->kind]);
        if (a->node) {
            (void)tph_buf_printf(&text, " %.*s %s '%.*s' %.*s", TPH_FMT(a->node->name),
                                 tph_node_phase_name(a->node->phase), TPH_FMT(a->node->message),
                                 TPH_FMT(a->node->progress));
        }
        (void)tph_buf_printf(&text, " %u %.*s %.*s %lld %lld\n", a->attempt, TPH_FMT(a->key), TPH_FMT(a->template_json),
                             (long long)a->deadline_ms, (long long)a->time_ms);
    }
    return tph_buf_take(&text, NULL);
}

static inline struct tph_actions apply_at(struct tph_run *run, enum tph_event_kind kind, int64_t now_ms)
{
    struct tph_actions actions;
    tph_run_apply(run, &(struct tph_event){.kind = kind}, now_ms, &actions);
    return actions;
}

static inline struct tph_actions start(struct tph_run *run)
{
    return apply_at(run, TPH_EVENT_START, START_MS);
}

/* outputs: JSON, or NULL */
static inline struct tph_actions reply_with(struct tph_run *run, const char *id, const char *phase, const char *outputs)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (outputs) {
        assert_int_equal(tph_json_parse(tph_str(outputs), &doc, NULL), 0);
    }
    struct tph_task_result result = {
        .phase = tph_str(phase), .message = TPH_STR(""), .outputs = outputs ? tph_json_root(doc) : NULL};
    struct tph_actions actions;
    struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = tph_str(id), .result = &result};
    tph_run_apply(run, &event, START_MS + 5000, &actions);
    return actions;
}

static inline struct tph_actions reply(struct tph_run *run, const char *id, const char *phase, const char *message)
{
    struct tph_task_result result = {.phase = tph_str(phase), .message = tph_str(message)};
    struct tph_actions actions;
    struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = tph_str(id), .result = &result};
    tph_run_apply(run, &event, START_MS + 5000, &actions);
    return actions;
}

static inline size_t count(struct tph_actions actions, enum tph_action_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < actions.n; i++) {
        n += actions.list[i].kind == kind ? 1 : 0;
    }
    return n;
}

/* The node of that name, which must be there. */
static inline const struct tph_node *find_node(const struct tph_run *run, const char *name)
{
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        if (tph_str_eqz(tph_run_node_at(run, i)->name, name)) {
            return tph_run_node_at(run, i);
        }
    }
    fail_msg("there is no node %s", name);
    return NULL;
}

static inline bool has_node(const struct tph_run *run, const char *name)
{
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        if (tph_str_eqz(tph_run_node_at(run, i)->name, name)) {
            return true;
        }
    }
    return false;
}

static inline void assert_text(struct tph_str text, const char *expected)
{
    TPH_CLEANUP(tph_freep) char *copy = tph_str_dup(text);
    assert_string_equal(copy, expected);
}

/* The id of the node of that name, for a reply. Lives as long as the run. */
static inline const char *id_of(const struct tph_run *run, const char *name)
{
    return find_node(run, name)->id.p; /* the engine's texts end with a NUL */
}

/* What a member of the processed template of the node's task is; "" when no task was started for it. */
static inline char *task_member(const struct tph_actions *actions, const char *node_name, const char *key)
{
    for (size_t i = 0; i < actions->n; i++) {
        const struct tph_action *a = &actions->list[i];
        if (a->kind == TPH_ACTION_START_TASK && tph_str_eqz(a->node->name, node_name)) {
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
            assert_int_equal(tph_json_parse(a->template_json, &doc, NULL), 0);
            return tph_str_dup(tph_json_str(tph_json_path(tph_json_root(doc), "plugin", key, NULL)));
        }
    }
    return tph_strdup("");
}

static inline void assert_task(struct tph_actions actions, const char *node_name, const char *expected)
{
    TPH_CLEANUP(tph_freep) char *got = task_member(&actions, node_name, "k");
    assert_string_equal(got, expected);
}

/* A generator of its own, so that every run of a test does the same. */
static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static inline bool one_in(uint32_t *seed, uint32_t n)
{
    return next_random(seed) % n == 0;
}
