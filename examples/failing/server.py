"""A plugin that fails in the way it is told: every class of failure that an agent has to tell apart."""
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Plugin(BaseHTTPRequestHandler):
    def answer(self, status, body=b"", length=None):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        how = args["template"]["plugin"].get("failing", {}).get("how")
        # The plugin says so itself.
        if how == "node":
            self.answer(200, b'{"node": {"phase": "Failed", "message": "the job failed"}}')
        elif how == "error":
            self.answer(200, b'{"node": {"phase": "Error", "message": "the job could not be begun"}}')
        # Not mine: {}, null and 404; nobody else is there to take it. After a 404 it is not called again in this workflow.
        elif how == "declined":
            self.answer(200, b"{}")
        elif how == "null":
            self.answer(200, b"null")
        elif how == "missing":
            self.answer(404)
        # 4xx and 5xx but 404 and 503: at once, with the body in the message.
        elif how == "status":
            self.answer(500, b"out of order")
        elif how == "forbidden":
            self.answer(403)
        # 200, but no reply.
        elif how == "nonsense":
            self.answer(200, b"Hello!")
        elif how == "empty":
            self.answer(200)
        elif how == "wrong":
            self.answer(200, b'{"node": {"phase": ["Failed"]}}')
        elif how == "large":
            self.answer(200, b'{"node": {"message": "' + b"x" * (5 << 20) + b'"}}')
        # What may pass is tried five times, with pauses of about 1, 2, 4 and 8 s.
        elif how == "busy":
            self.answer(503, b"come back later")
        elif how == "closed":
            pass  # not one byte
        elif how == "short":
            self.answer(200, b'{"node": {', length=100)
        elif how == "slow":
            time.sleep(3600)  # longer than a call may take: plugin.yaml says how long that is
        elif how == "exit":
            os._exit(3)  # dies during the call, every time, and is restarted in between
        else:
            self.answer(400, b"how?")


class Server(ThreadingHTTPServer):
    daemon_threads = True


Server(("127.0.0.1", 4361), Plugin).serve_forever()
