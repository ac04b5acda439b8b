/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/query.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool tph_query_unescape(struct tph_str text, bool plus, char *room, struct tph_str *ret_text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%') {
            if (text.len - i < 3 || hex(text.p[i + 1]) < 0 || hex(text.p[i + 2]) < 0) {
                return false;
            }
            c = (char)(hex(text.p[i + 1]) * 16 + hex(text.p[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        room[n++] = c;
    }
    *ret_text = (struct tph_str){.p = room, .len = n};
    return true;
}

void tph_query_read(struct tph_str text, struct tph_query *ret_query)
{
    struct tph_query q = {.text = tph_malloc(text.len + 1)};
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++) {
        n += text.p[i] == '&';
    }
    q.parts = tph_calloc(n, sizeof(*q.parts));
    char *room = q.text;
    struct tph_str rest = text;
    struct tph_str part;
    while (rest.p && tph_str_cut(&rest, '&', &part)) {
        ptrdiff_t equals = tph_str_find_byte(part, '=');
        struct tph_str key = equals < 0 ? part : tph_str_slice(part, 0, (size_t)equals);
        struct tph_str value = equals < 0 ? TPH_STR_NONE : tph_str_slice(part, (size_t)equals + 1, part.len);
        struct tph_query_part *into = &q.parts[q.n_parts];
        if (part.len == 0 || tph_str_find_byte(part, ';') >= 0 || !tph_query_unescape(key, true, room, &into->key)) {
            continue;
        }
        room += into->key.len;
        if (tph_query_unescape(value, true, room, &into->value)) {
            room += into->value.len;
            q.n_parts++;
        }
    }
    *ret_query = q;
}

void tph_query_release(struct tph_query *query)
{
    free(query->text);
    free(query->parts);
    *query = (struct tph_query){.text = NULL};
}

bool tph_query_get(const struct tph_query *query, const char *key, struct tph_str *ret_value)
{
    for (size_t i = 0; i < query->n_parts; i++) {
        if (tph_str_eqz(query->parts[i].key, key)) {
            if (ret_value) {
                *ret_value = query->parts[i].value;
            }
            return true;
        }
    }
    return false;
}

struct tph_str tph_query_str(const struct tph_query *query, const char *key)
{
    struct tph_str value = TPH_STR_NONE;
    (void)tph_query_get(query, key, &value);
    return value;
}

bool tph_query_bool(const struct tph_query *query, const char *key)
{
    struct tph_str value;
    if (!tph_query_get(query, key, &value)) {
        return false;
    }
    bool is_false = value.len == 5 && strncasecmp(value.p, "false", 5) == 0;
    return !tph_str_eqz(value, "0") && !is_false;
}
