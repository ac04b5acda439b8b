/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Go's encoding/json would read them into Argo's and Kubernetes' structs and write them again.
 *
 * `executor-plugin build` must give Argo's bytes, and `lint` Argo's verdicts, and both pass through Go types: members
 * get an order, scalars become texts where the field is one, quantities become canonical, empty members vanish where
 * the type says omitempty. One table row a field (api/gotype_argo_*.c and others, generated). Error texts are Go's.
 * Depth is limited by the JSON reader (TPH_LIMIT_JSON_DEPTH).
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

enum tph_go_kind {
    TPH_GO_STR,
    TPH_GO_BOOL,
    TPH_GO_INT32,
    TPH_GO_INT64,
    TPH_GO_FLOAT,
    TPH_GO_BYTES, /* base64 */
    TPH_GO_INT_OR_STRING,
    TPH_GO_QUANTITY,
    TPH_GO_TIME,
    TPH_GO_DURATION,
    TPH_GO_ANYSTRING,
    TPH_GO_ITEM,
    TPH_GO_ANY,      /* kept as it is */
    TPH_GO_PLUGIN,   /* an object with exactly one member */
    TPH_GO_PARALLEL, /* Argo's steps: a list of lists of element, each read strictly */
    TPH_GO_STRUCT,
    TPH_GO_LIST, /* of element */
    TPH_GO_MAP,  /* of texts to element */
};

enum {
    TPH_GO_POINTER = 1,    /* an empty value is kept where it is not null */
    TPH_GO_OMIT_EMPTY = 2, /* not written when empty */
    TPH_GO_MERGE = 4,      /* a strategic merge patch merges the list: by merge_key, or as a set of scalars */
    TPH_GO_REPLACE = 8,    /* a strategic merge patch replaces the object */
};

struct tph_go_field {
    const char *name;
    const struct tph_go_type *type;
    unsigned flags;
    const char *merge_key; /* the member that tells elements of a merged list apart, or NULL */
};

struct tph_go_type {
    const char *name; /* "v1.ContainerPort", as in messages */
    enum tph_go_kind kind;
    const struct tph_go_type *element;
    const struct tph_go_field *fields; /* of a struct, ended by a NULL name */
};

enum {
    TPH_GO_TEXTS = 1,      /* scalars are taken where a text is wanted, as sigs.k8s.io/yaml does with a typed target */
    TPH_GO_KNOWN = 2,      /* an unknown member is an error: json: unknown field "x" */
    TPH_GO_KEEP_EMPTY = 8, /* empty lists and maps that are there stay there */
    TPH_GO_ANYCASE = 4,    /* members whose name differs in case only are taken, as encoding/json does */
};

/* Reads value as type; the result is a new value in doc as Go would write it. unknown, which may be NULL, gets the
 * unknown members as Kubernetes' strict reader lists them: `unknown field "spec.templates[0].plugn", unknown field
 * "x"`. Error: "json: ..." as Go words it. */
struct tph_go_unknown;
struct tph_go_options {
    unsigned flags;
    struct tph_buf *unknown;
    struct tph_go_fault *fault; /* NULL: nobody wants to know */
    /* Hears of every unknown member, and none is an error then. NULL: see flags. */
    void (*tell_unknown)(void *owner, const struct tph_go_unknown *unknown);
    void *owner;
};

/* A member that its struct does not have. */
struct tph_go_unknown {
    const char *path; /* with its name */
    struct tph_str name;
    const struct tph_go_type *type; /* the struct */
    bool always_refused;            /* in lists of steps, which read themselves */
};

/* Where an error is, with indexes; what was read as which type. */
struct tph_go_fault {
    struct tph_buf path; /* of the caller */
    const struct tph_go_type *wanted;
    enum tph_json_type found;
};

int tph_go_convert(struct tph_json_doc *doc, const struct tph_json *value, const struct tph_go_type *type,
                   const struct tph_go_options *options, struct tph_json **ret_value, struct tph_error *err)
    TPH_MUST_CHECK;
