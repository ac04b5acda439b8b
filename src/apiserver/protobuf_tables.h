/* SPDX-License-Identifier: Apache-2.0 */
/* Which field of a message has which number: for protobuf.c. Constant data. The table is generated:
 * tools/go_protobuf.py.
 */
#pragma once

#include "api/gotype.h"

struct tph_pb_field {
    unsigned number;                   /* 0 ends a message */
    const char *name;                  /* in JSON; NULL: the members of the message stand in its owner there */
    const struct tph_pb_field *fields; /* of a message, or of the elements of a list or map; NULL: no message */
};

struct tph_pb_kind {
    const char *api_version, *kind; /* NULL ends the table */
    const struct tph_go_type *type;
    const struct tph_pb_field *fields;
};

extern const struct tph_pb_kind tph_pb_kinds[];
