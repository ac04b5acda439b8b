/* SPDX-License-Identifier: Apache-2.0 */
/* Argo's AnyString: parameter values arrive as any JSON scalar and are kept as text. */
#pragma once

#include "base/buf.h"
#include "data/json.h"

/* Appends the text of a value: a string as it is, a number through a double in plain decimals (2.0 becomes 2), true
 * and false, an object or list as nothing. Returns false for null: no value. */
bool tph_anystring(const struct tph_json *value, struct tph_buf *text);
