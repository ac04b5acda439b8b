/* SPDX-License-Identifier: Apache-2.0 */
/* A pod runtime that passes everything on to another and tells each call and event as a line of text: for finding out
 * what a layer above asked for. Tokens and values of variables are not in it.
 */
#pragma once

#include "podrt/podrt.h"

/* Takes over inner, which is freed with it. line is called from inside calls and events. */
typedef void tph_podrt_trace_fn(void *owner, const char *line);
struct tph_podrt *tph_podrt_trace_new(struct tph_podrt *inner, tph_podrt_trace_fn *line, void *owner) TPH_MUST_CHECK;
