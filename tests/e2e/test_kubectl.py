"""The server as genuine clients see it: kubectl of several generations, client-go's informers, the Python client.

What is expected is what these clients print against a cluster (reference: recorded sessions with kube-apiserver 1.35).
"""
import json
import os
import re
import shutil
import subprocess
import textwrap

import neighbours
import pytest
from conftest import TIPHYS, TOP, wait_until

CONFIGMAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: c, labels: {app: x}}
data: {k: v}
"""
SUSPENDED = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: s-, labels: {app: x}}
spec:
  entrypoint: main
  templates:
  - {name: main, suspend: {}}
"""


class Cluster:
    """A server with TLS, and kubectl with its kubeconfig and a HOME of its own."""

    def __init__(self, state, port=0):
        self.state = state
        self.process = subprocess.Popen(
            [TIPHYS, "server", "--state", state, "--listen", f"127.0.0.1:{port}"], cwd=TOP, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=open(state.parent / "server.log", "a"),
            env={**os.environ, "ARGO_EXECUTOR_PLUGINS": "true"})
        self.url = self.process.stdout.readline().split()[-1]
        assert self.process.stdout.readline().startswith("kubeconfig ")
        self.home = state.parent / "home"
        self.home.mkdir(exist_ok=True)
        self.environment = {"HOME": str(self.home), "KUBECONFIG": str(state / "kubeconfig"), "PATH": os.environ["PATH"]}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class Kubectl:
    def __init__(self, program, cluster):
        self.program, self.cluster = program, cluster

    def __call__(self, *argv, stdin="", code=0):
        done = subprocess.run([self.program, *argv], input=stdin, capture_output=True, text=True, timeout=120,
                              env=self.cluster.environment, cwd=self.cluster.home)
        assert done.returncode == code, f"kubectl {' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def open(self, *argv):
        return subprocess.Popen([self.program, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=self.cluster.environment, cwd=self.cluster.home)


@pytest.fixture
def cluster(tmp_path):
    it = Cluster(tmp_path / "state")
    yield it
    it.stop()


@pytest.fixture(params=list(neighbours.KUBECTLS))
def kubectl(request, cluster):
    return Kubectl(neighbours.KUBECTLS[request.param](), cluster)


def test_the_document_of_hello(kubectl):
    """The commands of the document, against the hello plugin."""
    shutil.copytree(TOP / "examples" / "hello", kubectl.cluster.home / "hello")
    for path in (kubectl.cluster.home / "hello").iterdir():
        path.write_text(path.read_text().replace("4355", str(free())))
    done = subprocess.run([TIPHYS, "executor-plugin", "build", "hello"], cwd=kubectl.cluster.home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert kubectl("apply", "-f", "hello/hello-executor-plugin-configmap.yaml") == "configmap/hello-executor-plugin created\n"
    assert re.search(r"^hello-executor-plugin +2 +\S+$",
                     kubectl("get", "cm", "-l", "workflows.argoproj.io/configmap-type=ExecutorPlugin"), re.M)
    name = re.fullmatch(r"workflow.argoproj.io/(hello-\w+) created\n", kubectl("create", "-f", "hello/hello.yaml")).group(1)
    wait_until(lambda: kubectl("get", "wf", name, "-o", "jsonpath={.status.phase}") == "Succeeded")
    assert re.search(rf"^NAME +STATUS +AGE +MESSAGE\n{name} +Succeeded +\d+s *$", kubectl("get", "wf", name), re.M)
    assert "template.execute" in kubectl("logs", f"{name}-1340600742-agent", "-c", "hello-executor-plugin")
    described = kubectl("describe", "wf", name)
    assert re.search(r"Message: +Hello template!", described) and "WorkflowSucceeded" in described
    assert re.search(r"^hello-executor-plugin-\w+ +1/1 +Running +0 +\S+$", kubectl("get", "pods"), re.M)
    assert kubectl("delete", "wf", name) == f'workflow.argoproj.io "{name}" deleted{of(kubectl)}\n'
    assert "NotFound" in kubectl("get", "wf", name, code=1)


def free():
    from conftest import free_port
    if not hasattr(free, "port"):
        free.port = free_port()
    return free.port


def minor_of(kubectl):
    text = json.loads(kubectl("version", "--client", "-o", "json"))["clientVersion"]["gitVersion"]
    return int(re.match(r"v1\.(\d+)", text).group(1))


def of(kubectl):
    """From 1.33 on the namespace is named."""
    return " from argo namespace" if minor_of(kubectl) >= 33 else ""


def test_what_is_served(kubectl):
    assert "Server Version" in kubectl("version")
    resources = kubectl("api-resources")
    assert re.search(r"^workflows +wf +argoproj.io/v1alpha1 +true +Workflow$", resources, re.M)
    assert re.search(r"^configmaps +cm +v1 +true +ConfigMap$", resources, re.M)
    versions = kubectl("api-versions").split()
    assert {"v1", "argoproj.io/v1alpha1", "coordination.k8s.io/v1"} <= set(versions)
    assert json.loads(kubectl("get", "--raw", "/version"))["major"] == "1"
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert re.search(r"^argo +Active ", kubectl("get", "ns"), re.M)
    assert kubectl("auth", "can-i", "create", "workflows") == "yes\n"


def test_objects_are_made_changed_and_deleted(kubectl):
    assert kubectl("create", "-f", "-", stdin=CONFIGMAP) == "configmap/c created\n"
    assert "AlreadyExists" in kubectl("create", "-f", "-", stdin=CONFIGMAP, code=1)
    assert kubectl("get", "cm", "c", "-o", "jsonpath={.data.k}") == "v"
    assert kubectl("get", "cm", "-l", "app=x", "-o", "name") == "configmap/c\n"
    assert "configmap/c\n" not in kubectl("get", "cm", "-l", "app!=x", "-o", "name")
    assert kubectl("get", "cm", "--field-selector", "metadata.name=c", "-o", "name") == "configmap/c\n"
    assert kubectl("label", "cm", "c", "team=a") == "configmap/c labeled\n"
    assert kubectl("annotate", "cm", "c", "note=b").startswith("configmap/c annotat")
    assert kubectl("get", "cm", "c", "-o", "custom-columns=T:.metadata.labels.team,N:.metadata.annotations.note").split() == \
        ["T", "N", "a", "b"]
    assert kubectl("patch", "cm", "c", "-p", '{"data":{"l":"w"}}') == "configmap/c patched\n"
    assert kubectl("patch", "cm", "c", "--type=json", "-p", '[{"op":"remove","path":"/data/l"}]') == "configmap/c patched\n"
    assert kubectl("patch", "cm", "c", "--type=merge", "-p", '{"data":{"m":"1"}}') == "configmap/c patched\n"
    assert json.loads(kubectl("get", "cm", "c", "-o", "json"))["data"] == {"k": "v", "m": "1"}
    assert kubectl("replace", "-f", "-", stdin=CONFIGMAP) == "configmap/c replaced\n"
    assert json.loads(kubectl("get", "cm", "c", "-o", "json"))["data"] == {"k": "v"}
    assert kubectl("delete", "cm", "c").startswith('configmap "c" deleted')
    assert "NotFound" in kubectl("get", "cm", "c", code=1)
    assert kubectl("create", "secret", "generic", "s", "--from-literal=p=q") == "secret/s created\n"
    assert kubectl("get", "secret", "s", "-o", "jsonpath={.data.p}") == "cQ=="
    assert kubectl("create", "ns", "team") == "namespace/team created\n"
    assert kubectl("create", "cm", "n", "-n", "team", "--from-literal=a=b") == "configmap/n created\n"
    assert kubectl("delete", "ns", "team") == 'namespace "team" deleted\n'
    assert "NotFound" in kubectl("get", "ns", "team", code=1)


def test_apply_by_the_client_and_by_the_server(kubectl):
    assert kubectl("apply", "-f", "-", stdin=CONFIGMAP) == "configmap/c created\n"
    assert kubectl("apply", "-f", "-", stdin=CONFIGMAP) == "configmap/c unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=CONFIGMAP.replace("k: v", "l: w")) == "configmap/c configured\n"
    assert json.loads(kubectl("get", "cm", "c", "-o", "json"))["data"] == {"l": "w"}
    other = CONFIGMAP.replace("name: c", "name: d")
    assert kubectl("apply", "--server-side", "-f", "-", stdin=other) == "configmap/d serverside-applied\n"
    refused = kubectl("apply", "--server-side", "--field-manager=m", "-f", "-", stdin=other.replace("k: v", "k: w"), code=1)
    assert "conflict" in refused and ".data.k" in refused
    assert kubectl("apply", "--server-side", "--field-manager=m", "--force-conflicts", "-f", "-",
                   stdin=other.replace("k: v", "k: w")) == "configmap/d serverside-applied\n"
    assert kubectl("apply", "--server-side", "--field-manager=m", "-f", "-", stdin=other.replace("k: v", "z: u")) == \
        "configmap/d serverside-applied\n"
    assert json.loads(kubectl("get", "cm", "d", "-o", "json"))["data"] == {"z": "u"}  # what m no longer applies is gone
    same, new = CONFIGMAP.replace("k: v", "l: w"), CONFIGMAP.replace("name: c", "name: e")
    if minor_of(kubectl) <= 20:  # it asks OpenAPI v2 in protobuf, which is empty here: docs/compatibility.md
        assert "doesn't support dry-run" in kubectl("diff", "-f", "-", stdin=same, code=2)
        return
    assert kubectl("diff", "-f", "-", stdin=same) == ""
    assert "+  k: v" in diff(kubectl, CONFIGMAP)
    assert kubectl("apply", "--dry-run=server", "-f", "-", stdin=new) == "configmap/e created (server dry run)\n"
    assert "NotFound" in kubectl("get", "cm", "e", code=1)


def diff(kubectl, text):
    done = subprocess.run([kubectl.program, "diff", "-f", "-"], input=text, capture_output=True, text=True, timeout=60,
                          env=kubectl.cluster.environment)
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_workflows_are_watched_and_waited_for(kubectl):
    name = re.search(r"/(s-\w+) created", kubectl("create", "-f", "-", stdin=SUSPENDED)).group(1)
    wait_until(lambda: kubectl("get", "wf", name, "-o", "jsonpath={.status.phase}") == "Running")
    watch = kubectl.open("get", "wf", name, "-w")
    try:
        assert watch.stdout.readline().split()[:3] == ["NAME", "STATUS", "AGE"]
        assert watch.stdout.readline().split()[:2] == [name, "Running"]
        kubectl("patch", "wf", name, "--type=merge", "-p", '{"spec":{"shutdown":"Terminate"}}')
        while True:
            line = watch.stdout.readline()
            assert line.split()[0] == name, line
            if line.split()[1] == "Failed":
                break
    finally:
        watch.kill()
        watch.communicate()
    assert kubectl("wait", "--for=condition=Completed", f"wf/{name}", "--timeout=20s") == \
        f"workflow.argoproj.io/{name} condition met\n"
    assert kubectl("get", "wf", "-A", "--no-headers", "-o", "wide").split()[:3] == ["argo", name, "Failed"]
    assert kubectl("get", "wf", "--chunk-size=1", "-o", "name") == f"workflow.argoproj.io/{name}\n"
    assert "WorkflowFailed" in kubectl("get", "events")
    assert kubectl("delete", "wf", "--all") == f'workflow.argoproj.io "{name}" deleted{of(kubectl)}\n'


def test_what_is_refused_is_said_as_a_cluster_says_it(kubectl):
    assert 'workflows.argoproj.io "none" not found' in kubectl("get", "wf", "none", code=1)
    assert 'namespaces "none" not found' in kubectl("create", "cm", "a", "-n", "none", code=1)
    assert "the server doesn't have a resource type" in kubectl("get", "deployments", code=1)
    wrong = kubectl("create", "-f", "-", stdin=CONFIGMAP.replace("name: c", "name: Bad_Name"), code=1)
    assert "metadata.name: Invalid value" in wrong
    kubectl("create", "-f", "-", stdin=CONFIGMAP)
    assert "the object has been modified" in kubectl("replace", "-f", "-", code=1,
                                                     stdin=CONFIGMAP.replace("name: c", "name: c, resourceVersion: '1'"))


def test_explain(kubectl):
    if minor_of(kubectl) <= 20:
        pytest.skip("kubectl 1.20 reads OpenAPI v2 in protobuf only, which is empty here: docs/compatibility.md")
    text = kubectl("explain", "wf.spec.entrypoint")
    assert re.search(r"FIELD: +entrypoint", text)


REFUSED = {
    "exec w -- ls": "not found", "port-forward pod/x 80": "not found", "scale wf/w --replicas=2": "not found",
    "autoscale wf w --max=1": "cannot autoscale", "rollout status wf/w": 'no kind "Workflow" is registered',
    "set image wf/w a=b": 'no kind "Workflow" is registered', "top pods": "Metrics API not available",
    "drain n": "doesn't have a resource type", "taint nodes a b=c:NoSchedule": "doesn't have a resource type",
    "create deployment a --image=b": "could not find the requested resource", "run x --image=y": "pods are made by this server",
    "create role r --verb=get --resource=cm": "could not find the requested resource",
    "get nodes": "doesn't have a resource type", "delete ns default": "this namespace may not be deleted",
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_not_served_ends_with_a_clear_error(cluster, command):
    kubectl = Kubectl(neighbours.KUBECTLS["new"](), cluster)
    if " wf" in command:
        kubectl("create", "-f", "-", stdin=SUSPENDED.replace("generateName: s-", "name: w"))
    done = subprocess.run([kubectl.program, *command.split()], capture_output=True, text=True, timeout=60,
                          env=cluster.environment)
    assert done.returncode != 0 and REFUSED[command] in done.stderr, done.stderr + done.stdout


def test_the_page_of_compatibility_has_each_command_of_kubectl(cluster):
    kubectl = Kubectl(neighbours.KUBECTLS["new"](), cluster)
    verbs = set(re.findall(r"^  ([a-z-]+) {2,}\S", kubectl("--help"), re.M))
    page = (TOP / "docs" / "compatibility.md").read_text()
    rows = re.findall(r"^\| (.*?) \| (works|differs|refused) \|", page, re.M)
    told = {word for names, _how in rows for word in re.findall(r"[a-z-]+", names)}
    assert len(verbs) > 30 and verbs <= told, verbs - told


@pytest.mark.parametrize("watch_list", ["true", "false"])
def test_informers_of_client_go(cluster, watch_list):
    program = neighbours.built("informers")
    done = subprocess.run([program], capture_output=True, text=True, timeout=180,
                          env={**cluster.environment, "KUBE_FEATURE_WatchListClient": watch_list})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "synced" and lines[-1] == "done" and len(lines) == 12
    assert ("WatchList" in done.stderr) is False  # nothing was refused


PYTHON = """
from kubernetes import client, config, watch
config.load_kube_config()
core, custom = client.CoreV1Api(), client.CustomObjectsApi()
workflows = ("argoproj.io", "v1alpha1", "argo", "workflows")
made = core.create_namespaced_config_map("argo", {"metadata": {"name": "p"}, "data": {"a": "1"}})
assert made.metadata.uid
core.patch_namespaced_config_map("p", "argo", {"data": {"b": "2"}})
assert core.read_namespaced_config_map("p", "argo").data == {"a": "1", "b": "2"}
w = watch.Watch()
seen = []
version = core.list_namespaced_config_map("argo").metadata.resource_version
core.delete_namespaced_config_map("p", "argo")
for event in w.stream(core.list_namespaced_config_map, "argo", resource_version=version, timeout_seconds=30):
    seen.append((event["type"], event["object"].metadata.name))
    w.stop()
assert seen == [("DELETED", "p")], seen
body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "py-"},
        "spec": {"entrypoint": "m", "templates": [{"name": "m", "suspend": {"duration": "1s"}}]}}
name = custom.create_namespaced_custom_object(*workflows, body)["metadata"]["name"]
for event in w.stream(custom.list_namespaced_custom_object, *workflows, field_selector="metadata.name=" + name,
                      timeout_seconds=60):
    if event["object"].get("status", {}).get("phase") == "Succeeded":
        w.stop()
custom.delete_namespaced_custom_object(*workflows, name)
try:
    custom.get_namespaced_custom_object(*workflows, name)
    raise SystemExit("still there")
except client.ApiException as error:
    assert error.status == 404, error
print("done")
"""


def test_the_python_client(cluster):
    done = subprocess.run([neighbours.python(), "-c", textwrap.dedent(PYTHON)], capture_output=True, text=True, timeout=180,
                          env=cluster.environment)
    assert done.returncode == 0 and done.stdout == "done\n", done.stderr
