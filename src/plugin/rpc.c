/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "data/anystring.h"
#include "data/duration.h"

enum { SHOWN_OF_A_BAD_REPLY = 200 };

static void put_member(struct tph_buf *body, const char *key, struct tph_str text)
{
    (void)tph_buf_puts(body, key);
    tph_json_write_str(text, TPH_JSON_HTML, body);
}

void tph_rpc_request(const struct tph_rpc_task *task, struct tph_buf *body)
{
    put_member(body, "{\"workflow\":{\"metadata\":{\"name\":", task->workflow_name);
    put_member(body, ",\"namespace\":", task->workflow_namespace);
    put_member(body, ",\"uid\":", task->workflow_uid);
    (void)tph_buf_puts(body, "}},\"template\":");
    (void)tph_buf_put(body, task->template_json);
    put_member(body, ",\"task\":{\"id\":", task->node_id);
    put_member(body, ",\"name\":", task->node_name);
    (void)tph_buf_puts(body, ",\"attempt\":");
    (void)tph_buf_putu(body, task->attempt);
    (void)tph_buf_puts(body, ",\"calls\":");
    (void)tph_buf_putu(body, task->calls);
    if (task->deadline_ms > 0) {
        (void)tph_buf_printf(body, ",\"deadline\":%lld", (long long)(task->deadline_ms / 1000));
    }
    if (task->message.len > 0) {
        put_member(body, ",\"message\":", task->message);
    }
    if (task->outputs) {
        (void)tph_buf_puts(body, ",\"outputs\":");
        tph_json_write(task->outputs, TPH_JSON_HTML, body);
    }
    (void)tph_buf_puts(body, "}}");
}

void tph_rpc_idempotency_key(const struct tph_rpc_task *task, struct tph_buf *text)
{
    (void)tph_buf_put(text, task->workflow_uid);
    (void)tph_buf_putc(text, '/');
    (void)tph_buf_put(text, task->node_id);
    (void)tph_buf_putc(text, '/');
    (void)tph_buf_putu(text, task->attempt);
}

void tph_rpc_reply_release(struct tph_rpc_reply *reply)
{
    tph_json_doc_free(reply->doc);
    tph_buf_release(&reply->text);
    *reply = TPH_RPC_REPLY_INIT;
}

/* The beginning of a text, fit for a message: valid UTF-8, cut at `max` bytes at a character. */
static void put_beginning(struct tph_buf *text, struct tph_str body, size_t max)
{
    size_t len = body.len < max ? body.len : max;
    while (len > 0 && len < body.len && ((unsigned char)body.p[len] & 0xc0) == 0x80) {
        len--;
    }
    /* Messages of failures are C strings: a zero byte shows as what is no text, and does not end it. */
    struct tph_str rest = tph_str_slice(body, 0, len), piece;
    while (tph_str_cut(&rest, '\0', &piece)) {
        (void)tph_utf8_repair(text, piece);
        (void)tph_buf_puts(text, rest.p ? "\xef\xbf\xbd" : "");
    }
    if (len < body.len) {
        (void)tph_buf_puts(text, "...");
    }
}

static void set_message(struct tph_rpc_reply *reply, enum tph_verdict verdict)
{
    reply->verdict = verdict;
    reply->message = tph_buf_cstr(&reply->text);
}

static void put_status(struct tph_rpc_reply *reply, const struct tph_rpc_answer *answer)
{
    (void)tph_buf_printf(&reply->text, "%d ", answer->status);
    (void)tph_utf8_repair(&reply->text, answer->reason);
}

/* What may pass was tried as often as anything is. A stranger has one try, about which there is nothing to say. */
static bool all_spent(const struct tph_rpc_question *question)
{
    return question->owner && question->tries_left <= 0;
}

static void put_tries(struct tph_rpc_reply *reply)
{
    (void)tph_buf_printf(&reply->text, ", tried %d times", TPH_LIMIT_CALL_TRIES);
}

/* A 503 that stayed: Argo shows its body and nothing else, so that comes first. */
static void stayed_busy(struct tph_rpc_reply *reply, const struct tph_rpc_answer *answer)
{
    struct tph_str body = tph_str_trim(answer->body);
    put_beginning(&reply->text, body, TPH_LIMIT_ERROR_BODY);
    (void)tph_buf_puts(&reply->text, body.len > 0 ? " (" : "");
    put_status(reply, answer);
    put_tries(reply);
    (void)tph_buf_puts(&reply->text, body.len > 0 ? ")" : "");
    set_message(reply, TPH_VERDICT_FATAL);
}

/* Anything but a 200: `<code> <reason>: <body>`, as Argo words it. */
static void refuse_status(struct tph_rpc_reply *reply, const struct tph_rpc_answer *answer, enum tph_verdict verdict)
{
    put_status(reply, answer);
    (void)tph_buf_puts(&reply->text, ": ");
    put_beginning(&reply->text, answer->body, TPH_LIMIT_ERROR_BODY);
    if (answer->status == 403 || answer->status == 401) {
        (void)tph_buf_puts(&reply->text,
                           " (the plugin did not accept the token: it should compare the Authorization header with "
                           "/var/run/argo/token)");
    }
    set_message(reply, verdict);
}

/* `Post "URL": <what the transport says>`. */
static void transport_failed(struct tph_rpc_reply *reply, const struct tph_rpc_answer *answer,
                             const struct tph_rpc_question *question)
{
    (void)tph_buf_printf(&reply->text, "Post \"%s\": %.*s", question->url, TPH_FMT(answer->error));
    if (all_spent(question)) {
        put_tries(reply);
    }
    set_message(reply, question->tries_left > 0 ? TPH_VERDICT_RETRY : TPH_VERDICT_FATAL);
}

static void bad_body(struct tph_rpc_reply *reply, struct tph_str body, const char *why)
{
    if (tph_str_trim(body).len == 0) {
        (void)tph_buf_puts(&reply->text,
                           "EOF: the plugin answered 200 with an empty body; {} says that a template is not its own");
    } else {
        (void)tph_buf_printf(&reply->text, "the plugin's reply is not JSON (%s); it begins with: ", why);
        put_beginning(&reply->text, body, SHOWN_OF_A_BAD_REPLY);
    }
    set_message(reply, TPH_VERDICT_FATAL);
}

/* The letter that Go's encoding/json takes for this one when it compares names; *at goes on. */
static char next_folded(struct tph_str *rest)
{
    static const struct tph_str long_s = TPH_STR("\xc5\xbf"), kelvin = TPH_STR("\xe2\x84\xaa");
    bool is_s = tph_str_has_prefix(*rest, long_s), is_k = tph_str_has_prefix(*rest, kelvin);
    char c = rest->p[0];
    *rest = tph_str_slice(*rest, is_s ? long_s.len : is_k ? kelvin.len : 1, rest->len);
    return (char)(is_s ? 's' : is_k ? 'k' : c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool folds_to(struct tph_str name, const char *wanted)
{
    while (name.len > 0 && *wanted) {
        char c = *wanted++;
        if (next_folded(&name) != (c >= 'A' && c <= 'Z' ? c | 0x20 : c)) {
            return false;
        }
    }
    return name.len == 0 && *wanted == '\0';
}

/* A member as Go finds it, in whatever case its name is written. Of several the last counts; a null only where none had
 * a text before it. */
static struct tph_json *member(const struct tph_json *object, const char *name)
{
    struct tph_json *found = NULL;
    struct tph_json_iter it = tph_json_iter(tph_json_is(object, TPH_JSON_OBJECT) ? object : NULL);
    while (tph_json_next(&it)) {
        if (folds_to(it.key, name) && !(tph_json_is_null(it.value) && tph_json_is(found, TPH_JSON_STRING))) {
            found = it.value;
        }
    }
    return found;
}

/* What Go's decoder would not take into a reply: says which member is of another type than the contract's. */
static bool has_types(const struct tph_json *root, char *ret_why, size_t size)
{
    enum parent { ROOT, NODE, OUTPUTS };
    static const char *const places[] = {[ROOT] = "", [NODE] = "node.", [OUTPUTS] = "node.outputs."};
    static const struct {
        enum parent parent;
        enum tph_json_type type;
        const char *name;
    } members[] = {
        {ROOT, TPH_JSON_OBJECT, "node"},        {NODE, TPH_JSON_STRING, "phase"},
        {NODE, TPH_JSON_STRING, "message"},     {NODE, TPH_JSON_STRING, "progress"},
        {NODE, TPH_JSON_OBJECT, "outputs"},     {OUTPUTS, TPH_JSON_ARRAY, "parameters"},
        {OUTPUTS, TPH_JSON_ARRAY, "artifacts"}, {OUTPUTS, TPH_JSON_STRING, "result"},
        {OUTPUTS, TPH_JSON_STRING, "exitCode"},
    };
    const struct tph_json *node = member(root, "node");
    const struct tph_json *outputs = member(node, "outputs");
    const struct tph_json *const parents[] = {[ROOT] = root, [NODE] = node, [OUTPUTS] = outputs};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct tph_json *found = member(parents[members[i].parent], members[i].name);
        if (!tph_json_is_null(found) && !tph_json_is(found, members[i].type)) {
            (void)snprintf(ret_why, size, "%s%s must be of type %s, not %s", places[members[i].parent], members[i].name,
                           tph_json_type_name(members[i].type), tph_json_type_name(tph_json_type(found)));
            return false;
        }
    }
    struct tph_json_iter it = tph_json_iter(member(outputs, "parameters"));
    while (tph_json_next(&it)) {
        if (!tph_json_is(it.value, TPH_JSON_OBJECT)) {
            (void)snprintf(ret_why, size, "node.outputs.parameters[%zu] must be of type object, not %s", it.index,
                           tph_json_type_name(tph_json_type(it.value)));
            return false;
        }
    }
    return true;
}

/* A text member: absent and null read as "". */
static struct tph_str text_member(const struct tph_json *object, const char *key)
{
    return tph_json_str(member(object, key));
}

/* Makes one parameter's value a text. False when it is larger than a parameter may be. */
static bool normalise_parameter(struct tph_json_doc *doc, struct tph_json *parameter)
{
    struct tph_json *value = tph_json_get(parameter, "value");
    if (!value) {
        return true;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    if (!tph_anystring(value, &text)) {
        (void)tph_json_remove(parameter, "value");
    } else if (!tph_json_is(value, TPH_JSON_STRING) || tph_buf_failed(&text)) {
        tph_json_set_str(doc, parameter, "value", tph_buf_str(&text));
    }
    return !tph_buf_failed(&text);
}

/* Gives members of an element of a list the names that Go knows them by. */
static void name_members(struct tph_json_doc *doc, struct tph_json *element)
{
    static const char *const names[] = {"name",        "value",    "valueFrom", "default", "globalName",     "enum",
                                        "description", "path",     "mode",      "from",    "fromExpression", "subPath",
                                        "archive",     "optional", "s3",        "gcs",     "http",           "git",
                                        "raw",         "oss",      "hdfs",      "azure",   "artifactory"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct tph_json *found = member(element, names[i]);
        struct tph_json_iter it = tph_json_iter(element);
        struct tph_str odd = TPH_STR_NONE;
        while (tph_json_next(&it)) {
            odd = folds_to(it.key, names[i]) && !tph_str_eqz(it.key, names[i]) ? it.key : odd;
        }
        if (odd.p) {
            tph_json_set(doc, element, names[i], tph_json_copy(doc, found));
            (void)tph_json_removen(element, odd);
        }
    }
}

/* Outputs as a node's status has them: parameter values as texts, null members gone. NULL when nothing is in them. */
static const struct tph_json *normalise_outputs(struct tph_rpc_reply *reply, struct tph_json *outputs)
{
    static const char *const members[] = {"parameters", "artifacts", "result", "exitCode"};
    if (!tph_json_is(outputs, TPH_JSON_OBJECT)) {
        return NULL;
    }
    struct tph_json *kept = tph_json_new_object(reply->doc);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct tph_json *found = member(outputs, members[i]);
        if (!tph_json_is_null(found)) {
            tph_json_set(reply->doc, kept, members[i], tph_json_copy(reply->doc, found));
        }
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(kept, "artifacts"));
    while (tph_json_next(&it)) {
        name_members(reply->doc, it.value);
    }
    it = tph_json_iter(tph_json_get(kept, "parameters"));
    while (tph_json_next(&it)) {
        name_members(reply->doc, it.value);
        if (!normalise_parameter(reply->doc, it.value)) {
            tph_buf_clear(&reply->text);
            (void)tph_buf_printf(&reply->text, "output parameter \"%.*s\" is larger than %zu bytes",
                                 TPH_FMT(tph_json_get_str(it.value, "name")), TPH_LIMIT_PARAMETER);
            set_message(reply, TPH_VERDICT_FATAL);
            return NULL;
        }
    }
    return tph_json_len(kept) > 0 ? kept : NULL;
}

static bool is_final_word(struct tph_str phase)
{
    static const char *const words[] = {"Succeeded", "Failed", "Error", "Skipped", "Omitted"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tph_str_eqz(phase, words[i])) {
            return true;
        }
    }
    return false;
}

/* The requeue member: a Go duration. What is none is told, and polled by the default. */
static void read_requeue(struct tph_rpc_reply *reply, const struct tph_json *root)
{
    const struct tph_json *requeue = member(root, "requeue");
    int64_t ns = 0;
    if (tph_json_is_null(requeue)) {
        return;
    }
    if (!tph_json_is(requeue, TPH_JSON_STRING) || tph_duration_parse_go(tph_json_str(requeue), &ns, NULL) < 0 ||
        ns < 0) {
        reply->warning = "requeue is no duration such as \"2m\"; it is ignored";
        return;
    }
    int64_t ms = ns / 1000000;
    reply->requeue_ms = ms < TPH_LIMIT_REQUEUE_MIN_MS ? TPH_LIMIT_REQUEUE_MIN_MS : ms;
}

static void read_node(struct tph_rpc_reply *reply, struct tph_json *node)
{
    reply->verdict = TPH_VERDICT_RESULT;
    reply->result = (struct tph_node_result){
        .phase = text_member(node, "phase"),
        .message = text_member(node, "message"),
        .progress = text_member(node, "progress"),
        .outputs = normalise_outputs(reply, member(node, "outputs")),
    };
    if (is_final_word(reply->result.phase) && reply->requeue_ms >= 0) {
        reply->requeue_ms = -1;
        if (!tph_str_eqz(reply->result.phase, "Succeeded")) {
            reply->warning = "requeue with a final phase is ignored";
        }
    }
}

static void read_body(struct tph_rpc_reply *reply, const struct tph_rpc_answer *answer)
{
    struct tph_error problem = TPH_ERROR_INIT;
    size_t used = 0;
    if (tph_json_parse_first(answer->body, &reply->doc, &used, &problem) < 0) {
        bad_body(reply, answer->body, problem.text);
        return;
    }
    struct tph_json *root = tph_json_root(reply->doc);
    struct tph_json *node = member(root, "node");
    if (!tph_json_is_null(root) && !tph_json_is(root, TPH_JSON_OBJECT)) {
        bad_body(reply, answer->body, "an object was expected");
        return;
    }
    char why[128];
    if (!has_types(root, why, sizeof(why))) {
        (void)tph_buf_printf(&reply->text, "the plugin's reply cannot be read (%s); it begins with: ", why);
        put_beginning(&reply->text, answer->body, SHOWN_OF_A_BAD_REPLY);
        set_message(reply, TPH_VERDICT_FATAL);
        return;
    }
    read_requeue(reply, root);
    if (tph_json_is_null(node) && reply->requeue_ms < 0) {
        reply->verdict = TPH_VERDICT_DECLINED;
        return;
    }
    read_node(reply, node);
}

void tph_rpc_judge(const struct tph_rpc_answer *answer, const struct tph_rpc_question *question,
                   struct tph_rpc_reply *ret_reply)
{
    tph_rpc_reply_release(ret_reply);
    switch (answer->transport) {
    case TPH_RPC_REFUSED:
    case TPH_RPC_BROKEN:
    case TPH_RPC_TIMEOUT:
        transport_failed(ret_reply, answer, question);
        break;
    case TPH_RPC_TOO_LARGE:
        (void)tph_buf_printf(&ret_reply->text, "the plugin's reply is larger than %zu bytes", TPH_LIMIT_REPLY);
        set_message(ret_reply, TPH_VERDICT_FATAL);
        break;
    case TPH_RPC_ANSWERED:
        if (answer->status == 200) {
            read_body(ret_reply, answer);
        } else if (answer->status == 404) {
            refuse_status(ret_reply, answer, TPH_VERDICT_NEVER);
        } else if (answer->status == 503 && all_spent(question)) {
            stayed_busy(ret_reply, answer);
        } else if (answer->status == 503) {
            refuse_status(ret_reply, answer, TPH_VERDICT_RETRY);
        } else {
            refuse_status(ret_reply, answer, TPH_VERDICT_FATAL);
        }
        break;
    case TPH_RPC_TRANSPORT_COUNT:
        break;
    }
    /* A stranger's nonsense means that the template is not its own; its words are kept for the report. */
    bool nonsense = ret_reply->verdict == TPH_VERDICT_RETRY || ret_reply->verdict == TPH_VERDICT_FATAL;
    if (!question->owner && nonsense) {
        ret_reply->verdict = TPH_VERDICT_DECLINED;
    }
}
