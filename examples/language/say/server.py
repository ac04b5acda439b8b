"""The plugin of these examples: `say: {text: X}` gives X back as result. With fail: "true" the node is Failed, with
after: 30s it is Running, and the plugin is asked again by then."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        task = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = {}
        if "say" in task["template"]["plugin"]:
            say = task["template"]["plugin"]["say"]
            phase = "Failed" if say.get("fail") == "true" else "Succeeded"
            outputs = {"result": say["text"], "parameters": [{"name": "text", "value": say["text"]}]}
            if "after" in say and task["task"]["calls"] == 0:
                phase, reply = "Running", {"requeue": say["after"]}
            reply["node"] = {"phase": phase, "message": say["text"], "outputs": outputs}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", 4371), Plugin).serve_forever()
