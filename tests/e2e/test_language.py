"""docs/language.md is true: no field of the API is missing, what it calls refused is refused, its examples run."""
import glob
import re

import pytest
from conftest import TOP, run_program

PAGE = (TOP / "docs" / "language.md").read_text()
EXAMPLES = sorted(path.name for path in (TOP / "examples" / "language").glob("*.yaml"))


def api_types():
    text = "".join(open(path, encoding="utf-8").read() for path in glob.glob(str(TOP / "src" / "api" / "gotype_argo_*.c")))
    return {name: re.findall(r'\{"(\w+)",\s*&tph_gt_', body)
            for name, body in re.findall(r"tph_gt_argo_(\w+)_fields\[\] = \{(.*?)\{NULL, NULL, 0\}\};", text, re.S)}


def documented():
    """{type: {field: (word, note)}}"""
    types = {}
    for section in re.split(r"^### ", PAGE, flags=re.M)[1:]:
        name = re.match(r"`(\w+)`", section).group(1)
        rows = re.findall(r"^\| (\w+) \| (\w*) \| ?(.*?) ?\|$", section, re.M)
        types[name] = {field: (word, note) for field, word, note in rows if field != "field"}
    return types


@pytest.mark.parametrize("name", documented().keys())
def test_each_field_of_the_api_has_its_row(name):
    rows = documented()[name]
    assert set(rows) == set(api_types()[name])
    assert {word for word, _ in rows.values()} <= {"yes", "kept", "refused"}


LEAF = '{name: main, suspend: {duration: "0"}%s}'
# For each row that is called refused, a workflow that has the field: members of the spec, then the template.
REFUSED = {
    "Template.container": ("", "{name: main, container: {image: x}}"),
    "Template.script": ("", "{name: main, script: {image: x, source: z}}"),
    "Template.containerSet": ("", "{name: main, containerSet: {containers: [{name: main, image: x}]}}"),
    "Template.resource": ("", "{name: main, resource: {action: get}}"),
    "Template.data": ("", "{name: main, data: {source: {artifactPaths: {name: a}}, transformation: [{expression: x}]}}"),
    "Arguments.artifacts": ("arguments: {artifacts: [{name: a, raw: {data: x}}]}", LEAF % ""),
    "Mutex.database": ("", LEAF % ", synchronization: {mutexes: [{name: a, database: true}]}"),
    "SemaphoreRef.database": ("", LEAF % ", synchronization: {semaphores: [{database: {key: a}}]}"),
}


def refused_rows():
    return {f"{name}.{field}": note for name, rows in documented().items() for field, (word, note) in rows.items() if word == "refused"}


def test_there_is_a_case_for_each_row_that_is_refused():
    assert set(REFUSED) == set(refused_rows())


@pytest.mark.parametrize("field", REFUSED)
def test_what_is_called_refused_is_refused_in_these_words(field, tmp_path):
    spec, template = REFUSED[field]
    text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n"
    text += f"  {spec}\n" if spec else ""
    text += f"  entrypoint: main\n  templates:\n  - {template}\n"
    result = run_program("run", "-", stdin=text)
    message = re.match(r"`([^`]+)`", refused_rows()[field]).group(1)
    assert result.code == 2 and message in result.err, result.err


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_runs_and_is_named(name):
    assert name in PAGE
    result = run_program("run", f"examples/language/{name}", "--plugin", "examples/language/say", "-o", "json")
    assert result.code == 0 and result.json["status"]["phase"] == "Succeeded", result.out + result.err
    assert all(node["phase"] not in ("Running", "Pending") for node in result.json["status"]["nodes"].values())


def test_every_file_that_the_page_names_is_there():
    assert set(re.findall(r"\b([a-z]+\.yaml)\b", PAGE)) <= set(EXAMPLES)
