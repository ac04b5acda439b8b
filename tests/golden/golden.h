/* SPDX-License-Identifier: Apache-2.0 */
/* The golden runner: recorded answers of the genuine programs against ours.
 *
 * A case is either a line of a table (FILE.jsonl: {"id", "in", "out"}) or a folder of files (plugin_build/NAME/). A
 * handler reads the input, calls our code and leaves what came out in `got`; the runner compares it with `expected`
 * and prints the difference. To add a concern: one file h_NAME.c with its handlers, and their lines in table.c. Rows
 * of a handled table that wait for a later layer stand in known.txt with their reason.
 *
 * The runner sets compatibility with Argo: handlers use those variants of our functions that compute what Argo does.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "data/json.h"

struct golden_case {
    const char *file;                /* "yaml.jsonl", "plugin_build" */
    struct tph_str id;               /* the row's id, or the folder's name */
    const char *dir;                 /* where all the cases come from */
    const struct tph_json *row;      /* the whole line; of a folder {path: text} */
    const struct tph_json *first;    /* the first line of its table; NULL for a folder */
    const struct tph_json *in;       /* the row's "in", or the row itself where it has none; NULL for a folder */
    struct tph_json_doc *doc;        /* for what the handler builds; lives as long as the case */
    const struct tph_json *expected; /* the row's "out"; a handler may set another, a folder's handler must */
    struct tph_json *got;            /* set by the handler */
    const char *skip;                /* set by a handler that cannot run here: the reason */
};

typedef void golden_handler(struct golden_case *c);

struct golden_entry {
    /* A table with its path below the folder, or a folder of cases; "FOLDER/." are the loose files beside its cases,
     * and "FOLDER/ * /FILE" without blanks stands for those of its cases that have that file. */
    const char *file;
    golden_handler *run;
};

/* The handler of a table or folder, or NULL. */
golden_handler *golden_find(const char *file);

/* One handler a concern, each in its own file. */
golden_handler golden_yaml;
golden_handler golden_yaml_emit;
golden_handler golden_json_encode;
golden_handler golden_quantity;
golden_handler golden_anystring;
golden_handler golden_better_anystrings;
golden_handler golden_better_durations;
golden_handler golden_better_quantities;
golden_handler golden_lint;
golden_handler golden_command_lint;
golden_handler golden_command_colors;
golden_handler golden_command_examples;
golden_handler golden_command_build;
golden_handler golden_depends;
golden_handler golden_node_ids;
golden_handler golden_better_runs;
golden_handler golden_better_stuck;
golden_handler golden_plugin_build;
golden_handler golden_cases;
golden_handler golden_items;
golden_handler golden_aggregate;
golden_handler golden_cron;
golden_handler golden_edit;
golden_handler golden_merge;
golden_handler golden_selectors;
golden_handler golden_patch;
golden_handler golden_get_tree;
golden_handler golden_get_tree_lists;
golden_handler golden_humanize;
golden_handler golden_case_get;
golden_handler golden_template;
golden_handler golden_when;
golden_handler golden_expr;

/* Short hands for handlers. */
struct tph_str golden_in(const struct golden_case *c, const char *key); /* a text of `in` */
struct tph_json *golden_object(struct golden_case *c);                  /* makes `got` an empty object, returns it */
void golden_set(struct golden_case *c, const char *key, struct tph_str text); /* got[key] = text */
void golden_set_buf(struct golden_case *c, const char *key, const struct tph_buf *text);
void golden_set_json(struct golden_case *c, const char *key, const struct tph_json *value,
                     unsigned flags); /* its text */

/* Where cases come from. Calls `each` for every case of the file or folder `name` below `dir`, whichever layout is
 * there (NAME/CASE/..., or packed in NAME.jsonl: {"name", "files"}). Returns -1 when something cannot be read. */
struct golden_sink {
    void (*each)(struct golden_sink *sink, struct golden_case *c);
    const char *dir; /* set by load */
};
int golden_load_all(const char *dir, struct golden_sink *sink);

/* A case that another one needs, in whichever layout; NULL where it is not. The files of a folder's case: {path: text};
 * the row of a table whose member `name` is as wanted. */
const struct tph_json *golden_folder(const char *dir, const char *folder, const char *name, struct tph_json_doc *doc);
const struct tph_json *golden_row(const char *dir, const char *table, struct tph_str name, struct tph_json_doc *doc);

/* Writes the files whose path begins with prefix (dropped) below directory, which exists. For handlers of folders. */
int golden_unpack(const struct tph_json *files, struct tph_str prefix, const char *directory);

/* What is in known.txt for a row: the reason why it is not run, or NULL. */
struct golden_known;
struct golden_known *golden_known_load(const char *path);
void golden_known_free(struct golden_known *known);
const char *golden_known_reason(const struct golden_known *known, const struct golden_case *c);
