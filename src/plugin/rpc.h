/* SPDX-License-Identifier: Apache-2.0 */
/* The contract with a plugin: the request's text, and what an answer means. Pure: no I/O, no clock.
 *
 * Exactly Argo's request and reply for old plugins (docs/plugin-api.yaml; reference argo 4.5); additions are optional.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"
#include "data/json.h"

#define TPH_RPC_EXECUTE "/api/v1/template.execute"
#define TPH_RPC_CANCEL  "/api/v1/template.cancel"

/* One task as a plugin sees it. All borrowed. */
struct tph_rpc_task {
    struct tph_str workflow_name, workflow_namespace, workflow_uid;
    struct tph_str template_json; /* the processed template, JSON text, sent as is */
    struct tph_str node_id, node_name;
    uint32_t attempt;               /* from 0; a manual or automatic retry raises it */
    uint32_t calls;                 /* how often this attempt was answered before */
    int64_t deadline_ms;            /* wall clock; 0 = none */
    struct tph_str message;         /* of the previous answer, "" = none */
    const struct tph_json *outputs; /* of the previous answer, NULL = none */
};

/* {"workflow":{"metadata":{"name","namespace","uid"}},"template":{...},"task":{...}}, keys as Argo orders them. */
void tph_rpc_request(const struct tph_rpc_task *task, struct tph_buf *body);

/* "uid/nodeID/attempt": the same on every call for a task. */
void tph_rpc_idempotency_key(const struct tph_rpc_task *task, struct tph_buf *text);

enum tph_rpc_transport {
    TPH_RPC_ANSWERED, /* status and body are set */
    TPH_RPC_REFUSED,
    TPH_RPC_BROKEN, /* reset, closed early, connect error, not HTTP */
    TPH_RPC_TIMEOUT,
    TPH_RPC_TOO_LARGE,
    TPH_RPC_TRANSPORT_COUNT,
};

struct tph_rpc_answer {
    enum tph_rpc_transport transport;
    int status;
    struct tph_str reason; /* the status line's words */
    struct tph_str body;
    struct tph_str error; /* transport errors: Go's words */
};

/* What an answer means for its task. */
enum tph_verdict {
    TPH_VERDICT_RESULT,   /* the reply holds a node result; with requeue_ms >= 0 call again after it */
    TPH_VERDICT_DECLINED, /* {}, null, or anything else from a stranger: ask the next plugin */
    TPH_VERDICT_RETRY,    /* connection, time-out, 503: same plugin, after the pause */
    TPH_VERDICT_NEVER,    /* 404: this method is not called again in this workflow; ask the next */
    TPH_VERDICT_FATAL,    /* any other status, bad JSON: the node is Failed, message says why */
    TPH_VERDICT_COUNT,
};

/* A node result as the plugin gave it, made fit for a node's status (AnyString values, valid UTF-8, sizes). */
struct tph_node_result {
    struct tph_str
        phase; /* "Succeeded", "Failed", "Error", "Running", "Pending", "Skipped", "Omitted"; "" = only requeue */
    struct tph_str message;
    struct tph_str progress;        /* "1/3" or "" */
    const struct tph_json *outputs; /* NULL = none */
};

struct tph_rpc_reply {
    enum tph_verdict verdict;
    int64_t requeue_ms;            /* -1 = not asked for */
    struct tph_node_result result; /* RESULT */
    const char *message;           /* FATAL, RETRY when tries are used up: for the node */
    const char *warning;           /* NULL, or what is odd about the reply: for the log, once */
    struct tph_json_doc *doc;      /* owns result and messages */
    struct tph_buf text;           /* likewise */
};

#define TPH_RPC_REPLY_INIT ((struct tph_rpc_reply){.requeue_ms = -1, .text = TPH_BUF_INIT(TPH_LIMIT_REPLY)})
void tph_rpc_reply_release(struct tph_rpc_reply *reply);

/* owner: the plugin is the one the key names, or the one that took the key before in this workflow; others are
 * strangers, whose nonsense counts as declined after one try. url is for the messages: Argo's `Post "URL": ...`.
 * A table test walks every cell: transport x status x body x owner x tries left. */
struct tph_rpc_question {
    bool owner;
    int tries_left; /* 0: this was the last */
    const char *url;
};
void tph_rpc_judge(const struct tph_rpc_answer *answer, const struct tph_rpc_question *question,
                   struct tph_rpc_reply *ret_reply);
