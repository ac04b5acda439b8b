/* SPDX-License-Identifier: Apache-2.0 */
#include "access/state.h"

#include <ftw.h>
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
#include "tls/certificate.h"

enum { DAY_S = 86400 };
static const int64_t now_s = 1790000000;

struct scene {
    char directory[64], state[96];
    const char *names[4];
    struct tph_access_state_config config;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    (void)snprintf(s->directory, sizeof(s->directory), "/tmp/state-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    (void)snprintf(s->state, sizeof(s->state), "%s/a/b", s->directory);
    s->names[0] = "localhost";
    s->names[1] = "127.0.0.1";
    s->names[2] = "::1";
    s->names[3] = "10.1.2.3";
    s->config =
        (struct tph_access_state_config){.directory = s->state, .names = s->names, .n_names = 3, .now_s = now_s};
    *state = s;
    return 0;
}

static int drop(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    struct scene *s = *state;
    (void)nftw(s->directory, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
    return 0;
}

static char *text_of(const struct scene *s, const char *name)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", s->state, name);
    struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    struct stat status;
    assert_int_equal(tph_fd_read_file(path, &text, NULL), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    return tph_buf_take(&text, NULL);
}

static void open_state(const struct scene *s, struct tph_access_state *state)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_access_state_open(&s->config, state, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void expect_fault(const struct scene *s, const char *fault)
{
    struct tph_access_state state;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_access_state_open(&s->config, &state, &err), -1);
    if (!strstr(err.text, fault)) {
        fail_msg("%s", err.text);
    }
}

static void test_first_start(void **test_state)
{
    const struct scene *s = *test_state;
    struct tph_access_state state;
    struct tph_certificate_facts facts;
    struct stat status;
    open_state(s, &state);
    assert_int_equal(stat(s->state, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    struct tph_str ca = tph_str(state.ca), key = tph_str(state.key);
    assert_int_equal(tph_certificate_look(tph_str(state.certificate), &ca, &key, s->names, 3, &facts, NULL), 0);
    assert_true(facts.signed_by_ca && facts.has_key && facts.has_names);
    assert_int_equal(facts.to_s, state.certificate_to_s);
    assert_int_equal(strlen(state.admin_token), 50);
    assert_int_equal(tph_access_state_publish(&state, "https://127.0.0.1:7443", NULL), 0);
    TPH_CLEANUP(tph_freep) char *config = text_of(s, "kubeconfig");
    TPH_CLEANUP(tph_freep) char *token = tph_access_kubeconfig_token(tph_str(config));
    char *url, *pem;
    assert_string_equal(token, state.admin_token);
    assert_int_equal(tph_access_kubeconfig_server(tph_str(config), &url, &pem), 0);
    assert_string_equal(url, "https://127.0.0.1:7443");
    assert_string_equal(pem, state.ca);
    assert_non_null(strstr(config, "\n    namespace: argo\n"));
    free(url);
    free(pem);
    static const char *const secrets[] = {"ca.key", "server.key", "account.key"};
    for (size_t i = 0; i < 3; i++) {
        free(text_of(s, secrets[i]));
    }
    tph_access_state_release(&state);
}

static void test_further_starts(void **test_state)
{
    struct scene *s = *test_state;
    struct tph_access_state one, two;
    open_state(s, &one);
    assert_int_equal(tph_access_state_publish(&one, "https://127.0.0.1:1", NULL), 0);
    open_state(s, &two);
    assert_string_equal(one.ca, two.ca);
    assert_string_equal(one.certificate, two.certificate);
    assert_string_equal(one.admin_token, two.admin_token);
    assert_memory_equal(one.account_key, two.account_key, sizeof(one.account_key));
    tph_access_state_release(&two);
    /* Another name, or the last month: a new certificate of the same CA. */
    s->config.n_names = 4;
    open_state(s, &two);
    assert_string_equal(one.ca, two.ca);
    assert_string_not_equal(one.certificate, two.certificate);
    tph_access_state_release(&one);
    one = two;
    s->config.now_s = now_s + 334 * DAY_S;
    open_state(s, &two);
    assert_string_equal(one.certificate, two.certificate);
    tph_access_state_release(&two);
    s->config.now_s = now_s + 336 * DAY_S;
    open_state(s, &two);
    assert_string_equal(one.ca, two.ca);
    assert_string_not_equal(one.certificate, two.certificate);
    tph_access_state_release(&one);
    one = two;
    /* Ten years later. */
    s->config.now_s = now_s + INT64_C(3640) * DAY_S;
    open_state(s, &two);
    assert_string_not_equal(one.ca, two.ca);
    assert_string_equal(one.admin_token, two.admin_token);
    tph_access_state_release(&two);
    /* Without the kubeconfig: a new token. */
    assert_int_equal(unlink(one.kubeconfig_path), 0);
    open_state(s, &two);
    assert_string_not_equal(one.admin_token, two.admin_token);
    tph_access_state_release(&one);
    tph_access_state_release(&two);
}

static void test_other_ways(void **test_state)
{
    struct scene *s = *test_state;
    struct tph_access_state state;
    struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    s->config.plain = true;
    open_state(s, &state);
    assert_null(state.ca);
    assert_null(state.key);
    tph_access_kubeconfig("http://127.0.0.1:1", state.ca, "admin", "t", "argo", &text);
    assert_null(strstr(tph_buf_cstr(&text), "certificate-authority"));
    tph_buf_release(&text);
    tph_access_state_release(&state);
    s->config.plain = false;
    s->config.own_certificate = true;
    s->config.ca_file = "/nonexistent/ca.pem";
    expect_fault(s, "/nonexistent/ca.pem");
    s->config.ca_file = NULL;
    open_state(s, &state);
    assert_null(state.ca);
    tph_access_state_release(&state);
}

static void spoil(const struct scene *s, const char *name, const char *content, mode_t mode)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", s->state, name);
    if (content) {
        assert_int_equal(tph_access_write_file(path, tph_str(content), NULL), 0);
    }
    if (mode != 0) {
        assert_int_equal(chmod(path, mode), 0);
    }
}

static void test_faults(void **test_state)
{
    struct scene *s = *test_state;
    struct tph_access_state state;
    TPH_CLEANUP(tph_freep) char *path = NULL;
    open_state(s, &state);
    assert_int_equal(tph_access_state_publish(&state, "https://127.0.0.1:1", NULL), 0);
    tph_access_state_release(&state);
    spoil(s, "account.key", "nonsense", 0);
    expect_fault(s, "account.key is no key: 64 hexadecimal digits\n  remove it");
    path = tph_format("%s/account.key", s->state);
    assert_int_equal(unlink(path), 0);
    spoil(s, "kubeconfig", NULL, 0644);
    expect_fault(s, "kubeconfig is a secret, and others than its owner may read or write it\n  chmod 600 ");
    spoil(s, "kubeconfig", "\t: nonsense", 0600); /* as if it were not there */
    open_state(s, &state);
    tph_access_state_release(&state);
    spoil(s, "server.crt", "nonsense", 0); /* is made anew */
    open_state(s, &state);
    assert_non_null(strstr(state.certificate, "BEGIN CERTIFICATE"));
    tph_access_state_release(&state);
    TPH_CLEANUP(tph_freep) char *other = text_of(s, "server.key");
    TPH_CLEANUP(tph_freep) char *own = text_of(s, "ca.key");
    spoil(s, "ca.key", other, 0);
    expect_fault(s, "ca.key is not the key of ca.crt\n  bring back the right one");
    free(TPH_TAKE(path));
    path = tph_format("%s/ca.key", s->state);
    assert_int_equal(unlink(path), 0);
    expect_fault(s, "ca.key is missing, ca.crt is there\n  bring it back");
    spoil(s, "ca.key", own, 0);
    open_state(s, &state);
    tph_access_state_release(&state);
    assert_int_equal(chmod(s->state, 0777), 0);
    expect_fault(s, " can be written by everybody\n  who puts a token file there is administrator");
    assert_int_equal(chmod(s->state, 0775), 0); /* the group's is the owner's own matter */
    open_state(s, &state);
    tph_access_state_release(&state);
    s->config.directory = "/dev/null/x";
    expect_fault(s, "/dev/null");
    s->config.directory = "/dev/null";
    expect_fault(s, "/dev/null is no directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_further_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
