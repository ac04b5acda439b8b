"""End to end: the real program, real Python plugins, real processes. TIPHYS names the program."""
import glob
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TIPHYS = os.environ.get("TIPHYS", str(TOP / "build" / "tiphys"))


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


def run_program(*args, program=TIPHYS, cwd=TOP, stdin="", timeout=120, env=None):
    done = subprocess.run([program, *map(str, args)], cwd=cwd, input=stdin, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **(env or {})})
    return Result(done)


@pytest.fixture
def tiphys():
    return run_program


@pytest.fixture
def tiphys_open():
    """The program while it runs: a subprocess.Popen, texts on pipes."""
    return lambda *args: subprocess.Popen([TIPHYS, *map(str, args)], cwd=TOP, stdin=subprocess.DEVNULL, text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def free_port():
    """One that is free, and the next is free, too; below those that the kernel gives to connections meanwhile."""
    while True:
        first = random.randrange(12000, 32000)
        try:
            with socket.socket() as one, socket.socket() as two:
                one.bind(("127.0.0.1", first))
                two.bind(("127.0.0.1", first + 1))
                return first
        except OSError:
            continue


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def example(tmp_path, port):
    """example("hello"): a copy of examples/hello on a port of its own, for somebody else may run it just now; at most two."""
    ports = [port + 1, port]

    def copy(name):
        directory = tmp_path / "copies" / "examples" / name
        if not directory.exists():
            shutil.copytree(TOP / "examples" / name, directory, ignore=shutil.ignore_patterns("server"))
            old = re.search(r"containerPort: (\d+)", (directory / "plugin.yaml").read_text()).group(1)
            new = str(ports.pop())
            for path in directory.iterdir():
                path.write_text(path.read_text().replace(old, new))
            tmp_path.chmod(0o755)
        return directory

    return copy


PLUGIN = """\
apiVersion: argoproj.io/v1alpha1
kind: ExecutorPlugin
metadata:
  name: {name}
spec:
  sidecar:
    container:
      name: {name}-executor-plugin
      image: python:3
      command: [python, -u, -c]
      ports:
        - containerPort: {port}
      resources:
        requests: {{cpu: 100m, memory: 64Mi}}
        limits: {{cpu: 500m, memory: 128Mi}}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
"""

SERVER = """\
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Plugin(BaseHTTPRequestHandler):
    def reply(self, body, status=200):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())
    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        plugin = args['template']['plugin']
{body}
    def log_message(self, *args):
        pass
HTTPServer(('127.0.0.1', {port}), Plugin).serve_forever()
"""

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: {name}-
spec:
  entrypoint: main
  templates:
    - name: main
      plugin:
        {name}: {{}}
"""


@pytest.fixture
def make_plugin(tmp_path, port):
    """make_plugin(body, name): a directory with plugin.yaml, server.py and a workflow that calls it once."""

    def make(body="        self.reply({'node': {'phase': 'Succeeded', 'message': 'ok'}})", name="probe", server=None):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "plugin.yaml").write_text(PLUGIN.format(name=name, port=port))
        (directory / "server.py").write_text(server or SERVER.format(body=body, port=port))
        (directory / "workflow.yaml").write_text(WORKFLOW.format(name=name))
        tmp_path.chmod(0o755)
        return directory

    return make


def without_machine(text):
    """Without the warnings that tell of this machine, or of who looked first: another one has others."""
    return "\n".join(line for line in text.split("\n") if not re.search(r"^warning: plugin \S+: .*(not enforced|listens on all interfaces)", line))


def has(program):
    return shutil.which(program) is not None


def leftovers(port, before=()):
    """Processes of ours that were not there before: somebody else may run workflows on this machine, too."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read()
        except OSError:
            continue
        if b"tiphys-init" in words or (b"HTTPServer" in words and str(port).encode() in words):
            found.append(path)
    return [path for path in found if path not in before]


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
