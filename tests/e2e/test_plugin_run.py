"""tiphys executor-plugin run: one plugin alone, begun anew when its files change."""
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from conftest import TIPHYS, TOP


class Session:
    """The program with its two outputs, whose lines can be awaited."""

    def __init__(self, *args):
        self.process = subprocess.Popen([TIPHYS, "executor-plugin", "run", *map(str, args)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.seen = {"out": [], "err": []}
        self.came = threading.Condition()
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in (("out", self.process.stdout), ("err", self.process.stderr))]
        for reader in self.readers:
            reader.start()

    def read(self, name, stream):
        for line in stream:
            with self.came:
                self.seen[name].append(line.rstrip("\n"))
                self.came.notify_all()

    def wait(self, name, pattern, times=1):
        """The times-th line that matches."""
        def found():
            return [line for line in self.seen[name] if re.search(pattern, line)]
        with self.came:
            assert self.came.wait_for(lambda: len(found()) >= times, 30), (pattern, self.seen)
            return found()[times - 1]

    def call(self):
        command = self.wait("out", "^try")[len("try"):].strip()
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30).stdout

    def end(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        for reader in self.readers:
            reader.join(10)
        return code


@pytest.fixture
def plugin(tmp_path, port):
    """A copy of examples/hello on a free port."""
    directory = tmp_path / "hello"
    shutil.copytree(TOP / "examples" / "hello", directory)
    for name in ("server.py", "plugin.yaml"):
        file = directory / name
        file.write_text(file.read_text().replace("4355", str(port)))
    return directory


@pytest.fixture
def session(plugin):
    session = Session(plugin)
    yield session
    session.end(signal.SIGKILL)


def change(file: pathlib.Path, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_it_prints_address_token_and_a_call_that_works(session, port):
    assert session.wait("out", "^address").split() == ["address", f"http://localhost:{port}"]
    assert re.fullmatch(r"token    [a-z0-9]{32}", session.wait("out", "^token"))
    assert '"Hello template!"' in session.call()
    session.wait("err", r"^hello \| .*POST /api/v1/template.execute")


def test_ctrl_c_stops_it_and_leaves_nothing(session, port):
    session.wait("err", "ready")
    assert session.end() == 130
    assert subprocess.run(["pgrep", "-f", f"{port}"], capture_output=True).returncode == 1


def test_a_changed_server_starts_anew_with_the_same_token(session, plugin):
    assert '"Hello template!"' in session.call()
    change(plugin / "server.py", "Hello template!", "Hello again!")
    session.wait("err", "files changed, starting anew")
    session.wait("err", "plugin hello: ready", times=2)
    assert '"Hello again!"' in session.call()
    assert len([line for line in session.seen["out"] if line.startswith("token")]) == 1


def test_a_broken_definition_leaves_the_running_one_alone(session, plugin):
    session.wait("err", "ready")
    good = (plugin / "plugin.yaml").read_text()
    (plugin / "plugin.yaml").write_text(good + "nonsense: [\n")
    session.wait("err", r"^error: .*plugin\.yaml:\d+:1: yaml")
    session.wait("err", "goes on as it was")
    assert '"Hello template!"' in session.call()
    (plugin / "plugin.yaml").write_text(good)
    session.wait("err", "files changed, starting anew")


def test_a_server_that_dies_is_told_and_a_change_mends_it(plugin):
    good = (plugin / "server.py").read_text()
    (plugin / "server.py").write_text("import sys\nprint('no luck')\nsys.exit(3)\n")
    session = Session(plugin)
    try:
        session.wait("err", r"^hello \| no luck")
        session.wait("err", r"exited 3 \(Error\), restart in 1\.0s")
        (plugin / "server.py").write_text(good)
        assert '"Hello template!"' in session.call()
    finally:
        session.end(signal.SIGKILL)


def test_what_is_no_plugin_is_a_mistake_of_use(tiphys, tmp_path):
    (tmp_path / "a.yaml").write_text("kind: Secret\napiVersion: v1\nmetadata: {name: s}\n")
    got = tiphys("executor-plugin", "run", tmp_path / "a.yaml")
    assert got.code == 2
    assert got.err == (f"error: there is no plugin in {tmp_path}/a.yaml\n  name the directory or file of one plugin, and files "
                       "with the Secrets and ConfigMaps it needs\n")
    assert tiphys("executor-plugin", "run").code == 2


def test_a_plugin_that_cannot_start_ends_with_the_reason(tiphys, plugin):
    change(plugin / "plugin.yaml", "runAsUser: 65534", "runAsUser: 0")
    got = tiphys("executor-plugin", "run", plugin)
    assert got.code in (1, 2)
    assert "runAsNonRoot" in got.err
