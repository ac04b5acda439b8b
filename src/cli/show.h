/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow of a server on standard output: -o, and the block and tree of `argo get`. */
#pragma once

#include "cli/remote.h"
#include "data/fieldsel.h"

enum tph_show_form {
    TPH_SHOW_DEFAULT,
    TPH_SHOW_NAME,
    TPH_SHOW_JSON,
    TPH_SHOW_YAML,
    TPH_SHOW_WIDE,
    TPH_SHOW_SHORT,
    TPH_SHOW_FORM_COUNT,
};
enum { TPH_SHOW_ALL = TPH_SHOW_FORM_COUNT, TPH_SHOW_NO_SHORT = TPH_SHOW_SHORT }; /* how many of them are taken */

/* What -o says ("" or NULL: the default); -1: none of them. */
int tph_show_form(const char *text, int n_forms, enum tph_show_form *ret_form) TPH_MUST_CHECK;

struct tph_show {
    enum tph_show_form form;
    bool no_color, no_utf8;
    const char *status;               /* only nodes of this phase; NULL: all */
    const struct tph_fieldsel *nodes; /* only those that it matches; NULL: all */
};

/* Prints it. Control characters of its texts are escaped on a terminal, but for argo. */
int tph_show_workflow(const struct tph_remote *remote, const struct tph_json *workflow, const struct tph_show *show,
                      struct tph_error *err) TPH_MUST_CHECK;

/* Prints any object or list as JSON or YAML. */
int tph_show_object(const struct tph_json *object, enum tph_show_form form, struct tph_error *err) TPH_MUST_CHECK;
