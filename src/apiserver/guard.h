/* SPDX-License-Identifier: Apache-2.0 */
/* The door of a server: users and rights (access/access.h), limits a client, a line in the log for each write, numbers.
 *
 * A line: level=info msg=audit id=... user=ci verb=create object=workflows.argoproj.io/argo/hello code=201 ms=3.2
 * peer=192.0.2.7:40112; of a refused write, too. id is the answer's Audit-Id. Loop thread only.
 */
#pragma once

#include "access/access.h"
#include "apiserver/api.h"

struct tph_guard;

struct tph_guard_config {
    struct tph_access *access; /* borrowed */
    struct tph_loop *loop;
    struct tph_metrics *metrics; /* borrowed; NULL: nothing is counted */
    /* Requests a second of one user, and how many may come at once; 0: TPH_LIMIT_RATE and twice that. An administrator
     * of everything has no limit. A client whose credentials are wrong or missing: TPH_LIMIT_RATE_STRANGERS, by
     * address. */
    double rate, burst;
};

struct tph_guard *tph_guard_new(const struct tph_guard_config *config) TPH_MUST_CHECK;
void tph_guard_free(struct tph_guard *guard);
TPH_DEFINE_CLEANUP(struct tph_guard, tph_guard_free);

/* The same question, as access/access.h has it; the texts are not copied. */
struct tph_access_attributes tph_guard_attributes(const struct tph_api_attributes *what);

/* For tph_api_config; lives as long as the guard. */
const struct tph_api_access *tph_guard_access(const struct tph_guard *guard);

/* Answers a review or a TokenRequest of a user: fills doc, or status where it is faulty. */
void tph_api_answer_review(const struct tph_access *access, const struct tph_access_user *user,
                           const struct tph_api_review *asked, struct tph_json_doc *doc, struct tph_status *status);
