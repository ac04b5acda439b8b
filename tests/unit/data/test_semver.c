/* SPDX-License-Identifier: Apache-2.0 */
/* Versions and constraints: the examples of semver.org and of the library's own documentation. */
#include "data/semver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void versions_are_written_whole(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"1.2.3", "1.2.3"},
        {"v1.2", "1.2.0"},
        {"1", "1.0.0"},
        {"1.2-rc.1", "1.2.0-rc.1"},
        {"1.2.3-a.b+c.d", "1.2.3-a.b+c.d"},
        {"01.2.3", "1.2.3"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
        struct tph_semver version;
        assert_int_equal(tph_semver_parse(tph_str(rows[i][0]), &version, NULL), 0);
        tph_semver_write(&version, &out);
        assert_string_equal(tph_buf_cstr(&out), rows[i][1]);
    }
}

static void what_is_no_version_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "invalid semantic version"},
        {"a", "invalid semantic version"},
        {"1.2.3.4", "invalid semantic version"},
        {"1.2.3-", "invalid semantic version"},
        {"1.2.3-01", "version segment starts with 0"},
        {"18446744073709551616",
         "error parsing version segment: strconv.ParseUint: parsing \"18446744073709551616\": value out of range"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_semver version;
        assert_int_equal(tph_semver_parse(tph_str(rows[i][0]), &version, &err), -1);
        assert_string_equal(err.text, rows[i][1]);
    }
}

static void precedence_is_that_of_the_specification(void **state)
{
    (void)state;
    static const char *const rising[] = {
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
        "1.0.0-rc.1",  "1.0.0",         "1.0.1",
        "1.1.0",       "2.0.0",
    };
    enum { N = sizeof(rising) / sizeof(rising[0]) };
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            struct tph_semver a;
            struct tph_semver b;
            assert_int_equal(tph_semver_parse(tph_str(rising[i]), &a, NULL), 0);
            assert_int_equal(tph_semver_parse(tph_str(rising[j]), &b, NULL), 0);
            int order = tph_semver_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void constraints(void **state)
{
    (void)state;
    static const struct {
        const char *constraint;
        const char *version;
        bool fulfils;
    } rows[] = {
        {"^1.2.0", "1.3.4", true},
        {"^1.2.0", "2.0.0", false},
        {"^0.2.3", "0.2.9", true},
        {"^0.2.3", "0.3.0", false},
        {"^0.0.3", "0.0.3", true},
        {"^0.0.3", "0.0.4", false},
        {"^0", "0.9.9", true},
        {"~1.2", "1.2.9", true},
        {"~1.2", "1.3.0", false},
        {"~1", "1.9.0", true},
        {"*", "1.2.3", true},
        {"1.x", "1.9.0", true},
        {"1.x", "2.0.0", false},
        {">1.2", "1.2.5", false},
        {">1.2", "1.3.0", true},
        {">=1.2 <1.4", "1.3.9", true},
        {">=1.2, <1.4", "1.4.0", false},
        {"1.2 - 1.4", "1.4.5", true},
        {"1.2 - 1.4", "1.5.0", false},
        {"<1 || >2", "3.0.0", true},
        {"<1 || >2", "1.5.0", false},
        {"!=1.2", "1.2.7", false},
        {"!=1.2", "1.3.0", true},
        {"=1.2.3", "1.2.3", true},
        {">=1.2.3", "1.3.0-rc1", false},
        {">=1.2.3-0", "1.3.0-rc1", true},
        {"<=1.2", "1.2.9", true},
        {" = v1.2.3 ", "1.2.3", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tph_semver version;
        struct tph_error err = TPH_ERROR_INIT;
        bool fulfils = !rows[i].fulfils;
        assert_int_equal(tph_semver_parse(tph_str(rows[i].version), &version, NULL), 0);
        int failed = tph_semver_check(tph_str(rows[i].constraint), &version, &fulfils, &err);
        if (failed || fulfils != rows[i].fulfils) {
            fail_msg("%s of %s: %d %s", rows[i].constraint, rows[i].version, fulfils, err.text);
        }
    }
}

static void what_is_no_constraint_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "improper constraint: \"\""},
        {"a", "improper constraint: \"a\""},
        {">1 ||", "improper constraint: \"\""},
        {">=<1", "improper constraint: \">=<1\""},
        {"1.2.3.4", "improper constraint: \"1.2.3.4\""},
        {"1x", "constraint parser error"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_semver version = {.major = 1};
        bool fulfils = false;
        assert_int_equal(tph_semver_check(tph_str(rows[i][0]), &version, &fulfils, &err), -1);
        assert_string_equal(err.text, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_written_whole),
        cmocka_unit_test(what_is_no_version_is_refused),
        cmocka_unit_test(precedence_is_that_of_the_specification),
        cmocka_unit_test(constraints),
        cmocka_unit_test(what_is_no_constraint_is_refused),
    };
    return cmocka_run_group_tests_name("data/semver", tests, NULL, NULL);
}
