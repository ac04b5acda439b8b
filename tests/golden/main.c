/* SPDX-License-Identifier: Apache-2.0 */
/* golden_runner [-v] [-k TEXT] [--known FILE] DIR...: runs every case of the folders, prints differences, and ends with
 * "N passed, N failed". Exit 1 when one failed or nothing ran. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "golden.h"

enum { LONGEST_SHOWN = 2000 };

struct skipped {
    struct skipped *next;
    char *text; /* "FILE: REASON" */
    size_t n;
};

struct runner {
    struct golden_sink sink; /* first: the sink is the runner */
    struct golden_known *known;
    const char *filter;
    bool verbose;
    size_t n_passed;
    size_t n_failed;
    size_t n_skipped;
    struct skipped *skipped;
};

struct tph_str golden_in(const struct golden_case *c, const char *key)
{
    return tph_json_get_str(c->in, key);
}

struct tph_json *golden_object(struct golden_case *c)
{
    c->got = tph_json_new_object(c->doc);
    return c->got;
}

void golden_set(struct golden_case *c, const char *key, struct tph_str text)
{
    tph_json_set_str(c->doc, c->got, key, text);
}

void golden_set_buf(struct golden_case *c, const char *key, const struct tph_buf *text)
{
    golden_set(c, key, tph_buf_str(text));
}

void golden_set_json(struct golden_case *c, const char *key, const struct tph_json *value, unsigned flags)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, flags, &text);
    golden_set_buf(c, key, &text);
}

static void count_skipped(struct runner *r, const struct golden_case *c, const char *reason)
{
    TPH_CLEANUP(tph_freep) char *text = tph_format("%s: %s", c->file, reason);
    r->n_skipped++;
    struct skipped **at = &r->skipped;
    while (*at && strcmp((*at)->text, text) != 0) {
        at = &(*at)->next;
    }
    if (!*at) {
        *at = TPH_NEW(struct skipped);
        (*at)->text = TPH_TAKE(text);
    }
    (*at)->n++;
}

static void show(const char *what, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf printable = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (value) {
        tph_json_write(value, TPH_JSON_SORTED, &text);
    } else {
        (void)tph_buf_puts(&text, "(nothing)");
    }
    (void)tph_utf8_printable(&printable, tph_buf_str(&text), 0);
    bool cut = printable.len > LONGEST_SHOWN;
    printf("    %-9s %.*s%s\n", what, cut ? LONGEST_SHOWN : (int)printable.len, tph_buf_cstr(&printable),
           cut ? "..." : "");
}

static bool is_object(const struct tph_json *value)
{
    return tph_json_is(value, TPH_JSON_OBJECT);
}

static void show_pair(const struct tph_buf *path, const struct tph_json *expected, const struct tph_json *got)
{
    printf("  %s\n", tph_buf_cstr(path));
    show("expected", expected);
    show("got", got);
}

static void show_members(struct tph_buf *path, const struct tph_json *expected, const struct tph_json *got);

/* The place where two values part, and both sides there. */
static void show_where(struct tph_buf *path, struct tph_str key, const struct tph_json *expected,
                       const struct tph_json *got)
{
    size_t mark = path->len;
    (void)tph_buf_printf(path, "%s%.*s", mark > 0 ? "." : "", TPH_FMT(key));
    if (is_object(expected) && is_object(got)) {
        show_members(path, expected, got);
    } else if (!expected || !got || !tph_json_equal(expected, got)) {
        show_pair(path, expected, got);
    }
    path->len = mark;
    path->bytes[mark] = '\0';
}

/* As deep as the recorded objects are. */
static void show_members(struct tph_buf *path, const struct tph_json *expected,
                         const struct tph_json *got) /* NOLINT(misc-no-recursion) */
{
    struct tph_json_iter it = tph_json_iter(expected);
    while (tph_json_next(&it)) {
        show_where(path, it.key, it.value, tph_json_getn(got, it.key));
    }
    it = tph_json_iter(got);
    while (tph_json_next(&it)) {
        if (!tph_json_getn(expected, it.key)) {
            show_where(path, it.key, NULL, it.value);
        }
    }
}

static void show_difference(const struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_MIB(1));
    if (c->in) {
        show("in", c->in);
    }
    if (!is_object(c->expected) || !is_object(c->got)) {
        show("expected", c->expected);
        show("got", c->got);
        return;
    }
    (void)tph_buf_puts(&path, "");
    show_members(&path, c->expected, c->got);
}

static void run_case(struct golden_sink *sink, struct golden_case *c)
{
    struct runner *r = (struct runner *)sink;
    TPH_CLEANUP(tph_freep) char *name = tph_format("%s/%.*s", c->file, TPH_FMT(c->id));
    if (r->filter && !strstr(name, r->filter)) {
        return;
    }
    golden_handler *handler = golden_find(c->file);
    const char *reason = handler ? golden_known_reason(r->known, c) : "no handler yet";
    if (!reason) {
        handler(c);
        reason = c->skip;
    }
    if (reason) {
        count_skipped(r, c, reason);
        return;
    }
    bool passed = c->expected && c->got && tph_json_equal(c->expected, c->got);
    r->n_passed += passed ? 1 : 0;
    r->n_failed += passed ? 0 : 1;
    if (!passed) {
        printf("FAIL %s\n", name);
        show_difference(c);
    } else if (r->verbose) {
        printf("ok   %s\n", name);
    }
}

static void report(struct runner *r)
{
    while (r->skipped) {
        struct skipped *s = r->skipped;
        r->skipped = s->next;
        printf("skipped %zu of %s\n", s->n, s->text);
        free(s->text);
        free(s);
    }
    printf("%zu passed, %zu failed\n", r->n_passed, r->n_failed);
}

static int usage(void)
{
    fprintf(stderr, "usage: golden_runner [-v] [-k TEXT] [--known FILE] DIR...\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct runner r = {.sink = {.each = run_case}};
    const char *known = GOLDEN_KNOWN;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            r.verbose = true;
        } else if (strcmp(argv[i], "-k") == 0 && i + 1 < argc) {
            r.filter = argv[++i];
        } else if (strcmp(argv[i], "--known") == 0 && i + 1 < argc) {
            known = argv[++i];
        } else {
            return usage();
        }
    }
    if (i == argc) {
        return usage();
    }
    r.known = golden_known_load(known);
    int failed = 0;
    for (; i < argc; i++) {
        failed |= golden_load_all(argv[i], &r.sink);
    }
    golden_known_free(r.known);
    report(&r);
    return failed < 0 || r.n_failed > 0 || r.n_passed == 0 ? 1 : 0;
}
