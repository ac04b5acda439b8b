/* SPDX-License-Identifier: Apache-2.0 */
#include "data/base32.h"

#include <stdint.h>

enum { GROUP = 8 }; /* digits that make five bytes */

void tph_base32_encode(struct tph_str bytes, struct tph_buf *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for (size_t at = 0; at < bytes.len; at += 5) {
        size_t n = bytes.len - at < 5 ? bytes.len - at : 5;
        uint64_t group = 0;
        for (size_t i = 0; i < 5; i++) {
            group = group << 8 | (i < n ? (unsigned char)bytes.p[at + i] : 0);
        }
        char text[GROUP];
        size_t digits = (n * 8 + 4) / 5;
        for (size_t i = 0; i < GROUP; i++) {
            text[i] = i < digits ? alphabet[group >> (35 - 5 * i) & 31] : '=';
        }
        (void)tph_buf_append(out, text, GROUP);
    }
}

static int digit(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* The text without its line breaks, read by index. */
struct reader {
    struct tph_str text;
    size_t at;    /* of the next byte, in the text */
    size_t index; /* of the next one that is no line break */
    size_t len;   /* of those there are this many */
};

static struct reader read_from(struct tph_str text)
{
    struct reader r = {.text = text, .len = text.len};
    for (size_t i = 0; i < text.len; i++) {
        r.len -= text.p[i] == '\n' || text.p[i] == '\r';
    }
    return r;
}

static char next(struct reader *r)
{
    while (r->text.p[r->at] == '\n' || r->text.p[r->at] == '\r') {
        r->at++;
    }
    r->index++;
    return r->text.p[r->at++];
}

static int fault(size_t *ret_fault, size_t at)
{
    if (ret_fault) {
        *ret_fault = at;
    }
    return -1;
}

/* One = was read behind n digits; the rest of the padding must follow. Go does not look at what comes behind it. */
static int check_padding(struct reader *r, size_t n, size_t *ret_fault)
{
    if (r->len - r->index + n < GROUP - 1) {
        return fault(ret_fault, r->len);
    }
    size_t first = r->index;
    for (size_t i = 0; i < GROUP - 1 - n && r->index < r->len; i++) {
        if (next(r) != '=') {
            return fault(ret_fault, first + i - 1);
        }
    }
    return n == 3 || n == 6 ? fault(ret_fault, first - 1) : 0;
}

static void put_group(uint64_t group, size_t n, struct tph_buf *out)
{
    group <<= 5 * (GROUP - n);
    for (size_t i = 0; i < n * 5 / 8; i++) {
        (void)tph_buf_putc(out, (char)(group >> (32 - 8 * i)));
    }
}

int tph_base32_decode(struct tph_str text, struct tph_buf *out, size_t *ret_fault)
{
    struct reader r = read_from(text);
    bool ended = false;
    while (r.index < r.len && !ended) {
        uint64_t group = 0;
        size_t n = 0;
        while (n < GROUP && !ended) {
            if (r.index == r.len) {
                return fault(ret_fault, r.len - n);
            }
            char c = next(&r);
            if (c == '=' && n >= 2 && r.len - r.index < GROUP) {
                if (check_padding(&r, n, ret_fault) < 0) {
                    return -1;
                }
                ended = true;
                continue;
            }
            int value = digit(c);
            if (value < 0) {
                return fault(ret_fault, r.index - 1);
            }
            group = group << 5 | (uint64_t)value;
            n++;
        }
        put_group(group, n, out);
    }
    return 0;
}
