/* SPDX-License-Identifier: Apache-2.0 */
/* What `argo get` and `argo list` print: each file of a case is one way of printing its workflow, which the file's name
 * tells ("get-wide-nocolor.txt"). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "golden.h"
#include "print/get.h"
#include "print/list.h"

enum { NOW_S = 1705320000 }; /* 2024-01-15T12:00:00Z */

static const struct tph_print_clock recorded_clock = {.now_ms = (int64_t)NOW_S * 1000};

/* One word of a file's name; those that take others take them. False: it means nothing. */
static bool get_word(struct tph_str word, struct tph_str *rest, struct tph_get_options *options,
                     struct tph_fieldsel *selector)
{
    if (tph_str_eqz(word, "nocolor")) {
        options->style.color = false;
    } else if (tph_str_eqz(word, "noutf8")) {
        options->style.utf8 = false;
    } else if (tph_str_eqz(word, "wide")) {
        options->form = TPH_GET_FORM_WIDE;
    } else if (tph_str_eqz(word, "short")) {
        options->form = TPH_GET_FORM_SHORT;
    } else if (tph_str_eqz(word, "status")) { /* recorded without colours */
        options->style.color = false;
        return tph_str_cut(rest, '-', &options->status);
    } else if (tph_str_eqz(word, "selector")) { /* FIELD-VALUE */
        struct tph_str field;
        struct tph_str value;
        if (!tph_str_cut(rest, '-', &field) || !tph_str_cut(rest, '-', &value)) {
            return false;
        }
        TPH_CLEANUP(tph_freep) char *text = tph_format("%.*s=%.*s", TPH_FMT(field), TPH_FMT(value));
        options->style.color = false;
        options->nodes = selector;
        return tph_fieldsel_parse(tph_str(text), selector, NULL) == 0;
    } else {
        return false;
    }
    return true;
}

static bool list_word(struct tph_str word, struct tph_list_options *options)
{
    if (tph_str_eqz(word, "wide")) {
        options->form = TPH_LIST_FORM_WIDE;
    } else if (tph_str_eqz(word, "name")) {
        options->form = TPH_LIST_FORM_NAME;
    } else if (tph_str_eqz(word, "json")) {
        options->form = TPH_LIST_FORM_JSON;
    } else if (tph_str_eqz(word, "yaml")) {
        options->form = TPH_LIST_FORM_YAML;
    } else if (tph_str_eqz(word, "namespace")) {
        options->namespaces = true;
    } else if (tph_str_eqz(word, "noheaders")) {
        options->no_headers = true;
    } else if (tph_str_eqz(word, "uid")) {
        options->uids = true;
    } else {
        return tph_str_eqz(word, "");
    }
    return true;
}

static int print_get(const struct tph_json *workflow, struct tph_str words, struct tph_buf *out)
{
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
    struct tph_get_options options = {.style = {.color = true, .utf8 = true}, .clock = recorded_clock};
    struct tph_str word;
    while (words.len > 0 && tph_str_cut(&words, '-', &word)) {
        if (!get_word(word, &words, &options, &selector)) {
            return -1;
        }
    }
    return tph_get_write(workflow, &options, out, NULL);
}

static int print_list(const struct tph_json **workflows, size_t n, struct tph_str words, struct tph_buf *out)
{
    struct tph_list_options options = {.clock = recorded_clock};
    struct tph_str word;
    while (words.len > 0 && tph_str_cut(&words, '-', &word)) {
        if (!list_word(word, &options)) {
            return -1;
        }
    }
    return tph_list_write(workflows, n, &options, out, NULL);
}

/* What stands in a name between `before` and ".txt", from the first dash on; false when it does not begin so. */
static bool words_of(struct tph_str name, const char *before, struct tph_str *ret_words)
{
    struct tph_str prefix = tph_str(before);
    struct tph_str suffix = TPH_STR(".txt");
    if (!tph_str_has_prefix(name, prefix) || !tph_str_has_suffix(name, suffix)) {
        return false;
    }
    struct tph_str words = tph_str_slice(name, prefix.len, name.len - suffix.len);
    *ret_words = words.len > 0 && words.p[0] == '-' ? tph_str_slice(words, 1, words.len) : words;
    return true;
}

void golden_get_tree(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *expected = tph_json_new_object(c->doc);
    struct tph_json *got = golden_object(c);
    struct tph_json_iter it = tph_json_iter(c->row);
    c->expected = expected;
    if (tph_json_parse(tph_json_get_str(c->row, "workflow.json"), &doc, NULL) < 0) {
        c->got = NULL;
        return;
    }
    const struct tph_json *workflow = tph_json_root(doc);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_str words;
        int failed = 1;
        if (words_of(it.key, "get", &words)) {
            failed = print_get(workflow, words, &out);
        } else if (words_of(it.key, "list", &words)) {
            failed = print_list(&workflow, 1, words, &out);
        }
        if (failed <= 0) {
            tph_json_setn(c->doc, expected, it.key, tph_json_copy(c->doc, it.value));
        }
        if (failed == 0) {
            tph_json_setn(c->doc, got, it.key, tph_json_new_str(c->doc, tph_buf_str(&out)));
        }
    }
}

/* "== FORM" and then what is printed for no workflow at all. */
static void list_nothing(struct golden_case *c, struct tph_str recorded, struct tph_json *expected,
                         struct tph_json *got)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str rest = recorded;
    struct tph_str line;
    while (tph_str_cut(&rest, '\n', &line)) {
        if (tph_str_has_prefix(line, TPH_STR("== "))) {
            (void)tph_buf_put(&out, line);
            (void)tph_buf_putc(&out, '\n');
            if (print_list(NULL, 0, tph_str_slice(line, 3, line.len), &out) < 0) {
                return;
            }
        }
    }
    tph_json_set_str(c->doc, expected, "_list_empty.txt", recorded);
    tph_json_set_str(c->doc, got, "_list_empty.txt", tph_buf_str(&out));
}

/* Lists of all workflows. */
void golden_get_tree_lists(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json *expected = tph_json_new_object(c->doc);
    struct tph_json *got = golden_object(c);
    struct tph_json_iter it = tph_json_iter(c->row);
    c->expected = expected;
    if (tph_json_parse(tph_json_get_str(c->row, "_list_all_input.json"), &doc, NULL) < 0) {
        c->got = NULL;
        return;
    }
    size_t n = tph_json_len(tph_json_root(doc));
    TPH_CLEANUP(tph_freep) const struct tph_json **workflows = tph_calloc(n + 1, sizeof(*workflows));
    struct tph_json_iter workflow = tph_json_iter(tph_json_root(doc));
    while (tph_json_next(&workflow)) {
        workflows[workflow.index] = workflow.value;
    }
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_str words;
        if (words_of(it.key, "_list_all", &words)) {
            tph_json_setn(c->doc, expected, it.key, tph_json_copy(c->doc, it.value));
            if (print_list(workflows, n, words, &out) == 0) {
                tph_json_setn(c->doc, got, it.key, tph_json_new_str(c->doc, tph_buf_str(&out)));
            }
        }
    }
    list_nothing(c, tph_json_get_str(c->row, "_list_empty.txt"), expected, got);
}

static void set_text(struct golden_case *c, const char *key, struct tph_buf *text)
{
    golden_set_buf(c, key, text);
    tph_buf_clear(text);
}

void golden_humanize(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    double seconds = 0;
    struct tph_json *got = golden_object(c);
    c->expected = c->row;
    if (tph_json_to_double(tph_json_get(c->row, "seconds"), &seconds) < 0) {
        return;
    }
    int64_t ms = (int64_t)(seconds * 1000);
    tph_json_set(c->doc, got, "seconds", tph_json_copy(c->doc, tph_json_get(c->row, "seconds")));
    tph_print_duration(ms, &text);
    set_text(c, "duration", &text);
    tph_print_duration(tph_print_span(recorded_clock.now_ms - ms, TPH_PRINT_NO_TIME, &recorded_clock), &text);
    set_text(c, "relative", &text);
    tph_print_duration_first(ms, &text);
    set_text(c, "truncated", &text);
    tph_print_duration_short(ms, &text);
    set_text(c, "short", &text);
    tph_print_timestamp(recorded_clock.now_ms - ms, &recorded_clock, &text);
    set_text(c, "timestamp_ago", &text);
}
