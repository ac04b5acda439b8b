/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of each kind's table, and what stands in them. Constant data; cells append one JSON value. */
#pragma once

#include "apiserver/table.h"

struct tph_table_column {
    const char *name; /* NULL ends a table */
    const char *type; /* "string", "integer", "date" */
    const char *format;
    const char *description;
    int priority; /* above 0: shown by -o wide only */
    void (*cell)(const struct tph_json *object, int64_t now_ms, struct tph_buf *out);
};

const struct tph_table_column *tph_table_columns(const struct tph_kind *kind);

/* Cells of pods: table_pod.c. */
void tph_table_pod_ready(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out);
void tph_table_pod_status(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out);
void tph_table_pod_restarts(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out);
void tph_table_pod_gates(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out);
