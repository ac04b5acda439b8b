/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows and templates as lint sees them before they are kept: a switch, off at first, for Argo takes anything and
 * fails the workflow when it runs. A change that leaves the specification as it is was never wrong: what is here
 * already can be stopped, labelled and deleted. */
#include <string.h>

#include "api/gotype.h"
#include "apiserver/internal.h"
#include "base/arena.h"
#include "base/limits.h"
#include "lint/lint.h"

enum { MOST = 16 }; /* warnings of one answer: each is a header */

void tph_api_validate(struct tph_api *api, enum tph_api_validate how, const char *const *mapped)
{
    api->validate = how;
    api->mapped = mapped;
}

/* ---- the templates that it may refer to ---- */

struct gather {
    struct tph_arena *arena;
    struct tph_json_doc *doc;
    struct tph_map *map;
    bool with_ns;
};

static bool gather_one(void *owner, const struct tph_store_object *object)
{
    struct gather *g = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    struct tph_json *read = NULL;
    if (tph_json_parse(tph_buf_str(&object->text), &doc, NULL) < 0) {
        return true;
    }
    tph_lint_read(g->doc, tph_json_root(doc), TPH_LINT_READ_LENIENT, &read, &problems);
    struct tph_str name =
        g->with_ns
            ? tph_str(tph_arena_format(g->arena, "%.*s/%.*s", TPH_FMT(object->key.ns), TPH_FMT(object->key.name)))
            : tph_arena_str(g->arena, object->key.name);
    if (read) {
        (void)tph_map_set(g->map, name, read);
    }
    return true;
}

static int gather(struct tph_api_call *call, struct tph_arena *arena, struct tph_json_doc *doc,
                  struct tph_lint_set *set, struct tph_error *err)
{
    struct tph_store *store = call->api->config.store;
    struct gather own = {.arena = arena, .doc = doc, .map = &set->templates, .with_ns = true};
    struct gather all = {.arena = arena, .doc = doc, .map = &set->cluster};
    struct tph_store_list list = {
        .key = {.resource = TPH_STR("workflowtemplates.argoproj.io"), .ns = call->route.ask.ns}};
    struct tph_store_list cluster = {.key = {.resource = TPH_STR("clusterworkflowtemplates.argoproj.io")}};
    struct tph_store_page page;
    bool namespaced = call->route.kind->namespaced;
    if (namespaced && tph_store_list(store, &list, gather_one, &own, &page, err) < 0) {
        return -1;
    }
    return tph_store_list(store, &cluster, gather_one, &all, &page, err) < 0 ? -1 : 0;
}

static bool refers(const struct tph_json *object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_json_get(object, "spec"), 0, &text);
    return tph_str_find(tph_buf_str(&text), TPH_STR("emplateRef\":")) >= 0;
}

/* ---- what is told ---- */

/* On one line: the problem and what to do. */
static void put_line(const struct tph_lint_problem *problem, bool with_path, struct tph_buf *line)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_lint_problem shown = *problem;
    if (!with_path) {
        shown.via = NULL;
        shown.path = "";
    }
    tph_lint_problem_write(&shown, TPH_STR_NONE, &text);
    bool fresh = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c == '\n') {
            (void)tph_buf_puts(line, "; ");
            fresh = true;
        } else if (!fresh || c != ' ') {
            fresh = false;
            (void)tph_buf_putc(line, c);
        }
    }
}

static void warn_all(struct tph_api_call *call, const struct tph_lint_problems *problems, bool errors_too)
{
    size_t n = 0;
    for (size_t i = 0; i < problems->n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(4));
        if (!problems->list[i].is_warning && !errors_too) {
            continue;
        }
        if (n++ < MOST) {
            put_line(&problems->list[i], true, &line);
            tph_call_warn(call, "%s", tph_buf_cstr(&line));
        }
    }
    if (n > MOST) {
        tph_call_warn(call, "and %zu more: tiphys lint tells all of them", n - MOST);
    }
}

static int deny(struct tph_api_call *call, const struct tph_lint_problems *problems, struct tph_str name)
{
    const struct tph_kind *k = call->route.kind;
    for (size_t i = 0; i < problems->n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(64));
        const struct tph_lint_problem *problem = &problems->list[i];
        const char *path = problem->via ? problem->via : problem->path;
        if (problem->is_warning) {
            continue;
        }
        put_line(problem, false, &line);
        tph_status_fault(&call->status, TPH_FAULT_INVALID, path[0] ? path : "spec", "Invalid value: %s",
                         tph_buf_cstr(&line));
    }
    return tph_status_invalid(&call->status, tph_str(k->group), tph_str(k->kind), name);
}

/* ---- which writes ---- */

static struct tph_json *what_counts(struct tph_json_doc *doc, const struct tph_json *object)
{
    static const char *const free_fields[] = {"shutdown", "suspend", "activeDeadlineSeconds", "priority"};
    struct tph_json *spec = tph_json_copy(doc, tph_json_get(object, "spec"));
    for (size_t i = 0; i < sizeof(free_fields) / sizeof(free_fields[0]); i++) {
        (void)tph_json_remove(spec, free_fields[i]);
    }
    return spec;
}

static bool is_linted(const struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                      const struct tph_json *object)
{
    static const char *const kinds[] = {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"};
    const struct tph_kind *k = call->route.kind;
    bool known = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        known = known || strcmp(k->kind, kinds[i]) == 0;
    }
    return known && (k->flags & TPH_KIND_CUSTOM) != 0 && !call->route.sub &&
           !(old && tph_json_equal(what_counts(doc, old), what_counts(doc, object)));
}

int tph_call_lint(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object)
{
    const struct tph_api *api = call->api;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    if (api->validate == TPH_API_VALIDATE_OFF) {
        return 0;
    }
    doc = tph_json_doc_new();
    if (!is_linted(call, doc, old, object)) {
        return 0;
    }
    arena = tph_arena_new();
    struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_map mapped = TPH_MAP_INIT;
    for (size_t i = 0; api->mapped && api->mapped[i]; i++) {
        (void)tph_map_set(&mapped, tph_str(api->mapped[i]), arena);
    }
    bool runs = strcmp(call->route.kind->kind, "Workflow") == 0 || strcmp(call->route.kind->kind, "CronWorkflow") == 0;
    const struct tph_lint_subject subject = {
        .set = &set, .mode = runs ? TPH_LINT_FOR_RUN : TPH_LINT_FOR_REPORT, .mapped = &mapped};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *read = NULL;
    int failed = refers(object) ? gather(call, arena, doc, &set, &err) : 0;
    if (failed == 0) {
        tph_lint_read(doc, object, 0, &read, &problems);
        if (read) {
            tph_lint_check(read, &subject, &problems);
        }
    }
    tph_map_release(&set.templates);
    tph_map_release(&set.cluster);
    tph_map_release(&mapped);
    if (failed < 0) {
        return tph_status_internal(&call->status, "%s", err.text);
    }
    warn_all(call, &problems, api->validate == TPH_API_VALIDATE_WARN);
    return api->validate == TPH_API_VALIDATE_DENY ? deny(call, &problems, tph_object_meta_str(object, "name")) : 0;
}
