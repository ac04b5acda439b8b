/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller counts; private to it. Without metrics nothing is counted, and no clock is read. */
#pragma once

#include <stdint.h>

#include "base/metrics.h"
#include "base/str.h"

struct tph_controller;
struct measures;

struct measures *tph_measures_new(struct tph_controller *c, struct tph_metrics *metrics) TPH_MUST_CHECK;
void tph_measures_free(struct measures *m); /* NULL is fine */

/* A workflow's turn: begin gives what operation takes. */
int64_t tph_measure_begin(const struct tph_controller *c);
void tph_measure_operation(struct tph_controller *c, int64_t began_us);

/* It entered a phase. */
void tph_measure_phase(struct tph_controller *c, struct tph_str ns, struct tph_str phase);

/* A workflow was made, which is durable; concurrencyPolicy counted; its specification, or a condition, was wrong where
 * one was due. */
enum tph_measure_cron {
    TPH_MEASURE_TRIGGERED,
    TPH_MEASURE_POLICY,
    TPH_MEASURE_SPEC_ERROR,
    TPH_MEASURE_SUBMISSION_ERROR
};
void tph_measure_cron(struct tph_controller *c, enum tph_measure_cron what, struct tph_str ns, struct tph_str name,
                      struct tph_str policy);

/* An item of a queue: added (once, until it is taken), taken, done. Times are kept by the item; 0: none. */
enum tph_queue { TPH_QUEUE_WORKFLOWS, TPH_QUEUE_CRONS, TPH_QUEUE_TTL, TPH_QUEUE_COUNT };
void tph_measure_add(struct tph_controller *c, enum tph_queue queue, int64_t *since_us);
void tph_measure_take(struct tph_controller *c, enum tph_queue queue, int64_t *since_us, int64_t *ret_began_us);
void tph_measure_done(struct tph_controller *c, enum tph_queue queue, int64_t *began_us);
void tph_measure_retry(struct tph_controller *c, enum tph_queue queue);
