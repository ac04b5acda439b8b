/* SPDX-License-Identifier: Apache-2.0 */
/* Reading images.yaml:
 *
 *   images:
 *     - image: example.com/tools:2.?
 *       root: /srv/images/tools          an unpacked root directory
 *     - image: mypython:3.*
 *       programs: {python: /opt/python/bin/python3}
 *       paths: [/opt/python]             seen read-only, besides the system's directories
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "podrt/image_internal.h"

struct reading {
    struct tph_images *images;
    struct tph_positions *positions;
    const char *name;
    struct tph_error *err;
};

static int bad(const struct reading *r, const char *path, const char *what)
{
    struct tph_position at = tph_positions_find(r->positions, tph_str(path));
    return tph_error_set(r->err, TPH_ERROR_INVALID, "%s:%zu:%zu: %s: %s", r->name, at.line, at.column, path, what);
}

static int read_programs(const struct reading *r, const struct tph_json *json, const char *path,
                         struct tph_image *entry)
{
    struct tph_image_program *programs =
        TPH_ARENA_ARRAY(r->images->arena, struct tph_image_program, tph_json_len(json) + 1);
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_freep) char *here = tph_format("%s.%.*s", path, TPH_FMT(it.key));
        struct tph_str file = tph_json_str(it.value);
        if (!tph_json_is(it.value, TPH_JSON_STRING) || file.len == 0) {
            return bad(r, here, "must be the name of a program of this machine, or its absolute path");
        }
        programs[it.index] = (struct tph_image_program){.name = tph_arena_strdup(r->images->arena, it.key),
                                                        .file = tph_arena_strdup(r->images->arena, file)};
    }
    entry->programs = programs;
    entry->n_programs = tph_json_len(json);
    return 0;
}

static int read_paths(const struct reading *r, const struct tph_json *json, const char *path, struct tph_image *entry)
{
    const char **paths = TPH_ARENA_ARRAY(r->images->arena, const char *, tph_json_len(json) + 1);
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        struct tph_str text = tph_json_str(it.value);
        if (text.len == 0 || text.p[0] != '/') {
            return bad(r, path, "must be a list of absolute paths");
        }
        paths[it.index] = tph_arena_strdup(r->images->arena, text);
    }
    entry->paths = paths;
    entry->n_paths = tph_json_len(json);
    return 0;
}

static int read_root(const struct reading *r, const struct tph_json *json, const char *path, struct tph_image *entry)
{
    struct tph_str root = tph_json_str(json);
    struct stat st;
    if (root.len == 0 || root.p[0] != '/') {
        return bad(r, path, "must be an absolute path");
    }
    entry->root = tph_arena_strdup(r->images->arena, root);
    if (stat(entry->root, &st) < 0 || !S_ISDIR(st.st_mode)) {
        return bad(r, path, "there is no such directory");
    }
    return 0;
}

static int read_entry(const struct reading *r, const struct tph_json *json, const char *path, struct tph_image *ret)
{
    static const char *const known[] = {"image", "root", "programs", "paths"};
    struct tph_image entry = {.source = r->name};
    struct tph_json_iter it = tph_json_iter(json);
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return bad(r, path, "must be a map with image, and root or programs");
    }
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_freep) char *here = tph_format("%s.%.*s", path, TPH_FMT(it.key));
        if (tph_str_eqz(it.key, "image")) {
            entry.pattern = tph_arena_strdup(r->images->arena, tph_json_str(it.value));
        } else if (tph_str_eqz(it.key, "root")) {
            if (read_root(r, it.value, here, &entry) < 0) {
                return -1;
            }
        } else if (tph_str_eqz(it.key, "programs") && tph_json_is(it.value, TPH_JSON_OBJECT)) {
            if (read_programs(r, it.value, here, &entry) < 0) {
                return -1;
            }
        } else if (tph_str_eqz(it.key, "paths") && tph_json_is(it.value, TPH_JSON_ARRAY)) {
            if (read_paths(r, it.value, here, &entry) < 0) {
                return -1;
            }
        } else {
            (void)bad(r, here, "is not known here; an entry has image, root, programs and paths");
            const char *near = tph_str_nearest(it.key, known, sizeof(known) / sizeof(known[0]));
            return near ? tph_error_hint(r->err, "did you mean %s?", near) : -1;
        }
    }
    if (!entry.pattern || *entry.pattern == '\0') {
        return bad(r, path, "image is missing: the pattern to match, for example \"python:3.*\"");
    }
    *ret = entry;
    return 0;
}

static int read_document(const struct reading *r, const struct tph_json *root)
{
    struct tph_images *images = r->images;
    if (tph_json_is_null(root)) {
        return 0; /* nothing but comments */
    }
    struct tph_json_iter members = tph_json_iter(root);
    while (tph_json_next(&members)) {
        if (!tph_str_eqz(members.key, "images")) {
            TPH_CLEANUP(tph_freep) char *key = tph_str_dup(members.key);
            return bad(r, key, "is not known here; the file has one list, images");
        }
    }
    const struct tph_json *list = tph_json_get(root, "images");
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        return bad(r, "images", "must be a list");
    }
    if (images->n + tph_json_len(list) > TPH_LIMIT_IMAGES) {
        return tph_error_set(r->err, TPH_ERROR_LIMIT, "%s: more than %d images", r->name, TPH_LIMIT_IMAGES);
    }
    images->list = tph_realloc(images->list, (images->n + tph_json_len(list) + 1) * sizeof(struct tph_image));
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("images[%zu]", it.index);
        if (read_entry(r, it.value, path, &images->list[images->n]) < 0) {
            return -1;
        }
        images->n++;
    }
    return 0;
}

int tph_images_add(struct tph_images *images, struct tph_str yaml, const char *name, struct tph_error *err)
{
    struct reading r = {.images = images, .name = tph_arena_strdup(images->arena, tph_str(name)), .err = err};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_yaml_places places = {.positions = NULL};
    if (tph_yaml_parse(yaml, TPH_YAML_STRICT | TPH_YAML_POSITIONS, &doc, &places, err) < 0) {
        return places.error.line > 0 ? tph_error_wrap(err, "%s:%zu:%zu", name, places.error.line, places.error.column)
                                     : tph_error_wrap(err, "%s", name);
    }
    r.positions = places.positions;
    int failed = read_document(&r, tph_json_root(doc));
    tph_positions_free(places.positions);
    return failed;
}

static int add_file(struct tph_images *images, const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (tph_fd_read_file(path, &text, err) < 0) {
        return -1;
    }
    return tph_images_add(images, tph_buf_str(&text), path, err);
}

/* Where nobody said otherwise: the user's own file, then the machine's. */
static int add_default_files(struct tph_images *images, struct tph_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    TPH_CLEANUP(tph_freep)
    char *own = config && *config == '/' ? tph_format("%s/tiphys/images.yaml", config)
                : home && *home == '/'   ? tph_format("%s/.config/tiphys/images.yaml", home)
                                         : NULL;
    const char *paths[] = {own, "/etc/tiphys/images.yaml"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (paths[i] && access(paths[i], F_OK) == 0 && add_file(images, paths[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int tph_images_new(const char *const *files, size_t n_files, struct tph_images **ret_images, struct tph_error *err)
{
    TPH_CLEANUP(tph_images_freep) struct tph_images *images = TPH_NEW(struct tph_images);
    images->arena = tph_arena_new();
    if (n_files == 0 && add_default_files(images, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n_files; i++) {
        if (add_file(images, files[i], err) < 0) {
            return -1;
        }
    }
    *ret_images = TPH_TAKE(images);
    return 0;
}

void tph_images_free(struct tph_images *images)
{
    if (images) {
        free(images->list);
        tph_arena_free(images->arena);
        free(images);
    }
}
