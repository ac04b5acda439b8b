/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/kinds.h"

#include <stdio.h>

#include "api/gotype_argo.h"
#include "api/gotype_groups.h"
#include "api/gotype_tables.h"

#define CORE ""
#define ARGO "argoproj.io"

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

#define NO_NAMES \
    {            \
        NULL     \
    }

static const struct tph_kind kinds[] = {
    {CORE,
     "v1",
     "ConfigMap",
     "ConfigMapList",
     "configmaps",
     "configmap",
     {"cm"},
     NO_NAMES,
     "configmaps",
     true,
     TPH_API_ALL,
     0,
     TPH_GENERATION_NONE,
     NULL,
     "qFsyl6wFWjQ=",
     &tph_gt_core_ConfigMap,
     NULL},
    {CORE,
     "v1",
     "Event",
     "EventList",
     "events",
     "event",
     {"ev"},
     NO_NAMES,
     "events",
     true,
     TPH_API_ALL,
     TPH_KIND_PUT_CREATES,
     TPH_GENERATION_NONE,
     NULL,
     "r2yiGXH7wu8=",
     &tph_gt_core_Event,
     event_fields},
    {CORE,
     "v1",
     "Namespace",
     "NamespaceList",
     "namespaces",
     "namespace",
     {"ns"},
     NO_NAMES,
     "namespaces",
     false,
     VERBS_NAMESPACE,
     TPH_KIND_STATUS | TPH_KIND_DELETE_ANSWERS_OBJECT,
     TPH_GENERATION_NONE,
     namespace_subs,
     "Q3oi5N2YM8M=",
     &tph_gt_core_Namespace,
     namespace_fields},
    {CORE,
     "v1",
     "Pod",
     "PodList",
     "pods",
     "pod",
     {"po"},
     {"all"},
     "pods",
     true,
     TPH_API_ALL,
     TPH_KIND_STATUS | TPH_KIND_DELETE_ANSWERS_OBJECT,
     TPH_GENERATION_SPEC,
     pod_subs,
     "xPOwRZ+Yhw8=",
     &tph_gt_core_Pod,
     pod_fields},
    {CORE, "v1", "Secret", "SecretList", "secrets", "secret", NO_NAMES, NO_NAMES, "secrets", true, TPH_API_ALL, 0,
     TPH_GENERATION_NONE, NULL, "S6u1pOWzb84=", &tph_gt_core_Secret, secret_fields},
    {CORE,
     "v1",
     "ServiceAccount",
     "ServiceAccountList",
     "serviceaccounts",
     "serviceaccount",
     {"sa"},
     NO_NAMES,
     "serviceaccounts",
     true,
     TPH_API_ALL,
     TPH_KIND_DELETE_ANSWERS_OBJECT,
     TPH_GENERATION_NONE,
     account_subs,
     "pbx9ZvyFpBE=",
     &tph_gt_core_ServiceAccount,
     NULL},

    {"authentication.k8s.io", "v1", "SelfSubjectReview", "", "selfsubjectreviews", "selfsubjectreview", NO_NAMES,
     NO_NAMES, "selfsubjectreviews.authentication.k8s.io", false, TPH_API_CREATE, TPH_KIND_VIRTUAL, TPH_GENERATION_NONE,
     NULL, "", &tph_gt_authentication_SelfSubjectReview, NULL},

    {"authorization.k8s.io", "v1", "SelfSubjectAccessReview", "", "selfsubjectaccessreviews", "selfsubjectaccessreview",
     NO_NAMES, NO_NAMES, "selfsubjectaccessreviews.authorization.k8s.io", false, TPH_API_CREATE, TPH_KIND_VIRTUAL,
     TPH_GENERATION_NONE, NULL, "", &tph_gt_authorization_SelfSubjectAccessReview, NULL},
    {"authorization.k8s.io", "v1", "SelfSubjectRulesReview", "", "selfsubjectrulesreviews", "selfsubjectrulesreview",
     NO_NAMES, NO_NAMES, "selfsubjectrulesreviews.authorization.k8s.io", false, TPH_API_CREATE, TPH_KIND_VIRTUAL,
     TPH_GENERATION_NONE, NULL, "", &tph_gt_authorization_SelfSubjectRulesReview, NULL},

    {"coordination.k8s.io", "v1", "Lease", "LeaseList", "leases", "lease", NO_NAMES, NO_NAMES,
     "leases.coordination.k8s.io", true, TPH_API_ALL, TPH_KIND_PUT_NEEDS_RV | TPH_KIND_PUT_CREATES, TPH_GENERATION_NONE,
     NULL, "gqkMMb/YqFM=", &tph_gt_coordination_Lease, NULL},

    {ARGO,
     "v1alpha1",
     "Workflow",
     "WorkflowList",
     "workflows",
     "workflow",
     {"wf"},
     NO_NAMES,
     "workflows.argoproj.io",
     true,
     TPH_API_ALL,
     CUSTOM,
     TPH_GENERATION_ALL,
     NULL,
     "xBFBvQTk8XY=",
     &tph_gt_argo_Workflow,
     NULL},
    {ARGO, "v1alpha1", "WorkflowTaskResult", "WorkflowTaskResultList", "workflowtaskresults", "workflowtaskresult",
     NO_NAMES, NO_NAMES, "workflowtaskresults.argoproj.io", true, TPH_API_ALL, CUSTOM, TPH_GENERATION_ALL, NULL,
     "h+8WuvWnY6I=", NULL, NULL},
    {ARGO,
     "v1alpha1",
     "WorkflowTaskSet",
     "WorkflowTaskSetList",
     "workflowtasksets",
     "workflowtaskset",
     {"wfts"},
     NO_NAMES,
     "workflowtasksets.argoproj.io",
     true,
     TPH_API_ALL,
     CUSTOM | TPH_KIND_STATUS,
     TPH_GENERATION_SPEC,
     taskset_subs,
     "2fL8Xq+XW80=",
     &tph_gt_argo_WorkflowTaskSet,
     NULL},
    {ARGO,
     "v1alpha1",
     "ClusterWorkflowTemplate",
     "ClusterWorkflowTemplateList",
     "clusterworkflowtemplates",
     "clusterworkflowtemplate",
     {"clusterwftmpl", "cwft"},
     NO_NAMES,
     "clusterworkflowtemplates.argoproj.io",
     false,
     TPH_API_ALL,
     CUSTOM,
     TPH_GENERATION_ALL,
     NULL,
     "LK/d1NBVwBA=",
     &tph_gt_argo_ClusterWorkflowTemplate,
     NULL},
    {ARGO,
     "v1alpha1",
     "CronWorkflow",
     "CronWorkflowList",
     "cronworkflows",
     "cronworkflow",
     {"cwf", "cronwf"},
     NO_NAMES,
     "cronworkflows.argoproj.io",
     true,
     TPH_API_ALL,
     CUSTOM,
     TPH_GENERATION_ALL,
     NULL,
     "SScdgFIcnwQ=",
     &tph_gt_argo_CronWorkflow,
     NULL},
    {ARGO,
     "v1alpha1",
     "WorkflowEventBinding",
     "WorkflowEventBindingList",
     "workfloweventbindings",
     "workfloweventbinding",
     {"wfeb"},
     NO_NAMES,
     "workfloweventbindings.argoproj.io",
     true,
     TPH_API_ALL,
     CUSTOM,
     TPH_GENERATION_ALL,
     NULL,
     "r8JOW9HpEyU=",
     &tph_gt_argo_WorkflowEventBinding,
     NULL},
    {ARGO,
     "v1alpha1",
     "WorkflowTemplate",
     "WorkflowTemplateList",
     "workflowtemplates",
     "workflowtemplate",
     {"wftmpl"},
     NO_NAMES,
     "workflowtemplates.argoproj.io",
     true,
     TPH_API_ALL,
     CUSTOM,
     TPH_GENERATION_ALL,
     NULL,
     "oAyXs5+EY8E=",
     &tph_gt_argo_WorkflowTemplate,
     NULL},
    {ARGO,
     "v1alpha1",
     "WorkflowArtifactGCTask",
     "WorkflowArtifactGCTaskList",
     "workflowartifactgctasks",
     "workflowartifactgctask",
     {"wfat"},
     NO_NAMES,
     "workflowartifactgctasks.argoproj.io",
     true,
     TPH_API_ALL,
     CUSTOM | TPH_KIND_STATUS,
     TPH_GENERATION_SPEC,
     gctask_subs,
     "bPdGywn9X8Y=",
     NULL,
     NULL},
};

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
