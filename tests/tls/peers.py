"""peers.py SERVER: our TLS against genuine peers: Python's ssl (OpenSSL), curl, openssl s_client, and nonsense."""
import http.client
import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

SERVER = sys.argv[1]
BIG = bytes(ord("a") + i % 23 for i in range(8 << 20))


class Server:
    def __init__(self, *args):
        self.dir = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([SERVER, self.dir.name, *args], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.ca = os.path.join(self.dir.name, "ca.pem")

    def context(self, **how):
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in how.items():
            setattr(context, name, value)
        return context

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def connect(self, session=None, context=None, **how):
        context = context or self.context(**how)
        return context.wrap_socket(self.raw(), server_hostname="localhost", session=session)

    def get(self, path, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=60)
        connection.request("POST" if body is not None else "GET", path, body)
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def counts(self):
        return json.loads(self.get("/counts"))

    def stop(self):
        try:
            self.get("/quit")
            code = self.process.wait(60)
        finally:
            self.process.kill()  # it would hold our output open
            self.process.stdout.close()
        self.dir.cleanup()
        return code


def ask(sock, path="/hello"):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return read_answer(sock)


def read_answer(sock):
    text = b""
    while b"\r\n\r\n" not in text:
        piece = sock.recv(65536)
        if not piece:
            return text
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
    while len(body) < length:
        body += sock.recv(65536)
    return body


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        if cls.server.stop() != 0:
            raise AssertionError("the server did not end well")

    def test_python(self):
        with self.server.connect() as sock:
            self.assertEqual(sock.version(), "TLSv1.3")
            for _ in range(3):
                self.assertEqual(ask(sock), b"hello\n")

    def test_old_protocol_still_works(self):
        with self.server.connect(maximum_version=ssl.TLSVersion.TLSv1_2) as sock:
            self.assertEqual(sock.version(), "TLSv1.2")
            self.assertTrue(sock.cipher()[0].startswith("ECDHE-"))
            self.assertEqual(ask(sock), b"hello\n")

    def test_protocols_that_are_too_old(self):
        context = self.server.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(ssl.SSLError):
            self.server.connect(context=context)

    def test_certificate_is_for_the_names(self):
        for name in ("localhost", "127.0.0.1"):
            self.server.context().wrap_socket(self.server.raw(), server_hostname=name).close()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.server.context().wrap_socket(self.server.raw(), server_hostname="elsewhere")

    def test_alpn(self):
        context = self.server.context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with self.server.connect(context=context) as sock:
            self.assertEqual(sock.selected_alpn_protocol(), "http/1.1")
        context = self.server.context()
        context.set_alpn_protocols(["h2"])
        with self.assertRaises(ssl.SSLError):
            self.server.connect(context=context)

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            context = self.server.context(maximum_version=version)
            before = self.server.counts()["resumed"]
            with self.server.connect(context=context) as sock:
                ask(sock)
                self.assertFalse(sock.session_reused)
                session = sock.session
            with self.server.connect(context=context, session=session) as sock:
                ask(sock)
                self.assertTrue(sock.session_reused)
            self.assertEqual(self.server.counts()["resumed"], before + 1)

    def test_large_bodies(self):
        self.assertEqual(self.server.get("/big"), BIG)
        self.assertEqual(self.server.get("/echo", BIG), BIG)

    def test_pipelined_in_one_record_and_in_many(self):
        one = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.server.connect() as sock:
            sock.sendall(one * 500)
            got = b""
            while got.count(b"hello\n") < 500:
                got += sock.recv(65536)
        with self.server.connect() as sock:
            for i in range(len(one)):
                sock.sendall(one[i:i + 1])
            self.assertEqual(read_answer(sock), b"hello\n")

    def test_slow_reader(self):
        with self.server.connect() as sock:
            sock.sendall(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(self.server.get("/hello"), b"hello\n")  # does not hold up the others
            total = 0
            while total < 64 << 20:
                total += sock.recv(65536).count(b"#")
        self.assertEqual(total, 64 << 20)

    def test_watch_and_client_that_leaves(self):
        before = self.server.counts()["connections"]
        sock = self.server.connect()
        sock.sendall(b"GET /watch HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"200 OK", sock.recv(65536))
        sock.close()
        while self.server.counts()["connections"] > before:
            pass

    def test_close_is_told(self):
        with self.server.connect() as sock:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b""
            while piece := sock.recv(65536):  # raises when the end was not told: suppress_ragged_eofs is off
                got += piece
        self.assertTrue(got.endswith(b"hello\n"))
        context = self.server.context()
        raw = self.server.raw()
        sock = context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
        sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while sock.recv(65536):
            pass
        sock.close()

    def test_end_that_came_with_the_request(self):
        """close_notify in the same segment as a request: the connection does not stay."""
        before = self.server.counts()["connections"]
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.server.context().wrap_bio(into, out, server_hostname="localhost")
        raw = self.server.raw()
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(out.read())
                into.write(raw.recv(65536))
        tls.write(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        raw.sendall(out.read())
        while raw.recv(65536):
            pass
        raw.close()
        while self.server.counts()["connections"] > before:
            pass

    def test_plain_http_is_told(self):
        with self.server.raw() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            got = b""
            while piece := sock.recv(65536):
                got += piece
        self.assertIn(b"400 Bad Request", got)
        self.assertIn(b"Client sent an HTTP request to an HTTPS server.", got)

    def hello(self):
        """The bytes of a ClientHello."""
        out = ssl.MemoryBIO()
        tls = self.server.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return out.read()

    def test_cut_and_damaged_handshakes(self):
        hello = self.hello()
        luck = random.Random(7)
        before = self.server.counts()
        for n in range(300):
            data = bytearray(hello)
            if n % 3 == 0:
                data = data[:luck.randrange(len(data))]
            elif n % 3 == 1:
                for _ in range(luck.randrange(1, 8)):
                    data[luck.randrange(len(data))] = luck.randrange(256)
            else:
                data = bytearray(luck.randbytes(luck.randrange(1, 2000)))
            with self.server.raw() as sock:
                try:
                    sock.sendall(data)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):
                        pass
                except OSError:
                    pass  # a reset is an answer, too
        self.assertEqual(self.server.get("/hello"), b"hello\n")
        after = self.server.counts()
        self.assertEqual(after["connections"], before["connections"])
        self.assertGreater(after["failed"], before["failed"] + 100)

    def test_damaged_records_after_the_handshake(self):
        luck = random.Random(8)
        for n in range(60):
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.server.context().wrap_bio(into, out, server_hostname="localhost")
            with self.server.raw() as raw:
                while True:
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        raw.sendall(out.read())
                        into.write(raw.recv(65536))
                tls.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" * 3)
                data = bytearray(out.read())
                data[luck.randrange(len(data))] ^= 1 + luck.randrange(255)
                try:
                    raw.sendall(data)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
                except OSError:
                    pass
        self.assertEqual(self.server.get("/hello"), b"hello\n")

    def test_new_certificate(self):
        def serial():
            with self.server.connect() as sock:
                return sock.getpeercert()["serialNumber"]
        old = serial()
        with self.server.connect() as sock:
            self.assertEqual(ask(sock, "/renew"), b"renewed")
            self.assertEqual(ask(sock), b"hello\n")  # goes on
        self.assertNotEqual(serial(), old)

    def test_curl(self):
        curl = shutil.which("curl")
        if not curl:
            self.skipTest("no curl here")
        url = f"https://localhost:{self.server.port}"
        done = subprocess.run([curl, "-sS", "--cacert", self.server.ca, "-w", "%{http_version} %{num_connects}\n",
                               f"{url}/hello", f"{url}/hello"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split("\n"), ["hello", "1.1 1", "hello", "1.1 0", ""])
        done = subprocess.run([curl, "-sS", "--cacert", self.server.ca, "--data-binary", "@-", f"{url}/echo"],
                              input=BIG, capture_output=True, check=True)
        self.assertEqual(done.stdout, BIG)
        done = subprocess.run([curl, "-sS", f"{url}/hello"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 60)  # an unknown CA

    def test_openssl(self):
        openssl = shutil.which("openssl")
        if not openssl:
            self.skipTest("no openssl here")

        def client(*args, text="GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            return subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{self.server.port}", "-CAfile",
                                   self.server.ca, "-verify_return_error", "-ign_eof", *args], input=text,
                                  capture_output=True, text=True, timeout=60)
        done = client()
        self.assertIn("Verify return code: 0 (ok)", done.stdout)
        self.assertIn("hello", done.stdout)
        self.assertIn("closed", done.stdout + done.stderr)
        session = os.path.join(self.server.dir.name, "session")
        client("-tls1_2", "-sess_out", session)
        self.assertIn("Reused, TLSv1.2", client("-tls1_2", "-sess_in", session).stdout)

    def test_commands_of_openssl(self):
        openssl = shutil.which("openssl")
        if not openssl:
            self.skipTest("no openssl here")
        for version, command, told in (("-tls1_2", "R", b"no renegotiation"), ("-tls1_3", "K", b"KEYUPDATE")):
            with subprocess.Popen([openssl, "s_client", version, "-connect", f"127.0.0.1:{self.server.port}"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
                text = b""
                while b"Verify return code" not in text and (line := client.stdout.readline()):
                    text += line
                self.assertIn(b"Verify return code", text)
                client.stdin.write(command.encode() + b"\n")
                client.stdin.flush()
                while told not in text and (line := client.stdout.readline()):
                    text += line
                self.assertIn(told, text)
                if command == "K":  # and it goes on
                    client.stdin.write(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    client.stdin.flush()
                    self.assertIn(b"hello", client.stdout.read())
                client.stdin.close()
                client.stdout.read()


class Late(unittest.TestCase):
    def test_handshake_that_does_not_come(self):
        server = Server("50")  # ms until the head of the first request must be there
        with server.raw() as sock:
            self.assertEqual(sock.recv(10), b"")
        with server.raw() as sock:
            sock.sendall(b"\x16\x03\x01\x02\x00\x01")
            self.assertEqual(sock.recv(10), b"")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    bad, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - bad - skipped} passed, {bad} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if bad else 0)
