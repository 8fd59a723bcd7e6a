#!/usr/bin/env python3
"""/metrics of a running server: what was asked of it is what it counts, and Prometheus' checker has nothing to say."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from tap import Skip, run_tests

program = os.path.abspath(sys.argv[1])
DEADLINE = 30


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(self.path)


class Server:
    """A server with the built-in voice, on a Unix socket; with a manager that hears what it tells systemd."""

    def __init__(self, **settings):
        self.settings = {"speech__engine": "builtin"} | settings

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "http")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.settimeout(DEADLINE)
        self.manager.bind(os.path.join(self.dir.name, "notify"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ISHOWTTS__")}
        environment |= {"NOTIFY_SOCKET": os.path.join(self.dir.name, "notify"), "HOME": self.dir.name,
                        "STATE_DIRECTORY": os.path.join(self.dir.name, "state"), "WATCHDOG_USEC": "200000"}
        environment |= {"ISHOWTTS__" + key: value for key, value in self.settings.items()}
        self.log = open(os.path.join(self.dir.name, "log"), "w+")
        self.process = subprocess.Popen([program, "serve", "--bind", "unix:" + self.path], env=environment,
                                        stderr=self.log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + DEADLINE
        while True:
            try:
                self.connect().connect()
                return self
            except OSError:
                self.log.seek(0)
                assert self.process.poll() is None and time.monotonic() < until, self.log.read()
                time.sleep(0.01)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.manager.close()
        self.log.close()
        self.dir.cleanup()

    def connect(self):
        return Connection(self.path)

    def ask(self, method, path, body=None):
        connection = self.connect()
        connection.request(method, path, body=json.dumps(body) if body else None,
                           headers={"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    def metrics(self):
        answer, data = self.ask("GET", "/metrics")
        assert answer.status == 200, (answer.status, data)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        values = {}
        for line in data.decode().splitlines():
            if not line.startswith("#"):
                m = re.fullmatch(r'([a-z_:][a-z0-9_:]*(?:\{[^}]*\})?) (\S+)', line)
                assert m and m[1] not in values, line
                values[m[1]] = float(m[2])
        return values, data

    def speak(self, text):
        answer, data = self.ask("POST", "/v1/audio/speech", {"model": "tts-1", "input": text, "voice": "alloy",
                                                             "response_format": "wav"})
        assert answer.status == 200, data
        return (len(data) - 44) / 2 / 24000  # seconds of its audio

    def hear(self, wanted):
        """What the server tells systemd until a line begins with `wanted`; the last is that line's message."""
        heard = [""]
        while not any(line.startswith(wanted) for line in heard[-1].split("\n")):
            heard.append(self.manager.recv(4096).decode())
        return heard


def test_speech_is_counted():
    with Server() as s:
        before, _ = s.metrics()
        seconds = sum(s.speak(text) for text in ("Hello.", "How are you today?", "Goodbye."))
        after, _ = s.metrics()

        def grown(name):
            return after[name] - before.get(name, 0)
        assert grown('tts_synthesis_duration_seconds_count{engine="builtin"}') == 3
        assert grown('tts_rtf_count{engine="builtin"}') == 3
        assert grown("tts_time_to_first_audio_seconds_count") == 3
        assert grown("tts_queue_wait_seconds_count") == 3
        assert abs(grown('tts_audio_seconds_total{engine="builtin"}') - seconds) < 0.01, (after, seconds)
        assert sum(v for n, v in after.items() if n.startswith("tts_requests_total") and 'status="200"' in n) >= 4
        assert after["tts_fallbacks_total"] == 0 and after["tts_model_ready"] == 1
        assert after["tts_queue_depth"] == 0 and after["tts_requests_in_flight"] == 0
        assert after["tts_queue_capacity"] == 64 and after["tts_voices"] >= 1
        assert 1e6 < after["process_resident_memory_bytes"] < after["process_virtual_memory_bytes"]
        assert abs(after["process_start_time_seconds"] - time.time()) < 3600
        assert after["http_connections"] >= 1


def test_errors_are_counted_by_what_they_were():
    with Server() as s:
        for path in ("/nothing", "/../etc/passwd", "/" + "x" * 200, "/nothing/else"):
            assert s.ask("GET", path)[0].status in (400, 404)
        assert s.ask("POST", "/v1/audio/speech", {"model": "tts-1", "voice": "alloy"})[0].status == 400
        after, page = s.metrics()
        assert b"passwd" not in page and b"xxx" not in page and b'"/nothing' not in page
        assert sum(v for n, v in after.items() if n.startswith("tts_requests_total") and 'status="404"' in n) >= 3


def test_a_model_that_is_missing_is_told():
    with Server(speech__engine="auto", speech__model="/nonexistent/model.safetensors") as s:
        s.speak("One sentence.")
        values, _ = s.metrics()
        assert values["tts_model_ready"] == 0
        assert values['tts_synthesis_duration_seconds_count{engine="builtin"}'] == 1


def test_the_end_of_the_certificate_is_told():
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", f"{d}/key.pem", "-out", f"{d}/cert.pem", "-days", "30", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
        with Server(server__tls_certificate=f"{d}/cert.pem", server__tls_key=f"{d}/key.pem") as s:
            values, _ = s.metrics()
            left = values["tls_certificate_end_timestamp_seconds"] - time.time()
            assert abs(left / 86400 - 30) < 0.1, left


def test_histograms_are_whole():
    with Server() as s:
        s.speak("One sentence.")
        values, page = s.metrics()
        for name in re.findall(r"# TYPE (\w+) histogram", page.decode()):
            own = [n for n in values if n.startswith(name + "_bucket")]
            for labels in {re.sub(r',?le="[^"]*"', "", n[len(name) + 7:]) for n in own}:
                plain = "" if labels == "{}" else labels
                buckets = [(float(re.search(r'le="([^"]*)"', n)[1]), values[n]) for n in own
                           if all(p in n for p in labels.strip("{}").split(","))]
                assert [v for _, v in sorted(buckets)] == sorted(v for _, v in buckets), name
                assert max(buckets)[0] == float("inf") and max(buckets)[1] == values[f"{name}_count{plain}"], name


def test_promtool_has_nothing_to_say():
    promtool = shutil.which("promtool")
    if not promtool:
        raise Skip("no promtool")
    with Server() as s:
        s.speak("One sentence.")
        s.ask("GET", "/nothing")
        _, page = s.metrics()
        r = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, timeout=DEADLINE)
        assert r.returncode == 0 and not r.stdout and not r.stderr, r


def test_systemd_hears_of_it():
    with Server() as s:
        try:
            heard = s.hear("READY=1")
        except socket.timeout:
            if subprocess.run(["ldd", program], capture_output=True, text=True).stdout.count("libsystemd"):
                raise
            raise Skip("built without libsystemd")
        assert any("STATUS=" in h for h in heard), heard
        s.hear("WATCHDOG=1")
        s.process.send_signal(signal.SIGTERM)
        s.hear("STOPPING=1")
        assert s.process.wait(DEADLINE) == 0


def test_a_successor_is_the_managers_own():
    with Server() as s:
        try:
            s.hear("READY=1")
        except socket.timeout:
            raise Skip("built without libsystemd")
        s.process.send_signal(signal.SIGUSR2)
        successor = int(s.hear("MAINPID=")[-1].removeprefix("MAINPID="))
        try:
            assert s.process.wait(DEADLINE) == 0
            assert s.ask("GET", "/api/health")[0].status == 200
        finally:
            os.kill(successor, signal.SIGTERM)
        # Only a child of this process, which stands for systemd, can be waited for.
        assert os.waitpid(successor, 0) == (successor, 0)


run_tests(globals())
