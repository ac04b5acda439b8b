/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of texts that are whole in memory: SHA-1, SHA-256, SHA-512, Adler-32. Pure, nothing to free.
 * Takes as long for all texts of one length; what was read of a secret is not wiped from the stack. */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { TPH_SHA1_BYTES = 20, TPH_SHA256_BYTES = 32, TPH_SHA512_BYTES = 64 };

void tph_sha1(struct tph_str text, unsigned char ret[TPH_SHA1_BYTES]);
void tph_sha256(struct tph_str text, unsigned char ret[TPH_SHA256_BYTES]);
void tph_sha512(struct tph_str text, unsigned char ret[TPH_SHA512_BYTES]);
uint32_t tph_adler32(struct tph_str text);
