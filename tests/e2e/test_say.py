"""`ishowtts say` as a user meets it. Usage: test_say.py PROGRAM; prints TAP.

The model is the golden case "english": its speech is noise, but loading, cloning, files and errors are the real ones."""
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Skip, run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(TESTS, "golden")
MODEL = os.path.join(GOLDEN, "english")
CLIP = os.path.join(MODEL, "ref.wav")
OLD = b"what was here before"

work = tempfile.mkdtemp(prefix="ishow-say-")
os.chdir(work)
env = dict(os.environ, HF_HOME=os.path.join(work, "hub"), XDG_CONFIG_HOME=os.path.join(work, "config"), LC_ALL="C.UTF-8")


def say(*args, stdin=b"", timeout=120):
    return subprocess.run([PROGRAM, "say", *args], input=stdin, capture_output=True, env=env, timeout=timeout)


def clone(*args, model=MODEL, clip=CLIP, words="Hello.", **more):
    return say("--model", model, "--ref", clip, "--ref-text", words, "--nfe", "2", "--seed", "1", *args, **more)


def expect(result, code, *words):
    text = result.stderr.decode()
    assert result.returncode == code, f"exit code {result.returncode}, expected {code}: {text}"
    for word in words:
        assert word in text, f"{word!r} is not in {text!r}"
    if code:
        assert len(text.strip().splitlines()) <= 2 and text.startswith("ishowtts say: "), text


def refused(result, code, *words, output="old.wav"):
    """Fails with those words, and the output file is as it was, with nothing beside it."""
    expect(result, code, *words)
    with open(output, "rb") as f:
        assert f.read() == OLD, "the output file was touched"
    assert not [n for n in os.listdir(".") if n.startswith(".")], os.listdir(".")


def put_old(name="old.wav"):
    with open(name, "wb") as f:
        f.write(OLD)
    return name


def write_wav(name, samples, rate=24000, channels=1):
    with wave.open(name, "wb") as w:
        w.setnchannels(channels)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(b"".join(struct.pack("<h", max(-32768, min(32767, int(s * 32767)))) for s in samples))
    return name


def tone(seconds, rate=24000, channels=1):
    out = []
    for i in range(int(seconds * rate)):
        v = 0.4 * math.sin(i * 0.07) * (0.6 + 0.4 * math.sin(i * 0.0007))
        out.extend([v] * channels)
    return out


def wav_seconds(name):
    with wave.open(name) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, 24000)
        return w.getnframes() / 24000


def test_speaks_without_a_model():
    r = say("Hello chat, thanks for the follow!")
    expect(r, 0, "speech.wav", "real-time factor", "flite slt", "ishowtts pull f5")
    assert 1 < wav_seconds("speech.wav") < 5


def test_speaks_other_languages():
    r = say("-o", "mixed.wav", "Hello, 你好，欢迎来到直播间。 Привет!")
    expect(r, 0, "flite slt", "espeak-ng")
    assert wav_seconds("mixed.wav") > 2


def test_clones():
    expect(clone("-o", "clone.wav", "Thanks, chat!"), 0, "cloned by", "v1 dim 64", "seed 1")
    assert 0.3 < wav_seconds("clone.wav") < 5


def test_same_seed_same_file():
    for name in ("a.wav", "b.wav"):
        expect(clone("-q", "-o", name, "Thanks, chat!"), 0)
    assert open("a.wav", "rb").read() == open("b.wav", "rb").read()


def test_quiet_is_quiet():
    assert clone("-q", "-o", "q.wav", "Thanks.").stderr == b""


def test_every_format():
    magics = {"wav": b"RIFF", "flac": b"fLaC", "ogg": b"OggS", "opus": b"OggS", "mp3": b"\xff"}
    for ending, magic in magics.items():
        expect(say("-o", "x." + ending, "Hello."), 0)
        with open("x." + ending, "rb") as f:
            assert f.read(len(magic)) == magic, ending


def test_stdin_to_stdout():
    r = say("-o", "-", "-", stdin="Hello chat.\n".encode())
    expect(r, 0)
    assert r.stdout[:4] == b"RIFF" and r.stdout[8:12] == b"WAVE"
    raw = say("-o", "-", "--format", "pcm", "-", stdin=b"Hello chat.\n")
    assert len(raw.stdout) == len(r.stdout) - 44
    assert r.stdout[44:] == raw.stdout


def test_stdout_that_closes_early():
    p = subprocess.Popen([PROGRAM, "say", "-o", "-", "Hello. " * 200], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    p.stdout.read(100)
    p.stdout.close()
    text = p.stderr.read().decode()
    p.stderr.close()
    assert p.wait(60) == 1 and "cannot write stdout" in text, text


def test_torch_checkpoint_and_v0():
    expect(clone("-o", "pt.wav", "Thanks.", model=os.path.join(GOLDEN, "v0")), 0, "v1 dim 128")
    expect(clone("-o", "pt.wav", "--arch", "v0", "Thanks.", model=os.path.join(GOLDEN, "v0")), 0, "v0 dim 128")
    shutil.copytree(os.path.join(GOLDEN, "v0"), "named")
    with open("named/model.toml", "w") as f:
        f.write('arch = "v0"\n')
    expect(clone("-o", "pt.wav", "Thanks.", model="named"), 0, "v0 dim 128")
    with open("named/model.toml", "w") as f:
        f.write('arch = "v2"\n')
    put_old()
    refused(clone("-o", "old.wav", "Thanks.", model="named"), 1, "model.toml", "line 1", '"v2"')


def test_voices_of_the_configuration():
    os.makedirs("config/ishowtts", exist_ok=True)
    shutil.copy(CLIP, "config/ishowtts/me.wav")
    with open("config/ishowtts/ishowtts.toml", "w") as f:
        f.write('[[f5.voices]]\nid = "me"\nreference_audio = "me.wav"\nreference_text = "Hello."\n')
    expect(say("--model", MODEL, "--voice", "me", "--nfe", "1", "-o", "v.wav", "Hi there, you."), 0, "voice: me")
    expect(say("--model", MODEL, "--voice", "you", "--nfe", "1", "Hi."), 1, '"you"', "me")
    expect(say("--model", MODEL, "--voice", "me", "--config", "none.toml", "Hi."), 1, "none.toml")


def test_usage_errors():
    put_old()
    for args, words in (
        ([], ["a text is missing"]),
        (["--nfe", "0", "x"], ["--nfe", "from 1 to 256", '"0"']),
        (["--nfe", "1000000", "x"], ["--nfe"]),
        (["--nfe", "seven", "x"], ["--nfe", '"seven"']),
        (["--speed", "0", "-o", "old.wav", "x"], ["speed is 0"]),
        (["--cfg", "nan", "x"], ["--cfg"]),
        (["--sway", "-7", "-o", "old.wav", "x"], ["sway is -7"]),
        (["--seed", "-1", "x"], ["--seed"]),
        (["--arch", "v9", "x"], ["--arch", "v9"]),
        (["--ref", CLIP, "x"], ["--ref-text"]),
        (["--model", MODEL, "-o", "old.wav", "x"], ["--ref CLIP"]),
        (["-o", "old", "x"], ["no extension"]),
    ):
        refused(say(*args), 2, *words)
    r = subprocess.run([PROGRAM, "sing"], capture_output=True)
    assert r.returncode == 2 and b'no command "sing"' in r.stderr
    assert subprocess.run([PROGRAM], capture_output=True).returncode == 2
    assert say("--bogus", "x").returncode == 2


def test_help_goes_to_stdout():
    for command in ("say", "pull", "verify", "doctor"):
        r = subprocess.run([PROGRAM, command, "--help"], capture_output=True)
        assert r.returncode == 0 and r.stdout.startswith(b"usage: ishowtts " + command.encode()) and not r.stderr


def test_texts_that_cannot_be_spoken():
    put_old()
    for text, code, word in (
        (b"", 2, "nothing to speak"),
        (b" \n\t ", 2, "nothing to speak"),
        ("!!! ... \U0001f9ff".encode(), 2, "nothing to speak"),
        (b"a" * 100000, 1, "50000"),
        (b"ok \xff\xfe", 1, "UTF-8 at byte 3"),
        (b"zero \0 byte", 1, "zero byte"),
    ):
        refused(clone("-o", "old.wav", "-", stdin=text), code, word)
        refused(say("-o", "old.wav", "-", stdin=text), code, word)


def test_clips_that_are_no_voice():
    put_old()
    write_wav("silent.wav", [0.0] * 48000)
    write_wav("short.wav", tone(0.05))
    write_wav("empty.wav", [])
    with open("text.wav", "w") as f:
        f.write("this is no sound\n")
    with open(CLIP, "rb") as f, open("cut.wav", "wb") as g:
        g.write(f.read()[:30])
    with open("nan.wav", "wb") as f:  # 32-bit float, every tenth sample not a number
        data = b"".join(struct.pack("<f", math.nan if i % 10 == 0 else 0.3) for i in range(24000))
        f.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, 24000, 96000, 4, 32)
                + b"data" + struct.pack("<I", len(data)) + data)
    for clip, words in (("silent.wav", ["silent.wav", "silent"]), ("short.wav", ["short.wav", "0.2 s"]), ("empty.wav", ["empty.wav"]),
                        ("text.wav", ["text.wav"]), ("cut.wav", ["cut.wav"]), ("nan.wav", ["nan.wav"]), ("none.wav", ["none.wav"]),
                        (work, [work])):
        refused(clone("-o", "old.wav", "Hello.", clip=clip), 1, *words)
    refused(clone("-o", "old.wav", "Hello.", words=" "), 2, "words of the reference clip")


def test_clips_of_many_kinds():
    write_wav("eight.wav", tone(1, 16000, 8), 16000, 8)
    expect(clone("-o", "e.wav", "Hello there.", clip="eight.wav"), 0)
    write_wav("ten_minutes.wav", tone(30, 8000) * 20, 8000)
    expect(clone("-o", "e.wav", "--fix-duration", "13", "Hello.", clip="ten_minutes.wav"), 0)
    for ending in ("flac", "ogg", "mp3", "opus"):
        expect(say("-q", "-o", "clip." + ending, "Hello chat."), 0)
        expect(clone("-o", "e.wav", "Hello there.", clip="clip." + ending), 0)


def test_outputs_that_cannot_be_written():
    expect(say("-o", "no/such/folder/x.wav", "Hello."), 1, "no/such/folder/x.wav", "No such file")
    expect(say("-o", "/dev/full", "--format", "wav", "Hello."), 1, "/dev/full", "No space left")
    os.makedirs("folder.wav", exist_ok=True)
    expect(say("-o", "folder.wav", "Hello."), 1, "folder.wav", "directory")
    expect(say("-o", "x.aac", "Hello."), 1, "aac", "wav")
    r = subprocess.run(f"exec {PROGRAM} say -o - Hello. >/dev/full", shell=True, capture_output=True, env=env)
    assert r.returncode == 1 and b"cannot write stdout" in r.stderr, r.stderr
    put_old()
    os.chmod("old.wav", 0o444)
    if os.geteuid() != 0:
        refused(say("-o", "old.wav", "Hello."), 1, "old.wav", "Permission denied")
    os.chmod("old.wav", 0o644)


def test_a_full_disk():
    small = os.path.join(work, "small")
    os.makedirs(small)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], capture_output=True).returncode:
        raise Skip("mounting needs root")
    try:
        put_old("small/old.wav")
        r = say("-o", "small/old.wav", "Hello chat, this takes more than sixteen kilobytes.")
        refused(r, 1, "small/old.wav", "No space left", output="small/old.wav")
        assert os.listdir(small) == ["old.wav"]
    finally:
        subprocess.run(["umount", small])


def spoiled(name, change):
    """A copy of the model folder, its safetensors' header and data changed."""
    shutil.rmtree(name, ignore_errors=True)
    shutil.copytree(MODEL, name)
    path = os.path.join(name, "model.safetensors")
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8:8 + n]), raw[8 + n:]
    header, data, length = change(header, data)
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return name


def test_checkpoints_that_are_broken():
    put_old()
    first = "ema_model.transformer.proj_out.weight"

    def drop(h, d):
        del h[first]
        return h, d, None

    def wrap(h, d):
        h[first]["data_offsets"] = [2**64 - 8, 8]
        return h, d, None

    def overlap(h, d):
        h[first]["data_offsets"] = h["ema_model.transformer.proj_out.bias"]["data_offsets"]
        return h, d, None

    def shape(h, d):
        h[first]["shape"][0] += 1
        return h, d, None

    def huge(h, d):
        h[first]["shape"] = [2**40, 2**40]
        return h, d, None

    cases = {
        "missing": (drop, ["safetensors"]),
        "wrapping": (wrap, ["safetensors"]),
        "overlapping": (overlap, ["safetensors"]),
        "misshapen": (shape, [first]),
        "overflowing": (huge, [first]),
        "header past the end": (lambda h, d: (h, d, 10**12), ["header"]),
        "truncated": (lambda h, d: (h, d[:-100], None), ["safetensors"]),
        "no json": (lambda h, d: (b"{" * 100, d, None), ["safetensors"]),
    }
    for name, (change, words) in cases.items():
        refused(clone("-o", "old.wav", "Hello.", model=spoiled("spoiled", change)), 1, "model.safetensors", *words)
    shutil.rmtree("spoiled")
    shutil.copytree(MODEL, "spoiled")
    with open("spoiled/vocab.txt", "a") as f:
        f.write("one more\n")
    refused(clone("-o", "old.wav", "Hello.", model="spoiled"), 1, "vocab.txt", "embeddings")
    for name in ("vocab.txt", "model.safetensors"):
        os.remove("spoiled/" + name)
        refused(clone("-o", "old.wav", "Hello.", model="spoiled"), 1, "spoiled")
    refused(clone("-o", "old.wav", "Hello.", model="nowhere"), 1, "nowhere", "f5")
    refused(clone("-o", "old.wav", "Hello.", model="f5"), 1, "ishowtts pull f5")


def test_a_pickle_that_runs_code():
    shutil.rmtree("spoiled", ignore_errors=True)
    shutil.copytree(os.path.join(GOLDEN, "qk_norm"), "spoiled")
    os.remove("spoiled/model.pt")
    import zipfile
    with zipfile.ZipFile("spoiled/model.pt", "w") as z:
        z.writestr("model/data.pkl", b"\x80\x02cposix\nsystem\nX\x0e\x00\x00\x00touch was_run.x\x85R.")
        z.writestr("model/version", b"3\n")
    put_old()
    refused(clone("-o", "old.wav", "Hello.", model="spoiled"), 1, "model.pt", "posix.system")
    assert not os.path.exists("was_run.x")


def test_ctrl_c_leaves_nothing():
    put_old()
    p = subprocess.Popen([PROGRAM, "say", "--model", MODEL, "--ref", CLIP, "--ref-text", "Hello.", "--nfe", "256",
                          "-o", "old.wav", "A long text. " * 300], stderr=subprocess.PIPE, env=env)
    while not [n for n in os.listdir(".") if n.startswith(".old.wav")]:
        assert p.poll() is None
    p.send_signal(signal.SIGINT)
    text = p.stderr.read().decode()
    p.stderr.close()
    assert p.wait(60) == 130, text
    assert open("old.wav", "rb").read() == OLD and not [n for n in os.listdir(".") if n.startswith(".")]


try:
    run_tests(globals())
finally:
    os.chdir("/")
    shutil.rmtree(work, ignore_errors=True)
