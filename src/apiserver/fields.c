/* SPDX-License-Identifier: Apache-2.0 */
/* Who wrote which field: managedFields of a call's write, and server-side apply (managed.h does the work). */
#include <string.h>

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

/* A namespace whose name was made has a label with it that nobody owns: it is not yet there when owners are found. */
static bool has_made_label(const struct tph_api_call *call)
{
    return strcmp(call->route.kind->resource, "namespaces") == 0 && tph_object_meta_str(call->body, "name").len == 0;
}

static void own_without_label(const struct tph_managed_write *write, struct tph_json_doc *doc, struct tph_json *object)
{
    struct tph_json *sent = tph_json_copy(doc, object);
    struct tph_json *labels = tph_json_path(sent, "metadata", "labels", NULL);
    (void)tph_json_remove(labels, "kubernetes.io/metadata.name");
    if (tph_json_len(labels) == 0) {
        (void)tph_json_remove(tph_json_get(sent, "metadata"), "labels");
    }
    tph_managed_update(doc, write, NULL, sent);
    const struct tph_json *fields = tph_json_path(sent, "metadata", "managedFields", NULL);
    if (fields) {
        tph_json_set(doc, tph_object_meta(doc, object), "managedFields", tph_json_copy(doc, fields));
    }
}

int tph_fields_created(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object)
{
    const struct tph_managed_write write = write_of(call);
    if (call->is_apply) { /* an apply has set them already */
        return 0;
    }
    if (has_made_label(call)) {
        own_without_label(&write, doc, object);
    } else {
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
