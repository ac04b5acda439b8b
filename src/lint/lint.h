/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of workflows as `argo lint` does it, and its report.
 *
 * Objects are the four kinds, read by api/gotype.h with TPH_GO_KEEP_EMPTY. References are looked up in a set of the
 * objects given together. The first error of an object is told, in Argo's order and words. A template's body is walked
 * once, whoever calls it. Nesting is limited (TPH_LIMIT_LINT_DEPTH). Not thread-safe.
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

enum tph_lint_format { TPH_LINT_PRETTY, TPH_LINT_SIMPLE };

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

/* Lints files and directories (*.yaml, *.yml, *.json at any depth). Returns 0 with ret_clean; -1 when something cannot
 * be read at all, with Argo's text. */
int tph_lint_run(const char *const *paths, size_t n, const struct tph_lint_options *options, bool *ret_clean,
                 struct tph_error *err) TPH_MUST_CHECK;
