/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are linted: our report finds an error exactly where Argo's does, and each problem has words and a place
 * in the object. */
#include <string.h>

#include "base/limits.h"
#include "data/yaml.h"
#include "fuzz.h"
#include "lint/lint.h"

static void check(const struct tph_json *object, enum tph_lint_mode mode)
{
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    const struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    const struct tph_lint_subject subject = {.set = &set, .mode = mode};
    struct tph_error err = TPH_ERROR_INIT;
    int failed = tph_lint_object(object, &set, mode, &err);
    FUZZ_HOLDS((failed < 0) == (err.text[0] != '\0'));
    tph_lint_check(object, &subject, &problems);
    size_t n = tph_lint_n_errors(&problems);
    for (size_t i = 0; i < problems.n; i++) {
        const struct tph_lint_problem *p = &problems.list[i];
        FUZZ_HOLDS(p->object == object && !p->via && p->text[0] != '\0');
        /* one that a run refuses, though Argo does not */
        n -= !p->is_warning && strstr(p->text, "do not run here") ? 1 : 0;
    }
    FUZZ_HOLDS((failed < 0) == (n > 0 || problems.n_left_out > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    struct tph_json *object = NULL;
    if (tph_yaml_parse(fuzz_text(data, size), 0, &doc, NULL, NULL) < 0) {
        return 0;
    }
    struct tph_json *root = tph_json_root(doc);
    struct tph_str kind = tph_json_get_str(root, "kind");
    if (!tph_str_eqz(kind, "Workflow") && !tph_str_eqz(kind, "WorkflowTemplate") &&
        !tph_str_eqz(kind, "CronWorkflow")) {
        return 0;
    }
    tph_lint_read(doc, root, TPH_LINT_READ_LENIENT, &object, &problems);
    FUZZ_HOLDS(object || tph_lint_n_errors(&problems) > 0);
    if (object) {
        check(object, TPH_LINT_FOR_REPORT);
        check(object, TPH_LINT_FOR_RUN);
    }
    return 0;
}
