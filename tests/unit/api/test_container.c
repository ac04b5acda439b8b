/* SPDX-License-Identifier: Apache-2.0 */
/* What a sidecar's container and volumes may say: every field is read, or refused with its path and the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/container.h"
#include "api/fields.h"
#include "base/limits.h"
#include "data/yaml.h"

#define C "spec.sidecar.container"

struct rig {
    struct tph_arena *arena;
    struct tph_json_doc *doc;
    struct tph_container container;
    struct tph_error err;
};

static int open_rig(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    r->arena = tph_arena_new();
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;
    tph_json_doc_free(r->doc);
    tph_arena_free(r->arena);
    free(r);
    return 0;
}

static const struct tph_json *parse(struct rig *r, const char *yaml)
{
    struct tph_error err = TPH_ERROR_INIT;
    tph_json_doc_free(r->doc);
    r->doc = NULL;
    if (tph_yaml_parse(tph_str(yaml), TPH_YAML_STRICT, &r->doc, NULL, &err) < 0) {
        fail_msg("%s: %s", yaml, err.text);
    }
    return tph_json_root(r->doc);
}

static int read_container(struct rig *r, const char *yaml)
{
    r->err = TPH_ERROR_INIT;
    return tph_container_read(parse(r, yaml), C, r->arena, &r->container, NULL, &r->err);
}

static const struct tph_container *good(struct rig *r, const char *yaml)
{
    if (read_container(r, yaml) < 0) {
        fail_msg("%s: %s", yaml, r->err.text);
    }
    return &r->container;
}

static int read_volume(struct rig *r, const char *yaml, struct tph_volume *ret)
{
    struct tph_reader reader = {.arena = r->arena, .path = TPH_BUF_INIT(TPH_KIB(8)), .err = &r->err};
    r->err = TPH_ERROR_INIT;
    (void)tph_buf_puts(&reader.path, "volumes[0]");
    int failed = tph_volume_read(&reader, parse(r, yaml), ret);
    tph_buf_release(&reader.path);
    return failed;
}

static void every_field_that_is_honoured_is_read(void **state)
{
    const struct tph_container *c = good(
        *state, "name: hello\n"
                "image: python:3\n"
                "workingDir: /app\n"
                "command: [python, -c]\n"
                "args: [1, true, text]\n"
                "ports: [{containerPort: 4355, name: http, protocol: TCP, hostPort: 4355}]\n"
                "resources: {requests: {cpu: 100m, memory: 32Mi, ephemeral-storage: 1Gi}, limits: {cpu: 2, memory: "
                "64Mi}}\n"
                "securityContext: {runAsUser: 1000, runAsGroup: 2000, runAsNonRoot: true, "
                "readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, privileged: false, "
                "procMount: Default, capabilities: {drop: [ALL], add: []}, seccompProfile: {type: Unconfined}}\n"
                "volumeMounts: [{name: v, mountPath: /v, subPath: k, readOnly: true, mountPropagation: None, "
                "recursiveReadOnly: Enabled}]\n"
                "stdin: false\ntty: false\nstdinOnce: false\nimagePullPolicy: Never\n"
                "terminationMessagePath: /dev/termination-log\nterminationMessagePolicy: File\n");
    assert_true(tph_str_eqz(c->name, "hello") && tph_str_eqz(c->image, "python:3"));
    assert_true(tph_str_eqz(c->working_dir, "/app"));
    assert_int_equal(c->n_command, 2);
    assert_int_equal(c->n_args, 3);
    assert_true(tph_str_eqz(c->args[0], "1") && tph_str_eqz(c->args[1], "true"));
    assert_int_equal(c->ports[0].port, 4355);
    assert_int_equal(c->resources.cpu_request_milli, 100);
    assert_int_equal(c->resources.cpu_limit_milli, 2000);
    assert_int_equal(c->resources.memory_limit, 64 << 20);
    assert_int_equal(c->security.run_as_user, 1000);
    assert_int_equal(c->security.run_as_group, 2000);
    assert_int_equal(c->security.run_as_non_root, TPH_YES);
    assert_int_equal(c->security.read_only_root_filesystem, TPH_YES);
    assert_int_equal(c->security.seccomp, TPH_SECCOMP_UNCONFINED);
    assert_true(tph_str_eqz(c->mounts[0].path, "/v") && tph_str_eqz(c->mounts[0].sub_path, "k"));
    assert_true(c->mounts[0].read_only);
    assert_int_equal(c->termination_grace_ms, TPH_LIMIT_GRACE_MS);
}

static void variables_are_read_with_their_sources(void **state)
{
    const struct tph_container *c =
        good(*state, "env:\n"
                     "- {name: A, value: 1}\n"
                     "- {name: B, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}\n"
                     "- {name: C, valueFrom: {configMapKeyRef: {name: m, key: k}}}\n"
                     "- {name: D, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}\n"
                     "- {name: E}\n"
                     "envFrom: [{prefix: P_, secretRef: {name: s}}, {configMapRef: {name: m, optional: true}}]\n");
    assert_int_equal(c->n_env, 5);
    assert_true(c->env[0].source == TPH_ENV_VALUE && tph_str_eqz(c->env[0].value, "1"));
    assert_true(c->env[1].source == TPH_ENV_SECRET && c->env[1].optional && tph_str_eqz(c->env[1].ref_name, "s"));
    assert_true(c->env[2].source == TPH_ENV_CONFIGMAP && !c->env[2].optional);
    assert_true(c->env[3].source == TPH_ENV_FIELD && tph_str_eqz(c->env[3].ref_key, "metadata.uid"));
    assert_true(c->env[4].source == TPH_ENV_VALUE && c->env[4].value.len == 0);
    assert_int_equal(c->n_env_from, 2);
    assert_true(c->env_from[0].source == TPH_ENV_SECRET && tph_str_eqz(c->env_from[0].prefix, "P_"));
    assert_true(c->env_from[1].source == TPH_ENV_CONFIGMAP && c->env_from[1].optional);
}

static void probes_have_kubernetes_defaults_and_ports_by_name(void **state)
{
    const struct tph_container *c =
        good(*state, "ports: [{containerPort: 80}, {containerPort: 4355, name: http}]\n"
                     "readinessProbe: {httpGet: {path: /ready, port: http, host: localhost, scheme: HTTP, "
                     "httpHeaders: [{name: Host, value: example.com}, {name: X, value: 1}]}}\n"
                     "livenessProbe: {tcpSocket: {port: \"4356\", host: 127.0.0.1}, initialDelaySeconds: 1, "
                     "periodSeconds: 2, timeoutSeconds: 3, successThreshold: 1, failureThreshold: 5, "
                     "terminationGracePeriodSeconds: 7}\n");
    const struct tph_probe *r = &c->readiness, *l = &c->liveness;
    assert_true(r->kind == TPH_PROBE_HTTP && r->port == 4355 && tph_str_eqz(r->path, "/ready"));
    assert_int_equal(r->n_headers, 2);
    assert_true(tph_str_eqz(r->headers[1].name, "X") && tph_str_eqz(r->headers[1].value, "1"));
    assert_true(r->initial_delay_s == 0 && r->period_s == 10 && r->timeout_s == 1 && r->success_threshold == 1 &&
                r->failure_threshold == 3);
    assert_true(l->kind == TPH_PROBE_TCP && l->port == 4356 && tph_str_eqz(l->host, "127.0.0.1"));
    assert_true(l->initial_delay_s == 1 && l->period_s == 2 && l->timeout_s == 3 && l->failure_threshold == 5);
    assert_int_equal(l->grace_ms, 7000);
    c = good(*state, "livenessProbe: {exec: {command: [test, -f, /x]}}\n");
    assert_true(c->liveness.kind == TPH_PROBE_EXEC && c->liveness.n_command == 3);
    assert_int_equal(c->readiness.kind, TPH_PROBE_NONE);
}

static void what_cannot_be_honoured_is_refused_by_its_path(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *yaml, *text;
    } cases[] = {
        {"imagee: x", C ".imagee: is no field that is known here; did you mean image?"},
        {"command: text", C ".command: must be a list, not a string"},
        {"lifecycle: {}", C ".lifecycle: cannot be honoured here: there are no hooks of the container's life"},
        {"startupProbe: {}", C ".startupProbe: cannot be honoured here: use readinessProbe"},
        {"volumeDevices: [x]", C ".volumeDevices: cannot be honoured here"},
        {"resizePolicy: [x]", C ".resizePolicy: cannot be honoured here"},
        {"restartPolicy: Always", C ".restartPolicy: cannot be honoured here: a sidecar is restarted when it ends"},
        {"stdin: true", C ".stdin: true cannot be honoured here: sidecars have no input and no terminal"},
        {"tty: true", C ".tty: true cannot be honoured here: sidecars have no input and no terminal"},
        /* ports */
        {"ports: [{name: x}]", C ".ports[0]: containerPort is missing"},
        {"ports: [{containerPort: 0}]", C ".ports[0].containerPort: 0 is not a whole number from 1 to 65535"},
        {"ports: [{containerPort: 1}, {containerPort: 4355, hostPort: 80}]",
         C ".ports[1].hostPort: cannot be honoured here: nothing maps ports, let it be containerPort's number"},
        {"ports: [{containerPort: 1, hostIP: 10.0.0.1}]",
         C ".ports[0].hostIP: cannot be honoured here: the program itself says which address it listens on"},
        {"ports: [{containerPort: 1, protocol: tcp}]", C ".ports[0].protocol: must be TCP, UDP or SCTP"},
        /* env */
        {"env: [{value: x}]", C ".env[0]: name is missing"},
        {"env: [{name: A=B}]", C ".env[0]: name is no name: it holds ="},
        {"env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
         C ".env[0]: give value or valueFrom, not both"},
        {"env: [{name: A, valueFrom: {}}]", C ".env[0].valueFrom: names no source"},
        {"env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}, configMapKeyRef: {name: s, key: k}}}]",
         C ".env[0].valueFrom: a variable has one source, not two"},
        {"env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]", C ".env[0].valueFrom.secretKeyRef: key is missing"},
        {"env: [{name: A, valueFrom: {secretKeyRef: {key: s}}}]", C ".env[0].valueFrom.secretKeyRef: name is missing"},
        {"env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]", C
         ".env[0].valueFrom.resourceFieldRef: cannot be honoured here: secretKeyRef, configMapKeyRef and fieldRef can"},
        {"env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]",
         C ".env[0].valueFrom.fieldRef.fieldPath: \"status.podIP\" cannot be honoured here: metadata.name, "
           "metadata.namespace and metadata.uid can"},
        {"envFrom: [{prefix: X}]", C ".envFrom[0]: names no source: secretRef or configMapRef"},
        {"envFrom: [{secretRef: {name: a}, configMapRef: {name: b}}]",
         C ".envFrom[0].configMapRef: give secretRef or configMapRef, not both"},
        /* resources */
        {"resources: {claims: [{name: x}]}",
         C ".resources.claims: cannot be honoured here: there are no devices to claim"},
        {"resources: {limits: {memory: lots}}",
         C ".resources.limits.memory: \"lots\" is no quantity such as 250m or 64Mi"},
        {"resources: {limits: {memory: -1}}", C ".resources.limits.memory: -1 is negative"},
        {"resources: {limits: {cpu: -100m}}", C ".resources.limits.cpu: -100m is negative"},
        {"resources: {limits: {nvidia.com/gpu: 1}}",
         C ".resources.limits[nvidia.com/gpu]: cannot be honoured here: cpu, memory and ephemeral-storage can"},
        {"resources: {requests: {hugepages-2Mi: 4Mi}}",
         C ".resources.requests.hugepages-2Mi: cannot be honoured here: cpu, memory and ephemeral-storage can"},
        /* securityContext */
        {"securityContext: {runAsUser: 70000}", C ".securityContext.runAsUser: must be a number from 0 to 65535"},
        {"securityContext: {runAsUser: -1}", C ".securityContext.runAsUser: must be a number from 0 to 65535"},
        {"securityContext: {runAsGroup: root}", C ".securityContext.runAsGroup: must be a number from 0 to 65535"},
        {"securityContext: {runAsNonRoot: yes please}",
         C ".securityContext.runAsNonRoot: must be true or false, not a string"},
        {"securityContext: {privileged: true}",
         C ".securityContext.privileged: cannot be honoured here: sidecars are never privileged"},
        {"securityContext: {allowPrivilegeEscalation: true}", C
         ".securityContext.allowPrivilegeEscalation: true cannot be honoured here: sidecars gain no rights by running "
         "programs"},
        {"securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}",
         C ".securityContext.capabilities.add: cannot be honoured here: sidecars run without capabilities"},
        {"securityContext: {capabilities: {grant: [ALL]}}",
         C ".securityContext.capabilities.grant: is no field that is known here"},
        {"securityContext: {seccompProfile: {type: Localhost, localhostProfile: x.json}}",
         C ".securityContext.seccompProfile.type: \"Localhost\" cannot be honoured here: RuntimeDefault and Unconfined "
           "can"},
        {"securityContext: {seLinuxOptions: {level: s0}}",
         C ".securityContext.seLinuxOptions: cannot be honoured here"},
        {"securityContext: {windowsOptions: {}}", C ".securityContext.windowsOptions: cannot be honoured here"},
        {"securityContext: {appArmorProfile: {type: Localhost}}",
         C ".securityContext.appArmorProfile: cannot be honoured here"},
        {"securityContext: {procMount: Unmasked}",
         C ".securityContext.procMount: cannot be honoured here: Default can"},
        /* probes */
        {"livenessProbe: {}", C ".livenessProbe: names no action: httpGet, tcpSocket or exec"},
        {"livenessProbe: {tcpSocket: {port: 1}, exec: {command: [a]}}",
         C ".livenessProbe.exec: a probe is one of httpGet, tcpSocket and exec, not two"},
        {"livenessProbe: {grpc: {port: 1}}",
         C ".livenessProbe.grpc: cannot be honoured here: httpGet, tcpSocket and exec can"},
        {"livenessProbe: {httpGet: {path: /}}", C ".livenessProbe.httpGet: port is missing"},
        {"livenessProbe: {httpGet: {port: 70000}}",
         C ".livenessProbe.httpGet.port: must be a number from 1 to 65535, or the name of a port"},
        {"livenessProbe: {httpGet: {port: web}}",
         C ".livenessProbe.httpGet.port: no port of this container is named \"web\""},
        {"readinessProbe: {tcpSocket: {port: web}}",
         C ".readinessProbe.tcpSocket.port: no port of this container is named \"web\""},
        {"livenessProbe: {httpGet: {port: 1, scheme: HTTPS}}",
         C ".livenessProbe.httpGet.scheme: HTTPS cannot be honoured here: HTTP can"},
        {"livenessProbe: {httpGet: {port: 1, httpHeader: []}}",
         C ".livenessProbe.httpGet.httpHeader: is no field that is known here; did you mean httpHeaders?"},
        {"livenessProbe: {tcpSocket: {port: 1}, successThreshold: 2}", C ".livenessProbe.successThreshold: must be 1"},
        {"livenessProbe: {tcpSocket: {port: 1}, periodSeconds: -1}",
         C ".livenessProbe.periodSeconds: must be a whole number from 0 to 86400"},
        {"livenessProbe: {tcpSocket: {port: 1}, timeoutSeconds: 86401}",
         C ".livenessProbe.timeoutSeconds: must be a whole number from 0 to 86400"},
        {"livenessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 0}",
         C ".livenessProbe.terminationGracePeriodSeconds: must be a whole number from 1 to 86400"},
        {"readinessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 5}",
         C ".readinessProbe.terminationGracePeriodSeconds: is for a livenessProbe: this one ends nothing"},
        /* mounts */
        {"volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]",
         C ".volumeMounts[0].mountPropagation: cannot be honoured here: sidecars share no mounts with this machine"},
        {"volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(A)}]",
         C ".volumeMounts[0].subPathExpr: cannot be honoured here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_container(r, cases[i].yaml), -1);
        assert_string_equal(r->err.text, cases[i].text);
    }
}

static void volumes_are_read(void **state)
{
    struct rig *r = *state;
    struct tph_volume v;
    assert_int_equal(read_volume(r, "{name: a, emptyDir: {}}", &v), 0);
    assert_true(v.kind == TPH_VOLUME_EMPTY_DIR && v.size_limit == 0 && tph_str_eqz(v.name, "a"));
    assert_int_equal(read_volume(r, "{name: a, emptyDir: {sizeLimit: 1Mi, medium: Memory}}", &v), 0);
    assert_int_equal(v.size_limit, 1 << 20);
    assert_int_equal(read_volume(r, "{name: a, secret: {secretName: s, optional: true, defaultMode: 0400}}", &v), 0);
    assert_true(v.kind == TPH_VOLUME_SECRET && v.optional && v.mode == 0400 && tph_str_eqz(v.ref_name, "s"));
    assert_int_equal(
        read_volume(r, "{name: a, configMap: {name: m, items: [{key: k, path: a/b, mode: 0755}, {key: l, path: c}]}}",
                    &v),
        0);
    assert_true(v.kind == TPH_VOLUME_CONFIGMAP && v.mode == 0644 && v.n_items == 2);
    assert_true(tph_str_eqz(v.items[0].path, "a/b") && v.items[0].mode == 0755 && v.items[1].mode == -1);
}

static void volumes_that_cannot_be_honoured_are_refused_by_their_path(void **state)
{
    struct rig *r = *state;
    struct tph_volume v;
    static const struct {
        const char *yaml, *text;
    } cases[] = {
        {"{emptyDir: {}}", "volumes[0]: name is missing"},
        {"{name: a}", "volumes[0]: has no source: emptyDir, secret or configMap"},
        {"{name: a, emptyDir: {}, secret: {secretName: s}}",
         "volumes[0].secret: a volume is one of emptyDir, secret and configMap, not two"},
        {"{name: a, emptyDir: {medium: HugePages}}",
         "volumes[0].emptyDir.medium: \"HugePages\" cannot be honoured here: Memory can"},
        {"{name: a, emptyDir: {sizeLimit: big}}", "volumes[0].emptyDir.sizeLimit: \"big\" is no quantity such as 64Mi"},
        {"{name: a, emptyDir: {size: 1}}", "volumes[0].emptyDir.size: is no field that is known here"},
        {"{name: a, secret: {}}", "volumes[0].secret: secretName is missing"},
        {"{name: a, configMap: {}}", "volumes[0].configMap: name is missing"},
        {"{name: a, secret: {secretName: s, defaultMode: 01777}}",
         "volumes[0].secret.defaultMode: must be a file mode from 0 to 0777 (511)"},
        {"{name: a, secret: {secretName: s, items: [{path: x}]}}", "volumes[0].secret.items[0]: key is missing"},
        {"{name: a, secret: {secretName: s, items: [{key: k, path: ../x}]}}",
         "volumes[0].secret.items[0]: path must be relative, without . and .."},
        {"{name: a, secret: {secretName: s, items: [{key: k, path: /x}]}}",
         "volumes[0].secret.items[0]: path must be relative, without . and .."},
        {"{name: a, hostPath: {path: /}}",
         "volumes[0].hostPath: cannot be honoured here: sidecars see no files of this machine"},
        {"{name: a, persistentVolumeClaim: {claimName: x}}",
         "volumes[0].persistentVolumeClaim: cannot be honoured here: emptyDir, secret and configMap can"},
        {"{name: a, projected: {}}",
         "volumes[0].projected: cannot be honoured here: emptyDir, secret and configMap can"},
        {"{name: a, flocker: {}}", "volumes[0].flocker: is no field that is known here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_volume(r, cases[i].yaml, &v), -1);
        assert_string_equal(r->err.text, cases[i].text);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_field_that_is_honoured_is_read),
        T(variables_are_read_with_their_sources),
        T(probes_have_kubernetes_defaults_and_ports_by_name),
        T(what_cannot_be_honoured_is_refused_by_its_path),
        T(volumes_are_read),
        T(volumes_that_cannot_be_honoured_are_refused_by_their_path),
    };
    return cmocka_run_group_tests_name("api/container", tests, NULL, NULL);
}
