/* SPDX-License-Identifier: Apache-2.0 */
#include "data/quote.h"

#include <string.h>

#include "base/utf8.h"
#include "data/unicode.h"

void tph_quote_time(struct tph_str text, struct tph_buf *out)
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

void tph_quote_rune(uint32_t rune, struct tph_buf *out)
{
    const char *shorts = rune > 0 && rune < 0x80 ? strchr("\aa\bb\ff\nn\rr\tt\vv", (int)rune) : NULL;
    if (rune == '"' || rune == '\\') {
        (void)tph_buf_printf(out, "\\%c", (char)rune);
    } else if (tph_unicode_is_printable(rune)) {
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
            tph_quote_rune(rune, out);
        }
        text = tph_str_slice(text, len, text.len);
    }
    (void)tph_buf_putc(out, '"');
}
