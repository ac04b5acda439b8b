"""tiphys lint: what Argo answered to whole command lines, colours, published examples; our limits."""
import json
import pathlib
import time

import pytest
from conftest import TIPHYS, TOP, run_program

GOLDEN = TOP / "tests" / "data" / "golden"
ARGO = TOP / ".." / "shared" / "data" / "argo"


def rows(name):
    return [json.loads(line) for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def argo(tmp_path_factory):
    link = tmp_path_factory.mktemp("bin") / "argo"
    link.symlink_to(pathlib.Path(TIPHYS).resolve())
    return link


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    top = tmp_path_factory.mktemp("manifests")
    for path, text in rows("lint_args.jsonl")[0]["files"].items():
        (top / path).parent.mkdir(exist_ok=True)
        (top / path).write_text(text, encoding="utf-8")
    return top


@pytest.mark.parametrize("row", rows("lint_args.jsonl")[1:], ids=lambda row: " ".join(row["args"][3:]) or "nothing")
def test_command_line_as_argo(argo, folder, row):
    done = run_program(*row["args"], program=argo, cwd=folder, stdin=row["stdin"] or "")
    assert (done.code, done.out, done.err) == (row["rc"], row["stdout"], row["stderr"])


@pytest.mark.parametrize("row", rows("lint_color.jsonl"), ids=lambda row: row["name"])
def test_colours_as_argo(argo, tmp_path, row):
    text = next(r["text"] for r in rows("lint.jsonl") if r["name"] == row["name"])
    (tmp_path / row["file"]).write_text(text, encoding="utf-8")
    done = run_program("lint", "--offline", row["file"], program=argo, cwd=tmp_path)
    assert (done.code, done.out, done.err) == (row["rc"], row["stdout"], row["stderr"])


@pytest.mark.skipif(not ARGO.exists(), reason="Argo's examples are not on this machine")
def test_published_examples_as_argo(argo):
    recorded = [json.loads(line) for line in (ARGO / ".." / "golden" / "lint_examples.jsonl").read_text().splitlines()]
    for row in recorded[:-1]:
        done = run_program("lint", "--offline", "--no-color", "-o", "simple", row["file"], program=argo, cwd=ARGO)
        assert (row["file"], done.code, done.out, done.err) == (row["file"], row["rc"], row["stdout"], row["stderr"])


def workflow(templates):
    return json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"},
                       "spec": {"entrypoint": templates[0]["name"], "templates": templates}})


@pytest.mark.parametrize("words, code, err", [
    ([], 2, "error: nothing is given: name files or directories, or - for standard input\n  see tiphys lint --help\n"),
    (["-o", "bogus", "w.yaml"], 2, "error: --output takes pretty or simple; ours is without it\n  see tiphys lint --help\n"),
    (["--no-such", "w.yaml"], 2, "error: unknown option --no-such\n  see tiphys lint --help\n"),
    (["--strict=maybe", "w.yaml"], 2, "error: --strict takes true or false, not \"maybe\"\n  see tiphys lint --help\n"),
    (["--kinds", "pods", "w.yaml"], 2, None),
    (["none.yaml"], 1, "error: none.yaml: No such file or directory\n"),
    (["--strict", "w.yaml"], 1, ""),
    (["--strict=true", "w.yaml"], 1, ""),
    (["--strict=false", "w.yaml"], 0, ""),
])
def test_wrong_usage_ends_with_2_and_strict_takes_no_file_for_its_value(tmp_path, words, code, err):
    manifest = json.loads(workflow([{"name": "m", "suspend": {}}]))
    manifest["spec"]["entryPoint"] = "m"
    (tmp_path / "w.yaml").write_text(json.dumps(manifest))
    done = run_program("lint", *words, cwd=tmp_path)
    assert (done.code, done.err) == (code, done.err if err is None else err), done.out


def test_standard_input_is_linted():
    done = run_program("lint", "-", stdin=workflow([{"name": "a", "plugin": {"x": {}}}]))
    assert done.code == 0, done.err


def test_templates_that_call_each_other_without_end_are_an_error():
    chain = [{"name": f"t{i}", "steps": [[{"name": "s", "template": f"t{i + 1}"}]]} for i in range(300)]
    done = run_program("lint", "-", stdin=workflow(chain + [{"name": "t300", "plugin": {"x": {}}}]))
    assert done.code == 1 and "more than 200 deep" in done.out


def test_a_long_chain_of_tasks_is_linted_in_time():
    tasks = [{"name": f"t{i}", "template": "p", **({"depends": f"t{i - 1}", "arguments": {"parameters": [
        {"name": "m", "value": "{{tasks.t%d.outputs.result}} {{tasks.t%d.status}}" % (i - 1, i // 2)}]}} if i else {
            "arguments": {"parameters": [{"name": "m", "value": "x"}]}})} for i in range(2000)]
    leaf = {"name": "p", "inputs": {"parameters": [{"name": "m"}]}, "plugin": {"x": {}}}
    began = time.monotonic()
    done = run_program("lint", "-", stdin=workflow([{"name": "main", "dag": {"tasks": tasks}}, leaf]))
    assert done.code == 0, done.out
    assert time.monotonic() - began < 5


def test_directories_are_walked_to_a_limit(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 101)
    deep.mkdir(parents=True)
    (deep / "w.yaml").write_text(workflow([{"name": "a", "plugin": {"x": {}}}]))
    assert "found nothing to lint" in run_program("lint", "d", cwd=tmp_path).out


def test_a_type_error_names_the_path_where_it_is():
    text = workflow([{"name": "a", "inputs": {"parameters": [{"name": "p", "value": "x"}]}, "plugin": {"x": {}}}, "text"])
    done = run_program("lint", "-o", "simple", "-", stdin=text)
    assert (done.code, done.err) == (1, "Error: failed to parse YAML from file stdin: json: cannot unmarshal string into Go "
                                     "struct field WorkflowSpec.spec.templates of type v1alpha1.Template\n")


# Our own report, which is what `lint` prints when nothing is asked for.

MANY = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: many
spec:
  entrypoint: mian
  templates:
    - name: main
      steps:
        - - name: a
            template: leaf
            when: "'{{workflow.name}}' > 3"
          - {name: b, templaet: leaf}
    - name: leaf
      container: {image: alpine}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: shared}
spec:
  templates:
    - {name: t, plugin: {helo: "{{inputs.parameters.x}}"}}
---
kind: ConfigMap
metadata: {name: hello-executor-plugin, labels: {workflows.argoproj.io/configmap-type: ExecutorPlugin}}
"""


def test_every_problem_with_its_place(tmp_path):
    (tmp_path / "many.yaml").write_text(MANY)
    (tmp_path / "bad.json").write_text('{"kind": "Workflow",\n  "spec": [}')
    (tmp_path / "call.yml").write_text("kind: Workflow\nmetadata: {name: c}\nspec:\n  workflowTemplateRef: {name: shared}\n  entrypoint: t\n")
    done = run_program("lint", ".", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    assert done.out == """\
error: bad.json:2:12: yaml: did not find expected node content
error: many.yaml:6:3: spec.entrypoint: there is no template called 'mian'
  did you mean main?
warning: many.yaml:12:13: spec.templates[0].steps[0][0].when: '{{workflow.name}}' is a text: to compare it with the number 3 is an error when it is evaluated
  write it without quotes
error: many.yaml:13:23: spec.templates[0].steps[0][1].templaet is no field that is known here; did you mean template?
warning: many.yaml:15:7: spec.templates[1].container: container templates do not run here, for there are no pods
  --map container=PLUGIN hands them to a plugin that runs image, command and args
warning: many.yaml:22:17: spec.templates[0].plugin: no plugin is called "helo"
  did you mean hello?
error: many.yaml:22:26: spec.templates[0].plugin.helo: {{inputs.parameters.x}} is not known here
  declare it under inputs.parameters of this template
3 objects in 3 files: 4 errors, 3 warnings
"""


def test_a_problem_in_what_is_called_names_the_caller(tmp_path):
    (tmp_path / "a.yaml").write_text("""\
kind: Workflow
metadata: {name: a}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: s, templateRef: {name: t, template: x}}
""")
    (tmp_path / "t.yaml").write_text('kind: WorkflowTemplate\nmetadata: {name: t}\nspec: {templates: [{name: x, plugin: {p: "{{workflow.parameters.q}}"}}]}\n')
    done = run_program("lint", "a.yaml", "t.yaml", cwd=tmp_path)
    assert (done.code, done.out) == (1, """\
error: t.yaml:3:39: spec.templates[0].plugin.p: {{workflow.parameters.q}} is not known here
  declare it under spec.arguments.parameters
  called by a.yaml:8:13: spec.templates[0].steps[0][0]
2 objects in 2 files: 1 error
""")


def test_what_is_well():
    done = run_program("lint", "-", stdin=workflow([{"name": "a", "plugin": {"x": {}}}]))
    assert (done.code, done.out, done.err) == (0, "1 object in 1 file: no errors\n", "")


def test_warnings_are_no_errors():
    text = workflow([{"name": "a", "script": {"image": "b", "source": "c"}}])
    done = run_program("lint", "-", stdin=text)
    assert (done.code, done.out) == (0, f"""\
warning: <stdin>:1:{text.index('"script"') + 1}: spec.templates[0].script: script templates do not run here, for there are no pods
  --map script=PLUGIN hands them to a plugin that runs image, command and args
1 object in 1 file: no errors, 1 warning
""")


def test_items_of_a_list_are_linted():
    text = json.dumps({"kind": "List", "items": [json.loads(workflow([{"name": "a", "plugin": {"x": {}}}])), {"kind": "Workflow"}]}, indent=1)
    done = run_program("lint", "-", stdin=text)
    line = text[:text.rindex("{")].count("\n") + 1
    assert (done.code, done.out) == (1, f"error: <stdin>:{line}:3: items[1].spec.templates: a list of templates was expected, there are none\n"
                                     "2 objects in 1 file: 1 error\n")


@pytest.mark.parametrize("text, line", [
    ("hello\n", "1:1: this is no manifest: an object was expected, found: string"),
    ("a: 1\n", "1:1: kind is missing"),
    ("apiVersion: x\nkind: Wrokflow\n", '2:1: unknown kind "Wrokflow"; did you mean Workflow?'),
    ("kind: Workflow\nspec:\n  a: 1\n  a: 2\n", '4:3: yaml: key "a" already set in map'),
    ("kind: Secret\n---\n\tx\n", "3:1: yaml: found character that cannot start any token"),
    ("kind: Workflow\nspec: {entrypoint: 3}\n", "2:8: spec.entrypoint: a text was expected, not a number\n  put it into quotes"),
])
def test_what_is_no_manifest(text, line):
    done = run_program("lint", "-", stdin=text)
    assert (done.code, done.out.rsplit("\n", 2)[0]) == (1, "error: <stdin>:" + line)


def test_nothing_to_lint(tmp_path):
    (tmp_path / "x.yaml").write_text("kind: Secret\n")
    assert run_program("lint", tmp_path).out == (
        "error: found nothing to lint\n  lint takes Workflow, WorkflowTemplate, CronWorkflow and ClusterWorkflowTemplate, in *.yaml, *.yml and *.json\n")
    done = run_program("lint", "nowhere")
    assert (done.code, done.out, done.err) == (1, "", "error: nowhere: No such file or directory\n")
    done = run_program("lint")
    assert (done.code, done.err) == (2, "error: nothing is given: name files or directories, or - for standard input\n  see tiphys lint --help\n")


def test_two_templates_of_one_name(tmp_path):
    text = "kind: WorkflowTemplate\nmetadata: {name: t}\nspec: {templates: [{name: x, plugin: {p: {}}}]}\n"
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text)
    done = run_program("lint", "a.yaml", "b.yaml", cwd=tmp_path)
    assert (done.code, done.out) == (1, 'error: b.yaml:2:12: metadata.name: there is a WorkflowTemplate called "t" already\n'
                                     "  references mean the first one\n2 objects in 2 files: 1 error\n")


@pytest.mark.skipif(not ARGO.exists(), reason="Argo's examples are not on this machine")
def test_published_examples_have_no_problem_but_pods():
    done = run_program("lint", "examples", cwd=ARGO)
    lines = [line for line in done.out.splitlines() if not line.startswith("  ") and "templates do not run here" not in line]
    assert lines[:-1] == ['error: examples/k8s-patch-json-workflow.yaml:13:3: yaml: key "annotations" already set in map']
