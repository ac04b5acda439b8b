/* SPDX-License-Identifier: Apache-2.0 */
/* Values of expressions, with the types that Go would give them.
 *
 * A value is 24 bytes and passed by copy. What it points to (texts, elements, entries) belongs to the memory of one
 * evaluation, or to whoever lent it for at least as long; nothing is freed singly. Lists are never changed once they
 * are made; maps are, as in Go all who hold one see it. Elements have their own dynamic type also in a []string or
 * []int: every element is a value, so that code which walks lists needs one loop. Memory has a ceiling
 * (TPH_LIMIT_EXPR_MEMORY): what allocates returns -1 (or NULL) beyond it, and the evaluation ends with an error that
 * names the limit; callers only pass the -1 on. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "data/semver.h"

/* Go's types, as far as an expression can meet them. tph_expr_type_name() spells them as %T does. */
enum tph_expr_type {
    TPH_EXPR_NIL, /* zeroed memory is nil */
    TPH_EXPR_BOOL,
    TPH_EXPR_INT,
    TPH_EXPR_INT8,
    TPH_EXPR_INT16,
    TPH_EXPR_INT32,
    TPH_EXPR_INT64,
    TPH_EXPR_UINT,
    TPH_EXPR_UINT8,
    TPH_EXPR_UINT16,
    TPH_EXPR_UINT32,
    TPH_EXPR_UINT64,
    TPH_EXPR_DURATION, /* time.Duration: nanoseconds in i */
    TPH_EXPR_MONTH,    /* time.Month, time.Weekday: in i */
    TPH_EXPR_WEEKDAY,
    TPH_EXPR_FLOAT32,
    TPH_EXPR_FLOAT64,
    TPH_EXPR_STRING,
    TPH_EXPR_TIME,        /* time.Time */
    TPH_EXPR_LOCATION,    /* *time.Location */
    TPH_EXPR_VERSION,     /* *semver.Version */
    TPH_EXPR_ZONE_STRUCT, /* time.Location, semver.Version: what operators of the language see, which follow pointers */
    TPH_EXPR_VERSION_STRUCT,
    TPH_EXPR_FUNCTION,    /* func(...): a native function, or a method with what it was taken from */
    TPH_EXPR_BYTES,       /* []uint8: the bytes are in str, as of a text */
    TPH_EXPR_LIST,        /* []interface {} */
    TPH_EXPR_LIST_STRING, /* []string */
    TPH_EXPR_LIST_INT,    /* []int */
    TPH_EXPR_LIST_FLOAT,  /* []float64 */
    TPH_EXPR_LIST_LIST,   /* [][]interface {} */
    TPH_EXPR_LIST_PAIR,   /* [][2]interface {} */
    TPH_EXPR_PAIR,        /* [2]interface {} */
    TPH_EXPR_MAP,         /* map[string]interface {} */
    TPH_EXPR_MAP_STRING,  /* map[string]string */
    TPH_EXPR_MAP_LISTS,   /* map[string][]string */
    TPH_EXPR_MAP_ANY,     /* map[interface {}]interface {}: keys of any type */
    TPH_EXPR_MAP_GROUPS,  /* map[interface {}][]interface {} */
    TPH_EXPR_SCOPE,       /* a part of the environment, a map[string]interface {} that is not made until it must be */
    TPH_EXPR_ANY,         /* interface {}: of no value, only a type that is not known before */
    TPH_EXPR_TYPE_COUNT,
};

struct tph_expr_map;
struct tph_expr_time;     /* expr/time.h */
struct tph_expr_location; /* expr/time.h */
struct tph_expr_scope;    /* private to src/expr */
struct tph_expr_function; /* expr/function.h */
struct tph_expr_bound;    /* private to src/expr */

struct tph_expr_value {
    enum tph_expr_type type;
    bool bound; /* of FUNCTION: a method of a value */
    union {
        bool truth;
        int64_t i;          /* signed integers, DURATION, MONTH, WEEKDAY */
        uint64_t u;         /* unsigned integers */
        double f;           /* both floats; a FLOAT32 is rounded to one already */
        struct tph_str str; /* STRING (any bytes, as in Go), BYTES */
        struct {
            const struct tph_expr_value *items; /* NULL: Go's nil slice, which is null in JSON; n is 0 then */
            size_t n;
        } list; /* LIST..., PAIR */
        struct tph_expr_map *map;
        const struct tph_expr_time *time;
        const struct tph_expr_location *location;
        const struct tph_expr_version *version;
        const struct tph_expr_scope *scope;
        const struct tph_expr_function *function;
        const struct tph_expr_bound *method; /* bound */
    };
};

struct tph_expr_version {
    struct tph_semver version;
    struct tph_str original; /* as it was spelt */
};

/* What a type is made of. */
bool tph_expr_is_integer(enum tph_expr_type type); /* time.Duration and its kin too: their kind is int */
bool tph_expr_is_float(enum tph_expr_type type);
bool tph_expr_is_number(enum tph_expr_type type);
bool tph_expr_is_list(enum tph_expr_type type); /* LIST... and PAIR; not BYTES, whose elements are no values */
bool tph_expr_is_map(enum tph_expr_type type);  /* MAP...; not SCOPE */
enum tph_expr_type tph_expr_element_type(enum tph_expr_type type); /* of lists and maps: ANY, STRING, INT, LIST, ... */
enum tph_expr_type tph_expr_key_type(enum tph_expr_type type);     /* of maps: STRING or ANY */
const char *tph_expr_type_name(enum tph_expr_type type); /* %T: "<nil>", "int", "[]interface {}", "time.Duration" */
const char *tph_expr_kind_name(enum tph_expr_type type); /* reflect's kind: "invalid", "slice", "int64", "struct" */

/* Values that need no memory. */
#define TPH_EXPR_VALUE_NIL ((struct tph_expr_value){.type = TPH_EXPR_NIL})
static inline struct tph_expr_value tph_expr_bool(bool truth)
{
    return (struct tph_expr_value){.type = TPH_EXPR_BOOL, .truth = truth};
}
static inline struct tph_expr_value tph_expr_int(int64_t i)
{
    return (struct tph_expr_value){.type = TPH_EXPR_INT, .i = i};
}
static inline struct tph_expr_value tph_expr_int64(int64_t i)
{
    return (struct tph_expr_value){.type = TPH_EXPR_INT64, .i = i};
}
static inline struct tph_expr_value tph_expr_float(double f)
{
    return (struct tph_expr_value){.type = TPH_EXPR_FLOAT64, .f = f};
}
static inline struct tph_expr_value tph_expr_str(struct tph_str str) /* not copied */
{
    return (struct tph_expr_value){.type = TPH_EXPR_STRING, .str = str};
}
static inline struct tph_expr_value tph_expr_cstr(const char *text) /* not copied */
{
    return tph_expr_str(tph_str(text));
}

/* The memory of an evaluation, or of a program's constants. */
struct tph_expr_memory {
    struct tph_arena *arena; /* made with the first byte; NULL before */
    size_t used;
    size_t max;
    bool exceeded; /* the ceiling was reached: every later request fails too */
};
#define TPH_EXPR_MEMORY_INIT(ceiling) ((struct tph_expr_memory){.max = (ceiling)})
void tph_expr_memory_release(struct tph_expr_memory *memory);

/* Zeroed; NULL when the ceiling is reached. */
void *tph_expr_alloc(struct tph_expr_memory *memory, size_t size) TPH_MUST_CHECK;
void *tph_expr_alloc_array(struct tph_expr_memory *memory, size_t size, size_t n) TPH_MUST_CHECK;
/* Bytes that may still be asked for: the ceiling of a tph_buf in which a text is built. */
size_t tph_expr_room(const struct tph_expr_memory *memory);

/* Texts: a copy; what a buffer holds (a buffer that failed counts as a reached ceiling); a formatted one.
 *   TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(memory));
 *   ... tph_buf_put(&out, ...) ...
 *   return tph_expr_keep(memory, &out, ret); */
int tph_expr_copy(struct tph_expr_memory *memory, struct tph_str str, struct tph_expr_value *ret) TPH_MUST_CHECK;
int tph_expr_keep(struct tph_expr_memory *memory, struct tph_buf *buf, struct tph_expr_value *ret) TPH_MUST_CHECK;
int tph_expr_format(struct tph_expr_memory *memory, struct tph_expr_value *ret, const char *format, ...)
    TPH_MUST_CHECK TPH_PRINTF(3, 4);

/* A list that grows. Its type is given at the end; the list is not nil even when nothing was added.
 *   struct tph_expr_builder b = TPH_EXPR_BUILDER(memory);
 *   if (tph_expr_push(&b, value) < 0) { return -1; }
 *   return tph_expr_finish(&b, TPH_EXPR_LIST, ret); */
struct tph_expr_builder {
    struct tph_expr_memory *memory;
    struct tph_expr_value *items;
    size_t n;
    size_t capacity;
};
#define TPH_EXPR_BUILDER(in) ((struct tph_expr_builder){.memory = (in)})
int tph_expr_reserve(struct tph_expr_builder *builder, size_t n) TPH_MUST_CHECK; /* room for n more: optional */
int tph_expr_push(struct tph_expr_builder *builder, struct tph_expr_value value) TPH_MUST_CHECK;
int tph_expr_finish(struct tph_expr_builder *builder, enum tph_expr_type type, struct tph_expr_value *ret)
    TPH_MUST_CHECK;

/* Maps, in the order in which keys came (Go's is none: who shows one sorts it). A NULL map is Go's nil map: it has
 * nothing and must not be written to. Keys of MAP, MAP_STRING and MAP_LISTS
 * are texts; the element type of a typed map is the caller's duty. */
struct tph_expr_entry {
    struct tph_expr_value key;
    struct tph_expr_value value;
};
int tph_expr_map_new(struct tph_expr_memory *memory, enum tph_expr_type type, struct tph_expr_value *ret)
    TPH_MUST_CHECK;
size_t tph_expr_map_len(const struct tph_expr_map *map);
/* Entry `index` below len; valid until the map changes. */
const struct tph_expr_entry *tph_expr_map_at(const struct tph_expr_map *map, size_t index);
/* NULL: not there. Keys are equal as Go's == on interfaces: of one type and the same; NaN never is. */
const struct tph_expr_value *tph_expr_map_get(const struct tph_expr_map *map, struct tph_str key);
const struct tph_expr_value *tph_expr_map_find(const struct tph_expr_map *map, struct tph_expr_value key);
int tph_expr_map_set(struct tph_expr_memory *memory, struct tph_expr_map *map, struct tph_str key,
                     struct tph_expr_value value) TPH_MUST_CHECK;
int tph_expr_map_put(struct tph_expr_memory *memory, struct tph_expr_map *map, struct tph_expr_value key,
                     struct tph_expr_value value) TPH_MUST_CHECK;
void tph_expr_map_remove(struct tph_expr_map *map, struct tph_str key);
/* The entries sorted by key as fmt and encoding/json print maps; the caller frees the array, which is never NULL:
 *   TPH_CLEANUP(tph_freep) const struct tph_expr_entry **sorted = tph_expr_map_sorted(map); */
const struct tph_expr_entry **tph_expr_map_sorted(const struct tph_expr_map *map) TPH_MUST_CHECK;

/* A list or map seen as []interface {} or map[string]interface {}: the same content under another type. */
static inline struct tph_expr_value tph_expr_retype(struct tph_expr_value value, enum tph_expr_type type)
{
    value.type = type;
    return value;
}
