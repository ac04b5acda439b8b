/* SPDX-License-Identifier: Apache-2.0 */
/* How many workflows are over, by phase; and which events are news of one that ended here.
 *
 * The list at the start counts, then every end, and what others do to workflows that nobody carries: an event's object
 * is looked at as it was before and as it is after. */
#include <string.h>

#include "base/alloc.h"
#include "controller/controller_internal.h"

enum tph_workflow_phase tph_over_phase(enum tph_over over)
{
    static const enum tph_workflow_phase phases[] = {[TPH_OVER_SUCCEEDED] = TPH_WORKFLOW_SUCCEEDED,
                                                     [TPH_OVER_FAILED] = TPH_WORKFLOW_FAILED,
                                                     [TPH_OVER_ERROR] = TPH_WORKFLOW_ERROR};
    return phases[over];
}

static enum tph_over over_of(const struct tph_json *workflow)
{
    struct tph_str phase = tph_json_get_str(tph_json_get(workflow, "status"), "phase");
    return tph_str_eqz(phase, "Succeeded") ? TPH_OVER_SUCCEEDED
           : tph_str_eqz(phase, "Failed")  ? TPH_OVER_FAILED
           : tph_str_eqz(phase, "Error")   ? TPH_OVER_ERROR
                                           : TPH_OVER_COUNT;
}

void tph_over_count(struct tph_controller *c, const struct tph_json *workflow)
{
    enum tph_over over = over_of(workflow);
    if (over != TPH_OVER_COUNT) {
        c->n_over[over]++;
    }
}

/* As it was at a version. */
static enum tph_over at(struct tph_controller *c, const struct tph_store_key *key, uint64_t version)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_store_get(c->store, key, version, &object, NULL) != 0 ||
        tph_json_parse(tph_buf_str(&object.text), &doc, NULL) < 0) {
        return TPH_OVER_COUNT;
    }
    return over_of(tph_json_root(doc));
}

void tph_over_changed(struct tph_controller *c, const struct tph_store_event *event)
{
    struct tph_store_key key = event->key;
    enum tph_over before = event->kind == TPH_STORE_ADDED ? TPH_OVER_COUNT : at(c, &key, event->version - 1);
    enum tph_over after = event->kind == TPH_STORE_DELETED ? TPH_OVER_COUNT : at(c, &key, event->version);
    if (before != TPH_OVER_COUNT && c->n_over[before] > 0) {
        c->n_over[before]--;
    }
    if (after != TPH_OVER_COUNT) {
        c->n_over[after]++;
    }
}

/* ---- what is known already ---- */

struct ended {
    uint64_t version; /* of the object with its end */
    char key[];
};

void tph_over_ended(struct tph_controller *c, const char *key, uint64_t version)
{
    struct tph_str name = tph_str(key);
    struct ended *ended = tph_map_get(&c->ended, name);
    if (!ended) {
        ended = tph_calloc(1, sizeof(*ended) + name.len + 1);
        memcpy(ended->key, key, name.len);
        (void)tph_map_set(&c->ended, tph_str(ended->key), ended);
    }
    ended->version = version;
}

bool tph_over_is_old(struct tph_controller *c, const struct tph_store_event *event)
{
    TPH_CLEANUP(tph_freep) char *key = NULL;
    if (tph_map_len(&c->ended) == 0) {
        return false;
    }
    key = tph_format("%.*s/%.*s", TPH_FMT(event->key.ns), TPH_FMT(event->key.name));
    struct ended *ended = tph_map_get(&c->ended, tph_str(key));
    bool old = ended && event->version <= ended->version;
    if (ended && event->version >= ended->version) {
        (void)tph_map_remove(&c->ended, tph_str(ended->key));
        free(ended);
    }
    return old;
}

void tph_over_forget(struct tph_controller *c)
{
    size_t place = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&c->ended, &place, &key, &value)) {
        free(value);
    }
    tph_map_release(&c->ended);
    c->ended = TPH_MAP_INIT;
    memset(c->n_over, 0, sizeof(c->n_over));
}
