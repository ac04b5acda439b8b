"""What a newcomer reads first is true: README's commands, the contract's document, the help."""
import json
import re

import pytest
from conftest import TOP


def load_api():
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    return yaml.safe_load((TOP / "docs" / "plugin-api.yaml").read_text())


def check(value, schema, api, where="$"):
    """The part of JSON Schema that the document uses."""
    if "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    names = {"object": dict, "string": str, "integer": int, "array": list, "null": type(None)}
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(isinstance(value, names[k]) for k in kinds), f"{where}: {value!r} is no {kinds}"
    if isinstance(value, dict):
        for name in schema.get("required", []):
            assert name in value, f"{where}: {name} is missing"
        assert schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", 1 << 30), where
        for name, member in value.items():
            if name in schema.get("properties", {}):
                check(member, schema["properties"][name], api, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, element in enumerate(value):
            check(element, schema["items"], api, f"{where}[{i}]")
    if "enum" in schema:
        assert value in schema["enum"], where
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), where


def test_what_we_send_is_what_the_document_says(tiphys, make_plugin):
    api = load_api()
    directory = make_plugin("        print('REQUEST ' + json.dumps([args, dict(self.headers), self.path]), flush=True)\n"
                            "        self.reply({'node': {'phase': 'Succeeded'}})")
    result = tiphys("run", directory, "--log")
    body, headers, path = json.loads(next(l for l in result.err.splitlines() if "REQUEST" in l).split("REQUEST ", 1)[1])
    assert path in api["paths"]
    schema = api["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    check(body, schema, api)
    assert headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"Bearer [a-z0-9]{32}", headers["Authorization"])
    for parameter in api["paths"][path]["post"]["parameters"]:
        assert parameter["name"] in headers
    assert headers["Idempotency-Key"] == f"{body['workflow']['metadata']['uid']}/{body['task']['id']}/0"


@pytest.mark.parametrize("reply, code", [
    ({"node": {"phase": "Succeeded", "message": "m", "progress": "1/1",
               "outputs": {"parameters": [{"name": "p", "value": 1}], "result": "r", "exitCode": None}}}, 0),
    ({"node": {"phase": "Failed"}}, 1),
    ({"node": {"phase": "Skipped"}}, 0),
    ({}, 1),
    (None, 1),
])
def test_what_the_document_allows_is_accepted(tiphys, make_plugin, reply, code):
    api = load_api()
    check(reply, {"$ref": "#/components/schemas/Reply"}, api)
    result = tiphys("run", make_plugin(f"        self.reply({reply!r})"), "-o", "json")
    assert result.code == code, result.out


def test_readme_names_only_commands_that_exist(tiphys):
    text = (TOP / "README.md").read_text()
    for verb in re.findall(r"^    tiphys ((?:executor-plugin )?[a-z]+)", text, re.M):
        assert tiphys(*verb.split(), "--help").code == 0, verb
    for path in re.findall(r"\]\(([^)h#]+)\)", text):
        assert (TOP / path).exists(), path


def test_every_example_has_a_row_in_readme():
    text = (TOP / "README.md").read_text()
    for directory in (TOP / "examples").iterdir():
        assert f"examples/{directory.name}" in text, directory.name
