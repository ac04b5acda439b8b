"""Commands that a person copies: the examples of every verb's help, README's, those of docs, the benchmarks."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import PLUGIN, SERVER, TIPHYS, TOP, WORKFLOW, run_program, without_machine
from served import ARGO, Served
from terminal import Terminal

BUILD = pathlib.Path(TIPHYS).resolve().parent


def verbs():
    lines = run_program("--help").out.split("\nCommands:\n")[1].split("\n\n")[0].splitlines()
    return [m.group(1).strip() for line in lines if (m := re.match(r"  ([a-z][a-z-]*(?: [a-z]+)?)  +\S", line))]


def examples_of(verb):
    out = run_program(*verb.split(), "--help").out
    assert "\nExamples:\n" in out, f"{verb} has no example"
    return [line.strip() for line in out.split("\nExamples:\n")[1].split("\n\n")[0].splitlines() if line.strip()]


@pytest.fixture
def place(tmp_path, port):
    """A directory with all that examples name, and a PATH with tiphys and a kubectl that says yes."""
    shutil.copytree(TOP / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("server"))
    for path in (tmp_path / "examples" / "hello").iterdir():
        path.write_text(path.read_text().replace("4355", str(port)))
    plugin = tmp_path / "my-plugin"
    plugin.mkdir()
    (plugin / "plugin.yaml").write_text(PLUGIN.format(name="my", port=port))
    (plugin / "server.py").write_text(SERVER.format(port=port, body="        self.reply({'node': {'phase': 'Succeeded'}})"))
    (tmp_path / "workflow.yaml").write_text(WORKFLOW.format(name="my"))
    (tmp_path / "secret.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(WORKFLOW.format(name="my"))
    assert run_program("executor-plugin", "build", plugin).code == 0
    built = plugin / "my-executor-plugin-configmap.yaml"
    shutil.copy(built, tmp_path)
    built.rename(tmp_path / "plugins.yaml")
    state = tmp_path / ".local" / "state" / "tiphys"
    state.mkdir(parents=True)
    (state / "tokens").write_text("ci sha256:" + 64 * "a" + " edit@argo\n")
    (state / "kubeconfig").write_text("clusters: [{name: a, cluster: {server: 'https://x'}}]\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "tiphys").symlink_to(TIPHYS)
    (programs / "kubectl").write_text("#!/bin/sh\nexit 0\n")
    (programs / "kubectl").chmod(0o755)
    (tmp_path / "store.yaml").write_text(WORKFLOW.format(name="my"))
    assert run_program("run", tmp_path / "store.yaml", "--plugin", plugin, "--state", tmp_path / "state.db").code == 0
    for name in (".local/share/bash-completion/completions", ".config/fish/completions"):
        (tmp_path / name).mkdir(parents=True)
    tmp_path.chmod(0o755)
    return tmp_path


def surroundings(place):
    return {**os.environ, "XDG_STATE_HOME": f"{place}/.local/state", "PATH": f"{place}/programs:{os.environ['PATH']}", "HOME": str(place)}


def runs(place, command):
    done = subprocess.run(["sh", "-c", command], cwd=place, env=surroundings(place), capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}\n{done.stderr}{done.stdout}"
    return done


def serves_until_it_is_stopped(place, command, port):
    """On a port that is free, with the certificate that it names."""
    command = re.sub(r":80(80|00)|:8443", f":{port}", command)
    command += "" if "--listen" in command else f" --listen 127.0.0.1:{port}"
    if "cert.pem" in command:
        openssl = shutil.which("openssl")
        if not openssl:
            pytest.skip("no openssl here")
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=x", "-keyout", place / "key.pem", "-out", place / "cert.pem"], check=True, capture_output=True)
    state = {"XDG_STATE_HOME": str(place / "state")}
    process = subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=place, env={**surroundings(place), **state},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith("serving http"), process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()


def runs_until_it_is_stopped(place, command):
    process = subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=place, env=surroundings(place), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        seen = ""
        while "ready" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
    finally:
        process.kill()


REMOTE = ("submit", "watch", "logs", "get", "list", "delete", "plugin add", "plugin list", "plugin remove")


def run_against_a_server(place, commands, port):
    """One that has what the examples name: the plugin my, a template nightly, a workflow that is over."""
    home = place / "served"
    home.mkdir()
    served = Served(home, port)
    try:
        assert served.run("plugin", "add", place / "my-plugin").code == 0
        assert served.ask("POST", ARGO + "workflowtemplates", {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {"name": "nightly"},
            "spec": {"entrypoint": "m", "templates": [{"name": "m", "plugin": {"my": {}}}]}})[0] == 201
        assert served.run("submit", place / "workflow.yaml", "--wait").code == 0
        for command in commands:
            done = subprocess.run(["sh", "-c", command], cwd=place, env={**served.environment, "PATH": f"{place}/programs:{os.environ['PATH']}"},
                                  capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            assert done.returncode == 0 and "error" not in done.stderr, f"{command}\n{done.stderr}{done.stdout}"
    finally:
        served.stop()


def test_the_help_lists_the_verbs():
    assert {"run", "lint", "executor-plugin build", "executor-plugin run", "doctor", "version", "completion"} <= set(verbs())


@pytest.mark.parametrize("verb", verbs())
def test_the_examples_of_a_verb_run(place, verb, port):
    if verb in REMOTE:
        run_against_a_server(place, [re.split(r"   +", command)[0] for command in examples_of(verb)], port + 1)
        return
    for command in examples_of(verb):
        command = re.split(r"   +", command)[0]
        if command.startswith("tiphys server"):
            serves_until_it_is_stopped(place, command, port)
        elif command.startswith("tiphys executor-plugin run"):
            runs_until_it_is_stopped(place, command)
        elif command == "tiphys doctor" or command.startswith("tiphys doctor "):
            done = subprocess.run(["sh", "-c", command], cwd=place, env=surroundings(place), timeout=60, capture_output=True)
            assert done.returncode in (0, 1) and done.stdout and not done.stderr, command
        else:
            runs(place, command)


def indented(path, pattern):
    return [re.split(r"  +", line.strip())[0] for line in (TOP / path).read_text().splitlines() if re.match(pattern, line)]


def test_the_commands_of_the_plugin_documentation_run(place):
    commands = indented("docs/plugins.md", r"    tiphys ")
    assert len(commands) >= 5
    shutil.copy(place / "workflow.yaml", place / "my-plugin")
    for command in commands:
        if "executor-plugin run" in command:
            runs_until_it_is_stopped(place / "my-plugin", command.replace("tiphys", str(TIPHYS), 1))
        else:
            runs(place / "my-plugin", command.replace("tiphys", str(TIPHYS), 1))


def test_the_commands_of_readme_run(place):
    commands = re.findall(r"`build/tiphys ([^`]+)`", (TOP / "README.md").read_text())
    assert commands
    for command in commands:
        result = run_program(*command.split(), cwd=place)
        assert result.code in (0, 1) and "error:" not in result.err, command


def test_readme_shows_what_is_seen(example, port):
    text = (TOP / "README.md").read_text()
    block = re.search(r"What you see:\n\n((?:    .*\n|\n)+)", text).group(1)
    shown = "\n".join(line[4:] for line in block.rstrip().splitlines())
    terminal = Terminal([TIPHYS, "run", "examples/hello"], columns=200, cwd=example("hello").parents[1])
    try:
        assert terminal.end() == 0
        seen = without_machine(terminal.screen.all_text)
    finally:
        terminal.close()

    def steady(screen):
        return re.sub(r"hello-\w{5}\b", "NAME", re.sub(r"\b\d+ms\b", "TIME", screen))

    assert steady(seen).replace(f"port {port}", "port 4355") == steady(shown)


def test_dev_help_and_contributing_name_the_same_commands():
    out = subprocess.run([TOP / "dev", "help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  ([a-z]+)", out, re.M))
    for path in ("README.md", "CONTRIBUTING.md"):
        for command in re.findall(r"^    \./dev ([a-z]+)", (TOP / path).read_text(), re.M):
            assert command in known, f"{path}: ./dev {command}"


def test_the_benchmarks_run_and_print_their_table():
    done = subprocess.run([sys.executable, TOP / "bench" / "run.py", BUILD, "--quick", "program", "c"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    table = dict(re.findall(r"^  (\S.*?)  +([\d.]+ M?[mB]s?)\b", done.stdout, re.M))
    assert {"tiphys version", "executable, stripped", "run with the C example, whole process"} <= table.keys(), done.stdout
    assert "target 30 ms" in done.stdout and done.stdout.startswith("program\n")


def test_an_unknown_benchmark_is_named():
    done = subprocess.run([sys.executable, TOP / "bench" / "run.py", BUILD, "nope"], capture_output=True, text=True)
    assert done.returncode == 2 and "there is no part nope; there are hello, c, " in done.stderr
