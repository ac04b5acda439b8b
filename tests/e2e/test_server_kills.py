"""tiphys server, killed again and again under load: a kill costs time and nothing else.

TIPHYS_SERVER_KILLS=200 for more rounds, TIPHYS_SERVER_SEED for others."""
import collections
import glob
import json
import os
import random
import shutil
import subprocess
import threading
import time

import pytest
from conftest import free_port, wait_until
from serving import (BODY, CONFIGMAPS, EVENTS, WORKFLOWS, Book, Refused, Server, db_check, fan, ledger,  # noqa: F401 (fixtures)
                     plugin_configmap, sidecars)
from watching import Watcher

ROUNDS = int(os.environ.get("TIPHYS_SERVER_KILLS", "20"))
SEED = int(os.environ.get("TIPHYS_SERVER_SEED", "1"))

# Before it answers it tells the ledger; the first try of what is flaky fails.
FLAKY = """\
        if plugin['probe'].get('flaky') and args['task']['name'].endswith('(0)') and args['task']['calls'] == 1:
            self.reply({'node': {'phase': 'Failed', 'message': 'not yet'}})
            return
"""


def workflow(name, chance):
    """Fan-outs, with requeues, and with tries that fail."""
    made = fan(name, chance.randrange(1, 12))
    made["spec"]["templates"][1]["plugin"]["probe"] = {"flaky": chance.random() < 0.3}
    return made


def raw_load(server, book, chance):
    """Writes until the server is gone."""
    configmaps, submitted = [], []
    while server.alive():
        what = chance.random()
        if what < 0.35:
            submitted.append(book.submit(server, workflow(book.name(), chance)))
        elif what < 0.45 and submitted:
            book.delete(server, f"{WORKFLOWS}/{submitted.pop(chance.randrange(len(submitted)))}")
        elif what < 0.6:
            configmaps.append(book.configmap(server))
        elif what < 0.7 and configmaps:
            book.delete(server, configmaps.pop(chance.randrange(len(configmaps))))
        elif what < 0.9 and configmaps:
            book.patch(server, chance.choice(configmaps), str(chance.randrange(1000)))
        elif submitted:  # what belongs to us, in an object that the controller writes, too
            try:
                server.patch(f"{WORKFLOWS}/{chance.choice(submitted)}", {"metadata": {"labels": {"touched": str(chance.random())[2:9]}}})
            except Refused:
                pass
        time.sleep(chance.uniform(0, 0.02))


class Kubectl:
    """The same by a genuine client, which says what came of it by its exit code."""

    def __init__(self, tmp_path, port, tag):
        self.words = ["kubectl", "--server", f"http://127.0.0.1:{port}", "--namespace", "argo", f"--cache-dir={tmp_path}/cache"]
        self.made, self.gone, self.unknown, self.count, self.tag = set(), set(), set(), 0, tag

    def run(self, *words, stdin=""):
        done = subprocess.run([*self.words, *words], input=stdin, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "KUBECONFIG": "/dev/null"})
        return done.returncode == 0

    def load(self, server, chance):
        while server.alive():
            if self.made and chance.random() < 0.3:
                name = chance.choice(sorted(self.made))
                self.made.discard(name)
                (self.gone if self.run("delete", "workflow", name, "--wait=false") else self.unknown).add(name)
            else:
                self.count += 1
                name = f"{self.tag}-{self.count}"
                taken = self.run("create", "-f", "-", stdin=json.dumps(workflow(name, chance)))
                (self.made if taken else self.unknown).add(name)

    def check(self, server):
        there = {name for name in server.phases() if name.startswith(f"{self.tag}-")}
        assert self.made <= there and not self.gone & there and there <= self.made | self.unknown
        self.unknown &= there


def cgroups(pids):
    return [d for pid in pids for d in glob.glob(f"/sys/fs/cgroup/tiphys-{pid}-*") + glob.glob(f"/sys/fs/cgroup/*/tiphys-{pid}-*")]


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return len(f.readlines())


def check_keys(server, calls):
    """Every call for a task had its one key, and everything that ran was asked for."""
    keys = collections.defaultdict(set)
    for _, key, _, _ in calls:
        keys[key.split("/")[0]].add(key)
    for w in server.items(WORKFLOWS):
        uid = w["metadata"]["uid"]
        leaves = {i for i, node in w["status"]["nodes"].items() if node["type"] == "Plugin"}
        assert keys[uid] == {f"{uid}/{i}/0" for i in leaves}, w["metadata"]["name"]


def settle(server, books, calls):
    """All come to their end, and are what they should be."""
    phases = server.await_over(300)
    assert phases and set(phases.values()) == {"Succeeded"}, phases
    check_keys(server, calls)
    for book in books:
        book.check(server)


def clear(server, books, kubectl, calls):
    """So that many rounds take no longer each than few."""
    while server.items(EVENTS + "?limit=1"):
        assert server.ask("DELETE", EVENTS + "?limit=5000")[0] == 200
    assert server.ask("DELETE", WORKFLOWS)[0] == 200
    calls.clear()
    for book in books:
        book.forget(WORKFLOWS)
    if kubectl:
        kubectl.made, kubectl.gone, kubectl.unknown = set(), set(), set()


def test_killed_under_load_nothing_that_was_acknowledged_is_lost(tmp_path, ledger, port):
    mounted = mounts()
    listen = free_port()
    chance = random.Random(SEED)
    books = [Book("a"), Book("b")]
    kubectl = Kubectl(tmp_path, listen, "k") if shutil.which("kubectl") else None
    configmap = plugin_configmap(tmp_path, "probe", port, FLAKY + BODY.format(ledger=ledger.port, polls=1))
    options = ["--listen", f"127.0.0.1:{listen}", "--history", "1000000"]
    pids, watchers, version, busy = [], [], 0, 0
    server = Server(tmp_path / "state", *options)
    try:
        assert server.ask("POST", CONFIGMAPS, configmap)[0] == 201
        watchers = [Watcher(listen, path).begin() for path in (WORKFLOWS, CONFIGMAPS, EVENTS)]
        for turn in range(ROUNDS):
            pids.append(server.process.pid)
            loads = [threading.Thread(target=raw_load, args=(server, book, random.Random(f"{SEED} {turn} {book.tag}"))) for book in books]
            if kubectl:
                loads.append(threading.Thread(target=kubectl.load, args=(server, random.Random(f"{SEED} {turn} k"))))
            for thread in loads:
                thread.start()
            time.sleep(chance.uniform(0.02, 1.0))  # the moment of the kill is the matter
            now = int(server.get(CONFIGMAPS)["metadata"]["resourceVersion"])
            assert now >= version
            version = now
            busy += any(phase not in ("Succeeded", "Failed", "Error") for phase in server.phases().values())
            server.kill()
            server.process.stdout.close()
            for thread in loads:
                thread.join()
            wait_until(lambda: not sidecars(port))
            server = Server(tmp_path / "state", *options)
            for book in books:
                book.check(server)
            if kubectl:
                kubectl.check(server)
            if turn % 10 == 9 and turn + 1 < ROUNDS:
                settle(server, books, ledger.calls)
                clear(server, books, kubectl, ledger.calls)
        pids.append(server.process.pid)
        assert busy > ROUNDS // 2
        settle(server, books, ledger.calls)
        wait_until(lambda: all(w.version >= max((v for _, v in w.list()[1].values()), default=0) for w in watchers))
        for watcher in watchers:
            watcher.end()
            assert not watcher.wrong, watcher.wrong[:5]
            assert watcher.connections >= ROUNDS // 2 and watcher.events > 0
            assert watcher.model == watcher.list()[1]
        assert server.stop() == 0
    finally:
        for watcher in watchers:
            watcher.ending = True
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
    wait_until(lambda: not sidecars(port))
    wait_until(lambda: not cgroups(pids))
    assert mounts() == mounted
    db_check(tmp_path / "state")


def test_kubectl_is_one_of_the_clients():
    if not shutil.which("kubectl"):
        pytest.skip("there is no kubectl here: the load is by raw HTTP alone")
