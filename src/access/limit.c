/* SPDX-License-Identifier: Apache-2.0 */
#include "access/limit.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"

struct bucket {
    double tokens;
    int64_t at_ms; /* when it had so many */
    char *client;  /* owned */
};

struct tph_limit {
    double per_ms, burst;
    struct tph_map buckets; /* owned: struct bucket by client */
    size_t swept_at;        /* so many were left when the full ones were last forgotten */
};

struct tph_limit *tph_limit_new(double per_second, double burst)
{
    struct tph_limit *limit = TPH_NEW(struct tph_limit);
    limit->per_ms = per_second / 1000;
    limit->burst = burst >= 1 ? burst : 1;
    limit->buckets = TPH_MAP_INIT;
    return limit;
}

static void bucket_free(struct bucket *bucket)
{
    free(bucket->client);
    free(bucket);
}

void tph_limit_free(struct tph_limit *limit)
{
    struct tph_str client;
    void *bucket;
    if (!limit) {
        return;
    }
    for (size_t at = 0; tph_map_next(&limit->buckets, &at, &client, &bucket);) {
        bucket_free(bucket);
    }
    tph_map_release(&limit->buckets);
    free(limit);
}

static void refill(const struct tph_limit *limit, struct bucket *bucket, int64_t now_ms)
{
    if (now_ms > bucket->at_ms) {
        bucket->tokens += (double)(now_ms - bucket->at_ms) * limit->per_ms;
        bucket->tokens = bucket->tokens < limit->burst ? bucket->tokens : limit->burst;
        bucket->at_ms = now_ms;
    }
}

/* Forgets the full ones, which tell nothing; each time as many came as were left, so that it costs each request little.
 */
static void sweep(struct tph_limit *limit, int64_t now_ms)
{
    struct tph_map kept = TPH_MAP_INIT;
    struct tph_str client;
    void *value;
    for (size_t at = 0; tph_map_next(&limit->buckets, &at, &client, &value);) {
        struct bucket *bucket = value;
        refill(limit, bucket, now_ms);
        if (bucket->tokens >= limit->burst) {
            bucket_free(bucket);
        } else {
            (void)tph_map_set(&kept, tph_str(bucket->client), bucket);
        }
    }
    tph_map_release(&limit->buckets);
    limit->buckets = kept;
    limit->swept_at = tph_map_len(&kept);
}

bool tph_limit_take(struct tph_limit *limit, struct tph_str client, int64_t now_ms)
{
    if (limit->per_ms <= 0) {
        return true;
    }
    struct bucket *bucket = tph_map_get(&limit->buckets, client);
    if (!bucket) {
        if (tph_map_len(&limit->buckets) >= 2 * limit->swept_at + TPH_LIMIT_RATE_CLIENTS) {
            sweep(limit, now_ms);
        }
        bucket = TPH_NEW(struct bucket);
        *bucket = (struct bucket){.tokens = limit->burst, .at_ms = now_ms, .client = tph_str_dup(client)};
        (void)tph_map_set(&limit->buckets, tph_str(bucket->client), bucket);
    }
    refill(limit, bucket, now_ms);
    if (bucket->tokens < 1) {
        return false;
    }
    bucket->tokens -= 1;
    return true;
}

size_t tph_limit_clients(const struct tph_limit *limit)
{
    return tph_map_len(&limit->buckets);
}
