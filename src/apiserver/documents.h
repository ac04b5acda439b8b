/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI documents, made when they are asked for first and kept from then on. Private to apiserver. */
#pragma once

#include "apiserver/discovery.h"
#include "base/buf.h"

enum { TPH_DOCUMENTS_MAX = 8 };

struct tph_document {
    struct tph_buf text;
    char etag[TPH_ETAG_TEXT];
};
struct tph_documents {
    struct tph_document list[TPH_DOCUMENTS_MAX]; /* in the order of tph_openapi_paths */
    size_t n;                                    /* 0: not made yet */
    struct tph_document index;                   /* /openapi/v3 */
};

void tph_documents_make(struct tph_documents *documents);
void tph_documents_release(struct tph_documents *documents);
/* The document of a path ("apis/argoproj.io/v1alpha1"), or NULL. */
const struct tph_document *tph_documents_find(const struct tph_documents *documents, struct tph_str path);
