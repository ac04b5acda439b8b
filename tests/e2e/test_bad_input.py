"""What is wrong, where, and what to do: exit code 2 before anything starts, or a message on the node."""
import socket

from conftest import PLUGIN, WORKFLOW


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_no_file(tiphys, tmp_path):
    result = tiphys("run", tmp_path / "none.yaml")
    assert result.code == 2
    assert result.err == f"error: {tmp_path}/none.yaml: No such file or directory\n"


def test_nothing_given(tiphys):
    result = tiphys("run")
    assert result.code == 2
    assert "no workflow is given" in result.err


def test_not_yaml_names_line_and_column(tiphys, tmp_path):
    path = write(tmp_path, "wf.yaml", "kind: Workflow\nspec: [1, 2\n")
    result = tiphys("run", path)
    assert result.code == 2
    assert result.err.startswith(f"error: {path}:") and "did not find expected ',' or ']'" in result.err


def test_unknown_kind(tiphys, tmp_path):
    path = write(tmp_path, "wf.yaml", "apiVersion: v1\nkind: Worklow\n")
    result = tiphys("run", path)
    assert result.code == 2
    assert f'{path}:2:1: unknown kind "Worklow"; did you mean Workflow?' in result.err


def test_two_workflows_of_one_name(tiphys, tmp_path):
    one = WORKFLOW.format(name="x").replace("generateName: x-", "name: x")
    path = write(tmp_path, "wf.yaml", one + "---\n" + one)
    result = tiphys("run", path, "--plugin", "examples/hello")
    assert result.code == 2
    assert 'there is a workflow called "x" already' in result.err


def test_template_without_type(tiphys, tmp_path):
    path = write(tmp_path, "wf.yaml", "kind: Workflow\nmetadata: {name: x}\nspec:\n  entrypoint: a\n  templates:\n  - name: a\n")
    result = tiphys("run", path, "--plugin", "examples/hello")
    assert result.code == 2
    assert "spec.templates[0]: template 'a' type is unknown" in result.err and f"{path}:6:" in result.err


def test_no_plugin_at_all(tiphys, tmp_path):
    path = write(tmp_path, "wf.yaml", WORKFLOW.format(name="hello"))
    result = tiphys("run", path)
    assert result.code == 2
    assert 'spec.templates[0].plugin: no plugin is given that could run "hello"' in result.err
    assert "add one with --plugin DIR" in result.err


def test_a_key_that_no_plugin_is_called_by(tiphys, tmp_path):
    path = write(tmp_path, "wf.yaml", WORKFLOW.format(name="helo"))
    result = tiphys("run", path, "--plugin", "examples/hello")
    assert result.code == 1
    assert 'no plugin is called "helo"; did you mean "hello"?' in result.err
    assert 'asked for "helo": plugin hello' in result.out


def check_plugin(tiphys, tmp_path, port, old, new, message):
    directory = tmp_path / "p"
    directory.mkdir()
    (directory / "plugin.yaml").write_text(PLUGIN.format(name="p", port=port).replace(old, new))
    (directory / "wf.yaml").write_text(WORKFLOW.format(name="p"))
    result = tiphys("run", directory)
    assert result.code == 2, result.err
    assert message in result.err
    assert f"{directory}/plugin.yaml:" in result.err


def test_plugin_without_ports(tiphys, tmp_path, port):
    check_plugin(tiphys, tmp_path, port, f"      ports:\n        - containerPort: {port}\n", "",
                 "spec.sidecar.container.ports is missing")


def test_plugin_without_limits(tiphys, tmp_path, port):
    check_plugin(tiphys, tmp_path, port, "        limits: {cpu: 500m, memory: 128Mi}\n", "",
                 "spec.sidecar.container.resources.limits is missing")


def test_plugin_without_security_context(tiphys, tmp_path, port):
    check_plugin(tiphys, tmp_path, port, "      securityContext:\n        runAsNonRoot: true\n        runAsUser: 65534\n", "",
                 "spec.sidecar.container.securityContext is missing")


def test_plugin_with_an_unknown_field(tiphys, tmp_path, port):
    check_plugin(tiphys, tmp_path, port, "      image: python:3\n", "      imagee: python:3\n",
                 "spec.sidecar.container.imagee unknown field; did you mean image?")


def test_privileged_is_refused(tiphys, tmp_path, port):
    check_plugin(tiphys, tmp_path, port, "        runAsUser: 65534\n", "        runAsUser: 65534\n        privileged: true\n",
                 "spec.sidecar.container.securityContext.privileged cannot be honoured here")


def message_of(result):
    return next(iter(result.json["status"]["nodes"].values()))["message"]


def test_run_as_non_root_with_uid_0(tiphys, make_plugin):
    directory = make_plugin()
    file = directory / "plugin.yaml"
    file.write_text(file.read_text().replace("65534", "0"))
    result = tiphys("run", directory, "-o", "json")
    assert result.code == 1
    assert "spec.sidecar.container.securityContext.runAsNonRoot: it is true, but runAsUser is 0, which is root" in message_of(result)


def test_port_in_use_names_who(tiphys, make_plugin, port):
    directory = make_plugin()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = tiphys("run", directory, "-o", "json")
    assert result.code == 1
    assert f"port {port} is in use by " in message_of(result) and "(pid " in message_of(result)


def test_interpreter_not_found(tiphys, make_plugin):
    directory = make_plugin()
    file = directory / "plugin.yaml"
    file.write_text(file.read_text().replace("image: python:3", "image: ruby:3").replace("[python, ", "[ruby9, "))
    result = tiphys("run", directory, "-o", "json")
    assert result.code == 1
    assert "spec.sidecar.container.command[0]: " in message_of(result)
    assert "this machine has no program" in message_of(result)


def test_program_not_found_names_step_and_reason(tiphys, make_plugin):
    directory = make_plugin()
    file = directory / "plugin.yaml"
    file.write_text(file.read_text().replace("command: [python, -u, -c]", "command: [no-such-program]"))
    result = tiphys("run", directory, "-o", "json")
    assert "spec.sidecar.container.command[0]: this machine has no program no-such-program" in message_of(result)


def test_server_that_dies_before_it_listens(tiphys, make_plugin):
    directory = make_plugin(server="import sys\nprint('no module named requests', file=sys.stderr)\nsys.exit(1)\n")
    result = tiphys("run", directory)
    assert result.code == 1
    assert "connect: connection refused" in result.out
    assert "never listened on port" in result.out and "exited 1 three times" in result.out
    assert "  | no module named requests" in result.out


def test_missing_secret_is_named(tiphys, tmp_path):
    import shutil
    from conftest import TOP
    shutil.copytree(TOP / "examples" / "secret", tmp_path / "s")
    workflow = tmp_path / "s" / "secret.yaml"
    workflow.write_text(workflow.read_text().split("---")[1])
    tmp_path.chmod(0o755)
    result = tiphys("run", tmp_path / "s", "-o", "json")
    assert result.code == 1
    assert 'there is no Secret "greeter" in namespace default' in message_of(result)


def test_missing_key_is_named(tiphys, tmp_path):
    import shutil
    from conftest import TOP
    shutil.copytree(TOP / "examples" / "secret", tmp_path / "s")
    workflow = tmp_path / "s" / "secret.yaml"
    workflow.write_text(workflow.read_text().replace("greeting: Good day", "other: x"))
    tmp_path.chmod(0o755)
    result = tiphys("run", tmp_path / "s", "-o", "json")
    assert 'has no key "greeting"' in message_of(result)


def test_a_billion_laughs(tiphys, tmp_path):
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"] + [f"a{i}: &a{i} [{','.join(['*a%d' % (i - 1)] * 10)}]" for i in range(1, 10)]
    result = tiphys("run", write(tmp_path, "wf.yaml", "\n".join(lines)))
    assert result.code == 2
    assert "excessive aliasing" in result.err


def test_cyclic_aliases(tiphys, tmp_path):
    result = tiphys("run", write(tmp_path, "wf.yaml", "a: &a [1, *a]\n"))
    assert result.code == 2
    assert "anchor 'a' value contains itself" in result.err


def test_ten_thousand_brackets_in_a_reply(tiphys, make_plugin):
    directory = make_plugin("        self.reply(b'[' * 10000)")
    result = tiphys("run", directory, "-o", "json")
    assert result.code == 1
    assert "not JSON" in message_of(result)


def test_a_reply_without_end_is_cut_off(tiphys, make_plugin):
    directory = make_plugin("        self.send_response(200)\n        self.end_headers()\n"
                            "        [self.wfile.write(b'x' * 65536) for _ in range(16384)]")
    result = tiphys("run", directory, "-o", "json")
    assert result.code == 1
    assert "larger than 4194304 bytes" in message_of(result)


def test_two_documents_in_a_reply_the_first_counts(tiphys, make_plugin):
    directory = make_plugin("        self.reply(b'{\"node\": {\"phase\": \"Succeeded\", \"message\": \"one\"}} {\"node\": 2}')")
    result = tiphys("run", directory, "-o", "json")
    assert (result.code, message_of(result)) == (0, "one")


def test_wrong_usage(tiphys):
    assert tiphys("run", "--nmae", "x").code == 2
    assert "did you mean --name?" in tiphys("run", "--nmae", "x").err
    assert tiphys("rum").code == 2
    assert 'did you mean "run"?' in tiphys("rum").err
