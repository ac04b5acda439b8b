"""tiphys server: workflows that clients write run to their end, whatever happens to the server."""
import json
import re
import time

import pytest
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
    wait_until(lambda: {"WorkflowRunning", "WorkflowNodeRunning", "WorkflowNodeSucceeded", "WorkflowSucceeded"} <=
               {e["reason"] for e in server.get("/api/v1/namespaces/argo/events")["items"]})  # a write of their own
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


# Tells the ledger of each call, cancels too; what {answer} makes of args is the reply.
TELLING = """\
import http.client, json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        wire = http.client.HTTPConnection('127.0.0.1', LEDGER)
        wire.request('POST', '/', json.dumps([self.path, self.headers['Idempotency-Key'], args]))
        wire.getresponse().read()
        wire.close()
        reply = json.dumps(answer(args) if self.path.endswith('execute') else {}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(reply)
    def log_message(self, *args):
        pass
def answer(args):
    given = args['template']['plugin']['probe']
ANSWER
ThreadingHTTPServer(('127.0.0.1', PORT), Plugin).serve_forever()
"""
HANGS = "    return {'node': {'phase': 'Running'}, 'requeue': '1h'}\n"


def telling(tmp_path, port, ledger, answer):
    body = TELLING.replace("LEDGER", str(ledger.port)).replace("PORT", str(port)).replace("ANSWER\n", answer)
    configmap = plugin_configmap(tmp_path, "probe", port, "        pass\n")
    configmap["data"]["sidecar.container"] = json.dumps(
        {**pytest.importorskip("yaml").safe_load(configmap["data"]["sidecar.container"]), "args": [body]})
    return configmap


def paths(ledger):
    return [path.rsplit("/", 1)[-1] for path, *_ in ledger.calls]


def test_a_workflow_that_is_too_large_to_be_kept_ends_and_says_so(servers, ledger, tmp_path, port):
    server = servers()
    large = ("    if given['n'] == 'hang':\n    " + HANGS +
             "    return {'node': {'phase': 'Succeeded', 'outputs': {'result': 'x' * (1024 * 1024 - 1)}}}\n")
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", telling(tmp_path, port, ledger, large))[0] == 201
    task = lambda name, n, **more: {"name": name, "template": "task", "arguments": {"parameters": [{"name": "n", "value": n}]}, **more}
    other = fan("small", 2)
    other["spec"]["templates"] = [{"name": "main", "suspend": {}}]
    assert server.ask("POST", WORKFLOWS, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"},
                                          "spec": {"entrypoint": "main", "templates": [
                                              {"name": "main", "steps": [[task("h", "hang"), task("a", "go", withSequence={"count": "70"})],
                                                                         [task("b", "go")]]},
                                              {"name": "task", "inputs": {"parameters": [{"name": "n"}]},
                                               "plugin": {"probe": {"n": "{{inputs.parameters.n}}"}}}]}})[0] == 201
    over = f"{WORKFLOWS}?labelSelector=workflows.argoproj.io/completed=true"  # it is large
    wait_until(lambda: server.get(over)["items"], 120)
    w = server.get(f"{WORKFLOWS}/w")
    message = w["status"]["message"]
    assert w["status"]["phase"] == "Error"
    assert re.fullmatch(r"the workflow cannot be kept: the object would have \d+ bytes, at most 67108864 are kept", message)
    assert w["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"
    nodes = w["status"]["nodes"].values()
    assert {n["phase"] for n in nodes} <= {"Succeeded", "Failed", "Error"}
    (hanging,) = [n for n in nodes if n["displayName"] == "h"]
    assert (hanging["phase"], hanging["message"]) == ("Failed", message)
    wait_until(lambda: f"{w['metadata']['uid']}/{hanging['id']}/0" in
               [key for path, key, *_ in ledger.calls if path.endswith("cancel")])
    assert not any(n["displayName"] == "b" for n in nodes)
    wait_until(lambda: [e["message"] for e in server.get("/api/v1/namespaces/argo/events")["items"]
                        if e["reason"] == "WorkflowFailed"] == [message])
    # Others go on, and it stays over.
    assert server.ask("POST", WORKFLOWS, other)[0] == 201
    wait_until(lambda: phases(server)["small"] == "Running")
    server.kill()
    asked = len(ledger.calls)
    server = servers()
    wait_until(lambda: phases(server)["small"] == "Running")
    assert phases(server)["w"] == "Error" and len(ledger.calls) == asked


# One answers that it runs, the other keeps the plugin so busy that it hears of nothing else.
BUSY = """\
    if given == 'busy' and not args['task'].get('calls'):
        import time
        time.sleep(600)
""" + HANGS


def two_tasks(name):
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name}, "spec": {
        "entrypoint": "main", "templates": [
            {"name": "main", "steps": [[{"name": "a", "template": "calm"}, {"name": "b", "template": "busy"}]]},
            {"name": "calm", "plugin": {"probe": "calm"}}, {"name": "busy", "plugin": {"probe": "busy"}}]}}


def cancels(ledger):
    return {key: args for path, key, args in ledger.calls if path.endswith("cancel")}


def patch(server, path, body):
    status, answer = server.patch(path, body)
    assert status == 200, answer
    return answer


def keys_of(workflow):
    return {f"{workflow['metadata']['uid']}/{i}/0" for i, n in workflow["status"]["nodes"].items() if n["type"] == "Plugin"}


@pytest.mark.parametrize("how", ["stop", "delete"])
def test_a_cancel_that_a_kill_came_before_is_told_after_the_restart(servers, ledger, tmp_path, port, how):
    before = leftovers(port)
    server = servers()
    configmap = telling(tmp_path, port, ledger, BUSY)
    text = configmap["data"]["sidecar.container"].replace("ThreadingHTTPServer", "HTTPServer")  # one call at a time
    configmap["data"]["sidecar.container"] = text
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", configmap)[0] == 201
    assert server.ask("POST", WORKFLOWS, two_tasks("w"))[0] == 201
    wait_until(lambda: paths(ledger).count("template.execute") == 2)
    wait_until(lambda: len(keys_of(server.get(f"{WORKFLOWS}/w"))) == 2)
    keys = keys_of(server.get(f"{WORKFLOWS}/w"))
    if how == "stop":
        patch(server, f"{WORKFLOWS}/w", {"spec": {"shutdown": "Stop"}})
        wait_until(lambda: phases(server)["w"] == "Failed")
    else:
        assert server.ask("DELETE", f"{WORKFLOWS}/w")[0] == 200
        wait_until(lambda: pods_gone_or_asked(server))
    assert not cancels(ledger)  # the plugin is busy
    server.kill()
    wait_until(lambda: not leftovers(port, before))
    server = servers()
    wait_until(lambda: cancels(ledger).keys() == keys)
    assert {args["template"]["plugin"]["probe"] for args in cancels(ledger).values()} == {"calm", "busy"}
    assert all(args["workflow"]["metadata"]["name"] == "w" for args in cancels(ledger).values())
    assert paths(ledger).count("template.execute") == 2
    # The stop may come before the plugin's answer is kept: then they are told once more, and that is all.
    for name in ("again", "and-again"):
        server.stop()
        asked = len(ledger.calls)
        server = servers()
        calm = two_tasks(name)
        calm["spec"]["entrypoint"] = "calm"
        assert server.ask("POST", WORKFLOWS, calm)[0] == 201
        wait_until(lambda: "template.execute" in paths(ledger)[asked:])
    assert "template.cancel" not in paths(ledger)[asked:]


def pods_gone_or_asked(server):
    """A later write is durable: so is what the controller wrote down at the deletion."""
    return server.ask("POST", "/api/v1/namespaces/argo/configmaps", {"metadata": {"generateName": "x-"}})[0] == 201


def test_a_task_that_waits_since_before_the_restart_is_cancelled_at_its_plugin(servers, ledger, tmp_path, port):
    before = leftovers(port)
    server = servers()
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", telling(tmp_path, port, ledger, HANGS))[0] == 201
    assert server.ask("POST", WORKFLOWS, two_tasks("w"))[0] == 201
    wait_until(lambda: {n["phase"] for n in server.get(f"{WORKFLOWS}/w").get("status", {}).get("nodes", {}).values()
                        if n["type"] == "Plugin"} == {"Running"})
    server.kill()
    wait_until(lambda: not leftovers(port, before))
    asked = len(ledger.calls)
    server = servers()
    wait_until(lambda: phases(server)["w"] == "Running")
    keys = keys_of(server.get(f"{WORKFLOWS}/w"))
    patch(server, f"{WORKFLOWS}/w", {"spec": {"shutdown": "Stop"}})
    wait_until(lambda: phases(server)["w"] == "Failed")
    wait_until(lambda: cancels(ledger).keys() == keys)
    assert paths(ledger)[asked:] == ["template.cancel"] * 2


@pytest.mark.parametrize("body", [HANGS, BUSY], ids=["answered", "under way"])
def test_a_stop_that_nobody_carried_out_before_the_restart_reaches_the_plugin(servers, ledger, tmp_path, port, body):
    """The stop is in the store, and that is all: whoever comes next ends the nodes, and knows who must hear of it."""
    before = leftovers(port)
    server = servers()
    configmap = telling(tmp_path, port, ledger, body)
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", configmap)[0] == 201
    assert server.ask("POST", WORKFLOWS, two_tasks("w"))[0] == 201
    wait_until(lambda: paths(ledger).count("template.execute") == 2)
    wait_until(lambda: len(keys_of(server.get(f"{WORKFLOWS}/w"))) == 2)
    server.kill()
    wait_until(lambda: not leftovers(port, before))
    server = servers("--no-controller")
    keys = keys_of(patch(server, f"{WORKFLOWS}/w", {"spec": {"shutdown": "Stop"}}))
    server.stop()
    asked = len(ledger.calls)
    server = servers()
    wait_until(lambda: phases(server)["w"] == "Failed")
    wait_until(lambda: cancels(ledger).keys() == keys)
    assert {args["template"]["plugin"]["probe"] for args in cancels(ledger).values()} == {"calm", "busy"}
    assert set(paths(ledger)[asked:]) == {"template.cancel"}


def numbers(server):
    found = {}
    for line in server.text("/metrics").splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def gauges(server):
    return {name.split('"')[1]: value for name, value in numbers(server).items()
            if name.startswith("argo_workflows_gauge{") and value}


def test_workflows_are_counted_by_phase_whoever_changes_them(servers, ledger, tmp_path, port):
    before = leftovers(port)
    server = servers()
    answer = "    return {'node': {'phase': given['phase']}}\n"
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", telling(tmp_path, port, ledger, answer))[0] == 201

    def make(name, phase, **spec):
        assert server.ask("POST", WORKFLOWS, {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": "m", "templates": [{"name": "m", "plugin": {"probe": {"phase": phase}}}], **spec}})[0] == 201

    for i in range(3):
        make(f"good-{i}", "Succeeded")
    make("bad", "Failed")
    make("waits", "Succeeded", suspend=True)
    make("wrong", "Succeeded", entrypoint="nope")
    wait_until(lambda: gauges(server) == {"Succeeded": 3, "Failed": 2, "Running": 1})
    now = numbers(server)
    assert now['argo_workflows_total_count{phase="Succeeded",namespace="argo"}'] == 3
    assert now['argo_workflows_total_count{phase="Failed",namespace="argo"}'] == 2
    assert now['argo_workflows_total_count{phase="Running",namespace="argo"}'] == 5
    assert now["argo_workflows_operation_duration_seconds_count"] >= 8
    assert now['argo_workflows_queue_adds_count{queue_name="workflow_queue"}'] >= 6
    assert now['argo_workflows_queue_depth_gauge{queue_name="workflow_queue"}'] == 0
    assert now['argo_workflows_queue_latency_count{queue_name="workflow_queue"}'] >= 6
    assert now['argo_workflows_queue_duration_count{queue_name="workflow_queue"}'] >= 6
    assert now['argo_workflows_queue_unfinished_work{queue_name="workflow_queue"}'] == 0
    assert now['argo_workflows_error_count{cause="CronWorkflowSpecError"}'] == 0
    # What others do counts, too: a deletion, a change that leaves the phase, one that makes another of it, a retry.
    assert server.ask("DELETE", f"{WORKFLOWS}/good-0")[0] == 200
    patch(server, f"{WORKFLOWS}/good-1", {"metadata": {"labels": {"a": "b"}}})
    patch(server, f"{WORKFLOWS}/good-2", {"status": {"phase": "Error"}})
    wait_until(lambda: gauges(server) == {"Succeeded": 1, "Failed": 2, "Error": 1, "Running": 1})
    patch(server, f"{WORKFLOWS}/waits", {"spec": {"suspend": None}})
    wait_until(lambda: gauges(server) == {"Succeeded": 2, "Failed": 2, "Error": 1})
    server.kill()
    wait_until(lambda: not leftovers(port, before))
    server = servers()
    wait_until(lambda: gauges(server) == {"Succeeded": 2, "Failed": 2, "Error": 1})
    assert server.ask("DELETE", WORKFLOWS)[0] == 200
    wait_until(lambda: gauges(server) == {})


def test_cron_workflows_are_counted(servers):
    server = servers()
    crons = WORKFLOWS.replace("/workflows", "/cronworkflows")
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "metadata": {"name": "c"},
            "spec": {"schedules": ["* * * * *"], "startingDeadlineSeconds": 120, "concurrencyPolicy": "Forbid",
                     "workflowSpec": {"entrypoint": "m", "templates": [{"name": "m", "suspend": {}}]}}}
    made = server.ask("POST", crons, body)[1]
    # It was due a minute ago: the program looks at what it missed when it begins.
    made["status"] = {"lastScheduledTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 70))}
    assert server.ask("PUT", f"{crons}/c", made)[0] == 200
    server.stop()
    server = servers()
    wait_until(lambda: numbers(server).get('argo_workflows_cronworkflows_triggered_total{name="c",namespace="argo"}', 0) >= 1)
    assert numbers(server)['argo_workflows_queue_adds_count{queue_name="cron_wf_queue"}'] >= 1
    server.stop()
    server = servers()
    status = server.get(f"{crons}/c")
    status["status"]["lastScheduledTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 70))
    assert server.ask("PUT", f"{crons}/c", status)[0] == 200
    server.stop()
    server = servers()
    series = 'argo_workflows_cronworkflows_concurrencypolicy_triggered{name="c",namespace="argo",concurrency_policy="Forbid"}'
    wait_until(lambda: numbers(server).get(series, 0) >= 1)


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
