"""The server under more load than it can bear, in short: nothing is lost, everyone is answered. What it costs is told by
`make load`. Usage: test_server_load.py PROGRAM; prints TAP."""
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import SENTENCE, Serving, finish, until  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
SMALL_QUEUE = "[queue]\ncapacity = 4\nper_client = 4\n"


def counts(o):
    return {status: t["count"] for status, t in o["statuses"].items()}


def all_answered(o, statuses):
    assert o["answered"] + o["hung_up"] == o["requests"] and o["failed"] == o["not_sent"] == o["unfinished"] == 0, o
    assert set(o["statuses"]) <= set(statuses), o["statuses"]


def at_rest(s):
    """The queue is empty, nobody speaks."""
    def look():
        queue = s.health()["queue"]
        return queue["queued"] == queue["running"] == 0
    until(look, "the queue to be empty")


def test_as_many_as_the_queue_bears_are_all_spoken():
    with Serving(PROGRAM) as s:
        o = s.load("--concurrency", 8, "--requests", 16, "--clients", 4)
        all_answered(o, ["200"])
        assert o["audio_seconds"] > 16
        at_rest(s)


def test_more_are_turned_away_and_told_when_to_come_again():
    with Serving(PROGRAM, SMALL_QUEUE) as s:
        child = s.load("--rate", 150, "--duration", 1, "--clients", 10, start=True)
        answers = []

        def ask():
            answers.append(s.speak())

        while child.poll() is None:
            crowd = [threading.Thread(target=ask) for _ in range(12)]
            for t in crowd:
                t.start()
            for t in crowd:
                t.join()
        o = finish(child)
        all_answered(o, ["200", "503"])
        assert counts(o).get("503", 0) > 0 and o["ok"] > 0, counts(o)
        refused = [headers for status, _, headers in answers if status == 503]
        assert refused and all(int(h["retry-after"]) >= 1 for h in refused), refused[:3]
        assert {status for status, _, _ in answers} <= {200, 503}
        at_rest(s)
        s.speaks()


def test_small_requests_are_answered_beside_speech():
    with Serving(PROGRAM) as s:
        speech = s.load("--concurrency", 4, "--duration", 1, start=True)
        for endpoint in ("health", "voices", "/metrics", "/v1/models"):
            all_answered(s.load("--endpoint", endpoint, "--concurrency", 16, "--requests", 200), ["200"])
        all_answered(s.load("--endpoint", "health", "--requests", 100, "--concurrency", 8, "--no-keepalive"), ["200"])
        all_answered(finish(speech), ["200"])


def test_streams_and_the_originals_route():
    with Serving(PROGRAM) as s:
        children = [s.load("--stream", "--format", "pcm", "--concurrency", 3, "--requests", 6, start=True),
                    s.load("--endpoint", "tts", "--concurrency", 3, "--requests", 6, start=True),
                    s.load("--endpoint", "tts", "--stream", "--concurrency", 2, "--requests", 4, start=True),
                    s.load("--format", "mp3", "--concurrency", 2, "--requests", 4, start=True)]
        results = [finish(c) for c in children]
        for o in results:
            all_answered(o, ["200"])
        assert results[0]["audio_seconds"] > 6 and results[1]["audio_seconds"] > 6
        assert results[0]["first_audio_ms"]["count"] == 6


def test_an_end_under_load_finishes_what_was_begun():
    with Serving(PROGRAM, "[server]\ndrain_timeout = 300\nrequest_timeout = 300\n") as s:
        answers = []

        def ask():
            try:
                answers.append(s.speak(SENTENCE * 2))
            except OSError:
                answers.append((0, b"", {}))  # it came when nobody listened any more

        crowd = [threading.Thread(target=ask) for _ in range(12)]
        for t in crowd:
            t.start()
        until(lambda: s.health()["queue"]["running"] + s.health()["queue"]["queued"] >= 4, "work")
        begun = s.health()["queue"]
        s.stop()
        for t in crowd:
            t.join()
        assert sum(status == 200 for status, _, _ in answers) >= begun["running"] + begun["queued"], (
            begun, [status for status, _, _ in answers])
        assert {status for status, _, _ in answers} <= {200, 503, 0}


run_tests(globals())
