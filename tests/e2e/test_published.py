"""Argo's published examples: each is run with its containers and scripts handed to a plugin, or refused for a known
reason. What the plugin gives in place of a container is told by the template's name."""
import json
import re

import pytest
import yaml
from conftest import PLUGIN, SERVER, TOP, free_port, run_program

EXAMPLES = TOP.parent / "shared" / "data" / "argo" / "examples"
FILES = sorted(str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*") if path.is_file())
LINTED = TOP.parent / "shared" / "data" / "golden" / "lint_examples.jsonl"

# What a script or container of that name would have given: a result, or outputs; x is its inputs.
BODY = '''
        t = args['template']
        x = {p['name']: p.get('value') for p in t.get('inputs', {}).get('parameters', [])}
        even = 'even' if x.get('num', '1') in '2468' else 'odd'
        results = {'flip-coin': 'heads', 'gen-number-list': '[20, 21]', 'split': '["0", "1"]',
                   'odd-or-even': json.dumps({'num': x.get('num'), 'evenness': even}),
                   'divide-by-2': '1', 'counter-iteration': str(int(x.get('counter') or 0) + 1)}
        outputs = {'num': x.get('num', '1'), 'evenness': even}
        given = [{'name': p['name'], 'value': outputs.get(p['name'], '1')} for p in t.get('outputs', {}).get('parameters', [])]
        self.reply({'node': {'phase': 'Succeeded', 'message': 'done',
                             'outputs': {'parameters': given, 'result': results.get(t.get('name'), '1'), 'exitCode': '0'}}})
'''

MORE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: my-config}
data: {workflow: "1", template: "2"}
"""

# Files that others need.
CONFIG = "configmaps/simple-parameters-configmap.yaml"
TEMPLATES = ("workflow-template/templates.yaml", "cluster-workflow-template/clustertemplates.yaml")


def companions(name):
    text = (EXAMPLES / name).read_text()
    found = [CONFIG] if "simple-parameters" in text and name != CONFIG else []
    refers = re.search(r"(templateRef|workflowTemplateRef):", text) and name not in TEMPLATES
    return found + [other for other in TEMPLATES if refers]


WAITS = {
    "intermediate-parameters.yaml": "waits for a person's input",
    "suspend-template.yaml": "waits for a person",
    "suspend-template-outputs.yaml": "waits for a person's input",
}

# Refused before anything starts, with exit code 2.
REFUSED = (
    r"no workflow is given",  # templates, ConfigMaps
    r"(resource|containerSet|data) templates do not run here, for there are no pods",
    r'unknown kind "(PersistentVolumeClaim|ResourceQuota|WorkflowEventBinding)"',
    r"kind CronWorkflow is not supported yet",
    r"spec.arguments.artifacts: artifacts is not supported yet",
    r"there is no database here that could keep locks; use a mutex, or a ConfigMap",
    r'yaml: key "annotations" already set in map',
    r"\{\{pod.name\}\} is not known here",
)

# Run to the end, but cannot succeed here.
NO_ADDRESS = r"failed to resolve \{\{(steps|tasks)\.[\w-]+\.ip\}\}"
FAILS = {
    "daemon-nginx.yaml": NO_ADDRESS,
    "daemon-step.yaml": NO_ADDRESS,
    "dag-daemon-retry-strategy.yaml": NO_ADDRESS,
    "dag-daemon-task.yaml": NO_ADDRESS,
    "influxdb-ci.yaml": NO_ADDRESS,
    "steps-daemon-retry-strategy.yaml": NO_ADDRESS,
}


def calls_the_internet(name):
    """An http template, not an artifact that comes by http."""
    try:
        documents = list(yaml.safe_load_all((EXAMPLES / name).read_text()))
    except yaml.YAMLError:
        return False
    return any("http" in template for document in documents if isinstance(document, dict)
               for template in (document.get("spec") or {}).get("templates") or [])


@pytest.fixture(scope="module")
def helper(tmp_path_factory):
    """A plugin for all of them, and what they find in their cluster."""
    directory = tmp_path_factory.mktemp("published")
    for parent in (directory, directory.parent):
        parent.chmod(0o755)
    port = free_port()
    (directory / "plugin.yaml").write_text(PLUGIN.format(name="stand-in", port=port))
    (directory / "server.py").write_text(SERVER.format(body=BODY, port=port))
    (directory / "more.txt").write_text(MORE)
    return directory


def check_tree(status):
    """Every node is over, hangs on another one or is a root, and what it names is there."""
    nodes = status.get("nodes", {})
    children = {child for node in nodes.values() for child in node.get("children", [])}
    names = [node["name"] for node in nodes.values()]
    assert len(set(names)) == len(names)
    for key, node in nodes.items():
        assert node["id"] == key
        assert node["phase"] in ("Succeeded", "Failed", "Error", "Skipped", "Omitted"), node["name"]
        assert node["startedAt"] <= node["finishedAt"], node["name"]
        assert node.get("boundaryID", key) in nodes, node["name"]
        assert all(child in nodes for child in node.get("children", [])), node["name"]
        assert key in children or "boundaryID" not in node, f"{node['name']} hangs on nothing"
    done, total = status["progress"].split("/")
    assert int(done) <= int(total)
    if status["phase"] == "Succeeded":
        assert done == total


def test_the_table_names_files_that_are_there():
    if not FILES:
        pytest.skip("the published examples are not beside this checkout")
    assert {*WAITS, *FAILS} <= set(FILES)
    assert len(FILES) == 217


@pytest.mark.parametrize("name", FILES or [pytest.param("", marks=pytest.mark.skip(
    reason="the published examples are not beside this checkout"))])
def test_each_runs_to_the_end_or_is_refused(name, helper):
    if name in WAITS:
        pytest.skip(WAITS[name])
    if calls_the_internet(name):
        pytest.skip("calls servers of the internet")
    result = run_program("run", EXAMPLES / name, *[EXAMPLES / other for other in companions(name)], helper / "more.txt",
                         "--plugin", helper, "--map", "container=stand-in", "--map", "script=stand-in", "-o", "json",
                         "-q", timeout=60)
    if result.code == 2:
        assert re.search("|".join(REFUSED), result.err), result.err
        return
    status = result.json["status"]
    check_tree(status)
    if name in FAILS:
        messages = [node.get("message", "") for node in status["nodes"].values()]
        assert result.code == 1 and status["phase"] in ("Failed", "Error")
        assert any(re.search(FAILS[name], message) for message in messages), messages
    else:
        assert result.code == 0 and status["phase"] == "Succeeded", json.dumps(status, indent=1)


def lint_failures():
    if not LINTED.is_file():
        return []
    rows = [json.loads(line) for line in LINTED.read_text().splitlines()]
    return [row["file"].removeprefix("examples/") for row in rows if row["rc"] != 0]


@pytest.mark.parametrize("name", lint_failures())
def test_what_lint_refuses_alone_is_not_run_alone(name):
    assert run_program("run", EXAMPLES / name, "--map", "container=x", "--map", "script=x").code == 2
