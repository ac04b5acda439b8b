/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts: a retry node begins another one until one goes well or it may not any more. Source: argo 2.10.
 *
 * Times count from the stored whole seconds, so that a restored run agrees. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/duration.h"
#include "data/time.h"
#include "engine/run_internal.h"

enum verdict {
    RETRY_AGAIN,
    RETRY_WAIT,   /* until the node's deadline; the message is told */
    RETRY_ENOUGH, /* as the last attempt ended; the message is told where there is one of the retry's own */
    RETRY_BROKEN, /* the strategy itself is no good: problem */
};

/* There is one. */
static struct node *last_attempt(const struct node *retry)
{
    return retry->members[retry->n_members - 1];
}

static int eval(const struct node *retry, const struct tph_text *text, struct tph_buf *value, struct tph_buf *problem)
{
    struct scope scope = tph_scope_of(retry);
    return tph_scope_eval(&scope, text, 0, value, problem) ? -1 : 0;
}

/* A duration of the strategy in milliseconds; 0 where there is none. */
static int duration_ms(const struct node *retry, const struct tph_text *text, int64_t *ret_ms, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    *ret_ms = 0;
    if (text->source.len == 0) {
        return 0;
    }
    if (eval(retry, text, &value, problem) < 0) {
        return -1;
    }
    if (tph_duration_parse(tph_buf_str(&value), &ns, &err) < 0) {
        (void)tph_buf_puts(problem, err.text);
        return -1;
    }
    *ret_ms = ns / 1000000;
    return 0;
}

static int factor_of(const struct node *retry, double *ret_factor, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(4));
    int64_t factor = 1;
    *ret_factor = 1;
    if (!retry->template->retry->has_factor) {
        return 0;
    }
    if (eval(retry, &retry->template->retry->factor, &value, problem) < 0) {
        return -1;
    }
    if (tph_str_to_i64(tph_buf_str(&value), &factor) < 0) {
        (void)tph_buf_printf(problem, "strconv.ParseInt: parsing \"%s\": invalid syntax", tph_buf_cstr(&value));
        return -1;
    }
    *ret_factor = (double)factor;
    return 0;
}

/* The limit; -1 = none. */
static int limit_of(const struct node *retry, int64_t *ret_limit, struct tph_buf *problem)
{
    const struct tph_retry *r = retry->template->retry;
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(4));
    *ret_limit = -1;
    if (!r->has_limit) {
        return 0;
    }
    if (eval(retry, &r->limit, &value, problem) < 0) {
        return -1;
    }
    if (tph_str_to_i64(tph_buf_str(&value), ret_limit) < 0) {
        (void)tph_buf_printf(problem, "strconv.ParseInt: parsing \"%s\": invalid syntax", tph_buf_cstr(&value));
        return -1;
    }
    return 0;
}

/* Go's humanized duration, whole seconds: the two largest units. */
static void put_humanized(int64_t ms, struct tph_buf *out)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    int64_t seconds = (ms + 999) / 1000;
    int put = 0;
    for (size_t i = 0; i < 4 && put < 2; i++) {
        int64_t n = seconds / units[i].seconds;
        seconds -= n * units[i].seconds;
        if (n > 0 || (i == 3 && put == 0)) {
            (void)tph_buf_printf(out, "%s%lld %s%s", put++ > 0 ? " " : "", (long long)n, units[i].name,
                                 n == 1 ? "" : "s");
        }
    }
}

/* The pause before the next attempt. */
static enum verdict back_off(struct node *retry, int64_t limit, struct tph_buf *message, struct tph_buf *problem)
{
    const struct tph_retry *r = retry->template->retry;
    const struct node *first = retry->members[0];
    const struct node *last = last_attempt(retry);
    int64_t base_ms = 0;
    int64_t max_ms = 0;
    int64_t cap_ms = 0;
    double factor = 1;
    if (!r->has_backoff) {
        return RETRY_AGAIN;
    }
    if (duration_ms(retry, &r->duration, &base_ms, problem) < 0 ||
        duration_ms(retry, &r->max_duration, &max_ms, problem) < 0 ||
        duration_ms(retry, &r->cap, &cap_ms, problem) < 0 || factor_of(retry, &factor, problem) < 0) {
        return RETRY_BROKEN;
    }
    if (r->duration.source.len == 0) {
        (void)tph_buf_puts(problem, "no base duration specified for retryStrategy");
        return RETRY_BROKEN;
    }
    double wait = (double)base_ms * pow(factor, (double)(retry->n_members - 1));
    wait = cap_ms > 0 && wait > (double)cap_ms ? (double)cap_ms : wait;
    int64_t wait_ms = wait < 1e15 ? (int64_t)wait : INT64_C(1000000000000000);
    int64_t due_ms = tph_run_since(retry->run, last->pub.finished_ms, last->unknown_ms) + wait_ms;
    int64_t most_ms = tph_run_since(retry->run, first->pub.started_ms, first->unknown_ms) + max_ms;
    int64_t now_ms = retry->run->now_ms;
    if (max_ms > 0 && now_ms > most_ms) {
        (void)tph_buf_puts(message, "Max duration limit exceeded");
        return RETRY_ENOUGH;
    }
    if (max_ms > 0 && due_ms > most_ms) {
        (void)tph_buf_puts(message, "Backoff would exceed max duration limit");
        return RETRY_ENOUGH;
    }
    bool waits = r->has_limit ? (int64_t)retry->n_members <= limit : !tph_run_compat(retry->run, TPH_COMPAT_RETRIES);
    if (waits && now_ms < due_ms) {
        (void)tph_buf_puts(message, "Backoff for ");
        put_humanized(due_ms - now_ms, message);
        tph_node_set_deadline(retry, due_ms);
        return RETRY_WAIT;
    }
    return RETRY_AGAIN;
}

/* Words of a network or of a server that is asked too much, as in Argo. */
static bool is_transient(struct tph_str message)
{
    static const char *const words[] = {"exceeded quota",
                                        "TooManyRequests",
                                        "too many requests",
                                        "i/o timeout",
                                        "connection refused",
                                        "connection reset",
                                        "EOF",
                                        "timeout",
                                        "no such host",
                                        "etcdserver",
                                        "conflict",
                                        "Operation cannot be fulfilled"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tph_str_find(message, tph_str(words[i])) >= 0) {
            return true;
        }
    }
    return false;
}

static bool policy_allows(const struct node *retry, const struct node *last)
{
    bool failed = last->pub.phase == TPH_NODE_FAILED;
    switch (retry->template->retry->policy) {
    case TPH_RETRY_ON_FAILURE:
        return failed;
    case TPH_RETRY_ON_ERROR:
        return !failed;
    case TPH_RETRY_ALWAYS:
        return true;
    case TPH_RETRY_ON_TRANSIENT:
        return is_transient(last->pub.message);
    }
    return false;
}

static enum verdict ask_expression(const struct node *retry, struct tph_buf *message, struct tph_buf *problem)
{
    const struct tph_retry *r = retry->template->retry;
    struct scope scope = tph_scope_of(retry);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    bool again = true;
    scope.retry = retry;
    scope.only_retry = true;
    if (!r->has_expression) {
        return RETRY_AGAIN;
    }
    if (eval(retry, &r->expression, &text, problem) < 0 ||
        tph_scope_decide(&scope, tph_buf_str(&text), &again, problem) < 0) {
        return RETRY_BROKEN;
    }
    if (!again) {
        (void)tph_buf_puts(message, "retryStrategy.expression evaluated to false");
    }
    return again ? RETRY_AGAIN : RETRY_ENOUGH;
}

/* What is to be done about a failed attempt, in Argo's order. */
static enum verdict judge(struct node *retry, struct tph_buf *message, struct tph_buf *problem)
{
    struct tph_run *run = retry->run;
    const struct node *last = last_attempt(retry);
    int64_t limit = -1;
    if (run->shutdown && (tph_run_compat(run, TPH_COMPAT_SHUTDOWN) || !tph_node_in_exit_handler(retry))) {
        (void)tph_buf_printf(message, "Stopped with strategy '%s'", run->shutdown);
        return RETRY_ENOUGH;
    }
    int64_t deadline_ms = tph_run_deadline_ms(run);
    if (deadline_ms > 0 && run->now_ms >= deadline_ms) {
        char text[TPH_TIME_TEXT];
        tph_time_format(deadline_ms, text);
        (void)tph_buf_printf(message, "retry exceeded workflow deadline %s", text);
        return RETRY_ENOUGH;
    }
    if (limit_of(retry, &limit, problem) < 0) {
        return RETRY_BROKEN;
    }
    enum verdict pause = back_off(retry, limit, message, problem);
    if (pause != RETRY_AGAIN) {
        return pause;
    }
    if (!policy_allows(retry, last)) {
        (void)tph_buf_put(message, last->pub.message);
        return RETRY_ENOUGH;
    }
    if (limit >= 0 && (int64_t)retry->n_members > limit) {
        (void)tph_buf_puts(message, "No more retries left");
        return RETRY_ENOUGH;
    }
    return ask_expression(retry, message, problem);
}

static void begin_attempt(struct node *retry)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    enum dispatched result = DISPATCHED;
    tph_node_set_message(retry, TPH_STR_NONE);
    struct node *attempt = tph_dispatch_attempt(retry, &problem, &result);
    attempt->broken = result == DISPATCH_FAILED;
    tph_node_push_begin(attempt);
}

static void end_retry(struct node *retry, const struct tph_buf *message)
{
    const struct node *last = last_attempt(retry);
    tph_node_set_outputs(retry, last->pub.outputs);
    retry->timed_out = last->timed_out;
    tph_node_set_phase(retry, last->pub.phase, tph_buf_cstr(message));
}

/* The last attempt is over. */
static void consider(struct node *retry)
{
    const struct node *last = last_attempt(retry);
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (!tph_node_failed(last)) {
        end_retry(retry, &message);
        return;
    }
    tph_node_set_deadline(retry, 0); /* of the pause: over, or set anew */
    switch (judge(retry, &message, &problem)) {
    case RETRY_AGAIN:
        if (tph_run_has_room(retry->run, 1, &problem)) { /* without a limit they might never end */
            begin_attempt(retry);
        } else {
            tph_node_set_phase(retry, TPH_NODE_FAILED, tph_buf_cstr(&problem));
        }
        break;
    case RETRY_WAIT:
        tph_node_set_message(retry, tph_buf_str(&message));
        break;
    case RETRY_ENOUGH:
        end_retry(retry, &message);
        break;
    case RETRY_BROKEN:
        retry->broken = true;
        tph_node_set_phase(retry, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        break;
    }
}

void tph_retry_begin(struct node *retry)
{
    begin_attempt(retry);
}

void tph_retry_attempt_final(struct node *retry)
{
    if (!tph_node_phase_is_final(retry->pub.phase)) {
        consider(retry);
    }
}

void tph_retry_expire(struct node *retry)
{
    consider(retry);
}

void tph_retry_start_again(struct node *retry)
{
    if (retry->n_members == 0) {
        tph_run_push(retry->run, WORK_BEGIN, retry);
    } else if (tph_node_phase_is_final(last_attempt(retry)->pub.phase)) {
        consider(retry);
    }
}
