/* SPDX-License-Identifier: Apache-2.0 */
/* spec.workflowMetadata: labels and annotations that a workflow gives itself when it begins. Source: argo 2.1 (1). */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/label.h"
#include "data/quote.h"
#include "engine/run_internal.h"

static struct tph_json *marks_of(struct tph_run *run, const char *key)
{
    struct tph_json_doc *doc = run->spec->doc;
    struct tph_json *object = run->spec->object;
    if (!tph_json_is(tph_json_get(object, "metadata"), TPH_JSON_OBJECT)) {
        tph_json_set(doc, object, "metadata", tph_json_new_object(doc));
    }
    struct tph_json *meta = tph_json_get(object, "metadata");
    if (!tph_json_is(tph_json_get(meta, key), TPH_JSON_OBJECT)) {
        tph_json_set(doc, meta, key, tph_json_new_object(doc));
    }
    return tph_json_get(meta, key);
}

static void set_mark(struct tph_run *run, const char *key, struct tph_str name, struct tph_str value)
{
    TPH_CLEANUP(tph_freep) char *global = tph_format("workflow.%s.%.*s", key, TPH_FMT(name));
    struct tph_json_doc *doc = run->spec->doc;
    tph_json_setn(doc, marks_of(run, key), name, tph_json_new_str(doc, value));
    tph_globals_set(run, tph_str(global), value);
}

static int put_fault(struct tph_str label, struct tph_str value, struct tph_str expression, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_KIB(4));
    tph_label_check_value(value, &faults);
    if (faults.len == 0) {
        return 0;
    }
    (void)tph_buf_puts(problem, "invalid label value ");
    tph_quote_go(value, problem);
    (void)tph_buf_puts(problem, " for label ");
    tph_quote_go(label, problem);
    (void)tph_buf_puts(problem, " and expression ");
    tph_quote_go(expression, problem);
    (void)tph_buf_printf(problem, ": %s", tph_buf_cstr(&faults));
    return -1;
}

/* Labels or annotations as they are written, tags of the workflow's own names replaced. */
static int set_written(struct tph_run *run, const struct tph_json *metadata, const char *key, struct tph_buf *problem)
{
    struct scope scope = {.run = run, .only_globals = true};
    bool labels = strcmp(key, "labels") == 0;
    struct tph_json_iter it = tph_json_iter(tph_json_get(metadata, key));
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        struct tph_text text = tph_text_compile(tph_json_str(it.value), run->scratch);
        if (tph_scope_eval(&scope, &text, 0, &value, problem) ||
            (labels && put_fault(it.key, tph_buf_str(&value), tph_buf_str(&value), problem) < 0)) {
            return -1;
        }
        set_mark(run, key, it.key, tph_buf_str(&value));
    }
    return 0;
}

/* All are evaluated before the first is set: they do not see each other. */
static int set_from(struct tph_run *run, const struct tph_json *from, struct tph_buf *problem)
{
    struct scope scope = {.run = run, .only_globals = true};
    struct tph_json_iter it = tph_json_iter(from);
    struct tph_str *values = TPH_ARENA_ARRAY(run->scratch, struct tph_str, tph_json_len(from) + 1);
    size_t n = 0;
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        struct tph_str expression = tph_json_get_str(it.value, "expression");
        if (tph_scope_label(&scope, it.key, expression, &value, problem) < 0 ||
            put_fault(it.key, tph_buf_str(&value), expression, problem) < 0) {
            return -1;
        }
        values[n++] = tph_arena_str(run->scratch, tph_buf_str(&value));
    }
    it = tph_json_iter(from);
    for (size_t i = 0; i < n && tph_json_next(&it); i++) {
        set_mark(run, "labels", it.key, values[i]);
    }
    return 0;
}

int tph_metadata_apply(struct tph_run *run, struct tph_buf *problem)
{
    const struct tph_json *metadata = tph_json_get(run->spec->exec, "workflowMetadata");
    if (!tph_json_is(metadata, TPH_JSON_OBJECT)) {
        return 0;
    }
    return set_written(run, metadata, "labels", problem) < 0 ||
                   set_written(run, metadata, "annotations", problem) < 0 ||
                   set_from(run, tph_json_get(metadata, "labelsFrom"), problem) < 0
               ? -1
               : 0;
}
