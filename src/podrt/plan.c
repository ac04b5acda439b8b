/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's spec to a sandbox's. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "podrt/env.h"
#include "podrt/image.h"
#include "podrt/ports.h"
#include "podrt/process_internal.h"

#define TOKEN_DIR "/run/argo"
#define DEFAULT_PATH "/run/tiphys/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { NOBODY = 65534, TOKEN_DIR_SIZE = 16384, EMPTY_DIR_SIZE = 256 << 20, OBJECT_DIR_SIZE = 4 << 20 };

struct plan {
    struct process_pod *pod;
    struct process_container *container;
    const struct tph_container *spec;
    struct tph_arena *arena;
    struct tph_sandbox_spec *out;
    struct tph_sandbox_tmpfs *tmpfs;
    struct tph_sandbox_file *files;
    size_t files_capacity;
    struct tph_error *err;
};

static const char *title_of(const struct process_pod *pod)
{
    return pod->spec.title ? pod->spec.title : tph_arena_strdup(pod->arena, pod->spec.name);
}

/* As whom it runs: runAsUser; else nobody where root is forbidden; else root, of the sandbox only. */
static int plan_user(struct plan *p)
{
    const struct tph_security *s = &p->spec->security;
    bool no_root = s->run_as_non_root == TPH_YES;
    if (no_root && s->run_as_user == 0) {
        (void)tph_error_set(p->err, TPH_ERROR_INVALID,
                            "%s: securityContext.runAsNonRoot is true, but runAsUser is 0, which is root", title_of(p->pod));
        return tph_error_hint(p->err, "give another runAsUser, for example 65534 (nobody)");
    }
    p->out->uid = s->run_as_user >= 0 ? (uint32_t)s->run_as_user : no_root ? NOBODY : 0;
    p->out->gid = s->run_as_group >= 0 ? (uint32_t)s->run_as_group : 0;
    p->out->read_only_root = s->read_only_root_filesystem == TPH_YES;
    p->out->no_seccomp = s->seccomp == TPH_SECCOMP_UNCONFINED;
    return 0;
}

/* The commands that the image stands for. */
static int plan_image(struct plan *p)
{
    const struct tph_image *image = tph_image_find(p->spec->image);
    struct tph_sandbox_link *links = TPH_ARENA_ARRAY(p->arena, struct tph_sandbox_link, TPH_IMAGE_LINKS);
    size_t n = 0;
    for (size_t i = 0; image && i < TPH_IMAGE_LINKS && image->links[i].name; i++) {
        char found[256];
        if (!tph_image_program(image->links[i].programs, found, sizeof(found))) {
            (void)tph_error_set(p->err, TPH_ERROR_NOT_FOUND, "%s: image %.*s needs %s, which is not on this machine", title_of(p->pod),
                                TPH_FMT(p->spec->image), image->links[i].name);
            return tph_error_hint(p->err, "install it: apt install %s", image->package);
        }
        links[n++] = (struct tph_sandbox_link){.name = image->links[i].name, .target = tph_arena_strdup(p->arena, tph_str(found))};
    }
    p->out->links = links;
    p->out->n_links = n;
    return 0;
}

static int plan_environment(struct plan *p, struct tph_env_list *env)
{
    tph_env_set(env, TPH_STR("PATH"), TPH_STR(DEFAULT_PATH));
    tph_env_set(env, TPH_STR("HOME"), TPH_STR("/tmp"));
    tph_env_set(env, TPH_STR("HOSTNAME"), tph_str(p->out->hostname));
    tph_env_set(env, TPH_STR("LANG"), TPH_STR("C.UTF-8"));
    if (tph_env_resolve(&p->pod->spec, p->spec, env, p->err) < 0) {
        return tph_error_wrap(p->err, "%s", title_of(p->pod));
    }
    p->out->env = env->list;
    return 0;
}

static int plan_command(struct plan *p, const struct tph_env_list *env)
{
    size_t n = p->spec->n_command + p->spec->n_args;
    const char **argv = TPH_ARENA_ARRAY(p->arena, const char *, n + 1);
    if (p->spec->n_command == 0) {
        (void)tph_error_set(p->err, TPH_ERROR_INVALID, "%s: container.command is missing", title_of(p->pod));
        return tph_error_hint(p->err, "there is no image here whose entrypoint could be run; say what to run");
    }
    for (size_t i = 0; i < p->spec->n_command; i++) {
        argv[i] = tph_env_expand(env, p->spec->command[i]);
    }
    for (size_t i = 0; i < p->spec->n_args; i++) {
        argv[p->spec->n_command + i] = tph_env_expand(env, p->spec->args[i]);
    }
    /* A program beside plugin.yaml: "./server" is looked for there. */
    if (p->pod->spec.plugin_dir && strncmp(argv[0], "./", 2) == 0) {
        argv[0] = tph_arena_format(p->arena, "%s/%s", p->pod->spec.plugin_dir, argv[0] + 2);
    }
    p->out->argv = argv;
    p->out->working_dir = p->spec->working_dir.len > 0 ? tph_arena_strdup(p->arena, p->spec->working_dir)
                          : p->pod->spec.plugin_dir ? p->pod->spec.plugin_dir : NULL;
    return 0;
}

static void add_file(struct plan *p, const char *path, struct tph_str content, mode_t mode)
{
    if (p->out->n_files == p->files_capacity) {
        size_t capacity = p->files_capacity ? p->files_capacity * 2 : 8;
        struct tph_sandbox_file *grown = TPH_ARENA_ARRAY(p->arena, struct tph_sandbox_file, capacity);
        if (p->out->n_files > 0) {
            memcpy(grown, p->files, p->out->n_files * sizeof(*grown));
        }
        p->files = grown;
        p->files_capacity = capacity;
    }
    p->files[p->out->n_files++] = (struct tph_sandbox_file){.path = path, .content = content, .mode = mode};
    p->out->files = p->files;
}

/* The keys of a Secret or ConfigMap become files. */
struct object_files {
    struct plan *plan;
    const struct tph_volume *volume;
    const char *path;
};

static enum tph_env_source source_of(const struct tph_volume *volume)
{
    return volume->kind == TPH_VOLUME_SECRET ? TPH_ENV_SECRET : TPH_ENV_CONFIGMAP;
}

static void add_key(void *owner, struct tph_str key)
{
    struct object_files *o = owner;
    struct plan *p = o->plan;
    const struct tph_pod_objects *objects = &p->pod->spec.objects;
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    if (objects->value(objects->owner, source_of(o->volume), p->pod->spec.ns, o->volume->ref_name, key, &value) == 0) {
        const char *path = tph_arena_format(p->arena, "%s/%.*s", o->path, TPH_FMT(key));
        add_file(p, path, tph_arena_str(p->arena, tph_buf_str(&value)), 0444);
    }
    explicit_bzero(value.bytes, value.len);
}

static int plan_object_volume(struct plan *p, const struct tph_volume *volume, const char *path)
{
    const struct tph_pod_objects *objects = &p->pod->spec.objects;
    struct object_files files = {.plan = p, .volume = volume, .path = path};
    bool there = objects->keys && objects->keys(objects->owner, source_of(volume), p->pod->spec.ns, volume->ref_name, add_key, &files) == 0;
    if (!there && !volume->optional) {
        return tph_error_set(p->err, TPH_ERROR_NOT_FOUND, "%s: volume %.*s: there is no %s \"%.*s\" in namespace \"%.*s\"",
                             title_of(p->pod), TPH_FMT(volume->name), volume->kind == TPH_VOLUME_SECRET ? "Secret" : "ConfigMap",
                             TPH_FMT(volume->ref_name), TPH_FMT(p->pod->spec.ns));
    }
    return 0;
}

static const struct tph_volume *find_volume(const struct process_pod *pod, struct tph_str name)
{
    for (size_t i = 0; i < pod->spec.n_volumes; i++) {
        if (tph_str_eq(pod->spec.volumes[i].name, name)) {
            return &pod->spec.volumes[i];
        }
    }
    return NULL;
}

static int plan_volumes(struct plan *p)
{
    p->tmpfs = TPH_ARENA_ARRAY(p->arena, struct tph_sandbox_tmpfs, p->spec->n_mounts + 1);
    p->tmpfs[p->out->n_tmpfs++] = (struct tph_sandbox_tmpfs){.path = TOKEN_DIR, .size = TOKEN_DIR_SIZE, .read_only = true};
    for (size_t i = 0; i < p->spec->n_mounts; i++) {
        const struct tph_mount *m = &p->spec->mounts[i];
        const struct tph_volume *volume = find_volume(p->pod, m->volume);
        if (!volume) {
            return tph_error_set(p->err, TPH_ERROR_INVALID, "%s: volumeMounts[%zu].name: there is no volume \"%.*s\"\n"
                                 "  declare it under spec.sidecar.volumes", title_of(p->pod), i, TPH_FMT(m->volume));
        }
        if (m->sub_path.len > 0) {
            return tph_error_set(p->err, TPH_ERROR_INVALID, "%s: volumeMounts[%zu].subPath cannot be honoured here", title_of(p->pod), i);
        }
        const char *path = tph_arena_strdup(p->arena, m->path);
        bool empty = volume->kind == TPH_VOLUME_EMPTY_DIR;
        p->tmpfs[p->out->n_tmpfs++] = (struct tph_sandbox_tmpfs){
            .path = path, .size = empty ? EMPTY_DIR_SIZE : OBJECT_DIR_SIZE, .read_only = !empty || m->read_only};
        if (!empty && plan_object_volume(p, volume, path) < 0) {
            return -1;
        }
    }
    p->out->tmpfs = p->tmpfs;
    return 0;
}

static int plan_ports(struct plan *p)
{
    if (p->pod->spec.network != TPH_NETWORK_HOST) {
        p->out->own_network = true;
        return 0;
    }
    for (size_t i = 0; i < p->spec->n_ports; i++) {
        char who[128];
        if (tph_port_in_use(p->spec->ports[i].port, who, sizeof(who))) {
            (void)tph_error_set(p->err, TPH_ERROR_CONFLICT, "port %u is in use by %s; %s needs it", p->spec->ports[i].port, who,
                                title_of(p->pod));
            return tph_error_hint(p->err, "stop that program, or change containerPort in %s",
                                  p->pod->spec.file ? p->pod->spec.file : "the plugin's manifest");
        }
    }
    return 0;
}

static int refuse_exec_probe(struct plan *p, const struct tph_probe *probe, const char *name)
{
    return probe->kind != TPH_PROBE_EXEC ? 0
                                         : tph_error_set(p->err, TPH_ERROR_INVALID, "%s: %s.exec cannot be honoured here yet; "
                                                         "httpGet and tcpSocket can", title_of(p->pod), name);
}

int tph_process_plan(struct process_container *container, struct tph_error *err)
{
    struct process_pod *pod = container->pod;
    struct tph_sandbox_spec *out = &container->sandbox_spec;
    struct tph_env_list env = {.arena = pod->arena};
    struct plan p = {.pod = pod, .container = container, .spec = container->spec, .arena = pod->arena, .out = out, .err = err};
    *out = (struct tph_sandbox_spec){.cgroups = pod->rt->cgroups};
    out->hostname = tph_arena_strdup(pod->arena, tph_str_slice(pod->spec.name, 0, 63));
    if (plan_user(&p) < 0 || plan_image(&p) < 0 || plan_environment(&p, &env) < 0 || plan_command(&p, &env) < 0 ||
        plan_volumes(&p) < 0 || plan_ports(&p) < 0 || refuse_exec_probe(&p, &p.spec->readiness, "readinessProbe") < 0 ||
        refuse_exec_probe(&p, &p.spec->liveness, "livenessProbe") < 0) {
        return -1;
    }
    const struct tph_pod_container *source = &pod->spec.containers[container - pod->containers];
    add_file(&p, TOKEN_DIR "/token", tph_str(source->token), 0400);
    if (pod->spec.plugin_dir) {
        struct tph_sandbox_bind *bind = TPH_ARENA_NEW(pod->arena, struct tph_sandbox_bind);
        *bind = (struct tph_sandbox_bind){.host = pod->spec.plugin_dir, .inside = pod->spec.plugin_dir};
        out->binds = bind;
        out->n_binds = 1;
    }
    out->memory_bytes = p.spec->resources.memory_limit;
    out->cpu_milli = p.spec->resources.cpu_limit_milli;
    out->pids = TPH_LIMIT_SIDECAR_PIDS;
    return 0;
}
