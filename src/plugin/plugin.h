/* SPDX-License-Identifier: Apache-2.0 */
/* Executor plugin definitions, from wherever they come: a directory with plugin.yaml (and server.*), a ConfigMap
 * labelled workflows.argoproj.io/configmap-type: ExecutorPlugin, or a workflow's spec.executorPlugins.
 *
 * A definition is immutable once read and counted by reference. Errors are kind INVALID (NOT_FOUND for a missing file)
 * and begin with FILE:LINE:COLUMN: PATH where the file is known. Source of the rules: docs/plugins.md, reference
 * argo 4.2 and workflow/util/plugin at v4.1.2; tests/data/golden/plugin_build.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/container.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "plugin/source.h"

struct tph_plugin {
    struct tph_str ns;          /* "" = the namespace of whoever uses it (`run`) */
    struct tph_str name;        /* "hello": metadata.name, or the ConfigMap's without "-executor-plugin" */
    struct tph_str config_name; /* "hello-executor-plugin": what Argo's log lines name */
    struct tph_container container;
    const struct tph_volume *volumes;
    size_t n_volumes;
    bool automount_token;    /* sidecar.automountServiceAccountToken */
    int64_t call_timeout_ms; /* annotation tiphys/call-timeout; TPH_LIMIT_CALL_TIMEOUT_MS by default */
    int64_t ready_ms;        /* annotation tiphys/ready-timeout; 0 = the agent's */
    const char *refused;     /* why it cannot be run here, with its place; NULL: nothing against it */
    const char *no_account;  /* why not where there are no service accounts, with its place; NULL: it asks for none */
    const char *file;        /* where it was read; NULL unknown */
    const char *directory;   /* the plugin's own directory, absolute; NULL when not read from one */
};

struct tph_plugin *tph_plugin_ref(struct tph_plugin *plugin);
void tph_plugin_unref(struct tph_plugin *plugin);
TPH_DEFINE_CLEANUP(struct tph_plugin, tph_plugin_unref);

/* From DIR/plugin.yaml and at most one DIR/server.*. Fully checked: ports, resources, securityContext. */
int tph_plugin_from_directory(const char *directory, struct tph_plugin **ret_plugin, struct tph_error *err)
    TPH_MUST_CHECK;

/* From a parsed ExecutorPlugin document (directory: where server.* is looked for, may be NULL), a parsed
 * ConfigMap, or the index-th element of a workflow's spec.executorPlugins. */
int tph_plugin_from_manifest(const struct tph_json *manifest, const struct tph_source *source, const char *directory,
                             struct tph_plugin **ret_plugin, struct tph_error *err) TPH_MUST_CHECK;
int tph_plugin_from_configmap(const struct tph_json *configmap, const struct tph_source *source,
                              struct tph_plugin **ret_plugin, struct tph_error *err) TPH_MUST_CHECK;
int tph_plugin_from_workflow(const struct tph_json *workflow, size_t index, const struct tph_source *source,
                             struct tph_plugin **ret_plugin, struct tph_error *err) TPH_MUST_CHECK;

/* True for a ConfigMap that says it is an executor plugin. */
bool tph_plugin_is_configmap(const struct tph_json *object);

/* The plugins that are known, and which of them a workflow sees. Holds references. */
struct tph_plugin_set;
struct tph_plugin_set *tph_plugin_set_new(void) TPH_MUST_CHECK;
void tph_plugin_set_free(struct tph_plugin_set *set);
TPH_DEFINE_CLEANUP(struct tph_plugin_set, tph_plugin_set_free);

/* Adds a definition. 0; 1 = one of that namespace and name is there already, ret_other says which (borrowed). */
int tph_plugin_set_add(struct tph_plugin_set *set, struct tph_plugin *plugin, struct tph_plugin **ret_other);

/* Those that a workflow of namespace ns sees, in the fixed order of asking: its own namespace's by name, then
 * the install namespace's by name without those shadowed. Appends borrowed pointers to out (at most
 * TPH_LIMIT_PLUGINS); returns how many. A plugin with ns "" belongs to every namespace's own. */
size_t tph_plugin_set_visible(const struct tph_plugin_set *set, struct tph_str ns, struct tph_str install_ns,
                              struct tph_plugin **out, size_t max);

/* All of them, by name, then namespace; appends at most max borrowed pointers and returns how many. */
size_t tph_plugin_set_all(const struct tph_plugin_set *set, struct tph_plugin **out, size_t max);
