/* SPDX-License-Identifier: Apache-2.0 */
/* Names that Argo derives from others. Reference: argo 1.7. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* The id of a node: the workflow's name for the root, else that, a dash and the hash of the node's name. Appended. */
void tph_names_node_id(struct tph_str workflow, struct tph_str node, struct tph_buf *id);

/* The name of a node's pod in format v2: WORKFLOW-TEMPLATE-HASH, the part before the hash cut so that a pod may be
 * called so; template may be empty. The format v1 is the node's id. Appended; a cut may split a character, which
 * then reads as U+FFFD. */
void tph_names_pod(struct tph_str workflow, struct tph_str node, struct tph_str tmpl, struct tph_buf *name);
