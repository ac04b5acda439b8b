/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that creating, updating, patching and deleting share. Private to apiserver. */
#pragma once

#include "apiserver/internal.h"

/* call->text becomes the text that is kept. -1: too large. */
int tph_write_text(struct tph_api_call *call, const struct tph_json *object) TPH_MUST_CHECK;
/* Name and namespace against those of the path. */
int tph_check_identity(struct tph_api_call *call, const struct tph_json *object) TPH_MUST_CHECK;
/* The namespace is there, and not on its way out. */
int tph_check_namespace(struct tph_api_call *call) TPH_MUST_CHECK;

/* Creates call->body. */
void tph_create_attempt(struct tph_api_call *call);
/* Reads, changes with call->change, writes. */
void tph_update_attempt(struct tph_api_call *call);

/* managedFields of what is created, and of what is changed. */
int tph_fields_created(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object) TPH_MUST_CHECK;
int tph_fields_updated(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                       struct tph_json *object) TPH_MUST_CHECK;
/* Server-side apply: body onto old (NULL: nothing is there). */
int tph_fields_apply(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                     struct tph_json **ret_new) TPH_MUST_CHECK;

/* Marks an object as being deleted in grace_s seconds; one that is marked keeps its mark, unless this is shorter. */
void tph_object_mark_deleted(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object,
                             int64_t grace_s);
