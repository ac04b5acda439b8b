"""Objects beside the workflows: templates, ConfigMaps of parameters, locks that workflows share."""
import json


TEMPLATES = """
kind: {kind}
metadata: {{name: lib}}
spec:
  templates:
  - name: greet
    inputs: {{parameters: [{{name: who}}]}}
    outputs: {{parameters: [{{name: foo, valueFrom: {{path: "/foo"}}}}]}}
    plugin: {{hello: {{who: "{{{{inputs.parameters.who}}}}"}}}}
"""

VALUES = """
kind: ConfigMap
metadata: {name: values, labels: {workflows.argoproj.io/configmap-type: Parameter}}
data: {who: everybody, limit: "1"}
"""

CALLER = """
kind: Workflow
metadata: {{name: caller}}
spec:
  entrypoint: main
  arguments: {{parameters: [{{name: w, valueFrom: {{configMapKeyRef: {{name: values, key: who}}}}}}]}}
  templates:
  - name: main
    dag:
      tasks:
      - name: all
        templateRef: {{name: lib, template: greet, clusterScope: {cluster}}}
        arguments: {{parameters: [{{name: who, value: "{{{{item}}}}"}}]}}
        withItems: [ann, bob]
      - name: then
        depends: all.Succeeded
        templateRef: {{name: lib, template: greet, clusterScope: {cluster}}}
        arguments: {{parameters: [{{name: who, value: "{{{{workflow.parameters.w}}}}"}}]}}
"""

HOLDER = """
kind: Workflow
metadata: {{name: {name}}}
spec:
  entrypoint: main
  synchronization: {sync}
  templates:
  - {{name: main, steps: [[{{name: wait, template: pause}}]]}}
  - {{name: pause, suspend: {{duration: "2"}}}}
"""


def nodes(workflow):
    return {n["displayName"]: n for n in workflow["status"]["nodes"].values()}


def test_templates_of_other_objects_are_called(tiphys, tmp_path, example):
    for kind, cluster in (("WorkflowTemplate", "false"), ("ClusterWorkflowTemplate", "true")):
        path = tmp_path / f"{kind}.yaml"
        path.write_text("---".join([CALLER.format(cluster=cluster), VALUES, TEMPLATES.format(kind=kind)]))
        result = tiphys("run", path, "--plugin", example("hello"), "-o", "json")
        assert result.code == 0, result.err
        found = nodes(result.json)
        assert set(found) == {"caller", "all", "all(0:ann)", "all(1:bob)", "then"}
        assert found["then"]["inputs"]["parameters"] == [{"name": "who", "value": "everybody"}]
        assert found["all(1:bob)"]["outputs"]["parameters"][0]["value"] == "bar"
        assert found["then"]["templateScope"] == "local/caller"


def test_a_template_that_is_not_there_is_an_error_with_its_place(tiphys, tmp_path, example):
    path = tmp_path / "wf.yaml"
    path.write_text("---".join([CALLER.format(cluster="false"), VALUES]))
    result = tiphys("run", path, "--plugin", example("hello"))
    assert result.code == 2
    assert ":12:23: spec.templates[0].dag.tasks[0].templateRef.name: template reference lib.greet not found" in result.err
    assert 'there is no WorkflowTemplate "lib"; give its file, too' in result.err


REFERRED = """
kind: {kind}
metadata: {{name: whole}}
spec:
  entrypoint: main
  arguments: {{parameters: [{{name: who, value: all}}, {{name: word, value: hi}}]}}
  workflowMetadata: {{labels: {{team: a}}, labelsFrom: {{who: {{expression: workflow.parameters.who}}}}}}
  templateDefaults: {{retryStrategy: {{limit: 1}}}}
  templates:
  - name: main
    inputs: {{parameters: [{{name: who}}, {{name: word}}]}}
    plugin: {{hello: {{}}}}
"""

REFERRING = """
kind: Workflow
metadata: {{name: referring}}
spec:
  workflowTemplateRef: {{name: whole, clusterScope: {cluster}}}
  arguments: {{parameters: [{{name: who, value: bob}}]}}
"""


def test_a_workflow_may_be_all_of_a_template(tiphys, tmp_path):
    for kind, cluster in (("WorkflowTemplate", "false"), ("ClusterWorkflowTemplate", "true")):
        path = tmp_path / f"{kind}.yaml"
        path.write_text("---".join([REFERRING.format(cluster=cluster), REFERRED.format(kind=kind)]))
        result = tiphys("run", path, "--plugin", "examples/hello", "-p", "word=ho", "-o", "json")
        assert result.code == 0, result.err
        attempt = nodes(result.json)["referring(0)"]
        assert [p["value"] for p in attempt["inputs"]["parameters"]] == ["bob", "ho"]
        label = "cluster-workflow-template" if cluster == "true" else "workflow-template"
        labels = result.json["metadata"]["labels"]
        assert (labels["team"], labels["who"], labels["workflows.argoproj.io/" + label]) == ("a", "bob", "whole")
        assert result.json["status"]["storedWorkflowTemplateSpec"]["templates"][0]["name"] == "main"
        assert "warning: --parameter" not in result.err
        slip = tiphys("run", path, "--plugin", "examples/hello", "-p", "wrod=ho")
        assert 'declares no such parameter; did you mean "word"?' in slip.err


def test_a_whole_template_that_is_wrong_is_told_with_its_own_place(tiphys, tmp_path):
    path = tmp_path / "wf.yaml"
    path.write_text(REFERRING.format(cluster="false"))
    template = tmp_path / "t.yaml"
    missing = tiphys("run", path, "--plugin", "examples/hello")
    assert missing.code == 2
    assert ":5:25: spec.workflowTemplateRef.name: couldn't find workflow template \"whole\"" in missing.err
    template.write_text(REFERRED.format(kind="WorkflowTemplate").replace("hello:", "hollo:"))
    slip = tiphys("run", path, template, "--plugin", "examples/hello", "-q")
    assert "t.yaml:12:5: spec.templates[0].plugin: no plugin is called \"hollo\"; did you mean \"hello\"?" in slip.err


def test_one_template_twice_is_refused(tiphys, tmp_path):
    path = tmp_path / "wf.yaml"
    text = TEMPLATES.format(kind="WorkflowTemplate")
    path.write_text("---".join([text, text]))
    result = tiphys("run", path)
    assert result.code != 0
    assert "there is a WorkflowTemplate of that name already" in result.err


def overlap(a, b):
    return a["startedAt"] < b["finishedAt"] and b["startedAt"] < a["finishedAt"]


def test_workflows_share_mutexes_and_semaphores(tiphys, tmp_path):
    path = tmp_path / "wf.yaml"
    for sync, apart in (("{mutexes: [{name: one}]}", True),
                        ("{semaphores: [{configMapKeyRef: {name: values, key: limit}}]}", True),
                        ("{}", False)):
        path.write_text("---".join([VALUES] + [HOLDER.format(name=name, sync=sync) for name in ("a", "b")]))
        result = tiphys("run", path, "-o", "json")
        assert result.code == 0, result.err
        first, second = [nodes(w)["wait"] for w in result.json["items"]]
        assert overlap(first, second) is not apart, sync


POD = """
kind: {kind}
metadata: {{name: pods}}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{{name: a, template: pod, arguments: {{parameters: [{{name: m, value: x}}]}}}}]]
  - name: pod
    inputs: {{parameters: [{{name: m}}]}}
    {type}: {{image: alpine, command: [sh], {member}: {value}, env: [{{name: A, value: b}}]}}
"""


def test_a_plugin_runs_what_a_pod_would_have_run(tiphys, make_plugin, tmp_path):
    directory = make_plugin()
    (directory / "workflow.yaml").unlink()
    for kind, member, value in (("container", "args", '["-c", "{{inputs.parameters.m}}"]'),
                                ("script", "source", '"echo {{inputs.parameters.m}}"')):
        path = tmp_path / "wf.yaml"
        path.write_text(POD.format(kind="Workflow", type=kind, member=member, value=value))
        assert tiphys("run", path, "--plugin", directory).code == 2
        result = tiphys("run", path, "--plugin", directory, "--map", f"{kind}=probe", "-o", "json")
        assert result.code == 0, result.err
        template = [t for t in result.json["spec"]["templates"] if t["name"] == "pod"][0]
        assert kind not in template
        assert template["plugin"] == {"probe": {"image": "alpine", "command": ["sh"], member: json.loads(value)}}


def test_inline_pods_are_mapped_however_deep_they_stand(tiphys, make_plugin, tmp_path):
    pod = "{podResources: {limits: {cpu: 1}}, container: {image: alpine}}"
    inner = f"{{dag: {{tasks: [{{name: b, inline: {pod}}}]}}}}"
    (tmp_path / "wf.yaml").write_text(
        "kind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: main\n  templates:\n  - name: main\n"
        f"    steps:\n    - [{{name: a, inline: {pod}}}]\n    - [{{name: d, inline: {inner}}}]\n")
    directory = make_plugin()
    (directory / "workflow.yaml").unlink()
    result = tiphys("run", tmp_path / "wf.yaml", "--plugin", directory, "--map", "container=probe", "-o", "json")
    assert result.code == 0, result.err
    assert {n["name"] for n in result.json["status"]["nodes"].values() if n["type"] == "Plugin"} == {"w[0].a", "w[1].d.b"}


def test_only_containers_and_scripts_are_mapped(tiphys, example):
    result = tiphys("run", example("hello"), "--map", "resource=hello")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith('error: --map takes container=PLUGIN or script=PLUGIN, not "resource=hello"')


def test_settings_of_a_file_are_for_all_workflows(tiphys, make_plugin, tmp_path):
    directory = make_plugin()
    (directory / "workflow.yaml").unlink()
    (tmp_path / "wf.yaml").write_text(POD.format(kind="Workflow", type="container", member="args",
                                                 value='["{{workflow.parameters.more}}"]'))
    (tmp_path / "config.yaml").write_text(
        "workflowDefaults:\n  metadata: {labels: {team: a}}\n  spec: {arguments: {parameters: [{name: more, value: given}]}}\n"
        "templateMap: {container: probe}\npersistence: {}\nparallelism: 1\nvalidate: deny\n")
    result = tiphys("run", tmp_path / "wf.yaml", "--plugin", directory, "--config", tmp_path / "config.yaml", "-o", "json")
    assert result.code == 0, result.err
    assert f"warning: --config {tmp_path}/config.yaml: nothing here looks at persistence" in result.err
    assert f"warning: --config {tmp_path}/config.yaml: only a server looks at parallelism, validate" in result.err
    assert result.json["metadata"]["labels"]["team"] == "a"
    assert {"name": "more", "value": "given"} in result.json["spec"]["arguments"]["parameters"]
    for text, said in (("templateMap: 1", "templateMap: takes {container: PLUGIN, script: PLUGIN}"),
                       ("a: [", "line ")):
        (tmp_path / "config.yaml").write_text(text)
        result = tiphys("run", tmp_path / "wf.yaml", "--plugin", directory, "--config", tmp_path / "config.yaml")
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"error: --config {tmp_path}/config.yaml: ") and said in result.err
    assert tiphys("run", tmp_path / "wf.yaml", "--config", tmp_path / "none.yaml").code == 2


EXPRESSIONS = """
kind: Workflow
metadata: {name: sums}
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: a, template: c, arguments: {parameters: [{name: m, value: x}]}}
      - {name: b, depends: a, template: c, arguments: {parameters: [{name: m, value: VALUE}]}}
  - {name: c, inputs: {parameters: [{name: m}]}, plugin: {hello: {}}}
"""


def test_expressions_see_what_tags_see(tiphys, tmp_path, example):
    path = tmp_path / "wf.yaml"
    path.write_text(EXPRESSIONS.replace("VALUE", "\"{{=sprig.upper(tasks.a.status)}} {{=asInt('4') * 2}}\""))
    result = tiphys("run", path, "--plugin", example("hello"), "-o", "json")
    assert result.code == 0, result.err
    assert nodes(result.json)["b"]["inputs"]["parameters"] == [{"name": "m", "value": "SUCCEEDED 8"}]
