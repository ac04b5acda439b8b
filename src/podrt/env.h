/* SPDX-License-Identifier: Apache-2.0 */
/* A container's environment: values, Secrets, ConfigMaps, fields of the pod, $(NAME) references.
 *
 * Also the same expansion for command and args, as Kubernetes does it. Everything is in the arena. */
#pragma once

#include "base/arena.h"
#include "podrt/podrt.h"

struct tph_env_list {
    struct tph_arena *arena;
    const char **list; /* "NAME=value", ended by NULL */
    size_t n, capacity;
};

/* Sets or replaces a variable. */
void tph_env_set(struct tph_env_list *env, struct tph_str name, struct tph_str value);

/* Adds envFrom, then env, in order. A missing Secret, ConfigMap or key that is not optional is an error that names
 * it: kind NOT_FOUND. */
int tph_env_resolve(const struct tph_pod_spec *pod, const struct tph_container *container, struct tph_env_list *env,
                    struct tph_error *err) TPH_MUST_CHECK;

/* Text with every $(NAME) of the environment replaced; $$(NAME) becomes $(NAME); unknown ones stay. */
const char *tph_env_expand(const struct tph_env_list *env, struct tph_str text);
