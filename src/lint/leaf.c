/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that call no other template. */
#include <string.h>

#include "lint/internal.h"

static int image(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_base *base, const char *key)
{
    const struct tph_json *container = tph_json_get(tmpl, key);
    if (tph_json_is_null(container) || tph_json_get_str(container, "image").len > 0) {
        return 0;
    }
    struct tph_str ours = tph_json_get_str(tph_json_path(base->spec, "templateDefaults", key, NULL), "image");
    if (ours.len > 0 && strncmp(base->scope, "cluster/", 8) != 0) {
        return 0;
    }
    (void)tph_lint_fail(l, "templates.%.*s.%s.image" TPH_LINT_PLACE_END " may not be empty",
                        TPH_FMT(tph_json_get_str(tmpl, "name")), key);
    return tph_lint_at(l, "%s.image", key);
}

static int resource(struct tph_lint *l, const struct tph_json *tmpl)
{
    static const char *const ACTIONS[] = {"get", "create", "apply", "delete", "replace", "patch"};
    struct tph_str name = tph_json_get_str(tmpl, "name");
    const struct tph_json *r = tph_json_get(tmpl, "resource");
    struct tph_str action = tph_json_get_str(r, "action");
    bool known = tph_json_is_null(r) || tph_str_has_prefix(action, TPH_STR("__argo__internal__placeholder-"));
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        known = known || tph_str_eqz(action, ACTIONS[i]);
    }
    if (!known) {
        (void)tph_lint_fail(l,
                            "templates.%.*s.resource.action" TPH_LINT_PLACE_END
                            " must be one of: get, create, apply, delete, replace, patch",
                            TPH_FMT(name));
        return tph_lint_at(l, "resource.action");
    }
    if (tph_json_is_null(r) || tph_str_eqz(action, "delete") || tph_str_eqz(action, "get")) {
        return 0;
    }
    bool text = tph_json_get_str(r, "manifest").len > 0;
    bool from = !tph_json_is_null(tph_json_get(r, "manifestFrom"));
    if (!text && !from) {
        (void)tph_lint_fail(
            l, "either templates.%.*s.resource.manifest or templates.%.*s.resource.manifestFrom must be specified",
            TPH_FMT(name), TPH_FMT(name));
        return tph_lint_at(l, "resource");
    }
    if (!text || !from) {
        return 0;
    }
    (void)tph_lint_fail(l, "shouldn't have both `manifest` and `manifestFrom` specified in `Manifest` for resource "
                           "template");
    return tph_lint_at(l, "resource.manifest");
}

static int deadline(struct tph_lint *l, const struct tph_json *tmpl)
{
    const struct tph_json *value = tph_json_get(tmpl, "activeDeadlineSeconds");
    struct tph_str text = tph_json_str(value);
    int64_t seconds = 0;
    bool number = tph_json_is(value, TPH_JSON_STRING) ? tph_str_to_i64(text, &seconds) == 0
                                                      : tph_json_to_i64(value, &seconds) == 0;
    bool tag = (tph_str_has_prefix(text, TPH_STR("{{")) && tph_str_has_suffix(text, TPH_STR("}}"))) ||
               tph_str_has_prefix(text, TPH_STR("__argo__internal__placeholder-"));
    if (!tph_json_is_null(value) && ((!number && !tag) || (number && seconds < 0))) {
        (void)tph_lint_fail(l,
                            "templates.%.*s.activeDeadlineSeconds" TPH_LINT_PLACE_END
                            " must be a positive integer > 0 or an argo variable",
                            TPH_FMT(tph_json_get_str(tmpl, "name")));
        return tph_lint_at(l, "activeDeadlineSeconds");
    }
    return 0;
}

int tph_lint_leaf(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                  const struct tph_lint_base *base)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    if (tph_lint_resolve_json(l, scope, tmpl) < 0) {
        return tph_lint_wrap(l, "templates.%.*s: ", TPH_FMT(name));
    }
    struct tph_lint_mark mark = tph_lint_here(l);
    if (image(l, tmpl, base, "container") < 0 || resource(l, tmpl) < 0 || image(l, tmpl, base, "script") < 0 ||
        tph_lint_go_on(l, deadline(l, tmpl), mark) < 0) {
        return -1;
    }
    if (!tph_json_is_null(tph_json_get(tmpl, "parallelism"))) {
        (void)tph_lint_fail(
            l, "templates.%.*s.parallelism" TPH_LINT_PLACE_END " is only valid for steps and dag templates",
            TPH_FMT(name));
        return tph_lint_at(l, "parallelism");
    }
    return 0;
}
