#!/usr/bin/env python3
"""The examples for nginx and HAProxy, running, before two servers of the test's own: streams pass as they come, nothing
is spoken twice, a replica that is down is no error, and the client hears of it when all are. Left out where a proxy
is not installed."""
import base64
import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from tap import Skip, run_tests

deploy = Path(__file__).resolve().parent.parent.parent / "deploy"
DEADLINE = 20


class Replica:
    """Answers by path, counts what it was asked, and can be stopped and started again on its port."""

    def __init__(self, name):
        self.name, self.port, self.asked, self.headers = name, 0, [], {}
        self.go_on = threading.Event()
        self.start()

    def start(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.port = self.socket.getsockname()[1]
        self.socket.listen(64)
        self.open = []
        threading.Thread(target=self.accept, args=(self.socket,), daemon=True).start()

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.open:
            connection.close()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            file = connection.makefile("rwb")
            while self.answer(file):
                pass
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            connection.close()

    def answer(self, file):
        line = file.readline().split()
        if not line:
            return False
        path, headers = line[1].decode(), {}
        while (header := file.readline().strip()):
            name, value = header.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        file.read(int(headers.get("content-length", 0)))
        if path != "/api/health":
            self.asked.append(path)
            self.headers[path] = headers

        def reply(status, body, extra=""):
            file.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)
            file.flush()
        if path == "/stream":
            file.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"5\r\nfirst\r\n")
            file.flush()
            assert self.go_on.wait(DEADLINE)
            file.write(b"6\r\nsecond\r\n0\r\n\r\n")
            file.flush()
        elif path == "/dies":
            return False
        elif path == "/full":
            if self.name == "a":
                reply("503 Busy", b'{"error":{"code":"queue_full"}}', "Retry-After: 7\r\n")
            else:
                reply("200 OK", b"b")
        elif path == "/chat":
            accept = hashlib.sha1((headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
            file.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Accept: " + base64.b64encode(accept.digest()) + b"\r\n\r\n")
            file.flush()
            file.write(file.readline())
            file.flush()
            return False
        else:
            reply("200 OK", self.name.encode())
        return True


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy:
    def __init__(self, kind):
        self.kind, self.process = kind, None
        self.program = shutil.which(kind, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        if not self.program or not shutil.which("openssl"):
            raise Skip(f"no {kind if not self.program else 'openssl'}")

    def __enter__(self):
        self.a, self.b = Replica("a"), Replica("b")
        self.dir = tempfile.TemporaryDirectory()
        d = self.dir.name
        os.chmod(d, 0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", f"{d}/key.pem", "-out", f"{d}/cert.pem", "-days", "2", "-subj",
                        "/CN=tts.example.org"], check=True, capture_output=True)
        Path(d, "both.pem").write_text(Path(d, "cert.pem").read_text() + Path(d, "key.pem").read_text())
        self.port = free_port()
        command = self.nginx(d) if self.kind == "nginx" else self.haproxy(d)
        self.log = open(f"{d}/log", "w+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                assert time.monotonic() < until and self.process.poll() is None, Path(d, "log").read_text()

    def replace(self, text, pairs):
        for old, new in pairs:
            assert old in text, f"the example has no {old}"
            text = text.replace(old, new)
        return text.replace("127.0.0.1:27121", f"127.0.0.1:{self.a.port}").replace(
            "127.0.0.1:27122", f"127.0.0.1:{self.b.port}")

    def nginx(self, d):
        site = self.replace((deploy / "nginx/ishowtts.conf").read_text(), [
            ("listen 443", f"listen 127.0.0.1:{self.port}"), ("    listen [::]:443 ssl http2;\n", ""),
            ("/etc/ssl/certs/ishowtts.pem", f"{d}/cert.pem"), ("/etc/ssl/private/ishowtts.key", f"{d}/key.pem")])
        Path(d, "site.conf").write_text(site)
        temporary = "".join(f" {t}_temp_path {d}/{t};" for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        Path(d, "nginx.conf").write_text(f"daemon off; worker_processes 1; pid {d}/pid; error_log stderr; events {{}}"
                                         f" http {{ access_log off;{temporary} include {d}/site.conf; }}")
        return [self.program, "-p", d, "-c", f"{d}/nginx.conf", "-e", "stderr"]

    def haproxy(self, d):
        text = self.replace((deploy / "haproxy/ishowtts.cfg").read_text(), [
            ("bind :443", f"bind 127.0.0.1:{self.port}"), ("/etc/haproxy/ishowtts.pem", f"{d}/both.pem"),
            ("maxconn 20000", "maxconn 200")])  # within any limit of open files
        Path(d, "haproxy.cfg").write_text(text)
        return [self.program, "-db", "-f", f"{d}/haproxy.cfg"]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.a.stop()
        self.b.stop()
        self.log.close()
        self.dir.cleanup()

    def connect(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=DEADLINE)

    def ask(self, method, path, body=None):
        connection = self.connect()
        connection.request(method, path, body=body, headers={"Host": "tts.example.org"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


def streams_pass_as_they_come(kind):
    with Proxy(kind) as p:
        connection = p.connect()
        connection.request("POST", "/stream", body=b"{}")
        answer = connection.getresponse()
        assert answer.read(5) == b"first"  # while the replica waits
        for replica in (p.a, p.b):
            replica.go_on.set()
        assert answer.read() == b"second"
        (headers,) = [r.headers["/stream"] for r in (p.a, p.b) if "/stream" in r.headers]
        assert headers["x-forwarded-for"] == "127.0.0.1" and headers["x-forwarded-proto"] == "https", headers


def no_post_is_repeated_once_it_has_begun(kind):
    with Proxy(kind) as p:
        status, body, _ = p.ask("POST", "/dies", b"{}")
        assert status in (502, 503), (status, body)
        assert len(p.a.asked) + len(p.b.asked) == 1, (p.a.asked, p.b.asked)


def a_replica_that_is_down_is_no_error(kind):
    with Proxy(kind) as p:
        p.a.stop()
        for _ in range(6):
            status, body, _ = p.ask("POST", "/speak", b"{}")
            assert (status, body) == (200, b"b"), (status, body)
        p.a.start()


def when_all_are_down_the_client_is_told(kind):
    with Proxy(kind) as p:
        p.a.stop()
        p.b.stop()
        status, body, headers = p.ask("POST", "/speak", b"{}")
        assert status == 503 and headers["Retry-After"] == "2", (status, headers)
        assert json.loads(body)["error"]["code"] == "unavailable", body
        p.a.start()
        p.b.start()


def metrics_stay_inside(kind):
    with Proxy(kind) as p:
        status, _, _ = p.ask("GET", "/metrics")
        assert status == 404 and not p.a.asked and not p.b.asked


def websockets_pass(kind):
    with Proxy(kind) as p:
        connection = p.connect()
        connection.connect()
        connection.sock.sendall(b"GET /chat HTTP/1.1\r\nHost: tts.example.org\r\n"
                                b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        file = connection.sock.makefile("rb")
        status = file.readline()
        assert b" 101 " in status, status
        while file.readline().strip():
            pass
        connection.sock.sendall(b"echo me\n")
        assert file.readline() == b"echo me\n"


def test_nginx_passes_streams_as_they_come():
    streams_pass_as_they_come("nginx")


def test_nginx_repeats_no_post_that_has_begun():
    no_post_is_repeated_once_it_has_begun("nginx")


def test_nginx_goes_round_a_replica_that_is_down():
    a_replica_that_is_down_is_no_error("nginx")


def test_nginx_says_when_all_replicas_are_down():
    when_all_are_down_the_client_is_told("nginx")


def test_nginx_passes_503_on():
    with Proxy("nginx") as p:
        p.b.stop()
        status, body, headers = p.ask("POST", "/full", b"{}")
        assert status == 503 and headers["Retry-After"] == "7" and b"queue_full" in body, (status, headers, body)
        p.b.start()


def test_nginx_keeps_metrics_inside():
    metrics_stay_inside("nginx")


def test_nginx_passes_websockets():
    websockets_pass("nginx")


def test_haproxy_passes_streams_as_they_come():
    streams_pass_as_they_come("haproxy")


def test_haproxy_repeats_no_post_that_has_begun():
    no_post_is_repeated_once_it_has_begun("haproxy")


def test_haproxy_goes_round_a_replica_that_is_down():
    a_replica_that_is_down_is_no_error("haproxy")


def test_haproxy_says_when_all_replicas_are_down():
    when_all_are_down_the_client_is_told("haproxy")


def test_haproxy_tries_another_replica_after_503():
    with Proxy("haproxy") as p:
        for _ in range(4):
            status, body, _ = p.ask("POST", "/full", b"{}")
            assert (status, body) == (200, b"b"), (status, body, p.a.asked, p.b.asked)


def test_haproxy_keeps_metrics_inside():
    metrics_stay_inside("haproxy")


def test_haproxy_passes_websockets():
    websockets_pass("haproxy")


run_tests(globals())
