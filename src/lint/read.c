/* SPDX-License-Identifier: Apache-2.0 */
/* An object as it was written becomes its Go type; what does not fit is told with its place. */
#include <string.h>

#include "api/gotype_tables.h"
#include "base/limits.h"
#include "lint/internal.h"

static const struct {
    const char *kind;
    const struct tph_go_type *type;
    unsigned bit;
} KINDS[] = {
    {"Workflow", &tph_gt_argo_Workflow, TPH_LINT_WORKFLOW},
    {"WorkflowTemplate", &tph_gt_argo_WorkflowTemplate, TPH_LINT_TEMPLATE},
    {"CronWorkflow", &tph_gt_argo_CronWorkflow, TPH_LINT_CRON},
    {"ClusterWorkflowTemplate", &tph_gt_argo_ClusterWorkflowTemplate, TPH_LINT_CLUSTER},
    {"WorkflowEventBinding", &tph_gt_argo_WorkflowEventBinding, 0},
    {"WorkflowTaskSet", &tph_gt_argo_WorkflowTaskSet, 0},
};
enum { N_KINDS = sizeof KINDS / sizeof KINDS[0] };

unsigned tph_lint_kind_of(struct tph_str kind, const struct tph_go_type **ret_type)
{
    *ret_type = &tph_gt_meta_ObjectMeta;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (tph_str_eqz(kind, KINDS[i].kind)) {
            *ret_type = KINDS[i].type;
            return KINDS[i].bit;
        }
    }
    return 0;
}

const char *tph_lint_kind_near(struct tph_str kind)
{
    static const char *const NAMES[] = {"Workflow", "WorkflowTemplate", "CronWorkflow", "ClusterWorkflowTemplate"};
    return tph_str_nearest(kind, NAMES, sizeof NAMES / sizeof NAMES[0]);
}

/* What is told while an object is read. */
struct reading {
    const struct tph_json *object;
    struct tph_lint_problems *problems;
    bool lenient;
};

enum { FIELDS_MAX = 160 };

static void unknown(void *owner, const struct tph_go_unknown *member)
{
    struct reading *r = owner;
    struct tph_arena *arena = tph_lint_problems_arena(r->problems);
    const char *names[FIELDS_MAX];
    size_t n = 0;
    for (const struct tph_go_field *f = member->type->fields; f->name && n < FIELDS_MAX; f++) {
        names[n++] = f->name;
    }
    const char *near = tph_str_nearest(member->name, names, n);
    struct tph_lint_problem problem = {
        .object = r->object,
        .path = tph_arena_strdup(arena, tph_str(member->path)),
        .text = near ? tph_arena_format(arena, "is no field that is known here; did you mean %s?", near)
                     : "is no field that is known here",
        .is_sentence = true,
        .is_warning = r->lenient && !member->always_refused,
    };
    (void)tph_lint_problems_add(r->problems, &problem);
}

static const char *wanted(const struct tph_go_type *type)
{
    switch (type->kind) {
    case TPH_GO_STR:
    case TPH_GO_TIME:
    case TPH_GO_DURATION:
    case TPH_GO_BYTES:
        return "a text";
    case TPH_GO_BOOL:
        return "true or false";
    case TPH_GO_INT32:
    case TPH_GO_INT64:
        return "a whole number";
    case TPH_GO_FLOAT:
        return "a number";
    case TPH_GO_QUANTITY:
        return "a quantity such as 250m or 64Mi";
    case TPH_GO_INT_OR_STRING:
        return "a whole number or a text";
    case TPH_GO_ANYSTRING:
        return "a text, a number, true or false";
    case TPH_GO_PLUGIN:
        return "a map with one key";
    case TPH_GO_PARALLEL:
        return "a list of lists of steps";
    case TPH_GO_LIST:
        return "a list";
    case TPH_GO_STRUCT:
    case TPH_GO_MAP:
        return "a map";
    case TPH_GO_ITEM:
    case TPH_GO_ANY:
        break;
    }
    return "something else";
}

static const char *found(enum tph_json_type type)
{
    static const char *const WORDS[] = {
        [TPH_JSON_NULL] = "nothing",  [TPH_JSON_BOOL] = "a truth value", [TPH_JSON_NUMBER] = "a number",
        [TPH_JSON_STRING] = "a text", [TPH_JSON_ARRAY] = "a list",       [TPH_JSON_OBJECT] = "a map",
    };
    return WORDS[type];
}

void tph_lint_read(struct tph_json_doc *doc, const struct tph_json *value, unsigned flags, struct tph_json **ret_object,
                   struct tph_lint_problems *problems)
{
    struct tph_go_fault fault = {.path = TPH_BUF_INIT(TPH_MIB(1))};
    struct reading r = {.object = value, .problems = problems, .lenient = flags & TPH_LINT_READ_LENIENT};
    const struct tph_go_options options = {
        .flags = TPH_GO_KEEP_EMPTY, .fault = &fault, .tell_unknown = unknown, .owner = &r};
    const struct tph_go_type *type;
    struct tph_error err = TPH_ERROR_INIT;
    *ret_object = NULL;
    (void)tph_lint_kind_of(tph_json_get_str(value, "kind"), &type);
    if (tph_go_convert(doc, value, type, &options, ret_object, &err) < 0) {
        struct tph_arena *arena = tph_lint_problems_arena(problems);
        bool mismatch = strncmp(err.text, "json: cannot unmarshal ", 23) == 0 && fault.wanted;
        struct tph_lint_problem problem = {
            .object = value,
            .path = tph_arena_strdup(arena, tph_buf_str(&fault.path)),
            .text = mismatch
                        ? tph_arena_format(arena, "%s was expected, not %s", wanted(fault.wanted), found(fault.found))
                        : tph_arena_strdup(arena, tph_str(err.text)),
        };
        if (mismatch && fault.wanted->kind == TPH_GO_STR) {
            problem.hint = fault.found == TPH_JSON_BOOL
                               ? "put it into quotes: y, n, yes, no, on and off are truth values in YAML"
                           : fault.found == TPH_JSON_NUMBER ? "put it into quotes"
                                                            : NULL;
        }
        (void)tph_lint_problems_add(problems, &problem);
        *ret_object = NULL;
    }
    tph_buf_release(&fault.path);
}
