/* SPDX-License-Identifier: Apache-2.0 */
/* Private to data/yaml*.c and position.c: the tree of nodes between libyaml's events and JSON values, and what plain
 * scalars mean. A tree lives in one arena; positions keep it after the values were made. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/position.h"

enum tph_yaml_kind {
    TPH_YAML_SCALAR,
    TPH_YAML_SEQUENCE,
    TPH_YAML_MAPPING,
    TPH_YAML_ALIAS,
};

struct tph_yaml_node {
    struct tph_yaml_node *next;   /* in the parent's list */
    struct tph_yaml_node *first;  /* children; of a mapping key, value, key, value, ... */
    struct tph_yaml_node *target; /* of an alias */
    struct tph_str text;          /* of a scalar; the name of an alias's anchor */
    struct tph_str key;           /* of a key, once it was resolved: the member's name */
    const char *tag;              /* without "tag:yaml.org,2002:"; NULL when there is none */
    size_t n;                     /* children */
    struct tph_position at;
    enum tph_yaml_kind kind;
    bool implicit; /* a scalar that may mean something else than its text */
    bool literal;  /* a scalar in a "|" block, whose lines are those of the file */
    size_t indent; /* of that block */
    bool visiting; /* an alias whose target is being read: to meet it again is a cycle */
};

/* Where reading stopped, beside the error. */
struct tph_yaml_failure {
    struct tph_error *err;
    struct tph_position at;
};

/* Reads the first document of text. ret_root is NULL when there is none. */
int tph_yaml_tree(struct tph_str text, struct tph_arena *arena, struct tph_yaml_node **ret_root,
                  struct tph_yaml_failure *failure) TPH_MUST_CHECK;

/* What a scalar means. Both buffers get text only where said. */
enum tph_yaml_meaning {
    TPH_YAML_STRING,
    TPH_YAML_NULL,
    TPH_YAML_TRUE,
    TPH_YAML_FALSE,
    TPH_YAML_INT,   /* number: decimal digits */
    TPH_YAML_UINT,  /* the same, above 2^63: no Go int */
    TPH_YAML_FLOAT, /* value */
    TPH_YAML_INFINITE,
    TPH_YAML_NEGATIVE_INFINITE,
    TPH_YAML_NAN,
    TPH_YAML_TIMESTAMP, /* read as its text, but quoted when it is written */
    TPH_YAML_MEANING_COUNT,
};
struct tph_yaml_scalar {
    enum tph_yaml_meaning meaning;
    char number[24];
    double value;
};
struct tph_yaml_scalar tph_yaml_resolve(struct tph_str plain);

/* Positions over a finished tree; takes the arena. */
struct tph_positions *tph_positions_of(struct tph_arena *arena, const struct tph_yaml_node *root) TPH_MUST_CHECK;
