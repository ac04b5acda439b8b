/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller is told about all workflows: YAML of a file (`--config`), or the ConfigMap that Argo's controller
 * reads, `workflow-controller-configmap`, with the keys in its data or all of them as one text under `config`.
 *
 *   workflowDefaults   a Workflow's metadata and spec for whatever a workflow does not say itself
 *   templateMap        {container: PLUGIN, script: PLUGIN}: plugins that run what would need pods
 *   compatibility      names of docs/differences.md, joined by commas
 *   parallelism, namespaceParallelism                workflows that run at a time; 0: no limit
 *   retentionPolicy    {completed, failed, errored}  how many that are over are kept; 0: all
 *   nodeEvents, workflowEvents {enabled}             whether Events are written; true
 *   workflowRestrictions {templateReferencing}       Strict or Secure: only what refers to a template runs
 *   validate           off, warn or deny: whether workflows are linted when they are written
 *
 * Argo's further keys are about pods, artifacts and databases: those are kept in `unused`, for one warning. Their list
 * stands in docs/server.md.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "controller/template_map.h"
#include "data/json.h"

#define TPH_SETTINGS_CONFIG_MAP "workflow-controller-configmap"

enum tph_validate { TPH_VALIDATE_OFF, TPH_VALIDATE_WARN, TPH_VALIDATE_DENY };
/* Kind INVALID: text is no such word. */
int tph_validate_parse(struct tph_str text, enum tph_validate *ret_validate, struct tph_error *err) TPH_MUST_CHECK;

struct tph_settings {
    struct tph_json_doc *doc;                 /* owned: what workflow_defaults points into */
    const struct tph_json *workflow_defaults; /* NULL: none */
    struct tph_template_map map;
    unsigned compat;                    /* enum tph_compat */
    size_t parallelism, ns_parallelism; /* workflows that run at a time, of all and of a namespace; 0: no limit */
    size_t keep_succeeded;              /* the newest of those that are over; others are deleted. 0: all */
    size_t keep_failed, keep_errored;
    bool no_node_events, no_workflow_events;
    bool must_refer; /* workflows without workflowTemplateRef are Error, and may set few fields on top of it */
    enum tph_validate validate;
    struct tph_buf of_server; /* names of keys that were read and only a server heeds, likewise */
    struct tph_buf unused;    /* names of keys that nothing here looks at, joined by ", " */
};
void tph_settings_init(struct tph_settings *settings);
void tph_settings_release(struct tph_settings *settings); /* once it was initialized; also twice */
/* to: not initialized yet; as from, and its own. */
void tph_settings_copy(const struct tph_settings *from, struct tph_settings *to);

/* Reads YAML or JSON text over what settings has: keys that are there replace earlier ones. Kind INVALID: "KEY: what is
 * wrong", with line and column where the text itself cannot be read. settings is as it was then. */
int tph_settings_read(struct tph_settings *settings, struct tph_str text, struct tph_error *err) TPH_MUST_CHECK;

/* The same from a ConfigMap object. */
int tph_settings_read_map(struct tph_settings *settings, const struct tph_json *config_map, struct tph_error *err)
    TPH_MUST_CHECK;
