"""What happens to servers: kills, clients that stall, leave or talk nonsense, no descriptors, signals in storms, clocks that
jump. The server survives, and goes back to where it was. Usage: test_server_faults.py PROGRAM [CLOCK], CLOCK being the
library that moves the wall clock; prints TAP."""
import json
import mmap
import os
import resource
import signal
import socket
import sqlite3
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import DEADLINE, SENTENCE, Serving, finish, until  # noqa: E402
from tap import Skip, run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
CLOCK = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
HASTY = "[server]\nhead_timeout = 1\n"
CRLF = b"\r\n"


def speech_request(text, **more):
    body = json.dumps({"model": "tts-1", "input": text, "voice": "alloy", "response_format": "wav", **more}).encode()
    return (b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def all_answered(o, *statuses):
    assert o["answered"] + o["hung_up"] == o["requests"] and o["failed"] == o["not_sent"] == 0, o
    assert set(o["statuses"]) <= set(statuses or ["200"]), o["statuses"]


def at_rest(s):
    def look():
        queue = s.health()["queue"]
        return queue["queued"] == queue["running"] == 0
    until(look, "the queue to be empty")


def is_closed(s):
    """Whether the other side has ended the connection; what it said before is passed over."""
    s.setblocking(False)
    try:
        while s.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_killed_while_it_speaks():
    folder = tempfile.mkdtemp(prefix="ishow-kill-")
    for round_ in range(2):
        s = Serving(PROGRAM, folder=folder)
        voices = json.loads(s.ask("GET", "/api/voices")[1])
        with s.connect() as stream:
            stream.sendall(speech_request(SENTENCE * 30, stream_format="audio", response_format="pcm"))
            assert stream.recv(100)
            child = s.load("--concurrency", 4, "--duration", 30, start=True)
            until(lambda: s.health()["queue"]["running"] > 0)
            time.sleep(0.1 * round_)  # at different points of whatever it does
            s.stop(signal.SIGKILL)
            child.send_signal(signal.SIGINT)
            child.communicate()
        s.process.stderr.close()
        for name in os.listdir(os.path.join(folder, "data")):
            if name.endswith((".db", ".sqlite")):
                db = sqlite3.connect(os.path.join(folder, "data", name))
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                db.close()
    with Serving(PROGRAM, folder=folder) as s:
        s.speaks()
        assert json.loads(s.ask("GET", "/api/voices")[1]) == voices
        assert s.health()["status"] == "ok"


def test_two_thousand_idle_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4500:
        raise Skip("the limit of open files is too low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4500, hard))
    try:
        with Serving(PROGRAM, "[server]\nidle_timeout = 600\nhead_timeout = 600\n") as s:
            all_answered(s.load("--requests", 12, "--concurrency", 4))  # whatever speech needs is there
            until(lambda: s.connections() == 1, "the load's connections to end")
            files, level = s.descriptors(), s.resident()
            for _ in range(3):
                crowd = [s.connect() for _ in range(2000)]
                for c in crowd[::2]:  # half of them have begun to talk
                    c.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 1000)
                until(lambda: s.connections() > 2000, "the connections")
                all_answered(s.load("--endpoint", "health", "--requests", 300, "--concurrency", 4))
                all_answered(s.load("--requests", 6, "--concurrency", 2))
                for c in crowd:
                    c.close()
                until(lambda: s.descriptors() <= files + 8, "the descriptors to come back")
                if s.sanitized():
                    continue  # its allocator gives nothing back
                # three such crowds take 60 MB where their pieces are kept; the level itself is uncertain by some MB, by
                # what the allocator has given back of the speech before when it is taken
                until(lambda: s.resident() <= level + 15_000_000, "the memory to come back")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_slow_clients_are_dropped_and_nobody_waits_for_them():
    body = json.dumps({"model": "tts-1", "input": "x" * 5000, "voice": "alloy"}).encode()
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    with Serving(PROGRAM, HASTY) as s:
        slow = [(s.connect(), b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000) for _ in range(20)]
        slow += [(s.connect(), head + body) for _ in range(20)]
        for c, _ in slow[20:]:
            c.sendall(head)
        sent = {c: len(head) if i >= 20 else 0 for i, (c, _) in enumerate(slow)}
        open_, served = slow, 0
        end = time.monotonic() + DEADLINE
        while open_:
            assert time.monotonic() < end, f"{len(open_)} slow clients are still served"
            for c, data in open_:
                try:
                    c.sendall(data[sent[c]:sent[c] + 1])
                    sent[c] += 1
                except OSError:
                    pass
            open_ = [(c, data) for c, data in open_ if not is_closed(c)]
            served += s.health()["status"] == "ok"
            time.sleep(0.02)
        for c, _ in slow:
            c.close()
        assert served > 5
        s.speaks()


def test_one_client_in_ten_hangs_up():
    with Serving(PROGRAM) as s:
        s.speaks()
        files = s.descriptors()
        children = [s.load("--stream", "--hangup", 0.1, "--concurrency", 6, "--requests", 24, "--clients", 6, start=True),
                    s.load("--hangup", 0.1, "--requests", 8, "--concurrency", 3, "--endpoint", "tts", start=True)]
        results = [finish(c) for c in children]
        for o in results:
            all_answered(o)
        assert sum(o["hung_up"] for o in results) > 0
        at_rest(s)
        until(lambda: s.descriptors() <= files + 4, "the descriptors to come back")


def test_who_leaves_stops_the_work():
    with Serving(PROGRAM) as s:
        crowd = [s.connect() for _ in range(20)]
        for c in crowd:
            c.sendall(speech_request(SENTENCE * 60))
        until(lambda: s.health()["queue"]["queued"] > 5, "a queue")
        for i, c in enumerate(crowd):  # half say good-bye, half break
            if i % 2:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        at_rest(s)
        s.speaks()


def test_no_descriptors_left():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))

    with Serving(PROGRAM, preexec_fn=few) as s:
        s.speaks()
        crowd = []
        for _ in range(120):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(("127.0.0.1", s.port))
            crowd.append(c)
        until(lambda: s.descriptors() >= 44, "the last descriptors")
        before = s.cpu()
        time.sleep(1)  # in which it does not run in circles
        assert s.cpu() - before < 0.7 or s.sanitized(), s.cpu() - before
        for c in crowd:
            c.close()
        until(lambda: s.descriptors() < 40, "the descriptors to come back")
        s.speaks()


def test_a_storm_of_reloads():
    with Serving(PROGRAM) as s:
        speech = s.load("--concurrency", 4, "--duration", 1, start=True)
        small = s.load("--endpoint", "voices", "--rate", 100, "--duration", 1, start=True)
        while speech.poll() is None:
            for _ in range(20):
                s.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        all_answered(finish(speech))
        all_answered(finish(small))
        s.speaks()


def test_the_wall_clock_jumps():
    if not CLOCK:
        raise Skip("without the library that moves the clock")
    with tempfile.NamedTemporaryFile() as f:
        f.write(bytes(8))
        f.flush()
        offset = mmap.mmap(f.fileno(), 8)
        # an address sanitizer's library wants to come first
        env = {"LD_PRELOAD": CLOCK, "ISHOW_TEST_CLOCK": f.name,
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        with Serving(PROGRAM, "[server]\nrequest_timeout = 20\n", env=env) as s:
            child = s.load("--concurrency", 4, "--duration", 1, "--clients", 2, start=True)
            jumps = [86400, -86400, 315360000, -315360000, 0, 3600, -3600, 59]
            while child.poll() is None:
                jump = jumps[0]
                jumps.append(jumps.pop(0))
                offset[:] = struct.pack("q", jump)
                status, _, headers = s.ask("GET", "/api/health")
                assert status == 200 and s.health()["uptime_seconds"] < 3600, headers
                time.sleep(0.05)
            all_answered(finish(child))
            year = time.gmtime(time.time() + 315360000).tm_year
            offset[:] = struct.pack("q", 315360000)
            assert str(year) in s.ask("GET", "/api/health")[2]["date"], "the clock was not moved"
            s.speaks()
        offset.close()


# -------- nonsense --------

JSON_BODIES = [
    b"", b"{", b"[]", b"null", b"1e999", b'"text"', b"{}", b'{"input":1}', b'{"input":"x"', b"\xff\xfe", b'{"input":"\xff"}',
    b'{"input":"\\ud800"}', b'{"input":"a\\u0000b","model":"tts-1","voice":"alloy"}', b"[" * 100_000, b'{"a":' * 50_000,
    b'{"input":' + b"9" * 10_000 + b"}", b'{"input":"x","input":"y"}', b'{"model":"tts-1","voice":{},"input":"hi"}',
    b'{"model":"tts-1","voice":"alloy","input":"hi","speed":1e308}', b'{"model":"tts-1","voice":"alloy","input":"hi","speed":"fast"}',
    b'{"model":"tts-1","voice":"alloy","input":"hi","response_format":"../../etc/passwd"}',
    b'{"model":"tts-1","voice":"../../etc/passwd","input":"hi"}', b'{"model":"tts-1","voice":"alloy","input":""}',
    b'{"model":"tts-1","voice":"alloy","input":"' + b" " * 5000 + b'"}', b"\0" * 100,
    b'{"model":"tts-1","voice":"alloy","input":"' + b"x" * 70_000 + b'"}',
]

RAW = [
    b"\0", b"\r\n\r\n\r\n\r\n", b"GET", b"GET / HTTP/1.1", b"GET /\r\n\r\n", b"\xff" * 5000, b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + CRLF,
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX" + b"x" * 100_000 + b": y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"GET / HTTP/1.1\nHost: localhost\n\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /%zz%f HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/voices/%2e%2e%2f%2e%2e%2fetc%2fpasswd/reference/audio HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/health?" + b"a=b&" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/health?=&&=%&a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n{}",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x2\r\n\r\n{}",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 50_000 + b"\r\n{\r\n",
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 5000,
    b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nExpect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /api/voices HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /api/voices HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n--b\r\n\r\n--",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n\x81\xff\xff",
    b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200,
    b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
]


def say(s, data, half_close):
    """What comes back for raw bytes, until the server closes."""
    with s.connect() as c:
        try:
            c.sendall(data)
            if half_close:
                c.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it had heard enough
        out = b""
        try:
            while piece := c.recv(65536):
                out += piece
        except ConnectionError:
            pass
        return out


def test_nonsense_is_answered_or_hung_up_on():
    with Serving(PROGRAM, HASTY + "idle_timeout = 1\n") as s:
        results = {}

        def try_one(i, data, half_close):
            try:
                results[i, half_close] = say(s, data, half_close)
            except Exception as why:  # a time-out: neither answered nor closed
                results[i, half_close] = why

        crowd = [threading.Thread(target=try_one, args=(i, data, half)) for i, data in enumerate(RAW) for half in (0, 1)]
        for t in crowd:
            t.start()
        for t in crowd:
            t.join()
        for (i, half), out in results.items():
            assert isinstance(out, bytes), (RAW[i][:80], half, out)
            assert out == b"" or out.startswith(b"HTTP/1."), (RAW[i][:80], out[:80])
            assert b"root:" not in out and b" 500 " not in out[:40], (RAW[i][:80], out[:200])
        s.speaks()
        at_rest(s)


def test_nonsense_in_json_is_told_what_is_wrong():
    with Serving(PROGRAM) as s:
        for path in ("/v1/audio/speech", "/api/tts", "/shimmy/generate"):
            for body in JSON_BODIES:
                status, answer, _ = s.ask("POST", path, body or b"", {"Content-Type": "application/json"})
                assert status < 500, (path, body[:60], status, answer[:200])
                if path == "/v1/audio/speech" and status >= 400:
                    assert json.loads(answer)["error"]["message"], (body[:60], answer[:200])
        s.speaks()


def test_noise():
    """Bytes without any sense, a few thousand times: cut, doubled and flipped requests."""
    import random
    random.seed(4)
    seeds = RAW + [speech_request("Hi.") + speech_request("Ho.")]
    with Serving(PROGRAM, HASTY + "idle_timeout = 1\n") as s:
        for _ in range(40):
            crowd = []
            for _ in range(50):
                data = bytearray(random.choice(seeds)[:3000])
                for _ in range(random.randrange(1, 20)):
                    at = random.randrange(len(data))
                    how = random.randrange(3)
                    if how == 0:
                        data[at] = random.randrange(256)
                    elif how == 1:
                        del data[at:at + random.randrange(1, 30)]
                    else:
                        data[at:at] = data[at:at + random.randrange(1, 60)]
                    if not data:
                        data = bytearray(b"\n")
                c = s.connect()
                try:
                    c.sendall(data)
                except OSError:
                    pass
                crowd.append(c)
            for c in crowd:
                c.close()
        s.speaks()
        at_rest(s)


run_tests(globals())
