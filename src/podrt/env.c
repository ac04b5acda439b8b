/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/env.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

/* Keys of an object that an error names at most. */
enum { KEYS_SHOWN = 10 };

static void wipe(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void tph_environment_release(struct tph_environment *env)
{
    size_t at = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&env->by_name, &at, &key, &value)) {
        wipe(value);
    }
    for (size_t i = 0; i < env->n_replaced; i++) {
        wipe(env->replaced[i]);
    }
    free(env->replaced);
    tph_map_release(&env->by_name);
    *env = TPH_ENVIRONMENT_INIT;
}

int tph_environment_set(struct tph_environment *env, struct tph_str name, struct tph_str value, const char *path,
                        struct tph_error *err)
{
    if (name.len == 0 || tph_str_find_byte(name, '=') >= 0 || tph_str_find_byte(name, '\0') >= 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: \"%.*s\" is no name of an environment variable", path,
                             TPH_FMT(name));
    }
    if (tph_str_find_byte(value, '\0') >= 0) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "%s: the value of %.*s has a NUL byte; no environment variable can hold it\n"
                             "  mount it as a file: volumes and volumeMounts",
                             path, TPH_FMT(name));
    }
    size_t len = name.len + 1 + value.len;
    if (len > TPH_LIMIT_ARGUMENT) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "%s: %.*s is longer than %zu bytes", path, TPH_FMT(name),
                             TPH_LIMIT_ARGUMENT);
    }
    env->total += len + 1;
    if (env->total > TPH_LIMIT_ARGUMENTS) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "%s: the environment is larger than %zu bytes", path,
                             TPH_LIMIT_ARGUMENTS);
    }
    char *text = tph_malloc(len + 1);
    memcpy(text, name.p, name.len);
    text[name.len] = '=';
    if (value.len > 0) {
        memcpy(text + name.len + 1, value.p, value.len);
    }
    text[len] = '\0';
    char *old = tph_map_set(&env->by_name, (struct tph_str){.p = text, .len = name.len}, text);
    if (old) { /* the map still holds its name as the key */
        env->replaced = tph_realloc(env->replaced, (env->n_replaced + 1) * sizeof(char *));
        env->replaced[env->n_replaced++] = old;
    }
    return 0;
}

struct tph_str tph_environment_get(const struct tph_environment *env, struct tph_str name)
{
    const char *text = tph_map_get(&env->by_name, name);
    return text ? tph_str(text + name.len + 1) : TPH_STR_NONE;
}

void tph_environment_expand(const struct tph_environment *env, struct tph_str text, struct tph_buf *out)
{
    size_t at = 0;
    while (at < text.len) {
        struct tph_str rest = tph_str_slice(text, at, text.len);
        ptrdiff_t dollar = tph_str_find_byte(rest, '$');
        size_t plain = dollar < 0 ? rest.len : (size_t)dollar;
        (void)tph_buf_put(out, tph_str_slice(rest, 0, plain));
        at += plain;
        rest = tph_str_slice(text, at, text.len);
        if (rest.len < 2) {
            (void)tph_buf_put(out, rest);
            return;
        }
        if (rest.p[1] == '$') {
            (void)tph_buf_putc(out, '$');
            at += 2;
            continue;
        }
        ptrdiff_t end = rest.p[1] == '(' ? tph_str_find_byte(rest, ')') : -1;
        if (end < 0) { /* a dollar that begins nothing */
            (void)tph_buf_put(out, tph_str_slice(rest, 0, 2));
            at += 2;
            continue;
        }
        struct tph_str value = tph_environment_get(env, tph_str_slice(rest, 2, (size_t)end));
        (void)tph_buf_put(out, value.p ? value : tph_str_slice(rest, 0, (size_t)end + 1));
        at += (size_t)end + 1;
    }
}

char **tph_environment_list(const struct tph_environment *env)
{
    char **list = tph_calloc(tph_map_len(&env->by_name) + 1, sizeof(char *));
    size_t at = 0, n = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&env->by_name, &at, &key, &value)) {
        list[n++] = value;
    }
    return list;
}

static const char *kind_name(enum tph_env_source kind)
{
    return kind == TPH_ENV_SECRET ? "Secret" : "ConfigMap";
}

static int no_object(const char *path, const char *ref, enum tph_env_source kind, const struct tph_pod_spec *pod,
                     struct tph_str name, struct tph_error *err)
{
    (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s.%s: there is no %s \"%.*s\" in namespace %.*s", path, ref,
                        kind_name(kind), TPH_FMT(name), TPH_FMT(pod->ns));
    return tph_error_hint(err, "give its manifest too, or say optional: true");
}

struct key_list {
    struct tph_buf text;
    size_t n;
};

static void note_key(void *owner, struct tph_str key)
{
    struct key_list *list = owner;
    if (list->n++ < KEYS_SHOWN) {
        (void)tph_buf_printf(&list->text, "%s%.*s", list->n > 1 ? ", " : "", TPH_FMT(key));
    }
}

static int no_key(const char *path, const char *ref, const struct tph_env *var, const struct tph_pod_spec *pod,
                  struct tph_error *err)
{
    struct key_list keys = {.text = TPH_BUF_INIT(1024)};
    (void)pod->objects.keys(pod->objects.owner, var->source, pod->ns, var->ref_name, note_key, &keys);
    (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s.%s: %s \"%.*s\" in namespace %.*s has no key \"%.*s\"", path, ref,
                        kind_name(var->source), TPH_FMT(var->ref_name), TPH_FMT(pod->ns), TPH_FMT(var->ref_key));
    if (keys.n > 0) {
        (void)tph_error_hint(err, "its keys are %s%s", tph_buf_cstr(&keys.text), keys.n > KEYS_SHOWN ? ", ..." : "");
    } else {
        (void)tph_error_hint(err, "it has no keys");
    }
    tph_buf_release(&keys.text);
    return -1;
}

static int add_reference(struct tph_environment *env, const struct tph_env *var, const char *path,
                         const struct tph_pod_spec *pod, struct tph_error *err)
{
    const char *ref = var->source == TPH_ENV_SECRET ? "valueFrom.secretKeyRef" : "valueFrom.configMapKeyRef";
    struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_ARGUMENT);
    int found = pod->objects.value
                    ? pod->objects.value(pod->objects.owner, var->source, pod->ns, var->ref_name, var->ref_key, &value)
                    : 1;
    int result = 0;
    if (found == 0 && tph_buf_failed(&value)) {
        result = tph_error_set(err, TPH_ERROR_LIMIT, "%s.%s: the value is longer than %zu bytes", path, ref,
                               TPH_LIMIT_ARGUMENT);
    } else if (found == 0) {
        result = tph_environment_set(env, var->name, tph_buf_str(&value), path, err);
    } else if (!var->optional) {
        result =
            found == 1 ? no_object(path, ref, var->source, pod, var->ref_name, err) : no_key(path, ref, var, pod, err);
    }
    if (value.bytes) {
        explicit_bzero(value.bytes, value.len);
    }
    tph_buf_release(&value);
    return result;
}

static int add_value(struct tph_environment *env, const struct tph_env *var, const char *path, struct tph_error *err)
{
    struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_ARGUMENT);
    tph_environment_expand(env, var->value, &value);
    int result = tph_buf_failed(&value)
                     ? tph_error_set(err, TPH_ERROR_LIMIT, "%s.value: with its variables it is longer than %zu bytes",
                                     path, TPH_LIMIT_ARGUMENT)
                     : tph_environment_set(env, var->name, tph_buf_str(&value), path, err);
    if (value.bytes) { /* it may hold a Secret by $(NAME) */
        explicit_bzero(value.bytes, value.len);
    }
    tph_buf_release(&value);
    return result;
}

static int add_variable(struct tph_environment *env, const struct tph_env *var, const char *path,
                        const struct tph_pod_spec *pod, struct tph_error *err)
{
    switch (var->source) {
    case TPH_ENV_VALUE:
        return add_value(env, var, path, err);
    case TPH_ENV_SECRET:
    case TPH_ENV_CONFIGMAP:
        return add_reference(env, var, path, pod, err);
    case TPH_ENV_FIELD:
        break;
    }
    struct tph_str value = tph_str_eqz(var->ref_key, "metadata.name")        ? pod->name
                           : tph_str_eqz(var->ref_key, "metadata.namespace") ? pod->ns
                                                                             : pod->uid;
    return tph_environment_set(env, var->name, value, path, err);
}

/* The keys of one envFrom object, as they come. */
struct from {
    struct tph_environment *env;
    const struct tph_env_from *from;
    const struct tph_pod_spec *pod;
    const char *path;
    struct tph_error *err;
    int result;
};

static void add_key(void *owner, struct tph_str key)
{
    struct from *f = owner;
    if (f->result < 0 || key.len == 0 || tph_str_find_byte(key, '=') >= 0) {
        return; /* Kubernetes skips keys that are no names */
    }
    TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s%.*s", TPH_FMT(f->from->prefix), TPH_FMT(key));
    struct tph_env var = {
        .name = tph_str(name), .source = f->from->source, .ref_name = f->from->ref_name, .ref_key = key};
    f->result = add_reference(f->env, &var, f->path, f->pod, f->err);
}

static int add_from(struct tph_environment *env, const struct tph_env_from *from, const char *path,
                    const struct tph_pod_spec *pod, struct tph_error *err)
{
    struct from f = {.env = env, .from = from, .pod = pod, .path = path, .err = err};
    int found = pod->objects.keys
                    ? pod->objects.keys(pod->objects.owner, from->source, pod->ns, from->ref_name, add_key, &f)
                    : 1;
    if (found == 1 && !from->optional) {
        return no_object(path, from->source == TPH_ENV_SECRET ? "secretRef" : "configMapRef", from->source, pod,
                         from->ref_name, err);
    }
    return f.result;
}

int tph_environment_add(struct tph_environment *env, const struct tph_container *container, const char *path,
                        const struct tph_pod_spec *pod, struct tph_error *err)
{
    for (size_t i = 0; i < container->n_env_from; i++) {
        TPH_CLEANUP(tph_freep) char *here = tph_format("%s.envFrom[%zu]", path, i);
        if (add_from(env, &container->env_from[i], here, pod, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < container->n_env; i++) {
        TPH_CLEANUP(tph_freep) char *here = tph_format("%s.env[%zu]", path, i);
        if (add_variable(env, &container->env[i], here, pod, err) < 0) {
            return -1;
        }
    }
    return 0;
}
