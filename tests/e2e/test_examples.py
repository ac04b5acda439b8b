"""Every example runs and does what README says."""
import os
import shutil
import subprocess

import pytest
from conftest import TOP, has


def only_node(result):
    return next(iter(result.json["status"]["nodes"].values()))


def test_the_documents_hello_is_taken_character_for_character():
    seed = TOP.parent / "shared" / "data" / "seed"
    if not seed.is_dir():
        pytest.skip("the original document is not beside this checkout")
    for name in ("server.py", "plugin.yaml", "hello.yaml"):
        assert (TOP / "examples" / "hello" / name).read_bytes() == (seed / name).read_bytes()


def test_hello_succeeds_with_message_and_output(tiphys):
    result = tiphys("run", "examples/hello", "-o", "json")
    assert result.code == 0, result.err
    node = only_node(result)
    assert (node["phase"], node["message"]) == ("Succeeded", "Hello template!")
    assert node["outputs"]["parameters"] == [{"name": "foo", "value": "bar"}]
    assert 'level=info msg="Executor plugin added" name=hello-executor-plugin' in result.err


def test_hello_on_a_pipe_shows_tree_outputs_and_result(tiphys):
    result = tiphys("run", "examples/hello")
    assert result.code == 0
    assert "Hello template!" in result.out and "foo = bar" in result.out and " Succeeded in " in result.out
    assert "\033" not in result.out + result.err


def test_requeue_polls_until_the_job_is_done(tiphys):
    result = tiphys("run", "examples/requeue", "-o", "json")
    assert result.code == 0, result.err
    nodes = {n["displayName"]: n for n in result.json["status"]["nodes"].values()}
    assert nodes["first"]["outputs"]["parameters"] == [{"name": "calls", "value": "3"}]
    assert nodes["third"]["inputs"]["parameters"] == [{"name": "polls", "value": "2"}]


def test_secret_reaches_the_plugin_by_secretkeyref(tiphys):
    result = tiphys("run", "examples/secret", "-o", "json")
    assert only_node(result)["message"] == "Good day, Ada"


@pytest.mark.parametrize("how, message", [
    ("node", "the job failed"),
    ("status", "500 Internal Server Error: out of order"),
    ("declined", "no plugin executed the template"),
    ("missing", "no plugin executed the template"),
])
def test_each_class_of_failure_fails_the_node(tiphys, how, message):
    result = tiphys("run", "examples/failing", "-p", f"how={how}", "-o", "json")
    assert result.code == 1
    assert only_node(result)["message"] == message


def test_nonsense_shows_its_beginning(tiphys):
    result = tiphys("run", "examples/failing", "-p", "how=nonsense", "-o", "json")
    assert "begins with: Hello!" in only_node(result)["message"]


@pytest.mark.skipif(not has("node"), reason="no node on this machine")
def test_node_plugin(tiphys):
    if not any(os.access(p, os.X_OK) for p in ("/usr/bin/node", "/usr/bin/nodejs", "/usr/local/bin/node")):
        pytest.skip("node is not in a system directory")
    assert only_node(tiphys("run", "examples/node", "-o", "json"))["outputs"]["result"] == "HELLO FROM NODE.JS"


def test_c_plugin_with_the_single_file_header(tiphys, tmp_path):
    directory = tmp_path / "c"
    shutil.copytree(TOP / "examples" / "c", directory, ignore=shutil.ignore_patterns("server"))
    tmp_path.chmod(0o755)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", "server", "main.c"], cwd=directory, check=True)
    assert only_node(tiphys("run", directory, "-o", "json"))["outputs"]["result"] == "hello from C"


def go_version():
    if not has("go"):
        return (0, 0)
    text = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout.strip().removeprefix("go")
    return tuple(int(n) for n in text.split(".")[:2])


@pytest.mark.skipif(go_version() < (1, 18), reason="no Go of 1.18 or newer on this machine")
def test_go_plugin(tiphys, tmp_path):
    directory = tmp_path / "go"
    shutil.copytree(TOP / "examples" / "go", directory, ignore=shutil.ignore_patterns("server"))
    tmp_path.chmod(0o755)
    subprocess.run(["go", "build", "-o", "server", "main.go"], cwd=directory, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    assert only_node(tiphys("run", directory, "-o", "json"))["outputs"]["result"] == "HELLO FROM GO!"
