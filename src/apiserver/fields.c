/* SPDX-License-Identifier: Apache-2.0 */
/* Who wrote which field: managedFields of a call's write, and server-side apply (managed.h does the work). */
#include "apiserver/managed.h"
#include "apiserver/write.h"
#include "base/clock.h"
#include "base/limits.h"

static struct tph_managed_write write_of(const struct tph_api_call *call)
{
    return (struct tph_managed_write){
        .kind = call->route.kind,
        .manager = call->options.manager,
        .subresource = tph_str(call->route.sub ? call->route.sub->name : ""),
        .force = call->options.force,
        .now_ms = tph_clock_wall_ms(),
    };
}

int tph_fields_created(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object)
{
    const struct tph_managed_write write = write_of(call);
    if (!call->is_apply) { /* an apply has set them already */
        tph_managed_update(doc, &write, NULL, object);
    }
    return 0;
}

int tph_fields_updated(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                       struct tph_json *object)
{
    const struct tph_managed_write write = write_of(call);
    if (!call->is_apply) {
        tph_managed_update(doc, &write, old, object);
    }
    return 0;
}

int tph_fields_apply(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                     struct tph_json **ret_new)
{
    TPH_CLEANUP(tph_managed_fault_release) struct tph_managed_fault fault = TPH_MANAGED_FAULT_INIT;
    const struct tph_managed_write write = write_of(call);
    if (tph_managed_apply(doc, &write, old, call->body, ret_new, &fault) == 0) {
        if ((call->route.kind->flags & TPH_KIND_CUSTOM) != 0) {
            tph_object_plain_numbers(doc, *ret_new);
        }
        return 0;
    }
    const char *text = tph_buf_cstr(&fault.message);
    if (fault.code == 400) {
        return tph_status_bad_request(&call->status, "%s", text);
    }
    if (fault.code != 409) {
        return tph_status_internal(&call->status, "%s", text);
    }
    for (size_t i = 0; i < fault.n_conflicts; i++) {
        tph_status_cause(&call->status, "FieldManagerConflict", tph_str(fault.conflicts[i].message),
                         fault.conflicts[i].field);
    }
    return tph_status_set_bare(&call->status, 409, "Conflict", "%s", text);
}
