"""run --state FILE: a run that is interrupted, in whatever way, goes on where it was with the same command."""
import collections
import http.server
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from conftest import TIPHYS, TOP, leftovers, run_program, wait_until

# Tells the ledger of each call before it answers; {polls} answers are Running.
BODY = """\
        import http.client
        key = self.headers['Idempotency-Key']
        wire = http.client.HTTPConnection('127.0.0.1', {ledger})
        wire.request('POST', '/', json.dumps([self.path, key, args['task']['calls'], args['template']['plugin']]))
        wire.getresponse().read()
        wire.close()
        if args['task']['calls'] < {polls}:
            self.reply({{'node': {{'phase': 'Running'}}, 'requeue': '20ms'}})
        else:
            self.reply({{'node': {{'phase': 'Succeeded', 'outputs': {{'result': key}}}}}})
"""

FAN = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fan-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, template: task, withSequence: {count: "%d"}, arguments: {parameters: [{name: p, value: "a{{item}}"}]}}
    - - {name: b, template: task, withSequence: {count: "%d"}, arguments: {parameters: [{name: p, value: "b{{item}}"}]}}
  - name: task
    inputs: {parameters: [{name: p}]}
    plugin: {probe: {text: "{{inputs.parameters.p}}"}}
"""


class Ledger:
    """What the plugin was asked, told by itself from within its sandbox."""

    def __init__(self):
        self.calls = []
        calls = self.calls

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def ledger():
    it = Ledger()
    yield it
    it.server.shutdown()
    it.server.server_close()


@pytest.fixture
def place(make_plugin, ledger, tmp_path):
    """place(polls, n): the arguments of a run of 2 n tasks that has its state in a file."""

    def make(polls, n):
        directory = make_plugin(BODY.format(ledger=ledger.port, polls=polls))
        (directory / "workflow.yaml").write_text(FAN % (n, n))
        return ["run", directory, "--state", tmp_path / "state.db"]

    return make


def begin(arguments, **more):
    return subprocess.Popen([TIPHYS, *map(str, arguments)], cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


def check_end(result, ledger, n):
    """All is there, and each task was known by one key, whoever asked how often."""
    assert result.code == 0, result.err
    workflow = result.json
    assert workflow["status"]["phase"] == "Succeeded"
    leaves = {i: node for i, node in workflow["status"]["nodes"].items() if node["type"] == "Plugin"}
    assert len(leaves) == 2 * n
    keys = {f"{workflow['metadata']['uid']}/{i}/0" for i in leaves}
    assert {key for _, key, _, _ in ledger.calls} == keys
    assert {node["outputs"]["result"] for node in leaves.values()} == keys
    texts = collections.defaultdict(set)
    for _, key, _, plugin in ledger.calls:
        texts[key].add(json.dumps(plugin))
    assert all(len(text) == 1 for text in texts.values())


def test_a_run_with_state_ends_as_one_without(place, ledger, tmp_path):
    arguments = place(1, 3)
    result = run_program(*arguments, "-o", "json")
    check_end(result, ledger, 3)
    assert len(ledger.calls) == 12
    assert run_program("db", "check", tmp_path / "state.db").out == f"{tmp_path / 'state.db'}: ok\n"


def test_after_its_end_the_same_command_begins_anew(place, ledger):
    arguments = place(0, 1)
    first = run_program(*arguments, "-o", "json").json
    second = run_program(*arguments, "-o", "json").json
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert len(ledger.calls) == 4


def rounds():
    return int(os.environ.get("TIPHYS_RUN_KILLS", "12"))


def test_killed_at_any_moment_it_goes_on(place, ledger, port, tmp_path):
    before = leftovers(port)
    n = 60
    arguments = place(2, n)
    seed = int(os.environ.get("TIPHYS_RUN_SEED", "1"))
    chance = random.Random(seed)
    kills = 0
    names = set()
    for _ in range(rounds()):
        process = begin([*arguments, "-o", "name"], process_group=0)
        try:
            process.wait(timeout=chance.uniform(0.02, 0.6))
        except subprocess.TimeoutExpired:
            kills += 1
        process.kill()
        out, err = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), err
        if process.returncode == 0:
            names.add(out)
            break
        wait_until(lambda: not leftovers(port, before))
    asked = len(ledger.calls)
    if not names:
        result = run_program(*arguments, "-o", "json")
        check_end(result, ledger, n)
    assert kills > 0 and asked > 0
    # What was durable is not asked for again: a kill costs what was in flight, and what was not written yet.
    counted = collections.Counter((key, calls) for _, key, calls, _ in ledger.calls)
    # A kill between the last write and the exit leaves a run that is over, and the same command begins another: also whole.
    whole = collections.Counter(key.split("/")[0] for key, _ in counted)
    assert set(whole.values()) == {2 * n * 3} and len(whole) in (1, 2)
    assert sum(counted.values()) <= len(whole) * 2 * n * 3 + kills * 2 * 64
    assert run_program("db", "check", tmp_path / "state.db").code == 0
    wait_until(lambda: not leftovers(port, before))


def test_what_is_waited_for_is_waited_for_after_a_restart(make_plugin, ledger, tmp_path):
    """The rest of a requeue's time, not all of it, and not none."""
    body = BODY.format(ledger=ledger.port, polls=1).replace("20ms", "4s")
    directory = make_plugin(body)
    arguments = ["run", directory, "--state", tmp_path / "state.db"]
    process = begin(arguments)
    wait_until(lambda: len(ledger.calls) == 1)
    asked = time.monotonic()
    time.sleep(1)  # for a time to pass there is no event; long enough for its answer to be written
    process.kill()
    process.communicate()
    result = run_program(*arguments, "-o", "json")
    took = time.monotonic() - asked
    assert result.code == 0 and [calls for _, _, calls, _ in ledger.calls] == [0, 1]
    assert len({key for _, key, _, _ in ledger.calls}) == 1
    assert took > 3.5


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_it_for_later(make_plugin, ledger, tmp_path, times):
    directory = make_plugin(BODY.format(ledger=ledger.port, polls=1).replace("20ms", "2s"))
    arguments = ["run", directory, "--state", tmp_path / "state.db"]
    process = begin(arguments)
    wait_until(lambda: len(ledger.calls) == 1)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "the same command goes on from here" in err
    result = run_program(*arguments, "-o", "json")
    assert result.code == 0 and result.json["status"]["phase"] == "Succeeded"
    assert "going on with a workflow that was interrupted" in result.err
    # Its answer may not have been written when we left: then it is asked once more, as the same.
    assert [calls for _, _, calls, _ in ledger.calls] in ([0, 1], [0, 0, 1])
    assert len({key for _, key, _, _ in ledger.calls}) == 1


def test_one_name_is_not_two_runs(make_plugin, ledger, tmp_path):
    directory = make_plugin(BODY.format(ledger=ledger.port, polls=1).replace("20ms", "1h"))
    state = tmp_path / "state.db"
    process = begin(["run", directory, "--state", state, "--name", "w"])
    wait_until(lambda: len(ledger.calls) == 1)
    busy = run_program("run", directory, "--state", state, "--name", "w")
    assert busy.code != 0 and "state.db" in busy.err
    process.kill()
    process.communicate()
    other = run_program("run", directory, "--state", state, "--name", "w", "-p", "x=1")
    assert other.code != 0 and 'another run of "w" is under way in it' in other.err


def test_timeout_ends_it_for_good(make_plugin, ledger, tmp_path):
    directory = make_plugin(BODY.format(ledger=ledger.port, polls=1).replace("20ms", "1h"))
    result = run_program("run", directory, "--state", tmp_path / "state.db", "--timeout", "1s", "-o", "json")
    assert result.code == 1 and result.json["status"]["message"] == "Stopped with strategy 'Terminate'"


def test_a_state_file_that_is_none_is_refused(make_plugin, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("hello\n")
    result = run_program("run", make_plugin(), "--state", other)
    assert result.code != 0 and str(other) in result.err and other.read_text() == "hello\n"


FULL_DISK = """\
set -e
mount -t tmpfs -o size=12m,mode=755 disk "$1"
dd if=/dev/zero of="$1/ballast" bs=1k count=11800 2>/dev/null
shift_dir=$1; log=$2; shift 2
"$@" --state "$shift_dir/state.db" -o json 2>"$log" &
pid=$!
while kill -0 $pid 2>/dev/null && ! grep -q 'no room left on the disk' "$log"; do sleep 0.05; done
rm "$shift_dir/ballast"
wait $pid
"""


def test_a_full_disk_is_told_of_and_waited_for(make_plugin, ledger, tmp_path):
    if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0:
        pytest.skip("nobody here may mount a small disk")
    n = 150
    directory = make_plugin(BODY.format(ledger=ledger.port, polls=0))
    (directory / "workflow.yaml").write_text(FAN % (n, n))
    disk = tmp_path / "disk"
    disk.mkdir()
    log = tmp_path / "log"
    log.touch()
    done = subprocess.run(["unshare", "--mount", "sh", "-c", FULL_DISK, "sh", disk, log, TIPHYS, "run", directory], cwd=TOP,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + log.read_text()
    assert json.loads(done.stdout)["status"]["phase"] == "Succeeded"
    assert "there is no room left on the disk" in log.read_text()
    assert len({key for _, key, _, _ in ledger.calls}) == 2 * n
