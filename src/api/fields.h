/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to structs by tables: one row a field, used to read, to check types and to name the path of a fault.
 *
 * To add a field: one member in the struct, one row in its table. Reading is strict: a member that no row names is an
 * error, as Argo decodes sidecars. Texts and lists live in the reader's arena. The struct is zeroed by the caller.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

enum tph_field_kind {
    TPH_FIELD_STR,      /* struct tph_str; numbers and bools become texts, as in Argo */
    TPH_FIELD_BOOL,     /* bool */
    TPH_FIELD_TRISTATE, /* enum tph_tristate */
    TPH_FIELD_INT,      /* int */
    TPH_FIELD_I64,      /* int64_t */
    TPH_FIELD_PORT,     /* uint16_t: 1 to 65535 */
    TPH_FIELD_STRS,     /* const struct tph_str *, and size_t at count_offset */
    TPH_FIELD_OBJECT,   /* a struct at offset, by the table sub */
    TPH_FIELD_LIST,     /* const struct *, and size_t at count_offset, each by the table sub */
    TPH_FIELD_CUSTOM,   /* custom(reader, json, struct) */
    TPH_FIELD_IGNORED,  /* known, any value, no meaning here */
    TPH_FIELD_REFUSED,  /* known, but nothing here can honour it: an error; help says more */
};

struct tph_fields;

struct tph_reader {
    struct tph_arena *arena;
    struct tph_buf path; /* of what is being read */
    struct tph_error *err;
};

struct tph_field {
    const char *name;
    enum tph_field_kind kind;
    size_t offset, count_offset;
    const struct tph_fields *sub;
    int (*custom)(struct tph_reader *reader, const struct tph_json *json, void *into);
    const char *help; /* REFUSED: what to do */
};

struct tph_fields {
    const struct tph_field *list; /* ended by a NULL name */
    size_t size;                  /* of the struct */
};

/* Reads an object into the struct; null and absent read as an empty one. The fault's path stays in reader->path. */
int tph_fields_read(struct tph_reader *reader, const struct tph_json *json, const struct tph_fields *fields, void *into)
    TPH_MUST_CHECK;

/* "PATH: text", kind INVALID; returns -1. */
int tph_reader_fail(struct tph_reader *reader, const char *format, ...) TPH_PRINTF(2, 3);

/* For custom readers: steps into a member and back. mark = tph_reader_enter(...); ...; tph_reader_leave(reader, mark).
 */
size_t tph_reader_enter(struct tph_reader *reader, const char *key);
void tph_reader_leave(struct tph_reader *reader, size_t mark);

/* A text, or a number or bool as its text. */
int tph_reader_text(struct tph_reader *reader, const struct tph_json *json, struct tph_str *ret_text) TPH_MUST_CHECK;
