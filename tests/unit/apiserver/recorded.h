/* SPDX-License-Identifier: Apache-2.0 */
/* The recorded traffic of genuine clients and a genuine server, as rows of JSON: what the shared data's README tells.
 * Where the recordings are not there, tests that need them are skipped.
 */
#pragma once

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/json.h"

typedef void recorded_row(void *owner, const char *file, const struct tph_json *row);

static inline int recorded_is_rows(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 6 && strcmp(entry->d_name + len - 6, ".jsonl") == 0;
}

/* Calls tell with each row of the files whose name has `part` in it, in order; skips the test where there are none. */
static inline void recorded_each(const char *part, recorded_row *tell, void *owner)
{
    const char *folder = getenv("TIPHYS_RECORDED_HTTP");
    struct dirent **names = NULL;
    int n = folder ? scandir(folder, &names, recorded_is_rows, alphasort) : -1;
    if (n <= 0) {
        print_message("no recorded traffic: TIPHYS_RECORDED_HTTP names no folder with it\n");
        skip();
    }
    for (int i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", folder, names[i]->d_name);
        FILE *file = strstr(names[i]->d_name, part) ? fopen(path, "r") : NULL;
        char *line = NULL;
        size_t room = 0;
        ssize_t len = 0;
        while (file && (len = getline(&line, &room, file)) > 0) {
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
            assert_int_equal(tph_json_parse((struct tph_str){line, (size_t)len}, &doc, NULL), 0);
            tell(owner, names[i]->d_name, tph_json_root(doc));
        }
        free(line);
        if (file) {
            (void)fclose(file);
        }
        free(names[i]);
    }
    free(names);
}

/* The length of a placeholder of the recording (<uid-3>, <time-1>, <redacted>) at the front of text, or 0. */
static inline size_t recorded_placeholder(struct tph_str text)
{
    static const char *const kinds[] = {"<uid-", "<rv-", "<time-", "<utime-", "<redacted", "<jwt"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ptrdiff_t end = tph_str_find_byte(text, '>');
        if (tph_str_has_prefix(text, tph_str(kinds[i])) && end > 0) {
            return (size_t)end + 1;
        }
    }
    return 0;
}

/* A text as it was recorded against ours: a placeholder stands for any run of characters. */
static inline bool recorded_text_like(struct tph_str recorded, struct tph_str ours)
{
    while (recorded.len > 0) {
        size_t skip_len = recorded_placeholder(recorded);
        if (skip_len > 0) {
            recorded = tph_str_slice(recorded, skip_len, recorded.len);
            for (size_t i = 0; i <= ours.len; i++) {
                if (recorded_text_like(recorded, tph_str_slice(ours, i, ours.len))) {
                    return true;
                }
            }
            return false;
        }
        if (ours.len == 0 || recorded.p[0] != ours.p[0]) {
            return false;
        }
        recorded = tph_str_slice(recorded, 1, recorded.len);
        ours = tph_str_slice(ours, 1, ours.len);
    }
    return ours.len == 0;
}

/* Whether ours is what was recorded, placeholders standing for anything. */
static inline bool recorded_like(const struct tph_json *recorded, const struct tph_json *ours)
{
    if (!recorded || !ours || tph_json_type(recorded) != tph_json_type(ours) ||
        tph_json_len(recorded) != tph_json_len(ours)) {
        return false;
    }
    struct tph_json_iter it = tph_json_iter(recorded);
    struct tph_json_iter other = tph_json_iter(ours);
    switch (tph_json_type(recorded)) {
    case TPH_JSON_STRING:
        return recorded_text_like(tph_json_str(recorded), tph_json_str(ours));
    case TPH_JSON_ARRAY:
        while (tph_json_next(&it) && tph_json_next(&other)) {
            if (!recorded_like(it.value, other.value)) {
                return false;
            }
        }
        return true;
    case TPH_JSON_OBJECT:
        while (tph_json_next(&it)) {
            if (!recorded_like(it.value, tph_json_getn(ours, it.key))) {
                return false;
            }
        }
        return true;
    case TPH_JSON_NULL:
    case TPH_JSON_BOOL:
    case TPH_JSON_NUMBER:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return tph_json_equal(recorded, ours);
}

/* Tells both when they differ. Returns whether they are alike. */
static inline bool recorded_same(const char *file, const struct tph_json *row, const struct tph_json *recorded,
                                 const struct tph_json *ours)
{
    if (recorded_like(recorded, ours)) {
        return true;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_printf(&text, "%s seq ", file);
    tph_json_write(tph_json_get(row, "seq"), 0, &text);
    (void)tph_buf_puts(&text, " ");
    tph_json_write(tph_json_get(row, "command"), 0, &text);
    (void)tph_buf_puts(&text, "\nrecorded ");
    tph_json_write(recorded, TPH_JSON_SORTED, &text);
    (void)tph_buf_puts(&text, "\nours     ");
    tph_json_write(ours, TPH_JSON_SORTED, &text);
    fprintf(stderr, "%s\n", tph_buf_cstr(&text));
    return false;
}

/* The value of the first query parameter of that name; NULL: there is none. */
static inline struct tph_json *recorded_query(const struct tph_json *row, const char *name)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(row, "request", "query", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_str(tph_json_at(it.value, 0)), name)) {
            return tph_json_at(it.value, 1);
        }
    }
    return NULL;
}

/* A header of the request ("Accept") or the response; empty when there is none. */
static inline struct tph_str recorded_header(const struct tph_json *row, const char *side, const char *name)
{
    return tph_json_get_str(tph_json_path(row, side, "headers", NULL), name);
}
