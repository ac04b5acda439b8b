"""A plugin that starts a "job" and asks to be called again until it is done.

The job here is only a counter, kept by the Idempotency-Key header: the same on every call for one task, so that a
call that comes twice does not start two jobs.
"""
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

with open("/var/run/argo/token") as f:
    token = f.read().strip()

jobs = {}


class Plugin(BaseHTTPRequestHandler):
    def reply(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Idempotency-Key", args["workflow"]["metadata"]["uid"])
        if self.headers.get("Authorization") != "Bearer " + token:
            self.reply(403, {})
        elif self.path == "/api/v1/template.cancel":
            print("cancelled", key, flush=True)
            jobs.pop(key, None)
            self.reply(200, {})
        elif "job" not in args["template"]["plugin"]:
            self.reply(200, {})
        else:
            polls = int(args["template"]["plugin"]["job"].get("polls", 3))
            done = jobs[key] = jobs.get(key, 0) + 1
            if done < polls:
                self.reply(200, {"node": {"phase": "Running", "message": f"Long-running job: {done} of {polls}",
                                          "progress": f"{done}/{polls}"}, "requeue": "200ms"})
            else:
                self.reply(200, {"node": {"phase": "Succeeded", "message": "job done",
                                          "outputs": {"parameters": [{"name": "calls", "value": done}]}}})


HTTPServer(("127.0.0.1", 4360), Plugin).serve_forever()
