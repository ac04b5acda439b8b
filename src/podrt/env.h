/* SPDX-License-Identifier: Apache-2.0 */
/* A container's environment and arguments, resolved as Kubernetes does it.
 *
 * Order: what the runtime gives, envFrom in order, env in order; a later variable of the same name wins. In env's
 * values and in command and args $(NAME) stands for a variable that is there by then; $$ is one $; what is not known
 * stays as it is written. Values may be Secrets: they are wiped when they are released, and no error shows one. Sizes
 * are limited by TPH_LIMIT_ARGUMENT and TPH_LIMIT_ARGUMENTS.
 */
#pragma once

#include <stddef.h>

#include "api/container.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "podrt/podrt.h"

struct tph_environment {
    struct tph_map by_name; /* name -> char *: "NAME=value", owned */
    char **replaced;        /* owned: variables that a later one of the same name replaced */
    size_t n_replaced;
    size_t total; /* bytes, with the NULs */
};

#define TPH_ENVIRONMENT_INIT ((struct tph_environment){.by_name = TPH_MAP_INIT})
void tph_environment_release(struct tph_environment *env); /* wipes and frees */

/* Sets a variable as it is. Errors: LIMIT; INVALID for a NUL in it. path: what the error begins with. */
int tph_environment_set(struct tph_environment *env, struct tph_str name, struct tph_str value, const char *path,
                        struct tph_error *err) TPH_MUST_CHECK;

/* The value, or a slice with p NULL. */
struct tph_str tph_environment_get(const struct tph_environment *env, struct tph_str name);

/* Adds envFrom and env of the container on top. Errors: NOT_FOUND naming object or key, LIMIT, INVALID; they begin
 * with the field's path below `path` ("spec.sidecar.container"). */
int tph_environment_add(struct tph_environment *env, const struct tph_container *container, const char *path,
                        const struct tph_pod_spec *pod, struct tph_error *err) TPH_MUST_CHECK;

/* Appends text with its $(NAME) resolved. Once the ceiling of out is hit, tph_buf_failed tells. */
void tph_environment_expand(const struct tph_environment *env, struct tph_str text, struct tph_buf *out);

/* NAME=value for execve, in order, ended by NULL; the texts are borrowed, the list is the caller's to free. */
char **tph_environment_list(const struct tph_environment *env) TPH_MUST_CHECK;
