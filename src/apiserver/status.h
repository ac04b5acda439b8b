/* SPDX-License-Identifier: Apache-2.0 */
/* A failure as the Kubernetes API tells it: code, reason, message, details. Texts are kube-apiserver 1.35's.
 *
 * Filled by one function that knows the case; every function here returns -1 so that `return tph_status_...` reads
 * well. Faults of an object are collected first and become one answer with tph_status_invalid. Owns its texts:
 * tph_status_release. */
#pragma once

#include <stdbool.h>

#include "apiserver/kinds.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_status {
    int code;           /* 0: no failure */
    const char *reason; /* "NotFound"; "" = none is told */
    struct tph_buf message;
    bool has_details;
    struct tph_buf name, group, kind, uid; /* of the details; empty ones are left out */
    struct tph_buf causes;                 /* JSON objects with commas between them */
    struct tph_buf token;                  /* metadata.continue */
    int retry_after_s;                     /* 0: none */
    struct tph_buf faults;                 /* what was collected, ", " between them */
    size_t n_faults;
};
void tph_status_init(struct tph_status *status);
void tph_status_release(struct tph_status *status);

/* One with this message; details are left as they are. */
int tph_status_set(struct tph_status *status, int code, const char *reason, const char *format, ...) TPH_PRINTF(4, 5);
/* Empty details, which some answers have. */
int tph_status_set_bare(struct tph_status *status, int code, const char *reason, const char *format, ...)
    TPH_PRINTF(4, 5);
int tph_status_bad_request(struct tph_status *status, const char *format, ...) TPH_PRINTF(2, 3);
/* 500 without a reason. */
int tph_status_internal(struct tph_status *status, const char *format, ...) TPH_PRINTF(2, 3);

int tph_status_not_found(struct tph_status *status, const struct tph_kind *kind, struct tph_str name);
int tph_status_exists(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool deleting);
void tph_status_no_name(struct tph_status *status); /* after it: the object has a generateName */
/* "Operation cannot be fulfilled on workflows.argoproj.io "a": TEXT"; with the kind in place of the resource where
 * as_kind. */
int tph_status_conflict(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool as_kind,
                        const char *format, ...) TPH_PRINTF(5, 6);
/* The version that was named is not the newest. */
int tph_status_modified(struct tph_status *status, const struct tph_kind *kind, struct tph_str name);
/* `workflows.argoproj.io "a" is forbidden: TEXT`. */
int tph_status_forbidden(struct tph_status *status, const struct tph_kind *kind, struct tph_str name,
                         const char *format, ...) TPH_PRINTF(4, 5);
int tph_status_method(struct tph_status *status);       /* 405 */
int tph_status_unknown_path(struct tph_status *status); /* 404, as built-in groups answer */
int tph_status_too_new(struct tph_status *status, const char *wanted, uint64_t current);

/* Fills the details with an object; plural or kind as the case wants. name may be empty. */
void tph_status_about(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool as_kind);
void tph_status_cause(struct tph_status *status, const char *reason, struct tph_str message, const char *field);

enum tph_fault {
    TPH_FAULT_REQUIRED,
    TPH_FAULT_INVALID,
    TPH_FAULT_FORBIDDEN,
    TPH_FAULT_NOT_SUPPORTED,
    TPH_FAULT_TOO_LONG,
    TPH_FAULT_TYPE,
    TPH_FAULT_DUPLICATE,
    TPH_FAULT_COUNT,
};
/* Collects what is wrong with a field; the message as a cause tells it: `Invalid value: "x": must be ...`. */
void tph_status_fault(struct tph_status *status, enum tph_fault fault, const char *field, const char *format, ...)
    TPH_PRINTF(4, 5);
/* The same where the message begins `Invalid value: "VALUE": `, quoted as Go does. */
void tph_status_fault_value(struct tph_status *status, const char *field, struct tph_str value, const char *format, ...)
    TPH_PRINTF(4, 5);
/* 422 of what was collected: `KIND.GROUP "name" is invalid: FAULTS`. 0 when nothing was. */
int tph_status_invalid(struct tph_status *status, struct tph_str group, struct tph_str kind, struct tph_str name)
    TPH_MUST_CHECK;
/* The same for the options of a request: "ListOptions". */
int tph_status_invalid_options(struct tph_status *status, const char *kind) TPH_MUST_CHECK;

/* The JSON text of a Status. */
void tph_status_write(const struct tph_status *status, struct tph_buf *out);
