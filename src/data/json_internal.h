/* SPDX-License-Identifier: Apache-2.0 */
/* Private to data/json*.c, the only files that see yyjson. Values are yyjson's mutable ones; numbers are always
 * "raw": their text. */
#pragma once

#include <stdint.h>
#include <yyjson.h>

#include "data/json.h"

struct tph_json_doc {
    yyjson_mut_doc *doc; /* owned */
};

static inline yyjson_mut_val *in(const struct tph_json *value)
{
    return (yyjson_mut_val *)(uintptr_t)value;
}

static inline struct tph_json *out(yyjson_mut_val *value)
{
    return (struct tph_json *)value;
}
