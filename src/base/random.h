/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from the kernel. The engine gets random numbers as inputs and never includes this. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills memory; aborts when the kernel has no random source. */
void tph_random_bytes(void *memory, size_t len);

/* The next number of a sequence that whoever knows `state` can foretell: for marks that are no secrets, and cost no
 * system call. Begin with a state of tph_random_bytes. */
uint64_t tph_random_next(uint64_t *state);

/* Writes len characters of Kubernetes' alphabet for generated names and tokens (no vowels, no 0, 1, 3) and a
 * NUL: text has room for len + 1. Every character is equally likely. */
void tph_random_text(char *text, size_t len);

/* A version 4 UUID as 36 characters and a NUL. */
void tph_random_uuid(char text[37]);
