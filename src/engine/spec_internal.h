/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of spec.c (the workflow) and spec_template.c (its templates) only: the compiler and where it stands. */
#pragma once

#include "engine/spec.h"

struct compiler {
    struct tph_spec *spec;
    unsigned flags;
    struct tph_buf path; /* of the value that is looked at */
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

/* spec_template.c */
int tph_compile_template(struct compiler *c, const struct tph_json *json) TPH_MUST_CHECK;
int tph_compile_resolve(struct compiler *c, struct tph_template *t) TPH_MUST_CHECK; /* the templates its steps name */
