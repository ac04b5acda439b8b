# SPDX-License-Identifier: Apache-2.0
"""A server on which many recorded workflows are played at a time, each in a lane of its own.

A lane is a namespace with its own plugin: a real sidecar, started by the server from a ConfigMap, that passes each call on
to the desk and waits for what the desk says. So whoever plays a case sees every call, and decides when it is answered and
how. One watch of all workflows tells the lanes what changes; nobody polls."""
import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

PATIENCE = 90  # seconds until something that has to happen counts as not happening
IN_FLIGHT = 64  # calls that a server makes at a time to one plugin
WORLD = "raw.githubusercontent.com"  # the one https host that recorded workflows ask

GROUP = "/apis/argoproj.io/v1alpha1"
RESOURCES = {"Workflow": "workflows", "WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows",
             "ClusterWorkflowTemplate": "clusterworkflowtemplates", "ConfigMap": "configmaps", "Secret": "secrets"}

# What runs in the sandbox. Held calls are threads of it.
PLUGIN = """\
import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        desk = http.client.HTTPConnection('127.0.0.1', {desk})
        desk.request('POST', self.path, body)
        answer = desk.getresponse()
        text = answer.read()
        self.send_response(answer.status)
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args):
        pass
class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
Server(('127.0.0.1', {port}), Plugin).serve_forever()
"""

SIDECAR = {"name": "stub", "image": "python:3", "command": ["python", "-u", "-c"],
           "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}},
           "securityContext": {"runAsNonRoot": True, "runAsUser": 65534}}


class Stuck(Exception):
    pass


def collection(kind, ns):
    """The path of a kind's objects."""
    group = "/api/v1" if kind in ("ConfigMap", "Secret") else GROUP
    return f"{group}/{RESOURCES[kind]}" if kind.startswith("Cluster") else f"{group}/namespaces/{ns}/{RESOURCES[kind]}"


class Api:
    """Plain requests; a connection for each thread."""

    def __init__(self, port):
        self.port = port
        self.local = threading.local()

    def connection(self):
        if not hasattr(self.local, "wire"):
            self.local.wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return self.local.wire

    def ask(self, method, path, body=None, content="application/json"):
        """(status, object). Connections that the server closed meanwhile are made anew once."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        for again in (True, False):
            try:
                wire = self.connection()
                wire.request(method, path, data, {"Content-Type": content} if data is not None else {})
                answer = wire.getresponse()
                return answer.status, json.loads(answer.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.local.wire.close()
                if not again:
                    raise

    def must(self, method, path, body=None, content="application/json"):
        status, answer = self.ask(method, path, body, content)
        if status >= 300:
            raise Stuck(f"{method} {path}: {status} {answer.get('message')}")
        return answer


class Call:
    """A call of the plugin that is not answered yet."""

    def __init__(self, node, template):
        self.node, self.template = node, template
        self.done = threading.Event()
        self.status, self.body = 200, b"{}"

    def answer(self, status, body):
        self.status, self.body = status, body
        self.done.set()


class Lane:
    """A namespace, what is known of its workflows, and the calls that wait at the desk."""

    def __init__(self, ns, port):
        self.ns, self.port = ns, port
        self.bell = threading.Condition()
        self.begin()

    def begin(self):
        with self.bell:
            for call in getattr(self, "calls", {}).values():
                call.answer(404, b"")
            self.workflows = {}  # name -> object
            self.calls = {}  # node id -> Call
            self.events = {}  # uid of a workflow -> {(type, reason, message)}
            self.templates = {}  # node id -> as it was sent first
            self.moved = time.monotonic()

    def tell(self, change):
        with self.bell:
            change()
            self.moved = time.monotonic()
            self.bell.notify_all()

    def wait(self, condition, what, patience=None):
        """Until condition() is true, which is asked whenever something moved; its value. With a patience of its own what is
        false after that time is no mistake."""
        end = time.monotonic() + (patience or PATIENCE)
        with self.bell:
            while True:
                value = condition()
                if value or (patience and time.monotonic() >= end):
                    return value
                if not self.bell.wait(max(0, end - time.monotonic())) and time.monotonic() >= end and not patience:
                    raise Stuck(f"it did not happen in {PATIENCE} s: {what}")

    def silence(self, seconds):
        """Until nothing has moved for so long, as the recorder waited."""
        with self.bell:
            while True:
                left = self.moved + seconds - time.monotonic()
                if left <= 0:
                    return
                self.bell.wait(left)

    def version(self, name):
        return int(self.workflows.get(name, {"metadata": {"resourceVersion": "0"}})["metadata"]["resourceVersion"])


class Desk:
    """Where the plugins ask what to answer; and the world that http templates ask, as a proxy."""

    def __init__(self, lanes, tls):
        self.lanes = {lane.ns: lane for lane in lanes}
        self.world = lanes[0]
        self.tls = tls
        desk = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/api/v1/template."):
                    self.say(*desk.called(self.path, json.loads(body)))
                else:
                    self.say(*desk.requested(self.path))

            do_GET = do_PUT = do_POST

            def do_CONNECT(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.flush()
                host = "https://" + self.path.split(":")[0]
                with desk.tls.wrap_socket(self.connection, server_side=True) as wire:
                    with wire.makefile("rb") as read:
                        path = read.readline().split()[1].decode()
                        while read.readline().strip():
                            pass
                    status, text = desk.requested(host + path)
                    wire.sendall(b"HTTP/1.1 %d Told\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" %
                                 (status, len(text), text))
                    wire.unwrap()
                self.close_connection = True

            def say(self, status, text):
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # the call was given up meanwhile

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def called(self, path, body):
        lane = self.lanes[body["workflow"]["metadata"]["namespace"]]
        node = body["task"]["id"]
        if path.endswith(".cancel"):
            lane.tell(lambda: lane.calls.pop(node, Call(None, None)).answer(404, b""))
            return 200, b"{}"
        return self.hold(lane, node, body["template"])

    def requested(self, url):
        """A request of an http template: its node is told by the URL."""
        return self.hold(self.world, url, None)

    @staticmethod
    def hold(lane, node, template):
        call = Call(node, template)

        def put():
            lane.calls[node] = call
            if template is not None:
                lane.templates.setdefault(node, template)
        lane.tell(put)
        call.done.wait()
        return call.status, call.body


class Creator:
    """kubectl create for whoever wants something created: all that waits goes in one call."""

    def __init__(self, api, kubectl, home):
        self.api, self.kubectl, self.home = api, kubectl, home
        self.calls = 0
        self.waiting = queue.Queue()
        threading.Thread(target=self.work, daemon=True).start()

    def create(self, documents):
        """[(kind, name, namespace, text)]. Raises what is wrong."""
        if not self.kubectl:
            for kind, _name, ns, text in documents:
                self.api.must("POST", collection(kind, ns), text.encode(), "application/yaml")
            return
        answer = queue.Queue()
        self.waiting.put((documents, answer))
        wrong = answer.get()
        if wrong:
            raise Stuck(wrong)

    def work(self):
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            text = "\n---\n".join(text for documents, _ in batch for _kind, _name, _ns, text in documents)
            done = subprocess.run(
                [self.kubectl, "create", "-f", "-", "--server", f"http://127.0.0.1:{self.api.port}"], input=text, text=True,
                capture_output=True, timeout=PATIENCE, env={**os.environ, "HOME": str(self.home), "KUBECONFIG": "/dev/null"})
            self.calls += 1
            made = set(re.findall(r"^[a-z]+(?:\.argoproj\.io)?/(\S+) created$", done.stdout, re.M))
            for documents, answer in batch:
                missing = [name for _kind, name, _ns, _text in documents if name not in made]
                answer.put(f"kubectl create: {missing}: {done.stderr[-2000:]}" if missing else None)


def world_certificate(place):
    """A certificate for the world's https host, which the server is told to trust."""
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=" + WORLD, "-addext", "subjectAltName=DNS:" + WORLD, "-keyout", place / "key.pem",
         "-out", place / "cert.pem"], capture_output=True, text=True)
    if done.returncode != 0:
        raise Stuck(done.stderr)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    return context


def free_ports(n):
    """Ports that are free now, below those that the kernel gives to connections meanwhile."""
    found, first = [], 12000 + os.getpid() % 8000
    while len(found) < n:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", first))
                found.append(first)
            except OSError:
                pass
        first += 1
    return found


class Stage:
    """A server, its lanes, the desk. place: a directory of its own. kubectl None: objects are created by HTTP."""

    def __init__(self, program, place, kubectl, n_lanes=16, compatibility="argo"):
        place = pathlib.Path(place)
        self.tls = world_certificate(place)
        self.lanes = [Lane(f"lane-{i:02d}", port) for i, port in enumerate(free_ports(n_lanes))]
        self.desk = Desk(self.lanes, self.tls)
        self.start_server(program, place, compatibility)
        self.api = Api(self.port)
        (place / "home").mkdir()
        self.creator = Creator(self.api, kubectl, place / "home")
        for lane in self.lanes:
            self.furnish(lane)
        self.watch(f"{GROUP}/workflows", self.workflow_changed)
        self.watch("/api/v1/events", self.event_came)
        self.warm_up()

    def start_server(self, program, place, compatibility):
        config = place / "config.yaml"
        config.write_text(f"compatibility: {compatibility}\n" if compatibility else "{}\n")
        help_text = subprocess.run([program, "server", "--help"], capture_output=True, text=True).stdout
        network = ["--network", "host"] if "--network" in help_text else []  # sidecars have to reach the desk
        proxy = f"http://127.0.0.1:{self.desk.port}"
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.log = open(place / "server.log", "wb")
        self.process = subprocess.Popen(
            [program, "server", "--plain-http", "--state", place / "state", "--listen", "127.0.0.1:0", "--config", config,
             "--executor-plugins", "--workflow-level-executor-plugins", *network],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**environment, "http_proxy": proxy, "https_proxy": proxy, "SSL_CERT_FILE": str(place / "cert.pem")})
        line = self.process.stdout.readline()
        if not line:
            raise Stuck("the server did not start: " + (place / "server.log").read_text()[-2000:])
        self.port = urllib.parse.urlsplit(line.split()[-1]).port

    def furnish(self, lane):
        sidecar = {**SIDECAR, "args": [PLUGIN.format(desk=self.desk.port, port=lane.port)],
                   "ports": [{"containerPort": lane.port}]}
        self.api.must("POST", "/api/v1/namespaces", {"metadata": {"name": lane.ns}})
        self.api.must("POST", collection("ConfigMap", lane.ns), {
            "metadata": {"name": "stub-executor-plugin", "annotations": {"tiphys/call-timeout": "10m"},
                         "labels": {"workflows.argoproj.io/configmap-type": "ExecutorPlugin"}},
            "data": {"sidecar.automountServiceAccountToken": "false", "sidecar.container": json.dumps(sidecar)}})
        self.api.must("POST", collection("Secret", lane.ns), {"metadata": {"name": "s"}, "stringData": {"k": "v"}})

    def warm_up(self):
        """The first call shows that a plugin listens: until it is answered there is no other."""
        documents = [("Workflow", f"warm-{lane.ns}", lane.ns, json.dumps({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": f"warm-{lane.ns}", "namespace": lane.ns},
            "spec": {"entrypoint": "warm", "templates": [{"name": "warm", "plugin": {"stub": {}}}]}})) for lane in self.lanes]
        self.creator.create(documents)
        for lane, document in zip(self.lanes, documents):
            name = document[1]
            lane.wait(lambda: name in lane.calls, "a plugin is called for the first time")
            lane.calls.pop(name).answer(200, b'{"node": {"phase": "Succeeded"}}')
            lane.wait(lambda: lane.workflows[name]["status"].get("phase") == "Succeeded", "a plugin warms up")
            self.empty(lane, [document])

    def watch(self, path, tell):
        """From now on; tell(lane, event) in a thread of its own."""
        lanes = {lane.ns: lane for lane in self.lanes}
        wire = http.client.HTTPConnection("127.0.0.1", self.port)
        wire.request("GET", path + "?watch=true")
        answer = wire.getresponse()

        def follow():
            for text in answer:
                event = json.loads(text)
                lane = lanes.get(event["object"].get("metadata", {}).get("namespace"))
                if lane:
                    tell(lane, event)
        threading.Thread(target=follow, daemon=True).start()

    @staticmethod
    def workflow_changed(lane, event):
        workflow = event["object"]
        if event["type"] in ("ADDED", "MODIFIED"):
            lane.tell(lambda: lane.workflows.__setitem__(workflow["metadata"]["name"], workflow))
        else:
            lane.tell(lambda: lane.workflows.pop(workflow["metadata"]["name"], None))

    @staticmethod
    def event_came(lane, event):
        it = event["object"]
        if event["type"] == "ADDED":
            with lane.bell:  # nothing moves: it tells of what has moved
                told = lane.events.setdefault(it["involvedObject"].get("uid"), set())
                told.add((it["type"], it["reason"], it.get("message", "")))
                lane.bell.notify_all()

    def empty(self, lane, documents):
        """Away with what a case has made."""
        for kind, name, ns, _text in documents:
            if kind != "Workflow":
                self.api.ask("DELETE", f"{collection(kind, ns)}/{name}")
        self.api.must("DELETE", collection("Workflow", lane.ns))
        self.api.must("DELETE", collection("ConfigMap", lane.ns) + "?labelSelector=" +
                      urllib.parse.quote("workflows.argoproj.io/configmap-type=Cache"))
        lane.wait(lambda: not lane.workflows, "its workflows are gone")
        lane.begin()

    def stop(self):
        """The server's return code."""
        for lane in self.lanes:
            lane.begin()
        self.process.terminate()
        try:
            code = self.process.wait(timeout=PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.log.close()
            self.desk.server.shutdown()
            self.desk.server.server_close()
        return code


def installed_kubectl():
    return shutil.which("kubectl")
