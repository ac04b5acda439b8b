/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as fmt's %v prints what encoding/json and Kubernetes make of them: map[a:1 b:[x <nil>]], members by name,
 * whole numbers as such, others as strconv 'g'. For messages that carry a value. */
#pragma once

#include "base/buf.h"
#include "data/json.h"

/* Appends; depth is bounded by the JSON reader's. */
void tph_gotext_write(const struct tph_json *value, struct tph_buf *buf);
