/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows laid over what they refer to and over defaults: JSON in, JSON out, nothing else.
 *
 * In each function the first value wins. Inputs are read as Argo's Go types (api/gotype.h: unknown members are
 * dropped, texts and numbers become canonical) and merged as Kubernetes' strategic merge patch does it
 * (api/strategic.h); results are new values in doc, written as Go would. Errors are of kind INVALID: what the decoder
 * or the merge says. Reference: argo 2.16, 2.17. */
#pragma once

#include "data/json.h"

/* A Workflow over default values for it, as the controller's workflowDefaults are applied. Hooks and labelsFrom are
 * joined by key. */
int tph_merge_workflow(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_json *defaults,
                       struct tph_json **ret_workflow, struct tph_error *err) TPH_MUST_CHECK;

/* Specs: the workflow's own over that of the template it refers to over the controller's defaults. template and
 * defaults may be NULL or null. Beyond the merge: an argument that the workflow, else the template, supplies (a
 * parameter with value, valueFrom or default; any artifact) is theirs whole; suspend is the workflow's own. */
struct tph_merge_specs {
    const struct tph_json *workflow, *template_spec, *defaults;
};
int tph_merge_specs(struct tph_json_doc *doc, const struct tph_merge_specs *specs, struct tph_json **ret_spec,
                    struct tph_error *err) TPH_MUST_CHECK;

/* Labels and annotations only. */
int tph_merge_metadata(struct tph_json_doc *doc, const struct tph_json *metadata, const struct tph_json *defaults,
                       struct tph_json **ret_metadata, struct tph_error *err) TPH_MUST_CHECK;

/* A template over spec.templateDefaults (NULL or null: the template itself). Defaults of another type than the
 * template's are left out.
 *
 * TPH_MERGE_COMPAT computes what Argo does even where nobody can want that: defaults for `plugin` fail where they name
 * another key or hold an object or list, and `steps` stays in templates that are http, plugin or containerSet. Without
 * it, plugin defaults of the same key merge member by member, others are left out, and so is `steps`. */
enum { TPH_MERGE_COMPAT = 1 };
int tph_merge_template(struct tph_json_doc *doc, const struct tph_json *tmpl, const struct tph_json *defaults,
                       unsigned flags, struct tph_json **ret_template, struct tph_error *err) TPH_MUST_CHECK;

/* Under templateReferencing Strict and Secure a workflow may set few fields on top of what it refers to. more:
 * further names, as in JSON, ended by NULL; may be NULL. Error: "fields [Parallelism Volumes] are not permitted when
 * ..." with Go's names. tph_merge_allowed gives the spec with nothing else in it. */
int tph_merge_check_overrides(const struct tph_json *spec, const char *const *more, struct tph_error *err)
    TPH_MUST_CHECK;
int tph_merge_allowed(struct tph_json_doc *doc, const struct tph_json *spec, const char *const *more,
                      struct tph_json **ret_spec, struct tph_error *err) TPH_MUST_CHECK;
