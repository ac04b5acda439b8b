/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <pthread.h>
#include <string.h>

#include "base/random.h"

static uint64_t hash_key;
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    tph_random_bytes(&hash_key, sizeof(hash_key));
}

/* The finisher of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

uint64_t tph_hash(struct tph_str str)
{
    (void)pthread_once(&hash_once, draw_key);
    uint64_t h = hash_key ^ str.len;
    size_t i = 0;
    for (; i + 8 <= str.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, str.p + i, 8);
        h = mix(h ^ word);
    }
    if (i < str.len) {
        uint64_t word = 0;
        memcpy(&word, str.p + i, str.len - i);
        h ^= word;
    }
    return mix(h);
}

uint32_t tph_fnv1a32(struct tph_str str)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < str.len; i++) {
        h = (h ^ (unsigned char)str.p[i]) * 16777619U;
    }
    return h;
}
