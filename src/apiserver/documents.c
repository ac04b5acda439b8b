/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/documents.h"

#include <string.h>

#include "apiserver/openapi.h"
#include "base/limits.h"

void tph_documents_make(struct tph_documents *documents)
{
    char hashes[TPH_DOCUMENTS_MAX][TPH_ETAG_TEXT];
    const char *list[TPH_DOCUMENTS_MAX + 1] = {NULL};
    const char *const *paths = tph_openapi_paths();
    if (documents->n > 0) {
        return;
    }
    for (size_t i = 0; i < TPH_DOCUMENTS_MAX && paths[i]; i++) {
        struct tph_document *d = &documents->list[documents->n++];
        d->text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        (void)tph_openapi_document(tph_str(paths[i]), &d->text);
        tph_etag(tph_buf_str(&d->text), d->etag);
        size_t len = strlen(d->etag); /* the hash is the ETag without its quotes */
        (void)snprintf(hashes[i], sizeof(hashes[i]), "%.*s", len > 2 ? (int)len - 2 : 0, d->etag + 1);
        list[i] = hashes[i];
    }
    documents->index.text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_openapi_index(list, &documents->index.text);
    tph_etag(tph_buf_str(&documents->index.text), documents->index.etag);
}

void tph_documents_release(struct tph_documents *documents)
{
    for (size_t i = 0; i < documents->n; i++) {
        tph_buf_release(&documents->list[i].text);
    }
    tph_buf_release(&documents->index.text);
    documents->n = 0;
}

const struct tph_document *tph_documents_find(const struct tph_documents *documents, struct tph_str path)
{
    const char *const *paths = tph_openapi_paths();
    for (size_t i = 0; i < documents->n; i++) {
        if (tph_str_eqz(path, paths[i])) {
            return &documents->list[i];
        }
    }
    return NULL;
}
