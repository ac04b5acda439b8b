"""What `run` promises beside the examples: inputs, outputs, exit codes, signals, nothing left behind."""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest
from conftest import TIPHYS, TOP, WORKFLOW, leftovers, wait_until


def test_a_workflow_from_standard_input(tiphys, example):
    result = tiphys("run", "-", "--plugin", example("hello"), "-o", "name", stdin=WORKFLOW.format(name="hello"))
    assert result.code == 0
    assert result.out.startswith("workflow.argoproj.io/hello-")


def test_a_workflow_of_the_plugins_own_directory_is_one_workflow(tiphys, example):
    directory = example("hello")
    workflow = directory / "hello.yaml"
    workflow.write_text(workflow.read_text().replace("generateName: hello-", "name: hello"))
    result = tiphys("run", workflow, "--plugin", directory, "-o", "name")
    assert (result.code, result.out) == (0, "workflow.argoproj.io/hello\n"), result.err


def test_a_configmap_is_a_plugin(tiphys, tmp_path, example):
    for name in ("plugin.yaml", "server.py"):
        shutil.copy(example("hello") / name, tmp_path / name)
    assert tiphys("executor-plugin", "build", ".", cwd=tmp_path).code == 0
    result = tiphys("run", example("hello") / "hello.yaml", tmp_path / "hello-executor-plugin-configmap.yaml")
    assert result.code == 0, result.err + result.out


def test_the_configmap_beside_its_plugin_yaml_is_one_plugin(tiphys, tmp_path, example):
    for name in ("plugin.yaml", "server.py", "hello.yaml"):
        shutil.copy(example("hello") / name, tmp_path / name)
    assert tiphys("executor-plugin", "build", ".", cwd=tmp_path).code == 0
    assert tiphys("run", tmp_path).code == 0


def test_several_workflows_run_side_by_side_and_the_worst_code_wins(tiphys, example):
    result = tiphys("run", example("hello"), example("failing"), "-o", "json")
    assert result.code == 1
    assert result.json["kind"] == "List"
    assert sorted(w["status"]["phase"] for w in result.json["items"]) == ["Failed", "Succeeded"]


def test_workflow_level_plugins(tiphys, tmp_path, example, port):
    import json
    plugin = json.loads(tiphys("executor-plugin", "list", example("hello"), "-o", "json").out)[0]
    assert plugin["key"] == "hello" and plugin["ports"] == [port]
    server = (example("hello") / "server.py").read_text()
    workflow = {
        "kind": "Workflow", "metadata": {"generateName": "own-"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "plugin": {"hello": {}}}], "executorPlugins": [{
            "metadata": {"name": "hello"},
            "spec": {"sidecar": {"container": {
                "name": "hello", "image": "python:3", "command": ["python", "-c"], "args": [server],
                "ports": [{"containerPort": port}], "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}},
                "securityContext": {"runAsUser": 1000}}}}}]}}
    path = tmp_path / "wf.json"
    path.write_text(json.dumps(workflow))
    result = tiphys("run", path)
    assert result.code == 0, result.err + result.out


def test_network_none_reaches_the_plugin_in_its_own_namespace(tiphys, make_plugin):
    result = tiphys("run", make_plugin(), "--network", "none", "-o", "json")
    assert result.code == 0, result.err


def test_timeout_terminates_with_exit_1(tiphys, make_plugin):
    directory = make_plugin("        self.reply({'node': {'phase': 'Running'}, 'requeue': '1h'})")
    result = tiphys("run", directory, "--timeout", "1s", "-o", "json")
    assert result.code == 1
    assert result.json["status"]["message"] == "Stopped with strategy 'Terminate'"


def test_logs_are_shown_with_a_prefix(tiphys, make_plugin):
    directory = make_plugin("        print('working hard', flush=True)\n        self.reply({'node': {'phase': 'Succeeded'}})")
    result = tiphys("run", directory, "--log")
    assert "probe | working hard" in result.err


def test_logs_dir_keeps_time_stamped_lines(tiphys, make_plugin, tmp_path):
    directory = make_plugin("        print('kept', flush=True)\n        self.reply({'node': {'phase': 'Succeeded'}})")
    tiphys("run", directory, "--logs-dir", tmp_path / "logs")
    (log,) = (tmp_path / "logs").iterdir()
    assert " stdout F kept\n" in log.read_text()


def test_the_token_is_nowhere_but_in_its_file(tiphys, make_plugin):
    directory = make_plugin(
        "        token = open('/var/run/argo/token').read()\n"
        "        assert len(token) == 32 and self.headers['Authorization'] == 'Bearer ' + token\n"
        "        everything = open('/proc/self/environ').read() + open('/proc/self/cmdline').read()\n"
        "        phase = 'Failed' if token in everything else 'Succeeded'\n"
        "        self.reply({'node': {'phase': phase, 'message': ' '.join(os.listdir('/var/run/argo'))}})")
    result = tiphys("run", directory, "-o", "json")
    node = next(iter(result.json["status"]["nodes"].values()))
    assert (node["phase"], node["message"]) == ("Succeeded", "token")


def holders_of(text):
    """Processes with the text in arguments or environment."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                found += [path] if text.encode() in f.read() else []
        except OSError:
            continue  # gone, or not ours to read
    return found


@pytest.mark.parametrize("answer, shown", [
    ("self.reply({'node': {'phase': 'Succeeded', 'message': 'ok'}})", False),
    ("self.reply({'message': 'no'}, 403)", False),
    ("self.reply({'message': 'no'}, 500)", False),
    ("raise ValueError('break off')", False),
    ("os._exit(3)  # break off", False),
    # The control: in two halves, which nobody takes for the token, it is in the logs and found.
    ("print(f'{token[:16]}-{token[16:]}', flush=True); self.reply({'node': {'phase': 'Succeeded'}})", True),
])
def test_no_token_is_in_arguments_environments_outputs_logs_and_errors(make_plugin, tmp_path, answer, shown):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        directory = make_plugin(
            "        import socket\n"
            "        token = open('/var/run/argo/token').read()\n"
            f"        with socket.create_connection(('127.0.0.1', {listener.getsockname()[1]})) as tell:\n"
            "            tell.sendall(token.encode())\n"
            "            tell.recv(1)\n"
            f"        {answer}\n")
        listener.settimeout(60)
        process = subprocess.Popen([TIPHYS, "run", directory, "--log", "--logs-dir", tmp_path / "logs", "-o", "json",
                                    "--timeout", "3s" if "break" in answer else "60s"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        teller, _ = listener.accept()
        with teller:
            token = teller.recv(32, socket.MSG_WAITALL).decode()
            holders = holders_of(token)  # while all are there and the call is under way
        listener.close()  # a second try of the call is refused, which is one more error
        out, err = process.communicate(timeout=120)
    logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert (len(token), holders) == (32, [])
    halves = f"{token[:16]}-{token[16:]}"
    assert (token in out, token in err, token in logs) == (False, False, False)
    assert (halves in err, halves in logs) == (shown, shown)


def test_the_holder_of_a_text_is_found():
    with subprocess.Popen(["sleep", "60"], env={"CANARY": "canary-in-the-environment"}) as child:
        wait_until(lambda: holders_of("canary-in-the-environment") == [f"/proc/{child.pid}/environ"])
        child.kill()


def test_a_token_that_a_plugin_echoes_is_neither_shown_nor_kept(tiphys, make_plugin, tmp_path):
    directory = make_plugin(
        "        said = self.headers['Authorization']\n        print('heard', said, said, 'end', flush=True)\n"
        "        fail = args['template']['name'] == 'two'\n"
        "        if fail: self.reply({'got': said}, 400)\n"
        "        else: self.reply({'node': {'phase': 'Succeeded', 'message': 'got ' + said, 'outputs': {'result': said,\n"
        "            'parameters': [{'name': said[7:], 'value': said[7:]}]}}})")
    many_calls(directory, 1)
    workflow = directory / "workflow.yaml"
    workflow.write_text(workflow.read_text().replace("    - name: main", "    - name: two\n      plugin: {probe: {}}\n    - name: main") +
                        "        - - {name: t, template: two}\n")
    logs = tmp_path / "logs"
    result = tiphys("run", directory, "--log", "--logs-dir", logs, "-o", "json")
    nodes = {n["displayName"]: n for n in result.json["status"]["nodes"].values()}
    assert nodes["s0"]["message"] == "got Bearer ***"
    assert nodes["s0"]["outputs"] == {"result": "Bearer ***", "parameters": [{"name": "***", "value": "***"}]}
    assert nodes["t"]["message"] == '400 Bad Request: {"got": "Bearer ***"}'
    assert "probe | heard Bearer *** Bearer *** end\n" in result.err
    (kept,) = logs.iterdir()
    assert kept.read_text().count(" F heard Bearer *** Bearer *** end\n") == 2


def many_calls(directory, n):
    steps = "".join(f"          - {{name: s{i}, template: one}}\n" for i in range(n)).replace("          -", "        - -", 1)
    (directory / "workflow.yaml").write_text(
        "kind: Workflow\nmetadata: {generateName: many-}\nspec:\n  entrypoint: main\n  templates:\n"
        "    - name: one\n      plugin: {probe: {}}\n    - name: main\n      steps:\n" + steps)
    return directory


def test_a_hundred_calls_to_a_single_threaded_server_all_succeed(tiphys, make_plugin):
    directory = make_plugin("        time.sleep(0.005)\n        self.reply({'node': {'phase': 'Succeeded'}})")
    result = tiphys("run", many_calls(directory, 100), "-o", "json")
    assert result.code == 0, result.out[-2000:]
    assert result.json["status"]["progress"] == "100/100"


def test_a_threaded_server_that_closes_its_connections_gets_its_calls_at_once(tiphys, make_plugin):
    """After the first, which shows that it listens, 40 calls answer only when all of them are there."""
    directory = make_plugin("        if next(calls): together.wait()\n        self.reply({'node': {'phase': 'Succeeded'}})")
    server = directory / "server.py"
    text = server.read_text().replace("HTTPServer", "ThreadingHTTPServer")
    server.write_text("import itertools, threading\ncalls = itertools.count()\ntogether = threading.Barrier(40)\n" + text)
    result = tiphys("run", many_calls(directory, 41), "-o", "json")
    assert result.code == 0, result.out[-2000:]


def test_the_time_of_a_call_does_not_run_while_a_single_threaded_server_has_another(tiphys, make_plugin):
    """Each call needs more than half of the time that it has: a second one that waited for the first would be too late.
    None is repeated: the server counts."""
    directory = make_plugin("        time.sleep(2)\n        self.reply({'node': {'phase': 'Succeeded', 'message': str(next(calls))}})")
    server = directory / "server.py"
    server.write_text("import itertools\ncalls = itertools.count()\n" + server.read_text())
    plugin = directory / "plugin.yaml"
    plugin.write_text(plugin.read_text().replace("metadata:\n", "metadata:\n  annotations: {tiphys/call-timeout: 3500ms}\n"))
    result = tiphys("run", many_calls(directory, 4), "-o", "json")
    assert result.code == 0, result.out[-2000:]
    nodes = result.json["status"]["nodes"].values()
    assert sorted(n["message"] for n in nodes if n["type"] == "Plugin") == ["0", "1", "2", "3"]


def start(directory, *args):
    process = subprocess.Popen([TIPHYS, "run", str(directory), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = ""
    while " Running " not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    return process


ENDLESS = "        self.reply({'node': {'phase': 'Running', 'message': 'working'}, 'requeue': '1h'})"


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_stops_and_cleans_up(make_plugin, port, number, code):
    before = leftovers(port)
    process = start(make_plugin(ENDLESS))
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Stopped with strategy 'Stop'" in out
    wait_until(lambda: not leftovers(port, before))


def test_cancel_is_posted_when_a_run_is_stopped(make_plugin):
    directory = make_plugin("        print(self.path, flush=True)\n" + ENDLESS)
    process = start(directory, "--log")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert "probe | /api/v1/template.cancel" in err


def test_cancel_is_posted_when_the_time_of_a_run_is_over(tiphys, make_plugin):
    directory = make_plugin("        print(self.path, flush=True)\n" + ENDLESS)
    result = tiphys("run", directory, "--log", "--timeout", "2s")
    assert result.code == 1
    assert "probe | /api/v1/template.cancel" in result.err


@pytest.mark.parametrize("where", ["activeDeadlineSeconds: 3", "templates: [{name: main, timeout: 3s, plugin: {probe: {}}}]"])
def test_cancel_is_posted_when_a_deadline_of_the_workflow_passes(tiphys, make_plugin, where):
    directory = make_plugin("        print(self.path, args['task'].get('deadline', 'none'), flush=True)\n" + ENDLESS)
    workflow = {"activeDeadlineSeconds: 3": "entrypoint: main\n  activeDeadlineSeconds: 3\n"
                "  templates: [{name: main, plugin: {probe: {}}}]"}.get(where, "entrypoint: main\n  " + where)
    (directory / "workflow.yaml").write_text(f"kind: Workflow\nmetadata: {{generateName: late-}}\nspec:\n  {workflow}\n")
    result = tiphys("run", directory, "--log", timeout=30)
    assert result.code == 1
    lines = [line for line in result.err.splitlines() if "probe | /api" in line]
    assert "/api/v1/template.execute" in lines[0] and "none" not in lines[0]
    assert "/api/v1/template.cancel" in lines[-1], result.err


def test_a_call_under_way_is_cancelled_too(make_plugin):
    """The server is busy with the call that is dropped: a thread for each connection lets it hear of the cancel."""
    directory = make_plugin("        print(self.path, flush=True)\n"
                            "        time.sleep(600 if 'execute' in self.path else 0)\n        self.reply({})")
    text = (directory / "server.py").read_text().replace("HTTPServer(", "ThreadingHTTPServer(").replace(
        "import BaseHTTPRequestHandler, HTTPServer", "import BaseHTTPRequestHandler, ThreadingHTTPServer")
    (directory / "server.py").write_text(text)
    process = subprocess.Popen([TIPHYS, "run", str(directory), "--log"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    while "template.execute" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "probe | /api/v1/template.cancel" in err


def test_kill_9_leaves_no_process_and_no_control_group(make_plugin, port):
    before = leftovers(port)
    process = start(make_plugin(ENDLESS))
    groups = glob.glob(f"/sys/fs/cgroup/*/tiphys-{process.pid}*") + glob.glob(f"/sys/fs/cgroup/tiphys-{process.pid}*")
    process.kill()
    process.wait()
    wait_until(lambda: not leftovers(port, before))
    wait_until(lambda: not any(os.path.exists(g) for g in groups))


def test_argo_is_the_same_program_by_another_name(tmp_path):
    link = tmp_path / "argo"
    link.symlink_to(os.path.abspath(TIPHYS))
    done = subprocess.run([str(link), "executor-plugin", "build"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "Error: accepts 1 arg(s), received 0\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(tiphys, shell):
    result = tiphys("completion", shell)
    assert result.code == 0 and "executor-plugin" in result.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=result.out, text=True, check=True)


VERBS = {"run", "server", "submit", "watch", "logs", "get", "list", "delete", "plugin", "token", "lint", "executor-plugin", "doctor", "db", "version", "completion"}


@pytest.mark.parametrize("line, offered", [
    ([""], VERBS | {"help", "--help", "--version"}),
    (["l"], {"lint", "list", "logs"}),
    (["help", ""], VERBS),
    (["executor-plugin", ""], {"build", "list", "run"}),
    (["executor-plugin", "build", "--"], {"--force", "--help"}),
    (["executor-plugin", "list", "-o", ""], {"wide", "json", "yaml", "name"}),
    (["run", "--netw"], {"--network"}),
    (["run", "--output", ""], {"wide", "json", "yaml", "name"}),
    (["run", "-o", "j"], {"json"}),
    (["run", "--network", "=", "n"], {"none"}),
    (["run", "--network", "="], {"host", "none", "isolated"}),
    (["run", "--name", ""], set()),
    (["run", "a f"], {"a file.yaml"}),
    (["run", "-q", "--plugin", "a"], {"a file.yaml"}),
    (["run", "--name", "x", "a"], {"a file.yaml"}),
    (["version", "a"], set()),
    (["completion", ""], {"bash", "zsh", "fish", "--help"}),
])
def test_what_bash_offers(tiphys, tmp_path, line, offered):
    (tmp_path / "a file.yaml").write_text("")
    script = tiphys("completion", "bash").out + (
        "COMP_WORDS=(tiphys \"$@\"); COMP_CWORD=$#; _tiphys\n"
        "for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done\n")
    done = subprocess.run(["bash", "-c", script, "bash", *line], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == "" and sorted(done.stdout.splitlines()) == sorted(offered)


def test_fish_gets_whole_quoted_words(tiphys):
    """In the help of some options stands an apostrophe."""
    lines = tiphys("completion", "fish").out.splitlines()
    bare = [re.sub(r"'(?:[^'\\]|\\.)*'", "TEXT", line) for line in lines]
    assert [line for line in bare if "'" in line] == []
    assert any("plugin\\'s name" in line for line in lines)
    assert len([line for line in bare if "-n __fish_use_subcommand -a executor-plugin " in line]) == 1
    assert any("-l output -s o -x -a 'wide json yaml name'" in line for line in lines)


def test_called_argo_the_examples_are_of_argo(tmp_path):
    link = tmp_path / "argo"
    link.symlink_to(os.path.abspath(TIPHYS))
    for words in (["run"], ["executor-plugin", "build"], ["doctor"], ["completion"]):
        text = subprocess.run([str(link), *words, "--help"], capture_output=True, text=True, check=True).stdout
        examples = text.split("Examples:\n")[1]
        assert f"  argo {words[0]}" in examples and "tiphys" not in examples


def test_a_machine_without_names_in_etc_names_its_sidecars_all_the_same(make_plugin, tmp_path):
    """A minimal system has no /etc/hosts that ours could cover; what else is in /etc is there, and nothing may change."""
    directory = make_plugin(
        "        import socket\n"
        "        try:\n            open('/etc/hosts', 'a'); wrote = 'writable'\n"
        "        except OSError as e:\n            wrote = e.strerror\n"
        "        name = socket.gethostname()\n"
        "        found = [socket.gethostbyname(name), os.path.exists('/etc/passwd'), wrote]\n"
        "        self.reply({'node': {'phase': 'Succeeded', 'message': str(found)}})\n")
    (directory / "workflow.yaml").write_text(WORKFLOW.format(name="probe"))
    script = (f"set -e; mount -t tmpfs none {tmp_path}/mnt; mkdir {tmp_path}/mnt/up {tmp_path}/mnt/work\n"
              f"mount -t overlay none -o lowerdir=/etc,upperdir={tmp_path}/mnt/up,workdir={tmp_path}/mnt/work /etc\n"
              f"rm -f /etc/hosts /etc/hostname; exec {TIPHYS} run {directory} -o json --network none")
    (tmp_path / "mnt").mkdir()
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], capture_output=True, text=True)
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip("mounts over /etc need root: " + done.stderr.strip().splitlines()[0])
    assert done.returncode == 0, done.stderr
    assert "['127.0.0.1', True, 'Permission denied']" in done.stdout or \
        "['127.0.0.1', True, 'Read-only file system']" in done.stdout


def run_without_userns(script, *args):
    """`run` of an ordinary user who may make no user namespaces."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become an ordinary user")
    become = ("exec setpriv --reuid=65533 --regid=65533 --clear-groups unshare --user --map-user=65533 --map-group=65533 --keep-caps "
              f"sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec {TIPHYS} run {' '.join(args)}'")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script + become], capture_output=True, text=True, timeout=120, cwd=TOP,
                          env={**os.environ, "HOME": "/nonexistent"})
    if "unshare" in done.stderr or "sh: " in done.stderr:
        pytest.skip("this machine cannot be made so: " + done.stderr.strip())
    return done


def test_without_user_namespaces_a_plugin_is_refused_and_unsafe_plain_runs_it_with_a_warning():
    refused = run_without_userns("", "examples/hello")
    assert refused.returncode == 1
    assert "cannot give plugin its own /var/run/argo/token: make namespaces (clone3)" in refused.stderr
    assert "for development only, --unsafe-plain starts plugins without a sandbox" in refused.stderr
    link = "mount -t tmpfs none /run && mkdir /run/argo && ln -s /proc/self/fd/9 /run/argo/token && "
    plain = run_without_userns(link, "examples/hello", "--unsafe-plain")
    assert plain.returncode == 0, plain.stdout + plain.stderr
    assert "Hello template!" in plain.stdout
    assert plain.stderr.count("warning: plugin hello: no sandbox (--unsafe-plain, for development only)") == 1
    assert "let it bind 127.0.0.1\n" in plain.stderr  # --network none, which cannot be had, is not offered
    assert "token" not in plain.stderr


def test_a_user_with_subordinate_ids_calls_a_plugin_that_has_one_of_them(make_plugin, tmp_path):
    if os.geteuid() != 0 or not shutil.which("newuidmap"):
        pytest.skip("needs root, to give a user subordinate ids, and newuidmap")
    directory = make_plugin("        ids = open('/proc/self/uid_map').read().split()\n"
                            "        self.reply({'node': {'phase': 'Succeeded', 'message': 'mine is ' + ids[4]}})\n")
    (directory / "workflow.yaml").write_text(WORKFLOW.format(name="probe"))
    first = 45_000_000 + os.getpid() % 20000 * 3  # of this run alone
    (tmp_path / "subid").write_text(f"ordinary:{first}:3\n")
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\nordinary:x:65533:65533::/nonexistent:/bin/sh\n")
    with tempfile.TemporaryDirectory() as place:  # which others may read, too
        os.chmod(place, 0o755)
        shutil.copytree(directory, place, dirs_exist_ok=True, copy_function=shutil.copyfile)
        os.chmod(place, 0o755)
        script = (f"mount --bind {tmp_path}/passwd /etc/passwd && mount --bind {tmp_path}/subid /etc/subuid && "
                  f"mount --bind {tmp_path}/subid /etc/subgid && exec setpriv --reuid=65533 --regid=65533 --clear-groups {TIPHYS} run {place}")
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], capture_output=True, text=True,
                              timeout=120, env={**os.environ, "HOME": "/nonexistent"})
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip("mounts over /etc cannot be made: " + done.stderr.strip().splitlines()[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"mine is {first + 1}" in done.stdout, done.stdout  # else his own


def test_unsafe_plain_calls_the_plugin_of_a_user_without_any_capability(make_plugin):
    directory = make_plugin("        self.reply({'node': {'phase': 'Succeeded', 'message': f'called as {__import__(\"os\").getuid()}'}})\n")
    (directory / "workflow.yaml").write_text(WORKFLOW.format(name="probe"))
    with tempfile.TemporaryDirectory() as place:  # which others may read, too
        shutil.copytree(directory, place, dirs_exist_ok=True, copy_function=shutil.copyfile)
        os.chmod(place, 0o755)
        root = os.geteuid() == 0
        become = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"] if root else []
        done = subprocess.run([*become, TIPHYS, "run", place, "--unsafe-plain"], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "HOME": "/nonexistent"})
    if root and "setpriv:" in done.stderr:
        pytest.skip("root cannot become an ordinary user here: " + done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"called as {65533 if root else os.getuid()}" in done.stdout


def test_unsafe_plain_is_not_for_root_nor_for_a_network_of_its_own(tiphys):
    if os.geteuid() == 0:
        result = tiphys("run", "examples/hello", "--unsafe-plain")
        assert (result.code, result.out) == (2, "")
        assert "--unsafe-plain: as root a plugin without a sandbox would be root" in result.err
    result = tiphys("run", "examples/hello", "--unsafe-plain", "--network", "none")
    assert result.code == 2
    assert "--unsafe-plain has the host's network only, so not --network none" in result.err
