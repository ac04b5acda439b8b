"""What is wrong, where, and what to do: the exact words, exit code 2 before anything starts, or a failed node and exit code 1."""
import json
import os
import re
import shutil
import socket
import threading

import pytest
from conftest import PLUGIN, SERVER, TOP, WORKFLOW, without_machine

HELLO = TOP / "examples" / "hello"
HEAD = "kind: Workflow\nmetadata: {name: x}\nspec:\n  entrypoint: a\n"
NAMED = WORKFLOW.format(name="x").replace("generateName: x-", "name: x")
LAUGHS = "\n".join(["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"] +
                   [f"a{i}: &a{i} [{','.join(['*a%d' % (i - 1)] * 10)}]" for i in range(1, 10)])


def refused(tiphys, words, message, **options):
    """Nothing was started: all there is is one error."""
    result = tiphys("run", *words, **options)
    assert (result.code, result.err, result.out) == (2, message, "")


@pytest.mark.parametrize("text, message", [
    # not YAML
    ("kind: Workflow\nspec: [1, 2\n", ":3:1: yaml: did not find expected ',' or ']'"),
    ("kind: Workflow\n---\nkind: Workflow\n\tspec: x\n", ":4:1: yaml: found a tab character that violates indentation"),
    ("kind: Workflow\nspec:\n  a: 1\n  a: 2\n", ":4:3: yaml: key \"a\" already set in map"),
    ("kind: \x01\n", ":1:7: yaml: control characters are not allowed"),
    ("a: *b\n", ":1:4: yaml: unknown anchor 'b' referenced"),
    ("a: &a [1, *a]\n", ":1:11: yaml: anchor 'a' value contains itself"),
    (LAUGHS, ":1:12: yaml: document contains excessive aliasing"),
    ("a: " + "[" * 10000, ":1:1003: yaml: exceeded max depth of 1000"),
    # no manifest
    ("hello\n", ":1:1: this is no manifest: an object was expected, found: string"),
    ("a: 1\n", ":1:1: kind is missing\n  run takes Workflow, WorkflowTemplate, ClusterWorkflowTemplate, ExecutorPlugin, ConfigMap, Secret and List"),
    ("apiVersion: v1\nkind: Worklow\n", ":2:1: unknown kind \"Worklow\"; did you mean Workflow?\n"
                                        "  run takes Workflow, WorkflowTemplate, ClusterWorkflowTemplate, ExecutorPlugin, ConfigMap, Secret and List"),
    ("apiVersion: v1\nkind: Pod\n", ":2:1: unknown kind \"Pod\"\n  run takes Workflow, WorkflowTemplate, ClusterWorkflowTemplate, ExecutorPlugin, ConfigMap, Secret and List"),
    # two of one name
    (NAMED + "---\n" + NAMED, ":15:3: there is a workflow called \"x\" already ({file}:4:3)\n"
                              "  give one of them another metadata.name, or use generateName"),
    ("kind: Secret\nmetadata: {name: s}\n---\nkind: Secret\nmetadata: {name: s}\n", ":5:12: there is a Secret of that name already"),
    ("kind: ConfigMap\nmetadata: {name: s}\n---\nkind: ConfigMap\nmetadata: {name: s}\n", ":5:12: there is a ConfigMap of that name already"),
    # no workflow that can run
    ("kind: Workflow\nmetadata: {name: A_b}\n", ":2:12: metadata.name: \"A_b\" is no name\n  at most 63 lower case letters, digits, "
                                                "'-' and '.', the first and the last a letter or digit"),
    ("kind: Workflow\nmetadata: {name: x}\n", ":1:1: spec.templates: a list of templates was expected, there are none"),
    (HEAD.replace("  entrypoint: a\n", "") + "  templates:\n  - name: a\n    plugin: {x: {}}\n",
     ":3:1: spec.entrypoint: entrypoint is missing\n  name the template to begin with"),
    (HEAD + "  templates:\n  - name: b\n    plugin: {x: {}}\n", ":4:3: spec.entrypoint: there is no template called 'a'"),
    (HEAD + "  templates:\n  - name: a\n    plugin: {}\n", ":7:5: spec.templates[0].plugin: expected exactly one key, got 0"),
    (HEAD + "  templates:\n  - name: a\n    plugin: {b: 1, c: 2}\n", ":7:5: spec.templates[0].plugin: expected exactly one key, got 2"),
])
def test_a_manifest_that_cannot_run(tiphys, tmp_path, text, message):
    path = tmp_path / "wf.yaml"
    path.write_text(text)
    refused(tiphys, [path, "--plugin", HELLO], f"error: {path}{message.format(file=path)}\n")
    name = "<stdin>"
    refused(tiphys, ["-", "--plugin", HELLO], f"error: {name}{message.format(file=name)}\n", stdin=text)


def in_short(value):
    """For the name of a case: it is in the environment of what is started, which has to have room."""
    return value[-60:] if isinstance(value, str) else "made" if callable(value) else "bytes"


WAIT = "  - {name: wait, inputs: {parameters: [{name: p, default: ''}]}, suspend: {duration: '0'}}\n"


def steps(rest):
    return f"{HEAD}  templates:\n  - {{name: a, steps: [[{{name: b, template: wait, {rest}}}]]}}\n{WAIT}"


def dag(tasks):
    return f"{HEAD}  templates:\n  - {{name: a, dag: {{tasks: [{tasks}]}}}}\n{WAIT}"


def argument(text):
    return steps("arguments: {parameters: [{name: p, value: \"%s\"}]}" % text)


@pytest.mark.parametrize("text, message", [
    # undecodable
    (HEAD + "  templates: {name: a}\n", ":5:3: spec.templates: a list was expected, not a map"),
    (HEAD + "  templates: [{name: a, steps: {b: wait}}]\n", ":5:25: spec.templates[0].steps: a list was expected, not a map"),
    (HEAD + "  templates: [{name: a, steps: [[{name: b, template: 7}]]}]\n",
     ":5:44: spec.templates[0].steps[0][0].template: a text was expected, not a number\n  put it into quotes"),
    (HEAD + "  templates: [{name: a, parallelism: many, suspend: {}}]\n",
     ":5:25: spec.templates[0].parallelism: a whole number was expected, not a text"),
    (HEAD + "  templates: [{name: a, retryStrategy: [1], suspend: {}}]\n",
     ":5:25: spec.templates[0].retryStrategy: a map was expected, not a list"),
    # cycles
    (dag("{name: b, template: wait, dependencies: [c]}, {name: c, template: wait, dependencies: [b]}"),
     ":6:29: spec.templates[0].dag.tasks[0]: tasks wait for each other: b waits for c waits for b"),
    (dag("{name: b, template: wait, depends: b.Failed}"), ":6:29: spec.templates[0].dag.tasks[0]: tasks wait for each other: b waits for b"),
    # what is not there
    (dag("{name: b, template: wait, depends: c}"), ":6:55: spec.templates[0].dag.tasks[0].depends: there is no task called 'c'"),
    (dag("{name: b, template: wait, dependencies: [c]}"), ":6:70: spec.templates[0].dag.tasks[0].dependencies[0]: there is no task called 'c'"),
    (dag("{name: b, template: weit}"), ":6:39: spec.templates[0].dag.tasks[0].template: there is no template called 'weit'\n  did you mean wait?"),
    (argument("{{steps.z.id}}"),
     ":6:85: spec.templates[0].steps[0][0].arguments.parameters[0].value: {{{{steps.z.id}}}} is not known here\n  known are, in a steps "
     "template, the outputs that earlier steps' templates declare; others get them as arguments"),
    # bytes and keys
    (HEAD.encode() + b"  templates: [{name: a, suspend: {duration: '\xff'}}]\n", ":5:46: yaml: invalid leading UTF-8 octet"),
    (HEAD.encode() + b"  templates: [{name: a, suspend: {duration: '\xe2\x82'}}]\n", ":5:47: yaml: invalid trailing UTF-8 octet"),
    (HEAD + "  templates: [{name: a, suspend: {}, name: b}]\n", ':5:38: yaml: key "name" already set in map'),
    ('{"kind": "Workflow", "metadata": {"name": "x"}, "spec": {"entrypoint": "a", "entrypoint": "b"}}',
     ':1:77: yaml: key "entrypoint" already set in map'),
    # more than a manifest may be: a list of 10,000,000
    (lambda: steps("withParam: '[%s]'" % ",".join(["0"] * 10_000_000)), " is larger than 16777216 bytes"),
], ids=in_short)
def test_a_workflow_that_is_no_good_does_not_begin(tiphys, tmp_path, text, message):
    path = tmp_path / "wf.yaml"
    text = text() if callable(text) else text
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(tiphys, [path], f"error: {path}{message.format()}\n")


TOO_MANY = "a loop has more than 200000 items (TPH_LIMIT_ITEMS): make it several steps"
TOO_LONG = "the text is longer than 1048576 bytes with its tags replaced"
TOO_DEEP = ("Maximum recursion depth exceeded. See "
            "https://argo-workflows.readthedocs.io/en/release-4.1/scaling/#maximum-recursion-depth")
UNRESOLVED = "failed to resolve references: "


def budget(expression, column):
    return (f"{UNRESOLVED}failed to evaluate expression: memory budget exceeded (1:{column})\n"
            f" | {expression}\n | {'.' * (column - 1)}^")


@pytest.mark.parametrize("text, name, message", [
    # loops: the longest list that a parameter can be, and what grows when it is asked for
    (steps("withSequence: {count: '10000000'}"), "x[0]", TOO_MANY),
    (steps("withParam: '[%s]'" % ",".join(["0"] * 500_000)), "x[0]", TOO_MANY),
    (steps("withItems: [%s]" % ",".join(["0"] * 200_001)), "x[0]", TOO_MANY),
    (steps("withParam: '{{= toJson(1..10000000)}}'"), "x[0]", budget(" toJson(1..10000000)", 10)),
    # expressions without end
    (argument("{{=repeat('x', 1000000000)}}"), "x[0]", budget("repeat('x', 1000000000)", 1)),
    (argument("{{=repeat(repeat('x', 1000000), 1000000)}}"), "x[0]", budget("repeat(repeat('x', 1000000), 1000000)", 8)),
    (argument("{{=string(all(1..100000, all(1..100000, true)))}}"), "x[0]", budget("string(all(1..100000, all(1..100000, true)))", 28)),
    (argument("{{=len(map(1..1000, len(map(1..1000, len(map(1..1000, #))))))}}"), "x[0]",
     budget("len(map(1..1000, len(map(1..1000, len(map(1..1000, #))))))", 39)),
    # parameters of a megabyte
    (argument("z" * 1048577), "x[0].b", TOO_LONG),
    (argument("{{workflow.name}}" + "z" * 1048576), "x[0]", UNRESOLVED + TOO_LONG),
    # recursion without end, of steps, DAGs, and both in turn
    (HEAD + "  templates: [{name: a, steps: [[{name: b, template: a}]]}]\n", "x" + "[0].b" * 99, TOO_DEEP),
    (HEAD + "  templates: [{name: a, dag: {tasks: [{name: b, template: a}]}}]\n", "x" + ".b" * 99, TOO_DEEP),
    (HEAD + "  templates: [{name: a, steps: [[{name: b, template: c}]]}, {name: c, dag: {tasks: [{name: d, template: a}]}}]\n",
     "x" + "[0].b.d" * 49 + "[0].b", TOO_DEEP),
], ids=in_short)
def test_what_has_no_end_fails_by_a_limit(tiphys, tmp_path, text, name, message):
    path = tmp_path / "wf.yaml"
    path.write_text(text)
    result = tiphys("run", path, "-o", "json", timeout=60)
    assert result.code == 1, result.err
    status = result.json["status"]
    nodes = {node["name"]: node for node in status["nodes"].values()}
    assert status["phase"] in ("Failed", "Error")
    assert (nodes[name]["phase"], nodes[name]["message"]) == ("Error", message)
    assert {node["phase"] for node in nodes.values()} <= {"Failed", "Error"}


def test_parameters_of_a_megabyte_pass(tiphys, tmp_path):
    path = tmp_path / "wf.yaml"
    path.write_text(argument("z" * 1048576))
    result = tiphys("run", path, "-o", "json")
    assert result.code == 0, result.err
    (step,) = (node for node in result.json["status"]["nodes"].values() if node["name"] == "x[0].b")
    assert len(step["inputs"]["parameters"][0]["value"]) == 1048576


def test_all_that_is_wrong_is_told_as_lint_tells_it(tiphys, tmp_path):
    """Several problems of several workflows; nothing begins."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(HEAD.replace("name: x", f"name: {name}") + """\
  templates:
  - name: a
    steps:
    - - {name: s, template: leef}
      - {name: t, template: leaf, when: "'{{workflow.name}}' > 3"}
      - {name: u, template: pod}
  - {name: leaf, plugin: {hello: "{{inputs.parameters.m}}"}}
  - {name: pod, script: {image: x}}
""")
    words = """\
warning: {0}.yaml:9:35: spec.templates[0].steps[0][1].when: '{{{{workflow.name}}}}' is a text: to compare it with the number 3 is an error when it is evaluated
  write it without quotes
error: {0}.yaml:8:19: spec.templates[0].steps[0][0].template: there is no template called 'leef'
  did you mean leaf?
error: {0}.yaml:11:27: spec.templates[1].plugin.hello: {{{{inputs.parameters.m}}}} is not known here
  declare it under inputs.parameters of this template
error: {0}.yaml:12:17: spec.templates[2].script: script templates do not run here, for there are no pods
  --map script=PLUGIN hands them to a plugin that runs image, command and args
"""
    result = tiphys("run", "a.yaml", "b.yaml", "--plugin", HELLO, cwd=tmp_path)
    told = sorted(words.format("a").splitlines() + words.format("b").splitlines())
    assert (result.code, sorted(result.err.splitlines()), result.out) == (2, told, "")
    lint = tiphys("lint", "a.yaml", cwd=tmp_path).out.splitlines()[:-1]
    assert sorted(line.replace("warning", "error") for line in lint) == sorted(
        line.replace("warning", "error") for line in words.format("a").splitlines())


def test_a_warning_does_not_stop_a_run(tiphys, make_plugin):
    directory = make_plugin()
    path = directory / "workflow.yaml"
    path.write_text(path.read_text() + "    - {name: other, suspend: {duration: soon}}\n")
    result = tiphys("run", directory, "-q")
    assert result.code == 0
    assert result.err.splitlines()[0] == f'warning: {path}:11:31: spec.templates[1].suspend.duration: "soon" is no duration such as 30s, 5m or 2h'


def test_template_without_type(tiphys, tmp_path):
    path = tmp_path / "wf.yaml"
    path.write_text(HEAD + "  templates:\n  - name: a\n")
    result = tiphys("run", path, "--plugin", HELLO)
    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(re.escape(f"error: {path}:6:5: spec.templates[0]: template 'a' type is unknown\n") + r"  give it one of: plugin, steps.*\n",
                        result.err)


def test_no_file(tiphys, tmp_path):
    refused(tiphys, [tmp_path / "none.yaml"], f"error: {tmp_path}/none.yaml: No such file or directory\n")


def test_nothing_given(tiphys, tmp_path):
    message = "error: no workflow is given\n  name a file or directory with one, or - for standard input\n"
    refused(tiphys, [], message)
    refused(tiphys, ["-"], message, stdin="# nothing\n---\n")
    refused(tiphys, ["--plugin", HELLO], message)
    refused(tiphys, [tmp_path], f"error: {tmp_path}: no workflow and no plugin in this directory\n"
                                "  it needs a *.yaml, *.yml or *.json file with one; directories in it are not looked into\n")


def test_two_workflows_of_one_name_in_two_files(tiphys, tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(NAMED)
    refused(tiphys, ["a.yaml", "b.yaml", "--plugin", HELLO],
            "error: b.yaml:4:3: there is a workflow called \"x\" already (a.yaml:4:3)\n"
            "  give one of them another metadata.name, or use generateName\n", cwd=tmp_path)


def test_two_workflows_of_one_name_in_one_namespace(tiphys, tmp_path):
    """By the namespace that they get, not the one that stands there."""
    for name, ns in (("a.yaml", "one"), ("b.yaml", "default"), ("c.yaml", "")):
        (tmp_path / name).write_text(NAMED.replace("  name: x\n", f"  name: x\n  namespace: {ns}\n"))
    told = "error: {}:4:3: there is a workflow called \"x\" already ({}:4:3)\n  give one of them another metadata.name, or use generateName\n"
    refused(tiphys, ["a.yaml", "b.yaml", "c.yaml", "--plugin", HELLO], told.format("c.yaml", "b.yaml"), cwd=tmp_path)
    refused(tiphys, ["a.yaml", "b.yaml", "-n", "team", "--plugin", HELLO], told.format("b.yaml", "a.yaml"), cwd=tmp_path)


def test_more_workflows_than_one_run_takes(tiphys):
    ten_thousand = "---\n".join(f"kind: Workflow\nmetadata: {{name: w{i}}}\nspec: {{}}\n" for i in range(10000))
    refused(tiphys, ["-", "--plugin", HELLO], "error: <stdin>:39998:12: metadata.name: \"_\" is no name\n  at most 63 lower "
            "case letters, digits, '-' and '.', the first and the last a letter or digit\n",
            stdin=ten_thousand.replace("name: w9999", "name: _"))
    refused(tiphys, ["-", "--plugin", HELLO], "error: more than 10000 workflows in one run\n",
            stdin=ten_thousand + "---\nkind: Workflow\nmetadata: {name: one-more}\nspec: {}\n")


def test_two_plugins_of_one_name(tiphys, make_plugin, tmp_path):
    directory = make_plugin()
    shutil.copytree(directory, tmp_path / "again")
    refused(tiphys, [directory, tmp_path / "again"],
            f"error: {tmp_path}/again/plugin.yaml: there is a plugin called \"probe\" already ({directory}/plugin.yaml)\n"
            "  give one of them another metadata.name, or another namespace\n")


def test_no_plugin_at_all(tiphys, tmp_path):
    path = tmp_path / "wf.yaml"
    path.write_text(WORKFLOW.format(name="hello"))
    refused(tiphys, [path], f"error: {path}:9:7: spec.templates[0].plugin: no plugin is given that could run \"hello\"\n"
                            "  add one with --plugin DIR or a ConfigMap on the command line\n")


def steady(text):
    return re.sub(r"\b\d+(\.\d)?m?s\b", "TIME", without_machine(text).rstrip("\n"))


def test_a_key_that_no_plugin_is_called_by(tiphys, make_plugin, tmp_path):
    directory = make_plugin("        self.reply({})")
    path = tmp_path / "wf.yaml"
    path.write_text(NAMED.replace("x: {}", "prob: {}"))
    result = tiphys("run", path, "--plugin", directory)
    assert result.code == 1
    assert steady(result.err).splitlines()[:3] == [
        f"warning: {path}:9:7: spec.templates[0].plugin: no plugin is called \"prob\"; did you mean \"probe\"? asking all",
        f"  plugins here: probe ({directory}/plugin.yaml)",
        "  add another with --plugin DIR or a ConfigMap on the command line"]
    assert steady(result.out) == (
        "\n ✖ x  main  prob  TIME  no plugin executed the template\n\n"
        f"asked for \"prob\": plugin probe ({directory}/plugin.yaml): not mine\n\nx Failed in TIME")


# plugin.yaml, whose text is PLUGIN: what is replaced in it, and what is said
PORTS = "      ports:\n        - containerPort: 4355\n"
REQUESTS = "        requests: {cpu: 100m, memory: 64Mi}\n"
LIMITS = "        limits: {cpu: 500m, memory: 128Mi}\n"
SECURITY = "      securityContext:\n        runAsNonRoot: true\n        runAsUser: 65534\n"
PORTS_MISSING = "spec.sidecar.container.ports is missing\n  a plugin is called on its first port; for example\n    ports: [{{containerPort: 4355}}]"
REQUESTS_MISSING = ("spec.sidecar.container.resources.requests is missing\n  executor plugins must say what they need; for example\n"
                    "    requests: {{cpu: 100m, memory: 32Mi}}")


@pytest.mark.parametrize("old, new, message", [
    (PORTS, "", ":7:5: " + PORTS_MISSING),
    (PORTS, "      ports: []\n", ":11:7: " + PORTS_MISSING),
    ("containerPort: 4355", "name: http", ":12:11: spec.sidecar.container.ports[0] containerPort is missing"),
    ("containerPort: 4355", "containerPort: 70000", ":12:11: spec.sidecar.container.ports[0].containerPort 70000 is not a whole number from 1 to 65535"),
    ("      resources:\n" + REQUESTS + LIMITS, "", ":7:5: " + REQUESTS_MISSING),
    (REQUESTS, "", ":13:7: " + REQUESTS_MISSING),
    (REQUESTS, "        requests: {}\n", ":14:9: " + REQUESTS_MISSING),
    (LIMITS, "", ":13:7: spec.sidecar.container.resources.limits is missing\n  executor plugins must limit what they use; for example\n"
                 "    limits: {{cpu: 200m, memory: 64Mi}}"),
    ("memory: 128Mi", "memory: 128MB", ":15:29: spec.sidecar.container.resources.limits.memory \"128MB\" is no quantity such as 250m or 64Mi"),
    (SECURITY, "", ":7:5: spec.sidecar.container.securityContext is missing\n  executor plugins must say as whom they run; for example\n"
                   "    securityContext: {{runAsNonRoot: true, runAsUser: 65534}}"),
    ("runAsUser: 65534", "runAsUser: 0", ":18:9: spec.sidecar.container.securityContext.runAsUser is 0, which is root, but runAsNonRoot is true\n"
                                         "  set runAsUser to another id, for example 65534"),
    ("        runAsUser: 65534\n", "        privileged: true\n", ":18:9: spec.sidecar.container.securityContext.privileged cannot be honoured here: "
                                                                 "sidecars are never privileged"),
    ("        runAsUser: 65534\n", "        allowPrivilegeEscalation: true\n",
     ":18:9: spec.sidecar.container.securityContext.allowPrivilegeEscalation true cannot be honoured here: sidecars gain no rights by "
     "running programs"),
    ("  sidecar:\n", "  sidecar:\n    terminationGracePeriodSeconds: soon\n",
     ":7:5: spec.sidecar.terminationGracePeriodSeconds must be a whole number from 0 to 86400"),
    ("  sidecar:\n", "  sidecar:\n    volumes:\n    - name: v\n      hostPath: {path: /}\n",
     ":9:7: spec.sidecar.volumes[0].hostPath cannot be honoured here: sidecars see no files of this machine"),
    ("  sidecar:\n", "  sidecar:\n    automountServiceAccountToken: true\n",
     ":7:5: spec.sidecar.automountServiceAccountToken cannot be honoured here: there are no service accounts\n"
     "  take it out, or use a server with TLS, which has them: tiphys server"),
    ("image: python", "imagee: python", ":9:7: spec.sidecar.container.imagee is no field that is known here; did you mean image?"),
    ("[python, -u, -c]", "python -u -c", ":10:7: spec.sidecar.container.command must be a list, not a string"),
    ("metadata:\n  name: p", "metadata:\n  nam: p", ":3:1: metadata.name is missing"),
    ("metadata:\n", "metadata:\n  annotations: {tiphys/call-timeout: soon}\n",
     ":4:17: metadata.annotations[tiphys/call-timeout] \"soon\" is no duration such as 30s or 2m"),
    ("metadata:\n", "metadata:\n  annotations: {tiphys/ready-timeout: 0s}\n",
     ":4:17: metadata.annotations[tiphys/ready-timeout] \"0s\" is no duration such as 30s or 2m"),
])
def test_a_plugin_that_cannot_run(tiphys, tmp_path, old, new, message):
    text = PLUGIN.format(name="p", port=4355)
    assert old in text
    (tmp_path / "plugin.yaml").write_text(text.replace(old, new))
    (tmp_path / "wf.yaml").write_text(WORKFLOW.format(name="p"))
    refused(tiphys, [tmp_path], f"error: {tmp_path}/plugin.yaml{message.format()}\n")


CONTAINER = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: p-executor-plugin
  labels: {workflows.argoproj.io/configmap-type: ExecutorPlugin}
data:
  sidecar.container: |

    name: p
    image: python
    command: [python]
    ports: [{containerPort: 4355}]
    resources:
      requests: {cpu: 1}
      limits: {cpu: 1}
    securityContext:
      runAsUser: 1
"""


@pytest.mark.parametrize("old, new, message", [
    ("    ports: [{containerPort: 4355}]\n", "", ":9:5: data[sidecar.container].ports is missing\n"
     "  a plugin is called on its first port; for example\n    ports: [{containerPort: 4355}]"),
    ("      limits: {cpu: 1}\n", "", ":13:5: data[sidecar.container].resources.limits is missing\n"
     "  executor plugins must limit what they use; for example\n    limits: {cpu: 200m, memory: 64Mi}"),
    ("      limits: {cpu", "      limitz: {cpu", ":15:7: data[sidecar.container].resources.limitz is no field that is known here; did you mean limits?"),
    ("runAsUser: 1", "runAsUser: x", ":17:7: data[sidecar.container].securityContext.runAsUser must be a number from 0 to 65535"),
    ("    name: p\n", "    name: p\n    name: q\n", ':10:5: yaml: key "name" already set in map'),
    ("    name: p\n", "    name: [p\n", ":10:10: yaml: did not find expected ',' or ']'"),
    ("  sidecar.container: |\n\n    name: p\n", '  sidecar.container: "nam: p"\n  other: |\n    name: p\n',
     ":7:3: data[sidecar.container].nam is no field that is known here; did you mean name?"),
    ("  sidecar.container: |\n", "  other: |\n", ":6:1: data[sidecar.container] is missing"),
])
def test_the_text_in_a_configmap_that_cannot_run(tiphys, tmp_path, old, new, message):
    assert old in CONTAINER
    file = tmp_path / "cm.yaml"
    file.write_text(CONTAINER.replace(old, new))
    refused(tiphys, [HELLO, file], f"error: {file}{message}\n")


def test_an_object_of_a_list_is_found_in_its_file(tiphys, tmp_path):
    file = tmp_path / "list.yaml"
    indented = "".join(f"  {line}" if line.strip() else line for line in CONTAINER.replace("limits:", "limitz:").splitlines(True))
    secret = "- kind: Secret\n  metadata: {name: s}\n"
    file.write_text("kind: List\nitems:\n" + secret + "- " + indented[2:])
    refused(tiphys, [HELLO, file], f"error: {file}:19:9: items[1].data[sidecar.container].resources.limitz is no field that is known here; "
                                   "did you mean limits?\n")
    file.write_text("kind: List\nitems:\n" + secret + secret)
    refused(tiphys, [HELLO, file], f"error: {file}:6:14: there is a Secret of that name already\n")
    file.write_text("kind: List\nitems:\n" + secret + "- kind: Worklow\n")
    refused(tiphys, [HELLO, file], f"error: {file}:5:3: unknown kind \"Worklow\"; did you mean Workflow?\n"
                                   "  run takes Workflow, WorkflowTemplate, ClusterWorkflowTemplate, ExecutorPlugin, ConfigMap, Secret and List\n")
    file.write_text("kind: List\nitems:\n- kind: Workflow\n  metadata: {name: x}\n  spec:\n    entrypoint: b\n    templates:\n"
                    "    - name: a\n      plugin: {x: {}}\n")
    refused(tiphys, [file, "--plugin", HELLO], f"error: {file}:6:5: spec.entrypoint: there is no template called 'b'\n")


def test_a_plugin_of_a_workflow_that_cannot_run(tiphys, tmp_path):
    file = tmp_path / "wf.yaml"
    file.write_text(HEAD + "  templates: [{name: a, plugin: {p: {}}}]\n  executorPlugins:\n  - metadata: {name: p}\n    spec:\n      sidecar:\n"
                    "        container:\n          name: p\n          image: python\n          ports: [{containerPort: 4355}]\n")
    refused(tiphys, [file], f"error: {file}:10:9: spec.executorPlugins[0].spec.sidecar.container.resources.requests is missing\n"
                            "  executor plugins must say what they need; for example\n    requests: {cpu: 100m, memory: 32Mi}\n")


def test_a_configmap_with_a_service_account(tiphys, make_plugin):
    directory = make_plugin()
    assert tiphys("executor-plugin", "build", directory).code == 0
    (directory / "plugin.yaml").unlink()
    file = directory / "probe-executor-plugin-configmap.yaml"
    file.write_text(file.read_text().replace('automountServiceAccountToken: "false"', 'automountServiceAccountToken: "true"'))
    refused(tiphys, [directory], f"error: {file}:4:3: data[sidecar.automountServiceAccountToken] cannot be honoured here: "
                                 "there are no service accounts\n  take it out, or use a server with TLS, which has them: tiphys server\n")


def failed(tiphys, directory, *options):
    """A run that failed with one node: its message, and what is explained below the tree."""
    workflow = directory / "workflow.yaml"
    workflow.write_text(workflow.read_text().replace("generateName: probe-", "name: w"))
    result = tiphys("run", directory, *options)
    assert result.code == 1, result.err + result.out
    tree, *why, end = result.out.strip("\n").split("\n\n")
    assert steady(end) == "w Failed in TIME"
    found = re.fullmatch(r" ✖ w  main  probe  \S+  (.*)", tree)
    assert found, result.out
    return found.group(1), "\n\n".join(why), steady(result.err)


def changed(directory, old, new):
    file = directory / "plugin.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return directory


WHERE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.mark.parametrize("old, new, problem, hint", [
    ("image: python:3\n      command: [python, -u, -c]", "image: ruby:3\n      command: [ruby, -e]",
     f"spec.sidecar.container.image: ruby:3 needs ruby, which this machine has not in {WHERE}",
     "apt install ruby, or map the image to a root directory: see tiphys doctor --images"),
    ("command: [python, ", "command: [no-such-program, ",
     "spec.sidecar.container.command[0]: this machine has no program no-such-program, and its files stand in for the image python:3",
     f"install it in {WHERE}, or map the image to a root directory: see tiphys doctor --images"),
    ("image: python:3\n      command: [python, ", "image: house/own:1\n      command: [snake, ",
     "spec.sidecar.container.image: no map says what the image \"house/own:1\" is, and this machine has no program snake",
     "map it to a root directory or to programs in images.yaml: see tiphys doctor --images"),
    ("command: [python, ", "command: [/no/such/program, ",
     "spec.sidecar.container.command[0]: exec /no/such/program: No such file or directory", None),
])
def test_an_interpreter_that_is_not_here(tiphys, make_plugin, old, new, problem, hint):
    if "ruby" in new and any(os.path.exists(f"{d}/ruby") for d in WHERE.split(":")):
        pytest.skip("this machine has ruby")
    message, why, err = failed(tiphys, changed(make_plugin(), old, new))
    start = "sidecar probe-executor-plugin cannot be started: "
    assert message == start + problem + (f"; {hint}" if hint else "")
    assert why == start + problem + (f"\n  {hint}" if hint else "")
    assert f"\nplugin probe  cannot be started: {problem}\n" in err


def test_port_in_use_names_who(tiphys, make_plugin, port):
    directory = make_plugin()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        message, why, err = failed(tiphys, directory)
    name = open("/proc/self/comm").read().strip()
    start = f"sidecar probe-executor-plugin cannot be started: port {port} is in use by {name} (pid {os.getpid()}); plugin probe needs it"
    hint = f"stop that program, or change containerPort in {directory}/plugin.yaml"
    assert (message, why) == (f"{start}; {hint}", f"{start}\n  {hint}")
    assert err.count(hint) == 1  # with the node that fails of it


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
def test_who_takes_the_port_before_the_server_listens_gets_nothing(tiphys_open, make_plugin, port, address):
    """Neither a task nor the token; the message says who it is."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    directory = make_plugin(server="import time\nprint('not yet', flush=True)\ntime.sleep(3600)\n")
    try:
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with socket.socket(family) as thief, tiphys_open("run", directory, "--log") as run:
        for line in run.stderr:
            if "not yet" in line:
                break
        thief.bind((address, port))
        thief.listen()
        out, err = run.communicate(timeout=100)
        thief.setblocking(False)
        came = b""
        try:
            while True:
                with thief.accept()[0] as connection:
                    came += connection.recv(65536)
        except BlockingIOError:
            pass
    name = open("/proc/self/comm").read().strip()
    assert (run.returncode, came) == (1, b""), out + err
    assert f"sidecar probe-executor-plugin cannot be used: port {port} is in use by {name} (pid {os.getpid()}, user " in out
    assert f"); plugin probe needs it\n  stop that program, or change containerPort in {directory}/plugin.yaml" in out


def refused_by(port):
    return f'Post "http://localhost:{port}/api/v1/template.execute": dial tcp 127.0.0.1:{port}: connect: connection refused; '


def test_a_server_that_never_listens_shows_its_last_lines(tiphys, make_plugin, port):
    directory = make_plugin(server="import time\nprint('still thinking', flush=True)\ntime.sleep(3600)\n")
    changed(directory, "metadata:\n", "metadata:\n  annotations: {tiphys/ready-timeout: 1s}\n")
    message, why, _ = failed(tiphys, directory)
    never = f"sidecar probe-executor-plugin never listened on port {port} within 1 s"
    assert message == refused_by(port) + never
    assert why == never + "; its last lines:\n  | still thinking"


def test_a_server_that_dies_before_it_listens(tiphys, make_plugin, port):
    directory = make_plugin(server="import sys\nprint('no module named requests', file=sys.stderr)\nsys.exit(3)\n")
    message, why, err = failed(tiphys, directory)
    never = f"sidecar probe-executor-plugin never listened on port {port} and exited 3 three times"
    assert message == refused_by(port) + never
    assert why == never + "; its last lines:\n" + "\n".join(["  | no module named requests"] * 3)
    assert err.count("plugin probe  exited 3 (Error), restart in TIME\n") == 3


def test_a_server_that_dies_says_when_it_starts_again(tiphys, make_plugin):
    body = ("        if args['task']['calls']:\n            os._exit(4)\n"
            "        self.reply({'node': {'phase': 'Running'}, 'requeue': '10ms'})")
    result = tiphys("run", make_plugin(body), "--timeout", "1s")
    assert "plugin probe  exited 4 (Error), restart in 1.0s\n" in result.err
    assert re.search(r"^probe-\w{5}  trying again in [\d.]+m?s  Post .*: EOF", result.err, re.M), result.err


DIES = "        print('no disk left', flush=True)\n        os._exit(4)"


def test_the_end_tells_how_a_server_died_that_answers_no_call(tiphys, make_plugin):
    result = tiphys("run", make_plugin(DIES), "--timeout", "1500ms")
    assert result.code == 1
    assert re.search(r"\n\nsidecar probe-executor-plugin exited 4 \(Error\); its last lines:\n(  \| .*\n)*  \| no disk left\n\n",
                     result.out), result.out


def test_a_death_that_was_got_over_is_no_reason(tiphys, make_plugin):
    """The second life answers, and fails the node for a reason of its own. Which life it is, a listener of ours tells."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def tell():
            for word in (b"die", b"live"):
                with listener.accept()[0] as connection:
                    connection.sendall(word)

        threading.Thread(target=tell, daemon=True).start()
        body = (f"        import socket\n        word = socket.create_connection(('127.0.0.1', {listener.getsockname()[1]})).recv(9)\n"
                "        if word == b'live':\n            self.reply({'node': {'phase': 'Failed', 'message': 'no such job'}})\n"
                "            return\n" + DIES)
        result = tiphys("run", make_plugin(body))
    assert result.code == 1 and "plugin probe  exited 4 (Error), restart in" in result.err
    assert "no such job" in result.out and "exited" not in result.out


@pytest.mark.parametrize("body, message", [
    ("self.reply(b'<html>welcome')", "the plugin's reply is not JSON (1:1: invalid character '<' looking for beginning of value); "
                                     "it begins with: <html>welcome"),
    ("self.reply(b'{\"node\": 1')", "the plugin's reply is not JSON (1:11: unexpected end of JSON input); it begins with: {\"node\": 1"),
    ("self.reply([1])", "the plugin's reply is not JSON (an object was expected); it begins with: [1]"),
    ("self.reply(b'')", "EOF: the plugin answered 200 with an empty body; {} says that a template is not its own"),
    ("self.reply(b'[' * 10000)", "the plugin's reply is not JSON (1:1001: nested deeper than 1000 levels); it begins with: " + "[" * 200 + "..."),
    # as in Go: bytes that are no UTF-8 become U+FFFD
    ("self.reply(b'{\"node\": {\"phase\": \"Failed\", \"message\": \"a\\xff\"}}')", "a\ufffd"),
    ("self.reply({'message': 'wrong token'}, 403)", "403 Forbidden: {\"message\": \"wrong token\"} (the plugin did not accept the token: "
                                                    "it should compare the Authorization header with /var/run/argo/token)"),
    ("self.reply({'oh': 'no'}, 500)", "500 Internal Server Error: {\"oh\": \"no\"}"),
    ("self.reply(b'gone', 410)", "410 Gone: gone"),
    # a gigabyte
    ("self.send_response(200)\n        self.end_headers()\n        [self.wfile.write(b'x' * 65536) for _ in range(16384)]",
     "the plugin's reply is larger than 4194304 bytes"),
    ("self.reply({'node': {'phase': 'Succeeded', 'outputs': {'parameters': [{'name': 'p', 'value': 'x' * 1048577}]}}})",
     "output parameter \"p\" is larger than 1048576 bytes"),
])
def test_an_answer_that_is_none(tiphys, make_plugin, body, message):
    told, why, _ = failed(tiphys, make_plugin("        " + body))
    assert (told, why) == (message, "")


def test_a_phase_that_is_none(tiphys, make_plugin):
    result = tiphys("run", make_plugin("        self.reply({'node': {'phase': 'Done'}})"), "-o", "json")
    (node,) = result.json["status"]["nodes"].values()
    assert (result.code, node["phase"], node["message"]) == (
        1, "Error", 'the plugin answered with the phase "Done", which is none of Succeeded, Failed, Error, Running, Pending, Skipped, Omitted')


def test_two_documents_in_a_reply_the_first_counts(tiphys, make_plugin):
    directory = make_plugin("        self.reply(b'{\"node\": {\"phase\": \"Succeeded\", \"message\": \"one\"}} {\"node\": 2}')")
    result = tiphys("run", directory, "-o", "json")
    (node,) = result.json["status"]["nodes"].values()
    assert (result.code, node["message"]) == (0, "one")


def test_a_requeue_that_is_no_duration_is_told(tiphys, make_plugin):
    directory = make_plugin("        self.reply({'node': {'phase': 'Running'}, 'requeue': 'soon'})")
    err = tiphys("run", directory, "--timeout", "1s").err
    assert 'warning: plugin probe: requeue is no duration such as "2m"; it is ignored\n' in err
    assert "warning: plugin probe answered Running without requeue; it is called again every 10 s\n" in err


@pytest.fixture
def secret_example(tmp_path):
    shutil.copytree(TOP / "examples" / "secret", tmp_path / "s")
    tmp_path.chmod(0o755)
    return tmp_path / "s"


def secret_message(tiphys, directory):
    result = tiphys("run", directory, "-o", "json")
    assert result.code == 1
    return next(iter(result.json["status"]["nodes"].values()))["message"]


def test_missing_secret_is_named(tiphys, secret_example):
    workflow = secret_example / "secret.yaml"
    workflow.write_text(workflow.read_text().split("---")[1])
    assert secret_message(tiphys, secret_example) == (
        'sidecar greeter-executor-plugin cannot be started: spec.sidecar.container.env[0].valueFrom.secretKeyRef: there is no Secret "greeter" '
        "in namespace default; give its manifest too, or say optional: true")


def test_missing_key_is_named(tiphys, secret_example):
    workflow = secret_example / "secret.yaml"
    workflow.write_text(workflow.read_text().replace("greeting: Good day", "other: x"))
    assert secret_message(tiphys, secret_example) == (
        'sidecar greeter-executor-plugin cannot be started: spec.sidecar.container.env[0].valueFrom.secretKeyRef: Secret "greeter" in namespace '
        'default has no key "greeting"; its keys are other')


def test_wrong_usage(tiphys):
    result = tiphys("rum")
    assert (result.code, result.err) == (2, 'error: unknown command "rum"; did you mean "run"?\n  see tiphys --help\n')
    result = tiphys("run", "--nmae", "x")
    assert (result.code, result.err) == (2, "error: unknown option --nmae; did you mean --name?\n  see tiphys run --help\n")
