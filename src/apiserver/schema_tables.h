/* SPDX-License-Identifier: Apache-2.0 */
/* The generated tables of schema.h, by the name of the resource in the store; ended by a NULL one. */
#pragma once

#include "apiserver/schema.h"

struct tph_schema_row {
    const char *resource;
    const struct tph_schema *schema;
};

extern const struct tph_schema_row tph_schema_core[], tph_schema_custom[];
