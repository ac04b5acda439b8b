/* SPDX-License-Identifier: Apache-2.0 */
/* Names of templates, steps, parameters; arguments and their values. */
#include <ctype.h>
#include <string.h>

#include "lint/internal.h"

enum { NAME_MAX_LEN = 128 };

const char *tph_lint_bad_name(struct tph_str name, enum tph_lint_name kind)
{
    bool good = name.len > 0 && (kind == TPH_LINT_PARAMETER || name.p[0] != '-');
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];
        good = good && c < 128 && (isalnum(c) || c == '-' || (c == '_' && kind == TPH_LINT_PARAMETER));
    }
    if (kind == TPH_LINT_PARAMETER) {
        return good ? NULL
                    : "Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g. my_param_1, "
                      "MY-PARAM-1";
    }
    if (good) {
        return name.len > NAME_MAX_LEN ? "must be no more than 128 characters" : NULL;
    }
#define RULE                                                                                                      \
    "name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. " \
    "My-name1-2, 123-NAME)"
    return name.len > NAME_MAX_LEN ? "must be no more than 128 characters;" RULE : RULE;
}

int tph_lint_names(struct tph_lint *l, const struct tph_json *list, enum tph_lint_name kind, const char *where)
{
    struct tph_map seen = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(list);
    int failed = 0;
    while (failed == 0 && tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        const char *bad = tph_lint_bad_name(name, kind);
        if (name.len == 0) {
            failed = tph_lint_fail(l, "%s[%zu].name" TPH_LINT_PLACE_END " is required", where, it.index);
        } else if (bad) {
            failed = tph_lint_fail(l, "%s[%zu].name" TPH_LINT_PLACE_END ": '%.*s' is invalid: %s", where, it.index,
                                   TPH_FMT(name), bad);
        } else if (tph_map_set(&seen, name, l)) {
            failed = tph_lint_fail(l, "%s[%zu].name" TPH_LINT_PLACE_END " '%.*s' is not unique", where, it.index,
                                   TPH_FMT(name));
            (void)tph_lint_say(l, "'%.*s' is not unique", TPH_FMT(name));
        }
        if (failed < 0) {
            (void)tph_lint_at(l, "[%zu].name", it.index);
            failed = tph_lint_go_on(l, failed, tph_lint_here(l));
        }
    }
    tph_map_release(&seen);
    return failed;
}

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

static int value_from(struct tph_lint *l, const struct tph_json *from, struct tph_str name, const char *prefix)
{
    bool allowed = has(from, "configMapKeyRef") || has(from, "event") || has(from, "supplied");
    if (!allowed || tph_json_get_str(from, "path").len > 0 || tph_json_get_str(from, "jsonPath").len > 0 ||
        tph_json_get_str(from, "parameter").len > 0 || tph_json_get_str(from, "expression").len > 0) {
        (void)tph_lint_fail(l,
                            "%s%.*s.valueFrom" TPH_LINT_PLACE_END " only allows: default, configMapKeyRef and supplied",
                            prefix, TPH_FMT(name));
        return tph_lint_at(l, "valueFrom");
    }
    return 0;
}

static int enumeration(struct tph_lint *l, const struct tph_json *p, bool empty, const char *prefix)
{
    struct tph_str name = tph_json_get_str(p, "name");
    const struct tph_json *value = tph_json_get(p, "value");
    struct tph_json_iter it = tph_json_iter(tph_json_get(p, "enum"));
    if (tph_json_len(tph_json_get(p, "enum")) == 0) {
        (void)tph_lint_fail(l, "%s%.*s.enum" TPH_LINT_PLACE_END " should contain at least one value", prefix,
                            TPH_FMT(name));
        return tph_lint_at(l, "enum");
    }
    if (!value) {
        return empty ? 1 : tph_lint_fail(l, "%s%.*s.value" TPH_LINT_PLACE_END " is required", prefix, TPH_FMT(name));
    }
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_str(it.value), tph_json_str(value))) {
            return 0;
        }
    }
    (void)tph_lint_fail(l, "%s%.*s.value" TPH_LINT_PLACE_END " should be present in %s%.*s.enum list", prefix,
                        TPH_FMT(name), prefix, TPH_FMT(name));
    return tph_lint_at(l, "value");
}

static int parameter(struct tph_lint *l, const struct tph_json *p, bool empty, const char *prefix)
{
    struct tph_str name = tph_json_get_str(p, "name");
    if (!has(p, "value") && !has(p, "valueFrom") && !empty) {
        (void)tph_lint_fail(l, "%s%.*s.value or %s%.*s.valueFrom is required", prefix, TPH_FMT(name), prefix,
                            TPH_FMT(name));
        return tph_lint_say(l, "parameter '%.*s' has no value: value or valueFrom is required", TPH_FMT(name));
    }
    if (has(p, "valueFrom") && value_from(l, tph_json_get(p, "valueFrom"), name, prefix) < 0) {
        return -1;
    }
    return has(p, "enum") ? enumeration(l, p, empty, prefix) : 0;
}

static bool has_location(const struct tph_json *a)
{
    static const char *const PLACES[] = {"s3",  "git", "http", "artifactory", "hdfs",
                                         "raw", "oss", "gcs",  "azure",       "plugin"};
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        if (has(a, PLACES[i])) {
            return true;
        }
    }
    return false;
}

static int artifact(struct tph_lint *l, const struct tph_json *a, const char *prefix)
{
    struct tph_str name = tph_json_get_str(a, "name");
    bool from = tph_json_get_str(a, "from").len > 0;
    if (!from && !has_location(a)) {
        return tph_lint_fail(l, "%s%.*s.from, artifact location, or key is required", prefix, TPH_FMT(name));
    }
    if (from && tph_json_get_str(a, "fromExpression").len > 0) {
        return tph_lint_fail(l,
                             "%s%.*s" TPH_LINT_PLACE_END " shouldn't have both `from` and `fromExpression` in "
                             "Artifact",
                             prefix, TPH_FMT(name));
    }
    return 0;
}

/* The walk is at the arguments. */
int tph_lint_arguments(struct tph_lint *l, const struct tph_json *arguments, bool empty, const char *prefix)
{
    const struct tph_json *parameters = tph_json_get(arguments, "parameters");
    const struct tph_json *artifacts = tph_json_get(arguments, "artifacts");
    struct tph_lint_mark mark = tph_lint_enter(l, "parameters");
    if (tph_lint_names(l, parameters, TPH_LINT_PARAMETER, tph_lint_text(l, "%sparameters", prefix).p) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    (void)tph_lint_enter(l, "artifacts");
    if (tph_lint_names(l, artifacts, TPH_LINT_PARAMETER, tph_lint_text(l, "%sartifacts", prefix).p) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    struct tph_json_iter it = tph_json_iter(parameters);
    while (tph_json_next(&it)) {
        (void)tph_lint_enter(l, "parameters[%zu]", it.index);
        int result = tph_lint_go_on(l, parameter(l, it.value, empty, prefix), mark);
        if (result < 0) {
            return -1;
        }
        tph_lint_leave(l, mark);
        if (result > 0 && !l->problems) { /* Argo looks no further */
            return 0;
        }
    }
    it = tph_json_iter(artifacts);
    while (tph_json_next(&it)) {
        (void)tph_lint_enter(l, "artifacts[%zu]", it.index);
        if (tph_lint_go_on(l, artifact(l, it.value, prefix), mark) < 0) {
            return -1;
        }
        tph_lint_leave(l, mark);
    }
    return 0;
}
