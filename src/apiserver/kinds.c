/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/kinds.h"

#include <stdio.h>

#include "api/gotype_argo.h"
#include "api/gotype_groups.h"
#include "api/gotype_tables.h"

enum {
    VERBS_STATUS = TPH_API_GET | TPH_API_PATCH | TPH_API_UPDATE,
    VERBS_NAMESPACE = TPH_API_ALL & ~TPH_API_DELETE_COLLECTION,
    CUSTOM = TPH_KIND_CUSTOM | TPH_KIND_PUT_NEEDS_RV,
};

static const struct tph_kind_sub namespace_subs[] = {
    {"finalize", "Namespace", NULL, NULL, TPH_API_UPDATE},
    {"status", "Namespace", NULL, NULL, VERBS_STATUS},
    {.name = NULL},
};
static const struct tph_kind_sub pod_subs[] = {
    {"log", "Pod", NULL, NULL, TPH_API_GET},
    {"status", "Pod", NULL, NULL, VERBS_STATUS},
    {.name = NULL},
};
static const struct tph_kind_sub account_subs[] = {
    {"token", "TokenRequest", "authentication.k8s.io", "v1", TPH_API_CREATE},
    {.name = NULL},
};
static const struct tph_kind_sub taskset_subs[] = {
    {"status", "WorkflowTaskSet", NULL, NULL, VERBS_STATUS},
    {.name = NULL},
};
static const struct tph_kind_sub gctask_subs[] = {
    {"status", "WorkflowArtifactGCTask", NULL, NULL, VERBS_STATUS},
    {.name = NULL},
};

static const char *const event_fields[] = {
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
    NULL,
};
static const char *const namespace_fields[] = {"status.phase", NULL};
static const char *const secret_fields[] = {"type", NULL};
static const char *const pod_fields[] = {
    "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",  "spec.hostNetwork",
    "status.phase",  "status.podIP",       "status.podIPs",      "status.nominatedNodeName", NULL,
};

/* clang-format off */
/* Names of a kind; its plural is the singular and an s. */
#define NAMES(its_group, its_version, its_kind, its_singular)              \
    .group = (its_group), .version = (its_version), .kind = (its_kind),    \
    .singular = (its_singular), .plural = its_singular "s"
#define CORE(kind, singular)                                               \
    NAMES("", "v1", kind, singular), .list_kind = kind "List",             \
    .resource = singular "s"
#define ARGO(kind, singular)                                               \
    NAMES("argoproj.io", "v1alpha1", kind, singular),                      \
    .list_kind = kind "List", .resource = singular "s.argoproj.io",        \
    .verbs = TPH_API_ALL
#define REVIEW(its_group, kind, singular)                                  \
    NAMES(its_group, "v1", kind, singular), .list_kind = "",               \
    .resource = singular "s." its_group, .verbs = TPH_API_CREATE,          \
    .flags = TPH_KIND_VIRTUAL, .storage_hash = ""

static const struct tph_kind kinds[] = {
    {CORE("ConfigMap", "configmap"), .short_names = {"cm"}, .namespaced = true, .verbs = TPH_API_ALL,
     .storage_hash = "qFsyl6wFWjQ=", .type = &tph_gt_core_ConfigMap},
    {CORE("Event", "event"), .short_names = {"ev"}, .namespaced = true, .verbs = TPH_API_ALL,
     .flags = TPH_KIND_PUT_CREATES, .storage_hash = "r2yiGXH7wu8=", .type = &tph_gt_core_Event, .fields = event_fields},
    {CORE("Namespace", "namespace"), .short_names = {"ns"}, .verbs = VERBS_NAMESPACE, .subs = namespace_subs,
     .flags = TPH_KIND_STATUS | TPH_KIND_DELETE_ANSWERS_OBJECT,
     .storage_hash = "Q3oi5N2YM8M=", .type = &tph_gt_core_Namespace, .fields = namespace_fields},
    {CORE("Pod", "pod"), .short_names = {"po"}, .categories = {"all"}, .namespaced = true, .verbs = TPH_API_ALL,
     .subs = pod_subs, .flags = TPH_KIND_STATUS | TPH_KIND_DELETE_ANSWERS_OBJECT, .generation = TPH_GENERATION_SPEC,
     .storage_hash = "xPOwRZ+Yhw8=", .type = &tph_gt_core_Pod, .fields = pod_fields},
    {CORE("Secret", "secret"), .namespaced = true, .verbs = TPH_API_ALL,
     .storage_hash = "S6u1pOWzb84=", .type = &tph_gt_core_Secret, .fields = secret_fields},
    {CORE("ServiceAccount", "serviceaccount"), .short_names = {"sa"}, .namespaced = true, .verbs = TPH_API_ALL,
     .subs = account_subs, .flags = TPH_KIND_DELETE_ANSWERS_OBJECT,
     .storage_hash = "pbx9ZvyFpBE=", .type = &tph_gt_core_ServiceAccount},

    {REVIEW("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreview"),
     .type = &tph_gt_authentication_SelfSubjectReview},

    {REVIEW("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreview"),
     .type = &tph_gt_authorization_SelfSubjectAccessReview},
    {REVIEW("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreview"),
     .type = &tph_gt_authorization_SelfSubjectRulesReview},

    {NAMES("coordination.k8s.io", "v1", "Lease", "lease"), .list_kind = "LeaseList",
     .resource = "leases.coordination.k8s.io", .namespaced = true, .verbs = TPH_API_ALL,
     .flags = TPH_KIND_PUT_NEEDS_RV | TPH_KIND_PUT_CREATES,
     .storage_hash = "gqkMMb/YqFM=", .type = &tph_gt_coordination_Lease},

    {ARGO("Workflow", "workflow"), .short_names = {"wf"}, .namespaced = true, .flags = CUSTOM,
     .generation = TPH_GENERATION_ALL, .storage_hash = "xBFBvQTk8XY=", .type = &tph_gt_argo_Workflow},
    {ARGO("WorkflowTaskResult", "workflowtaskresult"), .namespaced = true, .flags = CUSTOM,
     .generation = TPH_GENERATION_ALL, .storage_hash = "h+8WuvWnY6I="},
    {ARGO("WorkflowTaskSet", "workflowtaskset"), .short_names = {"wfts"}, .namespaced = true, .subs = taskset_subs,
     .flags = CUSTOM | TPH_KIND_STATUS, .generation = TPH_GENERATION_SPEC,
     .storage_hash = "2fL8Xq+XW80=", .type = &tph_gt_argo_WorkflowTaskSet},
    {ARGO("ClusterWorkflowTemplate", "clusterworkflowtemplate"), .short_names = {"clusterwftmpl", "cwft"},
     .flags = CUSTOM, .generation = TPH_GENERATION_ALL,
     .storage_hash = "LK/d1NBVwBA=", .type = &tph_gt_argo_ClusterWorkflowTemplate},
    {ARGO("CronWorkflow", "cronworkflow"), .short_names = {"cwf", "cronwf"}, .namespaced = true, .flags = CUSTOM,
     .generation = TPH_GENERATION_ALL, .storage_hash = "SScdgFIcnwQ=", .type = &tph_gt_argo_CronWorkflow},
    {ARGO("WorkflowEventBinding", "workfloweventbinding"), .short_names = {"wfeb"}, .namespaced = true, .flags = CUSTOM,
     .generation = TPH_GENERATION_ALL, .storage_hash = "r8JOW9HpEyU=", .type = &tph_gt_argo_WorkflowEventBinding},
    {ARGO("WorkflowTemplate", "workflowtemplate"), .short_names = {"wftmpl"}, .namespaced = true, .flags = CUSTOM,
     .generation = TPH_GENERATION_ALL, .storage_hash = "oAyXs5+EY8E=", .type = &tph_gt_argo_WorkflowTemplate},
    {ARGO("WorkflowArtifactGCTask", "workflowartifactgctask"), .short_names = {"wfat"}, .namespaced = true,
     .subs = gctask_subs, .flags = CUSTOM | TPH_KIND_STATUS, .generation = TPH_GENERATION_SPEC,
     .storage_hash = "bPdGywn9X8Y="},
};
/* clang-format on */

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const struct tph_kind *tph_kinds(size_t *ret_n)
{
    *ret_n = N_KINDS;
    return kinds;
}

const struct tph_kind *tph_kind_find(struct tph_str group, struct tph_str version, struct tph_str plural)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (tph_str_eqz(plural, kinds[i].plural) && tph_str_eqz(group, kinds[i].group) &&
            tph_str_eqz(version, kinds[i].version)) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct tph_kind *tph_kind_of(struct tph_str api_version, struct tph_str kind)
{
    char text[TPH_API_VERSION_TEXT];
    for (size_t i = 0; i < N_KINDS; i++) {
        if (tph_str_eqz(kind, kinds[i].kind) && tph_str_eqz(api_version, tph_kind_api_version(&kinds[i], text))) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct tph_kind *tph_kind_of_resource(struct tph_str resource)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (tph_str_eqz(resource, kinds[i].resource)) {
            return &kinds[i];
        }
    }
    return NULL;
}

bool tph_kind_group_served(struct tph_str group, struct tph_str version)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (tph_str_eqz(group, kinds[i].group) && (version.len == 0 || tph_str_eqz(version, kinds[i].version))) {
            return true;
        }
    }
    return false;
}

bool tph_kind_group_built_in(struct tph_str group)
{
    return group.len == 0 || (!tph_str_eqz(group, "argoproj.io") && tph_kind_group_served(group, TPH_STR_NONE));
}

const struct tph_kind_sub *tph_kind_sub_find(const struct tph_kind *kind, struct tph_str name)
{
    for (const struct tph_kind_sub *sub = kind->subs; sub && sub->name; sub++) {
        if (tph_str_eqz(name, sub->name)) {
            return sub;
        }
    }
    return NULL;
}

const char *tph_kind_api_version(const struct tph_kind *kind, char text[TPH_API_VERSION_TEXT])
{
    (void)snprintf(text, TPH_API_VERSION_TEXT, "%s%s%s", kind->group, kind->group[0] ? "/" : "", kind->version);
    return text;
}

const char *tph_api_verb_name(enum tph_api_verb verb)
{
    static const char *const names[] = {"get",    "list",  "watch",  "create",
                                        "update", "patch", "delete", "deletecollection"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((unsigned)verb == 1U << i) {
            return names[i];
        }
    }
    return "";
}
