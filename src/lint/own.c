/* SPDX-License-Identifier: Apache-2.0 */
/* Our own report: every problem of every document with line and column, warnings, what to do; in the order of the
 * files. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "lint/files.h"

static void fault(struct tph_lint_document *d, struct tph_position at, const char *text)
{
    d->fault = tph_strdup(text);
    d->fault_at = at;
}

/* What the YAML reader said, without the line that it names itself: that is in front already. */
static void syntax_fault(struct tph_lint_document *d, struct tph_position at, const char *text)
{
    struct tph_str rest = tph_str(text);
    struct tph_str first;
    (void)tph_str_cut(&rest, ' ', &first);
    bool named = tph_str_has_prefix(rest, TPH_STR("line ")) || tph_str_has_prefix(rest, TPH_STR("unmarshal errors:"));
    if (tph_str_eqz(first, "yaml:") && named && at.line > 0) {
        struct tph_str line;
        (void)tph_str_cut(&rest, tph_str_has_prefix(rest, TPH_STR("unmarshal")) ? '\n' : ':', &line);
        if (tph_str_has_prefix(tph_str_trim(rest), TPH_STR("line "))) {
            (void)tph_str_cut(&rest, ':', &line);
        }
        TPH_CLEANUP(tph_freep) char *said = tph_format("yaml: %.*s", TPH_FMT(tph_str_trim(rest)));
        fault(d, at, said);
        return;
    }
    fault(d, at, text);
}

static void note_plugin(struct tph_lint_files *files, const struct tph_json *object)
{
    const struct tph_json *metadata = tph_json_get(object, "metadata");
    struct tph_str kind = tph_json_get_str(object, "kind");
    struct tph_str name = tph_json_get_str(metadata, "name");
    struct tph_str tail = TPH_STR("-executor-plugin");
    struct tph_str type = tph_json_get_str(tph_json_get(metadata, "labels"), "workflows.argoproj.io/configmap-type");
    if (tph_str_eqz(kind, "ConfigMap") && tph_str_eqz(type, "ExecutorPlugin") && tph_str_has_suffix(name, tail)) {
        name = tph_str_slice(name, 0, name.len - tail.len);
    } else if (!tph_str_eqz(kind, "ExecutorPlugin")) {
        return;
    }
    if (name.len > 0 && !tph_map_get(&files->plugins, name)) {
        (void)tph_map_set(&files->plugins, tph_str(tph_str_dup(name)), files);
    }
}

/* Templates can be referred to; of two with one name the first counts. */
static void note_template(struct tph_lint_files *files, struct tph_lint_document *d)
{
    const struct tph_json *metadata = tph_json_get(d->object, "metadata");
    struct tph_str name = tph_json_get_str(metadata, "name");
    struct tph_str ns = tph_json_get_str(metadata, "namespace");
    bool cluster = tph_str_eqz(d->kind, "ClusterWorkflowTemplate");
    struct tph_map *map = cluster ? &files->set.cluster : &files->set.templates;
    if (!cluster && !tph_str_eqz(d->kind, "WorkflowTemplate")) {
        return;
    }
    d->key = cluster ? tph_str_dup(name) : tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    if (!tph_map_get(map, tph_str(d->key))) {
        (void)tph_map_set(map, tph_str(d->key), d->object);
        return;
    }
    struct tph_lint_problem problem = {
        .object = d->object,
        .path = "metadata.name",
        .text = tph_arena_format(tph_lint_problems_arena(&d->problems), "there is a %.*s called \"%.*s\" already",
                                 TPH_FMT(d->kind), TPH_FMT(name)),
        .hint = "references mean the first one",
    };
    (void)tph_lint_problems_add(&d->problems, &problem);
}

static void take_object(struct tph_lint_files *files, struct tph_lint_document *d, struct tph_json_doc *doc,
                        const struct tph_json *object)
{
    const struct tph_go_type *type;
    struct tph_position at = tph_positions_find(d->places, tph_str(d->prefix ? d->prefix : ""));
    TPH_CLEANUP(tph_freep) char *text = NULL;
    d->written = object;
    d->kind = tph_json_get_str(object, "kind");
    if (!tph_json_is(object, TPH_JSON_OBJECT)) {
        text = tph_format("this is no manifest: an object was expected, found: %s",
                          tph_json_type_name(tph_json_type(object)));
        fault(d, at, text);
        return;
    }
    const char *near = tph_lint_kind_near(d->kind);
    if (d->kind.len == 0) {
        fault(d, at, "kind is missing");
    } else if (tph_lint_kind_of(d->kind, &type) & TPH_LINT_ALL) {
        tph_lint_read(doc, object, files->options->strict ? 0 : TPH_LINT_READ_LENIENT, &d->object, &d->problems);
        if (d->object) {
            note_template(files, d);
        }
    } else if (near && !tph_str_has_prefix(d->kind, TPH_STR("Workflow"))) {
        text = tph_format("unknown kind \"%.*s\"; did you mean %s?", TPH_FMT(d->kind), near);
        fault(d, tph_positions_find(d->places, TPH_STR("kind")), text);
    }
    note_plugin(files, object);
}

static void take_items(struct tph_lint_files *files, struct tph_lint_file *file, const struct tph_lint_document *list,
                       struct tph_json_doc *doc)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(tph_json_root(doc), "items"));
    while (tph_json_next(&it)) {
        struct tph_lint_document *d = tph_lint_document_add(file);
        *d = (struct tph_lint_document){
            .places = list->positions, .line_offset = list->line_offset, .prefix = tph_format("items[%zu].", it.index)};
        take_object(files, d, doc, it.value);
    }
}

static void take_document(struct tph_lint_files *files, struct tph_lint_file *file, struct tph_str text, size_t line)
{
    struct tph_yaml_places places = {.positions = NULL};
    struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_lint_document *d = tph_lint_document_add(file);
    *d = (struct tph_lint_document){.line_offset = line};
    if (tph_yaml_parse(text, TPH_YAML_STRICT | TPH_YAML_POSITIONS, &doc, &places, &err) < 0 &&
        (tph_str_trim(text).p[0] != '{' || tph_json_parse(text, &doc, NULL) < 0)) {
        syntax_fault(d, places.error, err.text);
        return;
    }
    d->doc = doc;
    d->positions = places.positions;
    d->places = places.positions;
    const struct tph_json *root = tph_json_root(doc);
    if (tph_json_is_null(root)) {
        return;
    }
    if (tph_str_has_suffix(tph_json_get_str(root, "kind"), TPH_STR("List")) && tph_json_get(root, "items")) {
        const struct tph_lint_document list = *d; /* d moves as others are added */
        take_items(files, file, &list, doc);
        return;
    }
    take_object(files, d, doc, root);
}

void tph_lint_own_take(struct tph_lint_files *files, struct tph_lint_file *file, struct tph_str text)
{
    struct tph_yaml_stream stream = {.rest = text};
    struct tph_str document;
    while (tph_yaml_next_document(&stream, &document)) {
        if (tph_str_trim(document).len > 0) {
            take_document(files, file, document, stream.line);
        }
    }
}

/* A problem, with what its place is: to be sorted. */
struct line {
    const struct tph_lint_problem *problem;
    const struct tph_lint_file *file;
    const struct tph_lint_document *document;
    struct tph_position at;
    size_t order;
};

struct report {
    struct tph_lint_files *files;
    struct line *lines; /* owned */
    size_t n, capacity;
    size_t n_objects, n_errors, n_warnings, n_left_out;
};

static struct tph_position place_of(const struct tph_lint_document *d, const char *path)
{
    TPH_CLEANUP(tph_freep) char *whole = tph_format("%s%s", d->prefix ? d->prefix : "", path);
    struct tph_position at = tph_positions_find(d->places, tph_str(whole));
    at.line += at.line > 0 ? d->line_offset : 0;
    return at;
}

/* The document that an object is of, and its file; false where it is of none. */
static bool find_document(const struct tph_lint_files *files, const struct tph_json *object, struct line *line)
{
    for (size_t i = 0; i < files->n; i++) {
        for (size_t k = 0; k < files->list[i].n; k++) {
            const struct tph_lint_document *d = &files->list[i].documents[k];
            if (d->object == object || d->written == object) {
                line->file = &files->list[i];
                line->document = d;
                return true;
            }
        }
    }
    return false;
}

static bool is_told(const struct report *r, const struct line *line)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct line *other = &r->lines[i];
        if (other->document == line->document && strcmp(other->problem->path, line->problem->path) == 0 &&
            strcmp(other->problem->text, line->problem->text) == 0) {
            return true;
        }
    }
    return false;
}

static void add_problems(struct report *r, const struct tph_lint_problems *problems, bool of_others)
{
    for (size_t i = 0; i < problems->n; i++) {
        struct line line = {.problem = &problems->list[i], .order = r->n};
        if ((line.problem->via != NULL) != of_others || !find_document(r->files, line.problem->object, &line) ||
            is_told(r, &line)) {
            continue;
        }
        line.at = place_of(line.document, line.problem->path);
        if (r->n == r->capacity) {
            r->capacity = r->capacity > 0 ? 2 * r->capacity : 16;
            r->lines = tph_realloc(r->lines, r->capacity * sizeof(*r->lines));
        }
        r->lines[r->n++] = line;
        r->n_warnings += line.problem->is_warning ? 1 : 0;
        r->n_errors += line.problem->is_warning ? 0 : 1;
    }
    r->n_left_out += of_others ? 0 : problems->n_left_out;
}

static int by_place(const void *left, const void *right)
{
    const struct line *a = left;
    const struct line *b = right;
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    if (a->at.line != b->at.line) {
        return a->at.line < b->at.line ? -1 : 1;
    }
    if (a->at.column != b->at.column) {
        return a->at.column < b->at.column ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static void put_place(const char *file, struct tph_position at, struct tph_buf *out)
{
    (void)tph_buf_puts(out, file);
    if (at.line > 0) {
        (void)tph_buf_printf(out, ":%zu:%zu", at.line, at.column);
    }
    (void)tph_buf_puts(out, ": ");
}

static void put_kind(const struct report *r, bool is_warning)
{
    bool color = r->files->options->color;
    const char *word = is_warning ? "warning:" : "error:";
    (void)tph_buf_printf(r->files->options->out, "%s%s%s ", color ? (is_warning ? "\033[33m" : "\033[31m") : "", word,
                         color ? "\033[0m" : "");
}

/* Who calls the template that the problem is in: the first of those that were linted. */
static void put_caller(const struct report *r, const struct line *line)
{
    const struct tph_lint_problem *p = line->problem;
    for (size_t i = 0; p->via && i < r->files->n; i++) {
        const struct tph_lint_file *f = &r->files->list[i];
        for (size_t k = 0; k < f->n; k++) {
            const struct tph_lint_document *d = &f->documents[k];
            if (p >= d->problems.list && p < d->problems.list + d->problems.n) {
                TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
                put_place(f->path, place_of(d, p->via), &place);
                (void)tph_buf_printf(r->files->options->out, "  called by %s%s\n", tph_buf_cstr(&place), p->via);
                return;
            }
        }
    }
}

static void tell_faults(struct report *r, const struct tph_lint_file *file)
{
    struct tph_buf *out = r->files->options->out;
    for (size_t i = 0; i < file->n; i++) {
        const struct tph_lint_document *d = &file->documents[i];
        if (d->fault) {
            struct tph_position at = d->fault_at;
            at.line += at.line > 0 ? d->line_offset : 0;
            put_kind(r, false);
            put_place(file->path, at, out);
            (void)tph_buf_printf(out, "%s\n", d->fault);
            r->n_errors++;
        }
    }
}

/* True when the same was said, and hinted at, further up. */
static bool is_hinted(const struct report *r, size_t line)
{
    const struct tph_lint_problem *p = r->lines[line].problem;
    for (size_t i = 0; p->hint && i < line; i++) {
        const struct tph_lint_problem *other = r->lines[i].problem;
        if (other->hint && strcmp(other->hint, p->hint) == 0 && strcmp(other->text, p->text) == 0) {
            return true;
        }
    }
    return false;
}

static void tell(struct report *r)
{
    struct tph_buf *out = r->files->options->out;
    size_t at = 0;
    if (r->n > 0) {
        qsort(r->lines, r->n, sizeof(*r->lines), by_place);
    }
    for (size_t i = 0; i < r->files->n; i++) {
        const struct tph_lint_file *file = &r->files->list[i];
        tell_faults(r, file);
        for (; at < r->n && r->lines[at].file == file; at++) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf place = TPH_BUF_INIT(TPH_KIB(8));
            const struct line *line = &r->lines[at];
            put_kind(r, line->problem->is_warning);
            put_place(file->path, line->at, &place);
            (void)tph_buf_puts(&place, line->document->prefix ? line->document->prefix : "");
            struct tph_lint_problem problem = *line->problem;
            problem.hint = is_hinted(r, at) ? NULL : problem.hint;
            tph_lint_problem_write(&problem, tph_buf_str(&place), out);
            (void)tph_buf_putc(out, '\n');
            put_caller(r, line);
        }
    }
}

static void plural(struct tph_buf *out, const char *before, size_t n, const char *what)
{
    (void)tph_buf_printf(out, "%s%zu %s%s", before, n, what, n == 1 ? "" : "s");
}

static void summary(const struct report *r)
{
    struct tph_buf *out = r->files->options->out;
    if (r->n_left_out > 0) {
        (void)tph_buf_printf(out, "and %zu more\n", r->n_left_out);
    }
    if (r->n_objects == 0 && r->n_errors == 0) {
        put_kind(r, false);
        (void)tph_buf_puts(out, "found nothing to lint\n  lint takes Workflow, WorkflowTemplate, CronWorkflow and "
                                "ClusterWorkflowTemplate, in *.yaml, *.yml and *.json\n");
        return;
    }
    plural(out, "", r->n_objects, "object");
    plural(out, " in ", r->files->n, "file");
    if (r->n_errors > 0) {
        plural(out, ": ", r->n_errors, "error");
    } else {
        (void)tph_buf_puts(out, ": no errors");
    }
    if (r->n_warnings > 0) {
        plural(out, ", ", r->n_warnings, "warning");
    }
    (void)tph_buf_putc(out, '\n');
}

bool tph_lint_own_report(struct tph_lint_files *files)
{
    struct report r = {.files = files};
    const struct tph_lint_subject subject = {
        .set = &files->set,
        .mode = TPH_LINT_FOR_REPORT,
        .plugins = tph_map_len(&files->plugins) > 0 ? &files->plugins : NULL,
    };
    for (size_t i = 0; i < files->n; i++) {
        for (size_t k = 0; k < files->list[i].n; k++) {
            struct tph_lint_document *d = &files->list[i].documents[k];
            const struct tph_go_type *type;
            if (!d->fault && (tph_lint_kind_of(d->kind, &type) & files->options->kinds)) {
                r.n_objects++;
                if (d->object) {
                    tph_lint_check(d->object, &subject, &d->problems);
                }
                add_problems(&r, &d->problems, false);
            }
        }
    }
    for (size_t i = 0; i < files->n; i++) { /* what is not told by itself is told with who calls it */
        for (size_t k = 0; k < files->list[i].n; k++) {
            add_problems(&r, &files->list[i].documents[k].problems, true);
        }
    }
    tell(&r);
    summary(&r);
    free(r.lines);
    return r.n_errors == 0 && r.n_objects > 0;
}
