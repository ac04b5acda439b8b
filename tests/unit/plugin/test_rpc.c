/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: what is sent, and what every kind of answer means, for an owner and for a stranger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "plugin/rpc.h"

#define URL "http://localhost:4355/api/v1/template.execute"

static void the_request_is_argos_with_a_task_behind(void **state)
{
    (void)state;
    struct tph_rpc_task task = {
        .workflow_name = TPH_STR("wf"),
        .workflow_namespace = TPH_STR("ns"),
        .workflow_uid = TPH_STR("u-1"),
        .template_json = TPH_STR("{\"name\":\"t\",\"plugin\":{\"hello\":{}}}"),
        .node_id = TPH_STR("wf-1"),
        .node_name = TPH_STR("wf[0].a"),
        .attempt = 2,
        .calls = 1,
        .message = TPH_STR("<so far>"),
    };
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(4096);
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(256);
    tph_rpc_request(&task, &body);
    tph_rpc_idempotency_key(&task, &key);
    assert_string_equal(tph_buf_cstr(&body),
                        "{\"workflow\":{\"metadata\":{\"name\":\"wf\",\"namespace\":\"ns\",\"uid\":\"u-1\"}},"
                        "\"template\":{\"name\":\"t\",\"plugin\":{\"hello\":{}}},"
                        "\"task\":{\"id\":\"wf-1\",\"name\":\"wf[0].a\",\"attempt\":2,\"calls\":1,"
                        "\"message\":\"\\u003cso far\\u003e\"}}");
    assert_string_equal(tph_buf_cstr(&key), "u-1/wf-1/2");
}

/* One cell: transport, status and body, and what it means for the key's owner; message NULL = not looked at. */
struct cell {
    enum tph_rpc_transport transport;
    int status;
    const char *reason, *body;
    enum tph_verdict owner_more, owner_last;
    const char *message;
};

#define SAME(verdict) verdict, verdict

static const struct cell cells[] = {
    {TPH_RPC_ANSWERED, 200, "OK", "{}", SAME(TPH_VERDICT_DECLINED), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "null", SAME(TPH_VERDICT_DECLINED), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "null\n", SAME(TPH_VERDICT_DECLINED), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"Body\":{\"node\":{}}}", SAME(TPH_VERDICT_DECLINED), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":null}", SAME(TPH_VERDICT_DECLINED), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":{\"phase\":\"Succeeded\"}}", SAME(TPH_VERDICT_RESULT), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":{\"phase\":\"Failed\"}} {\"again\":1}", SAME(TPH_VERDICT_RESULT), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"requeue\":\"2m\"}", SAME(TPH_VERDICT_RESULT), NULL},
    {TPH_RPC_ANSWERED, 200, "OK", "", SAME(TPH_VERDICT_FATAL), "EOF: the plugin answered 200 with an empty body"},
    {TPH_RPC_ANSWERED, 200, "OK", "Hello", SAME(TPH_VERDICT_FATAL), "it begins with: Hello"},
    {TPH_RPC_ANSWERED, 200, "OK", "[1]", SAME(TPH_VERDICT_FATAL), "an object was expected"},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":5}", SAME(TPH_VERDICT_FATAL), "node must be of type object, not number"},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":{\"phase\":[]}}", SAME(TPH_VERDICT_FATAL),
     "node.phase must be of type string, not array"},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":{\"phase\":\"Succeeded\",\"outputs\":{\"exitCode\":1}}}",
     SAME(TPH_VERDICT_FATAL), "node.outputs.exitCode must be of type string, not number"},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":{\"phase\":\"Succeeded\",\"outputs\":{\"parameters\":[{},1]}}}",
     SAME(TPH_VERDICT_FATAL), "node.outputs.parameters[1] must be of type object, not number"},
    {TPH_RPC_ANSWERED, 200, "OK", "{\"node\":{\"outputs\":{\"parameters\":[{\"name\":\"x\",\"value\":Infinity}]}}}",
     SAME(TPH_VERDICT_FATAL), "not JSON"},
    {TPH_RPC_ANSWERED, 404, "Not Found", "", SAME(TPH_VERDICT_NEVER), "404 Not Found: "},
    {TPH_RPC_ANSWERED, 503, "Service Unavailable", "wait", TPH_VERDICT_RETRY, TPH_VERDICT_FATAL,
     "503 Service Unavailable"},
    {TPH_RPC_ANSWERED, 400, "Bad", "{\"node\":{\"phase\":\"Failed\"}}", SAME(TPH_VERDICT_FATAL),
     "400 Bad: {\"node\":{\"phase\":\"Failed\"}}"},
    {TPH_RPC_ANSWERED, 403, "Forbidden", "", SAME(TPH_VERDICT_FATAL), "/var/run/argo/token"},
    {TPH_RPC_ANSWERED, 500, "Internal Server Error", "connection refused", SAME(TPH_VERDICT_FATAL),
     "500 Internal Server Error: connection refused"},
    {TPH_RPC_ANSWERED, 400, "\xff\xe2\x82", "", SAME(TPH_VERDICT_FATAL), "400 \xef\xbf\xbd\xef\xbf\xbd"},
    {TPH_RPC_ANSWERED, 302, "Found", "", SAME(TPH_VERDICT_FATAL), "302 Found: "},
    {TPH_RPC_REFUSED, 0, "", "", TPH_VERDICT_RETRY, TPH_VERDICT_FATAL, "Post \"" URL "\": words"},
    {TPH_RPC_BROKEN, 0, "", "", TPH_VERDICT_RETRY, TPH_VERDICT_FATAL, "Post \"" URL "\": words"},
    {TPH_RPC_TIMEOUT, 0, "", "", TPH_VERDICT_RETRY, TPH_VERDICT_FATAL, "Post \"" URL "\": words"},
    {TPH_RPC_TOO_LARGE, 0, "", "", SAME(TPH_VERDICT_FATAL), "larger than 4194304 bytes"},
};

static void every_cell_of_the_judgement(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        const struct cell *c = &cells[i];
        for (int more = 0; more < 2; more++) {
            for (int owner = 0; owner < 2; owner++) {
                struct tph_rpc_answer answer = {.transport = c->transport,
                                                .status = c->status,
                                                .reason = tph_str(c->reason),
                                                .body = tph_str(c->body),
                                                .error = TPH_STR("words")};
                struct tph_rpc_question question = {.owner = owner == 1, .tries_left = more, .url = URL};
                TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = TPH_RPC_REPLY_INIT;
                enum tph_verdict expected = more ? c->owner_more : c->owner_last;
                if (!owner && (expected == TPH_VERDICT_RETRY || expected == TPH_VERDICT_FATAL)) {
                    expected = TPH_VERDICT_DECLINED; /* a stranger's nonsense */
                }
                tph_rpc_judge(&answer, &question, &reply);
                if (reply.verdict != expected) {
                    fail_msg("cell %zu, owner %d, more %d: %d instead of %d", i, owner, more, (int)reply.verdict,
                             (int)expected);
                }
                if (c->message && !strstr(reply.message, c->message)) {
                    fail_msg("cell %zu: %s", i, reply.message);
                }
            }
        }
    }
}

/* Judges a 200 of the owner; the caller releases the reply. */
static struct tph_rpc_reply judge(const char *body)
{
    struct tph_rpc_answer answer = {
        .transport = TPH_RPC_ANSWERED, .status = 200, .reason = TPH_STR("OK"), .body = tph_str(body)};
    struct tph_rpc_question question = {.owner = true, .tries_left = 4, .url = URL};
    struct tph_rpc_reply reply = TPH_RPC_REPLY_INIT;
    tph_rpc_judge(&answer, &question, &reply);
    return reply;
}

static void values_of_parameters_become_texts(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } values[] = {
        {"\"s\"", "s"},
        {"2.0", "2"},
        {"0.1", "0.1"},
        {"1e+21", "1000000000000000000000"},
        {"true", "true"},
        {"{\"a\":1}", ""},
        {"[1]", ""},
        {"\"\"", ""},
        {"12345678901234567890", "12345678901234567000"},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        TPH_CLEANUP(tph_freep)
        char *body = tph_format("{\"node\":{\"phase\":\"Succeeded\",\"outputs\":{\"parameters\":[{\"name\":\"p\","
                                "\"value\":%s}],\"exitCode\":null}}}",
                                values[i].json);
        TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = judge(body);
        const struct tph_json *parameter = tph_json_at(tph_json_get(reply.result.outputs, "parameters"), 0);
        if (!tph_str_eqz(tph_json_get_str(parameter, "value"), values[i].text)) {
            fail_msg("%s: %.*s", values[i].json, TPH_FMT(tph_json_get_str(parameter, "value")));
        }
        assert_null(tph_json_get(reply.result.outputs, "exitCode"));
    }
    TPH_CLEANUP(tph_rpc_reply_release)
    struct tph_rpc_reply none =
        judge("{\"node\":{\"phase\":\"Succeeded\",\"outputs\":{\"parameters\":[{\"name\":\"p\",\"value\":null}]}}}");
    assert_null(tph_json_get(tph_json_at(tph_json_get(none.result.outputs, "parameters"), 0), "value"));
}

/* As Go's encoding/json: Kelvin's sign is a k and the long s an s, too; of several the last counts. */
static void members_are_read_in_whatever_case_they_are_written(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"m\",\"progress\":\"1/"
        "1\",\"outputs\":{\"parameters\":[{\"name\":"
        "\"p\",\"value\":1}],\"artifacts\":[{\"name\":\"a\"}],\"result\":\"r\",\"exitCode\":\"0\"}}}",
        "{\"Node\":{\"PHASE\":\"Succeeded\",\"Message\":\"m\",\"proGress\":\"1/"
        "1\",\"Outputs\":{\"Parameters\":[{\"Name\":"
        "\"p\",\"VALUE\":1}],\"Artifacts\":[{\"NAME\":\"a\"}],\"Result\":\"r\",\"exitcode\":\"0\"}}}",
        "{\"node\":{\"phase\":\"Failed\",\"phaſe\":\"Succeeded\",\"MESSAGE\":\"x\",\"message\":\"m\",\"Message\":null,"
        "\"progress\":\"1/"
        "1\",\"outputs\":{\"parameters\":[{\"name\":\"q\",\"Name\":\"p\",\"value\":1}],\"artifacts\":[{"
        "\"name\":\"a\"}],\"re\u017fult\":\"r\",\"exitCode\":\"0\"}}}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = judge(bodies[i]);
        assert_int_equal(reply.verdict, TPH_VERDICT_RESULT);
        assert_true(tph_str_eqz(reply.result.phase, "Succeeded"));
        assert_true(tph_str_eqz(reply.result.message, "m"));
        assert_true(tph_str_eqz(reply.result.progress, "1/1"));
        TPH_CLEANUP(tph_buf_release) struct tph_buf outputs = TPH_BUF_INIT(4096);
        tph_json_write(reply.result.outputs, 0, &outputs);
        assert_string_equal(tph_buf_cstr(&outputs),
                            "{\"parameters\":[{\"name\":\"p\",\"value\":\"1\"}],\"artifacts\":[{\"name\":\"a\"}],"
                            "\"result\":\"r\",\"exitCode\":\"0\"}");
    }
    TPH_CLEANUP(tph_rpc_reply_release)
    struct tph_rpc_reply requeue = judge("{\"Node\":{\"Phase\":\"Running\"},\"Requeue\":\"2m\"}");
    assert_int_equal(requeue.requeue_ms, 120000);
    TPH_CLEANUP(tph_rpc_reply_release)
    struct tph_rpc_reply wrong = judge("{\"Node\":{\"Phase\":5}}");
    assert_non_null(strstr(wrong.message, "node.phase must be of type string, not number"));
    TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply other = judge("{\"nodes\":{\"phase\":\"Succeeded\"}}");
    assert_int_equal(other.verdict, TPH_VERDICT_DECLINED);
}

/* It is a character as any other. In an error's body, which is shown, it is none of a text. */
static void a_zero_byte_does_not_end_a_text(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_rpc_reply_release)
    struct tph_rpc_reply reply =
        judge("{\"node\":{\"phase\":\"Succeeded\",\"message\":\"a\\u0000b\",\"outputs\":{\"parameters\":"
              "[{\"name\":\"p\",\"value\":\"c\\u0000d\"}],\"result\":\"\\u0000e\"}}}");
    TPH_CLEANUP(tph_buf_release) struct tph_buf outputs = TPH_BUF_INIT(4096);
    tph_json_write(reply.result.outputs, 0, &outputs);
    assert_int_equal(reply.result.message.len, 3);
    assert_string_equal(tph_buf_cstr(&outputs),
                        "{\"parameters\":[{\"name\":\"p\",\"value\":\"c\\u0000d\"}],\"result\":\"\\u0000e\"}");
    struct tph_rpc_answer answer = {
        .transport = TPH_RPC_ANSWERED, .status = 500, .reason = TPH_STR("No"), .body = {.p = "\0one\0two\0", .len = 9}};
    struct tph_rpc_question question = {.owner = true, .tries_left = 4, .url = URL};
    tph_rpc_judge(&answer, &question, &reply);
    assert_string_equal(reply.message, "500 No: \xef\xbf\xbdone\xef\xbf\xbdtwo\xef\xbf\xbd");
}

static void requeue_is_a_go_duration(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t ms;
        bool warned;
    } cases[] = {
        {"{\"node\":{\"phase\":\"Running\"},\"requeue\":\"2m\"}", 120000, false},
        {"{\"node\":{\"phase\":\"Running\"},\"requeue\":\"1m0s\"}", 60000, false},
        {"{\"node\":{\"phase\":\"Running\"},\"requeue\":\"0s\"}", TPH_LIMIT_REQUEUE_MIN_MS, false},
        {"{\"node\":{\"phase\":\"Running\"},\"requeue\":5}", -1, true},
        {"{\"node\":{\"phase\":\"Running\"},\"requeue\":\"soon\"}", -1, true},
        {"{\"node\":{\"phase\":\"Running\"},\"requeue\":\"-5s\"}", -1, true},
        {"{\"node\":{\"phase\":\"Running\"}}", -1, false},
        {"{\"node\":{\"phase\":\"Succeeded\"},\"requeue\":\"5s\"}", -1, false},
        {"{\"node\":{\"phase\":\"Failed\"},\"requeue\":\"5s\"}", -1, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = judge(cases[i].body);
        assert_int_equal(reply.verdict, TPH_VERDICT_RESULT);
        assert_int_equal(reply.requeue_ms, cases[i].ms);
        assert_int_equal(reply.warning != NULL, cases[i].warned);
    }
}

static void a_parameter_past_its_ceiling_fails_only_its_node(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_MIB(3));
    (void)tph_buf_puts(
        &body, "{\"node\":{\"phase\":\"Succeeded\",\"outputs\":{\"parameters\":[{\"name\":\"big\",\"value\":\"");
    for (size_t i = 0; i <= TPH_LIMIT_PARAMETER; i++) {
        (void)tph_buf_putc(&body, 'x');
    }
    (void)tph_buf_puts(&body, "\"}]}}}");
    TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = judge(tph_buf_cstr(&body));
    assert_int_equal(reply.verdict, TPH_VERDICT_FATAL);
    assert_string_equal(reply.message, "output parameter \"big\" is larger than 1048576 bytes");
}

/* Argo's text first, ours after it: of a 503 Argo shows the body alone. */
static void when_all_tries_are_spent_argos_words_come_first(void **state)
{
    (void)state;
    static const struct {
        enum tph_rpc_transport transport;
        int status;
        const char *body, *more, *last; /* the message while tries are left, and when none is */
    } rows[] = {
        {TPH_RPC_ANSWERED, 503, "busy, try later", "503 Service Unavailable: busy, try later",
         "busy, try later (503 Service Unavailable, tried 5 times)"},
        {TPH_RPC_ANSWERED, 503, "busy\n", "503 Service Unavailable: busy\n",
         "busy (503 Service Unavailable, tried 5 times)"},
        {TPH_RPC_ANSWERED, 503, "", "503 Service Unavailable: ", "503 Service Unavailable, tried 5 times"},
        {TPH_RPC_BROKEN, 0, "", "Post \"" URL "\": words", "Post \"" URL "\": words, tried 5 times"},
        {TPH_RPC_REFUSED, 0, "", "Post \"" URL "\": words", "Post \"" URL "\": words, tried 5 times"},
        {TPH_RPC_TIMEOUT, 0, "", "Post \"" URL "\": words", "Post \"" URL "\": words, tried 5 times"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int left = 0; left < 2; left++) {
            for (int owner = 0; owner < 2; owner++) {
                struct tph_rpc_answer answer = {.transport = rows[i].transport,
                                                .status = rows[i].status,
                                                .reason = TPH_STR("Service Unavailable"),
                                                .body = tph_str(rows[i].body),
                                                .error = TPH_STR("words")};
                struct tph_rpc_question question = {.owner = owner == 1, .tries_left = left, .url = URL};
                TPH_CLEANUP(tph_rpc_reply_release) struct tph_rpc_reply reply = TPH_RPC_REPLY_INIT;
                tph_rpc_judge(&answer, &question, &reply);
                /* a stranger has one try: nothing was spent */
                assert_string_equal(reply.message, owner == 1 && left == 0 ? rows[i].last : rows[i].more);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_argos_with_a_task_behind),
        cmocka_unit_test(every_cell_of_the_judgement),
        cmocka_unit_test(when_all_tries_are_spent_argos_words_come_first),
        cmocka_unit_test(values_of_parameters_become_texts),
        cmocka_unit_test(members_are_read_in_whatever_case_they_are_written),
        cmocka_unit_test(a_zero_byte_does_not_end_a_text),
        cmocka_unit_test(requeue_is_a_go_duration),
        cmocka_unit_test(a_parameter_past_its_ceiling_fails_only_its_node),
    };
    return cmocka_run_group_tests_name("plugin/rpc", tests, NULL, NULL);
}
