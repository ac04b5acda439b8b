/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a test program again as somebody else, or on a machine that lacks something.
 *
 * Arguments that a test of tests/podrt may have: "as-user" (an ordinary user; exit 77 with a reason where nobody can be
 * one), "without-landlock", "without-cgroups", "without-cpu", "without-seccomp", "without-userns",
 * "without-netns". Before as-user: "with-subids=N" gives the user so many subordinate ids, others in each
 * run of a test (groups: a thousand further); "with-broken-subids" gives 300, and a newuidmap that fails.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* First in main, after the shims' entry points. May run the program anew or end it with 77, the reason on standard
 * output. Returns the arguments that are not its own, moved to the front. */
int account_arrange(int argc, char **argv);

/* How many the user has, and the first; an ordinary user who runs the tests himself has what his machine gives him. */
int account_subids(void);
uint32_t account_first_subid(void);

/* The machine was said to lack this. */
bool account_without(const char *what);
