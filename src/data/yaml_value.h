/* SPDX-License-Identifier: Apache-2.0 */
/* Private to data/yaml*.c: nodes become JSON values as go-yaml v2 and sigs.k8s.io/yaml make them. */
#pragma once

#include "data/json.h"
#include "data/yaml_internal.h"

/* Makes the value of root (NULL: null) the root of doc. flags: TPH_YAML_STRICT, _FLOATS. Keys learn their names
 * (node->key), which are kept in arena. */
int tph_yaml_value(struct tph_yaml_node *root, struct tph_arena *arena, unsigned flags, struct tph_json_doc *doc,
                   struct tph_yaml_failure *failure) TPH_MUST_CHECK;

/* What a scalar node means, its tag considered; ret_text is its text (decoded where it is !!binary). */
int tph_yaml_scalar_of(const struct tph_yaml_node *node, struct tph_arena *arena, struct tph_yaml_scalar *ret_scalar,
                       struct tph_str *ret_text, struct tph_yaml_failure *failure) TPH_MUST_CHECK;

/* Appends the node's value as Go's %#v prints it, for messages; stops where out is full. */
void tph_yaml_print_go(const struct tph_yaml_node *node, struct tph_buf *out);
