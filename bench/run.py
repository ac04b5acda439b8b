#!/usr/bin/env python3
"""run.py [--quick] [NAME...]: figures of the whole program, each with its target. Nothing is asserted.

./dev bench builds with release flags in build-release and calls this. NAME picks parts: hello, c, tasks, durable, memory,
program, lint, sidecar, server, api, data, expr, engine, http.
"""
import argparse
import http.client
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--quick", action="store_true", help="few repetitions: shows that everything runs")
parser.add_argument("names", nargs="*")
args = parser.parse_intermixed_args()
BUILD = pathlib.Path(args.build).resolve()
TIPHYS = BUILD / "tiphys"
ROUNDS = 3 if args.quick else 21
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def show(what, figure, target=""):
    print(f"  {what:<58} {figure:>16}   {target}", flush=True)


def median_ms(action, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def tiphys(*argv, cwd=TOP):
    done = subprocess.run([TIPHYS, *map(str, argv)], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: tiphys {' '.join(map(str, argv))} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call_when_up(server, port, body, token=""):
    """Calls a server as soon as it listens; one that dies or refuses ends the bench."""
    while server.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", "/api/v1/template.execute", body,
                               {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
            reply = connection.getresponse()
            if reply.status != 200:
                sys.exit(f"bench: the server on port {port} answered {reply.status}")
            return reply.read()
        except ConnectionRefusedError:
            time.sleep(0.001)
    sys.exit(f"bench: the server for port {port} ended with {server.returncode}")


BODY = json.dumps({"workflow": {"metadata": {"name": "w", "namespace": "n", "uid": "u"}},
                   "template": {"name": "t", "inputs": {}, "outputs": {}, "metadata": {}, "plugin": {"hello": {}, "echo": {"text": "hi"}}}})

# What the agent sends for one task of a fan-out.
SAME_BODY = json.dumps({
    "workflow": {"metadata": {"name": "fan", "namespace": "default", "uid": "11111111-2222-3333-4444-555555555555"}},
    "template": {"name": "echo", "inputs": {}, "outputs": {}, "metadata": {}, "plugin": {"echo": {"text": "hi"}}},
    "task": {"id": "fan-1-100", "name": "fan-1-100", "attempt": 0, "calls": 0}}, separators=(",", ":"))


def hello():
    """The first figure of a newcomer: the whole process beside the same server started and called once."""
    source = (TOP / "examples/hello/server.py").read_text()
    if "/var/run/argo/token" in source:
        source = re.sub(r'open\("/var/run/argo/token"\)', 'open("/dev/null")', source)

    def alone():
        server = subprocess.Popen([sys.executable, "-u", "-c", source], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            call_when_up(server, 4355, BODY)
        finally:
            server.kill()
            server.wait()

    ours, theirs = [], []
    for _ in range(ROUNDS):  # side by side, so that both see the same machine
        theirs.append(median_ms(alone, 1))
        ours.append(median_ms(lambda: tiphys("run", "examples/hello", "-q"), 1))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    show("run examples/hello, whole process", f"{ours:.1f} ms")
    show("the same Python server alone, called once", f"{theirs:.1f} ms")
    show("ratio", f"{ours / theirs:.2f}", "target 1.5; 1.8 where limits go through cgroup v1")


class Echo:
    """A copy of the C example, compiled, on a port of its own and without a limit on its processor time."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tiphys-bench-"))
        self.port = free_port()
        for file in (TOP / "examples/c").iterdir():
            shutil.copy(file, self.directory)
        subprocess.run(["cc", "-O2", "-o", "server", "main.c"], cwd=self.directory, check=True)
        for name in ("plugin.yaml", "main.c"):
            file = self.directory / name
            file.write_text(file.read_text().replace("4364", str(self.port)))
        subprocess.run(["cc", "-O2", "-o", "server", "main.c"], cwd=self.directory, check=True)
        plugin = self.directory / "plugin.yaml"
        plugin.write_text(plugin.read_text().replace("cpu: 500m", 'cpu: "4"'))
        os.chmod(self.directory, 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def workflow(self, n):
        steps = [{"name": f"s{i}", "template": "echo"} for i in range(n)]
        path = self.directory / f"fan-{n}.json"
        path.write_text(json.dumps({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "fan"},
            "spec": {"entrypoint": "main", "templates": [
                {"name": "main", "steps": [steps]}, {"name": "echo", "plugin": {"echo": {"text": "hi"}}}]}}))
        return path

    def run(self, n, *more):
        """Seconds, and the largest resident memory of the program in MiB."""
        path = self.workflow(n)
        begin = time.perf_counter()
        process = subprocess.Popen([TIPHYS, "run", path, "--plugin", self.directory, "-q", "-o", "name", *more],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"bench: a fan-out of {n} failed\n{errors.decode()[-2000:]}")
        return time.perf_counter() - begin, usage.ru_maxrss / 1024


def c():
    with Echo() as echo:
        show("run with the C example, whole process", f"{median_ms(lambda: echo.run(1)):.1f} ms", "target 30 ms")


def agent_and_wrk(echo, n):
    """Tasks a second of the agent alone, and calls a second of wrk with the same request, on one sidecar, in turns."""
    agent = subprocess.Popen([BUILD / "bench" / "bench_agent", echo.directory, str(n), "3" if args.quick else "21"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rates, wrk = [], []
    try:
        port, token = agent.stdout.readline().split()  # it has answered when it tells this
        script = echo.directory / "post.lua"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}",
                   "Idempotency-Key": "11111111-2222-3333-4444-555555555555/fan-1-100/0",
                   "traceparent": "00-11111111222233334444555555555555-0123456789abcdef-01"}
        script.write_text('wrk.method = "POST"\n' + "".join(f'wrk.headers["{k}"] = "{v}"\n' for k, v in headers.items()) +
                          f"wrk.body = [[{SAME_BODY}]]\n")
        for _ in range(1 if args.quick else 5):
            agent.stdin.write("\n")
            agent.stdin.flush()
            rates.append(float(agent.stdout.readline().split()[0]))
            if shutil.which("wrk"):
                out = subprocess.run(["wrk", "-t1", "-c64", "-d1s", "-s", script, f"http://127.0.0.1:{port}/api/v1/template.execute"],
                                     capture_output=True, text=True).stdout
                wrk.append(float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)))
                if "Non-2xx" in out:
                    sys.exit(f"bench: the plugin refuses what wrk asks\n{out}")
        agent.stdin.close()
    finally:
        if agent.poll() is None and not agent.stdin.closed:
            agent.kill()
        agent.wait()
    return statistics.median(rates), statistics.median(wrk) if wrk else None


def tasks():
    with Echo() as echo:
        n = 1000
        one = statistics.median(echo.run(1)[0] for _ in range(3))
        many = statistics.median(echo.run(n)[0] for _ in range(3 if args.quick else 7))
        rate = n / max(many - one, 1e-6)
        show(f"{n:,} parallel plugin tasks, once started", f"{rate:,.0f} tasks/s", "target 5,000")
        large = 10000
        rate = large / max(echo.run(large)[0] - one, 1e-6)
        show(f"{large:,} parallel plugin tasks, once started", f"{rate:,.0f} tasks/s")
        agent, wrk = agent_and_wrk(echo, n)
        show(f"the agent's part alone, {n:,} parallel tasks", f"{agent:,.0f} tasks/s")
        if wrk is None:
            show("wrk on the same server", "skipped", "wrk is not installed")
        else:
            show("wrk, the same request on the same server, 64 connections", f"{wrk:,.0f} calls/s")
            show("ratio, the agent's part to wrk", f"{agent / wrk:.2f}", "target 0.70")
            show("ratio, whole program with engine to wrk", f"{rate / wrk:.2f}")


def flush_ms(directory):
    """What one write of 4 KiB and its flush to the disk cost."""
    took = []
    fd = os.open(directory / "flush", os.O_CREAT | os.O_WRONLY)
    for _ in range(50):
        begin = time.perf_counter()
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        took.append((time.perf_counter() - begin) * 1000)
    os.close(fd)
    return statistics.median(took)


def durable():
    """Runs that are kept in a file: results that are on the disk, a second."""
    with Echo() as echo:
        state = itertools.count()

        def kept(n):
            return echo.run(n, "--state", echo.directory / f"state-{next(state)}.db")[0]

        n = 10000
        one = statistics.median(kept(1) for _ in range(3))
        many = statistics.median(kept(n) for _ in range(1 if args.quick else 5))
        show(f"{n:,} parallel plugin tasks with --state, once started", f"{n / max(many - one, 1e-6):,.0f} durable results/s",
             "target 5,000, aimed at 10,000")
        without = statistics.median(echo.run(1)[0] for _ in range(3))
        show("what --state adds to a run of one task", f"{(one - without) * 1000:.1f} ms")
        show("floor: one write and flush of this disk", f"{flush_ms(echo.directory):.2f} ms")


def memory():
    with Echo() as echo:
        show("10,000 tasks, one workflow: largest resident memory", f"{echo.run(10000)[1]:.0f} MiB", "target 100 MiB")


def program():
    show("tiphys version", f"{median_ms(lambda: tiphys('version'), ROUNDS * 5):.2f} ms", "target 2 ms, with starting it from here")
    with tempfile.TemporaryDirectory() as directory:
        stripped = pathlib.Path(directory) / "tiphys"
        subprocess.run(["strip", "-o", stripped, TIPHYS], check=True)
        show("executable, stripped", f"{stripped.stat().st_size / 1e6:.2f} MB", "target 3 MB")
    show("executable, as built", f"{TIPHYS.stat().st_size / 1e6:.2f} MB")


def lint():
    examples = TOP.parent / "shared" / "data" / "argo" / "examples"
    if not examples.is_dir():
        show("lint of all published examples", "skipped", "they are not beside this checkout")
        return
    n = sum(path.is_file() for path in examples.rglob("*"))
    took = median_ms(lambda: subprocess.run([TIPHYS, "lint", "--offline", examples], capture_output=True))
    show(f"lint of all {n} published examples", f"{took:.1f} ms", "target 100 ms")


def pss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))


def descendants(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for c in children for child in [c, *descendants(c)]]


def sidecar():
    """What the sandbox itself keeps in memory beside the plugin's own process."""
    with Echo() as echo:
        process = subprocess.Popen([TIPHYS, "executor-plugin", "run", echo.directory], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        try:
            process.stdout.readline()  # it listens
            own = []
            for pid in descendants(process.pid):
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
                if not command.endswith(b"server"):
                    own.append((command.decode().rsplit("/", 1)[-1], pss_kib(pid)))
        except PermissionError as error:
            show("an idle sidecar's own memory", "skipped", str(error))
            return
        finally:
            process.terminate()
            process.wait()
        show(f"an idle sidecar's own memory ({', '.join(sorted({name for name, _ in own}))})",
             f"{sum(size for _, size in own)} KiB", "target 512 KiB")


def cpu_s(pid):
    ticks = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """tiphys server on a directory of its own, over TLS or not."""

    def __init__(self, *options):
        self.directory = tempfile.TemporaryDirectory()
        self.start(*options)

    def start(self, *options):
        begin = time.perf_counter()
        self.process = subprocess.Popen([TIPHYS, "server", "--state", self.directory.name, "--listen", "127.0.0.1:0", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, "ARGO_EXECUTOR_PLUGINS": "true"})
        self.url = self.process.stdout.readline().split()[1]
        self.start_ms = (time.perf_counter() - begin) * 1000
        self.port = int(self.url.rsplit(":", 1)[1])
        self.headers, self.context = [], None
        if self.url.startswith("https"):
            self.process.stdout.readline()
            config = (pathlib.Path(self.directory.name) / "kubeconfig").read_text()
            self.headers = ["Authorization: Bearer " + re.search(r"token: (\S+)", config).group(1)]
            self.context = ssl.create_default_context(cafile=f"{self.directory.name}/ca.crt")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.directory.cleanup()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def cpu_s(self):
        return cpu_s(self.process.pid)

    def until_ready_ms(self, *options):
        """Starts again, until it says that it is ready."""
        begin = time.perf_counter()
        self.start(*options)
        while True:
            client = http.client.HTTPConnection("127.0.0.1", self.port)
            client.request("GET", "/readyz")
            if client.getresponse().status == 200:
                return (time.perf_counter() - begin) * 1000
            time.sleep(0.002)

    def wake_ups(self, seconds):
        """How often its threads left their sleep in so many idle seconds."""
        def count():
            return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M).group(1))
                       for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())
        time.sleep(1)
        begin = count()
        time.sleep(seconds)
        return count() - begin

    def rss_mb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) / 1000

    def gets(self, n, *more):
        """Requests a second by one curl on one connection, and the server's CPU time of one in microseconds."""
        headers = [word for header in [*self.headers, *more] for word in ("-H", header)]
        cpu, begin = self.cpu_s(), time.perf_counter()
        subprocess.run(["curl", "-sk", "-o", "/dev/null", *headers, f"{self.url}/api/v1/namespaces/default?x=[1-{n}]"],
                       check=True)
        return n / (time.perf_counter() - begin), (self.cpu_s() - cpu) / n * 1e6

    def watch(self):
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock = self.context.wrap_socket(sock, server_hostname="localhost")
        sock.sendall(f"GET /api/v1/configmaps?watch=true HTTP/1.1\r\nHost: x\r\n{self.headers[0]}\r\n\r\n".encode())
        sock.recv(65536)
        return sock


def server():
    n = 1000 if args.quick else 20000
    with Server() as tls, Server("--plain-http") as plain:
        show("first start: keys, certificates, an empty store", f"{tls.start_ms:.1f} ms", "target 50 ms")
        show("idle, over TLS: resident memory", f"{tls.rss_mb():.1f} MB", "target 12 MB")
        rates = [one.gets(n) for one in (plain, tls)]
        show("GET of an object, one curl, HTTP", f"{rates[0][0]:.0f} /s", f"server's CPU {rates[0][1]:.1f} us")
        show("GET of an object, one curl, TLS", f"{rates[1][0]:.0f} /s", f"server's CPU {rates[1][1]:.1f} us")
        show("ratio, TLS to HTTP", f"{rates[1][0] / rates[0][0]:.2f}")
        rate, cpu = tls.gets(n // 50, "Connection: close")
        show("new TLS connections, one GET each", f"{rate:.0f} /s", f"server's CPU {cpu:.0f} us")
    count = 100 if args.quick else 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard != resource.RLIM_INFINITY else 8192, hard))
    with Server() as tls:
        begin = tls.rss_mb()
        watches = [tls.watch() for _ in range(count)]
        show(f"{count} idle TLS watches: resident memory", f"{tls.rss_mb():.1f} MB", f"target 60 MB; {begin:.1f} without")
        for sock in watches:
            sock.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask_api(port, *words):
    """What bench_api says of a server."""
    done = subprocess.run([BUILD / "bench" / "bench_api", str(port), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: bench_api {' '.join(map(str, words))} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def served(echo, network="host"):
    """A server with the C example as a plugin, which has been called once."""
    (echo.directory / "images.yaml").write_text(
        f"images: [{{image: alpine, programs: {{echo-server: {echo.directory}/server}}, paths: [{echo.directory}]}}]")
    plugin = echo.directory / "plugin.yaml"
    plugin.write_text(plugin.read_text().replace("./server", "echo-server"))
    tiphys("executor-plugin", "build", echo.directory)
    options = ["--plain-http", "--images-file", str(echo.directory / "images.yaml"), "--network", network]
    server = Server(*options)
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    client.request("POST", "/api/v1/namespaces/argo/configmaps", (echo.directory / "echo-executor-plugin-configmap.yaml").read_bytes(),
                   {"Content-Type": "application/yaml"})
    if client.getresponse().status != 201:
        sys.exit("bench: the plugin's ConfigMap was refused")
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "warm"},
                "spec": {"entrypoint": "echo", "templates": [{"name": "echo", "plugin": {"echo": {"text": "hi"}}}]}}
    path = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
    for method, path, body in (("POST", path, json.dumps(workflow)),
                               ("GET", path + "?watch=true&labelSelector=workflows.argoproj.io/completed%3Dtrue", None)):
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        client.request(method, path, body, {"Content-Type": "application/json"})
        line = client.getresponse().readline()
    if b'"Succeeded"' not in line:
        sys.exit(f"bench: the first workflow did not succeed: {line.decode()}")
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    client.request("DELETE", path.split("?")[0] + "/warm")
    client.getresponse().read()
    return server, options


def can_isolate():
    return '"isolated","state":"ok"' in tiphys("doctor", "-o", "json").stdout.replace(" ", "").replace("\n", "")


def floor_ms(echo):
    """Two flushes of the disk and one call of the sidecar's server."""
    return 2 * flush_ms(echo.directory) + ask_api(echo.port, "call", 100)["p50_ms"]


def against_nginx(server):
    """GETs a second of CPU time, ours and nginx's, of the same bytes."""
    target = "/api/v1/namespaces/default"
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        os.chmod(root, 0o755)
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        client.request("GET", target)
        file = root / "www" / target[1:]
        file.parent.mkdir(parents=True)
        file.write_bytes(client.getresponse().read())
        port = free_port()
        paths = " ".join(f"{name}_temp_path {root}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (root / "nginx.conf").write_text(
            f"worker_processes 1; daemon off; master_process off; pid {root}/pid; error_log {root}/log; events {{}}\n"
            f"http {{ access_log off; sendfile on; open_file_cache max=100; keepalive_requests 100000000; {paths}\n"
            f"default_type application/json; server {{ listen 127.0.0.1:{port}; root {root}/www; }} }}")
        nginx = subprocess.Popen([NGINX, "-c", root / "nginx.conf", "-e", root / "log"], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            rates = []
            for pid, at in ((server.process.pid, server.port), (nginx.pid, port)) * 2:
                begin = cpu_s(pid)
                rate = ask_api(at, "get", target)["per_second"]
                rates.append((rate, rate * 2 / max(cpu_s(pid) - begin, 0.01)))
        finally:
            nginx.terminate()
            nginx.wait()
    show("GET of an object, HTTP, 16 connections", f"{rates[2][0]:,.0f} /s", f"{rates[2][1]:,.0f} a second of its CPU time")
    show("nginx, the same bytes from a file", f"{rates[3][0]:,.0f} /s", f"{rates[3][1]:,.0f} a second of its CPU time")
    show("ratio, a second of CPU time", f"{rates[2][1] / rates[3][1]:.2f}", "target 0.60")


def api():
    """Workflows by the API, over plain HTTP, each durable at each step."""
    n = 1 if args.quick else 10
    with Echo() as echo:
        server, options = served(echo)
        with server:
            one = ask_api(server.port, "one", 100 * n)
            show("one step, create to the event of its end: p50", f"{one['p50_ms']:.2f} ms", "target 5 ms")
            show("p99", f"{one['p99_ms']:.2f} ms", "target 25 ms")
            show("floor: two flushes of this disk and one call", f"{floor_ms(echo):.2f} ms")
            isolated, _ = served(echo, "isolated") if can_isolate() else (None, None)
            if isolated:
                with isolated:
                    show("the same with a network of the sidecar's own: p50", f"{ask_api(isolated.port, 'one', 100 * n)['p50_ms']:.2f} ms")
            woken = server.wake_ups(1 if args.quick else 10)
            show("wake-ups of the idle server", f"{woken} in {1 if args.quick else 10} s", "target none")
            if NGINX:
                against_nginx(server)
            else:
                show("GET against nginx", "skipped", "nginx is not installed")
            server.stop()
        for name, words, tell in (
                ("6 sequential steps: p50", ("one", 30 * n, 6), lambda x: (f"{x['p50_ms']:.2f} ms", "target 25 ms")),
                ("1,000 workflows in flight", ("flight", 2000 * n, 1000), lambda x: (f"{x['per_second']:,.0f} /s", "target 1,500")),
                ("one fan-out of 10,000", ("fan", 10000), lambda x: (f"{10000 / x['seconds']:,.0f} durable results/s",
                                                                    "target 5,000, aimed at 10,000")),
                ("a change, until 1,000 watchers know it: p50", ("watchers", 1000, n), lambda x: (f"{x['p50_ms']:.0f} ms", "target 60 ms"))):
            server, options = served(echo)
            with server:
                show(name, *tell(ask_api(server.port, *words)))
        if args.quick:
            return
        server, options = served(echo)
        with server:
            ask_api(server.port, "flight", 10000, 1000)
            url = f"{server.url}/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
            took = [float(subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{time_total}", url], capture_output=True,
                                         text=True, check=True).stdout) * 1000 for _ in range(5)]
            show("list of 10,000 workflows that are over", f"{statistics.median(took):.0f} ms", "target 150 ms")
        server, options = served(echo)
        with server:
            ask_api(server.port, "flight", 100000, 1000)
            took = []
            for _ in range(3):
                server.stop()
                took.append(server.until_ready_ms(*options))
            show("start on 100,000 workflows, until it is ready", f"{statistics.median(took):.0f} ms", "target 500 ms")
            show("its resident memory then", f"{server.rss_mb():.1f} MB")


def part(name):
    def run():
        done = subprocess.run([BUILD / "bench" / f"bench_{name}"], capture_output=True, text=True)
        print("\n".join("  " + line for line in done.stdout.splitlines()))
        if done.returncode != 0:
            sys.exit(f"bench: bench_{name} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return run


PARTS = {"hello": hello, "c": c, "tasks": tasks, "durable": durable, "memory": memory, "program": program, "lint": lint, "sidecar": sidecar, "server": server, "api": api,
         "data": part("data"), "expr": part("expr"), "engine": part("engine"), "http": part("http")}
unknown = [name for name in args.names if name not in PARTS]
if unknown:
    parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
for name in args.names or PARTS:
    print(name, flush=True)
    PARTS[name]()
