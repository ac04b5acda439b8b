#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays recorded workflows on a server of ours: kubectl create, a real plugin, the recorded edits; compares what comes of it.

    tests/http/cases.py [-k TEXT] [-v] [--known FILE] [--server PROGRAM] [--kubectl PROGRAM] [CASE...]

A case (README.md beside the recordings tells the files) is played as it was recorded: what input.yaml has is created, the
replies are given in their batches by the plugin that is called for them, what people did comes between them as the object or
patch that their client wrote, and the final Workflow, the tasks as they were sent and the caches have to be as recorded.
tests/golden/server_known.txt has the cases that come out otherwise, each with its reason.

Cases that the genuine controller never ends are played without its compatibility: they have to end, as
tests/golden/better/stuck.jsonl says."""
import argparse
import datetime
import itertools
import json
import pathlib
import queue
import re
import sys
import tempfile
import threading
import time

import argo_edits
import stage
from stage import GROUP, IN_FLIGHT, Stuck, collection

TOP = pathlib.Path(__file__).resolve().parents[2]
OURS = TOP / "tests" / "golden"
WAITS_FOR_A_PERSON = "suspend-input-json-enum"
LONGEST = 12.0  # seconds: no recorded time-out is longer than this where one is never ended by itself
FINAL = ("Succeeded", "Failed", "Error", "Skipped", "Omitted")
CONFLICT = 409
EVENTS = "/events"  # behind the name of a case: what the server told of it
QUIET = 1.0  # seconds of silence before what the recorder did when nothing moved any more
TIMED = re.compile(r"duration:|imeout|activeDeadlineSeconds|backoff")  # where time itself moves something


class Case:
    def __init__(self, name, files):
        self.name, self.files = name, files
        self.events = self.lines("events.jsonl")
        self.replies = self.lines("replies.jsonl")
        self.expected = [json.loads(files[f]) for f in sorted(files, key=lambda f: (len(f), f))
                         if re.fullmatch(r"expected(-\d+)?\.json", f)]
        self.stuck = bool(self.expected) and self.expected[0].get("status", {}).get("phase") in (None, "", "Pending", "Running")
        self.nondet = files.get("nondet.json", "")
        self.input = files["input.yaml"]

    def lines(self, name):
        return [json.loads(line) for line in self.files.get(name, "").split("\n") if line.strip()]

    def documents(self, ns):
        """[(kind, name, namespace, text)]; the namespace is put into the text, which is otherwise as recorded."""
        made = []
        for text in re.split(r"^---.*\n", self.input, flags=re.M):
            if not text.strip():
                continue
            kind = re.search(r"^kind: *(\S+)", text, re.M).group(1)
            if not kind.startswith("Cluster"):
                text = re.sub(r"^metadata:\n", f"metadata:\n  namespace: {ns}\n", text, count=1, flags=re.M)
            name = re.search(r"^metadata:\n(?:  .*\n|\n)*?  name: *(.+)$", text, re.M).group(1).strip("'\"")
            made.append((kind, name, ns, text))
        return made

    def batches(self):
        """[(number, replies)]. Where there are more than are called for at a time, all of them are one."""
        found = [(number, list(replies)) for number, replies in itertools.groupby(self.replies, key=lambda r: r["batch"])]
        return [(1, self.replies)] if any(len(replies) > IN_FLIGHT for _, replies in found) else found

    def is_alone(self):
        """Which of the cases that share something it is of: those are played one after the other."""
        if any("http" in r["template"] for r in self.replies):
            return "world"
        return "cluster" if "kind: ClusterWorkflowTemplate" in self.input else None

    def has_events(self):
        """Whether they are compared: not where the recorder lost some, as where similar ones were combined, or Go's words for a
        missing argument stand in what was told."""
        text = self.files.get("k8sevents.jsonl", "")
        return not self.stuck and text != "" and "combined from similar" not in text and "(MISSING)" not in text

    def has_several_dependencies(self):
        """The genuine controller visits such tasks in no fixed order (README there)."""
        return bool(re.search(r"depends:.*(&&|\|\|)|dependencies: *\[[^\]]*,|dependencies:\n *- .*\n *- ", self.input))


def load(source, wanted, text):
    if source.is_dir():
        paths = [p for p in sorted(source.iterdir()) if p.is_dir()]
        files = {p.name: {f.name: f.read_text("utf-8") for f in p.iterdir()} for p in paths}
    else:
        rows = [json.loads(line) for line in source.read_text("utf-8").split("\n") if line]
        files = {row["name"]: row["files"] for row in rows if row["name"] != "."}
    return [Case(name, f) for name, f in files.items()
            if (not wanted or name in wanted) and (not text or text in name) and "expected.json" in f]


def read_known(path):
    """Case -> reason."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return dict(line.split(None, 1) for line in lines)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Player:
    """One case in one lane."""

    def __init__(self, case, lane, on):
        self.case, self.lane, self.stage = case, lane, on
        self.documents = case.documents(lane.ns)
        self.names = [name for kind, name, _ns, _text in self.documents if kind == "Workflow"]
        self.timed = bool(TIMED.search(case.input))
        self.noted = []

    # ---- what is known ----

    def find(self, resource, name):
        ns = "" if resource.startswith("cluster") else f"/namespaces/{self.lane.ns}"
        return self.stage.api.must("GET", f"{GROUP}{ns}/{resource}/{name}")

    def over(self):
        return all(argo_edits.is_over(self.lane.workflows.get(name, {})) for name in self.names)

    def node(self, reply):
        return (self.lane.workflows.get(reply["workflow"], {}).get("status", {}).get("nodes") or {}).get(reply["nodeID"])

    @staticmethod
    def call_of(reply):
        http = reply["template"].get("http")
        return http["url"].replace(" ", "%20") if http else reply["nodeID"]

    # ---- replies ----

    def absorbed(self, reply):
        """The workflow's status has it."""
        node = self.node(reply)
        phase = reply["reply"].get("phase")
        return node is None or node.get("phase") in FINAL or (phase in ("Pending", "Running") and node.get("phase") == phase) or \
            argo_edits.is_over(self.lane.workflows.get(reply["workflow"], {}))

    def give(self, reply, call):
        body = reply["reply"]
        if "http" in reply["template"]:
            status = re.search(r"response code: (\d+)", body.get("message", ""))
            wanted = re.search(r"statusCode == (\d+)", reply["template"]["http"].get("successCondition", ""))
            call.answer(int((status or wanted or [0, "200"])[1]), body.get("outputs", {}).get("result", "").encode())
        else:
            again = {} if body.get("phase") in FINAL else {"requeue": "10ms"}
            call.answer(200, json.dumps({"node": body, **again}).encode())

    def take(self, replies, all_at_once):
        """The first reply, in recorded order, whose call is there; all of them are waited for where they fit."""
        lane = self.lane

        def there():
            held = [r for r in replies if self.call_of(r) in lane.calls]
            if held and (len(held) == len(replies) or not all_at_once):
                return held[0]
            return "over" if self.over() else None
        found = lane.wait(there, f"the plugin is called for {[self.call_of(r) for r in replies][:3]}")
        if found == "over":
            return None, None
        return found, lane.calls.pop(self.call_of(found))

    def answer(self, replies):
        """One batch: in its order, each when the one before it is in the status; many that go well, together."""
        together = len(replies) > 8 and all(r["reply"].get("phase") == "Succeeded" for r in replies)
        left = list(replies)
        while left:
            reply, call = self.take(left, len(replies) <= IN_FLIGHT)
            if not reply:
                break  # whoever is not called for them shows in the comparison
            left.remove(reply)
            self.give(reply, call)
            if not together:
                self.lane.wait(lambda: self.absorbed(reply), f"the reply for {reply['nodeID']} is in the status")
        self.lane.wait(lambda: all(self.absorbed(r) for r in replies), "a batch is in the status")

    # ---- what people did ----

    def settled(self):
        """Every node that a plugin is to be called for is being called for."""
        for name in self.names:
            workflow = self.lane.workflows.get(name)
            if not workflow or not workflow.get("status", {}).get("phase"):
                return False
            for node in (workflow["status"].get("nodes") or {}).values():
                live = node["type"] == "Plugin" and node.get("phase") in ("Pending", "Running")
                if live and node["id"] not in self.lane.calls and not node.get("synchronizationStatus"):
                    return False
        return True

    def moment(self, at):
        if at == "done":
            self.lane.wait(self.over, "the workflow is over")
        elif at == "quiet":
            self.lane.wait(self.settled, "the workflow settles")
            self.lane.silence(QUIET)
        elif isinstance(at, dict) and ("wait" in at or "time" in at):
            seconds = at.get("wait", at.get("time"))
            if seconds < 10:
                self.lane.silence(seconds)
            else:
                self.lane.wait(self.over, "a time-out ends the workflow")

    def wrote(self, answer):
        """The watch has told of what we wrote."""
        meta = answer["metadata"]
        self.lane.wait(lambda: self.lane.version(meta["name"]) >= int(meta["resourceVersion"]), "the watch tells of an edit")

    def command(self, line):
        if line.get("rc", 0) != 0:
            return  # the client refused by itself
        workflows = collection("Workflow", self.lane.ns)
        subject = argo_edits.subject(line)
        status = CONFLICT
        while status == CONFLICT:  # the client reads and edits once more
            workflow = self.stage.api.must("GET", f"{workflows}/{subject}") if subject else None
            method, body = argo_edits.written(line, workflow, self.find, now())
            path = workflows if method == "POST" else f"{workflows}/{subject}"
            content = "application/merge-patch+json" if method == "PATCH" else "application/json"
            status, answer = self.stage.api.ask(method, path, body, content)
        if status >= 300:
            raise Stuck(f"{method} {path}: {answer.get('message')}")
        self.wrote(answer)
        if method == "POST":
            self.names.append(body["metadata"]["name"])

    def event(self, line):
        self.moment(line.get("at"))
        if "argo" in line:
            self.command(line)
        elif "apply" in line:
            for body in line["apply"]:
                self.wrote(self.stage.api.must("POST", collection(body["kind"], self.lane.ns), body))
                self.names.append(body["metadata"]["name"])
        elif "patch" in line or "delete" in line:
            what = line.get("patch") or line["delete"]
            if what["kind"] == "WorkflowTaskSet":
                return  # a view here: nothing that a workflow depends on
            path = f"{collection(what['kind'], self.lane.ns)}/{what['name']}"
            if "patch" in line:
                answer = self.stage.api.must("PATCH", path, what["body"], "application/merge-patch+json")
                if what["kind"] == "Workflow":
                    self.wrote(answer)
                    self.noted.append(what["body"].get("metadata", {}))
            else:
                self.stage.api.must("DELETE", path)

    # ---- from the beginning to the end ----

    def create(self):
        self.stage.creator.create(self.documents)
        self.lane.wait(lambda: set(self.names) <= set(self.lane.workflows), "the watch tells of the new workflows")

    def play(self):
        self.create()
        events = list(self.case.events)
        for batch, replies in self.case.batches():
            while events and events[0]["afterBatch"] < batch:
                self.event(events.pop(0))
            if self.timed:
                self.lane.wait(lambda: self.over() or any(self.call_of(r) in self.lane.calls for r in replies),
                               f"the plugin is called for batch {batch}")
                self.lane.silence(QUIET)
            self.answer(replies)
        for line in events:
            self.event(line)
        self.lane.wait(self.over, "all workflows are over", patience=stage.PATIENCE if self.timed else QUIET)
        while self.lane.wait(lambda: "over" if self.over() else self.unasked(), "all workflows are over") != "over":
            for call in self.unasked():
                self.go_well(call)

    def unasked(self):
        """Calls that are not recorded, but for what is not meant to be answered."""
        return [c for c in self.lane.calls.values() if not (c.template or {}).get("plugin", {}).get("stub", {}).get("never")]

    def go_well(self, call):
        self.lane.calls.pop(call.node, None)
        call.answer(200, b'{"node": {"phase": "Succeeded"}}')

    def play_on(self):
        """One that the genuine controller never ends. What has no recorded answer goes well when time alone moves nothing
        any more, but for what is not meant to be answered."""
        replies = {}
        for r in self.case.replies:
            replies.setdefault(self.call_of(r), []).append(r)

        def asked():
            return [c for c in self.lane.calls.values() if replies.get(c.node)]

        self.create()
        for line in self.case.events:
            self.event(line)
        while not self.over():
            if not self.lane.wait(asked, "", patience=LONGEST if self.timed else QUIET) and not self.over():
                if self.case.name == WAITS_FOR_A_PERSON:
                    return
                self.lane.wait(lambda: self.over() or self.unasked(), "the workflow ends, or asks")
            for call in asked() or self.unasked():
                if replies.get(call.node):
                    self.lane.calls.pop(call.node, None)
                    self.give(replies[call.node].pop(0), call)
                else:
                    self.go_well(call)


# ---- comparison ----

DROPPED = ("workflows.argoproj.io/trace-id", "workflows.argoproj.io/span-id")


class Comparer:
    def __init__(self, player):
        self.player, self.case, self.lane = player, player.case, player.lane

    def text(self, text, uids):
        for uid in uids:
            text = text.replace(uid, "UID")
        text = text.replace(self.lane.ns, "argo")
        this_year = now()[:4]
        return argo_edits.RFC3339.sub(lambda m: "T" if m.group(0)[:4] == this_year else m.group(0), text)

    def normal(self, value, uids):
        return json.loads(self.text(json.dumps(value, ensure_ascii=False), uids))

    def workflow(self, full, expected):
        """Only what the recording has: some of metadata and spec, and the status."""
        meta = {k: full["metadata"][k] for k in ("name", "generateName", "labels", "annotations") if full["metadata"].get(k)}
        meta["annotations"] = {k: v for k, v in meta.get("annotations", {}).items() if k not in DROPPED}
        if not meta["annotations"]:
            del meta["annotations"]
        got = {"metadata": meta, "status": full.get("status")}
        spec = {k: full["spec"][k] for k in ("shutdown", "suspend") if k in full["spec"]}
        if spec:
            got["spec"] = spec
        got = self.normal(got, [full["metadata"]["uid"]])
        if "compressedNodes" in expected.get("status", {}):  # a store that keeps nodes by themselves packs none
            got["status"]["compressedNodes"] = expected["status"]["compressedNodes"]
        return got

    def sorted_children(self, workflow):
        for node in (workflow.get("status", {}).get("nodes") or {}).values():
            for key in ("children", "outboundNodes"):
                if key in node:
                    node[key].sort()

    def without_digits(self, workflow):
        status = workflow.get("status", {})
        if '"expected.json:/status/message"' in self.case.nondet and "message" in status:
            status["message"] = re.sub(r"\d", "", status["message"])

    def problems(self):
        found = []
        uids = [w["metadata"]["uid"] for w in self.lane.workflows.values()]
        for expected in self.case.expected:
            name = expected["metadata"]["name"]
            got = self.lane.workflows.get(name)
            if not got:
                found.append(f"{name}: there is no such workflow")
                continue
            got = self.workflow(got, expected)
            for workflow in (got, expected):
                self.without_digits(workflow)
                if self.case.has_several_dependencies():
                    self.sorted_children(workflow)
            found += differences(expected, got, name)
        return found + self.tasks(uids) + self.caches(uids)

    def tasks(self, uids):
        """Templates as they were sent first, by node."""
        recorded = {}
        for i, r in enumerate(self.case.replies):
            if "plugin" in r["template"] and f'"replies.jsonl:/{i}/template/' not in self.case.nondet:
                recorded.setdefault(r["nodeID"], r["template"])
        sent = {node: self.lane.templates.get(node) for node in recorded}
        return differences(recorded, self.normal(sent, uids), "tasks")

    def caches(self, uids):
        recorded = json.loads(self.case.files.get("configmaps.json", "{}"))
        got = {}
        for name in recorded:
            status, cache = self.player.stage.api.ask("GET", f"{collection('ConfigMap', self.lane.ns)}/{name}")
            if status == 200:
                data = {k: json.loads(v) for k, v in cache.get("data", {}).items()}
                got[name] = {"data": data, "labels": cache["metadata"].get("labels")}
        return differences(recorded, self.normal(got, uids), "caches")

    def events(self):
        """What was told of the workflows: each once, in no order."""
        uids = {w["metadata"]["uid"] for w in self.lane.workflows.values()}
        recorded = {(e["type"], e["reason"], e["message"]) for e in self.case.lines("k8sevents.jsonl")}

        def came():
            return {(t, reason, self.text(message, uids)) for uid in uids for t, reason, message in self.lane.events.get(uid, ())}

        def all_told():
            return all(any(reason in ("WorkflowSucceeded", "WorkflowFailed") for _t, reason, _m in self.lane.events.get(uid, ()))
                       for uid in uids)
        self.lane.wait(all_told, "the end of each workflow is told")
        self.lane.wait(lambda: recorded <= came(), "", patience=2 * QUIET)
        return [f"recorded only: {e}" for e in sorted(recorded - came())] + [f"ours only: {e}" for e in sorted(came() - recorded)]

    def ended(self):
        """What a case that the genuine controller never ends has to come to here."""
        rows = [json.loads(line) for line in (OURS / "better" / "stuck.jsonl").read_text().split("\n") if line]
        (row,) = [r for r in rows if r["name"] == self.case.name] or [None]
        status = self.lane.workflows[self.case.expected[0]["metadata"]["name"]]["status"]
        got = {"phase": status["phase"], "message": status.get("message", "")}
        return differences(row["out"], self.normal(got, []), "better") if row else []


def differences(expected, got, where):
    if isinstance(expected, dict) and isinstance(got, dict):
        found = []
        for key in sorted(set(expected) | set(got)):
            if key not in got or key not in expected:
                side, value = ("recorded only", expected[key]) if key in expected else ("ours only", got[key])
                found.append(f"{where}/{key}: {side}: {json.dumps(value)[:300]}")
            else:
                found += differences(expected[key], got[key], f"{where}/{key}")
        return found
    same = expected == got and isinstance(expected, bool) == isinstance(got, bool)
    return [] if same else [f"{where}: {json.dumps(expected)[:600]} was recorded, {json.dumps(got)[:600]} came"]


def play_case(case, lane, on, ours):
    """What differs: of the case, and of its Events (None: they are not looked at)."""
    player = Player(case, lane, on)
    comparer = Comparer(player)
    try:
        if ours:
            player.play_on()
            return comparer.ended(), None
        player.play()
        return comparer.problems(), comparer.events() if case.has_events() else None
    except Stuck as problem:
        shown = {n: {"phase": w.get("status", {}).get("phase"), "message": w.get("status", {}).get("message"),
                     "nodes": {i: f"{x.get('displayName')} {x.get('phase')} {x.get('message', '')}"
                               for i, x in (w.get("status", {}).get("nodes") or {}).items()}}
                 for n, w in lane.workflows.items()}
        return [f"{problem}; calls {list(lane.calls)[:8]}; {json.dumps(shown)[:1500]}"], None
    finally:
        on.empty(lane, player.documents)


def jobs_of(cases):
    """Lists of cases that are played one after the other, the long ones first."""
    shared, jobs = {}, []
    for case in cases:
        key = case.is_alone()
        if key:
            shared.setdefault(key, []).append(case)
        else:
            jobs.append([case])
    slow = re.compile(r"timeout|deadline|backoff|duration|retry", re.I)
    jobs.sort(key=lambda job: (len(slow.findall(job[0].input)), len(job[0].events), len(job[0].replies)), reverse=True)
    return shared.pop("world", None), list(shared.values()) + jobs


def play_all(cases, options, ours, told):
    """Case name -> list of differences. told(name, problems, seconds) after each."""
    results = {}
    world, jobs = jobs_of(cases)
    waiting = queue.Queue()
    for job in jobs:
        waiting.put(job)
    with tempfile.TemporaryDirectory() as place:
        pathlib.Path(place).chmod(0o755)
        on = stage.Stage(options.server, place, options.kubectl, min(options.lanes, len(cases)), "" if ours else "argo")

        def work(lane):
            job = world if lane is on.desk.world else None
            while True:
                for case in job or ():
                    begun = time.monotonic()
                    events = None
                    try:
                        problems, events = play_case(case, lane, on, ours)
                    except Exception as problem:  # pylint: disable=broad-except # the others go on
                        problems = [f"{type(problem).__name__}: {problem}"]
                    results[case.name] = problems
                    if events is not None:
                        results[case.name + EVENTS] = events
                    told(case.name, problems, time.monotonic() - begun)
                    if events:
                        told(case.name + EVENTS, events, 0)
                try:
                    job = waiting.get_nowait()
                except queue.Empty:
                    return

        threads = [threading.Thread(target=work, args=(lane,)) for lane in on.lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        code = on.stop()
        if code != 0:
            results["."] = [f"the server ended with {code}: " + (pathlib.Path(place) / "server.log").read_text()[-3000:]]
    return results


def play_chosen(cases, options, told):
    """All of them, on a server with the genuine controller's ways, and on one without those that it never ends."""
    results = {}
    for ours in (False, True):
        chosen = [case for case in cases if case.stuck == ours]
        if chosen:
            results.update(play_all(chosen, options, ours, told))
    return results


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("-k", dest="text")
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--known", type=pathlib.Path, default=OURS / "server_known.txt")
    parser.add_argument("--server", default=str(TOP / "build/tiphys"))
    parser.add_argument("--kubectl", default=stage.installed_kubectl(), help="'' creates by HTTP")
    parser.add_argument("--lanes", type=int, default=16, help="cases at a time")
    options = parser.parse_args(argv)
    if not options.source:
        shared = TOP.parent / "shared/data/golden/cases"
        options.source = shared if shared.is_dir() else TOP / "tests/data/golden/cases.jsonl"
    return options


def main(argv):
    options = parse(argv)
    known = read_known(options.known) if options.known.exists() else {}
    cases = load(options.source, options.cases, options.text)
    begun = time.monotonic()

    def told(name, problems, seconds):
        if options.verbose or (problems and name not in known):
            print(f"{'differs' if problems else 'ok'} {name} ({seconds:.1f} s)", *problems[:6], sep="\n    ", flush=True)

    results = play_chosen(cases, options, told)
    failed = [name for name, problems in results.items() if bool(problems) != (name in known)]
    for name in failed:
        if name in known:
            print(f"{name} is known to differ ({known[name]}), but passes")
    print(f"{sum(not p for p in results.values())} of {len(results)} are as recorded, {sum(n in known for n in results)} known, "
          f"{len(failed)} failed ({time.monotonic() - begun:.1f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
