"""A plugin that fails in the way it is told: every class of failure that an agent has to tell apart."""
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Plugin(BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        how = args["template"]["plugin"].get("failing", {}).get("how")
        if how == "node":  # the plugin says so itself
            self.answer(200, b'{"node": {"phase": "Failed", "message": "the job failed"}}')
        elif how == "status":  # 4xx and 5xx but 404 and 503: at once, with the body in the message
            self.answer(500, b"out of order")
        elif how == "forbidden":
            self.answer(403)
        elif how == "declined":  # {}: not mine; nobody else is there to take it
            self.answer(200, b"{}")
        elif how == "missing":  # 404: not called again in this workflow
            self.answer(404)
        elif how == "nonsense":  # 200, but no JSON
            self.answer(200, b"Hello!")
        elif how == "exit":  # dies during the call, every time: tried five times, restarted in between
            os._exit(3)
        else:
            self.answer(200, b"{}")


HTTPServer(("127.0.0.1", 4361), Plugin).serve_forever()
