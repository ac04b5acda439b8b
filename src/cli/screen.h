/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of a terminal, drawn again in their place, while other lines are printed above them.
 *
 * Every change is one write that leaves the terminal as it was found: cursor visible, lines wrap, no colour. So there
 * is nothing to restore, however the program ends. While it draws, wrapping is off: a terminal that measures a
 * character otherwise than we do loses a column, not the picture. After the window was made narrower most terminals
 * have broken the drawn lines in two; that is counted in when they are overwritten. In the background nothing is drawn.
 * A screen owns nothing of the terminal; all writes may fail without harm.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_screen;

struct tph_screen *tph_screen_new(int fd) TPH_MUST_CHECK; /* borrowed */
void tph_screen_free(struct tph_screen *screen);          /* draws nothing */
TPH_DEFINE_CLEANUP(struct tph_screen, tph_screen_free);

/* The window now; 24 x 80 where the terminal does not tell. */
void tph_screen_size(const struct tph_screen *screen, size_t *ret_rows, size_t *ret_columns);

/* Whether a frame drawn now would be seen: we are in the foreground, and the terminal takes bytes (Ctrl-S, a slow
 * line: the frame is better left out). */
bool tph_screen_ready(struct tph_screen *screen);

/* Puts these lines (each with its newline, at most rows - 1 of them, each at most `columns` wide: tph_screen_cut) in
 * place of those drawn before. What stands there already is not sent again. */
void tph_screen_draw(struct tph_screen *screen, struct tph_str lines);

/* Prints whole lines above what is drawn; they stay, and may be longer than a row. */
void tph_screen_print(struct tph_screen *screen, struct tph_str lines);

/* Takes what is drawn off the screen. */
void tph_screen_clear(struct tph_screen *screen);

/* Somebody else has written to the terminal: what was drawn is left where it is, the next frame goes below. */
void tph_screen_forget(struct tph_screen *screen);

/* Appends one line without its newline, cut to columns (0 = not cut) with `mark` ("…") at the end when something is
 * missing. Colour sequences take no room and are closed. */
void tph_screen_cut(struct tph_buf *out, struct tph_str line, size_t columns, const char *mark);

/* Bytes beyond which nothing of a line is shown, whatever its columns: combining marks take none. */
size_t tph_screen_bytes(size_t columns);

/* Columns that a text takes; colour sequences take none. */
size_t tph_screen_width(struct tph_str line);
