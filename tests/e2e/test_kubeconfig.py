"""Kubeconfigs of all kinds, used: client certificates, names of servers, authorities, tokens in files, proxies, impersonation.
The server is one of Python's, which tells what it was sent."""
import base64
import http.server
import json
import os
import shutil
import socketserver
import ssl
import subprocess
import threading

import pytest
from conftest import TIPHYS, TOP, Result

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(not OPENSSL, reason="no openssl here")


def openssl(directory, *args):
    subprocess.run([OPENSSL, *args], cwd=directory, check=True, capture_output=True)


def certificate(directory, name, subject, extension):
    openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (directory / f"{name}.ext").write_text(extension)
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{name}.ext", "-out", f"{name}.crt")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    certificate(directory, "server", "server", "subjectAltName=DNS:kube.example\n")
    certificate(directory, "client", "ann", "extendedKeyUsage=clientAuth\n")
    return directory


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        who = dict(field[0] for field in peer["subject"])["commonName"] if peer else None
        self.server.seen.append({"path": self.path, "headers": self.headers.items(), "certificate": who})
        body = json.dumps({"kind": "WorkflowList", "apiVersion": "argoproj.io/v1alpha1", "metadata": {"resourceVersion": "1"}, "items": []}).encode()
        self.send_response(self.server.answer)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self):
        """As a proxy: the other side is the server itself, whatever is asked for."""
        self.server.seen.append({"path": self.path, "headers": self.headers.items(), "certificate": "proxy"})
        self.send_response(502)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that does not trust us


@pytest.fixture
def server(files):
    it = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.crt", files / "server.key")
    context.load_verify_locations(files / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    it.socket = context.wrap_socket(it.socket, server_side=True, do_handshake_on_connect=False)
    it.seen, it.answer = [], 200
    thread = threading.Thread(target=it.serve_forever)
    thread.start()
    yield it
    it.shutdown()
    thread.join()
    it.server_close()


@pytest.fixture
def ask(files, server, tmp_path):
    def run(cluster, user=None, *options, **environment):
        cluster = {"server": f"https://127.0.0.1:{server.server_port}", **cluster}
        config = {"clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user or {}}],
                  "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "team"}}], "current-context": "x"}
        (files / "config").write_text(json.dumps(config))
        done = subprocess.run([TIPHYS, "list", "-o", "json", "--kubeconfig", files / "config", *options], cwd=TOP, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path), **environment})
        return Result(done)

    return run


TRUSTED = {"certificate-authority": "ca.crt", "tls-server-name": "kube.example"}


def header(server, name):
    return [value for key, value in server.seen[-1]["headers"] if key == name]


def test_the_servers_name_is_the_one_that_is_told(ask, server):
    done = ask(TRUSTED)
    assert done.code == 0 and done.json == [], done.err
    assert server.seen[-1]["path"] == "/apis/argoproj.io/v1alpha1/namespaces/team/workflows?limit=500"
    assert header(server, "Host") == [f"127.0.0.1:{server.server_port}"]
    assert header(server, "Authorization") == [] and header(server, "User-Agent")[0].startswith("tiphys/")
    seen = len(server.seen)
    wrong = ask({"certificate-authority": "ca.crt"})  # the certificate is for another name
    assert wrong.code == 1 and wrong.err.startswith("error: Get ") and "tls: failed to verify certificate" in wrong.err
    assert "is not who its certificate-authority vouches for" in wrong.err
    stranger = ask({"certificate-authority": "other.crt", "tls-server-name": "kube.example"})
    assert stranger.code == 1 and "tls: failed to verify certificate" in stranger.err
    public = ask({})  # by the system's authorities
    assert public.code == 1 and "tls: failed to verify certificate" in public.err
    assert len(server.seen) == seen  # nobody has heard of it
    assert ask({"insecure-skip-tls-verify": True}).code == 0


def test_a_client_certificate_says_who_we_are(ask, server, files):
    assert ask(TRUSTED, {"client-certificate": "client.crt", "client-key": "client.key"}).code == 0
    assert server.seen[-1]["certificate"] == "ann"
    data = {f"client-{kind}-data": base64.b64encode((files / f"client.{end}").read_bytes()).decode() for kind, end in (("certificate", "crt"), ("key", "key"))}
    authority = {"certificate-authority-data": base64.b64encode((files / "ca.crt").read_bytes()).decode(), "tls-server-name": "kube.example"}
    assert ask(authority, data).code == 0 and server.seen[-1]["certificate"] == "ann"
    missing = ask(TRUSTED, {"client-certificate": "nope.crt", "client-key": "client.key"})
    assert missing.code == 1 and f"{files}/nope.crt" in missing.err
    broken = ask(TRUSTED, {"client-certificate": "client.crt", "client-key": "server.csr"})
    assert broken.code == 1 and broken.err.startswith("error: Get ")


def test_tokens_of_texts_files_and_options(ask, server, files):
    (files / "token").write_text("of a file\n")
    assert ask(TRUSTED, {"token": "t"}).code == 0 and header(server, "Authorization") == ["Bearer t"]
    assert ask(TRUSTED, {"token": "t", "tokenFile": "token"}).code == 0 and header(server, "Authorization") == ["Bearer of a file"]
    assert ask(TRUSTED, {"tokenFile": "token"}, "--token", "given").code == 0 and header(server, "Authorization") == ["Bearer given"]
    assert ask(TRUSTED, {"username": "ann", "password": "1234"}).code == 0
    assert header(server, "Authorization") == ["Basic " + base64.b64encode(b"ann:1234").decode()]
    (files / "token").write_text("\n")
    empty = ask(TRUSTED, {"tokenFile": "token"})
    assert empty.code == 1 and f"{files}/token: the file of the token is empty" in empty.err
    none = ask(TRUSTED, {"tokenFile": "nope"})
    assert none.code == 1 and f"{files}/nope" in none.err


def test_in_the_name_of_another(ask, server):
    assert ask(TRUSTED, {"token": "t", "as": "ann", "as-uid": "7", "as-groups": ["g", "h"]}).code == 0
    assert (header(server, "Impersonate-User"), header(server, "Impersonate-Uid"), header(server, "Impersonate-Group")) == (["ann"], ["7"], ["g", "h"])
    assert ask(TRUSTED, {"token": "t"}, "--as", "bob").code == 0 and header(server, "Impersonate-User") == ["bob"]


def test_through_a_proxy(ask, server):
    proxy = Server(("127.0.0.1", 0), Handler)
    proxy.seen = []
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{proxy.server_port}"
        refused = ask({**TRUSTED, "proxy-url": url})
        assert refused.code == 1 and "502" in refused.err
        assert proxy.seen[-1]["path"].endswith(f":{server.server_port}")
        n = len(proxy.seen)
        assert ask(TRUSTED, HTTPS_PROXY=url, https_proxy=url).code == 0 and len(proxy.seen) == n  # not for this machine
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


PROGRAM = """#!/bin/sh
echo "run $* $A" >> "%(log)s"
printf '%%s\\n' "$KUBERNETES_EXEC_INFO" >> "%(log)s"
%(more)s
"""


def program(files, name, more):
    log = files / f"{name}.log"
    log.write_text("")
    path = files / name
    path.write_text(PROGRAM % {"log": log, "more": more})
    path.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": f"./{name}", "args": ["get", "token"],
                     "env": [{"name": "A", "value": "b"}], "provideClusterInfo": True, "interactiveMode": "IfAvailable",
                     "installHint": "get it from the cloud"}}, log


def credential(files, **status):
    path = files / "credential.json"
    path.write_text(json.dumps({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status}))
    return f'cat "{path}"'


def test_programs_that_log_in_are_run(ask, server, files):
    user, log = program(files, "login", credential(files, token="of a program"))
    assert ask(TRUSTED, user).code == 0 and header(server, "Authorization") == ["Bearer of a program"]
    said, info = log.read_text().splitlines()
    info = json.loads(info)
    assert said == "run get token b" and info["kind"] == "ExecCredential" and info["spec"]["interactive"] is False
    assert info["spec"]["cluster"]["tls-server-name"] == "kube.example"
    user, log = program(files, "certificate", credential(files, clientCertificateData=(files / "client.crt").read_text(),
                                                         clientKeyData=(files / "client.key").read_text()))
    assert ask(TRUSTED, user).code == 0 and server.seen[-1]["certificate"] == "ann"
    server.answer = 401  # what it gave is not taken: it is asked for another, once
    user, log = program(files, "old", credential(files, token="old"))
    assert ask(TRUSTED, user).code == 1 and log.read_text().count("run ") == 2
    server.answer = 200
    assert ask(TRUSTED, {**user, "token": "t"}, "--token", "given").code == 0 and header(server, "Authorization") == ["Bearer given"]


@pytest.mark.parametrize("more,expected", [
    ("echo hello", "what {} printed is no JSON"), ("exit 3", "{}, which is to log in, ended with exit code 3"),
    ("kill -9 $$", "{}, which is to log in, ended with signal 9"), ("head -c 2000000 /dev/zero", "{} printed more than 1048576 bytes"),
])
def test_programs_that_do_not_log_in_are_told(ask, server, files, more, expected):
    user, _ = program(files, "broken", more)
    done = ask(TRUSTED, user)
    assert done.code == 1 and expected.format(f"{files}/./broken") in done.err, done.err
    assert server.seen == []


def test_a_program_that_is_not_there_says_where_it_is_got(ask, server):
    done = ask(TRUSTED, {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "nope-cloud", "installHint": "get it from the cloud"}})
    assert done.code == 1 and done.err == "error: the program that logs in is not there: nope-cloud\n  get it from the cloud\n"
    refused = ask(TRUSTED, {"auth-provider": {"name": "gcp"}})
    assert refused.code == 1 and "the auth-provider gcp" in refused.err and "--token TOKEN" in refused.err
    asks = ask(TRUSTED, {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Always"}})
    assert asks.code == 1 and "standard input is no terminal" in asks.err
