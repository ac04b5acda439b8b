/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories: all are read first for what they can be referred to, then each is told about. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/quote.h"
#include "data/yaml.h"
#include "lint/files.h"

static void complain(const struct tph_lint_files *r, size_t index, const char *text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    tph_quote_go(tph_str(text), &quoted);
    for (size_t i = 0; i < 2; i++) { /* Argo reads, and tells, twice */
        (void)tph_buf_printf(r->options->log, "time=%s level=ERROR msg=\"yaml file is not valid\" index=%zu error=%s\n",
                             r->options->time, index, tph_buf_cstr(&quoted));
    }
}

static int register_template(struct tph_lint_files *r, struct tph_lint_document *d)
{
    const struct tph_json *metadata = tph_json_get(d->object, "metadata");
    struct tph_str name = tph_json_get_str(metadata, "name");
    struct tph_str ns = tph_json_get_str(metadata, "namespace");
    bool cluster = tph_str_eqz(d->kind, "ClusterWorkflowTemplate");
    if (!cluster && !tph_str_eqz(d->kind, "WorkflowTemplate")) {
        return 0;
    }
    char *key = cluster ? tph_str_dup(name) : tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    d->key = key;
    if (tph_map_set(cluster ? &r->set.cluster : &r->set.templates, tph_str(d->key), d->object)) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "duplicate %s found: \"%.*s\"",
                             cluster ? "ClusterWorkflowTemplate" : "WorkflowTemplate", TPH_FMT(name));
    }
    return 0;
}

struct tph_lint_document *tph_lint_document_add(struct tph_lint_file *file)
{
    if ((file->n & (file->n + 1)) == 0) { /* n + 1 is a power of two: full */
        file->documents = tph_realloc(file->documents, (file->n + 1) * 2 * sizeof(*file->documents));
    }
    return &file->documents[file->n++];
}

/* Takes one document; doc is handed over. */
static int take(struct tph_lint_files *r, struct tph_lint_file *f, struct tph_json_doc *doc, bool hidden)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf unknown = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY | (r->options->strict ? 0 : TPH_GO_ANYCASE),
                                           .unknown = &unknown};
    const struct tph_go_type *type;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_lint_document *d = tph_lint_document_add(f);
    *d = (struct tph_lint_document){.doc = doc, .kind = tph_json_get_str(tph_json_root(doc), "kind"), .hidden = hidden};
    (void)tph_lint_kind_of(d->kind, &type);
    if (tph_go_convert(doc, tph_json_root(doc), type, &options, &d->object, &err) < 0) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "failed to parse YAML from file %s: %s", f->path, err.text);
    }
    if (unknown.len > 0 && r->options->strict) {
        d->unknown = tph_buf_take(&unknown, NULL);
    }
    return register_template(r, d);
}

static int take_yaml(struct tph_lint_files *r, struct tph_lint_file *f, struct tph_str text, size_t index)
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

/* A file that was named, or one that was found in a directory: who names a pipe knows what writes to it. */
enum origin { NAMED, FOUND };

static int take_file(struct tph_lint_files *r, const char *path, const char *shown, enum origin origin)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    int unread =
        origin == NAMED ? tph_fd_read_file(path, &text, r->err) : tph_fd_read_regular_file(path, &text, r->err);
    if (unread < 0) {
        return -1;
    }
    r->list = tph_realloc(r->list, (r->n + 1) * sizeof(struct tph_lint_file));
    struct tph_lint_file *f = &r->list[r->n++];
    *f = (struct tph_lint_file){.path = tph_strdup(shown)};
    if (r->options->format == TPH_LINT_OWN) {
        tph_lint_own_take(r, f, text.len > 0 ? tph_buf_str(&text) : TPH_STR(""));
        return 0;
    }
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

static int walk(struct tph_lint_files *r, const char *path, size_t depth)
{
    bool own = r->options->format == TPH_LINT_OWN;
    struct stat st;
    if (lstat(path, &st) < 0 && !(depth == 0 && strcmp(path, "-") == 0)) {
        return own ? tph_error_errno(r->err, errno, "%s", path)
                   : tph_error_set(r->err, TPH_ERROR_NOT_FOUND, "lstat %s: %s", path,
                                   errno == ENOENT ? "no such file or directory" : "permission denied");
    }
    if (strcmp(path, "-") == 0) {
        return r->options->no_stdin ? 0 : take_file(r, "-", own ? "<stdin>" : "stdin", NAMED);
    }
    if (!S_ISDIR(st.st_mode)) {
        return is_manifest(path) || (own && depth == 0) ? take_file(r, path, path, depth == 0 ? NAMED : FOUND) : 0;
    }
    struct dirent **names = NULL; /* deeper directories are left out */
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

static void release(struct tph_lint_files *r)
{
    struct tph_str name = TPH_STR_NONE;
    void *value = NULL;
    size_t at = 0;
    while (tph_map_next(&r->plugins, &at, &name, &value)) {
        free((void *)(uintptr_t)name.p);
    }
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->list[i].n; k++) {
            struct tph_lint_document *d = &r->list[i].documents[k];
            tph_json_doc_free(d->doc);
            tph_positions_free(d->positions);
            tph_lint_problems_release(&d->problems);
            free(d->unknown);
            free(d->key);
            free(d->prefix);
            free(d->fault);
        }
        free(r->list[i].documents);
        free(r->list[i].path);
    }
    free(r->list);
    tph_map_release(&r->plugins);
    tph_map_release(&r->set.templates);
    tph_map_release(&r->set.cluster);
}

int tph_lint_run(const char *const *paths, size_t n, const struct tph_lint_options *options, bool *ret_clean,
                 struct tph_error *err)
{
    struct tph_lint_files r = {.options = options, .err = err};
    int failed = 0;
    for (size_t i = 0; i < n && failed == 0; i++) {
        TPH_CLEANUP(tph_freep) char *path = cleaned(paths[i]);
        failed = walk(&r, path, 0);
    }
    if (failed == 0) {
        *ret_clean = options->format == TPH_LINT_OWN ? tph_lint_own_report(&r) : tph_lint_argo_report(&r);
    }
    release(&r);
    return failed;
}
