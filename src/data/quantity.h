/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes quantities: "500m", "64Mi", "1.5", "1e3". */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* The value in whole units and in thousandths, rounded up, capped at INT64_MAX, as resource.Quantity does.
 * Error text: Kubernetes' own. ret_value, ret_milli may be NULL. */
int tph_quantity_parse(struct tph_str text, int64_t *ret_value, int64_t *ret_milli, struct tph_error *err) TPH_MUST_CHECK;
