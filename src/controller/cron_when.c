/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of CronWorkflows: when, stopStrategy, and what is told of a wrong one. Source: Argo's workflow/cron and
 * argo.md 2.6. They see cronworkflow.name, namespace, labels and annotations (maps; with .json as text), failed and
 * succeeded (numbers), lastScheduledTime (a time, or nil). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/gotype.h"
#include "api/gotype_argo.h"
#include "base/alloc.h"
#include "controller/controller_internal.h"
#include "controller/cron_internal.h"
#include "data/time.h"
#include "data/zone.h"
#include "engine/text.h"
#include "expr/convert.h"
#include "expr/expr.h"
#include "expr/time.h"
#include "lint/lint.h"
#include "when/when.h"

#define PREFIX "cronworkflow."

/* What a condition sees. */
struct sight {
    const struct tph_json *object;
    int64_t now_ms;
    struct tph_expr_memory memory;
    struct tph_expr_flat *flat;
    struct tph_buf json[2]; /* of labels and annotations */
};

static int see_map(struct sight *s, const char *name, const struct tph_json *map, struct tph_buf *json)
{
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    struct tph_json_iter it = tph_json_iter(map);
    if (tph_expr_map_new(&s->memory, TPH_EXPR_MAP_STRING, &value) < 0) {
        return -1;
    }
    while (tph_json_next(&it)) {
        if (tph_expr_map_set(&s->memory, value.map, it.key, tph_expr_str(tph_json_str(it.value))) < 0) {
            return -1;
        }
    }
    tph_expr_flat_set(s->flat, tph_str(name), value);
    tph_json_write(map, TPH_JSON_SORTED, json);
    return 0;
}

static int look(struct sight *s)
{
    const struct tph_json *meta = tph_json_get(s->object, "metadata");
    const struct tph_json *status = tph_json_get(s->object, "status");
    struct tph_expr_value last = TPH_EXPR_VALUE_NIL;
    int64_t last_ms = 0;
    tph_expr_flat_set(s->flat, TPH_STR(PREFIX "name"), tph_expr_str(tph_json_get_str(meta, "name")));
    tph_expr_flat_set(s->flat, TPH_STR(PREFIX "namespace"), tph_expr_str(tph_json_get_str(meta, "namespace")));
    tph_expr_flat_set(s->flat, TPH_STR(PREFIX "failed"), tph_expr_int64(tph_cron_number(status, "failed", 0)));
    tph_expr_flat_set(s->flat, TPH_STR(PREFIX "succeeded"), tph_expr_int64(tph_cron_number(status, "succeeded", 0)));
    if (see_map(s, PREFIX "labels", tph_json_get(meta, "labels"), &s->json[0]) < 0 ||
        see_map(s, PREFIX "annotations", tph_json_get(meta, "annotations"), &s->json[1]) < 0) {
        return -1;
    }
    if (tph_time_parse(tph_json_get_str(status, "lastScheduledTime"), &last_ms, NULL) == 0 &&
        tph_expr_time_new(&s->memory, last_ms / 1000, 0, NULL, &last) < 0) {
        return -1;
    }
    tph_expr_flat_set(s->flat, TPH_STR(PREFIX "lastScheduledTime"), last);
    return 0;
}

static int sight_begin(struct sight *s, const struct tph_json *object, int64_t now_ms, struct tph_buf *problem)
{
    *s = (struct sight){.object = object,
                        .now_ms = now_ms,
                        .memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY),
                        .flat = tph_expr_flat_new(),
                        .json = {TPH_BUF_INIT(TPH_LIMIT_DOCUMENT), TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)}};
    if (look(s) < 0) {
        (void)tph_buf_puts(problem, "labels and annotations are too many for an expression");
        return -1;
    }
    return 0;
}

static void sight_end(struct sight *s)
{
    tph_expr_flat_free(s->flat);
    tph_expr_memory_release(&s->memory);
    tph_buf_release(&s->json[0]);
    tph_buf_release(&s->json[1]);
}

static struct tph_expr_env env_of(struct sight *s)
{
    struct tph_expr_env env = tph_expr_flat_env(s->flat);
    env.now_ns = s->now_ms * 1000000;
    env.seed = (uint64_t)s->now_ms;
    env.read_zone = tph_zone_read_file;
    return env;
}

/* ---- when ---- */

/* A simple tag. */
static enum tph_text_value simple(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct sight *s = owner;
    const struct tph_json *meta = tph_json_get(s->object, "metadata");
    const struct tph_json *status = tph_json_get(s->object, "status");
    struct tph_str rest = name;
    struct tph_str part;
    if (!tph_str_has_prefix(name, TPH_STR(PREFIX))) {
        return TPH_TEXT_UNKNOWN;
    }
    rest = tph_str_slice(name, sizeof(PREFIX) - 1, name.len);
    if (tph_str_eqz(rest, "name") || tph_str_eqz(rest, "namespace")) {
        (void)tph_buf_put(value, tph_json_str(tph_json_getn(meta, rest)));
        return TPH_TEXT_VALUE;
    }
    if (tph_str_eqz(rest, "failed") || tph_str_eqz(rest, "succeeded")) {
        (void)tph_buf_printf(value, "%" PRId64,
                             tph_cron_number(status, tph_str_eqz(rest, "failed") ? "failed" : "succeeded", 0));
        return TPH_TEXT_VALUE;
    }
    if (tph_str_eqz(rest, "lastScheduledTime")) {
        struct tph_str last = tph_json_get_str(status, "lastScheduledTime");
        (void)tph_buf_put(value, last);
        return last.len > 0 ? TPH_TEXT_VALUE : TPH_TEXT_NO_STRING;
    }
    bool cut = tph_str_cut(&rest, '.', &part);
    bool labels = cut && tph_str_eqz(part, "labels");
    if (!labels && !(cut && tph_str_eqz(part, "annotations"))) {
        return TPH_TEXT_UNKNOWN;
    }
    if (!rest.p) {
        return TPH_TEXT_NO_STRING;
    }
    if (tph_str_eqz(rest, "json")) {
        (void)tph_buf_put(value, tph_buf_str(&s->json[labels ? 0 : 1]));
        return TPH_TEXT_VALUE;
    }
    const struct tph_json *found = tph_json_getn(tph_json_get(meta, labels ? "labels" : "annotations"), rest);
    (void)tph_buf_put(value, tph_json_str(found));
    return found ? TPH_TEXT_VALUE : TPH_TEXT_UNKNOWN;
}

/* An expression tag. What it refers to is there or is an error. */
static int expression(const struct tph_text_pass *pass, struct tph_str source, struct tph_buf *value,
                      struct tph_buf *problem)
{
    struct sight *s = pass->owner;
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(source);
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    struct tph_expr_value result = TPH_EXPR_VALUE_NIL;
    const struct tph_expr_env env = env_of(s);
    if (tph_expr_evaluate(expr, &env, &s->memory, &result, &why) < 0) {
        (void)tph_buf_printf(problem, "failed to evaluate expression: %s", tph_buf_cstr(&why));
        return -1;
    }
    tph_expr_print(result, value);
    return 0;
}

static int decide_when(struct sight *s, struct tph_str when, bool *ret_run, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_text cut = tph_text_compile(when, arena);
    struct tph_text_pass pass = {.lookup = simple, .expression = expression, .owner = s, .strictness = TPH_TEXT_STRICT};
    return tph_text_eval(&cut, &pass, &text, problem) != 0 ? -1 : tph_when_decide(tph_buf_str(&text), ret_run, problem);
}

int tph_cron_when(const struct tph_json *object, int64_t now_ms, bool *ret_run, struct tph_buf *problem)
{
    TPH_CLEANUP(sight_end) struct sight s;
    struct tph_str when = tph_json_get_str(tph_json_get(object, "spec"), "when");
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    *ret_run = true;
    if (sight_begin(&s, object, now_ms, &why) < 0 || decide_when(&s, when, ret_run, &why) < 0) {
        (void)tph_buf_printf(problem, "run policy error: %s", tph_buf_cstr(&why));
        return -1;
    }
    return 0;
}

/* ---- stopStrategy ---- */

int tph_cron_stops(const struct tph_json *object, int64_t now_ms, bool *ret_stop, struct tph_buf *problem)
{
    struct tph_str text = tph_json_get_str(tph_json_path(object, "spec", "stopStrategy", NULL), "expression");
    *ret_stop = false;
    if (text.len == 0) {
        return 0;
    }
    TPH_CLEANUP(sight_end) struct sight s;
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(text);
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    int failed = sight_begin(&s, object, now_ms, &why);
    const struct tph_expr_env env = env_of(&s);
    if (failed < 0 || tph_expr_decide(expr, &env, ret_stop, &why) < 0) {
        struct tph_str name = tph_json_get_str(tph_json_get(object, "metadata"), "name");
        (void)tph_buf_printf(problem, "failed to check CronWorkflow '%.*s' stopping condition: %s", TPH_FMT(name),
                             tph_buf_cstr(&why));
        return -1;
    }
    return 0;
}

/* ---- its specification ---- */

/* `schedule`, of earlier versions, is understood, too. */
static struct tph_json *with_schedules(const struct tph_json *object, struct tph_json_doc *doc)
{
    struct tph_json *copy = tph_json_copy(doc, object);
    struct tph_json *spec = tph_json_get(copy, "spec");
    struct tph_str old = tph_json_get_str(spec, "schedule");
    if (old.len > 0) {
        struct tph_json *list = tph_cron_member(doc, spec, "schedules");
        if (tph_json_len(list) == 0) {
            list = tph_json_new_array(doc);
            tph_json_append(doc, list, tph_json_new_str(doc, old));
            tph_json_set(doc, spec, "schedules", list);
        }
        (void)tph_json_remove(spec, "schedule");
    }
    (void)tph_json_remove(copy, "status");
    return copy;
}

static bool refers_to_templates(const struct tph_json *object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_json_get(object, "spec"), 0, &text);
    return tph_str_find(tph_buf_str(&text), TPH_STR("emplateRef\":")) >= 0;
}

int tph_cron_check(struct cron *cron, const struct tph_json *object, struct tph_buf *problem)
{
    struct tph_controller *c = cron->crons->controller;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *read = NULL;
    int failed = tph_go_convert(doc, with_schedules(object, doc), &tph_gt_argo_CronWorkflow, &options, &read, &err);
    if (failed == 0 && refers_to_templates(object)) {
        failed = tph_finder_templates(c->finder, cron->ns, arena, doc, &set, &err);
    }
    failed = failed < 0 ? failed : tph_lint_object(read, &set, TPH_LINT_FOR_RUN, &err);
    tph_map_release(&set.templates);
    tph_map_release(&set.cluster);
    if (failed < 0) {
        (void)tph_buf_puts(problem, err.text);
    }
    return failed;
}

bool tph_cron_set_condition(struct tph_json_doc *doc, struct tph_json *status, const char *type, struct tph_str problem)
{
    struct tph_json *list = tph_json_get(status, "conditions");
    struct tph_json *left = tph_json_new_array(doc);
    struct tph_str before = TPH_STR_NONE;
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "type"), type)) {
            before = tph_json_get_str(it.value, "message");
        } else {
            tph_json_append(doc, left, tph_json_copy(doc, it.value));
        }
    }
    if (tph_str_eq(before, problem)) {
        return false;
    }
    if (problem.len > 0) {
        struct tph_json *condition = tph_json_new_object(doc);
        tph_json_set_cstr(doc, condition, "type", type);
        tph_json_set_cstr(doc, condition, "status", "True");
        tph_json_set_str(doc, condition, "message", problem);
        tph_json_append(doc, left, condition);
    }
    if (tph_json_len(left) > 0) {
        tph_json_set(doc, status, "conditions", left);
    } else {
        (void)tph_json_remove(status, "conditions");
    }
    return true;
}
