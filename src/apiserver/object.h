/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as texts: how they are kept in the store, and how they are served.
 *
 * A kept text begins {"apiVersion":...,"kind":...,"metadata":{ and has no resourceVersion; so serving it copies bytes
 * and reads no JSON. A text of another shape (written by another part of the program) is read and written anew. Pure.
 * Limit: TPH_LIMIT_DOCUMENT. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/kinds.h"
#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

/* Appends the text that is kept: members sorted, so that equal objects have equal texts. Objects of more than 64
 * members lose the rest: no kind has as many. */
void tph_object_keep(const struct tph_kind *kind, const struct tph_json *object, struct tph_buf *out);

enum {
    TPH_SERVE_UNTYPED = 1, /* without kind and apiVersion, as items of core lists are */
    TPH_SERVE_PARTIAL = 2, /* its metadata alone, as PartialObjectMetadata */
    TPH_SERVE_V1BETA1 = 4, /* of meta.k8s.io/v1beta1 */
};
/* Appends a kept text with its version; 0: without one. -1: it is no object (INVALID). */
int tph_object_serve(const struct tph_kind *kind, struct tph_str text, uint64_t version, unsigned flags,
                     struct tph_buf *out, struct tph_error *err) TPH_MUST_CHECK;

/* The text of its metadata, a JSON object, without reading the rest; empty when text is of another shape. */
struct tph_str tph_object_metadata(const struct tph_kind *kind, struct tph_str text);

/* Reads a kept text. root's metadata gets resourceVersion when version is not 0. */
int tph_object_read(struct tph_str text, uint64_t version, struct tph_json_doc **ret_doc, struct tph_error *err)
    TPH_MUST_CHECK;

/* metadata of an object, made when there is none. */
struct tph_json *tph_object_meta(struct tph_json_doc *doc, struct tph_json *object);
/* A text of its metadata; empty when there is none. */
struct tph_str tph_object_meta_str(const struct tph_json *object, const char *key);

/* Numbers as Go's unstructured objects have them: whole ones of 64 bits, else doubles in their shortest form. */
void tph_object_plain_numbers(struct tph_json_doc *doc, struct tph_json *value);
