/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/source.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

static void put_place(const struct tph_source *source, struct tph_position at, struct tph_buf *place)
{
    if (!source->file) {
        return;
    }
    if (at.line > 0) {
        (void)tph_buf_printf(place, "%s:%zu:%zu: ", source->file, at.line, at.column);
    } else {
        (void)tph_buf_printf(place, "%s: ", source->file);
    }
}

void tph_source_path(const struct tph_source *source, struct tph_str path, struct tph_buf *whole)
{
    const char *prefix = source && source->prefix ? source->prefix : "";
    (void)tph_buf_puts(whole, prefix);
    if (*prefix && path.len > 0 && path.p[0] != '[') {
        (void)tph_buf_putc(whole, '.');
    }
    (void)tph_buf_put(whole, path);
}

static struct tph_position in_file(const struct tph_source *source, struct tph_position at)
{
    return at.line > 0 ? (struct tph_position){.line = at.line + source->line_offset,
                                               .column = at.column + source->column_offset}
                       : at;
}

struct tph_position tph_source_find(const struct tph_source *source, struct tph_str path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(TPH_KIB(64));
    if (!source->apart) {
        tph_source_path(source, path, &whole);
        path = tph_buf_str(&whole);
    }
    return in_file(source, tph_positions_find(source->positions, path));
}

void tph_source_place(const struct tph_source *source, struct tph_str path, struct tph_buf *place)
{
    put_place(source, tph_source_find(source, path), place);
}

struct tph_source tph_source_within(const struct tph_source *source, const char *prefix, struct tph_str path,
                                    const struct tph_positions *positions)
{
    struct tph_source within = source ? *source : (struct tph_source){.file = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(TPH_KIB(64));
    tph_source_path(source, path, &whole);
    struct tph_position begin = tph_positions_literal(within.positions, tph_buf_str(&whole));
    within.prefix = prefix;
    if (begin.line > 0) {
        within.apart = true;
        within.positions = positions;
        within.line_offset += begin.line - 1;
        within.column_offset += begin.column - 1;
    }
    return within;
}

/* Without "yaml: line 2: " or what Go says in its place: the place stands in front. */
static struct tph_str without_line(struct tph_str said)
{
    static const char *const leads[] = {"yaml: unmarshal errors:\n  line ", "yaml: line "};
    struct tph_str rest = said;
    struct tph_str number;
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (tph_str_has_prefix(said, tph_str(leads[i]))) {
            rest = tph_str_slice(said, strlen(leads[i]), said.len);
            (void)tph_str_cut(&rest, ':', &number);
        }
    }
    return rest;
}

int tph_source_syntax(const struct tph_source *source, const struct tph_position *at, struct tph_error *err)
{
    struct tph_error said = *err;
    struct tph_str text = tph_str(said.text);
    struct tph_str rest = without_line(text);
    TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(64));
    put_place(source, in_file(source, *at), &place);
    return tph_error_set(err, said.kind, "%s%s%.*s", tph_buf_cstr(&place), rest.len < text.len ? "yaml:" : "",
                         TPH_FMT(rest));
}
