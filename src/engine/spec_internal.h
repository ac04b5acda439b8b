/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the compiler (spec.c the workflow, spec_template.c its templates, spec_call.c, spec_dag.c) only. */
#pragma once

#include "engine/spec.h"

struct compiler {
    struct tph_spec *spec;
    unsigned flags;
    struct tph_resource *resource;             /* whose templates are compiled */
    const struct tph_json *workflow_arguments; /* spec.arguments: those of an onExit */
    const struct tph_json *retry;              /* spec.retryStrategy, of templates that have none; NULL = none */
    struct tph_buf path;                       /* of the value that is looked at */
    struct tph_error *err;
};

/* Sets "PATH: text"; returns -1. */
int tph_compile_fail(struct compiler *c, const char *format, ...) TPH_PRINTF(2, 3);

/* Steps into a member or element, and back to where the mark was taken. */
size_t tph_compile_enter(struct compiler *c, const char *key);
size_t tph_compile_enter_index(struct compiler *c, size_t index);
void tph_compile_leave(struct compiler *c, size_t mark);

/* Refuses the first of names, which ends with NULL, that the object has and that says something. */
int tph_compile_refuse(struct compiler *c, const struct tph_json *object, const char *const *names) TPH_MUST_CHECK;

/* A text with its tags; expression tags are refused. */
int tph_compile_text(struct compiler *c, struct tph_str text, struct tph_text *ret_text) TPH_MUST_CHECK;

/* A parameter as Argo writes it: value and default are texts, whatever they were in the manifest. */
int tph_compile_parameter(struct compiler *c, const struct tph_json *from, const struct tph_json **ret_parameter)
    TPH_MUST_CHECK;

/* A member that is a text, or a number or truth value that stands for one; none is an empty text. */
int tph_compile_member(struct compiler *c, const struct tph_json *object, const char *key, struct tph_text *ret_text,
                       bool *ret_has) TPH_MUST_CHECK;

/* spec_call.c: a step, a task; arguments and hooks of one, or of the workflow */
int tph_compile_call(struct compiler *c, const struct tph_json *json, struct tph_call *call) TPH_MUST_CHECK;
int tph_compile_arguments(struct compiler *c, const struct tph_json *arguments, struct tph_call *call) TPH_MUST_CHECK;
int tph_compile_hooks(struct compiler *c, const struct tph_json *json, const struct tph_json *arguments,
                      const struct tph_hook **ret_hooks, size_t *ret_n) TPH_MUST_CHECK;

/* spec_template.c */
int tph_compile_sync(struct compiler *c, const struct tph_json *json, const struct tph_sync **ret_sync) TPH_MUST_CHECK;
int tph_compile_template(struct compiler *c, const struct tph_json *json, struct tph_template **ret_template)
    TPH_MUST_CHECK;
int tph_compile_place(struct compiler *c, struct tph_template *t, struct tph_str name, struct tph_place place)
    TPH_MUST_CHECK;
/* The templates that its steps, tasks and hooks name. */
int tph_compile_resolve(struct compiler *c, const struct tph_template *t) TPH_MUST_CHECK;
int tph_compile_resolve_hooks(struct compiler *c, const struct tph_hook *hooks, size_t n) TPH_MUST_CHECK;

/* spec_dag.c: tasks, their order, who waits for whom */
int tph_compile_dag(struct compiler *c, const struct tph_json *json, struct tph_template *t) TPH_MUST_CHECK;
