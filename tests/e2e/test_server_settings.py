"""tiphys server: settings of a file and of Argo's ConfigMap, live; what lint says when workflows are written."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import neighbours
import pytest
from conftest import TIPHYS, TOP, wait_until
from serving import WORKFLOWS, plugin_configmap

CONFIGMAPS = "/api/v1/namespaces/argo/configmaps"
SETTINGS = "workflow-controller-configmap"
BODY = """\
        given = next(iter(plugin.values()))
        self.reply({'node': {'phase': 'Succeeded', 'message': 'ran ' + str(given.get('image')),
                             'outputs': {'result': ' '.join(given.get('args', []))}}})
"""


class Server:
    """The program over a state directory, asked by plain HTTP; what it logs is in LOG."""

    def __init__(self, tmp_path, *options):
        self.log = tmp_path / "server.log"
        self.process = subprocess.Popen(
            [TIPHYS, "server", "--plain-http", "--state", tmp_path / "state", "--listen", "127.0.0.1:0", *map(str, options)],
            cwd=TOP, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open(self.log, "a"),
            env={**os.environ, "ARGO_EXECUTOR_PLUGINS": "true"})
        self.url = self.process.stdout.readline().split()[-1]

    def call(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(self.url + path, method=method, headers={"Content-Type": kind},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers.get_all("Warning") or []

    def make(self, path, body):
        code, answer, _ = self.call("POST", path, body)
        assert code == 201, answer
        return answer

    def get(self, path):
        return self.call("GET", path)[1]

    def phase(self, name, ns="argo"):
        return self.get(f"{WORKFLOWS}/{name}".replace("/argo/", f"/{ns}/")).get("status", {}).get("phase")

    def settings(self, data):
        """Puts the ConfigMap and waits until it was read."""
        before = self.read()
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SETTINGS}, "data": data}
        if self.call("POST", CONFIGMAPS, body)[0] == 409:
            assert self.call("PUT", f"{CONFIGMAPS}/{SETTINGS}", body)[0] == 200
        wait_until(lambda: self.read() > before)

    def read(self):
        return sum("settings" in line for line in self.log.read_text().splitlines())

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path):
    started = []

    def start(*options):
        started.append(Server(tmp_path, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


def suspended(name, **spec):
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}], **spec}}


def container(name, **spec):
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [
                {"name": "main", "container": {"image": "alpine", "args": ["{{workflow.parameters.p}}"]}}], **spec}}


# ---- settings ----


def test_a_file_maps_templates_and_gives_defaults_and_what_is_stored_stays(server, tmp_path, port):
    config = tmp_path / "config.yaml"
    config.write_text("templateMap: {container: probe}\n"
                      "workflowDefaults:\n  metadata: {labels: {team: a}}\n"
                      "  spec: {arguments: {parameters: [{name: p, value: hello}]}}\nlinks: []\n")
    it = server("--config", config)
    assert "nothing here looks at links" in it.log.read_text()
    it.make(CONFIGMAPS, plugin_configmap(tmp_path, "probe", port, BODY))
    it.make(WORKFLOWS, container("w"))
    wait_until(lambda: it.phase("w") in ("Succeeded", "Failed", "Error"))
    w = it.get(f"{WORKFLOWS}/w")
    assert w["status"]["phase"] == "Succeeded", w["status"]
    (node,) = w["status"]["nodes"].values()
    assert (node["type"], node["message"], node["outputs"]["result"]) == ("Plugin", "ran alpine", "hello")
    assert w["metadata"]["labels"]["team"] == "a"
    (template,) = w["spec"]["templates"]
    assert template["container"]["image"] == "alpine" and "plugin" not in template


def test_templates_of_other_objects_are_mapped_too_and_stay_as_they_are(server, tmp_path, port):
    config = tmp_path / "config.yaml"
    config.write_text("templateMap: {container: probe, script: probe}\n")
    it = server("--config", config)
    it.make(CONFIGMAPS, plugin_configmap(tmp_path, "probe", port, BODY))
    library = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtemplates"
    it.make(library, {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {"name": "lib"},
                      "spec": {"entrypoint": "run", "templates": [
                          {"name": "run", "container": {"image": "one", "args": ["x"]}},
                          {"name": "say", "script": {"image": "two", "source": "echo"}}]}})
    it.make(WORKFLOWS, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "by-step"},
                        "spec": {"entrypoint": "m", "templates": [{"name": "m", "steps": [
                            [{"name": "a", "templateRef": {"name": "lib", "template": "run"}}],
                            [{"name": "b", "templateRef": {"name": "lib", "template": "say"}}],
                            [{"name": "c", "inline": {"container": {"image": "three"}}}]]}]}})
    it.make(WORKFLOWS, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "whole"},
                        "spec": {"workflowTemplateRef": {"name": "lib"}}})
    for name in ("by-step", "whole"):
        wait_until(lambda: it.phase(name) in ("Succeeded", "Failed", "Error"))
        assert it.phase(name) == "Succeeded", it.get(f"{WORKFLOWS}/{name}")["status"]
    status = it.get(f"{WORKFLOWS}/by-step")["status"]
    assert {n["message"] for n in status["nodes"].values() if n["type"] == "Plugin"} == {"ran one", "ran two", "ran three"}
    assert status["storedTemplates"]["namespaced/lib/run"]["container"]["image"] == "one"
    assert it.get(f"{library}/lib")["spec"]["templates"][0]["container"]["image"] == "one"


def test_a_bad_file_ends_the_start_and_says_where(tmp_path):
    config = tmp_path / "config.yaml"
    for text, message in (("templateMap: {resource: p}\n", "templateMap: takes container and script templates"),
                          ("parallelism: many\n", "parallelism: takes a number of workflows, 0 for no limit"),
                          ("validate: loud\n", 'validate: takes off, warn or deny, not "loud"'),
                          ("a: [\n", "line ")):
        config.write_text(text)
        done = subprocess.run([TIPHYS, "server", "--state", tmp_path / "state", "--config", config], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 2 and f"--config {config}: " in done.stderr and message in done.stderr, done.stderr
        assert done.stdout == ""
    assert not (tmp_path / "state").exists()


def test_the_configmap_counts_live_and_a_bad_one_leaves_what_was(server):
    it = server()
    it.settings({"parallelism": "1", "persistence": "{}"})
    wait_until(lambda: "persistence" in it.log.read_text())
    it.make(WORKFLOWS, suspended("a"))
    wait_until(lambda: it.phase("a") == "Running")
    it.make(WORKFLOWS, suspended("b"))
    wait_until(lambda: it.phase("b") == "Pending")
    it.settings({"parallelism": "many"})  # bad
    told = lambda: [e for e in it.get("/api/v1/namespaces/argo/events")["items"] if e["reason"] == "SettingsInvalid"]
    wait_until(told)
    events = told()
    assert [(e["type"], e["involvedObject"]["name"], e["message"]) for e in events] == [
        ("Warning", SETTINGS, "parallelism: takes a number of workflows, 0 for no limit")]
    it.make(WORKFLOWS, suspended("c"))
    wait_until(lambda: it.phase("c") == "Pending")
    assert it.phase("b") == "Pending"
    it.settings({"config": "parallelism: 2\n"})
    wait_until(lambda: it.phase("b") == "Running")
    assert it.phase("c") == "Pending"
    assert it.call("DELETE", f"{CONFIGMAPS}/{SETTINGS}")[0] == 200
    wait_until(lambda: it.phase("c") == "Running")


def test_defaults_and_maps_of_the_configmap_come_and_go(server, tmp_path, port):
    it = server()
    it.make(CONFIGMAPS, plugin_configmap(tmp_path, "probe", port, BODY))
    it.settings({"templateMap": "container: probe", "workflowDefaults": "spec: {arguments: {parameters: [{name: p, value: x}]}}"})
    it.make(WORKFLOWS, container("with"))
    wait_until(lambda: it.phase("with") == "Succeeded")
    it.settings({"templateMap": "container: probe", "workflowDefaults": "spec: {arguments: {parameters: [{name: p, value: other}]}}"})
    it.make(WORKFLOWS, container("other"))
    wait_until(lambda: it.phase("other") == "Succeeded")
    (node,) = it.get(f"{WORKFLOWS}/other")["status"]["nodes"].values()
    assert node["outputs"]["result"] == "other"
    it.settings({})
    it.make(WORKFLOWS, container("without", arguments={"parameters": [{"name": "p", "value": "z"}]}))
    wait_until(lambda: it.phase("without") in ("Failed", "Error"))
    assert "type container, which is not supported" in it.get(f"{WORKFLOWS}/without")["status"]["message"]


def test_who_waited_for_its_turn_has_the_defaults_too(server):
    it = server()
    it.settings({"parallelism": "1", "workflowDefaults": "metadata: {labels: {team: a}}\nspec: {priority: 7}"})
    it.make(WORKFLOWS, suspended("a"))
    wait_until(lambda: it.phase("a") == "Running")
    it.make(WORKFLOWS, suspended("b"))
    wait_until(lambda: it.phase("b") == "Pending")
    assert it.call("DELETE", WORKFLOWS + "/a")[0] == 200
    wait_until(lambda: it.phase("b") == "Running")
    b = it.get(f"{WORKFLOWS}/b")
    assert (b["metadata"]["labels"]["team"], b["spec"]["priority"]) == ("a", 7)


def test_a_namespace_has_its_own_limit(server):
    it = server()
    it.make("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    it.settings({"namespaceParallelism": "1"})
    other = WORKFLOWS.replace("/argo/", "/other/")
    for name in ("a", "b"):
        it.make(WORKFLOWS, suspended(name))
        it.make(other, suspended(name))
    wait_until(lambda: [it.phase(name, ns) for ns in ("argo", "other") for name in "ab"] == ["Running", "Pending"] * 2)
    assert it.call("DELETE", WORKFLOWS + "/a")[0] == 200
    wait_until(lambda: it.phase("b") == "Running")
    assert it.phase("b", "other") == "Pending"


def test_retention_that_comes_later_trims_what_is_there(server):
    it = server()
    for i in range(4):
        it.make(WORKFLOWS, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": f"w{i}"},
                            "spec": {"entrypoint": "m", "templates": [{"name": "m", "steps": [[]]}]}})
    done = lambda: [w["metadata"]["name"] for w in it.get(WORKFLOWS)["items"]
                    if w.get("status", {}).get("phase") == "Succeeded"]
    wait_until(lambda: len(done()) == 4)
    it.settings({"retentionPolicy": "completed: 2\n"})
    wait_until(lambda: len(done()) == 2)


def test_events_can_be_switched_off(server):
    it = server()
    it.settings({"workflowEvents": "enabled: false", "nodeEvents": "enabled: false"})
    it.make(WORKFLOWS, suspended("a"))
    wait_until(lambda: it.phase("a") == "Running")
    it.settings({})
    it.make(WORKFLOWS, suspended("b"))
    named = lambda name: [e for e in it.get("/api/v1/namespaces/argo/events")["items"] if e["involvedObject"]["name"] == name]
    wait_until(lambda: named("b"))
    assert not named("a")


def test_reference_mode_refuses_what_refers_to_nothing(server):
    it = server()
    it.settings({"workflowRestrictions": "templateReferencing: Strict"})
    it.make("/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtemplates",
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {"name": "lib"},
             "spec": {"entrypoint": "m", "templates": [{"name": "m", "steps": [[]]}]}})
    it.make(WORKFLOWS, suspended("own"))
    wait_until(lambda: it.phase("own") == "Error")
    assert it.get(WORKFLOWS + "/own")["status"]["message"] == (
        "workflows must use workflowTemplateRef to be executed when the controller is in reference mode")
    it.make(WORKFLOWS, {**suspended("ref"), "spec": {"workflowTemplateRef": {"name": "lib"}}})
    wait_until(lambda: it.phase("ref") == "Succeeded")
    it.make(WORKFLOWS, {**suspended("over"), "spec": {"workflowTemplateRef": {"name": "lib"}, "parallelism": 3}})
    wait_until(lambda: it.phase("over") == "Error")
    assert "Parallelism" in it.get(WORKFLOWS + "/over")["status"]["message"]


# ---- validation ----

BAD = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "bad"},
       "spec": {"entrypoint": "main", "templates": [
           {"name": "main", "steps": [[{"name": "a", "template": "nope"}]]}, {"name": "odd", "suspend": {"duration": "1x"}}]}}


def test_validation_is_off_at_first_as_in_argo(server):
    it = server()
    code, _, warnings = it.call("POST", WORKFLOWS, BAD)
    assert (code, warnings) == (201, [])
    wait_until(lambda: it.phase("bad") == "Failed")


def test_warn_tells_and_keeps(server):
    it = server("--validate", "warn")
    code, _, warnings = it.call("POST", WORKFLOWS, BAD)
    assert code == 201
    assert any(w.startswith('299 - "spec.templates[0].steps[0][0].template') and "nope" in w for w in warnings), warnings


def test_deny_refuses_in_the_shape_of_kubernetes(server):
    it = server("--validate", "deny")
    code, answer, _ = it.call("POST", WORKFLOWS, BAD)
    assert code == 422
    assert (answer["kind"], answer["status"], answer["reason"], answer["code"]) == ("Status", "Failure", "Invalid", 422)
    details = answer["details"]
    assert (details["name"], details["group"], details["kind"]) == ("bad", "argoproj.io", "Workflow")
    cause = next(c for c in details["causes"] if c["field"] == "spec.templates[0].steps[0][0].template")
    assert cause["reason"] == "FieldValueInvalid" and cause["message"].startswith("Invalid value: ")
    assert answer["message"].startswith('Workflow.argoproj.io "bad" is invalid: ')
    assert it.call("GET", f"{WORKFLOWS}/bad")[0] == 404
    good = it.make(WORKFLOWS, suspended("good"))
    wait_until(lambda: it.phase("good") == "Running")
    # A change for the worse is refused, with every kind of write; one that leaves the specification is not.
    patch = {"spec": {"entrypoint": "nope"}}
    code, answer, _ = it.call("PATCH", f"{WORKFLOWS}/good", patch, "application/merge-patch+json")
    assert (code, answer["reason"]) == (422, "Invalid")
    for fine in ({"metadata": {"labels": {"a": "b"}}}, {"spec": {"shutdown": "Stop"}}):
        assert it.call("PATCH", f"{WORKFLOWS}/good", fine, "application/merge-patch+json")[0] == 200
    assert good["metadata"]["uid"]


def test_every_kind_is_looked_at_and_what_refers_finds_its_template(server):
    it = server("--validate", "deny")
    base = "/apis/argoproj.io/v1alpha1"
    kinds = {"WorkflowTemplate": f"{base}/namespaces/argo/workflowtemplates",
             "ClusterWorkflowTemplate": f"{base}/clusterworkflowtemplates",
             "CronWorkflow": f"{base}/namespaces/argo/cronworkflows"}
    for kind, path in kinds.items():
        spec = BAD["spec"] if kind != "CronWorkflow" else {"schedules": ["* * * * *"], "workflowSpec": BAD["spec"]}
        code, answer, _ = it.call("POST", path, {**BAD, "kind": kind, "spec": spec})
        assert (code, answer["details"]["kind"]) == (422, kind)
        field = "spec.workflowSpec.templates" if kind == "CronWorkflow" else "spec.templates"
        assert any(c["field"].startswith(field) for c in answer["details"]["causes"]), answer
    wanting = {**suspended("w"), "spec": {"entrypoint": "m", "templates": [{"name": "m", "steps": [
        [{"name": "a", "templateRef": {"name": "lib", "template": "t"}}]]}]}}
    assert it.call("POST", WORKFLOWS, wanting)[0] == 422
    it.make(kinds["WorkflowTemplate"], {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
                                        "metadata": {"name": "lib"}, "spec": {"templates": [{"name": "t", "suspend": {}}]}})
    it.make(WORKFLOWS, wanting)


def test_the_configmap_switches_validation_unless_the_command_line_does(server):
    it = server()
    it.settings({"validate": "deny"})
    assert it.call("POST", WORKFLOWS, BAD)[0] == 422
    it.settings({"validate": "off"})
    assert it.call("POST", WORKFLOWS, BAD)[0] == 201
    it.stop()
    it = server("--validate", "deny")
    assert it.call("POST", WORKFLOWS, {**BAD, "metadata": {"name": "again"}})[0] == 422


@pytest.mark.parametrize("which", ["new", "installed"])
def test_kubectl_prints_warnings_and_refusals(tmp_path, which):
    program = neighbours.KUBECTLS[which]()
    manifest = tmp_path / "bad.yaml"
    manifest.write_text(json.dumps(BAD))  # which is YAML
    for how in ("warn", "deny"):
        state = tmp_path / how
        process = subprocess.Popen([TIPHYS, "server", "--state", state, "--listen", "127.0.0.1:0", "--validate", how],
                                   cwd=TOP, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout.readline() and process.stdout.readline()
        done = subprocess.run([program, "create", "-f", manifest], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "HOME": str(tmp_path), "KUBECONFIG": str(state / "kubeconfig")})
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
        if how == "warn":
            assert done.returncode == 0 and "Warning: spec.templates[0].steps[0][0].template: " in done.stderr, done.stderr
        else:
            assert done.returncode == 1, done.stderr
            assert 'The Workflow "bad" is invalid: spec.templates[0].steps[0][0].template: Invalid value: ' in done.stderr
            assert "Warning: spec.templates[1].suspend.duration: " in done.stderr
