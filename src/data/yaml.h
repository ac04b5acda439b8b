/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as Kubernetes reads and writes it (sigs.k8s.io/yaml over go-yaml v2): libyaml's events, our resolver.
 *
 * Values become JSON values exactly as the Go code makes them (yes/no/on/off as keys and values, 0777, 1_000, merge
 * keys, ...: reference data yaml.jsonl). Depth, number of values and alias expansion are limited
 * (base/limits.h). Error texts are those of the Go code, without a place; the place is kept beside them.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "data/position.h"

enum {
    TPH_YAML_STRICT = 1,    /* duplicate keys are errors */
    TPH_YAML_POSITIONS = 2, /* keep where each value stood */
    TPH_YAML_FLOATS = 4,    /* 1e3 becomes 1000.0 and not 1000: for what is written as YAML again, as JSONToYAML does */
};

/* Where things stood in the text. */
struct tph_yaml_places {
    struct tph_positions *positions; /* owned by the caller; set on success when asked for */
    struct tph_position error;       /* set on failure: where reading stopped; line 0 = unknown */
};

/* Reads one document. JSON is YAML: the same call reads both. An empty text gives null. places may be NULL. */
int tph_yaml_parse(struct tph_str text, unsigned flags, struct tph_json_doc **ret_doc, struct tph_yaml_places *places,
                   struct tph_error *err) TPH_MUST_CHECK;

/* A file of several documents. Begin with {.rest = text}. */
struct tph_yaml_stream {
    struct tph_str rest; /* not NULL at the start, also of an empty file */
    size_t line;         /* lines of the file before the document returned last */
    size_t next_line;    /* private */
};

/* Cuts the next document off as Argo's file reader does: at every line that begins with "---". False at the end. */
bool tph_yaml_next_document(struct tph_yaml_stream *stream, struct tph_str *ret_document);

/* Writes block YAML as sigs.k8s.io/yaml does: keys sorted, strings quoted only where needed. */
int tph_yaml_write(const struct tph_json *value, struct tph_buf *buf, struct tph_error *err) TPH_MUST_CHECK;
