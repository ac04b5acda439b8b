/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of depends: the text becomes the logic (depends.c), the logic a program (depends_logic.c) of tokens
 * (depends_token.c). */
#pragma once

#include "base/limits.h"
#include "engine/depends.h"

enum depends_result { SUCCEEDED, FAILED, ERRORED, SKIPPED, OMITTED, DAEMONED, ANY_SUCCEEDED, ALL_FAILED, N_RESULTS };

enum depends_op_kind {
    OP_RESULTS, /* one of the results came about */
    OP_CONSTANT,
    OP_NOT,
    OP_AND,
    OP_OR,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_CHOOSE, /* condition ? first : second */
    OP_FIRST,  /* of two; nothing is nil here */
    OP_SECOND,
};

/* In postfix order. */
struct tph_depends_op {
    enum depends_op_kind kind;
    bool truth;       /* of a constant */
    unsigned results; /* bits by enum depends_result */
    size_t task;
};

/* Values that wait at the same time: at each level the one before a semicolon, a condition and its first branch. */
enum { DEPENDS_VALUES = 3 * TPH_LIMIT_DEPENDS_DEPTH + 2 };

/* False for a word that is no result. */
bool tph_depends_result(struct tph_str word, enum depends_result *ret_result);

enum depends_token_kind {
    TOKEN_END,
    TOKEN_IDENTIFIER,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_OPERATOR,
    TOKEN_BRACKET,
    TOKEN_FAULT, /* text: what is wrong */
};

struct depends_token {
    enum depends_token_kind kind;
    struct tph_str text; /* of a string without its quotes; borrowed from the logic, hyphens are in it yet */
    size_t at;           /* where it begins, in bytes */
};

/* The token at *at, which goes behind it. What a fault says lives in the arena. */
struct depends_token tph_depends_next(struct tph_str logic, size_t *at, struct tph_arena *arena);

/* Fills depends->ops, n_ops, fault from its logic. Every task of it is found. */
void tph_depends_compile_logic(struct tph_depends *depends, tph_depends_find *find, void *owner,
                               struct tph_arena *arena);
