/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars with their tags, and how Go prints values in messages. */
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "data/base64.h"
#include "data/number.h"
#include "data/quote.h"
#include "data/yaml_value.h"

/* The tag that go-yaml gives a meaning. */
static const char *tag_name(enum tph_yaml_meaning meaning)
{
    switch (meaning) {
    case TPH_YAML_NULL:
        return "null";
    case TPH_YAML_TRUE:
    case TPH_YAML_FALSE:
        return "bool";
    case TPH_YAML_INT:
    case TPH_YAML_UINT:
        return "int";
    case TPH_YAML_FLOAT:
    case TPH_YAML_INFINITE:
    case TPH_YAML_NEGATIVE_INFINITE:
    case TPH_YAML_NAN:
        return "float";
    case TPH_YAML_TIMESTAMP:
        return "timestamp";
    case TPH_YAML_STRING:
    case TPH_YAML_MEANING_COUNT:
        break;
    }
    return "str";
}

static int decode_binary(const struct tph_yaml_node *node, struct tph_arena *arena, struct tph_str *ret_text,
                         struct tph_yaml_failure *failure)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(node->text.len);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(node->text.len * 3);
    if (tph_base64_decode(node->text, &bytes) < 0) {
        failure->at = node->at;
        return tph_error_set(failure->err, TPH_ERROR_INVALID, "yaml: !!binary value contains invalid base64 data");
    }
    (void)tph_utf8_repair(&text, tph_buf_str(&bytes)); /* what Go does when it writes the JSON */
    *ret_text = tph_arena_str(arena, tph_buf_str(&text));
    return 0;
}

/* A scalar with one of the tags that go-yaml resolves: the text must be able to be that. */
static int resolve_tagged(const struct tph_yaml_node *node, struct tph_yaml_scalar *ret_scalar,
                          struct tph_yaml_failure *failure)
{
    struct tph_yaml_scalar scalar = tph_yaml_resolve(node->text);
    const char *found = tag_name(scalar.meaning);
    if (scalar.meaning == TPH_YAML_TIMESTAMP && strcmp(node->tag, "timestamp") != 0) {
        found = "str"; /* go-yaml looks for times only where no other tag is */
    }
    if (scalar.meaning == TPH_YAML_INT && strcmp(node->tag, "float") == 0 &&
        tph_number_to_double(tph_str(scalar.number), &scalar.value) == 0) {
        scalar.meaning = TPH_YAML_FLOAT;
        found = node->tag;
    }
    if (strcmp(found, node->tag) != 0) {
        failure->at = node->at;
        return tph_error_set(failure->err, TPH_ERROR_INVALID, "yaml: cannot decode !!%s `%.*s` as a !!%s", found,
                             TPH_FMT(node->text), node->tag);
    }
    *ret_scalar = scalar;
    return 0;
}

int tph_yaml_scalar_of(const struct tph_yaml_node *node, struct tph_arena *arena, struct tph_yaml_scalar *ret_scalar,
                       struct tph_str *ret_text, struct tph_yaml_failure *failure)
{
    static const char *const resolvable[] = {"null", "bool", "int", "float", "timestamp"};
    *ret_text = node->text;
    *ret_scalar = (struct tph_yaml_scalar){.meaning = TPH_YAML_STRING};
    if (!node->tag) {
        if (node->implicit) {
            *ret_scalar = tph_yaml_resolve(node->text);
        }
        return 0;
    }
    if (strcmp(node->tag, "binary") == 0) {
        return decode_binary(node, arena, ret_text, failure);
    }
    for (size_t i = 0; i < sizeof(resolvable) / sizeof(resolvable[0]); i++) {
        if (strcmp(node->tag, resolvable[i]) == 0) {
            return resolve_tagged(node, ret_scalar, failure);
        }
    }
    return 0;
}

static void print_scalar(const struct tph_yaml_node *node, struct tph_buf *out)
{
    struct tph_yaml_scalar scalar = {.meaning = TPH_YAML_STRING};
    if (!node->tag && node->implicit) {
        scalar = tph_yaml_resolve(node->text);
    }
    switch (scalar.meaning) {
    case TPH_YAML_NULL:
        (void)tph_buf_puts(out, "interface {}(nil)");
        break;
    case TPH_YAML_TRUE:
    case TPH_YAML_FALSE:
        (void)tph_buf_puts(out, scalar.meaning == TPH_YAML_TRUE ? "true" : "false");
        break;
    case TPH_YAML_INT:
        (void)tph_buf_puts(out, scalar.number);
        break;
    case TPH_YAML_UINT:
        (void)tph_buf_printf(out, "0x%llx", strtoull(scalar.number, NULL, 10));
        break;
    case TPH_YAML_FLOAT:
        tph_number_write_g(scalar.value, out);
        break;
    case TPH_YAML_INFINITE:
    case TPH_YAML_NEGATIVE_INFINITE:
        (void)tph_buf_puts(out, scalar.meaning == TPH_YAML_INFINITE ? "+Inf" : "-Inf");
        break;
    case TPH_YAML_NAN:
        (void)tph_buf_puts(out, "NaN");
        break;
    case TPH_YAML_STRING:
    case TPH_YAML_TIMESTAMP:
    case TPH_YAML_MEANING_COUNT:
        tph_quote_go(node->text, out);
        break;
    }
}

/* As deep as the tree, whose depth is limited; aliases end where out is full. */
static void print(const struct tph_yaml_node *node, size_t depth, struct tph_buf *out)
{
    while (node->kind == TPH_YAML_ALIAS) {
        node = node->target;
    }
    if (tph_buf_failed(out) || depth > TPH_LIMIT_YAML_DEPTH) {
        return;
    }
    if (node->kind == TPH_YAML_SCALAR) {
        print_scalar(node, out);
        return;
    }
    bool mapping = node->kind == TPH_YAML_MAPPING;
    (void)tph_buf_puts(out, mapping ? "map[interface {}]interface {}{" : "[]interface {}{");
    for (const struct tph_yaml_node *child = node->first; child; child = child->next) {
        (void)tph_buf_puts(out, child == node->first ? "" : ", ");
        print(child, depth + 1, out);
        if (mapping) {
            child = child->next;
            (void)tph_buf_putc(out, ':');
            print(child, depth + 1, out);
        }
    }
    (void)tph_buf_putc(out, '}');
}

void tph_yaml_print_go(const struct tph_yaml_node *node, struct tph_buf *out)
{
    print(node, 0, out);
}
