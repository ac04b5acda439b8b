/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one contract for the whole program.
 *
 * Every fallible function returns int: 0 is success; a negative number is fatal for the call and passed up
 * untouched; a positive number is one of the enumerators that the function's comment lists, which the caller
 * must handle. What a person will read is in struct tph_error, filled once, where the cause is known, and
 * given context on the way up. Outputs (ret_*) are written last and only on success. Destructors accept NULL
 * and half-built objects. docs/errors.md tells how kinds become exit codes and HTTP statuses.
 */
#pragma once

#include <stddef.h>

#define TPH_MUST_CHECK         __attribute__((warn_unused_result))
#define TPH_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define TPH_CLEANUP(function)  __attribute__((cleanup(function)))

/* Defines NAMEp(), the form of a destructor that TPH_CLEANUP wants, for a pointer to TYPE.
 * Use: TPH_DEFINE_CLEANUP(struct tph_arena, tph_arena_free); then TPH_CLEANUP(tph_arena_freep). */
#define TPH_DEFINE_CLEANUP(type, function)         \
    static inline void function##p(type **pointer) \
    {                                              \
        function(*pointer);                        \
        *pointer = NULL;                           \
    }                                              \
    struct tph_semicolon_

/* Gives up ownership: the value moves out, NULL stays behind. */
#define TPH_TAKE(pointer)                     \
    ({                                        \
        typeof(pointer) *taken_ = &(pointer); \
        typeof(pointer) value_ = *taken_;     \
        *taken_ = NULL;                       \
        value_;                               \
    })

enum tph_error_kind {
    TPH_ERROR_NONE,
    TPH_ERROR_USAGE,   /* the person at the command line */
    TPH_ERROR_INVALID, /* a manifest, a reply, a request */
    TPH_ERROR_NOT_FOUND,
    TPH_ERROR_CONFLICT, /* the version that was read is not the newest; a name or port is taken */
    TPH_ERROR_LIMIT,    /* a ceiling of base/limits.h */
    TPH_ERROR_BUSY,     /* too much at once: it can be tried again */
    TPH_ERROR_SYSTEM,   /* the operating system said no */
    TPH_ERROR_COUNT,
};

/* What happened, where, and the cure; text is cut at the end at a character boundary, never overrun.
 * Plain value, nothing to free. */
struct tph_error {
    enum tph_error_kind kind;
    char text[2048];
};

#define TPH_ERROR_INIT ((struct tph_error){.kind = TPH_ERROR_NONE, .text = {0}})

/* Sets kind and text; returns -1 so that `return tph_error_set(...)` reads well. err may be NULL. */
int tph_error_set(struct tph_error *err, enum tph_error_kind kind, const char *format, ...) TPH_PRINTF(3, 4);

/* As tph_error_set with kind SYSTEM, and ": " and the text of errno value `number` appended. */
int tph_error_errno(struct tph_error *err, int number, const char *format, ...) TPH_PRINTF(3, 4);

/* Puts "context: " in front of what err says. Returns -1. err may be NULL. */
int tph_error_wrap(struct tph_error *err, const char *format, ...) TPH_PRINTF(2, 3);

/* Appends a newline, two spaces and the text: what to do about it. Returns -1. err may be NULL. */
int tph_error_hint(struct tph_error *err, const char *format, ...) TPH_PRINTF(2, 3);
