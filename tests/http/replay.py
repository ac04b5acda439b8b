#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays recorded HTTP scenarios against our server and compares the answers field by field.

    tests/http/replay.py [-k TEXT] [-v] [--known FILE] [--server PROGRAM] [--tls] [SCENARIO...]

Scenarios are those of the recordings (README.md beside them tells the format): a folder of NAME.jsonl, or http.tar.xz.
Placeholders (<uid-1>, <rv-3>, <time-2>, continue tokens, generated names) are bound to our server's values when they are
first seen and must fit ever after; versions must keep their order. Writes of helpers that are not in a log are made up for:
where an answer shows an object that we do not have, it is written as recorded, once, before the answer is asked again.
"""
import argparse
import base64
import collections
import hashlib
import http.client
import io
import json
import pathlib
import re
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parents[2]
PLACEHOLDER = re.compile(r"<(uid|rv|time|utime)-(\d+)>")
CONTINUE = re.compile(r'^<continue rv=(.+?) start="(.*)">$')
PEM = re.compile(r"(-----BEGIN CERTIFICATE-----).*-----END CERTIFICATE-----\n", re.S)
AGE = re.compile(r"^(\d+[smhdy])+$|^<invalid>$")
SERVED = {"configmaps", "events", "namespaces", "pods", "secrets", "serviceaccounts", "selfsubjectaccessreviews", "leases",
          "selfsubjectrulesreviews", "selfsubjectreviews",
          "workflows", "workflowtaskresults", "workflowtasksets", "clusterworkflowtemplates", "cronworkflows",
          "workfloweventbindings", "workflowtemplates", "workflowartifactgctasks"}
SERVED_GROUPS = {"", "authentication.k8s.io", "authorization.k8s.io", "coordination.k8s.io", "argoproj.io"}
HISTORY = 60  # changes that are kept where a scenario is about those that are not
OWN_NAMESPACES = {"default", "kube-system", "argo", "kube-public", "kube-node-lease"}


# Kinds whose documents list what is served: ours is a part of the recorded one.
DOCUMENTS = ("APIResourceList", "APIGroupList", "APIGroupDiscoveryList", "APIVersions", "APIGroup")


# What one of the two ways of playing leaves to the other.
PLAIN = "over plain HTTP"  # in the reason of a known difference that is none with TLS
NEEDS_TOKENS = "tokens are asked for with TLS only"
NO_PODS = "users may write no Pods: those are played without tokens"


class Mismatch(Exception):
    pass


class Bindings:
    """What the placeholders of one scenario stand for on our server."""

    def __init__(self, ordered=True):
        self.ordered = ordered  # where helpers write besides, what was not logged is written later than it was
        self.values = {}
        self.names = {}  # generated name in the recording -> ours
        self.order = {}  # rv rank -> ours

    def copy(self):
        return dict(self.values), dict(self.names), dict(self.order)

    def restore(self, kept):
        self.values, self.names, self.order = kept

    def fill(self, text):
        """A recorded text as we send it."""
        def one(match):
            key = match.group(0)
            if key not in self.values and match.group(1) == "utime":
                return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
            if key not in self.values and match.group(1) == "time":
                return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            if key not in self.values:
                raise Mismatch(f"{key} is not known yet")
            return self.values[key]
        text = PLACEHOLDER.sub(one, text)
        for ours, theirs in self.names.items():
            text = re.sub(rf"(?<![a-z0-9-]){re.escape(ours)}(?![a-z0-9])", theirs, text)
        return text

    def bind(self, key, value):
        kind, number = PLACEHOLDER.match(key).groups()
        if kind in ("time", "utime"):
            if not re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", value):
                raise Mismatch(f"{key} is {value!r}, which is no time")
            self.values.setdefault(key, value)
            return
        if key in self.values:
            if self.values[key] != value:
                raise Mismatch(f"{key} was {self.values[key]}, now it is {value}")
            return
        if kind == "rv":
            self.check_order(int(number), value)
            self.order[int(number)] = int(value)
        elif not re.match(r"^[0-9a-f]{8}-[0-9a-f-]{27}$", value) or value in self.values.values():
            raise Mismatch(f"{key} is {value!r}: no fresh uid")
        self.values[key] = value

    def check_order(self, number, value):
        if not value.isdigit():
            raise Mismatch(f"version {value!r} is no number")
        for rank, other in self.order.items() if self.ordered else ():
            if (rank < number and other > int(value)) or (rank > number and other < int(value)):
                raise Mismatch(f"<rv-{number}> is {value}, but <rv-{rank}> is {other}")

    def match_text(self, expected, actual, where):
        if expected in ("<redacted>", "<jwt>") and actual:
            return  # it was cut out of the log
        if all("-----BEGIN CERTIFICATE-----" in x for x in (expected, actual)):  # another CA
            expected, actual = (PEM.sub(r"\1\n", x) for x in (expected, actual))
        if expected in self.names:
            expected = self.names[expected]
        if expected == actual:
            return
        token = CONTINUE.match(expected)
        if token:
            self.match_token(token, actual, where)
            return
        parts = PLACEHOLDER.split(expected)
        if len(parts) == 1:
            filled = self.fill(expected)
            if filled == actual:
                return
            raise Mismatch(f"{where}: {expected!r} was expected, {actual!r} came")
        pattern = "".join(re.escape(self.fill(parts[i])) + ("(.+?)" if i + 1 < len(parts) else "")
                          for i in range(0, len(parts), 3))
        match = re.fullmatch(pattern, actual, re.S)
        if not match:
            raise Mismatch(f"{where}: {expected!r} was expected, {actual!r} came")
        for i, value in enumerate(match.groups()):
            try:
                self.bind(f"<{parts[3 * i + 1]}-{parts[3 * i + 2]}>", value)
            except Mismatch as problem:
                raise Mismatch(f"{where}: {problem}") from None

    def match_token(self, token, actual, where):
        try:
            decoded = json.loads(base64.urlsafe_b64decode(actual + "=" * (-len(actual) % 4)))
        except ValueError:
            raise Mismatch(f"{where}: {actual!r} is no continue token") from None
        self.match_text(token.group(1), str(decoded["rv"]), where + ".rv")
        start = json.loads('"' + token.group(2) + '"')  # whether it begins with a slash depends on where it was read
        self.match_text(start.lstrip("/"), decoded["start"].lstrip("/"), where + ".start")

    def make_token(self, text):
        token = CONTINUE.match(text)
        if not token:
            return text
        version = self.fill(token.group(1))
        body = '{"v":"meta.k8s.io/v1","rv":%s,"start":"%s"}' % (version, self.fill(token.group(2)))
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def expand(text, length=None):
    """Texts that were cut in the log, as long as they were; one that was cut at its end gets its end again."""
    cut = re.search(r"(.)\1*<trimmed: (\d+) characters>$", text, re.S)
    if cut and length:
        head = text[:cut.start()]
        closers, inside, i = [], False, 0
        while i < len(head):
            c = head[i]
            if inside:
                i += c == "\\"
                inside = c != '"'
            elif c == '"':
                inside = True
            elif c in "{[":
                closers.append("}" if c == "{" else "]")
            elif c in "}]":
                closers.pop()
            i += 1
        tail = ('"' if inside else "") + "".join(reversed(closers))
        return head + cut.group(1) * (length - len(head.encode()) - len(tail)) + tail
    def one(match):
        return match.group(1) * int(match.group(2))
    return re.sub(r"(.)\1*<trimmed: (\d+) characters>", one, text, flags=re.S)


def regrow(text, length):
    """A long body of which the log has only the beginning: one character again and again, or one element of a list."""
    if text.startswith("[{"):
        element = text[1:text.index("}") + 1]
        return "[" + ",".join([element] * ((length - 1) // (len(element) + 1))) + "]"
    return expand(text + f"<trimmed: {length} characters>", length)


class Comparer:
    def __init__(self, bindings, ignore):
        self.b = bindings
        self.ignore = ignore
        self.seeded = set()  # uids of objects that we wrote ourselves: who manages their fields is not as recorded

    def body(self, expected, actual, where=""):
        if isinstance(expected, dict) and expected.get("kind") in DOCUMENTS:
            self.discovery(expected, actual)
            return
        if isinstance(expected, dict) and "gitVersion" in expected:
            ignored = ("gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
            expected = {k: v for k, v in expected.items() if k not in ignored}
            actual = {k: v for k, v in actual.items() if k not in ignored}
        self.value(expected, actual, where)

    def discovery(self, expected, actual):
        """What we serve is told as recorded; we serve less."""
        for field in ("resources", "groups", "items"):
            theirs = {x.get("name") or x.get("metadata", {}).get("name", ""): x for x in expected.get(field, [])}
            for ours in actual.get(field, []):
                name = ours.get("name") or ours.get("metadata", {}).get("name", "")
                if name not in theirs:
                    raise Mismatch(f"{field}: {name!r} is not there in the recording")
                if field == "items":
                    self.versions(theirs[name], ours)
                else:
                    self.value(theirs[name], ours, f"{field}[{name}]")
        for field in expected:
            if field not in ("resources", "groups", "items", "serverAddressByClientCIDRs", "versions"):
                self.value(expected[field], actual.get(field), field)

    def versions(self, expected, actual):
        for theirs, ours in zip(expected["versions"], actual["versions"]):
            known = {x["resource"]: x for x in theirs["resources"]}
            for resource in ours["resources"]:
                subs = {x["subresource"]: x for x in known[resource["resource"]].get("subresources", [])}
                for sub in resource.get("subresources", []):
                    self.value(subs[sub["subresource"]], sub, resource["resource"])
                a = {k: v for k, v in known[resource["resource"]].items() if k != "subresources"}
                b = {k: v for k, v in resource.items() if k != "subresources"}
                self.value(a, b, resource["resource"])

    def value(self, expected, actual, where):
        if isinstance(expected, dict):
            self.object(expected, actual, where)
        elif isinstance(expected, list):
            self.list(expected, actual, where)
        elif isinstance(expected, str):
            if not isinstance(actual, str):
                raise Mismatch(f"{where}: {expected!r} was expected, {actual!r} came")
            if AGE.match(expected) and AGE.match(actual):
                return
            if " ago)" in expected:
                expected, actual = (re.sub(r"\([0-9smhdy]+ ago\)", "(AGE ago)", x) for x in (expected, actual))
            expected = expand(expected) if "<trimmed" in expected else expected
            self.b.match_text(expected, actual, where)
        elif expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
            raise Mismatch(f"{where}: {expected!r} was expected, {actual!r} came")

    def object(self, expected, actual, where):
        if "_undecoded" in expected:
            return  # in protobuf, of a kind that the recorder could not read
        if not isinstance(actual, dict):
            raise Mismatch(f"{where}: an object was expected, {actual!r} came")
        meta_expected, meta_actual = expected.get("metadata"), actual.get("metadata")
        if isinstance(meta_expected, dict) and isinstance(meta_actual, dict) and meta_expected.get("generateName") and \
                meta_expected.get("name") != meta_actual.get("name") and meta_expected["name"] not in self.b.names and \
                meta_actual.get("name", "").startswith(meta_expected["generateName"][:58]):
            self.b.names[meta_expected["name"]] = meta_actual["name"]
        if expected.get("items", 0) is None and actual.get("items") == []:
            expected = {**expected, "items": []}  # as Go reads none in protobuf
        expected = {self.key(k): v for k, v in expected.items()}
        ignore = self.ignore + (["managedFields"] if expected.get("uid") in self.seeded else [])
        if str(expected.get("reason", "")).startswith("RBAC: ") and "allowed" in expected:
            ignore = ignore + ["reason"]  # of a review: there are no RBAC objects here
        for key in expected:
            if key not in ignore and key not in actual:
                raise Mismatch(f"{where}.{key} is missing")
        for key in actual:
            if key not in ignore and key not in expected:
                raise Mismatch(f"{where}.{key} was not expected: {json.dumps(actual[key])[:200]}")
        for key in sorted(expected, key=lambda k: k != "metadata"):
            if key in ignore:
                continue
            if key == "items" and isinstance(expected[key], list):
                self.items(expected, actual, where)
            elif key == "managedFields" and isinstance(expected[key], list) and isinstance(actual[key], list):
                self.list(*(sorted(x, key=self.manager) for x in (expected[key], actual[key])), f"{where}.{key}")
            elif key == "rows" and isinstance(expected[key], list):
                self.rows(expected, actual, where)
            elif key == "remainingItemCount":
                if abs(expected[key] - actual[key]) > 1:  # kube-root-ca.crt, which a controller makes
                    raise Mismatch(f"{where}.{key}: {expected[key]} was expected, {actual[key]} came")
            else:
                self.value(expected[key], actual[key], f"{where}.{key}")

    @staticmethod
    def manager(entry):
        """Their order is that of times, which a replay has all in one second."""
        return tuple(str(entry.get(x, "")) for x in ("operation", "manager", "subresource", "apiVersion"))

    def key(self, key):
        """Names of members may hold placeholders, too: those of managedFields do."""
        try:
            return self.b.fill(key) if "<" in key or any(key.startswith(name) for name in self.b.names) else key
        except Mismatch:
            return key

    def is_foreign(self, item):
        meta = item.get("metadata", {})
        uid = meta.get("uid", "")
        return (PLACEHOLDER.match(uid) and uid not in self.b.values) or meta.get("name") == "kube-root-ca.crt"

    def rows(self, expected, actual, where):
        """As items: rows whose objects are not ours are passed over; those without objects are compared as they are."""
        if not all(isinstance(x.get("object"), dict) for x in expected["rows"] + actual["rows"]):
            self.list(expected["rows"], actual["rows"], where + ".rows")
            return
        wanted, found = self.own(expected["rows"], actual["rows"], lambda row: row["object"])
        self.list(wanted, found, where + ".rows")

    def items(self, expected, actual, where):
        """Objects of other scenarios and of controllers that we do not have are passed over."""
        wanted, found = self.own(expected["items"], actual["items"] or [], lambda item: item)
        self.list(wanted, found, where + ".items")

    def own(self, expected, actual, object_of):
        def key(element):
            meta = object_of(element).get("metadata", {})
            name = meta.get("name")
            return meta.get("namespace"), self.b.names.get(name, name)
        ours = {key(x) for x in actual}
        wanted = [x for x in expected if (key(x) in ours or not self.is_foreign(object_of(x))) and
                  not self.is_furniture(object_of(x)["metadata"])]
        found = [x for x in actual if not self.is_furniture(object_of(x)["metadata"])]
        return wanted, found

    @staticmethod
    def is_furniture(meta):
        """What every server has from the beginning, or in every namespace."""
        return ("namespace" not in meta and meta.get("name") in OWN_NAMESPACES) or meta.get("name") in (
            "kube-root-ca.crt", "default")

    def list(self, expected, actual, where):
        if not isinstance(actual, list):
            raise Mismatch(f"{where}: a list was expected, {actual!r} came")
        if len(expected) != len(actual):
            raise Mismatch(f"{where}: {len(expected)} elements were expected, {len(actual)} came: "
                           f"{json.dumps(actual)[:300]}")
        if where.endswith(".managedFields"):  # sorted by their seconds, which fall elsewhere in another run
            expected, actual = (sorted(x, key=lambda m: [str(m.get(k, "")) for k in ("operation", "manager", "subresource")])
                                for x in (expected, actual))
        for i, (a, b) in enumerate(zip(expected, actual)):
            self.value(a, b, f"{where}[{i}]")


class Stream(threading.Thread):
    """A watch on its way: the lines that came so far."""

    def __init__(self, connection, response):
        super().__init__(daemon=True)
        self.connection, self.response = connection, response
        self.lines, self.over = [], False
        self.changed = threading.Condition()
        self.start()

    def run(self):
        try:
            while True:
                line = self.response.readline()
                if not line:
                    break
                with self.changed:
                    self.lines.append(line)
                    self.changed.notify()
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        with self.changed:
            self.over = True
            self.changed.notify()

    def wait(self, enough, timeout):
        deadline = time.monotonic() + timeout
        with self.changed:
            while not self.over and not enough(self.lines) and time.monotonic() < deadline:
                self.changed.wait(max(0, deadline - time.monotonic()))
            return list(self.lines)

    def close(self):
        try:
            self.connection.sock.shutdown(2)
        except (OSError, AttributeError):
            pass


class Player:
    def __init__(self, host, port, options):
        self.host, self.port, self.options = host, port, options

    def send(self, method, target, headers, body, chunked=False):
        connection = (http.client.HTTPSConnection(self.host, self.port, timeout=60, context=self.options.context)
                      if self.options.tls else http.client.HTTPConnection(self.host, self.port, timeout=60))
        connection.putrequest(method, target, skip_host=False, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None and not chunked:
            connection.putheader("Content-Length", str(len(body)))
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        try:
            if body is not None and chunked:
                connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            elif body is not None:
                connection.send(body)
        except OSError:
            pass  # refused early
        return connection, connection.getresponse()

    def call(self, method, target, value, media="application/json"):
        body = json.dumps(value).encode() if value is not None else None
        headers = {"Content-Type": media} if body else {}
        if self.options.token:
            headers["Authorization"] = "Bearer " + self.options.token
        connection, response = self.send(method, target, headers, body)
        data = response.read()
        connection.close()
        return response.status, json.loads(data) if data[:1] == b"{" else data

    def play(self, scenario, exchanges, known):
        return Scenario(self, scenario, exchanges, known).run()


class Scenario:
    def __init__(self, player, name, exchanges, known):
        self.player, self.name, self.exchanges = player, name, exchanges
        self.known = {e["seq"] for e in exchanges if why_known(known, name, e["seq"])}  # nothing is waited for there
        self.b = Bindings(ordered=name.startswith("G"))
        self.compare = Comparer(self.b, player.options.ignore)
        self.results = []
        self.streams = []
        self.tags = {}  # ETag of the recording, and path -> ours
        self.healed = set()
        self.heals = not name.startswith("G")

    def run(self):
        if self.heals:
            self.pool = Pool(self.exchanges)
            self.seed()
        for i, exchange in enumerate(self.exchanges):
            before = [e for e in self.exchanges[:i] if "ended_by" not in e["response"]][-1:]
            self.pause = exchange["t_ms"] - before[0]["response"].get("end_ms", exchange["t_ms"]) if before else 0
            try:
                self.one(exchange)
            except Mismatch as problem:
                self.results.append((exchange, str(problem)))
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as problem:
                self.results.append((exchange, f"{type(problem).__name__}: {problem}"))
            self.await_end_of_namespace(exchange["request"], self.exchanges[i + 1:])
            after = self.exchanges[i + 1]["t_ms"] if i + 1 < len(self.exchanges) else float("inf")
            self.settle(after)
        return self.results

    def await_end_of_namespace(self, request, later):
        """A namespace that nobody looks at any more ends in the background: its writes are not to fall among what follows."""
        path = request["path"]
        if (request["method"] != "DELETE" or not re.fullmatch(r"/api/v1/namespaces/[a-z0-9-]+", path)
                or any(e["request"]["path"].startswith(path) for e in later)):
            return
        deadline = time.monotonic() + 5
        while self.player.call("GET", path, None)[0] != 404 and time.monotonic() < deadline:
            time.sleep(0.005)

    # -- requests --

    def learn_versions(self, request):
        """Versions that only an answer outside of the log told: what is newest now."""
        text = json.dumps([request.get("query"), request.get("path"), request.get("body")])
        self.learn_objects(request, text)
        for rank in re.findall(r"<rv-(\d+)>", text):
            if f"<rv-{rank}>" not in self.b.values:
                _status, body = self.player.call("GET", "/api/v1/namespaces?limit=1", None)
                self.b.bind(f"<rv-{rank}>", body["metadata"]["resourceVersion"])

    def learn_objects(self, request, text):
        """Objects that a client knew from outside of the log: they are made, as they were seen, and bound."""
        body = (request.get("body") or {}).get("json")
        meta = body.get("metadata") if isinstance(body, dict) else None
        state = (meta.get("uid"), meta.get("resourceVersion")) if isinstance(meta, dict) else (None, None)
        wanted = [self.pool.states[state]] if self.heals and state in self.pool.states and state[1] not in self.b.values \
            else []
        for uid in re.findall(r"<uid-\d+>", text) if self.heals else []:
            if uid not in self.b.values:
                wanted += [x for x in self.pool.order if x["metadata"]["uid"] == uid][:1]
        for item in wanted:
            self.put(item)
            base = collection_path(item)
            if not base:
                continue
            name = self.b.names.get(item["metadata"]["name"], item["metadata"]["name"])
            status, ours = self.player.call("GET", f"{base}/{name}", None)
            if status == 200:
                self.b.values.setdefault(item["metadata"]["uid"], ours["metadata"]["uid"])
                version = item["metadata"]["resourceVersion"]
                if version not in self.b.values:
                    self.b.bind(version, ours["metadata"]["resourceVersion"])

    def target(self, request):
        path = request.get("raw_path") or urllib.parse.quote(self.b.fill(request["path"]), safe="/:@!$&'()*+,;=~%-._")
        raw = request.get("raw_query")
        if path.startswith("/openapi/v3/") and raw != "hash=ABC":
            _status, index = self.player.call("GET", "/openapi/v3", None)
            ours = index.get("paths", {}).get(path[len("/openapi/v3/"):], {}).get("serverRelativeURL", path)
            return ours if request.get("query") else path
        if raw is not None and "<" not in raw:
            return path + ("?" + raw if raw else "")
        pairs = []
        for key, value in request.get("query") or []:
            value = self.b.make_token(value) if key == "continue" else self.b.fill(value)
            pairs.append(urllib.parse.quote(key) + "=" + urllib.parse.quote(value, safe=""))
        return path + ("?" + "&".join(pairs) if pairs else "")

    @staticmethod
    def goes_as_json(body):
        """A body in protobuf with versions of the recording in it, or of which the log has no bytes."""
        return "base64" in body and (body["base64"] == "<redacted>" or
                                     bool(PLACEHOLDER.search(json.dumps(body.get("decoded")))))

    def request_body(self, request):
        body = request.get("body")
        if not body:
            return None
        if "base64" in body:
            if self.goes_as_json(body):
                return self.b.fill(json.dumps(body["decoded"])).encode()
            return base64.b64decode(body["base64"])
        value = body.get("json")
        if isinstance(value, list) and any(isinstance(x, dict) and x.get("path") == "/metadata/resourceVersion" and
                                           str(x.get("value")).isdigit() and x.get("value") != "1" for x in value):
            _status, now = self.player.call("GET", self.b.fill(request["path"]), None)
            version = "1" if self.stale else now["metadata"]["resourceVersion"]
            value = [{**x, "value": version} if x.get("path") == "/metadata/resourceVersion" else x for x in value]
            return self.b.fill(json.dumps(value)).encode()
        text = body["text"] if "text" in body else json.dumps(body["json"], separators=(",", ":"), ensure_ascii=False)
        cut = re.search(r"trimmed to first (\d+) of (\d+) bytes", body.get("note", ""))
        if cut:
            return regrow(text, int(cut.group(2))).encode()
        text = expand(self.b.fill(text), body["len"] if "text" in body else None)
        return text.encode("utf-8", "surrogatepass")

    def token_of(self, request):
        """That of a recording by clients, which does not tell it: by the command; None: the administrator's."""
        if not self.player.options.tls or not request.get("authorization"):
            return None
        given = re.search(r"--token=(\S+)", self.command)
        return given.group(1) if given else "trnobody" if "nobody.kubeconfig" in self.command else None

    def needs_tokens(self, request):
        return needs_tokens(self.name, self.command, request)

    def headers(self, request):
        headers = {k: v for k, v in request["headers"].items() if k in ("Accept", "Content-Type", "User-Agent")}
        body = request.get("body") or {}
        if self.goes_as_json(body):
            headers["Content-Type"] = "application/json"
        wanted = request["headers"].get("If-None-Match")
        if wanted:
            headers["If-None-Match"] = wanted if wanted == "*" else \
                self.tags.get(wanted) or self.tags.get(request["path"], wanted)
        token = request.get("token") or self.token_of(request)
        if self.player.options.tls:
            impersonated = re.search(r"--as=(\S+)", self.command)
            headers.update({"Impersonate-User": impersonated.group(1)} if impersonated else {})
            headers.update({k: v for k, v in request["headers"].items() if k.startswith("Impersonate-")})
        if token:
            headers["Authorization"] = "Bearer " + token
        elif self.player.options.token and (
                request.get("authorization") or "plain-http" in self.name or "plain.kubeconfig" in self.command):
            headers["Authorization"] = "Bearer " + self.player.options.token
        return headers

    def one(self, exchange):
        request, expected = exchange["request"], exchange["response"]
        if "status" not in expected:
            return
        reason = not_served(request)
        if reason:
            self.results.append((exchange, "SKIP " + reason))
            return
        self.command = exchange.get("command") or ""
        if self.player.options.no_auth and self.needs_tokens(request):
            self.results.append((exchange, "SKIP " + NEEDS_TOKENS))
            return
        if self.player.options.tls and re.search(r"/pods(/|$)", request["path"]):
            self.results.append((exchange, "SKIP " + NO_PODS))
            return
        if "compacted at the current revision" in exchange["command"]:
            self.forget_history()
        self.exchange(exchange, request, expected, first=True)

    def forget_history(self):
        """As many changes as a server with --history keeps, elsewhere."""
        for i in range(HISTORY + 5):
            self.player.call("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"filler-{i}"}})
        newest = max(self.b.order)  # is an older one now
        self.b.order.pop(newest)
        self.b.values.pop(f"<rv-{newest}>")

    def exchange(self, exchange, request, expected, first, tries=0):
        self.stale = expected["status"] == 409
        self.learn_versions(request)
        chunked = "chunked" in request["headers"].get("Transfer-Encoding", "")
        headers = self.headers(request)
        if expected["status"] == 304 and request["path"] in self.tags:
            headers.setdefault("If-None-Match", self.tags[request["path"]])  # it was If-Modified-Since, which is not logged
        connection, response = self.player.send(request["method"], self.target(request), headers,
                                                self.request_body(request), chunked)
        is_watch = "events" in expected or "ended_by" in expected
        kind = response.getheader("Content-Type", "")
        if is_watch and response.status == 200 and "chunked" in response.getheader("Transfer-Encoding", ""):
            self.streams.append((exchange, Stream(connection, response)))
            return
        if not is_watch and response.status == 200 and self.is_watch(request):
            connection.close()
            raise Mismatch(f"status {expected['status']} was expected, a stream came")
        data = response.read()
        connection.close()
        kept = self.b.copy()
        try:
            self.answer(request.get("query") or [], expected, response, kind, data)
        except Mismatch:
            self.b.restore(kept)
            if request["method"] == "GET" and tries < 20 and self.pause >= 100 and \
                    exchange["seq"] not in self.known:
                time.sleep(0.05)  # what a controller of ours does meanwhile
                self.exchange(exchange, request, expected, first, tries + 1)
                return
            healed = first and self.heals and (self.heal(expected, data) if request["method"] == "GET" else
                                               response.status == 404 and expected["status"] < 300 and
                                               self.heal_target(request, expected))
            if healed:
                self.exchange(exchange, request, expected, first=False)
                return
            raise
        self.results.append((exchange, None))
        if response.getheader("Etag"):
            self.tags[request["path"]] = response.getheader("Etag")
        if request["method"] == "POST" and request["path"] == "/api/v1/namespaces" and response.status == 201:
            self.await_account(json.loads(data)["metadata"]["name"])

    @staticmethod
    def is_watch(request):
        return any(k == "watch" and v.lower() not in ("0", "false") for k, v in request.get("query") or [])

    def await_account(self, ns):
        for _ in range(100):
            status, _body = self.player.call("GET", f"/api/v1/namespaces/{ns}/serviceaccounts/default", None)
            if status == 200:
                return
            time.sleep(0.01)

    # -- answers --

    def answer(self, query, expected, response, kind, data):
        body = expected.get("body") or {}
        if response.status != expected["status"]:
            raise Mismatch(f"status {expected['status']} was expected, {response.status} came: {data[:300]!r}")
        theirs = expected.get("headers", {})
        if response.getheader("Etag") and theirs.get("Etag"):
            self.tags[theirs["Etag"]] = response.getheader("Etag")
        if "protobuf" not in theirs.get("Content-Type", "") and response.status not in (204, 304) and \
                theirs.get("Content-Type", "") != kind:
            raise Mismatch(f"Content-Type {theirs.get('Content-Type')!r} was expected, {kind!r} came")
        warnings = "\n".join(response.headers.get_all("Warning") or [])
        if theirs.get("Warning", "") != warnings:
            raise Mismatch(f"Warning {theirs.get('Warning')!r} was expected, {warnings!r} came")
        if theirs.get("Retry-After") != response.getheader("Retry-After"):
            raise Mismatch(f"Retry-After {theirs.get('Retry-After')} was expected")
        events = expected.get("events")
        if events and not body:
            body = events[0]
        if not body or body.get("note", "protobuf") != "protobuf":
            return  # it was cut
        if "json" in body or "decoded" in body:
            actual = json.loads(data)
            wanted = body["json"] if "json" in body else body["decoded"]
            if ["resourceVersion", "0"] in query and isinstance(wanted.get("items", []), list) and \
                    wanted.get("kind", "").endswith("List") and not wanted.get("_undecoded"):
                self.cached_list(wanted, actual)
            else:
                self.compare.body(wanted, actual)
        elif "text" in body:
            text = data.decode("utf-8", "replace")
            if text[:1] == "{" and body["text"][:1] == "{":
                self.compare.body(json.loads(expand(body["text"])), json.loads(text))
            else:
                self.b.match_text(body["text"], text, "body")

    def cached_list(self, wanted, actual):
        """The version of a list at 0 is that of a cache: of the last change of its kind, where ours is of all kinds."""
        meta = {k: v for k, v in wanted["metadata"].items() if k != "resourceVersion"}
        ours = {k: v for k, v in actual["metadata"].items() if k != "resourceVersion"}
        self.compare.body({**wanted, "metadata": meta}, {**actual, "metadata": ours})

    # -- streams --

    def settle(self, until_ms):
        """Ends streams that had ended by then in the recording."""
        left = []
        for exchange, stream in self.streams:
            end = exchange["response"].get("end_ms", 0)
            if until_ms < end:
                left.append((exchange, stream))
                continue
            try:
                self.stream(exchange, stream)
                self.results.append((exchange, None))
            except Mismatch as problem:
                self.results.append((exchange, str(problem)))
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                self.results.append((exchange, f"{type(problem).__name__}: {problem}"))
            finally:
                stream.close()
        self.streams = left

    @staticmethod
    def counts(event):
        if not isinstance(event, dict) or event.get("type") != "BOOKMARK":
            return True
        return "k8s.io/initial-events-end" in event["object"].get("metadata", {}).get("annotations", {})

    def stream(self, exchange, stream):
        expected = [e.get("json") or e.get("decoded") or e.get("text") for e in exchange["response"].get("events", [])]
        expected = [e for e in expected if self.counts(e) and not self.foreign_event(e)]

        def enough(lines):
            return len(self.own_events(lines)) >= len(expected)
        self.await_events(stream, expected, enough, exchange["seq"] in self.known)
        lines = stream.wait(lambda lines: len(self.own_events(lines)) > len(expected), self.player.options.linger)
        found = self.own_events(lines)
        for i, (theirs, ours) in enumerate(zip(expected, found)):
            self.compare.value(theirs, ours, f"event {i}")
        if len(expected) != len(found):
            raise Mismatch(f"{len(expected)} events were expected, {len(found)} came: "
                           + json.dumps([e if not isinstance(e, dict) else
                                         (e.get("type"), e.get("object", {}).get("metadata", {}).get("name"))
                                         for e in found])[:400])

    def await_events(self, stream, expected, enough, impatient):
        """Waits for what was recorded; where nothing comes any more, the change that nobody makes is made."""
        for _ in range(len(expected) + 1):
            lines = stream.wait(enough, 0.3 if self.heals or impatient else 3)
            found = len(self.own_events(lines))
            if found >= len(expected) or not self.heals or not any(self.move(e) for e in expected[found:found + 1]):
                break
        stream.wait(enough, 0.1 if impatient else 1)

    def foreign_event(self, event):
        return isinstance(event, dict) and isinstance(event.get("object"), dict) and \
            self.compare.is_foreign(event["object"]) and event["object"].get("metadata", {}).get("name") in (
                "kube-root-ca.crt",)

    def own_events(self, lines):
        events = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                events.append(line.decode("utf-8", "replace"))
                continue
            meta = event.get("object", {}).get("metadata", {})
            if self.counts(event) and meta.get("name") != "kube-root-ca.crt":
                events.append(event)
        return events

    # -- writes that are not in the log --

    def seed(self):
        """What was there before the scenario began: objects that are seen and that no request of the log makes."""
        for ns in self.pool.namespaces:
            self.player.call("POST", "/api/v1/namespaces", {"metadata": {"name": ns}})
        for item in self.pool.first_versions():
            self.put(item)

    def heal(self, expected, data):
        """Writes what an answer shows and we do not have. True when something was written."""
        body = expected.get("body") or {}
        done = False
        for item in self.pool.shown(body.get("json") or body.get("decoded")):
            done = self.put(item) or done
        return done

    def heal_target(self, request, expected):
        """Makes the object that a request is about, as it is answered or seen later, or bare."""
        parts = request["path"].strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        ns = parts[1] if parts[0] == "namespaces" and len(parts) > 2 else None
        if request["method"] == "POST":
            status, _body = self.player.call("POST", "/api/v1/namespaces", {"metadata": {"name": ns or "none"}})
            return status == 201
        plural, name = (parts[2:4] if ns else parts[:2])
        kinds = {"workflows": "Workflow", "configmaps": "ConfigMap", "secrets": "Secret", "pods": "Pod",
                 "workflowtemplates": "WorkflowTemplate", "serviceaccounts": "ServiceAccount", "events": "Event",
                 "cronworkflows": "CronWorkflow", "workflowtasksets": "WorkflowTaskSet"}
        if plural not in kinds:
            return False
        answer = (expected.get("body") or {}).get("json")
        if isinstance(answer, dict) and answer.get("kind") == kinds[plural] and request["method"] == "DELETE":
            meta = {k: v for k, v in answer["metadata"].items() if not k.startswith("deletion")}
            meta["finalizers"] = [x for x in meta.get("finalizers", []) if "/" in x]
            meta["generation"] = max(1, meta.get("generation", 1) - 1)
            meta["resourceVersion"] = "before"
            if self.put({**answer, "metadata": meta}):
                return True
        seen = [x for x in self.pool.order if x["kind"] == kinds[plural] and x["metadata"]["name"] == name and
                x["metadata"].get("namespace") == ns and x["metadata"]["uid"] not in self.b.values]
        for item in seen:
            if self.put(item):
                return True
        custom = request["path"].startswith("/apis/argoproj.io")
        bare = {"apiVersion": "argoproj.io/v1alpha1" if custom else "v1", "kind": kinds[plural],
                "metadata": {"name": self.b.names.get(name, name), "namespace": ns},
                **({"spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}} if custom else {})}
        if plural == "pods":
            bare["spec"] = {"containers": [{"name": "main", "image": "b"}]}
        status, _body = self.player.call("POST", collection_path(bare), bare)
        return status == 201

    def put(self, item):
        """Brings an object into the state that was recorded; its generation too, where it grows with changes."""
        meta = item["metadata"]
        state = meta.get("uid"), meta.get("resourceVersion")
        if state in self.healed or meta.get("deletionTimestamp"):
            return False
        self.healed.add(state)
        base = collection_path(item)
        own = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")
        bare = {**item, "metadata": {k: v for k, v in meta.items() if k not in own}}
        try:
            fresh = json.loads(self.b.fill(json.dumps(bare)))
        except Mismatch:
            return False
        if not base:
            return False
        self.compare.seeded.add(meta.get("uid"))
        if meta.get("namespace"):
            ns = self.b.fill(meta["namespace"])
            self.player.call("POST", "/api/v1/namespaces", {"metadata": {"name": ns}})
        generation = fresh["metadata"].pop("generation", 1)
        target = f"{base}/{fresh['metadata']['name']}"
        status, current = self.player.call("GET", target, None)
        if status == 404:
            first = {**fresh, "spec": {**fresh["spec"], "seeding": 1}} if generation > 1 and isinstance(
                fresh.get("spec"), dict) else fresh
            status, current = self.player.call("POST", base, first)
        elif self.is_another(meta.get("uid"), current["metadata"]["uid"]):
            if meta.get("uid") in self.b.values:
                return False  # it was, and is not any more
            self.player.call("DELETE", target, None)
            self.healed.discard(state)
            return self.put(item)
        if status == 201 and generation <= 1:
            done = True
        else:
            missing = generation - current["metadata"].get("generation", generation)
            for i in range(missing - 1 if isinstance(fresh.get("spec"), dict) else 0):
                self.player.call("PUT", target, self.newer(target, {**fresh, "spec": {**fresh["spec"], "seeding": i}}))
            status, _body = self.player.call("PUT", target, self.newer(target, fresh))
            done = status == 200
        if "status" in fresh and item["kind"] in ("Pod", "WorkflowTaskSet", "Namespace"):
            self.player.call("PATCH", target + "/status", {"status": fresh["status"]}, "application/merge-patch+json")
        return done

    def is_another(self, recorded, ours):
        """Whether the object that we have is known under another uid than the recorded one."""
        known = {v: k for k, v in self.b.values.items()}.get(ours)
        return known not in (None, recorded) or self.b.values.get(recorded, ours) != ours

    def newer(self, target, value):
        """value with the version that is there."""
        _status, current = self.player.call("GET", target, None)
        version = current["metadata"].get("resourceVersion", "")
        return {**value, "metadata": {**value["metadata"], "resourceVersion": version}}

    def move(self, event):
        """Makes the change that a watch was told of, when no request of the log makes it. True when it was made."""
        if not isinstance(event, dict) or event.get("type") not in ("ADDED", "MODIFIED", "DELETED"):
            return False
        item = event["object"]
        item = item["rows"][0]["object"] if item.get("kind") == "Table" else item
        state = item["metadata"].get("uid"), item["metadata"].get("resourceVersion")
        if state in self.pool.written:
            return False
        full = self.pool.find(item)
        if not full:
            return False
        full = {**full, "metadata": item["metadata"]}
        if event["type"] != "DELETED":
            return self.put(full)
        if ("gone",) + state in self.healed or item["metadata"].get("uid") in self.pool.deleted:
            return False
        self.healed.add(("gone",) + state)
        name = self.b.names.get(full["metadata"]["name"], full["metadata"]["name"])
        status, _body = self.player.call("DELETE", f"{collection_path(full)}/{name}", None)
        return status == 200


def collection_path(item):
    """Where objects of this kind and namespace are; None when we do not serve them."""
    plural = item.get("kind", "").lower() + "s"
    if plural not in SERVED:
        return None
    base = "/api/v1" if item["apiVersion"] == "v1" else "/apis/" + item["apiVersion"]
    ns = item["metadata"].get("namespace")
    return f"{base}/namespaces/{ns}/{plural}" if ns else f"{base}/{plural}"


class Pool:
    """Every whole object that a scenario shows, and which of its states come from requests of the log."""

    def __init__(self, exchanges):
        self.states = {}     # (uid, version) -> object
        self.order = []      # in the order they were seen
        self.seen = set()    # uids
        self.late = set()    # uids of objects that were made while somebody watched
        self.written = set()  # states that a request of the log made
        self.made = set()    # uids that one created
        self.deleted = set()  # uids that one deleted
        self.namespaces = []
        made = {e["request"]["path"] for e in exchanges if e["request"]["method"] == "POST"}
        for exchange in exchanges:
            self.read(exchange)
            match = re.search(r"/namespaces/([^/]+)/", exchange["request"]["path"])
            if match and exchange["response"].get("status", 500) < 300 and exchange["request"]["method"] != "GET" and \
                    match.group(1) not in self.namespaces and "/api/v1/namespaces" not in made:
                self.namespaces.append(match.group(1))

    def read(self, exchange):
        request, response = exchange["request"], exchange["response"]
        body = response.get("body") or {}
        answer = body.get("json") or body.get("decoded")
        for item in self.objects(answer):
            self.add(item)
        query = dict((k, v) for k, v in request.get("query") or [])
        begun = query.get("resourceVersion", "0") not in ("", "0") and "sendInitialEvents" not in query
        end = min((e["t_ms"] for e in response.get("events", [])), default=0) + 100  # what is there comes in one go
        for event in response.get("events", []):
            value = event.get("json") or event.get("decoded")
            if isinstance(value, dict) and isinstance(value.get("object"), dict):
                begun = begun or not Scenario.counts(value) or value.get("type") != "ADDED" or event["t_ms"] > end
                for item in self.objects(value["object"]):
                    if begun and item["metadata"].get("uid") not in self.seen:
                        self.late.add(item["metadata"].get("uid"))
                    self.add(item)
        if request["method"] in ("POST", "PUT", "PATCH") and isinstance(answer, dict) and "metadata" in answer:
            meta = answer["metadata"]
            self.written.add((meta.get("uid"), meta.get("resourceVersion")))
            if response.get("status") == 201:
                self.made.add(meta.get("uid"))
        if request["method"] == "DELETE" and isinstance(answer, dict):
            self.deleted.add(answer.get("details", {}).get("uid") or answer.get("metadata", {}).get("uid"))

    def add(self, item):
        meta = item["metadata"]
        state = meta.get("uid"), meta.get("resourceVersion")
        self.seen.add(meta.get("uid"))
        if meta.get("uid") and state not in self.states:
            self.states[state] = item
            self.order.append(item)

    @staticmethod
    def objects(value):
        """The whole objects of an answer, with their kinds."""
        if not isinstance(value, dict) or value.get("kind") in ("Status", "Table", "PartialObjectMetadata",
                                                                "PartialObjectMetadataList"):
            rows = value.get("rows") or [] if isinstance(value, dict) and value.get("kind") == "Table" else []
            return [r["object"] for r in rows if isinstance(r.get("object"), dict) and
                    r["object"].get("kind") not in (None, "PartialObjectMetadata")]
        kind = str(value.get("kind", ""))
        if kind.endswith("List") and "items" in value:
            return [{"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List"), **item}
                    for item in value["items"] or [] if isinstance(item.get("metadata"), dict)]
        return [value] if isinstance(value.get("metadata"), dict) and value["metadata"].get("name") else []

    @staticmethod
    def rank(item):
        match = PLACEHOLDER.match(item["metadata"].get("resourceVersion", ""))
        return int(match.group(2)) if match else 0

    def first_versions(self):
        first = {}
        for item in self.order:
            uid = item["metadata"]["uid"]
            if uid not in self.made and uid not in self.late and (uid not in first or self.rank(item) < self.rank(first[uid])):
                first[uid] = item
        by_name = {}
        for item in sorted(first.values(), key=self.rank):  # of several of one name the first
            meta = item["metadata"]
            by_name.setdefault((item["kind"], meta.get("namespace"), meta["name"]), item)
        return sorted(by_name.values(), key=self.rank)

    def find(self, item):
        """The whole object of a state; of a partial one the nearest state that is known."""
        meta = item.get("metadata", {})
        state = meta.get("uid"), meta.get("resourceVersion")
        if state in self.states:
            return self.states[state]
        same = [x for x in self.order if x["metadata"]["uid"] == meta.get("uid")]
        return min(same, key=lambda x: abs(self.rank(x) - self.rank(item)), default=None)

    def shown(self, value):
        """The states that an answer shows and no request of the log made, oldest first."""
        if not isinstance(value, dict):
            return []
        items = [r.get("object") for r in value.get("rows") or []] if value.get("kind") == "Table" else \
            value.get("items") or [value]
        found = [self.find(x) for x in items if isinstance(x, dict) and isinstance(x.get("metadata"), dict)]
        found = [x for x in found if x and (x["metadata"]["uid"], x["metadata"]["resourceVersion"]) not in self.written]
        return sorted(found, key=self.rank)


def needs_tokens(name, command, request):
    """Whether an exchange is about who asks."""
    return bool(request.get("token") or "Impersonate-User" in request["headers"] or
                (name.startswith("G") and not request.get("authorization", True)) or
                re.search(r"--token=|--as=|nobody.kubeconfig", command))


def with_tls(scenarios, known):
    """Names of the scenarios that are played with TLS, too: some of them is about who asks, or is answered with TLS only, or the
    recorder added the token that a client over plain HTTP did not send."""
    def needs_tls(name, e):
        return needs_tokens(name, e.get("command") or "", e["request"]) or PLAIN in (why_known(known, name, e["seq"]) or "")
    return [name for name, exchanges in scenarios.items() if "plain-http" in name or any(needs_tls(name, e) for e in exchanges)]


def known_with_tls(known):
    return [row for row in known if PLAIN not in row[2]]


def not_served(request):
    """Why a request is none of ours; None when it is."""
    parts = request["path"].strip("/").split("/")
    if parts[:1] == ["openapi"] or parts[:1] == [".well-known"]:
        return None
    if parts[0] == "apis" and len(parts) >= 3 and parts[1] not in SERVED_GROUPS and "nope" not in parts[1]:
        return "group " + parts[1]
    if parts[0] not in ("api", "apis"):
        return None
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["watch"]:
        return "legacy watch path"
    if len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
        rest = rest[2:]
    if rest and rest[0] not in SERVED and rest[0] != "nopes" and rest[0] not in ("Workflows",) and \
            parts[0] == "api" and re.match(r"^[a-z]+$", rest[0]):
        return "resource " + rest[0]
    if rest and parts[0] == "apis" and parts[1] in ("authentication.k8s.io", "authorization.k8s.io") and len(rest) > 0 and rest[0] not in SERVED:
        return "resource " + rest[0]
    return None


def load(source, wanted, text):
    """Name -> exchanges."""
    chosen = [name for name in names(source) if (not wanted or name in wanted) and (not text or text in name)]
    if source.is_dir():
        files = {name: (source / f"{name}.jsonl").read_text("utf-8") for name in chosen}
    else:
        with tarfile.open(source) as tar:
            members = {pathlib.Path(m.name).stem: m for m in tar.getmembers() if m.name.endswith(".jsonl")}
            files = {name: io.TextIOWrapper(tar.extractfile(members[name]), "utf-8").read() for name in chosen}
    return {name: [json.loads(line) for line in files[name].split("\n") if line] for name in chosen}


def names(source):
    if source.is_dir():
        return sorted(p.stem for p in source.glob("*.jsonl"))
    with tarfile.open(source) as tar:
        return sorted(pathlib.Path(m.name).stem for m in tar.getmembers() if m.name.endswith(".jsonl"))


def read_known(path):
    """(file, seq) -> reason. Lines: FILE SEQ[-SEQ][,SEQ...] REASON; FILE may end with *."""
    known = []
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, numbers, reason = line.split(None, 2)
        seqs = set()
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            seqs.update(range(int(first), int(last or first) + 1))
        known.append((name, seqs, reason))
    return known


def why_known(known, name, seq):
    for pattern, seqs, reason in known:
        if seq in seqs and (name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))):
            return reason
    return None


def door(options, state):
    """TLS, and the users of the recordings beside the administrator: a user without rights, the controller."""
    lines = [f"{name} sha256:{hashlib.sha256(token.encode()).hexdigest()} {roles}\n" for name, token, roles in
             (("nobody", "trnobody", "view@no-such-namespace"), ("trcontroller", "trcontroller", "admin"))]
    (state / "tokens").write_text("".join(lines))
    (state / "tokens").chmod(0o600)  # whatever the umask
    return ["--state", str(state), "--rate", "100000"]


def read_door(options, state):
    config = (state / "kubeconfig").read_text()
    options.token = re.search(r"token: (\S+)", config).group(1)
    ca = base64.b64decode(re.search(r"certificate-authority-data: (\S+)", config).group(1)).decode()
    options.context = ssl.create_default_context(cadata=ca)


def start_server(options, state, scenario):
    history = ["--history", str(HISTORY)] if "history" in scenario else []
    how = door(options, state) if options.tls else ["--plain-http"]
    server = subprocess.Popen([options.server, "server", *how, "--no-controller", "--memory", "--listen", "127.0.0.1:0", *history],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if options.tls else subprocess.PIPE, text=True)
    line = server.stdout.readline()
    if options.tls and server.stdout.readline():
        read_door(options, state)
    match = re.search(r"https?://([\d.]+):(\d+)", line)
    if not match:
        server.kill()
        raise SystemExit(f"the server did not start: {line!r}")
    return server, match.group(1), int(match.group(2))


def run_all(scenarios, options, known, out=print):
    """Counts by scenario, and the exchanges that failed and are not known."""
    counts, failed = {}, []
    for name, exchanges in scenarios.items():
        state = tempfile.TemporaryDirectory()
        server, host, port = start_server(options, pathlib.Path(state.name), name)
        begun = time.monotonic()
        try:
            results = Player(host, port, options).play(name, exchanges, known)
        finally:
            server.terminate()
            _out, err = server.communicate(timeout=20)
            state.cleanup()
            if server.returncode != 0:
                failed.append((name, 0, f"the server ended with {server.returncode}: {(err or '')[-2000:]}"))
                out(failed[-1][2])
        c = collections.Counter()
        for exchange, problem in results:
            seq = exchange["seq"]
            reason = why_known(known, name, seq)
            if problem is None:
                c["ok"] += 1
                c["stale"] += reason is not None
                if reason and options.verbose:
                    out(f"  {name} {seq}: is known to fail ({reason}), but passes")
            elif problem.startswith("SKIP"):
                c["skipped"] += 1
            elif reason:
                c["known"] += 1
            else:
                c["failed"] += 1
                failed.append((name, seq, problem))
                if options.verbose:
                    r = exchange["request"]
                    out(f"  {name} {seq} [{exchange['command']}] {r['method']} {r['path']}\n      {problem[:600]}")
        counts[name] = c
        out(f"{name}: {c['ok']} of {len(results) - c['skipped']} pass, {c['known']} known, {c['failed']} failed, "
            f"{c['skipped']} not served here ({time.monotonic() - begun:.1f} s)")
    return counts, failed


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*")
    parser.add_argument("-k", dest="text")
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--known", type=pathlib.Path, default=TOP / "tests/golden/http_known.txt")
    parser.add_argument("--server", default=str(TOP / "build/tiphys"))
    parser.add_argument("--linger", type=float, default=0.05, help="seconds to wait for events that should not come")
    parser.add_argument("--ignore", action="append", default=["description"])
    parser.add_argument("--token")
    parser.add_argument("--tls", action="store_true", help="with TLS, users and their tokens")
    options = parser.parse_args(argv)
    options.no_auth = options.token is None and not options.tls
    if not options.source:
        shared = TOP.parent / "shared/data/golden/http"
        options.source = shared if shared.is_dir() else TOP / "tests/data/golden/http.tar.xz"
    return options


def main(argv):
    options = parse(argv)
    known = read_known(options.known) if options.known.exists() else []
    known = known_with_tls(known) if options.tls else known
    counts, failed = run_all(load(options.source, options.scenarios, options.text), options, known)
    total = collections.Counter()
    for c in counts.values():
        total.update(c)
    print(f"{total['ok']} pass, {total['known']} known, {total['failed']} failed, {total['skipped']} not served here")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
