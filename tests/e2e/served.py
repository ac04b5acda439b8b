"""A `tiphys server` with TLS as a person has it: state and kubeconfig where the verbs look for them by themselves."""
import json
import os
import re
import ssl
import subprocess
import urllib.error
import urllib.request

from conftest import TIPHYS, TOP, Result

ARGO = "/apis/argoproj.io/v1alpha1/namespaces/argo/"


class Served:
    """home: a directory of its own; XDG_STATE_HOME/tiphys in it is the server's."""

    def __init__(self, home, port, *options, **environment):
        self.home, self.port, self.options = home, port, options
        self.state = home / "state" / "tiphys"
        self.state.mkdir(parents=True, exist_ok=True)
        self.environment = {**{k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "ARGO_NAMESPACE")},
                            "XDG_STATE_HOME": str(home / "state"), "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self.more = environment
        self.start()

    def start(self):
        with open(self.home / "server.log", "a") as log:
            self.process = subprocess.Popen(
                [TIPHYS, "server", "--listen", f"127.0.0.1:{self.port}", *self.options], cwd=TOP, text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, env={**self.environment, "ARGO_EXECUTOR_PLUGINS": "true", **self.more})
        self.url = self.process.stdout.readline().split()[-1]
        assert self.process.stdout.readline().startswith("kubeconfig "), (self.home / "server.log").read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def run(self, *args, program=TIPHYS, stdin="", timeout=60, cwd=TOP, **environment):
        done = subprocess.run([program, *map(str, args)], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=timeout,
                              env={**self.environment, **environment})
        return Result(done)

    def open(self, *args, **more):
        return subprocess.Popen([TIPHYS, *map(str, args)], cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment, **more)

    def get(self, path):
        """The open answer."""
        return self.send("GET", path)

    def send(self, method, path, body=None, content_type="application/json"):
        token = re.search(r"token: (\S+)", (self.state / "kubeconfig").read_text()).group(1).strip('"')
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": content_type, "Authorization": f"Bearer {token}"})
        context = ssl.create_default_context(cafile=str(self.state / "ca.crt"))
        return urllib.request.urlopen(request, timeout=30, context=context)

    def ask(self, method, path, body=None, content_type="application/json"):
        try:
            with self.send(method, path, body, content_type) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def patch(self, path, body):
        status, answer = self.ask("PATCH", path, body, "application/merge-patch+json")
        assert status == 200, answer
        return answer

    def workflow(self, name):
        return self.ask("GET", f"{ARGO}workflows/{name}")[1]
