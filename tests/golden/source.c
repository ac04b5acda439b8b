/* SPDX-License-Identifier: Apache-2.0 */
/* Reads tables and folders of cases, packed or not. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/base64.h"
#include "golden.h"

static int read_whole(const char *path, struct tph_buf *text)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    char *room;
    size_t n = 1;
    while (n > 0 && (room = tph_buf_reserve(text, 65536))) {
        n = fread(room, 1, 65536, file);
        tph_buf_commit(text, n);
    }
    int failed = ferror(file) || tph_buf_failed(text) ? -1 : 0;
    (void)fclose(file);
    return failed;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The id as text: tables number their rows, packed folders name them. */
static struct tph_str id_of(const struct tph_json *row, const char *key)
{
    const struct tph_json *id = tph_json_get(row, key);
    return tph_json_is(id, TPH_JSON_NUMBER) ? tph_json_number_text(id) : tph_json_str(id);
}

static int load_table(const char *file, struct tph_str text, struct golden_sink *sink);

static void give_case(const char *file, struct tph_str name, const struct tph_json *files, struct golden_sink *sink)
{
    struct golden_case c = {.file = file, .id = name, .dir = sink->dir, .row = files, .doc = tph_json_doc_new()};
    sink->each(sink, &c);
    tph_json_doc_free(c.doc);
}

/* The loose files beside the cases: tables, and all of them together where that has a handler. */
static int load_loose(const char *file, const struct tph_json *files, struct golden_sink *sink)
{
    TPH_CLEANUP(tph_freep) char *all = tph_format("%s/.", file);
    int failed = 0;
    struct tph_json_iter it = tph_json_iter(files);
    while (tph_json_next(&it)) {
        if (tph_str_has_suffix(it.key, TPH_STR(".jsonl"))) {
            TPH_CLEANUP(tph_freep) char *table = tph_format("%s/%.*s", file, TPH_FMT(it.key));
            failed |= load_table(table, tph_json_str(it.value), sink);
        }
    }
    if (golden_find(all)) {
        give_case(all, TPH_STR("."), files, sink);
    }
    return failed;
}

/* One folder with its files: a case, or (".") the loose files. */
static int load_folder(const char *file, struct tph_str name, const struct tph_json *files, struct golden_sink *sink)
{
    if (tph_str_eqz(name, ".")) {
        return load_loose(file, files, sink);
    }
    give_case(file, name, files, sink);
    struct tph_json_iter it = tph_json_iter(files);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_freep) char *pattern = tph_format("%s/*/%.*s", file, TPH_FMT(it.key));
        if (golden_find(pattern)) {
            give_case(pattern, name, files, sink);
        }
    }
    return 0;
}

/* A line of a table. A line that packs a folder is a case of that folder. */
static int load_row(const char *file, const struct tph_json *row, const struct tph_json *first, size_t line,
                    struct golden_sink *sink)
{
    const struct tph_json *files = tph_json_get(row, "files");
    if (tph_json_len(row) == 2 && tph_json_is(files, TPH_JSON_OBJECT) && tph_json_get(row, "name")) {
        TPH_CLEANUP(tph_freep) char *folder = tph_strndup(file, strlen(file) - strlen(".jsonl"));
        return load_folder(folder, id_of(row, "name"), files, sink);
    }
    char number[24];
    (void)snprintf(number, sizeof(number), "line-%zu", line);
    struct golden_case c = {.file = file, .id = id_of(row, "id"), .row = row, .doc = tph_json_doc_new()};
    c.dir = sink->dir;
    c.first = first;
    c.id = c.id.len > 0 ? c.id : tph_str(number);
    c.in = tph_json_get(row, "in") ? tph_json_get(row, "in") : row;
    c.expected = tph_json_get(row, "out");
    sink->each(sink, &c);
    tph_json_doc_free(c.doc);
    return 0;
}

static int load_table(const char *file, struct tph_str text, struct golden_sink *sink)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *first = NULL;
    int failed = 0;
    struct tph_str line;
    for (size_t n = 1; text.len > 0 && tph_str_cut(&text, '\n', &line); n++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        if (line.len == 0) {
            continue;
        }
        if (tph_json_parse(line, &doc, &err) < 0) {
            fprintf(stderr, "%s: line %zu: %s\n", file, n, err.text);
            failed = -1;
            continue;
        }
        failed |= load_row(file, tph_json_root(doc), tph_json_root(first ? first : doc), n, sink);
        first = first ? first : TPH_TAKE(doc);
    }
    return failed;
}

/* Adds every file below path to files, named by its path below the case. */
static int collect(const char *path, const char *name, struct tph_json_doc *doc, struct tph_json *files)
{
    if (is_directory(path)) {
        struct dirent **entries = NULL;
        int n = scandir(path, &entries, visible, by_name);
        int failed = n < 0 ? -1 : 0;
        for (int i = 0; i < n; i++) {
            TPH_CLEANUP(tph_freep) char *below = tph_format("%s/%s", path, entries[i]->d_name);
            TPH_CLEANUP(tph_freep) char *inner = tph_format("%s%s%s", name, *name ? "/" : "", entries[i]->d_name);
            failed |= collect(below, inner, doc, files);
            free(entries[i]);
        }
        free(entries);
        return failed;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (read_whole(path, &text) < 0) {
        return -1;
    }
    tph_json_set_str(doc, files, name, tph_buf_str(&text));
    return 0;
}

/* DIR/NAME/: every folder in it is a case. Of the loose files only those are read that somebody may want. */
static int load_directory(const char *dir, const char *name, struct golden_sink *sink)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", dir, name);
    TPH_CLEANUP(tph_freep) char *all = tph_format("%s/.", name);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *loose_doc = tph_json_doc_new();
    struct tph_json *loose = tph_json_new_object(loose_doc);
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, visible, by_name);
    int failed = n < 0 ? -1 : 0;
    for (int i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *below = tph_format("%s/%s", path, entries[i]->d_name);
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
        struct tph_json *files = tph_json_new_object(doc);
        if (is_directory(below)) {
            failed |= collect(below, "", doc, files);
            failed |= load_folder(name, tph_str(entries[i]->d_name), files, sink);
        } else if (golden_find(all) || tph_str_has_suffix(tph_str(entries[i]->d_name), TPH_STR(".jsonl"))) {
            failed |= collect(below, entries[i]->d_name, loose_doc, loose);
        }
        free(entries[i]);
    }
    free(entries);
    return failed | load_folder(name, TPH_STR("."), loose, sink);
}

int golden_load_all(const char *dir, struct golden_sink *sink)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, visible, by_name);
    if (n < 0) {
        fprintf(stderr, "%s: %s\n", dir, strerror(errno));
        return -1;
    }
    int failed = 0;
    sink->dir = dir;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", dir, name);
        if (is_directory(path)) {
            failed |= load_directory(dir, name, sink);
        } else if (tph_str_has_suffix(tph_str(name), TPH_STR(".jsonl"))) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
            failed |= read_whole(path, &text) < 0 ? -1 : load_table(name, tph_buf_str(&text), sink);
        }
        free(entries[i]);
    }
    free(entries);
    return failed;
}

/* The row of a table, or NULL. */
static const struct tph_json *find_row(const char *path, struct tph_str name, struct tph_json_doc *doc)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str line;
    if (access(path, R_OK) < 0 || read_whole(path, &text) < 0) {
        return NULL;
    }
    for (struct tph_str rest = tph_buf_str(&text); rest.len > 0 && tph_str_cut(&rest, '\n', &line);) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *row = NULL;
        if (tph_json_parse(line, &row, NULL) == 0 && tph_str_eq(tph_json_get_str(tph_json_root(row), "name"), name)) {
            return tph_json_copy(doc, tph_json_root(row));
        }
    }
    return NULL;
}

const struct tph_json *golden_row(const char *dir, const char *table, struct tph_str name, struct tph_json_doc *doc)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", dir, table);
    return find_row(path, name, doc);
}

const struct tph_json *golden_folder(const char *dir, const char *folder, const char *name, struct tph_json_doc *doc)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s/%s", dir, folder, name);
    TPH_CLEANUP(tph_freep) char *packed = tph_format("%s/%s.jsonl", dir, folder);
    struct tph_json *files = tph_json_new_object(doc);
    if (is_directory(path)) {
        return collect(path, "", doc, files) == 0 ? files : NULL;
    }
    return tph_json_get(find_row(packed, tph_str(name), doc), "files");
}

/* Makes the directories that path has above its last part. */
static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777); /* one that is there already is fine; what else is wrong, fopen tells */
        *slash = '/';
    }
}

int golden_unpack(const struct tph_json *files, struct tph_str prefix, const char *directory)
{
    int failed = 0;
    struct tph_json_iter it = tph_json_iter(files);
    while (tph_json_next(&it)) {
        if (!tph_str_has_prefix(it.key, prefix)) {
            continue;
        }
        struct tph_str name = tph_str_slice(it.key, prefix.len, it.key.len);
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%.*s", directory, TPH_FMT(name));
        make_parents(path);
        FILE *file = fopen(path, "we");
        struct tph_str text = tph_json_str(it.value);
        bool written = file && fwrite(tph_str_fmt_ptr(text), 1, text.len, file) == text.len;
        if (!file || fclose(file) != 0 || !written) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
            failed = -1;
        }
    }
    return failed;
}
