"""tiphys server under steady load for a while: memory, descriptors and the store do not grow.

TIPHYS_SOAK=600 for ten minutes. What is compared is the server with itself, at the middle and at the end of its time."""
import http.client
import os
import random
import statistics
import threading
import time

from conftest import wait_until
from serving import (BODY, CONFIGMAPS, EVENTS, PODS, WORKFLOWS, ledger, keeps_memory, plugin_configmap, servers, sidecars,  # noqa: F401 (fixtures)
                     fan, until, waiting)

SECONDS = float(os.environ.get("TIPHYS_SOAK", "60"))
HISTORY = 500  # of the store: reached long before the middle


def name(chance):
    return f"s-{chance.getrandbits(48):x}"


def submit(server, more, chance):
    """Workflows that are over at once, or after some calls, and go a second later."""
    ttl = {"ttlStrategy": {"secondsAfterCompletion": 1}}
    while more():
        workflow = fan(name(chance), 3, **ttl) if chance.random() < 0.3 else waiting(name(chance), **ttl)
        assert server.ask("POST", WORKFLOWS, workflow)[0] == 201
        if chance.random() < 0.1:
            server.ask("DELETE", f"{WORKFLOWS}/{workflow['metadata']['name']}")
        time.sleep(0.01)  # steady, not as much as goes


def write(server, more, chance):
    """Objects that come, change and go."""
    while more():
        at = f"{CONFIGMAPS}/{name(chance)}"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": at.rsplit("/", 1)[1]}, "data": {"v": "x" * 5000}}
        assert server.ask("POST", CONFIGMAPS, body)[0] == 201
        for i in range(3):
            assert server.patch(at, {"data": {"v": str(i) * 5000}})[0] == 200
        assert server.ask("DELETE", at)[0] == 200
        time.sleep(0.01)


def read(server, more, chance):
    """Lists, tables, logs, numbers, and what is not there; on connections that come and go."""
    while more():
        path = chance.choice([WORKFLOWS, WORKFLOWS + "?limit=3", PODS, EVENTS + "?limit=50", CONFIGMAPS, "/openapi/v3", "/api/v1/nope"])
        server.raw("GET", path)
        for pod in server.items(PODS):
            assert server.raw("GET", f"{PODS}/{pod['metadata']['name']}/log")[0] in (200, 404)
        server.text("/metrics")
        server.hang_up()
        time.sleep(0.02)


def watch(server, more, chance):
    """Watches that open, get some events, and are left or run out."""
    seen = 0
    while more():
        wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        wire.request("GET", f"{chance.choice([WORKFLOWS, CONFIGMAPS, EVENTS])}?watch=true&timeoutSeconds={chance.randrange(1, 3)}")
        answer = wire.getresponse()
        for _ in range(chance.randrange(1, 200)):
            if not answer.readline():
                break
            seen += 1
        wire.close()
    assert seen > 0


def look(server, seen):
    seen.append((server.rss(), server.handles(), (server.state / "store.db").stat().st_size))


def test_nothing_grows(servers, ledger, tmp_path, port):
    server = servers("--history", str(HISTORY))
    configmap = plugin_configmap(tmp_path, "probe", port, "        print('x' * 200, flush=True)\n" + BODY.format(ledger=ledger.port, polls=1))
    assert server.ask("POST", CONFIGMAPS, configmap)[0] == 201
    more, failed = until(SECONDS), []

    def guarded(load, tag):
        try:
            load(server, more, random.Random(tag))
        except Exception as error:  # pylint: disable=broad-except
            failed.append(repr(error))
            raise

    loads = [threading.Thread(target=guarded, args=(load, f"{load.__name__} {i}"))
             for load, n in ((submit, 2), (write, 1), (read, 1), (watch, 2)) for i in range(n)]
    began = time.monotonic()
    for thread in loads:
        thread.start()
    middle, end = [], []
    while more():
        past = (time.monotonic() - began) / SECONDS
        if 0.4 <= past < 0.6:
            look(server, middle)
        elif past >= 0.8:
            look(server, end)
        time.sleep(SECONDS / 200)
    for thread in loads:
        thread.join()
    assert not failed, failed
    server.hang_up()  # nothing was asked by this connection for so long that the server has closed it
    wait_until(lambda: server.phases() == {})  # all are over, and deleted
    assert len(server.items(PODS)) == 1 and len(sidecars(port)) == 2  # the plugin's, and its init
    (rss, handles, size), (last_rss, last_handles, last_size) = (
        [statistics.median(column) for column in zip(*seen)] for seen in (middle, end))
    made = server.metric("argo_workflows_total_count", phase="Running")
    told = f"{made:.0f} workflows; from the middle to the end: {rss} -> {last_rss} bytes, {handles} -> {last_handles} " \
           f"descriptors, {size} -> {last_size} bytes of the store"
    print(told)
    assert made > 100
    assert keeps_memory() or last_rss < rss * 1.1 + (4 << 20), told
    assert last_handles <= handles + 8, told
    # Events are kept for an hour; without them the store has what is there and its history.
    while server.items(EVENTS + "?limit=1"):
        assert server.ask("DELETE", EVENTS + "?limit=2000")[0] == 200
    for i in range(HISTORY * 3 // 2):
        server.patch(f"{CONFIGMAPS}/{configmap['metadata']['name']}", {"metadata": {"annotations": {"n": str(i)}}})
    version = int(server.get(CONFIGMAPS)["metadata"]["resourceVersion"])
    assert version > made * 4
    assert server.ready()[0] == 200 and server.handles() < 60
    server.stop()
    compacted(server.state / "store.db", tmp_path)


def compacted(path, tmp_path):
    """A copy that is as small as it can be: what it has is what is there."""
    from conftest import run_program  # pylint: disable=import-outside-toplevel

    copy = tmp_path / "copy.db"
    assert run_program("db", "backup", path, copy).code == 0
    assert copy.stat().st_size < 3 << 20, copy.stat().st_size
