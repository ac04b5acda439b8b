/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin nodes: the template as the plugin gets it, what it answers, and its end from outside. */
#include <string.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/duration.h"
#include "engine/run_internal.h"

/* {"name":...,"inputs":{...},...}: head, the node's inputs, tail. Returns 0, or -1 with the problem. */
static int processed_template(struct node *node, struct tph_str *ret_text, struct tph_buf *problem)
{
    const struct tph_template *t = node->template;
    TPH_CLEANUP(tph_buf_release) struct tph_buf inputs = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = tph_scope_of(node);
    int failed = 0;
    if (node->pub.inputs) {
        tph_json_write(node->pub.inputs, TPH_JSON_HTML, &inputs);
    } else {
        (void)tph_buf_puts(&inputs, "{}");
    }
    if (tph_scope_has_tags(tph_buf_str(&inputs))) {
        /* A tag that begins in an input may end behind it. */
        TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        (void)tph_buf_put(&whole, t->head.source);
        (void)tph_buf_put(&whole, tph_buf_str(&inputs));
        (void)tph_buf_put(&whole, t->tail.source);
        failed = tph_scope_replace(&scope, tph_buf_str(&whole), &text, problem);
    } else {
        failed = tph_scope_eval(&scope, &t->head, TPH_TEXT_JSON, &text, problem);
        (void)tph_buf_put(&text, tph_buf_str(&inputs));
        failed = failed ? failed : tph_scope_eval(&scope, &t->tail, TPH_TEXT_JSON, &text, problem);
    }
    if (failed) {
        return -1;
    }
    if (tph_buf_failed(&text)) {
        (void)tph_buf_printf(problem, "the template is longer than %zu bytes with its tags replaced", text.max);
        return -1;
    }
    *ret_text = tph_arena_str(node->run->scratch, tph_buf_str(&text));
    return 0;
}

bool tph_leaf_is_live(const struct node *node)
{
    bool leaf = node->pub.type == TPH_NODE_PLUGIN || node->pub.type == TPH_NODE_HTTP;
    return leaf && !tph_node_phase_is_final(node->pub.phase);
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
    return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static void start_task(struct node *node, struct tph_str text)
{
    node->started = true;
    tph_run_act(node->run, &(struct tph_action){
                               .kind = TPH_ACTION_START_TASK,
                               .node = &node->pub,
                               .attempt = node->pub.attempt,
                               .template_json = text,
                               .key = node->template->key,
                               .deadline_ms = sooner(node->deadline_ms, tph_run_deadline_ms(node->run)),
                           });
}

void tph_leaf_start_again(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str text;
    if (processed_template(node, &text, &problem) < 0) {
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        return;
    }
    start_task(node, text);
}

/* A time of the template after the node's start, in milliseconds since 1970. Returns 0, or -1 with the problem. */
static int read_deadline(const struct node *node, const struct tph_text *text, int64_t *ret_ms, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = tph_scope_of(node);
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    if (tph_scope_eval(&scope, text, 0, &value, problem)) {
        return -1;
    }
    if (tph_duration_parse(tph_buf_str(&value), &ns, &err) < 0) {
        (void)tph_buf_printf(problem, "invalid timeout format %s", err.text);
        return -1;
    }
    *ret_ms = tph_run_since(node->run, node->pub.started_ms, node->unknown_ms) + ns / 1000000;
    return 0;
}

/* timeout, pendingTimeout and activeDeadlineSeconds. Argo knows the first two only until a plugin's first answer, and
 * not of attempts; the last not at all. */
static int set_deadline(struct node *node, struct tph_buf *problem)
{
    const struct tph_template *t = node->template;
    int64_t timeout_ms = 0;
    int64_t pending_ms = 0;
    int64_t active_ms = 0;
    bool argo = tph_run_compat(node->run, TPH_COMPAT_TIMEOUTS);
    bool pending = t->has_pending_timeout && node->pub.phase == TPH_NODE_PENDING;
    bool active = t->has_deadline && !argo;
    if (argo && (node->pub.phase == TPH_NODE_RUNNING || node->role == ROLE_ATTEMPT)) {
        tph_node_set_deadline(node, 0);
        return 0;
    }
    if ((t->has_timeout && read_deadline(node, &t->timeout, &timeout_ms, problem) < 0) ||
        (pending && read_deadline(node, &t->pending_timeout, &pending_ms, problem) < 0) ||
        (active && read_deadline(node, &t->deadline, &active_ms, problem) < 0)) {
        return -1;
    }
    timeout_ms = sooner(timeout_ms, pending_ms);
    node->deadline_is_timeout = timeout_ms != 0 && (active_ms == 0 || timeout_ms <= active_ms);
    tph_node_set_deadline(node, sooner(timeout_ms, active_ms));
    return 0;
}

int tph_leaf_prepare(struct node *node, struct tph_buf *problem)
{
    struct tph_str text;
    if (processed_template(node, &text, problem) < 0) {
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    if (set_deadline(node, problem) < 0) {
        node->run->second_pass = true; /* Argo sees it at its second look */
        tph_node_set_phase(node, TPH_NODE_FAILED, tph_buf_cstr(problem));
        return -1;
    }
    start_task(node, text);
    if (node->run->shutdown) {
        tph_run_end_if_stopped(node);
    }
    return 0;
}

/* "1/3": two whole numbers, the first not larger. False, and nothing set, for anything else. */
static bool parse_progress(struct tph_str text, int64_t *ret_done, int64_t *ret_total)
{
    ptrdiff_t slash = tph_str_find_byte(text, '/');
    int64_t done = 0;
    int64_t total = 0;
    if (slash < 0 || tph_str_to_i64(tph_str_slice(text, 0, (size_t)slash), &done) < 0 ||
        tph_str_to_i64(tph_str_slice(text, (size_t)slash + 1, text.len), &total) < 0 || done < 0 || done > total ||
        total > INT32_MAX) {
        return false;
    }
    *ret_done = done;
    *ret_total = total;
    return true;
}

/* What Argo keeps of a reply's outputs: parameters with their texts, artifacts, result, exitCode. */
static struct tph_json *known_outputs(const struct tph_json *from, struct tph_json_doc *doc)
{
    static const char *const texts[] = {"result", "exitCode"};
    struct tph_json *outputs = tph_json_new_object(doc);
    const struct tph_json *artifacts = tph_json_get(from, "artifacts");
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(from, "parameters"));
    while (tph_json_next(&it)) {
        struct tph_json *parameter = NULL;
        /* One that is no parameter is kept as it is, for people to see. */
        bool good = tph_parameter_decode(it.value, doc, &parameter, NULL) == 0;
        tph_json_append(doc, list, good ? parameter : tph_json_copy(doc, it.value));
    }
    if (tph_json_len(list) > 0) {
        tph_json_set(doc, outputs, "parameters", list);
    }
    if (!tph_json_is_null(artifacts)) {
        tph_json_set(doc, outputs, "artifacts", tph_json_copy(doc, artifacts));
    }
    for (size_t i = 0; i < 2; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        if (tph_anystring(tph_json_get(from, texts[i]), &text)) {
            tph_json_set_str(doc, outputs, texts[i], tph_buf_str(&text));
        }
    }
    return outputs;
}

static void take_outputs(struct node *node, const struct tph_json *from)
{
    if (tph_json_is(from, TPH_JSON_OBJECT)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
        const struct tph_json *outputs = known_outputs(from, doc);
        tph_node_set_outputs(node, tph_json_len(outputs) > 0 ? outputs : NULL);
    }
}

/* Outputs that are declared with a default, and that the plugin did not give. Argo has nobody who would do that. */
static void fill_defaults(struct node *node)
{
    const struct tph_json *declared = tph_json_get(node->template->declared_outputs, "parameters");
    if (tph_json_len(declared) == 0) {
        return;
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *outputs = node->pub.outputs ? tph_json_copy(doc, node->pub.outputs) : tph_json_new_object(doc);
    struct tph_json *list = tph_json_get(outputs, "parameters");
    bool filled = false;
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        list = tph_json_new_array(doc);
    }
    struct tph_json_iter it = tph_json_iter(declared);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        struct tph_str name = tph_json_get_str(it.value, "name");
        bool given = false;
        struct tph_json_iter got = tph_json_iter(list);
        while (tph_json_next(&got)) {
            given = given || tph_str_eq(tph_json_get_str(got.value, "name"), name);
        }
        if (!given && tph_anystring(tph_json_path(it.value, "valueFrom", "default", NULL), &text)) {
            struct tph_json *parameter = tph_json_new_object(doc);
            struct tph_str global = tph_json_get_str(it.value, "globalName");
            tph_json_set_str(doc, parameter, "name", name);
            tph_json_set_str(doc, parameter, "value", tph_buf_str(&text));
            if (global.len > 0) {
                tph_json_set_str(doc, parameter, "globalName", global);
            }
            tph_json_append(doc, list, parameter);
            filled = true;
        }
    }
    if (filled) {
        tph_json_set(doc, outputs, "parameters", tph_json_copy(doc, list));
        tph_node_set_outputs(node, outputs);
    }
}

static void take_progress(struct node *node, struct tph_str progress, enum tph_node_phase phase)
{
    int64_t done = node->done;
    int64_t total = node->total;
    if (progress.len > 0 && !tph_run_compat(node->run, TPH_COMPAT_PROGRESS)) {
        (void)parse_progress(progress, &done, &total); /* nonsense is no news */
    }
    bool good = phase == TPH_NODE_SUCCEEDED || phase == TPH_NODE_SKIPPED || phase == TPH_NODE_OMITTED;
    total = total > 0 ? total : 1;
    tph_node_set_progress(node, good ? total : done, total);
}

static void cancel_task(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_action action = {
        .kind = TPH_ACTION_CANCEL_TASK, .node = &node->pub, .attempt = node->pub.attempt, .key = node->template->key};
    if (!node->started && processed_template(node, &action.template_json, &problem) < 0) {
        action.template_json = TPH_STR_NONE;
    }
    tph_run_act(node->run, &action);
}

void tph_leaf_reply(struct node *node, const struct tph_task_result *result)
{
    enum tph_node_phase phase = node->pub.phase;
    if (tph_node_phase_is_final(phase)) {
        return;
    }
    /* Whoever has not said what became of the node will not be asked again. Argo would wait for ever. */
    bool none = result->phase.len == 0 && !tph_run_compat(node->run, TPH_COMPAT_REPLIES);
    if (none || (result->phase.len > 0 && !tph_node_phase_parse(result->phase, &phase))) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_PARAMETER + TPH_KIB(8));
        (void)tph_buf_printf(&message,
                             "the plugin answered with the phase \"%.*s\", which is none "
                             "of Succeeded, Failed, Error, Running, Pending, Skipped, Omitted",
                             TPH_FMT(result->phase));
        if (result->message.len > 0) {
            (void)tph_buf_printf(&message, ": %.*s", TPH_FMT(result->message));
        }
        cancel_task(node);
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(&message));
        return;
    }
    take_outputs(node, result->outputs);
    if (phase == TPH_NODE_SUCCEEDED && !tph_run_compat(node->run, TPH_COMPAT_REPLIES)) {
        fill_defaults(node);
    }
    take_progress(node, result->progress, phase);
    tph_node_set_message(node, result->message);
    tph_node_set_phase(node, phase, NULL);
    bool pending = node->template->has_pending_timeout;
    if ((tph_run_compat(node->run, TPH_COMPAT_TIMEOUTS) || pending) && !tph_node_phase_is_final(phase)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
        (void)set_deadline(node, &problem); /* was good when the node was made */
    } else if (phase == TPH_NODE_SUCCEEDED && !tph_run_compat(node->run, TPH_COMPAT_EXPORTS)) {
        tph_globals_export_all(node->run, node->pub.outputs); /* Argo forgets those of plugins */
    }
}

void tph_leaf_end(struct node *node, const char *message)
{
    cancel_task(node);
    tph_node_set_phase(node, TPH_NODE_FAILED, message);
}

void tph_leaf_expire(struct node *node)
{
    node->timed_out = node->deadline_is_timeout;
    tph_leaf_end(node, node->timed_out ? "timeout" : "Step exceeded its deadline");
}

void tph_leaf_restore(struct node *node)
{
    if (node->pub.type == TPH_NODE_SUSPEND) {
        tph_suspend_restore(node);
        return;
    }
    if (node->pub.type == TPH_NODE_RETRY && !tph_node_phase_is_final(node->pub.phase)) {
        return; /* looked at when it is started again */
    }
    if (node->pub.type != TPH_NODE_PLUGIN && node->pub.type != TPH_NODE_HTTP) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool failed = set_deadline(node, &problem) < 0;
    if (tph_node_phase_is_final(node->pub.phase)) {
        node->timed_out = !failed && node->deadline_is_timeout && node->pub.phase == TPH_NODE_FAILED &&
                          node->pub.finished_ms >= (node->deadline_ms - node->unknown_ms) / 1000 * 1000 &&
                          tph_str_eqz(node->pub.message, "timeout");
        tph_node_set_deadline(node, 0);
    }
}
