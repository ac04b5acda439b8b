/* SPDX-License-Identifier: Apache-2.0 */
#include "data/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "data/unicode.h"

struct tph_regex {
    pcre2_code *code;
    pcre2_match_context *limits;
};

void tph_regex_free(struct tph_regex *regex)
{
    if (regex) {
        pcre2_code_free(regex->code);
        pcre2_match_context_free(regex->limits);
        free(regex);
    }
}

static pcre2_match_context *make_limits(void)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!limits) {
        abort();
    }
    (void)pcre2_set_match_limit(limits, TPH_LIMIT_REGEX_STEPS);
    (void)pcre2_set_heap_limit(limits, TPH_LIMIT_REGEX_HEAP / 1024);
    return limits;
}

/* A pattern that passed our check and that PCRE2 refuses all the same: unknown Unicode classes, too large. */
static int refused(int number, struct tph_str pattern, struct tph_error *err)
{
    if (number == PCRE2_ERROR_PATTERN_TOO_LARGE || number == PCRE2_ERROR_PATTERN_TOO_COMPLICATED) {
        return tph_error_set(err, TPH_ERROR_INVALID, "error parsing regexp: expression too large");
    }
    if (number == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY || number == PCRE2_ERROR_MALFORMED_UNICODE_PROPERTY ||
        number == PCRE2_ERROR_CLASS_RANGE_ORDER || number == PCRE2_ERROR_CLASS_INVALID_RANGE) {
        return tph_error_set(err, TPH_ERROR_INVALID, "error parsing regexp: invalid character class range: `%.*s`",
                             TPH_FMT(pattern));
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "error parsing regexp: invalid or unsupported Perl syntax: `%.*s`",
                         TPH_FMT(pattern));
}

int tph_regex_compile(struct tph_str pattern, struct tph_regex **ret, struct tph_error *err)
{
    if (pattern.len > TPH_LIMIT_REGEX) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "a regular expression of %zu bytes is longer than %zu", pattern.len,
                             TPH_LIMIT_REGEX);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_REGEX * 64);
    if (tph_regex_translate(pattern, &text, err) < 0) {
        return -1;
    }
    pcre2_compile_context *options = pcre2_compile_context_create(NULL);
    if (!options) {
        abort();
    }
    (void)pcre2_set_newline(options, PCRE2_NEWLINE_LF);
    (void)pcre2_set_parens_nest_limit(options, TPH_LIMIT_REGEX_DEPTH + 1);
    int number = 0;
    PCRE2_SIZE where = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)tph_buf_cstr(&text), text.len,
                                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX |
                                         PCRE2_NEVER_BACKSLASH_C,
                                     &number, &where, options);
    pcre2_compile_context_free(options);
    if (!code) {
        return refused(number, pattern, err);
    }
    uint32_t groups = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups >= TPH_LIMIT_REGEX_GROUPS) {
        pcre2_code_free(code);
        return tph_error_set(err, TPH_ERROR_LIMIT, "a regular expression with more than %d groups",
                             TPH_LIMIT_REGEX_GROUPS - 1);
    }
    struct tph_regex *regex = TPH_NEW(struct tph_regex);
    regex->code = code;
    regex->limits = make_limits();
    *ret = regex;
    return 0;
}

int tph_regex_find(const struct tph_regex *regex, struct tph_str text, size_t from, struct tph_regex_match *ret_match,
                   struct tph_error *err)
{
    if (from > text.len) {
        return TPH_REGEX_NO_MATCH;
    }
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(regex->code, NULL);
    if (!data) {
        abort();
    }
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.p ? text.p : "");
    int n = pcre2_match(regex->code, subject, text.len, from, 0, data, regex->limits);
    if (n == PCRE2_ERROR_NOMATCH) {
        pcre2_match_data_free(data);
        return TPH_REGEX_NO_MATCH;
    }
    if (n <= 0) {
        pcre2_match_data_free(data);
        if (n == PCRE2_ERROR_HEAPLIMIT) {
            return tph_error_set(
                err, TPH_ERROR_LIMIT,
                "a regular expression needs more than %zu bytes of memory on this text: make it simpler",
                TPH_LIMIT_REGEX_HEAP);
        }
        return tph_error_set(err, TPH_ERROR_LIMIT,
                             "a regular expression needs more than %d steps on this text: make it simpler",
                             TPH_LIMIT_REGEX_STEPS);
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
    ret_match->n = pcre2_get_ovector_count(data);
    for (size_t i = 0; i < ret_match->n; i++) {
        bool set = (int)i < n && ends[2 * i] != PCRE2_UNSET;
        ret_match->spans[i].from = set ? ends[2 * i] : TPH_REGEX_UNSET;
        ret_match->spans[i].to = set ? ends[2 * i + 1] : TPH_REGEX_UNSET;
    }
    pcre2_match_data_free(data);
    return 0;
}

int tph_regex_next(struct tph_regex_walk *walk, struct tph_error *err)
{
    for (;;) {
        int found = tph_regex_find(walk->regex, walk->text, walk->at, &walk->match, err);
        if (found) {
            return found;
        }
        struct tph_regex_span whole = walk->match.spans[0];
        bool beside = whole.to == whole.from && whole.from == walk->last_end;
        if (whole.to > walk->at) {
            walk->at = whole.to;
        } else if (walk->at < walk->text.len) {
            uint32_t rune;
            walk->at += tph_utf8_decode(tph_str_slice(walk->text, walk->at, walk->text.len), &rune);
        } else {
            walk->at = walk->text.len + 1;
        }
        walk->last_end = whole.to;
        if (!beside) {
            return 0;
        }
    }
}

/* How many bytes of letters, digits and _ there are at the front. */
static size_t name_len(struct tph_str text)
{
    size_t at = 0;
    while (at < text.len) {
        uint32_t rune = 0;
        size_t n = tph_utf8_decode(tph_str_slice(text, at, text.len), &rune);
        if (!tph_unicode_is_letter(rune) && !tph_unicode_is_digit(rune) && rune != '_') {
            break;
        }
        at += n;
    }
    return at;
}

/* The number of a group, or of the one with this name; -1 for none. */
static int group_of(const struct tph_regex *regex, struct tph_str name)
{
    int64_t number = 0;
    bool is_number = name.p[0] != '0' || name.len == 1; /* $01 is a name */
    if (is_number && tph_str_to_i64(name, &number) == 0) {
        return number >= 0 && number < TPH_LIMIT_REGEX_GROUPS ? (int)number : -1;
    }
    char text[64];
    if (name.len >= sizeof(text)) {
        return -1;
    }
    memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    return pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)text);
}

/* What stands behind a $: the name goes to *name. Returns its length with braces, 0 when it is none. */
static size_t read_name(struct tph_str rest, struct tph_str *name)
{
    bool braces = rest.len > 0 && rest.p[0] == '{';
    size_t begin = braces ? 1 : 0;
    size_t end = begin + name_len(tph_str_slice(rest, begin, rest.len));
    if (end == begin || (braces && (end >= rest.len || rest.p[end] != '}'))) {
        return 0;
    }
    *name = tph_str_slice(rest, begin, end);
    return braces ? end + 1 : end;
}

void tph_regex_expand(const struct tph_regex *regex, struct tph_str text, const struct tph_regex_match *match,
                      struct tph_str format, struct tph_buf *out)
{
    for (ptrdiff_t at; (at = tph_str_find_byte(format, '$')) >= 0;) {
        (void)tph_buf_put(out, tph_str_slice(format, 0, (size_t)at));
        format = tph_str_slice(format, (size_t)at + 1, format.len);
        if (tph_str_has_prefix(format, TPH_STR("$"))) {
            (void)tph_buf_putc(out, '$');
            format = tph_str_slice(format, 1, format.len);
            continue;
        }
        struct tph_str name;
        size_t len = read_name(format, &name);
        if (len == 0) {
            (void)tph_buf_putc(out, '$'); /* malformed: stays as it is */
            continue;
        }
        format = tph_str_slice(format, len, format.len);
        int group = group_of(regex, name);
        if (group >= 0 && (size_t)group < match->n && match->spans[group].from != TPH_REGEX_UNSET) {
            (void)tph_buf_put(out, tph_str_slice(text, match->spans[group].from, match->spans[group].to));
        }
    }
    (void)tph_buf_put(out, format);
}
