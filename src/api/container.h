/* SPDX-License-Identifier: Apache-2.0 */
/* A container as an executor plugin's sidecar has it: core/v1 Container, the fields that Tiphys honours.
 *
 * Read from JSON by field tables (api/fields.h). Everything lives in the arena given to the reader. A field that is
 * known to Kubernetes but that no runtime of ours can honour is an error that names its path; a field nobody knows
 * is an error too (Argo reads the container strictly). Integers where a text belongs become texts, as in Argo.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

enum tph_tristate { TPH_UNSET, TPH_NO, TPH_YES };

enum tph_env_source {
    TPH_ENV_VALUE,
    TPH_ENV_SECRET,    /* secretKeyRef: name, key, optional */
    TPH_ENV_CONFIGMAP, /* configMapKeyRef */
    TPH_ENV_FIELD,     /* fieldRef: key is metadata.name, metadata.namespace or metadata.uid */
};

struct tph_env {
    struct tph_str name;
    enum tph_env_source source;
    struct tph_str value;    /* TPH_ENV_VALUE; may refer to earlier ones as $(NAME) */
    struct tph_str ref_name; /* Secret or ConfigMap */
    struct tph_str ref_key;
    bool optional;
};

/* One of envFrom. */
struct tph_env_from {
    struct tph_str prefix;
    enum tph_env_source source; /* SECRET or CONFIGMAP */
    struct tph_str ref_name;
    bool optional;
};

struct tph_port {
    struct tph_str name;
    uint16_t port;           /* containerPort */
    uint16_t host_port;      /* hostPort; 0 or the same: nothing maps ports here */
    struct tph_str protocol; /* "" means TCP */
};

struct tph_resources {
    bool has_requests, has_limits; /* the maps were present and not empty */
    int64_t cpu_limit_milli;       /* thousandths of a CPU; 0 = not limited */
    int64_t memory_limit;          /* bytes; 0 = not limited */
    int64_t cpu_request_milli, memory_request;
};

enum tph_seccomp { TPH_SECCOMP_DEFAULT, TPH_SECCOMP_UNCONFINED };

struct tph_security {
    bool present;
    int64_t run_as_user, run_as_group; /* -1 = not set */
    enum tph_tristate run_as_non_root, read_only_root_filesystem;
    enum tph_seccomp seccomp;
};

enum tph_probe_kind { TPH_PROBE_NONE, TPH_PROBE_HTTP, TPH_PROBE_TCP, TPH_PROBE_EXEC };

struct tph_probe_header {
    struct tph_str name, value;
};

struct tph_probe {
    enum tph_probe_kind kind;
    struct tph_str path, scheme, host;      /* HTTP */
    const struct tph_probe_header *headers; /* HTTP */
    size_t n_headers;
    uint16_t port;                 /* HTTP, TCP */
    struct tph_str port_name;      /* "" once it was found among the container's ports */
    const struct tph_str *command; /* EXEC */
    size_t n_command;
    int initial_delay_s, period_s, timeout_s, success_threshold, failure_threshold; /* Kubernetes' defaults filled in */
    int64_t grace_ms; /* before SIGKILL when it failed; 0 = as the container's. Of a livenessProbe */
};

struct tph_mount {
    struct tph_str volume, path, sub_path;
    bool read_only;
};

/* One key of a Secret or ConfigMap as a file. */
struct tph_volume_item {
    struct tph_str key, path; /* path: relative, below the mount */
    int mode;                 /* -1 = the volume's */
};

enum tph_volume_kind { TPH_VOLUME_EMPTY_DIR, TPH_VOLUME_SECRET, TPH_VOLUME_CONFIGMAP };

/* spec.sidecar.volumes: an addition of Tiphys (Argo's sidecars have no volumes). */
struct tph_volume {
    struct tph_str name;
    enum tph_volume_kind kind;
    struct tph_str ref_name;
    int64_t size_limit; /* emptyDir, bytes; 0 = default */
    bool optional;
    int mode; /* of its files: defaultMode */
    const struct tph_volume_item *items;
    size_t n_items; /* 0 = all keys */
};

struct tph_container {
    struct tph_str name, image, working_dir;
    const struct tph_str *command, *args;
    size_t n_command, n_args;
    const struct tph_env *env;
    size_t n_env;
    const struct tph_env_from *env_from;
    size_t n_env_from;
    const struct tph_port *ports;
    size_t n_ports;
    struct tph_resources resources;
    struct tph_security security;
    struct tph_probe liveness, readiness;
    const struct tph_mount *mounts;
    size_t n_mounts;
    int64_t termination_grace_ms; /* of the pod: spec.sidecar.terminationGracePeriodSeconds; TPH_LIMIT_GRACE_MS by
                                     default */
};

/* Reads json (an object) at path into *ret. Errors: kind INVALID, "PATH: what is wrong"; ret_path gets the
 * path alone, for positions. */
int tph_container_read(const struct tph_json *json, const char *path, struct tph_arena *arena,
                       struct tph_container *ret, struct tph_buf *ret_path, struct tph_error *err) TPH_MUST_CHECK;

struct tph_reader;

/* Reads one of spec.sidecar.volumes; reader as in api/fields.h. */
int tph_volume_read(struct tph_reader *reader, const struct tph_json *json, struct tph_volume *ret_volume)
    TPH_MUST_CHECK;
