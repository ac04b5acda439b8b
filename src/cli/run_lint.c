/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "lint/lint.h"

struct line {
    const struct tph_lint_problem *problem;
    struct tph_position at;
    size_t order;
};

static int by_place(const void *left, const void *right)
{
    const struct line *a = left;
    const struct line *b = right;
    if (a->problem->is_warning != b->problem->is_warning) {
        return a->problem->is_warning ? -1 : 1;
    }
    if (a->at.line != b->at.line) {
        return a->at.line < b->at.line ? -1 : 1;
    }
    if (a->at.column != b->at.column) {
        return a->at.column < b->at.column ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

/* Where it is told: in the workflow, or in the template that it was found in. */
static void place_of(const struct tph_run_workflow *workflow, const struct tph_lint_problem *problem,
                     struct tph_buf *place)
{
    tph_source_place(&workflow->source, tph_str(problem->via ? problem->via : problem->path), place);
}

static void tell(const struct tph_run_input *input, const struct tph_run_workflow *workflow,
                 const struct tph_lint_problem *problem, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    place_of(workflow, problem, &place);
    tph_lint_problem_write(problem, tph_buf_str(&place), &text);
    if (problem->is_warning) {
        tph_cli_warn(input->cli, "%s", tph_buf_cstr(&text));
        return;
    }
    if (err->kind != TPH_ERROR_NONE) {
        (void)tph_cli_error(input->cli, err);
    }
    (void)tph_error_set(err, TPH_ERROR_INVALID, "%s", tph_buf_cstr(&text));
}

/* Errors and warnings in the order of their places. Returns -1 when there is an error. */
static int tell_all(const struct tph_run_input *input, const struct tph_run_workflow *workflow,
                    const struct tph_lint_problems *problems, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) struct line *lines = tph_calloc(problems->n + 1, sizeof(*lines));
    for (size_t i = 0; i < problems->n; i++) {
        const struct tph_lint_problem *problem = &problems->list[i];
        lines[i] = (struct line){
            .problem = problem,
            .at = tph_source_find(&workflow->source, tph_str(problem->via ? problem->via : problem->path)),
            .order = i,
        };
    }
    qsort(lines, problems->n, sizeof(*lines), by_place);
    for (size_t i = 0; i < problems->n; i++) {
        tell(input, workflow, lines[i].problem, err);
    }
    return tph_lint_n_errors(problems) > 0 ? -1 : 0;
}

/* The templates that came with the workflow, as lint knows them: one that names no namespace is in every one. */
static int read_templates(const struct tph_run_input *input, const struct tph_run_workflow *workflow,
                          struct tph_json_doc *doc, struct tph_arena *keys, struct tph_lint_set *set,
                          struct tph_error *err)
{
    int failed = 0;
    struct tph_str own = tph_json_get_str(tph_json_get(workflow->object, "metadata"), "namespace");
    for (size_t i = 0; i < input->n_templates; i++) {
        TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
        const struct tph_json *meta = tph_json_get(input->templates[i].object, "metadata");
        struct tph_str name = tph_json_get_str(meta, "name");
        const struct tph_json *ns = tph_json_get(meta, "namespace");
        const char *key = ns ? tph_arena_format(keys, "%.*s/%.*s", TPH_FMT(tph_json_str(ns)), TPH_FMT(name))
                             : tph_arena_format(keys, "%.*s/%.*s", TPH_FMT(own), TPH_FMT(name));
        struct tph_json *object = NULL;
        tph_lint_read(doc, input->templates[i].object, 0, &object, &problems);
        if (tph_str_eqz(tph_json_get_str(input->templates[i].object, "kind"), "WorkflowTemplate")) {
            (void)tph_map_set(&set->templates, tph_str(key), object);
        } else {
            (void)tph_map_set(&set->cluster, name, object);
        }
        if (workflow == &input->workflows[0]) { /* told once */
            failed = tell_all(input, &input->templates[i], &problems, err) < 0 ? -1 : failed;
        }
    }
    return failed;
}

int tph_run_lint(const struct tph_run_input *input, const struct tph_run_workflow *workflow, struct tph_error *err)
{
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *keys = tph_arena_new();
    struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    const struct tph_lint_subject subject = {.set = &set, .mode = TPH_LINT_FOR_RUN};
    struct tph_json *object = NULL;
    int failed = read_templates(input, workflow, doc, keys, &set, err);
    tph_lint_read(doc, workflow->object, 0, &object, &problems);
    if (object) {
        tph_lint_check(object, &subject, &problems);
    }
    failed = tell_all(input, workflow, &problems, err) < 0 ? -1 : failed;
    tph_map_release(&set.templates);
    tph_map_release(&set.cluster);
    return failed;
}
