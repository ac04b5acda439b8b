/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in the brackets of a URL: RFC 4291, in the words of Go's netip. */
#include "data/quote.h"
#include "data/url.h"

enum { GROUPS = 8 };

struct reader {
    struct tph_str all;
    struct tph_str rest;
    struct tph_buf *problem;
};

/* at.p NULL: no place is told. */
static int fail(struct reader *r, const char *message, struct tph_str at)
{
    (void)tph_buf_puts(r->problem, "ParseAddr(");
    tph_quote_go(r->all, r->problem);
    (void)tph_buf_printf(r->problem, "): %s", message);
    if (at.len > 0) {
        (void)tph_buf_puts(r->problem, " (at ");
        tph_quote_go(at, r->problem);
        (void)tph_buf_putc(r->problem, ')');
    }
    return -1;
}

/* Four numbers with points. */
static int check_v4(struct reader *r, struct tph_str text)
{
    int value = 0;
    int digits = 0;
    int points = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        struct tph_str here = tph_str_slice(text, i, text.len);
        if (c >= '0' && c <= '9') {
            if (digits == 1 && value == 0) {
                return fail(r, "IPv4 field has octet with leading zero", TPH_STR_NONE);
            }
            value = value * 10 + c - '0';
            digits++;
            if (value > 255) {
                return fail(r, "IPv4 field has value >255", TPH_STR_NONE);
            }
            continue;
        }
        if (c != '.') {
            return fail(r, "unexpected character", here);
        }
        if (digits == 0 || i + 1 == text.len) {
            return fail(r, "IPv4 field must have at least one digit", here);
        }
        if (++points == 4) {
            return fail(r, "IPv4 address too long", TPH_STR_NONE);
        }
        value = 0;
        digits = 0;
    }
    return points < 3 ? fail(r, "IPv4 address too short", TPH_STR_NONE) : 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* A group of digits at the front of the rest. *ret_len: how many. */
static int check_group(struct reader *r, size_t *ret_len)
{
    size_t n = 0;
    for (; n < r->rest.len && is_hex(r->rest.p[n]); n++) {
        if (n == 4) {
            return fail(r, "each group must have 4 or less digits", r->rest);
        }
    }
    if (n == 0) {
        return fail(r, "each colon-separated field must have at least one digit", r->rest);
    }
    *ret_len = n;
    return 0;
}

/* The colon behind a group, and :: perhaps, which leaves out groups once. */
static int take_colons(struct reader *r, int groups, int *gap)
{
    if (r->rest.p[0] != ':') {
        return fail(r, "unexpected character, want colon", r->rest);
    }
    if (r->rest.len == 1) {
        return fail(r, "colon must be followed by more characters", r->rest);
    }
    r->rest = tph_str_slice(r->rest, 1, r->rest.len);
    if (r->rest.p[0] == ':') {
        if (*gap >= 0) {
            return fail(r, "multiple :: in address", r->rest);
        }
        *gap = groups;
        r->rest = tph_str_slice(r->rest, 1, r->rest.len);
    }
    return 0;
}

static int check_embedded(struct reader *r, int groups, int gap)
{
    if (gap < 0 && groups != GROUPS - 2) {
        return fail(r, "embedded IPv4 address must replace the final 2 fields of the address", r->rest);
    }
    if (groups + 2 > GROUPS) {
        return fail(r, "too many hex fields to fit an embedded IPv4 at the end of the address", r->rest);
    }
    return check_v4(r, r->rest);
}

static int check_v6(struct reader *r)
{
    int groups = 0;
    int gap = -1; /* groups before :: */
    if (tph_str_has_prefix(r->rest, TPH_STR("::"))) {
        gap = 0;
        r->rest = tph_str_slice(r->rest, 2, r->rest.len);
        if (r->rest.len == 0) {
            return 0;
        }
    }
    while (groups < GROUPS) {
        size_t n = 0;
        if (check_group(r, &n) < 0) {
            return -1;
        }
        if (n < r->rest.len && r->rest.p[n] == '.') {
            if (check_embedded(r, groups, gap) < 0) {
                return -1;
            }
            groups += 2;
            r->rest = TPH_STR_NONE;
            break;
        }
        groups++;
        r->rest = tph_str_slice(r->rest, n, r->rest.len);
        if (r->rest.len == 0) {
            break;
        }
        if (take_colons(r, groups, &gap) < 0) {
            return -1;
        }
        if (r->rest.len == 0) {
            break;
        }
    }
    if (r->rest.len > 0) {
        return fail(r, "trailing garbage after address", r->rest);
    }
    if (groups < GROUPS && gap < 0) {
        return fail(r, "address string too short", TPH_STR_NONE);
    }
    if (groups == GROUPS && gap >= 0) {
        return fail(r, "the :: must expand to at least one field of zeros", TPH_STR_NONE);
    }
    return 0;
}

int tph_url_check_address(struct tph_str address, bool *ret_is_v4, struct tph_buf *problem)
{
    struct reader r = {.all = address, .rest = address, .problem = problem};
    size_t i = 0;
    while (i < address.len && address.p[i] != '.' && address.p[i] != ':' && address.p[i] != '%') {
        i++;
    }
    if (i == address.len) {
        return fail(&r, "unable to parse IP", TPH_STR_NONE);
    }
    if (address.p[i] == '%') {
        return fail(&r, "missing IPv6 address", TPH_STR_NONE);
    }
    *ret_is_v4 = address.p[i] == '.';
    if (*ret_is_v4) {
        return check_v4(&r, address);
    }
    ptrdiff_t zone = tph_str_find_byte(address, '%');
    if (zone >= 0) {
        r.rest = tph_str_slice(address, 0, (size_t)zone);
        if ((size_t)zone + 1 == address.len) {
            return fail(&r, "zone must be a non-empty string", TPH_STR_NONE);
        }
    }
    return check_v6(&r);
}
