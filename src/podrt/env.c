/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/env.h"

#include <string.h>

#include "base/limits.h"

static struct tph_str value_of(const struct tph_env_list *env, struct tph_str name)
{
    for (size_t i = 0; i < env->n; i++) {
        struct tph_str pair = tph_str(env->list[i]);
        if (pair.len > name.len && pair.p[name.len] == '=' && tph_str_has_prefix(pair, name)) {
            return tph_str_slice(pair, name.len + 1, pair.len);
        }
    }
    return TPH_STR_NONE;
}

void tph_env_set(struct tph_env_list *env, struct tph_str name, struct tph_str value)
{
    const char *pair = tph_arena_format(env->arena, "%.*s=%.*s", TPH_FMT(name), TPH_FMT(value));
    struct tph_str old = value_of(env, name);
    for (size_t i = 0; old.p && i < env->n; i++) {
        if (env->list[i] + name.len + 1 == old.p) {
            env->list[i] = pair;
            return;
        }
    }
    if (env->n + 2 > env->capacity) {
        size_t capacity = env->capacity ? env->capacity * 2 : 16;
        const char **grown = TPH_ARENA_ARRAY(env->arena, const char *, capacity);
        if (env->n > 0) {
            memcpy(grown, env->list, env->n * sizeof(*grown));
        }
        env->list = grown;
        env->capacity = capacity;
    }
    env->list[env->n++] = pair;
    env->list[env->n] = NULL;
}

const char *tph_env_expand(const struct tph_env_list *env, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    while (text.len > 0) {
        ptrdiff_t dollar = tph_str_find_byte(text, '$');
        if (dollar < 0 || (size_t)dollar + 1 >= text.len) {
            (void)tph_buf_put(&out, text);
            break;
        }
        (void)tph_buf_put(&out, tph_str_slice(text, 0, (size_t)dollar));
        text = tph_str_slice(text, (size_t)dollar, text.len);
        ptrdiff_t close = text.p[1] == '(' ? tph_str_find_byte(text, ')') : -1;
        struct tph_str value = close > 0 ? value_of(env, tph_str_slice(text, 2, (size_t)close)) : TPH_STR_NONE;
        if (text.p[1] == '$') {
            (void)tph_buf_putc(&out, '$');
            text = tph_str_slice(text, 2, text.len);
        } else if (value.p) {
            (void)tph_buf_put(&out, value);
            text = tph_str_slice(text, (size_t)close + 1, text.len);
        } else {
            (void)tph_buf_putc(&out, '$');
            text = tph_str_slice(text, 1, text.len);
        }
    }
    return tph_arena_strdup(env->arena, tph_buf_str(&out));
}

static const char *kind_name(enum tph_env_source kind)
{
    return kind == TPH_ENV_SECRET ? "Secret" : "ConfigMap";
}

static int missing(const struct tph_pod_spec *pod, const struct tph_env *e, int why, struct tph_error *err)
{
    const char *kind = kind_name(e->source);
    if (why == 1) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "environment variable %.*s: there is no %s \"%.*s\" in namespace \"%.*s\"",
                            TPH_FMT(e->name), kind, TPH_FMT(e->ref_name), TPH_FMT(pod->ns));
    } else {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "environment variable %.*s: %s \"%.*s\" has no key \"%.*s\"",
                            TPH_FMT(e->name), kind, TPH_FMT(e->ref_name), TPH_FMT(e->ref_key));
    }
    return tph_error_hint(err, "give the %s's manifest on the command line too", kind);
}

static int set_one(const struct tph_pod_spec *pod, const struct tph_env *e, struct tph_env_list *env, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    int why = 0;
    switch (e->source) {
    case TPH_ENV_VALUE:
        tph_env_set(env, e->name, tph_str(tph_env_expand(env, e->value)));
        return 0;
    case TPH_ENV_FIELD:
        tph_env_set(env, e->name, tph_str_eqz(e->ref_key, "metadata.name") ? pod->name
                                  : tph_str_eqz(e->ref_key, "metadata.uid") ? pod->uid : pod->ns);
        return 0;
    case TPH_ENV_SECRET:
    case TPH_ENV_CONFIGMAP:
        why = pod->objects.value ? pod->objects.value(pod->objects.owner, e->source, pod->ns, e->ref_name, e->ref_key, &value) : 1;
        if (why == 0) {
            tph_env_set(env, e->name, tph_buf_str(&value));
        }
        explicit_bzero(value.bytes, value.len);
        return why == 0 || e->optional ? 0 : missing(pod, e, why, err);
    }
    return 0;
}

/* Each key of an envFrom object becomes a variable. */
struct from {
    const struct tph_pod_spec *pod;
    const struct tph_env_from *source;
    struct tph_env_list *env;
};

static void set_key(void *owner, struct tph_str key)
{
    const struct from *f = owner;
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    const struct tph_pod_objects *objects = &f->pod->objects;
    if (objects->value(objects->owner, f->source->source, f->pod->ns, f->source->ref_name, key, &value) == 0) {
        const char *name = tph_arena_format(f->env->arena, "%.*s%.*s", TPH_FMT(f->source->prefix), TPH_FMT(key));
        tph_env_set(f->env, tph_str(name), tph_buf_str(&value));
    }
    explicit_bzero(value.bytes, value.len);
}

int tph_env_resolve(const struct tph_pod_spec *pod, const struct tph_container *container, struct tph_env_list *env,
                    struct tph_error *err)
{
    for (size_t i = 0; i < container->n_env_from; i++) {
        const struct tph_env_from *f = &container->env_from[i];
        struct from from = {.pod = pod, .source = f, .env = env};
        bool there = pod->objects.keys &&
                     pod->objects.keys(pod->objects.owner, f->source, pod->ns, f->ref_name, set_key, &from) == 0;
        if (!there && !f->optional) {
            (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "envFrom[%zu]: there is no %s \"%.*s\" in namespace \"%.*s\"", i,
                                kind_name(f->source), TPH_FMT(f->ref_name), TPH_FMT(pod->ns));
            return tph_error_hint(err, "give the %s's manifest on the command line too", kind_name(f->source));
        }
    }
    for (size_t i = 0; i < container->n_env; i++) {
        if (set_one(pod, &container->env[i], env, err) < 0) {
            return -1;
        }
    }
    return 0;
}
