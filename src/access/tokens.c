/* SPDX-License-Identifier: Apache-2.0 */
#include "access/tokens.h"

#include <stdio.h>
#include <string.h>

#include "access/internal.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/label.h"
#include "data/time.h"

static const char *const ROLES[] = {"view", "edit", "admin", "plugins"};

void grants_release(struct grants *grants)
{
    for (size_t i = 0; i < grants->n; i++) {
        free(grants->list[i].ns);
    }
    free(grants->list);
    *grants = (struct grants){.list = NULL};
}

void grants_add(struct grants *grants, enum role role, struct tph_str ns)
{
    grants->list = tph_realloc(grants->list, (grants->n + 1) * sizeof(*grants->list));
    grants->list[grants->n++] = (struct grant){.role = role, .ns = ns.len > 0 ? tph_str_dup(ns) : NULL};
}

void lines_release(struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        grants_release(&lines->list[i].grants);
    }
    free(lines->list);
    *lines = (struct lines){.list = NULL};
}

/* The next word of a line. */
static bool next_word(struct tph_str *rest, struct tph_str *ret_word)
{
    *rest = tph_str_trim(*rest);
    size_t len = 0;
    while (len < rest->len && rest->p[len] != ' ' && rest->p[len] != '\t') {
        len++;
    }
    *ret_word = tph_str_slice(*rest, 0, len);
    *rest = tph_str_slice(*rest, len, rest->len);
    return len > 0;
}

static bool is_account(struct tph_str name)
{
    struct tph_str part, rest = name;
    size_t n = 0;
    while (tph_str_cut(&rest, ':', &part)) {
        if (part.len == 0) {
            return false;
        }
        n++;
    }
    return n == 4 && tph_str_has_prefix(name, TPH_STR("system:serviceaccount:"));
}

static int check_name(struct tph_str name, struct tph_error *err)
{
    if (name.len > TPH_LIMIT_ACCESS_NAME) {
        return tph_error_set(err, TPH_ERROR_INVALID, "the name is longer than %d bytes", TPH_LIMIT_ACCESS_NAME);
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c == '"' || c == '\\' || c >= 127) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "a name has letters, digits and signs but no blanks, quotes and backslashes");
        }
    }
    if (name.len == 0 || name.p[0] == '#' || name.p[0] == '-') {
        return tph_error_set(err, TPH_ERROR_INVALID, "a name is wanted that begins neither with - nor with #");
    }
    if (tph_str_has_prefix(name, TPH_STR("system:")) && !is_account(name)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "%.*s: names with system: are the server's own, but for system:serviceaccount:NS:NAME",
                             TPH_FMT(name));
    }
    return 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_token(struct tph_str word, struct line *line, struct tph_error *err)
{
    bool account = is_account(line->name);
    if (tph_str_eqz(word, "-")) {
        return account ? 0
                       : tph_error_set(err, TPH_ERROR_INVALID, "%.*s has no token, - is for service accounts",
                                       TPH_FMT(line->name));
    }
    if (account) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "%.*s is a service account: its tokens are signed, write - in the place of the token",
                             TPH_FMT(line->name));
    }
    struct tph_str digits = tph_str_slice(word, 7, word.len);
    bool good = tph_str_has_prefix(word, TPH_STR("sha256:")) && digits.len == 2 * TPH_SHA256_BYTES;
    for (size_t i = 0; good && i < TPH_SHA256_BYTES; i++) {
        int high = hex(digits.p[2 * i]), low = hex(digits.p[2 * i + 1]);
        good = high >= 0 && low >= 0;
        line->digest[i] = (unsigned char)(good ? high * 16 + low : 0);
    }
    if (!good) {
        return tph_error_set(
            err, TPH_ERROR_INVALID,
            "the token is wanted as sha256: and 64 hexadecimal digits, as `tiphys token add` writes it; "
            "a token itself has no place in this file");
    }
    line->has_token = true;
    return 0;
}

/* A namespace's name, as Kubernetes wants it. */
static bool is_namespace(struct tph_str name)
{
    bool good = name.len > 0 && name.len <= 63 && name.p[0] != '-' && name.p[name.len - 1] != '-';
    for (size_t i = 0; good && i < name.len; i++) {
        char c = name.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    return good;
}

static int read_roles(struct tph_str text, struct line *line, struct tph_error *err)
{
    struct tph_str part, rest = text;
    while (tph_str_cut(&rest, ',', &part)) {
        ptrdiff_t at = tph_str_find_byte(part, '@');
        struct tph_str name = at < 0 ? part : tph_str_slice(part, 0, (size_t)at);
        struct tph_str ns = at < 0 ? TPH_STR_NONE : tph_str_slice(part, (size_t)at + 1, part.len);
        size_t role = 0;
        while (role < ROLE_COUNT && !tph_str_eqz(name, ROLES[role])) {
            role++;
        }
        if (role == ROLE_COUNT) {
            const char *near = tph_str_nearest(name, ROLES, ROLE_COUNT);
            (void)tph_error_set(err, TPH_ERROR_INVALID, "\"%.*s\" is no role: admin, edit, view and plugins are",
                                TPH_FMT(name));
            return near ? tph_error_hint(err, "did you mean %s?", near) : -1;
        }
        if (at >= 0 && !is_namespace(ns)) {
            return tph_error_set(err, TPH_ERROR_INVALID, "\"%.*s\" is no name of a namespace", TPH_FMT(ns));
        }
        if (line->grants.n >= TPH_LIMIT_ACCESS_ROLES) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "a user has more than %d roles", TPH_LIMIT_ACCESS_ROLES);
        }
        grants_add(&line->grants, (enum role)role, ns);
    }
    line->roles = text;
    return 0;
}

static int read_more(struct tph_str rest, struct line *line, struct tph_error *err)
{
    struct tph_str word;
    while (next_word(&rest, &word)) {
        if (!tph_str_has_prefix(word, TPH_STR("expires="))) {
            return tph_error_set(err, TPH_ERROR_INVALID, "\"%.*s\" is not known here: only expires=TIME may follow",
                                 TPH_FMT(word));
        }
        if (tph_time_parse(tph_str_slice(word, 8, word.len), &line->expires_ms, err) < 0) {
            return tph_error_set(err, TPH_ERROR_INVALID, "%.*s: a time as 2027-01-31T00:00:00Z is wanted",
                                 TPH_FMT(word));
        }
    }
    return 0;
}

/* Returns 1 for a line that says nothing. */
static int read_line(struct tph_str text, struct line *line, struct tph_error *err)
{
    struct tph_str token, roles;
    ptrdiff_t comment = tph_str_find_byte(text, '#');
    struct tph_str rest = comment < 0 ? text : tph_str_slice(text, 0, (size_t)comment);
    if (!next_word(&rest, &line->name)) {
        return 1;
    }
    if (!next_word(&rest, &token) || !next_word(&rest, &roles)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "a line is NAME sha256:DIGEST ROLES, as `tiphys token add` writes it");
    }
    line->expires_ms = INT64_MAX;
    if (check_name(line->name, err) < 0 || read_token(token, line, err) < 0 || read_roles(roles, line, err) < 0) {
        return -1;
    }
    return read_more(rest, line, err);
}

/* What lines together must hold. names: lines by the names of their users; digests: by those of the tokens. */
static int check_together(const struct line *line, struct tph_map *names, struct tph_map *digests,
                          struct tph_error *err)
{
    const struct line *other = tph_map_get(names, line->name);
    if (other && !tph_str_eq(other->roles, line->roles)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "%.*s has other roles in line %u: a user has the same roles with each token",
                             TPH_FMT(line->name), other->number);
    }
    if (tph_str_eqz(line->name, "admin") && !tph_str_eqz(line->roles, "admin")) {
        return tph_error_set(
            err, TPH_ERROR_INVALID,
            "admin is the server's own administrator (its token is in the kubeconfig): take another name");
    }
    struct tph_str digest = {(const char *)line->digest, sizeof(line->digest)};
    other = line->has_token ? tph_map_get(digests, digest) : NULL;
    return other ? tph_error_set(err, TPH_ERROR_INVALID, "the same token stands in line %u", other->number) : 0;
}

int lines_read(struct tph_str text, const char *name, struct lines *ret_lines, struct tph_error *err)
{
    TPH_CLEANUP(lines_release) struct lines lines = {.list = NULL};
    TPH_CLEANUP(tph_map_release) struct tph_map names = TPH_MAP_INIT;
    TPH_CLEANUP(tph_map_release) struct tph_map digests = TPH_MAP_INIT;
    struct tph_str one, rest = text;
    size_t capacity = 1;
    for (struct tph_str at = text; tph_str_cut(&at, '\n', &one);) {
        capacity++;
    }
    lines.list = tph_calloc(capacity, sizeof(*lines.list));
    for (unsigned number = 1; tph_str_cut(&rest, '\n', &one); number++) {
        struct line *line = &lines.list[lines.n];
        line->number = number;
        lines.n++; /* what was read of it is released with the others */
        int said = read_line(one, line, err);
        if (said > 0) {
            lines.n--;
            continue;
        }
        if (said == 0 && lines.n > TPH_LIMIT_ACCESS_USERS) {
            said = tph_error_set(err, TPH_ERROR_LIMIT, "there are more than %d users", TPH_LIMIT_ACCESS_USERS);
        }
        if (said < 0 || check_together(line, &names, &digests, err) < 0) {
            return tph_error_wrap(err, "%s:%u", name, number);
        }
        if (!tph_map_get(&names, line->name)) {
            (void)tph_map_set(&names, line->name, line);
        }
        if (line->has_token) {
            (void)tph_map_set(&digests, (struct tph_str){(const char *)line->digest, sizeof(line->digest)}, line);
        }
    }
    *ret_lines = lines;
    lines = (struct lines){.list = NULL};
    return 0;
}

int tph_tokens_add(struct tph_buf *text, const char *name, const char *digest, const char *roles, const char *expires,
                   struct tph_error *err)
{
    TPH_CLEANUP(tph_freep)
    char *line = tph_format("%s %s%s %s%s%s", name, digest ? "sha256:" : "", digest ? digest : "-", roles,
                            expires ? " expires=" : "", expires ? expires : "");
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    TPH_CLEANUP(lines_release) struct lines lines = {.list = NULL};
    if (strpbrk(name, " \t\r\n#") || strpbrk(roles, " \t\r\n#") || (expires && strpbrk(expires, " \t\r\n#"))) {
        return tph_error_set(err, TPH_ERROR_INVALID, "names, roles and times have neither blanks nor #");
    }
    (void)tph_buf_put(&all, tph_buf_str(text));
    if (all.len > 0 && all.bytes[all.len - 1] != '\n') {
        (void)tph_buf_putc(&all, '\n');
    }
    (void)tph_buf_printf(&all, "%s\n", line);
    if (tph_buf_failed(&all)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the token file would be too large");
    }
    /* The new line alone first, so that its fault is told without a place that nobody can see. */
    struct line probe = {.number = 1};
    int said = read_line(tph_str(line), &probe, err);
    grants_release(&probe.grants);
    if (said < 0 || lines_read(tph_buf_str(&all), "token file", &lines, err) < 0) {
        return -1;
    }
    tph_buf_clear(text);
    (void)tph_buf_put(text, tph_buf_str(&all));
    return 0;
}

size_t tph_tokens_remove(struct tph_str text, const char *name, const char *digest, struct tph_buf *out)
{
    struct tph_str one, rest = text;
    size_t n = 0;
    while (tph_str_cut(&rest, '\n', &one)) {
        struct tph_str words = one, first, second = TPH_STR_NONE;
        bool last = !rest.p;
        bool same = next_word(&words, &first) && tph_str_eqz(first, name);
        if (same && digest) {
            (void)next_word(&words, &second);
            same = tph_str_has_prefix(tph_str_slice(second, 7, second.len), tph_str(digest));
        }
        if (same) {
            n++;
        } else if (!last || one.len > 0) {
            (void)tph_buf_put(out, one);
            (void)tph_buf_putc(out, '\n');
        }
    }
    return n;
}

static size_t wider(size_t width, struct tph_str text)
{
    return text.len > width ? text.len : width;
}

int tph_tokens_list(struct tph_str text, const char *file, struct tph_buf *out, struct tph_error *err)
{
    TPH_CLEANUP(lines_release) struct lines lines = {.list = NULL};
    size_t name = 4, roles = 5;
    if (lines_read(text, file, &lines, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < lines.n; i++) {
        name = wider(name, lines.list[i].name);
        roles = wider(roles, lines.list[i].roles);
    }
    (void)tph_buf_printf(out, "%-*s   %-*s   %-20s   TOKEN\n", (int)name, "NAME", (int)roles, "ROLES", "EXPIRES");
    for (size_t i = 0; i < lines.n; i++) {
        const struct line *line = &lines.list[i];
        char time[TPH_TIME_TEXT] = "never", digest[13] = "-";
        if (line->expires_ms != INT64_MAX) {
            tph_time_format(line->expires_ms, time);
        }
        for (size_t n = 0; line->has_token && n < 6; n++) {
            (void)snprintf(digest + 2 * n, 3, "%02x", line->digest[n]);
        }
        (void)tph_buf_printf(out, "%-*.*s   %-*.*s   %-20s   %s\n", (int)name, TPH_FMT(line->name), (int)roles,
                             TPH_FMT(line->roles), time, digest);
    }
    return 0;
}
