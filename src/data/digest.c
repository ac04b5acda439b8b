/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS 180-4: SHA-1, SHA-256, SHA-512. RFC 1950: Adler-32. */
#include "data/digest.h"

#include <string.h>

/* The fractional parts of the cube roots of the first 80 primes; SHA-256 has the upper halves of the first 64. */
static const uint64_t k[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static uint32_t rotate_left(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t rotate_right(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint64_t rotate_right64(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

static uint32_t load32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store32(unsigned char *p, uint32_t x)
{
    p[0] = (unsigned char)(x >> 24);
    p[1] = (unsigned char)(x >> 16);
    p[2] = (unsigned char)(x >> 8);
    p[3] = (unsigned char)x;
}

static void store64(unsigned char *p, uint64_t x)
{
    store32(p, (uint32_t)(x >> 32));
    store32(p + 4, (uint32_t)x);
}

/* The state of any of the three: SHA-512's words fill 64 bits, those of the others 32. */
union state {
    uint32_t word[8];
    uint64_t wide[8];
};

static void sha1_block(union state *state, const unsigned char *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++) {
        w[i] = load32(block + (size_t)i * 4);
    }
    for (int i = 16; i < 80; i++) {
        w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    uint32_t *h = state->word;
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = rotate_left(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void sha256_block(union state *state, const unsigned char *block)
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++) {
        w[i] = load32(block + (size_t)i * 4);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    uint32_t v[8];
    memcpy(v, state->word, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
        uint32_t s0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + (uint32_t)(k[i] >> 32) + w[i];
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        state->word[i] += v[i];
    }
}

static void sha512_block(union state *state, const unsigned char *block)
{
    uint64_t w[80];
    for (int i = 0; i < 16; i++) {
        w[i] = (uint64_t)load32(block + (size_t)i * 8) << 32 | load32(block + (size_t)i * 8 + 4);
    }
    for (int i = 16; i < 80; i++) {
        uint64_t a = rotate_right64(w[i - 15], 1) ^ rotate_right64(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t b = rotate_right64(w[i - 2], 19) ^ rotate_right64(w[i - 2], 61) ^ w[i - 2] >> 6;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    uint64_t v[8];
    memcpy(v, state->wide, sizeof(v));
    for (int i = 0; i < 80; i++) {
        uint64_t s1 = rotate_right64(v[4], 14) ^ rotate_right64(v[4], 18) ^ rotate_right64(v[4], 41);
        uint64_t s0 = rotate_right64(v[0], 28) ^ rotate_right64(v[0], 34) ^ rotate_right64(v[0], 39);
        uint64_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint64_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        state->wide[i] += v[i];
    }
}

/* Whole blocks, then the rest with a 1 bit, zeros, and the number of bits at the end. `size`: of a block, 64 or 128. */
static void run(union state *state, void (*step)(union state *, const unsigned char *), size_t size,
                struct tph_str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t left = text.len;
    for (; left >= size; left -= size, p += size) {
        step(state, p);
    }
    unsigned char last[256] = {0};
    if (left > 0) {
        memcpy(last, p, left);
    }
    last[left] = 0x80;
    size_t total = left + 1 + size / 8 <= size ? size : 2 * size;
    store64(last + total - 8, (uint64_t)text.len * 8); /* the upper half of SHA-512's count stays zero */
    for (size_t at = 0; at < total; at += size) {
        step(state, last + at);
    }
}

void tph_sha1(struct tph_str text, unsigned char ret[TPH_SHA1_BYTES])
{
    union state state = {.word = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
    run(&state, sha1_block, 64, text);
    for (size_t i = 0; i < 5; i++) {
        store32(ret + i * 4, state.word[i]);
    }
}

void tph_sha256(struct tph_str text, unsigned char ret[TPH_SHA256_BYTES])
{
    union state state = {
        .word = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
    run(&state, sha256_block, 64, text);
    for (size_t i = 0; i < 8; i++) {
        store32(ret + i * 4, state.word[i]);
    }
}

void tph_sha512(struct tph_str text, unsigned char ret[TPH_SHA512_BYTES])
{
    union state state = {.wide = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}};
    run(&state, sha512_block, 128, text);
    for (size_t i = 0; i < 8; i++) {
        store64(ret + i * 8, state.wide[i]);
    }
}

uint32_t tph_adler32(struct tph_str text)
{
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < text.len; i++) {
        a = (a + (unsigned char)text.p[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}
