"""tiphys server when calls of it fail: the Nth step of SQLite, write, flush, descriptor, connection, process."""
import errno
import json
import os
import shutil
import threading
import time

import pytest
from conftest import wait_until
from faults import (DIE, DIE_AFTER, FAIL, FAIL_AFTER, LIBRARY, SHORT, SQLITE_FULL, SQLITE_IOERR, PASS, Panel)
from serving import BODY, CONFIGMAPS, EVENTS, PODS, WORKFLOWS, Book, Refused, db_check, fan, ledger, plugin_configmap, servers, sidecars, waiting  # noqa: F401 (fixtures)

ROUNDS = int(os.environ.get("TIPHYS_FAULT_KILLS", "12"))
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} was not built")


@pytest.fixture
def panel(tmp_path):
    return Panel(tmp_path / "faults")


@pytest.fixture
def start(servers, panel, ledger, tmp_path, port):
    """A server with faults and the plugin `probe`."""
    configmap = plugin_configmap(tmp_path, "probe", port, BODY.format(ledger=ledger.port, polls=1))

    def begin(*options):
        server = servers(*options, **panel.environment)
        if not server.items(CONFIGMAPS + "?labelSelector=workflows.argoproj.io/configmap-type"):
            assert server.ask("POST", CONFIGMAPS, configmap)[0] == 201
        return server

    return begin


def load(server, book):
    """A little of everything, on a connection of its own."""
    server.hang_up()
    at = book.configmap(server)
    name = book.submit(server, fan(book.name(), 2))
    book.patch(server, at, "1")
    doomed = book.submit(server, waiting(book.name()))
    book.delete(server, f"{WORKFLOWS}/{doomed}")
    book.delete(server, book.configmap(server))
    book.patch(server, at, "2")
    return name


def settle(server, book):
    """What is under way comes to its end; all that was acknowledged is there."""
    phases = server.await_over()
    assert all(phase == "Succeeded" for phase in phases.values()), (phases, server.said()[-3000:])
    book.check(server)


def keys_are_right(server, ledger):
    """Each task was known by one key, however often it was called."""
    called = {key for _, key, _, _ in ledger.calls}
    for w in server.items(WORKFLOWS):
        leaves = {i for i, node in w["status"]["nodes"].items() if node["type"] == "Plugin"}
        assert {k for k in called if k.startswith(w["metadata"]["uid"])} == {f"{w['metadata']['uid']}/{i}/0" for i in leaves}


# Which call fails, how, and what it says. Each kind fails at its 1st, 2nd, ... call of a load, one a load.
FAULTS = {
    "a step": ("step", FAIL, SQLITE_IOERR),
    "a step that was done": ("step", FAIL_AFTER, SQLITE_FULL),
    "a write of the store": ("write", FAIL, errno.EIO),
    "a write without room": ("write", FAIL, errno.ENOSPC),
    "half a write": ("write", SHORT, 0),
    "a read of the store": ("read", FAIL, errno.EIO),
    "a flush": ("sync", FAIL, errno.EIO),
    "a flush that was done": ("sync", FAIL_AFTER, errno.EIO),
    "memory of SQLite": ("memory", FAIL, 0),
    "no descriptor": ("handle", FAIL, errno.EMFILE),
    "accept": ("accept", FAIL, errno.EMFILE),
    "accept, who left": ("accept", FAIL, errno.ECONNABORTED),
    "connect": ("connect", FAIL, errno.ECONNREFUSED),
    "send": ("send", FAIL, errno.ECONNRESET),
    "half a send": ("send", SHORT, 0),
    "receive": ("receive", FAIL, errno.ECONNRESET),
    "half a receive": ("receive", SHORT, 0),
}


@pytest.mark.parametrize("what", FAULTS)
def test_one_call_fails(start, panel, ledger, what):
    point, action, error = FAULTS[what]
    server = start()
    load(server, warm := Book("warm"))
    settle(server, warm)
    struck = 0
    wanted = 2 if point in ("accept", "handle") else 5  # a load has few of these
    for n in (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50, 80, 120):
        book = Book(f"n{n}")
        panel.at(point, n, error, action, times=1 + n % 4)
        load(server, book)
        server.await_over(prefix=f"n{n}-")
        struck += panel.struck(point)
        panel.clear()
        assert server.alive(), server.said()[-3000:]
        settle(server, book)
        keys_are_right(server, ledger)
    assert struck >= wanted
    wait_until(lambda: server.ready()[0] == 200)
    server.stop()
    db_check(server.state)
    settle(start(), book)


# ---- conditions that last, and end ----


def await_ready(server, check, well):
    mark = f"[+]{check} ok" if well else f"[-]{check} failed"
    wait_until(lambda: mark in server.ready()[1], 30)
    assert server.ready()[0] == 200 if well else server.ready()[0] == 500
    return server.ready()[1]


@pytest.mark.parametrize("what, point, error, says", [
    ("full", "write", errno.ENOSPC, "there is no room left on the disk"),
    ("read-only", "write", errno.EROFS, "disk I/O error in a write"),
    ("broken", "sync", errno.EIO, "disk I/O error in a flush"),
])
def test_a_disk_that_takes_nothing(start, panel, ledger, what, point, error, says):
    """It is said to clients, in the log and by /readyz; what is there can be read; when the disk takes writes again, all
    goes on by itself."""
    server = start()
    book = Book("w")
    at = book.configmap(server)
    book.submit(server, fan("w-fan", 40))
    wait_until(lambda: len(ledger.calls) > 3)
    with panel.while_(point, error):
        book.patch(server, at, "1")
        assert says in book.refusals[-1] and "store.db" in book.refusals[-1], book.refusals
        assert says in await_ready(server, "store", False)
        assert server.metric("tiphys_healthy", check="store") == 0
        assert server.get(at)["data"] == {"v": "0"}
        assert says in server.said()
        assert server.raw("GET", "/livez")[0] == 200
    await_ready(server, "store", True)  # nobody writes: it looks by itself
    assert server.metric("tiphys_healthy") == 3
    settle(server, book)
    keys_are_right(server, ledger)
    book.patch(server, at, "2")
    assert server.get(at)["data"] == {"v": "2"}
    server.kill()
    settle(start(), book)


def test_a_flush_takes_a_second(start, panel, ledger):
    """Who writes waits; who reads does not."""
    server = start()
    book = Book("w")
    at = book.configmap(server)
    with panel.while_("sync", action=PASS, delay=1):
        began = time.monotonic()
        writer = threading.Thread(target=book.patch, args=(server, at, "1"))
        syncs = panel.seen("sync")
        writer.start()
        wait_until(lambda: panel.seen("sync") > syncs)
        reads = 0
        while writer.is_alive():
            server.get(at)
            reads += 1
        assert time.monotonic() - began > 0.9 and reads > 5
        book.submit(server, fan("w-fan", 1))
        settle(server, book)
    assert server.ready()[0] == 200
    keys_are_right(server, ledger)


def test_the_clock_jumps(start, panel, ledger):
    """An hour back and forth: what waits for no moment of the wall clock is not held up; versions go on."""
    server = start()
    book = Book("w")
    at = book.configmap(server)
    for i, jump in enumerate((-3600, 3600, 0)):
        before = int(server.get(CONFIGMAPS)["metadata"]["resourceVersion"])
        book.submit(server, fan(f"w-before-{i}", 20))
        panel.shift_clock(jump)
        book.submit(server, fan(f"w-after-{i}", 3, ttlStrategy={"secondsAfterCompletion": 86400}))
        book.patch(server, at, str(i))
        settle(server, book)
        keys_are_right(server, ledger)
        assert int(server.get(CONFIGMAPS)["metadata"]["resourceVersion"]) > before
    server.kill()
    panel.shift_clock(-3600)
    server = start()
    book.submit(server, fan("w-again", 3))
    settle(server, book)


# ---- killed at a certain call, which chance would seldom find ----


@pytest.mark.parametrize("point", ["step", "write", "sync", "cut"])
def test_killed_at_the_nth_call(start, panel, ledger, port, point):
    """Before it, and after it: what was acknowledged is there, what was begun comes to its end."""
    book = Book("w")
    server = start()
    load(server, book)
    settle(server, book)
    counted = panel.seen(point)
    load(server, book)
    settle(server, book)
    per_load = panel.seen(point) - counted
    killed = 0
    for turn in range(ROUNDS):
        n = 1 + turn * per_load // ROUNDS
        panel.at(point, n, action=DIE if turn % 2 else DIE_AFTER)
        load(server, book)
        try:
            server.await_over()
        except Refused:
            assert not server.alive()
        panel.clear()
        server.hang_up()
        killed += not server.alive()
        if not server.alive():
            server.process.wait()
            wait_until(lambda: not sidecars(port))
            server = start()
        settle(server, book)
        keys_are_right(server, ledger)
    assert point == "cut" or killed >= ROUNDS // 2
    server.stop()
    db_check(server.state)


def test_no_process_can_be_made(start, panel, ledger):
    """Who needs the sidecar fails and says why; whoever comes next has it."""
    server = start()
    book = Book("w")
    panel.at("spawn", 1, errno.EAGAIN)
    book.submit(server, fan("w-first", 2))
    server.await_over()
    status = server.get(f"{WORKFLOWS}/w-first")["status"]
    assert panel.struck("spawn") and status["phase"] == "Failed"
    assert "cannot be started" in json.dumps(status) and "Resource temporarily unavailable" in json.dumps(status)
    book.submit(server, fan("w-second", 2))
    server.await_over()
    assert server.phases()["w-second"] == "Succeeded"
    book.check(server)


# ---- a plugin that crashes again and again ----

CRASHER = """\
import sys, time
print('no luck', flush=True)
time.sleep(0.05)
sys.exit(3)
"""


def test_a_plugin_that_never_listens(start, tmp_path, port, ledger):
    """Three exits before it listens, with the pauses of Kubernetes, and its tasks are Failed and say so; the server and
    other plugins go on meanwhile, and a corrected plugin serves who comes then."""
    server = start()
    directory = tmp_path / "other"
    directory.mkdir()
    bad = plugin_configmap(directory, "bad", port + 1, server=CRASHER)
    assert server.ask("POST", CONFIGMAPS, bad)[0] == 201
    workflow = fan("w-bad", 1)
    workflow["spec"]["templates"][1] = {"name": "task", "plugin": {"bad": {}}}
    assert server.ask("POST", WORKFLOWS, workflow)[0] == 201

    def pod():
        found = [p for p in server.items(PODS) if p["metadata"]["name"].startswith("bad-")]
        return found[0]["status"]["containerStatuses"][0] if found else {"restartCount": 0, "state": {}}

    wait_until(lambda: pod()["restartCount"] >= 1)
    wait_until(lambda: pod()["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")
    book = Book("w")
    book.submit(server, fan("w-good", 5))  # while the other waits for its next try
    wait_until(lambda: server.phases()["w-good"] == "Succeeded")
    assert server.ready()[0] == 200 and server.phases()["w-bad"] == "Running"
    assert server.await_over()["w-bad"] == "Failed"
    text = json.dumps(server.get(f"{WORKFLOWS}/w-bad")["status"])
    assert "never listened on port" in text and "exited 3 three times" in text
    events = [e for e in server.items(EVENTS) if e["reason"] in ("WorkflowFailed", "WorkflowNodeFailed")]
    assert any("exited 3 three times" in e["message"] for e in events)
    assert "state=\"exited 3 (Error), restart in 10.0s\"" in server.said()
    assert server.metric("tiphys_plugin_restarts_total") >= 2
    shutil.rmtree(directory / "bad")
    good = plugin_configmap(directory, "bad", port + 1, BODY.format(ledger=ledger.port, polls=0))
    name = bad["metadata"]["name"]
    assert server.patch(f"{CONFIGMAPS}/{name}", {"data": good["data"]})[0] == 200
    workflow["metadata"]["name"] = "w-corrected"
    assert server.ask("POST", WORKFLOWS, workflow)[0] == 201
    assert server.await_over()["w-corrected"] == "Succeeded"


def test_a_plugin_that_dies_on_every_call(start, tmp_path, port):
    """It listens, takes a task and is gone: tried as often as a connection that breaks, then Failed with what it said.
    To its end it takes two minutes, by Kubernetes' pauses: TIPHYS_CRASH_LOOP=1."""
    server = start()
    directory = tmp_path / "other"
    directory.mkdir()
    bad = plugin_configmap(directory, "bad", port + 1, "        print('dying', flush=True); os._exit(7)")
    assert server.ask("POST", CONFIGMAPS, bad)[0] == 201
    workflow = fan("w-bad", 1)
    workflow["spec"]["templates"][1] = {"name": "task", "plugin": {"bad": {}}}
    assert server.ask("POST", WORKFLOWS, workflow)[0] == 201
    if not os.environ.get("TIPHYS_CRASH_LOOP"):
        wait_until(lambda: server.metric("tiphys_plugin_restarts_total") >= 1)
        assert server.phases() == {"w-bad": "Running"} and server.ready()[0] == 200
        assert server.ask("DELETE", f"{WORKFLOWS}/w-bad")[0] == 200
        wait_until(lambda: server.phases() == {})
        return
    assert server.await_over(240)["w-bad"] == "Failed"
    text = json.dumps(server.get(f"{WORKFLOWS}/w-bad")["status"])
    assert "exited 7" in text, text
    assert server.ready()[0] == 200 and server.handles() < 100
