"""Pods and their logs: what a sidecar said, all of it, live, after its end and after a restart; by kubectl and bare HTTP."""
import datetime
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import neighbours
import pytest
from conftest import TIPHYS, TOP, wait_until
from test_kubectl import Cluster, Kubectl
from serving import WORKFLOWS, plugin_configmap, servers  # noqa: F401 (a fixture)

PODS = "/api/v1/namespaces/argo/pods"
CONTAINER = "probe-executor-plugin"

# Says its number of lines first; "crash" ends it, the first time that it is asked so.
TALKS = """\
        print(json.dumps(plugin['probe']), flush=True)
        for i in range(plugin['probe'].get('lines', 0)):
            print('line', i)
        sys.stdout.flush()
        if plugin['probe'].get('crash') and args['task']['calls'] == 0 and not os.path.exists('/tmp/again'):
            print('I crash', file=sys.stderr, flush=True)
            os._exit(3)
        self.reply({'node': {'phase': 'Succeeded'}})
"""


def workflow(name, **probe):
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name}, "spec": {
        "entrypoint": "main", "templates": [{"name": "main", "plugin": {"probe": probe}}]}}


def begin(server, tmp_path, port, body=TALKS):
    assert server.ask("POST", "/api/v1/namespaces/argo/configmaps", plugin_configmap(tmp_path, "probe", port, body))[0] == 201


def run(server, name, **probe):
    assert server.ask("POST", WORKFLOWS, workflow(name, **probe))[0] == 201
    wait_until(lambda: server.get(f"{WORKFLOWS}/{name}").get("status", {}).get("phase") == "Succeeded")


def pod_of(server):
    (pod,) = server.get(PODS)["items"]
    return pod


def log(server, name, **options):
    return server.text(f"{PODS}/{name}/log?{urllib.parse.urlencode(options)}")


def refused(server, name, **options):
    status, answer = server.ask("GET", f"{PODS}/{name}/log?{urllib.parse.urlencode(options)}")
    return status, answer["message"]


def test_the_log_is_whole_and_its_options_mean_what_they_say(servers, tmp_path, port):  # noqa: F811
    server = servers()
    begin(server, tmp_path, port)
    run(server, "a", lines=5000)
    name = pod_of(server)["metadata"]["name"]
    whole = ['{"lines": 5000}'] + [f"line {i}" for i in range(5000)]
    resources = pod_of(server)["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}}
    assert log(server, name).splitlines() == whole
    assert log(server, name, container=CONTAINER, tailLines=3).splitlines() == whole[-3:]
    assert log(server, name, tailLines=0) == ""
    assert log(server, name, tailLines=100000).splitlines() == whole
    assert log(server, name, limitBytes=20) == '{"lines": 5000}\nline'
    assert log(server, name, sinceSeconds=3600).splitlines() == whole
    stamped = log(server, name, timestamps="true", tailLines=2).splitlines()
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z line 499[89]", line) for line in stamped)
    last = datetime.datetime.fromisoformat(stamped[-1].split()[0].replace("Z", "+00:00"))
    after_it = (last + datetime.timedelta(milliseconds=1)).isoformat().replace("+00:00", "Z")
    wait_until(lambda: datetime.datetime.now(datetime.timezone.utc) > last + datetime.timedelta(milliseconds=1))
    run(server, "b", second=True)
    after = log(server, name, sinceTime=after_it).splitlines()
    assert after == ['{"second": true}']
    assert refused(server, name, tailLines=-1)[0] == 422
    assert refused(server, name, container="nope") == (400, f"container nope is not valid for pod {name}")
    assert refused(server, name, previous="true") == (
        400, f'previous terminated container "{CONTAINER}" in pod "{name}" not found')


def test_both_files_are_read_when_it_was_rotated(servers, tmp_path, port):  # noqa: F811
    server = servers()
    body = TALKS.replace("print('line', i)", "print('line', i, 'x' * 1000)")
    begin(server, tmp_path, port, body)
    run(server, "a", lines=15000)
    name = pod_of(server)["metadata"]["name"]
    files = sorted(p.name for p in (tmp_path / "state" / "logs").iterdir())
    assert files == [f"argo_{name}_{CONTAINER}.log", f"argo_{name}_{CONTAINER}.log.1"]
    lines = [line.split()[1] for line in log(server, name).splitlines()]
    assert lines[1:] == [str(i) for i in range(15000)]
    tail = [line.split()[1] for line in log(server, name, tailLines=14000).splitlines()]
    assert tail == lines[-14000:]


def test_a_log_stays_after_the_pod_and_after_a_kill(servers, tmp_path, port):  # noqa: F811
    server = servers()
    begin(server, tmp_path, port)
    run(server, "a", lines=3)
    name = pod_of(server)["metadata"]["name"]
    whole = log(server, name)
    server.stop()
    server = servers()
    assert server.get(PODS)["items"] == []
    assert log(server, name) == whole
    assert log(server, name, tailLines=1, follow="true") == "line 2\n"
    assert log(server, "a-1340600742-agent", container=CONTAINER) == whole
    pod = server.get(f"{PODS}/{name}")
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    run(server, "b", lines=1)
    other = pod_of(server)["metadata"]["name"]
    assert other != name
    server.kill()
    server = servers()
    wait_until(lambda: server.get(f"{PODS}/{other}")["status"]["phase"] == "Failed")
    pod = server.get(f"{PODS}/{other}")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert log(server, other) == '{"lines": 1}\nline 0\n'
    # A day later it is gone, at the next start.
    server.stop()
    for path in (tmp_path / "state" / "logs").iterdir():
        if name in path.name:
            os.utime(path, (time.time() - 25 * 3600,) * 2)
    server = servers()
    assert server.ask("GET", f"{PODS}/{name}")[0] == 404
    assert server.ask("GET", f"{PODS}/{name}/log")[0] == 404
    assert log(server, other) == '{"lines": 1}\nline 0\n'
    assert not [p for p in (tmp_path / "state" / "logs").iterdir() if name in p.name]


def test_names_lead_to_no_other_file(servers, tmp_path):  # noqa: F811
    server = servers()
    (tmp_path / "state" / "x.json").write_text("{}")
    for name in ("..%2Fx", "%2e%2e%2fx", "a_b", "%2e%2e"):
        code, answer = server.ask("GET", f"{PODS}/{name}")
        assert code in (400, 404), answer


def read_line(stream):
    return stream.readline().decode()


def follow(server, name, **options):
    return urllib.request.urlopen(server.url + f"{PODS}/{name}/log?follow=true&" + urllib.parse.urlencode(options), timeout=60)


def test_who_follows_sees_lines_as_they_come_until_the_pod_ends(servers, tmp_path, port):  # noqa: F811
    server = servers()
    begin(server, tmp_path, port)
    run(server, "a", n=1)
    name = pod_of(server)["metadata"]["name"]
    with follow(server, name) as stream, follow(server, name, tailLines=0) as only_new:
        assert read_line(stream) == '{"n": 1}\n'
        for n in range(2, 5):
            run(server, f"w{n}", n=n)
            assert read_line(stream) == read_line(only_new) == f'{{"n": {n}}}\n'
        run(server, "many", lines=30000)
        expected = ['{"lines": 30000}\n'] + [f"line {i}\n" for i in range(30000)]
        assert [read_line(stream) for _ in expected] == expected
        # A changed definition makes a new sidecar: this pod ends, and the streams with it.
        configmap = server.get(f"/api/v1/namespaces/argo/configmaps/{CONTAINER}")
        configmap["data"]["sidecar.container"] += "env: [{name: CHANGED, value: yes}]\n"
        assert server.ask("PUT", f"/api/v1/namespaces/argo/configmaps/{CONTAINER}", configmap)[0] == 200
        assert read_line(stream) == ""
        assert [read_line(only_new) for _ in expected] == expected
        assert read_line(only_new) == ""


def test_who_follows_a_log_that_is_rotated_misses_nothing(servers, tmp_path, port):  # noqa: F811
    server = servers()
    begin(server, tmp_path, port, TALKS.replace("print('line', i)", "print('line', i, 'x' * 1000)"))
    run(server, "a", n=1)
    name = pod_of(server)["metadata"]["name"]
    with follow(server, name, tailLines=0) as stream:
        assert server.ask("POST", WORKFLOWS, workflow("b", lines=25000))[0] == 201
        assert read_line(stream) == '{"lines": 25000}\n'
        assert [read_line(stream).split()[1] for _ in range(25000)] == [str(i) for i in range(25000)]


def test_a_slow_client_costs_no_memory(servers, tmp_path, port):  # noqa: F811
    # A sanitizer keeps what was freed.
    server = servers(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1")
    begin(server, tmp_path, port, TALKS.replace("print('line', i)", "print('line', i, 'x' * 1000)"))
    run(server, "a", lines=9000)
    name = pod_of(server)["metadata"]["name"]

    def memory():
        status = open(f"/proc/{server.process.pid}/status").read()
        return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))

    before = memory()
    clients = []
    host, port_number = server.url.removeprefix("http://").split(":")
    for _ in range(20):
        client = socket.create_connection((host, int(port_number)))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"GET {PODS}/{name}/log?follow=true HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        clients.append(client)
    for client in clients:
        assert client.recv(12) == b"HTTP/1.1 200"
    server.get(PODS)  # it serves others meanwhile
    assert memory() - before < 20 * 2048  # 9 MB of log each, would it be gathered
    for client in clients:
        client.close()
    run(server, "b", n=2)


def test_a_server_whose_own_log_nobody_reads_serves(tmp_path):
    read, write = os.pipe()
    process = subprocess.Popen([TIPHYS, "server", "--plain-http", "--state", tmp_path / "state", "--listen", "127.0.0.1:0"],
                               cwd=TOP, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=write)
    try:
        url = process.stdout.readline().split()[-1]
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(write, True)
        for i in range(50):  # each is a line of the log
            body = json.dumps({"metadata": {"name": f"n{i}"}, "kind": "ConfigMap", "apiVersion": "v1"}).encode()
            request = urllib.request.Request(url + "/api/v1/namespaces/argo/configmaps", data=body,
                                             headers={"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(read)
        os.close(write)


@pytest.fixture
def kubectl(tmp_path):
    cluster = Cluster(tmp_path / "state")
    yield Kubectl(neighbours.KUBECTLS["new"](), cluster)
    cluster.stop()


def test_kubectl_logs_through_a_crash(kubectl, tmp_path, port):
    """-f goes on through the crash and ends with the pod; --previous is the life that crashed; status as on a cluster."""
    configmap = plugin_configmap(tmp_path, "probe", port, TALKS)
    kubectl("apply", "-f", "-", stdin=json.dumps(configmap))
    kubectl("create", "-f", "-", stdin=json.dumps(workflow("first", n=1)))
    wait_until(lambda: kubectl("get", "wf", "first", "-o", "jsonpath={.status.phase}") == "Succeeded")
    name = kubectl("get", "pods", "-o", "jsonpath={.items[0].metadata.name}")
    assert "previous terminated container" in kubectl("logs", name, "--previous", code=1)
    following = kubectl.open("logs", "-f", name)
    try:
        assert following.stdout.readline() == '{"n": 1}\n'
        kubectl("create", "-f", "-", stdin=json.dumps(workflow("second", crash=True)))
        assert following.stdout.readline() == '{"crash": true}\n'
        assert following.stdout.readline() == "I crash\n"
        wait_until(lambda: "CrashLoopBackOff" in kubectl("get", "pods"))
        assert re.search(rf"^{name} +0/1 +CrashLoopBackOff +0 +\S+$", kubectl("get", "pods"), re.M)
        pod = json.loads(kubectl("get", "pod", name, "-o", "json"))
        (status,) = pod["status"]["containerStatuses"]
        assert status["state"]["waiting"]["message"].startswith(f"back-off 10s restarting failed container={CONTAINER} pod={name}_argo(")
        assert status["lastState"]["terminated"]["exitCode"] == 3 and status["lastState"]["terminated"]["reason"] == "Error"
        conditions = {c["type"]: (c["status"], c.get("message")) for c in pod["status"]["conditions"]}
        unready = ("False", f"containers with unready status: [{CONTAINER}]")
        assert conditions["Ready"] == conditions["ContainersReady"] == unready
        assert conditions["Initialized"] == conditions["PodScheduled"] == ("True", None)
        assert kubectl("logs", name, "--previous") == '{"n": 1}\n{"crash": true}\nI crash\n'
        # After the pause it starts again; the task comes again, and crashes it again (it has a /tmp of its own each time).
        assert following.stdout.readline() == '{"crash": true}\n'
        assert following.stdout.readline() == "I crash\n"
        wait_until(lambda: re.search(rf"^{name} +0/1 +CrashLoopBackOff +1 \(\d+s ago\) +\S+$", kubectl("get", "pods"), re.M))
        assert kubectl("logs", name, "--previous") == '{"crash": true}\nI crash\n'
        described = kubectl("describe", "pod", name)
        assert re.search(r"Last State: +Terminated\n +Reason: +Error\n +Exit Code: +3\n", described)
        assert re.search(r"State: +Waiting\n +Reason: +CrashLoopBackOff\n", described)
        assert re.search(r"Restart Count: +1\n", described)
        # A changed definition ends the pod.
        configmap["data"]["sidecar.container"] += "env: [{name: CHANGED, value: yes}]\n"
        kubectl("apply", "-f", "-", stdin=json.dumps(configmap))
        assert following.stdout.read() == ""
        assert following.wait(timeout=60) == 0
    finally:
        following.kill()
        following.wait()
        following.stdout.close()
    assert kubectl("logs", name) == '{"n": 1}\n' + '{"crash": true}\nI crash\n' * 2


def test_a_sidecar_that_takes_too_much_memory_was_oom_killed(servers, tmp_path, port):  # noqa: F811
    done = subprocess.run([TIPHYS, "doctor", "-o", "json"], capture_output=True, text=True)
    limits = next(f for f in json.loads(done.stdout)["findings"] if f["name"] == "limits")
    if "memory" not in limits["text"] or limits["state"] != "ok":
        pytest.skip(f"memory is not limited here: {limits['text']}")
    server = servers()
    begin(server, tmp_path, port, "        taken = [b'x' * (1 << 20) for _ in range(400)]\n        self.reply({})\n")
    assert server.ask("POST", WORKFLOWS, workflow("a"))[0] == 201

    def last():
        pods = server.get(PODS)["items"]
        return pods and pods[0]["status"]["containerStatuses"][0]["lastState"].get("terminated")

    wait_until(last)
    assert (last()["reason"], last()["exitCode"]) == ("OOMKilled", 137)
    assert pod_of(server)["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
