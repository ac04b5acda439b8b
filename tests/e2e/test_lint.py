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
    expected = row["stderr"].split("Usage:")[0]  # the long usage of Argo's own flags is not printed
    assert (done.code, done.out, done.err) == (row["rc"], row["stdout"], expected)


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
    done = run_program("lint", "-", stdin=text)
    assert (done.code, done.err) == (1, "Error: failed to parse YAML from file stdin: json: cannot unmarshal string into Go "
                                     "struct field WorkflowSpec.spec.templates of type v1alpha1.Template\n")
