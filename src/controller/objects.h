/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets and ConfigMaps in memory, for `run`: what sidecars' env and volumes refer to.
 *
 * Objects are borrowed documents that the caller keeps. A namespace "" in an object means: everybody's.
 * Loop thread only.
 */
#pragma once

#include "base/error.h"
#include "data/json.h"
#include "podrt/podrt.h"

struct tph_objects;

struct tph_objects *tph_objects_new(void) TPH_MUST_CHECK;
void tph_objects_free(struct tph_objects *objects);
TPH_DEFINE_CLEANUP(struct tph_objects, tph_objects_free);

/* Adds a Secret or ConfigMap object. Returns 0; or 1 when one of that namespace and name is there already. Its
 * values are checked when they are read. */
int tph_objects_add(struct tph_objects *objects, enum tph_env_source kind, const struct tph_json *object);

/* The look-up functions for podrt. */
struct tph_pod_objects tph_objects_lookup(struct tph_objects *objects);
