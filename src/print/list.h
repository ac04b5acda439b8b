/* SPDX-License-Identifier: Apache-2.0 */
/* What `argo list` prints for Workflow objects, byte for byte: a table, names, JSON or YAML.
 *
 * Order: what is not finished first, the newest first; then what is, the one that finished last first. The objects may
 * be anything that is JSON. Reference: argo 5.5. Pure.
 */
#pragma once

#include "data/json.h"
#include "print/clock.h"

enum tph_list_form {
    TPH_LIST_FORM_DEFAULT,
    TPH_LIST_FORM_WIDE, /* with counts of pods and the parameters */
    TPH_LIST_FORM_NAME,
    TPH_LIST_FORM_JSON,
    TPH_LIST_FORM_YAML,
};

struct tph_list_options {
    enum tph_list_form form;
    struct tph_print_clock clock;
    bool no_headers;
    bool namespaces; /* with a column for them */
    bool uids;
};

/* Sorts workflows and appends the text. Error (kind LIMIT): it is too large for out. */
int tph_list_write(const struct tph_json **workflows, size_t n, const struct tph_list_options *options,
                   struct tph_buf *out, struct tph_error *err) TPH_MUST_CHECK;
