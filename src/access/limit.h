/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests a client may send: a token bucket for each, as kube-apiserver's clients have on their own side.
 *
 * A client is a text: the user's name, or the address of one who has no name. Buckets that are full again are
 * forgotten. Pure: the time is given. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct tph_limit;

/* per_second: 0 = no limit at all; burst: what may come at once. */
struct tph_limit *tph_limit_new(double per_second, double burst) TPH_MUST_CHECK;
void tph_limit_free(struct tph_limit *limit); /* NULL is fine */

/* Takes one. false: 429; it is worth to try again in a second (Retry-After: 1). */
bool tph_limit_take(struct tph_limit *limit, struct tph_str client, int64_t now_ms);
size_t tph_limit_clients(const struct tph_limit *limit); /* that are remembered */
