/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "podrt/env.h"

#define PATH "spec.sidecar.container"

/* The objects there are: one Secret, one ConfigMap, in namespace "work". */
static const struct {
    enum tph_env_source kind;
    const char *name, *key, *value;
} objects[] = {
    {TPH_ENV_SECRET, "jira", "user", "ada"},           {TPH_ENV_SECRET, "jira", "token", "s3cr3t"},
    {TPH_ENV_CONFIGMAP, "settings", "LEVEL", "debug"}, {TPH_ENV_CONFIGMAP, "settings", "not=a name", "x"},
    {TPH_ENV_CONFIGMAP, "settings", "COLOUR", "blue"},
};
enum { N_OBJECTS = sizeof(objects) / sizeof(objects[0]) };

static int value_of(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name, struct tph_str key,
                    struct tph_buf *value)
{
    int result = 1;
    (void)owner;
    for (size_t i = 0; i < N_OBJECTS && tph_str_eqz(ns, "work"); i++) {
        if (objects[i].kind == kind && tph_str_eqz(name, objects[i].name)) {
            result = 2;
            if (tph_str_eqz(key, objects[i].key)) {
                (void)tph_buf_puts(value, objects[i].value);
                return 0;
            }
        }
    }
    return result;
}

static int keys_of(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                   void (*each)(void *each_owner, struct tph_str key), void *each_owner)
{
    int result = 1;
    (void)owner;
    for (size_t i = 0; i < N_OBJECTS && tph_str_eqz(ns, "work"); i++) {
        if (objects[i].kind == kind && tph_str_eqz(name, objects[i].name)) {
            result = 0;
            each(each_owner, tph_str(objects[i].key));
        }
    }
    return result;
}

static const struct tph_pod_spec pod = {
    .ns = {"work", 4},
    .name = {"hello-pod", 9},
    .uid = {"1-2-3", 5},
    .objects = {.value = value_of, .keys = keys_of},
};

static struct tph_env plain(const char *name, const char *value)
{
    return (struct tph_env){.name = tph_str(name), .source = TPH_ENV_VALUE, .value = tph_str(value)};
}

static struct tph_env reference(const char *name, enum tph_env_source source, const char *object, const char *key)
{
    return (struct tph_env){
        .name = tph_str(name), .source = source, .ref_name = tph_str(object), .ref_key = tph_str(key)};
}

/* Resolves; the environment as text, a line a variable, or the error's text. */
static char *resolve(const struct tph_container *container)
{
    TPH_CLEANUP(tph_environment_release) struct tph_environment env = TPH_ENVIRONMENT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_environment_set(&env, TPH_STR("HOME"), TPH_STR("/tmp"), PATH, &err), 0);
    if (tph_environment_add(&env, container, PATH, &pod, &err) < 0) {
        return tph_strdup(err.text);
    }
    struct tph_buf text = TPH_BUF_INIT(TPH_MIB(2));
    char **list = tph_environment_list(&env);
    for (size_t i = 0; list[i]; i++) {
        (void)tph_buf_printf(&text, "%s\n", list[i]);
    }
    free(list);
    return tph_buf_take(&text, NULL);
}

static void expect(const struct tph_env *env, size_t n, const char *expected)
{
    struct tph_container container = {.env = env, .n_env = n};
    TPH_CLEANUP(tph_freep) char *text = resolve(&container);
    assert_string_equal(text, expected);
}

static void variables_come_from_values_secrets_configmaps_and_the_pod(void **state)
{
    (void)state;
    const struct tph_env env[] = {
        plain("A", "1"),
        reference("TOKEN", TPH_ENV_SECRET, "jira", "token"),
        reference("LEVEL", TPH_ENV_CONFIGMAP, "settings", "LEVEL"),
        reference("NAME", TPH_ENV_FIELD, "", "metadata.name"),
        reference("SPACE", TPH_ENV_FIELD, "", "metadata.namespace"),
        reference("UID", TPH_ENV_FIELD, "", "metadata.uid"),
    };
    expect(env, 6, "HOME=/tmp\nA=1\nTOKEN=s3cr3t\nLEVEL=debug\nNAME=hello-pod\nSPACE=work\nUID=1-2-3\n");
}

static void a_value_refers_to_variables_before_it(void **state)
{
    (void)state;
    const struct tph_env env[] = {
        plain("A", "one"),   plain("B", "$(A)-$(LATER)-$$(A)-$(HOME)"),
        plain("LATER", "x"), plain("C", "cost $5 $(unclosed $"),
        plain("D", "$()"),
    };
    expect(env, 5, "HOME=/tmp\nA=one\nB=one-$(LATER)-$(A)-/tmp\nLATER=x\nC=cost $5 $(unclosed $\nD=$()\n");
}

static void the_later_of_one_name_wins_and_may_use_the_earlier(void **state)
{
    (void)state;
    const struct tph_env env[] = {plain("A", "x"), plain("A", "$(A)y"), plain("HOME", "/home/$(A)")};
    expect(env, 3, "HOME=/home/xy\nA=xy\n");
}

static void env_from_takes_all_keys_that_are_names_with_a_prefix(void **state)
{
    (void)state;
    const struct tph_env_from from[] = {
        {.source = TPH_ENV_CONFIGMAP, .ref_name = TPH_STR("settings"), .prefix = TPH_STR("CFG_")},
        {.source = TPH_ENV_SECRET, .ref_name = TPH_STR("absent"), .optional = true},
    };
    const struct tph_env env[] = {plain("CFG_COLOUR", "red")};
    struct tph_container container = {.env_from = from, .n_env_from = 2, .env = env, .n_env = 1};
    TPH_CLEANUP(tph_freep) char *text = resolve(&container);
    assert_string_equal(text, "HOME=/tmp\nCFG_LEVEL=debug\nCFG_COLOUR=red\n");
}

static void a_missing_secret_is_named(void **state)
{
    (void)state;
    const struct tph_env env[] = {plain("A", "1"), reference("T", TPH_ENV_SECRET, "github", "token")};
    expect(env, 2,
           PATH ".env[1].valueFrom.secretKeyRef: there is no Secret \"github\" in namespace work\n"
                "  give its manifest too, or say optional: true");
}

static void a_missing_key_is_named_with_its_secret_and_its_keys(void **state)
{
    (void)state;
    const struct tph_env env[] = {reference("T", TPH_ENV_SECRET, "jira", "tokem")};
    expect(env, 1,
           PATH ".env[0].valueFrom.secretKeyRef: Secret \"jira\" in namespace work has no key \"tokem\"\n"
                "  its keys are user, token");
}

static void a_missing_object_of_env_from_is_named(void **state)
{
    (void)state;
    const struct tph_env_from from[] = {{.source = TPH_ENV_CONFIGMAP, .ref_name = TPH_STR("absent")}};
    struct tph_container container = {.env_from = from, .n_env_from = 1};
    TPH_CLEANUP(tph_freep) char *text = resolve(&container);
    assert_string_equal(text, PATH ".envFrom[0].configMapRef: there is no ConfigMap \"absent\" in namespace work\n"
                                   "  give its manifest too, or say optional: true");
}

static void what_is_optional_may_be_missing(void **state)
{
    (void)state;
    struct tph_env env[] = {reference("A", TPH_ENV_SECRET, "absent", "k"), reference("B", TPH_ENV_SECRET, "jira", "k")};
    env[0].optional = env[1].optional = true;
    expect(env, 2, "HOME=/tmp\n");
}

static void a_nul_byte_is_refused_without_showing_the_value(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_environment_release) struct tph_environment env = TPH_ENVIRONMENT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str value = {.p = "hidden\0x", .len = 8};
    assert_int_equal(tph_environment_set(&env, TPH_STR("K"), value, "here", &err), -1);
    assert_null(strstr(err.text, "hidden"));
    assert_non_null(strstr(err.text, "here: the value of K has a NUL byte"));
}

static void a_variable_is_as_long_as_the_kernel_takes_it_and_no_longer(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_environment_release) struct tph_environment env = TPH_ENVIRONMENT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(TPH_LIMIT_ARGUMENT + 1);
    memset(text, 'x', TPH_LIMIT_ARGUMENT + 1);
    struct tph_str fits = {.p = text, .len = TPH_LIMIT_ARGUMENT - 2};
    struct tph_str longer = {.p = text, .len = TPH_LIMIT_ARGUMENT - 1};
    assert_int_equal(tph_environment_set(&env, TPH_STR("A"), fits, "p", &err), 0);
    assert_int_equal(tph_environment_set(&env, TPH_STR("B"), longer, "p", &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
}

static void a_whole_environment_has_a_ceiling(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_environment_release) struct tph_environment env = TPH_ENVIRONMENT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(TPH_KIB(100));
    memset(text, 'x', TPH_KIB(100));
    int failed = 0;
    size_t n = 0;
    while (failed == 0 && n < 100) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("V%zu", n++);
        failed = tph_environment_set(&env, tph_str(name), (struct tph_str){.p = text, .len = TPH_KIB(100)}, "p", &err);
    }
    assert_int_equal(failed, -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_int_equal(n, TPH_LIMIT_ARGUMENTS / TPH_KIB(100) + 1);
}

static void variables_that_double_each_other_end_at_the_limit(void **state)
{
    (void)state;
    struct tph_env env[40];
    char names[40][16];
    char values[40][40];
    env[0] = plain("V0", "0123456789");
    for (int i = 1; i < 40; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "V%d", i);
        (void)snprintf(values[i], sizeof(values[i]), "$(V%d)$(V%d)", i - 1, i - 1);
        env[i] = plain(names[i], values[i]);
    }
    struct tph_container container = {.env = env, .n_env = 40};
    TPH_CLEANUP(tph_freep) char *text = resolve(&container);
    assert_string_equal(text, PATH ".env[14].value: with its variables it is longer than 131071 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_come_from_values_secrets_configmaps_and_the_pod),
        cmocka_unit_test(a_value_refers_to_variables_before_it),
        cmocka_unit_test(the_later_of_one_name_wins_and_may_use_the_earlier),
        cmocka_unit_test(env_from_takes_all_keys_that_are_names_with_a_prefix),
        cmocka_unit_test(a_missing_secret_is_named),
        cmocka_unit_test(a_missing_key_is_named_with_its_secret_and_its_keys),
        cmocka_unit_test(a_missing_object_of_env_from_is_named),
        cmocka_unit_test(what_is_optional_may_be_missing),
        cmocka_unit_test(a_nul_byte_is_refused_without_showing_the_value),
        cmocka_unit_test(a_variable_is_as_long_as_the_kernel_takes_it_and_no_longer),
        cmocka_unit_test(a_whole_environment_has_a_ceiling),
        cmocka_unit_test(variables_that_double_each_other_end_at_the_limit),
    };
    return cmocka_run_group_tests_name("podrt/env", tests, NULL, NULL);
}
