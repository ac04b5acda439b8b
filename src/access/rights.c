/* SPDX-License-Identifier: Apache-2.0 */
/* The roles as tables of rules, in the shape of Kubernetes' ClusterRoles: judged here, and told by `kubectl auth can-i
 * --list`. What is not in them is not allowed. */
#include <string.h>

#include "access/internal.h"
#include "access/review.h"
#include "base/alloc.h"
#include "data/quote.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct rule {
    const char *group;
    const char *const *resources; /* "pods/log"; ended by NULL */
    const char *const *verbs;
};

#define READ      WORDS("get", "list", "watch")
#define WRITE     WORDS("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
#define READ_DROP WORDS("get", "list", "watch", "delete", "deletecollection")

/* A namespaced grant sees its own namespace, for that is what namespaces/NAME is asked about. */
static const struct rule VIEW[] = {
    {"", WORDS("configmaps", "events", "namespaces", "pods", "pods/log", "pods/status", "serviceaccounts"), READ},
    {"argoproj.io", WORDS("*"), READ},
    {"coordination.k8s.io", WORDS("leases"), READ},
    {"events.k8s.io", WORDS("events"), READ},
    {NULL, NULL, NULL},
};
static const struct rule EDIT[] = {
    {"", WORDS("configmaps", "events", "secrets", "serviceaccounts"), WRITE},
    {"", WORDS("pods"), READ_DROP},
    {"", WORDS("namespaces", "pods/log", "pods/status"), READ},
    {"argoproj.io", WORDS("*"), WRITE},
    {"coordination.k8s.io", WORDS("leases"), WRITE},
    {"events.k8s.io", WORDS("events"), WRITE},
    {NULL, NULL, NULL},
};
static const struct rule ADMIN[] = {
    {"", WORDS("configmaps", "events", "secrets", "serviceaccounts", "serviceaccounts/token"), WRITE},
    {"", WORDS("pods"), READ_DROP},
    {"", WORDS("namespaces", "pods/log", "pods/status"), READ},
    {"argoproj.io", WORDS("*"), WRITE},
    {"coordination.k8s.io", WORDS("leases"), WRITE},
    {"events.k8s.io", WORDS("events"), WRITE},
    {NULL, NULL, NULL},
};
static const struct rule ADMIN_OF_ALL[] = {
    {"*", WORDS("*"), WORDS("*")},
    {NULL, NULL, NULL},
};
static const struct rule NOTHING[] = {{NULL, NULL, NULL}};
/* Whoever is somebody may ask about himself. */
static const struct rule EVERYBODY[] = {
    {"authorization.k8s.io", WORDS("selfsubjectaccessreviews", "selfsubjectrulesreviews"), WORDS("create")},
    {"authentication.k8s.io", WORDS("selfsubjectreviews"), WORDS("create")},
    {NULL, NULL, NULL},
};

static const char *const PUBLIC[] = {"/healthz", "/livez", "/readyz", "/version", "/version/", NULL};
static const char *const DISCOVERY[] = {"/api",     "/api/*",     "/apis",   "/apis/*",  "/healthz",  "/livez",
                                        "/openapi", "/openapi/*", "/readyz", "/version", "/version/", NULL};
static const char *const METRICS[] = {"/metrics", NULL};
static const char *const EVERY_PATH[] = {"*", NULL};

static const struct rule *rules_of(const struct grant *grant)
{
    switch (grant->role) {
    case ROLE_VIEW:
        return VIEW;
    case ROLE_EDIT:
        return EDIT;
    case ROLE_ADMIN:
        return grant->ns ? ADMIN : ADMIN_OF_ALL;
    case ROLE_PLUGINS:
    case ROLE_COUNT:
        break;
    }
    return NOTHING;
}

static const char *const *paths_of(const struct grant *grant)
{
    static const char *const none[] = {NULL};
    if (grant->ns || grant->role == ROLE_PLUGINS) {
        return none;
    }
    return grant->role == ROLE_ADMIN ? EVERY_PATH : METRICS;
}

static bool has_word(const char *const *words, struct tph_str word, struct tph_str sub)
{
    for (; *words; words++) {
        if (strcmp(*words, "*") == 0) {
            return true;
        }
        struct tph_str rest = tph_str(*words), first;
        (void)tph_str_cut(&rest, '/', &first);
        if (tph_str_eq(first, word) && tph_str_eq(rest, sub)) {
            return true;
        }
    }
    return false;
}

static bool rules_allow(const struct rule *rule, const struct tph_access_attributes *what)
{
    for (; rule->group; rule++) {
        if ((strcmp(rule->group, "*") == 0 || tph_str_eqz(what->group, rule->group)) &&
            has_word(rule->verbs, tph_str(what->verb), TPH_STR_NONE) &&
            has_word(rule->resources, what->resource, what->sub)) {
            return true;
        }
    }
    return false;
}

static bool paths_allow(const char *const *paths, struct tph_str path)
{
    for (; *paths; paths++) {
        struct tph_str one = tph_str(*paths);
        bool open = tph_str_has_suffix(one, TPH_STR("*"));
        if (open ? tph_str_has_prefix(path, tph_str_slice(one, 0, one.len - 1)) : tph_str_eq(path, one)) {
            return true;
        }
    }
    return false;
}

static bool is_read(const char *verb)
{
    return strcmp(verb, "get") == 0 || strcmp(verb, "head") == 0 || strcmp(verb, "options") == 0;
}

static bool path_allowed(const struct tph_access_user *user, const struct tph_access_attributes *what)
{
    if (is_read(what->verb) &&
        (paths_allow(PUBLIC, what->path) || (!user->anonymous && paths_allow(DISCOVERY, what->path)))) {
        return true;
    }
    for (size_t i = 0; i < user->grants.n; i++) {
        const struct grant *grant = &user->grants.list[i];
        const char *const *paths = paths_of(grant);
        if ((paths == EVERY_PATH || is_read(what->verb)) && paths_allow(paths, what->path)) {
            return true;
        }
    }
    return false;
}

/* The namespace that a request is about: of a Namespace, itself. */
static struct tph_str scope_of(const struct tph_access_attributes *what)
{
    bool itself = what->ns.len == 0 && what->group.len == 0 && tph_str_eqz(what->resource, "namespaces");
    return itself ? what->name : what->ns;
}

bool tph_access_allowed(const struct tph_access_user *user, const struct tph_access_attributes *what,
                        const char **ret_reason)
{
    const char *reason = NULL;
    bool allowed = false;
    if (!what->is_resource) {
        allowed = path_allowed(user, what);
    } else if (what->group.len == 0 && tph_str_eqz(what->resource, "pods") &&
               (strcmp(what->verb, "create") == 0 || strcmp(what->verb, "update") == 0 ||
                strcmp(what->verb, "patch") == 0)) {
        reason = "pods are made by this server alone, for the plugins of workflows";
    } else {
        struct tph_str ns = scope_of(what);
        allowed = !user->anonymous && rules_allow(EVERYBODY, what);
        for (size_t i = 0; i < user->grants.n && !allowed; i++) {
            const struct grant *grant = &user->grants.list[i];
            allowed = (!grant->ns || tph_str_eqz(ns, grant->ns)) && rules_allow(rules_of(grant), what);
        }
    }
    if (ret_reason) {
        *ret_reason = reason;
    }
    return allowed;
}

bool tph_access_may_run_code(const struct tph_access_user *user, struct tph_str ns)
{
    for (size_t i = 0; i < user->grants.n; i++) {
        const struct grant *grant = &user->grants.list[i];
        if ((grant->role == ROLE_ADMIN || grant->role == ROLE_PLUGINS) && (!grant->ns || tph_str_eqz(ns, grant->ns))) {
            return true;
        }
    }
    return false;
}

/* " WORDS "TEXT"", the text quoted as Go does. */
static void put_quoted(struct tph_buf *out, const char *words, struct tph_str text)
{
    (void)tph_buf_puts(out, words);
    tph_quote_go(text, out);
}

void tph_access_refusal(struct tph_str user, const struct tph_access_attributes *what, const char *reason,
                        struct tph_buf *out)
{
    if (!what->is_resource) {
        put_quoted(out, "forbidden: User ", user);
        (void)tph_buf_printf(out, " cannot %s", what->verb);
        put_quoted(out, " path ", what->path);
        return;
    }
    TPH_CLEANUP(tph_freep)
    char *resource =
        tph_format("%.*s%s%.*s", TPH_FMT(what->resource), what->sub.len > 0 ? "/" : "", TPH_FMT(what->sub));
    (void)tph_buf_printf(out, "%.*s%s%.*s", TPH_FMT(what->resource), what->group.len > 0 ? "." : "",
                         TPH_FMT(what->group));
    if (what->name.len > 0) {
        put_quoted(out, " ", what->name);
    }
    put_quoted(out, " is forbidden: User ", user);
    (void)tph_buf_printf(out, " cannot %s", what->verb);
    put_quoted(out, " resource ", tph_str(resource));
    put_quoted(out, " in API group ", what->group);
    struct tph_str ns = scope_of(what);
    if (ns.len > 0) {
        put_quoted(out, " in the namespace ", ns);
    } else {
        (void)tph_buf_puts(out, " at the cluster scope");
    }
    if (reason) {
        (void)tph_buf_printf(out, ": %s", reason);
    }
}

/* As JSON. */

static struct tph_json *texts(struct tph_json_doc *doc, const char *const *words)
{
    struct tph_json *list = tph_json_new_array(doc);
    for (; *words; words++) {
        tph_json_append(doc, list, tph_json_new_cstr(doc, *words));
    }
    return list;
}

static void tell_rules(struct tph_json_doc *doc, struct tph_json *list, const struct rule *rule)
{
    for (; rule->group; rule++) {
        struct tph_json *one = tph_json_new_object(doc);
        tph_json_set(doc, one, "verbs", texts(doc, rule->verbs));
        tph_json_set(doc, one, "apiGroups", texts(doc, WORDS(rule->group)));
        tph_json_set(doc, one, "resources", texts(doc, rule->resources));
        tph_json_append(doc, list, one);
    }
}

static void tell_paths(struct tph_json_doc *doc, struct tph_json *list, const char *const *paths, const char *verb)
{
    struct tph_json *one = tph_json_new_object(doc);
    tph_json_set(doc, one, "verbs", texts(doc, WORDS(verb)));
    tph_json_set(doc, one, "nonResourceURLs", texts(doc, paths));
    tph_json_append(doc, list, one);
}

void tph_access_rules(const struct tph_access_user *user, struct tph_str ns, struct tph_json_doc *doc,
                      struct tph_json *resource_rules, struct tph_json *path_rules)
{
    for (size_t i = 0; i < user->grants.n; i++) {
        const struct grant *grant = &user->grants.list[i];
        if (!grant->ns || tph_str_eqz(ns, grant->ns)) {
            tell_rules(doc, resource_rules, rules_of(grant));
        }
        const char *const *paths = paths_of(grant);
        if (*paths) {
            tell_paths(doc, path_rules, paths, paths == EVERY_PATH ? "*" : "get");
        }
    }
    if (!user->anonymous) {
        tell_rules(doc, resource_rules, EVERYBODY);
        tell_paths(doc, path_rules, DISCOVERY, "get");
    }
    tell_paths(doc, path_rules, PUBLIC, "get");
}

/* What is code. */

static bool is_plugin(const struct tph_json *configmap)
{
    const struct tph_json *labels = tph_json_path(configmap, "metadata", "labels", NULL);
    return tph_str_eqz(tph_json_get_str(labels, "workflows.argoproj.io/configmap-type"), "ExecutorPlugin");
}

/* The n-th place where an object of Argo's has plugins; absent where it has none. */
static const struct tph_json *plugins_of(const struct tph_json *object, int n)
{
    const struct tph_json *spec = tph_json_get(object, "spec");
    const struct tph_json *at = n == 0   ? spec
                                : n == 1 ? tph_json_get(spec, "workflowSpec")
                                         : tph_json_path(object, "status", "storedWorkflowTemplateSpec", NULL);
    const struct tph_json *plugins = tph_json_get(at, "executorPlugins");
    return tph_json_len(plugins) > 0 ? plugins : NULL;
}

bool tph_access_changes_code(struct tph_str group, struct tph_str resource, const struct tph_json *old,
                             const struct tph_json *object)
{
    if (group.len == 0 && tph_str_eqz(resource, "configmaps")) {
        return is_plugin(object) &&
               (!is_plugin(old) || !tph_json_equal(tph_json_get(old, "data"), tph_json_get(object, "data")));
    }
    bool changes = false;
    for (int n = 0; tph_str_eqz(group, "argoproj.io") && n < 3; n++) {
        const struct tph_json *plugins = plugins_of(object, n);
        changes = changes || (plugins && !tph_json_equal(plugins_of(old, n), plugins));
    }
    return changes;
}

/* Name and namespace: controller/settings.h has them, too. */
static bool is_settings(const struct tph_json *object)
{
    const struct tph_json *meta = tph_json_get(object, "metadata");
    return tph_str_eqz(tph_json_get_str(meta, "name"), "workflow-controller-configmap") &&
           tph_str_eqz(tph_json_get_str(meta, "namespace"), "argo");
}

bool tph_access_changes_settings(struct tph_str group, struct tph_str resource, const struct tph_json *old,
                                 const struct tph_json *object)
{
    return group.len == 0 && tph_str_eqz(resource, "configmaps") && is_settings(object ? object : old) &&
           (!object || !tph_json_equal(tph_json_get(old, "data"), tph_json_get(object, "data")));
}
