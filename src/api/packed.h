/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows that are too large for the API server: their nodes compressed, in `status.compressedNodes`.
 *
 * That is gzip in base64 (standard, one line), as Argo's readers expect it. Its other two forms, zstd and brotli, are
 * told apart and refused by name. Pure; the document is the caller's. Limits: what comes out of a compressed text is
 * TPH_LIMIT_DOCUMENT at most; TPH_LIMIT_PACKED is what Argo packs above, and refuses. Source: argo 2.1; the case
 * compress-400-nodes.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

/* Compresses the nodes of a Workflow object in place when its JSON is larger than limit bytes. Returns 1 when it did, 0
 * when there was no need; -1 of kind LIMIT, in Argo's words, when it is too large for all that: the object is
 * as it was. */
int tph_packed_pack(struct tph_json_doc *doc, struct tph_json *workflow, size_t limit, struct tph_error *err)
    TPH_MUST_CHECK;

/* Puts the nodes back in their place; nothing is done where none are compressed. -1 of kind INVALID: the text cannot be
 * read, and the object is as it was. */
int tph_packed_unpack(struct tph_json_doc *doc, struct tph_json *workflow, struct tph_error *err) TPH_MUST_CHECK;
