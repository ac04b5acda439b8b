/* SPDX-License-Identifier: Apache-2.0 */
#include "data/semver.h"

#include "base/limits.h"
#include "data/quote.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static char peek(struct tph_str text)
{
    return text.len > 0 ? text.p[0] : '\0';
}

static void skip(struct tph_str *text, size_t n)
{
    *text = tph_str_slice(*text, n, text->len);
}

static void skip_blanks(struct tph_str *text)
{
    while (peek(*text) == ' ' || (peek(*text) >= '\t' && peek(*text) <= '\r' && peek(*text) != '\v')) {
        skip(text, 1);
    }
}

/* A version as it is spelt; in constraints its numbers may be x, X or *. */
struct spelling {
    struct tph_str numbers[3]; /* p NULL: missing */
    struct tph_str prerelease;
    struct tph_str metadata;
};

typedef bool class(char c);

static bool is_number_or_x(char c)
{
    return is_digit(c) || c == 'x' || c == 'X' || c == '*';
}

static struct tph_str take(struct tph_str *rest, class *holds)
{
    size_t n = 0;
    while (n < rest->len && holds(rest->p[n])) {
        n++;
    }
    struct tph_str taken = tph_str_slice(*rest, 0, n);
    skip(rest, n);
    return taken;
}

/* -a.b or +a.b: identifiers with dots between them; what is none of them stays unread. */
static struct tph_str take_suffix(struct tph_str *rest, char mark)
{
    struct tph_str begin = tph_str_slice(*rest, 1, rest->len);
    if (peek(*rest) != mark || !is_identifier(peek(begin))) {
        return TPH_STR_NONE;
    }
    struct tph_str at = begin;
    for (;;) {
        (void)take(&at, is_identifier);
        if (peek(at) != '.' || at.len < 2 || !is_identifier(at.p[1])) {
            break;
        }
        skip(&at, 1);
    }
    *rest = at;
    return tph_str_slice(begin, 0, begin.len - at.len);
}

/* Takes a version off the front of rest. */
static bool take_version(struct tph_str *rest, class *holds, struct spelling *ret)
{
    *ret = (struct spelling){.prerelease = TPH_STR_NONE};
    if (peek(*rest) == 'v') {
        skip(rest, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        struct tph_str at = *rest;
        if (i > 0 && peek(at) != '.') {
            break;
        }
        skip(&at, i > 0);
        struct tph_str number = take(&at, holds);
        if (number.len == 0) {
            break;
        }
        ret->numbers[i] = number;
        *rest = at;
    }
    if (!ret->numbers[0].p) {
        return false;
    }
    ret->prerelease = take_suffix(rest, '-');
    ret->metadata = take_suffix(rest, '+');
    return true;
}

static int to_number(struct tph_str text, uint64_t *ret, struct tph_error *err)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "error parsing version segment: strconv.ParseUint: parsing \"%.*s\": value out of "
                                 "range",
                                 TPH_FMT(text));
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return 0;
}

static bool is_number(struct tph_str text)
{
    size_t n = 0;
    while (n < text.len && is_digit(text.p[n])) {
        n++;
    }
    return text.len > 0 && n == text.len;
}

static int finish(const struct spelling *s, struct tph_semver *ret, struct tph_error *err)
{
    struct tph_semver version = {.prerelease = s->prerelease, .metadata = s->metadata};
    if (to_number(s->numbers[0], &version.major, err) < 0 || to_number(s->numbers[1], &version.minor, err) < 0 ||
        to_number(s->numbers[2], &version.patch, err) < 0) {
        return -1;
    }
    struct tph_str rest = s->prerelease;
    struct tph_str part;
    while (rest.p && tph_str_cut(&rest, '.', &part)) {
        if (part.len > 1 && part.p[0] == '0' && is_number(part)) {
            return tph_error_set(err, TPH_ERROR_INVALID, "version segment starts with 0");
        }
    }
    *ret = version;
    return 0;
}

int tph_semver_parse(struct tph_str text, struct tph_semver *ret, struct tph_error *err)
{
    struct spelling spelling;
    struct tph_str rest = text;
    if (!take_version(&rest, is_digit, &spelling) || rest.len > 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "invalid semantic version");
    }
    return finish(&spelling, ret, err);
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* One identifier of a pre-release: numbers come before words, fewer identifiers before more. */
static int compare_part(struct tph_str a, struct tph_str b)
{
    uint64_t x = 0;
    uint64_t y = 0;
    if (a.len == 0 || b.len == 0) {
        return (a.len > 0) - (b.len > 0);
    }
    bool a_is_number = is_number(a) && to_number(a, &x, NULL) == 0;
    bool b_is_number = is_number(b) && to_number(b, &y, NULL) == 0;
    if (a_is_number && b_is_number) {
        return compare_u64(x, y);
    }
    return a_is_number != b_is_number ? (a_is_number ? -1 : 1) : tph_str_cmp(a, b);
}

static int compare_prerelease(struct tph_str a, struct tph_str b)
{
    while (a.p || b.p) {
        struct tph_str x = TPH_STR_NONE;
        struct tph_str y = TPH_STR_NONE;
        (void)(a.p && tph_str_cut(&a, '.', &x));
        (void)(b.p && tph_str_cut(&b, '.', &y));
        int order = compare_part(x, y);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

int tph_semver_compare(const struct tph_semver *a, const struct tph_semver *b)
{
    int order = compare_u64(a->major, b->major);
    order = order ? order : compare_u64(a->minor, b->minor);
    order = order ? order : compare_u64(a->patch, b->patch);
    if (order != 0) {
        return order;
    }
    if (a->prerelease.len == 0 || b->prerelease.len == 0) {
        return (a->prerelease.len == 0) - (b->prerelease.len == 0);
    }
    return compare_prerelease(a->prerelease, b->prerelease);
}

void tph_semver_write(const struct tph_semver *version, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "%llu.%llu.%llu", (unsigned long long)version->major, (unsigned long long)version->minor,
                         (unsigned long long)version->patch);
    if (version->prerelease.len > 0) {
        (void)tph_buf_printf(out, "-%.*s", TPH_FMT(version->prerelease));
    }
    if (version->metadata.len > 0) {
        (void)tph_buf_printf(out, "+%.*s", TPH_FMT(version->metadata));
    }
}

enum relation {
    REL_SAME, /* = or nothing: the version, or what it begins */
    REL_NOT,
    REL_GREATER,
    REL_LESS,
    REL_AT_LEAST,
    REL_AT_MOST,
    REL_TILDE,
    REL_CARET,
};

struct condition {
    enum relation relation;
    struct tph_semver version;
    bool any_major; /* x, * */
    bool any_minor; /* 1, 1.x */
    bool any_patch; /* 1.2, 1.2.x */
};

static enum relation take_relation(struct tph_str *rest)
{
    static const struct {
        const char *text;
        enum relation relation;
    } relations[] = {
        {"!=", REL_NOT},     {">=", REL_AT_LEAST}, {"=>", REL_AT_LEAST}, {"<=", REL_AT_MOST},
        {"=<", REL_AT_MOST}, {"~>", REL_TILDE},    {"~", REL_TILDE},     {"^", REL_CARET},
        {">", REL_GREATER},  {"<", REL_LESS},      {"=", REL_SAME},
    };
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        struct tph_str text = tph_str(relations[i].text);
        if (tph_str_has_prefix(*rest, text)) {
            skip(rest, text.len);
            return relations[i].relation;
        }
    }
    return REL_SAME;
}

static bool is_x(struct tph_str number)
{
    return number.len == 0 || tph_str_eqz(number, "x") || tph_str_eqz(number, "X") || tph_str_eqz(number, "*");
}

static int read_condition(enum relation relation, struct spelling *s, struct condition *ret, struct tph_error *err)
{
    *ret = (struct condition){.relation = relation, .any_major = is_x(s->numbers[0])};
    ret->any_minor = !ret->any_major && is_x(s->numbers[1]);
    ret->any_patch = !ret->any_major && !ret->any_minor && is_x(s->numbers[2]);
    size_t first = ret->any_major ? 0 : ret->any_minor ? 1 : ret->any_patch ? 2 : 3;
    for (size_t i = 0; i < 3; i++) {
        if (i >= first) {
            s->numbers[i] = TPH_STR_NONE;
        } else if (!is_number(s->numbers[i])) {
            return tph_error_set(err, TPH_ERROR_INVALID, "constraint parser error");
        }
    }
    return finish(s, &ret->version, NULL) < 0 ? tph_error_set(err, TPH_ERROR_INVALID, "constraint parser error") : 0;
}

static bool is_tilde(const struct condition *c, const struct tph_semver *v)
{
    const struct tph_semver *con = &c->version;
    if (tph_semver_compare(v, con) < 0) {
        return false;
    }
    bool zero = con->major == 0 && con->minor == 0 && con->patch == 0;
    if (zero && !c->any_minor && !c->any_patch) {
        return true;
    }
    return v->major == con->major && (v->minor == con->minor || c->any_minor);
}

static bool is_caret(const struct condition *c, const struct tph_semver *v)
{
    const struct tph_semver *con = &c->version;
    if (tph_semver_compare(v, con) < 0) {
        return false;
    }
    if (con->major > 0 || c->any_minor) {
        return v->major == con->major;
    }
    if (v->major > 0) {
        return false;
    }
    if (con->minor > 0 || c->any_patch) {
        return v->minor == con->minor;
    }
    return v->minor == 0 && v->patch == con->patch;
}

/* != with parts missing: another version of what is there. x alone stands for 0.0.0 here. */
static bool is_other(const struct condition *c, const struct tph_semver *v)
{
    const struct tph_semver *con = &c->version;
    if (c->any_major || c->any_minor || c->any_patch) {
        if (v->major != con->major || (v->minor != con->minor && !c->any_minor)) {
            return true;
        }
        if (c->any_minor) {
            return false;
        }
        if (c->any_patch) {
            return compare_prerelease(v->prerelease, con->prerelease) != 0;
        }
    }
    return tph_semver_compare(v, con) != 0;
}

static bool is_greater(const struct condition *c, const struct tph_semver *v)
{
    const struct tph_semver *con = &c->version;
    if (c->any_minor || c->any_patch) {
        if (v->major != con->major) {
            return v->major > con->major;
        }
        return !c->any_minor && v->minor > con->minor;
    }
    return tph_semver_compare(v, con) > 0;
}

static bool is_at_most(const struct condition *c, const struct tph_semver *v)
{
    const struct tph_semver *con = &c->version;
    if (c->any_major || c->any_minor || c->any_patch) {
        return v->major < con->major || (v->major == con->major && (v->minor <= con->minor || c->any_minor));
    }
    return tph_semver_compare(v, con) <= 0;
}

static bool holds(const struct condition *c, const struct tph_semver *v)
{
    switch (c->relation) {
    case REL_NOT:
        return is_other(c, v);
    case REL_GREATER:
        return is_greater(c, v);
    case REL_LESS:
        return tph_semver_compare(v, &c->version) < 0;
    case REL_AT_LEAST:
        return tph_semver_compare(v, &c->version) >= 0;
    case REL_AT_MOST:
        return is_at_most(c, v);
    case REL_TILDE:
        return is_tilde(c, v);
    case REL_CARET:
        return is_caret(c, v);
    case REL_SAME:
        break;
    }
    bool any = c->any_major || c->any_minor || c->any_patch;
    return any ? is_tilde(c, v) : tph_semver_compare(v, &c->version) == 0;
}

struct checker {
    const struct tph_semver *version;
    struct tph_error *err;
    bool all;       /* every condition so far holds */
    bool names_pre; /* one of them is a pre-release itself */
};

static int check_one(struct checker *k, enum relation relation, struct spelling *s)
{
    struct condition condition;
    if (read_condition(relation, s, &condition, k->err) < 0) {
        return -1;
    }
    k->all = k->all && holds(&condition, k->version);
    k->names_pre = k->names_pre || condition.version.prerelease.len > 0;
    return 0;
}

/* One condition, or a range "1.2 - 1.4". 1 when it is none. */
static int check_next(struct checker *k, struct tph_str *rest)
{
    struct spelling first;
    struct spelling second;
    struct tph_str before = *rest;
    enum relation relation = take_relation(rest);
    bool bare = rest->len == before.len;
    skip_blanks(rest);
    if (!take_version(rest, is_number_or_x, &first)) {
        return 1;
    }
    struct tph_str at = *rest;
    skip_blanks(&at);
    if (!bare || at.len == rest->len || peek(at) != '-') {
        return check_one(k, relation, &first);
    }
    skip(&at, 1);
    skip_blanks(&at);
    if (!take_version(&at, is_number_or_x, &second)) {
        return 1;
    }
    *rest = at;
    return check_one(k, REL_AT_LEAST, &first) < 0 ? -1 : check_one(k, REL_AT_MOST, &second);
}

/* What stands between two ||. */
static int check_part(struct checker *k, struct tph_str part)
{
    struct tph_str rest = part;
    k->all = true;
    k->names_pre = false;
    skip_blanks(&rest);
    do {
        int failed = check_next(k, &rest);
        struct tph_str at = rest;
        skip_blanks(&at);
        bool separated = at.len < rest.len || peek(at) == ',';
        skip(&at, peek(at) == ',');
        skip_blanks(&at);
        if (failed < 0) {
            return -1;
        }
        if (failed > 0 || (at.len > 0 && !separated)) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ERROR_BODY);
            tph_quote_go(part, &text);
            return tph_error_set(k->err, TPH_ERROR_INVALID, "improper constraint: %s", tph_buf_cstr(&text));
        }
        rest = at;
    } while (rest.len > 0);
    return 0;
}

int tph_semver_check(struct tph_str constraint, const struct tph_semver *version, bool *ret_fulfils,
                     struct tph_error *err)
{
    struct checker k = {.version = version, .err = err};
    bool fulfils = false;
    for (bool last = false; !last;) {
        ptrdiff_t at = tph_str_find(constraint, TPH_STR("||"));
        last = at < 0;
        struct tph_str part = tph_str_slice(constraint, 0, last ? constraint.len : (size_t)at);
        constraint = tph_str_slice(constraint, last ? constraint.len : (size_t)at + 2, constraint.len);
        if (check_part(&k, part) < 0) {
            return -1;
        }
        fulfils = fulfils || (k.all && (version->prerelease.len == 0 || k.names_pre));
    }
    *ret_fulfils = fulfils;
    return 0;
}
