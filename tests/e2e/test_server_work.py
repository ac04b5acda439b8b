"""tiphys server: workflows that clients write run to their end, whatever happens to the server."""
import json
import os
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from conftest import PLUGIN, SERVER, TIPHYS, TOP, leftovers, wait_until
from test_state import BODY, Ledger

WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"


def plugin_configmap(tmp_path, name, port, body):
    directory = tmp_path / name
    directory.mkdir()
    (directory / "plugin.yaml").write_text(PLUGIN.format(name=name, port=port))
    (directory / "server.py").write_text(SERVER.format(body=body, port=port))
    done = subprocess.run([TIPHYS, "executor-plugin", "build", directory], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((directory / f"{name}-executor-plugin-configmap.yaml").read_text())


def fan(name, n):
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [
                {"name": "main", "steps": [[{"name": "a", "template": "task", "withSequence": {"count": str(n)}}],
                                           [{"name": "b", "template": "task"}]]},
                {"name": "task", "retryStrategy": {"limit": 3}, "plugin": {"probe": {}}}]}}


class Server:
    """The program over a state directory; asked by plain HTTP."""

    def __init__(self, state, **environment):
        self.process = subprocess.Popen(
            [TIPHYS, "server", "--plain-http", "--state", state, "--listen", "127.0.0.1:0", "--network", "host"], cwd=TOP, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "ARGO_EXECUTOR_PLUGINS": "true", **environment})
        self.url = self.process.stdout.readline().split()[-1]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def text(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return answer.read().decode()

    def get(self, path):
        return self.ask("GET", path)[1]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


@pytest.fixture
def servers(tmp_path):
    started = []

    def start(**environment):
        started.append(Server(tmp_path / "state", **environment))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()


@pytest.fixture
def ledger():
    it = Ledger()
    yield it
    it.server.shutdown()
    it.server.server_close()


def phases(server):
    return {w["metadata"]["name"]: w.get("status", {}).get("phase") for w in server.get(WORKFLOWS)["items"]}


def test_plugins_are_off_and_a_workflow_says_how_to_have_them(servers):
    server = servers(ARGO_EXECUTOR_PLUGINS="false")
    assert server.ask("POST", WORKFLOWS, fan("off", 1))[0] == 201
    wait_until(lambda: phases(server)["off"] in ("Failed", "Error"))
    text = json.dumps(server.get(WORKFLOWS + "/off")["status"])
    assert "executor plugins are switched off here: start the program with ARGO_EXECUTOR_PLUGINS=true" in text


def test_a_plugin_of_a_configmap_runs_and_goes_idle_on_stop(servers, ledger, tmp_path, port):
    before = leftovers(port)
    server = servers()
    body = "        print('asked', flush=True)\n" + BODY.format(ledger=ledger.port, polls=1)
    configmap = plugin_configmap(tmp_path, "probe", port, body)
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", configmap)[0] == 201
    assert server.ask("POST", WORKFLOWS, fan("w", 3))[0] == 201
    wait_until(lambda: phases(server)["w"] == "Succeeded")
    reasons = {e["reason"] for e in server.get("/api/v1/namespaces/argo/events")["items"]}
    assert {"WorkflowRunning", "WorkflowNodeRunning", "WorkflowNodeSucceeded", "WorkflowSucceeded"} <= reasons
    pods = "/api/v1/namespaces/argo/pods"
    (pod,) = server.get(pods)["items"]
    assert pod["status"]["phase"] == "Running" and pod["metadata"]["name"].startswith("probe-executor-plugin-")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    agent = "w-1340600742-agent"  # as Argo calls it
    assert server.get(f"{pods}/{agent}")["spec"]["containers"][0]["name"] == "probe-executor-plugin"
    assert "asked\n" in server.text(f"{pods}/{agent}/log?container=probe-executor-plugin")
    assert server.text(f"{pods}/{pod['metadata']['name']}/log?tailLines=1") == "asked\n"
    assert server.ask("GET", f"{pods}/nope-1340600742-agent")[0] == 404
    server.stop()
    assert server.process.returncode == 0
    wait_until(lambda: not leftovers(port, before))


def rounds():
    return int(os.environ.get("TIPHYS_SERVER_KILLS", "8"))


def load(server, chance, made, gone, number):
    """Submits and deletes until the server is gone; what was acknowledged is remembered."""
    try:
        while True:
            name = f"w-{number[0]}"
            number[0] += 1
            if server.ask("POST", WORKFLOWS, fan(name, chance.randrange(1, 12)))[0] == 201:
                made.add(name)
            if made and chance.random() < 0.2:
                victim = chance.choice(sorted(made))
                made.discard(victim)
                if server.ask("DELETE", f"{WORKFLOWS}/{victim}")[0] == 200:
                    gone.add(victim)
            time.sleep(chance.uniform(0, 0.03))
    except (OSError, ValueError):
        pass


def test_killed_under_load_nothing_that_was_acknowledged_is_lost(servers, ledger, tmp_path, port):
    before = leftovers(port)
    chance = random.Random(int(os.environ.get("TIPHYS_SERVER_SEED", "1")))
    configmap = plugin_configmap(tmp_path, "probe", port, BODY.format(ledger=ledger.port, polls=1))
    made, gone, number, version = set(), set(), [0], 0
    for turn in range(rounds()):
        server = servers()
        if turn == 0:
            assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", configmap)[0] == 201
        now = int(server.get(WORKFLOWS)["metadata"]["resourceVersion"])
        assert now >= version
        worker = threading.Thread(target=load, args=(server, chance, made, gone, number))
        worker.start()
        time.sleep(chance.uniform(0.05, 0.7))  # the moment of the kill is the matter
        version = int(server.get(WORKFLOWS)["metadata"]["resourceVersion"])
        server.kill()
        worker.join()
        wait_until(lambda: not leftovers(port, before))
    server = servers()
    there = phases(server)
    assert made <= set(there) and not gone & set(there)
    wait_until(lambda: all(phase in ("Succeeded", "Failed", "Error") for phase in phases(server).values()), 120)
    workflows = server.get(WORKFLOWS)["items"]
    assert made and all(w["status"]["phase"] == "Succeeded" for w in workflows)
    keys = {key for _, key, _, _ in ledger.calls}
    for w in workflows:
        leaves = {i for i, node in w["status"]["nodes"].items() if node["type"] == "Plugin"}
        assert {f"{w['metadata']['uid']}/{i}/0" for i in leaves} == {k for k in keys if k.startswith(w["metadata"]["uid"])}
    server.stop()
    wait_until(lambda: not leftovers(port, before))
    assert subprocess.run([TIPHYS, "db", "check", tmp_path / "state" / "store.db"]).returncode == 0
