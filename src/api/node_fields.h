/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes as field selectors see them (--node-field-selector).
 *
 * Fields: id, name, displayName, phase, templateName, templateRef.name, templateRef.template and
 * inputs.parameters.NAME.value; any other is empty. */
#pragma once

#include <stdbool.h>

#include "data/fieldsel.h"
#include "data/json.h"

/* node: one of status.nodes, as JSON. */
bool tph_node_matches(const struct tph_fieldsel *selector, const struct tph_json *node);
