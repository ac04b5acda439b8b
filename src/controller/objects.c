/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/objects.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "data/base64.h"

struct tph_objects {
    struct tph_map by_name; /* "LETTER|NAMESPACE|NAME" -> const struct tph_json */
    struct tph_arena *keys;
};

/* Letters of kinds in the keys; those of the cluster have no namespace. */
enum { SECRET = 's', CONFIG_MAP = 'c', TEMPLATE = 't', CLUSTER_TEMPLATE = 'k' };

/* What the objects are for one namespace; in the arena. */
struct view {
    struct tph_run_objects lookup;
    struct tph_objects *objects;
    struct tph_str ns;
};

struct tph_objects *tph_objects_new(void)
{
    struct tph_objects *objects = TPH_NEW(struct tph_objects);
    objects->keys = tph_arena_new();
    return objects;
}

void tph_objects_free(struct tph_objects *objects)
{
    if (!objects) {
        return;
    }
    tph_map_release(&objects->by_name);
    tph_arena_free(objects->keys);
    free(objects);
}

static char letter(enum tph_env_source kind)
{
    return kind == TPH_ENV_SECRET ? SECRET : CONFIG_MAP;
}

static int add(struct tph_objects *objects, char kind, struct tph_str ns, const struct tph_json *object)
{
    struct tph_str name = tph_json_get_str(tph_json_get(object, "metadata"), "name");
    struct tph_str key = tph_str(tph_arena_format(objects->keys, "%c|%.*s|%.*s", kind, TPH_FMT(ns), TPH_FMT(name)));
    if (tph_map_get(&objects->by_name, key)) {
        return 1;
    }
    (void)tph_map_set(&objects->by_name, key, (void *)(uintptr_t)object);
    return 0;
}

static struct tph_str namespace_of(const struct tph_json *object)
{
    return tph_json_get_str(tph_json_get(object, "metadata"), "namespace");
}

int tph_objects_add(struct tph_objects *objects, enum tph_env_source kind, const struct tph_json *object)
{
    return add(objects, letter(kind), namespace_of(object), object);
}

int tph_objects_add_template(struct tph_objects *objects, bool is_cluster, const struct tph_json *object)
{
    return is_cluster ? add(objects, CLUSTER_TEMPLATE, TPH_STR(""), object)
                      : add(objects, TEMPLATE, namespace_of(object), object);
}

static const struct tph_json *find_letter(const struct tph_objects *objects, char kind, struct tph_str ns,
                                          struct tph_str name)
{
    TPH_CLEANUP(tph_freep) char *own = tph_format("%c|%.*s|%.*s", kind, TPH_FMT(ns), TPH_FMT(name));
    const struct tph_json *object = tph_map_get(&objects->by_name, tph_str(own));
    if (!object) {
        TPH_CLEANUP(tph_freep) char *shared = tph_format("%c||%.*s", kind, TPH_FMT(name));
        object = tph_map_get(&objects->by_name, tph_str(shared));
    }
    return object;
}

static const struct tph_json *find(const struct tph_objects *objects, enum tph_env_source kind, struct tph_str ns,
                                   struct tph_str name)
{
    return find_letter(objects, letter(kind), ns, name);
}

static const struct tph_json *see(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    static const char letters[] = {[TPH_OBJECT_TEMPLATE] = TEMPLATE,
                                   [TPH_OBJECT_CLUSTER_TEMPLATE] = CLUSTER_TEMPLATE,
                                   [TPH_OBJECT_CONFIG_MAP] = CONFIG_MAP};
    const struct view *view = owner;
    return find_letter(view->objects, letters[kind], view->ns, name);
}

const struct tph_run_objects *tph_objects_view(struct tph_objects *objects, struct tph_str ns)
{
    struct view *view = TPH_ARENA_NEW(objects->keys, struct view);
    *view = (struct view){
        .lookup = {.find = see, .owner = view}, .objects = objects, .ns = tph_arena_str(objects->keys, ns)};
    return &view->lookup;
}

static int value(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name, struct tph_str key,
                 struct tph_buf *out)
{
    const struct tph_json *object = find(owner, kind, ns, name);
    if (!object) {
        return 1;
    }
    /* stringData wins over data, as the API server merges them. */
    const struct tph_json *text = tph_json_getn(tph_json_get(object, "stringData"), key);
    if (kind == TPH_ENV_SECRET && text) {
        (void)tph_buf_put(out, tph_json_str(text));
        return 0;
    }
    text = tph_json_getn(tph_json_get(object, "data"), key);
    if (text && kind == TPH_ENV_SECRET) {
        return tph_base64_decode(tph_json_str(text), out) < 0 ? 2 : 0;
    }
    if (text) {
        (void)tph_buf_put(out, tph_json_str(text));
        return 0;
    }
    text = tph_json_getn(tph_json_get(object, "binaryData"), key);
    return text && tph_base64_decode(tph_json_str(text), out) == 0 ? 0 : 2;
}

static int keys(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                void (*each)(void *each_owner, struct tph_str key), void *each_owner)
{
    static const char *const members[] = {"data", "stringData", "binaryData"};
    const struct tph_json *object = find(owner, kind, ns, name);
    if (!object) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(object, members[i]));
        while (tph_json_next(&it)) {
            each(each_owner, it.key);
        }
    }
    return 0;
}

struct tph_pod_objects tph_objects_lookup(struct tph_objects *objects)
{
    return (struct tph_pod_objects){.value = value, .keys = keys, .owner = objects};
}
