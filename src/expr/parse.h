/* SPDX-License-Identifier: Apache-2.0 */
/* Private to parse*.c: the state of a parser.
 *
 * After an error the library's parser goes on until it has unwound, and a fault in a word that it meets on this way is
 * told instead of the error. So functions here do not leave at once either; they make no nodes any more: NULL.
 */
#pragma once

#include "expr/internal.h"

struct expr_parser {
    struct tph_expr *expr;
    const struct tph_expr_env *env; /* NULL: nothing is hidden */
    struct expr_reader reader;
    struct expr_word word;  /* the one that is looked at */
    struct expr_word stash; /* one that was given back */
    bool has_stash;
    bool reader_failed;
    bool is_at_end;
    size_t predicates; /* in each other, here */
    size_t depth;
    size_t n_nodes;
};

struct expr_nodes {
    struct expr_node **items;
    size_t n;
    size_t capacity;
};

bool expr_parse_failed(const struct expr_parser *p);
bool expr_is_bracket(const struct expr_parser *p, const char *text);
bool expr_is_operator(const struct expr_parser *p, const char *text);
void expr_take_word(struct expr_parser *p);
void expr_expect(struct expr_parser *p, enum expr_word_kind kind, const char *text); /* text NULL: any */
void expr_parse_error(struct expr_parser *p, const char *message);                   /* at the word */
void expr_unexpected(struct expr_parser *p, const char *format);                     /* with one %s: the word */

/* NULL when something failed before, or a ceiling is reached. */
struct expr_node *expr_make(struct expr_parser *p, enum expr_kind kind, size_t at, struct expr_node *left,
                            struct expr_node *right, struct expr_node *third);
struct expr_node *expr_make_text(struct expr_parser *p, enum expr_kind kind, size_t at, struct tph_str text);
/* Gives node its items. */
struct expr_node *expr_make_items(struct expr_parser *p, enum expr_kind kind, size_t at,
                                  const struct expr_nodes *nodes);
void expr_add_node(struct expr_parser *p, struct expr_nodes *nodes, struct expr_node *node);

struct expr_node *expr_parse_expression(struct expr_parser *p, int precedence);
struct expr_node *expr_parse_sequence(struct expr_parser *p);
struct expr_node *expr_parse_primary(struct expr_parser *p);
struct expr_node *expr_parse_call(struct expr_parser *p, struct expr_word name, struct expr_node *piped, bool may_hide);
struct expr_node *expr_parse_postfix(struct expr_parser *p, struct expr_node *node);
int expr_unary_precedence(struct tph_str text, enum expr_op *ret); /* -1: no operator */
