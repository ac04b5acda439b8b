"""tiphys server: workflows that clients write run to their end, whatever happens to the server."""
import json
import os
import random
import subprocess
import threading
import time

from conftest import TIPHYS, leftovers, wait_until
from serving import BODY, WORKFLOWS, Refused, fan, ledger, plugin_configmap, servers  # noqa: F401 (fixtures)

def phases(server):
    return server.phases()


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
    except (Refused, ValueError):
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
