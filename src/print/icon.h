/* SPDX-License-Identifier: Apache-2.0 */
/* How phases look: an icon or a word, with its colour. Writers append to out. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct tph_print_style {
    bool color;
    bool utf8; /* else words for icons and lines */
};

/* A node's phase by its word; nothing for what is no phase. */
void tph_print_phase_icon(struct tph_str phase, const struct tph_print_style *style, struct tph_buf *out);

/* A node that waits for somebody to resume it. */
void tph_print_suspended_icon(const struct tph_print_style *style, struct tph_buf *out);

/* A condition of a workflow by its type: an icon where Argo has one, and a blank. */
void tph_print_condition_icon(struct tph_str type, const struct tph_print_style *style, struct tph_buf *out);

/* Text in the colour of that SGR number ("32"), if the style has colours. */
void tph_print_colored(const char *text, const char *color, const struct tph_print_style *style, struct tph_buf *out);
