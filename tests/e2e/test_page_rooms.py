"""The rooms Studio, Voices and Insight in headless Chromium before the real server: speech that is heard while it is made, two
settings compared without knowing which is which, a voice from the microphone and from a file, figures that follow what
happens. Usage: test_page_rooms.py PROGRAM; prints TAP."""
import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402
from serving import Serving  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TEXT = "Thanks for the follow! And welcome to the stream, where we play old games until late."
WORDS = "The quick brown fox jumps over the lazy dog, and goes home."
SOUNDS = "import('/app/sounder.js').then((s) => s.playing() !== null && s.position(s.playing()) > 0.1)"
SILENT = "import('/app/sounder.js').then((s) => s.playing() === null)"

kept = {}


def browser():
    """Its microphone hears WORDS again and again, with a second of silence between."""
    if "browser" not in kept:
        kept["folder"] = tempfile.TemporaryDirectory(prefix="ishow-microphone-")
        kept["clip"] = os.path.join(kept["folder"].name, "words.wav")
        subprocess.run([PROGRAM, "say", "-o", kept["clip"], "--", WORDS], check=True, stderr=subprocess.DEVNULL)
        kept["browser"] = Browser(microphone=kept["clip"])
        atexit.register(kept["browser"].close)
    return kept["browser"]


@contextlib.contextmanager
def room(name, allowed=()):
    browser()  # or skip at once
    with Serving(PROGRAM, "[server]\ndrain_timeout = 1\n") as server, browser().page(f"{server.url}/#{name}") as page:
        page.server = server
        page.until(f"!!document.querySelector('main:not([aria-busy]) .room.{name} h1')", name)
        yield page
        bad = [c for c in page.complaints if not any(a in c for a in allowed)]
        assert not bad, bad


def ask(page, method, path, body=None):
    status, answer, _ = page.server.ask(method, path, body)
    assert 200 <= status < 300, (status, answer)
    return json.loads(answer) if answer else None


# -------- studio --------

def test_speech_is_heard_and_kept():
    with room("studio") as page:
        page.fill("textbox", "Text", TEXT)
        page.shows(f"{len(TEXT)} of 4,096 characters")
        page.fill("spinbutton", "Speed", "1.3")
        page.click("button", "Speak")
        page.until(SOUNDS, "sound")
        page.until("document.querySelector('.figures')?.innerText.includes('RTF')", "its figures")
        page.until("document.querySelector('.spectrogram').ariaLabel?.includes('Hz')", "a described spectrogram")
        item = ask(page, "GET", "/api/history")["items"][0]
        assert item["text"] == TEXT and item["params"]["speed"] == 1.3, item
        page.click("button", "Stop")
        page.until(SILENT, "silence", seconds=1)
        page.fill("searchbox", "Search the texts", "nothing like it")
        page.shows("Nothing with these words.")
        page.fill("searchbox", "Search the texts", "old games")
        page.until("document.querySelectorAll('.history .what').length === 1", "what was found")
        page.click("button", f"Play {TEXT}")
        page.until(SOUNDS, "sound of the history")


def test_every_format_is_what_it_says():
    with room("studio") as page:
        magic = page.run("""
          const { Take } = await import("/app/take.js");
          const { FORMATS, emptySettings, requestOf } = await import("/app/speech_request.js");
          const take = new Take(requestOf($0, { ...emptySettings(), speed: "2" }));
          await take.make();
          const starts = {};
          for (const format of FORMATS)
            starts[format] = [...new Uint8Array(await (await take.file(format)).slice(0, 4).arrayBuffer())];
          return [starts, take.clip.seconds];""", "Hello chat!")
        starts, seconds = magic
        assert 0.2 < seconds < 3, seconds
        told = {f: bytes(b) for f, b in starts.items()}
        assert told["wav"] == b"RIFF" and told["flac"] == b"fLaC" and told["ogg"] == told["opus"] == b"OggS", told
        assert told["mp3"][0] == 0xFF or told["mp3"][:3] == b"ID3", told


def test_what_is_copied_does_the_same():
    with room("studio") as page, tempfile.TemporaryDirectory(prefix="ishow-copied-") as folder:
        curl, python = page.run("""
          const q = await import("/app/speech_request.js");
          const request = q.requestOf($0, { ...q.emptySettings(), speed: "1.5", seed: "7" });
          return [q.curlOf(request, "mp3"), q.pythonOf(request, "flac")];""", "It's a \"test\" of $HOME & `all` that, 你好 👋")
        subprocess.run(["sh", "-c", curl], cwd=folder, check=True, timeout=30)
        subprocess.run([sys.executable, "-c", python], cwd=folder, check=True, timeout=30)
        for name in ("speech.mp3", "speech.flac"):
            assert os.path.getsize(os.path.join(folder, name)) > 2000, name
        texts = {i["text"] for i in ask(page, "GET", "/api/history")["items"]}
        assert texts == {"It's a \"test\" of $HOME & `all` that, 你好 👋"}, texts


def test_two_settings_are_compared_blindly():
    with room("studio") as page:
        page.fill("textbox", "Text", TEXT)
        page.click("switch", "Compare two settings")
        page.click("switch", "Hide which is which")
        page.js("document.getElementById('studio-B-speed').focus()")
        page.call("Input.insertText", text="2")
        page.click("button", "Speak both")
        page.find("button", "Which is which?")
        page.until("[...document.querySelectorAll('.takes .waveform')].every((w) => Number(w.ariaValueMax) > 1)", "both")
        assert not page.js("!!document.querySelector('.takes .figures')"), "the figures tell which is which"
        page.click("button", "Play 1")
        page.until(SOUNDS, "the first")
        page.click("button", "Switch to the other")
        page.find("button", "Stop 2")
        page.click("button", "Which is which?")
        page.until("/was settings [AB]/.test(document.querySelector('.made').innerText)", "the answer")
        page.until("document.querySelectorAll('.takes .figures').length === 2", "the figures")
        lengths = page.js("""Object.fromEntries([...document.querySelectorAll('.takes article')].map((a) =>
            [a.querySelector('h3').textContent, Number(a.querySelector('.waveform').ariaValueMax)]))""")
        assert lengths["B"] < lengths["A"] * 0.75, lengths


def test_too_much_text_is_not_sent():
    with room("studio") as page:
        page.fill("textbox", "Text", "long " * 820)
        page.shows("4 characters too many")
        assert page.js("document.querySelector('.write .primary').disabled && document.getElementById('studio-text').ariaInvalid") == "true"


# -------- voices --------

def fill_in(page, name):
    page.fill("textbox", "Name", name)
    page.fill("textbox", "Words of the clip", WORDS)
    page.shows("The consent is missing.")
    assert page.js("document.querySelector('.new-form .primary').disabled")
    page.click("switch", "Whoever speaks in this clip has agreed to being cloned")


def test_a_voice_from_the_microphone():
    with room("voices") as page:
        page.click("button", "Record")
        page.until("document.querySelector('.level')?.ariaValueNow > -40", "a level")
        page.until("/Stop, [1-6] s left/.test(document.querySelector('.clip-editor').innerText)", "6 s and more", seconds=20)
        page.click("button", "Stop, …")
        page.until("document.querySelectorAll('.trimmer .handle').length === 2", "handles")
        before = float(page.js("document.activeElement.ariaValueNow"))
        page.press("ArrowRight", "ArrowRight")
        assert abs(float(page.js("document.activeElement.ariaValueNow")) - before - 0.1) < 1e-6
        page.until("document.querySelector('.clip-editor .checks').innerText.includes('a good length')", "what is thought of it")
        page.click("button", "Play the part")
        page.until(SOUNDS, "the clip")
        fill_in(page, "Mira")
        page.click("button", "Make the voice")
        page.until("document.querySelectorAll('.voices-list > li').length === 2", "one more voice")
        voices = {v["id"]: v for v in ask(page, "GET", "/api/voices")}
        assert voices["Mira"]["reference_text"] == WORDS and voices["Mira"]["kind"] == "upload", voices


def test_a_voice_from_a_file_and_what_becomes_of_it():
    with room("voices") as page:
        page.upload(".clip-editor input[type=file]", kept["clip"])
        page.until("!!document.querySelector('.trimmer')", "its waveform")
        fill_in(page, "Zoe")
        page.click("button", "Make the voice")
        page.click("button", "Preview Zoe")
        page.until(SOUNDS, "a preview", seconds=60)
        page.click("button", "Rename Zoe")
        page.fill("textbox", "New name", "Zoe, calm")
        page.click("button", "Save")
        page.find("button", "Preview Zoe, calm")
        page.js("document.querySelector('.voice details').open = true")
        page.click("button", "Play the clip: Baseline")
        page.until(SOUNDS, "the baseline")
        page.click("button", "Override words or clip")
        page.js("document.getElementById('override-words').select()")
        page.call("Input.insertText", text=WORDS.replace("goes", "runs"))
        page.click("button", "Save")
        page.find("button", "Back to baseline")
        reference = ask(page, "GET", "/api/voices/Zoe/reference")
        assert "runs" in reference["active_reference_text"] and "goes" in reference["baseline_reference_text"], reference
        page.click("button", "Back to baseline")
        page.until("!!document.querySelector('dialog[open]')", "a question")
        page.click("button", "Back to baseline")
        page.until("document.querySelectorAll('.voice .pill.accent').length === 0 && !document.querySelector('dialog')", "the baseline")
        page.click("button", "Delete Zoe, calm")
        page.until("!!document.querySelector('dialog[open]')", "a question")
        page.click("button", "Delete")
        page.until("document.querySelectorAll('.voices-list > li').length === 1", "one voice less")
        assert [v["id"] for v in ask(page, "GET", "/api/voices")] == ["builtin"]


def test_bad_clips_are_told_before_and_after_they_are_sent():
    with room("voices", allowed=("status of 4",)) as page:
        page.run("""
          const { wavFile } = await import("/app/clip.js");
          const file = new File([wavFile(new Float32Array(48000 * 4), 48000)], "silence.wav", { type: "audio/wav" });
          const dropped = new DataTransfer();
          dropped.items.add(file);
          document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));""")
        page.shows("Nothing in it is loud enough to be speech.")
        assert page.js("document.querySelector('.new-form .primary').disabled")
        page.click("button", "Take another")
        page.upload(".clip-editor input[type=file]", kept["clip"])
        page.until("!!document.querySelector('.trimmer')", "its waveform")
        fill_in(page, "Liar")
        page.fill("textbox", "Words of the clip", "No.")
        page.click("button", "Make the voice")
        page.shows("write down exactly what is said")
        assert len(ask(page, "GET", "/api/voices")) == 1


# -------- insight --------

def test_figures_follow_what_happens():
    with room("insight") as page:
        page.until("document.querySelectorAll('.chart').length > 8", "charts")
        page.shows("Nothing out of the ordinary")
        for i in range(3):
            ask(page, "POST", "/api/tts", {"text": f"Hello number {i}"})
        first = "[...document.querySelectorAll('.chart')].find((c) => c.ariaLabel === 'First audio')"
        page.until(f"/at most [\\d.]+ ms/.test({first}.querySelector('svg[role=img]').ariaLabel)", "a figure in the picture's name")
        page.click("switch", "As tables")
        page.until(f"/[\\d.]+ ms/.test({first}.querySelector('table').innerText)", "a figure in the table")
        page.click("button", "Pause", nth=1)
        page.find("button", "Go on")
        assert page.js("import('/app/metrics.js').then((m) => !m.state.running)")


run_tests(globals())
