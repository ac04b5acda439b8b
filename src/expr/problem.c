/* SPDX-License-Identifier: Apache-2.0 */
/* The library's form of an error: what, where, and the line with a pointer below it. */
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "expr/internal.h"

int expr_problem_set(struct expr_problem *problem, size_t at, const char *format, ...)
{
    if (problem->is_set) { /* the first one is told */
        return -1;
    }
    va_list args;
    va_start(args, format);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    struct tph_str message = tph_str_slice(tph_str(text), 0, TPH_LIMIT_EXPR_MESSAGE);
    while (message.len < (size_t)n && message.len > 0 &&
           (text[message.len] & 0xc0) == 0x80) { /* not within a character */
        message.len--;
    }
    problem->is_set = true;
    problem->at = at;
    tph_buf_clear(&problem->text);
    (void)tph_buf_put(&problem->text, message);
    return -1;
}

struct place {
    size_t line, column; /* from 1; in characters */
    size_t from;         /* byte at which the line begins */
};

static struct place find_place(struct tph_str source, size_t at)
{
    struct place place = {.line = 1, .column = 1};
    size_t rune = 0;
    for (size_t byte = 0; byte < source.len && rune < at; rune++) {
        uint32_t c = 0;
        byte += tph_utf8_decode(tph_str_slice(source, byte, source.len), &c);
        place.column++;
        if (c == '\n') {
            place.line++;
            place.column = 1;
            place.from = byte;
        }
    }
    return place;
}

void expr_problem_write(const struct expr_problem *problem, struct tph_str source, struct tph_buf *out)
{
    struct place place = find_place(source, problem->at);
    struct tph_str line = tph_str_slice(source, place.from, source.len);
    ptrdiff_t end = tph_str_find_byte(line, '\n');
    line = end < 0 ? line : tph_str_slice(line, 0, (size_t)end);
    (void)tph_buf_put(out, tph_buf_str(&problem->text));
    if (line.len == 0) {
        return;
    }
    (void)tph_buf_printf(out, " (%zu:%zu)\n | ", place.line, place.column);
    for (size_t i = 0; i < line.len; i++) {
        (void)tph_buf_putc(out, line.p[i] == '\t' ? ' ' : line.p[i]);
    }
    (void)tph_buf_puts(out, "\n | ");
    for (size_t i = 1; i < place.column; i++) {
        (void)tph_buf_putc(out, '.');
    }
    (void)tph_buf_putc(out, '^');
}
