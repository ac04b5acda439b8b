/* SPDX-License-Identifier: Apache-2.0 */
/* One call to a plugin: the request, what its answer means, and what follows from that. */
#include <stdio.h>
#include <string.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"

enum { SPAN_LEN = 16 };

/* The headers of a call; the texts live as long as this, or until the agent's next call. */
struct headers {
    char traceparent[sizeof("00---01") + 32 + SPAN_LEN];
    struct tph_http_header list[4];
};

static struct tph_rpc_task rpc_task(const struct task *task)
{
    const struct tph_agent_workflow *w = task->workflow;
    return (struct tph_rpc_task){
        .workflow_name = tph_str(w->name),
        .workflow_namespace = tph_str(w->ns),
        .workflow_uid = tph_str(w->uid),
        .template_json = task->template_json,
        .node_id = task->id,
        .node_name = task->name,
        .attempt = task->attempt,
        .calls = task->calls,
        .deadline_ms = task->deadline_ms,
        .message = tph_buf_str(&task->message),
        .outputs = task->outputs,
    };
}

void tph_call_begin_trace(struct tph_agent_workflow *workflow)
{
    char trace[33] = "00000000000000000000000000000001";
    size_t n = 0;
    for (const char *p = workflow->uid; *p && n < 32; p++) {
        if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')) {
            trace[n++] = *p;
        }
    }
    (void)snprintf(workflow->trace, sizeof(workflow->trace), "00-%s-", trace);
}

/* The span is the call's own, and not 0. printf would cost more than all the rest of a request. */
static void write_traceparent(struct tph_agent_workflow *workflow, char *text)
{
    uint64_t span = tph_random_next(&workflow->agent->random) | 1;
    char *at = text + sizeof(workflow->trace) - 1;
    memcpy(text, workflow->trace, sizeof(workflow->trace) - 1);
    for (int i = SPAN_LEN - 1; i >= 0; i--) {
        *at++ = "0123456789abcdef"[span >> (i * 4) & 0xf];
    }
    memcpy(at, "-01", sizeof("-01"));
}

/* Headers and body of a call about the task; the body is the agent's until its next call. */
static struct tph_str fill_call(struct headers *h, const struct task *task, const struct sidecar *sidecar)
{
    struct tph_agent *agent = task->workflow->agent;
    struct tph_rpc_task rpc = rpc_task(task);
    tph_buf_clear(&agent->key);
    tph_rpc_idempotency_key(&rpc, &agent->key);
    write_traceparent(task->workflow, h->traceparent);
    h->list[0] = (struct tph_http_header){"Content-Type", "application/json"};
    h->list[1] = (struct tph_http_header){"Authorization", sidecar->bearer};
    h->list[2] = (struct tph_http_header){"Idempotency-Key", tph_buf_cstr(&agent->key)};
    h->list[3] = (struct tph_http_header){"traceparent", h->traceparent};
    tph_buf_clear(&agent->body);
    tph_rpc_request(&rpc, &agent->body);
    return tph_buf_str(&agent->body);
}

/* The request has been copied: room for a large one is not kept. */
static void call_filled(struct tph_agent *agent)
{
    if (agent->body.capacity > TPH_LIMIT_HTTP_KEPT) {
        tph_buf_release(&agent->body);
    }
}

static int dial(void *owner, const char *host, uint16_t port)
{
    struct sidecar *s = owner;
    return s->pod ? tph_pod_dial(s->pod, host, port) : -111 /* ECONNREFUSED */;
}

/* Before a task and the token go out: is it the sidecar who listens? */
static int check(void *owner, int fd, uint16_t port, char *why, size_t size)
{
    struct sidecar *s = owner;
    struct tph_error err = TPH_ERROR_INIT;
    int answer = s->pod ? tph_pod_check(s->pod, fd, port, &err) : 0;
    if (answer < 0) {
        (void)snprintf(why, size, "%s", err.text);
    }
    return answer;
}

static void start_request(struct tph_http_request *request, const struct sidecar *s, const char *target)
{
    *request = (struct tph_http_request){
        .method = "POST",
        .host = "localhost",
        .port = s->port,
        .four_first = s->four_first,
        .target = target,
        .n_headers = 4,
        .max_reply = TPH_LIMIT_REPLY,
    };
    request->dial = dial; /* the runtime knows its network, and sees here when somebody listens */
    request->check = check;
    request->dial_owner = (void *)(uintptr_t)s;
}

static enum tph_rpc_transport transport_of(enum tph_http_outcome outcome)
{
    switch (outcome) {
    case TPH_HTTP_ANSWERED:
        return TPH_RPC_ANSWERED;
    case TPH_HTTP_REFUSED:
        return TPH_RPC_REFUSED;
    case TPH_HTTP_TIMEOUT:
        return TPH_RPC_TIMEOUT;
    case TPH_HTTP_TOO_LARGE:
        return TPH_RPC_TOO_LARGE;
    case TPH_HTTP_CONNECT_ERROR:
    case TPH_HTTP_STRANGER:
    case TPH_HTTP_RESET:
    case TPH_HTTP_EOF:
    case TPH_HTTP_MALFORMED:
    case TPH_HTTP_OUTCOME_COUNT:
        break;
    }
    return TPH_RPC_BROKEN;
}

int64_t tph_call_retry_pause_ms(int64_t base_ms, int tries, uint32_t random)
{
    int64_t pause = base_ms << (tries - 1);
    int64_t spread = pause * TPH_LIMIT_CALL_JITTER_PERCENT / 100;
    return pause - spread + (int64_t)random % (2 * spread + 1);
}

static int64_t retry_pause_ms(const struct task *task)
{
    struct tph_agent *agent = task->workflow->agent;
    return tph_call_retry_pause_ms(agent->options.retry_pause_ms, task->tries,
                                   (uint32_t)tph_random_next(&agent->random));
}

static bool is_final(struct tph_str phase)
{
    return phase.len > 0 && !tph_str_eqz(phase, "Running") && !tph_str_eqz(phase, "Pending");
}

/* Keeps what the next call tells the plugin about this answer. */
static void remember_answer(struct task *task, struct tph_rpc_reply *reply)
{
    tph_buf_clear(&task->message);
    (void)tph_buf_put(&task->message, reply->result.message);
    task->outputs = NULL;
    tph_json_doc_free(task->previous_doc);
    task->previous_doc = NULL;
    if (reply->result.outputs) {
        task->previous_doc = tph_json_doc_new();
        task->outputs = tph_json_copy(task->previous_doc, reply->result.outputs);
    }
}

/* A node that is not final: told, and called again when it asked for that, or by the default. */
static void go_on(struct task *task, struct tph_rpc_reply *reply)
{
    struct tph_agent *agent = task->workflow->agent;
    struct tph_agent_workflow *workflow = task->workflow;
    int64_t delay_ms = reply->requeue_ms >= 0 ? reply->requeue_ms : agent->options.poll_ms;
    bool warn = reply->requeue_ms < 0 && !task->warned;
    TPH_CLEANUP(tph_freep) char *id = tph_str_dup(task->id);
    uint32_t attempt = task->attempt;
    const struct tph_plugin *plugin = tph_agent_view(task)->plugin;
    task->warned = task->warned || warn;
    remember_answer(task, reply);
    tph_series_add(task->sidecar->series.requeues, 1);
    struct tph_agent_event event = {
        .kind = TPH_AGENT_RESULT,
        .workflow = workflow,
        .node_id = tph_str(id),
        .attempt = attempt,
        .result = &reply->result,
        .calls = task->calls,
        .plugin = plugin,
    };
    if (warn) {
        struct tph_str phase = reply->result.phase.len > 0 ? reply->result.phase : TPH_STR("no phase");
        TPH_CLEANUP(tph_freep)
        char *text = tph_format("plugin %.*s answered %.*s without requeue; it is called again every %lld s",
                                TPH_FMT(plugin->name), TPH_FMT(phase), (long long)(agent->options.poll_ms / 1000));
        tph_agent_say(agent, TPH_AGENT_WARNING, plugin, text);
    }
    tph_agent_waiting(task, delay_ms, "");
    if (reply->result.phase.len > 0) {
        tph_agent_emit(agent, &event); /* last: the owner may have cancelled the task by now */
    }
}

static void follow(struct task *task, struct tph_rpc_reply *reply)
{
    struct view *view = tph_agent_view(task);
    if (reply->warning) {
        TPH_CLEANUP(tph_freep) char *text = tph_format("plugin %.*s: %s", TPH_FMT(view->plugin->name), reply->warning);
        tph_agent_say(task->workflow->agent, TPH_AGENT_WARNING, view->plugin, text);
    }
    switch (reply->verdict) {
    case TPH_VERDICT_RESULT:
        task->calls++;
        task->tries = 0;
        tph_agent_took(task);
        if (is_final(reply->result.phase)) {
            tph_agent_finish(task, &reply->result);
        } else {
            go_on(task, reply);
        }
        break;
    case TPH_VERDICT_DECLINED:
        tph_agent_declined(task, reply->message ? reply->message : "not mine");
        break;
    case TPH_VERDICT_NEVER:
        view->execute_missing = true;
        tph_agent_declined(task, reply->message);
        break;
    case TPH_VERDICT_RETRY:
        tph_agent_waiting(task, retry_pause_ms(task), reply->message);
        break;
    case TPH_VERDICT_FATAL:
        free(view->said);
        view->said = tph_strdup(reply->message);
        tph_agent_fail(task, reply->message);
        break;
    case TPH_VERDICT_COUNT:
        break;
    }
}

static void answered(void *owner, const struct tph_http_answer *answer)
{
    struct task *task = owner;
    struct sidecar *sidecar = task->sidecar;
    task->call = NULL;
    task->place = TASK_WAITING;
    tph_sidecar_call_ends(sidecar, task);
    if (answer->outcome == TPH_HTTP_STRANGER) {
        task->sent--;
        tph_sidecar_usurped(sidecar, task, answer->error);
        tph_sidecar_call_over(sidecar);
        return;
    }
    bool connected = answer->outcome != TPH_HTTP_REFUSED && answer->outcome != TPH_HTTP_CONNECT_ERROR;
    if (!connected && sidecar->state == SIDECAR_STARTING) {
        task->sent--;
        tph_sidecar_not_there(sidecar, task, answer->error);
        tph_sidecar_call_over(sidecar);
        return;
    }
    if (connected && task->life == sidecar->life) {
        sidecar->four_first = answer->remote[0] != '[';
        tph_sidecar_answered(sidecar, tph_clock_monotonic_us() - task->started_us, answer->keep_alive);
    }
    if (answer->outcome == TPH_HTTP_ANSWERED) {
        sidecar->died[0] = '\0';
    }
    if (task->told) {
        sidecar->in_flight--;
        tph_agent_told(task, answer->outcome == TPH_HTTP_ANSWERED);
        sidecar->in_flight++;
        tph_sidecar_call_over(sidecar);
        return;
    }
    task->tries++;
    /* A plugin may echo what it was sent: its token is neither shown nor stored. */
    struct tph_str token = tph_str(sidecar->container.token);
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_REPLY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf reason = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    bool echoes = tph_str_find(answer->body, token) >= 0 || tph_str_find(answer->reason, token) >= 0;
    if (echoes) {
        tph_buf_put_redacted(&body, answer->body, token);
        tph_buf_put_redacted(&reason, answer->reason, token);
    }
    struct tph_rpc_answer rpc = {
        .transport = transport_of(answer->outcome),
        .status = answer->status,
        .reason = echoes ? tph_buf_str(&reason) : answer->reason,
        .body = echoes ? tph_buf_str(&body) : answer->body,
        .error = tph_str(answer->error),
    };
    struct tph_rpc_question question = {
        .owner = task->owner,
        .tries_left = TPH_LIMIT_CALL_TRIES - task->tries,
        .url = sidecar->url,
    };
    TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = TPH_RPC_REPLY_INIT;
    tph_rpc_judge(&rpc, &question, &reply);
    tph_agent_metrics_call(sidecar, &reply, reply.verdict == TPH_VERDICT_RESULT && is_final(reply.result.phase),
                           tph_clock_monotonic_us() - task->started_us);
    sidecar->in_flight--; /* without starting others: this one's own next step goes first */
    follow(task, &reply);
    sidecar->in_flight++;
    tph_sidecar_call_over(sidecar);
}

void tph_call_start(struct task *task)
{
    struct sidecar *sidecar = task->sidecar;
    struct headers headers;
    struct tph_http_request request;
    start_request(&request, sidecar, task->told ? TPH_RPC_CANCEL : TPH_RPC_EXECUTE);
    request.headers = headers.list;
    request.body = fill_call(&headers, task, sidecar);
    request.timeout_ms = task->told ? TPH_LIMIT_CANCEL_TIMEOUT_MS : sidecar->plugin->call_timeout_ms;
    task->place = TASK_CALLING;
    task->sent++;
    task->life = sidecar->life;
    task->started_us = tph_clock_monotonic_us();
    tph_sidecar_call_begins(sidecar, task);
    task->call = tph_http_call_start(task->workflow->agent->http, &request, answered, task);
    call_filled(task->workflow->agent);
}

/* A cancel call on its way; outlives its task and its workflow. */
struct cancel {
    struct tph_agent *agent;
    struct cancel *next, *previous; /* among the agent's */
    char *uid;                      /* owned; of the workflow, which may be gone by then */
    tph_agent_told_fn *told;        /* NULL: nobody asks */
    void *owner;
    struct sidecar *sidecar; /* which it keeps from being stopped */
};

/* 404: this plugin knows no cancel, so its workflow does not ask it again. */
static void remember_missing(const struct cancel *cancel)
{
    for (struct tph_agent_workflow *w = cancel->agent->workflows; w; w = w->next) {
        for (size_t i = 0; strcmp(w->uid, cancel->uid) == 0 && i < w->n_views; i++) {
            w->views[i].cancel_missing = w->views[i].cancel_missing || w->views[i].sidecar == cancel->sidecar;
        }
    }
}

static void cancel_free(struct cancel *cancel)
{
    if (cancel->previous) {
        cancel->previous->next = cancel->next;
    } else {
        cancel->agent->cancels = cancel->next;
    }
    if (cancel->next) {
        cancel->next->previous = cancel->previous;
    }
    tph_sidecar_cancel_ended(cancel->sidecar);
    free(cancel->uid);
    free(cancel);
}

void tph_call_drop_cancels(struct tph_agent *agent)
{
    while (agent->cancels) {
        cancel_free(agent->cancels);
    }
}

static void cancelled(void *owner, const struct tph_http_answer *answer)
{
    struct cancel *cancel = owner;
    struct tph_agent *agent = cancel->agent;
    tph_agent_told_fn *told = cancel->told;
    void *told_owner = cancel->owner;
    if (answer->outcome == TPH_HTTP_ANSWERED && answer->status == 404) {
        remember_missing(cancel);
    }
    cancel_free(cancel);
    if (told) {
        told(told_owner, answer->outcome == TPH_HTTP_ANSWERED);
    }
    tph_agent_cancel_over(agent);
}

enum tph_agent_cancel tph_call_cancel_task(struct task *task, tph_agent_told_fn *told, void *owner)
{
    if (task->is_http || (task->sent == 0 && task->calls == 0 && !task->again)) {
        return TPH_AGENT_CANCEL_NONE; /* no plugin has heard of it */
    }
    if (task->plugin < 0) {
        return TPH_AGENT_CANCEL_LATER;
    }
    struct view *view = tph_agent_view(task);
    struct sidecar *sidecar = task->sidecar;
    /* The first call to a sidecar shows by its answer that somebody listens: until then it may have the task. */
    bool may_listen =
        sidecar->state == SIDECAR_LISTENING || (sidecar->state == SIDECAR_STARTING && task->place == TASK_CALLING);
    if (view->cancel_missing) {
        return TPH_AGENT_CANCEL_NONE;
    }
    if (!sidecar->pod || !may_listen) {
        return TPH_AGENT_CANCEL_LATER;
    }
    struct headers headers;
    struct tph_http_request request;
    struct cancel *cancel = TPH_NEW(struct cancel);
    *cancel =
        (struct cancel){.agent = task->workflow->agent, .uid = tph_strdup(task->workflow->uid), .sidecar = sidecar};
    cancel->told = told;
    cancel->owner = owner;
    start_request(&request, sidecar, TPH_RPC_CANCEL);
    request.headers = headers.list;
    request.body = fill_call(&headers, task, sidecar);
    request.timeout_ms = TPH_LIMIT_CANCEL_TIMEOUT_MS;
    tph_sidecar_cancel_begins(sidecar);
    cancel->next = cancel->agent->cancels;
    if (cancel->next) {
        cancel->next->previous = cancel;
    }
    cancel->agent->cancels = cancel;
    (void)!tph_http_call_start(cancel->agent->http, &request, cancelled, cancel);
    call_filled(cancel->agent);
    return TPH_AGENT_CANCEL_SENT;
}
