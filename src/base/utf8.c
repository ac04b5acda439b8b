/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <wchar.h>

size_t tph_utf8_decode(struct tph_str str, uint32_t *ret_rune)
{
    const unsigned char *p = (const unsigned char *)str.p;
    unsigned char lead = p[0];
    *ret_rune = 0xfffd;
    if (lead < 0x80) {
        *ret_rune = lead;
        return 1;
    }
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || str.len < len) {
        return 1;
    }
    uint32_t rune = lead & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 1;
        }
        rune = rune << 6 | (p[i] & 0x3f);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (rune < smallest[len] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) {
        return 1;
    }
    *ret_rune = rune;
    return len;
}

int tph_utf8_encode(struct tph_buf *buf, uint32_t rune)
{
    if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) {
        rune = 0xfffd;
    }
    char bytes[4];
    if (rune < 0x80) {
        bytes[0] = (char)rune;
        return tph_buf_append(buf, bytes, 1);
    }
    if (rune < 0x800) {
        bytes[0] = (char)(0xc0 | rune >> 6);
        bytes[1] = (char)(0x80 | (rune & 0x3f));
        return tph_buf_append(buf, bytes, 2);
    }
    if (rune < 0x10000) {
        bytes[0] = (char)(0xe0 | rune >> 12);
        bytes[1] = (char)(0x80 | (rune >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (rune & 0x3f));
        return tph_buf_append(buf, bytes, 3);
    }
    bytes[0] = (char)(0xf0 | rune >> 18);
    bytes[1] = (char)(0x80 | (rune >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (rune >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (rune & 0x3f));
    return tph_buf_append(buf, bytes, 4);
}

/* Length of the character at the front if it is valid, 0 if not. */
static size_t valid_len(struct tph_str str, uint32_t *ret_rune)
{
    size_t len = tph_utf8_decode(str, ret_rune);
    return len == 1 && (unsigned char)str.p[0] >= 0x80 ? 0 : len;
}

bool tph_utf8_valid(struct tph_str str)
{
    while (str.len > 0) {
        uint32_t rune;
        size_t len = valid_len(str, &rune);
        if (len == 0) {
            return false;
        }
        str.p += len;
        str.len -= len;
    }
    return true;
}

int tph_utf8_repair(struct tph_buf *buf, struct tph_str str)
{
    while (str.len > 0) {
        uint32_t rune;
        size_t len = valid_len(str, &rune);
        if (len == 0) {
            (void)tph_buf_puts(buf, "\xef\xbf\xbd");
            len = 1;
        } else {
            (void)tph_buf_append(buf, str.p, len);
        }
        str.p += len;
        str.len -= len;
    }
    return tph_buf_failed(buf) ? -1 : 0;
}

static void put_control(struct tph_buf *buf, uint32_t rune)
{
    if (rune == '\n') {
        (void)tph_buf_puts(buf, "\\n");
    } else if (rune == '\t') {
        (void)tph_buf_puts(buf, "\\t");
    } else if (rune == '\r') {
        (void)tph_buf_puts(buf, "\\r");
    } else {
        (void)tph_buf_printf(buf, rune < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)rune);
    }
}

/* C0, DEL, C1; and what turns the order of text around or ends a line without being a newline. */
static bool is_control(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7f && rune < 0xa0) || rune == 0x200e || rune == 0x200f ||
           (rune >= 0x2028 && rune <= 0x202e) || (rune >= 0x2066 && rune <= 0x2069);
}

int tph_utf8_printable(struct tph_buf *buf, struct tph_str str, unsigned flags)
{
    while (str.len > 0) {
        uint32_t rune;
        size_t len = valid_len(str, &rune);
        if (len == 0) {
            (void)tph_buf_puts(buf, "\xef\xbf\xbd");
            len = 1;
        } else if (rune == '\n' && (flags & TPH_UTF8_NEWLINES)) {
            (void)tph_buf_putc(buf, '\n');
        } else if (is_control(rune)) {
            put_control(buf, rune);
        } else {
            (void)tph_buf_append(buf, str.p, len);
        }
        str.p += len;
        str.len -= len;
    }
    return tph_buf_failed(buf) ? -1 : 0;
}

size_t tph_utf8_width(struct tph_str str)
{
    size_t width = 0;
    while (str.len > 0) {
        uint32_t rune;
        size_t len = tph_utf8_decode(str, &rune);
        int columns = rune < 0x80 ? 1 : wcwidth((wchar_t)rune);
        width += columns < 0 ? 1 : (size_t)columns;
        str.p += len;
        str.len -= len;
    }
    return width;
}
