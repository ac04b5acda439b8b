/* SPDX-License-Identifier: Apache-2.0 */
/* Http templates: what a template asks for, what an answer makes of the node, and both through the agent. Expected
 * messages: argo 4.7 and the recorded cases leaf-http-*. */
#include "agent/agent_internal.h"
#include "world.h"

#define TEMPLATE(http) "{\"name\":\"t\",\"inputs\":{},\"outputs\":{},\"metadata\":{},\"http\":{" http "}}"

/* One Secret: s of namespace ns, with k=opensesame and line="x\n". */
static int secret(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name, struct tph_str key,
                  struct tph_buf *value)
{
    (void)owner;
    if (kind != TPH_ENV_SECRET || !tph_str_eqz(ns, "ns") || !tph_str_eqz(name, "s")) {
        return 1;
    }
    bool line = tph_str_eqz(key, "line");
    if (!line && !tph_str_eqz(key, "k")) {
        return 2;
    }
    (void)tph_buf_puts(value, line ? "x\n" : "opensesame");
    return 0;
}

static const struct tph_pod_objects secrets = {.value = secret};

static void read_it(struct tph_http_task *task, const char *text)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_http_task_read(task, tph_str(text), &secrets, TPH_STR("ns"), &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
}

static void refuse(const char *text, const char *expected)
{
    TPH_CLEANUP(tph_http_task_release) struct tph_http_task task = TPH_HTTP_TASK_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_http_task_read(&task, tph_str(text), &secrets, TPH_STR("ns"), &err), -1);
    assert_string_equal(err.text, expected);
}

static void expect_str(struct tph_str got, const char *expected)
{
    if (!tph_str_eqz(got, expected)) {
        fail_msg("\"%.*s\" != \"%s\"", TPH_FMT(got), expected);
    }
}

static void a_template_with_a_url_alone_has_defaults(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_http_task_release) struct tph_http_task task = TPH_HTTP_TASK_INIT;
    read_it(&task, TEMPLATE("\"url\":\"http://x/\""));
    expect_str(task.request.url, "http://x/");
    expect_str(task.request.method, "");
    expect_str(task.request.body, "");
    assert_int_equal(task.request.timeout_ms, 30000); /* as Argo documents it, TPH_LIMIT_FETCH_MS */
    assert_int_equal(task.request.max_body, TPH_LIMIT_PARAMETER);
    assert_int_equal(task.request.n_headers, 0);
    assert_false(task.request.insecure);
}

static void all_fields_reach_the_request(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_http_task_release) struct tph_http_task task = TPH_HTTP_TASK_INIT;
    read_it(&task,
            TEMPLATE("\"url\":\"https://x/\",\"method\":\"PUT\",\"timeoutSeconds\":20,\"insecureSkipVerify\":true,"
                     "\"body\":\"b\",\"headers\":[{\"name\":\"X-A\",\"value\":\"1\"},{\"name\":\"X-B\",\"valueFrom\":"
                     "{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}},{\"name\":\"X-C\"}]"));
    expect_str(task.request.method, "PUT");
    expect_str(task.request.body, "b");
    assert_int_equal(task.request.timeout_ms, 20000);
    assert_true(task.request.insecure);
    assert_int_equal(task.request.n_headers, 3);
    expect_str(task.request.headers[0].value, "1");
    expect_str(task.request.headers[1].name, "X-B");
    expect_str(task.request.headers[1].value, "opensesame");
    expect_str(task.request.headers[2].value, "");
}

static void bytes_win_over_a_text_and_times_may_be_texts(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_http_task_release) struct tph_http_task task = TPH_HTTP_TASK_INIT;
    read_it(&task,
            TEMPLATE("\"url\":\"x\",\"body\":\"no\",\"bodyFrom\":{\"bytes\":\"YQBi\"},\"timeoutSeconds\":\"7\""));
    assert_int_equal(task.request.body.len, 3);
    assert_memory_equal(task.request.body.p, "a\0b", 3);
    assert_int_equal(task.request.timeout_ms, 7000);
    tph_http_task_release(&task);
    read_it(&task, TEMPLATE("\"url\":\"x\",\"timeoutSeconds\":9999999999"));
    assert_int_equal(task.request.timeout_ms, INT64_C(1000) * TPH_LIMIT_FETCH_S);
    tph_http_task_release(&task);
    read_it(&task, TEMPLATE("\"url\":\"x\",\"timeoutSeconds\":-1"));
    assert_int_equal(task.request.timeout_ms, 0);
}

static void what_cannot_be_asked_for_is_told(void **state)
{
    (void)state;
#define SECRET_HEADER(name, key) \
    "\"headers\":[{\"name\":\"A\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"" name "\",\"key\":\"" key "\"}}}]"
    refuse(TEMPLATE(SECRET_HEADER("nix", "k")), "secrets \"nix\" not found");
    refuse(TEMPLATE(SECRET_HEADER("s", "nix")), "secret 's' does not have the key 'nix'");
    refuse(TEMPLATE("\"bodyFrom\":{}"), "http.bodyFrom has no bytes: give the body there as base64");
    refuse(TEMPLATE("\"bodyFrom\":{\"bytes\":\"%\"}"), "http.bodyFrom.bytes is not base64");
    refuse(TEMPLATE("\"timeoutSeconds\":\"soon\""), "http.timeoutSeconds is a whole number of seconds, not \"soon\"");
    refuse(TEMPLATE("\"timeoutSeconds\":1.5"), "http.timeoutSeconds is a whole number of seconds, not 1.5");
}

/* The node of an answer: "PHASE MESSAGE | RESULT". */
static void judge(const char *http, int status, const char *body, const char *expected)
{
    TPH_CLEANUP(tph_http_task_release) struct tph_http_task task = TPH_HTTP_TASK_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_fetch_header headers[] = {{TPH_STR("Content-Type"), TPH_STR("text/plain")},
                                               {TPH_STR("X-Many"), TPH_STR("1")},
                                               {TPH_STR("X-Many"), TPH_STR("2")}};
    const struct tph_fetch_answer answer = {.outcome = status > 0 ? TPH_FETCH_ANSWERED : TPH_FETCH_FAILED,
                                            .status = status,
                                            .headers = headers,
                                            .n_headers = 3,
                                            .body = tph_str(body),
                                            .error = body};
    struct tph_node_result result;
    read_it(&task, http);
    tph_http_task_judge(&task, &answer, doc, &result);
    (void)tph_buf_printf(&text, "%.*s %.*s | %.*s", TPH_FMT(result.phase), TPH_FMT(result.message),
                         TPH_FMT(tph_json_get_str(result.outputs, "result")));
    if (!result.outputs) {
        (void)tph_buf_puts(&text, "none");
    }
    assert_string_equal(tph_buf_cstr(&text), expected);
}

static void without_a_condition_the_status_decides(void **state)
{
    (void)state;
    static const char PLAIN[] = TEMPLATE("\"url\":\"x\"");
    judge(PLAIN, 200, "body", "Succeeded  | body");
    judge(PLAIN, 299, "", "Succeeded  | ");
    judge(PLAIN, 300, "b", "Failed received non-2xx response code: 300 | b");
    judge(PLAIN, 199, "b", "Failed received non-2xx response code: 199 | b");
    judge(PLAIN, 500, "", "Failed received non-2xx response code: 500 | ");
    judge(PLAIN, 0, "Get \"x\": EOF", "Failed Get \"x\": EOF | none");
    judge(PLAIN, 200,
          "a\xff"
          "b",
          "Succeeded  | a\xef\xbf\xbd"
          "b"); /* as Go writes it into JSON */
}

static void met(const char *condition, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    (void)tph_buf_puts(&text, "{\"http\":{\"url\":\"http://u/\",\"method\":\"PUT\",\"bodyFrom\":{\"bytes\":\"YWI=\"},"
                              "\"headers\":[{\"name\":\"x-lower\",\"value\":\"v\"},{\"name\":\"X-S\",\"valueFrom\":{"
                              "\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}}],\"successCondition\":");
    tph_json_write_str(tph_str(condition), 0, &text);
    (void)tph_buf_puts(&text, "}}");
    judge(tph_buf_cstr(&text), 201, "{\"a\":[1,2]}", expected);
}

/* All that a condition may look at (argo 4.7), and no function of Argo's own. */
static void conditions_see_request_and_response(void **state)
{
    (void)state;
#define MET "Succeeded  | {\"a\":[1,2]}"
    met("response.statusCode == 201", MET);
    met("response.statusCode in 200..299 && response.body contains \"a\"", MET);
    met("fromJSON(response.body).a[1] == 2", MET);
    met("response.headers[\"X-Many\"] == [\"1\", \"2\"] && response.headers[\"Content-Type\"][0] == \"text/plain\"",
        MET);
    met("request.method == \"PUT\" && request.url == \"http://u/\" && request.body == \"\"", MET);
    met("len(request.bodyBytes) == 2", MET);
    met("request.headers[\"x-lower\"][0] == \"v\"", MET);
    met("\"X-S\" not in request.headers", MET); /* secrets stay out of conditions */
    met("response.statusCode == 200",
        "Failed successCondition 'response.statusCode == 200' evaluated false | {\"a\":[1,2]}");
    met("response.statusCode", "Failed unable to cast expression result '%!s(int=201)' to bool | none");
    met("asInt(response.body) == 1", "Failed unknown name asInt (1:1)\n | asInt(response.body) == 1\n | ^ | none");
    met("response.statusCode ==",
        "Failed unexpected token EOF (1:22)\n | response.statusCode ==\n | .....................^ | none");
    met("response.body > 1",
        "Failed unable to evaluate expression 'response.body > 1': invalid operation: string > int "
        "(1:15)\n | response.body > 1\n | ..............^ | none");
}

static void submit(struct world *w, const char *id, const char *text)
{
    struct tph_agent_task task = {
        .node_id = tph_str(id), .node_name = tph_str(id), .template_json = tph_str(text), .is_http = true};
    w->n_left++;
    tph_agent_submit(w->workflow, &task);
}

static const char *template_for(const struct peer *peer, char *room, size_t size, const char *more)
{
    (void)snprintf(room, size, TEMPLATE("\"url\":\"http://127.0.0.1:%u/\"%s"), peer->port, more);
    return room;
}

static const char *const one[] = {"x"};
#define ONCE(text)                                    \
    {PEER_ACCEPT}, {PEER_READ_HEAD}, SEND_TEXT(text), \
    {                                                 \
        PEER_CLOSE                                    \
    }

/* One request, no tries, no plugin asked; the next one to the same agent too. */
static void the_agent_makes_the_request_itself(void **state)
{
    (void)state;
    struct world w;
    char text[256];
    world_open(&w, one, 1);
    w.agent->options.objects = secrets;
    peer_play(&w.servers[0], STEPS(ONCE("HTTP/1.1 503 Busy\r\n\r\n"), ONCE("HTTP/1.1 200 OK\r\n\r\nfine")));
    submit(&w, "a", template_for(&w.servers[0], text, sizeof text, ""));
    world_run(&w);
    submit(&w, "b",
           template_for(
               &w.servers[0], text, sizeof text,
               ",\"headers\":[{\"name\":\"a\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}}]"));
    world_run(&w);
    submit(&w, "c", TEMPLATE("\"url\":\"\""));
    world_run(&w);
    submit(&w, "d", TEMPLATE("\"bodyFrom\":{}"));
    world_run(&w);
    assert_string_equal(world_told(&w), "result a Failed received non-2xx response code: 503\nresult b Succeeded \n"
                                        "result c Failed Get \"\": unsupported protocol scheme \"\"\n"
                                        "result d Failed http.bodyFrom has no bytes: give the body there as base64\n");
    assert_non_null(strstr(tph_buf_cstr(&w.servers[0].in), "A: opensesame\r\n"));
    assert_string_equal(tph_buf_cstr(&w.said), ""); /* no sidecar */
    world_close(&w);
}

static void stop_world(void *owner)
{
    world_stop(owner);
}

/* Cancelled, ended with its workflow, replaced by its next attempt: the request is dropped, which the server sees. */
static void a_request_that_nobody_waits_for_is_dropped(void **state)
{
    (void)state;
    struct world w;
    char text[256];
    world_open(&w, one, 1);
    w.keep = true;
    peer_play(&w.servers[0],
              STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CALL, .call = stop_world}, {PEER_READ_EOF},
                    {PEER_CALL, .call = stop_world}, {PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CALL, .call = stop_world}));
    submit(&w, "a", template_for(&w.servers[0], text, sizeof text, ""));
    world_run(&w);
    tph_agent_cancel(w.workflow, TPH_STR("a"), 0);
    world_run(&w);
    submit(&w, "b", text);
    world_run(&w); /* ends with the workflow in world_close */
    submit(&w, "c", text);
    tph_agent_cancel(w.workflow, TPH_STR("c"), 0); /* before its turn */
    assert_string_equal(world_told(&w), "");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_with_a_url_alone_has_defaults),
        cmocka_unit_test(all_fields_reach_the_request),
        cmocka_unit_test(bytes_win_over_a_text_and_times_may_be_texts),
        cmocka_unit_test(what_cannot_be_asked_for_is_told),
        cmocka_unit_test(without_a_condition_the_status_decides),
        cmocka_unit_test(conditions_see_request_and_response),
        cmocka_unit_test(the_agent_makes_the_request_itself),
        cmocka_unit_test(a_request_that_nobody_waits_for_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
