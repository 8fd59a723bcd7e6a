"""`ishowtts load` against a server that knows what it did; nothing is held against the clock but what must take long.
Usage: test_load.py PROGRAM; prints TAP."""
import http.server
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
HALF_SECOND = 24000  # bytes
WAV = b"RIFF" + struct.pack("<I", 36 + HALF_SECOND) + b"WAVEfmt " + struct.pack(
    "<IHHIIHH", 16, 1, 1, 24000, 48000, 2, 16) + b"data" + struct.pack("<I", HALF_SECOND) + b"\1\0" * (HALF_SECOND // 2)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def do_GET(self):
        self.take(None)

    def do_POST(self):
        self.take(self.rfile.read(int(self.headers["Content-Length"])))

    def take(self, body):
        s = self.server
        with s.lock:
            n = len(s.seen)
            s.seen.append({"path": self.path, "headers": dict(self.headers), "peer": self.client_address,
                           "body": json.loads(body) if body else None})
        s.answer(self, n)

    def send(self, status, body, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.lock, self.seen = answer, threading.Lock(), []
        self.url = "http://127.0.0.1:%d" % self.server_address[1]

    def handle_error(self, *_):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def run(*args, code=0, **env):
    r = subprocess.run([PROGRAM, "load", *args], capture_output=True, text=True, timeout=60,
                       env={**os.environ, "ISHOWTTS_TOKEN": "", **env})
    assert r.returncode == code, f"exit code {r.returncode}, expected {code}: {r.stderr}{r.stdout}"
    return r


def load(server, *args, code=0, **env):
    o = json.loads(run("--url", server.url, "--json", *args, code=code, **env).stdout)
    assert o["requests"] == o["answered"] + o["hung_up"] + o["failed"] + o["not_sent"] + o["unfinished"], o
    assert o["answered"] == sum(s["count"] for s in o["statuses"].values())
    assert o["failed"] == sum(o["errors"].values())
    for t in (*o["statuses"].values(), o["first_audio_ms"], o["schedule_lag_ms"]):
        assert t["min"] <= t["p50"] <= t["p90"] <= t["p95"] <= t["p99"] <= t["max"], t
    return o


def say_wav(h, _):
    h.send(200, WAV)


def test_every_request_is_counted_by_its_status():
    with Server(lambda h, n: h.send(503 if n % 3 == 0 else 200, b"{}")) as s:
        o = load(s, "--endpoint", "health", "--requests", "60", "--concurrency", "4")
        assert len(s.seen) == 60 and all(q["path"] == "/api/health" and q["body"] is None for q in s.seen)
        assert {k: v["count"] for k, v in o["statuses"].items()} == {"503": 20, "200": 40}
        assert (o["requests"], o["answered"], o["ok"], o["failed"]) == (60, 60, 40, 0)
        assert o["mode"] == "closed" and o["concurrency"] == 4 and o["rate"] is None and o["audio_seconds"] is None


def test_a_rate_is_kept_whatever_the_server_does():
    with Server(say_wav) as s:
        o = load(s, "--rate", "200", "--arrivals", "uniform", "--requests", "50")
        assert len(s.seen) == 50 and o["mode"] == "open" and o["arrivals"] == "uniform"
        assert o["seconds"] >= 49 / 200 and o["schedule_lag_ms"]["count"] == 50
        assert load(s, "--rate", "100", "--duration", "0.5")["seconds"] >= 0.5


def test_latency_counts_from_the_intended_time():
    gate = threading.Lock()

    def one_at_a_time(h, _):
        with gate:
            time.sleep(0.02)
            h.send(200, WAV)

    with Server(one_at_a_time) as s:  # 40 requests due within 0.1 s take 0.8 s one after the other
        t = load(s, "--rate", "400", "--arrivals", "uniform", "--requests", "40")["statuses"]["200"]
        assert t["min"] >= 20 and t["max"] >= 40 * 20 - 100 and t["p50"] >= 20 * 20 - 100, t


def test_the_time_of_a_status_is_its_own():
    def slow_when_full(h, n):
        time.sleep(0.1 if n % 2 else 0)
        h.send(503 if n % 2 else 200, b"{}")

    with Server(slow_when_full) as s:
        o = load(s, "--endpoint", "/x", "--requests", "10")
        assert o["statuses"]["503"]["min"] >= 100 and o["statuses"]["503"]["count"] == 5
        assert s.seen[0]["path"] == "/x"


def test_speech_is_asked_for_as_openai_has_it():
    with Server(say_wav) as s:
        o = load(s, "--requests", "20", "--voice", "walter", "--format", "wav", "--token", "secret")
        assert all(q["path"] == "/v1/audio/speech" and q["headers"]["Authorization"] == "Bearer secret" and
                   q["headers"]["Content-Type"] == "application/json" for q in s.seen)
        bodies = [q["body"] for q in s.seen]
        assert all(b["model"] and b["voice"] == "walter" and b["response_format"] == "wav" for b in bodies)
        assert len({b["input"] for b in bodies}) > 10
        assert abs(o["audio_seconds"] - 10) < 1e-6 and o["bytes"] == 20 * len(WAV)
        assert abs(o["audio_seconds_per_second"] * o["seconds"] - 10) < 1e-3
        assert o["first_audio_ms"]["count"] == 20
        load(s, "--requests", "1", "--stream", ISHOWTTS_TOKEN="other")
        assert s.seen[-1]["headers"]["Authorization"] == "Bearer other" and s.seen[-1]["body"]["stream_format"] == "audio"


def test_the_originals_route():
    body = json.dumps({"sample_rate": 24000, "audio_base64": "A" * 5000, "waveform_len": 36000}).encode()
    with Server(lambda h, _: h.send(200, body)) as s:
        o = load(s, "--endpoint", "tts", "--requests", "4", "--voice", "v")
        assert all(q["path"] == "/api/tts" and q["body"]["text"] and q["body"]["voice_id"] == "v" for q in s.seen)
        assert abs(o["audio_seconds"] - 4 * 1.5) < 1e-6
        load(s, "--endpoint", "tts", "--stream", "--requests", "1")
        assert s.seen[-1]["path"].startswith("/api/tts/stream?text=Hello%20chat") and s.seen[-1]["body"] is None


def test_first_audio_comes_before_the_last():
    def in_two_pieces(h, _):
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        for piece in (WAV[:44], WAV[44:12044], WAV[12044:]):
            time.sleep(0.05)
            h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        h.wfile.write(b"0\r\n\r\n")

    with Server(in_two_pieces) as s:
        o = load(s, "--requests", "3", "--stream")
        first, whole = o["first_audio_ms"], o["statuses"]["200"]
        assert first["min"] >= 100 and whole["min"] >= 150, o  # the header alone is no audio
        assert first["max"] < whole["max"] and abs(o["audio_seconds"] - 1.5) < 1e-6


def test_texts_from_a_file_take_turns():
    with tempfile.TemporaryDirectory() as d, Server(say_wav) as s:
        path = os.path.join(d, "texts")
        with open(path, "w", encoding="utf-8") as f:
            f.write("one\r\n\n  \ntwo \"quoted\"\n大家好")
        load(s, "--text-file", path, "--requests", "7")
        assert [q["body"]["input"] for q in s.seen] == ["one", "two \"quoted\"", "大家好"] * 2 + ["one"]
        load(s, "--text-file", path, "--requests", "3", "--endpoint", "tts", "--stream")
        assert s.seen[-1]["path"].endswith("text=%E5%A4%A7%E5%AE%B6%E5%A5%BD")
        for content, words in ((b"\n \n", "no text"), (b"ok\n\xff\n", "line 2 is not UTF-8"), (b"", "no text")):
            with open(path, "wb") as f:
                f.write(content)
            assert words in run("--text-file", path, code=2 if words == "no text" else 1).stderr
        assert "missing" in run("--text-file", os.path.join(d, "missing"), code=1).stderr


def test_clients_have_names_and_addresses():
    with Server(say_wav) as s:
        load(s, "--clients", "3", "--requests", "9")
        assert [q["headers"]["X-Client-Id"] for q in s.seen] == ["load-1", "load-2", "load-3"] * 3
        assert [q["peer"][0] for q in s.seen] == ["127.0.0.2", "127.0.0.3", "127.0.0.4"] * 3


def test_connections_are_kept_or_not():
    with Server(say_wav) as s:
        load(s, "--requests", "10", "--concurrency", "2")
        assert len({q["peer"] for q in s.seen}) <= 2
        s.seen.clear()
        assert load(s, "--requests", "10", "--no-keepalive")["keepalive"] is False
        assert len({q["peer"] for q in s.seen}) == 10


def test_clients_hang_up():
    gone = []

    def for_ever(h, _):
        h.send_response(200)
        h.end_headers()
        try:
            while True:
                h.wfile.write(WAV)
        except OSError:
            gone.append(1)
        h.close_connection = True

    with Server(for_ever) as s:
        o = load(s, "--hangup", "1", "--requests", "10", "--concurrency", "5")
        assert o["hung_up"] == 10 and o["failed"] == o["answered"] == 0
        end = time.monotonic() + 20
        while len(gone) < 10:
            assert time.monotonic() < end, gone
            time.sleep(0.01)
    with Server(lambda h, _: h.send(200, WAV * 4)) as s:
        o = load(s, "--hangup", "0.5", "--requests", "60", "--concurrency", "4")
        assert 10 <= o["hung_up"] <= 50 and o["ok"] == 60 - o["hung_up"]


def test_failures_have_names():
    never = threading.Event()

    def drop(h, _):
        h.close_connection = True

    def cut(h, _):
        h.send(200, WAV, length=len(WAV) + 1)
        h.close_connection = True

    for answer, words in ((lambda h, _: never.wait(30), "timed out"), (drop, "closed without an answer"),
                          (cut, "cut short"), (lambda h, _: h.wfile.write(b"hello\r\n\r\n"), "not HTTP")):
        with Server(answer) as s:
            o = load(s, "--requests", "3", "--timeout-ms", "300", code=1)
            assert o["errors"] == {words: 3} and o["answered"] == 0, (words, o["errors"])
    never.set()
    with Server(say_wav) as s:
        url = s.url
    r = run("--url", url, "--requests", "2", code=1)
    assert "nothing was answered (no connection)" in r.stderr and "no connection" in r.stdout


def test_ctrl_c_ends_with_a_report():
    never = threading.Event()
    with Server(lambda h, n: h.send(200, WAV) if n < 5 else never.wait(60)) as s:
        child = subprocess.Popen([PROGRAM, "load", "--url", s.url, "--rate", "50", "--duration", "600", "--json"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            end = time.monotonic() + 20
            while len(s.seen) < 8:
                assert time.monotonic() < end
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            out, words = child.communicate(timeout=20)
        finally:
            child.kill()
            child.wait()
            never.set()
        o = json.loads(out)
        assert child.returncode == 130 and o["interrupted"] and o["ok"] == 5, (child.returncode, words)
        assert o["unfinished"] == o["requests"] - 5 > 0


def test_other_machines_are_refused():
    for url in ("http://example.com", "http://192.0.2.1:27121", "http://127.0.0.1.example.com", "http://localhost.example.com",
                "https://example.com", "http://[2001:db8::1]:80", "http://127.0.0.1@example.com/"):
        r = run("--url", url, "--requests", "1", "--timeout-ms", "100", code=2)
        assert "--allow-remote" in r.stderr and not r.stdout, r
    r = run("--url", "http://localhost:1", "--requests", "1", code=1)
    assert "nothing was answered" in r.stderr


def test_a_report_for_people():
    with Server(say_wav) as s:
        out = run("--url", s.url, "--requests", "5").stdout
        for words in ("answered with 200", "p99", "2.5 s of speech", "until the first audio", s.url):
            assert words in out, (words, out)
        assert "\033" not in out


def test_wrong_usage():
    for args in (("--rate", "0"), ("--rate", "nan"), ("--rate", "5", "--concurrency", "2"), ("--arrivals", "poisson"),
                 ("--arrivals", "odd", "--rate", "1"), ("--endpoint", "nowhere"), ("--format", "midi"), ("--hangup", "2"),
                 ("--url", "ftp://127.0.0.1"), ("--clients", "0"), ("--requests", "-1"), ("extra",), ("--what",),
                 ("--token", "a\r\nX: 1")):
        r = run(*args, code=2)
        assert r.stderr and not r.stdout, args
    r = run("--help")
    assert "--rate" in r.stdout and not r.stderr
    taken = re.search(r"--format wants (.*), not", run("--format", "midi", code=2).stderr)[1]
    named = re.search(r"--format NAME +.*; (.*) \(wav\)", r.stdout)[1]
    assert re.findall(r"\w+", named) == re.findall(r"\w+", taken.replace(" or ", " ")), (named, taken)


run_tests(globals())
