/* SPDX-License-Identifier: Apache-2.0 */
/* Texts about a Workflow object that get and list share. They look at JSON, which may be anything. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "data/json.h"

/* A suspend node that waits. */
bool tph_print_is_suspended(const struct tph_json *node);

/* "Running", "Running (Suspended)", "Failed (Terminated)", "Pending" for one that has not begun. */
void tph_print_status(const struct tph_json *workflow, struct tph_buf *out);

/* resourcesDuration: "5s*(1 cpu),3s*(100Mi memory)". */
void tph_print_resources(const struct tph_json *durations, struct tph_buf *out);
