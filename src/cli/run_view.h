/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees while `run` works.
 *
 * On a terminal a live tree, redrawn in place at most ten times a second and cut to the window; elsewhere one plain
 * line per event. Both go to standard error, where nothing of the tree stays at the end. Texts that come from plugins
 * are shown with their control characters escaped. Loop thread only.
 */
#pragma once

#include <stdint.h>

#include "base/map.h"
#include "cli/cli.h"
#include "controller/shown.h"
#include "podrt/image.h"

struct tph_view;

enum tph_view_mode {
    TPH_VIEW_QUIET,  /* nothing but warnings and errors */
    TPH_VIEW_EVENTS, /* one line per event */
    TPH_VIEW_LIVE,   /* the tree, in place */
};

struct tph_view_options {
    const struct tph_cli *cli;
    const struct tph_images *images; /* borrowed; NULL: programs are not shown */
    enum tph_view_mode mode;
    bool utf8;
    bool seconds;     /* of times nothing finer is known */
    bool logs;        /* print sidecar logs, prefixed */
    bool leaves;      /* a signal stops nothing for good: the same command goes on */
    const char *hint; /* what Ctrl-C does, where it is neither; NULL: as run does. Borrowed */
};

struct tph_view *tph_view_new(struct tph_loop *loop, const struct tph_view_options *options) TPH_MUST_CHECK;
void tph_view_free(struct tph_view *view);
TPH_DEFINE_CLEANUP(struct tph_view, tph_view_free);

/* Announces a workflow before it begins; keys: template name -> plugin key, both borrowed. */
void tph_view_add(struct tph_view *view, const struct tph_shown *workflow, const struct tph_map *keys);

/* Announces a plugin: its line "plugin hello  from FILE  IMAGE -> PROGRAM  port 4355". */
void tph_view_plugin(struct tph_view *view, const struct tph_plugin *plugin);

/* The observer's functions. */
void tph_view_node(struct tph_view *view, const struct tph_shown *workflow, const struct tph_node *node);
void tph_view_agent(struct tph_view *view, const struct tph_agent_event *event);

/* What is shown has changed in another way. */
void tph_view_changed(struct tph_view *view);

/* A line of this program's own, above the live tree. */
void tph_view_say(struct tph_view *view, const char *text);

/* "error: TEXT", above the live tree. */
void tph_view_error(struct tph_view *view, const char *text);

/* The first signal came: says so, and what the next one does. */
void tph_view_stopping(struct tph_view *view);

/* Takes the live tree off the screen; nothing is drawn after it. */
void tph_view_end(struct tph_view *view);
