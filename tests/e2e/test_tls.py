#!/usr/bin/env python3
"""TLS of a running server: versions, a certificate that changes, one that does not fit. Usage: test_tls.py PROGRAM."""
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
DEADLINE = 30

work = tempfile.mkdtemp(prefix="ishow-tls-")
env = {k: v for k, v in os.environ.items() if not k.startswith("ISHOWTTS")}
env |= {"HOME": work, "XDG_CONFIG_HOME": os.path.join(work, "none"), "LC_ALL": "C.UTF-8",
        "ISHOWTTS__speech__engine": "builtin"}


def make_pair(folder, name, kind="ec"):
    """A certificate for localhost, signed by itself."""
    key = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", os.path.join(folder, f"{name}.key"), "-out",
                    os.path.join(folder, f"{name}.pem")], check=True, capture_output=True)


make_pair(work, "first")
make_pair(work, "second", "rsa")
make_pair(work, "third")


def wait_until(what, condition):
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} within {DEADLINE} s"
        time.sleep(0.02)
    return found


def copy(name, *to):
    """Puts a file in another's place as a tool for certificates does: whole, by renaming."""
    for ending, target in zip((".pem", ".key"), to):
        with open(os.path.join(work, name + ending), "rb") as f:
            data = f.read()
        with open(target + ".new", "wb") as f:
            f.write(data)
        os.rename(target + ".new", target)


class Server:
    def __init__(self, pair=("first", "first"), wait=True):
        self.folder = tempfile.mkdtemp(dir=work)
        self.certificate, self.key = os.path.join(self.folder, "c.pem"), os.path.join(self.folder, "c.key")
        self.socket = os.path.join(self.folder, "x.sock")
        copy(pair[0], self.certificate)
        copy(pair[1], self.key + ".ignored", self.key)
        config = os.path.join(self.folder, "ishowtts.toml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f'data_dir = "data"\n[server]\nbind = ["127.0.0.1:0", "unix:{self.socket}"]\n'
                    'tls_certificate = "c.pem"\ntls_key = "c.key"\n')
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", "--config", config], stderr=log,
                                            stdin=subprocess.DEVNULL, env=env)
        if wait:
            self.port = int(self.wait_log(r"listening address=127\.0\.0\.1:(\d+)")[1])
            self.wait_log("listening address=unix:")

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def wait_log(self, pattern, times=1):
        def found():
            matches = list(re.finditer(pattern, self.log()))
            assert self.process.poll() is None or len(matches) >= times, self.log()
            return matches[times - 1] if len(matches) >= times else None
        return wait_until(f"\"{pattern}\" in the log", found)

    def connect(self, **versions):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for name, value in versions.items():
            setattr(context, name, value)
        c = http.client.HTTPSConnection("localhost", self.port, timeout=DEADLINE, context=context)
        c.connect()
        return c

    def name(self):
        """Of the certificate that a new connection is shown."""
        c = self.connect()
        pem = ssl.DER_cert_to_PEM_cert(c.sock.getpeercert(binary_form=True))
        c.close()
        text = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True,
                              check=True).stdout
        return re.search(r"CN ?= ?(\w+)", text)[1]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE) == 0


def health(c):
    c.request("GET", "/api/health", headers={"Host": f"localhost:{c.port}"})
    answer = c.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def test_requests_are_answered():
    server = Server()
    c = server.connect()
    for _ in range(3):
        health(c)
    c.request("POST", "/v1/audio/speech", '{"model":"tts-1","voice":"alloy","response_format":"pcm","input":"' +
              "A sentence of some length. " * 20 + '"}', {"Content-Type": "application/json"})
    answer = c.getresponse()
    assert answer.status == 200 and len(answer.read()) > 20 * 24000
    c.close()
    server.stop()


def test_only_versions_that_are_safe():
    server = Server()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        c = server.connect(minimum_version=version, maximum_version=version)
        health(c)
        c.close()
    old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_1", "-cipher",
                          "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE)
    assert b"BEGIN CERTIFICATE" not in old.stdout and old.returncode != 0, old
    server.stop()


def test_who_does_not_speak_tls_is_turned_away():
    server = Server()
    for text in (b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01", b""):
        with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as s:
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            said = b""
            try:
                while piece := s.recv(4096):
                    said += piece
            except ConnectionResetError:
                pass
            assert b"HTTP" not in said, said
    health(server.connect())
    server.stop()


def test_half_a_handshake_costs_little():
    server = Server()

    def cpu_seconds():
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    half = []
    for _ in range(5):
        s = socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)
        s.sendall(b"\x16\x03\x01\x00\xf0\x01\x00")
        half.append(s)
    used, begin = cpu_seconds(), time.monotonic()
    for s in half:  # until it closes them
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass
        s.close()
    used, passed = cpu_seconds() - used, time.monotonic() - begin
    assert used < 0.1 + 0.3 * passed, f"{used} s of CPU in {passed} s"
    health(server.connect())
    server.stop()


def test_unix_sockets_stay_plain():
    server = Server()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(server.socket)
        s.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
    server.stop()


def test_a_new_certificate_is_taken_on():
    server = Server()
    kept = server.connect()
    health(kept)
    assert server.name() == "first"
    copy("second", server.certificate, server.key)
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    assert server.name() == "second"
    copy("third", server.certificate, server.key)  # and nobody says so
    server.wait_log("certificate loaded", 3)
    assert server.name() == "third"
    health(kept)
    kept.close()
    server.stop()


def test_a_pair_that_does_not_fit_is_not_taken_on():
    server = Server()
    copy("second", server.certificate)
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("reload_failed")
    assert "is not the key of" in server.log()
    assert server.name() == "first"
    health(server.connect())
    server.stop()


def test_a_server_does_not_start_without_a_good_pair():
    for pair, says in ((("first", "second"), "is not the key of"), (("first", None), "PEM key"), ((None, "first"), "PEM cert")):
        with open(os.path.join(work, "None.pem"), "w", encoding="ascii") as f:
            f.write("nothing of use\n")
        with open(os.path.join(work, "None.key"), "w", encoding="ascii") as f:
            f.write("nothing of use\n")
        server = Server(tuple(map(str, pair)), wait=False)
        assert server.process.wait(DEADLINE) == 1
        assert says in server.log(), server.log()


run_tests(globals())
