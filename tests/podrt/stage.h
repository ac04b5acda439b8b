/* SPDX-License-Identifier: Apache-2.0 */
/* What tests need that let an intruder (intruder.c) try things: a directory that everybody may read with the intruder
 * in it, the intruder in a sandbox and, for the control, without one; and processes of this machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness.h"

/* Where this run of the program has its intruder, for all to execute, and a file that no sandbox sees. */
struct place {
    char dir[32];
    char intruder[48], secret[48];
};

/* Once in main, after account_arrange. from: the built intruder. */
void stage_open(const char *from);
void stage_close(void);
struct place stage_place(void);

/* The next container runs the intruder with these words. */
struct tph_container *add_intruder(struct harness *h, const char *words);
/* What a container wrote so far: its last lines. In the arena. */
const char *output_of(struct harness *h, size_t container);
/* The intruder in a sandbox, to its end: what it said. */
const char *sandboxed(struct harness *h);
/* The same without a sandbox. */
const char *plainly(struct harness *h, const char *words);

bool has(const char *text, const char *part);
/* Each character moved up by one, so that who looks for it does not find itself. */
const char *needle_of(struct harness *h, const char *text);
/* -1 when the word is not there. */
int64_t number_after(const char *text, const char *word);

struct process {
    pid_t pid;
    int pidfd;
};

/* All whose command line has the word, but for us. */
size_t find_processes(const char *word, struct process *list, size_t max);
/* How many of them still live after the time; closes. */
size_t await_ends(struct process *list, size_t n, int64_t ms);
pid_t parent_of(pid_t pid);

/* What control groups can limit for us here. Makes the harness's runtime anew. */
void look_at_groups(struct harness *h, bool *ret_memory, bool *ret_cpu);
