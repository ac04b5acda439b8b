/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON as Go's encoding/json does. */
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "data/json.h"

void tph_json_write_str(struct tph_str text, unsigned flags, struct tph_buf *buf)
{
    static const char hex[] = "0123456789abcdef";
    (void)tph_buf_putc(buf, '"');
    size_t plain = 0; /* bytes at the front of text that need nothing */
    while (plain < text.len) {
        unsigned char c = (unsigned char)text.p[plain];
        bool html = (flags & TPH_JSON_HTML) && (c == '<' || c == '>' || c == '&');
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && !html) {
            plain++;
            continue;
        }
        uint32_t rune;
        size_t len = tph_utf8_decode(tph_str_slice(text, plain, text.len), &rune);
        bool bad = len == 1 && c >= 0x80;
        if (c >= 0x80 && !bad && rune != 0x2028 && rune != 0x2029) {
            plain += len;
            continue;
        }
        (void)tph_buf_append(buf, text.p, plain);
        const char *shorts = strchr("\"\"\\\\\bb\ff\nn\rr\tt", c ? c : 1);
        if (bad) {
            (void)tph_buf_puts(buf, "\\ufffd");
        } else if (c < 0x80 && shorts) {
            char pair[2] = {'\\', shorts[1]};
            (void)tph_buf_append(buf, pair, 2);
        } else {
            char escape[6] = {'\\',          'u', hex[rune >> 12 & 15], hex[rune >> 8 & 15], hex[rune >> 4 & 15],
                              hex[rune & 15]};
            (void)tph_buf_append(buf, escape, 6);
        }
        text = tph_str_slice(text, plain + len, text.len);
        plain = 0;
    }
    (void)tph_buf_put(buf, text);
    (void)tph_buf_putc(buf, '"');
}

struct pair {
    struct tph_str key;
    const struct tph_json *value;
};

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void new_line(unsigned flags, size_t level, struct tph_buf *buf)
{
    if (flags & TPH_JSON_PRETTY) {
        (void)tph_buf_putc(buf, '\n');
        for (size_t i = 0; i < level; i++) {
            (void)tph_buf_append(buf, "    ", 4);
        }
    }
}

static void write_value(const struct tph_json *value, unsigned flags, size_t level, struct tph_buf *buf);

static void write_member(const struct pair *pair, unsigned flags, size_t level, struct tph_buf *buf)
{
    new_line(flags, level, buf);
    tph_json_write_str(pair->key, flags, buf);
    (void)tph_buf_puts(buf, flags & TPH_JSON_PRETTY ? ": " : ":");
    write_value(pair->value, flags, level, buf);
}

static void write_object(const struct tph_json *object, unsigned flags, size_t level, struct tph_buf *buf)
{
    size_t n = tph_json_len(object);
    TPH_CLEANUP(tph_freep) struct pair *sorted = NULL;
    struct tph_json_iter it = tph_json_iter(object);
    (void)tph_buf_putc(buf, '{');
    if (flags & TPH_JSON_SORTED && n > 1) {
        sorted = tph_calloc(n, sizeof(*sorted));
        while (tph_json_next(&it)) {
            sorted[it.index] = (struct pair){.key = it.key, .value = it.value};
        }
        qsort(sorted, n, sizeof(*sorted), by_key);
    }
    for (size_t i = 0; i < n; i++) {
        struct pair pair = {.key = TPH_STR_NONE};
        if (sorted) {
            pair = sorted[i];
        } else if (tph_json_next(&it)) {
            pair = (struct pair){.key = it.key, .value = it.value};
        }
        if (i > 0) {
            (void)tph_buf_putc(buf, ',');
        }
        write_member(&pair, flags, level + 1, buf);
    }
    if (n > 0) {
        new_line(flags, level, buf);
    }
    (void)tph_buf_putc(buf, '}');
}

static void write_array(const struct tph_json *array, unsigned flags, size_t level, struct tph_buf *buf)
{
    struct tph_json_iter it = tph_json_iter(array);
    (void)tph_buf_putc(buf, '[');
    while (tph_json_next(&it)) {
        if (it.index > 0) {
            (void)tph_buf_putc(buf, ',');
        }
        new_line(flags, level + 1, buf);
        write_value(it.value, flags, level + 1, buf);
    }
    if (tph_json_len(array) > 0) {
        new_line(flags, level, buf);
    }
    (void)tph_buf_putc(buf, ']');
}

/* Goes as deep as the value, which parsing and the places that build values keep within TPH_LIMIT_JSON_DEPTH. */
static void write_value(const struct tph_json *value, unsigned flags, size_t level, struct tph_buf *buf)
{
    switch (tph_json_type(value)) {
    case TPH_JSON_NULL:
        (void)tph_buf_puts(buf, "null");
        break;
    case TPH_JSON_BOOL:
        (void)tph_buf_puts(buf, tph_json_bool(value) ? "true" : "false");
        break;
    case TPH_JSON_NUMBER:
        (void)tph_buf_put(buf, tph_json_number_text(value));
        break;
    case TPH_JSON_STRING:
        tph_json_write_str(tph_json_str(value), flags, buf);
        break;
    case TPH_JSON_ARRAY:
        write_array(value, flags, level, buf);
        break;
    case TPH_JSON_OBJECT:
        write_object(value, flags, level, buf);
        break;
    case TPH_JSON_TYPE_COUNT:
        break;
    }
}

void tph_json_write(const struct tph_json *value, unsigned flags, struct tph_buf *buf)
{
    write_value(value, flags, 0, buf);
}

/* What Go escapes in a raw message: < > & and the two separators. NULL: nothing. */
static const char *html_escape(struct tph_str text, size_t at, size_t *ret_len)
{
    *ret_len = 1;
    switch (text.p[at]) {
    case '<':
        return "\\u003c";
    case '>':
        return "\\u003e";
    case '&':
        return "\\u0026";
    case '\xe2':
        if (at + 2 < text.len && text.p[at + 1] == '\x80' && ((unsigned char)text.p[at + 2] & 0xfe) == 0xa8) {
            *ret_len = 3;
            return text.p[at + 2] == '\xa8' ? "\\u2028" : "\\u2029";
        }
        return NULL;
    default: /* a byte, not an enum */
        return NULL;
    }
}

void tph_json_compact(struct tph_str text, unsigned flags, struct tph_buf *buf)
{
    bool in_string = false;
    size_t kept = 0; /* bytes before `at` that are not written yet begin here */
    for (size_t at = 0; at < text.len;) {
        char c = text.p[at];
        size_t len = 1;
        const char *escape = (flags & TPH_JSON_HTML) ? html_escape(text, at, &len) : NULL;
        bool blank = !in_string && (c == ' ' || c == '\n' || c == '\t' || c == '\r');
        if (escape || blank) {
            (void)tph_buf_put(buf, tph_str_slice(text, kept, at));
            (void)tph_buf_puts(buf, escape ? escape : "");
            kept = at + len;
        }
        if (in_string && c == '\\') {
            len = 2;
        } else if (c == '"') {
            in_string = !in_string;
        }
        at += len;
    }
    (void)tph_buf_put(buf, tph_str_slice(text, kept, text.len));
}
