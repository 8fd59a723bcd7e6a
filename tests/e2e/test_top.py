"""`ishowtts top` against a server that says what the test wants. Usage: test_top.py PROGRAM; prints TAP."""
import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
HEALTH = {"status": "ok", "voices": 5, "default_voice": "walter", "engine": "f5", "trouble": ""}
START = 1_700_000_000
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", "ISHOWTTS_TOKEN": ""}
ENV.pop("NO_COLOR", None)


def page(requests=40, start=START, extra=""):
    return f"""# TYPE tts_requests_total counter
tts_requests_total{{endpoint="speech",status="200"}} {requests}
tts_requests_total{{endpoint="speech",status="503"}} 7
tts_errors_total{{reason="timeout"}} 3
tts_errors_total{{reason="broken"}} 0
tts_rejected_total{{reason="queue_full"}} 7
tts_fallbacks_total 2
tts_queue_depth 13
tts_queue_capacity 64
tts_requests_in_flight 2
tts_voices 5
tts_audio_seconds_total{{engine="f5"}} {requests * 3}
tts_time_to_first_audio_seconds_bucket{{le="0.05"}} {requests // 2}
tts_time_to_first_audio_seconds_bucket{{le="0.1"}} {requests}
tts_time_to_first_audio_seconds_bucket{{le="+Inf"}} {requests}
tts_time_to_first_audio_seconds_sum {requests * 0.06}
tts_time_to_first_audio_seconds_count {requests}
process_cpu_seconds_total 12.5
process_resident_memory_bytes 83000000
process_start_time_seconds {start}
ishowtts_build_info{{version="9.8.7",kernels="avx2",engine="f5"}} 1
gpu_utilization_percent{{gpu="0"}} 45
gpu_memory_used_bytes{{gpu="0"}} 12000000000
gpu_memory_total_bytes{{gpu="0"}} 24000000000
{extra}"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        s = self.server
        if s.closed:  # a connection that was kept outlives the socket that listened
            self.close_connection = True
            return
        s.seen.append((self.path, self.headers["Authorization"]))
        body = s.metrics() if self.path == "/metrics" else json.dumps(s.health).encode()
        status = s.status if self.path == "/metrics" else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, metrics=page(), port=0, health=HEALTH, status=200):
        super().__init__(("127.0.0.1", port), Handler)
        self.seen, self.health, self.status, self.closed = [], health, status, False
        self.metrics = lambda: (metrics() if callable(metrics) else metrics).encode()
        self.url = "http://127.0.0.1:%d" % self.server_address[1]

    def handle_error(self, *_):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closed = True
        self.shutdown()
        self.server_close()


def run(*args, code=0, **env):
    r = subprocess.run([PROGRAM, "top", *args], capture_output=True, text=True, timeout=30, env={**ENV, **env})
    assert r.returncode == code, f"exit code {r.returncode}, expected {code}: {r.stderr}{r.stdout}"
    return r


class Terminal:
    """`ishowtts top` on a terminal of its own; what it shows is read as it comes."""

    def __init__(self, *args, rows=30, columns=100):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(PROGRAM, [PROGRAM, "top", *args], ENV)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, condition):
        end = time.monotonic() + 20
        while not condition(self.shown):
            assert time.monotonic() < end, self.shown[-3000:]
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self.fd, 65536)
                except OSError:  # it has ended
                    assert condition(self.shown), self.shown[-3000:]

    def frame(self, condition=lambda lines: True):
        """The lines of the next whole screen that is drawn and meets the condition."""
        self.shown = b""
        found = []

        def look(shown):
            for f in shown.split(b"\033[H")[1:]:
                if b"\033[J" in f:
                    text = re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", f[:f.index(b"\033[J")]).decode()
                    lines = text.replace("\r", "").split("\n")
                    if condition(lines):
                        found[:] = lines
                        return True
            return False

        self.read_until(look)
        return found

    def wait(self):
        end = time.monotonic() + 20
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.shown += os.read(self.fd, 65536)
                except OSError:
                    pass


def test_one_look():
    with Server() as s:
        out = run("--url", s.url + "/", "--once").stdout
        for words in ("ishowtts 9.8.7 avx2", "speaks with f5", "default walter", "13 of 64", "p50 50 ms", "45 %",
                      "12.00 GB of 24.00 GB", "timeout 3", "queue_full 7", "fallbacks", "83.0 MB"):
            assert words in out, (words, out)
        assert re.search(r"^speech +503 +\S+ +7$", out, re.M) and "broken" not in out and "\033" not in out, out
        assert sorted(path for path, _ in s.seen) == ["/api/health", "/metrics"]


def test_json_for_scripts():
    with Server() as s:
        o = json.loads(run("--url", s.url, "--once", "--json", "--token", "t0ken").stdout)
        assert o["reachable"] and o["error"] is None and o["health"]["engine"] == "f5"
        m = o["metrics"]
        assert (m["queue_depth"], m["voices"], m["fallbacks"], m["version"]) == (13, 5, 2, "9.8.7")
        assert {"endpoint": "speech", "status": "503", "total": 7} in [
            {k: v for k, v in r.items() if k != "per_second"} for r in m["requests"]]
        assert m["errors"] == {"timeout": 3, "broken": 0} and m["gpus"][0]["utilization_percent"] == 45
        assert m["first_audio_seconds"]["count"] == 40 and abs(m["first_audio_seconds"]["p50"] - 0.05) < 1e-9
        assert m["rtf"]["mean"] is None and m["connections"] is None
        assert abs(m["uptime_seconds"] - (time.time() - START)) < 100
        assert abs(m["requests_per_second"] * m["window_seconds"] - 47) < 0.1  # since the server's start
        assert all(auth == "Bearer t0ken" for _, auth in s.seen)
        run("--url", s.url, "--once", ISHOWTTS_TOKEN="other")
        assert s.seen[-1][1] == "Bearer other"


def test_lines_without_a_terminal():
    count = iter(range(40, 10_000, 10))
    with Server(lambda: page(next(count))) as s:
        child = subprocess.Popen([PROGRAM, "top", "--url", s.url, "--interval", "0.1"], stdout=subprocess.PIPE, text=True,
                                 env=ENV)
        try:
            lines = [child.stdout.readline() for _ in range(4)]
            child.send_signal(signal.SIGTERM)
            child.stdout.read()
            assert child.wait(20) == 143
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        assert all("requests/s" in line and "queue 13" in line and "\033" not in line for line in lines), lines


def test_a_server_that_cannot_be_reached():
    with Server() as s:
        url = s.url
    r = run("--url", url, "--once", code=1)
    assert "no connection" in r.stderr and not r.stdout, r
    o = json.loads(run("--url", url, "--once", "--json", code=1).stdout)
    assert o["reachable"] is False and o["error"] == "no connection" and o["metrics"] is None
    for status, words in ((401, "--token"), (404, "404"), (500, "500")):
        with Server(status=status) as s:
            assert words in run("--url", s.url, "--once", code=1).stderr
    with Server("tts_voices 1\n" * 400_000) as s:
        assert "over 4194304 bytes" in run("--url", s.url, "--once", code=1).stderr


def test_the_terminal_is_drawn_resized_and_given_back():
    count = iter(range(40, 100_000, 10))
    with Server(lambda: page(next(count))) as s:
        t = Terminal("--url", s.url, "--interval", "0.1")
        lines = t.frame(lambda lines: any("█" in line for line in lines))
        assert any(line.startswith("queue") and "13 of 64" in line for line in lines), lines
        assert all(len(line) <= 100 for line in lines) and len(lines) <= 30
        t.resize(8, 40)
        lines = t.frame(lambda lines: max(map(len, lines)) <= 40 and len(lines) <= 8)
        assert lines[0].startswith("http://"), lines
        os.write(t.fd, b"q")
        assert t.wait() == 0
        assert t.shown.rstrip().endswith(b"\033[?25h\033[?1049l"), t.shown[-100:]


def test_ctrl_c_gives_the_terminal_back():
    with Server() as s:
        t = Terminal("--url", s.url)
        t.frame()
        os.write(t.fd, b"\x03")
        assert t.wait() == 130
        assert b"\033[?1049l" in t.shown


def test_a_server_that_goes_and_comes_back():
    with Server(page(500)) as s:
        port = s.server_address[1]
        t = Terminal("--url", s.url, "--interval", "0.1")
        t.frame(lambda lines: any("13 of 64" in line for line in lines))
    lines = t.frame(lambda lines: any("no answer for" in line for line in lines))
    assert any("13 of 64" in line for line in lines), "the last figures stay"
    with Server(page(20, START + 100), port=port):
        lines = t.frame(lambda lines: not any("no answer for" in line for line in lines))
        assert any(re.match(r"speech +200 +\S+ +20$", line) for line in lines), lines
        os.write(t.fd, b"q")
        assert t.wait() == 0


def test_a_hostile_page_does_not_reach_the_terminal():
    evil = 'tts_requests_total{endpoint="\033]0;owned\\n\033[2J",status="200"} 99\ntts_errors_total{reason="\u202e\x9b"} 5\n'
    health = {"status": "\033[31mok", "engine": "\u009b2J", "trouble": "line\nbreak", "default_voice": 7}
    with Server(page(extra=evil), health=health) as s:
        out = run("--url", s.url, "--once").stdout
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), repr(out)
        json.loads(run("--url", s.url, "--once", "--json").stdout)
    with Server("\0\xff{{{{\n" * 1000, health=[1]) as s:
        assert "requests" in run("--url", s.url, "--once").stdout


def test_wrong_usage():
    for args in (("--interval", "0"), ("--interval", "x"), ("--url", "127.0.0.1"), ("extra",), ("--what",),
                 ("--token", "a b")):
        r = run(*args, code=2)
        assert r.stderr and not r.stdout, args
    assert "--once" in run("--help").stdout


run_tests(globals())
