"""http templates against real servers: Python's http.server, plain and with TLS."""
import gzip
import os
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import TIPHYS, TOP, run_program, wait_until

SPEC = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: h}}
spec:
  entrypoint: main
  templates:
    - name: main
      http: {http}
"""


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers, body))
        self.server.play(self, body)

    do_GET = do_POST = do_PUT = do_DELETE = do

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """serve(play, context): a server that answers with play(handler, body), and its URL."""
    servers = []

    def begin(play=lambda handler, body: handler.answer(200, b"hello"), context=None):
        server = Server(("127.0.0.1", 0), Handler)
        server.play, server.seen = play, []
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server, f"http{'s' if context else ''}://localhost:{server.server_port}"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def node(result, name="h"):
    (found,) = [n for n in result.json["status"]["nodes"].values() if n["name"] == name]
    return found


def request(http, *args, manifest="", env=None):
    return run_program("run", "-", "-o", "json", *args, stdin=SPEC.format(http=http) + manifest, env=env)


def test_the_body_is_the_result(serve):
    server, url = serve()
    result = request(f'{{url: "{url}/a?b=c"}}')
    assert result.code == 0, result.err
    assert (node(result)["phase"], node(result)["type"], node(result)["outputs"]) == ("Succeeded", "HTTP", {"result": "hello"})
    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("GET", "/a?b=c", b"")
    assert set(headers.keys()) == {"Host", "User-Agent", "Accept-Encoding"}


def test_a_status_that_is_none_of_success_fails_the_node_and_keeps_the_body(serve):
    _, url = serve(lambda handler, body: handler.answer(418, b"short and stout"))
    result = request(f'{{url: "{url}"}}')
    assert result.code == 1
    assert (node(result)["phase"], node(result)["message"]) == ("Failed", "received non-2xx response code: 418")
    assert node(result)["outputs"] == {"result": "short and stout"}
    assert result.json["status"]["message"] == "received non-2xx response code: 418"


def test_method_headers_secret_and_body(serve):
    server, url = serve(lambda handler, body: handler.answer(201, body[::-1], X_Count="7"))
    secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: opensesame}\n"
    result = request(f'{{url: "{url}", method: PUT, body: abc, headers: [{{name: x-a, value: "1"}}, {{name: X-B, valueFrom: '
                     '{secretKeyRef: {name: s, key: k}}}, {name: host, value: example.org}], '
                     'successCondition: \'response.statusCode == 201 && response.headers["X-Count"][0] == "7"\'}', manifest=secret)
    assert result.code == 0, result.out
    assert node(result)["outputs"]["result"] == "cba"
    ((method, _, headers, body),) = server.seen
    assert (method, body, headers["X-A"], headers["X-B"], headers["Host"]) == ("PUT", b"abc", "1", "opensesame", "example.org")
    assert "opensesame" not in result.out + result.err


def test_a_secret_that_is_not_there_is_told(serve):
    server, url = serve()
    result = request(f'{{url: "{url}", headers: [{{name: A, valueFrom: {{secretKeyRef: {{name: nix, key: k}}}}}}]}}')
    assert result.code == 1 and node(result)["message"] == 'secrets "nix" not found' and not server.seen


def test_bytes_are_sent_as_they_are(serve):
    server, url = serve(lambda handler, body: handler.answer(200, b"\xff"))
    result = request(f'{{url: "{url}", method: POST, bodyFrom: {{bytes: AP8B}}}}')
    assert server.seen[0][3] == b"\x00\xff\x01" and node(result)["outputs"]["result"] == "\ufffd"


def test_a_condition_that_is_false_and_one_that_cannot_be_read(serve):
    _, url = serve()
    result = request(f'{{url: "{url}", successCondition: \'response.body contains "bye"\'}}')
    assert node(result)["message"] == "successCondition 'response.body contains \"bye\"' evaluated false"
    result = request(f'{{url: "{url}", successCondition: "response.status == 1 +"}}')
    assert node(result)["phase"] == "Failed" and node(result)["message"].startswith("unexpected token EOF (1:22)")


def test_redirects_and_packed_bodies(serve):
    def play(handler, body):
        if handler.path == "/old":
            return handler.answer(302, Location="/new")
        handler.answer(200, gzip.compress(handler.command.encode()), Content_Encoding="gzip")

    _, url = serve(play)
    assert node(request(f'{{url: "{url}/old", method: POST, body: x}}'))["outputs"]["result"] == "GET"


def test_a_server_that_does_not_answer_in_time(serve):
    over = threading.Event()
    _, url = serve(lambda handler, body: over.wait(60))
    result = request(f'{{url: "{url}/x", timeoutSeconds: 1}}')
    over.set()
    assert result.code == 1
    assert node(result)["message"] == f'Get "{url}/x": context deadline exceeded: there was no whole answer within 1 s'


def test_a_template_time_out_drops_the_request(serve):
    gone = threading.Event()

    def play(handler, body):
        while handler.connection.recv(1):
            pass
        gone.set()

    _, url = serve(play)
    text = SPEC.format(http=f'{{url: "{url}"}}').replace("- name: main\n", "- name: main\n      timeout: 1s\n")
    result = run_program("run", "-", "-o", "json", stdin=text)
    assert (result.code, node(result)["phase"], node(result)["message"]) == (1, "Failed", "timeout")
    assert gone.wait(10)


def test_nobody_listens(port):
    result = request(f'{{url: "http://127.0.0.1:{port}/"}}')
    assert node(result)["message"] == f'Get "http://127.0.0.1:{port}/": dial tcp 127.0.0.1:{port}: connect: connection refused'
    assert "outputs" not in node(result)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", directory / "key.pem",
                    "-out", directory / "cert.pem"], check=True, capture_output=True)
    return directory


def test_certificates_are_verified_unless_told_otherwise(serve, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server, url = serve(context=context)
    refused = request(f'{{url: "{url}/"}}')
    assert refused.code == 1 and not server.seen
    assert node(refused)["message"].startswith(f'Get "{url}/": tls: failed to verify certificate: ')
    assert request(f'{{url: "{url}/", insecureSkipVerify: true}}').code == 0
    assert request(f'{{url: "{url}/"}}', env={"SSL_CERT_FILE": str(certificate / "cert.pem")}).code == 0
    other = url.replace("localhost", "127.0.0.1")  # the certificate does not name it
    assert request(f'{{url: "{other}/"}}', env={"SSL_CERT_FILE": str(certificate / "cert.pem")}).code == 1


def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(serve):
    proxy, url = serve(lambda handler, body: handler.answer(200, b"by proxy"))
    here, direct = serve()
    for name in ("http_proxy", "HTTP_PROXY"):
        result = request('{url: "http://away.invalid/x"}', env={name: url, "no_proxy": ""})
        assert node(result)["outputs"]["result"] == "by proxy", result.out
        assert node(request(f'{{url: "{direct}"}}', env={name: url, "no_proxy": ""}))["outputs"]["result"] == "hello"
    assert [path for _, path, _, _ in proxy.seen] == ["http://away.invalid/x"] * 2


MANY = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: many}}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {{name: a, template: one, withSequence: {{count: "500"}}, arguments: {{parameters: [{{name: at, value: "{{{{item}}}}"}}]}}}}
    - name: one
      inputs: {{parameters: [{{name: at}}]}}
      http: {{url: "{url}/{{{{inputs.parameters.at}}}}"}}
"""


def test_five_hundred_requests_are_under_way_together(serve):
    together = threading.Barrier(500, timeout=60)  # nobody is answered before all have come

    def play(handler, body):
        together.wait()
        handler.answer(200, handler.path.encode())

    _, url = serve(play)
    result = run_program("run", "-", "-o", "json", stdin=MANY.format(url=url.replace("localhost", "127.0.0.1")))
    assert result.code == 0, result.err
    got = {n["outputs"]["result"] for n in result.json["status"]["nodes"].values() if n["type"] == "HTTP"}
    assert got == {f"/{n}" for n in range(500)}


def test_the_example(port, tiphys):
    server = subprocess.Popen([sys.executable, TOP / "examples" / "http" / "server.py", str(port)], stderr=subprocess.DEVNULL)
    try:
        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens)
        result = tiphys("run", "examples/http", "-p", f"server=http://localhost:{port}", "-o", "json")
    finally:
        server.kill()
        server.wait()
    assert result.code == 0, result.out + result.err
    nodes = {n["displayName"]: n for n in result.json["status"]["nodes"].values()}
    assert '"state": "done"' in nodes["wait"]["outputs"]["result"]
    assert nodes["wait(1)"]["message"].startswith("successCondition 'response.statusCode == 200 && ")


def test_a_program_that_makes_no_request_does_not_load_libcurl(tiphys, make_plugin):
    loads = {"LD_DEBUG": "libs"}
    assert "libcurl" not in tiphys("version", env=loads).err
    run = subprocess.run([TIPHYS, "run", make_plugin()], capture_output=True, text=True, env={**os.environ, **loads}, timeout=120)
    assert run.returncode == 0 and "libcurl" not in run.stderr
