/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's spec to a sandbox's: every field is honoured, or refused with its name. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "podrt/process_internal.h"

/* Private commands of the sandbox, such as python; see tph_sandbox_link. */
#define LINKS_DIR "/run/tiphys/bin"

enum { NOBODY = 65534, HOST_NAME = 63 };

void tph_process_start_release(struct process_start *start)
{
    if (start->arena) {
        tph_environment_release(&start->env);
        tph_arena_free(start->arena);
    }
    for (size_t i = 0; i < start->n_secrets; i++) {
        if (start->secrets[i].bytes) {
            explicit_bzero(start->secrets[i].bytes, start->secrets[i].len);
        }
        tph_buf_release(&start->secrets[i]);
    }
    free(start->secrets);
    free(start->envp);
    *start = (struct process_start){.arena = NULL};
}

static int refuse(const struct preparing *p, const char *field, const char *why)
{
    return tph_error_set(p->err, TPH_ERROR_INVALID, TPH_CONTAINER_PATH ".%s: %s", field, why);
}

/* What only a sandbox can give. */
static int check_plain(const struct preparing *p)
{
    static const char why[] = "needs a sandbox, which --unsafe-plain does without";
    const struct tph_container *s = p->spec;
    char link[sizeof(TPH_PLAIN_TOKEN) + 1] = "";
    const char *field = s->n_mounts > 0                       ? "volumeMounts"
                        : s->liveness.kind == TPH_PROBE_EXEC  ? "livenessProbe.exec"
                        : s->readiness.kind == TPH_PROBE_EXEC ? "readinessProbe.exec"
                                                              : NULL;
    if (field) {
        return refuse(p, field, why);
    }
    if (p->image && p->image->root) {
        return refuse(p, "image", "it is mapped to a root directory, which --unsafe-plain does without");
    }
    if (readlink("/var/run/argo/token", link, sizeof(link) - 1) < 0 || strcmp(link, TPH_PLAIN_TOKEN) != 0) {
        tph_process_degrade(
            p->c->pod,
            "its token is in the file that $TIPHYS_TOKEN_FILE names, not at "
            "/var/run/argo/token; for that, once a boot: sudo mkdir -p /run/argo && sudo ln -s " TPH_PLAIN_TOKEN
            " /run/argo/token");
    }
    return tph_environment_set(&p->out->env, TPH_STR("TIPHYS_TOKEN_FILE"), TPH_STR(TPH_PLAIN_TOKEN), TPH_CONTAINER_PATH,
                               p->err);
}

/* As whom it runs: runAsUser; else nobody where root is forbidden; else root, who is root of the sandbox only. */
static int prepare_user(const struct preparing *p)
{
    const struct tph_security *s = &p->spec->security;
    struct tph_sandbox_spec *out = &p->out->sandbox;
    bool no_root = s->run_as_non_root == TPH_YES;
    if (no_root && s->run_as_user == 0) {
        (void)refuse(p, "securityContext.runAsNonRoot", "it is true, but runAsUser is 0, which is root");
        return tph_error_hint(p->err, "set runAsUser to another id, for example 65534");
    }
    /* Ids of the sandbox's range; as an ordinary user the one id inside may be any. */
    if (s->run_as_user > NOBODY + 1 || s->run_as_group > NOBODY + 1) {
        return refuse(p, s->run_as_user > NOBODY + 1 ? "securityContext.runAsUser" : "securityContext.runAsGroup",
                      "ids above 65535 cannot be honoured here");
    }
    out->uid = s->run_as_user >= 0 ? (uint32_t)s->run_as_user : no_root ? NOBODY : 0;
    out->gid = s->run_as_group >= 0 ? (uint32_t)s->run_as_group : 0;
    out->read_only_root = s->read_only_root_filesystem == TPH_YES;
    out->no_seccomp = s->seccomp == TPH_SECCOMP_UNCONFINED;
    if (out->no_seccomp) {
        tph_process_degrade(p->c->pod, "no seccomp filter: securityContext.seccompProfile is Unconfined");
    }
    return 0;
}

static int check_probe(const struct preparing *p, const struct tph_probe *probe, const char *name)
{
    struct tph_str host = probe->host;
    bool here =
        host.len == 0 || tph_str_eqz(host, "localhost") || tph_str_eqz(host, "127.0.0.1") || tph_str_eqz(host, "::1");
    TPH_CLEANUP(tph_freep) char *field = NULL;
    if (probe->kind == TPH_PROBE_HTTP && probe->scheme.len > 0 && !tph_str_eqz(probe->scheme, "HTTP")) {
        field = tph_format("%s.httpGet.scheme", name);
        return refuse(p, field, "only HTTP can be honoured here");
    }
    if (probe->kind != TPH_PROBE_EXEC && probe->kind != TPH_PROBE_NONE && !here) {
        field = tph_format("%s.%s.host", name, probe->kind == TPH_PROBE_HTTP ? "httpGet" : "tcpSocket");
        return refuse(p, field, "only the container itself can be probed here; leave host out");
    }
    if (probe->kind == TPH_PROBE_EXEC && probe->n_command == 0) {
        field = tph_format("%s.exec.command", name);
        return refuse(p, field, "is missing");
    }
    return 0;
}

/* The environment: what the image would bring, then the spec's. */
static int prepare_environment(const struct preparing *p)
{
    struct tph_environment *env = &p->out->env;
    const char *path = tph_arena_format(p->out->arena, LINKS_DIR ":%s", tph_image_path);
    const struct {
        const char *name, *value;
    } given[] = {
        {"PATH", path},
        {"HOME", "/tmp"}, /* the one place that may be written everywhere */
        {"LANG", "C.UTF-8"},
    };
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (tph_environment_set(env, tph_str(given[i].name), tph_str(given[i].value), TPH_CONTAINER_PATH, p->err) < 0) {
            return -1;
        }
    }
    if (tph_environment_set(env, TPH_STR("HOSTNAME"), p->pod->name, TPH_CONTAINER_PATH, p->err) < 0 ||
        tph_environment_add(env, p->spec, TPH_CONTAINER_PATH, p->pod, p->err) < 0) {
        return -1;
    }
    /* A PATH of the spec's own still has the image's programs. */
    struct tph_str wanted = tph_environment_get(env, TPH_STR("PATH"));
    if (!tph_str_has_prefix(wanted, TPH_STR(LINKS_DIR ":"))) {
        struct tph_str longer = tph_str(tph_arena_format(p->out->arena, LINKS_DIR ":%.*s", TPH_FMT(wanted)));
        if (tph_environment_set(env, TPH_STR("PATH"), longer, TPH_CONTAINER_PATH, p->err) < 0) {
            return -1;
        }
    }
    p->out->envp = tph_environment_list(env);
    p->out->sandbox.env = (const char *const *)p->out->envp;
    return 0;
}

static int expand_into(const struct preparing *p, const char *field, const struct tph_str *texts, size_t n,
                       const char **argv)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ARGUMENT);
    for (size_t i = 0; i < n; i++) {
        tph_buf_clear(&text);
        tph_environment_expand(&p->out->env, texts[i], &text);
        if (tph_buf_failed(&text)) {
            return tph_error_set(p->err, TPH_ERROR_LIMIT, TPH_CONTAINER_PATH ".%s[%zu]: longer than %zu bytes", field,
                                 i, TPH_LIMIT_ARGUMENT);
        }
        if (tph_str_find_byte(tph_buf_str(&text), '\0') >= 0) {
            return tph_error_set(p->err, TPH_ERROR_INVALID, TPH_CONTAINER_PATH ".%s[%zu]: a NUL byte is in it", field,
                                 i);
        }
        argv[i] = tph_arena_strdup(p->out->arena, tph_buf_str(&text));
    }
    return 0;
}

static int prepare_arguments(const struct preparing *p)
{
    const struct tph_container *s = p->spec;
    if (s->n_command == 0) {
        (void)tph_error_set(p->err, TPH_ERROR_INVALID,
                            TPH_CONTAINER_PATH
                            ".command is missing: there is no image here that could say what to run");
        return tph_error_hint(p->err, "name the program and its arguments, for example command: [python, -c]");
    }
    const char **argv = TPH_ARENA_ARRAY(p->out->arena, const char *, s->n_command + s->n_args + 1);
    if (expand_into(p, "command", s->command, s->n_command, argv) < 0 ||
        expand_into(p, "args", s->args, s->n_args, argv + s->n_command) < 0) {
        return -1;
    }
    if (argv[0][0] == '\0') {
        return refuse(p, "command[0]", "it is empty");
    }
    p->out->argv = argv;
    p->out->sandbox.argv = argv;
    return 0;
}

static const struct tph_image_program *image_program(const struct tph_image *image, const char *name)
{
    for (size_t i = 0; image && i < image->n_programs; i++) {
        if (strcmp(image->programs[i].name, name) == 0) {
            return &image->programs[i];
        }
    }
    return NULL;
}

/* Who is root on the way into the sandbox only comes where everybody may go, and where root owns the way. */
static bool is_passable(const char *dir)
{
    TPH_CLEANUP(tph_freep) char *path = tph_strdup(dir);
    struct stat status;
    for (char *end = strrchr(path, '/'); end && end != path; end = strrchr(path, '/')) {
        *end = '\0';
        if (stat(path, &status) < 0 || !(status.st_mode & (status.st_uid == 0 ? S_IXUSR : S_IXOTH))) {
            return false;
        }
    }
    return true;
}

/* The plugin's own directory, if the sidecar's user will be able to see into it: started by root, the sidecar is nobody
 * outside. NULL otherwise. */
static const char *visible_plugin_dir(const struct tph_pod_spec *pod)
{
    const char *dir = pod->plugin_dir;
    struct stat status;
    bool open_to_all = dir && stat(dir, &status) == 0 && (status.st_mode & (S_IROTH | S_IXOTH)) == (S_IROTH | S_IXOTH);
    return dir && (geteuid() != 0 || (open_to_all && is_passable(dir))) ? dir : NULL;
}

static bool is_open_to_all(int dir, const char *path)
{
    struct stat status;
    if (fstatat(dir, path, &status, 0) < 0) {
        return true; /* a link to nowhere; or it is told when it is missed */
    }
    mode_t wanted = S_IROTH | (status.st_mode & (S_IXUSR | S_IFDIR) ? S_IXOTH : 0);
    return (status.st_mode & wanted) == wanted;
}

static bool directory_is_open_to_all(const char *path)
{
    DIR *dir = is_open_to_all(AT_FDCWD, path) ? opendir(path) : NULL;
    bool open = dir != NULL;
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e && open; e = readdir(dir)) {
        open = strcmp(e->d_name, "..") == 0 || is_open_to_all(dirfd(dir), e->d_name);
    }
    if (dir) {
        (void)closedir(dir);
    }
    return open;
}

/* An ordinary user's files that are closed to others can be read with his own id only, not with a subordinate one. */
static bool needs_own_id(const struct preparing *p)
{
    const char *dir = visible_plugin_dir(p->pod);
    bool open = !dir || directory_is_open_to_all(dir);
    open = open && (!p->image || !p->image->root || directory_is_open_to_all(p->image->root));
    for (size_t i = 0; open && p->image && i < p->image->n_paths; i++) {
        open = is_open_to_all(AT_FDCWD, p->image->paths[i]);
    }
    return geteuid() != 0 && !open;
}

/* A file of the plugin's own directory that can be run. Returns 1 and its path, 0 when there is none, or -1 when the
 * sidecar's user could not run it. */
static int own_program(const struct preparing *p, const char *name, const char **ret_path)
{
    const char *dir = p->pod->plugin_dir;
    struct stat status;
    if (!dir) {
        return 0;
    }
    const char *path = tph_arena_format(p->out->arena, "%s/%s", dir, strncmp(name, "./", 2) == 0 ? name + 2 : name);
    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode)) {
        return 0;
    }
    if (access(path, X_OK) < 0 || !visible_plugin_dir(p->pod) || (geteuid() == 0 && !(status.st_mode & S_IXOTH))) {
        (void)tph_error_set(p->err, TPH_ERROR_INVALID,
                            TPH_CONTAINER_PATH ".command[0]: the sidecar's user may not run %s", path);
        return geteuid() == 0 && !is_passable(dir)
                   ? tph_error_hint(p->err,
                                    "let others through the directories above it (chmod a+x), or put the plugin "
                                    "elsewhere")
                   : tph_error_hint(p->err, "chmod a+rx %s %s", dir, path);
    }
    *ret_path = path;
    return 1;
}

static int missing_interpreter(const struct preparing *p, const struct tph_image_program *program)
{
    (void)tph_error_set(p->err, TPH_ERROR_NOT_FOUND,
                        TPH_CONTAINER_PATH ".image: %.*s needs %s, which this machine has not in %s",
                        TPH_FMT(p->spec->image), program->file, tph_image_path);
    return program->package ? tph_error_hint(p->err,
                                             "apt install %s, or map the image to a root directory: see tiphys "
                                             "doctor --images",
                                             program->package)
                            : tph_error_hint(p->err, "install it there, or map the image to a root directory: see "
                                                     "tiphys doctor --images");
}

static int missing_program(const struct preparing *p, const char *name)
{
    if (p->image && p->image->root) {
        return tph_error_set(p->err, TPH_ERROR_NOT_FOUND,
                             TPH_CONTAINER_PATH
                             ".command[0]: there is no program %s in %s, to which %s maps the image %.*s",
                             name, p->image->root, p->image->source, TPH_FMT(p->spec->image));
    }
    if (p->image) {
        (void)tph_error_set(p->err, TPH_ERROR_NOT_FOUND,
                            TPH_CONTAINER_PATH
                            ".command[0]: this machine has no program %s, and its files stand in for "
                            "the image %.*s",
                            name, TPH_FMT(p->spec->image));
        return tph_error_hint(p->err,
                              "install it in %s, or map the image to a root directory: see tiphys doctor --images",
                              tph_image_path);
    }
    (void)tph_error_set(p->err, TPH_ERROR_NOT_FOUND,
                        TPH_CONTAINER_PATH
                        ".image: no map says what the image \"%.*s\" is, and this machine has no program %s",
                        TPH_FMT(p->spec->image), name);
    return tph_error_hint(p->err,
                          "map it to a root directory or to programs in images.yaml: see tiphys doctor --images");
}

/* Sees to it that argv[0] will be found. What PATH would find is looked for as the sandbox will see it: in the standard
 * directories, never in the caller's PATH with its shims. What only the sandbox can know it tells when it starts: an
 * absolute path, one relative to workingDir, a PATH of the spec's own. */
static int prepare_program(const struct preparing *p)
{
    const char *name = p->out->argv[0];
    const char *root = p->image && p->image->root ? p->image->root : "/";
    const struct tph_image_program *program = image_program(p->image, name);
    struct tph_str path = tph_environment_get(&p->out->env, TPH_STR("PATH"));
    bool own_path = !tph_str_has_suffix(path, tph_str(tph_image_path));
    if (name[0] == '/') {
        return 0;
    }
    if (!strchr(name, '/')) {
        TPH_CLEANUP(tph_freep) char *found = tph_image_find_program(root, program ? program->file : name);
        if (found) {
            /* Without a sandbox there are no names of the image's own. */
            p->out->argv[0] = p->c->pod->rt->plain ? tph_arena_strdup(p->out->arena, tph_str(found)) : name;
            return 0;
        }
    }
    if (program) {
        return missing_interpreter(p, program);
    }
    int own = own_program(p, name, &p->out->argv[0]);
    if (own != 0) {
        return own < 0 ? -1 : 0;
    }
    return own_path || strchr(name, '/') ? 0 : missing_program(p, name);
}

/* What a root directory must have for the sandbox to mount on: it is read-only itself. */
static int check_root(const struct preparing *p)
{
    static const char *const needed[] = {"/proc", "/dev", "/run", "/tmp", "/var/run"};
    const char *root = p->image ? p->image->root : NULL;
    for (size_t i = 0; root && i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (tph_image_has_directory(root, needed[i])) {
            continue;
        }
        (void)tph_error_set(p->err, TPH_ERROR_NOT_FOUND,
                            TPH_CONTAINER_PATH
                            ".image: the root directory %s, to which %s maps the image %.*s, has no %s",
                            root, p->image->source, TPH_FMT(p->spec->image), needed[i]);
        bool link = strcmp(needed[i], "/var/run") == 0;
        return tph_error_hint(p->err, "%s%s%s", link ? "ln -s /run " : "mkdir ", root, needed[i]);
    }
    return 0;
}

/* Names under which the image's programs are found also by what argv[0] starts itself: `python` for python3. */
static void prepare_links(const struct preparing *p)
{
    size_t n = 0;
    if (!p->image || p->image->root) {
        return;
    }
    struct tph_sandbox_link *links = TPH_ARENA_ARRAY(p->out->arena, struct tph_sandbox_link, p->image->n_programs + 1);
    for (size_t i = 0; i < p->image->n_programs; i++) {
        const struct tph_image_program *program = &p->image->programs[i];
        TPH_CLEANUP(tph_freep) char *there = tph_image_find_program("/", program->name);
        TPH_CLEANUP(tph_freep) char *target = tph_image_find_program("/", program->file);
        if (target && (!there || strcmp(there, target) != 0)) {
            links[n++] = (struct tph_sandbox_link){.name = program->name,
                                                   .target = tph_arena_strdup(p->out->arena, tph_str(target))};
        }
    }
    p->out->sandbox.links = links;
    p->out->sandbox.n_links = n;
}

/* Directories of this machine that are seen inside, read-only, at their own paths. */
static int prepare_directories(const struct preparing *p)
{
    const struct tph_container *s = p->spec;
    const char *dir = visible_plugin_dir(p->pod);
    size_t n_paths = p->image ? p->image->n_paths : 0;
    struct tph_sandbox_bind *binds = TPH_ARENA_ARRAY(p->out->arena, struct tph_sandbox_bind, n_paths + 1);
    size_t n = 0;
    if (s->working_dir.len > 0 && s->working_dir.p[0] != '/') {
        return refuse(p, "workingDir", "must be an absolute path");
    }
    for (size_t i = 0; i < n_paths; i++) {
        binds[n++] = (struct tph_sandbox_bind){.host = p->image->paths[i], .inside = p->image->paths[i]};
    }
    if (dir) {
        binds[n++] = (struct tph_sandbox_bind){.host = dir, .inside = dir};
    }
    p->out->sandbox.binds = binds;
    p->out->sandbox.n_binds = n;
    p->out->sandbox.working_dir = s->working_dir.len > 0 ? tph_arena_strdup(p->out->arena, s->working_dir) : dir;
    return 0;
}

int tph_process_prepare(const struct process_container *c, struct process_start *ret, struct tph_error *err)
{
    struct process_start out = {.arena = tph_arena_new(), .env = TPH_ENVIRONMENT_INIT};
    const struct tph_pod_spec *pod = &c->pod->spec;
    struct preparing p = {
        .c = c,
        .spec = c->spec,
        .pod = pod,
        .image = tph_images_find(c->pod->rt->images, c->spec->image),
        .out = &out,
        .err = err,
    };
    bool isolated = pod->network == TPH_NETWORK_ISOLATED;
    out.sandbox = (struct tph_sandbox_spec){
        .hostname = tph_arena_strdup(out.arena, tph_str_slice(pod->name, 0, HOST_NAME)),
        .root = p.image ? p.image->root : NULL,
        .cgroups = c->pod->rt->cgroups,
        .memory_bytes = c->spec->resources.memory_limit,
        .cpu_milli = c->spec->resources.cpu_limit_milli,
        .pids = TPH_LIMIT_SIDECAR_PIDS,
        .cpu_request_milli = c->spec->resources.cpu_request_milli,
        .own_network = pod->network != TPH_NETWORK_HOST,
        .uplink = isolated && c->pod->rt->uplink ? tph_uplink_id(c->pod->rt->uplink) : 0,
        .pasta = isolated ? c->pod->rt->pasta : NULL,
        .plain = c->pod->rt->plain,
    };
    if ((out.sandbox.plain && check_plain(&p) < 0) || prepare_user(&p) < 0 ||
        check_probe(&p, &c->spec->liveness, "livenessProbe") < 0 ||
        check_probe(&p, &c->spec->readiness, "readinessProbe") < 0 || prepare_environment(&p) < 0 ||
        prepare_arguments(&p) < 0 || check_root(&p) < 0 || prepare_program(&p) < 0 || prepare_directories(&p) < 0 ||
        tph_process_prepare_volumes(&p) < 0) {
        tph_process_start_release(&out);
        return -1;
    }
    prepare_links(&p);
    out.sandbox.own_id = needs_own_id(&p);
    *ret = out;
    return 0;
}
