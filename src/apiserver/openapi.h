/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI: what kubectl reads before it creates, applies, diffs and explains.
 *
 * Version 3 is an index and one document for each group version, with operations and schemas that are made from the
 * type tables (api/gotype.h; the two kinds without one from schema.h). Version 2 tells nothing: clients that only know
 * it, and want protobuf, take a body of no bytes as a schema that checks nothing (kubernetes.md 3.2). Constant for a
 * program: make the documents once and keep them, with their ETag (discovery.h), which is the hash in the index.
 * Writers append.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* What answers a client that asks version 2 for protobuf: no bytes. */
#define TPH_OPENAPI_V2_PROTOBUF "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
/* The same for JSON: a document without paths. */
#define TPH_OPENAPI_V2_JSON "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Tiphys\",\"version\":\"v1\"},\"paths\":{}}"

/* The group versions that have a document: "api/v1", "apis/argoproj.io/v1alpha1"; the rest of /openapi/v3/REST.
 * NULL ends them. */
const char *const *tph_openapi_paths(void);

/* The document of one. False, and nothing written, when there is none. */
bool tph_openapi_document(struct tph_str path, struct tph_buf *out);

/* /openapi/v3. hashes: of each document, in the order of tph_openapi_paths. */
void tph_openapi_index(const char *const *hashes, struct tph_buf *out);
