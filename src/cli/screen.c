/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/utf8.h"

enum {
    WINDOW_ROWS = 24, /* where the terminal does not tell */
    WINDOW_COLUMNS = 80,
    CELL_BYTES = 32, /* marks that take no column could be piled up without end */
};

/* Around each change: terminals that know ?2026 show it at once; the others ignore it. */
#define BEGIN "\033[?2026h\r"
#define END   "\033[?2026l"

struct tph_screen {
    int fd;
    bool reflows;         /* the terminal breaks lines anew when it is resized */
    struct tph_buf drawn; /* the lines on the screen */
    size_t columns;       /* of the window they were drawn for */
};

struct tph_screen *tph_screen_new(int fd)
{
    struct tph_screen *screen = TPH_NEW(struct tph_screen);
    screen->fd = fd;
    /* xterm and GNU screen cut lines when they are resized, and say who they are. */
    screen->reflows = !getenv("XTERM_VERSION") && !getenv("STY");
    screen->drawn = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    return screen;
}

void tph_screen_free(struct tph_screen *screen)
{
    if (screen) {
        tph_buf_release(&screen->drawn);
        free(screen);
    }
}

void tph_screen_size(const struct tph_screen *screen, size_t *ret_rows, size_t *ret_columns)
{
    struct winsize window = {.ws_row = 0};
    bool told = ioctl(screen->fd, TIOCGWINSZ, &window) == 0;
    *ret_rows = told && window.ws_row > 0 ? window.ws_row : WINDOW_ROWS;
    *ret_columns = told && window.ws_col > 0 ? window.ws_col : WINDOW_COLUMNS;
}

bool tph_screen_ready(struct tph_screen *screen)
{
    pid_t foreground = tcgetpgrp(screen->fd); /* fails on a terminal that is not the one we were started from */
    if (foreground > 0 && foreground != getpgrp()) {
        tph_screen_forget(screen);
        return false;
    }
    struct pollfd poll_fd = {.fd = screen->fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) == 1;
}

/* Length of the escape sequence at the front, 0 if there is none. */
static size_t sequence_len(struct tph_str line)
{
    if (line.len == 0 || line.p[0] != '\033') {
        return 0;
    }
    ptrdiff_t end = tph_str_find_byte(line, 'm');
    return end < 0 ? line.len : (size_t)end + 1;
}

size_t tph_screen_width(struct tph_str line)
{
    size_t width = 0;
    while (line.len > 0) {
        size_t len = sequence_len(line);
        if (len == 0) {
            uint32_t rune;
            len = tph_utf8_decode(line, &rune);
            width += tph_utf8_width(tph_str_slice(line, 0, len));
        }
        line = tph_str_slice(line, len, line.len);
    }
    return width;
}

size_t tph_screen_bytes(size_t columns)
{
    return columns * CELL_BYTES;
}

void tph_screen_cut(struct tph_buf *out, struct tph_str line, size_t columns, const char *mark)
{
    if (columns == 0 || (line.len <= tph_screen_bytes(columns) && tph_screen_width(line) <= columns)) {
        (void)tph_buf_put(out, line);
        return;
    }
    line = tph_str_slice(line, 0, tph_screen_bytes(columns));
    size_t mark_width = tph_utf8_width(tph_str(mark));
    size_t room = columns > mark_width ? columns - mark_width : 0;
    bool colored = false;
    for (size_t used = 0, len; line.len > 0; line = tph_str_slice(line, len, line.len)) {
        len = sequence_len(line);
        if (len > 0) {
            colored = !tph_str_eq(tph_str_slice(line, 0, len), TPH_STR("\033[0m"));
        } else {
            uint32_t rune;
            len = tph_utf8_decode(line, &rune);
            used += tph_utf8_width(tph_str_slice(line, 0, len));
            if (used > room || (len == 1 && rune > 0x7f)) { /* cut in the middle of a character */
                break;
            }
        }
        (void)tph_buf_append(out, line.p, len);
    }
    if (mark_width <= columns) {
        (void)tph_buf_puts(out, mark);
    }
    (void)tph_buf_puts(out, colored ? "\033[0m" : "");
}

static void send(const struct tph_screen *screen, const struct tph_buf *out)
{
    (void)!tph_fd_write_all(screen->fd, tph_buf_str(out)); /* a lost screen is no reason to stop the work */
}

/* To the first of the drawn lines, which may be more rows by now than were drawn. */
static void put_up(const struct tph_screen *screen, struct tph_buf *out)
{
    size_t rows;
    size_t columns;
    tph_screen_size(screen, &rows, &columns);
    bool broken = screen->reflows && columns < screen->columns;
    size_t up = 0;
    struct tph_str rest = tph_buf_str(&screen->drawn);
    struct tph_str line;
    while (rest.len > 0 && tph_str_cut(&rest, '\n', &line)) {
        size_t width = broken ? tph_screen_width(line) : 0;
        up += width > columns ? (width + columns - 1) / columns : 1;
    }
    if (up > 0) {
        (void)tph_buf_printf(out, "\033[%zuA", up);
    }
}

/* The drawn lines, over whatever stands there; nothing is below them. Each row is erased before it is written: behind a
 * full one the cursor stands on its last character. */
static void put_drawn(const struct tph_screen *screen, struct tph_buf *out)
{
    (void)tph_buf_puts(out, "\033[?7l");
    struct tph_str rest = tph_buf_str(&screen->drawn);
    struct tph_str line;
    while (rest.len > 0 && tph_str_cut(&rest, '\n', &line)) {
        (void)tph_buf_puts(out, "\033[K");
        (void)tph_buf_put(out, line);
        (void)tph_buf_puts(out, "\r\n");
    }
    (void)tph_buf_puts(out, "\033[J\033[?7h");
}

void tph_screen_draw(struct tph_screen *screen, struct tph_str lines)
{
    size_t rows;
    size_t columns;
    tph_screen_size(screen, &rows, &columns);
    if (columns == screen->columns && tph_str_eq(lines, tph_buf_str(&screen->drawn))) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&out, BEGIN);
    put_up(screen, &out);
    tph_buf_clear(&screen->drawn);
    (void)tph_buf_put(&screen->drawn, lines);
    screen->columns = columns;
    put_drawn(screen, &out);
    (void)tph_buf_puts(&out, END);
    send(screen, &out);
}

void tph_screen_print(struct tph_screen *screen, struct tph_str lines)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (screen->drawn.len > 0) {
        (void)tph_buf_puts(&out, BEGIN);
        put_up(screen, &out);
        (void)tph_buf_puts(&out, "\033[J");
    }
    (void)tph_buf_put(&out, lines);
    if (screen->drawn.len > 0) {
        put_drawn(screen, &out);
        (void)tph_buf_puts(&out, END);
    }
    send(screen, &out);
}

void tph_screen_clear(struct tph_screen *screen)
{
    if (screen->drawn.len > 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(1));
        (void)tph_buf_puts(&out, BEGIN);
        put_up(screen, &out);
        (void)tph_buf_puts(&out, "\033[J" END);
        send(screen, &out);
        tph_screen_forget(screen);
    }
}

void tph_screen_forget(struct tph_screen *screen)
{
    tph_buf_clear(&screen->drawn);
}
