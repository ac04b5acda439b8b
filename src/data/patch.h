/* SPDX-License-Identifier: Apache-2.0 */
/* Merge patches (RFC 7386) and JSON patches (RFC 6902), with what the library of Kubernetes' API server
 * (evanphx/json-patch v4) makes of the places that the standards leave open. Strategic merge patches: api/strategic.h.
 *
 * The inputs stay as they are; results are new values in doc. Texts of errors are the library's own. Cost follows the
 * size of both sides, that of JSON patches is bounded (TPH_LIMIT_PATCH_*). Depth is limited by the JSON reader.
 */
#pragma once

#include "base/error.h"
#include "data/json.h"

/* original with patch merged into it: null takes a member away, objects merge, all else replaces. A patch that is a
 * list replaces the whole. Error (INVALID): patch is neither object nor list ("Invalid JSON Patch"), original is null
 * ("Invalid JSON Document"). */
int tph_patch_merge(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                    struct tph_json **ret_merged, struct tph_error *err) TPH_MUST_CHECK;

/* The merge patch that makes modified of original: two objects, or two lists of as many objects, which give a list of
 * patches. What is null in modified comes out of the patch as a member to take away: merge patches cannot say
 * otherwise. Numbers are equal when their values are. Error (INVALID): "Invalid JSON Document", "Mismatched JSON
 * Documents". */
int tph_patch_make_merge(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *modified,
                         struct tph_json **ret_patch, struct tph_error *err) TPH_MUST_CHECK;

/* Whether patch is a list of operations at all; null is one without any. Error: INVALID, or LIMIT (more than
 * TPH_LIMIT_PATCH_OPERATIONS). */
int tph_patch_check_json(const struct tph_json *patch, struct tph_error *err) TPH_MUST_CHECK;

/* original after the operations of patch, all of them. Negative indexes count from the end. Error: INVALID when it is
 * no patch or an operation does not apply, LIMIT beyond the ceilings. */
int tph_patch_json(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                   struct tph_json **ret_patched, struct tph_error *err) TPH_MUST_CHECK;
