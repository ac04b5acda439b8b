/* SPDX-License-Identifier: Apache-2.0 */
/* sprig's functions: that all are there, what recorded answers cannot show (chance, time, what is not offered), and the
 * ceilings. What they compute is in the tables sprig.jsonl and sprig_more.jsonl. */
#include "expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "expr/convert.h"
#include "expr/sprig.h"

static const int64_t now = INT64_C(1700000000123456789); /* 2023-11-14T22:13:20Z */

/* The value as JSON, or what is wrong, up to the end of its first line. */
static void evaluate(const char *text, uint64_t seed, struct tph_buf *out)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_str(text));
    TPH_CLEANUP(tph_expr_flat_freep) struct tph_expr_flat *flat = tph_expr_flat_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_MIB(1));
    struct tph_expr_env env = tph_expr_flat_env(flat);
    struct tph_expr_value value;
    env.now_ns = now;
    env.seed = seed;
    if (tph_expr_evaluate(expr, &env, &memory, &value, &problem) < 0) {
        struct tph_str rest = tph_buf_str(&problem);
        struct tph_str line;
        assert_true(tph_str_cut(&rest, '\n', &line));
        (void)tph_buf_put(out, line);
    } else if (tph_expr_write_json(value, 0, NULL, out, out) < 0) {
        fail_msg("%s: %s", text, tph_buf_cstr(out));
    }
}

/* Exactly this JSON, or an error that begins with these words. */
static void expect(const char *text, const char *wanted)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf got = TPH_BUF_INIT(TPH_MIB(1));
    evaluate(text, 1, &got);
    if (strcmp(tph_buf_cstr(&got), wanted) != 0) {
        fail_msg("%s: %s, not %s", text, tph_buf_cstr(&got), wanted);
    }
}

static void expect_error(const char *text, const char *words)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf got = TPH_BUF_INIT(TPH_MIB(1));
    evaluate(text, 1, &got);
    if (strncmp(tph_buf_cstr(&got), words, strlen(words)) != 0) {
        fail_msg("%s: %s, not %s", text, tph_buf_cstr(&got), words);
    }
}

/* All of sprig v3.3.0's generic map but env and expandenv. */
static const char *const names[] = {
    "abbrev",
    "abbrevboth",
    "add",
    "add1",
    "add1f",
    "addf",
    "adler32sum",
    "ago",
    "all",
    "any",
    "append",
    "atoi",
    "b32dec",
    "b32enc",
    "b64dec",
    "b64enc",
    "base",
    "bcrypt",
    "biggest",
    "buildCustomCert",
    "camelcase",
    "cat",
    "ceil",
    "chunk",
    "clean",
    "coalesce",
    "compact",
    "concat",
    "contains",
    "date",
    "dateInZone",
    "dateModify",
    "date_in_zone",
    "date_modify",
    "decryptAES",
    "deepCopy",
    "deepEqual",
    "default",
    "derivePassword",
    "dict",
    "dig",
    "dir",
    "div",
    "divf",
    "duration",
    "durationRound",
    "empty",
    "encryptAES",
    "ext",
    "fail",
    "first",
    "float64",
    "floor",
    "fromJson",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "get",
    "getHostByName",
    "has",
    "hasKey",
    "hasPrefix",
    "hasSuffix",
    "hello",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "indent",
    "initial",
    "initials",
    "int",
    "int64",
    "isAbs",
    "join",
    "kebabcase",
    "keys",
    "kindIs",
    "kindOf",
    "last",
    "list",
    "lower",
    "max",
    "maxf",
    "merge",
    "mergeOverwrite",
    "min",
    "minf",
    "mod",
    "mul",
    "mulf",
    "mustAppend",
    "mustChunk",
    "mustCompact",
    "mustDateModify",
    "mustDeepCopy",
    "mustFirst",
    "mustFromJson",
    "mustHas",
    "mustInitial",
    "mustLast",
    "mustMerge",
    "mustMergeOverwrite",
    "mustPrepend",
    "mustPush",
    "mustRegexFind",
    "mustRegexFindAll",
    "mustRegexMatch",
    "mustRegexReplaceAll",
    "mustRegexReplaceAllLiteral",
    "mustRegexSplit",
    "mustRest",
    "mustReverse",
    "mustSlice",
    "mustToDate",
    "mustToJson",
    "mustToPrettyJson",
    "mustToRawJson",
    "mustUniq",
    "mustWithout",
    "must_date_modify",
    "nindent",
    "nospace",
    "now",
    "omit",
    "osBase",
    "osClean",
    "osDir",
    "osExt",
    "osIsAbs",
    "pick",
    "pluck",
    "plural",
    "prepend",
    "push",
    "quote",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "regexFind",
    "regexFindAll",
    "regexMatch",
    "regexQuoteMeta",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "regexSplit",
    "repeat",
    "replace",
    "rest",
    "reverse",
    "round",
    "semver",
    "semverCompare",
    "seq",
    "set",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shuffle",
    "slice",
    "snakecase",
    "sortAlpha",
    "split",
    "splitList",
    "splitn",
    "squote",
    "sub",
    "subf",
    "substr",
    "swapcase",
    "ternary",
    "title",
    "toDate",
    "toDecimal",
    "toJson",
    "toPrettyJson",
    "toRawJson",
    "toString",
    "toStrings",
    "trim",
    "trimAll",
    "trimPrefix",
    "trimSuffix",
    "trimall",
    "trunc",
    "tuple",
    "typeIs",
    "typeIsLike",
    "typeOf",
    "uniq",
    "unixEpoch",
    "unset",
    "until",
    "untilStep",
    "untitle",
    "upper",
    "urlJoin",
    "urlParse",
    "uuidv4",
    "values",
    "without",
    "wrap",
    "wrapWith",
};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

static int count(void *to, struct tph_str name)
{
    size_t *n = to;
    const struct tph_expr_function *function = expr_find_sprig(name);
    assert_non_null(function);
    assert_true(tph_str_eqz(name, function->name)); /* the first of its name is the only one */
    ++*n;
    return 0;
}

static void every_function_is_there_once(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < N_NAMES; i++) {
        if (!expr_find_sprig(tph_str(names[i]))) {
            fail_msg("%s is missing", names[i]);
        }
    }
    assert_null(expr_find_sprig(TPH_STR("env")));
    assert_null(expr_find_sprig(TPH_STR("expandenv")));
    assert_null(expr_find_sprig(TPH_STR("")));
    assert_int_equal(expr_list_sprig(count, &n), 0);
    assert_int_equal(n, N_NAMES);
}

static void what_is_not_offered_says_so(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "bcrypt",     "htpasswd",     "derivePassword",       "genPrivateKey", "buildCustomCert",
        "genCA",      "genCAWithKey", "genSelfSignedCert",    "genSignedCert", "genSelfSignedCertWithKey",
        "encryptAES", "decryptAES",   "genSignedCertWithKey", "getHostByName",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char text[100];
        char words[100];
        (void)snprintf(text, sizeof(text), "sprig.%s('a', 1)", refused[i]);
        (void)snprintf(words, sizeof(words), "sprig.%s is not offered: ", refused[i]);
        expect_error(text, words);
    }
}

static void chance_comes_from_the_seed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "sprig.uuidv4()",
        "sprig.randAlphaNum(20)",
        "sprig.randAlpha(20)",
        "sprig.randNumeric(20)",
        "sprig.randAscii(20)",
        "sprig.randBytes(20)",
        "sprig.randInt(0, 1000000000)",
        "sprig.shuffle('abcdefghijklmnopqrstuvwxyz')",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf first = TPH_BUF_INIT(1000);
        TPH_CLEANUP(tph_buf_release) struct tph_buf again = TPH_BUF_INIT(1000);
        TPH_CLEANUP(tph_buf_release) struct tph_buf other = TPH_BUF_INIT(1000);
        evaluate(texts[i], 1, &first);
        evaluate(texts[i], 1, &again);
        evaluate(texts[i], 2, &other);
        assert_string_equal(tph_buf_cstr(&first), tph_buf_cstr(&again));
        assert_string_not_equal(tph_buf_cstr(&first), tph_buf_cstr(&other));
    }
}

static void random_values_have_their_form(void **state)
{
    (void)state;
    expect("sprig.uuidv4() matches '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'", "true");
    expect("all(1..200, sprig.uuidv4() matches '^[0-9a-f-]{14}4[0-9a-f]{3}-[89ab]')", "true");
    expect("sprig.randAlphaNum(500) matches '^[0-9a-zA-Z]{500}$'", "true");
    expect("sprig.randAlpha(500) matches '^[a-zA-Z]{500}$'", "true");
    expect("sprig.randNumeric(500) matches '^[0-9]{500}$'", "true");
    expect("sprig.randAscii(500) matches '^[ -~]{500}$'", "true");
    expect("len(sprig.b64dec(sprig.randBytes(3)) | toBase64())", "4");
    expect("all(1..500, sprig.randInt(3, 5) in [3, 4])", "true");
    expect("sprig.uniq(map(1..500, sprig.randInt(-1, 2))) | sort()", "[-1,0,1]"); /* each of them comes */
    expect("sprig.uniq(map(1..5000, sprig.randAscii(1))) | len()", "95");
    expect("sprig.shuffle('cabcab\xc3\xa9') | split('') | sort() | join('')", "\"aabbcc\xc3\xa9\"");
    expect("[sprig.randAlpha(0), sprig.randAlpha(-3), sprig.randBytes(0), sprig.shuffle('')]", "[\"\",\"\",\"\",\"\"]");
    expect("sprig.uuidv4() != sprig.uuidv4()", "true");
    expect_error("sprig.randInt(5, 5)", "invalid argument to Intn");
    expect_error("sprig.randInt(5, 4)", "invalid argument to Intn");
    expect_error("sprig.randBytes(-1)", "runtime error: makeslice: len out of range");
}

static void now_is_the_time_of_the_evaluation(void **state)
{
    (void)state;
    expect("sprig.now()", "\"2023-11-14T22:13:20.123456789Z\"");
    expect("sprig.date('2006-01-02 15:04:05', sprig.now())", "\"2023-11-14 22:13:20\"");
    expect("sprig.htmlDate('no date')", "\"2023-11-14\"");
    expect("sprig.ago(1699999990)", "\"10s\"");
    expect("sprig.ago(sprig.int64(1700003600))", "\"-1h0m0s\"");
    expect("sprig.ago(date('2023-11-14T22:13:19.6Z'))", "\"1s\""); /* 0.523 s: rounded */
    expect("sprig.ago('no date')", "\"0s\"");
    expect("sprig.durationRound(date('2023-11-01'))", "\"13d\"");
    expect("sprig.durationRound(date('2025-11-01'))", "\"1y\"");
    expect("sprig.unixEpoch(sprig.now())", "\"1700000000\"");
    expect("sprig.toString(sprig.toDate('2006', '2020'))", "\"2020-01-01 00:00:00 +0000 UTC\"");
}

static void maps_are_changed_in_place(void **state)
{
    (void)state;
    expect("let d = {a: 1}; let e = sprig.set(d, 'b', 2); [d, e]", "[{\"a\":1,\"b\":2},{\"a\":1,\"b\":2}]");
    expect("let d = {a: 1, b: 2}; let e = sprig.unset(d, 'a'); [d, e]", "[{\"b\":2},{\"b\":2}]");
    expect("let d = {a: {x: 1}}; let e = sprig.merge(d, {a: {y: 2}}); d", "{\"a\":{\"x\":1,\"y\":2}}");
    expect("let d = {a: [1, {x: 1}]}; let e = sprig.deepCopy(d); let f = sprig.set(e.a[1], 'x', 2); [d, e]",
           "[{\"a\":[1,{\"x\":1}]},{\"a\":[1,{\"x\":2}]}]");
    expect("let s = {a: {}}; let d = sprig.merge({}, s); let e = sprig.set(d.a, 'x', 1); s", "{\"a\":{\"x\":1}}");
    expect("let l = ['b', 'a']; [sprig.sortAlpha(l), sprig.append(l, 'c'), l]",
           "[[\"a\",\"b\"],[\"b\",\"a\",\"c\"],[\"b\",\"a\"]]");
    expect_error("sprig.set(nil, 'a', 1)", "assignment to entry in nil map");
    expect("sprig.unset(nil, 'a')", "null");
}

static void keys_and_values_are_in_the_order_of_the_keys(void **state)
{
    (void)state;
    expect("sprig.keys({c: 1, a: 2, b: 3}, {d: 4, b: 5})", "[\"a\",\"b\",\"c\",\"b\",\"d\"]");
    expect("sprig.values({c: 1, a: 2, b: 3})", "[2,3,1]");
}

static void a_deep_copy_of_a_version_is_that_version(void **state)
{
    (void)state;
    expect("sprig.deepCopy([sprig.semver('1.2.3-rc.1')])", "[\"1.2.3-rc.1\"]");
}

static void a_bad_pattern_is_told_by_how_it_was_called(void **state)
{
    (void)state;
    expect("sprig.regexMatch('(', 'a')", "false");
    expect_error("sprig.mustRegexMatch('(', 'a')", "error parsing regexp: missing closing ): `(`");
    expect_error("sprig.regexFind('(', 'a')", "regexp: Compile(`(`): error parsing regexp: missing closing ): `(`");
    expect_error("sprig.regexFindAll('`(', 'a', 1)",
                 "regexp: Compile(\"`(\"): error parsing regexp: missing closing ): ``(`");
    expect_error("sprig.regexSplit('(\\n', 'a', 1)", "regexp: Compile(\"(\\n\"): error parsing regexp: ");
}

static void maps_in_themselves_end(void **state)
{
    (void)state;
    static const char *const before = "let d = {}; let e = sprig.set(d, 'x', d); "
                                      "let f = {}; let g = sprig.set(f, 'x', f); ";
    static const char *const rows[][2] = {
        {"sprig.deepCopy(d)", "values in each other, more than 1000"},
        {"sprig.merge(d, f)", "maps in each other, more than 1000"},
        {"sprig.mergeOverwrite(d, f)", "maps in each other, more than 1000"},
        {"sprig.deepEqual(d, f)", "values with more than 1000"},
        {"sprig.mustToJson(d)", "json: unsupported value: encountered a cycle"},
        {"sprig.toJson(d)", "\"\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[500];
        (void)snprintf(text, sizeof(text), "%s%s", before, rows[i][0]);
        expect_error(text, rows[i][1]);
    }
    expect("let d = {a: 1}; sprig.merge(d, d)", "{\"a\":1}");
}

static void nothing_grows_or_lasts_without_end(void **state)
{
    (void)state;
    static const char *const large[] = {
        "sprig.repeat(100000000, 'ab')",
        "sprig.indent(9000000000000000000, 'a')",
        "sprig.replace('', sprig.repeat(10000000, 'b'), 'aaaaaaaaaaaaaaaaaaaaa')",
        "sprig.join(sprig.repeat(10000000, 'b'), sprig.until(100))",
        "sprig.wrapWith(1, sprig.repeat(10000000, 'b'), 'aaaaaaaaaaaaaaaaaaaaa')",
        "sprig.chunk(1, sprig.until(2000000))",
        "let s = sprig.repeat(1000000, 'a'); map(1..100000, len(sprig.snakecase(s)))",
        "sprig.regexReplaceAll('', 'aaaaaaaaaaaaaaaaaaaaa', sprig.repeat(10000000, 'b'))",
        "sprig.quote(sprig.repeat(40000000, '\"'))",
    };
    static const char *const slow[] = {
        "sprig.until(100000000)",
        "sprig.seq(100000000)",
        "sprig.untilStep(-9000000000000000000, 9000000000000000000, 1)",
        "sprig.randAlpha(9000000000000000000)",
        "sprig.uniq(sprig.until(100000))",
        "let s = sprig.repeat(1000000, 'a'); map(1..100000, sprig.trim(s))",
        "let s = sprig.repeat(1000000, 'a'); map(1..100000, sprig.sha256sum(s))",
        "let s = sprig.repeat(100000, 'a'); map(1..100000, sprig.regexMatch('b', s))",
        "let s = sprig.repeat(10000, '\xc3\xa9'); map(1..100000, sprig.trimAll(s, s))",
    };
    char memory[100];
    char steps[100];
    (void)snprintf(memory, sizeof(memory), "the expression needs more than %zu bytes of memory", TPH_LIMIT_EXPR_MEMORY);
    (void)snprintf(steps, sizeof(steps), "the expression takes more than %d steps", TPH_LIMIT_EXPR_STEPS);
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        expect_error(large[i], memory);
    }
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        expect_error(slow[i], steps);
    }
    expect_error("sprig.repeat(9223372036854775807, 'ab')", "strings: Repeat output length overflow");
    TPH_CLEANUP(tph_buf_release) struct tph_buf many = TPH_BUF_INIT(TPH_LIMIT_EXPR);
    (void)tph_buf_puts(&many, "sprig.divf(1.1");
    for (int i = 0; i < 100; i++) { /* each gives the quotient 300 digits more */
        (void)tph_buf_puts(&many, ",1e-300");
    }
    (void)tph_buf_puts(&many, ")");
    expect_error(tph_buf_cstr(&many), "a number of more than 20000 digits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_there_once),
        cmocka_unit_test(what_is_not_offered_says_so),
        cmocka_unit_test(chance_comes_from_the_seed),
        cmocka_unit_test(random_values_have_their_form),
        cmocka_unit_test(now_is_the_time_of_the_evaluation),
        cmocka_unit_test(maps_are_changed_in_place),
        cmocka_unit_test(keys_and_values_are_in_the_order_of_the_keys),
        cmocka_unit_test(a_deep_copy_of_a_version_is_that_version),
        cmocka_unit_test(a_bad_pattern_is_told_by_how_it_was_called),
        cmocka_unit_test(maps_in_themselves_end),
        cmocka_unit_test(nothing_grows_or_lasts_without_end),
    };
    return cmocka_run_group_tests_name("expr/sprig", tests, NULL, NULL);
}
