/* SPDX-License-Identifier: Apache-2.0 */
/* Container and script templates without pods: a plugin gets what a pod would have run (`--map`, `templateMap`). */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

/* Which plugin runs which; NUL-terminated, owned, NULL: none. */
struct tph_template_map {
    char *container, *script;
};
void tph_template_map_release(struct tph_template_map *map);

/* Sets one: type is "container" or "script", plugin its name. Kind INVALID: it is neither, or there is no name. A later
 * one replaces an earlier. */
int tph_template_map_set(struct tph_template_map *map, struct tph_str type, struct tph_str plugin,
                         struct tph_error *err) TPH_MUST_CHECK;

/* Makes plugin templates of the container and script templates of a Workflow or a workflow template, inline ones too,
 * in place: the plugin gets image, command, args and source as they stand there; podResources and resourceClaims go. */
void tph_template_map_apply(const struct tph_template_map *map, struct tph_json_doc *doc, struct tph_json *object);
/* The same for one template, but not for the inline ones in it. */
void tph_template_map_leaf(const struct tph_template_map *map, struct tph_json_doc *doc, struct tph_json *tmpl);
