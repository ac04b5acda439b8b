/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees while `run` works, and at its end.
 *
 * On a terminal a live tree, redrawn in place at most ten times a second and cut to the window; elsewhere one plain
 * line per event. Both go to standard error. The report at the end is never cut: the tree, the outputs, why it
 * failed and what to do. Loop thread only.
 */
#pragma once

#include <stdint.h>

#include "base/map.h"
#include "cli/cli.h"
#include "controller/local.h"

struct tph_view;

enum tph_view_mode {
    TPH_VIEW_QUIET,  /* nothing but warnings and errors */
    TPH_VIEW_EVENTS, /* one line per event */
    TPH_VIEW_LIVE,   /* the tree, in place */
};

struct tph_view_options {
    const struct tph_cli *cli;
    enum tph_view_mode mode;
    bool utf8;
    bool logs; /* print sidecar logs, prefixed */
};

struct tph_view *tph_view_new(struct tph_loop *loop, const struct tph_view_options *options) TPH_MUST_CHECK;
void tph_view_free(struct tph_view *view);
TPH_DEFINE_CLEANUP(struct tph_view, tph_view_free);

/* Announces a workflow before it begins; keys: template name -> plugin key, both borrowed. */
void tph_view_add(struct tph_view *view, struct tph_local_workflow *workflow, const struct tph_map *keys);

/* Announces a plugin: its line "plugin hello  from FILE  IMAGE -> PROGRAM  port 4355". */
void tph_view_plugin(struct tph_view *view, const struct tph_plugin *plugin);

/* The observer's functions. */
void tph_view_node(struct tph_view *view, struct tph_local_workflow *workflow, const struct tph_node *node);
void tph_view_agent(struct tph_view *view, const struct tph_agent_event *event);

/* One line above the live tree, or just a line: "warning: ..." and the like. Escapes control characters. */
void tph_view_line(struct tph_view *view, struct tph_str line);

/* Takes the live tree off the screen; nothing is drawn after it. */
void tph_view_end(struct tph_view *view);

/* The last picture of one workflow: tree, outputs, failures explained, "NAME Succeeded in 0.14s". */
void tph_view_report(struct tph_view *view, struct tph_local_workflow *workflow, struct tph_buf *out);
