/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of print/get: facts and tree. */
#pragma once

#include "print/get.h"

void tph_get_put_facts(const struct tph_json *workflow, const struct tph_get_options *options, struct tph_buf *out);

/* Whether there is a root to print a tree from. */
bool tph_get_has_tree(const struct tph_json *workflow);
int tph_get_put_tree(const struct tph_json *workflow, const struct tph_get_options *options, struct tph_buf *out,
                     struct tph_error *err) TPH_MUST_CHECK;
