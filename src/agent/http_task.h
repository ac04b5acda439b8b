/* SPDX-License-Identifier: Apache-2.0 */
/* An http template as a request, and its answer as a node: everything of Argo's http templates that is not the
 * transport (fetch/fetch.h). Source: argo 4.7. Pure: no I/O; secrets come from a function.
 *
 * Ours, where Argo differs: a time-out of 30 s where timeoutSeconds is not given, as Argo documents but does not do; a
 * body of TPH_LIMIT_PARAMETER bytes at most; bodyFrom without bytes is an error, not a crash.
 */
#pragma once

#include "base/arena.h"
#include "data/json.h"
#include "fetch/fetch.h"
#include "plugin/rpc.h"
#include "podrt/podrt.h"

struct tph_http_task {
    struct tph_json_doc *doc; /* owned: the template */
    struct tph_arena *arena;  /* owned: what is made of it */
    const struct tph_json *http;
    struct tph_buf body; /* owned: bodyFrom.bytes */
    struct tph_fetch_request request;
};
#define TPH_HTTP_TASK_INIT ((struct tph_http_task){.doc = NULL})
void tph_http_task_release(struct tph_http_task *task);

/* template_json is the processed template. secrets: of the workflow's namespace `ns`. Errors, for the node's message:
 * INVALID, NOT_FOUND (Kubernetes' words for a Secret that is not there). */
int tph_http_task_read(struct tph_http_task *task, struct tph_str template_json, const struct tph_pod_objects *secrets,
                       struct tph_str ns, struct tph_error *err) TPH_MUST_CHECK;

/* What the answer makes of the node: texts live in doc and in arena. */
void tph_http_task_judge(const struct tph_http_task *task, const struct tph_fetch_answer *answer,
                         struct tph_json_doc *doc, struct tph_node_result *ret_result);
