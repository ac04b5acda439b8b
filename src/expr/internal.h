/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of expr: text -> words (word.c) -> tree (parse.c) -> checked for an environment (check*.c) -> simplified
 * (fold.c, shortcut.c) -> value (eval*.c).
 *
 * The tree and all that hangs on it lives in the memory of its program. Every step returns 0, or -1 with the library's
 * words in the problem of the program; positions count characters, as the library does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "data/regex.h"
#include "expr/expr.h"
#include "expr/function.h"
#include "expr/value.h"

/* The first thing that went wrong, and where. */
struct expr_problem {
    struct tph_buf text;
    size_t at; /* in characters from the start of the source */
    bool is_set;
};
int expr_problem_set(struct expr_problem *problem, size_t at, const char *format, ...) TPH_PRINTF(3, 4);
/* Appends "TEXT (LINE:COLUMN)" and the line with a pointer below it; only the text where that line is empty. */
void expr_problem_write(const struct expr_problem *problem, struct tph_str source, struct tph_buf *out);

enum expr_word_kind {
    EXPR_WORD_END,
    EXPR_WORD_NAME,
    EXPR_WORD_NUMBER,
    EXPR_WORD_TEXT,
    EXPR_WORD_BYTES,
    EXPR_WORD_OPERATOR,
    EXPR_WORD_BRACKET,
};
struct expr_word {
    enum expr_word_kind kind;
    struct tph_str text; /* of a TEXT what it stands for, of others as it is spelt */
    size_t at;
};

/* Words one by one, for a fault behind the first error of the grammar must not be told. */
struct expr_reader {
    struct tph_str source;
    size_t byte, rune;           /* where the next character is */
    size_t word_byte, word_rune; /* where this word began */
    bool at_end;                 /* the last look went beyond the end */
    struct expr_word ahead;      /* a word that was read with the one before it */
    bool has_ahead;
    struct tph_expr_memory *memory;
    struct expr_problem *problem;
};
int expr_next_word(struct expr_reader *reader, struct expr_word *ret);
bool expr_is_name_rune(int64_t rune); /* letters, digits, _ and $ */
/* The text of a word in quotes; -1 with what is wrong in why. */
int expr_unquote(struct tph_str quoted, bool bytes, struct tph_expr_memory *memory, struct tph_str *ret,
                 const char **why);

enum expr_kind {
    EXPR_NIL,
    EXPR_INTEGER, /* these have their value in `constant` */
    EXPR_FLOAT,
    EXPR_BOOL,
    EXPR_STRING,
    EXPR_BYTES,
    EXPR_CONSTANT,    /* a list of literals */
    EXPR_NAME,        /* text */
    EXPR_UNARY,       /* op left */
    EXPR_BINARY,      /* left op right */
    EXPR_CHAIN,       /* left: what a ?. in it may end early */
    EXPR_MEMBER,      /* left . right */
    EXPR_SLICE,       /* left [ right : third ] */
    EXPR_CALL,        /* left ( items ) */
    EXPR_BUILTIN,     /* text ( items ) */
    EXPR_PREDICATE,   /* left */
    EXPR_POINTER,     /* # text */
    EXPR_LET,         /* let text = left; right */
    EXPR_SEQUENCE,    /* items */
    EXPR_CONDITIONAL, /* left ? right : third */
    EXPR_ARRAY,       /* items */
    EXPR_MAP,         /* items: key, value, key, value, ... */
};

enum expr_op {
    EXPR_OP_NONE,
    EXPR_OP_PIPE,
    EXPR_OP_OR,
    EXPR_OP_AND,
    EXPR_OP_EQUAL,
    EXPR_OP_NOT_EQUAL,
    EXPR_OP_LESS,
    EXPR_OP_MORE,
    EXPR_OP_MORE_EQUAL,
    EXPR_OP_LESS_EQUAL,
    EXPR_OP_IN,
    EXPR_OP_MATCHES,
    EXPR_OP_CONTAINS,
    EXPR_OP_STARTS_WITH,
    EXPR_OP_ENDS_WITH,
    EXPR_OP_RANGE,
    EXPR_OP_ADD,
    EXPR_OP_SUBTRACT,
    EXPR_OP_MULTIPLY,
    EXPR_OP_DIVIDE,
    EXPR_OP_MODULO,
    EXPR_OP_POWER,
    EXPR_OP_COALESCE,
    EXPR_OP_NOT,
    EXPR_OP_NEGATE,
    EXPR_OP_PLUS,
    EXPR_OP_IN_WORDS, /* in, with a list of nothing but literal texts on the right */
    EXPR_OP_IN_INTS,  /* in, with integers */
};

/* What is known of a value before there is one. */
enum expr_certainty {
    EXPR_IS_UNKNOWN,
    EXPR_IS_NIL,
    EXPR_IS_TYPE, /* ANY too: an interface{} that something declares */
};
struct expr_signature;
struct expr_shape {
    enum expr_certainty certainty;
    enum tph_expr_type type;
    const struct expr_shape *element;       /* of a list whose elements are known better than its type tells */
    const struct expr_signature *signature; /* of a function */
    const struct expr_builtin *builtin;     /* the function is one of the language */
};

struct expr_node {
    enum expr_kind kind;
    enum expr_op op;
    bool optional;   /* MEMBER: behind ?. */
    bool is_method;  /* MEMBER: what is called */
    bool coalesced;  /* CHAIN: directly below ?? */
    bool throws;     /* BUILTIN find: that nothing was found is an error */
    bool is_checked; /* the checker was here */
    bool is_folded;
    bool is_linked;
    uint32_t stamp; /* of the last walk that was here: parts are shared by chained comparisons */
    uint16_t depth;
    uint32_t at; /* characters from the start */
    struct tph_str text;
    struct tph_expr_value constant;
    struct expr_node *left, *right, *third;
    struct expr_node **items;
    size_t n_items;
    struct expr_shape shape;
    struct tph_str path;                /* NAME, MEMBER: the dotted name in the environment; p NULL: none */
    size_t slot;                        /* NAME, LET: the variable; SIZE_MAX: none */
    int64_t threshold;                  /* BUILTIN count: enough; 0: all are counted */
    const struct expr_builtin *builtin; /* BUILTIN */
    const struct expr_signature *known; /* CALL: what is called was known when it was checked */
    const struct tph_regex *regex;      /* BINARY matches: of a literal pattern */
};

/* A program: the text, and once it is compiled for an environment the tree and what was assumed. */
struct expr_assumption {
    struct tph_str name;
    bool is_there;
    enum tph_expr_type type;
};
struct tph_expr {
    struct tph_str source;
    char *owned_source;
    struct tph_expr_memory memory; /* tree, constants, assumptions, problem's position */
    struct expr_node *root;
    struct expr_assumption *assumptions;
    size_t n_assumptions, assumptions_capacity;
    struct tph_regex **regexes;
    size_t n_regexes, regexes_capacity;
    size_t n_slots;
    uint32_t stamp;
    bool is_plain;
    enum { EXPR_STATE_NEW, EXPR_STATE_GOOD, EXPR_STATE_BAD } state;
    struct expr_problem problem;
    struct tph_expr_reference *references;
    size_t n_references;
    bool has_references;
};
void expr_free_references(struct tph_expr *expr);

/* What an environment has under a top-level name; remembered, so that the next environment can be compared. */
const struct expr_assumption *expr_assume(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_str name);

/* The steps. env NULL: no name of the environment hides a function (for references). */
int expr_parse(struct tph_expr *expr, const struct tph_expr_env *env, struct expr_node **ret);
int expr_check(struct tph_expr *expr, const struct tph_expr_env *env);
int expr_fold(struct tph_expr *expr);
void expr_shorten(struct tph_expr *expr);
void expr_combine(struct tph_expr *expr, struct expr_node *node); /* one of the detours */
int expr_link(struct tph_expr *expr); /* variables to slots, patterns compiled, dotted paths */

struct expr_node *expr_new_node(struct tph_expr *expr, enum expr_kind kind, size_t at);

/* strconv.ParseFloat: decimals, 0x1p4, inf, infinity, nan. */
enum expr_float_text { EXPR_FLOAT_READ, EXPR_FLOAT_NONE, EXPR_FLOAT_TOO_LARGE };
enum expr_float_text expr_read_float(struct tph_str text, double *ret);
/* Whether each _ in a number stands between digits, or behind 0x, 0o, 0b and before one. */
bool expr_underscores_fit(struct tph_str number);
