/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/openapi_words.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct words {
    const char *type, *member, *text;
};

static const struct words words[] = {
    {"v1alpha1.Workflow", NULL, "A run: what shall be done (spec), and how far it is (status)."},
    {"v1alpha1.WorkflowTemplate", NULL,
     "Templates that workflows of the namespace refer to by templateRef or workflowTemplateRef."},
    {"v1alpha1.ClusterWorkflowTemplate", NULL, "Templates that workflows of every namespace refer to."},
    {"v1alpha1.CronWorkflow", NULL, "A workflow that is created again and again by a schedule."},
    {"v1alpha1.WorkflowEventBinding", NULL, "Which events submit a workflow of which template."},
    {"v1alpha1.WorkflowTaskSet", NULL,
     "The plugin and HTTP tasks of a workflow that are under way, and what came of them: between controller and "
     "agent."},
    {"v1.ConfigMap", NULL,
     "Texts and bytes by name. With the label workflows.argoproj.io/configmap-type: ExecutorPlugin it defines a "
     "plugin."},
    {"v1.Secret", NULL, "Bytes by name that not everybody may read."},
    {"v1.Namespace", NULL, "A room for names. Deleting it deletes what is in it."},
    {"v1.ServiceAccount", NULL, "An identity that workflows and plugins have."},
    {"v1.Pod", NULL, "The sidecars of plugins as they run on this server, with their logs and states."},
    {"v1.Event", NULL, "What happened to an object, told for people."},
    {"v1.Lease", NULL, "Who of several is at work: leader election."},

    {"v1alpha1.WorkflowSpec", NULL, "What shall be done."},
    {"v1alpha1.WorkflowSpec", "entrypoint", "The name of the template that the workflow begins with."},
    {"v1alpha1.WorkflowSpec", "templates",
     "The steps, DAGs and leaves that the workflow is made of, each under a name."},
    {"v1alpha1.WorkflowSpec", "arguments",
     "Values for {{workflow.parameters.NAME}} and for the inputs of the entrypoint."},
    {"v1alpha1.WorkflowSpec", "serviceAccountName", "The identity that its pods and plugins have."},
    {"v1alpha1.WorkflowSpec", "parallelism", "How many nodes may be under way at a time; 0: any number."},
    {"v1alpha1.WorkflowSpec", "suspend", "True: nothing new is started until the workflow is resumed."},
    {"v1alpha1.WorkflowSpec", "onExit",
     "The name of a template that runs when the workflow has ended, whatever came of it."},
    {"v1alpha1.WorkflowSpec", "hooks", "Templates that run when an expression becomes true; `exit` runs at the end."},
    {"v1alpha1.WorkflowSpec", "ttlStrategy", "How many seconds after its end the workflow is deleted."},
    {"v1alpha1.WorkflowSpec", "activeDeadlineSeconds", "The workflow fails when it takes longer."},
    {"v1alpha1.WorkflowSpec", "priority", "Among workflows that wait for room, the larger number goes first."},
    {"v1alpha1.WorkflowSpec", "shutdown",
     "Stop (exit handlers run) or Terminate (nothing runs any more): how the workflow is being ended."},
    {"v1alpha1.WorkflowSpec", "workflowTemplateRef",
     "The WorkflowTemplate or ClusterWorkflowTemplate that gives the spec; members here win."},
    {"v1alpha1.WorkflowSpec", "synchronization", "Mutexes and semaphores that it must hold while it runs."},
    {"v1alpha1.WorkflowSpec", "retryStrategy", "How templates without one of their own are tried again."},
    {"v1alpha1.WorkflowSpec", "templateDefaults", "Members that templates have which do not set them."},
    {"v1alpha1.WorkflowSpec", "executorPlugins", "Plugins of this workflow alone: only these are asked."},

    {"v1alpha1.Template", NULL,
     "One thing to do. Exactly one of steps, dag, suspend, http, plugin, container, containerSet, script, resource, "
     "data tells what."},
    {"v1alpha1.Template", "name", "How steps and tasks call it; {{inputs...}} may not be part of it."},
    {"v1alpha1.Template", "inputs", "Parameters and artifacts that it needs: {{inputs.parameters.NAME}}."},
    {"v1alpha1.Template", "outputs", "What it gives: {{steps.STEP.outputs.parameters.NAME}}."},
    {"v1alpha1.Template", "steps", "Groups of steps: those of a group run together, the groups one after the other."},
    {"v1alpha1.Template", "dag", "Tasks that run as soon as those that they depend on have ended."},
    {"v1alpha1.Template", "suspend", "Waits to be resumed, or for a time."},
    {"v1alpha1.Template", "http", "A request to a URL, made by the agent."},
    {"v1alpha1.Template", "plugin", "An object with one member: the plugin's name, and what it is called with."},
    {"v1alpha1.Template", "activeDeadlineSeconds",
     "The node fails when it takes longer; a number, or a text with {{...}}."},
    {"v1alpha1.Template", "timeout", "The node fails when it takes longer, waiting included: \"30s\", \"1h\"."},
    {"v1alpha1.Template", "retryStrategy", "How it is tried again when it fails."},
    {"v1alpha1.Template", "parallelism", "How many of its children may be under way at a time."},
    {"v1alpha1.Template", "failFast", "False: other children go on when one fails."},
    {"v1alpha1.Template", "memoize", "Where outputs are kept by a key, so that the same is not done twice."},
    {"v1alpha1.Template", "synchronization", "Mutexes and semaphores that it must hold while it runs."},

    {"v1alpha1.WorkflowStep", NULL, "A call of a template by a step."},
    {"v1alpha1.DAGTask", NULL, "A call of a template by a task of a DAG."},
    {"v1alpha1.DAGTask", "dependencies", "Names of tasks that must have succeeded, or been skipped."},
    {"v1alpha1.DAGTask", "depends", "An expression of the tasks that it waits for: \"a && (b.Failed || c)\"."},
    {"v1alpha1.DAGTemplate", "target",
     "Tasks that are wanted, with blanks between them; the default are those that no other waits for."},
    {"v1alpha1.RetryStrategy", "limit", "How often it is tried again at most."},
    {"v1alpha1.RetryStrategy", "retryPolicy", "Always, OnFailure, OnError or OnTransientError."},
    {"v1alpha1.RetryStrategy", "backoff", "How long to wait before each try."},
    {"v1alpha1.RetryStrategy", "expression", "Tried again only where this is true: \"lastRetry.status == 'Error'\"."},
    {"v1alpha1.Parameter", "value", "The value; numbers and booleans are taken as texts."},
    {"v1alpha1.Parameter", "valueFrom",
     "Where the value comes from: a ConfigMap, an expression, another node's output."},
    {"v1alpha1.Parameter", "default", "The value where none is given."},
    {"v1alpha1.SuspendTemplate", "duration",
     "Goes on by itself after so long: \"10s\", \"1h\"; a bare number is seconds."},

    {"v1alpha1.WorkflowStatus", NULL, "How far the workflow is. Written by the controller."},
    {"v1alpha1.WorkflowStatus", "phase", "Pending, Running, Succeeded, Failed or Error."},
    {"v1alpha1.WorkflowStatus", "message", "Why it is in its phase."},
    {"v1alpha1.WorkflowStatus", "nodes", "Every step and task that has begun, by its id."},
    {"v1alpha1.WorkflowStatus", "progress", "Nodes that have ended, and all that are known: \"3/5\"."},
    {"v1alpha1.NodeStatus", NULL, "One step or task."},
    {"v1alpha1.NodeStatus", "children", "Ids of the nodes that came next."},
    {"v1alpha1.CronWorkflowSpec", "schedules", "When: minute, hour, day of month, month, day of week."},
    {"v1alpha1.CronWorkflowSpec", "timezone", "Of the schedules: \"Europe/Berlin\"; the default is the server's."},
    {"v1alpha1.CronWorkflowSpec", "concurrencyPolicy",
     "Allow, Forbid or Replace: what happens while the last run is still under way."},
    {"v1alpha1.CronWorkflowSpec", "suspend", "True: nothing is created."},
    {"v1alpha1.CronWorkflowSpec", "workflowSpec", "The spec of the workflows that are created."},

    {"v1.ConfigMap", "data", "Texts by name."},
    {"v1.ConfigMap", "binaryData", "Bytes by name, as base64."},
    {"v1.ConfigMap", "immutable", "True: data may not be changed any more."},
    {"v1.Secret", "data", "Bytes by name, as base64."},
    {"v1.Secret", "stringData", "Texts by name; written only, into data."},
    {"v1.Secret", "type", "What it is for; Opaque where nothing is said."},
    {"v1.ObjectMeta", "name", "Its name, which is unique in its namespace and stays."},
    {"v1.ObjectMeta", "generateName", "The beginning of a name that the server makes."},
    {"v1.ObjectMeta", "namespace", "The namespace that it is in."},
    {"v1.ObjectMeta", "labels", "Short texts by name, by which objects are selected."},
    {"v1.ObjectMeta", "annotations", "Texts by name that nothing is selected by."},
    {"v1.ObjectMeta", "finalizers", "Who must agree before a deleted object goes."},
    {"v1.ObjectMeta", "ownerReferences", "Objects that it goes with."},
    {"v1.ObjectMeta", "uid", "What tells it from all other objects, past ones too. The server's."},
    {"v1.ObjectMeta", "resourceVersion", "Its version; a write that names an old one is refused. The server's."},
    {"v1.ObjectMeta", "managedFields", "Who wrote which field. The server's."},
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *tph_openapi_words(const char *type, const char *member)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (same(words[i].type, type) && same(words[i].member, member)) {
            return words[i].text;
        }
    }
    if (same(member, "apiVersion")) {
        return "The API group and its version: argoproj.io/v1alpha1, v1.";
    }
    return same(member, "kind") ? "What kind of object it is." : NULL;
}
