"""--network of the server: isolated where the machine can do that, else host, which each pod says. What isolated keeps
apart, and what is left of it, is proved in tests/podrt/test_network.c."""
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import neighbours
import pytest
from conftest import TIPHYS, TOP, wait_until
from test_kubectl import Cluster, Kubectl
from serving import WORKFLOWS, Server, plugin_configmap

PODS = "/api/v1/namespaces/argo/pods"

# Tries a port of this machine's loopback.
TRIES = """\
        import socket
        try:
            with socket.create_connection(('127.0.0.1', plugin['probe']['port']), 3) as s: said = s.recv(9).decode()
        except OSError as e:
            said = type(e).__name__
        self.reply({'node': {'phase': 'Succeeded', 'outputs': {'parameters': [{'name': 'said', 'value': said}]}}})
"""

# A server that may not change networks.
WITHOUT = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
WHY = "on the host's network, so it can reach local services: network isolated: "


def isolated_works():
    done = subprocess.run([TIPHYS, "doctor", "-o", "json"], capture_output=True, text=True)
    found = {f["name"]: f for f in json.loads(done.stdout)["findings"]}
    return found.get("isolated", {"state": "missing"})["state"] == "ok"


needs_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv")


@pytest.fixture
def local_service():
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        try:
            while True:
                client, _ = server.accept()
                client.sendall(b"local")
                client.close()
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


class Started(Server):
    """A server with the network that it chooses, or one that is asked for."""

    def __init__(self, tmp_path, network=None, before=()):
        super().__init__(tmp_path / "state", network=network, program=before)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def try_service(server, tmp_path, port, local_service):
    configmap = plugin_configmap(tmp_path, "probe", port, TRIES)
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", configmap)[0] == 201
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": {
        "entrypoint": "main", "templates": [{"name": "main", "plugin": {"probe": {"port": local_service}}}]}}
    assert server.ask("POST", WORKFLOWS, workflow)[0] == 201
    wait_until(lambda: server.get(f"{WORKFLOWS}/w").get("status", {}).get("phase") == "Succeeded")
    (node,) = server.get(f"{WORKFLOWS}/w")["status"]["nodes"].values()
    (pod,) = server.get(PODS)["items"]
    return node["outputs"]["parameters"][0]["value"], pod


def degraded(pod):
    return {c["type"]: c for c in pod["status"]["conditions"]}.get("IsolationDegraded", {}).get("message", "")


@needs_root
def test_by_default_a_plugin_does_not_reach_local_services(tmp_path, port, local_service):
    if not isolated_works():
        pytest.skip("this machine can make no isolated networks: see tiphys doctor")
    server = Started(tmp_path)
    try:
        said, pod = try_service(server, tmp_path, port, local_service)
        assert said == "ConnectionRefusedError"
        assert pod["spec"]["hostNetwork"] is False and "network" not in degraded(pod)
        assert "sidecars are on the host's network" not in server.log.read_text()
    finally:
        server.end()


def test_on_the_hosts_network_it_does_and_that_is_told_nowhere_if_asked_for(tmp_path, port, local_service):
    server = Started(tmp_path, "host")
    try:
        said, pod = try_service(server, tmp_path, port, local_service)
        assert said == "local"
        assert pod["spec"]["hostNetwork"] is True and "network" not in degraded(pod)
    finally:
        server.end()


@needs_root
def test_where_it_cannot_be_had_the_host_is_used_and_each_pod_says_why(tmp_path, port, local_service):
    server = Started(tmp_path, before=WITHOUT)
    try:
        said, pod = try_service(server, tmp_path, port, local_service)
        assert said == "local"
        assert pod["spec"]["hostNetwork"] is True and degraded(pod).startswith(WHY)
        assert pod["metadata"]["annotations"]["tiphys/isolation-degraded"] == degraded(pod)
        warnings = [line for line in server.log.read_text().splitlines() if "sidecars are on the host's network" in line]
        assert len(warnings) == 1 and "level=warning" in warnings[0]
    finally:
        server.end()


@needs_root
def test_what_is_asked_for_and_cannot_be_had_is_an_error(tmp_path):
    for command in (["server", "--plain-http", "--state", tmp_path / "state", "--listen", "127.0.0.1:0"],
                    ["run", "examples/hello"], ["executor-plugin", "run", "examples/hello"]):
        done = subprocess.run([*WITHOUT, TIPHYS, *command, "--network", "isolated"], cwd=TOP, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode != 0 and done.stdout == ""
        assert re.match(r"error: network isolated: .*\n  this needs CAP_NET_ADMIN .*use --network host or none\n", done.stderr), done.stderr


@needs_root
def test_kubectl_describe_shows_what_is_not_enforced(tmp_path, port, monkeypatch):
    monkeypatch.setattr("test_kubectl.TIPHYS", TIPHYS)
    wrapper = tmp_path / "without"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(WITHOUT)} {TIPHYS} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr("test_kubectl.TIPHYS", wrapper)
    cluster = Cluster(tmp_path / "state")
    try:
        kubectl = Kubectl(neighbours.KUBECTLS["new"](), cluster)
        body = "        self.reply({'node': {'phase': 'Succeeded'}})\n"
        kubectl("apply", "-f", "-", stdin=json.dumps(plugin_configmap(tmp_path, "probe", port, body)))
        kubectl("create", "-f", "-", stdin=json.dumps({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "plugin": {"probe": {}}}]}}))
        wait_until(lambda: kubectl("get", "wf", "w", "-o", "jsonpath={.status.phase}") == "Succeeded")
        described = kubectl("describe", "pods")
        assert re.search(r"^ +IsolationDegraded +True", described, re.M)
        assert re.search(rf"tiphys/isolation-degraded:\s+{re.escape(WHY)}", described)
        for condition in ("Initialized", "Ready", "ContainersReady", "PodScheduled"):
            assert re.search(rf"^ +{condition} +True", described, re.M)
    finally:
        cluster.stop()
