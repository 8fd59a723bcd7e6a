"""OpenAI's own Python client, unmodified, against a running server. Usage: test_openai_client.py PROGRAM BUILD; prints
TAP."""
import io
import json
import os
import sys
import threading
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pypi import need_packages  # noqa: E402

need_packages(sys.argv[2])

import openai  # noqa: E402
from serving import Serving  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TOKEN = "a-token-for-the-client-1234"
LONG = "This sentence is said again and again, so that the server has something to do. " * 50
SOUNDS = {"mp3": (b"\xff", b"ID3"), "opus": (b"OggS",), "flac": (b"fLaC",), "wav": (b"RIFF",), "pcm": (b"",)}


def client_of(server, token=TOKEN, **options):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=token, timeout=60, **{"max_retries": 0, **options})


def refused(kind, call):
    try:
        call()
    except kind as e:
        return e
    raise AssertionError(f"expected {kind.__name__}")


def near(a, b):
    """The built-in voice is not as long each time."""
    return abs(a - b) < 0.1 * b


def test_every_format():
    for form, beginnings in SOUNDS.items():
        speech = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello chat!", response_format=form)
        sound = speech.read()
        assert len(sound) > 1000 and sound.startswith(beginnings), (form, sound[:20])
        assert int(speech.response.headers["content-length"]) == len(sound)


def test_mp3_is_the_default():
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice="coral", input="Hello.",
                                        instructions="Cheerfully.")
    assert speech.response.headers["content-type"] == "audio/mpeg"


def test_a_wav_has_its_size():
    speech = client.audio.speech.create(model="tts-1-hd", voice="nova", input="Hello chat!", response_format="wav",
                                        speed=1.25)
    with wave.open(io.BytesIO(speech.read())) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (24000, 1, 2)
        assert 0.2 < w.getnframes() / 24000 < 3


def test_pcm_is_that_of_the_wav():
    one = {"model": "builtin", "voice": "builtin", "input": "Hello chat!"}
    wav = client.audio.speech.create(**one, response_format="wav").read()
    pcm = client.audio.speech.create(**one, response_format="pcm").read()
    assert wav[36:40] == b"data" and int.from_bytes(wav[40:44], "little") == len(wav) - 44
    assert near(len(wav) - 44, len(pcm)), (len(wav), len(pcm))


def test_a_stream_comes_in_pieces():
    with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=LONG[:400], response_format="pcm", stream_format="audio") as speech:
        assert speech.headers["transfer-encoding"] == "chunked"
        streamed = b"".join(speech.iter_bytes(4096))
    whole = client.audio.speech.create(model="tts-1", voice="alloy", input=LONG[:400], response_format="pcm").read()
    assert near(len(streamed), len(whole)), (len(streamed), len(whole))


def test_who_has_left_a_stream_is_served_again():
    with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=LONG[:4000], response_format="pcm", stream_format="audio") as speech:
        next(speech.iter_bytes(1024))
    client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")


def test_events_hold_the_sound():
    speech = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello chat!", response_format="pcm",
                                        stream_format="sse")
    assert speech.response.headers["content-type"] == "text/event-stream"
    events = [json.loads(line[6:]) for line in speech.text.split("\n") if line.startswith("data: ")]
    assert {e["type"] for e in events[:-1]} == {"speech.audio.delta"}
    usage = events[-1]["usage"]
    assert events[-1]["type"] == "speech.audio.done"
    assert usage["input_tokens"] == 11 and usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_more_fields_by_extra_body():
    speech = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello chat!",
                                        extra_body={"priority": "high", "timeout_ms": 30000, "unheard_of": 1})
    assert speech.response.headers["x-ishow-ignored"] == "unheard_of"


def test_models():
    models = [m.id for m in client.models.list()]
    assert {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "builtin", "f5"} <= set(models), models
    assert client.models.retrieve("tts-1").id == "tts-1"
    error = refused(openai.NotFoundError, lambda: client.models.retrieve("whisper-1"))
    assert error.code == "model_not_found" and error.type == "invalid_request_error"


def test_errors_are_its_own():
    def speak(**fields):
        return lambda: client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hello.", **fields})
    error = refused(openai.BadRequestError, speak(input=""))
    assert (error.param, error.code, error.type) == ("input", "string_below_min_length", "invalid_request_error")
    assert refused(openai.BadRequestError, speak(response_format="aac")).param == "response_format"
    assert refused(openai.BadRequestError, speak(voice="nobody")).code == "voice_not_found"
    assert refused(openai.NotFoundError, speak(model="whisper-1")).param == "model"
    error = refused(openai.InternalServerError, speak(input=LONG[:4000], extra_body={"timeout_ms": 1}))
    assert error.status_code == 504 and error.code == "timeout"
    assert refused(openai.NotFoundError, lambda: client.embeddings.create(model="a", input="b")).code == "not_found"


def test_tokens():
    with Serving(PROGRAM, f'[auth]\ntoken = "{TOKEN}"\n') as closed:
        error = refused(openai.AuthenticationError, lambda: client_of(closed, "a-wrong-token-1234567").models.list())
        assert error.type == "authentication_error" and error.code == "bad_token", error.body
        assert len(list(client_of(closed).models.list())) > 3
        assert client_of(closed).audio.speech.create(model="tts-1", voice="alloy", input="Hello.").read()


def test_request_ids():
    speech = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.",
                                        extra_headers={"x-request-id": "mine-1"})
    assert speech.response.headers["x-request-id"] == "mine-1"
    error = refused(openai.BadRequestError, lambda: client.audio.speech.create(model="tts-1", voice="alloy", input=""))
    assert error.request_id == error.response.headers["x-request-id"]


def test_a_full_queue_is_tried_again():
    """One worker and one place in the queue: of four at a time some are turned away, wait as long as Retry-After
    says, and are spoken in the end."""
    with Serving(PROGRAM, "workers = 1\n[queue]\ncapacity = 1\n") as narrow:
        outcome = []

        def speak(client):
            try:
                speech = client.audio.speech.create(model="tts-1", voice="alloy", input=LONG[:400])
                outcome.append(speech.response.status_code)
            except openai.APIStatusError as e:
                outcome.append(e)

        def at_once(retries):
            outcome.clear()
            threads = [threading.Thread(target=speak, args=(client_of(narrow, max_retries=retries),)) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            return outcome

        refusals = [e for e in at_once(0) if e != 200]
        assert refusals and all(e.status_code == 503 and e.code == "overloaded" for e in refusals), refusals
        assert all(1 <= int(e.response.headers["retry-after"]) <= 60 for e in refusals)
        assert isinstance(refusals[0], openai.InternalServerError)
        assert at_once(20) == [200] * 4, outcome


with Serving(PROGRAM) as server:
    client = client_of(server)
    run_tests(globals())
