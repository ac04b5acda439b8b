"""automountServiceAccountToken on the server: a sidecar finds its in-cluster configuration, and what that opens."""
import json
import os
import subprocess
import time

import neighbours
import pytest
from conftest import PLUGIN, TIPHYS, TOP, wait_until


# A plugin that is asked to do things with the genuine client, and tells what came of it.
CLIENT = """\
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from kubernetes import client, config
from kubernetes.client.rest import ApiException
config.load_incluster_config()
core, custom = client.CoreV1Api(), client.CustomObjectsApi()
DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'
def code(what):
    try:
        what()
        return 0
    except ApiException as e:
        return e.status
def configmap(name, ns, labels=None):
    return code(lambda: core.create_namespaced_config_map(
        ns, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data={'k': 'v'})))
def report():
    workflows = custom.list_namespaced_custom_object('argoproj.io', 'v1alpha1', 'argo', 'workflows')
    return {
        'files': sorted(f for f in os.listdir(DIRECTORY) if not f.startswith('.')),
        'namespace': open(DIRECTORY + '/namespace').read(),
        'token': open(DIRECTORY + '/token').read(),
        'workflows': [w['metadata']['name'] for w in workflows['items']],
        'made': configmap('of-plugin', 'argo'),
        'elsewhere': configmap('of-plugin', 'kube-system'),
        'plugin': configmap('evil', 'argo', {'workflows.argoproj.io/configmap-type': 'ExecutorPlugin'}),
        'nodes': code(lambda: core.list_namespace()),
    }
class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        try:
            result = json.dumps(report())
        except Exception as e:
            result = repr(e)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({'node': {'phase': 'Succeeded', 'outputs': {'parameters': [
            {'name': 'report', 'value': result}]}}}).encode())
    def log_message(self, *args):
        pass
HTTPServer(('127.0.0.1', PORT), Plugin).serve_forever()
"""
WORKFLOW = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w", "namespace": "argo"},
            "spec": {"entrypoint": "m", "templates": [{"name": "m", "plugin": {"client": {}}}]}}


class Api:
    """The server with TLS and users, asked with curl-like simplicity by the Python client's own HTTP."""

    def __init__(self, tmp_path, *options):
        self.state = tmp_path / "state"
        self.log = open(tmp_path / "server.log", "a")
        self.process = subprocess.Popen(
            [TIPHYS, "server", "--state", self.state, "--listen", "127.0.0.1:0", "--executor-plugins", *map(str, options)], cwd=TOP,
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        self.url = self.process.stdout.readline().split()[-1]
        assert self.process.stdout.readline().startswith("kubeconfig ")
        text = (self.state / "kubeconfig").read_text()
        self.token = next(line.split()[-1] for line in text.splitlines() if "token:" in line)

    def ask(self, method, path, body=None, token=None):
        done = subprocess.run(
            ["curl", "-sS", "--cacert", self.state / "ca.crt", "-X", method, "-H", f"Authorization: Bearer {token or self.token}",
             "-H", "Content-Type: application/json", *(["-d", json.dumps(body)] if body else []), self.url + path],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()


@pytest.fixture
def api(tmp_path):
    started = []

    def start(*options):
        started.append(Api(tmp_path, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


def plugin(tmp_path, name, port, server):
    directory = tmp_path / name
    directory.mkdir()
    (directory / "plugin.yaml").write_text(
        PLUGIN.format(name=name, port=port).replace("  sidecar:\n", "  sidecar:\n    automountServiceAccountToken: true\n")
        .replace("memory: 128Mi", "memory: 256Mi"))
    (directory / "server.py").write_text(server)
    done = subprocess.run([TIPHYS, "executor-plugin", "build", directory], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((directory / f"{name}-executor-plugin-configmap.yaml").read_text())


NS = "/api/v1/namespaces/argo"
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
OVER = ("Succeeded", "Failed", "Error")


def run(it, name="w"):
    it.ask("POST", WORKFLOWS, {**WORKFLOW, "metadata": {"name": name}})
    wait_until(lambda: it.ask("GET", f"{WORKFLOWS}/{name}").get("status", {}).get("phase") in OVER)
    return it.ask("GET", f"{WORKFLOWS}/{name}")["status"]


def test_a_genuine_client_in_a_plugin_finds_the_api(api, tmp_path, port):
    python = neighbours.python().parent.parent  # its virtual environment
    packages = next((python / "lib").glob("python3*/site-packages"))
    images = tmp_path / "images.yaml"
    images.write_text(json.dumps({"images": [{"image": "python:3", "programs": {"python": "python3"}, "paths": [str(packages)]}]}))
    for directory in [packages, *packages.parents]:
        if directory.stat().st_uid == os.getuid() and not directory.stat().st_mode & 0o005 == 0o005:
            pytest.skip(f"{directory} is closed for sidecars, who are somebody else")
    it = api("--images-file", images)
    server = f"import sys\nsys.path.insert(0, {str(packages)!r})\n" + CLIENT.replace("PORT", str(port))
    it.ask("POST", NS + "/configmaps", plugin(tmp_path, "client", port, server))
    it.ask("POST", NS + "/serviceaccounts", {"metadata": {"name": "client-executor-plugin"}})
    status = run(it)
    assert status["phase"] == "Succeeded", status
    (node,) = status["nodes"].values()
    told = json.loads(node["outputs"]["parameters"][0]["value"])
    token = told.pop("token")
    assert told == {"files": ["ca.crt", "namespace", "token"], "namespace": "argo", "workflows": ["w"], "made": 0,
                    "elsewhere": 403, "plugin": 403, "nodes": 403}
    assert it.ask("GET", NS + "/configmaps/of-plugin")["data"] == {"k": "v"}
    (pod,) = it.ask("GET", NS + "/pods")["items"]
    assert pod["spec"]["hostNetwork"] is True  # isolated, which is the default where it can be had, it would not get there
    # Its token opens the API as long as its pod lives, and as its account is there.
    assert it.ask("GET", WORKFLOWS, token=token)["kind"] == "WorkflowList"
    it.stop()
    it = api("--images-file", images)
    assert it.ask("GET", WORKFLOWS, token=token)["code"] == 401


SIMPLE = """\
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        told = {k: v for k, v in os.environ.items() if k.startswith('KUBERNETES')}
        told['token'] = open('/var/run/secrets/kubernetes.io/serviceaccount/token').read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({'node': {'phase': 'Succeeded', 'outputs': {'parameters': [
            {'name': 'told', 'value': json.dumps(told)}]}}}).encode())
    def log_message(self, *args):
        pass
HTTPServer(('127.0.0.1', PORT), Plugin).serve_forever()
"""


def test_without_the_account_it_says_what_to_make_and_deleting_it_ends_the_token(api, tmp_path, port):
    it = api()
    it.ask("POST", NS + "/configmaps", plugin(tmp_path, "client", port, SIMPLE.replace("PORT", str(port))))
    status = run(it, "none")
    assert status["phase"] == "Failed"
    assert ('there is no ServiceAccount "client-executor-plugin" in namespace argo, whose token it asks for; '
            "kubectl -n argo create serviceaccount client-executor-plugin") in status["message"]
    it.ask("POST", NS + "/serviceaccounts", {"metadata": {"name": "client-executor-plugin"}})
    status = run(it, "there")
    assert status["phase"] == "Succeeded", status
    (node,) = status["nodes"].values()
    told = json.loads(node["outputs"]["parameters"][0]["value"])
    host, port = it.url.removeprefix("https://").split(":")
    assert (told["KUBERNETES_SERVICE_HOST"], told["KUBERNETES_SERVICE_PORT"]) == (host, port)
    assert it.ask("GET", WORKFLOWS, token=told["token"])["kind"] == "WorkflowList"
    review = it.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                    {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, told["token"])
    assert review["status"]["userInfo"]["username"] == "system:serviceaccount:argo:client-executor-plugin"
    it.ask("DELETE", NS + "/serviceaccounts/client-executor-plugin")
    assert it.ask("GET", WORKFLOWS, token=told["token"])["code"] == 401


def test_over_plain_http_there_are_no_tokens_and_a_node_says_so(tmp_path, port):
    from serving import Server
    server = Server(tmp_path / "state")
    assert server.ask("POST", NS + "/configmaps", plugin(tmp_path, "client", port, SIMPLE.replace("PORT", str(port))))[0] == 201
    server.ask("POST", WORKFLOWS, WORKFLOW)
    wait_until(lambda: server.get(WORKFLOWS + "/w").get("status", {}).get("phase") in OVER)
    status = server.get(WORKFLOWS + "/w")["status"]
    server.stop()
    server.process.stdout.close()
    assert status["phase"] == "Failed"
    assert "automountServiceAccountToken] cannot be honoured here: there are no service accounts" in status["message"]
