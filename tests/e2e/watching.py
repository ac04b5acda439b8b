"""A watcher as client-go's: it keeps a model by events alone, goes on from the version of the last one whatever happens
to the server, and notes what may not be."""
import http.client
import json
import threading


class Watcher(threading.Thread):
    """`wrong` has what was wrong: an event that repeats, goes back, or does not fit what was known."""

    def __init__(self, port, path):
        super().__init__(daemon=True)
        self.port, self.path = port, path
        self.model, self.version, self.wrong = {}, 0, []
        self.events = self.connections = 0
        self.ending = False
        self.wire = None

    @staticmethod
    def identity(thing):
        return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]

    def take(self, event):
        thing = event["object"]
        if event["type"] == "ERROR":
            self.wrong.append(f"after {self.version}: {thing}")
            return
        version = int(thing["metadata"]["resourceVersion"])
        if event["type"] == "BOOKMARK":
            if version < self.version:
                self.wrong.append(f"a bookmark goes back from {self.version} to {version}")
            self.version = max(version, self.version)
            return
        self.events += 1
        if version <= self.version:
            self.wrong.append(f"{event['type']} {self.identity(thing)} at {version} after {self.version}")
        key, uid = self.identity(thing), thing["metadata"]["uid"]
        known = self.model.get(key)
        if event["type"] == "ADDED" and known:
            self.wrong.append(f"{key} was there and is added at {version}")
        if event["type"] != "ADDED" and (not known or known[0] != uid):
            self.wrong.append(f"{event['type']} at {version} of {key} {uid}, which was {known}")
        if event["type"] == "DELETED":
            self.model.pop(key, None)
        else:
            self.model[key] = uid, version
        self.version = version

    def follow(self):
        self.wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.wire.request("GET", f"{self.path}?watch=true&allowWatchBookmarks=true&resourceVersion={self.version}&timeoutSeconds=3")
        answer = self.wire.getresponse()
        self.connections += 1
        if answer.status != 200:
            self.wrong.append(f"{answer.status} from {self.version}: {answer.read()!r}")
            return
        while (line := answer.readline()):
            if not line.endswith(b"\n"):
                return  # cut off with the server: it comes again
            self.take(json.loads(line))

    def run(self):
        while not self.ending:
            try:
                self.follow()
            except (OSError, http.client.HTTPException):
                pass
            finally:
                self.wire.close()

    def list(self):
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        wire.request("GET", self.path)
        found = json.loads(wire.getresponse().read())
        wire.close()
        return int(found["metadata"]["resourceVersion"]), {
            self.identity(t): (t["metadata"]["uid"], int(t["metadata"]["resourceVersion"])) for t in found["items"]}

    def begin(self):
        self.version, self.model = self.list()
        self.start()
        return self

    def end(self):
        self.ending = True
        self.join(timeout=30)
