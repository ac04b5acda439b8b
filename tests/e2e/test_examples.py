"""Every example runs and does what README says."""
import json
import os
import re
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


def test_hello_succeeds_with_message_and_output(tiphys, example):
    result = tiphys("run", example("hello"), "-o", "json")
    assert result.code == 0, result.err
    node = only_node(result)
    assert (node["phase"], node["message"]) == ("Succeeded", "Hello template!")
    assert node["outputs"]["parameters"] == [{"name": "foo", "value": "bar"}]
    assert 'level=info msg="Executor plugin added" name=hello-executor-plugin' in result.err


def test_hello_on_a_pipe_shows_tree_outputs_and_result(tiphys, example):
    result = tiphys("run", example("hello"))
    assert result.code == 0
    assert "Hello template!" in result.out and "foo = bar" in result.out and " Succeeded in " in result.out
    assert "\033" not in result.out + result.err


def test_requeue_polls_until_the_job_is_done(tiphys, example):
    result = tiphys("run", example("requeue"), "-o", "json")
    assert result.code == 0, result.err
    nodes = {n["displayName"]: n for n in result.json["status"]["nodes"].values()}
    assert nodes["first"]["outputs"]["parameters"] == [{"name": "calls", "value": "3"}]
    assert nodes["third"]["inputs"]["parameters"] == [{"name": "polls", "value": "2"}]


def test_secret_reaches_the_plugin_by_secretkeyref(tiphys, example):
    result = tiphys("run", example("secret"), "-o", "json")
    assert only_node(result)["message"] == "Good day, Ada"


FAILING = TOP / "examples" / "failing"
AT_ONCE = {
    "node": "the job failed",
    "error": "the job could not be begun",
    "declined": "no plugin executed the template",
    "null": "no plugin executed the template",
    "missing": "no plugin executed the template",
    "status": "500 Internal Server Error: out of order",
    "forbidden": "403 Forbidden:  (the plugin did not accept the token: it should compare the Authorization header with /var/run/argo/token)",
    "nonsense": "the plugin's reply is not JSON (1:1: invalid character 'H' looking for beginning of value); it begins with: Hello!",
    "empty": "EOF: the plugin answered 200 with an empty body; {} says that a template is not its own",
    "wrong": 'the plugin\'s reply cannot be read (node.phase must be of type string, not array); it begins with: {"node": {"phase": ["Failed"]}}',
    "large": "the plugin's reply is larger than 4194304 bytes",
}
POST = 'Post "http://localhost:{}/api/v1/template.execute": '
FIVE_TIMES = {
    "busy": "come back later (503 Service Unavailable, tried 5 times)",
    "closed": POST + "EOF, tried 5 times",
    "short": POST + "unexpected EOF, tried 5 times",
    "slow": POST + "context deadline exceeded (Client.Timeout exceeded while awaiting headers), tried 5 times",
}


def test_the_example_of_failures_has_every_class():
    text = (FAILING / "server.py").read_text()
    in_server = set(re.findall(r'how == "(\w+)"', text))
    assert in_server == {*AT_ONCE, *FIVE_TIMES, "exit"}
    told = (FAILING / "failing.yaml").read_text().split("apiVersion")[0]
    assert in_server <= set(re.findall(r"\w+", told))


@pytest.mark.parametrize("how, message", AT_ONCE.items())
def test_each_class_of_failure_fails_the_node(tiphys, example, how, message):
    result = tiphys("run", example("failing"), "-p", f"how={how}", "-o", "json")
    assert result.code == 1
    node = only_node(result)
    assert (node["phase"], node["message"]) == ("Error" if how == "error" else "Failed", message)


def test_what_may_pass_is_tried_five_times(tiphys, tiphys_open, example, tmp_path, port):
    """All of them side by side, for that takes its time; the server that dies is one of its own."""
    dying = tmp_path / "dying"
    shutil.copytree(FAILING, dying)
    tmp_path.chmod(0o755)
    for name in ("plugin.yaml", "server.py"):
        (dying / name).write_text((dying / name).read_text().replace("4361", str(port + 1)))
    steps = "".join(f"      - {{name: {how}, template: one, arguments: {{parameters: [{{name: how, value: {how}}}]}}}}\n" for how in FIVE_TIMES)
    (tmp_path / "all.yaml").write_text(
        "kind: Workflow\nmetadata: {name: all}\nspec:\n  entrypoint: main\n  templates:\n  - name: one\n"
        "    inputs: {parameters: [{name: how}]}\n    plugin: {failing: {how: '{{inputs.parameters.how}}'}}\n"
        "  - name: main\n    steps:\n" + steps.replace("      -", "    - -", 1))
    with tiphys_open("run", dying, "-p", "how=exit", "-o", "json") as other:
        result = tiphys("run", tmp_path / "all.yaml", "--plugin", example("failing"), "-o", "json")
        out, err = other.communicate(timeout=100)
    nodes = {n["displayName"]: n["message"] for n in result.json["status"]["nodes"].values() if n["type"] == "Plugin"}
    assert nodes == {how: message.replace("{}", str(port)) for how, message in FIVE_TIMES.items()}
    (node,) = json.loads(out)["status"]["nodes"].values()
    assert (other.returncode, node["message"]) == (1, POST.format(port + 1) + "EOF, tried 5 times"), err


@pytest.mark.skipif(not has("node"), reason="no node on this machine")
def test_node_plugin(tiphys, example):
    if not any(os.access(p, os.X_OK) for p in ("/usr/bin/node", "/usr/bin/nodejs", "/usr/local/bin/node")):
        pytest.skip("node is not in a system directory")
    assert only_node(tiphys("run", example("node"), "-o", "json"))["outputs"]["result"] == "HELLO FROM NODE.JS"


def test_c_plugin_with_the_single_file_header(tiphys, example):
    directory = example("c")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", "server", "main.c"], cwd=directory, check=True)
    assert only_node(tiphys("run", directory, "-o", "json"))["outputs"]["result"] == "hello from C"


def go_version():
    if not has("go"):
        return (0, 0)
    text = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout.strip().removeprefix("go")
    return tuple(int(n) for n in text.split(".")[:2])


@pytest.mark.skipif(go_version() < (1, 18), reason="no Go of 1.18 or newer on this machine")
def test_go_plugin(tiphys, example):
    directory = example("go")
    subprocess.run(["go", "build", "-o", "server", "main.go"], cwd=directory, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    assert only_node(tiphys("run", directory, "-o", "json"))["outputs"]["result"] == "HELLO FROM GO!"
