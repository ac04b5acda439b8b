"""tiphys server: workflows that clients write run to their end, whatever happens to the server."""
import json

from conftest import leftovers, wait_until
from serving import BODY, CONFIGMAPS, WORKFLOWS, Server, fan, ledger, plugin_configmap, servers  # noqa: F401 (fixtures)


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


def test_a_large_list_and_a_watch_from_its_beginning(tmp_path):
    """Where more than 2,000 objects are left nobody counts them; a watch gives them in turns, each once."""
    server = Server(tmp_path / "state", "--memory", "--no-controller")
    try:
        for i in range(2600):
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c-{i:04}"}}
            assert server.ask("POST", CONFIGMAPS, body)[0] == 201
        first = server.get(CONFIGMAPS + "?limit=500")
        assert len(first["items"]) == 500 and "remainingItemCount" not in first["metadata"]
        more = server.get(f"{CONFIGMAPS}?limit=500&continue={first['metadata']['continue']}")
        left = len(server.items(CONFIGMAPS)) - 1000
        assert more["metadata"]["remainingItemCount"] == left and left > 1000
        lines = server.text(f"{CONFIGMAPS}?watch=true&timeoutSeconds=1").splitlines()
        names = [json.loads(line)["object"]["metadata"]["name"] for line in lines]
        assert {f"c-{i:04}" for i in range(2600)} <= set(names) and len(names) == len(set(names)) == left + 1000
    finally:
        server.stop()
        server.process.stdout.close()
