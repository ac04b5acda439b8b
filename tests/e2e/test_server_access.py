"""Who may use a server: TLS, users, tokens, limits, the log; with curl's and kubectl's eyes."""
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess

import pytest

from conftest import TIPHYS, TOP, run_program

KUBECTL = shutil.which("kubectl", path="/usr/bin:/usr/local/bin")
CONFIGMAPS = "/api/v1/namespaces/argo/configmaps"
PLUGIN = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {
    "name": "x-executor-plugin", "labels": {"workflows.argoproj.io/configmap-type": "ExecutorPlugin"}},
    "data": {"sidecar.container": "name: x\nimage: x\ncommand: [x]\nports: [{containerPort: 1}]\n"}}


class Server:
    def __init__(self, state, *args):
        self.state = pathlib.Path(state)
        self.process = subprocess.Popen([TIPHYS, "server", "--state", state, "--listen", "127.0.0.1:0", *map(str, args)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first:
            raise AssertionError(self.process.communicate()[1])
        self.url = re.fullmatch(r"serving (https://\S+)\n", first).group(1)
        self.port = int(re.search(r":(\d+)$", self.url).group(1))
        assert self.process.stdout.readline() == f"kubeconfig {self.kubeconfig}\n"
        text = self.kubeconfig.read_text()
        self.token = re.search(r"token: (\S+)", text).group(1)
        ca = re.search(r"certificate-authority-data: (\S+)", text)
        self.context = ssl.create_default_context(cadata=base64.b64decode(ca.group(1)).decode() if ca else None)

    @property
    def kubeconfig(self):
        return self.state / "kubeconfig"

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=60)

    def ask(self, path, token="", method="GET", body=None, headers=None, connection=None):
        """Status and JSON (or text) of an answer; token "": the administrator's, None: none."""
        c = connection or self.connect()
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + (token or self.token)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        c.request(method, path, json.dumps(body) if body is not None else None, headers)
        r = c.getresponse()
        text = r.read().decode()
        if not connection:
            c.close()
        self.headers = dict(r.getheaders())
        return r.status, json.loads(text) if "json" in r.getheader("Content-Type", "") else text

    def log_until(self, text):
        while text not in (line := self.process.stderr.readline()):
            assert line, f"the server ended before it said {text}"
        return line

    def token_for(self, name, *args):
        done = run_program("token", "add", name, "--state", self.state, *args)
        assert done.code == 0, done.err
        self.log_until('msg="token file read"')
        return done.out.strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return out + err


@pytest.fixture
def serve(tmp_path):
    running = []

    def start(*args, state=None):
        running.append(Server(str(state or tmp_path / "state"), *args))
        return running[-1]
    yield start
    for server in running:
        server.process.kill()
        server.process.communicate()


def kubectl(server, *args, config=None, home):
    if not KUBECTL:
        pytest.skip("no kubectl here")
    return subprocess.run([KUBECTL, *args], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "KUBECONFIG": str(config or server.kubeconfig), "HOME": str(home)})


def test_the_first_start_makes_what_clients_need_and_the_second_keeps_it(serve, tmp_path):
    server = serve()
    kept = {}
    for path in server.state.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        if path.is_file():
            kept[path.name] = path.read_bytes()
    assert {"ca.crt", "ca.key", "server.crt", "server.key", "account.key", "kubeconfig", "tokens"} <= set(kept)
    assert stat.S_IMODE(server.state.stat().st_mode) == 0o700
    assert server.ask(CONFIGMAPS)[0] == 200
    server.stop()
    again = serve()
    for name in ("ca.crt", "ca.key", "server.crt", "server.key", "account.key", "tokens"):
        assert (server.state / name).read_bytes() == kept[name], name
    assert again.token == server.token
    assert again.ask(CONFIGMAPS)[0] == 200


def test_a_first_start_that_is_killed_costs_nothing(serve, tmp_path):
    state = tmp_path / "state"
    for files in range(1, 12):  # killed when so many files are there, or a little later
        process = subprocess.Popen([TIPHYS, "server", "--state", state, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        while len(os.listdir(state) if state.exists() else []) < files and process.poll() is None:
            if (state / "kubeconfig").exists():
                break
        process.kill()
        process.communicate()
    server = serve()
    assert server.ask(CONFIGMAPS)[0] == 200
    assert not list(state.glob("*.new"))


def test_kubectl_with_the_kubeconfig(serve, tmp_path):
    server = serve()
    assert "Username    admin" in kubectl(server, "auth", "whoami", home=tmp_path).stdout
    done = kubectl(server, "create", "configmap", "a", "--from-literal=k=v", home=tmp_path)
    assert done.stdout == "configmap/a created\n", done.stderr
    assert "\na " in kubectl(server, "get", "cm", home=tmp_path).stdout  # the context's namespace is argo
    assert kubectl(server, "auth", "can-i", "*", "*", home=tmp_path).stdout == "yes\n"
    assert kubectl(server, "auth", "can-i", "create", "pods", home=tmp_path).stdout.startswith("no")
    refused = kubectl(server, "get", "cm", "--as=nobody", home=tmp_path)
    assert refused.stderr == ('Error from server (Forbidden): configmaps is forbidden: User "nobody" cannot list resource '
                              '"configmaps" in API group "" in the namespace "argo"\n')
    wrong = kubectl(server, "get", "cm", "--token=wrong", home=tmp_path)
    assert wrong.returncode == 1 and "must be logged in to the server (Unauthorized)" in wrong.stderr
    token = kubectl(server, "create", "token", "default", home=tmp_path).stdout.strip()
    config = tmp_path / "account.kubeconfig"
    config.write_text(server.kubeconfig.read_text().replace(server.token, token))
    who = kubectl(server, "auth", "whoami", config=config, home=tmp_path).stdout
    assert "Username    system:serviceaccount:argo:default" in who
    assert "\na " in kubectl(server, "get", "cm", config=config, home=tmp_path).stdout
    assert "cannot list" in kubectl(server, "get", "cm", "-n", "default", config=config, home=tmp_path).stderr
    kubectl(server, "delete", "serviceaccount", "default", home=tmp_path)  # its tokens die with it
    assert server.ask(CONFIGMAPS, token)[0] in (200, 401)  # made anew at once, perhaps, but then with another uid
    assert server.ask(CONFIGMAPS, token)[0] == 401


def test_nobody_is_anonymous(serve):
    server = serve()
    for path in ("/healthz", "/version"):
        assert server.ask(path, None)[0] == 200
    code, answer = server.ask(CONFIGMAPS, None)
    assert code == 403 and 'User "system:anonymous" cannot list resource "configmaps"' in answer["message"]
    assert server.ask("/metrics", None)[0] == 403
    assert server.ask("/api", None)[0] == 403
    code, answer = server.ask(CONFIGMAPS, "wrong")
    assert (code, answer["message"]) == (401, "Unauthorized")
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"Client sent an HTTP request to an HTTPS server." in plain.recv(1000)


def test_a_large_body_of_a_stranger_is_not_waited_for(serve):
    server = serve()
    for head in (b"Content-Length: 2000000", b"Transfer-Encoding: chunked"):
        with server.context.wrap_socket(socket.create_connection(("127.0.0.1", server.port)),
                                        server_hostname="localhost") as sock:
            sock.sendall(b"POST " + CONFIGMAPS.encode() + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n" + head
                         + b"\r\n\r\n")
            assert sock.recv(1000).startswith(b"HTTP/1.1 401 Unauthorized\r\n")  # before a byte of the body


def test_users_come_and_go_while_it_runs(serve, tiphys):
    server = serve()
    token = server.token_for("ci", "--role", "edit", "-n", "argo")
    assert server.ask(CONFIGMAPS, token)[0] == 200
    assert server.ask("/api/v1/namespaces/default/configmaps", token)[0] == 403
    assert server.ask("/api/v1/namespaces/argo/secrets", token)[0] == 200
    viewer = server.token_for("ann", "--role", "view")
    assert server.ask("/api/v1/configmaps", viewer)[0] == 200
    assert server.ask("/api/v1/namespaces/argo/secrets", viewer)[0] == 403
    assert server.ask(CONFIGMAPS, viewer, "POST", {"metadata": {"name": "a"}})[0] == 403
    listed = tiphys("token", "list", "--state", server.state).out
    assert re.search(r"^ann +view +never +[0-9a-f]{12}$", listed, re.M) and token not in listed
    assert token not in (server.state / "tokens").read_text()
    assert tiphys("token", "remove", "ci", "--state", server.state).out == "1 token of ci removed\n"
    server.log_until('msg="token file read"')
    assert server.ask(CONFIGMAPS, token)[0] == 401
    assert server.ask(CONFIGMAPS, viewer)[0] == 200
    # A fault in the file is told, and changes nothing.
    with (server.state / "tokens").open("a") as f:
        f.write("bob nonsense view\n")
    line = server.log_until("level=error")
    assert re.search(r"tokens:\d+: the token is wanted as sha256:", line)
    assert server.ask(CONFIGMAPS, viewer)[0] == 200


def test_a_watch_ends_with_its_user(serve, tiphys):
    server = serve()
    token = server.token_for("ann", "--role", "view")
    watching = server.connect()
    watching.request("GET", CONFIGMAPS + "?watch=true&resourceVersion=0", headers={"Authorization": f"Bearer {token}"})
    answer = watching.getresponse()
    server.ask(CONFIGMAPS, method="POST", body={"metadata": {"name": "a"}})
    while '"name":"a"' not in answer.readline().decode():
        pass
    assert tiphys("token", "remove", "ann", "--state", server.state).code == 0
    server.log_until('msg="token file read"')
    assert server.ask(CONFIGMAPS, method="POST", body={"metadata": {"name": "b"}})[0] == 201
    assert answer.read() == b""  # nothing of b, and the end


def test_a_kubeconfig_for_somebody_else(serve, tiphys, tmp_path):
    server = serve()
    config = tmp_path / "ann.kubeconfig"
    config.write_text(server.token_for("ann", "--role", "view@argo", "-o", "kubeconfig") + "\n")
    assert "Username    ann" in kubectl(server, "auth", "whoami", config=config, home=tmp_path).stdout


def test_defining_code_is_a_right_of_its_own(serve):
    server = serve()
    editor = server.token_for("editor", "--role", "edit", "-n", "argo")
    coder = server.token_for("coder", "--role", "edit,plugins", "-n", "argo")
    code, answer = server.ask(CONFIGMAPS, editor, "POST", PLUGIN)
    assert code == 403 and "needs the right plugins" in answer["message"]
    assert 'configmaps "x-executor-plugin" is forbidden: User "editor" cannot create' in answer["message"]
    assert server.ask(CONFIGMAPS, coder, "POST", PLUGIN)[0] == 201
    path = CONFIGMAPS + "/x-executor-plugin"
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.ask(path, editor, "PATCH", {"metadata": {"annotations": {"a": "b"}}}, merge)[0] == 200
    assert server.ask(path, editor, "PATCH", {"data": {"sidecar.container": "name: y"}}, merge)[0] == 403
    # A ConfigMap becomes one by its label, too.
    plain = dict(PLUGIN, metadata={"name": "plain"})
    assert server.ask(CONFIGMAPS, editor, "POST", plain)[0] == 201
    assert server.ask(CONFIGMAPS + "/plain", editor, "PATCH", {"metadata": {"labels": PLUGIN["metadata"]["labels"]}},
                      merge)[0] == 403
    workflow = {"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1", "metadata": {"generateName": "w-"}, "spec": {
        "entrypoint": "a", "templates": [{"name": "a", "suspend": {}}],
        "executorPlugins": [{"spec": {"sidecar": {"container": {"name": "x"}}}}]}}
    workflows = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
    assert server.ask(workflows, editor, "POST", workflow)[0] == 403
    assert server.ask(workflows, coder, "POST", workflow)[0] == 201
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"},
           "spec": {"containers": [{"name": "a", "image": "b"}]}}
    assert server.ask("/api/v1/namespaces/argo/pods", method="POST", body=pod)[0] == 403  # nor has the administrator


def test_settings_are_for_administrators_of_everything(serve):
    server = serve()
    maps = "/api/v1/namespaces/argo/configmaps"
    name = "workflow-controller-configmap"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"parallelism": "1"}}
    editor = server.token_for("ed", "--role", "edit")
    chief = server.token_for("chief", "--role", "admin", "-n", "argo")
    for token in (editor, chief):
        code, answer = server.ask(maps, token, "POST", body)
        assert code == 403 and "settings of this server, for all namespaces" in answer["message"], answer
        assert answer["details"]["name"] == name
    assert server.ask(maps, editor, "POST", {**body, "metadata": {"name": "other"}})[0] == 201
    assert server.ask(maps, method="POST", body=body)[0] == 201
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.ask(f"{maps}/{name}", editor, "PATCH", {"data": {"parallelism": "0"}}, merge)[0] == 403
    assert server.ask(f"{maps}/{name}", editor, "PATCH", {"metadata": {"labels": {"a": "b"}}}, merge)[0] == 200
    assert server.ask(f"{maps}/{name}", editor, "DELETE")[0] == 403
    assert server.ask(maps, editor, "DELETE")[0] == 403  # all of them, and that one
    assert server.ask(f"{maps}/{name}", editor)[1]["data"] == {"parallelism": "1"}
    assert server.ask(f"{maps}/{name}", method="DELETE")[0] == 200
    assert server.ask(maps, editor, "DELETE")[0] == 200


def test_too_many_requests(serve):
    server = serve("--rate", "1")
    token = server.token_for("ci", "--role", "view")
    connection = server.connect()
    codes = [server.ask(CONFIGMAPS, token, connection=connection)[0] for _ in range(20)]
    assert codes[0] == 200 and 429 in codes  # two at once, and one each second
    while server.ask(CONFIGMAPS, token, connection=connection)[0] != 429:
        pass
    assert server.headers["Retry-After"] == "1"
    assert {server.ask(CONFIGMAPS, connection=connection)[0] for _ in range(50)} == {200}  # the administrator
    codes = [server.ask(CONFIGMAPS, "wrong", connection=connection)[0] for _ in range(400)]
    assert codes[0] == 401 and codes[-1] == 429  # guessing is slow
    assert server.ask("/healthz")[0] == 200


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_write_is_in_the_log(serve, form):
    server = serve("--log-format", form)
    code, _ = server.ask(CONFIGMAPS, method="POST", body={"metadata": {"name": "a\u00e9"}})
    assert code == 422
    server.ask(CONFIGMAPS)
    code, _ = server.ask(CONFIGMAPS, method="POST", body={"metadata": {"name": "abc"}})
    assert code == 201
    ident = server.headers["Audit-Id"]
    server.ask(CONFIGMAPS, "wrong", "POST", {"metadata": {"name": "b"}})
    server.ask(CONFIGMAPS + "/abc", method="DELETE")
    lines = [line for line in server.stop().splitlines() if "audit" in line]
    if form == "json":
        read = [json.loads(line) for line in lines]
    else:
        read = [{k: v.strip('"') for k, v in re.findall(r'([A-Za-z]+)=("[^"]*"|\S+)', line)} for line in lines]
    assert [(r.get("user"), r["verb"], r["object"], r["code"]) for r in read[1:]] == [
        ("admin", "create", "configmaps/argo/abc", "201"), (None, "create", "configmaps/argo", "401"),
        ("admin", "delete", "configmaps/argo/abc", "200")]
    assert read[0]["code"] == "422" and read[1]["id"] == ident
    assert all(re.fullmatch(r"\d+\.\d", r["ms"]) and r["peer"].startswith("127.0.0.1:") for r in read)


def test_metrics(serve):
    server = serve()
    assert server.ask(CONFIGMAPS, method="POST", body={"metadata": {"name": "a"}})[0] == 201
    code, text = server.ask("/metrics")
    assert code == 200 and server.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            m = re.fullmatch(r'([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)', line)
            assert m, line
            values[m.group(1)] = float(m.group(2))
    assert values['apiserver_request_total{verb="create",group="",resource="configmaps",code="201"}'] == 1
    assert values['apiserver_request_duration_seconds_count{verb="create",group="",resource="configmaps"}'] == 1
    assert values['tiphys_tls_handshakes_total{kind="full"}'] >= 2
    assert values["tiphys_http_connections"] == 1
    assert values['argo_workflows_gauge{phase="Running"}'] == 0 and values["argo_workflows_is_leader"] == 1
    assert values['argo_workflows_log_messages{level="info"}'] == 1  # the line of the ConfigMap


def self_signed(directory, name):
    if not shutil.which("openssl"):
        pytest.skip("no openssl here")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", directory / "new.key", "-out", directory / "new.pem", "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    os.replace(directory / "new.key", directory / "key.pem")
    os.replace(directory / "new.pem", directory / "cert.pem")


def test_a_certificate_of_the_users_own(serve, tiphys, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    self_signed(tmp_path, "one")
    server = serve("--tls-cert", cert, "--tls-key", key, "--tls-ca", cert, "--url", "https://localhost:1")
    assert "server: https://localhost:1\n" in server.kubeconfig.read_text()
    assert not (server.state / "ca.key").exists()

    def subject():
        context = ssl.create_default_context(cafile=cert)
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="localhost") as s:
            return s.getpeercert()["subject"][0][0][1]
    assert subject() == "one"
    self_signed(tmp_path, "two")
    server.log_until('msg="certificate taken over"')
    assert subject() == "two"
    cert.write_text("nonsense")
    assert "there is no certificate in it" in server.log_until("level=warning")
    assert server.process.poll() is None


def test_the_commands_of_the_documentation(serve, tmp_path):
    server = serve(state=tmp_path / "tiphys")
    text = (TOP / "docs" / "server.md").read_text()
    commands = [line.split("$ ")[1] for line in re.findall(r"^    \$ tiphys token .*$", text, re.M)]
    assert len(commands) >= 5
    for command in commands:
        done = subprocess.run(["sh", "-c", command.replace("tiphys", str(TIPHYS), 1)], capture_output=True, text=True,
                              cwd=tmp_path, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})
        assert done.returncode == 0, command + done.stderr
    assert "server: " + server.url in (tmp_path / "ann.kubeconfig").read_text()


@pytest.mark.parametrize("args, code, told", [
    (["--tls-cert", "x"], 2, "--tls-cert and --tls-key belong together"),
    (["--tls-cert", "/nowhere/c", "--tls-key", "/nowhere/k"], 2, "/nowhere/c"),
    (["--token-file", "/nowhere/tokens"], 2, "/nowhere/tokens"),
    (["--rate", "many"], 2, "--rate many: a number of requests a second is wanted"),
    (["--tls-san", "a,DNS:b"], 2, '"a,DNS:b" is neither an address nor the name of a host'),
    (["--log-format", "xml"], 2, "--log-format"),
])
def test_options_that_cannot_be(tiphys, tmp_path, args, code, told):
    done = tiphys("server", "--state", tmp_path / "s", "--listen", "127.0.0.1:0", *args)
    assert done.code == code and told in done.err, done.err


def test_secrets_that_others_can_read_are_refused(serve, tiphys, tmp_path):
    server = serve()
    server.stop()
    server.kubeconfig.chmod(0o644)
    done = tiphys("server", "--state", server.state, "--listen", "127.0.0.1:0")
    assert done.code == 2 and "is a secret, and others than its owner may read or write it" in done.err
    assert "chmod 600" in done.err


@pytest.mark.parametrize("args, told", [
    (["add"], "one NAME is wanted"),
    (["add", "ci"], "--role is wanted"),
    (["add", "ci", "--role", "viewer"], '"viewer" is no role'),
    (["add", "system:x", "--role", "view"], "names with system: are the server's own"),
    (["remove"], "a NAME is wanted"),
    (["remove", "ci", "abc"], "abc is too short"),
    (["list", "x"], "list takes no arguments"),
])
def test_the_token_verb_says_what_is_wrong(tiphys, tmp_path, args, told):
    done = tiphys("token", *args, "--state", tmp_path)
    assert done.code == 2 and told in done.err, done.err
    assert list(tmp_path.iterdir()) == []
