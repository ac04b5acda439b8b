/* SPDX-License-Identifier: Apache-2.0 */
#include "data/fieldsel.h"

#include "base/alloc.h"
#include "base/limits.h"

/* The next term: up to a comma that no backslash precedes. */
static bool next_part(struct tph_str *rest, struct tph_str *ret_part)
{
    size_t n = 0;
    if (!rest->p) {
        return false;
    }
    while (n < rest->len && rest->p[n] != ',') {
        n += rest->p[n] == '\\' && n + 1 < rest->len ? 2 : 1;
    }
    *ret_part = tph_str_slice(*rest, 0, n);
    *rest = n < rest->len ? tph_str_slice(*rest, n + 1, rest->len) : TPH_STR_NONE;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return tph_str_cmp(*(const struct tph_str *)a, *(const struct tph_str *)b);
}

/* Cuts a term at its first operator; operators do not look at backslashes. */
static bool cut_operator(struct tph_str part, struct tph_fieldsel_term *ret_term)
{
    for (size_t i = 0; i < part.len; i++) {
        bool differs = part.p[i] == '!' && i + 1 < part.len && part.p[i + 1] == '=';
        if (differs || part.p[i] == '=') {
            bool two = differs || (i + 1 < part.len && part.p[i + 1] == '=');
            *ret_term = (struct tph_fieldsel_term){.field = tph_str_slice(part, 0, i),
                                                   .value = tph_str_slice(part, i + (two ? 2 : 1), part.len),
                                                   .differs = differs};
            return true;
        }
    }
    return false;
}

/* The value without its backslashes, written at `to`, which has room for it. */
static int unescape(struct tph_str value, char *to, struct tph_str *ret_value, struct tph_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.p[i];
        if (c == ',' || c == '=') {
            return tph_error_set(err, TPH_ERROR_INVALID, "invalid field selector: unescaped character in value: %d", c);
        }
        if (c == '\\') {
            struct tph_str escape = tph_str_slice(value, i, i + 2);
            i++;
            if (i >= value.len || !strchr("\\,=", value.p[i]) || value.p[i] == '\0') {
                return tph_error_set(err, TPH_ERROR_INVALID, "invalid field selector: invalid escape sequence: %.*s",
                                     TPH_FMT(escape));
            }
            c = value.p[i];
        }
        to[n++] = c;
    }
    *ret_value = (struct tph_str){.p = to, .len = n};
    return 0;
}

static int parse_parts(struct tph_fieldsel *selector, const struct tph_str *parts, size_t n, struct tph_str text,
                       struct tph_error *err)
{
    char *to = selector->text;
    for (size_t i = 0; i < n; i++) {
        struct tph_fieldsel_term *term = &selector->terms[selector->n_terms];
        if (parts[i].len == 0) {
            continue;
        }
        if (!cut_operator(parts[i], term)) {
            return tph_error_set(err, TPH_ERROR_INVALID, "invalid selector: '%.*s'; can't understand '%.*s'",
                                 TPH_FMT(text), TPH_FMT(parts[i]));
        }
        if (unescape(term->value, to, &term->value, err) < 0) {
            return -1;
        }
        to += term->value.len;
        for (size_t k = 0; k < term->field.len; k++) {
            to[k] = term->field.p[k];
        }
        term->field.p = to;
        to += term->field.len;
        selector->n_terms += term->field.len > 0 || term->value.len > 0;
    }
    return 0;
}

int tph_fieldsel_parse(struct tph_str text, struct tph_fieldsel *ret_selector, struct tph_error *err)
{
    if (text.len > TPH_LIMIT_FIELD_SELECTOR) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "a field selector has at most %zu bytes, this one has %zu",
                             TPH_LIMIT_FIELD_SELECTOR, text.len);
    }
    TPH_CLEANUP(tph_freep) struct tph_str *parts = tph_calloc(text.len + 1, sizeof(struct tph_str));
    struct tph_fieldsel selector = {.terms = tph_calloc(text.len + 1, sizeof(struct tph_fieldsel_term)),
                                    .text = tph_malloc(text.len + 1)};
    struct tph_str rest = text.len > 0 ? text : TPH_STR_NONE;
    size_t n = 0;
    while (next_part(&rest, &parts[n])) {
        n++;
    }
    qsort(parts, n, sizeof(struct tph_str), by_text);
    if (parse_parts(&selector, parts, n, text, err) < 0) {
        tph_fieldsel_release(&selector);
        return -1;
    }
    *ret_selector = selector;
    return 0;
}

void tph_fieldsel_release(struct tph_fieldsel *selector)
{
    if (selector) {
        free(selector->terms);
        free(selector->text);
        *selector = TPH_FIELDSEL_INIT;
    }
}

bool tph_fieldsel_matches(const struct tph_fieldsel *selector, tph_fieldsel_get_fn *get, void *owner)
{
    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct tph_fieldsel_term *term = &selector->terms[i];
        if (tph_str_eq(get(owner, term->field), term->value) == term->differs) {
            return false;
        }
    }
    return true;
}

void tph_fieldsel_write(const struct tph_fieldsel *selector, struct tph_buf *buf)
{
    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct tph_fieldsel_term *term = &selector->terms[i];
        (void)tph_buf_puts(buf, i > 0 ? "," : "");
        (void)tph_buf_put(buf, term->field);
        (void)tph_buf_puts(buf, term->differs ? "!=" : "=");
        for (size_t k = 0; k < term->value.len; k++) {
            char c = term->value.p[k];
            (void)tph_buf_puts(buf, c == '\\' || c == ',' || c == '=' ? "\\" : "");
            (void)tph_buf_putc(buf, c);
        }
    }
}
