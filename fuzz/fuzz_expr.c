/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: the same text has the same value twice, a refusal says why, what can be compiled has references, and
 * what a value is written as is JSON. */
#include "base/buf.h"
#include "base/limits.h"
#include "data/json.h"
#include "expr/convert.h"
#include "expr/expr.h"
#include "expr/tag.h"
#include "fuzz.h"

static struct tph_expr_flat *make_names(struct tph_expr_memory *memory)
{
    static const char *const json = "{\"s\":\"hello world\",\"i\":7,\"f\":2.5,\"t\":true,\"nul\":null,\"list\":[3,1,2],"
                                    "\"m\":{\"a\":1,\"b\":\"x\",\"d\":{\"e\":[10,20]}},\"x.y.z\":\"deep\","
                                    "\"users\":[{\"name\":\"Ann\",\"age\":30},{\"name\":\"Bob\",\"age\":25}]}";
    static struct tph_json_doc *doc; /* kept: texts are borrowed from it */
    if (!doc) {
        FUZZ_HOLDS(tph_json_parse(tph_str(json), &doc, NULL) == 0);
    }
    struct tph_expr_flat *flat = tph_expr_flat_new();
    struct tph_json_iter it = tph_json_iter(tph_json_root(doc));
    while (tph_json_next(&it)) {
        struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
        FUZZ_HOLDS(tph_expr_read_json(memory, it.value, TPH_EXPR_JSON_INTS, &value, NULL) == 0);
        tph_expr_flat_set(flat, it.key, value);
    }
    return flat;
}

/* What comes of it, as text. */
static int evaluate(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_buf *out)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (tph_expr_evaluate(expr, env, &memory, &value, out) < 0) {
        FUZZ_HOLDS(out->len > 0);
        return -1;
    }
    tph_expr_print_type(value, out);
    tph_expr_print(value, out);
    if (tph_expr_write_json(value, TPH_JSON_HTML, NULL, &json, &problem) < 0) {
        FUZZ_HOLDS(problem.len > 0);
    } else if (json.len < TPH_KIB(64)) {
        struct tph_error err = TPH_ERROR_INIT;
        FUZZ_HOLDS(tph_json_parse(tph_buf_str(&json), &doc, &err) == 0 || err.kind == TPH_ERROR_LIMIT);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf first = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf second = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf tag = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(fuzz_text(data, size));
    struct tph_expr_flat *flat = make_names(&memory);
    struct tph_expr_env env = tph_expr_flat_env(flat);
    const struct tph_expr_reference *references = NULL;
    size_t n = 0;
    int failed = evaluate(expr, &env, &first);
    FUZZ_HOLDS(evaluate(expr, &env, &second) == failed);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&first), tph_buf_str(&second)));
    bool read = tph_expr_references(expr, &references, &n, &problem) == 0;
    FUZZ_HOLDS(read || (failed && problem.len > 0));
    struct tph_expr_tag_rules rules = {.may_fail = size % 2 == 0};
    tph_buf_clear(&problem);
    int result = tph_expr_tag(expr, &env, &rules, &tag, &problem);
    FUZZ_HOLDS((result == 0 || result == TPH_EXPR_TAG_LEFT) == (problem.len == 0));
    tph_expr_flat_free(flat);
    return 0;
}
