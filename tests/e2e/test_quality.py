"""`ishowtts quality` as a user meets it. Usage: test_quality.py PROGRAM; prints TAP. The model is the golden case
"english", with random weights: its figures are small, and nobody understands it."""
import html.parser
import json
import os
import shutil
import subprocess
import sys
import tempfile
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Skip, run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
MODEL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "english")
CLIP = os.path.join(MODEL, "ref.wav")

work = tempfile.mkdtemp(prefix="ishow-quality-")
os.chdir(work)
env = dict(os.environ, HF_HOME=os.path.join(work, "hub"), XDG_CACHE_HOME=os.path.join(work, "xdg"),
           XDG_CONFIG_HOME=os.path.join(work, "config"), TMPDIR=os.path.join(work, "tmp"), LC_ALL="C.UTF-8")
os.mkdir("tmp")


def run(*args, code=0, timeout=300):
    r = subprocess.run([PROGRAM, *args], capture_output=True, env=env, timeout=timeout)
    text = r.stderr.decode()
    assert r.returncode == code, f"exit code {r.returncode}, expected {code}: {text}"
    return r.stdout.decode(), text


def quality(*args, **more):
    with open("texts", "w", encoding="utf-8") as f:
        f.write("Thanks for 3 follows!\n\nHello there, you two.\n")
    return run("quality", "--model", MODEL, "--ref", CLIP, "--ref-text", "Hello.", "--texts", "texts", "--cache", "kept",
               *args, **more)


def run_say():
    """What `say` tells, the precision among it."""
    return run("say", "--model", MODEL, "--ref", CLIP, "--ref-text", "Hello.", "--nfe", "1", "--cache", "kept", "-o", "x.wav",
               "Thanks.")[1]


def test_json_says_what_auto_then_takes():
    r = json.loads(quality("--json", "--nfe", "5,7")[0])
    runs = {(x["precision"], x["nfe"], x["text"]): x for x in r["runs"]}
    texts = {x["text"] for x in r["runs"]}
    assert texts == {"Thanks for three follows!", "Hello there, you two."}, texts
    for text in texts:
        best = runs["f32", 32, text]
        assert best["mel_nmse"] == best["mel_nmse_to_32"] == best["lsd_db"] == 0 and best["snr_db"] is None
        assert 0 < runs["f32", 7, text]["mel_nmse_to_32"] < runs["f32", 5, text]["mel_nmse_to_32"]
        assert runs["f32", 7, text]["snr_db"] > runs["f32", 5, text]["snr_db"]
    for v in r["verdicts"]:
        assert v["good"] == (v["mel_nmse"] < 1e-3), v
        assert v["mel_nmse"] < (1e-4 if v["precision"] == "bf16" else 1e-3), v
    expected = r["verdicts"][-1]["precision"] if r["verdicts"] else "f32"
    assert r["auto"] == expected and f", {expected})" in run_say(), expected


def test_a_bad_verdict_is_heeded():
    verdicts = json.loads(quality("--json")[0])["verdicts"]
    if not verdicts:
        raise Skip("this CPU has kernels for f32 alone")
    (name,) = [n for n in os.listdir("kept") if n.endswith(".quality.json")]
    with open("kept/" + name) as f:
        kept = json.load(f)
    for entry in kept["precisions"]:
        entry["nmse"] = 0.5
    with open("kept/" + name, "w") as f:
        json.dump(kept, f)
    assert ", f32)" in run_say()
    shutil.rmtree("kept")
    assert (", bf16)" in run_say()) == any(v["precision"] == "bf16" for v in verdicts)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources = []

    def handle_starttag(self, tag, attrs):
        self.sources += [v for k, v in attrs if k == "src"]


def test_a_page_to_hear_and_see():
    table, _ = quality("--html", "page/sub", "--precisions", "f32")
    assert "auto takes" in table and "f32" in table
    with open("page/sub/index.html", encoding="utf-8") as f:
        text = f.read()
    page = Page()
    page.feed(text)
    assert "Thanks for three follows!" in text and "<svg" in text
    assert len(page.sources) == 8 and sorted(page.sources) == sorted(set(os.listdir("page/sub")) - {"index.html"})
    for name in page.sources:
        if name.endswith(".wav"):
            with wave.open("page/sub/" + name) as w:
                assert w.getframerate() == 24000 and w.getnframes() > 1000
        else:
            with open("page/sub/" + name, "rb") as f:
                assert f.read(2) == b"BM"


def test_without_a_clip_the_built_in_voice_lends_one():
    out, _ = run("quality", "--model", MODEL, "--texts", "texts", "--nfe", "1", "--precisions", "f32", "--cache", "")
    assert "auto takes" in out


def test_a_recogniser_listens():
    if not shutil.which("pocketsphinx_continuous"):
        _, text = quality("--wer", code=1)
        assert "apt-get install" in text
        raise Skip("pocketsphinx_continuous is not installed (apt-get install pocketsphinx)")
    r = json.loads(quality("--json", "--wer", "--precisions", "f32")[0])
    assert all(x["wer"] > 0 for x in r["runs"]), r["runs"]  # noise is not understood
    assert not os.listdir("tmp")


def test_what_is_refused():
    open("empty", "w").close()
    for args, code, words in (
            (["--nfe", "0"], 2, "1 to 256"), (["--nfe", "7,x"], 2, '"x"'), (["--nfe", "7,,8"], 2, "list"),
            (["--precisions", "int4"], 2, '"int4"'), (["--texts", "empty"], 1, "no text"),
            (["--texts", "none"], 1, "none"), (["extra"], 2, '"extra"'), (["--voice", "me"], 2, "exclude"),
            (["--model", "builtin"], 1, "no weights"), (["--html", "texts/below"], 1, "texts")):
        _, text = quality(*args, code=code)
        assert words in text and text.startswith("ishowtts quality: "), (args, text)
    _, text = run("quality", "--ref", CLIP, code=2)
    assert "--ref-text" in text


try:
    run_tests(globals())
finally:
    os.chdir("/")
    shutil.rmtree(work, ignore_errors=True)
