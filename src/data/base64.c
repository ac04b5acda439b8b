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

int tph_base64_decode(struct tph_str text, struct tph_buf *out)
{
    uint32_t group = 0;
    unsigned n = 0;       /* digits in group */
    unsigned padding = 0; /* '=' seen */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r') {
            continue;
        }
        int value = digit(c);
        if (c == '=' && n + padding >= 2 && padding < 2) {
            padding++;
            value = 0;
        } else if (value < 0 || padding > 0) {
            return -1;
        } else {
            n++;
        }
        group = group << 6 | (uint32_t)value;
        if (n + padding == 4) {
            char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
            if (tph_buf_append(out, bytes, 3 - padding) < 0) {
                return -1;
            }
            if (padding == 0) {
                n = 0;
            }
            group = 0;
        }
    }
    bool whole = n == 0 || n + padding == 4;
    return whole ? 0 : -1;
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
