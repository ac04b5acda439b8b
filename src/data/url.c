/* SPDX-License-Identifier: Apache-2.0 */
#include "data/url.h"

#include <string.h>

#include "data/quote.h"

/* Where a text stands: it decides which characters may be there as they are. */
enum part { IN_PATH, IN_HOST, IN_ZONE, IN_USER, IN_FRAGMENT };

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_plain(char c, enum part part)
{
    static const char *const more[] = {
        [IN_PATH] = "$&+,/:;=@", [IN_HOST] = "!$&'()*+,;=:[]<>\"", [IN_ZONE] = "!$&'()*+,;=:[]<>\"",
        [IN_USER] = "$&+,;=",    [IN_FRAGMENT] = "$&+,/:;=?@!()*",
    };
    return is_alphanumeric(c) || is_one_of(c, "-_.~") || is_one_of(c, more[part]);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void escape(struct tph_str text, enum part part, struct tph_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (is_plain(text.p[i], part)) {
            (void)tph_buf_putc(out, text.p[i]);
        } else {
            char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
            (void)tph_buf_append(out, escaped, sizeof(escaped));
        }
    }
}

/* Reading: what is unescaped goes to the room, which is as large as the whole text. */
struct reader {
    char *room;
    struct tph_buf *problem;
};

static int fail(struct reader *r, const char *message)
{
    (void)tph_buf_puts(r->problem, message);
    return -1;
}

static int fail_at(struct reader *r, const char *before, struct tph_str what, const char *after)
{
    (void)tph_buf_puts(r->problem, before);
    tph_quote_go(what, r->problem);
    (void)tph_buf_puts(r->problem, after);
    return -1;
}

/* The byte that the escape at the front of text stands for; -1: it is none, or one that may not be there. */
static int read_escape(struct tph_str text, enum part part)
{
    int high = text.len >= 3 ? hex(text.p[1]) : -1;
    int low = text.len >= 3 ? hex(text.p[2]) : -1;
    if (high < 0 || low < 0) {
        return -1;
    }
    int value = high << 4 | low;
    if (part == IN_HOST && value < 0x80 && value != '%') { /* there it is for what is not ASCII */
        return -1;
    }
    if (part == IN_ZONE && value != '%' && value != ' ' && !is_plain((char)value, IN_HOST)) {
        return -1;
    }
    return value;
}

static int unescape(struct reader *r, struct tph_str text, enum part part, struct tph_str *ret)
{
    char *out = r->room;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%') {
            int value = read_escape(tph_str_slice(text, i, text.len), part);
            if (value < 0) {
                return fail_at(r, "invalid URL escape ", tph_str_slice(text, i, i + 3), "");
            }
            *out++ = (char)value;
            i += 2;
            continue;
        }
        if ((part == IN_HOST || part == IN_ZONE) && (unsigned char)c < 0x80 && !is_plain(c, part)) {
            return fail_at(r, "invalid character ", tph_str_slice(text, i, i + 1), " in host name");
        }
        *out++ = c;
    }
    *ret = (struct tph_str){.p = r->room, .len = (size_t)(out - r->room)};
    r->room = out;
    return 0;
}

/* Takes what is before the first `separator` off the front; all when there is none. True: there was one. */
static bool cut(struct tph_str *text, char separator, struct tph_str *ret_before)
{
    ptrdiff_t at = tph_str_find_byte(*text, separator);
    size_t len = at < 0 ? text->len : (size_t)at;
    *ret_before = tph_str_slice(*text, 0, len);
    *text = tph_str_slice(*text, at < 0 ? len : len + 1, text->len);
    return at >= 0;
}

static ptrdiff_t find_last(struct tph_str text, char c)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.p[i - 1] == c) {
            return (ptrdiff_t)i - 1;
        }
    }
    return -1;
}

static bool is_port(struct tph_str text) /* empty, or : and digits */
{
    for (size_t i = 0; i < text.len; i++) {
        if (i == 0 ? text.p[i] != ':' : text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return true;
}

static int read_scheme(struct reader *r, struct tph_str *text, struct tph_str *ret)
{
    size_t i = 0;
    while (i < text->len && (is_alphanumeric(text->p[i]) || is_one_of(text->p[i], "+-."))) {
        if (i == 0 && !(((text->p[0] | 0x20) >= 'a') && ((text->p[0] | 0x20) <= 'z'))) {
            return 0;
        }
        i++;
    }
    if (i == text->len || text->p[i] != ':') {
        return 0;
    }
    if (i == 0) {
        return fail(r, "missing protocol scheme");
    }
    *ret = (struct tph_str){.p = r->room, .len = i};
    for (size_t at = 0; at < i; at++) {
        char c = text->p[at];
        *r->room++ = (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
    }
    *text = tph_str_slice(*text, i + 1, text->len);
    return 0;
}

/* [address] and what is behind it. */
static int read_address(struct reader *r, struct tph_str host, struct tph_str *ret)
{
    ptrdiff_t close = find_last(host, ']');
    bool is_v4 = false;
    struct tph_str part;
    char *first = r->room;
    if (close < 0) {
        return fail(r, "missing ']' in host");
    }
    struct tph_str port = tph_str_slice(host, (size_t)close + 1, host.len);
    if (!is_port(port)) {
        return fail_at(r, "invalid port ", port, " after host");
    }
    *r->room++ = '[';
    struct tph_str address = tph_str_slice(host, 1, (size_t)close);
    ptrdiff_t zone = tph_str_find(address, TPH_STR("%25"));
    size_t end = zone < 0 ? address.len : (size_t)zone;
    if (unescape(r, tph_str_slice(address, 0, end), IN_HOST, &part) < 0 ||
        unescape(r, tph_str_slice(address, end, address.len), IN_ZONE, &part) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(r->problem->max);
    address = (struct tph_str){.p = first + 1, .len = (size_t)(r->room - first - 1)};
    if (tph_url_check_address(address, &is_v4, &why) < 0) {
        (void)tph_buf_puts(r->problem, "invalid host: ");
        return fail(r, tph_buf_cstr(&why));
    }
    if (is_v4) {
        return fail(r, "invalid IP-literal");
    }
    *r->room++ = ']';
    if (unescape(r, port, IN_HOST, &part) < 0) {
        return -1;
    }
    *ret = (struct tph_str){.p = first, .len = (size_t)(r->room - first)};
    return 0;
}

static int read_host(struct reader *r, struct tph_str scheme, struct tph_str host, struct tph_str *ret)
{
    ptrdiff_t open = find_last(host, '[');
    if (open > 0) {
        return fail(r, "invalid IP-literal");
    }
    if (open == 0) {
        return read_address(r, host, ret);
    }
    ptrdiff_t colon = tph_str_find_byte(host, ':');
    if (colon >= 0 && !tph_str_eqz(scheme, "http") && !tph_str_eqz(scheme, "https")) {
        colon = find_last(host, ':'); /* lists of hosts, as databases have them */
    }
    if (colon >= 0) {
        struct tph_str port = tph_str_slice(host, (size_t)colon, host.len);
        if (!is_port(port)) {
            return fail_at(r, "invalid port ", port, " after host");
        }
    }
    return unescape(r, host, IN_HOST, ret);
}

static bool is_userinfo(struct tph_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.p[i]) && !is_one_of(text.p[i], "-._:~!$&'()*+,;=%@")) {
            return false;
        }
    }
    return true;
}

static int read_authority(struct reader *r, struct tph_str text, struct tph_url *url)
{
    ptrdiff_t at = find_last(text, '@');
    struct tph_str host = at < 0 ? text : tph_str_slice(text, (size_t)at + 1, text.len);
    if (read_host(r, url->scheme, host, &url->host) < 0) {
        return -1;
    }
    if (at < 0) {
        return 0;
    }
    struct tph_str info = tph_str_slice(text, 0, (size_t)at);
    struct tph_str user;
    if (!is_userinfo(info)) {
        return fail(r, "net/url: invalid userinfo");
    }
    url->has_user = true;
    url->has_password = cut(&info, ':', &user);
    if (unescape(r, user, IN_USER, &url->user) < 0) {
        return -1;
    }
    return url->has_password ? unescape(r, info, IN_USER, &url->password) : 0;
}

/* What is before #. */
static int read_all(struct reader *r, struct tph_str text, struct tph_url *url)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
            return fail(r, "net/url: invalid control character in URL");
        }
    }
    if (tph_str_eqz(text, "*")) {
        url->path = text;
        return 0;
    }
    struct tph_str rest;
    if (read_scheme(r, &text, &url->scheme) < 0) {
        return -1;
    }
    (void)cut(&text, '?', &rest);
    url->query = text;
    if (!tph_str_has_prefix(rest, TPH_STR("/"))) {
        if (url->scheme.len > 0) {
            url->opaque = rest;
            return 0;
        }
        struct tph_str after = rest;
        struct tph_str segment;
        (void)cut(&after, '/', &segment);
        if (tph_str_find_byte(segment, ':') >= 0) {
            return fail(r, "first path segment in URL cannot contain colon");
        }
    }
    if (tph_str_has_prefix(rest, TPH_STR("//")) && (url->scheme.len > 0 || !tph_str_has_prefix(rest, TPH_STR("///")))) {
        ptrdiff_t slash = tph_str_find_byte(tph_str_slice(rest, 2, rest.len), '/');
        size_t end = slash < 0 ? rest.len : (size_t)slash + 2;
        if (read_authority(r, tph_str_slice(rest, 2, end), url) < 0) {
            return -1;
        }
        rest = tph_str_slice(rest, end, rest.len);
    }
    return unescape(r, rest, IN_PATH, &url->path);
}

int tph_url_parse(struct tph_str text, char *room, struct tph_url *ret, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(problem->max);
    struct reader r = {.room = room, .problem = &why};
    struct tph_url url = {.has_user = false};
    struct tph_str fragment = text;
    struct tph_str rest;
    (void)cut(&fragment, '#', &rest);
    bool is_read = read_all(&r, rest, &url) == 0;
    if (!is_read || unescape(&r, fragment, IN_FRAGMENT, &url.fragment) < 0) {
        (void)tph_buf_puts(problem, "parse ");
        tph_quote_go(is_read ? text : rest, problem);
        (void)tph_buf_puts(problem, ": ");
        (void)tph_buf_put(problem, tph_buf_str(&why));
        return -1;
    }
    *ret = url;
    return 0;
}

struct tph_str tph_url_hostname(const struct tph_url *url)
{
    struct tph_str host = url->host;
    ptrdiff_t colon = find_last(host, ':');
    if (colon >= 0 && is_port(tph_str_slice(host, (size_t)colon, host.len))) {
        host = tph_str_slice(host, 0, (size_t)colon);
    }
    if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        host = tph_str_slice(host, 1, host.len - 1);
    }
    return host;
}

void tph_url_write_user(const struct tph_url *url, struct tph_buf *out)
{
    if (url->has_user) {
        escape(url->user, IN_USER, out);
        if (url->has_password) {
            (void)tph_buf_putc(out, ':');
            escape(url->password, IN_USER, out);
        }
    }
}

static void write_authority(const struct tph_url *url, struct tph_buf *out)
{
    if (url->host.len > 0 || url->path.len > 0 || url->has_user) {
        (void)tph_buf_puts(out, "//");
    }
    if (url->has_user) {
        tph_url_write_user(url, out);
        (void)tph_buf_putc(out, '@');
    }
    escape(url->host, IN_HOST, out);
}

static void write_path(const struct tph_url *url, bool is_first, struct tph_buf *out)
{
    bool rooted = tph_str_has_prefix(url->path, TPH_STR("/"));
    if (url->path.len > 0 && !rooted && url->host.len > 0) {
        (void)tph_buf_putc(out, '/');
    }
    if (is_first) { /* its first part must not look like a scheme */
        struct tph_str after = url->path;
        struct tph_str segment;
        (void)cut(&after, '/', &segment);
        (void)tph_buf_puts(out, tph_str_find_byte(segment, ':') >= 0 ? "./" : "");
    }
    if (tph_str_eqz(url->path, "*")) {
        (void)tph_buf_putc(out, '*');
    } else {
        escape(url->path, IN_PATH, out);
    }
}

void tph_url_write(const struct tph_url *url, struct tph_buf *out)
{
    bool has_front = url->scheme.len > 0 || url->host.len > 0 || url->has_user;
    if (url->scheme.len > 0) {
        (void)tph_buf_put(out, url->scheme);
        (void)tph_buf_putc(out, ':');
    }
    if (url->opaque.len > 0) {
        (void)tph_buf_put(out, url->opaque);
    } else {
        if (has_front) {
            write_authority(url, out);
        }
        write_path(url, !has_front, out);
    }
    if (url->query.len > 0) {
        (void)tph_buf_putc(out, '?');
        (void)tph_buf_put(out, url->query);
    }
    if (url->fragment.len > 0) {
        (void)tph_buf_putc(out, '#');
        escape(url->fragment, IN_FRAGMENT, out);
    }
}
