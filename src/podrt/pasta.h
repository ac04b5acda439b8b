/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: the way out of a sandbox's own network for an ordinary user, by the program pasta (package
 * passt), which carries its connections over as this user's. Who sees to it that it ends is a small process of its own,
 * a fresh run of the program: pasta itself outlives everybody.
 *
 * It gives the sandbox this machine's main address, so what is this machine's is refused in there by routes, which the
 * sidecar has no right to change: this machine's other addresses, as they are at the start, and 169.254.0.0/16. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TPH_PASTA_REFUSED = 64 };

struct tph_pasta_refused {
    uint32_t addresses[TPH_PASTA_REFUSED]; /* IPv4, network order */
    size_t n;
};

/* Where it is, in text; or says why it cannot be used: an errno, and *ret_step. */
int tph_pasta_find(char *path, size_t size, const char **ret_step);

/* The shim: this machine's addresses, before the sandbox is made; then pasta for the sandbox of pid. It ends with the
 * sandbox or with the program. -errno. */
void tph_pasta_look(struct tph_pasta_refused *ret);
int tph_pasta_start(const char *path, pid_t pid);

/* In the sandbox, as its root: refuses, then waits until there is a way out. -errno with the step. */
int tph_pasta_await(const struct tph_pasta_refused *refused, const char **ret_step);

/* main() calls this first: in that process it does its work and does not come back. */
void tph_pasta_main(int argc, char **argv);
