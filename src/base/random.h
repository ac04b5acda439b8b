/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from the kernel. The engine gets random numbers as inputs and never includes this. */
#pragma once

#include <stddef.h>

/* Fills memory; aborts when the kernel has no random source. */
void tph_random_bytes(void *memory, size_t len);

/* Writes len characters of Kubernetes' alphabet for generated names and tokens (no vowels, no 0, 1, 3) and a
 * NUL: text has room for len + 1. Every character is equally likely. */
void tph_random_text(char *text, size_t len);

/* A version 4 UUID as 36 characters and a NUL. */
void tph_random_uuid(char text[37]);
