"""executor-plugin build and list: what they say where Argo says nothing, and what they refuse in Argo's words.

The files that are written, and the errors of what Argo refuses, are recorded: tests/data/golden/plugin_build.jsonl."""
import os
import stat
import subprocess

import pytest
from conftest import PLUGIN, TIPHYS

GENERATED = "<!-- This is an auto-generated file. DO NOT EDIT -->\n"


@pytest.fixture
def plugin(tmp_path):
    (tmp_path / "p").mkdir()

    def put(text=PLUGIN.format(name="p", port=4355), **files):
        (tmp_path / "p" / "plugin.yaml").write_text(text)
        for name, content in files.items():
            (tmp_path / "p" / name.replace("_", ".", 1)).write_text(content)
        return tmp_path

    return put


TEXT = PLUGIN.format(name="p", port=4355)


def changed(old, new, text=TEXT):
    assert old in text
    return text.replace(old, new)


CREATED = "p/p-executor-plugin-configmap.yaml created\np/README.md created\n"


def test_nothing_is_said_of_a_good_plugin(tiphys, plugin):
    got = tiphys("executor-plugin", "build", "p", cwd=plugin(server_py="print(1)\n"))
    assert (got.code, got.out, got.err) == (0, CREATED, "")


@pytest.mark.parametrize("text, warning", [
    (changed("kind: ExecutorPlugin", "kind: Plugin"),
     'kind is "Plugin", not ExecutorPlugin: no controller will take the ConfigMap for a plugin'),
    (changed("requests: {cpu: 100m, memory: 64Mi}", "requests: {}"),
     "resources that are {} vanish from the ConfigMap, and a controller then refuses the plugin; give cpu and memory"),
    (changed("limits: {cpu: 500m, memory: 128Mi}", "limits: {}"),
     "resources that are {} vanish from the ConfigMap, and a controller then refuses the plugin; give cpu and memory"),
    (changed("securityContext:\n        runAsNonRoot: true\n        runAsUser: 65534", "securityContext: {}"),
     "securityContext is {}: the sidecar may run as root; set runAsNonRoot and runAsUser"),
    *[(changed("4355", port), f"port {port} is used by many programs and clashes easily; choose another")
      for port in ("80", "443", "8080", "8081", "8443")],
    (changed("- containerPort: 4355", "- containerPort: 4355\n        - containerPort: 8443"),
     "port 8443 is used by many programs and clashes easily; choose another"),
    (changed("- containerPort: 4355", "- containerPort: 4355\n        - {name: again, containerPort: 4355}"),
     "port 4355 stands twice in spec.sidecar.container.ports"),
])
def test_what_does_harm_later_is_told(tiphys, plugin, text, warning):
    got = tiphys("executor-plugin", "build", "p", cwd=plugin(text))
    assert (got.code, got.out, got.err) == (0, CREATED, f"warning: {warning}\n")


@pytest.mark.parametrize("name", ["My_Plugin", "p.", "''"])
def test_a_name_that_kubernetes_refuses_is_told(tiphys, plugin, name):
    got = tiphys("executor-plugin", "build", "p", cwd=plugin(changed("name: p\n", f"name: {name}\n")))
    shown = name.strip("'")
    assert got.code == 0
    assert got.err == (f"warning: metadata.name: \"{shown}-executor-plugin\" is no name that Kubernetes takes for a ConfigMap: at most 253 lower "
                       "case letters, digits, '-' and '.', the first and the last of each part between dots a letter or digit\n")


@pytest.mark.parametrize("name", ["../q", "a/b", "/tmp/x"])
def test_a_name_that_leads_elsewhere_is_refused(tiphys, plugin, name):
    directory = plugin(changed("name: p\n", f"name: {name}\n"))
    got = tiphys("executor-plugin", "build", "p", cwd=directory)
    assert (got.code, got.out, got.err) == (1, "", f"Error: metadata.name: \"{name}\" has a slash: its ConfigMap would be written elsewhere\n")
    assert os.listdir(directory) == ["p"] and os.listdir(directory / "p") == ["plugin.yaml"]


def test_a_server_that_replaces_args_is_told(tiphys, plugin):
    got = tiphys("executor-plugin", "build", "p", cwd=plugin(changed("-c]", "-c]\n      args: [x]"), server_py="print(1)\n"))
    assert (got.code, got.err) == (0, "warning: p/server.py replaces the args of plugin.yaml\n")


def test_integers_in_args_become_texts(tiphys, plugin):
    directory = plugin(changed("-c]", "-c]\n      args: [1, 0x10, 1.50, yes, -3]"))
    assert tiphys("executor-plugin", "build", "p", cwd=directory).code == 0
    assert '    args:\n    - "1"\n    - "16"\n    - "1.5"\n    - "true"\n    - "-3"\n' in (
        directory / "p" / "p-executor-plugin-configmap.yaml").read_text()


def test_a_readme_of_ones_own_is_kept_unless_forced_or_called_argo(tiphys, plugin, tmp_path):
    directory = plugin(README_md="# Mine\n")
    readme = directory / "p" / "README.md"
    got = tiphys("executor-plugin", "build", "p", cwd=directory)
    assert (got.code, got.out) == (0, "p/p-executor-plugin-configmap.yaml created\n")
    assert got.err == "warning: p/README.md was not generated and is kept; --force replaces it\n"
    assert readme.read_text() == "# Mine\n"
    got = tiphys("executor-plugin", "build", "p", "--force", cwd=directory)
    assert (got.out, got.err) == (CREATED, "") and readme.read_text().startswith(GENERATED)
    # one that was generated is made anew
    assert tiphys("executor-plugin", "build", "p", cwd=directory).out == CREATED
    readme.write_text("# Mine\n")
    (tmp_path / "argo").symlink_to(os.path.abspath(TIPHYS))
    got = tiphys("executor-plugin", "build", "p", cwd=directory, program=tmp_path / "argo")
    assert (got.out, got.err) == (CREATED, "") and readme.read_text().startswith(GENERATED)


@pytest.mark.parametrize("given, shown", [
    ("p", "p/"), ("./p/", "p/"), ("p//.", "p/"), ("q/../p", "p/"), ("../{}/p", "../{}/p/"), (".//p/../p", "p/"),
])
def test_paths_are_shown_as_go_joins_them(tiphys, plugin, given, shown):
    directory = plugin()
    (directory / "q").mkdir()
    got = tiphys("executor-plugin", "build", given.format(directory.name), cwd=directory)
    assert got.out == f"{shown}p-executor-plugin-configmap.yaml created\n{shown}README.md created\n".format(directory.name, directory.name)
    got = tiphys("executor-plugin", "build", f"{directory}/p/")
    assert got.out.startswith(f"{directory}/p/p-executor")
    got = tiphys("executor-plugin", "build", "", cwd=directory / "p")
    assert (got.code, got.err) == (1, "Error: open : no such file or directory\n")
    assert tiphys("executor-plugin", "build", "/").err == "Error: open /plugin.yaml: no such file or directory\n"


def test_what_cannot_be_read_or_written_is_told_as_go_does(tiphys, plugin):
    directory = plugin()
    got = tiphys("executor-plugin", "build", "p/plugin.yaml", cwd=directory)
    assert (got.code, got.err) == (1, "Error: open p/plugin.yaml/plugin.yaml: not a directory\n")
    (directory / "p" / "server.d").mkdir()
    got = tiphys("executor-plugin", "build", "p", cwd=directory)
    assert (got.code, got.err) == (1, "Error: read p/server.d: is a directory\n")
    (directory / "p" / "server.d").rmdir()
    (directory / "p" / "README.md").mkdir()
    got = tiphys("executor-plugin", "build", "p", "--force", cwd=directory)
    assert (got.code, got.err) == (1, "Error: open p/README.md: is a directory\n")


@pytest.mark.parametrize("name", ["server.pipe", "plugin.yaml"])
def test_a_pipe_is_not_waited_for(tiphys, plugin, name):
    directory = plugin()
    (directory / "p" / name).unlink(missing_ok=True)
    os.mkfifo(directory / "p" / name)
    got = tiphys("executor-plugin", "build", "p", cwd=directory, timeout=10)
    assert (got.code, got.err) == (1, f"Error: p/{name} is no regular file\n")
    for words in (["run", "p"], ["executor-plugin", "list", "p"], ["executor-plugin", "run", "p"]):
        got = tiphys(*words, cwd=directory, timeout=10)
        assert (got.code, got.err) == (2, f"error: p/{name} is no regular file\n"), words


def test_a_file_may_have_the_longest_name_there_is(tiphys, plugin):
    name = "a" * (255 - len("-executor-plugin-configmap.yaml"))
    directory = plugin(changed("name: p\n", f"name: {name}\n"))
    assert tiphys("executor-plugin", "build", "p", cwd=directory).out == f"p/{name}-executor-plugin-configmap.yaml created\np/README.md created\n"
    got = tiphys("executor-plugin", "build", "p", cwd=plugin(changed("name: p\n", f"name: {name}a\n")))
    assert (got.code, got.err) == (1, f"Error: open p/{name}a-executor-plugin-configmap.yaml: file name too long\n")


def test_files_are_for_others_what_the_umask_says(plugin):
    directory = plugin()
    for mask, mode in (("022", 0o644), ("077", 0o600)):
        subprocess.run(["sh", "-c", f"umask {mask}; exec {TIPHYS} executor-plugin build p"], cwd=directory, check=True, capture_output=True)
        for name in ("README.md", "p-executor-plugin-configmap.yaml"):
            assert stat.S_IMODE((directory / "p" / name).stat().st_mode) == mode
    assert sorted(os.listdir(directory / "p")) == ["README.md", "p-executor-plugin-configmap.yaml", "plugin.yaml"]


def test_wrong_use_has_argos_exit_code(tiphys):
    got = tiphys("executor-plugin", "build", "--forse", "p")
    assert (got.code, got.err) == (1, "error: unknown option --forse; did you mean --force?\n  see tiphys executor-plugin build --help\n")
    got = tiphys("executor-plugin", "biuld")
    assert got.code == 2 and got.err.startswith('error: unknown command "executor-plugin biuld"; did you mean "executor-plugin build"?\n')


def test_list_shows_the_plugins_of_files_of_every_kind(tiphys, plugin, tmp_path):
    plugin(changed("  sidecar:\n", "  sidecar:\n    automountServiceAccountToken: true\n").replace(
        "- containerPort: 4355", "- containerPort: 4355\n        - containerPort: 4356"))
    assert tiphys("executor-plugin", "build", "p", cwd=tmp_path).code == 0
    configmap = (tmp_path / "p" / "p-executor-plugin-configmap.yaml").read_text().replace("\n  name: p-exec", "\n  namespace: team\n  name: p-exec")
    (tmp_path / "cm.yaml").write_text(configmap.replace("4355", "5000").replace("4356", "5001"))
    own = "".join("      " + line for line in TEXT.splitlines(True) if "apiVersion" not in line and "kind:" not in line)
    (tmp_path / "wf.yaml").write_text("kind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: a\n  templates: []\n  executorPlugins:\n    -"
                                      + own[5:].replace("name: p\n", "name: own\n").replace("4355", "6000"))
    got = tiphys("executor-plugin", "list", "p", "cm.yaml", "wf.yaml", cwd=tmp_path)
    assert (got.code, got.err) == (0, "")
    assert got.out == ("NAME                 KEY  IMAGE     PORTS      SERVICE ACCOUNT\n"
                       "p-executor-plugin    p    python:3  4355,4356  p-executor-plugin\n"
                       "p-executor-plugin    p    python:3  5000,5001  p-executor-plugin\n"
                       "own-executor-plugin  own  python:3  6000       -\n")
    rows = tiphys("executor-plugin", "list", "p", "cm.yaml", "wf.yaml", "-o", "json", cwd=tmp_path).json
    assert [(r["namespace"], r["ports"], r["file"]) for r in rows] == [
        ("", [4355, 4356], "p/plugin.yaml"), ("team", [5000, 5001], "cm.yaml"), ("", [6000], "wf.yaml")]
    assert tiphys("executor-plugin", "list", "p", "wf.yaml", "-o", "name", cwd=tmp_path).out == "p\nown\n"


def test_list_warns_of_two_plugins_on_one_port(tiphys, plugin, tmp_path):
    plugin()
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "plugin.yaml").write_text(PLUGIN.format(name="q", port=9000).replace(
        "- containerPort: 9000", "- containerPort: 9000\n        - containerPort: 4355"))
    got = tiphys("executor-plugin", "list", "p", "q", cwd=tmp_path)
    assert (got.code, got.err) == (0, "warning: plugins p and q both want port 4355\n")


def test_list_says_when_there_is_none(tiphys, tmp_path):
    (tmp_path / "s.yaml").write_text("kind: Secret\nmetadata: {name: s}\n")
    got = tiphys("executor-plugin", "list", "s.yaml", cwd=tmp_path)
    assert (got.code, got.out, got.err) == (0, "", "warning: there is no plugin in s.yaml\n")
    assert tiphys("executor-plugin", "list", "s.yaml", "-o", "json", cwd=tmp_path).json == []
    got = tiphys("executor-plugin", "list")
    assert (got.code, got.err) == (2, "error: name at least one file or directory with a plugin\n  see tiphys executor-plugin list --help\n")
