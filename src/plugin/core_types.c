/* SPDX-License-Identifier: Apache-2.0 */
/* The Go types that an ExecutorPlugin document passes through: Argo's spec.Plugin and Kubernetes' core/v1 Container,
 * with the members' names, kinds and omitempty as those declare them (k8s.io/api v0.35). */
#include "plugin/gotype.h"

#define TEXT(name)                           \
    {                                        \
        name, TPH_GO_STR, NULL, false, false \
    }
#define TEXT_ALWAYS(name)                   \
    {                                       \
        name, TPH_GO_STR, NULL, false, true \
    }
#define TEXT_POINTER(name)                  \
    {                                       \
        name, TPH_GO_STR, NULL, true, false \
    }
#define FLAG(name)                            \
    {                                         \
        name, TPH_GO_BOOL, NULL, false, false \
    }
#define FLAG_POINTER(name)                   \
    {                                        \
        name, TPH_GO_BOOL, NULL, true, false \
    }
#define NUMBER(name)                           \
    {                                          \
        name, TPH_GO_INT32, NULL, false, false \
    }
#define NUMBER_ALWAYS(name)                   \
    {                                         \
        name, TPH_GO_INT32, NULL, false, true \
    }
#define LONG_POINTER(name)                    \
    {                                         \
        name, TPH_GO_INT64, NULL, true, false \
    }
#define OBJECT(name, type)                     \
    {                                          \
        name, TPH_GO_STRUCT, type, true, false \
    }
#define OBJECT_ALWAYS(name, type)              \
    {                                          \
        name, TPH_GO_STRUCT, type, false, true \
    }
#define TEXTS(name)                           \
    {                                         \
        name, TPH_GO_LIST, NULL, false, false \
    }
#define OBJECTS(name, type)                   \
    {                                         \
        name, TPH_GO_LIST, type, false, false \
    }
#define ANY(name)                            \
    {                                        \
        name, TPH_GO_ANY, NULL, false, false \
    }
#define END                                  \
    {                                        \
        NULL, TPH_GO_ANY, NULL, false, false \
    }
#define TYPE(variable, title, ...)                                             \
    static const struct tph_go_field variable##_fields[] = {__VA_ARGS__, END}; \
    static const struct tph_go_type variable = {title, variable##_fields}

TYPE(port, "ContainerPort", TEXT("name"), NUMBER("hostPort"), NUMBER_ALWAYS("containerPort"), TEXT("protocol"),
     TEXT("hostIP"));

TYPE(field_ref, "ObjectFieldSelector", TEXT("apiVersion"), TEXT_ALWAYS("fieldPath"));
TYPE(resource_ref, "ResourceFieldSelector", TEXT("containerName"), TEXT_ALWAYS("resource"),
     {"divisor", TPH_GO_QUANTITY, NULL, true, false});
TYPE(key_ref, "SecretKeySelector", TEXT("name"), TEXT_ALWAYS("key"), FLAG_POINTER("optional"));
TYPE(file_ref, "FileKeySelector", TEXT_ALWAYS("volumeName"), TEXT_ALWAYS("path"), TEXT_ALWAYS("key"),
     FLAG_POINTER("optional"));
TYPE(value_from, "EnvVarSource", OBJECT("fieldRef", &field_ref), OBJECT("resourceFieldRef", &resource_ref),
     OBJECT("configMapKeyRef", &key_ref), OBJECT("secretKeyRef", &key_ref), OBJECT("fileKeyRef", &file_ref));
TYPE(env, "EnvVar", TEXT_ALWAYS("name"), TEXT("value"), OBJECT("valueFrom", &value_from));
TYPE(source_ref, "SecretEnvSource", TEXT("name"), FLAG_POINTER("optional"));
TYPE(env_from, "EnvFromSource", TEXT("prefix"), OBJECT("configMapRef", &source_ref), OBJECT("secretRef", &source_ref));

TYPE(claim, "ResourceClaim", TEXT_ALWAYS("name"), TEXT("request"));
TYPE(resources, "ResourceRequirements", {"limits", TPH_GO_QUANTITY_MAP, NULL, false, false},
     {"requests", TPH_GO_QUANTITY_MAP, NULL, false, false}, OBJECTS("claims", &claim));
TYPE(resize, "ContainerResizePolicy", TEXT_ALWAYS("resourceName"), TEXT_ALWAYS("restartPolicy"));

TYPE(mount, "VolumeMount", TEXT_ALWAYS("name"), FLAG("readOnly"), TEXT_POINTER("recursiveReadOnly"),
     TEXT_ALWAYS("mountPath"), TEXT("subPath"), TEXT_POINTER("mountPropagation"), TEXT("subPathExpr"));
TYPE(device, "VolumeDevice", TEXT_ALWAYS("name"), TEXT_ALWAYS("devicePath"));

TYPE(http_header, "HTTPHeader", TEXT_ALWAYS("name"), TEXT_ALWAYS("value"));
TYPE(http_get, "HTTPGetAction", TEXT("path"), {"port", TPH_GO_INT_OR_STRING, NULL, false, true}, TEXT("host"),
     TEXT("scheme"), OBJECTS("httpHeaders", &http_header));
TYPE(tcp_socket, "TCPSocketAction", {"port", TPH_GO_INT_OR_STRING, NULL, false, true}, TEXT("host"));
TYPE(exec_action, "ExecAction", TEXTS("command"));
TYPE(grpc, "GRPCAction", NUMBER_ALWAYS("port"), TEXT_POINTER("service"));
TYPE(sleep_action, "SleepAction", {"seconds", TPH_GO_INT64, NULL, false, true});
TYPE(probe, "Probe", OBJECT("exec", &exec_action), OBJECT("httpGet", &http_get), OBJECT("tcpSocket", &tcp_socket),
     OBJECT("grpc", &grpc), NUMBER("initialDelaySeconds"), NUMBER("timeoutSeconds"), NUMBER("periodSeconds"),
     NUMBER("successThreshold"), NUMBER("failureThreshold"), LONG_POINTER("terminationGracePeriodSeconds"));
TYPE(handler, "LifecycleHandler", OBJECT("exec", &exec_action), OBJECT("httpGet", &http_get),
     OBJECT("tcpSocket", &tcp_socket), OBJECT("sleep", &sleep_action));
TYPE(lifecycle, "Lifecycle", OBJECT("postStart", &handler), OBJECT("preStop", &handler), TEXT_POINTER("stopSignal"));

TYPE(capabilities, "Capabilities", TEXTS("add"), TEXTS("drop"));
TYPE(selinux, "SELinuxOptions", TEXT("user"), TEXT("role"), TEXT("type"), TEXT("level"));
TYPE(windows, "WindowsSecurityContextOptions", TEXT_POINTER("gmsaCredentialSpecName"),
     TEXT_POINTER("gmsaCredentialSpec"), TEXT_POINTER("runAsUserName"), FLAG_POINTER("hostProcess"));
TYPE(profile, "SeccompProfile", TEXT_ALWAYS("type"), TEXT_POINTER("localhostProfile"));
TYPE(security, "SecurityContext", OBJECT("capabilities", &capabilities), FLAG_POINTER("privileged"),
     OBJECT("seLinuxOptions", &selinux), OBJECT("windowsOptions", &windows), LONG_POINTER("runAsUser"),
     LONG_POINTER("runAsGroup"), FLAG_POINTER("runAsNonRoot"), FLAG_POINTER("readOnlyRootFilesystem"),
     FLAG_POINTER("allowPrivilegeEscalation"), TEXT_POINTER("procMount"), OBJECT("seccompProfile", &profile),
     OBJECT("appArmorProfile", &profile));

TYPE(container, "Container", TEXT_ALWAYS("name"), TEXT("image"), TEXTS("command"), TEXTS("args"), TEXT("workingDir"),
     OBJECTS("ports", &port), OBJECTS("envFrom", &env_from), OBJECTS("env", &env),
     OBJECT_ALWAYS("resources", &resources), OBJECTS("resizePolicy", &resize), TEXT_POINTER("restartPolicy"),
     ANY("restartPolicyRules"), OBJECTS("volumeMounts", &mount), OBJECTS("volumeDevices", &device),
     OBJECT("livenessProbe", &probe), OBJECT("readinessProbe", &probe), OBJECT("startupProbe", &probe),
     OBJECT("lifecycle", &lifecycle), TEXT("terminationMessagePath"), TEXT("terminationMessagePolicy"),
     TEXT("imagePullPolicy"), OBJECT("securityContext", &security), FLAG("stdin"), FLAG("stdinOnce"), FLAG("tty"));

TYPE(sidecar, "Sidecar", FLAG("automountServiceAccountToken"), OBJECT("container", &container));
TYPE(plugin_spec, "PluginSpec", OBJECT_ALWAYS("sidecar", &sidecar));
TYPE(meta, "ObjectMeta", TEXT("name"), TEXT("generateName"), TEXT("namespace"), TEXT("selfLink"), TEXT("uid"),
     TEXT("resourceVersion"), {"generation", TPH_GO_INT64, NULL, false, false},
     {"creationTimestamp", TPH_GO_TIME, NULL, false, false}, {"deletionTimestamp", TPH_GO_TIME, NULL, true, false},
     LONG_POINTER("deletionGracePeriodSeconds"), {"labels", TPH_GO_STR_MAP, NULL, false, false},
     {"annotations", TPH_GO_STR_MAP, NULL, false, false}, ANY("ownerReferences"), TEXTS("finalizers"),
     ANY("managedFields"));

static const struct tph_go_field plugin_fields[] = {TEXT("kind"), TEXT("apiVersion"), OBJECT_ALWAYS("metadata", &meta),
                                                    OBJECT_ALWAYS("spec", &plugin_spec), END};
const struct tph_go_type tph_go_plugin = {"Plugin", plugin_fields};
