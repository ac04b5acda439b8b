/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzzer has. An input that breaks a property aborts, as a memory error does. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct tph_str fuzz_text(const uint8_t *data, size_t size)
{
    return (struct tph_str){.p = size > 0 ? (const char *)data : "", .len = size};
}

/* A property that must hold. */
#define FUZZ_HOLDS(condition)                                                              \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)
