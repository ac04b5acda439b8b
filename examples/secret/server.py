"""A plugin whose setting comes from a Secret, by secretKeyRef in plugin.yaml."""
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = {}
        if "greeter" in args["template"]["plugin"]:
            text = os.environ["GREETING"] + ", " + args["template"]["plugin"]["greeter"]["name"]
            reply = {"node": {"phase": "Succeeded", "message": text, "outputs": {"result": text}}}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())


HTTPServer(("127.0.0.1", 4362), Plugin).serve_forever()
