/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Go's encoding/json would read them into Kubernetes' structs and write them again.
 *
 * `executor-plugin build` must give Argo's bytes, and those pass through Go types: unknown members are refused, scalars
 * become texts where the field is one, quantities become canonical, empty members vanish where the type says
 * omitempty. One table row a field. Error texts are Go's.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "data/json.h"

enum tph_go_kind {
    TPH_GO_STR,
    TPH_GO_BOOL,
    TPH_GO_INT32,
    TPH_GO_INT64,
    TPH_GO_INT_OR_STRING,
    TPH_GO_QUANTITY,
    TPH_GO_TIME,
    TPH_GO_ANY,    /* kept as it is */
    TPH_GO_STRUCT, /* of type */
    TPH_GO_LIST,   /* of type, or of texts where type is NULL */
    TPH_GO_STR_MAP,
    TPH_GO_QUANTITY_MAP,
};

struct tph_go_field {
    const char *name;
    enum tph_go_kind kind;
    const struct tph_go_type *type;
    bool pointer; /* an empty value is kept where it is not null */
    bool always;  /* no omitempty: written even when empty or absent */
};

struct tph_go_type {
    const char *name;                  /* "ContainerPort", as in messages */
    const struct tph_go_field *fields; /* ended by a NULL name */
};

/* Reads value as type; the result is a new value in doc as Go would write it. Error: "json: ..." as Go words it. */
int tph_go_convert(struct tph_json_doc *doc, const struct tph_json *value, const struct tph_go_type *type,
                   struct tph_json **ret_value, struct tph_error *err) TPH_MUST_CHECK;

extern const struct tph_go_type tph_go_plugin; /* pkg/plugins/spec.Plugin: an ExecutorPlugin document */
