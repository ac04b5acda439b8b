/* SPDX-License-Identifier: Apache-2.0 */
/* spec.sidecar.volumes: emptyDir, secret and configMap. */
#include "api/container.h"
#include "api/fields.h"
#include "data/position.h"
#include "data/quantity.h"

enum { DEFAULT_MODE = 0644, MODES = 0777 };

static int read_mode(struct tph_reader *reader, const struct tph_json *json, int *ret_mode)
{
    int64_t mode = 0;
    if (tph_json_to_i64(json, &mode) < 0 || mode < 0 || mode > MODES) {
        return tph_reader_fail(reader, "must be a file mode from 0 to 0777 (511)");
    }
    *ret_mode = (int)mode;
    return 0;
}

static int read_item_mode(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_mode(reader, json, &((struct tph_volume_item *)into)->mode);
}

static int read_default_mode(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_mode(reader, json, &((struct tph_volume *)into)->mode);
}

static const struct tph_field item_list[] = {
    {"key", TPH_FIELD_STR, offsetof(struct tph_volume_item, key), 0, NULL, NULL, NULL},
    {"path", TPH_FIELD_STR, offsetof(struct tph_volume_item, path), 0, NULL, NULL, NULL},
    {"mode", TPH_FIELD_CUSTOM, 0, 0, NULL, read_item_mode, NULL},
    {NULL, TPH_FIELD_IGNORED, 0, 0, NULL, NULL, NULL},
};
static const struct tph_fields item_fields = {item_list, sizeof(struct tph_volume_item)};

static bool leads_out(struct tph_str path)
{
    struct tph_str rest = path, part;
    while (tph_str_cut(&rest, '/', &part)) {
        if (part.len == 0 || tph_str_eqz(part, ".") || tph_str_eqz(part, "..")) {
            return true;
        }
    }
    return path.len == 0 || tph_str_find_byte(path, '\0') >= 0;
}

static int read_items(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_volume *volume = into;
    size_t n = tph_json_len(json);
    struct tph_volume_item *items = TPH_ARENA_ARRAY(reader->arena, struct tph_volume_item, n + 1);
    if (!tph_json_is(json, TPH_JSON_ARRAY)) {
        return tph_reader_fail(reader, "must be a list");
    }
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = reader->path.len;
        struct tph_volume_item *item = &items[it.index];
        tph_path_index(&reader->path, it.index);
        item->mode = -1;
        if (tph_fields_read(reader, it.value, &item_fields, item) < 0) {
            return -1;
        }
        if (item->key.len == 0) {
            return tph_reader_fail(reader, "key is missing");
        }
        if (leads_out(item->path)) {
            return tph_reader_fail(reader, "path must be relative, without . and ..");
        }
        tph_reader_leave(reader, mark);
    }
    volume->items = items;
    volume->n_items = n;
    return 0;
}

#define SOURCE_FIELDS                                                                         \
    {"optional", TPH_FIELD_BOOL, offsetof(struct tph_volume, optional), 0, NULL, NULL, NULL}, \
        {"defaultMode", TPH_FIELD_CUSTOM, 0, 0, NULL, read_default_mode, NULL},               \
        {"items", TPH_FIELD_CUSTOM, 0, 0, NULL, read_items, NULL},                            \
    {                                                                                         \
        NULL, TPH_FIELD_IGNORED, 0, 0, NULL, NULL, NULL                                       \
    }

static const struct tph_field secret_list[] = {
    {"secretName", TPH_FIELD_STR, offsetof(struct tph_volume, ref_name), 0, NULL, NULL, NULL},
    SOURCE_FIELDS,
};
static const struct tph_fields secret_fields = {secret_list, sizeof(struct tph_volume)};

static const struct tph_field configmap_list[] = {
    {"name", TPH_FIELD_STR, offsetof(struct tph_volume, ref_name), 0, NULL, NULL, NULL},
    SOURCE_FIELDS,
};
static const struct tph_fields configmap_fields = {configmap_list, sizeof(struct tph_volume)};

/* A volume with two sources, none, or one that names nothing. */
enum { NO_KIND = 99 };

static int set_kind(struct tph_reader *reader, struct tph_volume *volume, enum tph_volume_kind kind)
{
    if ((int)volume->kind != NO_KIND) {
        return tph_reader_fail(reader, "a volume is one of emptyDir, secret and configMap, not two");
    }
    volume->kind = kind;
    return 0;
}

static int read_secret(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_volume *volume = into;
    if (set_kind(reader, volume, TPH_VOLUME_SECRET) < 0 || tph_fields_read(reader, json, &secret_fields, into) < 0) {
        return -1;
    }
    return volume->ref_name.len > 0 ? 0 : tph_reader_fail(reader, "secretName is missing");
}

static int read_configmap(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_volume *volume = into;
    if (set_kind(reader, volume, TPH_VOLUME_CONFIGMAP) < 0 ||
        tph_fields_read(reader, json, &configmap_fields, into) < 0) {
        return -1;
    }
    return volume->ref_name.len > 0 ? 0 : tph_reader_fail(reader, "name is missing");
}

static int read_size_limit(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_volume *volume = into;
    struct tph_str text;
    int64_t milli = 0;
    if (tph_reader_text(reader, json, &text) < 0) {
        return -1;
    }
    if (tph_quantity_parse(text, &volume->size_limit, &milli, NULL) < 0 || volume->size_limit < 0) {
        return tph_reader_fail(reader, "\"%.*s\" is no quantity such as 64Mi", TPH_FMT(text));
    }
    return 0;
}

/* All of ours are in memory. */
static int read_medium(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_str text = tph_json_str(json);
    (void)into;
    return text.len == 0 || tph_str_eqz(text, "Memory")
               ? 0
               : tph_reader_fail(reader, "\"%.*s\" cannot be honoured here: Memory can", TPH_FMT(text));
}

static const struct tph_field empty_dir_list[] = {
    {"sizeLimit", TPH_FIELD_CUSTOM, 0, 0, NULL, read_size_limit, NULL},
    {"medium", TPH_FIELD_CUSTOM, 0, 0, NULL, read_medium, NULL},
    {NULL, TPH_FIELD_IGNORED, 0, 0, NULL, NULL, NULL},
};
static const struct tph_fields empty_dir_fields = {empty_dir_list, sizeof(struct tph_volume)};

static int read_empty_dir(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return set_kind(reader, into, TPH_VOLUME_EMPTY_DIR) < 0 ? -1
                                                            : tph_fields_read(reader, json, &empty_dir_fields, into);
}

#define REFUSED(name, help)                             \
    {                                                   \
        name, TPH_FIELD_REFUSED, 0, 0, NULL, NULL, help \
    }
#define THREE "emptyDir, secret and configMap can"

static const struct tph_field volume_list[] = {
    {"name", TPH_FIELD_STR, offsetof(struct tph_volume, name), 0, NULL, NULL, NULL},
    {"emptyDir", TPH_FIELD_CUSTOM, 0, 0, NULL, read_empty_dir, NULL},
    {"secret", TPH_FIELD_CUSTOM, 0, 0, NULL, read_secret, NULL},
    {"configMap", TPH_FIELD_CUSTOM, 0, 0, NULL, read_configmap, NULL},
    REFUSED("hostPath", "sidecars see no files of this machine"),
    REFUSED("persistentVolumeClaim", THREE),
    REFUSED("projected", THREE),
    REFUSED("downwardAPI", THREE),
    REFUSED("ephemeral", THREE),
    REFUSED("image", THREE),
    REFUSED("nfs", THREE),
    REFUSED("csi", THREE),
    {NULL, TPH_FIELD_IGNORED, 0, 0, NULL, NULL, NULL},
};
static const struct tph_fields volume_fields = {volume_list, sizeof(struct tph_volume)};

int tph_volume_read(struct tph_reader *reader, const struct tph_json *json, struct tph_volume *ret_volume)
{
    struct tph_volume volume = {.kind = (enum tph_volume_kind)NO_KIND, .mode = DEFAULT_MODE};
    if (tph_fields_read(reader, json, &volume_fields, &volume) < 0) {
        return -1;
    }
    if (volume.name.len == 0) {
        return tph_reader_fail(reader, "name is missing");
    }
    if ((int)volume.kind == NO_KIND) {
        return tph_reader_fail(reader, "has no source: emptyDir, secret or configMap");
    }
    *ret_volume = volume;
    return 0;
}
