/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of workflows as `argo lint` does it, with its report and with ours.
 *
 * Objects are the four kinds, read by api/gotype.h with TPH_GO_KEEP_EMPTY. References are looked up in a set of the
 * objects given together. Argo tells the first error of an object, in its order and words; tph_lint_check tells all
 * that do not follow from one another, in ours where they are better, and warns of what Argo lets pass. A template's
 * body is walked once, whoever calls it. Nesting is limited (TPH_LIMIT_LINT_DEPTH). Not thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "data/json.h"

/* WorkflowTemplates ("namespace/name") and ClusterWorkflowTemplates (name); values are borrowed objects. */
struct tph_lint_set {
    struct tph_map templates;
    struct tph_map cluster;
};

/* As `argo lint`, which lets workflow arguments lack values; or as the controller and the server before a run. */
enum tph_lint_mode { TPH_LINT_FOR_REPORT, TPH_LINT_FOR_RUN };

/* Checks one object (kind Workflow, WorkflowTemplate, ClusterWorkflowTemplate, CronWorkflow). */
int tph_lint_object(const struct tph_json *object, const struct tph_lint_set *set, enum tph_lint_mode mode,
                    struct tph_error *err) TPH_MUST_CHECK;

/* One thing that is wrong, or (a warning) that Argo lets pass although it will not do what it seems to. */
struct tph_lint_problem {
    const struct tph_json *object; /* where: the object that was checked, or one of the set */
    const char *path;              /* in it: "spec.templates[0].timeout"; "" = all of it */
    const char *text;              /* one line, without the path */
    bool is_sentence;              /* of which the path is the beginning */
    const char *hint;              /* what to do, lines; NULL = none */
    const char *via;               /* object is one of the set: the path by which the checked one calls it; else NULL */
    bool is_warning;
};

/* In the order they were found. Begin with TPH_LINT_PROBLEMS_INIT. At most TPH_LIMIT_LINT_PROBLEMS are kept. */
struct tph_lint_problems {
    struct tph_arena *arena;       /* owned: the texts */
    struct tph_lint_problem *list; /* owned */
    size_t n, capacity;
    size_t n_left_out;
};
#define TPH_LINT_PROBLEMS_INIT ((struct tph_lint_problems){.arena = NULL})
void tph_lint_problems_release(struct tph_lint_problems *problems);
size_t tph_lint_n_errors(const struct tph_lint_problems *problems);

/* What an object is checked with. */
struct tph_lint_subject {
    const struct tph_lint_set *set;
    enum tph_lint_mode mode;
    const struct tph_map *plugins; /* names of those that could be called; NULL = nobody knows */
    const struct tph_map *mapped;  /* types of templates that a plugin takes over: "container"; NULL = none */
};

/* Reads value, as it was written, as its kind's Go type; ret_object, a new value in doc, is NULL where it cannot be
 * read. What is wrong with it, unknown members too, is added to problems; their object is value. */
enum { TPH_LINT_READ_LENIENT = 1 }; /* unknown members are warnings */
void tph_lint_read(struct tph_json_doc *doc, const struct tph_json *value, unsigned flags, struct tph_json **ret_object,
                   struct tph_lint_problems *problems);

/* Adds all that is wrong with an object to problems, and warnings. An error in one step, task or template does not
 * hide those of others; what follows from an error is left out where that is known. */
void tph_lint_check(const struct tph_json *object, const struct tph_lint_subject *subject,
                    struct tph_lint_problems *problems);

/* "PLACE""PATH: TEXT" and the hint on lines of its own, no newline at the end; place is "FILE:LINE:COLUMN: " or empty.
 */
void tph_lint_problem_write(const struct tph_lint_problem *problem, struct tph_str place, struct tph_buf *out);

/* Argo's two, byte for byte, and ours: every problem with its place, warnings, hints. */
enum tph_lint_format { TPH_LINT_PRETTY, TPH_LINT_SIMPLE, TPH_LINT_OWN };

struct tph_lint_options {
    enum tph_lint_format format;
    unsigned kinds; /* bits by enum tph_lint_kind */
    bool strict;    /* unknown members are errors */
    bool color;
    bool no_stdin;       /* "-" gives nothing: Argo, which reads it twice, finds nothing the second time */
    const char *time;    /* what log lines say after time= */
    struct tph_buf *out; /* the report */
    struct tph_buf *log; /* lines about documents that are none */
};
enum tph_lint_kind {
    TPH_LINT_WORKFLOW = 1,
    TPH_LINT_TEMPLATE = 2,
    TPH_LINT_CRON = 4,
    TPH_LINT_CLUSTER = 8,
    TPH_LINT_ALL = 15,
};

/* Lints files and directories (*.yaml, *.yml, *.json at any depth). Returns 0 with ret_clean (warnings do not count);
 * -1 when something cannot be read at all, with Argo's text (in our own report: with ours). */
int tph_lint_run(const char *const *paths, size_t n, const struct tph_lint_options *options, bool *ret_clean,
                 struct tph_error *err) TPH_MUST_CHECK;
