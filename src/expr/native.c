/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/native.h"

const struct tph_expr_value *expr_arg(struct tph_expr_call *call, size_t index)
{
    if (index < call->n_args) {
        return &call->args[index];
    }
    (void)tph_expr_fail(call, "runtime error: index out of range [%zu] with length %zu", index, call->n_args);
    return NULL;
}

int expr_arg_str(struct tph_expr_call *call, size_t index, struct tph_str *ret)
{
    const struct tph_expr_value *value = expr_arg(call, index);
    if (!value) {
        return -1;
    }
    if (value->type != TPH_EXPR_STRING) {
        return expr_wrong_type(call->run, *value, "string");
    }
    *ret = value->str;
    return expr_work(call->run, value->str.len / 64);
}

int expr_arg_int(struct tph_expr_call *call, size_t index, int64_t *ret)
{
    const struct tph_expr_value *value = expr_arg(call, index);
    return value ? expr_to_int(call->run, *value, ret) : -1;
}

int expr_arg_count(struct tph_expr_call *call, size_t expected)
{
    if (call->n_args == expected) {
        return 0;
    }
    return tph_expr_fail(call, "invalid number of arguments (expected %zu, got %zu)", expected, call->n_args);
}

int expr_parse_json(struct tph_expr_call *call, struct tph_str text, struct tph_json_doc **ret)
{
    struct tph_json_fault fault;
    struct tph_error err = TPH_ERROR_INIT;
    if (text.len > tph_expr_room(call->memory) || expr_work(call->run, text.len / 16) < 0) {
        call->memory->exceeded = true;
        return -1;
    }
    if (tph_json_parse(text, ret, &err) == 0) {
        return 0;
    }
    if (tph_json_check(text, &fault) == TPH_JSON_FAULT_SYNTAX) {
        return tph_expr_fail(call, "%s", fault.text);
    }
    return tph_expr_fail(call, "%s", err.text);
}

int expr_adopt_json(struct tph_expr_call *call, const struct tph_json *json, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(4096);
    if (tph_expr_read_json(call->memory, json, TPH_EXPR_JSON_COPY, ret, &problem) == 0) {
        return 0;
    }
    return problem.len > 0 ? tph_expr_fail(call, "%s", tph_buf_cstr(&problem)) : -1;
}

int expr_to_json_text(struct tph_expr_call *call, struct tph_expr_value value, const char *indent,
                      struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(4096);
    if (tph_expr_write_json(value, TPH_JSON_HTML, indent, &out, &problem) < 0) {
        return tph_expr_fail(call, "%s", tph_buf_cstr(&problem));
    }
    return expr_work(call->run, out.len / 64) < 0 ? -1 : tph_expr_keep(call->memory, &out, ret);
}

bool expr_as_list(const struct tph_expr_value *value, int64_t *ret_n)
{
    if (!tph_expr_is_list(value->type) && value->type != TPH_EXPR_BYTES) {
        return false;
    }
    (void)expr_length(*value, ret_n);
    return true;
}

const char *expr_kind(const struct tph_expr_value *value)
{
    return tph_expr_kind_name(value->type);
}
