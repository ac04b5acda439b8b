/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfigs as kubectl, kind, k3s and clouds write them; files laid over each other; what is refused and how. */
#include "kube/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"

/* `kubectl config view --raw` of a cluster made by kind, cut. "Y2E=" is "ca". */
#define KIND                                                                                                     \
    "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: Y2E=\n    server: "                  \
    "https://127.0.0.1:33893\n"                                                                                  \
    "  name: kind-kind\ncontexts:\n- context:\n    cluster: kind-kind\n    user: kind-kind\n  name: kind-kind\n" \
    "current-context: kind-kind\nkind: Config\npreferences: {}\nusers:\n- name: kind-kind\n  user:\n"            \
    "    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n"

/* A cloud's: the token comes of a program. */
#define CLOUD                                                                                                      \
    "apiVersion: v1\nclusters:\n- {name: c, cluster: {server: 'https://ABC.eks.amazonaws.com'}}\ncontexts:\n"      \
    "- {name: dev, context: {cluster: c, user: sso, namespace: team}}\n- {name: ci, context: {cluster: c, user: "  \
    "ci}}\n"                                                                                                       \
    "current-context: dev\nusers:\n- name: sso\n  user:\n    exec:\n      apiVersion: "                            \
    "client.authentication.k8s.io/v1beta1\n      command: aws\n      args: [eks, get-token]\n- name: ci\n  user: " \
    "{token: "                                                                                                     \
    "t0}\n"

static int parse(const char *text, const struct tph_kube_choice *choice, struct tph_kube_config *config,
                 struct tph_error *err)
{
    const struct tph_kube_text one = {.text = tph_str(text), .path = "/home/a/.kube/config"};
    *err = TPH_ERROR_INIT;
    return tph_kube_config_parse(&one, 1, choice, config, err);
}

static void what_kind_writes_is_read(void **state)
{
    (void)state;
    struct tph_kube_config c;
    struct tph_error err;
    assert_int_equal(parse(KIND, &(struct tph_kube_choice){.ns = NULL}, &c, &err), 0);
    assert_string_equal(c.server, "https://127.0.0.1:33893");
    assert_string_equal(c.context, "kind-kind");
    assert_string_equal(c.ns, "");
    assert_string_equal(c.file, "/home/a/.kube/config");
    assert_true(tph_str_eqz(c.ca, "ca"));
    assert_true(tph_str_eqz(c.certificate, "cert"));
    assert_true(tph_str_eqz(c.key, "key"));
    assert_string_equal(c.token, "");
    tph_kube_config_release(&c);
}

static void another_context_is_another_user_and_namespace(void **state)
{
    (void)state;
    struct tph_kube_config c;
    struct tph_error err;
    assert_int_equal(parse(CLOUD, &(struct tph_kube_choice){.context = "ci"}, &c, &err), 0);
    assert_string_equal(c.token, "t0");
    assert_string_equal(c.ns, "");
    tph_kube_config_release(&c);
    assert_int_equal(parse(CLOUD, &(struct tph_kube_choice){.user = "ci", .ns = "x"}, &c, &err), 0);
    assert_string_equal(c.token, "t0");
    assert_string_equal(c.ns, "x");
    tph_kube_config_release(&c);
}

static void a_program_that_logs_in_is_known_and_a_provider_is_refused(void **state)
{
    (void)state;
    struct tph_kube_config c;
    struct tph_error err;
    assert_int_equal(parse(CLOUD, &(struct tph_kube_choice){.ns = NULL}, &c, &err), 0);
    assert_string_equal(c.exec->command, "aws"); /* looked for in PATH */
    assert_string_equal(c.exec->args[0], "eks");
    assert_string_equal(c.exec->args[1], "get-token");
    assert_null(c.exec->args[2]);
    assert_null(c.exec->env[0]);
    assert_true(c.exec->may_ask && !c.exec->must_ask);
    tph_kube_config_release(&c);
    assert_int_equal(parse(CLOUD, &(struct tph_kube_choice){.token = "mine"}, &c, &err), 0);
    assert_string_equal(c.token, "mine");
    assert_null(c.exec); /* it need not be asked */
    assert_string_equal(c.ns, "team");
    tph_kube_config_release(&c);
#define WITH(user)                                                                                   \
    "{clusters: [{name: c, cluster: {server: 'https://x'}}], users: [{name: u, user: {" user "}}], " \
    "contexts: [{name: d, context: {cluster: c, user: u}}], current-context: d}"
    assert_int_equal(
        parse(WITH("exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login, interactiveMode: "
                   "Never, env: [{name: A, value: b}], provideClusterInfo: true}"),
              &(struct tph_kube_choice){.ns = NULL}, &c, &err),
        0);
    assert_string_equal(c.exec->command, "/home/a/.kube/bin/login"); /* a path is the kubeconfig's */
    assert_string_equal(c.exec->env[0], "A=b");
    assert_string_equal(c.exec->cluster, "{\"server\":\"https://x\"}");
    assert_false(c.exec->may_ask);
    tph_kube_config_release(&c);
    assert_int_equal(parse(WITH("exec: {command: a}"), &(struct tph_kube_choice){.ns = NULL}, &c, &err), -1);
    assert_non_null(strstr(err.text, "needs a command, and an apiVersion"));
    assert_int_equal(parse(WITH("auth-provider: {name: gcp}"), &(struct tph_kube_choice){.ns = NULL}, &c, &err), -1);
    assert_non_null(strstr(err.text, "the auth-provider gcp"));
    assert_non_null(strstr(err.text, "--token TOKEN"));
}

static void what_a_program_prints_is_read(void **state)
{
    static const struct tph_kube_exec EXEC = {.command = "p", .api_version = "client.authentication.k8s.io/v1"};
#define CREDENTIAL(status) \
    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{" status "}}"
    static const struct {
        const char *text, *problem; /* NULL: none */
    } CASES[] = {
        {CREDENTIAL("\"token\":\"t\""), NULL},
        {CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05Z\""), NULL},
        {CREDENTIAL("\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\""), NULL},
        {CREDENTIAL("\"clientCertificateData\":\"c\""), "gave only one of"},
        {CREDENTIAL(""), "gave no token"},
        {CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":\"soon\""), "p: expirationTimestamp"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}",
         "printed no ExecCredential of"},
        {"Welcome!", "is no JSON"},
        {"", "is no JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tph_kube_credential credential = {.arena = NULL};
        struct tph_error err = TPH_ERROR_INIT;
        int failed = tph_kube_exec_parse(&EXEC, tph_str(CASES[i].text), &credential, &err);
        assert_int_equal(failed, CASES[i].problem ? -1 : 0);
        assert_true(!CASES[i].problem || strstr(err.text, CASES[i].problem));
        tph_kube_credential_release(&credential);
    }
}

static void files_are_laid_over_each_other(void **state)
{
    (void)state;
    struct tph_kube_config c;
    struct tph_error err = TPH_ERROR_INIT;
    const struct tph_kube_text texts[] = {
        {TPH_STR("contexts: [{name: b, context: {cluster: c, user: ci, namespace: first}}]\n"
                 "users: [{name: ci, user: {token: one, tokenFile: t}}]\n"),
         "/one/config"},
        {TPH_STR(CLOUD), "/two/config"},
        {TPH_STR("current-context: b\ncontexts: [{name: b, context: {cluster: other}}]\nclusters: [{name: c, cluster: "
                 "{server: 'https://no'}}]\n"),
         "/three/config"},
    };
    assert_int_equal(tph_kube_config_parse(texts, 3, &(struct tph_kube_choice){.context = "b"}, &c, &err), 0);
    assert_string_equal(c.ns, "first");
    assert_string_equal(c.token, "one");
    assert_string_equal(c.token_file, "/one/t"); /* relative to the file that names it */
    assert_string_equal(c.server, "https://ABC.eks.amazonaws.com");
    assert_string_equal(c.file, "/two/config");
    tph_kube_config_release(&c);
    assert_int_equal(tph_kube_config_parse(texts, 3, &(struct tph_kube_choice){.user = "ci"}, &c, &err), 0);
    assert_string_equal(c.context, "dev"); /* of the first file that has one */
    tph_kube_config_release(&c);
}

static void data_goes_before_files_and_paths_are_relative(void **state)
{
    (void)state;
    struct tph_kube_config c;
    struct tph_error err;
    assert_int_equal(
        parse(
            "{clusters: [{name: c, cluster: {server: 'https://x/', certificate-authority: ca.crt, "
            "tls-server-name: kube, proxy-url: 'http://p:1'}}], users: [{name: u, user: {client-certificate: "
            "/abs/c.pem, client-key: k.pem, client-key-data: a2V5, username: ann, password: 1234, as: root, as-groups: "
            "[g, h]}}], contexts: [{name: d, context: {cluster: c, user: u}}], current-context: d}",
            &(struct tph_kube_choice){.as = "me"}, &c, &err),
        0);
    assert_string_equal(c.server, "https://x");
    assert_string_equal(c.ca_file, "/home/a/.kube/ca.crt");
    assert_string_equal(c.certificate_file, "/abs/c.pem");
    assert_string_equal(c.key_file, "");
    assert_true(tph_str_eqz(c.key, "key"));
    assert_string_equal(c.tls_server_name, "kube");
    assert_string_equal(c.proxy, "http://p:1");
    assert_string_equal(c.username, "ann");
    assert_string_equal(c.password, "1234"); /* digits without quotes */
    assert_string_equal(c.as, "me");
    assert_int_equal(c.n_as_groups, 2);
    assert_string_equal(c.as_groups[1], "h");
    tph_kube_config_release(&c);
}

static void a_server_alone_needs_no_file(void **state)
{
    (void)state;
    struct tph_kube_config c;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_kube_config_parse(NULL, 0, &(struct tph_kube_choice){.server = "127.0.0.1:8080"}, &c, &err),
                     0);
    assert_string_equal(c.server, "http://127.0.0.1:8080");
    tph_kube_config_release(&c);
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *text, *context, *expected;
    } CASES[] = {
        {KIND, "kind-kin", "there is no context \"kind-kin\" in /home/a/.kube/config; did you mean \"kind-kind\"?"},
        {"current-context: x\ncontexts: [{name: x, context: {cluster: nope}}]\n", NULL, "there is no cluster \"nope\""},
        {"current-context: x\nclusters: [{name: c, cluster: {server: 'https://x'}}]\ncontexts: [{name: x, context: "
         "{cluster: c, user: nobody}}]\n",
         NULL, "there is no user \"nobody\""},
        {"clusters: []\n", NULL, "no context is chosen, so there is no server to ask"},
        {"", NULL, "no context is chosen"},
        {"[1, 2]", NULL, "/home/a/.kube/config: this is no kubeconfig"},
        {"a: b: c", NULL, "/home/a/.kube/config"},
        {"current-context: x\nclusters: [{name: c, cluster: {}}]\ncontexts: [{name: x, context: {cluster: c}}]\n", NULL,
         "cluster \"c\" has no server"},
        {"current-context: x\nclusters: [{name: c, cluster: {server: 'ftp://x'}}]\ncontexts: [{name: x, context: "
         "{cluster: c}}]\n",
         NULL, "is no http or https URL: ftp://x"},
        {"current-context: x\nclusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: "
         "'%'}}]\ncontexts: [{name: x, context: {cluster: c}}]\n",
         NULL, "certificate-authority-data is not base64"},
        {"current-context: x\nclusters: [{name: c, cluster: {server: 'https://x', certificate-authority: a, "
         "insecure-skip-tls-verify: true}}]\ncontexts: [{name: x, context: {cluster: c}}]\n",
         NULL, "take one of them out"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tph_kube_config c;
        struct tph_error err;
        assert_int_equal(parse(CASES[i].text, &(struct tph_kube_choice){.context = CASES[i].context}, &c, &err), -1);
        if (!strstr(err.text, CASES[i].expected)) {
            fail_msg("case %zu: %s", i, err.text);
        }
    }
}

/* ---- files ---- */

static char *put(const char *directory, const char *name, const char *text)
{
    char *path = tph_format("%s/%s", directory, name);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_fd_write_file(path, tph_str(text), 0600, &err), 0);
    return path;
}

static void places_are_looked_at_in_order(void **state)
{
    (void)state;
    char directory[] = "/tmp/tiphys-kube-XXXXXX";
    assert_non_null(mkdtemp(directory));
    TPH_CLEANUP(tph_freep) char *one = put(directory, "one", KIND);
    TPH_CLEANUP(tph_freep)
    char *two = put(directory, "two",
                    "{clusters: [{name: c, cluster: {server: 'https://two', certificate-authority: ca}}], contexts: "
                    "[{name: d, context: {cluster: c}}], current-context: d}");
    TPH_CLEANUP(tph_freep) char *ca = put(directory, "ca", "PEM");
    TPH_CLEANUP(tph_freep) char *none = tph_format("%s/none", directory);
    TPH_CLEANUP(tph_freep) char *list = tph_format("%s:%s:%s::%s", none, two, two, one);
    const char *const others[] = {none, one, two};
    struct tph_kube_places places = {.others = others, .n_others = 3};
    const struct tph_kube_choice choice = {.ns = NULL};
    struct tph_kube_config c;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), 0);
    assert_string_equal(c.server, "https://127.0.0.1:33893"); /* the first that is there */
    tph_kube_config_release(&c);
    places.variable = list;
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), 0);
    assert_string_equal(c.server, "https://two");
    assert_true(tph_str_eqz(c.ca, "PEM"));
    tph_kube_config_release(&c);
    places.given = none; /* who names a file wants that one */
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), -1);
    assert_non_null(strstr(err.text, none));
    places.given = "";
    places.variable = none;
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), -1);
    assert_non_null(strstr(err.text, "no file that KUBECONFIG names is there"));
    places.variable = NULL;
    places.n_others = 1;
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "looked for: "));
    char *large = tph_calloc(TPH_LIMIT_KUBECONFIG + 2, 1);
    memset(large, '#', TPH_LIMIT_KUBECONFIG + 1);
    free(put(directory, "one", large));
    free(large);
    places.given = one;
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    (void)unlink(ca);
    places.n_others = 3;
    places.given = two;
    assert_int_equal(tph_kube_config_load(&places, &choice, &c, &err), -1);
    assert_non_null(strstr(err.text, two)); /* which file names the one that is missing */
    (void)unlink(one);
    (void)unlink(two);
    (void)rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_kind_writes_is_read),
        cmocka_unit_test(another_context_is_another_user_and_namespace),
        cmocka_unit_test(a_program_that_logs_in_is_known_and_a_provider_is_refused),
        cmocka_unit_test(what_a_program_prints_is_read),
        cmocka_unit_test(files_are_laid_over_each_other),
        cmocka_unit_test(data_goes_before_files_and_paths_are_relative),
        cmocka_unit_test(a_server_alone_needs_no_file),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(places_are_looked_at_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
