/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks about himself: SelfSubjectAccessReview, SelfSubjectRulesReview (authorization.k8s.io/v1),
 * SelfSubjectReview (authentication.k8s.io/v1), and TokenRequest. Answers are kube-apiserver's (recorded: golden/http,
 * *-09-core-auth, G-05). Pure: JSON of the request in, JSON of the answer out.
 */
#pragma once

#include "access/access.h"
#include "data/json.h"

/* How a fault is told: as a Status of code 422. */
struct tph_review_fault {
    const char *field; /* "spec.resourceAttributes" */
    char text[512];    /* "Invalid value: null: ..." */
};

/* time: of managedFields and creationTimestamp; manager: the field manager, or empty for no managedFields. */
struct tph_review {
    const struct tph_access_user *user;
    struct tph_str time, manager;
};

/* Each fills doc and returns its root; NULL: ret_fault says why. request may be NULL, as an empty body. */
struct tph_json *tph_review_access(const struct tph_review *review, const struct tph_json *request,
                                   struct tph_json_doc *doc, struct tph_review_fault *ret_fault);
struct tph_json *tph_review_rules(const struct tph_review *review, const struct tph_json *request,
                                  struct tph_json_doc *doc, struct tph_review_fault *ret_fault);
struct tph_json *tph_review_user(const struct tph_review *review, struct tph_json_doc *doc);

/* The account's object gives ns, name and uid. */
struct tph_review_account {
    struct tph_str ns, name, uid;
    int64_t now_s;
};
struct tph_json *tph_review_token(const struct tph_access *access, const struct tph_review *review,
                                  const struct tph_review_account *account, const struct tph_json *request,
                                  struct tph_json_doc *doc, struct tph_review_fault *ret_fault);

/* For tph_review_rules: the rules of a user in a namespace, as JSON. */
void tph_access_rules(const struct tph_access_user *user, struct tph_str ns, struct tph_json_doc *doc,
                      struct tph_json *resource_rules, struct tph_json *path_rules);

/* Whether making object of old (NULL: of nothing) defines what runs as code anew or in another way: a ConfigMap with
 * the label of an executor plugin, a workflow or a template of one with spec.executorPlugins. Other changes of such an
 * object are none, and removing it is none. group, resource: "", "configmaps". */
bool tph_access_changes_code(struct tph_str group, struct tph_str resource, const struct tph_json *old,
                             const struct tph_json *object);

/* Whether making object of old (NULL: of nothing; object NULL: the removal of old) changes the settings of the whole
 * server: the ConfigMap that Argo's controller reads. */
bool tph_access_changes_settings(struct tph_str group, struct tph_str resource, const struct tph_json *old,
                                 const struct tph_json *object);
