/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as Kubernetes reads and writes it (sigs.k8s.io/yaml over go-yaml v2): libyaml's events, our resolver.
 *
 * Values become JSON values exactly as the Go code makes them (yes/no/on/off as keys and values, 0777, 1_000, merge
 * keys, ...: reference data tests/data/golden/yaml.jsonl). Depth, number of values and alias expansion are limited
 * (base/limits.h). Positions: where each value stood, for messages; see data/position.h.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "data/position.h"

enum {
    TPH_YAML_STRICT = 1, /* duplicate keys are errors */
};

/* Reads one document. JSON is YAML: the same call reads both. An empty text gives null. Error texts are those of
 * the Go code where the reference data has them; tph_error.text begins with "LINE:COLUMN: "? no: see
 * ret_positions for values; a syntax error's place is in the text as the Go code words it ("yaml: line 3: ...").
 * ret_positions may be NULL. */
int tph_yaml_parse(struct tph_str text, unsigned flags, struct tph_json_doc **ret_doc,
                   struct tph_positions **ret_positions, struct tph_error *err) TPH_MUST_CHECK;

/* Cuts the next document off a stream as Argo's file reader does: at every line that begins with "---".
 * Returns false when nothing is left. ret_line: lines of the whole text before the document. */
bool tph_yaml_next_document(struct tph_str *rest, struct tph_str *ret_document, size_t *line);

/* Writes block YAML as sigs.k8s.io/yaml does: keys sorted, strings quoted only where needed. */
int tph_yaml_write(const struct tph_json *value, struct tph_buf *buf, struct tph_error *err) TPH_MUST_CHECK;
