/* SPDX-License-Identifier: Apache-2.0 */
#include "print/icon.h"

#include <stddef.h>

#include "base/limits.h"

struct look {
    const char *name, *icon, *color, *word;
};

static const struct look phases[] = {
    {"Pending", "◷", "33", "Pending"}, {"Running", "●", "36", "Running"}, {"Succeeded", "✔", "32", "Succeeded"},
    {"Skipped", "○", "39", "Skipped"}, {"Failed", "✖", "31", "Failed"},   {"Error", "⚠", "31", "Error"},
    {"Omitted", "○", "39", "Omitted"},
};

static const struct look suspended = {"", "ǁ", "36", "Suspend"};

static const struct look conditions[] = {
    {"MetricsError", "✖", "31", "Error"},
    {"SpecWarning", "⚠", "33", "Warning"},
};

void tph_print_colored(const char *text, const char *color, const struct tph_print_style *style, struct tph_buf *out)
{
    if (style->color) {
        (void)tph_buf_printf(out, "\033[%sm%s\033[0m", color, text);
    } else {
        (void)tph_buf_puts(out, text);
    }
}

static void put_look(const struct look *look, const struct tph_print_style *style, struct tph_buf *out)
{
    tph_print_colored(style->utf8 ? look->icon : look->word, look->color, style, out);
}

void tph_print_phase_icon(struct tph_str phase, const struct tph_print_style *style, struct tph_buf *out)
{
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        if (tph_str_eqz(phase, phases[i].name)) {
            put_look(&phases[i], style, out);
        }
    }
}

void tph_print_suspended_icon(const struct tph_print_style *style, struct tph_buf *out)
{
    put_look(&suspended, style, out);
}

void tph_print_condition_icon(struct tph_str type, const struct tph_print_style *style, struct tph_buf *out)
{
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        if (tph_str_eqz(type, conditions[i].name)) {
            put_look(&conditions[i], style, out);
        }
    }
    (void)tph_buf_putc(out, ' ');
}
