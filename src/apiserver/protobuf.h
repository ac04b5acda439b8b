/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies in Kubernetes' protobuf form, read as JSON. Answers are always JSON: clients that send protobuf take
 * it.
 *
 * Which kinds are known, and their numbers of fields, stands in protobuf_tables.c (generated). The result is what Go
 * would write of the decoded object: zeros of plain fields vanish, those of pointers stay, bytes are base64, times
 * RFC 3339 (MicroTime with six digits), invalid UTF-8 is U+FFFD. Fields with unknown numbers are skipped, as genuine
 * servers do even under fieldValidation=Strict. Pure, any thread. Depth is that of the tables, which have no cycles;
 * groups are skipped without recursion. Values: TPH_LIMIT_PROTOBUF_VALUES. The size of a body is the caller's matter.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

/* Whether bodies of this kind can be read. */
bool tph_protobuf_known(struct tph_str api_version, struct tph_str kind);

/* Reads a body that should hold an object of api_version and kind, which is also what it is taken for when its envelope
 * has no kind. DeleteOptions are taken with any apiVersion.
 * The root of the new document is an object with apiVersion and kind. Error (INVALID, LIMIT): the whole message that a
 * genuine server answers with 400, `ConfigMap in version "v1" cannot be handled as a ConfigMap: ...`. */
int tph_protobuf_read(struct tph_str body, struct tph_str api_version, struct tph_str kind,
                      struct tph_json_doc **ret_doc, struct tph_error *err) TPH_MUST_CHECK;
