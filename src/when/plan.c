/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens to a tree. Every operator binds to the left, so one loop a chain is enough; only parentheses nest. The library
 * takes any token for the end of parentheses and leaves what follows the last value unread: so does this. */
#include "when/internal.h"

struct planner {
    const struct when_tokens *tokens;
    size_t at;
    size_t depth;
    struct tph_arena *arena;
    struct tph_buf *problem;
};

/* How tight an operator binds; 0: it is none that stands between two values. */
static int level_of(enum when_op op)
{
    switch (op) {
    case WHEN_OP_SEPARATE:
        return 1;
    case WHEN_OP_TERNARY_TRUE:
    case WHEN_OP_TERNARY_FALSE:
    case WHEN_OP_COALESCE:
        return 2;
    case WHEN_OP_OR:
        return 3;
    case WHEN_OP_AND:
        return 4;
    case WHEN_OP_EQ:
    case WHEN_OP_NEQ:
    case WHEN_OP_GT:
    case WHEN_OP_GTE:
    case WHEN_OP_LT:
    case WHEN_OP_LTE:
    case WHEN_OP_REQ:
    case WHEN_OP_NREQ:
    case WHEN_OP_IN:
        return 5;
    case WHEN_OP_BIT_AND:
    case WHEN_OP_BIT_OR:
    case WHEN_OP_BIT_XOR:
        return 6;
    case WHEN_OP_LSHIFT:
    case WHEN_OP_RSHIFT:
        return 7;
    case WHEN_OP_PLUS:
    case WHEN_OP_MINUS:
        return 8;
    case WHEN_OP_MULTIPLY:
    case WHEN_OP_DIVIDE:
    case WHEN_OP_MODULUS:
        return 9;
    case WHEN_OP_EXPONENT:
        return 10;
    case WHEN_OP_NEGATE:
    case WHEN_OP_INVERT:
    case WHEN_OP_BIT_NOT:
    case WHEN_OP_NONE:
        break;
    }
    return 0;
}

static int plan_level(struct planner *p, int level, struct when_stage **ret);

static struct when_stage *new_stage(struct planner *p, enum when_op op)
{
    struct when_stage *stage = TPH_ARENA_NEW(p->arena, struct when_stage);
    stage->op = op;
    return stage;
}

/* Parentheses, after the opening one. */
static int plan_clause(struct planner *p, struct when_stage **ret)
{
    struct when_stage *inside = NULL;
    if (++p->depth > TPH_LIMIT_WHEN_DEPTH) {
        (void)tph_buf_printf(p->problem, "it has more than %d parentheses in each other", TPH_LIMIT_WHEN_DEPTH);
        return -1;
    }
    if (p->at < p->tokens->n && plan_level(p, 1, &inside) < 0) {
        return -1;
    }
    p->depth--;
    p->at++;
    *ret = new_stage(p, WHEN_OP_NONE);
    (*ret)->is_clause = true;
    (*ret)->right = inside;
    return 0;
}

static int plan_accessor(struct planner *p, const struct when_token *token, struct when_stage **ret)
{
    struct tph_str name = tph_str_slice(token->text, 1, token->text.len - 1);
    struct when_stage *arguments = NULL;
    if (p->at < p->tokens->n && p->tokens->items[p->at].kind == WHEN_CLAUSE && plan_level(p, 1, &arguments) < 0) {
        return -1;
    }
    *ret = new_stage(p, WHEN_OP_NONE);
    (*ret)->right = arguments;
    (void)tph_str_cut(&name, ' ', &(*ret)->accessor);
    return 0;
}

static struct when_value value_of(const struct when_token *token)
{
    switch (token->kind) {
    case WHEN_BOOLEAN:
        return (struct when_value){.type = WHEN_VALUE_BOOL, .truth = token->truth};
    case WHEN_NUMERIC:
    case WHEN_TIME:
        return (struct when_value){.type = WHEN_VALUE_NUMBER, .number = token->number};
    case WHEN_PATTERN:
        return (struct when_value){.type = WHEN_VALUE_PATTERN, .text = token->text, .pattern = token->pattern};
    default:
        return (struct when_value){.type = WHEN_VALUE_STRING, .text = token->text};
    }
}

/* A value, or nothing before a closing parenthesis: *ret is NULL then. */
static int plan_value(struct planner *p, struct when_stage **ret)
{
    if (p->at >= p->tokens->n) {
        (void)tph_buf_puts(p->problem, "Unexpected end of expression");
        return -1;
    }
    const struct when_token *token = &p->tokens->items[p->at++];
    switch (token->kind) {
    case WHEN_CLAUSE:
        return plan_clause(p, ret);
    case WHEN_CLAUSE_CLOSE:
        p->at--;
        *ret = NULL;
        return 0;
    case WHEN_ACCESSOR:
        return plan_accessor(p, token, ret);
    case WHEN_PREFIX: { /* another one cannot follow */
        struct when_stage *operand = NULL;
        if (plan_value(p, &operand) < 0) {
            return -1;
        }
        *ret = new_stage(p, token->op);
        (*ret)->right = operand;
        return 0;
    }
    case WHEN_NUMERIC:
    case WHEN_BOOLEAN:
    case WHEN_STRING:
    case WHEN_PATTERN:
    case WHEN_TIME:
    case WHEN_VARIABLE:
        *ret = new_stage(p, WHEN_OP_NONE);
        (*ret)->value = value_of(token);
        return 0;
    case WHEN_UNKNOWN:
    case WHEN_SEPARATOR:
    case WHEN_COMPARATOR:
    case WHEN_LOGICALOP:
    case WHEN_MODIFIER:
    case WHEN_TERNARY:
        break;
    }
    (void)tph_buf_printf(p->problem, "Unable to plan token kind: '%s', value: '%.*s'",
                         token->kind == WHEN_SEPARATOR ? "SEPARATOR" : "TERNARY", TPH_FMT(token->text));
    return -1;
}

/* A chain of operators that bind at least as tight as level. */
static int plan_level(struct planner *p, int level, struct when_stage **ret)
{
    struct when_stage *left = NULL;
    if (plan_value(p, &left) < 0) {
        return -1;
    }
    while (p->at < p->tokens->n) {
        enum when_op op = p->tokens->items[p->at].op;
        int tightness = level_of(op);
        if (tightness == 0 || tightness < level) {
            break;
        }
        p->at++;
        struct when_stage *stage = new_stage(p, op);
        stage->left = left;
        if (plan_level(p, tightness + 1, &stage->right) < 0) {
            return -1;
        }
        left = stage;
    }
    *ret = left;
    return 0;
}

int when_plan(const struct when_tokens *tokens, struct tph_arena *arena, struct when_stage **ret,
              struct tph_buf *problem)
{
    struct planner p = {.tokens = tokens, .arena = arena, .problem = problem};
    return plan_level(&p, 1, ret);
}
