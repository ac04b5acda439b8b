/* SPDX-License-Identifier: Apache-2.0 */
/* What `run` was given: manifests from files, directories and standard input, sorted by kind.
 *
 * Workflow, ExecutorPlugin (a directory with plugin.yaml and server.*, or a document), ConfigMap (of a plugin, or
 * plain), Secret, WorkflowTemplate, ClusterWorkflowTemplate, and Lists of them, in any order and number. Errors carry
 * FILE:LINE:COLUMN. Everything read is owned here and lives until release.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "cli/cli.h"
#include "controller/objects.h"
#include "data/json.h"
#include "data/position.h"
#include "engine/locks.h"
#include "plugin/plugin.h"

struct tph_run_workflow {
    struct tph_json_doc *doc; /* owner of object; set by the input */
    struct tph_json *object;
    struct tph_source source;
};

struct tph_run_input {
    const struct tph_cli *cli;
    const char *default_namespace;            /* for objects that name none: -n, or "default" */
    unsigned compat;                          /* enum tph_compat, of the workflows */
    const struct tph_json *workflow_defaults; /* borrowed; NULL: none */
    bool workflows_only;                      /* for submit: all else is told of and left out */
    bool plugins_only;                        /* workflows are read over: a plugin's directory may hold examples */
    struct tph_run_workflow *workflows;       /* owned */
    size_t n_workflows;
    struct tph_run_workflow *templates; /* owned: WorkflowTemplates and ClusterWorkflowTemplates */
    size_t n_templates;
    struct tph_map names;           /* "namespace/name" -> struct tph_run_workflow, once they have their names */
    struct tph_plugin_set *plugins; /* owned */
    size_t n_plugins;
    size_t n_plugins_again;      /* given another time */
    struct tph_objects *objects; /* owned */
    struct tph_locks *locks;     /* owned: mutexes and semaphores of all workflows together */
    struct document *documents;  /* owned: what all the above points into */
};

void tph_run_input_init(struct tph_run_input *input, const struct tph_cli *cli);
void tph_run_input_release(struct tph_run_input *input);

/* Reads one argument: a file, a directory (its *.yaml, *.yml and *.json, sorted, not deeper), or "-". */
int tph_run_input_read(struct tph_run_input *input, const char *path, struct tph_error *err) TPH_MUST_CHECK;

/* Takes an object that comes from elsewhere as if it had been read; file is how messages call it. The document is the
 * input's from now on, whatever is returned. */
int tph_run_input_take(struct tph_run_input *input, struct tph_json_doc *doc, const char *file, struct tph_error *err)
    TPH_MUST_CHECK;
