/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with tags, beside what template.jsonl has: pieces, escapes, limits, values that bring tags. */
#include "harness.h"

#include "base/arena.h"
#include "engine/text.h"

/* name is the value of itself in upper case letters' place: "a" -> "<a>"; "absent" is absent, "nope" unknown. */
static enum tph_text_value lookup(void *owner, struct tph_str name, struct tph_buf *value)
{
    const char *fixed = owner;
    if (tph_str_eqz(name, "absent")) {
        return TPH_TEXT_ABSENT;
    }
    if (tph_str_has_prefix(name, TPH_STR("nope")) || tph_str_find(name, TPH_STR("{{")) >= 0) {
        return TPH_TEXT_UNKNOWN;
    }
    if (fixed) {
        (void)tph_buf_puts(value, fixed);
    } else {
        (void)tph_buf_printf(value, "<%.*s>", TPH_FMT(name));
    }
    return TPH_TEXT_VALUE;
}

struct outcome {
    int code;
    bool again;
    char *text; /* or the problem */
};

static struct outcome eval(const char *source, struct tph_text_pass *pass, size_t max)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(max);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(4096);
    struct tph_text text = tph_text_compile(tph_str(source), arena);
    pass->lookup = lookup;
    struct outcome o = {.code = tph_text_eval(&text, pass, &out, &problem), .again = pass->again};
    o.text = tph_buf_take(o.code == 0 ? &out : &problem, NULL);
    return o;
}

static void assert_eval(const char *source, const char *expected)
{
    struct outcome o = eval(source, &(struct tph_text_pass){.strictness = TPH_TEXT_LENIENT}, TPH_MIB(1));
    assert_int_equal(o.code, 0);
    assert_string_equal(o.text, expected);
    free(o.text);
}

static void assert_problem(const char *source, struct tph_text_pass pass, int code, const char *expected)
{
    struct outcome o = eval(source, &pass, 4096);
    assert_int_equal(o.code, code);
    assert_string_equal(o.text, expected);
    free(o.text);
}

static void tags_are_replaced_and_the_rest_stays(void **state)
{
    (void)state;
    assert_eval("", "");
    assert_eval("plain", "plain");
    assert_eval("{{a}}", "<a>");
    assert_eval("x{{ a }}y{{b}}z", "x<a>y<b>z");
    assert_eval("{{nope}} {{ nope }} {{a}}", "{{nope}} {{ nope }} <a>");
}

static void an_unclosed_tag_is_literal(void **state)
{
    (void)state;
    assert_eval("{{", "{{");
    assert_eval("{{a", "{{a");
    assert_eval("{{a}} {{b}", "<a> {{b}");
}

static void an_expression_tag_is_left_alone(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    assert_true(tph_text_compile(TPH_STR("{{=1}}"), arena).has_expression);
    assert_false(tph_text_compile(TPH_STR("{{ =1}}"), arena).has_expression);
    assert_eval("{{=a}}", "{{=a}}");
    assert_problem("{{=a}}{{nope}}", (struct tph_text_pass){.strictness = TPH_TEXT_STRICT}, TPH_TEXT_UNRESOLVED,
                   "failed to resolve {{nope}}");
}

/* An evaluator that knows five expressions. */
static int evaluate(const struct tph_text_pass *pass, struct tph_str source, struct tph_buf *value,
                    struct tph_buf *problem)
{
    (void)pass;
    if (tph_str_eqz(source, "later")) {
        return TPH_TEXT_LEFT;
    }
    if (tph_str_eqz(source, "x.y")) {
        (void)tph_buf_puts(problem, "failed to evaluate expression: x.y is missing");
        return TPH_TEXT_UNRESOLVED;
    }
    if (tph_str_eqz(source, "1/0")) {
        (void)tph_buf_puts(problem, "failed to marshal evaluated expression: json: unsupported value: +Inf");
        return -1;
    }
    (void)tph_buf_puts(value, tph_str_eqz(source, "'\"'") ? "\"a\\\"b\"" : "{\"n\":1}");
    return 0;
}

static void assert_expression(const char *source, unsigned flags, int code, const char *expected)
{
    struct tph_text_pass pass = {.expression = evaluate, .flags = flags};
    struct outcome o = eval(source, &pass, 4096);
    assert_int_equal(o.code, code);
    assert_string_equal(o.text, expected);
    free(o.text);
}

static void an_expression_is_evaluated_where_somebody_can(void **state)
{
    (void)state;
    assert_expression("<{{='\"'}}>", 0, 0, "<a\"b>");
    assert_expression("<{{='\\\"'}}>", TPH_TEXT_JSON, 0,
                      "<a\\\"b>"); /* escapes of the source undone, of the value kept */
    assert_expression("<{{=m}}>", 0, 0, "<{\"n\":1}>");
    assert_expression("<{{=m}}>", TPH_TEXT_JSON | TPH_TEXT_GO_QUOTES, 0, "<{\\\"n\\\":1}>");
    assert_expression("{{=later}} {{b}}", 0, 0, "{{=later}} <b>");
    assert_expression("{{=\\q}}", TPH_TEXT_JSON, 0, "{{=\\q}}");
    assert_expression("{{=x.y}}", 0, TPH_TEXT_UNRESOLVED, "failed to evaluate expression: x.y is missing");
    assert_expression("{{=1/0}}", 0, -1, "failed to marshal evaluated expression: json: unsupported value: +Inf");
}

static void the_inner_tag_is_replaced_first(void **state)
{
    (void)state;
    struct outcome o = eval("{{a.{{b}}}}", &(struct tph_text_pass){.strictness = TPH_TEXT_STRICT}, 4096);
    assert_string_equal(o.text, "{{a.<b>}}");
    assert_true(o.again);
    free(o.text);
    assert_eval("{{a.{{nope}}}}", "{{a.{{nope}}}}");
}

static void braces_of_a_value_ask_for_another_pass(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool again;
    } values[] = {{"plain", false}, {"a}}", false}, {"{\"a\":1}", true}, {"x{{y}}", true}, {"x{", true}, {"", false}};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct tph_text_pass pass = {.owner = (void *)(uintptr_t)values[i].value};
        struct outcome o = eval("a{{v}}b", &pass, 4096);
        assert_int_equal(o.again, values[i].again);
        free(o.text);
    }
}

static void only_the_prefixes_must_be_known(void **state)
{
    (void)state;
    const struct tph_str prefixes[] = {TPH_STR("nope"), TPH_STR("nope.steps")};
    struct tph_text_pass pass = {.strictness = TPH_TEXT_PREFIXES, .prefixes = prefixes, .n_prefixes = 1};
    assert_problem("{{a}}{{nope.x}}", pass, TPH_TEXT_UNRESOLVED, "failed to resolve {{nope.x}}");
    assert_problem("{{ nope }}", pass, TPH_TEXT_UNRESOLVED, "failed to resolve {{ nope }}");
    struct outcome o = eval("{{nopes.x}}{{nope.outputs.artifacts.a}}", &pass, 4096);
    assert_int_equal(o.code, 0);
    assert_string_equal(o.text, "{{nopes.x}}{{nope.outputs.artifacts.a}}");
    free(o.text);
}

static void an_absent_value_is_an_error_that_no_pass_mends(void **state)
{
    (void)state;
    struct tph_text_pass lenient = {.strictness = TPH_TEXT_LENIENT};
    assert_problem("{{absent}}", lenient, -1,
                   "unable to substitute {{absent}}: output is an absent optional (skipped/omitted node with no "
                   "default)");
    assert_problem("{{a.{{absent}}}}", lenient, -1,
                   "unable to substitute nested tag {{a.{{absent}}: \"absent\" is an absent optional");
}

static void values_are_escaped_as_json_wants_it(void **state)
{
    (void)state;
    struct tph_text_pass pass = {.owner = (void *)(uintptr_t) "q\"\\\n\a\x7f", .flags = TPH_TEXT_JSON};
    struct outcome o = eval("\"{{v}}\"", &pass, 4096);
    assert_string_equal(o.text, "\"q\\\"\\\\\\n\\u0007\x7f\"");
    free(o.text);
    pass.flags |= TPH_TEXT_GO_QUOTES;
    assert_problem("\"{{v}}\"", pass, -1, "cannot finish template replacement because the result was invalid JSON");
}

static void a_text_that_grows_beyond_its_buffer_is_an_error(void **state)
{
    (void)state;
    struct tph_text_pass pass = {.owner = (void *)(uintptr_t) "0123456789"};
    struct outcome o = eval("{{v}}{{v}}", &pass, 15);
    assert_int_equal(o.code, -1);
    assert_string_equal(o.text, "the text is longer than 15 bytes with its tags replaced");
    free(o.text);
}

static void ten_thousand_nested_braces_are_cut_in_no_time(void **state)
{
    (void)state;
    enum { N = 10000 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    for (int i = 0; i < N; i++) {
        (void)tph_buf_puts(&text, "{{");
    }
    assert_eval(tph_buf_cstr(&text), tph_buf_cstr(&text));
    (void)tph_buf_puts(&text, "nope}}");
    assert_true(tph_buf_str(&text).len > N);
    struct outcome o = eval(tph_buf_cstr(&text), &(struct tph_text_pass){.lookup = NULL}, TPH_MIB(1));
    assert_string_equal(o.text, tph_buf_cstr(&text));
    free(o.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_replaced_and_the_rest_stays),
        cmocka_unit_test(an_unclosed_tag_is_literal),
        cmocka_unit_test(an_expression_tag_is_left_alone),
        cmocka_unit_test(an_expression_is_evaluated_where_somebody_can),
        cmocka_unit_test(the_inner_tag_is_replaced_first),
        cmocka_unit_test(braces_of_a_value_ask_for_another_pass),
        cmocka_unit_test(only_the_prefixes_must_be_known),
        cmocka_unit_test(an_absent_value_is_an_error_that_no_pass_mends),
        cmocka_unit_test(values_are_escaped_as_json_wants_it),
        cmocka_unit_test(a_text_that_grows_beyond_its_buffer_is_an_error),
        cmocka_unit_test(ten_thousand_nested_braces_are_cut_in_no_time),
    };
    return cmocka_run_group_tests_name("engine/text", tests, NULL, NULL);
}
