/* SPDX-License-Identifier: Apache-2.0 */
/* The service account of a sidecar (automountServiceAccountToken): what Kubernetes' admission adds to a pod is added to
 * the sidecar's container, a volume with token, ca.crt and namespace, and two variables with the API's address. So
 * client libraries find their in-cluster configuration. The files are made at each start of the container.
 *
 * The account is Argo's for executor plugins, NAME-executor-plugin, of the workflows' namespace; its token is bound to
 * the pod and ends with it. */
#include <stdio.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"
#include "base/arena.h"

/* As Kubernetes calls the volume; no Secret can have the name that it refers to. */
#define VOLUME    "kube-api-access"
#define REFERENCE "/" VOLUME
#define PATH      "/var/run/secrets/kubernetes.io/serviceaccount"

struct account {
    struct sidecar *sidecar;
    struct tph_arena *arena;
    struct tph_container container; /* the plugin's, with more */
};

static struct tph_agent_account who(const struct sidecar *s)
{
    return (struct tph_agent_account){.ns = tph_str(s->ns),
                                      .name = s->plugin->config_name,
                                      .pod = tph_str(s->pod_name),
                                      .pod_uid = tph_str(s->pod_uid)};
}

/* 0; 2: there is no such file, or it cannot be made. */
static int value(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name, struct tph_str key,
                 struct tph_buf *out)
{
    const struct sidecar *s = owner;
    const struct tph_agent_options *o = &s->agent->options;
    struct tph_agent_account account = who(s);
    struct tph_error err = TPH_ERROR_INIT;
    if (!tph_str_eqz(name, REFERENCE)) {
        return o->objects.value ? o->objects.value(o->objects.owner, kind, ns, name, key, out) : 1;
    }
    if (tph_str_eqz(key, "namespace")) {
        (void)tph_buf_puts(out, s->ns);
        return 0;
    }
    if (tph_str_eqz(key, "ca.crt")) {
        return o->accounts->ca(o->accounts->owner, out) < 0 ? 2 : 0;
    }
    if (tph_str_eqz(key, "token") && o->accounts->token(o->accounts->owner, &account, out, &err) == 0) {
        return 0;
    }
    return 2;
}

static int keys(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                void (*each)(void *each_owner, struct tph_str key), void *each_owner)
{
    const struct sidecar *s = owner;
    const struct tph_agent_options *o = &s->agent->options;
    if (!tph_str_eqz(name, REFERENCE)) {
        return o->objects.keys ? o->objects.keys(o->objects.owner, kind, ns, name, each, each_owner) : 1;
    }
    each(each_owner, TPH_STR("ca.crt"));
    each(each_owner, TPH_STR("namespace"));
    each(each_owner, TPH_STR("token"));
    return 0;
}

/* What the manifest mounts there is its own business. */
static bool has_own(const struct tph_container *c)
{
    for (size_t i = 0; i < c->n_mounts; i++) {
        if (tph_str_has_prefix(c->mounts[i].path, TPH_STR(PATH)) ||
            tph_str_has_prefix(c->mounts[i].path, TPH_STR("/run/secrets/kubernetes.io/serviceaccount"))) {
            return true;
        }
    }
    return false;
}

static void add_env(struct account *a, const char *host, unsigned port)
{
    struct tph_container *c = &a->container;
    struct tph_env *env = TPH_ARENA_ARRAY(a->arena, struct tph_env, c->n_env + 2);
    env[0] = (struct tph_env){.name = TPH_STR("KUBERNETES_SERVICE_HOST"), .source = TPH_ENV_VALUE};
    env[0].value = tph_str(tph_arena_strdup(a->arena, tph_str(host)));
    env[1] = (struct tph_env){.name = TPH_STR("KUBERNETES_SERVICE_PORT"), .source = TPH_ENV_VALUE};
    env[1].value = tph_str(tph_arena_format(a->arena, "%u", port));
    for (size_t i = 0; i < c->n_env; i++) { /* the manifest's come later, and count */
        env[i + 2] = c->env[i];
    }
    c->env = env;
    c->n_env += 2;
}

static void add_volume(struct account *a, struct tph_pod_spec *spec)
{
    struct tph_container *c = &a->container;
    struct tph_mount *mounts = TPH_ARENA_ARRAY(a->arena, struct tph_mount, c->n_mounts + 1);
    struct tph_volume *volumes = TPH_ARENA_ARRAY(a->arena, struct tph_volume, spec->n_volumes + 1);
    for (size_t i = 0; i < c->n_mounts; i++) {
        mounts[i] = c->mounts[i];
    }
    for (size_t i = 0; i < spec->n_volumes; i++) {
        volumes[i] = spec->volumes[i];
    }
    mounts[c->n_mounts++] = (struct tph_mount){.volume = TPH_STR(VOLUME), .path = TPH_STR(PATH), .read_only = true};
    volumes[spec->n_volumes++] = (struct tph_volume){
        .name = TPH_STR(VOLUME), .kind = TPH_VOLUME_SECRET, .ref_name = TPH_STR(REFERENCE), .mode = 0444};
    c->mounts = mounts;
    spec->volumes = volumes;
}

/* An isolated sidecar reaches nothing of this machine, where the API is. One that has an account has the host's. */
enum tph_network tph_sidecar_network(const struct sidecar *s, const char **ret_note)
{
    const struct tph_agent_options *o = &s->agent->options;
    bool to_api = o->network == TPH_NETWORK_ISOLATED && s->plugin->automount_token && !has_own(&s->plugin->container);
    *ret_note = to_api ? "on the host's network, so it can reach local services: automountServiceAccountToken: the API "
                         "is one of them"
                       : o->network_note;
    return to_api ? TPH_NETWORK_HOST : o->network;
}

int tph_sidecar_add_account(struct sidecar *s, struct tph_pod_spec *spec, struct tph_error *err)
{
    const struct tph_agent_accounts *accounts = s->agent->options.accounts;
    const struct tph_container *given = &s->plugin->container;
    struct tph_agent_account account = who(s);
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    char host[TPH_AGENT_HOST];
    unsigned port = 0;
    tph_sidecar_drop_account(s);
    s->container.spec = given;
    if (!s->plugin->automount_token || has_own(given)) {
        return 0;
    }
    if (!accounts) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s", s->plugin->no_account);
    }
    /* Now, for this can say why; the one that is mounted is made when the container starts. */
    if (accounts->token(accounts->owner, &account, &token, err) < 0) {
        return -1;
    }
    accounts->address(accounts->owner, host, &port);
    struct account *a = TPH_NEW(struct account);
    a->arena = tph_arena_new();
    a->container = *given;
    s->account = a;
    add_env(a, host, port);
    add_volume(a, spec);
    s->container.spec = &a->container;
    spec->objects = (struct tph_pod_objects){.value = value, .keys = keys, .owner = s};
    return 0;
}

void tph_sidecar_drop_account(struct sidecar *s)
{
    if (s->account) {
        tph_arena_free(s->account->arena);
        free(TPH_TAKE(s->account));
    }
}
