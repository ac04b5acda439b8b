/* SPDX-License-Identifier: Apache-2.0 */
/* The workflows of a CronWorkflow. Source: Argo's workflow/cron at v4.1.2; recorded http/E-04. */
#include "controller/cron_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "controller/controller_internal.h"
#include "data/time.h"
#include "edit/edit.h"

#define LAST    "cronworkflows.argoproj.io/last-used-schedule"
#define PLANNED "workflows.argoproj.io/scheduled-time"

int64_t tph_cron_number(const struct tph_json *object, const char *key, int64_t otherwise)
{
    int64_t number = 0;
    return tph_json_to_i64(tph_json_get(object, key), &number) == 0 ? number : otherwise;
}

struct tph_json *tph_cron_member(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *member = tph_json_get(object, key);
    if (!tph_json_is(member, TPH_JSON_OBJECT)) {
        member = tph_json_new_object(doc);
        tph_json_set(doc, object, key, member);
        member = tph_json_get(object, key);
    }
    return member;
}

static void count(struct tph_json_doc *doc, struct tph_json *status, const char *key, int64_t more)
{
    tph_json_set(doc, status, key, tph_json_new_i64(doc, tph_cron_number(status, key, 0) + more));
}

/* One that was deleted since it ended, as ttlStrategy may do at once. */
static struct tph_str phase_of_gone(const struct cron *cron, struct tph_str name)
{
    for (size_t i = 0; i < cron->n_children; i++) {
        if (tph_str_eqz(name, cron->children[i].name)) {
            return cron->children[i].good ? TPH_STR("Succeeded") : TPH_STR("Failed");
        }
    }
    return TPH_STR_NONE;
}

bool tph_cron_settle(struct cron *cron, struct tph_json_doc *doc, struct tph_json *status)
{
    struct tph_store *store = cron->crons->controller->store;
    struct tph_json *left = tph_json_new_array(doc);
    bool changed = false;
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "active"));
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *child = NULL;
        struct tph_store_key key = {
            .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_json_get_str(it.value, "name")};
        bool there = tph_store_get(store, &key, 0, &object, NULL) == 0 &&
                     tph_json_parse(tph_buf_str(&object.text), &child, NULL) == 0;
        if (there && !tph_workflow_is_over(tph_json_root(child))) {
            tph_json_append(doc, left, tph_json_copy(doc, it.value));
            continue;
        }
        struct tph_str phase = there ? tph_json_get_str(tph_json_get(tph_json_root(child), "status"), "phase")
                                     : phase_of_gone(cron, tph_json_get_str(it.value, "name"));
        changed = true;
        if (phase.len > 0) {
            count(doc, status, tph_str_eqz(phase, "Succeeded") ? "succeeded" : "failed", 1);
        }
    }
    if (changed && tph_json_len(left) > 0) {
        tph_json_set(doc, status, "active", left);
    } else if (changed) {
        (void)tph_json_remove(status, "active");
    }
    return changed;
}

/* ---- its workflows ---- */

static void copy_members(struct tph_json_doc *doc, struct tph_json *to, const struct tph_json *from)
{
    struct tph_json_iter it = tph_json_iter(from);
    while (tph_json_next(&it)) {
        tph_json_setn(doc, to, it.key, tph_json_copy(doc, it.value));
    }
}

static struct tph_json *owner_of(const struct cron *cron, const struct tph_json *object, struct tph_json_doc *doc)
{
    struct tph_json *owner = tph_json_new_object(doc);
    tph_json_set_cstr(doc, owner, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, owner, "kind", "CronWorkflow");
    tph_json_set_str(doc, owner, "name", cron->name);
    tph_json_set_str(doc, owner, "uid", tph_json_get_str(tph_json_get(object, "metadata"), "uid"));
    tph_json_set(doc, owner, "controller", tph_json_new_bool(doc, true));
    tph_json_set(doc, owner, "blockOwnerDeletion", tph_json_new_bool(doc, true));
    return owner;
}

static struct tph_json *child_metadata(const struct cron *cron, const struct tph_json *object, int64_t due_s,
                                       struct tph_json_doc *doc)
{
    const struct tph_json *given = tph_json_path(object, "spec", "workflowMetadata", NULL);
    struct tph_json *meta = tph_json_new_object(doc);
    struct tph_json *labels = tph_json_new_object(doc);
    struct tph_json *annotations = tph_json_new_object(doc);
    struct tph_json *owners = tph_json_new_array(doc);
    char text[TPH_TIME_TEXT];
    char uid[37];
    TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s-%" PRId64, TPH_FMT(cron->name), due_s);
    copy_members(doc, labels, tph_json_get(given, "labels"));
    copy_members(doc, annotations, tph_json_get(given, "annotations"));
    tph_json_set_str(doc, labels, TPH_CRON_LABEL, cron->name);
    tph_time_format(due_s * 1000, text);
    tph_json_set_cstr(doc, annotations, PLANNED, text);
    tph_time_format(tph_controller_now_ms(cron->crons->controller), text);
    tph_random_uuid(uid);
    tph_json_set(doc, meta, "annotations", annotations);
    tph_json_set_cstr(doc, meta, "creationTimestamp", text);
    tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, 1));
    tph_json_set(doc, meta, "labels", labels);
    tph_json_set_cstr(doc, meta, "name", name);
    tph_json_set_str(doc, meta, "namespace", cron->ns);
    tph_json_append(doc, owners, owner_of(cron, object, doc));
    tph_json_set(doc, meta, "ownerReferences", owners);
    tph_json_set_cstr(doc, meta, "uid", uid);
    if (tph_json_get(given, "finalizers")) {
        tph_json_set(doc, meta, "finalizers", tph_json_copy(doc, tph_json_get(given, "finalizers")));
    }
    return meta;
}

struct tph_json *tph_cron_child(const struct cron *cron, const struct tph_json *object, int64_t due_s,
                                struct tph_json_doc *doc)
{
    struct tph_json *child = tph_json_new_object(doc);
    struct tph_json *status = tph_json_new_object(doc);
    tph_json_set_cstr(doc, child, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, child, "kind", "Workflow");
    tph_json_set(doc, child, "metadata", child_metadata(cron, object, due_s, doc));
    tph_json_set(doc, child, "spec", tph_json_copy(doc, tph_json_path(object, "spec", "workflowSpec", NULL)));
    tph_json_set(doc, status, "finishedAt", tph_json_new_null(doc));
    tph_json_set(doc, status, "startedAt", tph_json_new_null(doc));
    tph_json_set(doc, child, "status", status);
    return child;
}

void tph_cron_add_child(const struct cron *cron, struct tph_json *object, const struct tph_json *child, int64_t due_s,
                        struct tph_str schedule, struct tph_json_doc *doc)
{
    struct tph_json *status = tph_cron_member(doc, object, "status");
    struct tph_json *active = tph_json_get(status, "active");
    struct tph_json *ref = tph_json_new_object(doc);
    const struct tph_json *meta = tph_json_get(child, "metadata");
    char text[TPH_TIME_TEXT];
    if (!tph_json_is(active, TPH_JSON_ARRAY)) {
        tph_json_set(doc, status, "active", tph_json_new_array(doc));
        active = tph_json_get(status, "active");
    }
    tph_json_set_cstr(doc, ref, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, ref, "kind", "Workflow");
    tph_json_set_str(doc, ref, "name", tph_json_get_str(meta, "name"));
    tph_json_set_str(doc, ref, "namespace", cron->ns);
    tph_json_set_str(doc, ref, "uid", tph_json_get_str(meta, "uid"));
    tph_json_append(doc, active, ref);
    tph_time_format(due_s * 1000, text);
    tph_json_set_cstr(doc, status, "lastScheduledTime", text);
    tph_json_set_cstr(doc, status, "phase", "Active");
    count(doc, status, "succeeded", 0);
    count(doc, status, "failed", 0);
    tph_json_set_str(doc, tph_cron_member(doc, tph_json_get(object, "metadata"), "annotations"), LAST, schedule);
}

static void terminated(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* it was changed just now: it is looked at when it is over, or when the next is due */
}

void tph_cron_end_active(struct cron *cron, const struct tph_json *status)
{
    struct tph_controller *c = cron->crons->controller;
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "active"));
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_json *ended = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_store_key key = {
            .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_json_get_str(it.value, "name")};
        if (tph_store_get(c->store, &key, 0, &object, NULL) != 0 ||
            tph_json_parse(tph_buf_str(&object.text), &doc, NULL) < 0 ||
            tph_edit_terminate(doc, tph_json_root(doc), &ended, &err) < 0) {
            continue;
        }
        tph_json_write(ended, TPH_JSON_SORTED, &text);
        struct tph_store_change change = {
            .verb = TPH_STORE_UPDATE, .key = key, .expected = object.version, .text = tph_buf_str(&text)};
        tph_controller_write(c, &change, 1, terminated, NULL, NULL);
    }
}

/* ---- history ---- */

static int newest_first(const void *a, const void *b)
{
    const struct child *x = a;
    const struct child *y = b;
    return x->ended_ms != y->ended_ms ? (x->ended_ms < y->ended_ms ? 1 : -1) : strcmp(y->name, x->name);
}

/* It is there, over, and nobody else's finalizers hold it. */
static bool can_go(const struct cron *cron, const struct child *child, uint64_t *ret_version)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_store_key key = {
        .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_str(child->name)};
    if (tph_store_get(cron->crons->controller->store, &key, 0, &object, NULL) != 0 ||
        tph_json_parse(tph_buf_str(&object.text), &doc, NULL) < 0) {
        return false;
    }
    *ret_version = object.version;
    return tph_workflow_is_over(tph_json_root(doc)) &&
           tph_json_len(tph_json_path(tph_json_root(doc), "metadata", "finalizers", NULL)) == 0;
}

static size_t n_of(const struct cron *cron, bool good)
{
    size_t n = 0;
    for (size_t i = 0; i < cron->n_children; i++) {
        n += cron->children[i].good == good ? 1 : 0;
    }
    return n;
}

/* Of a kind only so many stay. Those that somebody else has deleted, or that run again, do not count: so all are looked
 * for before the first goes. */
static void trim(struct cron *cron, bool good, int64_t limit)
{
    struct tph_controller *c = cron->crons->controller;
    int64_t kept = 0;
    size_t n = 0;
    if (limit < 0 || n_of(cron, good) <= (size_t)limit) {
        return;
    }
    for (size_t i = 0; i < cron->n_children; i++) {
        struct child child = cron->children[i];
        uint64_t version = 0;
        bool there = child.good != good || can_go(cron, &child, &version);
        if (there && (child.good != good || kept++ < limit)) {
            cron->children[n++] = child;
            continue;
        }
        if (there) {
            struct tph_store_key key = {
                .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_str(child.name)};
            struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = key, .expected = version};
            tph_controller_write(c, &change, 1, terminated, NULL, NULL);
        }
        free(child.name);
    }
    cron->n_children = n;
}

void tph_cron_trim(struct cron *cron, const struct tph_json *spec)
{
    if (cron->n_children == 0) {
        return;
    }
    qsort(cron->children, cron->n_children, sizeof(*cron->children), newest_first);
    trim(cron, true, tph_cron_number(spec, "successfulJobsHistoryLimit", 3));
    trim(cron, false, tph_cron_number(spec, "failedJobsHistoryLimit", 1));
}
