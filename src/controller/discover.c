/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins from ConfigMaps of the store, live: added, changed, removed, invalid.
 *
 * A workflow sees those that are there when its first task goes out. When one of them changes afterwards its new
 * definition counts for it, too; one that is removed stays for those that have it. An invalid change leaves the plugin
 * as it was and says so. A Secret or ConfigMap that a plugin reads makes a new sidecar of it when it changes. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "controller/controller_internal.h"

/* One ConfigMap that says it is a plugin. */
struct known {
    char *key;                 /* owned, as all others: "NAMESPACE/NAME" */
    struct tph_plugin *plugin; /* NULL: it never was valid */
    char *said;                /* what counts of it, as JSON: metadata alone may change */
    char *problem;             /* of its present text; NULL: none */
};

struct discovery {
    struct tph_controller *controller;
    struct tph_map known;               /* key -> struct known, owned */
    struct tph_plugin_set *set;         /* owned: of all that are valid */
    struct tph_store_watch *watches[2]; /* ConfigMaps, Secrets */
};

static void known_free(struct known *k)
{
    tph_plugin_unref(k->plugin);
    free(k->key);
    free(k->said);
    free(k->problem);
    free(k);
}

/* The order of asking hangs on all of them. */
static void make_set(struct discovery *d)
{
    struct tph_plugin *other = NULL;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    tph_plugin_set_free(d->set);
    d->set = tph_plugin_set_new();
    while (tph_map_next(&d->known, &at, &key, &value)) {
        const struct known *k = value;
        if (k->plugin) {
            (void)tph_plugin_set_add(d->set, k->plugin, &other);
        }
    }
}

static void say(const struct known *k, const char *what)
{
    struct tph_str key = tph_str(k->key);
    ptrdiff_t slash = tph_str_find_byte(key, '/');
    TPH_CLEANUP(tph_freep) char *ns = tph_str_dup(tph_str_slice(key, 0, (size_t)slash));
    tph_log(k->problem ? TPH_LOG_WARN : TPH_LOG_INFO, what, "namespace", ns, "name", k->key + slash + 1, "error",
            k->problem, NULL);
}

/* What a change of means another plugin. */
static char *what_counts(const struct tph_json *object)
{
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_json_get(object, "data"), TPH_JSON_SORTED, &text);
    tph_json_write(tph_json_path(object, "metadata", "annotations", NULL), TPH_JSON_SORTED, &text);
    return tph_buf_take(&text, NULL);
}

static void forget(struct discovery *d, struct known *k)
{
    (void)tph_map_remove(&d->known, tph_str(k->key));
    free(TPH_TAKE(k->problem));
    say(k, "Executor plugin removed");
    known_free(k);
    make_set(d);
}

static void take(struct discovery *d, struct known *k, struct tph_plugin *plugin)
{
    struct tph_plugin *old = k->plugin;
    free(TPH_TAKE(k->problem));
    k->plugin = plugin;
    if (old && d->controller->agent) {
        tph_agent_replace(d->controller->agent, old, plugin);
    }
    say(k, old ? "Executor plugin updated" : "Executor plugin added");
    tph_plugin_unref(old);
}

static void refuse(struct discovery *d, struct known *k, const struct tph_json *object, const char *why)
{
    free(k->problem);
    k->problem = tph_strdup(why);
    say(k, k->plugin ? "an executor plugin is invalid now: it stays as it was" : "an executor plugin is invalid");
    tph_controller_tell(d->controller, object, "Warning", "ExecutorPluginInvalid", why);
}

/* A ConfigMap as it is now. */
static void look(struct discovery *d, struct tph_str ns, struct tph_str name, const struct tph_json *object)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    struct known *k = tph_map_get(&d->known, tph_str(key));
    if (!object || !tph_plugin_is_configmap(object)) {
        if (k) {
            forget(d, k);
        }
        return;
    }
    char *said = what_counts(object);
    if (k && strcmp(k->said, said) == 0) {
        free(said);
        return;
    }
    if (!k) {
        k = TPH_NEW(struct known);
        k->key = TPH_TAKE(key);
        (void)tph_map_set(&d->known, tph_str(k->key), k);
    }
    free(k->said);
    k->said = said;
    struct tph_plugin *plugin = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_plugin_from_configmap(object, NULL, &plugin, &err) < 0) {
        refuse(d, k, object, err.text);
    } else if (plugin->refused) {
        refuse(d, k, object, plugin->refused);
        tph_plugin_unref(plugin);
    } else {
        take(d, k, plugin);
    }
    make_set(d);
}

/* ---- what plugins read ---- */

static bool refers_to(const struct tph_plugin *plugin, enum tph_env_source source, struct tph_str name)
{
    const struct tph_container *c = &plugin->container;
    enum tph_volume_kind kind = source == TPH_ENV_SECRET ? TPH_VOLUME_SECRET : TPH_VOLUME_CONFIGMAP;
    bool found = false;
    for (size_t i = 0; i < c->n_env; i++) {
        found = found || (c->env[i].source == source && tph_str_eq(c->env[i].ref_name, name));
    }
    for (size_t i = 0; i < c->n_env_from; i++) {
        found = found || (c->env_from[i].source == source && tph_str_eq(c->env_from[i].ref_name, name));
    }
    for (size_t i = 0; i < plugin->n_volumes; i++) {
        found = found || (plugin->volumes[i].kind == kind && tph_str_eq(plugin->volumes[i].ref_name, name));
    }
    return found;
}

static void renew(struct discovery *d, enum tph_env_source source, struct tph_str name)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&d->known, &at, &key, &value)) {
        const struct known *k = value;
        if (k->plugin && refers_to(k->plugin, source, name)) {
            tph_agent_replace(d->controller->agent, k->plugin, k->plugin);
        }
    }
}

/* ---- the store ---- */

static void look_again(struct discovery *d, const struct tph_store_key *key)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    int r = tph_store_get(d->controller->store, key, 0, &object, &err);
    if (r == TPH_STORE_NOT_FOUND) {
        look(d, key->ns, key->name, NULL);
    } else if (r < 0) {
        tph_controller_lost(d->controller, LOST_PLUGINS, &err);
    } else if (r == 0 && tph_json_parse(tph_buf_str(&object.text), &doc, NULL) == 0) {
        look(d, key->ns, key->name, tph_json_root(doc));
    }
}

static bool look_at_one(void *owner, const struct tph_store_object *object)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_str_find(tph_buf_str(&object->text), TPH_STR("ExecutorPlugin")) >= 0 &&
        tph_json_parse(tph_buf_str(&object->text), &doc, NULL) == 0) {
        look(owner, object->key.ns, object->key.name, tph_json_root(doc));
    }
    return true;
}

static void follow_again(struct discovery *d, size_t which);

static void woken(struct discovery *d, size_t which)
{
    enum tph_env_source source = which == 0 ? TPH_ENV_CONFIGMAP : TPH_ENV_SECRET;
    struct tph_store_event event;
    struct tph_error err = TPH_ERROR_INIT;
    int r = 0;
    while ((r = tph_store_watch_next(d->watches[which], &event, &err)) == 0) {
        struct tph_store_key key = event.key;
        if (which == 0) {
            look_again(d, &key);
        }
        renew(d, source, key.name);
    }
    if (r != TPH_STORE_NONE) {
        tph_store_watch_close(TPH_TAKE(d->watches[which]));
        follow_again(d, which);
    }
}

static void configmaps_woken(void *owner)
{
    woken(owner, 0);
}

static void secrets_woken(void *owner)
{
    woken(owner, 1);
}

/* Those that went while nobody looked. */
static void forget_missing(struct discovery *d)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&d->known, &at, &key, &value)) {
        ptrdiff_t slash = tph_str_find_byte(key, '/');
        struct tph_store_key object = {.resource = TPH_STR("configmaps"),
                                       .ns = tph_str_slice(key, 0, (size_t)slash),
                                       .name = tph_str_slice(key, (size_t)slash + 1, key.len)};
        look_again(d, &object);
    }
}

static int follow(struct discovery *d, size_t which, struct tph_error *err)
{
    static tph_store_wake_fn *const wakes[] = {configmaps_woken, secrets_woken};
    struct tph_store *store = d->controller->store;
    struct tph_store_list list = {.key = {.resource = which == 0 ? TPH_STR("configmaps") : TPH_STR("secrets")}};
    struct tph_store_page page = {.version = tph_store_version(store)};
    int r = which == 0 ? tph_store_list(store, &list, look_at_one, d, &page, err) : 0;
    if (r == 0 && which == 0) {
        forget_missing(d);
    }
    r = r == 0 ? tph_store_watch_open(store, &list.key, page.version, wakes[which], d, &d->watches[which], err) : r;
    return r == 0 ? 0 : -1;
}

static void follow_again(struct discovery *d, size_t which)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (follow(d, which, &err) < 0) {
        tph_controller_lost(d->controller, which == 0 ? LOST_PLUGINS : LOST_SECRETS, &err);
    }
}

void tph_discovery_again(struct discovery *d, bool secrets)
{
    tph_store_watch_close(TPH_TAKE(d->watches[secrets]));
    follow_again(d, secrets);
}

struct discovery *tph_discovery_new(struct tph_controller *c)
{
    struct discovery *d = TPH_NEW(struct discovery);
    d->controller = c;
    d->set = tph_plugin_set_new();
    return d;
}

int tph_discovery_start(struct discovery *d, struct tph_error *err)
{
    return follow(d, 0, err) < 0 || follow(d, 1, err) < 0 ? -1 : 0;
}

void tph_discovery_free(struct discovery *d)
{
    if (!d) {
        return;
    }
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    tph_store_watch_close(d->watches[0]);
    tph_store_watch_close(d->watches[1]);
    while (tph_map_next(&d->known, &at, &key, &value)) {
        known_free(value);
    }
    tph_map_release(&d->known);
    tph_plugin_set_free(d->set);
    free(d);
}

size_t tph_discovery_visible(const struct discovery *d, struct tph_str ns, struct tph_plugin **out, size_t max)
{
    const char *install_ns = d->controller->options.install_ns;
    return tph_plugin_set_visible(d->set, ns, tph_str(install_ns ? install_ns : "argo"), out, max);
}

void tph_controller_plugins(const struct tph_controller *controller, tph_controller_plugin_fn *each, void *owner)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (controller->discovery && tph_map_next(&controller->discovery->known, &at, &key, &value)) {
        const struct known *k = value;
        ptrdiff_t slash = tph_str_find_byte(key, '/');
        each(owner, tph_str_slice(key, 0, (size_t)slash), tph_str_slice(key, (size_t)slash + 1, key.len), k->plugin,
             k->problem);
    }
}
