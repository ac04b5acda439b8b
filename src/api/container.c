/* SPDX-License-Identifier: Apache-2.0 */
#include "api/container.h"

#include "api/fields.h"
#include "base/limits.h"
#include "data/position.h"
#include "data/quantity.h"

#define F(name, kind, type, member)                                    \
    {                                                                  \
        name, kind, offsetof(struct type, member), 0, NULL, NULL, NULL \
    }
#define F_LIST(name, kind, type, member, count, table)                                             \
    {                                                                                              \
        name, kind, offsetof(struct type, member), offsetof(struct type, count), table, NULL, NULL \
    }
#define F_OBJECT(name, type, member, table)                                         \
    {                                                                               \
        name, TPH_FIELD_OBJECT, offsetof(struct type, member), 0, table, NULL, NULL \
    }
#define F_CUSTOM(name, function)                           \
    {                                                      \
        name, TPH_FIELD_CUSTOM, 0, 0, NULL, function, NULL \
    }
#define F_IGNORED(name)                                 \
    {                                                   \
        name, TPH_FIELD_IGNORED, 0, 0, NULL, NULL, NULL \
    }
#define F_REFUSED(name, help)                           \
    {                                                   \
        name, TPH_FIELD_REFUSED, 0, 0, NULL, NULL, help \
    }
#define F_END                                           \
    {                                                   \
        NULL, TPH_FIELD_IGNORED, 0, 0, NULL, NULL, NULL \
    }

/* {name, key, optional}: what valueFrom and envFrom refer to. */
struct reference {
    struct tph_str name, key;
    bool optional;
};

static const struct tph_field reference_list[] = {
    F("name", TPH_FIELD_STR, reference, name),
    F("key", TPH_FIELD_STR, reference, key),
    F("optional", TPH_FIELD_BOOL, reference, optional),
    F_END,
};
static const struct tph_fields reference_fields = {reference_list, sizeof(struct reference)};

static int read_reference(struct tph_reader *reader, const struct tph_json *json, struct reference *ret)
{
    struct reference found = {.optional = false};
    if (tph_fields_read(reader, json, &reference_fields, &found) < 0) {
        return -1;
    }
    if (found.name.len == 0) {
        return tph_reader_fail(reader, "name is missing");
    }
    *ret = found;
    return 0;
}

static int read_field_ref(struct tph_reader *reader, const struct tph_json *json, struct tph_env *env)
{
    static const char *const known[] = {"metadata.name", "metadata.namespace", "metadata.uid"};
    size_t mark = tph_reader_enter(reader, "fieldPath");
    struct tph_str path = tph_json_get_str(json, "fieldPath");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (tph_str_eqz(path, known[i])) {
            env->source = TPH_ENV_FIELD;
            env->ref_key = tph_str(known[i]);
            tph_reader_leave(reader, mark);
            return 0;
        }
    }
    return tph_reader_fail(reader,
                           "\"%.*s\" cannot be honoured here: metadata.name, metadata.namespace and "
                           "metadata.uid can",
                           TPH_FMT(path));
}

static int read_value_from(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_env *env = into;
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        if (tph_json_is_null(it.value)) {
            continue;
        }
        size_t mark = reader->path.len;
        tph_path_key(&reader->path, it.key);
        bool secret = tph_str_eqz(it.key, "secretKeyRef");
        if (secret || tph_str_eqz(it.key, "configMapKeyRef")) {
            struct reference ref;
            if (read_reference(reader, it.value, &ref) < 0) {
                return -1;
            }
            if (ref.key.len == 0) {
                return tph_reader_fail(reader, "key is missing");
            }
            env->source = secret ? TPH_ENV_SECRET : TPH_ENV_CONFIGMAP;
            env->ref_name = ref.name;
            env->ref_key = ref.key;
            env->optional = ref.optional;
        } else if (tph_str_eqz(it.key, "fieldRef")) {
            if (read_field_ref(reader, it.value, env) < 0) {
                return -1;
            }
        } else {
            return tph_reader_fail(reader, "cannot be honoured here: secretKeyRef, configMapKeyRef and fieldRef can");
        }
        tph_reader_leave(reader, mark);
    }
    return 0;
}

static const struct tph_field env_list[] = {
    F("name", TPH_FIELD_STR, tph_env, name),
    F("value", TPH_FIELD_STR, tph_env, value),
    F_CUSTOM("valueFrom", read_value_from),
    F_END,
};
static const struct tph_fields env_fields = {env_list, sizeof(struct tph_env)};

static int read_env_from_ref(struct tph_reader *reader, const struct tph_json *json, struct tph_env_from *env,
                             enum tph_env_source source)
{
    struct reference ref;
    if (read_reference(reader, json, &ref) < 0) {
        return -1;
    }
    env->source = source;
    env->ref_name = ref.name;
    env->optional = ref.optional;
    return 0;
}

static int read_secret_ref(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_env_from_ref(reader, json, into, TPH_ENV_SECRET);
}

static int read_configmap_ref(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_env_from_ref(reader, json, into, TPH_ENV_CONFIGMAP);
}

static const struct tph_field env_from_list[] = {
    F("prefix", TPH_FIELD_STR, tph_env_from, prefix),
    F_CUSTOM("secretRef", read_secret_ref),
    F_CUSTOM("configMapRef", read_configmap_ref),
    F_END,
};
static const struct tph_fields env_from_fields = {env_from_list, sizeof(struct tph_env_from)};

static const struct tph_field port_list[] = {
    F("name", TPH_FIELD_STR, tph_port, name),
    F("containerPort", TPH_FIELD_PORT, tph_port, port),
    F("protocol", TPH_FIELD_STR, tph_port, protocol),
    F_IGNORED("hostPort"),
    F_IGNORED("hostIP"),
    F_END,
};
static const struct tph_fields port_fields = {port_list, sizeof(struct tph_port)};

static const struct tph_field mount_list[] = {
    F("name", TPH_FIELD_STR, tph_mount, volume),
    F("mountPath", TPH_FIELD_STR, tph_mount, path),
    F("subPath", TPH_FIELD_STR, tph_mount, sub_path),
    F("readOnly", TPH_FIELD_BOOL, tph_mount, read_only),
    F_REFUSED("subPathExpr", NULL),
    F_REFUSED("mountPropagation", NULL),
    F_IGNORED("recursiveReadOnly"),
    F_END,
};
static const struct tph_fields mount_fields = {mount_list, sizeof(struct tph_mount)};

/* One map of requests or limits: cpu and memory have a meaning, others are kept to themselves. */
static int read_amounts(struct tph_reader *reader, const struct tph_json *json, int64_t *cpu_milli, int64_t *memory)
{
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = reader->path.len;
        tph_path_key(&reader->path, it.key);
        struct tph_str text;
        int64_t value = 0;
        int64_t milli = 0;
        struct tph_error problem = TPH_ERROR_INIT;
        if (tph_reader_text(reader, it.value, &text) < 0) {
            return -1;
        }
        if (tph_quantity_parse(text, &value, &milli, &problem) < 0) {
            return tph_reader_fail(reader, "\"%.*s\" is no quantity such as 250m or 64Mi", TPH_FMT(text));
        }
        if (tph_str_eqz(it.key, "cpu")) {
            *cpu_milli = milli;
        } else if (tph_str_eqz(it.key, "memory")) {
            *memory = value;
        }
        tph_reader_leave(reader, mark);
    }
    return 0;
}

static int read_requests(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_resources *resources = into;
    resources->has_requests = tph_json_len(json) > 0;
    return read_amounts(reader, json, &resources->cpu_request_milli, &resources->memory_request);
}

static int read_limits(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_resources *resources = into;
    resources->has_limits = tph_json_len(json) > 0;
    return read_amounts(reader, json, &resources->cpu_limit_milli, &resources->memory_limit);
}

static const struct tph_field resources_list[] = {
    F_CUSTOM("requests", read_requests),
    F_CUSTOM("limits", read_limits),
    F_REFUSED("claims", "there are no devices to claim"),
    F_END,
};
static const struct tph_fields resources_fields = {resources_list, sizeof(struct tph_resources)};

static int read_seccomp(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_security *security = into;
    size_t mark = tph_reader_enter(reader, "type");
    struct tph_str type = tph_json_get_str(json, "type");
    if (tph_str_eqz(type, "Unconfined")) {
        security->seccomp = TPH_SECCOMP_UNCONFINED;
    } else if (!tph_str_eqz(type, "RuntimeDefault")) {
        return tph_reader_fail(reader, "\"%.*s\" cannot be honoured here: RuntimeDefault and Unconfined can",
                               TPH_FMT(type));
    }
    tph_reader_leave(reader, mark);
    return 0;
}

static int read_capabilities(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    /* Sidecars have none: dropping is what happens anyway, adding cannot be done. */
    (void)into;
    if (tph_json_len(tph_json_get(json, "add")) > 0) {
        (void)tph_reader_enter(reader, "add");
        return tph_reader_fail(reader, "cannot be honoured here: sidecars run without capabilities");
    }
    return 0;
}

static int read_privileged(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    (void)into;
    return tph_json_bool(json) ? tph_reader_fail(reader, "cannot be honoured here: sidecars are never privileged") : 0;
}

static int read_run_as_user(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_security *security = into;
    if (tph_json_to_i64(json, &security->run_as_user) < 0 || security->run_as_user < 0 ||
        security->run_as_user > 65535) {
        return tph_reader_fail(reader, "must be a number from 0 to 65535");
    }
    return 0;
}

static int read_run_as_group(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_security *security = into;
    if (tph_json_to_i64(json, &security->run_as_group) < 0 || security->run_as_group < 0 ||
        security->run_as_group > 65535) {
        return tph_reader_fail(reader, "must be a number from 0 to 65535");
    }
    return 0;
}

static const struct tph_field security_list[] = {
    F_CUSTOM("runAsUser", read_run_as_user),
    F_CUSTOM("runAsGroup", read_run_as_group),
    F("runAsNonRoot", TPH_FIELD_TRISTATE, tph_security, run_as_non_root),
    F("readOnlyRootFilesystem", TPH_FIELD_TRISTATE, tph_security, read_only_root_filesystem),
    F("allowPrivilegeEscalation", TPH_FIELD_TRISTATE, tph_security, allow_privilege_escalation),
    F_CUSTOM("seccompProfile", read_seccomp),
    F_CUSTOM("capabilities", read_capabilities),
    F_CUSTOM("privileged", read_privileged),
    F_REFUSED("seLinuxOptions", NULL),
    F_REFUSED("windowsOptions", NULL),
    F_REFUSED("procMount", NULL),
    F_REFUSED("appArmorProfile", NULL),
    F_END,
};
static const struct tph_fields security_fields = {security_list, sizeof(struct tph_security)};

static int read_security(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_container *container = into;
    container->security.present = true;
    return tph_fields_read(reader, json, &security_fields, &container->security);
}

/* A probe's port: a number, or the name of one of the container's ports (looked up afterwards is not needed often
 * enough here: names are refused). */
static int read_probe_port(struct tph_reader *reader, const struct tph_json *json, uint16_t *ret_port)
{
    size_t mark = tph_reader_enter(reader, "port");
    int64_t port = 0;
    const struct tph_json *value = tph_json_get(json, "port");
    if ((tph_json_to_i64(value, &port) < 0 && tph_str_to_i64(tph_json_str(value), &port) < 0) || port < 1 ||
        port > 65535) {
        return tph_reader_fail(reader, "must be a number from 1 to 65535");
    }
    *ret_port = (uint16_t)port;
    tph_reader_leave(reader, mark);
    return 0;
}

static int read_http_get(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_probe *probe = into;
    probe->kind = TPH_PROBE_HTTP;
    probe->path = tph_arena_str(reader->arena, tph_json_get_str(json, "path"));
    probe->host = tph_arena_str(reader->arena, tph_json_get_str(json, "host"));
    probe->scheme = tph_arena_str(reader->arena, tph_json_get_str(json, "scheme"));
    if (probe->scheme.len > 0 && !tph_str_eqz(probe->scheme, "HTTP")) {
        return tph_reader_fail(reader, "scheme %.*s cannot be honoured here: HTTP can", TPH_FMT(probe->scheme));
    }
    return read_probe_port(reader, json, &probe->port);
}

static int read_tcp_socket(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_probe *probe = into;
    probe->kind = TPH_PROBE_TCP;
    return read_probe_port(reader, json, &probe->port);
}

static const struct tph_field exec_list[] = {
    F_LIST("command", TPH_FIELD_STRS, tph_probe, command, n_command, NULL),
    F_END,
};
static const struct tph_fields exec_fields = {exec_list, sizeof(struct tph_probe)};

static int read_exec(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_probe *probe = into;
    probe->kind = TPH_PROBE_EXEC;
    return tph_fields_read(reader, json, &exec_fields, probe);
}

static const struct tph_field probe_list[] = {
    F_CUSTOM("httpGet", read_http_get),
    F_CUSTOM("tcpSocket", read_tcp_socket),
    F_CUSTOM("exec", read_exec),
    F_REFUSED("grpc", "httpGet, tcpSocket and exec can"),
    F("initialDelaySeconds", TPH_FIELD_INT, tph_probe, initial_delay_s),
    F("periodSeconds", TPH_FIELD_INT, tph_probe, period_s),
    F("timeoutSeconds", TPH_FIELD_INT, tph_probe, timeout_s),
    F("successThreshold", TPH_FIELD_INT, tph_probe, success_threshold),
    F("failureThreshold", TPH_FIELD_INT, tph_probe, failure_threshold),
    F_IGNORED("terminationGracePeriodSeconds"),
    F_END,
};
static const struct tph_fields probe_fields = {probe_list, sizeof(struct tph_probe)};

static const struct tph_field container_list[] = {
    F("name", TPH_FIELD_STR, tph_container, name),
    F("image", TPH_FIELD_STR, tph_container, image),
    F("workingDir", TPH_FIELD_STR, tph_container, working_dir),
    F_LIST("command", TPH_FIELD_STRS, tph_container, command, n_command, NULL),
    F_LIST("args", TPH_FIELD_STRS, tph_container, args, n_args, NULL),
    F_LIST("env", TPH_FIELD_LIST, tph_container, env, n_env, &env_fields),
    F_LIST("envFrom", TPH_FIELD_LIST, tph_container, env_from, n_env_from, &env_from_fields),
    F_LIST("ports", TPH_FIELD_LIST, tph_container, ports, n_ports, &port_fields),
    F_OBJECT("resources", tph_container, resources, &resources_fields),
    F_CUSTOM("securityContext", read_security),
    F_OBJECT("livenessProbe", tph_container, liveness, &probe_fields),
    F_OBJECT("readinessProbe", tph_container, readiness, &probe_fields),
    F_LIST("volumeMounts", TPH_FIELD_LIST, tph_container, mounts, n_mounts, &mount_fields),
    F_IGNORED("imagePullPolicy"),
    F_IGNORED("terminationMessagePath"),
    F_IGNORED("terminationMessagePolicy"),
    F_REFUSED("lifecycle", "there are no hooks of the container's life"),
    F_REFUSED("startupProbe", "use readinessProbe"),
    F_REFUSED("volumeDevices", NULL),
    F_REFUSED("resizePolicy", NULL),
    F_REFUSED("restartPolicy", "a sidecar is restarted when it ends"),
    F_IGNORED("stdin"),
    F_IGNORED("stdinOnce"),
    F_IGNORED("tty"),
    F_END,
};
static const struct tph_fields container_fields = {container_list, sizeof(struct tph_container)};

static void default_probe(struct tph_probe *probe)
{
    probe->period_s = probe->period_s > 0 ? probe->period_s : 10;
    probe->timeout_s = probe->timeout_s > 0 ? probe->timeout_s : 1;
    probe->success_threshold = probe->success_threshold > 0 ? probe->success_threshold : 1;
    probe->failure_threshold = probe->failure_threshold > 0 ? probe->failure_threshold : 3;
}

static int check_env(struct tph_reader *reader, const struct tph_container *c)
{
    for (size_t i = 0; i < c->n_env; i++) {
        struct tph_str name = c->env[i].name;
        if (name.len == 0 || tph_str_find_byte(name, '=') >= 0) {
            (void)tph_reader_enter(reader, "env");
            tph_path_index(&reader->path, i);
            return tph_reader_fail(reader, "name is %s", name.len == 0 ? "missing" : "no name: it holds =");
        }
    }
    return 0;
}

int tph_container_read(const struct tph_json *json, const char *path, struct tph_arena *arena,
                       struct tph_container *ret, struct tph_buf *ret_path, struct tph_error *err)
{
    struct tph_reader reader = {.arena = arena, .path = TPH_BUF_INIT(TPH_KIB(64)), .err = err};
    struct tph_container c = {.security = {.run_as_user = -1, .run_as_group = -1},
                              .termination_grace_ms = TPH_LIMIT_GRACE_MS};
    (void)tph_buf_puts(&reader.path, path);
    int failed = tph_fields_read(&reader, json, &container_fields, &c);
    failed = failed < 0 ? failed : check_env(&reader, &c);
    default_probe(&c.liveness);
    default_probe(&c.readiness);
    if (failed < 0 && ret_path) {
        (void)tph_buf_put(ret_path, tph_buf_str(&reader.path));
    }
    tph_buf_release(&reader.path);
    if (failed < 0) {
        return -1;
    }
    *ret = c;
    return 0;
}
