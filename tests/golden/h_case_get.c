/* SPDX-License-Identifier: Apache-2.0 */
/* What `argo get` printed at the end of a whole workflow (get.txt), from the recorded object. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "golden.h"
#include "print/get.h"

#define TIME "2026-11-24T10:00:00Z" /* for every time, of which the recording has a T only */

/* The recorded object of that name. */
static struct tph_json *recorded(struct golden_case *c, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(c->row);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_str_has_prefix(it.key, TPH_STR("expected")) &&
            tph_json_parse(tph_json_str(it.value), &doc, NULL) == 0 &&
            tph_str_eq(tph_json_str(tph_json_path(tph_json_root(doc), "metadata", "name", NULL)), name)) {
            return tph_json_copy(c->doc, tph_json_root(doc));
        }
    }
    return NULL;
}

/* The spec of the workflow of that name as `argo retry` changed it, or NULL. */
static struct tph_json *changed_spec(struct golden_case *c, struct tph_str name)
{
    struct tph_str rest = tph_json_get_str(c->row, "events.jsonl");
    struct tph_str line;
    struct tph_json *spec = NULL;
    while (tph_str_cut(&rest, '\n', &line)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (line.len > 0 && tph_json_parse(line, &doc, NULL) == 0) {
            const struct tph_json *object = tph_json_get(tph_json_root(doc), "object");
            bool same = tph_str_eq(tph_json_get_str(tph_json_get(object, "metadata"), "name"), name);
            spec = same ? tph_json_copy(c->doc, tph_json_get(object, "spec")) : spec;
        }
    }
    return spec;
}

/* The spec of the workflow of that name as it was given, or NULL. */
static struct tph_json *given_spec(struct golden_case *c, struct tph_str name)
{
    struct tph_yaml_stream stream = {.rest = tph_json_get_str(c->row, "input.yaml")};
    struct tph_str text;
    while (stream.rest.p && tph_yaml_next_document(&stream, &text)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_yaml_parse(text, 0, &doc, NULL, NULL) < 0) {
            continue;
        }
        const struct tph_json *root = tph_json_root(doc);
        if (tph_str_eqz(tph_json_get_str(root, "kind"), "Workflow") &&
            tph_str_eq(tph_json_get_str(tph_json_get(root, "metadata"), "name"), name)) {
            return tph_json_copy(c->doc, tph_json_get(root, "spec"));
        }
    }
    return NULL;
}

static void set_times(struct golden_case *c, struct tph_json *object)
{
    static const char *const keys[] = {"startedAt", "finishedAt"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (tph_str_eqz(tph_json_get_str(object, keys[i]), "T")) {
            tph_json_set_cstr(c->doc, object, keys[i], TIME);
        }
    }
}

/* The spec of one that is not in input.yaml, as far as it is printed: those were applied later, with little in it, or
 * made from a template. */
static struct tph_json *plain_spec(struct golden_case *c, const struct tph_json *object)
{
    struct tph_json *spec = tph_json_new_object(c->doc);
    if (tph_json_path(object, "status", "storedWorkflowTemplateSpec", NULL)) {
        tph_json_set(c->doc, spec, "workflowTemplateRef", tph_json_new_object(c->doc));
    }
    return spec;
}

/* The recorded object with what the recording left out of it. */
static struct tph_json *object_of(struct golden_case *c, struct tph_str name)
{
    struct tph_json *object = recorded(c, name);
    struct tph_json *changed = changed_spec(c, name);
    struct tph_json *spec = changed ? changed : given_spec(c, name);
    struct tph_json *meta = tph_json_get(object, "metadata");
    struct tph_json *status = tph_json_get(object, "status");
    if (!object) {
        return NULL;
    }
    spec = spec ? spec : plain_spec(c, object);
    struct tph_json_iter it = tph_json_iter(tph_json_get(object, "spec"));
    while (tph_json_next(&it)) {
        tph_json_setn(c->doc, spec, it.key, tph_json_copy(c->doc, it.value));
    }
    tph_json_set(c->doc, object, "spec", spec);
    tph_json_set_cstr(c->doc, meta, "namespace", "argo");
    tph_json_set_cstr(c->doc, meta, "creationTimestamp", TIME);
    set_times(c, status);
    it = tph_json_iter(tph_json_get(status, "nodes"));
    while (tph_json_next(&it)) {
        set_times(c, it.value);
    }
    return object;
}

/* Times and durations as the recording has them. */
static struct tph_json *normalised(struct golden_case *c, struct tph_str text)
{
    static const struct {
        struct tph_str key;
        const char *line;
    } lines[] = {{TPH_STR("Created: "), "Created:             T (AGO)"},
                 {TPH_STR("Started: "), "Started:             T (AGO)"},
                 {TPH_STR("Finished: "), "Finished:            T (AGO)"},
                 {TPH_STR("Duration: "), "Duration:            D"}};
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str line;
    while (text.len > 0 && tph_str_cut(&text, '\n', &line)) {
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
            line = tph_str_has_prefix(line, lines[i].key) ? tph_str(lines[i].line) : line;
        }
        (void)tph_buf_put(&out, line);
        (void)tph_buf_putc(&out, '\n');
    }
    return tph_json_new_str(c->doc, tph_buf_str(&out));
}

/* Without the branches in front of it. */
static struct tph_str without_branches(struct tph_str line)
{
    static const char *const branches[] = {" ", "│", "├", "└", "─", "┬", "|", "+", "-", "`"};
    for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]);) {
        struct tph_str branch = tph_str(branches[i]);
        if (tph_str_has_prefix(line, branch)) {
            line = tph_str_slice(line, branch.len, line.len);
            i = 0;
        } else {
            i++;
        }
    }
    return line;
}

static int by_text(const void *a, const void *b)
{
    return tph_str_cmp(*(const struct tph_str *)a, *(const struct tph_str *)b);
}

/* The lines in an order of their own, as a list. */
static struct tph_json *sorted(struct golden_case *c, struct tph_str text)
{
    TPH_CLEANUP(tph_freep) struct tph_str *lines = tph_calloc(text.len + 1, sizeof(*lines));
    struct tph_json *list = tph_json_new_array(c->doc);
    size_t n = 0;
    while (text.len > 0 && tph_str_cut(&text, '\n', &lines[n])) {
        lines[n] = without_branches(lines[n]);
        n++;
    }
    qsort(lines, n, sizeof(*lines), by_text);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(c->doc, list, tph_json_new_str(c->doc, lines[i]));
    }
    return list;
}

/* Siblings that began in different seconds stand in the order of their times, which the recording does not have: there
 * it has to be the same rows. */
static void forget_order(struct golden_case *c, struct tph_json *expected, struct tph_str command)
{
    struct tph_json *want = tph_json_getn(expected, command);
    struct tph_json *have = tph_json_getn(c->got, command);
    if (have && !tph_json_equal(want, have)) {
        struct tph_json *want_sorted = sorted(c, tph_json_str(want));
        struct tph_json *have_sorted = sorted(c, tph_json_str(have));
        if (tph_json_equal(want_sorted, have_sorted)) {
            tph_json_setn(c->doc, expected, command, want_sorted);
            tph_json_setn(c->doc, c->got, command, have_sorted);
        }
    }
}

/* "$ argo get NAME FLAG...": the object's name and how it is to be printed. */
static bool read_command(struct tph_str command, struct tph_str *ret_name, struct tph_get_options *options)
{
    struct tph_str word;
    size_t n = 0;
    for (; command.len > 0 && tph_str_cut(&command, ' ', &word); n++) {
        if (n == 3) {
            *ret_name = word;
        } else if (tph_str_eqz(word, "--no-utf8")) {
            options->style.utf8 = false;
        } else if (tph_str_eqz(word, "wide")) {
            options->form = TPH_GET_FORM_WIDE;
        } else if (tph_str_eqz(word, "short")) {
            options->form = TPH_GET_FORM_SHORT;
        }
    }
    return n > 3;
}

static void print_one(struct golden_case *c, struct tph_str command, struct tph_str text, struct tph_json *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_get_options options = {.style = {.utf8 = true}};
    struct tph_str name = TPH_STR_NONE;
    tph_json_setn(c->doc, expected, command, tph_json_new_str(c->doc, text));
    if (read_command(command, &name, &options)) {
        const struct tph_json *object = object_of(c, name);
        if (object && tph_get_write(object, &options, &out, NULL) == 0) {
            tph_json_setn(c->doc, c->got, command, normalised(c, tph_buf_str(&out)));
            forget_order(c, expected, command);
        }
    }
}

void golden_case_get(struct golden_case *c)
{
    struct tph_json *expected = tph_json_new_object(c->doc);
    struct tph_str rest = tph_json_get_str(c->row, "get.txt");
    c->expected = expected;
    (void)golden_object(c);
    while (rest.len > 0) { /* a command, what it printed, an empty line */
        struct tph_str command;
        (void)tph_str_cut(&rest, '\n', &command);
        ptrdiff_t end = tph_str_find(rest, TPH_STR("\n\n$ "));
        size_t len = end < 0 ? rest.len - 1 : (size_t)end + 1;
        print_one(c, command, tph_str_slice(rest, 0, len), expected);
        rest = tph_str_slice(rest, len + 1, rest.len);
    }
}
