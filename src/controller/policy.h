/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller does with workflows beside running them: when they may begin, how many are over, when they are
 * deleted, and those that a CronWorkflow makes. Private to the controller, whose structs own all of it; loop thread.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "engine/node.h"
#include "store/store.h"

struct carried;
struct crons;
struct expirer;
struct tph_controller;

/* expire.c */
struct expirer *tph_expirer_new(struct tph_controller *c);
void tph_expirer_free(struct expirer *e);
/* One that is over, as it is in the store. */
void tph_expire_note(struct tph_controller *c, struct tph_str ns, struct tph_str name, const struct tph_json *workflow);

size_t tph_expire_waiting(const struct tph_controller *c);
void tph_expire_anew(struct tph_controller *c); /* after a change of what is retained: all is looked at once more */

/* admit.c: whether it may run now; else it is Pending until it may. left: it does not run any more. anew: there may be
 * more room than before. */
bool tph_admit(struct carried *w, const struct tph_json *workflow);
void tph_admit_others(struct tph_controller *c);
void tph_admit_left(struct carried *w);
void tph_admit_anew(struct tph_controller *c);
void tph_admit_free(struct tph_controller *c); /* after all workflows */

/* cron.c; note: a workflow that is over, whosever it is. */
int tph_crons_start(struct tph_controller *c, struct tph_error *err) TPH_MUST_CHECK;
void tph_crons_again(struct crons *crons);
void tph_crons_free(struct crons *crons);
size_t tph_crons_waiting(const struct crons *crons);
void tph_cron_note(struct tph_controller *c, struct tph_str ns, struct tph_str name, const struct tph_json *workflow);

/* over.c. count: one that is over, as a list or its end shows it; changed: an event of one that nobody carries. */
enum tph_over { TPH_OVER_SUCCEEDED, TPH_OVER_FAILED, TPH_OVER_ERROR, TPH_OVER_COUNT };
enum tph_workflow_phase tph_over_phase(enum tph_over over);
void tph_over_count(struct tph_controller *c, const struct tph_json *workflow);
void tph_over_changed(struct tph_controller *c, const struct tph_store_event *event);
/* It ended here with this version: events up to that are no news. */
void tph_over_ended(struct tph_controller *c, const char *key, uint64_t version);
bool tph_over_is_old(struct tph_controller *c, const struct tph_store_event *event);
void tph_over_forget(struct tph_controller *c); /* all, also the numbers: they are counted anew */
