/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: how they are compiled and asked for, and the ceilings. What the language computes is in the recorded
 * answers (tests/golden/h_expr.c). */
#include "expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "expr/convert.h"
#include "expr/tag.h"

/* An environment that counts what it is asked. */
struct world {
    struct tph_expr_flat *flat;
    struct tph_expr_env inner;
    size_t asked;
    size_t listed;
};

static enum tph_expr_found find(void *owner, struct tph_str name, struct tph_expr_memory *memory,
                                struct tph_expr_value *ret)
{
    struct world *world = owner;
    world->asked++;
    return world->inner.find(world->inner.owner, name, memory, ret);
}

static int list(void *owner, struct tph_str name, int (*add)(void *to, struct tph_str part), void *to)
{
    struct world *world = owner;
    world->listed++;
    return world->inner.list(world->inner.owner, name, add, to);
}

static struct tph_expr_env make_world(struct world *world)
{
    *world = (struct world){.flat = tph_expr_flat_new()};
    tph_expr_flat_set(world->flat, TPH_STR("inputs.parameters.a"), tph_expr_str(TPH_STR("3")));
    tph_expr_flat_set(world->flat, TPH_STR("inputs.parameters.b-c"), tph_expr_str(TPH_STR("4")));
    tph_expr_flat_set(world->flat, TPH_STR("inputs.parameters"), tph_expr_str(TPH_STR("[]")));
    tph_expr_flat_set(world->flat, TPH_STR("inputs-like"), tph_expr_str(TPH_STR("no")));
    tph_expr_flat_set(world->flat, TPH_STR("item"), tph_expr_int(7));
    world->inner = tph_expr_flat_env(world->flat);
    return (struct tph_expr_env){.find = find, .list = list, .owner = world};
}

static void drop_world(struct world *world)
{
    tph_expr_flat_free(world->flat);
}

/* The value as JSON, or the problem, in out. */
static int evaluate(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_buf *out)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    tph_buf_clear(out);
    if (tph_expr_evaluate(expr, env, &memory, &value, out) < 0) {
        return -1;
    }
    return tph_expr_write_json(value, 0, NULL, out, out);
}

static void expect_in(const struct tph_expr_env *env, const char *text, const char *json)
{
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_str(text));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (evaluate(expr, env, &out) < 0 || strcmp(tph_buf_cstr(&out), json) != 0) {
        fail_msg("%s: %s, not %s", text, tph_buf_cstr(&out), json);
    }
}

static void expect(const char *text, const char *json)
{
    struct world world;
    struct tph_expr_env env = make_world(&world);
    expect_in(&env, text, json);
    drop_world(&world);
}

/* A refusal that has these words. */
static void refuse_text(struct tph_str text, const char *words)
{
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(text);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    int failed = evaluate(expr, &env, &out);
    drop_world(&world);
    if (failed == 0 || !strstr(tph_buf_cstr(&out), words)) {
        fail_msg("%.200s: %.500s", text.p, tph_buf_cstr(&out));
    }
}

static void refuse(const char *text, const char *words)
{
    refuse_text(tph_str(text), words);
}

static void names_are_asked_for_as_a_whole(void **state)
{
    (void)state;
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(TPH_STR("inputs.parameters.a"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(evaluate(expr, &env, &out), 0);
    assert_string_equal(tph_buf_cstr(&out), "\"3\"");
    world.asked = 0;
    assert_int_equal(evaluate(expr, &env, &out), 0);
    assert_int_equal(world.asked, 2); /* whether `inputs` is still what it was, and the value */
    assert_int_equal(world.listed, 0);
    expect_in(&env, "inputs.parameters['b-c'] + inputs.parameters.a", "\"43\"");
    assert_int_equal(world.listed, 0);
    expect_in(&env, "inputs", "{\"parameters\":{\"a\":\"3\",\"b-c\":\"4\"}}"); /* the shorter name gives way */
    assert_int_equal(world.listed, 2);
    drop_world(&world);
}

static void branches_are_maps_when_they_must_be(void **state)
{
    (void)state;
    expect("len(inputs.parameters)", "2");
    expect("keys(inputs)", "[\"parameters\"]");
    expect("[inputs.parameters][0].a", "\"3\"");
    expect("let p = inputs.parameters; p.a + p['b-c']", "\"34\"");
    expect("'a' in inputs.parameters", "true");
    expect("'x' in inputs.parameters", "false");
    expect("'parameters.a' in inputs", "false");
    expect("inputs['parameters.a'] == nil", "true");
    expect("inputs.parameters == {'a': '3', 'b-c': '4'}", "true");
    expect("filter(values(inputs.parameters), # > '3')", "[\"4\"]");
    expect("inputs?.nope?.x ?? 'd'", "\"d\"");
    expect("$env.inputs.parameters.a", "\"3\"");
    expect("$env['item']", "7");
    expect("len($env) > 5 && 'sprig' in $env && 'nope' not in $env", "true");
    expect("sort(keys($env))[0:3]", "[\"asFloat\",\"asInt\",\"inputs\"]");
    expect("map([1], inputs.parameters)[0].a", "\"3\"");
    expect("type(inputs)", "\"map\"");
    expect("string(inputs)", "\"map[parameters:map[a:3 b-c:4]]\"");
    refuse("inputs.nope.x", "cannot fetch x from <nil> (1:13)");
    refuse("inputs + 1", "mismatched types map[string]interface {} and int");
}

static void versions_count_on(void **state)
{
    (void)state;
    expect("let v = sprig.semver('v1.2.3-rc.1+b'); [v.IncPatch(), v.IncMinor(), v.IncMajor()]",
           "[\"1.2.3\",\"1.3.0\",\"2.0.0\"]");
    expect("sprig.semver('1.2.3').IncPatch().String()", "\"1.2.4\"");
    expect("let v = sprig.semver('v1').SetPrerelease('rc.1').SetMetadata('7'); string(v)", "\"1.0.0-rc.1+7\"");
    expect("sprig.semver('v1').LessThanEqual(sprig.semver('1.0')) and "
           "sprig.semver('1').GreaterThanEqual(sprig.semver('1'))",
           "true");
    refuse("sprig.semver('1').SetPrerelease('01')", "version segment starts with 0");
    refuse("sprig.semver('1').SetPrerelease('a..b')", "invalid prerelease string");
    refuse("sprig.semver('1').SetMetadata('_')", "invalid metadata string");
    refuse("sprig.semver('18446744073709551615').IncMajor()", "major version increment would overflow uint64");
    refuse("sprig.semver('1').IncMinor().Original()", "cannot fetch Original");
}

/* Loops over the same list are one: what fails of one element is not asked of later ones. */
static void loops_in_a_row_are_one(void **state)
{
    (void)state;
    refuse("any([0, 2], # > 1) or any([0, 2], 1 % # > 0)", "integer divide by zero");
    expect("any([2, 0], # > 1) or any([2, 0], 1 % # > 0)", "true");
    expect("all([2, 0], # > 1) and all([2, 0], 1 % # > 0)", "false");
    expect("none([2, 0], # > 1) and none([2, 0], 1 % # > 0)", "false");
    refuse("none([0, 2], # > 1) and none([0, 2], 1 % # > 0)", "integer divide by zero");
    expect("all([0, 2], # > 1) and all([0, 2, 3], 1 % # > 0)", "false");
    expect("all([[1], [2]], all(#, # > 0) and all(#, # < 3)) and all([[1], [2]], all(#, # < 9))", "true");
}

static void another_environment_is_noticed(void **state)
{
    (void)state;
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(TPH_STR("item + 1"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(evaluate(expr, &env, &out), 0);
    assert_string_equal(tph_buf_cstr(&out), "8");
    tph_expr_flat_set(world.flat, TPH_STR("item"), tph_expr_str(TPH_STR("x")));
    assert_int_equal(evaluate(expr, &env, &out), -1);
    assert_non_null(strstr(tph_buf_cstr(&out), "mismatched types string and int"));
    tph_expr_flat_set(world.flat, TPH_STR("item"), tph_expr_float(0.5));
    assert_int_equal(evaluate(expr, &env, &out), 0);
    assert_string_equal(tph_buf_cstr(&out), "1.5");
    tph_expr_flat_set(world.flat, TPH_STR("item.k"), tph_expr_int(1)); /* a branch now */
    assert_int_equal(evaluate(expr, &env, &out), -1);
    drop_world(&world);
    env = make_world(&world);
    assert_int_equal(evaluate(expr, &env, &out), 0);
    tph_expr_flat_free(world.flat);
    world.flat = tph_expr_flat_new();
    world.inner = tph_expr_flat_env(world.flat);
    assert_int_equal(evaluate(expr, &env, &out), -1);
    assert_non_null(strstr(tph_buf_cstr(&out), "unknown name item (1:1)"));
    drop_world(&world);
}

static void a_name_hides_a_function(void **state)
{
    (void)state;
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(TPH_STR("len('abc')"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(evaluate(expr, &env, &out), 0);
    tph_expr_flat_set(world.flat, TPH_STR("len"), tph_expr_int(1));
    assert_int_equal(evaluate(expr, &env, &out), -1);
    assert_non_null(strstr(tph_buf_cstr(&out), "int is not callable"));
    expect_in(&env, "::len('abc')", "3");
    drop_world(&world);
}

static void a_plain_environment_has_only_the_language(void **state)
{
    (void)state;
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(TPH_STR("asInt('1') == 1"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool truth = false;
    assert_int_equal(tph_expr_decide(expr, &env, &truth, &problem), 0);
    assert_true(truth);
    env.is_plain = true;
    assert_int_equal(tph_expr_decide(expr, &env, &truth, &problem), -1);
    assert_string_equal(tph_buf_cstr(&problem), "unknown name asInt (1:1)\n | asInt('1') == 1\n | ^");
    expect_in(&env, "len($env)", "3");
    drop_world(&world);
}

static void references_are_told_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *found;
    } cases[] = {
        {"a.b.c + a.b + f(x['y'].z)", "a a.b a.b.c f x x.y x.y.z "},
        {"a.b ?? c.d", "a (a.b) c c.d "},
        {"a?.b?.c", "a "},
        {"a.b?.c", "a (a.b) "},
        {"a[b].c ?? 1", "a b "},
        {"let x = y; x", "y x "},
        {"map(q.r, #.s)", "q q.r "},
        {"tasks.B.outputs.parameters.q ?? tasks.B", "tasks (tasks.B) (tasks.B.outputs) (tasks.B.outputs.parameters) "
                                                    "(tasks.B.outputs.parameters.q) tasks.B "},
        {"1 + 2", ""},
        {"a < b.c < d", "a b b.c d "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_str(cases[i].text));
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        const struct tph_expr_reference *references = NULL;
        size_t n = 0;
        assert_int_equal(tph_expr_references(expr, &references, &n, &problem), 0);
        for (size_t j = 0; j < n; j++) {
            const char *form = references[j].is_guarded ? "(%.*s) " : "%.*s ";
            TPH_CLEANUP(tph_freep) char *name = tph_str_dup(references[j].path);
            (void)tph_buf_puts(&found, form[0] == '(' ? "(" : "");
            (void)tph_buf_puts(&found, name);
            (void)tph_buf_puts(&found, form[0] == '(' ? ") " : " ");
        }
        assert_string_equal(tph_buf_cstr(&found), cases[i].found);
    }
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *bad = tph_expr_new(TPH_STR("1 +"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_expr_reference *references = NULL;
    size_t n = 0;
    assert_int_equal(tph_expr_references(bad, &references, &n, &problem), -1);
    assert_string_equal(tph_buf_cstr(&problem), "unexpected token EOF (1:3)\n | 1 +\n | ..^");
}

static void what_is_there_is_known(void **state)
{
    (void)state;
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    struct tph_expr_value map = TPH_EXPR_VALUE_NIL;
    assert_int_equal(tph_expr_map_new(&memory, TPH_EXPR_MAP, &map), 0);
    assert_int_equal(tph_expr_map_set(&memory, map.map, TPH_STR("status"), TPH_EXPR_VALUE_NIL), 0);
    tph_expr_flat_set(world.flat, TPH_STR("response"), map);
    assert_true(tph_expr_has(&env, TPH_STR("inputs")));
    assert_true(tph_expr_has(&env, TPH_STR("inputs.parameters.a")));
    assert_true(tph_expr_has(&env, TPH_STR("response.status")));
    assert_true(tph_expr_has(&env, TPH_STR("sprig.upper")));
    assert_true(tph_expr_has(&env, TPH_STR("asInt")));
    assert_false(tph_expr_has(&env, TPH_STR("sprig.nope")));
    assert_false(tph_expr_has(&env, TPH_STR("response.body")));
    assert_false(tph_expr_has(&env, TPH_STR("response.status.x")));
    assert_false(tph_expr_has(&env, TPH_STR("inputs.parameters.a.b")));
    assert_false(tph_expr_has(&env, TPH_STR("inputs.parameter")));
    assert_false(tph_expr_has(&env, TPH_STR("")));
    drop_world(&world);
}

/* `text` repeated, between two others. */
static struct tph_str repeat(struct tph_buf *buf, const char *before, const char *text, size_t n, const char *after)
{
    tph_buf_clear(buf);
    (void)tph_buf_puts(buf, before);
    for (; n > 0; n--) {
        (void)tph_buf_puts(buf, text);
    }
    (void)tph_buf_puts(buf, after);
    return tph_buf_str(buf);
}

static void ceilings_of_the_text(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    refuse_text(repeat(&text, "1", " ", TPH_LIMIT_EXPR, ""), "the expression is longer than 65536 bytes");
    refuse_text(repeat(&text, "", "(", 1100, "1"), "the expression has more than 1000 parts in each other");
    refuse_text(repeat(&text, "", "-", 1100, "1"), "the expression has more than 1000 parts in each other");
    refuse_text(repeat(&text, "item", "+item", 1100, ""), "the expression has more than 1000 parts in each other");
    refuse_text(repeat(&text, "item", ".a", 1100, ""), "the expression has more than 1000 parts in each other");
    refuse_text(repeat(&text, "", "if true {1} else ", 1100, "{2}"), "parts in each other");
    refuse_text(repeat(&text, "", "true ? 1 : ", 1100, "2"), "parts in each other");
    refuse_text(repeat(&text, "", "let a = 1; ", 1100, "2"), "parts in each other");
    refuse_text(repeat(&text, "", "[", 1100, ""), "parts in each other");
    refuse_text(repeat(&text, "[1", ",1", TPH_LIMIT_EXPR_NODES, "]"),
                "compilation failed: expression exceeds maximum allowed nodes");
    refuse_text(repeat(&text, "'", "\\x41", TPH_LIMIT_EXPR / 4, "'"), "longer than");
    refuse_text(repeat(&text, "item matches '", "(", 300, "'"), "error parsing regexp");
}

static void ceilings_of_an_evaluation(void **state)
{
    (void)state;
    const char *steps = "the expression takes more than 5000000 steps";
    const char *memory = "the expression needs more than 67108864 bytes of memory";
    refuse("repeat('x', 2000000)", "memory budget exceeded (1:1)");
    refuse("repeat('xxxxxxxxxx', 100000)", "memory budget exceeded (1:1)");
    refuse("1..9223372036854775807", "memory budget exceeded (1:2)");
    refuse("map(1..600000, #)", "memory budget exceeded (1:1)");
    refuse("let l = 1..3000; count(l, count(l, # > 1) > 1000000)", steps);
    refuse("let l = 1..200; all(l, all(l, all(l, # > 0)))", steps);
    refuse("reduce(1..900000, #acc + 'aaaaaaaaaaaaaaaa', '')", memory);
    refuse("uniq(map(1..100000, string(#)))", steps);
    refuse("let a = split(repeat('a', 900000), ''); map(1..9, join(a, ' ')) | len() > 0 ? map(1..90, join(a)) : 1",
           "more than");
    refuse("reduce(1..64, [#acc, #acc], 1) == reduce(1..64, [#acc, #acc], 1)", steps);
    refuse("len(string(reduce(1..64, [#acc, #acc], 1)))", memory);
    refuse("toJSON(reduce(1..64, [#acc, #acc], 1))", memory);
    refuse("flatten(reduce(1..64, [#acc, #acc], 1))", "more than");
    refuse("max(reduce(1..64, [#acc, #acc], 1))", steps);
    refuse("toJson(reduce(1..5000, [#acc], 1))", "encountered a cycle via []interface {}");
    refuse("reduce(1..5000, [#acc], 1) == reduce(1..5000, [#acc], 1)", "cannot be compared");
    refuse("max(reduce(1..5000, [#acc], 1))", "recursion depth exceeded");
    refuse("flatten(reduce(1..5000, [#acc], 1))", "recursion depth exceeded");
    refuse("sort(map(1..900000, -#))", "memory budget exceeded");
    refuse("let a = repeat('\u65e5', 300000); int(a + a)", "\xe6\x97\xa5 (1:30)"); /* cut, but not within a character */
    expect("len(string(reduce(1..5000, [#acc], 1))) < 5000", "true");
    expect("len(1..999999)", "999999");
    expect("sum(1..1000000000)", "500000000500000000");
    expect("filter(1..500000, # < 3)", "[1,2]");
}

static void comparisons_in_each_other_are_read_once(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    /* each middle is evaluated twice, and so is what is in it: it must be compiled quickly and end */
    refuse_text(repeat(&text, "", "1 < (", 200, "1"), "unexpected token EOF");
    TPH_CLEANUP(tph_buf_release) struct tph_buf deep = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (int i = 0; i < 100; i++) {
        (void)tph_buf_puts(&deep, "item < (true ? 9 : ");
    }
    (void)tph_buf_puts(&deep, "1");
    for (int i = 0; i < 100; i++) {
        (void)tph_buf_puts(&deep, ") < 10 ? 1 : 2");
    }
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_buf_str(&deep));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(evaluate(expr, &env, &out), 0);
    assert_string_equal(tph_buf_cstr(&out), "1");
    drop_world(&world);
}

static bool must_know_steps(void *owner, struct tph_str path)
{
    (void)owner;
    return tph_str_has_prefix(path, TPH_STR("steps"));
}

static int tag(const char *text, bool strict, struct tph_buf *out)
{
    struct world world;
    struct tph_expr_env env = make_world(&world);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_str(text));
    struct tph_expr_tag_rules rules = {.must_know = strict ? must_know_steps : NULL};
    tph_buf_clear(out);
    int result = tph_expr_tag(expr, &env, &rules, out, out);
    drop_world(&world);
    return result;
}

static void tags_wait_for_names_that_come_late(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(tag("item + 1", true, &out), 0);
    assert_string_equal(tph_buf_cstr(&out), "8");
    assert_int_equal(tag("retries ?? 'x'", true, &out), TPH_EXPR_TAG_LEFT);
    assert_int_equal(tag("steps.a.status", true, &out), TPH_EXPR_TAG_MISSING);
    assert_string_equal(tph_buf_cstr(&out), "failed to evaluate expression: steps is missing");
    assert_int_equal(tag("steps.a.status", false, &out), TPH_EXPR_TAG_LEFT);
    assert_int_equal(tag("inputs.parameters.zzz", true, &out), TPH_EXPR_TAG_LEFT);
    assert_int_equal(tag("inputs.parameters?.zzz", true, &out), -1);
    assert_string_equal(tph_buf_cstr(&out), "failed to evaluate expression \"inputs.parameters?.zzz\"");
    assert_int_equal(tag("1/0", true, &out), -1);
    assert_string_equal(tph_buf_cstr(&out), "failed to marshal evaluated expression: json: unsupported value: +Inf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_asked_for_as_a_whole),
        cmocka_unit_test(branches_are_maps_when_they_must_be),
        cmocka_unit_test(versions_count_on),
        cmocka_unit_test(loops_in_a_row_are_one),
        cmocka_unit_test(another_environment_is_noticed),
        cmocka_unit_test(a_name_hides_a_function),
        cmocka_unit_test(a_plain_environment_has_only_the_language),
        cmocka_unit_test(references_are_told_in_order),
        cmocka_unit_test(what_is_there_is_known),
        cmocka_unit_test(ceilings_of_the_text),
        cmocka_unit_test(ceilings_of_an_evaluation),
        cmocka_unit_test(comparisons_in_each_other_are_read_once),
        cmocka_unit_test(tags_wait_for_names_that_come_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
