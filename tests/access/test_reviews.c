/* SPDX-License-Identifier: Apache-2.0 */
/* test_access_reviews DIRECTORY: every recorded SelfSubjectAccessReview, SelfSubjectRulesReview, SelfSubjectReview and
 * TokenRequest is answered again, and every refusal (403 of RBAC) told again; each answer is compared with the recorded
 * one. The recorded cluster's users: admin (everything), nobody (nothing), the controller (everything).
 *
 * Not compared: status.reason (RBAC's own names), tokens, and the order of rules, which differs among recordings. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/account.h"
#include "access/review.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"

static const char *directory;

struct scene {
    struct tph_access *access;
    const struct tph_access_user *admin, *nobody;
    const char *file;
    size_t n_reviews, n_rules, n_users, n_tokens, n_refusals;
};

static const struct tph_json *body_of(const struct tph_json *message)
{
    const struct tph_json *body = tph_json_get(message, "body");
    const struct tph_json *decoded = tph_json_get(body, "decoded");
    return decoded ? decoded : tph_json_get(body, "json");
}

static const struct tph_json *managed(const struct tph_json *answer)
{
    return tph_json_at(tph_json_path(answer, "metadata", "managedFields", NULL), 0);
}

static void differ(const struct scene *s, const char *what, const struct tph_json *theirs, const struct tph_json *ours)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    tph_json_write(theirs, 0, &text);
    (void)tph_buf_puts(&text, "\nours: ");
    tph_json_write(ours, 0, &text);
    fail_msg("%s: %s: %s", s->file, what, tph_buf_cstr(&text));
}

/* A copy of their answer without what cannot be the same. */
static struct tph_json *comparable(struct tph_json_doc *doc, const struct tph_json *answer)
{
    struct tph_json *copy = tph_json_copy(doc, answer);
    (void)tph_json_remove(tph_json_get(copy, "status"), "reason");
    (void)tph_json_remove(tph_json_get(copy, "status"), "token");
    return copy;
}

static bool among(const struct tph_json *list, const struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(list);
    bool found = false;
    while (tph_json_next(&it)) {
        found = found || tph_json_equal(it.value, value);
    }
    return found;
}

static void same_rules(const struct scene *s, const struct tph_json *theirs, const struct tph_json *ours,
                       const char *list)
{
    const struct tph_json *a = tph_json_path(theirs, "status", list, NULL),
                          *b = tph_json_path(ours, "status", list, NULL);
    struct tph_json_iter it = tph_json_iter(a);
    if (tph_json_len(a) != tph_json_len(b)) {
        differ(s, list, a, b);
    }
    while (tph_json_next(&it)) {
        if (!among(b, it.value)) {
            differ(s, list, it.value, b);
        }
    }
}

static void replay_fault(const struct scene *s, const struct tph_json *theirs, const struct tph_review_fault *fault)
{
    const struct tph_json *cause = tph_json_at(tph_json_path(theirs, "details", "causes", NULL), 0);
    if (!tph_str_eqz(tph_json_get_str(cause, "field"), fault->field) ||
        !tph_str_eqz(tph_json_get_str(cause, "message"), fault->text)) {
        fail_msg("%s: %s: %s", s->file, fault->field, fault->text);
    }
}

static void replay_token(const struct scene *s, const struct tph_json *request, const struct tph_json *theirs,
                         struct tph_review *review)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_json *meta = tph_json_get(theirs, "metadata");
    struct tph_review_account account = {.ns = tph_json_get_str(meta, "namespace"),
                                         .name = tph_json_get_str(meta, "name"),
                                         .uid = tph_json_get_str(meta, "uid"),
                                         .now_s = 1000};
    struct tph_review_fault fault;
    review->time = tph_json_get_str(meta, "creationTimestamp");
    struct tph_json *ours = tph_review_token(s->access, review, &account, request, doc, &fault);
    assert_non_null(ours);
    TPH_CLEANUP(tph_freep) char *token = tph_str_dup(tph_json_get_str(tph_json_get(ours, "status"), "token"));
    assert_int_equal(strlen(token) > 100, 1);
    struct tph_json *a = comparable(doc, theirs), *b = comparable(doc, ours);
    (void)tph_json_remove(tph_json_get(a, "status"), "expirationTimestamp"); /* <time-N> */
    assert_true(
        tph_str_eqz(tph_json_get_str(tph_json_get(b, "status"), "expirationTimestamp"), "1970-01-01T01:16:40Z"));
    (void)tph_json_remove(tph_json_get(b, "status"), "expirationTimestamp");
    if (!tph_json_equal(a, b)) {
        differ(s, "TokenRequest", a, b);
    }
}

static void replay_review(struct scene *s, struct tph_str path, const struct tph_json *request,
                          const struct tph_json *theirs, int64_t code, const struct tph_access_user *user)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_review review = {.user = user,
                                .time = tph_json_get_str(managed(theirs), "time"),
                                .manager = tph_json_get_str(managed(theirs), "manager")};
    struct tph_review_fault fault;
    if (tph_str_has_suffix(path, TPH_STR("/selfsubjectaccessreviews"))) {
        const struct tph_json *ours = tph_review_access(&review, request, doc, &fault);
        s->n_reviews++;
        if (code == 422) {
            assert_null(ours);
            replay_fault(s, theirs, &fault);
        } else if (!tph_json_equal(comparable(doc, theirs), ours)) {
            differ(s, "SelfSubjectAccessReview", theirs, ours);
        }
    } else if (tph_str_has_suffix(path, TPH_STR("/selfsubjectrulesreviews"))) {
        const struct tph_json *ours = tph_review_rules(&review, request, doc, &fault);
        s->n_rules++;
        same_rules(s, theirs, ours, "resourceRules");
        same_rules(s, theirs, ours, "nonResourceRules");
        assert_true(tph_json_equal(tph_json_get(theirs, "spec"), tph_json_get(ours, "spec")));
    } else if (tph_str_has_suffix(path, TPH_STR("/selfsubjectreviews"))) {
        review.time = tph_json_get_str(tph_json_get(theirs, "metadata"), "creationTimestamp");
        const struct tph_json *ours = tph_review_user(&review, doc);
        s->n_users++;
        struct tph_str name = tph_json_get_str(tph_json_path(theirs, "status", "userInfo", NULL), "username");
        /* nobody, and who is impersonated, is in groups of that cluster's own */
        if (tph_str_eqz(name, "admin") && !tph_json_equal(theirs, ours)) {
            differ(s, "SelfSubjectReview", theirs, ours);
        }
    } else {
        s->n_tokens++;
        replay_token(s, request, theirs, &review);
    }
}

/* What was asked, taken out of the path by the simplest rules. */
static void replay_refusal(struct scene *s, const struct tph_json *message, const struct tph_json *theirs,
                           const struct tph_access_user *user)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    const struct tph_json *request = tph_json_get(message, "request");
    struct tph_str method = tph_json_get_str(request, "method"), path = tph_json_get_str(request, "path");
    struct tph_str parts[8] = {{NULL, 0}}, rest = tph_str_slice(path, 1, path.len);
    struct tph_access_attributes what = {.path = path, .verb = "get"};
    size_t n = 0;
    while (n < 8 && tph_str_cut(&rest, '/', &parts[n])) {
        n++;
    }
    size_t at = tph_str_eqz(parts[0], "api") ? 2 : tph_str_eqz(parts[0], "apis") ? 3 : n;
    what.is_resource = at < n;
    if (what.is_resource) {
        what.group = at == 3 ? parts[1] : TPH_STR("");
        if (tph_str_eqz(parts[at], "namespaces") && at + 2 < n) {
            what.ns = parts[at + 1];
            at += 2;
        }
        what.resource = parts[at];
        what.name = at + 1 < n ? parts[at + 1] : TPH_STR_NONE;
        what.sub = at + 2 < n ? parts[at + 2] : TPH_STR_NONE;
        struct tph_json_iter it = tph_json_iter(tph_json_get(request, "query"));
        bool watch = false;
        while (tph_json_next(&it)) {
            watch = watch || tph_str_eqz(tph_json_str(tph_json_at(it.value, 0)), "watch");
        }
        what.verb = tph_str_eqz(method, "POST") ? "create" : what.name.len > 0 ? "get" : watch ? "watch" : "list";
    }
    if (tph_str_find(tph_json_get_str(theirs, "message"), TPH_STR("cannot impersonate")) >= 0) {
        what = (struct tph_access_attributes){.verb = "impersonate",
                                              .is_resource = true,
                                              .resource = TPH_STR("users"),
                                              .name = tph_json_get_str(tph_json_get(theirs, "details"), "name")};
    }
    assert_false(tph_access_allowed(user, &what, NULL));
    tph_access_refusal(tph_access_name(user), &what, NULL, &text);
    s->n_refusals++;
    if (!tph_str_eq(tph_json_get_str(theirs, "message"), tph_buf_str(&text))) {
        differ(s, tph_buf_cstr(&text), theirs, NULL);
    }
}

static void replay_line(struct scene *s, struct tph_str line)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(line, &doc, NULL), 0);
    const struct tph_json *root = tph_json_root(doc), *request = tph_json_get(root, "request");
    const struct tph_json *response = tph_json_get(root, "response"), *theirs = body_of(response);
    struct tph_str path = tph_json_get_str(request, "path"), method = tph_json_get_str(request, "method");
    const struct tph_json *raw = tph_json_get(request, "body");
    int64_t code;
    if (tph_json_to_i64(tph_json_get(response, "status"), &code) < 0) {
        return;
    }
    bool nobody = tph_str_find(tph_json_get_str(theirs, "message"), TPH_STR("User \"nobody\"")) >= 0 ||
                  tph_str_eqz(tph_json_get_str(request, "token"), "trnobody") ||
                  tph_str_find(tph_json_get_str(root, "command"), TPH_STR("nobody")) >= 0;
    bool anonymous = tph_str_find(tph_json_get_str(theirs, "message"), TPH_STR("\"system:anonymous\"")) >= 0;
    const struct tph_access_user *user = anonymous ? tph_access_identify(s->access, NULL, 0)
                                         : nobody  ? s->nobody
                                                   : s->admin;
    if (code == 403 && tph_str_find(tph_json_get_str(theirs, "message"), TPH_STR(" cannot ")) >= 0) {
        replay_refusal(s, root, theirs, user);
        return;
    }
    bool ours = tph_str_find(path, TPH_STR("/selfsubject")) >= 0 ||
                (tph_str_has_suffix(path, TPH_STR("/token")) && tph_str_find(path, TPH_STR("/serviceaccounts/")) >= 0);
    bool readable = tph_json_is_null(raw) || body_of(request); /* else protobuf that nobody decoded */
    if (tph_str_eqz(method, "POST") && ours && readable && (code == 201 || code == 422) && theirs) {
        replay_review(s, path, body_of(request), theirs, code, user);
    }
}

static void replay_file(struct scene *s)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", directory, s->file);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(64));
    assert_int_equal(tph_fd_read_file(path, &text, NULL), 0);
    struct tph_str line, rest = tph_buf_str(&text);
    while (tph_str_cut(&rest, '\n', &line)) {
        if (tph_str_find(line, TPH_STR("selfsubject")) >= 0 || tph_str_find(line, TPH_STR("/token\"")) >= 0 ||
            tph_str_find(line, TPH_STR(" cannot ")) >= 0) {
            replay_line(s, line);
        }
    }
}

static void test_recordings(void **state)
{
    struct tph_access_config config = {.admin_token = TPH_STR("a"), .signing_key = TPH_STR("k")};
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = tph_access_new(&config);
    struct scene s = {.access = access};
    struct dirent **names;
    (void)state;
    s.admin = tph_access_identify(access, "Bearer a", 0);
    s.nobody = tph_access_impersonate(access, s.admin, TPH_STR("nobody"));
    int n = scandir(directory, &names, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        if (tph_str_has_suffix(tph_str(names[i]->d_name), TPH_STR(".jsonl"))) {
            s.file = names[i]->d_name;
            replay_file(&s);
        }
        free(names[i]);
    }
    free(names);
    print_message("%zu access reviews, %zu rules, %zu users, %zu tokens, %zu refusals\n", s.n_reviews, s.n_rules,
                  s.n_users, s.n_tokens, s.n_refusals);
    assert_true(s.n_reviews > 100 && s.n_rules > 3 && s.n_users > 3 && s.n_tokens > 2 && s.n_refusals > 15);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recordings)};
    if (argc != 2) {
        return 2;
    }
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
