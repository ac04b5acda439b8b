/* SPDX-License-Identifier: Apache-2.0 */
/* Who wrote which field: managedFields, and server-side apply. */
#include "apiserver/write.h"

int tph_fields_created(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object)
{
    (void)call;
    (void)doc;
    (void)object;
    return 0;
}

int tph_fields_updated(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                       struct tph_json *object)
{
    (void)call;
    (void)doc;
    (void)old;
    (void)object;
    return 0;
}

int tph_fields_apply(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                     struct tph_json **ret_new)
{
    (void)doc;
    (void)old;
    (void)ret_new;
    return tph_status_set_bare(&call->status, 415, "UnsupportedMediaType", "415: Unsupported Media Type");
}
