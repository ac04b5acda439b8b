/* SPDX-License-Identifier: Apache-2.0 */
#include "data/item.h"

#include "base/limits.h"
#include "data/json.h"
#include "data/number.h"

enum tph_item_type tph_item_type(struct tph_str raw)
{
    double number = 0;
    raw = tph_str_trim(raw);
    if (raw.len == 0) {
        return TPH_ITEM_STRING;
    }
    switch (raw.p[0]) {
    case '[':
    case 'n':
        return TPH_ITEM_LIST;
    case '{':
        return TPH_ITEM_MAP;
    case 't':
    case 'f':
        return TPH_ITEM_BOOL;
    case '"':
        return TPH_ITEM_STRING;
    default: /* a digit or a minus sign */
        return tph_number_to_double(raw, &number) == 0 ? TPH_ITEM_NUMBER : TPH_ITEM_STRING;
    }
}

const char *tph_item_type_name(enum tph_item_type type)
{
    static const char *const names[TPH_ITEM_TYPE_COUNT] = {"Number", "Bool", "List", "Map", "String"};
    return names[type];
}

void tph_item_write_json(struct tph_str raw, struct tph_buf *buf)
{
    tph_json_compact(raw, TPH_JSON_HTML, buf);
}

/* The character that the escape at the front of text stands for, if it is one that encoding for HTML made. */
static char html_character(struct tph_str text)
{
    static const struct {
        const char *escape;
        char character;
    } escapes[] = {{"\\u003c", '<'}, {"\\u003e", '>'}, {"\\u0026", '&'}};
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (tph_str_has_prefix(text, tph_str(escapes[i].escape))) {
            return escapes[i].character;
        }
    }
    return '\0';
}

void tph_item_write_text(struct tph_str raw, struct tph_buf *buf)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf compact = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_compact(raw, 0, &compact);
    struct tph_str text = tph_buf_str(&compact);
    if (text.len >= 2 && text.p[0] == '"') {
        text = tph_str_slice(text, 1, text.len - 1);
    }
    while (text.len > 0) {
        size_t len = text.p[0] == '\\' && text.len > 1 ? 2 : 1;
        char plain = len == 2 ? html_character(text) : '\0';
        if (plain) {
            (void)tph_buf_putc(buf, plain);
            len = 6;
        } else {
            (void)tph_buf_append(buf, text.p, len);
        }
        text = tph_str_slice(text, len, text.len);
    }
}
