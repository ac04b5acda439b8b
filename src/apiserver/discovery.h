/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery: what is served, made from the table of kinds.h, in the old form (/api, /apis, /apis/GROUP, a list of
 * resources for each group version) and the aggregated one (two documents for all).
 *
 * Shapes are those of kube-apiserver 1.35 (recorded: golden/http A-*-01, G-05). Constant for a program: make them once
 * and keep them, with their ETag. Writers append to out; nothing else is owned.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* The only Content-Type that clients take an aggregated document with; answered when the same is asked for. */
#define TPH_DISCOVERY_TYPE "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* /api: APIVersions. address: where clients reach the server, "127.0.0.1:6443". */
void tph_discovery_versions(const char *address, struct tph_buf *out);

/* /apis: APIGroupList. */
void tph_discovery_groups(struct tph_buf *out);

/* /apis/GROUP: APIGroup. False, and nothing written, when the group is not served (core is no such group). */
bool tph_discovery_group(struct tph_str group, struct tph_buf *out);

/* /api/v1 (group "") and /apis/GROUP/VERSION: APIResourceList. False when it is not served. */
bool tph_discovery_resources(struct tph_str group, struct tph_str version, struct tph_buf *out);

/* /api (core) and /apis, aggregated: APIGroupDiscoveryList. */
void tph_discovery_aggregated(bool core, struct tph_buf *out);

/* The ETag of a document, with its quotes; without them it is the hash in the index of /openapi/v3. */
enum { TPH_ETAG_TEXT = 132 };
void tph_etag(struct tph_str document, char text[TPH_ETAG_TEXT]);
