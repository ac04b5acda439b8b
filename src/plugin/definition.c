/* SPDX-License-Identifier: Apache-2.0 */
/* What all definitions have in common, from whatever document they come. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/fields.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/duration.h"
#include "plugin/plugin_internal.h"

struct tph_plugin *tph_plugin_make(void)
{
    struct tph_plugin_owned *owned = TPH_NEW(struct tph_plugin_owned);
    owned->arena = tph_arena_new();
    owned->references = 1;
    owned->plugin.call_timeout_ms = TPH_LIMIT_CALL_TIMEOUT_MS;
    return &owned->plugin;
}

static struct tph_plugin_owned *owned_of(struct tph_plugin *plugin)
{
    return (struct tph_plugin_owned *)(void *)plugin;
}

struct tph_plugin *tph_plugin_ref(struct tph_plugin *plugin)
{
    owned_of(plugin)->references++;
    return plugin;
}

void tph_plugin_unref(struct tph_plugin *plugin)
{
    if (plugin && --owned_of(plugin)->references == 0) {
        tph_arena_free(owned_of(plugin)->arena);
        free(owned_of(plugin));
    }
}

int tph_plugin_fail(const struct tph_source *source, const char *path, struct tph_error *err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    TPH_CLEANUP(tph_buf_release) struct tph_buf where = TPH_BUF_INIT(TPH_KIB(64));
    if (source) {
        tph_source_place(source, tph_str(path), &where);
    }
    size_t place = where.len;
    tph_source_path(source, tph_str(path), &where);
    return tph_error_set(err, TPH_ERROR_INVALID, "%s%s%s", tph_buf_cstr(&where), where.len > place ? " " : "", text);
}

/* Splits the reader's "PATH: text" so that the place can stand in front. */
static int read_failed(const struct tph_sidecar_document *document, struct tph_str path, const struct tph_error *inner,
                       struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *at = tph_str_dup(path);
    const char *text = inner->text;
    if (strncmp(text, at, strlen(at)) == 0) {
        text += strlen(at);
        text += strncmp(text, ": ", 2) == 0 ? 2 : 0;
    }
    return tph_plugin_fail(document->source, at, err, "%s", text);
}

static int read_volumes(struct tph_plugin *plugin, const struct tph_sidecar_document *document, struct tph_error *err)
{
    size_t n = tph_json_len(document->volumes);
    if (document->volumes && !tph_json_is_null(document->volumes) && !tph_json_is(document->volumes, TPH_JSON_ARRAY)) {
        TPH_CLEANUP(tph_freep) char *at = tph_format("%s.volumes", document->path);
        return tph_plugin_fail(document->source, at, err, "must be a list");
    }
    struct tph_arena *arena = owned_of(plugin)->arena;
    struct tph_volume *volumes = TPH_ARENA_ARRAY(arena, struct tph_volume, n);
    struct tph_json_iter it = tph_json_iter(document->volumes);
    while (tph_json_next(&it)) {
        struct tph_error inner = TPH_ERROR_INIT;
        struct tph_reader reader = {.arena = arena, .path = TPH_BUF_INIT(TPH_KIB(8)), .err = &inner};
        (void)tph_buf_puts(&reader.path, document->path);
        tph_path_key(&reader.path, TPH_STR("volumes"));
        tph_path_index(&reader.path, it.index);
        int failed = tph_volume_read(&reader, it.value, &volumes[it.index]);
        failed = failed < 0 ? read_failed(document, tph_buf_str(&reader.path), &inner, err) : 0;
        tph_buf_release(&reader.path);
        if (failed < 0) {
            return -1;
        }
    }
    plugin->volumes = volumes;
    plugin->n_volumes = n;
    return 0;
}

static int read_annotations(struct tph_plugin *plugin, const struct tph_sidecar_document *document,
                            struct tph_error *err)
{
    const struct {
        const char *name;
        int64_t *into;
    } times[] = {{"tiphys/call-timeout", &plugin->call_timeout_ms}, {"tiphys/ready-timeout", &plugin->ready_ms}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct tph_str text = tph_json_get_str(document->annotations, times[i].name);
        if (text.len > 0 && (tph_duration_parse_ms(text, times[i].into) < 0 || *times[i].into <= 0)) {
            TPH_CLEANUP(tph_freep) char *path = tph_format("metadata.annotations[%s]", times[i].name);
            return tph_plugin_fail(document->object, path, err, "\"%.*s\" is no duration such as 30s or 2m",
                                   TPH_FMT(text));
        }
    }
    return 0;
}

/* A path below the container's, in the arena. */
static const char *path_of(const struct tph_plugin *plugin, const struct tph_sidecar_document *document,
                           const char *member)
{
    return tph_arena_format(((const struct tph_plugin_owned *)(const void *)plugin)->arena, "%s%s%s",
                            document->container_path, *document->container_path && *member ? "." : "", member);
}

/* Argo's demands. A map that is there but empty counts as missing: it vanishes when the ConfigMap is written. */
static int check_mandatory(const struct tph_plugin *plugin, const struct tph_sidecar_document *document,
                           struct tph_error *err)
{
    const struct tph_container *c = &plugin->container;
    if (c->n_ports == 0) {
        (void)tph_plugin_fail(document->source, path_of(plugin, document, "ports"), err, "is missing");
        return tph_error_hint(err,
                              "a plugin is called on its first port; for example\n    ports: [{containerPort: 4355}]");
    }
    if (!c->resources.has_requests) {
        (void)tph_plugin_fail(document->source, path_of(plugin, document, "resources.requests"), err, "is missing");
        return tph_error_hint(
            err, "executor plugins must say what they need; for example\n    requests: {cpu: 100m, memory: 32Mi}");
    }
    if (!c->resources.has_limits) {
        (void)tph_plugin_fail(document->source, path_of(plugin, document, "resources.limits"), err, "is missing");
        return tph_error_hint(
            err, "executor plugins must limit what they use; for example\n    limits: {cpu: 200m, memory: 64Mi}");
    }
    if (!c->security.present) {
        (void)tph_plugin_fail(document->source, path_of(plugin, document, "securityContext"), err, "is missing");
        return tph_error_hint(err, "executor plugins must say as whom they run; for example\n    securityContext: "
                                   "{runAsNonRoot: true, runAsUser: 65534}");
    }
    return 0;
}

/* What is well said, but can only fail here. The definition can still be listed and built. */
static void find_refused(struct tph_plugin *plugin, const struct tph_sidecar_document *document)
{
    const struct tph_security *security = &plugin->container.security;
    struct tph_error why = TPH_ERROR_INIT;
    if (security->run_as_non_root == TPH_YES && security->run_as_user == 0) {
        (void)tph_plugin_fail(document->source, path_of(plugin, document, "securityContext.runAsUser"), &why,
                              "is 0, which is root, but runAsNonRoot is true");
        (void)tph_error_hint(&why, "set runAsUser to another id, for example 65534");
        plugin->refused = tph_arena_strdup(owned_of(plugin)->arena, tph_str(why.text));
    }
    if (plugin->automount_token) {
        (void)tph_plugin_fail(document->object, document->automount_path, &why,
                              "cannot be honoured here: there are no service accounts");
        (void)tph_error_hint(&why, "take it out, or use a server with TLS, which has them: tiphys server");
        plugin->no_account = tph_arena_strdup(owned_of(plugin)->arena, tph_str(why.text));
    }
}

int tph_plugin_read_sidecar(struct tph_plugin *plugin, const struct tph_sidecar_document *document,
                            struct tph_error *err)
{
    struct tph_arena *arena = owned_of(plugin)->arena;
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_error inner = TPH_ERROR_INIT;
    if (tph_container_read(document->container, path_of(plugin, document, ""), arena, &plugin->container, &path,
                           &inner) < 0) {
        return read_failed(document, tph_buf_str(&path), &inner, err);
    }
    if (document->args_override.p) {
        struct tph_str *args = TPH_ARENA_ARRAY(arena, struct tph_str, 1);
        args[0] = tph_arena_str(arena, document->args_override);
        plugin->container.args = args;
        plugin->container.n_args = 1;
    }
    int64_t grace_s = 0;
    bool given = document->grace && !tph_json_is_null(document->grace);
    if (given && (tph_json_to_i64(document->grace, &grace_s) < 0 || grace_s < 0 || grace_s > TPH_LIMIT_GRACE_S)) {
        TPH_CLEANUP(tph_freep) char *at = tph_format("%s.terminationGracePeriodSeconds", document->path);
        return tph_plugin_fail(document->source, at, err, "must be a whole number from 0 to %d", TPH_LIMIT_GRACE_S);
    }
    if (given) {
        plugin->container.termination_grace_ms = grace_s * 1000;
    }
    if (read_volumes(plugin, document, err) < 0 || read_annotations(plugin, document, err) < 0) {
        return -1;
    }
    const struct tph_source *object = document->object;
    plugin->file = object && object->file ? tph_arena_strdup(arena, tph_str(object->file)) : NULL;
    find_refused(plugin, document);
    return check_mandatory(plugin, document, err);
}
