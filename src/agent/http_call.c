/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of http templates: no plugin, no sidecar, one request and its answer. There are no tries: a template that wants
 * them has a retryStrategy, as in Argo. */
#include <stdlib.h>

#include "agent/agent_internal.h"

static void answered(void *owner, const struct tph_fetch_answer *answer)
{
    struct task *task = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_node_result result;
    task->place = TASK_WAITING; /* the request is over: nothing of it is to be cancelled */
    task->fetch = NULL;
    task->calls++;
    tph_http_task_judge(&task->http, answer, doc, &result);
    tph_agent_finish(task, &result);
}

void tph_agent_fetch(struct task *task)
{
    struct tph_agent_workflow *w = task->workflow;
    struct tph_agent *agent = w->agent;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_http_task_read(&task->http, task->template_json, &agent->options.objects, tph_str(w->ns), &err) < 0) {
        tph_agent_fail(task, err.text);
        return;
    }
    if (!agent->fetcher) {
        const struct tph_fetch_environment env = {.ca_file = getenv("SSL_CERT_FILE"),
                                                  .http_proxy = getenv("http_proxy") ? NULL : getenv("HTTP_PROXY")};
        agent->fetcher = tph_fetcher_new(agent->loop, &env);
    }
    task->place = TASK_FETCHING;
    task->fetch = tph_fetch_start(agent->fetcher, &task->http.request, answered, task);
}
