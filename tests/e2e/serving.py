"""tiphys server, as tests use it: the program over a state directory, its plugin and what is asked of it."""
import glob
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest
from conftest import PLUGIN, SERVER, TIPHYS, TOP, wait_until
from test_state import BODY, Ledger

WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
CONFIGMAPS = "/api/v1/namespaces/argo/configmaps"
EVENTS = "/api/v1/namespaces/argo/events"
PODS = "/api/v1/namespaces/argo/pods"
OVER = ("Succeeded", "Failed", "Error")
__all__ = ["BODY", "Ledger"]


def plugin_configmap(tmp_path, name, port, body=None, server=None):
    directory = tmp_path / name
    directory.mkdir()
    (directory / "plugin.yaml").write_text(PLUGIN.format(name=name, port=port))
    (directory / "server.py").write_text(server or SERVER.format(body=body, port=port))
    done = subprocess.run([TIPHYS, "executor-plugin", "build", directory], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((directory / f"{name}-executor-plugin-configmap.yaml").read_text())


def fan(name, n, **spec):
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [
                {"name": "main", "steps": [[{"name": "a", "template": "task", "withSequence": {"count": str(n)}}],
                                           [{"name": "b", "template": "task"}]]},
                {"name": "task", "retryStrategy": {"limit": 3}, "plugin": {"probe": {}}}], **spec}}


def waiting(name, **spec):
    """One that runs nothing but the engine: it waits, and is over."""
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {"duration": "0"}}], **spec}}


class Refused(Exception):
    """The server did not answer: who asked does not know what became of it."""


class Server:
    """The program over a state directory, without TLS unless `plain` is false; its log is in `log`. Its sidecars are on the
    host's network; network=None lets it choose: plugins of tests tell a ledger on it what they are asked."""

    def __init__(self, state, *options, plain=True, wait=True, program=(), network="host", **environment):
        self.state = pathlib.Path(state)
        self.log = self.state.parent / f"{self.state.name}.log"
        self.local = threading.local()
        self.since = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*program, TIPHYS, "server", *(["--plain-http"] if plain else []), "--state", state, "--listen", "127.0.0.1:0",
                 *(["--network", network] if network else []), *options], cwd=TOP, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, "ARGO_EXECUTOR_PLUGINS": "true", **environment})
        self.url = None
        if wait:
            self.await_serving()

    def await_serving(self):
        line = self.process.stdout.readline()
        assert line.startswith("serving "), line + self.said()
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def said(self):
        """What this one, not those before it on the same directory, wrote into its log."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(self.since)
            return log.read()

    def wire(self):
        """The connection of this thread."""
        if getattr(self.local, "wire", None) is None:
            self.local.wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return self.local.wire

    def hang_up(self):
        """The next request of this thread has a new connection."""
        if getattr(self.local, "wire", None) is not None:
            self.local.wire.close()
            self.local.wire = None

    def raw(self, method, path, body=None, content_type="application/json"):
        """Status and bytes; Refused."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        wire = self.wire()
        try:
            wire.request(method, path, data, {"Content-Type": content_type} if data is not None else {})
            answer = wire.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.local.wire = None
            wire.close()
            raise Refused(repr(error)) from error

    def ask(self, method, path, body=None, content_type="application/json"):
        status, text = self.raw(method, path, body, content_type)
        return status, json.loads(text)

    def patch(self, path, body):
        return self.ask("PATCH", path, body, "application/merge-patch+json")

    def text(self, path):
        status, text = self.raw("GET", path)
        assert status == 200, text
        return text.decode()

    def get(self, path):
        return self.ask("GET", path)[1]

    def items(self, path):
        status, found = self.ask("GET", path)
        if status >= 500:
            raise Refused(found)
        assert status == 200, found
        return found["items"]

    def ready(self):
        """Status and text of /readyz."""
        status, text = self.raw("GET", "/readyz?verbose")
        return status, text.decode()

    def metric(self, name, **labels):
        """The sum of the series that have these labels."""
        total = 0.0
        for line in self.text("/metrics").splitlines():
            found = re.match(r"([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$", line)
            if found and found.group(1) == name and all(f'{k}="{v}"' in (found.group(2) or "") for k, v in labels.items()):
                total += float(found.group(3))
        return total

    def phases(self, prefix=""):
        return {w["metadata"]["name"]: w.get("status", {}).get("phase") for w in self.items(WORKFLOWS)
                if w["metadata"]["name"].startswith(prefix)}

    def await_over(self, seconds=120, prefix=""):
        """All workflows are over: their phases."""
        def look():
            try:
                return all(phase in OVER for phase in self.phases(prefix).values())
            except Refused:
                if not self.alive():
                    raise
                return False
        try:
            wait_until(look, seconds)
        except AssertionError as late:
            raise AssertionError(f"{self.phases(prefix)}\n{self.said()[-6000:]}") from late
        return self.phases(prefix)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return self.process.returncode

    def rss(self):
        """Bytes of memory that it has."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def handles(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@pytest.fixture
def servers(tmp_path):
    """servers(*options, **environment): a server over tmp_path/state; one at a time."""
    started = []

    def start(*options, **environment):
        started.append(Server(tmp_path / "state", *options, **environment))
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


def sidecars(port):
    """Processes of the plugin on this port, its init among them: others may run workflows on this machine, too."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read()
        except OSError:
            continue
        if b"HTTPServer" in words and f"('127.0.0.1', {port})".encode() in words:
            found.append(path)
    return found


def db_check(state):
    done = subprocess.run([TIPHYS, "db", "check", pathlib.Path(state) / "store.db"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def keeps_memory():
    """A program with an address sanitizer keeps what was freed: its size tells nothing."""
    with open(TIPHYS, "rb") as f:
        return b"__asan_init" in f.read()


def until(seconds):
    """True until then: for loops that make load."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def is_status(text):
    """A Kubernetes Status that says what is wrong."""
    try:
        status = json.loads(text)
    except ValueError:
        return False
    return status.get("kind") == "Status" and status.get("status") == "Failure" and bool(status.get("message"))


class Book:
    """What was written to a server, and so what may be there: after an answer one thing, without one either of two.

    A value is the `v` of a ConfigMap's data, or the uid of a Workflow; None: it is not there."""

    def __init__(self, tag):
        self.tag, self.count, self.lock = tag, 0, threading.Lock()
        self.may_be = {}  # path -> set of values
        self.refusals = []

    def name(self):
        with self.lock:
            self.count += 1
            return f"{self.tag}-{self.count}"

    def _write(self, server, method, path, at, body, value, content_type="application/json"):
        """value: what is there afterwards; a function: made of the answer's object, UNKNOWN before there is one."""
        before = self.may_be.get(at, {None})
        self.may_be[at] = before | {UNKNOWN if callable(value) else value}
        try:
            status, text = server.raw(method, path, body, content_type)
        except Refused as error:
            self.refusals.append(str(error))
            return None
        if status >= 400:
            assert is_status(text), (status, text)
            self.refusals.append(json.loads(text)["message"])
            if status < 500:
                self.may_be[at] = before
            return None
        self.may_be[at] = {value(json.loads(text)) if callable(value) else value}
        return json.loads(text)

    def configmap(self, server):
        name = self.name()
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": "0"}}
        self._write(server, "POST", CONFIGMAPS, f"{CONFIGMAPS}/{name}", body, "0")
        return f"{CONFIGMAPS}/{name}"

    def patch(self, server, at, value):
        self._write(server, "PATCH", at, at, {"data": {"v": value}}, value, "application/merge-patch+json")

    def submit(self, server, workflow):
        """The name, whether it was taken or nobody knows."""
        name = workflow["metadata"]["name"]
        self._write(server, "POST", WORKFLOWS, f"{WORKFLOWS}/{name}", workflow, lambda made: made["metadata"]["uid"])
        return name

    def delete(self, server, at):
        self._write(server, "DELETE", at, at, None, None)

    def forget(self, prefix):
        self.may_be = {at: v for at, v in self.may_be.items() if not at.startswith(prefix)}

    def check(self, server):
        """All that was acknowledged is there, and nothing else is; what nobody knew is known now."""
        there = {}
        for item in server.items(CONFIGMAPS):
            there[f"{CONFIGMAPS}/{item['metadata']['name']}"] = item.get("data", {}).get("v")
        for item in server.items(WORKFLOWS):
            there[f"{WORKFLOWS}/{item['metadata']['name']}"] = item["metadata"]["uid"]
        for at, values in self.may_be.items():
            found = there.get(at)
            assert found in values or (found is not None and UNKNOWN in values), f"{at}: {found!r} is none of {values}"
            self.may_be[at] = {found}
        for at in there:
            assert not at.rsplit("/", 1)[1].startswith(f"{self.tag}-") or at in self.may_be, f"nobody made {at}"


UNKNOWN = "whatever it is called"
