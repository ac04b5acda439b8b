"""What a newcomer reads first is true: README's commands, the contract's document, the help."""
import json
import re

import pytest
from conftest import TOP


def load_api():
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    return yaml.safe_load((TOP / "docs" / "plugin-api.yaml").read_text())


def check(value, schema, api, where="$"):
    """The part of JSON Schema that the document uses; what it does not describe is an error, too."""
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
        described = schema.get("properties", {})
        for name, member in value.items():
            if described and "additionalProperties" not in schema:
                assert name in described, f"{where}.{name} is not in the document"
            check(member, described.get(name, {}), api, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, element in enumerate(value):
            check(element, schema["items"], api, f"{where}[{i}]")
    if "enum" in schema:
        assert value in schema["enum"], where
    if "pattern" in schema and isinstance(value, str):
        assert re.search(schema["pattern"], value), where


# The token is written backwards, for as it is it would show as ***.
RECORD = ("        headers = {**self.headers, 'Authorization': self.headers['Authorization'][::-1]}\n"
          "        print('REQUEST ' + json.dumps([args, headers, self.path]), flush=True)\n")


def requests_of(text):
    return [json.loads(line.split("REQUEST ", 1)[1]) for line in text.splitlines() if "REQUEST" in line]


def check_request(api, body, headers, path):
    operation = api["paths"][path]["post"]
    check(body, operation["requestBody"]["content"]["application/json"]["schema"], api)
    assert headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"Bearer [a-z0-9]{32}", headers["Authorization"][::-1])
    ours = {name for name in headers if name not in ("Host", "Content-Length", "Content-Type", "Authorization", "Accept", "User-Agent",
                                                     "Accept-Encoding", "Connection")}
    assert ours == {parameter["name"] for parameter in operation["parameters"]}
    for parameter in operation["parameters"]:
        check(headers[parameter["name"]], parameter["schema"], api, parameter["name"])
    assert headers["Idempotency-Key"] == f"{body['workflow']['metadata']['uid']}/{body['task']['id']}/0"


def test_what_we_send_is_what_the_document_says(tiphys, make_plugin):
    """A first call, one that goes on, with all that a task can tell, and a cancel call."""
    api = load_api()
    directory = make_plugin(RECORD + "        self.reply({'node': {'phase': 'Running', 'message': 'half', 'outputs': {'result': 'r'}}, "
                                     "'requeue': '10ms' if args['task']['calls'] == 0 else '1h'})")
    workflow = directory / "workflow.yaml"
    workflow.write_text(workflow.read_text().replace("    - name: main\n", "    - name: main\n      activeDeadlineSeconds: 2\n"
                                                     "      inputs: {parameters: [{name: p, value: v}]}\n"
                                                     "      metadata: {labels: {a: b}}\n"))
    result = tiphys("run", directory, "--log")
    assert result.code == 1
    sent = requests_of(result.err)
    assert [path for _, _, path in sent] == ["/api/v1/template.execute", "/api/v1/template.execute", "/api/v1/template.cancel"]
    for body, headers, path in sent:
        check_request(api, body, headers, path)
    assert sent[0][0]["task"].keys() == {"id", "name", "attempt", "calls", "deadline"}
    assert sent[1][0]["task"].keys() == {"id", "name", "attempt", "calls", "deadline", "message", "outputs"}
    assert (sent[1][0]["task"]["calls"], sent[1][0]["task"]["message"], sent[1][0]["task"]["outputs"]) == (1, "half", {"result": "r"})
    described = api["components"]["schemas"]["Request"]["properties"]
    assert described.keys() == sent[1][0].keys()
    assert described["task"]["properties"].keys() == sent[1][0]["task"].keys()
    assert described["template"]["properties"].keys() <= sent[0][0]["template"].keys()


FULL = {"phase": "Succeeded", "message": "m", "progress": "1/1", "outputs": {
    "parameters": [{"name": "p", "value": 1}], "result": "r", "exitCode": "0", "artifacts": []}}


def test_every_member_of_an_answer_is_described_and_taken(tiphys, make_plugin):
    api = load_api()
    described = api["components"]["schemas"]["Reply"]["properties"]
    assert described.keys() == {"node", "requeue"}
    assert described["node"]["properties"].keys() == FULL.keys()
    assert described["node"]["properties"]["outputs"]["properties"].keys() == FULL["outputs"].keys()
    check({"node": FULL}, {"$ref": "#/components/schemas/Reply"}, api)
    result = tiphys("run", make_plugin(f"        self.reply({{'node': {FULL!r}}})"), "-o", "json")
    (node,) = result.json["status"]["nodes"].values()
    taken = node["outputs"]
    assert (node["phase"], node["message"], node["progress"]) == ("Succeeded", "m", "1/1")
    assert (taken["parameters"], taken["result"], taken["exitCode"]) == ([{"name": "p", "value": "1"}], "r", "0")


def phases():
    return ["Succeeded", "Failed", "Error", "Skipped", "Omitted"]


@pytest.mark.parametrize("reply, code", [
    *[({"node": {"phase": phase}}, 1 if phase in ("Failed", "Error") else 0) for phase in phases()],
    ({"node": {"phase": "Succeeded", "message": None, "progress": None, "outputs": None}, "requeue": None}, 0),
    ({"node": {"phase": "Succeeded", "outputs": {"parameters": None, "result": None, "exitCode": None, "artifacts": None}}}, 0),
    ({"node": {"phase": "Succeeded", "outputs": {"parameters": [{"name": "p", "value": True}, {"name": "q"}]}}}, 0),
    ({"node": None}, 1),
    ({}, 1),
    (None, 1),
])
def test_what_the_document_allows_is_accepted(tiphys, make_plugin, reply, code):
    api = load_api()
    check(reply, {"$ref": "#/components/schemas/Reply"}, api)
    result = tiphys("run", make_plugin(f"        self.reply({reply!r})"), "-o", "json")
    assert result.code == code, result.out
    (node,) = result.json["status"]["nodes"].values()
    if reply and reply.get("node"):
        assert node["phase"] == reply["node"]["phase"]
    else:
        assert node["message"] == "no plugin executed the template"


@pytest.mark.parametrize("reply, message", [
    ([], "an object was expected"),
    ({"node": "x"}, "node must be of type object, not string"),
    ({"node": {"phase": 1}}, "node.phase must be of type string, not number"),
    ({"node": {"phase": "Done"}}, 'the phase "Done", which is none'),
    ({"node": {"phase": "Succeeded", "message": {}}}, "node.message must be of type string, not object"),
    ({"node": {"phase": "Succeeded", "outputs": {"parameters": ["x"]}}}, "node.outputs.parameters[0] must be of type object, not string"),
    ({"node": {"phase": "Succeeded", "outputs": {"result": 1}}}, "node.outputs.result must be of type string, not number"),
])
def test_what_the_document_does_not_allow_is_told(tiphys, make_plugin, reply, message):
    api = load_api()
    with pytest.raises(AssertionError):
        check(reply, {"$ref": "#/components/schemas/Reply"}, api)
    result = tiphys("run", make_plugin(f"        self.reply({reply!r})"), "-o", "json")
    (node,) = result.json["status"]["nodes"].values()
    assert result.code == 1 and message in node["message"]


def test_every_status_that_the_document_names_is_treated_so(tiphys, make_plugin):
    api = load_api()
    assert set(api["paths"]["/api/v1/template.execute"]["post"]["responses"]) == {"200", "403", "404", "503", "default"}
    assert set(api["paths"]["/api/v1/template.cancel"]["post"]["responses"]) == {"200", "404", "default"}
    body = ("        how = args['task']['name'].rsplit('.', 1)[1]\n"
            "        tries[how] = tries.get(how, 0) + 1\n"
            "        if how == 'busy' and tries[how] == 2:\n"
            "            self.reply({'node': {'phase': 'Succeeded'}})\n"
            "        else:\n"
            "            self.reply({'oh': 'no'}, {'wrong': 403, 'busy': 503, 'other': 418}[how])")
    directory = make_plugin(body)
    server = directory / "server.py"
    server.write_text(server.read_text().replace("class Plugin", "tries = {}\nclass Plugin", 1))
    group = "".join(f"          - {{name: {how}, template: one}}\n" for how in ("wrong", "busy", "other")).replace("          -", "        - -", 1)
    (directory / "workflow.yaml").write_text(
        "kind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: main\n  templates:\n    - name: one\n      plugin: {probe: {}}\n"
        f"    - name: main\n      steps:\n{group}")
    nodes = {n["displayName"]: n for n in tiphys("run", directory, "-o", "json").json["status"]["nodes"].values()}
    assert nodes["busy"]["phase"] == "Succeeded"
    assert nodes["wrong"]["message"].startswith('403 Forbidden: {"oh": "no"} (the plugin did not accept the token')
    assert nodes["other"]["message"] == '418 I\'m a Teapot: {"oh": "no"}'


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
