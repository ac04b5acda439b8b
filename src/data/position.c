/* SPDX-License-Identifier: Apache-2.0 */
/* Positions are the YAML reader's own tree, kept: nothing is computed for the paths that nobody asks for. */
#include "data/position.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml_internal.h"

struct tph_positions {
    struct tph_arena *arena; /* owned; holds the nodes */
    const struct tph_yaml_node *root;
};

struct tph_positions *tph_positions_of(struct tph_arena *arena, const struct tph_yaml_node *root)
{
    struct tph_positions *positions = TPH_NEW(struct tph_positions);
    positions->arena = arena;
    positions->root = root;
    return positions;
}

void tph_positions_free(struct tph_positions *positions)
{
    if (positions) {
        tph_arena_free(positions->arena);
        free(positions);
    }
}

static bool is_word(struct tph_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!plain) {
            return false;
        }
    }
    return key.len > 0;
}

/* The bytes of path that name the member `key` at its front; 0 when they do not. */
static size_t match_key(struct tph_str path, struct tph_str key)
{
    size_t skip = path.len > 0 && path.p[0] == '.' ? 1 : 0;
    bool word = is_word(key);
    size_t end = skip + key.len + (word ? 0 : 2);
    if (path.len < end) {
        return 0;
    }
    struct tph_str named = tph_str_slice(path, skip, end);
    if (!word) {
        if (named.p[0] != '[' || named.p[named.len - 1] != ']') {
            return 0;
        }
        named = tph_str_slice(named, 1, named.len - 1);
    }
    bool over = path.len == end || path.p[end] == '.' || path.p[end] == '[';
    return over && tph_str_eq(named, key) ? end : 0;
}

/* The bytes of path that are an index at its front, and the index. */
static size_t match_index(struct tph_str path, size_t *ret_index)
{
    ptrdiff_t end = tph_str_find_byte(path, ']');
    int64_t index = 0;
    if (path.len == 0 || path.p[0] != '[' || end < 0 ||
        tph_str_to_i64(tph_str_slice(path, 1, (size_t)end), &index) < 0 || index < 0) {
        return 0;
    }
    *ret_index = (size_t)index;
    return (size_t)end + 1;
}

static const struct tph_yaml_node *behind_aliases(const struct tph_yaml_node *node)
{
    while (node->kind == TPH_YAML_ALIAS) {
        node = node->target;
    }
    return node;
}

static bool is_merge(const struct tph_yaml_node *key)
{
    return !key->key.p && key->kind == TPH_YAML_SCALAR && tph_str_eqz(key->text, "<<");
}

/* The last key of the mapping that the path begins with, merged ones included; as the reader, the last one wins. */
static const struct tph_yaml_node *find_key(const struct tph_yaml_node *node, struct tph_str path, size_t depth,
                                            size_t *ret_used)
{
    const struct tph_yaml_node *found = NULL;
    node = behind_aliases(node);
    if (node->kind != TPH_YAML_MAPPING || depth == TPH_LIMIT_YAML_DEPTH) {
        return NULL;
    }
    for (const struct tph_yaml_node *key = node->first; key; key = key->next->next) {
        size_t used = 0;
        const struct tph_yaml_node *match = NULL;
        if (is_merge(key)) {
            const struct tph_yaml_node *from = key->next;
            const struct tph_yaml_node *one = from->kind == TPH_YAML_SEQUENCE ? from->first : from;
            for (; one && !match; one = from->kind == TPH_YAML_SEQUENCE ? one->next : NULL) {
                match = find_key(one, path, depth + 1, &used);
            }
        } else {
            used = match_key(path, key->key);
            match = used > 0 ? key : NULL;
        }
        if (match) {
            found = match;
            *ret_used = used;
        }
    }
    return found;
}

/* The value at path, and its place; where there is none, its nearest parent's place and NULL. */
static const struct tph_yaml_node *find(const struct tph_positions *positions, struct tph_str path,
                                        struct tph_position *ret_at)
{
    const struct tph_yaml_node *node = positions ? positions->root : NULL;
    *ret_at = node ? node->at : (struct tph_position){.line = 0};
    while (node && path.len > 0) {
        size_t used = 0;
        size_t index = 0;
        node = behind_aliases(node);
        if (node->kind == TPH_YAML_SEQUENCE) {
            used = match_index(path, &index);
            node = used > 0 ? node->first : NULL;
            for (; node && index > 0; index--) {
                node = node->next;
            }
            *ret_at = node ? node->at : *ret_at;
        } else {
            const struct tph_yaml_node *key = find_key(node, path, 0, &used);
            *ret_at = key ? key->at : *ret_at;
            node = key ? key->next : NULL;
        }
        path = tph_str_slice(path, used, path.len);
    }
    return node;
}

struct tph_position tph_positions_find(const struct tph_positions *positions, struct tph_str path)
{
    struct tph_position at;
    (void)find(positions, path, &at);
    return at;
}

struct tph_position tph_positions_literal(const struct tph_positions *positions, struct tph_str path)
{
    struct tph_position at;
    const struct tph_yaml_node *node = find(positions, path, &at);
    node = node ? behind_aliases(node) : NULL;
    return node && node->literal ? (struct tph_position){.line = node->at.line + 1, .column = node->indent + 1}
                                 : (struct tph_position){.line = 0};
}

void tph_path_key(struct tph_buf *path, struct tph_str key)
{
    if (is_word(key)) {
        (void)tph_buf_puts(path, path->len > 0 ? "." : "");
        (void)tph_buf_put(path, key);
        return;
    }
    (void)tph_buf_putc(path, '[');
    (void)tph_buf_put(path, key);
    (void)tph_buf_putc(path, ']');
}

void tph_path_index(struct tph_buf *path, size_t index)
{
    (void)tph_buf_printf(path, "[%zu]", index);
}
