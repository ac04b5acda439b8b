/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in memory, for `run`: Secrets and ConfigMaps that sidecars' env and volumes refer to, ConfigMaps and
 * workflow templates that workflows refer to.
 *
 * Objects are borrowed documents that the caller keeps. A namespace "" in an object means: everybody's.
 * Loop thread only.
 */
#pragma once

#include "base/error.h"
#include "data/json.h"
#include "engine/run.h"
#include "podrt/podrt.h"

struct tph_objects;

struct tph_objects *tph_objects_new(void) TPH_MUST_CHECK;
void tph_objects_free(struct tph_objects *objects);
TPH_DEFINE_CLEANUP(struct tph_objects, tph_objects_free);

/* Adds a Secret or ConfigMap object. Returns 0; or 1 when one of that namespace and name is there already. Its
 * values are checked when they are read. */
int tph_objects_add(struct tph_objects *objects, enum tph_env_source kind, const struct tph_json *object);

/* The same for a WorkflowTemplate, or a ClusterWorkflowTemplate. */
int tph_objects_add_template(struct tph_objects *objects, bool is_cluster, const struct tph_json *object);

/* What a workflow of that namespace sees of them. Lives as long as objects; what is added later is seen, too. */
const struct tph_run_objects *tph_objects_view(struct tph_objects *objects, struct tph_str ns);

/* The look-up functions for podrt. */
struct tph_pod_objects tph_objects_lookup(struct tph_objects *objects);
