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
        if (env->source != TPH_ENV_VALUE) {
            return tph_reader_fail(reader, "a variable has one source, not two");
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
    return env->source != TPH_ENV_VALUE ? 0 : tph_reader_fail(reader, "names no source");
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
    if (env->source != TPH_ENV_VALUE) {
        return tph_reader_fail(reader, "give secretRef or configMapRef, not both");
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
    F("hostPort", TPH_FIELD_PORT, tph_port, host_port),
    F_REFUSED("hostIP", "the program itself says which address it listens on"),
    F_END,
};
static const struct tph_fields port_fields = {port_list, sizeof(struct tph_port)};

static int read_propagation(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    (void)into;
    return tph_str_eqz(tph_json_str(json), "None")
               ? 0
               : tph_reader_fail(reader, "cannot be honoured here: sidecars share no mounts with this machine");
}

static const struct tph_field mount_list[] = {
    F("name", TPH_FIELD_STR, tph_mount, volume),
    F("mountPath", TPH_FIELD_STR, tph_mount, path),
    F("subPath", TPH_FIELD_STR, tph_mount, sub_path),
    F("readOnly", TPH_FIELD_BOOL, tph_mount, read_only),
    F_REFUSED("subPathExpr", NULL),
    F_CUSTOM("mountPropagation", read_propagation),
    F_IGNORED("recursiveReadOnly"), /* no mount of ours has others below it */
    F_END,
};
static const struct tph_fields mount_fields = {mount_list, sizeof(struct tph_mount)};

/* One map of requests or limits. What a sidecar writes stays in memory, so it takes no ephemeral storage. */
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
        if (value < 0 || milli < 0) {
            return tph_reader_fail(reader, "%.*s is negative", TPH_FMT(text));
        }
        if (tph_str_eqz(it.key, "cpu")) {
            *cpu_milli = milli;
        } else if (tph_str_eqz(it.key, "memory")) {
            *memory = value;
        } else if (!tph_str_eqz(it.key, "ephemeral-storage")) {
            return tph_reader_fail(reader, "cannot be honoured here: cpu, memory and ephemeral-storage can");
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

/* Sidecars have none: dropping is what happens anyway, adding cannot be done. */
static int read_capabilities(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    (void)into;
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        bool add = tph_str_eqz(it.key, "add");
        size_t mark = reader->path.len;
        tph_path_key(&reader->path, it.key);
        if (!add && !tph_str_eqz(it.key, "drop")) {
            return tph_reader_fail(reader, "is no field that is known here");
        }
        if (add && tph_json_len(it.value) > 0) {
            return tph_reader_fail(reader, "cannot be honoured here: sidecars run without capabilities");
        }
        tph_reader_leave(reader, mark);
    }
    return 0;
}

/* Members that are honoured as long as nothing is asked for. */
static int read_escalation(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    (void)into;
    return tph_json_bool(json)
               ? tph_reader_fail(reader, "true cannot be honoured here: sidecars gain no rights by running programs")
               : 0;
}

static int read_proc_mount(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    (void)into;
    return tph_str_eqz(tph_json_str(json), "Default") ? 0
                                                      : tph_reader_fail(reader, "cannot be honoured here: Default can");
}

static int read_terminal(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    (void)into;
    return tph_json_bool(json)
               ? tph_reader_fail(reader, "true cannot be honoured here: sidecars have no input and no terminal")
               : 0;
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
    F_CUSTOM("allowPrivilegeEscalation", read_escalation),
    F_CUSTOM("seccompProfile", read_seccomp),
    F_CUSTOM("capabilities", read_capabilities),
    F_CUSTOM("privileged", read_privileged),
    F_REFUSED("seLinuxOptions", NULL),
    F_REFUSED("windowsOptions", NULL),
    F_CUSTOM("procMount", read_proc_mount),
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

/* Probes */

/* A number, or the name of one of the container's ports, which is looked up when all of them are known. */
static int read_probe_port(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_probe *probe = into;
    int64_t port = 0;
    struct tph_str name = tph_json_str(json);
    bool number = tph_json_to_i64(json, &port) == 0 || tph_str_to_i64(name, &port) == 0;
    if (!number && name.len > 0) {
        probe->port_name = tph_arena_str(reader->arena, name);
        return 0;
    }
    if (!number || port < 1 || port > 65535) {
        return tph_reader_fail(reader, "must be a number from 1 to 65535, or the name of a port");
    }
    probe->port = (uint16_t)port;
    return 0;
}

static int read_scheme(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    struct tph_probe *probe = into;
    probe->scheme = tph_arena_str(reader->arena, tph_json_str(json));
    return probe->scheme.len == 0 || tph_str_eqz(probe->scheme, "HTTP")
               ? 0
               : tph_reader_fail(reader, "%.*s cannot be honoured here: HTTP can", TPH_FMT(probe->scheme));
}

static const struct tph_field header_list[] = {
    F("name", TPH_FIELD_STR, tph_probe_header, name),
    F("value", TPH_FIELD_STR, tph_probe_header, value),
    F_END,
};
static const struct tph_fields header_fields = {header_list, sizeof(struct tph_probe_header)};

static const struct tph_field http_list[] = {
    F("path", TPH_FIELD_STR, tph_probe, path),
    F("host", TPH_FIELD_STR, tph_probe, host),
    F_CUSTOM("scheme", read_scheme),
    F_CUSTOM("port", read_probe_port),
    F_LIST("httpHeaders", TPH_FIELD_LIST, tph_probe, headers, n_headers, &header_fields),
    F_END,
};
static const struct tph_field tcp_list[] = {
    F("host", TPH_FIELD_STR, tph_probe, host),
    F_CUSTOM("port", read_probe_port),
    F_END,
};
static const struct tph_field exec_list[] = {
    F_LIST("command", TPH_FIELD_STRS, tph_probe, command, n_command, NULL),
    F_END,
};
static const struct tph_fields http_fields = {http_list, sizeof(struct tph_probe)};
static const struct tph_fields tcp_fields = {tcp_list, sizeof(struct tph_probe)};
static const struct tph_fields exec_fields = {exec_list, sizeof(struct tph_probe)};

static int read_action(struct tph_reader *reader, const struct tph_json *json, struct tph_probe *probe,
                       enum tph_probe_kind kind, const struct tph_fields *fields)
{
    if (probe->kind != TPH_PROBE_NONE) {
        return tph_reader_fail(reader, "a probe is one of httpGet, tcpSocket and exec, not two");
    }
    probe->kind = kind;
    return tph_fields_read(reader, json, fields, probe);
}

static int read_http_get(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_action(reader, json, into, TPH_PROBE_HTTP, &http_fields);
}

static int read_tcp_socket(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_action(reader, json, into, TPH_PROBE_TCP, &tcp_fields);
}

static int read_exec(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_action(reader, json, into, TPH_PROBE_EXEC, &exec_fields);
}

static int read_probe_grace(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    int64_t grace_s = 0;
    if (tph_json_to_i64(json, &grace_s) < 0 || grace_s < 1 || grace_s > TPH_LIMIT_GRACE_S) {
        return tph_reader_fail(reader, "must be a whole number from 1 to %d", TPH_LIMIT_GRACE_S);
    }
    ((struct tph_probe *)into)->grace_ms = grace_s * 1000;
    return 0;
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
    F_CUSTOM("terminationGracePeriodSeconds", read_probe_grace),
    F_END,
};
static const struct tph_fields probe_fields = {probe_list, sizeof(struct tph_probe)};

static int read_probe(struct tph_reader *reader, const struct tph_json *json, struct tph_probe *probe, bool liveness)
{
    if (tph_fields_read(reader, json, &probe_fields, probe) < 0) {
        return -1;
    }
    const struct {
        const char *name;
        int value;
    } counts[] = {{"initialDelaySeconds", probe->initial_delay_s},
                  {"periodSeconds", probe->period_s},
                  {"timeoutSeconds", probe->timeout_s},
                  {"successThreshold", probe->success_threshold},
                  {"failureThreshold", probe->failure_threshold}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (counts[i].value < 0 || counts[i].value > TPH_LIMIT_GRACE_S) {
            (void)tph_reader_enter(reader, counts[i].name);
            return tph_reader_fail(reader, "must be a whole number from 0 to %d", TPH_LIMIT_GRACE_S);
        }
    }
    if (probe->kind == TPH_PROBE_NONE) {
        return tph_reader_fail(reader, "names no action: httpGet, tcpSocket or exec");
    }
    if ((probe->kind == TPH_PROBE_HTTP || probe->kind == TPH_PROBE_TCP) && probe->port == 0 &&
        probe->port_name.len == 0) {
        (void)tph_reader_enter(reader, probe->kind == TPH_PROBE_HTTP ? "httpGet" : "tcpSocket");
        return tph_reader_fail(reader, "port is missing");
    }
    if (liveness && probe->success_threshold > 1) {
        (void)tph_reader_enter(reader, "successThreshold");
        return tph_reader_fail(reader, "must be 1");
    }
    if (!liveness && probe->grace_ms > 0) {
        (void)tph_reader_enter(reader, "terminationGracePeriodSeconds");
        return tph_reader_fail(reader, "is for a livenessProbe: this one ends nothing");
    }
    return 0;
}

static int read_liveness(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_probe(reader, json, &((struct tph_container *)into)->liveness, true);
}

static int read_readiness(struct tph_reader *reader, const struct tph_json *json, void *into)
{
    return read_probe(reader, json, &((struct tph_container *)into)->readiness, false);
}

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
    F_CUSTOM("livenessProbe", read_liveness),
    F_CUSTOM("readinessProbe", read_readiness),
    F_LIST("volumeMounts", TPH_FIELD_LIST, tph_container, mounts, n_mounts, &mount_fields),
    F_IGNORED("imagePullPolicy"),        /* nothing is pulled */
    F_IGNORED("terminationMessagePath"), /* nobody asks for the message: the log's end is shown */
    F_IGNORED("terminationMessagePolicy"),
    F_REFUSED("lifecycle", "there are no hooks of the container's life"),
    F_REFUSED("startupProbe", "use readinessProbe"),
    F_REFUSED("volumeDevices", NULL),
    F_REFUSED("resizePolicy", NULL),
    F_REFUSED("restartPolicy", "a sidecar is restarted when it ends"),
    F_CUSTOM("stdin", read_terminal),
    F_CUSTOM("stdinOnce", read_terminal),
    F_CUSTOM("tty", read_terminal),
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

/* At a member of a list. */
static int fail_at(struct tph_reader *reader, const char *list, size_t index, const char *member, const char *text)
{
    (void)tph_reader_enter(reader, list);
    tph_path_index(&reader->path, index);
    if (member) {
        (void)tph_reader_enter(reader, member);
    }
    return tph_reader_fail(reader, "%s", text);
}

static int check_env(struct tph_reader *reader, const struct tph_container *c)
{
    for (size_t i = 0; i < c->n_env; i++) {
        struct tph_str name = c->env[i].name;
        if (name.len == 0 || tph_str_find_byte(name, '=') >= 0) {
            return fail_at(reader, "env", i, NULL, name.len == 0 ? "name is missing" : "name is no name: it holds =");
        }
        if (c->env[i].source != TPH_ENV_VALUE && c->env[i].value.len > 0) {
            return fail_at(reader, "env", i, NULL, "give value or valueFrom, not both");
        }
    }
    for (size_t i = 0; i < c->n_env_from; i++) {
        if (c->env_from[i].source == TPH_ENV_VALUE) {
            return fail_at(reader, "envFrom", i, NULL, "names no source: secretRef or configMapRef");
        }
    }
    return 0;
}

static int check_ports(struct tph_reader *reader, const struct tph_container *c)
{
    static const char *const protocols[] = {"", "TCP", "UDP", "SCTP"};
    for (size_t i = 0; i < c->n_ports; i++) {
        const struct tph_port *port = &c->ports[i];
        bool known = false;
        for (size_t j = 0; j < sizeof(protocols) / sizeof(protocols[0]); j++) {
            known = known || tph_str_eqz(port->protocol, protocols[j]);
        }
        if (port->port == 0) {
            return fail_at(reader, "ports", i, NULL, "containerPort is missing");
        }
        if (port->host_port != 0 && port->host_port != port->port) {
            return fail_at(reader, "ports", i, "hostPort",
                           "cannot be honoured here: nothing maps ports, let it be containerPort's number");
        }
        if (!known) {
            return fail_at(reader, "ports", i, "protocol", "must be TCP, UDP or SCTP");
        }
    }
    return 0;
}

/* Looks up a port by its name. */
static int resolve_port(struct tph_reader *reader, const struct tph_container *c, struct tph_probe *probe,
                        const char *name)
{
    if (probe->port_name.len == 0) {
        return 0;
    }
    for (size_t i = 0; i < c->n_ports; i++) {
        if (tph_str_eq(c->ports[i].name, probe->port_name)) {
            probe->port = c->ports[i].port;
            probe->port_name = TPH_STR("");
            return 0;
        }
    }
    (void)tph_reader_enter(reader, name);
    (void)tph_reader_enter(reader, probe->kind == TPH_PROBE_HTTP ? "httpGet" : "tcpSocket");
    (void)tph_reader_enter(reader, "port");
    return tph_reader_fail(reader, "no port of this container is named \"%.*s\"", TPH_FMT(probe->port_name));
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
    failed = failed < 0 ? failed : check_ports(&reader, &c);
    failed = failed < 0 ? failed : resolve_port(&reader, &c, &c.liveness, "livenessProbe");
    failed = failed < 0 ? failed : resolve_port(&reader, &c, &c.readiness, "readinessProbe");
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
