/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void tph_random_bytes(void *memory, size_t len)
{
    char *at = memory;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            abort();
        }
        at += n;
        len -= (size_t)n;
    }
}

/* splitmix64 */
uint64_t tph_random_next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

void tph_random_text(char *text, size_t len)
{
    static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
    const unsigned n = sizeof(alphabet) - 1;
    for (size_t i = 0; i < len;) {
        unsigned char bytes[64];
        tph_random_bytes(bytes, sizeof(bytes));
        for (size_t j = 0; j < sizeof(bytes) && i < len; j++) {
            /* Bytes past the last whole multiple of n would favour the first letters. */
            if (bytes[j] < 256 / n * n) {
                text[i++] = alphabet[bytes[j] % n];
            }
        }
    }
    text[len] = '\0';
}

void tph_random_uuid(char text[37])
{
    unsigned char b[16];
    tph_random_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                   b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}
