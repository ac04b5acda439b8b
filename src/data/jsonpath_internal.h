/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of JSONPath: a path is cut into tokens (jsonpath_parse.c), which are applied one after the other
 * (jsonpath_apply.c); filters and scripts are trees of operators (jsonpath_script.c). All memory is in one arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"
#include "data/json.h"

enum jp_type {
    JP_NIL,
    JP_BOOL,
    JP_NUMBER,
    JP_STRING,
    JP_LIST,
    JP_MAP,
};

struct jp_value {
    enum jp_type type;
    bool truth;
    bool is_count; /* a number that Go has as int64 */
    double number;
    struct tph_str text;
    const struct tph_json *json;  /* where a list or map comes from; NULL: items */
    const struct jp_value *items; /* of a list that a token made */
    size_t n;
};

struct jp_script;

enum jp_kind {
    JP_ROOT,
    JP_CURRENT,
    JP_KEY,
    JP_LENGTH,
    JP_WILDCARD,
    JP_RECURSIVE,
    JP_INDEX,
    JP_RANGE,
    JP_UNION,
    JP_FILTER,
    JP_SCRIPT,
};

enum jp_arg_kind { JP_ARG_NONE, JP_ARG_INT, JP_ARG_TEXT, JP_ARG_SCRIPT };
struct jp_arg {
    enum jp_arg_kind kind;
    int64_t number;
    struct tph_str text;
    const struct jp_script *script;
};

struct jp_token {
    enum jp_kind kind;
    struct tph_str key;
    int64_t index;
    const struct jp_script *script;
    const struct jp_arg *args; /* a range has three: from, to, step */
    size_t n_args;
};

struct jp_path {
    const struct jp_token *tokens;
    size_t n;
};

/* What one query has. */
struct jp_query {
    struct tph_arena *arena;
    struct tph_error *err;
    struct tph_json_doc *literals; /* lists and maps that stand in scripts */
    size_t steps;                  /* values looked at so far, and texts cut */
    size_t depth;                  /* scripts in each other */
    struct jp_value root;
};

/* True while there are steps left; else err says so. Callers that swallow errors look at it again. */
bool jp_step(struct jp_query *q, size_t n);

/* Fills err; returns -1. */
int jp_fail(struct jp_query *q, const char *format, ...) TPH_PRINTF(2, 3);

int jp_parse(struct jp_query *q, struct tph_str selector, struct jp_path *ret);
int jp_compile(struct jp_query *q, struct tph_str expression, const struct jp_script **ret);
int jp_apply(struct jp_query *q, struct jp_value current, struct jp_path path, struct jp_value *ret);
int jp_evaluate(struct jp_query *q, const struct jp_script *script, struct jp_value current, struct jp_value *ret);

struct jp_value jp_of_json(const struct tph_json *json);

/* The elements of a list, or the members of a map in the order of their keys. 0 of anything else. */
size_t jp_items(struct jp_query *q, const struct jp_value *of, const struct jp_value **ret);

/* The kind of a value in Go's words. */
const char *jp_kind_name(const struct jp_value *value);
bool jp_is_integer(const struct jp_value *value, int64_t *ret);
