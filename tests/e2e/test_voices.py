#!/usr/bin/env python3
"""Voices and history of a running server: uploads, overrides, what survives a restart, a kill and a full disk. Usage:
test_voices.py PROGRAM."""
import glob
import http.client
import io
import json
import math
import os
import resource
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time
import urllib.parse
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import DEADLINE, Serving, until  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
WORDS = "Hello there, this is what a voice may sound like."

work = tempfile.mkdtemp(prefix="ishow-voices-")


def tone(seconds=3.0, pitch=120, loud=0.2, tail=0.3, rate=24000):
    """A wav like a voice: harmonics that swell, and silence after them."""
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate)
        n, quiet = int(seconds * rate), int(tail * rate)
        period = max(1, rate // pitch)
        shape = [sum(math.sin(2 * math.pi * k * i / period) / k for k in range(1, 9)) for i in range(period)]
        samples = []
        for i in range(n):
            swell = 0.6 + 0.4 * math.sin(2 * math.pi * 4 * i / rate)
            x = 0 if i >= n - quiet else loud * swell * shape[i % period]
            samples.append(int(max(-1, min(1, x)) * 32767))
        w.writeframes(struct.pack(f"<{n}h", *samples))
    return out.getvalue()


CLIP, OTHER = tone(), tone(pitch=150)


def form(**fields):
    """A multipart body; bytes are files."""
    boundary, body = "7b2c9f", b""
    for name, value in fields.items():
        filename = '; filename="clip.wav"\r\nContent-Type: audio/wav' if isinstance(value, bytes) else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode()
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


VOICES = ('[[f5.voices]]\nid = "demo"\nreference_audio = "demo.wav"\nreference_text = "Words of the demo."\n'
          'language = "en"\nengine_label = "The demo"\n')


class Server(Serving):
    """One whose folder outlives it, to be handed on to the next."""

    def __init__(self, folder=None, more="", **popen):
        folder = folder or tempfile.mkdtemp(dir=work)
        with open(os.path.join(folder, "demo.wav"), "wb") as f:
            f.write(CLIP)
        super().__init__(PROGRAM, more + "\n" + VOICES, folder, **popen)
        self.data = os.path.join(folder, "data")

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def stop(self, how=signal.SIGTERM):
        super().stop(how)
        return self.folder

    def json(self, method, path, expected=200, body=None, headers=None):
        status, answer, _ = self.ask(method, path, body, headers)
        assert status == expected, (method, path, status, answer[:500])
        return json.loads(answer)

    def upload(self, expected=201, **fields):
        return self.json("POST", "/api/voices", expected, *form(**fields))

    def voices(self):
        return {v["id"]: v for v in self.json("GET", "/api/voices")}

    def say(self, text, **more):
        status, sound, headers = self.speak(text, voice="builtin", **more)
        assert status == 200, sound
        return sound, headers


def refused(answer, *words):
    error = answer["error"]
    assert set(error) == {"message", "type", "param", "code"}, error
    for word in words:
        assert word.lower() in error["message"].lower(), (word, error["message"])
    return error


def quote(text):
    return urllib.parse.quote(text, safe="")


def test_the_voices_that_there_are():
    with Server() as s:
        voices = s.json("GET", "/api/voices")
        assert [v["id"] for v in voices] == ["builtin", "demo"], voices
        assert voices[0]["engine"] == "builtin" and "reference_text" not in voices[0], voices[0]
        assert voices[1] == {"id": "demo", "engine": "f5", "engine_label": "The demo", "language": "en",
                             "kind": "config", "reference_text": "Words of the demo.", "default": True, "overridden": False}, voices[1]
        listed = s.json("GET", "/v1/audio/voices")["voices"]
        assert [(v["object"], v["id"], v["name"]) for v in listed] == [
            ("audio.voice", "builtin", "Built-in voice"), ("audio.voice", "demo", "demo")], listed
        refused(s.json("GET", "/api/voices/none/reference", 404), "none")
        s.stop()


def test_an_upload_is_a_voice_and_the_same_clip_the_same():
    with Server() as s:
        first = s.upload(audio=CLIP, text=WORDS, name="My 声音!", language="zh", consent="It is my own voice.")
        assert first["id"] == "My-声音" and first["engine_label"] == "My 声音!" and first["kind"] == "upload", first
        assert isinstance(first["checks"], list)
        assert s.upload(200, audio=CLIP, text=WORDS, name="Another name")["id"] == first["id"]
        refused(s.upload(409, audio=CLIP, text="But other words are in it.", name="x"), first["id"])
        refused(s.upload(409, audio=OTHER, text=WORDS, id=first["id"]), "already")
        refused(s.upload(409, audio=OTHER, text=WORDS, id="demo"), "already")
        assert s.upload(audio=OTHER, text=WORDS, name="My 声音")["id"] == "My-声音-2"
        assert list(s.voices()) == ["My-声音", "My-声音-2", "builtin", "demo"]
        path = "/api/voices/" + quote(first["id"])
        status, sound, headers = s.ask("GET", path + "/reference/audio")
        assert (status, sound, headers["content-type"]) == (200, CLIP, "audio/wav")
        assert headers["x-voice-reference-source"] == "baseline" and headers["cache-control"] == "no-store"
        assert headers["content-disposition"] == 'inline; filename="My-______.wav"; filename*=UTF-8\'\'My-' + \
            quote("声音") + ".wav", headers
        label = json.dumps({"label": "Renamed"})
        assert s.json("PATCH", path, 200, label)["engine_label"] == "Renamed"
        folder = s.stop()
    with Server(folder) as s:
        assert s.voices()[first["id"]]["engine_label"] == "Renamed"
        assert s.ask("GET", path + "/reference/audio")[1] == CLIP
        s.json("DELETE", path)
        s.json("DELETE", path, 404)
        assert first["id"] not in s.voices()
        s.upload(audio=CLIP, text=WORDS, id="again")
        s.stop()


def test_a_voice_in_the_words_of_openai():
    with Server() as s:
        sent = form(name="Ann", audio_sample=CLIP, text=WORDS, consent="cons_1")
        voice = s.json("POST", "/v1/audio/voices", 200, *sent)
        assert voice["object"] == "audio.voice" and voice["id"] == "Ann" and voice["name"] == "Ann", voice
        assert abs(voice["created_at"] - time.time()) < 600
        assert {"id": "Ann", "name": "Ann"}.items() <= s.json("GET", "/v1/audio/voices")["voices"][0].items()
        error = refused(s.json("POST", "/v1/audio/voices", 400, *form(name="Bob", audio_sample=OTHER)), "words")
        assert error["param"] == "text" and error["type"] == "invalid_request_error", error
        s.stop()


def test_overrides_survive_and_go():
    with Server() as s:
        path = "/api/voices/demo/reference"
        before = s.json("GET", path)
        assert before == {"voice_id": "demo", "engine": "f5", "engine_label": "The demo", "language": "en",
                          "active_reference_text": "Words of the demo.",
                          "baseline_reference_text": "Words of the demo.", "baseline_audio_available": True, "override_audio_available": False}, before
        now = s.json("POST", path, 200, *form(text="The words that are in the other clip."))
        assert now["active_reference_text"] == now["override_reference_text"] == "The words that are in the other clip."
        assert now["override_updated_at"].endswith("Z") and not now["override_audio_available"]
        s.json("POST", path, 200, *form(audio=OTHER))
        s.stop(signal.SIGKILL)
        folder = s.folder
    with Server(folder) as s:
        now = s.json("GET", path)
        assert now["active_reference_text"] == "The words that are in the other clip."
        assert now["override_audio_available"]
        assert now["baseline_reference_text"] == "Words of the demo."
        assert s.voices()["demo"]["overridden"]
        for source, clip in (("", OTHER), ("?source=override", OTHER), ("?source=baseline", CLIP)):
            status, sound, headers = s.ask("GET", path + "/audio" + source)
            assert status == 200 and sound == clip, source
            assert headers["x-voice-reference-source"] == ("baseline" if clip == CLIP else "override")
        s.json("GET", path + "/audio?source=other", 400)
        assert s.json("DELETE", path) == before
        assert s.json("DELETE", path) == before
        s.json("GET", path + "/audio?source=override", 404)
        s.stop()
    with Server(folder) as s:
        assert s.json("GET", path) == before
        refused(s.json("POST", "/api/voices/builtin/reference", 409, *form(text="x")), "built-in")
        refused(s.json("DELETE", "/api/voices/demo", 409), "configuration")
        s.stop()


def test_what_is_wrong_is_said():
    big = CLIP + bytes((10 << 20) + 1 - len(CLIP))
    cases = [
        (400, {"text": WORDS, "name": "x"}, "audio", "clip"),
        (400, {"audio": CLIP, "name": "x"}, "text", "words"),
        (400, {"audio": CLIP, "text": "  \n", "name": "x"}, "text", "words"),
        (400, {"audio": CLIP, "text": WORDS}, "name", "called"),
        (400, {"audio": CLIP, "text": WORDS, "id": "../../etc/passwd"}, "id", "letters"),
        (400, {"audio": CLIP, "text": WORDS, "id": "a\r\nb"}, "id", "letters"),
        (400, {"audio": CLIP, "text": WORDS, "id": "builtin"}, "id", "no model"),
        (400, {"audio": CLIP, "text": "x" * 3000, "id": "x"}, "text", "2000"),
        (413, {"audio": big, "text": WORDS, "id": "x"}, "audio", "bytes"),
        (422, {"audio": b"<html>no sound</html>", "text": WORDS, "id": "x"}, "audio", "sound file"),
        (422, {"audio": CLIP[:60], "text": WORDS, "id": "x"}, "audio", ""),
        (422, {"audio": tone(seconds=0.6), "text": "Hi.", "id": "x"}, "audio", "of speech"),
        (422, {"audio": tone(seconds=40, rate=8000), "text": WORDS * 8, "id": "x"}, "audio", "30"),
        (422, {"audio": tone(loud=0), "text": WORDS, "id": "x"}, "audio", ""),
        (422, {"audio": tone(loud=8), "text": WORDS, "id": "x"}, "audio", "clipped"),
        (422, {"audio": CLIP, "text": WORDS * 10, "id": "x"}, "audio", "more words"),
        (422, {"audio": b"RIFF\xff\xff\xff\xffWAVE" + os.urandom(1000), "text": WORDS, "id": "x"}, "audio", ""),
    ]
    with Server() as s:
        for status, fields, param, word in cases:
            assert refused(s.upload(status, **fields), word)["param"] == param, (status, param)
        body, headers = form(audio=CLIP, text=WORDS, name="x")
        refused(s.json("POST", "/api/voices", 400, body[:-20], headers))
        refused(s.json("POST", "/api/voices", 415, b"{}", {"Content-Type": "application/json"}), "form")
        assert list(s.voices()) == ["builtin", "demo"]
        assert not os.listdir(os.path.join(s.data, "clips"))
        s.stop()


def test_paths_lead_nowhere_else():
    with Server() as s:
        for name in ("..", "../demo", "..%2f..%2fstate.db", "demo%00", "%2e%2e/%2e%2e/state.db", "a%0d%0aSet-Cookie:x"):
            for rest in ("/reference", "/reference/audio", ""):
                status, answer, headers = s.ask("DELETE" if not rest else "GET", "/api/voices/" + name + rest)
                assert 400 <= status < 500, (name, rest, status)
                assert "set-cookie" not in headers and b"SQLite" not in answer
        s.stop()


def test_a_preview_is_a_sentence_of_the_voice():
    with Server() as s:
        for body in (None, {}, {"text": "Another sentence."}, {"format": "mp3"}):
            status, sound, headers = s.ask("POST", "/api/voices/builtin/preview", body)
            mp3 = bool(body) and "format" in body
            assert status == 200 and headers["content-type"] == ("audio/mpeg" if mp3 else "audio/wav"), (body, sound[:200])
            assert len(sound) > (5000 if mp3 else 20000)
        refused(s.json("POST", "/api/voices/none/preview", 404), "none")
        refused(s.json("POST", "/api/voices/alloy/preview", 404), "alloy")
        refused(s.json("POST", "/api/voices/builtin/preview", 400, b"[1]"))
        refused(s.json("POST", "/api/voices/builtin/preview", 400, {"text": 5}))
        s.stop()


def test_a_kill_during_uploads():
    """What was answered is there, whole; what was not may be there, but whole too."""
    clips = [tone(seconds=3, pitch=80 + 3 * i) for i in range(40)]
    for seen in (1, 4, 9):
        with Server() as s:
            answered, lock = [], threading.Lock()

            def send(first):
                for i in range(first, len(clips), 4):
                    try:
                        sent = form(audio=clips[i], text=WORDS, id=f"v{i}")
                        status, answer, _ = s.ask("POST", "/api/voices", *sent)
                    except (OSError, http.client.HTTPException):
                        return
                    if status == 201:
                        with lock:
                            answered.append(json.loads(answer)["id"])

            threads = [threading.Thread(target=send, args=(i,)) for i in range(4)]
            for t in threads:
                t.start()
            until(lambda: len(answered) >= seen)
            s.stop(signal.SIGKILL)
            for t in threads:
                t.join(DEADLINE)
            folder = s.folder
        with Server(folder) as s:
            there = {v for v in s.voices() if v.startswith("v")}
            assert set(answered) <= there, (answered, there)
            for v in there:
                assert s.ask("GET", f"/api/voices/{v}/reference/audio")[1] == clips[int(v[1:])], v
            assert not [e for e in s.events if e.get("event") == "store"], s.events
            s.stop()


def test_history_pages_search_and_sound():
    with Server() as s:
        sounds = []
        for i, text in enumerate(("One fish.", "Two fish.", "Red fish 100%.", "Blue bird.")):
            sounds.append(s.say(text, **({"stream_format": "audio"} if i == 1 else {})))
        until(lambda: s.json("GET", "/api/history")["total"] == 4)
        page = s.json("GET", "/api/history?limit=3")
        assert [g["text"] for g in page["items"]] == ["Blue bird.", "Red fish 100%.", "Two fish."], page
        newest = page["items"][0]
        assert newest["voice_id"] == "builtin" and newest["engine"] == "builtin" and newest["format"] == "wav"
        assert newest["request_id"] == sounds[3][1]["x-request-id"]
        assert newest["audio_seconds"] > 0.2 and newest["seconds"] > 0 and newest["rtf"] > 0
        assert newest["params"]["speed"] == 1 and abs(newest["time_ms"] / 1000 - time.time()) < 600
        rest = s.json("GET", f"/api/history?limit=3&before={page['next']}")
        assert [g["text"] for g in rest["items"]] == ["One fish."] and rest["next"] is None
        found = s.json("GET", "/api/history?q=FISH")["items"]
        assert [g["text"] for g in found] == ["Red fish 100%.", "Two fish.", "One fish."]
        assert [g["text"] for g in s.json("GET", "/api/history?q=" + quote("0%"))["items"]] == ["Red fish 100%."]
        for bad in ("limit=0", "limit=x", "limit=201", "limit=1.5", "before=-1", "before=99999999999999999999",
                    "q=" + "x" * 300):
            s.json("GET", "/api/history?" + bad, 400)
        one = s.json("GET", f"/api/history/{newest['id']}")
        assert one == newest
        status, sound, headers = s.ask("GET", f"/api/history/{newest['id']}/audio")
        assert (status, headers["content-type"], sound) == (200, "audio/wav", sounds[3][0])
        streamed = [g for g in page["items"] if g["text"] == "Two fish."][0]
        sound = s.ask("GET", f"/api/history/{streamed['id']}/audio")[1]
        with wave.open(io.BytesIO(sound)) as w:  # its sizes are true, though it was streamed
            assert abs(w.getnframes() / 24000 - streamed["audio_seconds"]) < 0.01
        folder = s.stop()
    with Server(folder) as s:
        assert s.json("GET", f"/api/history/{newest['id']}") == newest
        s.json("DELETE", f"/api/history/{newest['id']}")
        s.json("DELETE", f"/api/history/{newest['id']}", 404)
        s.json("GET", f"/api/history/{newest['id']}/audio", 404)
        for bad in ("none", "0", "-1", "1x", "99999999999999999999"):
            s.json("GET", f"/api/history/{bad}", 404)
        assert s.json("DELETE", "/api/history")["deleted"] == 3
        assert s.json("GET", "/api/history") == {"items": [], "next": None, "total": 0, "total_bytes": 0}
        s.stop()


def test_history_keeps_the_last_and_may_be_off():
    with Server(more="[history]\nkeep = 2") as s:
        for text in ("One.", "Two.", "Three."):
            s.say(text)
        until(lambda: [g["text"] for g in s.json("GET", "/api/history")["items"]] == ["Three.", "Two."])
        s.stop()
    with Server(more="[history]\nenabled = false") as s:
        s.say("Nobody remembers.")
        assert s.json("GET", "/api/history")["total"] == 0
        s.stop()


def test_a_damaged_database_is_set_aside():
    with Server() as s:
        s.upload(audio=CLIP, text=WORDS, id="v")
        s.say("Hello.")
        until(lambda: s.json("GET", "/api/history")["total"] == 1)
        folder = s.stop()
    for name in ("state.db", "history.db"):
        with open(os.path.join(folder, "data", name), "r+b") as f:
            f.write(b"this was a database once" * 10)
    with Server(folder) as s:
        notice = s.wait_event("store")["notice"]
        assert "state.db" in notice and "damaged-" in notice, notice
        assert list(s.voices()) == ["builtin", "demo"]
        assert s.json("GET", "/api/history")["total"] == 0
        s.upload(audio=CLIP, text=WORDS, id="v")
        aside = glob.glob(os.path.join(folder, "data", "damaged-*"))
        files = sorted(os.path.basename(f) for a in aside for f in glob.glob(a + "/*"))
        assert files == ["clips", "history.db", "state.db"], files
        s.stop()


def test_a_folder_that_cannot_be_used():
    folder = tempfile.mkdtemp(dir=work)
    with open(os.path.join(folder, "data"), "w", encoding="utf-8"):
        pass
    with Server(folder) as s:
        assert s.wait_event("data_unusable")["folder"] == s.data
        assert list(s.voices()) == ["builtin", "demo"]
        refused(s.upload(507, audio=CLIP, text=WORDS, id="v"), "folder")
        assert s.ask("GET", "/api/history")[0] == 503 and int(s.ask("GET", "/api/history")[2]["retry-after"]) > 0
        assert s.say("It speaks all the same.")[0][:4] == b"RIFF"
        assert s.ask("GET", "/api/voices/demo/reference/audio")[1] == CLIP
        s.stop()


def test_a_full_disk():
    """Files may not grow beyond 300 kB, which is what a full disk looks like to who writes them."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    with Server(preexec_fn=limit, restore_signals=False) as s:  # Python ignores SIGXFSZ, and so does the server then
        refused(s.upload(507, audio=tone(seconds=10), text=WORDS, id="large"), "too large")
        s.upload(audio=CLIP, text=WORDS, id="small")
        for i in range(12):
            s.say("A sentence that is long enough to fill the history with its sound, as many do, one after another.")
        assert "history" in s.wait_event("store")["notice"]
        s.json("GET", "/api/history", 503)
        assert sorted(s.voices()) == ["builtin", "demo", "small"]
        folder = s.stop()
    with Server(folder) as s:
        assert s.ask("GET", "/api/voices/small/reference/audio")[1] == CLIP
        s.say("There is room again.")
        until(lambda: s.json("GET", "/api/history")["items"][:1] and
              s.json("GET", "/api/history")["items"][0]["text"] == "There is room again.")
        s.stop()


if __name__ == "__main__":
    try:
        run_tests(globals())
    finally:
        shutil.rmtree(work, ignore_errors=True)
