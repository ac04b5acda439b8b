"""Requests that are nearly right: recorded ones with something changed, by whatever way in. TIPHYS_NONSENSE: how many."""
import base64
import collections
import json
import os
import random
import socket
import ssl
import tarfile
import urllib.parse

import pytest
from conftest import TOP, wait_until
from serving import WORKFLOWS, Server, keeps_memory, waiting

MANY = int(os.environ.get("TIPHYS_NONSENSE", "10000"))
TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/merge-patch+json",
         "application/json-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml", "text/plain",
         "application/cbor", ""]
WORDS = [None, True, False, 0, -1, 1, 2**31, 2**63, -2**63 - 1, 1e308, 0.1, "", "x", "é\u0000", "\ud800", "a" * 300, "{{x}}", "{{=1/0}}",
         "{{inputs.parameters", [], {}, [None], [[]], {"": {}}, {"a": None}, ["a", "a"], "999999999999999999999", "1e999", "-1s",
         "2026-13-45T99:99:99Z", "../..", "$patch", {"$patch": "replace"}, {"$deleteFromPrimitiveList/x": [1]}]
QUERIES = ["fieldManager=", "fieldManager=" + "x" * 200, "force=maybe", "dryRun=All", "dryRun=Some", "limit=-1", "limit=99999999999999999999",
           "continue=x", "continue=eyJ2IjoxfQ==", "resourceVersion=abc", "resourceVersion=-1", "resourceVersionMatch=Exact",
           "labelSelector=a%20in%20(", "labelSelector=%00", "labelSelector=" + "a," * 3000, "fieldSelector=metadata.name==",
           "fieldSelector=spec.x=1", "fieldValidation=Strict", "fieldValidation=Never", "propagationPolicy=Sideways",
           "gracePeriodSeconds=-5", "orphanDependents=true", "pretty=true", "%zz", "&&&=", "a=b=c", "timeout=-1s"]

# Faults of the client for which Kubernetes answers 500 or 504, as recorded.
BLAMES_ITSELF = (b"content is not a list", b"etcdserver: request is too large", b"failed to create typed patch object",
                 b"does not contain declared merge key", b"resourceVersion should not be set on objects to be created",
                 b"strconv.ParseUint: parsing", b"Too large resource version",
                 # and of strategic patches, by its source
                 b"unknown patch type: ", b"unable to find api field in struct ", b"expected a map[string]interface {}, but",
                 b"cannot merge lists without merge key", b"merging lists cannot yet be", b"expected a []interface {}, but", b"list element types are not identical")


def recordings(tmp_path):
    """The recorded requests: method, target, content type, body. Watches, which end when they want, are left out."""
    directory = TOP.parent / "shared" / "data" / "golden" / "http"
    if not directory.is_dir():
        directory = tmp_path / "recorded"
        with tarfile.open(TOP / "tests" / "data" / "golden" / "http.tar.xz") as archive:
            archive.extractall(directory)  # our own archive
    found, seen = [], collections.Counter()
    for path in sorted(directory.rglob("*.jsonl")):
        for line in filter(None, path.read_text().split("\n")):
            request = json.loads(line).get("request") or {}
            query = [tuple(pair) for pair in request.get("query") or []]
            if not request or "/watch" in request["path"] or "/log" in request["path"] or "watch" in dict(query):
                continue
            target = request["path"] + ("?" + urllib.parse.urlencode(query) if query else "")
            body = request.get("body") or {}
            data = (base64.b64decode(body["base64"]) if "base64" in body else body["text"].encode("utf-8", "surrogatepass")
                    if "text" in body else json.dumps(body["json"]).encode() if "json" in body else b"")
            kind = (request.get("headers") or {}).get("Content-Type", "")
            key = (request["method"], request["path"], kind)
            seen[key] += 1
            if b'"http":' not in data and seen[key] <= 3:
                found.append((request["method"], target, kind, data))
    assert len(found) > 300
    return found


def change_value(chance, value, depth=0):
    """One place of a value is another."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        what = chance.random()
        changed = dict(value)
        if what < 0.1:
            del changed[key]
        elif what < 0.2:
            changed[chance.choice(["", key.upper(), key + " ", "status", "$retainKeys", "metadata", "x" * 100])] = value[key]
        else:
            changed[key] = change_value(chance, value[key], depth + 1)
        return changed
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        return value[:at] + [change_value(chance, value[at], depth + 1)] + value[at + chance.randrange(2):]
    return chance.choice(WORDS)


def change_bytes(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(5)
        if what == 0 and data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        elif what == 1:
            del data[at:at + chance.randrange(1, 30)]
        elif what == 2:
            data[at:at] = chance.choice([b"\x00", b"\xff", b"{", b"]", b"\r\n", b"\n", b": ", b"\xc3", b"&x", b"- *x", b"9" * 30])
        elif what == 3:
            data[at:at] = data[at:at + chance.randrange(1, 60)]
        else:
            del data[at:]
    return bytes(data)


def change_body(chance, kind, data):
    what = chance.random()
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if what < 0.02:
        return b"[" * 5000 if chance.random() < 0.5 else b'{"a":' * 3000
    if what < 0.03:
        return b"a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n"
    if value is not None and what < 0.7:
        for _ in range(chance.choice([1, 1, 2, 4])):
            value = change_value(chance, value)
        return json.dumps(value).encode()
    return change_bytes(chance, data)


def change_target(chance, target):
    path, _, query = target.partition("?")
    what = chance.random()
    if what < 0.4:
        return path + "?" + "&".join(filter(None, [query, chance.choice(QUERIES), chance.choice(QUERIES)]))
    if what < 0.6:
        parts = path.split("/")
        parts[chance.randrange(len(parts))] = chance.choice(["", "..", "%2e%2e", "x" * 260, "%00", "UPPER", "status", "log", "nodes", "-"])
        return "/".join(parts) + (f"?{query}" if query else "")
    return path + chance.choice(["/", "//", "/status", "/scale", "/x/y/z", "%", "?", "%20"])


def change(chance, recorded):
    """The bytes of a request, and whether they are a whole one."""
    method, target, kind, data = recorded
    what = chance.random()
    if data and what < 0.7:
        data = change_body(chance, kind, data)
    if what > 0.6:
        target = change_target(chance, target)
    if chance.random() < 0.15:
        kind = chance.choice(TYPES)
    if chance.random() < 0.1:
        method = chance.choice(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "BREW"])
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nAccept: {chance.choice(['application/json', '*/*', 'application/yaml', 'x/y', ''])}\r\n"
    head += f"Content-Type: {kind}\r\n" if kind else ""
    return head, data


class Wire:
    """A connection that says what it likes, and reads answers as they come."""

    def __init__(self, server, context, token):
        self.server, self.context, self.socket = server, context, None
        self.authorization = f"Authorization: Bearer {token}\r\n" if token else ""

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        if self.context:
            self.socket = self.context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")

    def close(self):
        if self.socket:
            self.file.close()
            self.socket.close()
            self.socket = None

    def answer(self, head_only):
        """Status and body of the next answer; None: there is none any more."""
        line = self.file.readline(65537)
        if not line:
            return None
        status = int(line.split()[1])
        headers = {}
        while (line := self.file.readline(65537).strip()):
            key, _, value = line.partition(b":")
            headers[key.strip().lower()] = value.strip()
        body = b""
        if headers.get(b"transfer-encoding") == b"chunked":
            while (size := int(self.file.readline(), 16)):
                body += self.file.read(size)
                self.file.readline()
            self.file.readline()
        elif not head_only and status not in (204, 304):
            body = self.file.read(int(headers.get(b"content-length", 0)))
        if headers.get(b"connection") == b"close":
            self.close()
        return status, body

    def send(self, head, data):
        if not self.socket:
            self.connect()
        try:
            self.socket.sendall(f"{head}{self.authorization}Content-Length: {len(data)}\r\n\r\n".encode("utf-8", "surrogatepass") + data)
            found = self.answer(head.startswith("HEAD "))
        except (ConnectionError, ssl.SSLError):
            found = None
        if not found:
            self.close()
        return found

    def send_broken(self, data):
        """The answer to bytes that may be no request, after which nothing comes."""
        self.close()
        self.connect()
        found = None
        try:
            self.socket.sendall(data)
            if not self.context:
                self.socket.shutdown(socket.SHUT_WR)
            else:
                self.socket.settimeout(0.05)  # an unfinished request is waited for, rightly
            found = self.answer(data.startswith(b"HEAD "))
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
        self.close()
        return found


def judge(counted, found, head, data):
    """Nothing is the server's fault, and what is wrong is said as Kubernetes says it."""
    if not found:
        counted["closed"] += 1
        return
    status, body = found
    counted[status] += 1
    about = (head[:300], data[:600], status, body[:600])
    assert status < 500 or status in (501, 505) or any(words in body for words in BLAMES_ITSELF), about
    if status >= 400 and not head.startswith("HEAD "):
        try:
            said = json.loads(body)
        except ValueError:
            assert status == 404 or b"kind: Status" in body or status in (400, 408, 413, 414, 431, 501, 505), about
            return
        assert said["kind"] == "Status" and said["message"] and said["code"] == status, about


def credentials(server):
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((server.state / "kubeconfig").read_text())
    context = ssl.create_default_context(cadata=base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode())
    return context, config["users"][0]["user"]["token"]


def furnish(wire, seeds):
    """What the requests are about is there."""
    for name in sorted({seed[1].split("/namespaces/")[1].split("/")[0].split("?")[0] for seed in seeds if "/namespaces/" in seed[1]}):
        head = "POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        wire.send(head, json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).encode())
    for method, target, kind, data in seeds:
        if method in ("POST", "PUT", "PATCH"):
            wire.send(f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n", data)


@pytest.mark.parametrize("tls", [False, True])
def test_nonsense_is_refused_and_does_no_harm(tmp_path, tls):
    seeds = recordings(tmp_path)
    chance = random.Random(int(os.environ.get("TIPHYS_NONSENSE_SEED", "1")) * 2 + tls)
    server = Server(tmp_path / "state", plain=not tls, ARGO_EXECUTOR_PLUGINS="false")
    context, token = credentials(server) if tls else (None, None)
    wire = Wire(server, context, token)
    counted = collections.Counter()
    many = MANY * 3 // 10 if tls else MANY * 7 // 10
    warm = None
    writes = [seed for seed in seeds if seed[3]]
    try:
        furnish(wire, seeds)
        for i in range(many):
            head, data = change(chance, chance.choice(writes if chance.random() < 0.8 else seeds))
            if chance.random() < 0.15:
                raw = f"{head}{wire.authorization}Content-Length: {len(data)}\r\n\r\n".encode("utf-8", "surrogatepass") + data
                cut = change_bytes(chance, raw[:600]) + raw[600:] if chance.random() < 0.8 else raw[:chance.randrange(len(raw))]
                judge(counted, wire.send_broken(cut), cut.decode("latin-1"), b"")
            else:
                judge(counted, wire.send(head, data), head, data)
            if i == many // 3:
                warm = server.rss(), server.handles()
        assert server.alive(), server.said()[-4000:]
        refused = sum(n for status, n in counted.items() if status == "closed" or status >= 400)
        assert refused > many // 3, counted
        wire.close()
        wait_until(lambda: server.handles() <= warm[1] + 2)
        assert keeps_memory() or server.rss() < warm[0] + (32 << 20), (warm, server.rss(), counted)
        body = json.dumps(waiting("w-after")).encode()
        head = f"POST {WORKFLOWS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        found = wire.send("GET /readyz HTTP/1.1\r\nHost: x\r\n", b"")
        assert found == (200, b"ok")
        assert wire.send(head, body)[0] in (201, 403, 404, 409)  # its namespace may have been deleted
        print(dict(counted))
    finally:
        wire.close()
        server.stop()
        server.process.stdout.close()
    assert server.process.returncode == 0
