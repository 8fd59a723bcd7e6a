"""Converted weights that are kept, as a user meets them. Usage: test_packed.py PROGRAM; prints TAP.

The model is the golden case "english"; --cache keeps even its few weights."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
MODEL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "english")

work = tempfile.mkdtemp(prefix="ishow-packed-")
os.chdir(work)
env = dict(os.environ, HF_HOME=os.path.join(work, "hub"), XDG_CACHE_HOME=os.path.join(work, "xdg"), LC_ALL="C.UTF-8")


def command(*args, model=MODEL):
    return [PROGRAM, "say", "--model", model, "--ref", os.path.join(MODEL, "ref.wav"), "--ref-text", "Hello.", "--nfe", "7",
            "--seed", "1", *args, "Thanks, chat!"]


def say(*args, code=0, more_env={}, **where):
    r = subprocess.run(command(*args, **where), capture_output=True, env=dict(env, **more_env), timeout=120)
    text = r.stderr.decode()
    assert r.returncode == code, f"exit code {r.returncode}, expected {code}: {text}"
    return text


def sound(*args, **more):
    """What is said to a file that is then read."""
    text = say("-o", "x.wav", *args, **more)
    with open("x.wav", "rb") as f:
        return f.read(), text


def packs(cache):
    return sorted(glob.glob(cache + "/*.pack"))


def precisions():
    """Those this machine has kernels for."""
    found = []
    for p in ("f32", "bf16", "int8"):
        r = subprocess.run(command("-o", "p.wav", "--precision", p), capture_output=True, env=env, timeout=120)
        assert r.returncode == 0 or b"no kernels for" in r.stderr, r.stderr
        if r.returncode == 0:
            found.append(p)
    return found


def test_a_pack_says_what_the_checkpoint_says():
    here = precisions()
    assert "f32" in here
    for p in here:
        direct, _ = sound("--precision", p, "--cache", "")
        first, _ = sound("--precision", p, "--cache", "kept")
        made = packs("kept")
        times = [os.stat(f).st_mtime_ns for f in made]
        second, text = sound("--precision", p, "--cache", "kept")
        assert direct == first == second, p
        assert packs("kept") == made and [os.stat(f).st_mtime_ns for f in made] == times
        assert f", {p}" in text, text
    assert len(packs("kept")) == len(here)


def test_a_damaged_pack_is_told_of_and_made_anew():
    good, _ = sound("--precision", "f32", "--cache", "damaged")
    (pack,) = packs("damaged")
    with open(pack, "r+b") as f:
        f.seek(os.path.getsize(pack) // 2)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 1]))
    again, text = sound("--precision", "f32", "--cache", "damaged")
    assert again == good and "damaged" in text and "converting the weights again" in text, text
    assert "converting" not in say("-o", "x.wav", "--precision", "f32", "--cache", "damaged")


def test_another_checkpoint_of_the_same_name_is_noticed():
    shutil.copytree(MODEL, "mine")
    first, _ = sound("--precision", "f32", "--cache", "stale", model="mine")
    with open("mine/model.safetensors", "r+b") as f:
        f.seek(-4000, 2)
        rest = f.read()
        f.seek(-4000, 2)
        f.write(rest[::-1])
    changed, text = sound("--precision", "f32", "--cache", "stale", model="mine")
    assert "has changed" in text, text
    assert changed == sound("--precision", "f32", "--cache", "", model="mine")[0] != first


def test_other_kernels_do_not_take_it():
    sound("--precision", "f32", "--cache", "foreign")
    before = packs("foreign")
    plain, text = sound("--precision", "f32", "--cache", "foreign", more_env={"ISHOW_KERNELS": "c"})
    assert plain == sound("--precision", "f32", "--cache", "", more_env={"ISHOW_KERNELS": "c"})[0]
    assert packs("foreign") == before


def test_first_starts_at_once():
    children = [subprocess.Popen(command("-o", f"at-once-{i}.wav", "--precision", "f32", "--cache", "at-once"), env=env,
                                 stderr=subprocess.PIPE) for i in range(5)]
    for c in children:
        text = c.communicate(timeout=120)[1].decode()
        assert c.returncode == 0, text
    said = {open(f"at-once-{i}.wav", "rb").read() for i in range(5)}
    assert len(said) == 1 and len(os.listdir("at-once")) == 1


def test_where_nothing_can_be_kept():
    open("a-file", "w").close()
    kept, text = sound("--precision", "f32", "--cache", "a-file/below")
    assert "cannot be kept" in text and kept == sound("--precision", "f32", "--cache", "")[0]


def test_small_models_leave_the_usual_folder_alone():
    say("-o", "x.wav")
    assert not os.path.exists("xdg")


def test_precisions_that_are_none():
    for p in ("int4", "int8:sideways", ""):
        text = say("--precision", p, code=2)
        assert "int8:KEEP" in text and len(text.splitlines()) == 1, text


try:
    run_tests(globals())
finally:
    os.chdir("/")
    shutil.rmtree(work, ignore_errors=True)
