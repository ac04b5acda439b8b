/* SPDX-License-Identifier: Apache-2.0 */
/* User and group ids of this machine for one sandbox, which nobody else has while it lives.
 *
 * Root gives each sandbox 65536 ids of its own above 300000, past those that /etc/subuid and /etc/subgid give to
 * people. An ordinary user gives it a few of his subordinate ids (subuid(5)), which newuidmap and newgidmap may map for
 * him; where he has none, or those programs are not there, the one id inside is his own.
 *
 * Who holds a range has bound an abstract socket of its name, so that it is free again the moment the last process
 * with that descriptor is gone, however it went, and nothing is left to clean up. Such names belong to a network
 * namespace: between containers the lot has to do, by which the search begins.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    TPH_IDS_BASE = 300000,
    TPH_IDS_RANGE = 65536,
    TPH_IDS_SLOTS = 1000, /* sandboxes of root's at a time */
    TPH_IDS_FEW = 3,      /* of an ordinary user: root's, the sidecar's and nobody's */
};

struct tph_ids {
    uint32_t first_uid, first_gid; /* outside */
    uint32_t n;                    /* TPH_IDS_RANGE, TPH_IDS_FEW; 0: the caller's own id alone */
    int claim;                     /* owned; -1 with n 0 */
    char *newuidmap, *newgidmap;   /* owned: paths, with TPH_IDS_FEW */
};

#define TPH_IDS_INIT ((struct tph_ids){.claim = -1})

/* Takes what the caller's user can give. own_id: an ordinary user's own id is wanted. Fails when root has none left. */
int tph_ids_take(bool own_id, struct tph_ids *ret_ids, struct tph_error *err) TPH_MUST_CHECK;

/* Gives it back, when the sandbox has ended. */
void tph_ids_release(struct tph_ids *ids);

/* In the text of /etc/subuid or /etc/subgid: the first range of at least TPH_IDS_FEW ids of this user, by name or
 * number. */
bool tph_ids_subordinate(struct tph_str text, struct tph_str name, uint32_t uid, uint32_t *ret_first, uint32_t *ret_n);

/* Does the text give one of these ids to somebody but root? */
bool tph_ids_are_given(struct tph_str text, uint32_t first, uint32_t n);
