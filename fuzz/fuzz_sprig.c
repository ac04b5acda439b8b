/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of sprig: the first line is a name, each other line an argument in JSON. A call ends, with a value that
 * can be printed or with a reason. */
#include "base/limits.h"
#include "expr/convert.h"
#include "expr/expr.h"
#include "fuzz.h"

enum { MOST_ARGUMENTS = 6 };

struct arguments {
    struct tph_json_doc *docs[MOST_ARGUMENTS];
    struct tph_expr_value values[MOST_ARGUMENTS];
    size_t n;
};

static void read_arguments(struct tph_str lines, struct tph_expr_memory *memory, struct arguments *a)
{
    struct tph_str line;
    while (a->n < MOST_ARGUMENTS && tph_str_cut(&lines, '\n', &line)) {
        if (tph_json_parse(line, &a->docs[a->n], NULL) < 0) {
            return;
        }
        struct tph_expr_value *value = &a->values[a->n++];
        if (tph_expr_read_json(memory, tph_json_root(a->docs[a->n - 1]), TPH_EXPR_JSON_INTS, value, NULL) < 0) {
            *value = TPH_EXPR_VALUE_NIL;
        }
    }
}

static void call(struct tph_str name, const struct arguments *a)
{
    static const char *const names[MOST_ARGUMENTS] = {"a", "b", "c", "d", "e", "f"};
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_EXPR);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_MIB(16));
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_MIB(16));
    struct tph_expr_flat *flat = tph_expr_flat_new();
    (void)tph_buf_printf(&text, "sprig[\"%.*s\"](", TPH_FMT(name));
    for (size_t i = 0; i < a->n; i++) {
        (void)tph_buf_printf(&text, "%s%s", i > 0 ? ", " : "", names[i]);
        tph_expr_flat_set(flat, tph_str(names[i]), a->values[i]);
    }
    (void)tph_buf_putc(&text, ')');
    struct tph_expr_env env = tph_expr_flat_env(flat);
    struct tph_expr *expr = tph_expr_new(tph_buf_str(&text));
    struct tph_expr_value value;
    if (tph_expr_evaluate(expr, &env, &memory, &value, &problem) < 0) {
        FUZZ_HOLDS(problem.len > 0);
    } else {
        TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_MIB(16));
        tph_expr_print(value, &shown);
        (void)!tph_expr_write_json(value, TPH_JSON_HTML, NULL, &shown, &problem);
    }
    tph_expr_free(expr);
    tph_expr_flat_free(flat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_expr_memory_release) struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_MIB(16));
    struct tph_str lines = fuzz_text(data, size);
    struct tph_str name;
    struct arguments a = {.n = 0};
    if (size > 0 && size < TPH_KIB(32) && tph_str_cut(&lines, '\n', &name)) {
        read_arguments(lines, &memory, &a);
        call(name, &a);
    }
    for (size_t i = 0; i < MOST_ARGUMENTS; i++) {
        tph_json_doc_free(a.docs[i]);
    }
    return 0;
}
