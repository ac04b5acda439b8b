"""Every option of `run`, and how what is given on the command line finds together."""
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import termios

import pytest
from conftest import PLUGIN, SERVER, TIPHYS, TOP, WORKFLOW, wait_until, without_machine

ECHO = ("        self.reply({'node': {'phase': 'Succeeded', 'message': json.dumps(plugin['probe']) + ' ' + "
        "json.dumps(args['workflow']['metadata'], sort_keys=True)}})")


def node_of(result):
    assert result.code == 0, result.err + result.out
    return next(iter(result.json["status"]["nodes"].values()))


def message_of(result):
    return node_of(result)["message"]


@pytest.fixture
def echo(make_plugin):
    """A directory whose plugin says what it got, with a workflow of two parameters and two templates."""
    directory = make_plugin(ECHO)
    (directory / "workflow.yaml").write_text("""\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: echo-}
spec:
  entrypoint: main
  arguments:
    parameters: [{name: a, value: one}, {name: b, value: two}]
  templates:
    - name: main
      plugin: {probe: {a: "{{workflow.parameters.a}}", b: "{{workflow.parameters.b}}"}}
    - name: other
      plugin: {probe: {other: "{{workflow.parameters.a}}"}}
""")
    return directory


def parameters_of(result):
    return json.loads(message_of(result).split(" {")[0])


def test_a_parameter_is_replaced_and_the_last_one_wins(tiphys, echo):
    result = tiphys("run", echo, "-p", "a=1", "--parameter", "b=x=y", "--parameter=a=2", "-o", "json")
    assert parameters_of(result) == {"a": "2", "b": "x=y"}


def test_a_parameter_file_gives_texts_and_p_wins_over_it(tiphys, echo, tmp_path):
    (tmp_path / "p.yaml").write_text("a: 007\nb: [1, {x: z}]\n")
    result = tiphys("run", echo, "--parameter-file", tmp_path / "p.yaml", "-o", "json")
    assert parameters_of(result) == {"a": "7", "b": '[1,{"x":"z"}]'}
    (tmp_path / "p.json").write_text('{"a": "from the file", "b": true}')
    result = tiphys("run", echo, "-p", "a=mine", "-f", tmp_path / "p.json", "-o", "json")
    assert parameters_of(result) == {"a": "mine", "b": "true"}


def test_a_parameter_nobody_declared_is_taken_and_a_slip_is_told(tiphys, echo):
    file = echo / "workflow.yaml"
    file.write_text(file.read_text().replace("name: a,", "name: alpha,").replace("workflow.parameters.a}", "workflow.parameters.new}"))
    result = tiphys("run", echo, "-p", "new=1", "-o", "json")
    assert parameters_of(result)["a"] == "1" and "warning: --parameter" not in result.err
    result = tiphys("run", echo, "-p", "alhpa=1", "-p", "new=1", "-o", "json")
    assert f'warning: --parameter alhpa: {file} declares no such parameter; did you mean "alpha"?\n' in result.err


def test_entrypoint_name_and_namespace(tiphys, echo):
    result = tiphys("run", echo, "--entrypoint", "other", "--name", "mine", "-n", "team", "-o", "json")
    assert parameters_of(result) == {"other": "one"}
    assert re.search(r'"name": "mine", "namespace": "team", "uid": "[-0-9a-f]{36}"', message_of(result))
    assert result.json["metadata"]["name"] == "mine" and result.json["spec"]["entrypoint"] == "other"


def test_a_workflow_without_a_namespace_is_in_default(tiphys, echo):
    assert '"namespace": "default"' in message_of(tiphys("run", echo, "-o", "json"))


def test_generate_name_makes_a_name_of_its_own_each_time(tiphys, echo):
    names = {tiphys("run", echo, "-o", "name", "-q").out for _ in range(2)}
    assert len(names) == 2 and all(re.fullmatch(r"workflow\.argoproj\.io/echo-[a-z0-9]{5}\n", name) for name in names)


@pytest.mark.parametrize("option", ["directory", "plugin.yaml", "configmap"])
def test_plugin_is_given_as_directory_file_or_configmap(tiphys, make_plugin, tmp_path, option):
    directory = make_plugin()
    workflow = (directory / "workflow.yaml").rename(tmp_path / "wf.yaml")
    path = {"directory": directory, "plugin.yaml": directory / "plugin.yaml",
            "configmap": directory / "probe-executor-plugin-configmap.yaml"}[option]
    if option == "configmap":
        assert tiphys("executor-plugin", "build", directory).code == 0
        (directory / "plugin.yaml").unlink()
    assert message_of(tiphys("run", workflow, "--plugin", path, "-o", "json")) == "ok"


def test_one_plugin_given_several_times_is_one(tiphys, make_plugin):
    directory = make_plugin()
    result = tiphys("run", directory, directory / "plugin.yaml", "--plugin", directory, "--plugin", f"{directory}/", "-o", "json")
    assert message_of(result) == "ok"
    assert result.err.count("Executor plugin added") == 1


def test_workflows_beside_a_plugin_are_not_run(tiphys, make_plugin, tmp_path):
    directory = make_plugin()
    (tmp_path / "wf.yaml").write_text(WORKFLOW.format(name="probe").replace("generateName: probe-", "name: only"))
    assert tiphys("run", tmp_path / "wf.yaml", "--plugin", directory, "-o", "name").out == "workflow.argoproj.io/only\n"


SECRET_PLUGIN = PLUGIN.replace("      ports:", "      env:\n        - {{name: WORD, valueFrom: {{secretKeyRef: {{name: s, key: k}}}}}}\n"
                               "        - {{name: PLAIN, valueFrom: {{configMapKeyRef: {{name: c, key: k}}}}}}\n      ports:")
DOCUMENTS = {
    "workflow": WORKFLOW.format(name="probe"),
    "secret": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hush}\n",
    "configmap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: plain}\n",
}


@pytest.fixture
def needy(tmp_path, port):
    """A plugin that answers with what it got from a Secret and a ConfigMap."""
    directory = tmp_path / "needy"
    directory.mkdir()
    body = "        self.reply({'node': {'phase': 'Succeeded', 'message': os.environ['WORD'] + ' ' + os.environ['PLAIN']}})"
    (directory / "plugin.yaml").write_text(SECRET_PLUGIN.format(name="probe", port=port))
    (directory / "server.py").write_text(SERVER.format(body=body, port=port))
    tmp_path.chmod(0o755)
    return directory


@pytest.mark.parametrize("order", [("workflow", "secret", "configmap"), ("configmap", "workflow", "secret"),
                                   ("secret", "configmap", "workflow")])
def test_manifests_come_in_any_order_from_files_and_standard_input(tiphys, needy, tmp_path, order):
    (tmp_path / "0.yaml").write_text(DOCUMENTS[order[0]])
    (tmp_path / "1.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": []}))
    words = [tmp_path / "0.yaml", "-", tmp_path / "1.json"]
    stdin = "---\n".join(DOCUMENTS[name] for name in order[1:])
    assert message_of(tiphys("run", *words, needy, "-o", "json", stdin=stdin)) == "hush plain"
    assert message_of(tiphys("run", needy, *reversed(words), "-o", "json", stdin=stdin)) == "hush plain"


def test_a_directory_gives_its_yaml_yml_and_json_and_nothing_deeper(tiphys, needy, tmp_path):
    here = tmp_path / "here"
    (here / "deeper").mkdir(parents=True)
    (here / "a.yml").write_text(DOCUMENTS["secret"])
    (here / "b.json").write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "plain"}}')
    (here / "c.yaml").write_text(DOCUMENTS["workflow"])
    for other in ("notes.txt", ".hidden.yaml", "deeper/d.yaml"):
        (here / other).write_text("no: [manifest")
    assert message_of(tiphys("run", here, "--plugin", needy, "-o", "json")) == "hush plain"


def test_a_list_is_taken_apart(tiphys, needy, tmp_path):
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    items = [yaml.safe_load(text) for text in DOCUMENTS.values()]
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    assert message_of(tiphys("run", "-", needy, "-o", "json", stdin=stdin)) == "hush plain"


def placed(tmp_path, port, where, ns):
    directory = tmp_path / where
    directory.mkdir()
    space = f"\n  namespace: {ns}" if ns else ""
    (directory / "plugin.yaml").write_text(PLUGIN.format(name="probe", port=port).replace("name: probe\nspec", f"name: probe{space}\nspec"))
    body = "        self.reply({'node': {'phase': 'Succeeded', 'message': 'I am of %s'}})" % where
    (directory / "server.py").write_text(SERVER.format(body=body, port=port))
    tmp_path.chmod(0o755)
    return directory


@pytest.mark.parametrize("ns, answer", [("team", "team"), ("default", "argo"), ("argo", "argo"), ("elsewhere", "argo")])
def test_the_workflows_own_namespace_wins_over_argo(tiphys, tmp_path, port, ns, answer):
    plugins = [placed(tmp_path, port, where, where) for where in ("argo", "team")]
    result = tiphys("run", "-", *plugins, "-n", ns, "-o", "json", stdin=WORKFLOW.format(name="probe"))
    assert message_of(result) == f"I am of {answer}"
    assert result.err.count("Executor plugin added") == 1


def test_a_plugin_of_another_namespace_is_not_seen(tiphys, tmp_path, port):
    result = tiphys("run", "-", placed(tmp_path, port, "team", "team"), stdin=WORKFLOW.format(name="probe"))
    assert result.code == 2
    assert 'no plugin is given that could run "probe"' in result.err


def test_a_workflow_with_plugins_of_its_own_has_only_those(tiphys, echo, tmp_path):
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    plugin = yaml.safe_load((echo / "plugin.yaml").read_text())
    plugin["spec"]["sidecar"]["container"]["args"] = [(echo / "server.py").read_text().replace("json.dumps(plugin['probe'])", "'own'")]
    plugin = {"metadata": plugin["metadata"], "spec": plugin["spec"]}
    workflow = yaml.safe_load((echo / "workflow.yaml").read_text())
    workflow["spec"]["executorPlugins"] = [plugin]
    (tmp_path / "wf.json").write_text(json.dumps(workflow))
    (echo / "workflow.yaml").unlink()
    assert message_of(tiphys("run", tmp_path / "wf.json", echo, "-o", "json")).startswith("own ")


def test_output_formats(tiphys, echo):
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    as_json = tiphys("run", echo, "--name", "w", "-o", "json").json
    as_yaml = yaml.safe_load(tiphys("run", echo, "--name", "w", "-o", "yaml").out)
    assert as_json["status"].keys() == as_yaml["status"].keys()
    assert as_json["spec"] == as_yaml["spec"] and as_json["status"]["nodes"]["w"]["message"][:20] == as_yaml["status"]["nodes"]["w"]["message"][:20]
    assert tiphys("run", echo, "--name", "w", "-o", "name").out == "workflow.argoproj.io/w\n"
    wide = tiphys("run", echo, "--name", "w", "-o", "wide").out
    assert re.fullmatch(r'\n ✔ w  main  probe  \d+ms  \{"a": "one", .*\n\nw Succeeded in \d+ms\n', wide)
    assert re.sub(r"\d+ms|\"uid.*", "", tiphys("run", echo, "--name", "w").out) == re.sub(r"\d+ms|\"uid.*", "", wide)


def test_several_workflows_give_a_list_and_several_reports(tiphys, echo):
    text = (echo / "workflow.yaml").read_text()
    (echo / "workflow.yaml").write_text(text.replace("generateName: echo-", "name: one") + "---\n" +
                                        text.replace("generateName: echo-", "name: two"))
    result = tiphys("run", echo, "-o", "json")
    assert (result.json["apiVersion"], result.json["kind"]) == ("v1", "List")
    assert [w["metadata"]["name"] for w in result.json["items"]] == ["one", "two"]
    assert tiphys("run", echo, "-o", "name").out == "workflow.argoproj.io/one\nworkflow.argoproj.io/two\n"
    out = tiphys("run", echo).out
    assert out.index("one Succeeded in") < out.index(" ✔ two")


def test_a_thousand_workflows_have_a_thousand_names(tiphys, make_plugin):
    """And one sidecar."""
    directory = make_plugin()
    text = (directory / "workflow.yaml").read_text().replace("probe-", "w-")
    (directory / "workflow.yaml").write_text("---\n".join([text] * 1000))
    result = tiphys("run", directory, "-o", "name")
    assert result.code == 0, result.err[-2000:]
    names = result.out.splitlines()
    assert len(names) == len(set(names)) == 1000
    assert result.err.count("plugin probe  starting") == 1


def test_more_plugins_than_names_are_looked_at(tiphys, make_plugin, port):
    """TPH_LIMIT_PLUGINS bounds what is offered for a name, not how many there may be; those that nobody needs do not start."""
    directory = make_plugin()
    many = "---\n".join(PLUGIN.format(name=f"p{i}", port=port + 1) for i in range(1100))
    (directory / "many.yaml").write_text(many)
    result = tiphys("run", directory, "-o", "json")
    assert message_of(result) == "ok"
    assert [line for line in result.err.splitlines() if line.endswith("  starting")] == ["plugin probe  starting"]
    (directory / "workflow.yaml").write_text(WORKFLOW.format(name="p5x"))
    result = tiphys("run", directory, "--timeout", "100ms")
    assert result.code == 1
    assert 'no plugin is called "p5x"; did you mean "p5"? asking all' in result.err


def test_workflows_run_side_by_side(tiphys, make_plugin):
    """Each waits for the other: one after the other they would never end."""
    directory = make_plugin(
        "        seen.add(args['workflow']['metadata']['name'])\n"
        "        self.reply({'node': {'phase': 'Succeeded'}} if len(seen) == 2 else {'node': {'phase': 'Running'}, 'requeue': '10ms'})",
        )
    server = directory / "server.py"
    server.write_text(server.read_text().replace("class Plugin", "seen = set()\nclass Plugin", 1))
    text = (directory / "workflow.yaml").read_text()
    (directory / "workflow.yaml").write_text(text + "---\n" + text)
    assert tiphys("run", directory, "--timeout", "20s").code == 0


def test_a_parameter_whose_name_is_no_text_is_offered_to_nobody(tiphys, echo):
    """`n` is a boolean to YAML."""
    file = echo / "workflow.yaml"
    file.write_text(file.read_text().replace("name: a,", "name: n,"))
    result = tiphys("run", echo, "-p", "n=1")
    assert result.code == 2 and "did you mean" not in result.err
    assert "name: a text was expected, not a truth value\n  put it into quotes: y, n, yes, no, on and off are truth values in YAML" in result.err


def test_quiet_leaves_warnings_and_the_result(tiphys, echo):
    result = tiphys("run", echo, "-q", "-p", "aa=1")
    assert without_machine(result.err).splitlines() == [f'warning: --parameter aa: {echo}/workflow.yaml declares no such parameter; did you mean "a"?']
    assert " Succeeded in " in result.out


def test_words_in_place_of_icons(tiphys, echo):
    assert re.search(r"^ Succeeded echo-\w{5}  main", tiphys("run", echo, "--no-utf8").out, re.M)


def test_log_lines_as_logfmt_and_as_json(tiphys, echo):
    assert tiphys("run", echo).err.splitlines()[0] == 'level=info msg="Executor plugin added" name=probe-executor-plugin'
    first = json.loads(tiphys("run", echo, "--log-format", "json").err.splitlines()[0])
    assert first == {"level": "info", "msg": "Executor plugin added", "name": "probe-executor-plugin"}


def test_logs_of_several_sidecars_are_told_apart(tiphys, tmp_path, port):
    for i, name in enumerate(("red", "blue")):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "plugin.yaml").write_text(PLUGIN.format(name=name, port=port + i))
        body = f"        print('this is {name}', flush=True)\n        self.reply({{'node': {{'phase': 'Succeeded'}}}})"
        (directory / "server.py").write_text(SERVER.format(body=body, port=port + i))
        (directory / "workflow.yaml").write_text(WORKFLOW.format(name=name))
    tmp_path.chmod(0o755)
    result = tiphys("run", tmp_path / "red", tmp_path / "blue", "--log", "--logs-dir", tmp_path / "logs")
    assert result.code == 0, result.err
    assert "red | this is red\n" in result.err and "blue | this is blue\n" in result.err
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "blue-executor-plugin_blue-executor-plugin.log", "red-executor-plugin_red-executor-plugin.log"]


def test_without_log_nothing_of_a_sidecar_is_shown(tiphys, make_plugin):
    result = tiphys("run", make_plugin("        print('secret', flush=True)\n        self.reply({'node': {'phase': 'Succeeded'}})"))
    assert result.code == 0 and "secret" not in result.err + result.out


def test_with_network_none_two_plugins_may_have_one_port(tiphys, tmp_path, port):
    for name in ("red", "blue"):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "plugin.yaml").write_text(PLUGIN.format(name=name, port=port))
        body = f"        self.reply({{'node': {{'phase': 'Succeeded', 'message': 'I am {name}'}}}})"
        (directory / "server.py").write_text(SERVER.format(body=body, port=port))
        (directory / "workflow.yaml").write_text(WORKFLOW.format(name=name))
    tmp_path.chmod(0o755)
    result = tiphys("run", tmp_path / "red", tmp_path / "blue", "--network", "none", "-o", "json")
    assert result.code == 0, result.err
    assert [next(iter(w["status"]["nodes"].values()))["message"] for w in result.json["items"]] == ["I am red", "I am blue"]


def test_compatibility_turns_an_improvement_off(tiphys, echo, tmp_path):
    text = """
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: m
  hooks: {exit: {template: leaf, expression: workflow.status == "Failed"}}
  templates:
  - {name: m, steps: [[{name: a, template: leaf}]]}
  - {name: leaf, plugin: {probe: {message: hi}}}
"""
    path = tmp_path / "wf.yaml"
    path.write_text(text)
    for words, handled in (([], False), (["--compatibility", "argo"], True), (["--compatibility", "texts,hooks"], True),
                           (["--compatibility", "texts"], False)):
        result = tiphys("run", path, "--plugin", echo, "-o", "json", *words)
        assert result.code == 0, result.err
        assert ("wf.onExit" in {n["name"] for n in result.json["status"]["nodes"].values()}) is handled, words


def test_an_image_is_what_the_given_map_says(tiphys, make_plugin, tmp_path):
    directory = make_plugin()
    file = directory / "plugin.yaml"
    file.write_text(file.read_text().replace("image: python:3", "image: house/own:1").replace("[python, ", "[snake, "))
    (tmp_path / "images.yaml").write_text("images:\n  - image: 'own:*'\n    programs: {snake: python3}\n")
    result = tiphys("run", directory, "--images-file", tmp_path / "images.yaml", "-o", "json")
    assert message_of(result) == "ok"
    assert "house/own:1 -> /usr/bin/python3" in result.err


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("words", ["-q", "-o json", "--log"])
def test_closed_standard_descriptors_are_no_reason_to_fall(echo, tmp_path, closed, words):
    """An output that cannot be written is an error, and nothing else is written in its place."""
    seen = tmp_path / "seen"
    done = subprocess.run(["bash", "-c", f"'{TIPHYS}' run '{echo}' {words} 0</dev/null >'{seen}' 2>'{seen}2' {closed}"])
    assert done.returncode == (1 if "1>&-" in closed else 0)
    if closed == "1>&-":
        assert "error: cannot write the output: Bad file descriptor\n" in (tmp_path / "seen2").read_text()


def test_standard_input_that_is_closed_is_told(tiphys, echo):
    done = subprocess.run(["bash", "-c", f"'{TIPHYS}' run - --plugin '{echo}' 0<&-"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: standard input: Bad file descriptor\n")


def test_a_file_that_cannot_be_read_is_no_failed_workflow(tiphys, echo, tmp_path):
    result = tiphys("run", echo, "--parameter-file", tmp_path)
    assert (result.code, result.err) == (2, f"error: {tmp_path}: Is a directory\n")


def test_an_output_that_does_not_block_is_waited_for(echo):
    """As node.js makes the pipes of its children: what is more than the pipe holds is written all the same."""
    text = (echo / "workflow.yaml").read_text()
    (echo / "workflow.yaml").write_text(text.replace("echo-}", "echo-, annotations: {long: %s}}" % ("x" * 300000)))
    read, write = os.pipe()
    os.set_blocking(write, False)
    process = subprocess.Popen([TIPHYS, "run", echo, "-q", "-o", "json"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)

    def waiting():
        count = struct.unpack("i", fcntl.ioctl(read, termios.FIONREAD, bytes(4)))[0]
        assert process.poll() is None, process.stderr.read()
        return count >= 65536

    wait_until(waiting)
    with os.fdopen(read) as out:
        assert json.load(out)["status"]["phase"] == "Succeeded"
    assert process.wait(30) == 0


def test_a_reader_that_goes_away_does_not_change_the_result(echo):
    done = subprocess.run(["bash", "-c", f"'{TIPHYS}' run '{echo}' -q | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True)
    assert done.stdout == "0\n"


def test_options_after_two_dashes_are_files(tiphys, echo):
    shutil.copy(echo / "workflow.yaml", echo.parent / "-odd.yaml")
    assert tiphys("run", "--plugin", echo, "-o", "name", "--", "-odd.yaml", cwd=echo.parent).code == 0


@pytest.mark.parametrize("words, message", [
    (["--parameter", "x"], 'error: --parameter takes NAME=VALUE, not "x"\n'),
    (["-p", "=x"], 'error: --parameter takes NAME=VALUE, not "=x"\n'),
    (["-o", "xml"], 'error: --output takes one of wide|json|yaml|name, not "xml"\n  see tiphys run --help\n'),
    (["--network", "bridge"], 'error: --network takes one of host|none|isolated, not "bridge"\n  see tiphys run --help\n'),
    (["--log-format", "xml"], 'error: --log-format takes one of text|json, not "xml"\n  see tiphys run --help\n'),
    (["--timeout", "soon"], 'error: --timeout takes a duration such as 90s, 5m or 1h30m, not "soon"\n  see tiphys run --help\n'),
    (["--timeout"], "error: --timeout needs a value: DURATION\n  see tiphys run --help\n"),
    (["-x"], "error: unknown option -x\n  see tiphys run --help\n"),
    (["--quite"], "error: unknown option --quite; did you mean --quiet?\n  see tiphys run --help\n"),
    (["--name", "A b"], 'error: --name takes a name, not "A b"\n  at most 63 lower case letters, digits, \'-\' and \'.\', '
                        "the first and the last a letter or digit\n"),
    (["-n", "x" * 64], f'error: --namespace takes a name, not "{"x" * 64}"\n  at most 63 lower case letters, digits, \'-\' and \'.\', '
                       "the first and the last a letter or digit\n"),
    (["--entrypoint", "nope"], "error: {wf}:5:3: spec.entrypoint: there is no template called 'nope'\n"),
    (["--plugin", "nope"], "error: nope: No such file or directory\n"),
    (["--plugin", "{wf}"], "error: {wf}: no plugin in this file\n  --plugin takes a plugin's directory, its plugin.yaml or its "
                           "ConfigMap\n"),
    (["--parameter-file", "nope"], "error: nope: No such file or directory\n"),
    (["--logs-dir", "{wf}"], "error: --logs-dir {wf}: Not a directory\n"),
    (["--logs-dir", "/nope/logs"], "error: --logs-dir /nope/logs: No such file or directory\n"),
    (["--compatibility", "argo,parallelsm"], 'error: --compatibility: "parallelsm" is no compatibility; did you mean "parallelism"?\n  there are '
                                             "argo, timeouts, exports, progress, parallelism, replies, texts, loops, hooks, shutdown, "
                                             "retries, messages and seconds\n"),
    (["--images-file", "nope"], "error: nope: No such file or directory\n"),
    ([""], "error: an argument is empty\n  name a file or directory, or - for standard input\n"),
])
def test_wrong_values_are_told(tiphys, echo, words, message):
    wf = echo / "workflow.yaml"
    result = tiphys("run", wf, "--plugin", echo, *(word.format(wf=wf) for word in words))
    assert (result.code, result.err, result.out) == (2, message.format(wf=wf), "")


@pytest.mark.parametrize("text, message", [
    ("- a\n", "error: {p}: a parameter file is a map of names and values, found: array\n  for example: message: hi\n"),
    ("a: [1\n", "error: {p}:2:1: yaml: did not find expected ',' or ']'\n"),
])
def test_a_parameter_file_that_is_none(tiphys, echo, tmp_path, text, message):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    result = tiphys("run", echo, "--parameter-file", path)
    assert (result.code, result.err) == (2, message.format(p=path))


def test_name_is_for_one_workflow(tiphys, echo):
    result = tiphys("run", echo, TOP / "examples/hello/hello.yaml", "--name", "x")
    assert (result.code, result.err) == (2, "error: --name is for one workflow, here are 2\n")
