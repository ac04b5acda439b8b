/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of token may follow which: all the grammar that the library checks before it builds a tree. */
#include "when/internal.h"

#define BIT(kind) (1u << (kind))
enum {
    VALUES = BIT(WHEN_NUMERIC) | BIT(WHEN_BOOLEAN) | BIT(WHEN_VARIABLE) | BIT(WHEN_ACCESSOR) | BIT(WHEN_CLAUSE),
    OPERATORS =
        BIT(WHEN_MODIFIER) | BIT(WHEN_COMPARATOR) | BIT(WHEN_LOGICALOP) | BIT(WHEN_CLAUSE_CLOSE) | BIT(WHEN_SEPARATOR),
    START = VALUES | BIT(WHEN_PREFIX) | BIT(WHEN_PATTERN) | BIT(WHEN_STRING) | BIT(WHEN_TIME),
};

static const struct {
    const char *name;
    unsigned next;
    bool may_end;
} kinds[] = {
    [WHEN_UNKNOWN] = {"UNKNOWN", START, false},
    [WHEN_PREFIX] = {"PREFIX", VALUES | BIT(WHEN_CLAUSE_CLOSE), false},
    [WHEN_NUMERIC] = {"NUMERIC", OPERATORS | BIT(WHEN_TERNARY), true},
    [WHEN_BOOLEAN] = {"BOOLEAN", OPERATORS | BIT(WHEN_TERNARY), true},
    [WHEN_STRING] = {"STRING", OPERATORS | BIT(WHEN_TERNARY), true},
    [WHEN_PATTERN] = {"PATTERN", OPERATORS, true},
    [WHEN_TIME] = {"TIME", OPERATORS, true},
    [WHEN_VARIABLE] = {"VARIABLE", OPERATORS | BIT(WHEN_TERNARY), true},
    [WHEN_SEPARATOR] = {"SEPARATOR", START & ~BIT(WHEN_PATTERN), false},
    [WHEN_ACCESSOR] = {"ACCESSOR", OPERATORS | BIT(WHEN_TERNARY) | BIT(WHEN_CLAUSE), true},
    [WHEN_COMPARATOR] = {"COMPARATOR", START | BIT(WHEN_CLAUSE_CLOSE), false},
    [WHEN_LOGICALOP] = {"LOGICALOP", (START & ~BIT(WHEN_PATTERN)) | BIT(WHEN_CLAUSE_CLOSE), false},
    [WHEN_MODIFIER] = {"MODIFIER", VALUES | BIT(WHEN_PREFIX) | BIT(WHEN_STRING) | BIT(WHEN_CLAUSE_CLOSE), false},
    [WHEN_CLAUSE] = {"CLAUSE", START | BIT(WHEN_CLAUSE_CLOSE), false},
    [WHEN_CLAUSE_CLOSE] = {"CLAUSE_CLOSE",
                           OPERATORS | BIT(WHEN_TERNARY) | BIT(WHEN_NUMERIC) | BIT(WHEN_BOOLEAN) | BIT(WHEN_VARIABLE) |
                               BIT(WHEN_STRING) | BIT(WHEN_PATTERN) | BIT(WHEN_TIME) | BIT(WHEN_CLAUSE),
                           true},
    [WHEN_TERNARY] = {"TERNARY", (START & ~BIT(WHEN_PATTERN)) | BIT(WHEN_SEPARATOR), false},
};

bool when_may_follow(enum when_kind before, enum when_kind kind)
{
    return (kinds[before].next & BIT(kind)) != 0;
}

int when_check(const struct when_tokens *tokens, struct tph_buf *problem)
{
    static const struct when_token nothing = {.text = {.p = "<nil>", .len = 5}};
    const struct when_token *last = &nothing;
    for (size_t i = 0; i < tokens->n; i++) {
        const struct when_token *token = &tokens->items[i];
        if (!when_may_follow(last->kind, token->kind)) {
            if (last->kind == WHEN_VARIABLE && token->kind == WHEN_CLAUSE) {
                (void)tph_buf_printf(problem, "Undefined function %.*s", TPH_FMT(last->text));
                return -1;
            }
            (void)tph_buf_printf(problem, "Cannot transition token types from %s [%.*s] to %s [%.*s]",
                                 kinds[last->kind].name, TPH_FMT(last->text), kinds[token->kind].name,
                                 TPH_FMT(token->text));
            return -1;
        }
        last = token;
    }
    if (!kinds[last->kind].may_end) {
        (void)tph_buf_puts(problem, "Unexpected end of expression");
        return -1;
    }
    return 0;
}
