/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/schema.h"

#include <string.h>

#include "apiserver/schema_tables.h"

static const struct tph_schema *find(const struct tph_schema_row *row, const char *resource)
{
    while (row->resource && strcmp(row->resource, resource) != 0) {
        row++;
    }
    return row->schema;
}

const struct tph_schema *tph_schema_of(const struct tph_kind *kind)
{
    return find(kind->flags & TPH_KIND_CUSTOM ? tph_schema_custom : tph_schema_core, kind->resource);
}

const struct tph_schema_field *tph_schema_field_find(const struct tph_schema *schema, struct tph_str name)
{
    for (const struct tph_schema_field *f = schema->fields; f && f->name; f++) {
        if (tph_str_eqz(name, f->name)) {
            return f;
        }
    }
    return NULL;
}
