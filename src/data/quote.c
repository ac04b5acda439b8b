/* SPDX-License-Identifier: Apache-2.0 */
#include "data/quote.h"

#include <string.h>

#include "base/utf8.h"

void tph_quote_duration(struct tph_str text, struct tph_buf *out)
{
    (void)tph_buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x80 || c < ' ') {
            (void)tph_buf_printf(out, "\\x%02x", c);
        } else {
            if (c == '"' || c == '\\') {
                (void)tph_buf_putc(out, '\\');
            }
            (void)tph_buf_putc(out, (char)c);
        }
    }
    (void)tph_buf_putc(out, '"');
}

/* What Go's strconv does not count as printable, as far as it matters here: controls, odd spaces, format
 * characters, surrogates, private use and non-characters. */
static bool is_printable(uint32_t rune)
{
    static const struct {
        uint32_t first, last;
    } not_printable[] = {
        {0x00, 0x1f},         {0x7f, 0xa0},         {0xad, 0xad},         {0x600, 0x605},
        {0x61c, 0x61c},       {0x6dd, 0x6dd},       {0x70f, 0x70f},       {0x1680, 0x1680},
        {0x180e, 0x180e},     {0x2000, 0x200f},     {0x2028, 0x202f},     {0x205f, 0x206f},
        {0x3000, 0x3000},     {0xd800, 0xf8ff},     {0xfeff, 0xfeff},     {0xfff0, 0xfffb},
        {0xfffe, 0xffff},     {0xe0000, 0xe0fff},   {0xf0000, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof(not_printable) / sizeof(not_printable[0]); i++) {
        if (rune >= not_printable[i].first && rune <= not_printable[i].last) {
            return false;
        }
    }
    return true;
}

static void quote_rune(uint32_t rune, struct tph_buf *out)
{
    const char *shorts = rune > 0 && rune < 0x80 ? strchr("\aa\bb\ff\nn\rr\tt\vv", (int)rune) : NULL;
    if (rune == '"' || rune == '\\') {
        (void)tph_buf_printf(out, "\\%c", (char)rune);
    } else if (is_printable(rune)) {
        (void)tph_utf8_encode(out, rune);
    } else if (shorts && rune < ' ') {
        (void)tph_buf_printf(out, "\\%c", shorts[1]);
    } else if (rune < ' ' || rune == 0x7f) {
        (void)tph_buf_printf(out, "\\x%02x", rune);
    } else if (rune < 0x10000) {
        (void)tph_buf_printf(out, "\\u%04x", rune);
    } else {
        (void)tph_buf_printf(out, "\\U%08x", rune);
    }
}

void tph_quote_go(struct tph_str text, struct tph_buf *out)
{
    (void)tph_buf_putc(out, '"');
    while (text.len > 0) {
        uint32_t rune;
        size_t len = tph_utf8_decode(text, &rune);
        if (len == 1 && rune == 0xfffd) {
            (void)tph_buf_printf(out, "\\x%02x", (unsigned char)text.p[0]);
        } else {
            quote_rune(rune, out);
        }
        text = tph_str_slice(text, len, text.len);
    }
    (void)tph_buf_putc(out, '"');
}
