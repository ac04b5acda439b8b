"""A small job server to try http.yaml with: python3 examples/http/server.py [PORT]"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

polls = {}


class Jobs(BaseHTTPRequestHandler):
    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        if self.headers["Authorization"] != "Bearer opensesame":
            return self.answer(401, {"error": "who are you?"})
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["name"]
        polls[name] = 0
        self.answer(201, {"job": name})

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        polls[name] += 1
        self.answer(200, {"job": name, "state": "done" if polls[name] == 3 else "working"})


port = int(sys.argv[1]) if len(sys.argv) > 1 else 8093
ThreadingHTTPServer(("127.0.0.1", port), Jobs).serve_forever()
