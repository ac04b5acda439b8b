/* SPDX-License-Identifier: Apache-2.0 */
/* What one `lint` was given: files, their documents, the set of what can be referred to. Inside of lint: files.c reads,
 * argo.c and own.c tell. Everything is owned by struct tph_lint_files. */
#pragma once

#include "data/position.h"
#include "lint/internal.h"

struct tph_lint_document {
    struct tph_str kind;
    struct tph_json *object;  /* as Go would write it; NULL = it cannot be read */
    struct tph_json_doc *doc; /* owned; of a list's items NULL but for the last */
    char *key;                /* owned: of the set */
    char *unknown;            /* owned: unknown members, or NULL */
    bool hidden;              /* for Argo: a duplicate key: not there at all */

    /* for our own report */
    const struct tph_json *written;  /* as it was written */
    struct tph_positions *positions; /* owned, as doc */
    const struct tph_positions *places;
    size_t line_offset;
    char *prefix; /* owned: "items[2]." of a list; or NULL */
    struct tph_lint_problems problems;
    char *fault; /* owned: it is no manifest, and why; or NULL */
    struct tph_position fault_at;
};

struct tph_lint_file {
    char *path;
    struct tph_lint_document *documents;
    size_t n;
};

struct tph_lint_files {
    const struct tph_lint_options *options;
    struct tph_lint_file *list;
    size_t n;
    struct tph_lint_set set;
    struct tph_map plugins; /* names of plugins that are among the documents: owned keys, values say nothing */
    struct tph_error *err;
};

struct tph_lint_document *tph_lint_document_add(struct tph_lint_file *file);

/* own.c: takes the documents of a text; tells about all of them. */
void tph_lint_own_take(struct tph_lint_files *files, struct tph_lint_file *file, struct tph_str text);
bool tph_lint_own_report(struct tph_lint_files *files);

/* argo.c */
bool tph_lint_argo_report(const struct tph_lint_files *files);
