"""Speech that is heard while it is made: when it begins, what it adds up to, how it ends, and what becomes of it when
nobody listens any more. Usage: test_streams.py PROGRAM; prints TAP."""
import base64
import http.client
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import DEADLINE, Serving, until  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
LONG = ("This sentence is said again and again, so that the server has something to do. " * 60)[:4000]


def begin(method, path, body=None):
    """A connection and an answer whose headers are here."""
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    c.request(method, path, json.dumps(body) if body else None)
    return c, c.getresponse()


def events_of(text):
    """[(event, data)]"""
    blocks = [b for b in text.decode().split("\n\n") if b]
    return [(dict(line.split(": ", 1) for line in b.split("\n")).get("event"),
             json.loads(b.split("data: ", 1)[1])) for b in blocks]


def busy():
    queue = server.health()["queue"]
    return queue["running"] + queue["queued"]


def counted(name):
    _, page, _ = server.ask("GET", "/metrics")
    return sum(float(line.split()[-1]) for line in page.decode().split("\n") if line.startswith(name))


def test_it_begins_before_it_ends():
    connection, answer = begin("POST", "/api/tts", {"text": LONG[:2000], "format": "pcm", "stream": True})
    assert answer.status == 200 and answer.read(2), answer.status
    assert busy() == 1, "all of it was made before the first sound came"
    assert answer.getheader("x-ishow-engine") == "builtin"
    sound = answer.read()
    connection.close()
    assert len(sound) > 50 * 48000


def test_events_add_up():
    _, text, headers = server.ask("GET", "/api/tts/stream?text=Hello+chat.+How+are+you+today?&format=pcm")
    events = events_of(text)
    assert [name for name, _ in events] == ["start"] + ["audio"] * (len(events) - 2) + ["done"]
    assert [data["seq"] for name, data in events if name == "audio"] == list(range(len(events) - 2))
    sound = b"".join(base64.b64decode(data["audio"]) for name, data in events if name == "audio")
    start, done = events[0][1], events[-1][1]
    assert start["request_id"] == done["request_id"] == headers["x-request-id"]
    assert start["sample_rate"] == 24000 and done["waveform_len"] * 2 == len(sound)
    assert abs(done["audio_seconds"] - len(sound) / 48000) < 0.01 and done["rtf"] > 0


def test_every_format_can_be_streamed():
    for form, beginning in {"wav": b"RIFF", "flac": b"fLaC", "ogg": b"OggS", "opus": b"OggS", "mp3": b"\xff"}.items():
        status, sound, headers = server.ask("POST", "/api/tts", {"text": "Hello chat.", "format": form, "stream": True})
        assert status == 200 and sound.startswith(beginning) and len(sound) > 2000, (form, status, sound[:20])
        assert headers["transfer-encoding"] == "chunked", headers


def cut_off(method, path_of, body_of):
    """The answer to a request whose deadline passes after its first sound: longer and longer deadlines are tried until
    there is one."""
    for milliseconds in (50, 100, 200, 400, 800, 1600, 3200):
        connection, answer = begin(method, path_of(milliseconds), body_of(milliseconds))
        try:
            if answer.status == 200:
                return answer, answer.read()
            assert answer.status == 504 and json.loads(answer.read())["error"]["code"] == "timeout"
        finally:
            connection.close()
    raise AssertionError("no speech began in 3.2 s")


def test_a_deadline_cuts_off_a_stream():
    try:
        cut_off("POST", lambda ms: "/api/tts",
                lambda ms: {"text": LONG, "format": "pcm", "stream": True, "timeout_ms": ms})
    except http.client.IncompleteRead as e:
        assert len(e.partial) > 0
    else:
        raise AssertionError("the stream has an end, as if nothing was missing")


def test_a_deadline_is_told_among_events():
    query = LONG[:3000].replace(" ", "+")
    _, text = cut_off("GET", lambda ms: f"/api/tts/stream?timeout_ms={ms}&text={query}", lambda ms: None)
    events = events_of(text)
    assert events[0][0] == "start" and events[1][0] == "audio", events[:1]
    assert events[-1][0] == "error" and events[-1][1]["error"]["code"] == "timeout", events[-1]

    _, text = cut_off("POST", lambda ms: "/v1/audio/speech",
                      lambda ms: {"input": LONG, "response_format": "pcm", "stream_format": "sse", "timeout_ms": ms})
    assert events_of(text)[-1][1]["error"]["code"] == "timeout"


def test_who_hangs_up_stops_the_speech():
    for body in ({"text": LONG, "stream": True, "format": "pcm"}, {"text": LONG}):
        before = counted("tts_cancelled_total")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        connection.request("POST", "/api/tts", json.dumps(body))
        if body.get("stream"):
            connection.getresponse().read(2)
        else:
            until(lambda: busy() == 1, "the speech's begin")
        connection.close()
        until(lambda: busy() == 0, "the speech's end")
        assert counted("tts_cancelled_total") == before + 1


with Serving(PROGRAM) as server:
    run_tests(globals())
