/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a list or a watch is about: labelSelector and fieldSelector of a request. Owns its texts. */
#pragma once

#include <stdbool.h>

#include "apiserver/kinds.h"
#include "apiserver/query.h"
#include "apiserver/status.h"
#include "data/fieldsel.h"
#include "data/labelsel.h"

struct tph_select {
    struct tph_labelsel *labels; /* NULL: any */
    struct tph_fieldsel fields;
    bool all;            /* nothing is left out */
    struct tph_str name; /* the one that is asked for; points into fields */
};

/* -1: status has 400. ret_select: released by the caller on success only. */
int tph_select_read(const struct tph_kind *kind, const struct tph_query *query, struct tph_status *status,
                    struct tph_select *ret_select) TPH_MUST_CHECK;
void tph_select_release(struct tph_select *select);

/* text: as it is kept. */
bool tph_select_matches(const struct tph_select *select, const struct tph_kind *kind, struct tph_str text);
