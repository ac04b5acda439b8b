/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a stored object reads as its type: what Kubernetes' converter of unstructured objects, which Argo's
 * controller uses, would say. Stricter and looser than encoding/json (api/gotype.h) in its own way; unknown members are
 * no matter. Nothing is converted. Depth is that of JSON. Source: argo 1.1; recorded cases undecodable-*.
 */
#pragma once

#include "api/gotype.h"

/* Returns 0, or -1 with the converter's words: `cannot convert int64 to string`. */
int tph_unstructured_check(const struct tph_json *value, const struct tph_go_type *type, struct tph_error *err)
    TPH_MUST_CHECK;
