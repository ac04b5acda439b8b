/* SPDX-License-Identifier: Apache-2.0 */
/* A world for recorded workflows: objects, a virtual clock, runs that share their locks. For h_cases.c. */
#pragma once

#include "engine/locks.h"
#include "engine/run.h"
#include "golden.h"

#define PLAY_CREATED "2026-11-24T10:00:00Z"
enum {
    MOST_WORKFLOWS = 8,
    PLAY_STEP_MS = 10, /* between two events, less than any recorded time */
};

struct play;

/* One workflow of the case. */
struct actor {
    struct play *p;
    struct tph_json *workflow; /* as it was given */
    struct tph_run *run;       /* NULL: refused, or not begun */
    struct tph_json *object;   /* of a refused one */
    struct tph_json *tasks;    /* node id -> template as first sent */
    struct tph_json *patched;  /* metadata that came from outside; NULL = none */
    int64_t wait_ms;           /* of the last WAIT_UNTIL; 0 = none */
};

struct play {
    struct golden_case *c;
    struct tph_run_options options;
    struct tph_run_objects lookup;
    struct tph_locks *locks;
    struct tph_json *objects;  /* all but workflows */
    struct tph_json *refused;  /* commands that were refused, as recorded: [{argo, output}] */
    struct tph_json *refusals; /* and by ours */
    struct actor actors[MOST_WORKFLOWS];
    size_t n_actors;
    int64_t now_ms;
};

/* Reads input.yaml; nothing begins. -1 with c->skip set. */
int play_load(struct play *p, struct golden_case *c);
void play_release(struct play *p);
/* Replies and events in their order, and then time until nothing waits any more. False: one cannot be played here. */
bool play_all(struct play *p);
/* Begins a workflow that is new, or goes on with one whose object was edited (a->workflow). -1 with c->skip. */
int play_begin(struct actor *a);
/* One document: a workflow becomes an actor, not begun yet; any other an object. -1 with c->skip. */
int play_add(struct play *p, const struct tph_json *root);
/* play_argo.c: what a person did with the argo command. False: it is not played here. */
bool play_command(struct play *p, const struct tph_json *line);
const struct tph_json *play_find_object(void *owner, enum tph_object_kind kind, struct tph_str name);
struct actor *play_find(struct play *p, struct tph_str name); /* NULL = there is none */
void play_reply(struct actor *a, struct tph_str id, const struct tph_json *node);
/* The Workflow object as it is now. */
struct tph_json *play_object(const struct actor *a);
struct tph_json *play_lines(struct golden_case *c, const char *name);
