/* SPDX-License-Identifier: Apache-2.0 */
/* workflow_merge.jsonl: workflows over templates and defaults. */
#include <string.h>

#include "api/merge.h"
#include "golden.h"

static int join(struct golden_case *c, struct tph_json **ret_value, struct tph_error *err)
{
    struct tph_merge_specs specs = {.workflow = tph_json_get(c->in, "workflow"),
                                    .template_spec = tph_json_get(c->in, "template"),
                                    .defaults = tph_json_get(c->in, "defaults")};
    return tph_merge_specs(c->doc, &specs, ret_value, err);
}

static int merge_to(struct golden_case *c, struct tph_json **ret_value, struct tph_error *err)
{
    return tph_merge_workflow(c->doc, tph_json_get(c->in, "workflow"), tph_json_get(c->in, "defaults"), ret_value, err);
}

static int template_defaults(struct golden_case *c, struct tph_json **ret_value, struct tph_error *err)
{
    return tph_merge_template(c->doc, tph_json_get(c->in, "tmpl"),
                              tph_json_path(c->in, "workflow", "templateDefaults", NULL), TPH_MERGE_COMPAT, ret_value,
                              err);
}

static int metadata(struct golden_case *c, struct tph_json **ret_value, struct tph_error *err)
{
    return tph_merge_metadata(c->doc, tph_json_get(c->in, "workflow"), tph_json_get(c->in, "defaults"), ret_value, err);
}

static int overrides(struct golden_case *c, struct tph_json **ret_value, struct tph_error *err)
{
    const struct tph_json *spec = tph_json_get(c->in, "workflow");
    if (tph_merge_check_overrides(spec, NULL, err) < 0) {
        return -1;
    }
    return tph_merge_allowed(c->doc, spec, NULL, ret_value, err);
}

static const struct {
    const char *kind;
    int (*run)(struct golden_case *c, struct tph_json **ret_value, struct tph_error *err);
    const char *key; /* of the result */
} KINDS[] = {
    {"join", join, "spec"},
    {"mergeto", merge_to, "workflow"},
    {"templatedefaults", template_defaults, "template"},
    {"metadata", metadata, "metadata"},
    {"overrides", overrides, "spec"},
};

void golden_merge(struct golden_case *c)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *value = NULL;
    (void)golden_object(c);
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!tph_str_eqz(golden_in(c, "kind"), KINDS[i].kind)) {
            continue;
        }
        if (KINDS[i].run(c, &value, &err) < 0) {
            golden_set(c, "error", tph_str(err.text));
        } else {
            golden_set_json(c, KINDS[i].key, value, TPH_JSON_HTML);
        }
    }
}
