/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "data/cron.h"
#include "data/zone.h"

enum cron_field {
    CRON_MINUTE,
    CRON_HOUR,
    CRON_DAY,
    CRON_MONTH,
    CRON_WEEKDAY,
    CRON_FIELDS,
};

struct tph_cron {
    uint64_t bits[CRON_FIELDS]; /* which values are due */
    bool any[CRON_FIELDS];      /* a star without a step is in the field */
    int64_t every_s;            /* > 0: so long after the run before, and nothing else counts */
    bool has_zone;              /* else UTC */
    struct tph_zone zone;
    struct tph_buf zone_bytes; /* owned */
};
