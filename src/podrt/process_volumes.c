/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a container: its token, and volumeMounts of emptyDir, Secret and ConfigMap. */
#include <string.h>

#include "base/alloc.h"
#include "podrt/process_internal.h"

#define TOKEN_DIR "/run/argo" /* /var/run is a link to /run inside */

enum { TOKEN_MODE = 0400 };

/* A list of files that grows. */
struct files {
    const struct preparing *p;
    struct tph_sandbox_file *list; /* in the arena */
    size_t n, capacity;
    size_t bytes;
    const struct tph_mount *mount;
    const struct tph_volume *volume;
    const char *path;  /* of the mount */
    const char *field; /* "spec...volumeMounts[0]" */
    int result;
};

static void add_file(struct files *f, const char *path, struct tph_str content, mode_t mode)
{
    if (f->n == f->capacity) {
        size_t capacity = f->capacity ? f->capacity * 2 : 8;
        struct tph_sandbox_file *grown = TPH_ARENA_ARRAY(f->p->out->arena, struct tph_sandbox_file, capacity);
        if (f->n > 0) {
            memcpy(grown, f->list, f->n * sizeof(*grown));
        }
        f->list = grown;
        f->capacity = capacity;
    }
    f->list[f->n++] = (struct tph_sandbox_file){.path = path, .content = content, .mode = mode};
}

static enum tph_env_source source_of(const struct tph_volume *volume)
{
    return volume->kind == TPH_VOLUME_SECRET ? TPH_ENV_SECRET : TPH_ENV_CONFIGMAP;
}

static const char *kind_name(const struct tph_volume *volume)
{
    return volume->kind == TPH_VOLUME_SECRET ? "Secret" : "ConfigMap";
}

static int read_value(struct files *f, struct tph_str key, struct tph_str *ret_value)
{
    const struct tph_pod_objects *objects = &f->p->pod->objects;
    struct process_start *out = f->p->out;
    out->secrets = tph_realloc(out->secrets, (out->n_secrets + 1) * sizeof(struct tph_buf));
    struct tph_buf *value = &out->secrets[out->n_secrets++];
    *value = TPH_BUF_INIT(TPH_LIMIT_OBJECT_FILES);
    int found = objects->value(objects->owner, source_of(f->volume), f->p->pod->ns, f->volume->ref_name, key, value);
    f->bytes += value->len;
    if (tph_buf_failed(value) || f->bytes > TPH_LIMIT_OBJECT_FILES) {
        return tph_error_set(f->p->err, TPH_ERROR_LIMIT,
                             "%s: the files of Secrets and ConfigMaps are larger than %zu bytes", f->field,
                             TPH_LIMIT_OBJECT_FILES);
    }
    *ret_value = tph_buf_str(value);
    return found;
}

/* Keys are file names; Kubernetes allows no others, a manifest of ours might. */
static bool is_file_name(struct tph_str key)
{
    return key.len > 0 && tph_str_find_byte(key, '/') < 0 && tph_str_find_byte(key, '\0') < 0 &&
           !tph_str_eqz(key, ".") && !tph_str_eqz(key, "..");
}

static void add_key(void *owner, struct tph_str key)
{
    struct files *f = owner;
    if (f->result < 0 || !is_file_name(key)) {
        return;
    }
    struct tph_str value;
    f->result = read_value(f, key, &value);
    if (f->result == 0) {
        add_file(f, tph_arena_format(f->p->out->arena, "%s/%.*s", f->path, TPH_FMT(key)), value,
                 (mode_t)f->volume->mode);
    }
}

static int no_object(const struct files *f)
{
    if (f->volume->optional) {
        return 0;
    }
    (void)tph_error_set(f->p->err, TPH_ERROR_NOT_FOUND, "%s: volume %.*s: there is no %s \"%.*s\" in namespace %.*s",
                        f->field, TPH_FMT(f->volume->name), kind_name(f->volume), TPH_FMT(f->volume->ref_name),
                        TPH_FMT(f->p->pod->ns));
    return tph_error_hint(f->p->err, "give its manifest too, or say optional: true");
}

static int no_key(const struct files *f, struct tph_str key, const char *member)
{
    if (f->volume->optional) {
        return 0;
    }
    return tph_error_set(f->p->err, TPH_ERROR_NOT_FOUND, "%s%s: %s \"%.*s\" in namespace %.*s has no key \"%.*s\"",
                         f->field, member, kind_name(f->volume), TPH_FMT(f->volume->ref_name), TPH_FMT(f->p->pod->ns),
                         TPH_FMT(key));
}

/* Those keys that the volume names, as the files that it names. */
static int add_items(struct files *f)
{
    for (size_t i = 0; i < f->volume->n_items; i++) {
        const struct tph_volume_item *item = &f->volume->items[i];
        struct tph_str value;
        int found = f->p->pod->objects.value ? read_value(f, item->key, &value) : 1;
        if (found == 1) {
            return no_object(f);
        }
        if (found < 0 || (found == 2 && no_key(f, item->key, "") < 0)) {
            return -1;
        }
        if (found == 0) {
            add_file(f, tph_arena_format(f->p->out->arena, "%s/%.*s", f->path, TPH_FMT(item->path)), value,
                     (mode_t)(item->mode >= 0 ? item->mode : f->volume->mode));
        }
    }
    return 0;
}

/* The whole object as a directory of its keys. */
static int add_object(struct files *f)
{
    const struct tph_pod_objects *objects = &f->p->pod->objects;
    if (f->volume->n_items > 0) {
        return add_items(f);
    }
    f->result = 0;
    int found = objects->keys ? objects->keys(objects->owner, source_of(f->volume), f->p->pod->ns, f->volume->ref_name,
                                              add_key, f)
                              : 1;
    return found == 1 ? no_object(f) : f->result;
}

/* subPath: one file of the volume at the mount's path. */
static int add_one_key(struct files *f)
{
    struct tph_str value;
    struct tph_str key = f->mount->sub_path;
    mode_t mode = (mode_t)f->volume->mode;
    for (size_t i = 0; i < f->volume->n_items; i++) {
        const struct tph_volume_item *item = &f->volume->items[i];
        if (tph_str_eq(item->path, f->mount->sub_path)) {
            key = item->key;
            mode = item->mode >= 0 ? (mode_t)item->mode : mode;
        }
    }
    int found = f->p->pod->objects.value ? read_value(f, key, &value) : 1;
    if (found < 0) {
        return -1;
    }
    if (found == 1) {
        return no_object(f);
    }
    if (found == 2) {
        return no_key(f, key, ".subPath");
    }
    add_file(f, f->path, value, mode & ~(mode_t)0222); /* it is no mount of its own that could be read-only */
    return 0;
}

/* Mounting over these would hide what the sandbox or the system needs. Paths as they are mounted: /run, no slash at the
 * end. */
static bool is_forbidden(struct tph_str path)
{
    static const char *const alone[] = {"/run", "/var", "/var/run"};
    static const char *const with_all_below[] = {"/proc",   "/dev",    "/sys",       "/etc",   "/usr",
                                                 "/bin",    "/sbin",   "/lib",       "/lib32", "/lib64",
                                                 "/libx32", TOKEN_DIR, "/run/tiphys"};
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        if (tph_str_eqz(path, alone[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(with_all_below) / sizeof(with_all_below[0]); i++) {
        struct tph_str place = tph_str(with_all_below[i]);
        if (tph_str_has_prefix(path, place) && (path.len == place.len || path.p[place.len] == '/')) {
            return true;
        }
    }
    return false;
}

/* Absolute, and no part of it is empty, "." or "..": the sandbox makes it as it stands. */
static bool is_plain_path(struct tph_str path)
{
    struct tph_str rest = tph_str_slice(path, 1, path.len), part;
    if (path.len < 2 || path.p[0] != '/' || tph_str_find_byte(path, '\0') >= 0) {
        return false;
    }
    while (tph_str_cut(&rest, '/', &part)) {
        bool last_slash = part.len == 0 && !rest.p;
        if (!last_slash && (part.len == 0 || tph_str_eqz(part, ".") || tph_str_eqz(part, ".."))) {
            return false;
        }
    }
    return true;
}

/* /var/run is /run, and no slash stands at the end. */
static struct tph_str as_mounted(struct tph_str path)
{
    while (path.len > 1 && path.p[path.len - 1] == '/') {
        path.len--;
    }
    bool in_run = tph_str_eqz(path, "/var/run") || tph_str_has_prefix(path, TPH_STR("/var/run/"));
    return in_run ? tph_str_slice(path, 4, path.len) : path;
}

static const struct tph_volume *find_volume(const struct tph_pod_spec *pod, struct tph_str name)
{
    for (size_t i = 0; i < pod->n_volumes; i++) {
        if (tph_str_eq(pod->volumes[i].name, name)) {
            return &pod->volumes[i];
        }
    }
    return NULL;
}

/* A path that the volume names, or what may be a key. */
static bool is_file_of(const struct files *f, struct tph_str path)
{
    for (size_t i = 0; i < f->volume->n_items; i++) {
        if (tph_str_eq(f->volume->items[i].path, path)) {
            return true;
        }
    }
    return is_file_name(path);
}

/* Checks one mount and finds its volume and its path. */
static int read_mount(struct files *f)
{
    struct tph_error *err = f->p->err;
    struct tph_str path = f->mount->path;
    f->volume = find_volume(f->p->pod, f->mount->volume);
    if (!f->volume) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s.name: there is no volume \"%.*s\"", f->field,
                            TPH_FMT(f->mount->volume));
        return tph_error_hint(err, "declare it in spec.sidecar.volumes");
    }
    bool plain_path = is_plain_path(path);
    struct tph_str plain = plain_path ? as_mounted(path) : path;
    if (!plain_path || is_forbidden(plain)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s.mountPath: \"%.*s\" cannot be mounted on here", f->field,
                             TPH_FMT(path));
    }
    if (f->mount->sub_path.len > 0 && (f->volume->kind == TPH_VOLUME_EMPTY_DIR || !is_file_of(f, f->mount->sub_path))) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "%s.subPath: only a key of a Secret or ConfigMap can be honoured here", f->field);
    }
    f->path = tph_arena_strdup(f->p->out->arena, plain);
    return 0;
}

/* Another mount, or a single file, is at its path. */
static bool is_taken(const struct files *f, const struct tph_sandbox_tmpfs *tmpfs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tmpfs[i].path, f->path) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->list[i].path, f->path) == 0) {
            return true;
        }
    }
    return false;
}

static void insert(struct tph_sandbox_tmpfs *list, size_t n, struct tph_sandbox_tmpfs one)
{
    size_t at = n;
    while (at > 0 && strlen(list[at - 1].path) > strlen(one.path)) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = one;
}

int tph_process_prepare_volumes(const struct preparing *p)
{
    const struct tph_container *spec = p->spec;
    struct tph_sandbox_spec *sandbox = &p->out->sandbox;
    struct tph_sandbox_tmpfs *tmpfs = TPH_ARENA_ARRAY(p->out->arena, struct tph_sandbox_tmpfs, spec->n_mounts + 1);
    struct files f = {.p = p};
    size_t n = 0;
    tmpfs[n++] =
        (struct tph_sandbox_tmpfs){.path = TOKEN_DIR, .size = TPH_LIMIT_TOKEN_DIR, .read_only = true, .no_exec = true};
    add_file(&f, TOKEN_DIR "/token", tph_str(p->c->token), TOKEN_MODE);
    for (size_t i = 0; i < spec->n_mounts; i++) {
        TPH_CLEANUP(tph_freep) char *field = tph_format(TPH_CONTAINER_PATH ".volumeMounts[%zu]", i);
        f.field = field;
        f.mount = &spec->mounts[i];
        if (read_mount(&f) < 0 || !f.volume) {
            return -1;
        }
        if (is_taken(&f, tmpfs, n)) {
            return tph_error_set(p->err, TPH_ERROR_INVALID, "%s.mountPath: \"%s\" is mounted on twice", field, f.path);
        }
        bool empty = f.volume->kind == TPH_VOLUME_EMPTY_DIR;
        bool one_file = f.mount->sub_path.len > 0;
        int failed = empty ? 0 : one_file ? add_one_key(&f) : add_object(&f);
        if (failed < 0) {
            return -1;
        }
        if (!one_file) {
            /* Shorter paths first: what is mounted on a directory of another volume is mounted after that. */
            uint64_t size = empty && f.volume->size_limit > 0 ? (uint64_t)f.volume->size_limit : TPH_LIMIT_EMPTY_DIR;
            insert(tmpfs, n++,
                   (struct tph_sandbox_tmpfs){.path = f.path,
                                              .size = empty ? size : TPH_LIMIT_OBJECT_FILES * 2,
                                              .read_only = !empty || f.mount->read_only});
        }
    }
    sandbox->tmpfs = tmpfs;
    sandbox->n_tmpfs = n;
    sandbox->files = f.list;
    sandbox->n_files = f.n;
    return 0;
}
