/* SPDX-License-Identifier: Apache-2.0 */
/* Types of functions, spelt with one letter a type. */
#include <string.h>

#include "expr/builtin.h"
#include "expr/time.h"

static const struct {
    char letter;
    enum tph_expr_type type;
    const char *name; /* NULL: the type's */
} letters[] = {
    {'a', TPH_EXPR_ANY, NULL},
    {'s', TPH_EXPR_STRING, NULL},
    {'b', TPH_EXPR_BOOL, NULL},
    {'i', TPH_EXPR_INT, NULL},
    {'I', TPH_EXPR_INT64, NULL},
    {'u', TPH_EXPR_UINT64, NULL},
    {'f', TPH_EXPR_FLOAT64, NULL},
    {'l', TPH_EXPR_LIST, NULL},
    {'m', TPH_EXPR_MAP, NULL},
    {'t', TPH_EXPR_TIME, NULL},
    {'d', TPH_EXPR_DURATION, NULL},
    {'S', TPH_EXPR_LIST_STRING, NULL},
    {'B', TPH_EXPR_BYTES, NULL},
    {'F', TPH_EXPR_LIST_FLOAT, NULL},
    {'n', TPH_EXPR_LIST_INT, NULL},
    {'M', TPH_EXPR_MONTH, NULL},
    {'W', TPH_EXPR_WEEKDAY, NULL},
    {'L', TPH_EXPR_LOCATION, NULL},
    {'V', TPH_EXPR_VERSION, NULL},
    {'v', TPH_EXPR_VERSION_STRUCT, NULL},
    {'g', TPH_EXPR_MAP_GROUPS, NULL},
    {'e', TPH_EXPR_ANY, "error"},
    {'p', TPH_EXPR_FUNCTION, "func(interface {}) bool"},
    {'q', TPH_EXPR_FUNCTION, "func(interface {}) interface {}"},
    {'r', TPH_EXPR_FUNCTION, "func(interface {}, interface {}) interface {}"},
};

static size_t index_of(char letter)
{
    size_t i = 0;
    while (i + 1 < sizeof(letters) / sizeof(letters[0]) && letters[i].letter != letter) {
        i++;
    }
    return i;
}

enum tph_expr_type expr_letter_type(char letter)
{
    return letters[index_of(letter)].type;
}

static const char *letter_name(char letter)
{
    size_t i = index_of(letter);
    return letters[i].name ? letters[i].name : tph_expr_type_name(letters[i].type);
}

bool expr_is_typed(const struct expr_signature *signature)
{
    static const char *const typed[] = {
        ":d",   ":M",  ":t",  ":W",  ":l",  ":B",   ":a",   ":b",   ":f",   ":i",   ":I",   ":m",   ":s",
        ":u",   "d:d", "d:t", "t:d", "t:b", "l:l",  "l:a",  "l:m",  "ls:s", "B:s",  "Ss:s", "a:l",  "a:a",
        "a:b",  "a:f", "a:i", "a:m", "a:s", "aa:l", "aa:a", "aa:b", "aa:s", "b:b",  "b:f",  "b:i",  "b:s",
        "bb:b", "f:b", "f:f", "f:i", "f:s", "ff:b", "i:b",  "i:f",  "i:i",  "i:s",  "ii:b", "ii:i", "ii:s",
        "I:t",  "s:B", "s:S", "s:b", "s:f", "s:i",  "s:s",  "si:i", "ss:b", "ss:s", "u:f",  "u:I",
    };
    size_t n = strlen(signature->params);
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        if (strncmp(typed[i], signature->params, n) == 0 && typed[i][n] == ':' &&
            strcmp(typed[i] + n + 1, signature->results) == 0) {
            return true;
        }
    }
    return false;
}

size_t expr_count_params(const char *params, bool *ret_variadic)
{
    size_t n = strlen(params);
    *ret_variadic = n > 0 && params[n - 1] == '*';
    return *ret_variadic ? n - 1 : n;
}

void expr_print_signature(const struct expr_signature *signature, bool with_receiver, struct tph_buf *out)
{
    const char *between = "";
    (void)tph_buf_puts(out, "func(");
    if (with_receiver && signature->receiver) {
        (void)tph_buf_puts(out, letter_name(signature->receiver));
        between = ", ";
    }
    for (const char *at = signature->params; *at && *at != '*'; at++) {
        (void)tph_buf_printf(out, "%s%s%s", between, at[1] == '*' ? "..." : "", letter_name(*at));
        between = ", ";
    }
    (void)tph_buf_puts(out, ") ");
    bool several = strlen(signature->results) > 1;
    (void)tph_buf_puts(out, several ? "(" : "");
    for (const char *at = signature->results; *at; at++) {
        (void)tph_buf_printf(out, "%s%s", at > signature->results ? ", " : "", letter_name(*at));
    }
    (void)tph_buf_puts(out, several ? ")" : "");
}

struct tph_expr_value expr_zero(char letter)
{
    static const struct tph_expr_time never = {.seconds = INT64_C(-62135596800)};
    enum tph_expr_type type = expr_letter_type(letter);
    struct tph_expr_value value = {.type = type == TPH_EXPR_ANY ? TPH_EXPR_NIL : type};
    if (type == TPH_EXPR_TIME) {
        value.time = &never;
    }
    return value;
}
