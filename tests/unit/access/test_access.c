/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/account.h"
#include "access/limit.h"
#include "access/review.h"
#include "access/tokens.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static struct tph_access *access_of(const char *text)
{
    struct tph_access_config config = {.admin_token = TPH_STR("secret"), .signing_key = tph_str(key)};
    struct tph_access *access = tph_access_new(&config);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_access_load(access, tph_str(text), "tokens", &err) < 0) {
        fail_msg("%s", err.text);
    }
    return access;
}

/* A text with the digest of TOKEN in the place of each <TOKEN>. */
static char *digested(const char *text)
{
    struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    char digest[TPH_ACCESS_DIGEST];
    for (const char *end; *text != '\0'; text++) {
        if (*text == '<' && (end = strchr(text, '>'))) {
            tph_access_digest((struct tph_str){text + 1, (size_t)(end - text) - 1}, digest);
            (void)tph_buf_printf(&out, "sha256:%s", digest);
            text = end;
        } else {
            (void)tph_buf_putc(&out, *text);
        }
    }
    return tph_buf_take(&out, NULL);
}

static const struct tph_access_user *bearer(struct tph_access *access, const char *token, int64_t now_ms)
{
    TPH_CLEANUP(tph_freep) char *header = tph_format("Bearer %s", token);
    return tph_access_identify(access, header, now_ms);
}

static void test_digest(void **state)
{
    char digest[TPH_ACCESS_DIGEST], token[TPH_ACCESS_TOKEN], other[TPH_ACCESS_TOKEN];
    (void)state;
    tph_access_digest(TPH_STR("abc"), digest); /* FIPS 180-2 */
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tph_access_new_token(token);
    tph_access_new_token(other);
    assert_int_equal(strlen(token), 50);
    assert_string_not_equal(token, other);
    assert_int_equal(strspn(token + 7, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
}

static void test_who(void **state)
{
    TPH_CLEANUP(tph_freep)
    char *text = digested(
        "# ours\n\nci <one> edit@argo,view  # the robot\r\nci\t<two> edit@argo,view expires=2026-01-01T00:00:00Z\n");
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of(text);
    (void)state;
    assert_int_equal(tph_access_users(access), 1);
    const struct tph_access_user *user = bearer(access, "one", 0);
    assert_non_null(user);
    assert_true(tph_str_eqz(tph_access_name(user), "ci"));
    assert_true(tph_str_eqz(tph_access_uid(user), "ci"));
    assert_true(tph_str_eqz(tph_access_group(user, 0), "system:authenticated"));
    assert_int_equal(tph_access_group(user, 1).len, 0);
    assert_ptr_equal(bearer(access, "two", INT64_C(1767225599999)), user);
    assert_null(bearer(access, "two", INT64_C(1767225600000))); /* 2026 has begun */
    assert_true(tph_str_eqz(tph_access_name(bearer(access, "secret", 0)), "admin"));
    assert_true(tph_str_eqz(tph_access_group(bearer(access, "secret", 0), 0), "system:masters"));
    assert_null(bearer(access, "wrong", 0));
    assert_null(bearer(access, "one2", 0));
    assert_ptr_equal(tph_access_identify(access, "bearer one", 0), user); /* the scheme in any case */
    /* No credentials, or some of another scheme, are nobody's, as in kube-apiserver. */
    static const char *const none[] = {NULL, "", "Bearer", "Bearer ", "Basic b25lOm9uZQ==", "one"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        user = tph_access_identify(access, none[i], 0);
        assert_true(tph_access_anonymous(user));
        assert_true(tph_str_eqz(tph_access_name(user), "system:anonymous"));
    }
}

static void test_reload(void **state)
{
    TPH_CLEANUP(tph_freep) char *text = digested("ci <one> view\nxy <two> view");
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of(text);
    struct tph_access_attributes what = {.verb = "get", .is_resource = true, .resource = TPH_STR("configmaps")};
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    const struct tph_access_user *user = bearer(access, "one", 0);
    assert_true(tph_access_allowed(user, &what, NULL));
    /* A fault changes nothing. */
    assert_int_equal(tph_access_load(access, TPH_STR("ci nonsense view\n"), "/x/tokens", &err), -1);
    assert_ptr_equal(bearer(access, "one", 0), user);
    assert_true(tph_access_allowed(user, &what, NULL));
    /* Who is removed has no rights, also where he is held. */
    TPH_CLEANUP(tph_freep) char *less = digested("xy <two> view\n");
    assert_int_equal(tph_access_load(access, tph_str(less), "tokens", NULL), 0);
    assert_null(bearer(access, "one", 0));
    assert_false(tph_access_allowed(user, &what, NULL));
    /* And has them again under the same name. */
    assert_int_equal(tph_access_load(access, tph_str(text), "tokens", NULL), 0);
    assert_true(tph_access_allowed(user, &what, NULL));
    assert_non_null(bearer(access, "secret", 0));
}

static void test_faults(void **state)
{
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"ci", "tokens:1: a line is NAME sha256:DIGEST ROLES"},
        {"\n# x\nci tiphys_abc view", "tokens:3: the token is wanted as sha256: and 64 hexadecimal digits"},
        {"ci sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad view",
         "tokens:1: the token is wanted"},
        {"ci <a> viewer", "tokens:1: \"viewer\" is no role: admin, edit, view and plugins are\n  did you mean view?"},
        {"ci <a> view@", "tokens:1: \"\" is no name of a namespace"},
        {"ci <a> view@Argo", "tokens:1: \"Argo\" is no name of a namespace"},
        {"ci <a> view,,edit", "tokens:1: \"\" is no role"},
        {"ci <a> view until=tomorrow", "tokens:1: \"until=tomorrow\" is not known here"},
        {"ci <a> view expires=tomorrow", "tokens:1: expires=tomorrow: a time as"},
        {"ci <a> view\nci <b> edit", "tokens:2: ci has other roles in line 1"},
        {"ci <a> view\nxy <a> view", "tokens:2: the same token stands in line 1"},
        {"admin <a> view", "tokens:1: admin is the server's own administrator"},
        {"system:masters <a> view", "tokens:1: system:masters: names with system: are the server's own"},
        {"system:serviceaccount:a <a> view", "tokens:1: system:serviceaccount:a: names"},
        {"system:serviceaccount:a:b <a> view", "tokens:1: system:serviceaccount:a:b is a service account: its tokens"},
        {"ci - view", "tokens:1: ci has no token, - is for service accounts"},
        {"c\"i <a> view", "tokens:1: a name has letters"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of("");
        TPH_CLEANUP(tph_freep) char *text = digested(rows[i].text);
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(tph_access_load(access, tph_str(text), "tokens", &err), -1);
        if (strncmp(err.text, rows[i].fault, strlen(rows[i].fault)) != 0) {
            fail_msg("%s: %s", rows[i].text, err.text);
        }
    }
}

static void test_limits(void **state)
{
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of("");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(8));
    struct tph_error err = TPH_ERROR_INIT;
    char digest[TPH_ACCESS_DIGEST];
    (void)state;
    for (int i = 0; i < TPH_LIMIT_ACCESS_USERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "u%d", i);
        tph_access_digest(tph_str(name), digest);
        (void)tph_buf_printf(&text, "%s sha256:%s view\n", name, digest);
    }
    assert_int_equal(tph_access_load(access, tph_buf_str(&text), "tokens", NULL), 0);
    assert_true(tph_str_eqz(tph_access_name(bearer(access, "u9999", 0)), "u9999"));
    tph_access_digest(TPH_STR("last"), digest);
    (void)tph_buf_printf(&text, "last sha256:%s view\n", digest);
    assert_int_equal(tph_access_load(access, tph_buf_str(&text), "tokens", &err), -1);
    assert_string_equal(err.text, "tokens:10001: there are more than 10000 users");
    tph_buf_clear(&text);
    (void)tph_buf_puts(&text, "u ");
    (void)tph_buf_printf(&text, "sha256:%s view", digest);
    for (int i = 0; i < TPH_LIMIT_ACCESS_ROLES; i++) {
        (void)tph_buf_puts(&text, ",view@argo");
    }
    assert_int_equal(tph_access_load(access, tph_buf_str(&text), "tokens", &err), -1);
    assert_string_equal(err.text, "tokens:1: a user has more than 64 roles");
    tph_buf_clear(&text);
    for (int i = 0; i <= TPH_LIMIT_ACCESS_NAME; i++) {
        (void)tph_buf_putc(&text, 'n');
    }
    (void)tph_buf_puts(&text, " - view");
    assert_int_equal(tph_access_load(access, tph_buf_str(&text), "tokens", &err), -1);
    assert_string_equal(err.text, "tokens:1: the name is longer than 253 bytes");
}

static void test_file(void **state)
{
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of("");
    TPH_CLEANUP(tph_freep) char *text = digested("ci <one> view\n");
    char path[] = "/tmp/tokens-XXXXXX";
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(tph_access_read(access, path, &err), 0);
    assert_non_null(bearer(access, "one", 0));
    assert_int_equal(fchmod(fd, 0620), 0);
    assert_int_equal(tph_access_read(access, path, &err), -1);
    assert_non_null(strstr(err.text, "can be written by others than its owner\n  "));
    assert_non_null(bearer(access, "one", 0));
    close(fd);
    unlink(path);
    assert_int_equal(tph_access_read(access, path, &err), 0); /* no file: nobody */
    assert_null(bearer(access, "one", 0));
}

/* "verb group/resource[/sub] ns [name]" of a user; or "verb /path". */
static bool may(struct tph_access *access, const char *token, const char *text, struct tph_buf *ret_refusal)
{
    struct tph_str rest = tph_str(text), verb, resource, ns = TPH_STR_NONE, name = TPH_STR_NONE;
    const struct tph_access_user *user = *token ? bearer(access, token, 0) : tph_access_identify(access, NULL, 0);
    const char *reason;
    assert_non_null(user);
    assert_true(tph_str_cut(&rest, ' ', &verb));
    assert_true(tph_str_cut(&rest, ' ', &resource));
    (void)tph_str_cut(&rest, ' ', &ns);
    (void)tph_str_cut(&rest, ' ', &name);
    TPH_CLEANUP(tph_freep) char *word = tph_str_dup(verb);
    struct tph_access_attributes what = {.verb = word, .ns = ns, .name = name, .is_resource = resource.p[0] != '/'};
    if (what.is_resource) {
        struct tph_str parts = resource;
        assert_true(tph_str_cut(&parts, '/', &what.group));
        assert_true(tph_str_cut(&parts, '/', &what.resource));
        what.sub = parts;
        what.group = tph_str_eqz(what.group, "core") ? TPH_STR("") : what.group;
    } else {
        what.path = resource;
    }
    bool allowed = tph_access_allowed(user, &what, &reason);
    if (ret_refusal) {
        tph_buf_clear(ret_refusal);
        tph_access_refusal(tph_access_name(user), &what, reason, ret_refusal);
    }
    return allowed;
}

static const char people[] = "viewer <viewer> view\nnsview <nsview> view@argo\neditor <editor> edit@argo\n"
                             "boss <boss> admin@argo\nroot <root> admin\ncoder <coder> edit@argo,plugins@argo\n"
                             "system:serviceaccount:argo:robot - view@argo\n";

static void test_rights(void **state)
{
    /* yes and no: users by their first letters; v viewer, n nsview, e editor, b boss, r root, c coder, - nobody */
    static const struct {
        const char *what, *allowed;
    } rows[] = {
        {"list argoproj.io/workflows argo", "vnebrc"},
        {"list argoproj.io/workflows other", "vr"},
        {"list argoproj.io/workflows", "vr"},
        {"watch argoproj.io/workflows argo", "vnebrc"},
        {"create argoproj.io/workflows argo", "ebrc"},
        {"patch argoproj.io/workflows/status argo a", "ebrc"},
        {"deletecollection argoproj.io/workflowtasksets argo", "ebrc"},
        {"create argoproj.io/workflows other", "r"},
        {"get argoproj.io/clusterworkflowtemplates", "vr"},
        {"create argoproj.io/clusterworkflowtemplates", "r"},
        {"get core/configmaps argo a", "vnebrc"},
        {"update core/configmaps argo a", "ebrc"},
        {"get core/secrets argo a", "ebrc"},
        {"list core/secrets", "r"},
        {"watch core/secrets argo", "ebrc"},
        {"get core/pods argo p", "vnebrc"},
        {"get core/pods/log argo p", "vnebrc"},
        {"delete core/pods argo p", "ebrc"},
        {"create core/pods argo", ""},
        {"patch core/pods argo p", ""},
        {"update core/pods/status argo p", ""},
        {"create core/serviceaccounts/token argo a", "br"},
        {"get core/namespaces  argo", "vnebrc"},
        {"get core/namespaces argo argo", "vnebrc"},
        {"get core/namespaces other other", "vr"},
        {"list core/namespaces", "vr"},
        {"create core/namespaces", "r"},
        {"delete core/namespaces argo argo", "r"},
        {"update coordination.k8s.io/leases argo a", "ebrc"},
        {"create events.k8s.io/events argo", "ebrc"},
        {"get other.io/things argo", "r"},
        {"create authorization.k8s.io/selfsubjectaccessreviews", "vnebrc"},
        {"create authentication.k8s.io/selfsubjectreviews", "vnebrc"},
        {"* */*", "r"},
        {"get /version", "vnebrc-"},
        {"get /healthz", "vnebrc-"},
        {"post /healthz", "r"},
        {"get /apis/argoproj.io/v1alpha1", "vnebrc"},
        {"get /openapi/v3", "vnebrc"},
        {"get /metrics", "vr"},
        {"get /debug", "r"},
        {"list argoproj.io/workflows argo ", "vnebrc"},
    };
    static const char *const tokens[] = {"viewer", "nsview", "editor", "boss", "root", "coder", ""};
    TPH_CLEANUP(tph_freep) char *text = digested(people);
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of(text);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t n = 0; n < 7; n++) {
            bool expected = strchr(rows[i].allowed, *tokens[n] ? *tokens[n] : '-') != NULL;
            if (may(access, tokens[n], rows[i].what, NULL) != expected) {
                fail_msg("%s by \"%s\"", rows[i].what, tokens[n]);
            }
        }
    }
}

static void test_code(void **state)
{
    static const struct {
        const char *token;
        bool argo, other;
    } rows[] = {{"viewer", false, false}, {"editor", false, false}, {"boss", true, false},
                {"root", true, true},     {"coder", true, false},   {"secret", true, true}};
#define PLUGIN(data) "{\"metadata\":{\"labels\":{\"workflows.argoproj.io/configmap-type\":\"ExecutorPlugin\"}}" data "}"
#define ONE          "\"executorPlugins\":[{\"name\":\"a\"}]"
#define TWO          "\"executorPlugins\":[{\"name\":\"b\"}]"
    static const struct {
        const char *resource, *old, *text;
        bool code;
    } objects[] = {
        {"configmaps", NULL, PLUGIN(""), true},
        {"configmaps", "{\"data\":{}}", PLUGIN(",\"data\":{}"), true}, /* the label alone makes it one */
        {"configmaps", PLUGIN(",\"data\":{\"a\":\"1\"}"), PLUGIN(",\"data\":{\"a\":\"2\"}"), true},
        {"configmaps", PLUGIN(",\"data\":{\"a\":\"1\"}"), PLUGIN(",\"data\":{\"a\":\"1\"},\"x\":1"), false},
        {"configmaps", PLUGIN(""), "{\"data\":{}}", false},
        {"configmaps", NULL, "{\"metadata\":{\"labels\":{\"workflows.argoproj.io/configmap-type\":\"Cache\"}}}", false},
        {"configmaps", NULL, "{\"data\":{}}", false},
        {"workflows", NULL, "{\"spec\":{" ONE "}}", true},
        {"workflows", "{\"spec\":{" ONE "}}", "{\"spec\":{" TWO "}}", true},
        {"workflows", "{\"spec\":{" ONE "}}", "{\"spec\":{" ONE ",\"shutdown\":\"Stop\"}}", false}, /* argo stop */
        {"workflows", NULL, "{\"spec\":{\"executorPlugins\":[]}}", false},
        {"workflows", "{\"spec\":{}}", "{\"spec\":{},\"status\":{\"storedWorkflowTemplateSpec\":{" ONE "}}}", true},
        {"cronworkflows", NULL, "{\"spec\":{\"workflowSpec\":{" ONE "}}}", true},
        {"workflowtemplates", NULL, "{\"spec\":{\"templates\":[]}}", false},
    };
    TPH_CLEANUP(tph_freep) char *text = digested(people);
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of(text);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tph_access_user *user = bearer(access, rows[i].token, 0);
        assert_int_equal(tph_access_may_run_code(user, TPH_STR("argo")), rows[i].argo);
        assert_int_equal(tph_access_may_run_code(user, TPH_STR("other")), rows[i].other);
        assert_int_equal(tph_access_may_run_code(user, TPH_STR("")), rows[i].other);
    }
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *old = NULL;
        bool core = strcmp(objects[i].resource, "configmaps") == 0;
        assert_int_equal(tph_json_parse(tph_str(objects[i].text), &doc, NULL), 0);
        if (objects[i].old) {
            assert_int_equal(tph_json_parse(tph_str(objects[i].old), &old, NULL), 0);
        }
        bool changes =
            tph_access_changes_code(core ? TPH_STR("") : TPH_STR("argoproj.io"), tph_str(objects[i].resource),
                                    old ? tph_json_root(old) : NULL, tph_json_root(doc));
        if (changes != objects[i].code) {
            fail_msg("%s", objects[i].text);
        }
    }
}

/* Texts of kube-apiserver 1.35.4 (golden/http, G-01-errors 150 to 164), and ours for pods. */
static void test_refusals(void **state)
{
    static const struct {
        const char *token, *what, *text;
    } rows[] = {
        {"", "list argoproj.io/workflows ge",
         "workflows.argoproj.io is forbidden: User \"system:anonymous\" cannot list resource \"workflows\" in API "
         "group "
         "\"argoproj.io\" in the namespace \"ge\""},
        {"editor", "get argoproj.io/workflows ge a",
         "workflows.argoproj.io \"a\" is forbidden: User \"editor\" cannot get resource \"workflows\" in API group "
         "\"argoproj.io\" in the namespace \"ge\""},
        {"editor", "list argoproj.io/workflows",
         "workflows.argoproj.io is forbidden: User \"editor\" cannot list resource \"workflows\" in API group "
         "\"argoproj.io\" at the cluster scope"},
        {"editor", "get core/pods/log ge p",
         "pods \"p\" is forbidden: User \"editor\" cannot get resource \"pods/log\" in API group \"\" in the namespace "
         "\"ge\""},
        {"editor", "create core/namespaces",
         "namespaces is forbidden: User \"editor\" cannot create resource \"namespaces\" in API group \"\" at the "
         "cluster "
         "scope"},
        {"editor", "get /metrics", "forbidden: User \"editor\" cannot get path \"/metrics\""},
        {"root", "create core/pods argo",
         "pods is forbidden: User \"root\" cannot create resource \"pods\" in API group \"\" in the namespace "
         "\"argo\": "
         "pods are made by this server alone, for the plugins of workflows"},
    };
    TPH_CLEANUP(tph_freep) char *text = digested(people);
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of(text);
    TPH_CLEANUP(tph_buf_release) struct tph_buf refusal = TPH_BUF_INIT(TPH_MIB(1));
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_false(may(access, rows[i].token, rows[i].what, &refusal));
        assert_string_equal(tph_buf_cstr(&refusal), rows[i].text);
    }
}

static void test_impersonation(void **state)
{
    TPH_CLEANUP(tph_freep) char *text = digested(people);
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of(text);
    (void)state;
    const struct tph_access_user *root = bearer(access, "root", 0);
    assert_ptr_equal(tph_access_impersonate(access, root, TPH_STR("editor")), bearer(access, "editor", 0));
    assert_true(tph_str_eqz(tph_access_name(tph_access_impersonate(access, root, TPH_STR("nobody"))), "nobody"));
    assert_null(tph_access_impersonate(access, bearer(access, "boss", 0), TPH_STR("root")));
    assert_null(tph_access_impersonate(access, bearer(access, "viewer", 0), TPH_STR("root")));
}

static bool account(void *owner, struct tph_str ns, struct tph_str name, struct tph_str *ret_uid)
{
    *ret_uid = tph_str(owner);
    return tph_str_eqz(ns, "argo") && !tph_str_eqz(name, "gone");
}

static void sign(struct tph_buf *token, const char *name, const char *uid, const struct tph_str *audience)
{
    struct tph_account_claims claims = {
        .ns = TPH_STR("argo"), .name = tph_str(name), .uid = tph_str(uid), .issued_s = 1000, .expires_s = 4600};
    tph_buf_clear(token);
    tph_account_sign(tph_str(key), &claims, audience, audience ? 1 : 0, token);
}

/* The pod that lives is p of uid u-p, in argo. */
static bool pod(void *owner, struct tph_str ns, struct tph_str name, struct tph_str uid)
{
    const char *living = owner;
    return tph_str_eqz(ns, "argo") && tph_str_eqz(name, "p") && tph_str_eqz(uid, "u-p") && *living;
}

static void test_accounts_of_pods(void **state)
{
    char living[] = "u-1"; /* the account's uid; emptied, the pod is gone, too */
    struct tph_access_config config = {.signing_key = tph_str(key), .pod = pod, .account_owner = living};
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = tph_access_new(&config);
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_MIB(1));
    static const char *const pods[][2] = {{"p", "u-p"}, {"p", "u-q"}, {"q", "u-p"}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct tph_account_claims claims = {.ns = TPH_STR("argo"),
                                            .name = TPH_STR("robot"),
                                            .uid = TPH_STR("u-1"),
                                            .pod = tph_str(pods[i][0]),
                                            .pod_uid = tph_str(pods[i][1]),
                                            .expires_s = TPH_ACCOUNT_BOUND_S};
        living[0] = 'u';
        tph_buf_clear(&token);
        tph_account_sign(tph_str(key), &claims, NULL, 0, &token);
        assert_true((bearer(access, tph_buf_cstr(&token), 0) != NULL) == (i == 0));
        living[0] = '\0';
        assert_null(bearer(access, tph_buf_cstr(&token), 0));
    }
    config.pod = NULL; /* who knows no pods takes no token of one */
    TPH_CLEANUP(tph_access_freep) struct tph_access *other = tph_access_new(&config);
    assert_null(bearer(other, tph_buf_cstr(&token), 0));
}

static void test_accounts(void **state)
{
    char uid[] = "u-1";
    struct tph_access_config config = {.signing_key = tph_str(key), .account = account, .account_owner = uid};
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = tph_access_new(&config);
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_MIB(1));
    (void)state;
    assert_int_equal(tph_access_load(access, TPH_STR("system:serviceaccount:argo:robot - view@argo\n"), "t", NULL), 0);
    sign(&token, "default", "u-1", NULL);
    const struct tph_access_user *user = bearer(access, tph_buf_cstr(&token), 4599999);
    assert_non_null(user);
    assert_true(tph_str_eqz(tph_access_name(user), "system:serviceaccount:argo:default"));
    assert_true(tph_str_eqz(tph_access_uid(user), "u-1"));
    assert_true(tph_str_eqz(tph_access_group(user, 0), "system:serviceaccounts"));
    assert_true(tph_str_eqz(tph_access_group(user, 1), "system:serviceaccounts:argo"));
    assert_true(tph_str_eqz(tph_access_group(user, 2), "system:authenticated"));
    assert_true(may(access, tph_buf_cstr(&token), "create argoproj.io/workflows argo", NULL));
    assert_false(may(access, tph_buf_cstr(&token), "get argoproj.io/workflows other", NULL));
    assert_false(may(access, tph_buf_cstr(&token), "create core/serviceaccounts/token argo default", NULL));
    assert_false(tph_access_may_run_code(user, TPH_STR("argo")));
    assert_null(bearer(access, tph_buf_cstr(&token), 4600000)); /* its hour is over */
    /* Not one bit of it may be another. */
    for (size_t i = 0; i < token.len; i += 7) {
        token.bytes[i] = (char)(token.bytes[i] ^ 1);
        assert_null(bearer(access, tph_buf_cstr(&token), 0));
        token.bytes[i] = (char)(token.bytes[i] ^ 1);
    }
    assert_non_null(bearer(access, tph_buf_cstr(&token), 0));
    assert_null(bearer(access, "a.b.c", 0));
    assert_null(bearer(access, "..", 0));
    sign(&token, "default", "u-2", NULL); /* of an account that was deleted and made anew */
    assert_null(bearer(access, tph_buf_cstr(&token), 0));
    sign(&token, "gone", "u-1", NULL);
    assert_null(bearer(access, tph_buf_cstr(&token), 0));
    struct tph_str vault = TPH_STR("vault");
    sign(&token, "default", "u-1", &vault); /* for somebody else */
    assert_null(bearer(access, tph_buf_cstr(&token), 0));
    sign(&token, "robot", "u-1", NULL); /* as its line says */
    assert_true(may(access, tph_buf_cstr(&token), "get argoproj.io/workflows argo", NULL));
    assert_false(may(access, tph_buf_cstr(&token), "create argoproj.io/workflows argo", NULL));
}

/* The form of RFC 7519, so that others' tools read it; the signature of RFC 7515's rules, reckoned with Python's hmac.
 */
static void test_token_is_a_jwt(void **state)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_MIB(1));
    (void)state;
    sign(&token, "default", "u-1", NULL);
    assert_string_equal(
        tph_buf_cstr(&token),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJhdWQiOlsiaHR0cHM6Ly9rdWJlcm5ldGVzLmRlZmF1bHQuc3ZjIl0sImV4cCI6NDYwMCwiaWF0IjoxMDAwLCJpc3MiOiJ0aXBoeXMiLCJrdW"
        "Jlcm5ldGVzLmlvIjp7Im5hbWVzcGFjZSI6ImFyZ28iLCJzZXJ2aWNlYWNjb3VudCI6eyJuYW1lIjoiZGVmYXVsdCIsInVpZCI6InUtMSJ9fSwi"
        "bmJmIjoxMDAwLCJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YXJnbzpkZWZhdWx0In0."
        "2rh3o2wgr8aJfowXTpf0WEiT3PHQt4wuL6kmMhgMGwM");
}

/* TPH_LIMIT_ACCOUNT_S: who asks for more has a year. */
static void test_longest_token(void **state)
{
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of("");
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *asked = NULL;
    const struct tph_review review = {.user = bearer(access, "secret", 0)};
    const struct tph_review_account of = {.ns = TPH_STR("argo"), .name = TPH_STR("a"), .uid = TPH_STR("u")};
    struct tph_review_fault fault;
    int64_t seconds;
    (void)state;
    assert_int_equal(tph_json_parse(TPH_STR("{\"spec\":{\"expirationSeconds\":31536001}}"), &asked, NULL), 0);
    const struct tph_json *root = tph_review_token(access, &review, &of, tph_json_root(asked), doc, &fault);
    assert_int_equal(tph_json_to_i64(tph_json_path(root, "spec", "expirationSeconds", NULL), &seconds), 0);
    assert_int_equal(seconds, TPH_LIMIT_ACCOUNT_S);
}

static void test_too_large_a_file(void **state)
{
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = access_of("");
    char path[] = "/tmp/tokens-XXXXXX";
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)TPH_LIMIT_ACCESS_FILE + 1), 0);
    assert_int_equal(tph_access_read(access, path, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    close(fd);
    unlink(path);
}

static void test_editing(void **state)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    struct tph_error err = TPH_ERROR_INIT;
    char one[TPH_ACCESS_DIGEST], two[TPH_ACCESS_DIGEST];
    (void)state;
    tph_access_digest(TPH_STR("abc"), one); /* ba7816bf8f01 */
    tph_access_digest(TPH_STR(""), two);    /* e3b0c44298fc */
    (void)tph_buf_puts(&text, "# kept");
    assert_int_equal(tph_tokens_add(&text, "ci", one, "view@argo", NULL, &err), 0);
    assert_int_equal(tph_tokens_add(&text, "ci", two, "view@argo", "2027-01-01T00:00:00Z", &err), 0);
    assert_int_equal(tph_tokens_add(&text, "system:serviceaccount:argo:robot", NULL, "edit@argo", NULL, &err), 0);
    assert_int_equal(tph_tokens_add(&text, "ci", one, "edit", NULL, &err), -1);
    assert_non_null(strstr(err.text, "ci has other roles in line 2"));
    assert_int_equal(tph_tokens_add(&text, "a b", two, "edit", NULL, &err), -1);
    assert_int_equal(tph_tokens_add(&text, "ab", two, "owner", NULL, &err), -1);
    assert_string_equal(err.text, "\"owner\" is no role: admin, edit, view and plugins are");
    assert_int_equal(tph_tokens_list(tph_buf_str(&text), "tokens", &out, &err), 0);
    assert_string_equal(tph_buf_cstr(&out),
                        "NAME                               ROLES       EXPIRES                TOKEN\n"
                        "ci                                 view@argo   never                  ba7816bf8f01\n"
                        "ci                                 view@argo   2027-01-01T00:00:00Z   e3b0c44298fc\n"
                        "system:serviceaccount:argo:robot   edit@argo   never                  -\n");
    tph_buf_clear(&out);
    assert_int_equal(tph_tokens_remove(tph_buf_str(&text), "ci", "e3b0c4", &out), 1);
    tph_buf_clear(&text);
    (void)tph_buf_put(&text, tph_buf_str(&out));
    tph_buf_clear(&out);
    assert_int_equal(tph_tokens_remove(tph_buf_str(&text), "nobody", NULL, &out), 0);
    assert_string_equal(tph_buf_cstr(&out), tph_buf_cstr(&text));
    tph_buf_clear(&out);
    assert_int_equal(tph_tokens_remove(tph_buf_str(&text), "ci", NULL, &out), 1);
    assert_string_equal(tph_buf_cstr(&out), "# kept\nsystem:serviceaccount:argo:robot - edit@argo\n");
}

static void test_rate(void **state)
{
    struct tph_limit *limit = tph_limit_new(10, 3);
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(tph_limit_take(limit, TPH_STR("a"), 1000));
    }
    assert_false(tph_limit_take(limit, TPH_STR("a"), 1000));
    assert_true(tph_limit_take(limit, TPH_STR("b"), 1000)); /* others have their own */
    assert_false(tph_limit_take(limit, TPH_STR("a"), 1099));
    assert_true(tph_limit_take(limit, TPH_STR("a"), 1100));
    assert_false(tph_limit_take(limit, TPH_STR("a"), 900)); /* a clock that goes back gives nothing */
    for (int i = 0; i < 3; i++) {
        assert_true(tph_limit_take(limit, TPH_STR("a"), 100000));
    }
    assert_false(tph_limit_take(limit, TPH_STR("a"), 100000));
    /* Clients that come once and never again are forgotten. */
    for (int i = 0; i < 20 * TPH_LIMIT_RATE_CLIENTS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_true(tph_limit_take(limit, tph_str(name), 200000 + i));
    }
    assert_true(tph_limit_clients(limit) < 2 * TPH_LIMIT_RATE_CLIENTS);
    tph_limit_free(limit);
    limit = tph_limit_new(0, 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(tph_limit_take(limit, TPH_STR("a"), 0));
    }
    tph_limit_free(limit);
    tph_limit_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_impersonation),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_accounts_of_pods),
        cmocka_unit_test(test_token_is_a_jwt),
        cmocka_unit_test(test_longest_token),
        cmocka_unit_test(test_too_large_a_file),
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
