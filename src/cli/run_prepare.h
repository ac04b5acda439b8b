/* SPDX-License-Identifier: Apache-2.0 */
/* From what `run` read to what can begin: names, parameters, the plugins each workflow sees, and every check that
 * must fail before anything starts. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "cli/run_input.h"
#include "engine/run.h"

struct tph_run_overrides {
    const char *name, *ns, *entrypoint; /* NULL = as the manifest says */
    const struct tph_texts *parameters; /* "k=v", in order; later ones win */
};

/* Parses a parameter file (YAML or JSON map of texts) into "k=v" texts of the arena, appended to parameters. */
int tph_run_read_parameters(const char *path, struct tph_arena *arena, struct tph_texts *parameters,
                            struct tph_error *err) TPH_MUST_CHECK;

/* A workflow ready to begin. */
struct tph_prepared {
    struct tph_run *run;         /* owned; taken by the controller */
    struct tph_plugin **plugins; /* owned list of references */
    size_t n_plugins;
    struct tph_map keys; /* template name -> NUL-terminated plugin key, in the arena */
};

void tph_prepared_release(struct tph_prepared *prepared);

/* Fills in what the API server would have: name, namespace, uid, creationTimestamp. Before any is prepared all get
 * their names, which are kept in input->names; two of one name are an error. */
int tph_run_name(struct tph_run_input *input, struct tph_run_workflow *workflow,
                 const struct tph_run_overrides *overrides, struct tph_arena *arena, struct tph_error *err)
    TPH_MUST_CHECK;

/* Applies the other overrides to a workflow that has its name. */
int tph_run_override(struct tph_run_input *input, struct tph_run_workflow *workflow,
                     const struct tph_run_overrides *overrides, struct tph_error *err) TPH_MUST_CHECK;

/* Lays the workflow over the controller's defaults, so that it is linted with them. One that refers to a template gets
 * them when it is laid over that. */
int tph_run_take_defaults(struct tph_run_input *input, struct tph_run_workflow *workflow, struct tph_error *err)
    TPH_MUST_CHECK;

/* Reads spec.executorPlugins for what is wrong with it: said with the field's place, before lint says it in Argo's
 * words without. */
int tph_run_check_own_plugins(const struct tph_run_workflow *workflow, struct tph_error *err) TPH_MUST_CHECK;

/* Finds the plugins of a workflow that is complete, and compiles it. Errors name FILE:LINE:COLUMN; a key that no plugin
 * is called by is a warning on standard error. */
int tph_run_prepare(struct tph_run_input *input, struct tph_run_workflow *workflow, struct tph_arena *arena,
                    struct tph_prepared *ret_prepared, struct tph_error *err) TPH_MUST_CHECK;
