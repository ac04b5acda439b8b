/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of when: text -> tokens (token.c) -> checked (grammar.c) -> tree (plan.c) -> value (eval.c).
 *
 * All of it lives in the arena of one decision. Every step returns 0, or -1 with the library's words in problem.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "data/regex.h"

enum when_kind {
    WHEN_UNKNOWN, /* before the first token */
    WHEN_PREFIX,
    WHEN_NUMERIC,
    WHEN_BOOLEAN,
    WHEN_STRING,
    WHEN_PATTERN, /* a text to the right of =~ or !~ */
    WHEN_TIME,
    WHEN_VARIABLE,
    WHEN_SEPARATOR,
    WHEN_ACCESSOR,
    WHEN_COMPARATOR,
    WHEN_LOGICALOP,
    WHEN_MODIFIER,
    WHEN_CLAUSE,
    WHEN_CLAUSE_CLOSE,
    WHEN_TERNARY,
};

enum when_op {
    WHEN_OP_NONE,
    WHEN_OP_SEPARATE,
    WHEN_OP_TERNARY_TRUE,
    WHEN_OP_TERNARY_FALSE,
    WHEN_OP_COALESCE,
    WHEN_OP_OR,
    WHEN_OP_AND,
    WHEN_OP_EQ,
    WHEN_OP_NEQ,
    WHEN_OP_GT,
    WHEN_OP_GTE,
    WHEN_OP_LT,
    WHEN_OP_LTE,
    WHEN_OP_REQ,
    WHEN_OP_NREQ,
    WHEN_OP_IN,
    WHEN_OP_BIT_AND,
    WHEN_OP_BIT_OR,
    WHEN_OP_BIT_XOR,
    WHEN_OP_LSHIFT,
    WHEN_OP_RSHIFT,
    WHEN_OP_PLUS,
    WHEN_OP_MINUS,
    WHEN_OP_MULTIPLY,
    WHEN_OP_DIVIDE,
    WHEN_OP_MODULUS,
    WHEN_OP_EXPONENT,
    WHEN_OP_NEGATE,
    WHEN_OP_INVERT,
    WHEN_OP_BIT_NOT,
};

struct when_token {
    enum when_kind kind;
    enum when_op op;
    struct tph_str text;             /* as the library would print its value */
    double number;                   /* of NUMERIC and TIME (seconds since 1970) */
    bool truth;                      /* of BOOLEAN */
    const struct tph_regex *pattern; /* of PATTERN; owned by the decision */
};

struct when_tokens {
    struct when_token *items;
    size_t n;
};

enum when_type {
    WHEN_VALUE_NIL,
    WHEN_VALUE_BOOL,
    WHEN_VALUE_NUMBER,
    WHEN_VALUE_STRING,
    WHEN_VALUE_PATTERN,
    WHEN_VALUE_LIST,
};

struct when_value {
    enum when_type type;
    union {
        bool truth;
        double number;
        struct tph_str text; /* of a pattern too */
        struct {
            struct when_value *items;
            size_t n;
            size_t capacity;
        } list;
    };
    const struct tph_regex *pattern;
};

/* A stage: an operator with what stands on its sides (NULL: nothing), or a value. */
struct when_stage {
    enum when_op op; /* NONE: a value, what parentheses hold, or an accessor */
    struct when_stage *left;
    struct when_stage *right;
    struct when_value value;
    struct tph_str accessor; /* the name before the first dot; p NULL: none */
    bool is_clause;          /* the value of right */
};

int when_read_tokens(struct tph_str when, struct tph_arena *arena, struct when_tokens *ret, struct tph_buf *problem);
bool when_may_follow(enum when_kind before, enum when_kind kind);
int when_check(const struct when_tokens *tokens, struct tph_buf *problem);
int when_plan(const struct when_tokens *tokens, struct tph_arena *arena, struct when_stage **ret,
              struct tph_buf *problem);
int when_eval(const struct when_stage *stage, struct tph_arena *arena, struct when_value *ret, struct tph_buf *problem);
void when_print(struct when_value value, struct tph_buf *out);

/* True for a date in one of the library's fourteen layouts. */
bool when_read_time(struct tph_str text, int64_t *ret_seconds);

/* Characters, independent of the locale. */
bool when_is_space(uint32_t rune);
