/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes: one for our own tables, one that Argo's node IDs are made with. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* For hash tables in this process only: keyed with a random number that is drawn once. Thread-safe. */
uint64_t tph_hash(struct tph_str str);

/* FNV-1a, 32 bit: Argo's node IDs (reference: workflow/util/util.go NodeID at v4.1.2). */
uint32_t tph_fnv1a32(struct tph_str str);
