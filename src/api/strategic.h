/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes' strategic merge patch: a patch whose lists merge as the Go type of the object says.
 *
 * Objects merge member by member; null in the patch takes a member away. A list merges where its field declares that
 * (TPH_GO_MERGE in the tables of api/gotype.h): elements with equal merge_key are merged, others are added; elements
 * of the patch keep their order and come as early as the order of the original allows. Other lists are replaced.
 * Directives: $patch (replace, delete), $retainKeys, $setElementOrder/LIST, $deleteFromPrimitiveList/LIST.
 * What is told of a broken patch is what Kubernetes' API server tells. Cost follows the size of both; depth is limited
 * by the JSON reader. The inputs stay as they are. */
#pragma once

#include "api/gotype.h"

/* The type of objects of a kind of Kubernetes' own ("Pod"; "PodSpec" is what spec.podSpecPatch patches). NULL: such
 * objects take no strategic merge patch, as Argo's do not. */
const struct tph_go_type *tph_strategic_type_of(struct tph_str kind);

/* Errors are of kind INVALID. */
int tph_strategic_merge(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                        const struct tph_go_type *type, struct tph_json **ret_merged, struct tph_error *err)
    TPH_MUST_CHECK;
