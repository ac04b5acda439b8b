/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values: read, change, build, write. The only face of yyjson in the program.
 *
 * A document owns its values; a value lives as long as its document, also after it was taken out of its parent.
 * Values of one document must not be put into another: tph_json_copy first. Numbers keep their text exactly (1.0 stays
 * 1.0, 2^64 stays itself). Objects keep the order of their members; a duplicate key in a text is resolved as Go does:
 * the last wins. Invalid UTF-8 and lone surrogates become U+FFFD, as in Go. Look-up in an object walks it: index
 * objects of more than 16 members with base/map.h where it matters. Depth, not size, is limited here
 * (TPH_LIMIT_JSON_DEPTH); callers limit sizes when they read. Not thread-safe. Memory: aborts when the system has none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_json_doc;
struct tph_json; /* one value; NULL is accepted by every getter and reads as "absent" */

enum tph_json_type {
    TPH_JSON_NULL, /* also what absent reads as: see tph_json_is_null */
    TPH_JSON_BOOL,
    TPH_JSON_NUMBER,
    TPH_JSON_STRING,
    TPH_JSON_ARRAY,
    TPH_JSON_OBJECT,
    TPH_JSON_TYPE_COUNT,
};

/* An empty document. */
struct tph_json_doc *tph_json_doc_new(void) TPH_MUST_CHECK;
void tph_json_doc_free(struct tph_json_doc *doc);
TPH_DEFINE_CLEANUP(struct tph_json_doc, tph_json_doc_free);

/* Reads one JSON text; blanks around it are allowed, anything else after it is an error. The text may be freed
 * afterwards. Errors (kind INVALID or LIMIT): "LINE:COLUMN: " and what Go says, see tph_json_check. */
int tph_json_parse(struct tph_str text, struct tph_json_doc **ret_doc, struct tph_error *err) TPH_MUST_CHECK;

/* The same, but stops after the first value; ret_used gets the bytes read. For bodies with two documents. */
int tph_json_parse_first(struct tph_str text, struct tph_json_doc **ret_doc, size_t *ret_used, struct tph_error *err)
    TPH_MUST_CHECK;

/* What is wrong with a text, in the words of Go's encoding/json ("invalid character 'x' after object key"). */
enum tph_json_fault_kind {
    TPH_JSON_FAULT_NONE, /* it is JSON */
    TPH_JSON_FAULT_SYNTAX,
    TPH_JSON_FAULT_DEPTH, /* deeper than TPH_LIMIT_JSON_DEPTH; no text */
};
struct tph_json_fault {
    size_t offset; /* in bytes */
    size_t line;   /* from 1 */
    size_t column; /* characters, from 1 */
    char text[128];
};
enum tph_json_fault_kind tph_json_check(struct tph_str text, struct tph_json_fault *ret_fault);

struct tph_json *tph_json_root(const struct tph_json_doc *doc);
void tph_json_set_root(struct tph_json_doc *doc, struct tph_json *value);

/* Looking. Wrong types read as absent: NULL, false, an empty slice, 0. */
enum tph_json_type tph_json_type(const struct tph_json *value);
const char *tph_json_type_name(
    enum tph_json_type type); /* "null", "bool", "number", "string", "array", "object": Go's words */
bool tph_json_is(const struct tph_json *value, enum tph_json_type type); /* false for absent */
bool tph_json_is_null(const struct tph_json *value);                     /* true for null and absent */
bool tph_json_bool(const struct tph_json *value);
struct tph_str tph_json_str(const struct tph_json *value);         /* the text of a string */
struct tph_str tph_json_number_text(const struct tph_json *value); /* the text of a number */
int tph_json_to_i64(const struct tph_json *value, int64_t *ret_value)
    TPH_MUST_CHECK; /* -1: no whole number, or too large */
int tph_json_to_double(const struct tph_json *value, double *ret_value) TPH_MUST_CHECK;
size_t tph_json_len(const struct tph_json *value); /* elements or members */

struct tph_json *tph_json_get(const struct tph_json *object, const char *key);
struct tph_json *tph_json_getn(const struct tph_json *object, struct tph_str key);
struct tph_str tph_json_get_str(const struct tph_json *object, const char *key);
struct tph_json *tph_json_at(const struct tph_json *array, size_t index); /* walks: use tph_json_next in loops */

/* Follows keys from object to object: tph_json_path(wf, "metadata", "name", NULL). */
struct tph_json *tph_json_path(const struct tph_json *value, ...) __attribute__((sentinel));

/* Walks elements or members, also of NULL (none):
 *   struct tph_json_iter it = tph_json_iter(list);
 *   while (tph_json_next(&it)) { use it.key (objects only), it.value, it.index }
 * The container must not change meanwhile. */
struct tph_json_iter {
    struct tph_str key;
    struct tph_json *value;
    size_t index; /* of value, from 0 */
    struct {
        void *at;
        size_t left;
        bool object;
    } state; /* private */
};
struct tph_json_iter tph_json_iter(const struct tph_json *container);
bool tph_json_next(struct tph_json_iter *it);

/* Takes those members out of an object that `keep` does not want; linear, as tph_json_remove in a loop is not. The
 * values, which keep may change, stay in the document. */
typedef bool tph_json_keep_fn(void *owner, struct tph_str key, struct tph_json *value);
void tph_json_sift(struct tph_json *object, tph_json_keep_fn *keep, void *owner);

/* Deep equality; numbers by their text, objects whatever their order. */
bool tph_json_equal(const struct tph_json *a, const struct tph_json *b);

/* Building. Texts are copied into the document. */
struct tph_json *tph_json_new_null(struct tph_json_doc *doc);
struct tph_json *tph_json_new_bool(struct tph_json_doc *doc, bool value);
struct tph_json *tph_json_new_i64(struct tph_json_doc *doc, int64_t value);
struct tph_json *tph_json_new_number(struct tph_json_doc *doc, struct tph_str text); /* text must be JSON's grammar */
struct tph_json *tph_json_new_double(struct tph_json_doc *doc, double value);        /* finite; Go's shortest form */
struct tph_json *tph_json_new_str(struct tph_json_doc *doc, struct tph_str text);
struct tph_json *tph_json_new_cstr(struct tph_json_doc *doc, const char *text);
struct tph_json *tph_json_new_array(struct tph_json_doc *doc);
struct tph_json *tph_json_new_object(struct tph_json_doc *doc);

/* Deep copy into doc; from may belong to any document. */
struct tph_json *tph_json_copy(struct tph_json_doc *doc, const struct tph_json *from);

/* Changing. set replaces or appends and keeps the member's place; a value has one parent only. */
void tph_json_append(struct tph_json_doc *doc, struct tph_json *array, struct tph_json *value);
void tph_json_set(struct tph_json_doc *doc, struct tph_json *object, const char *key, struct tph_json *value);
void tph_json_setn(struct tph_json_doc *doc, struct tph_json *object, struct tph_str key, struct tph_json *value);
/* Appends a member without looking whether its key is there already: the caller knows. */
void tph_json_append_member(struct tph_json_doc *doc, struct tph_json *object, struct tph_str key,
                            struct tph_json *value);
void tph_json_set_str(struct tph_json_doc *doc, struct tph_json *object, const char *key, struct tph_str text);
void tph_json_set_cstr(struct tph_json_doc *doc, struct tph_json *object, const char *key, const char *text);

/* Gives `to`, which keeps its place, the content of value, which must not be used afterwards. */
void tph_json_assign(struct tph_json *to, struct tph_json *value);

/* The value taken out, or NULL. */
struct tph_json *tph_json_remove(struct tph_json *object, const char *key);
struct tph_json *tph_json_removen(struct tph_json *object, struct tph_str key);

/* Elements of a list at a place; costs as much as the place is far from the beginning. index <= length; < length. */
void tph_json_insert(struct tph_json *array, struct tph_json *value, size_t index);
struct tph_json *tph_json_remove_at(struct tph_json *array, size_t index);

/* Writing. Appends to buf; check tph_buf_failed at the end. */
enum {
    TPH_JSON_SORTED = 1, /* members by key, as Go writes maps */
    TPH_JSON_PRETTY = 2, /* four blanks a level, as kubectl -o json */
    TPH_JSON_HTML = 4,   /* < > & as \u003c \u003e \u0026, as Go's encoder does; U+2028 and U+2029 too */
};
void tph_json_write(const struct tph_json *value, unsigned flags, struct tph_buf *buf);

/* One string as a JSON text with quotes, escaped as Go's encoding/json does (flags: TPH_JSON_HTML or 0). */
void tph_json_write_str(struct tph_str text, unsigned flags, struct tph_buf *buf);

/* Appends text, which is valid JSON, without the blanks between its tokens; everything else stays as it is spelt, but
 * for what TPH_JSON_HTML escapes. As Go writes a json.RawMessage. */
void tph_json_compact(struct tph_str text, unsigned flags, struct tph_buf *buf);
