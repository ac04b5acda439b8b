/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories: all are read first for what they can be referred to, then each is told about. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/gotype_tables.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/quote.h"
#include "data/yaml.h"
#include "lint/lint.h"

struct document {
    struct tph_str kind;
    struct tph_json *object;  /* as Go would write it */
    struct tph_json_doc *doc; /* owned */
    struct tph_str ns_name;   /* owned: key of the set */
    char *unknown;            /* owned: unknown members, or NULL */
    bool hidden;              /* a duplicate key: not there at all */
};

struct file {
    char *path;
    struct document *documents;
    size_t n;
};

struct run {
    const struct tph_lint_options *options;
    struct file *files;
    size_t n;
    struct tph_lint_set set;
    struct tph_error *err;
};

static const struct {
    const char *kind;
    const struct tph_go_type *type;
    unsigned bit;
} KINDS[] = {
    {"Workflow", &tph_gt_argo_Workflow, TPH_LINT_WORKFLOW},
    {"WorkflowTemplate", &tph_gt_argo_WorkflowTemplate, TPH_LINT_TEMPLATE},
    {"CronWorkflow", &tph_gt_argo_CronWorkflow, TPH_LINT_CRON},
    {"ClusterWorkflowTemplate", &tph_gt_argo_ClusterWorkflowTemplate, TPH_LINT_CLUSTER},
    {"WorkflowEventBinding", &tph_gt_argo_WorkflowEventBinding, 0},
    {"WorkflowTaskSet", &tph_gt_argo_WorkflowTaskSet, 0},
};
enum { N_KINDS = sizeof KINDS / sizeof KINDS[0] };

static void complain(const struct run *r, size_t index, const char *text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    tph_quote_go(tph_str(text), &quoted);
    for (size_t i = 0; i < 2; i++) { /* Argo reads, and tells, twice */
        (void)tph_buf_printf(r->options->log, "time=%s level=ERROR msg=\"yaml file is not valid\" index=%zu error=%s\n",
                             r->options->time, index, tph_buf_cstr(&quoted));
    }
}

static unsigned kind_of(struct tph_str kind, const struct tph_go_type **type)
{
    *type = &tph_gt_meta_ObjectMeta;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (tph_str_eqz(kind, KINDS[i].kind)) {
            *type = KINDS[i].type;
            return KINDS[i].bit;
        }
    }
    return 0;
}

static int register_template(struct run *r, struct document *d)
{
    const struct tph_json *metadata = tph_json_get(d->object, "metadata");
    struct tph_str name = tph_json_get_str(metadata, "name");
    struct tph_str ns = tph_json_get_str(metadata, "namespace");
    bool cluster = tph_str_eqz(d->kind, "ClusterWorkflowTemplate");
    if (!cluster && !tph_str_eqz(d->kind, "WorkflowTemplate")) {
        return 0;
    }
    char *key = cluster ? tph_str_dup(name) : tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    d->ns_name = tph_str(key);
    if (tph_map_set(cluster ? &r->set.cluster : &r->set.templates, d->ns_name, d->object)) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "duplicate %s found: \"%.*s\"",
                             cluster ? "ClusterWorkflowTemplate" : "WorkflowTemplate", TPH_FMT(name));
    }
    return 0;
}

/* Takes one document; doc is handed over. */
static int take(struct run *r, struct file *f, struct tph_json_doc *doc, bool hidden)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf unknown = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY | (r->options->strict ? 0 : TPH_GO_ANYCASE),
                                           .unknown = &unknown};
    const struct tph_go_type *type;
    struct tph_error err = TPH_ERROR_INIT;
    f->documents = tph_realloc(f->documents, (f->n + 1) * sizeof(struct document));
    struct document *d = &f->documents[f->n++];
    *d = (struct document){.doc = doc, .kind = tph_json_get_str(tph_json_root(doc), "kind"), .hidden = hidden};
    (void)kind_of(d->kind, &type);
    if (tph_go_convert(doc, tph_json_root(doc), type, &options, &d->object, &err) < 0) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "failed to parse YAML from file %s: %s", f->path, err.text);
    }
    if (unknown.len > 0 && r->options->strict) {
        d->unknown = tph_buf_take(&unknown, NULL);
    }
    return register_template(r, d);
}

static int take_yaml(struct run *r, struct file *f, struct tph_str text, size_t index)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *again = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_parse(text, 0, &doc, NULL, &err) < 0) {
        (void)tph_buf_printf(&message, "error converting YAML to JSON: %s", err.text);
        complain(r, index, tph_buf_cstr(&message));
        return 0;
    }
    const struct tph_json *root = tph_json_root(doc);
    (void)tph_buf_puts(&message, "error unmarshaling JSON: while decoding JSON: ");
    if (!tph_json_is(root, TPH_JSON_OBJECT) && !tph_json_is_null(root)) {
        (void)tph_buf_printf(&message, "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                             tph_json_type_name(tph_json_type(root)));
        complain(r, index, tph_buf_cstr(&message));
        return 0;
    }
    if (tph_json_get_str(root, "kind").len == 0) {
        (void)tph_buf_puts(&message, "Object 'Kind' is missing in '");
        tph_json_write(root, TPH_JSON_SORTED | TPH_JSON_HTML, &message);
        (void)tph_buf_puts(&message, "'");
        complain(r, index, tph_buf_cstr(&message));
        return 0;
    }
    bool hidden = r->options->strict && tph_yaml_parse(text, TPH_YAML_STRICT, &again, NULL, NULL) < 0;
    return take(r, f, TPH_TAKE(doc), hidden);
}

static int take_file(struct run *r, const char *path, const char *shown)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (tph_fd_read_file(path, &text, r->err) < 0) {
        return -1;
    }
    r->files = tph_realloc(r->files, (r->n + 1) * sizeof(struct file));
    struct file *f = &r->files[r->n++];
    *f = (struct file){.path = tph_strdup(shown)};
    struct tph_json_doc *json = NULL;
    struct tph_str content = tph_str_trim(tph_buf_str(&text));
    if (content.len > 0 && content.p[0] == '{' && tph_json_parse(content, &json, NULL) == 0) {
        return take(r, f, json, false);
    }
    struct tph_yaml_stream stream = {.rest = text.len > 0 ? tph_buf_str(&text) : TPH_STR("")};
    struct tph_str document;
    int failed = 0;
    for (size_t i = 0; failed == 0 && tph_yaml_next_document(&stream, &document); i++) {
        failed = tph_str_trim(document).len == 0 ? 0 : take_yaml(r, f, document, i);
    }
    return failed;
}

static bool is_manifest(const char *path)
{
    struct tph_str s = tph_str(path);
    return tph_str_has_suffix(s, TPH_STR(".yaml")) || tph_str_has_suffix(s, TPH_STR(".yml")) ||
           tph_str_has_suffix(s, TPH_STR(".json"));
}

static int visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk(struct run *r, const char *path, size_t depth)
{
    struct stat st;
    if (lstat(path, &st) < 0 && !(depth == 0 && strcmp(path, "-") == 0)) {
        return tph_error_set(r->err, TPH_ERROR_NOT_FOUND, "lstat %s: %s", path,
                             errno == ENOENT ? "no such file or directory" : "permission denied");
    }
    if (strcmp(path, "-") == 0) {
        return r->options->no_stdin ? 0 : take_file(r, "-", "stdin");
    }
    if (!S_ISDIR(st.st_mode)) {
        return is_manifest(path) ? take_file(r, path, path) : 0;
    }
    struct dirent **names = NULL;
    int n = depth < TPH_LIMIT_LINT_DIRECTORIES ? scandir(path, &names, visible, by_bytes) : 0;
    int failed = 0;
    for (int i = 0; i < n; i++) {
        bool here = strcmp(path, ".") == 0;
        bool slash = path[strlen(path) - 1] == '/';
        TPH_CLEANUP(tph_freep)
        char *inner = tph_format("%s%s%s", here ? "" : path, here || slash ? "" : "/", names[i]->d_name);
        failed = failed < 0 ? failed : walk(r, inner, depth + 1);
        free(names[i]);
    }
    free(names);
    return failed;
}

static void put_colored(const struct run *r, const char *code, const char *text)
{
    bool color = r->options->color;
    (void)tph_buf_printf(r->options->out, "%s%s%s", color ? code : "", text, color ? "\033[0m" : "");
}

static void tell(const struct run *r, const struct file *f, const char *object, const char *text, bool first)
{
    if (r->options->format == TPH_LINT_SIMPLE) {
        (void)tph_buf_printf(r->options->out, "%s: in %s: %s\n", f->path, object, text);
        return;
    }
    if (first) {
        put_colored(r, "\033[4m", f->path);
        (void)tph_buf_puts(r->options->out, ":\n");
    }
    (void)tph_buf_puts(r->options->out, "   ");
    put_colored(r, "\033[31m", "✖");
    (void)tph_buf_printf(r->options->out, " in %s: %s\n", object, text);
}

static size_t lint_file(const struct run *r, const struct file *f, bool *linted)
{
    size_t n = 0;
    size_t shown = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct document *d = &f->documents[i];
        const struct tph_go_type *type;
        struct tph_error err = TPH_ERROR_INIT;
        if (d->hidden || !(kind_of(d->kind, &type) & r->options->kinds)) {
            shown += d->hidden ? 0 : 1;
            continue;
        }
        shown++;
        *linted = true;
        struct tph_str name = tph_json_get_str(tph_json_get(d->object, "metadata"), "name");
        name = name.len > 0 ? name : tph_json_get_str(tph_json_get(d->object, "metadata"), "generateName");
        TPH_CLEANUP(tph_freep) char *numbered = tph_format("object #%zu", shown);
        name = name.len > 0 ? name : tph_str(numbered);
        TPH_CLEANUP(tph_freep) char *title = tph_format("\"%.*s\" (%.*s)", TPH_FMT(name), TPH_FMT(d->kind));
        TPH_CLEANUP(tph_freep) char *strict = d->unknown ? tph_format("strict decoding error: %s", d->unknown) : NULL;
        if (strict || tph_lint_object(d->object, &r->set, TPH_LINT_FOR_REPORT, &err) < 0) {
            tell(r, f, title, strict ? strict : err.text, n == 0);
            n++;
        }
    }
    if (n > 0 && r->options->format == TPH_LINT_PRETTY) {
        (void)tph_buf_putc(r->options->out, '\n');
    }
    return n;
}

static bool report(const struct run *r)
{
    bool pretty = r->options->format == TPH_LINT_PRETTY;
    bool linted = false;
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        n += lint_file(r, &r->files[i], &linted);
    }
    if (!linted) {
        put_colored(r, pretty ? "\033[31m" : "",
                    pretty ? "✖ found nothing to lint in the specified paths, failing..."
                           : "found nothing to lint in the specified paths, failing...");
        (void)tph_buf_putc(r->options->out, '\n');
    } else if (n == 0) {
        if (pretty) {
            put_colored(r, "\033[32m", "✔");
        }
        (void)tph_buf_printf(r->options->out, "%sno linting errors found!\n", pretty ? " " : "");
    } else if (pretty) {
        TPH_CLEANUP(tph_freep) char *sum = tph_format("✖ %zu linting errors found!", n);
        put_colored(r, "\033[31m", sum);
        (void)tph_buf_putc(r->options->out, '\n');
    }
    return linted && n == 0;
}

static char *cleaned(const char *path)
{
    while (strncmp(path, "./", 2) == 0 && path[2] != '\0') {
        path += 2;
    }
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return tph_strndup(path, len);
}

int tph_lint_run(const char *const *paths, size_t n, const struct tph_lint_options *options, bool *ret_clean,
                 struct tph_error *err)
{
    struct run r = {.options = options, .err = err};
    int failed = 0;
    for (size_t i = 0; i < n && failed == 0; i++) {
        TPH_CLEANUP(tph_freep) char *path = cleaned(paths[i]);
        failed = walk(&r, path, 0);
    }
    if (failed == 0) {
        *ret_clean = report(&r);
    }
    for (size_t i = 0; i < r.n; i++) {
        for (size_t k = 0; k < r.files[i].n; k++) {
            struct document *d = &r.files[i].documents[k];
            tph_json_doc_free(d->doc);
            free(d->unknown);
            free((void *)(uintptr_t)d->ns_name.p);
        }
        free(r.files[i].documents);
        free(r.files[i].path);
    }
    free(r.files);
    tph_map_release(&r.set.templates);
    tph_map_release(&r.set.cluster);
    return failed;
}
