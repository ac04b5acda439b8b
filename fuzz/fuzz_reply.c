/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's answer. The first line says who is asked and how it went, "o" for the key's owner or "s" for a stranger,
 * the tries that are left, the transport and the status ("o4 0 200 OK"); the rest is the body. Whatever comes, the
 * judgement is one that the agent can follow, and what reaches a node and the next request is sound JSON. */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "plugin/rpc.h"

static void is_text(struct tph_str text)
{
    FUZZ_HOLDS(tph_utf8_valid(text));
}

static bool is_among(struct tph_str phase, const char *const *words)
{
    for (; *words; words++) {
        if (tph_str_eqz(phase, *words)) {
            return true;
        }
    }
    return false;
}

/* The next call tells of this answer: its body must be JSON whatever the plugin said. */
static void can_be_told(const struct tph_node_result *result)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_rpc_task task = {.template_json = TPH_STR("{}"), .message = result->message, .outputs = result->outputs};
    tph_rpc_request(&task, &body);
    FUZZ_HOLDS(!tph_buf_failed(&body) && tph_json_parse(tph_buf_str(&body), &doc, NULL) == 0);
    const struct tph_json *told = tph_json_get(tph_json_root(doc), "task");
    FUZZ_HOLDS(tph_str_eq(tph_json_get_str(told, "message"), result->message));
    FUZZ_HOLDS(tph_json_is_null(tph_json_get(told, "outputs")) == (result->outputs == NULL));
}

static void result_is_sound(const struct tph_rpc_reply *reply)
{
    static const char *const final[] = {"Succeeded", "Failed", "Error", "Skipped", "Omitted", NULL};
    const struct tph_node_result *result = &reply->result;
    is_text(result->phase);
    is_text(result->message);
    is_text(result->progress);
    FUZZ_HOLDS(reply->requeue_ms == -1 || reply->requeue_ms >= TPH_LIMIT_REQUEUE_MIN_MS);
    FUZZ_HOLDS(reply->requeue_ms == -1 || !is_among(result->phase, final));
    struct tph_json_iter it = tph_json_iter(tph_json_get(result->outputs, "parameters"));
    while (tph_json_next(&it)) {
        const struct tph_json *value = tph_json_get(it.value, "value");
        FUZZ_HOLDS(!value || tph_json_is(value, TPH_JSON_STRING));
        FUZZ_HOLDS(tph_json_str(value).len <= TPH_LIMIT_PARAMETER);
    }
    can_be_told(result);
}

static void judgement_is_sound(const struct tph_rpc_answer *answer, const struct tph_rpc_question *question,
                               const struct tph_rpc_reply *reply)
{
    bool answered = answer->transport == TPH_RPC_ANSWERED;
    switch (reply->verdict) {
    case TPH_VERDICT_RESULT:
        FUZZ_HOLDS(answered && answer->status == 200);
        result_is_sound(reply);
        break;
    case TPH_VERDICT_DECLINED:
        FUZZ_HOLDS(!question->owner || (answered && answer->status == 200));
        break;
    case TPH_VERDICT_NEVER:
        FUZZ_HOLDS(answered && answer->status == 404 && reply->message);
        break;
    case TPH_VERDICT_RETRY:
        FUZZ_HOLDS(question->owner && question->tries_left > 0 && reply->message);
        break;
    case TPH_VERDICT_FATAL:
        FUZZ_HOLDS(question->owner && reply->message && reply->message[0]);
        break;
    case TPH_VERDICT_COUNT:
        FUZZ_HOLDS(false);
    }
    if (reply->message) {
        is_text(tph_str(reply->message));
        FUZZ_HOLDS(strlen(reply->message) <= 3 * (TPH_LIMIT_ERROR_BODY + answer->reason.len) + 1024);
    }
}

static int digit(struct tph_str line, size_t at)
{
    return at < line.len && line.p[at] >= '0' && line.p[at] <= '9' ? line.p[at] - '0' : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str body = fuzz_text(data, size);
    struct tph_str line = TPH_STR("");
    if (!tph_str_cut(&body, '\n', &line) || line.len < 8) {
        return 0;
    }
    struct tph_rpc_question question = {
        .owner = line.p[0] == 'o', .tries_left = digit(line, 1), .url = "http://localhost:1/api/v1/template.execute"};
    struct tph_rpc_answer answer = {
        .transport = (enum tph_rpc_transport)(digit(line, 3) % TPH_RPC_TRANSPORT_COUNT),
        .status = digit(line, 5) * 100 + digit(line, 6) * 10 + digit(line, 7),
        .reason = tph_str_slice(line, 9 < line.len ? 9 : line.len, line.len),
        .body = body,
        .error = TPH_STR("EOF"),
    };
    TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = TPH_RPC_REPLY_INIT;
    tph_rpc_judge(&answer, &question, &reply);
    judgement_is_sound(&answer, &question, &reply);
    return 0;
}
