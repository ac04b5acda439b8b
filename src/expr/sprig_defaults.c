/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: defaults, choices, types, versions, failing. */
#include "data/semver.h"
#include "expr/convert.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

static int fn_default(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    bool given = call->n_args > 1 && !expr_sprig_is_empty(call->args[1]);
    *ret = call->args[given ? 1 : 0];
    return 0;
}

static int fn_empty(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_bool(expr_sprig_is_empty(call->args[0]));
    return 0;
}

enum { COALESCE, ALL, ANY_OF };

/* What the first value that is not empty (of `all`: that is empty) decides. */
static int fn_first_of(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int which = call->function->tag;
    for (size_t i = 0; i < call->n_args; i++) {
        if (expr_sprig_is_empty(call->args[i]) == (which == ALL)) {
            *ret = which == COALESCE ? call->args[i] : tph_expr_bool(which == ANY_OF);
            return 0;
        }
    }
    *ret = which == COALESCE ? TPH_EXPR_VALUE_NIL : tph_expr_bool(which == ALL);
    return 0;
}

static int fn_ternary(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = call->args[call->args[2].truth ? 0 : 1];
    return 0;
}

static int fn_fail(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    (void)ret;
    return tph_expr_fail(call, "%.*s", TPH_FMT(call->args[0].str));
}

/* The name of a value's type or of its kind, or whether it is that. */
enum { TYPE_OF, TYPE_IS, TYPE_IS_LIKE, KIND_OF, KIND_IS };

static int fn_type(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_KIB(1));
    int which = call->function->tag;
    struct tph_expr_value value = call->args[call->n_args - 1];
    if (which == KIND_OF || which == KIND_IS) {
        (void)tph_buf_puts(&name, tph_expr_kind_name(value.type));
    } else {
        tph_expr_print_type(value, &name);
    }
    if (which == TYPE_OF || which == KIND_OF) {
        return tph_expr_keep(call->memory, &name, ret);
    }
    struct tph_str wanted = call->args[0].str;
    struct tph_str is = tph_buf_str(&name);
    bool same = tph_str_eq(wanted, is);
    if (which == TYPE_IS_LIKE && tph_str_has_prefix(is, TPH_STR("*"))) {
        same = same || tph_str_eq(wanted, tph_str_slice(is, 1, is.len));
    }
    *ret = tph_expr_bool(same);
    return 0;
}

static int fn_deep_equal(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    bool equal = false;
    if (tph_expr_deep_equal(call, call->args[0], call->args[1], &equal) < 0) {
        return -1;
    }
    *ret = tph_expr_bool(equal);
    return 0;
}

static int fn_semver(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str text = call->args[0].str;
    struct tph_semver parsed;
    if (tph_semver_parse(text, &parsed, &err) < 0) {
        return tph_expr_fail(call, "%s", err.text);
    }
    struct tph_expr_version *version = tph_expr_alloc(call->memory, sizeof(*version));
    if (!version) {
        return -1;
    }
    *version = (struct tph_expr_version){.version = parsed, .original = text};
    *ret = (struct tph_expr_value){.type = TPH_EXPR_VERSION, .version = version};
    return 0;
}

/* Of a bad constraint and a bad version the constraint is told. */
static int fn_semver_compare(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_error bad_version = TPH_ERROR_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_semver version = {.major = 0};
    bool fulfils = false;
    bool is_version = tph_semver_parse(call->args[1].str, &version, &bad_version) == 0;
    if (tph_expr_work(call, 100 + call->args[0].str.len) < 0) {
        return -1;
    }
    if (tph_semver_check(call->args[0].str, &version, &fulfils, &err) < 0 || !is_version) {
        return tph_expr_fail(call, "%s", err.kind != TPH_ERROR_NONE ? err.text : bad_version.text);
    }
    *ret = tph_expr_bool(fulfils);
    return 0;
}

#define ROW(text, function, letters, type, number)                                                   \
    {                                                                                                \
        .name = (text), .native = (function), .params = (letters), .result = (type), .tag = (number) \
    }

const struct tph_expr_function expr_sprig_defaults[] = {
    ROW("default", fn_default, "aa*", TPH_EXPR_ANY, 0),
    ROW("empty", fn_empty, "a", TPH_EXPR_BOOL, 0),
    ROW("coalesce", fn_first_of, "a*", TPH_EXPR_ANY, COALESCE),
    ROW("all", fn_first_of, "a*", TPH_EXPR_BOOL, ALL),
    ROW("any", fn_first_of, "a*", TPH_EXPR_BOOL, ANY_OF),
    ROW("ternary", fn_ternary, "aab", TPH_EXPR_ANY, 0),
    ROW("fail", fn_fail, "s", TPH_EXPR_STRING, 0),
    ROW("typeOf", fn_type, "a", TPH_EXPR_STRING, TYPE_OF),
    ROW("typeIs", fn_type, "sa", TPH_EXPR_BOOL, TYPE_IS),
    ROW("typeIsLike", fn_type, "sa", TPH_EXPR_BOOL, TYPE_IS_LIKE),
    ROW("kindOf", fn_type, "a", TPH_EXPR_STRING, KIND_OF),
    ROW("kindIs", fn_type, "sa", TPH_EXPR_BOOL, KIND_IS),
    ROW("deepEqual", fn_deep_equal, "aa", TPH_EXPR_BOOL, 0),
    ROW("semver", fn_semver, "s", TPH_EXPR_VERSION, 0),
    ROW("semverCompare", fn_semver_compare, "ss", TPH_EXPR_BOOL, 0),
    {.name = NULL},
};
