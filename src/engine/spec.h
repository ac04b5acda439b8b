/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow's spec, compiled: templates by name, texts cut into pieces, references resolved.
 *
 * Made once per workflow and never changed; everything in one arena. What the engine cannot run is refused here,
 * before anything starts, with the path in the object.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/str.h"
#include "data/json.h"
#include "engine/text.h"

enum tph_template_type { TPH_TEMPLATE_PLUGIN, TPH_TEMPLATE_STEPS, TPH_TEMPLATE_TYPE_COUNT };

/* A declared input: what it is without an argument. */
struct tph_input {
    struct tph_str name;
    const struct tph_json *declared; /* the parameter as Argo writes it */
    bool has_value;                  /* value or default */
    struct tph_text text;            /* value, else default */
};

/* An argument: a text for a parameter. */
struct tph_argument {
    struct tph_str name;
    struct tph_text text;
};

struct tph_step {
    struct tph_str name, template_name;
    const struct tph_template *target; /* resolved after all templates are read */
    const struct tph_argument *arguments;
    size_t n_arguments;
};

struct tph_step_group {
    const struct tph_step *steps;
    size_t n_steps;
};

/* Where a step of a name stands: group and place in it. */
struct tph_step_place {
    size_t group, member;
};

/* An output of a steps template: outputs.parameters[].valueFrom.parameter. */
struct tph_output {
    struct tph_str name, global_name;
    bool has_reference;        /* there is a valueFrom.parameter */
    struct tph_text reference; /* one tag, or a bare name */
    bool has_default;
    struct tph_text fallback; /* valueFrom.default */
};

struct tph_template {
    struct tph_str name;
    enum tph_template_type type;
    const struct tph_input *inputs;
    size_t n_inputs;
    const struct tph_json *other_inputs; /* members of inputs but parameters, kept as they are; NULL = none */
    bool has_display_name, has_timeout, has_deadline;
    struct tph_text display_name; /* annotation workflows.argoproj.io/display-name */
    struct tph_text timeout;      /* a duration */
    struct tph_text deadline;     /* activeDeadlineSeconds */

    /* plugin: the JSON text of the template, cut around its inputs: head, inputs, tail */
    struct tph_text head, tail;
    struct tph_str key; /* the one key under plugin: */

    /* steps */
    const struct tph_step_group *groups;
    size_t n_groups;
    struct tph_map places; /* step name -> struct tph_step_place */
    const struct tph_output *outputs;
    size_t n_outputs;
};

struct tph_spec {
    struct tph_arena *arena;  /* owned */
    struct tph_json_doc *doc; /* owned: the workflow object as it was given */
    const struct tph_json *object;
    const struct tph_template *entrypoint;
    struct tph_map templates;              /* name -> struct tph_template */
    struct tph_map parameters;             /* workflow argument name -> struct tph_str */
    const struct tph_json *parameter_list; /* the arguments as Argo writes them: [{name, value}, ...] */
    int64_t deadline_s;                    /* activeDeadlineSeconds; -1 = none */
    struct tph_str name, ns, uid;
};

enum {
    TPH_SPEC_ARGO_NUMBERS = 1, /* numbers in plugin bodies go through 64 bits, as in Argo; else they stay exact */
};

/* Errors: kind INVALID, "PATH: what"; ret_path (may be NULL) gets the path. */
int tph_spec_compile(const struct tph_json *workflow, unsigned flags, struct tph_spec **ret_spec,
                     struct tph_buf *ret_path, struct tph_error *err) TPH_MUST_CHECK;
void tph_spec_free(struct tph_spec *spec);
TPH_DEFINE_CLEANUP(struct tph_spec, tph_spec_free);
