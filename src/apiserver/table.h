/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and partial objects: the forms that kubectl and metadata clients ask for in Accept (as=Table,
 * as=PartialObjectMetadata, as=PartialObjectMetadataList, of meta.k8s.io v1 or v1beta1).
 *
 * Columns and cells are those of kube-apiserver 1.35 and of Argo's CRDs (recorded: golden/http A-*-02, G-05).
 * Everything is written to a buffer, row by row, so that a list of any length needs no tree of its own; check
 * tph_buf_failed at the end. Values are borrowed for the call. Pure: the time, which ages are counted from, is given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/kinds.h"
#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

enum tph_table_object {
    TPH_TABLE_METADATA, /* each row has its object's metadata */
    TPH_TABLE_OBJECT,   /* the whole object */
    TPH_TABLE_NONE,     /* null */
};

/* The query parameter includeObject; empty is Metadata. Error: the whole message of a 400. */
int tph_table_object_read(struct tph_str text, enum tph_table_object *ret_object, struct tph_error *err) TPH_MUST_CHECK;

struct tph_table {
    const struct tph_kind *kind;
    const char *api_version; /* "meta.k8s.io/v1" or "meta.k8s.io/v1beta1" */
    enum tph_table_object object;
    bool bare;      /* without column definitions: all but the first event of a watch */
    int64_t now_ms; /* wall clock */
};

/* One object, also that of a watch event; a bookmark is an object that has nothing but metadata. Or a list, which is
 * told from an object by its items. */
void tph_table_write(const struct tph_table *table, const struct tph_json *value, struct tph_buf *out);

/* The same in pieces: begin with the list's metadata (of which resourceVersion, continue and remainingItemCount are
 * taken), each row, `first` for the first one, end. */
void tph_table_begin(const struct tph_table *table, const struct tph_json *metadata, struct tph_buf *out);
void tph_table_row(const struct tph_table *table, const struct tph_json *object, bool first, struct tph_buf *out);
void tph_table_end(struct tph_buf *out);

/* PartialObjectMetadata of an object; PartialObjectMetadataList of a list, whose items are null when there are none. */
void tph_partial_write(const char *api_version, const struct tph_json *object, struct tph_buf *out);
void tph_partial_list_write(const char *api_version, const struct tph_json *list, struct tph_buf *out);

/* How kubectl words the time since then: "5s", "3m24s", "2d3h", "6y327d"; "<unknown>" for null and absent, "<invalid>"
 * for the future. */
void tph_table_age(const struct tph_json *time, int64_t now_ms, struct tph_buf *out);
