# SPDX-License-Identifier: Apache-2.0
"""What the argo command line writes: (method, object) for a recorded command and the workflow as it is.

Its commands are edits of the client (recording B-03): stop and terminate are merge patches, all others read the workflow
and write it back whole. Of retry and resubmit the recording has the object itself."""
import copy
import re


def arguments(words):
    """(verb, subject, options) of a command line."""
    words = list(words)
    verb = words.pop(0)
    verb = words.pop(0) if verb == "node" else verb
    subject, options = None, {}
    long = {"-m": "--message", "-p": "--output-parameter"}
    while words:
        word = words.pop(0)
        word = long.get(word, word)
        if word in ("--memoized", "--restart-successful"):
            options[word] = True
        elif word.startswith("-"):
            options.setdefault(word, []).append(words.pop(0))
        else:
            subject = word
    return verb, subject, options


def is_over(workflow):
    return workflow.get("status", {}).get("phase") in ("Succeeded", "Failed", "Error")


def waiting(workflow):
    """Suspend nodes that a person may end."""
    nodes = workflow.get("status", {}).get("nodes") or {}
    return [n for n in nodes.values() if n["type"] == "Suspend" and n.get("phase") == "Running"]


def matches(node, selector):
    return all(node.get(key) == value for key, value in (part.split("=", 1) for part in selector.split(",")))


def supply(parameter, value):
    parameter["value"] = value
    del parameter["valueFrom"]


def end(node, phase, now):
    node["phase"] = phase
    if phase in ("Succeeded", "Failed", "Error", "Skipped"):
        node["finishedAt"] = now


def set_nodes(workflow, options, now, phase=None):
    """node set, and what resume and stop do with a selector."""
    selector = options["--node-field-selector"][0]
    for node in waiting(workflow):
        if not matches(node, selector):
            continue
        for pair in options.get("--output-parameter", ()):
            name, value = pair.split("=", 1)
            (parameter,) = (p for p in node["outputs"]["parameters"] if p["name"] == name)
            supply(parameter, value)
        wanted = phase or options.get("--phase", [None])[0]
        if wanted:
            end(node, wanted, now)
        if options.get("--message"):
            node["message"] = options["--message"][0]


def resume(workflow, now):
    workflow["spec"].pop("suspend", None)
    for node in waiting(workflow):
        for parameter in node.get("outputs", {}).get("parameters", ()):
            source = parameter.get("valueFrom", {})
            if "supplied" in source:
                supply(parameter, source["default"])
        if node.get("message"):
            node["message"] += "; "
        end(node, "Succeeded", now)


# What of a workflow the recorded object leaves out, for it is as it was.
KEPT = ("storedTemplates", "storedWorkflowTemplateSpec")


def timed(value, now):
    """The recording's times are T."""
    if isinstance(value, dict):
        return {k: timed(v, now) for k, v in value.items()}
    if isinstance(value, list):
        return [timed(v, now) for v in value]
    return now if value == "T" else value


def recorded_status(line, workflow, now):
    status = timed(line["object"]["status"], now)
    for key in KEPT:
        if key in workflow.get("status", {}):
            status.setdefault(key, workflow["status"][key])
    return status


def retried(line, workflow, now):
    """The object that `argo retry` wrote, in the place of ours."""
    written = line["object"]
    for key in ("labels", "annotations"):
        workflow["metadata"][key] = written["metadata"].get(key, {})
    for key in ("shutdown", "suspend", "arguments"):
        workflow["spec"].pop(key, None)
    workflow["spec"].update(written.get("spec", {}))
    if workflow["spec"].get("activeDeadlineSeconds") == 0:
        del workflow["spec"]["activeDeadlineSeconds"]
    workflow["status"] = recorded_status(line, workflow, now)
    return workflow


def resubmitted(line, workflow, now):
    """The new workflow that `argo resubmit` makes: its name was made up then."""
    made = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": dict(line["object"]["metadata"]),
            "spec": copy.deepcopy(workflow["spec"])}
    made["spec"].update(line["object"].get("spec", {}))
    if line["object"].get("status", {}).get("nodes"):
        made["status"] = recorded_status(line, workflow, now)
    return made


def submitted(options, find, now):
    """The workflow that `submit --from KIND/NAME` makes."""
    kind, name = options["--from"][0].split("/")
    label = {"cronwf": "cron-workflow", "workflowtemplate": "workflow-template",
             "clusterworkflowtemplate": "cluster-workflow-template"}[kind]
    meta = {"name": options["--name"][0], "generateName": name + "-",
            "labels": {"workflows.argoproj.io/" + label: name}, "annotations": {}}
    if kind == "cronwf":
        meta["annotations"]["workflows.argoproj.io/scheduled-time"] = now
        spec = find("cronworkflows", name)["spec"]["workflowSpec"]
    else:
        spec = {"workflowTemplateRef": {"name": name}}
        if kind == "clusterworkflowtemplate":
            spec["workflowTemplateRef"]["clusterScope"] = True
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": meta, "spec": spec}


def written(line, workflow, find, now):
    """(method, body) of what the command sends; the method is POST, PUT or PATCH. Not for one that was refused: the
    client refuses by itself and sends nothing. find(resource, name): an object of the server; now: an RFC 3339 time."""
    verb, _subject, options = arguments(line["argo"])
    edited = copy.deepcopy(workflow)
    selected = "--node-field-selector" in options
    if verb == "submit":
        return "POST", submitted(options, find, now)
    if verb == "resubmit":
        return "POST", resubmitted(line, edited, now)
    if verb in ("stop", "terminate") and not selected:
        return "PATCH", {"spec": {"shutdown": "Stop" if verb == "stop" else "Terminate"}}
    if verb == "retry":
        return "PUT", retried(line, edited, now)
    if verb == "suspend":
        edited["spec"]["suspend"] = True
    elif verb == "resume" and not selected:
        resume(edited, now)
    else:
        phase = {"resume": "Succeeded", "stop": "Failed", "set": None}[verb]
        set_nodes(edited, options, now, phase)
    return "PUT", edited


def subject(line):
    return arguments(line["argo"])[1]


RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
