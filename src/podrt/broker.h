/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets from inside another network namespace: a small process that lives there and passes them out.
 *
 * An ordinary user may enter a namespace of his own only with a process that gives up being who it was; so that is a
 * process of its own, a fresh run of the program. It holds nothing and ends when its socket closes. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct tph_broker;

/* pid: a process in the namespace. 0 or -errno. */
int tph_broker_new(pid_t pid, struct tph_broker **ret_broker);
void tph_broker_free(struct tph_broker *broker);

/* A non-blocking connecting socket, or -errno. Waits for the broker's answer, some microseconds. */
int tph_broker_connect(struct tph_broker *broker, const char *host, uint16_t port);

/* main() calls this first: in the broker it does the broker's work and does not come back. */
void tph_broker_main(int argc, char **argv);
