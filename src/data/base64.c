/* SPDX-License-Identifier: Apache-2.0 */
#include "data/base64.h"

#include <stdint.h>

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t skip_breaks(struct tph_str text, size_t at)
{
    while (at < text.len && (text.p[at] == '\n' || text.p[at] == '\r')) {
        at++;
    }
    return at;
}

static int fault(size_t *ret_fault, size_t at)
{
    if (ret_fault) {
        *ret_fault = at;
    }
    return -1;
}

/* The padding, whose first character is at `at`, behind n digits: nothing but line breaks may follow it. */
static int check_padding(struct tph_str text, size_t at, unsigned n, size_t *ret_fault)
{
    if (n < 2) {
        return fault(ret_fault, at);
    }
    at++;
    if (n == 2) {
        at = skip_breaks(text, at);
        if (at == text.len || text.p[at] != '=') {
            return fault(ret_fault, at == text.len ? at : at - 1);
        }
        at++;
    }
    at = skip_breaks(text, at);
    return at == text.len ? 0 : fault(ret_fault, at);
}

static void put_group(uint32_t group, unsigned n, struct tph_buf *out)
{
    group <<= 6 * (4 - n);
    char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
    (void)tph_buf_append(out, bytes, n - 1);
}

int tph_base64_decode_at(struct tph_str text, struct tph_buf *out, size_t *ret_fault)
{
    uint32_t group = 0;
    unsigned n = 0; /* digits in group */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r') {
            continue;
        }
        int value = digit(c);
        if (c == '=') {
            if (check_padding(text, i, n, ret_fault) < 0) {
                return -1;
            }
            put_group(group, n, out);
            return 0;
        }
        if (value < 0) {
            return fault(ret_fault, i);
        }
        group = group << 6 | (uint32_t)value;
        if (++n == 4) {
            put_group(group, n, out);
            n = 0;
            group = 0;
        }
    }
    return n == 0 ? 0 : fault(ret_fault, text.len - n);
}

int tph_base64_decode(struct tph_str text, struct tph_buf *out)
{
    return tph_base64_decode_at(text, out, NULL) < 0 || tph_buf_failed(out) ? -1 : 0;
}

void tph_base64_encode(struct tph_str bytes, struct tph_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        char text[4] = {digits[group >> 18], digits[group >> 12 & 63], left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        (void)tph_buf_append(out, text, 4);
    }
}
