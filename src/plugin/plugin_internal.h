/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/plugin only: a definition with what owns its memory. */
#pragma once

#include "base/arena.h"
#include "plugin/plugin.h"

struct tph_plugin_owned {
    struct tph_plugin plugin; /* first: struct tph_plugin * and this one are the same address */
    struct tph_arena *arena;
    size_t references;
};

/* What the three kinds of documents have in common: a sidecar's container at a path of a document. */
struct tph_sidecar_document {
    const struct tph_json *container;
    const struct tph_json *volumes;     /* spec.sidecar.volumes; NULL = none */
    const struct tph_json *grace;       /* spec.sidecar.terminationGracePeriodSeconds */
    const struct tph_json *annotations; /* metadata.annotations */
    const char *path;                   /* "spec.sidecar" */
    const char *container_path;         /* "spec.sidecar.container"; "" where it is a text of its own */
    const char *automount_path;
    struct tph_str args_override;    /* text of server.*; p NULL = none */
    const struct tph_source *object; /* what annotations and automount_path are of */
    const struct tph_source *source; /* what path and container_path are of: the same, or a text in it */
};

struct tph_plugin *tph_plugin_make(void) __attribute__((returns_nonnull, warn_unused_result));

/* Reads the container and checks what Argo demands: a port, resources, securityContext. */
int tph_plugin_read_sidecar(struct tph_plugin *plugin, const struct tph_sidecar_document *document,
                            struct tph_error *err) TPH_MUST_CHECK;

/* "FILE:LINE:COLUMN: PATH text", kind INVALID; path has the form of data/position.h. Returns -1. */
int tph_plugin_fail(const struct tph_source *source, const char *path, struct tph_error *err, const char *format, ...)
    TPH_PRINTF(4, 5);
