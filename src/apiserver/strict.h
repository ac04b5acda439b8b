/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a body beyond its being JSON: members that come twice, members of custom resources that their
 * schema does not know (they are cut out), values of the wrong type. Texts are kube-apiserver 1.35's.
 *
 * Findings are appended to a buffer as strict errors list them: `duplicate field "data.a", unknown field "spec.x"`;
 * each is a warning of its own under fieldValidation=Warn. Core kinds' unknown members are told by tph_go_convert.
 * Pure. Depth is that of JSON.
 */
#pragma once

#include "apiserver/kinds.h"
#include "base/buf.h"
#include "data/json.h"

/* Members that a text has twice, each once, in their order. text is JSON that was read before. */
void tph_strict_duplicates(struct tph_str text, struct tph_buf *found);

/* Cuts members out of a custom resource that its schema does not have, metadata left aside, and tells them by the order
 * of their paths; fills in what the schema has as default. */
void tph_strict_prune(struct tph_json_doc *doc, const struct tph_kind *kind, struct tph_json *object,
                      struct tph_buf *found);

/* What the schema of a custom resource wants and does not find. */
enum tph_strict_fault {
    TPH_STRICT_TYPE,     /* FieldValueTypeInvalid: `Invalid value: "integer": phase in body must be of type string:
                            "integer"` */
    TPH_STRICT_REQUIRED, /* FieldValueRequired: `Required value` */
    TPH_STRICT_CHOICE,   /* FieldValueNotSupported: `Unsupported value: "x": supported values: "A", "B"` */
    TPH_STRICT_SKIPPED,  /* FieldValueInvalid of field <nil>: rules that were not looked at because of the others */
};
typedef void tph_strict_tell(void *owner, enum tph_strict_fault fault, const char *field, const char *message);
void tph_strict_check(const struct tph_kind *kind, const struct tph_json *object, tph_strict_tell *tell, void *owner);
