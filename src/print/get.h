/* SPDX-License-Identifier: Apache-2.0 */
/* What `argo get` prints for a Workflow object: a block of facts and the tree of its nodes, byte for byte.
 *
 * The object may be anything that is JSON: what is missing or of another type is left out. Texts from it are printed
 * as they are, control characters too, as Argo does; who prints to a terminal and does not trust them uses
 * tph_utf8_printable. Reference: argo 5.4. Pure; cost follows the size of the object (n log n for siblings).
 */
#pragma once

#include "data/json.h"
#include "data/fieldsel.h"
#include "print/clock.h"
#include "print/icon.h"

enum tph_get_form {
    TPH_GET_FORM_DEFAULT,
    TPH_GET_FORM_WIDE,
    TPH_GET_FORM_SHORT, /* the tree alone, if there is one */
    TPH_GET_FORM_COUNT,
};

struct tph_get_options {
    enum tph_get_form form;
    struct tph_print_style style;
    struct tph_print_clock clock;
    struct tph_str status;            /* only nodes of that phase; empty: all */
    const struct tph_fieldsel *nodes; /* only nodes that it matches (api/node_fields.h); NULL: all */
};

/* Appends to out. Error (kind LIMIT): the tree is too deep, or the text too large for out. */
int tph_get_write(const struct tph_json *workflow, const struct tph_get_options *options, struct tph_buf *out,
                  struct tph_error *err) TPH_MUST_CHECK;
