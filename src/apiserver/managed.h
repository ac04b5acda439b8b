/* SPDX-License-Identifier: Apache-2.0 */
/* Who wrote which field: metadata.managedFields of every write, and server-side apply.
 *
 * A manager is a name with an operation (Update, Apply), a version and a subresource. A create, PUT or patch owns what
 * it changed, an apply what it sent; what another changes is no longer one's own; what an applier no longer sends and
 * nobody else owns goes. Objects without managedFields stay so when they are updated. Rules, texts and order are those
 * of kube-apiserver 1.35 (apimachinery's managedfields; recorded: golden/http A-*-05, G-02, G-07, G-08).
 *
 * Pure: time and manager are given. New values belong to the document of the call. Cost follows the size of both
 * objects; what is atomic (a workflow's spec and status) is compared, not walked. At most TPH_LIMIT_MANAGERS updating
 * managers are told apart, older ones become "ancient-changes".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/kinds.h"
#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

struct tph_managed_write {
    const struct tph_kind *kind;
    struct tph_str manager;     /* empty: "unknown" */
    struct tph_str subresource; /* "status", or empty */
    bool force;                 /* an apply takes over what others own */
    int64_t now_ms;
};

/* Sets managedFields of `object`, which shall be written in the place of `live` (NULL: it is new). The ones that it has
 * are taken as the client's own change of them: none, or one empty entry, which clears them. Both are objects as they
 * are kept. Never fails: an object whose kind has no schema gets none. */
void tph_managed_update(struct tph_json_doc *doc, const struct tph_managed_write *write, const struct tph_json *live,
                        struct tph_json *object);

struct tph_managed_conflict {
    char *message; /* conflict with "m1" */
    char *field;   /* .data.a */
};

/* Why an apply is refused. */
struct tph_managed_fault {
    int code; /* 400 BadRequest; 409 Conflict, with conflicts; 500 without a reason */
    struct tph_buf message;
    struct tph_managed_conflict *conflicts; /* the causes, reason FieldManagerConflict */
    size_t n_conflicts;
};
#define TPH_MANAGED_FAULT_INIT ((struct tph_managed_fault){.message = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)})
void tph_managed_fault_release(struct tph_managed_fault *fault);

/* Applies config onto live (NULL: nothing is there; the result is to be created). The result has its managedFields; for
 * core kinds it is as Go would write it. Both inputs stay as they are. -1: fault says why; *ret_object is untouched. */
int tph_managed_apply(struct tph_json_doc *doc, const struct tph_managed_write *write, const struct tph_json *live,
                      const struct tph_json *config, struct tph_json **ret_object, struct tph_managed_fault *fault)
    TPH_MUST_CHECK;
