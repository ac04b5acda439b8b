"""submit, get, list, watch, logs, delete, plugin: against a real server over TLS, with a real Python plugin."""
import glob
import json
import os
import re
import signal
import time

import pytest
from conftest import PLUGIN, SERVER, TIPHYS, TOP, free_port, wait_until
from served import ARGO, Served
from terminal import Terminal

yaml = pytest.importorskip("yaml")

BODY = """\
        spec = plugin['probe']
        print('asked ' + spec.get('say', 'nothing'), flush=True)
        phase = 'Failed' if spec.get('fail') else 'Succeeded'
        self.reply({'node': {'phase': phase, 'message': spec.get('message', 'ok'),
                             'outputs': {'parameters': [{'name': 'o', 'value': 'v'}]}}})
"""

STEPS = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: %(name)s-, labels: {suite: %(name)s}}
spec:
  entrypoint: main
  %(more)s
  arguments: {parameters: [{name: say, value: hello}]}
  templates:
  - name: main
    steps:
    - - {name: a, template: probe}
      - {name: b, template: probe}
    - - {name: c, template: probe}
  - name: probe
    plugin: {probe: {say: "{{workflow.parameters.say}}", fail: %(fail)s, message: "%(message)s"}}
"""


def write(directory, name="steps", more="", fail="false", message="ok"):
    path = directory / f"{name}.yaml"
    path.write_text(STEPS % {"name": name, "more": more, "fail": fail, "message": message})
    return path


def sidecars(port):
    """Processes of the plugin on that port, whoever else runs workflows on this machine."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read()
        except OSError:
            continue
        if b"HTTPServer" in words and str(port).encode() in words:
            found.append(path)
    return found


def write_for(directory, name, key):
    path = directory / f"{name}-{key}.yaml"
    path.write_text(f"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{generateName: {name}-}}\n"
                    f"spec: {{entrypoint: m, templates: [{{name: m, plugin: {{{key}: {{}}}}}}]}}\n")
    return path


def make_plugin(directory, port, body=BODY, name="probe"):
    plugin = directory / name
    plugin.mkdir()
    (plugin / "plugin.yaml").write_text(PLUGIN.format(name=name, port=port))
    (plugin / "server.py").write_text(SERVER.format(body=body, port=port))
    return plugin


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("served")
    home.chmod(0o755)
    port = free_port()
    it = Served(home, free_port())
    try:
        added = it.run("plugin", "add", make_plugin(home, port))
        assert (added.code, added.out) == (0, "executor plugin probe-executor-plugin added in namespace argo\n"), added.err
        yield it
    finally:
        it.stop()
        wait_until(lambda: not sidecars(port))


@pytest.fixture
def name(request):
    """One that no other test of this server has."""
    return re.sub(r"[^a-z]", "", request.node.name.replace("test_", ""))[:30]


def phase_of(served, made):
    return served.workflow(made).get("status", {}).get("phase")


# ---- submit ----

def test_submit_shows_what_it_made_and_get_and_list_find_it(served, tmp_path, name):
    done = served.run("submit", write(tmp_path, name))
    assert done.code == 0 and done.err == ""
    made = re.search(r"^Name: +(\S+)$", done.out, re.M).group(1)
    assert made.startswith(name + "-") and re.search(r"^Status: +Pending$", done.out, re.M)
    wait_until(lambda: phase_of(served, made) == "Succeeded")
    shown = served.run("get", made).out
    assert re.search(r"^Status: +Succeeded$", shown, re.M) and "└───✔ c" in shown and "Parameters" in shown
    assert served.run("get", made, "-o", "name").out == made + "\n"
    assert served.run("get", made, "-o", "json").json["metadata"]["name"] == made
    assert yaml.safe_load(served.run("get", made, "-o", "yaml").out)["status"]["phase"] == "Succeeded"
    assert "NODENAME" in served.run("get", made, "-o", "wide").out
    assert "Name:" not in served.run("get", made, "-o", "short").out
    assert "✔" not in served.run("get", made, "--no-utf8").out
    assert "─✔ b" not in served.run("get", made, "--node-field-selector", "displayName=a").out
    rows = served.run("list", "--prefix", name).out.splitlines()
    assert rows[0].split() == ["NAME", "STATUS", "AGE", "DURATION", "PRIORITY", "MESSAGE"]
    assert [row.split()[:2] for row in rows[1:]] == [[made, "Succeeded"]]


def test_wait_ends_with_the_result(served, tmp_path, name):
    well = served.run("submit", write(tmp_path, name), "--wait", "-o", "name")
    assert well.code == 0 and re.fullmatch(name + r"-\w{5}\n", well.out)
    bad = served.run("submit", write(tmp_path, name, fail="true", message="as told"), "--wait")
    assert bad.code == 1 and re.match(rf"{name}-\w{{5}} Failed in \d+s", bad.out)
    assert re.fullmatch(rf"workflow {name}-\w{{5}} submitted\n", bad.err)


def test_several_are_waited_for_together_and_the_worst_counts(served, tmp_path, name):
    many = tmp_path / "many.yaml"
    many.write_text("---\n".join(write(tmp_path, name, fail=fail).read_text() for fail in ("false", "true", "false")))
    done = served.run("submit", many, "--wait")
    assert done.code == 1 and sorted(line.split()[1] for line in done.out.splitlines()) == ["Failed", "Succeeded", "Succeeded"]


def test_watch_on_a_pipe_is_a_line_a_change(served, tmp_path, name):
    done = served.run("submit", write(tmp_path, name, fail="true", message="no luck"), "--watch")
    assert done.code == 1
    assert re.search(rf"^{name}-\w{{5}}\[0\]\.a  Failed  probe  \d+s  no luck$", done.out, re.M), done.out
    assert re.search(rf"^{name}-\w{{5}} Failed in \d+s", done.out.splitlines()[-1])
    assert "\033" not in done.out + done.err


def test_watch_on_a_terminal_is_the_tree(served, tmp_path, name):
    terminal = Terminal([TIPHYS, "submit", str(write(tmp_path, name)), "--watch"], columns=100, env=served.environment)
    try:
        assert terminal.end() == 0
        seen = terminal.screen.all_text
    finally:
        terminal.close()
    assert re.search(r"─✔ a +probe +\d+s +ok", seen) and re.search(rf"{name}-\w{{5}} Succeeded in \d+s", seen)
    assert "Ctrl-C" not in seen  # the last line of the live picture is gone


def test_options_change_what_is_sent(served, tmp_path, name):
    path = write(tmp_path, name)
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text("say: from the file\nmore: 7\n")
    sent = yaml.safe_load(served.run(
        "submit", path, "--dry-run", "-f", parameters, "-p", "say=given", "--labels", "a=b,c=d", "--serviceaccount", "robot",
        "--entrypoint", "probe", "--generate-name", "other-", "--priority", "5", "-o", "yaml").out)
    assert sent["metadata"]["generateName"] == "other-" and sent["metadata"]["labels"] == {"suite": name, "a": "b", "c": "d"}
    assert sent["metadata"]["namespace"] == "argo"
    spec = sent["spec"]
    assert (spec["entrypoint"], spec["serviceAccountName"], spec["priority"]) == ("probe", "robot", 5)
    assert {p["name"]: p["value"] for p in spec["arguments"]["parameters"]} == {"say": "given", "more": "7"}
    asked = served.run("submit", path, "--server-dry-run", "--name", name, "-o", "json").json
    assert asked["metadata"]["name"] == name and asked["metadata"]["uid"]
    assert served.ask("GET", f"{ARGO}workflows/{name}")[0] == 404  # neither was kept
    assert served.run("submit", path, "--name", name, "--wait").code == 0
    again = served.run("submit", path, "--name", name)
    assert again.code == 1 and f'workflows.argoproj.io "{name}" already exists' in again.err and "--generate-name" in again.err


def test_standard_input_is_a_file(served, tmp_path, name):
    done = served.run("submit", "-", "--wait", "-o", "name", stdin=write(tmp_path, name).read_text())
    assert done.code == 0 and done.out.startswith(name)


def test_from_makes_workflows_of_templates(served, tmp_path, name):
    spec = yaml.safe_load(write(tmp_path, name).read_text())["spec"]

    def put(kind, plural, body, path=ARGO):
        status, answer = served.ask("POST", path + plural, {"apiVersion": "argoproj.io/v1alpha1", "kind": kind,
                                                            "metadata": {"name": name}, "spec": body})
        assert status == 201, answer

    put("WorkflowTemplate", "workflowtemplates", spec)
    put("ClusterWorkflowTemplate", "clusterworkflowtemplates", spec, "/apis/argoproj.io/v1alpha1/")
    put("CronWorkflow", "cronworkflows", {"schedules": ["0 0 1 1 *"], "workflowSpec": spec, "suspend": True,
                                          "workflowMetadata": {"labels": {"of": "cron"}}})
    for kind, label in (("wftmpl", "workflow-template"), ("cwft", "cluster-workflow-template"), ("cronwf", "cron-workflow")):
        done = served.run("submit", "--from", f"{kind}/{name}", "-p", f"say={kind}", "--wait", "-o", "json")
        made = json.loads(done.out)
        assert done.code == 0 and made["metadata"]["labels"][f"workflows.argoproj.io/{label}"] == name, done.err
        now = served.workflow(made["metadata"]["name"])
        assert now["status"]["phase"] == "Succeeded"
    assert made["metadata"]["labels"]["of"] == "cron" and made["metadata"]["ownerReferences"][0]["kind"] == "CronWorkflow"
    missing = served.run("submit", "--from", "wftmpl/nope")
    assert missing.code == 1 and 'workflowtemplates.argoproj.io "nope" not found' in missing.err
    wrong = served.run("submit", "--from", "pod/x")
    assert wrong.code == 2 and "KIND is cronwf, wftmpl or cwft" in wrong.err


def test_templates_of_the_server_are_linted_with(served, tmp_path, name):
    spec = yaml.safe_load(write(tmp_path, name).read_text())["spec"]
    assert served.ask("POST", ARGO + "workflowtemplates", {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
                                                           "metadata": {"name": name}, "spec": spec})[0] == 201
    text = ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: %s-}\nspec:\n  entrypoint: main\n"
            "  arguments: {parameters: [{name: say, value: x}]}\n"
            "  templates:\n  - name: main\n    steps: [[{name: a, templateRef: {name: %s, template: %s}}]]\n")
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(text % (name, name, "probe"))
    bad.write_text(text % (name, name, "prob"))
    assert served.run("submit", good, "--wait").code == 0
    refused = served.run("submit", bad)
    assert refused.code == 2 and "bad.yaml:" in refused.err and "prob" in refused.err
    assert served.run("list", "--prefix", name).out.count("\n") == 2


@pytest.mark.parametrize("text,expected", [
    ("a: b: c", "bad.yaml:1:"),
    ("", "No Workflow found"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "a ConfigMap is no Workflow and is not submitted"),
    ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: x-}\nspec: {entrypoint: nope, templates: []}\n", "bad.yaml:4:"),
    ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: x-, namespace: other}\nspec: {entrypoint: a}\n",
     'the manifest\'s namespace is "other", not "argo"'),
])
def test_bad_files_are_refused_with_their_place(served, tmp_path, text, expected):
    (tmp_path / "bad.yaml").write_text(text)
    done = served.run("submit", tmp_path / "bad.yaml", "-n", "argo")
    assert done.code == 2 and expected in done.err, done.err


def test_a_directory_gives_its_workflows_and_says_what_it_leaves_out(served, tmp_path, name):
    plugin = make_plugin(tmp_path, 4000)
    write(plugin, name)
    done = served.run("submit", plugin, "--wait")
    assert done.code == 0 and done.out.startswith(name)
    assert f"warning: {plugin}/plugin.yaml is no Workflow and is not submitted\n  it is put on a server with: tiphys plugin add {plugin}" in done.err
    (plugin / f"{name}.yaml").unlink()
    none = served.run("submit", plugin)
    assert none.code == 2 and "no workflow in this directory" in none.err


def test_a_missing_file_needs_no_server(tmp_path):
    done = Served.run(type("Nobody", (), {"environment": {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": "/nonexistent"}}),
                      "submit", tmp_path / "nope.yaml")
    assert done.code == 2 and "nope.yaml" in done.err and "KUBECONFIG" not in done.err


def test_usage_errors_are_two(served):
    for args, said in ((["submit"], "name a file"), (["submit", "x", "--from", "wftmpl/y"], "not both"), (["get"], "name a workflow"),
                       (["get", "x", "-o", "bad"], "--output takes"), (["list", "-o", "short"], "--output takes"), (["list", "x"], "takes no names"),
                       (["watch"], "name a workflow"), (["logs"], "name a workflow"), (["logs", "x", "--tail", "y"], "--tail takes"),
                       (["logs", "x", "--since", "1m", "--since-time", "2026-01-01T00:00:00Z"], "at most one"),
                       (["delete"], "which ones?"), (["delete", "x", "--all"], "not for one command"), (["plugin", "add"], "name a plugin"),
                       (["submit", "x", "--outptu", "y"], "did you mean --output")):
        done = served.run(*args)
        assert done.code == 2 and said in done.err and done.out == "", (args, done.err)


# ---- watch ----

def start_suspended(served, tmp_path, name):
    made = served.run("submit", write(tmp_path, name, more="suspend: true"), "-o", "name").out.strip()
    wait_until(lambda: phase_of(served, made) == "Running")
    return made


HELD = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: held-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: a, template: probe}], [{name: hold, template: hold}], [{name: c, template: probe}]]
  - name: hold
    suspend: {}
  - name: probe
    plugin: {probe: {}}
"""


def let_go(server, made):
    """As argo resume does it: an edit of the node."""
    nodes = server.workflow(made)["status"]["nodes"]
    held = next(i for i, node in nodes.items() if node["type"] == "Suspend")
    server.patch(f"{ARGO}workflows/{made}", {"status": {"nodes": {held: {"phase": "Succeeded", "finishedAt": nodes[held]["startedAt"]}}}})


def end_of(process, code):
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    return out, err


def test_a_watch_outlives_a_server_that_is_killed(tmp_path):
    tmp_path.chmod(0o755)
    port = free_port()
    server = Served(tmp_path, free_port())
    process = None
    try:
        assert server.run("plugin", "add", make_plugin(tmp_path, port)).code == 0
        made = server.run("submit", "-", "-o", "name", stdin=HELD).out.strip()
        process = server.open("watch", made)
        waiter = server.open("watch", made)
        for each in (process, waiter):
            while "hold  Running" not in each.stdout.readline():
                assert each.poll() is None
        server.kill()
        assert re.match(r"the server is gone \(.+\): waiting for it; Ctrl-C ends the waiting", process.stderr.readline())
        assert "the server is gone" in waiter.stderr.readline()
        waiter.send_signal(signal.SIGINT)  # also while it waits
        end_of(waiter, 130)
        server.start()
        assert process.stderr.readline() == "the server is back\n"
        let_go(server, made)
        out, _ = end_of(process, 0)
        assert re.search(rf"^{made}\[2\]\.c  Succeeded", out, re.M) and "].a  Succeeded" not in out.split("\n\n")[0]  # told before
        assert f"{made} Succeeded in " in out
    finally:
        if process:
            process.kill()
        server.stop()
        wait_until(lambda: not sidecars(port))


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_the_workflow_alone(served, tmp_path, name, number, code):
    made = start_suspended(served, tmp_path, name)
    terminal = Terminal([TIPHYS, "watch", made], columns=120, env=served.environment)
    try:
        terminal.wait(lambda screen: f"◷ {made}  no node yet" in screen.all_text)
        assert "Ctrl-C stops looking, it goes on" in terminal.screen.all_text
        os.kill(terminal.process.pid, number)
        assert terminal.end() == code
        assert f"{made} goes on; look again with: tiphys watch {made}" in terminal.screen.all_text
    finally:
        terminal.close()
    assert served.workflow(made)["status"]["phase"] == "Running"
    assert served.run("delete", made).code == 0


def test_a_workflow_that_is_deleted_ends_its_watch(served, tmp_path, name):
    made = start_suspended(served, tmp_path, name)
    process = served.open("submit", write(tmp_path, name, more="suspend: true"), "--wait")
    other = re.search(r"workflow (\S+) submitted", process.stderr.readline()).group(1)
    watching = served.open("watch", made)
    for each in (made, other):
        assert served.run("delete", each).out == f"Workflow '{each}' deleted\n"
    _, err = end_of(process, 1)
    assert f"workflow {other} was deleted while it ran" in err or f'"{other}" not found' in err
    end_of(watching, 1)


def test_watch_of_one_that_is_over_ends_at_once(served, tmp_path, name):
    made = served.run("submit", write(tmp_path, name), "--wait", "-o", "name").out.strip()
    done = served.run("watch", made)
    assert done.code == 0 and f"{made} Succeeded in" in done.out
    assert served.run("watch", "@latest").code == 0


# ---- logs ----

def test_logs_of_what_served_a_workflow(served, tmp_path, name):
    made = served.run("submit", write(tmp_path, name), "-p", f"say={name}", "--wait", "-o", "name").out.strip()
    logs = served.run("logs", made)
    assert logs.code == 0 and logs.out.count(f"asked {name}\n") == 3, logs.err
    assert served.run("logs", made, "--tail", "1").out == f"asked {name}\n"
    assert served.run("logs", made, "-c", "probe-executor-plugin", "--tail", "1").out == f"asked {name}\n"
    assert served.run("logs", made, f"{made}-1340600742-agent", "--tail", "1").out == f"asked {name}\n"
    assert served.run("logs", made, "--prefix", "--tail", "1").out == f"probe | asked {name}\n"
    assert f"asked {name}\n" in served.run("logs", "@latest").out
    followed = served.run("logs", made, "-f")
    assert followed.code == 0 and f"asked {name}\n" in followed.out
    wrong = served.run("logs", made, "-c", "other")
    assert wrong.code == 1 and "container other is not valid for pod" in wrong.err
    missing = served.run("logs", made, "nope")
    assert missing.code == 1 and 'pods "nope" not found' in missing.err


def skip_unless_it_follows(served, tmp_path, name):
    """A log that is followed has no length: it goes on."""
    made = served.run("submit", write(tmp_path, name), "--wait", "-o", "name").out.strip()
    path = f"/api/v1/namespaces/argo/pods/{made}-1340600742-agent/log?follow=true&container=probe-executor-plugin"
    with served.get(path) as answer:
        if answer.headers["Content-Length"] is not None:
            pytest.skip("this server ends a log that is followed at once")


def test_submit_log_prints_what_the_sidecar_says(served, tmp_path, name):
    skip_unless_it_follows(served, tmp_path, name)
    done = served.run("submit", write(tmp_path, name), "-p", f"say={name}", "--log")
    assert done.code == 0 and f"asked {name}\n" in done.out and re.search(rf"^{name}-\w{{5}} Succeeded in", done.out, re.M)


def test_submit_log_finds_a_sidecar_that_starts_meanwhile(served, tmp_path, name):
    skip_unless_it_follows(served, tmp_path, name)
    assert served.run("plugin", "add", make_plugin(tmp_path, free_port(), name="cold", body=BODY.replace("'probe'", "'cold'"))).code == 0
    try:
        done = served.run("submit", "-", "--log", stdin=HELD.replace("probe: {}", "cold: {say: warm}").replace("suspend: {}", "suspend: {duration: 1s}"))
        assert done.code == 0 and done.out.count("asked warm\n") >= 1, done.out + done.err
    finally:
        assert served.run("plugin", "remove", "cold").code == 0


# ---- list, delete ----

def test_list_chooses(served, tmp_path, name):
    well = served.run("submit", write(tmp_path, name), "--wait", "-o", "name").out.strip()
    bad = served.run("submit", write(tmp_path, name, fail="true"), "--wait", "-o", "name", "-l", "team=a").out.strip()
    goes = start_suspended(served, tmp_path, name)

    def names(*args):
        done = served.run("list", "-o", "name", "--prefix", name, *args)
        assert done.code == 0, done.err
        return set(done.out.split())

    assert names() == {well, bad, goes} and names("-A") == {well, bad, goes}
    assert names("--status", "Failed,Error") == {bad} and names("--status", "Succeeded", "--status", "Failed") == {well, bad}
    assert names("--completed") == {well, bad} and names("--running") == {goes}
    assert names("-l", "team=a") == {bad} and names("-l", f"suite={name},!team") == {well, goes}
    assert names("--since", "1h") == {well, bad, goes} and names("--older", "1h") == set()
    assert names("--field-selector", f"metadata.name={well}") == {well}
    assert served.run("list", "-A", "--no-headers", "--prefix", name).out.splitlines()[0].split()[0] == "argo"
    assert {w["metadata"]["name"] for w in served.run("list", "-o", "json", "--prefix", name).json} == {well, bad, goes}
    empty = served.run("list", "-n", "elsewhere")
    assert empty.code == 0 and empty.out == "" and "no such workflow in namespace elsewhere" in empty.err
    wrong = served.run("list", "-l", "a in (")
    assert wrong.code == 1 and "unable to parse" in wrong.err

    assert served.run("delete", "--status", "Failed", "--prefix", name, "--dry-run").out == f"Workflow '{bad}' deleted (dry-run)\n"
    assert names("--status", "Failed") == {bad}
    assert served.run("delete", "-l", "team=a", "--prefix", name).out == f"Workflow '{bad}' deleted\n"
    assert served.run("delete", "--completed", "--older", "1h", "--prefix", name).err == "No resources found\n"
    several = served.run("delete", well, "nope", goes)
    assert several.code == 1 and several.err == "Workflow 'nope' not found\n"
    assert several.out == f"Workflow '{well}' deleted\nWorkflow '{goes}' deleted\n"
    assert names() == set()


def test_a_long_list_comes_in_pages(served, name):
    spec = {"entrypoint": "m", "suspend": True, "templates": [{"name": "m", "suspend": {}}]}
    for i in range(520):
        assert served.ask("POST", ARGO + "workflows", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
                                                       "metadata": {"name": f"{name}-{i}"}, "spec": spec})[0] == 201
    assert len(served.run("list", "-o", "name", "--prefix", name).out.split()) == 520
    assert served.run("delete", "--all").code == 0
    assert served.run("list", "-o", "name").out == ""


# ---- plugin ----

def test_plugins_are_shown_with_what_is_wrong(served, tmp_path, name):
    assert served.run("submit", write(tmp_path, name), "--wait").code == 0
    other = make_plugin(tmp_path, free_port(), name="other")
    assert served.run("plugin", "add", other, "--dry-run").out.endswith("(dry run)\n")
    assert served.run("plugin", "add", other).code == 0
    assert served.run("plugin", "add", other).out == "executor plugin other-executor-plugin updated in namespace argo\n"
    assert not list(other.glob("*configmap*"))  # nothing is written there
    bad = yaml.safe_load(json.dumps(served.ask("GET", "/api/v1/namespaces/argo/configmaps/other-executor-plugin")[1]))
    bad["metadata"] = {"name": "bad-executor-plugin", "labels": bad["metadata"]["labels"]}
    bad["data"]["sidecar.container"] = bad["data"]["sidecar.container"].replace("limits", "limitz")
    assert served.ask("POST", "/api/v1/namespaces/argo/configmaps", bad)[0] == 201
    try:
        rows = {row["name"]: row for row in served.run("plugin", "list", "-o", "json").json}
        assert rows["probe-executor-plugin"]["state"] == "ready" and rows["probe-executor-plugin"]["restarts"] == 0
        assert rows["other-executor-plugin"]["state"] == "idle" and rows["other-executor-plugin"]["key"] == "other"
        assert rows["bad-executor-plugin"]["state"] == "invalid" and "did you mean limits?" in rows["bad-executor-plugin"]["reason"]
        table = served.run("plugin", "list").out
        assert re.search(r"^argo +bad-executor-plugin +bad +invalid +0 +.*did you mean limits\?$", table, re.M), table
        assert served.run("plugin", "list", "-o", "name", "-A").out.split() == sorted(rows)
    finally:
        removed = served.run("plugin", "remove", "bad", "other-executor-plugin")
    assert removed.code == 0 and removed.out.count(" removed from namespace argo\n") == 2
    missing = served.run("plugin", "remove", "bad")
    assert missing.code == 1 and "tiphys plugin list -A shows" in missing.err
    refused = served.run("plugin", "add", write(tmp_path, name))
    assert refused.code == 1 and "no executor plugin: a ConfigMap labelled" in refused.err


def test_a_plugin_whose_sidecar_ends_is_failing(served, tmp_path, name):
    crash = make_plugin(tmp_path, free_port(), name="crash")
    (crash / "server.py").write_text("raise SystemExit(3)\n")
    assert served.run("plugin", "add", crash).code == 0
    try:
        waiting = served.open("submit", write_for(tmp_path, name, "crash"), "--wait")
        wait_until(lambda: "failing" in served.run("plugin", "list").out)
        row = next(row for row in served.run("plugin", "list", "-o", "json").json if row["key"] == "crash")
        assert row["state"] == "failing" and row["reason"] == "CrashLoopBackOff: it ended with exit code 3", row
        made = re.search(r"workflow (\S+) submitted", waiting.stderr.readline()).group(1)
        waiting.send_signal(signal.SIGINT)
        _, err = end_of(waiting, 130)
        assert err == f"{made} goes on; look again with: tiphys watch {made}\n"
        assert served.run("delete", made).code == 0
    finally:
        assert served.run("plugin", "remove", "crash").code == 0


# ---- what goes wrong with servers ----

def test_no_server_is_told_with_how_to_start_one(tmp_path):
    nobody = type("Nobody", (), {"environment": {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}})
    nobody.environment.pop("KUBECONFIG", None)
    if not os.path.exists("/var/lib/tiphys/kubeconfig"):
        none = Served.run(nobody, "list")
        assert none.code == 1 and "there is no kubeconfig" in none.err and "start a server here: tiphys server" in none.err
        assert f"{tmp_path}/tiphys/kubeconfig" in none.err and f"{tmp_path}/.kube/config" in none.err
    port = free_port()
    (tmp_path / "k").write_text(f"{{clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}'}}}}], contexts: "
                                "[{name: d, context: {cluster: c}}], current-context: d}")
    for verb in (["list"], ["get", "x"], ["watch", "x"], ["logs", "x"], ["delete", "x"], ["plugin", "list"]):
        gone = Served.run(nobody, *verb, "--kubeconfig", tmp_path / "k")
        assert gone.code == 1 and "connection refused" in gone.err and "start it with: tiphys server" in gone.err, (verb, gone.err)
        assert f"is the server of {tmp_path}/k (context d)" in gone.err


def test_credentials_and_rights_are_told_apart(served, tmp_path, name):
    wrong = served.run("list", "--token", "nonsense")
    assert wrong.code == 1 and wrong.err.startswith("error: Unauthorized") and "does not take that token" in wrong.err
    viewer = served.run("token", "add", name, "--role", "view", "-n", "argo")
    assert viewer.code == 0, viewer.err
    token = viewer.out.strip()
    wait_until(lambda: served.run("list", "--token", token).code == 0)
    refused = served.run("submit", write(tmp_path, name), "--token", token)
    assert refused.code == 1 and "forbidden" in refused.err and "tiphys token add NAME --role" in refused.err
    assert served.run("plugin", "list", "--token", token).code == 0
    assert served.run("plugin", "add", make_plugin(tmp_path, 4000), "--token", token).code == 1
    assert served.run("list", "--as", "ann").code in (0, 1)  # an administrator may ask so; ann has no rights
    unknown = served.run("get", "nope")
    assert unknown.code == 1 and 'workflows.argoproj.io "nope" not found\n  there is no such workflow in namespace argo' in unknown.err
    stranger = tmp_path / "stranger"
    stranger.write_text((served.state / "kubeconfig").read_text().replace("certificate-authority-data:", "certificate-authority: /dev/null #"))
    untrusted = served.run("list", "--kubeconfig", stranger)
    assert untrusted.code == 1 and untrusted.err.startswith("error: "), untrusted.err


def test_the_namespace_is_the_options_the_environments_or_the_contexts(served):
    assert "namespace argo" in served.run("list", "--prefix", "none-such").err
    assert "namespace env" in served.run("list", ARGO_NAMESPACE="env").err
    assert "namespace given" in served.run("list", "-n", "given", ARGO_NAMESPACE="env").err


# ---- the document ----

def test_the_document_is_true(tmp_path, example, port):
    """docs/clients.md: from nothing to a workflow with nothing else, command by command."""
    text = (TOP / "docs" / "clients.md").read_text().split("## From nothing to a workflow, with nothing else")[1].split("\n## ")[0]
    shown = re.findall(r"^    \$ (tiphys .*)\n((?:    (?!\$).*\n|\n(?=    ))*)", text, re.M)
    assert len(shown) >= 6
    hello = example("hello")
    server = Served(tmp_path, free_port())

    def steady(output):
        output = re.sub(r"hello-\w{5}\b", "NAME", re.sub(r"\b\d+s\b", "TIME", re.sub(r"\[.*?\]", "DATE", output)))
        return [re.sub(r" +", " ", line).strip() for line in output.replace(str(port), "4355").splitlines() if line.strip()]

    try:
        for command, output in shown:
            words = command.replace("examples/hello", str(hello)).split()[1:]
            done = server.run(*words)
            seen = steady(done.err + done.out)
            assert done.code == 0, f"{command}: {done.err}"
            lines = [line for line in seen if not re.match(r"NAME (Pending|Running|Succeeded) main|warning:", line)]  # a pipe's own
            assert lines[:1] == steady(output)[:1] if "logs" in words else lines == steady(output), command
    finally:
        server.stop()
        wait_until(lambda: not sidecars(port))


def test_options_may_stand_before_the_verb(served):
    assert "namespace given" in served.run("-n", "given", "list").err
    assert "namespace given" in served.run("--namespace=given", "list", "-o", "name").err
    assert served.run("-ngiven", "--kubeconfig", served.state / "kubeconfig", "plugin", "list", "-o", "json").json == []
    assert 'unknown option -n' in served.run("-n", "x", "version").err
    assert served.run("-n").code == 2 and served.run("-n", "x").code == 2


# ---- argo ----

def test_by_the_name_argo_it_says_what_argo_says(served, tmp_path, name):
    argo = tmp_path / "argo"
    argo.symlink_to(TIPHYS)
    made = served.run("submit", write(tmp_path, name), "-o", "name", program=argo).out.strip()
    assert made.startswith(name)
    waited = served.run("submit", write(tmp_path, name, fail="true"), "--wait", "-o", "name", program=argo)
    assert waited.code == 1
    assert served.run("watch", made, program=argo).code == 0
    assert served.run("list", "-n", "elsewhere", program=argo).out == "No workflows found\n"
    missing = served.run("get", "nope", program=argo)
    assert (missing.code, missing.err) == (1, 'Error: workflows.argoproj.io "nope" not found\n')
    gone = served.run("delete", "nope", program=argo)
    assert (gone.code, gone.out) == (0, "Workflow 'nope' not found\n")
    assert served.run("delete", made, program=argo).out == f"Workflow '{made}' deleted\n"
    dry = served.run("submit", write(tmp_path, name), "--dry-run", program=argo)
    assert dry.code == 1 and "--dry-run should have an output option" in dry.err
    assert f"{made}-1340600742-agent" not in served.run("logs", "nope", program=argo).out
