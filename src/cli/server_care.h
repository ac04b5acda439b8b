/* SPDX-License-Identifier: Apache-2.0 */
/* How the server is: what /readyz tells, in the log when it changes, and as a number for Prometheus. Loop thread only.
 */
#pragma once

#include "base/health.h"
#include "base/metrics.h"
#include "store/store.h"

struct tph_server_care;

struct tph_server_care *tph_server_care_new(struct tph_metrics *metrics) TPH_MUST_CHECK; /* borrowed */
void tph_server_care_free(struct tph_server_care *care); /* after the store, before the metrics */

struct tph_health *tph_server_care_health(struct tph_server_care *care);
/* What the store is to tell. */
void tph_server_care_fill(struct tph_server_care *care, struct tph_store_config *config);
