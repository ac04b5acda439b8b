/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that change while the controller runs: those of the ConfigMap that Argo's controller reads, laid over those
 * that the program was started with. What is wrong in it is told by an Event and in the log, and nothing changes.
 *
 * They count for what begins, or is read anew, from then on; limits of how many run or stay count at once. */
#include "base/alloc.h"
#include "base/log.h"
#include "controller/controller_internal.h"

struct configurer {
    struct tph_controller *controller;
    struct tph_store_watch *watch;
    bool there; /* a ConfigMap counts now */
};

/* 0: all are kept. */
static bool keeps_fewer(size_t now, size_t before)
{
    return now > 0 && (before == 0 || now < before);
}

static void put_in_force(struct tph_controller *c, struct tph_settings *next)
{
    const struct tph_controller_observer *o = &c->options.observer;
    struct tph_settings old = c->settings;
    bool keeps_less = keeps_fewer(next->keep_succeeded, old.keep_succeeded) ||
                      keeps_fewer(next->keep_failed, old.keep_failed) ||
                      keeps_fewer(next->keep_errored, old.keep_errored);
    c->settings = *next;
    *next = old;
    tph_admit_anew(c);
    if (keeps_less) {
        tph_expire_anew(c);
    }
    if (o->configured) {
        o->configured(o->owner, &c->settings);
    }
}

static void refuse(struct tph_controller *c, const struct tph_json *object, const char *why)
{
    tph_log(TPH_LOG_ERROR, "the settings in a ConfigMap are wrong: those from before stay", "configmap",
            TPH_SETTINGS_CONFIG_MAP, "error", why, NULL);
    tph_controller_tell(c, object, "Warning", "SettingsInvalid", why);
}

static void take(struct configurer *it, const struct tph_json *object)
{
    struct tph_controller *c = it->controller;
    struct tph_settings next;
    struct tph_error err = TPH_ERROR_INIT;
    tph_settings_copy(&c->base, &next);
    tph_buf_clear(&next.unused); /* of the file, which was told when it was read */
    if (object && tph_settings_read_map(&next, object, &err) < 0) {
        refuse(c, object, err.text);
    } else if (object || it->there) {
        tph_log(TPH_LOG_INFO, object ? "settings read" : "settings are gone: those of the start count", "configmap",
                TPH_SETTINGS_CONFIG_MAP, NULL);
        if (next.unused.len > 0) {
            tph_log(TPH_LOG_WARN, "nothing here looks at some settings", "configmap", TPH_SETTINGS_CONFIG_MAP, "keys",
                    tph_buf_cstr(&next.unused), NULL);
        }
        put_in_force(c, &next);
        it->there = object != NULL;
    }
    tph_settings_release(&next);
}

static struct tph_store_key key_of(const struct tph_controller *c)
{
    const char *ns = c->options.install_ns;
    return (struct tph_store_key){
        .resource = TPH_STR("configmaps"), .ns = tph_str(ns ? ns : "argo"), .name = TPH_STR(TPH_SETTINGS_CONFIG_MAP)};
}

static void look(struct configurer *it)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_store_key key = key_of(it->controller);
    int r = tph_store_get(it->controller->store, &key, 0, &object, NULL);
    if (r == TPH_STORE_NOT_FOUND) {
        take(it, NULL);
    } else if (r == 0 && tph_json_parse(tph_buf_str(&object.text), &doc, NULL) == 0) {
        take(it, tph_json_root(doc));
    }
}

static int follow(struct configurer *it, struct tph_error *err);

static void woken(void *owner)
{
    struct configurer *it = owner;
    struct tph_store_event event;
    struct tph_error err = TPH_ERROR_INIT;
    bool changed = false;
    int r = 0;
    while ((r = tph_store_watch_next(it->watch, &event, &err)) == 0) {
        changed = true;
    }
    if (r != TPH_STORE_NONE) {
        tph_store_watch_close(TPH_TAKE(it->watch));
        if (follow(it, &err) < 0) {
            tph_log(TPH_LOG_ERROR, "settings are not followed any more", "error", err.text, NULL);
        }
    } else if (changed) {
        look(it);
    }
}

static int follow(struct configurer *it, struct tph_error *err)
{
    struct tph_store *store = it->controller->store;
    struct tph_store_key key = key_of(it->controller);
    uint64_t version = tph_store_version(store);
    look(it);
    return tph_store_watch_open(store, &key, version, woken, it, &it->watch, err) == 0 ? 0 : -1;
}

int tph_configurer_start(struct tph_controller *c, struct tph_error *err)
{
    c->configurer = TPH_NEW(struct configurer);
    c->configurer->controller = c;
    return follow(c->configurer, err);
}

void tph_configurer_free(struct configurer *it)
{
    if (it) {
        tph_store_watch_close(it->watch);
        free(it);
    }
}
