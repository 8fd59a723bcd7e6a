"""`ishowtts bench` as a user and as a script meet it; no figure is held against the clock. Usage: test_bench.py PROGRAM;
prints TAP."""
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.dom.minidom

PROGRAM = os.path.abspath(sys.argv[1])
MODEL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "english")
COMPONENTS = ["text", "input", "qkv", "attention", "out", "ff", "adaln", "vocoder", "host"]

work = tempfile.mkdtemp(prefix="ishow-bench-")
os.chdir(work)
os.mkdir("tmp")
env = dict(os.environ, TMPDIR=os.path.join(work, "tmp"), HF_HOME=os.path.join(work, "hub"),
           XDG_CACHE_HOME=os.path.join(work, "cache"))


def bench(*args, code=0):
    r = subprocess.run([PROGRAM, "bench", *args], env=env, capture_output=True, text=True, timeout=300)
    assert r.returncode == code, f"exit code {r.returncode}, expected {code}: {r.stderr}{r.stdout}"
    return r


def save(name, value):
    with open(name, "w", encoding="utf-8") as f:
        json.dump(value, f)
    return name


def measured():
    """One small result, measured once."""
    if not os.path.exists("measured.json"):
        r = bench("--model", MODEL, "--precision", "f32", "--frames", "300,420", "--nfe", "1,2", "--runs", "2", "--json")
        with open("measured.json", "w", encoding="utf-8") as f:
            f.write(r.stdout)
    with open("measured.json", encoding="utf-8") as f:
        return json.load(f)


def test_json_has_what_scripts_are_promised():
    o = measured()
    assert o["machine"]["cpu"] and o["machine"]["threads"] >= 1
    assert [(r["frames"], r["nfe"]) for r in o["runs"]] == [(300, 1), (300, 2), (420, 1), (420, 2)]
    for r in o["runs"]:
        assert r["precision"] == "f32" and r["runs"] == 2
        assert abs(r["audio_seconds"] - (r["frames"] - 281 - 1) * 256 / 24000) < 0.02, r["audio_seconds"]
        assert 0 < r["rtf_median"] <= r["rtf_p95"] <= r["rtf_p99"] and r["rtf_mean"] > 0 and r["rtf_stdev"] >= 0
        assert r["rtf_cpu_mean"] > 0 and r["rss_bytes"] > 1e6
        assert list(r["components"]) == COMPONENTS
        assert abs(sum(c["share"] for c in r["components"].values()) - 1) < 1e-3


def test_work_is_counted_as_the_model_has_it():
    runs = {(r["frames"], r["nfe"]): r["components"] for r in measured()["runs"]}
    one, two, longer = runs[300, 1], runs[300, 2], runs[420, 1]
    dim, depth, rows = 64, 2, 2 * 300
    with open(os.path.join(MODEL, "case.json"), encoding="utf-8") as f:
        arch = json.load(f).get("arch", {})
    dim, depth = arch.get("dim", dim), arch.get("depth", depth)
    assert abs(one["qkv"]["gflop"] / (depth * 2 * rows * dim * 3 * dim * 1e-9) - 1) < 1e-3, one["qkv"]
    assert abs(two["ff"]["gflop"] / one["ff"]["gflop"] - 2) < 1e-3
    assert abs(longer["ff"]["gflop"] / one["ff"]["gflop"] - 420 / 300) < 1e-3
    assert abs(longer["attention"]["gflop"] / one["attention"]["gflop"] - (420 / 300) ** 2) < 1e-3


def test_peaks_are_there_where_kernels_are():
    o = measured()
    peaks = o["peaks"]
    assert set(peaks) == {"f32", "bf16", "int8", "read_gb_s", "copy_gb_s"}
    if o["machine"]["kernels"] != "c":
        assert peaks["f32"] > 0
        assert all(r["peak_share_cpu"] == r["own_peaks_share_cpu"] > 0 for r in o["runs"])  # of one precision
    assert peaks["read_gb_s"] > 0 and peaks["copy_gb_s"] > 0


def test_table_and_charts_of_a_saved_result():
    measured()
    table = bench("--load", "measured.json", "--html", "page.html", "--svg", "chart.svg").stdout
    assert "300 frames" in table and all(c in table for c in COMPONENTS) and "GFLOP/s" in table
    xml.dom.minidom.parse("chart.svg")
    with open("page.html", encoding="utf-8") as f:
        page = f.read()
    assert "<svg" in page and "420 frames" in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_random_weights_leave_nothing_behind():
    o = json.loads(bench("--preset", "tiny", "--text", "short", "--nfe", "1", "--runs", "1", "--json").stdout)
    assert o["runs"][0]["frames"] == 470 and not os.listdir("tmp")


def test_random_weights_can_be_kept():
    args = ("--preset", "tiny", "--keep", "kept", "--frames", "300", "--nfe", "1", "--runs", "1", "--precision", "f32")
    bench(*args)
    with open("kept/model.safetensors", "rb") as f:
        first = f.read()
    before = os.stat("kept/model.safetensors").st_mtime_ns
    bench(*args)
    assert os.stat("kept/model.safetensors").st_mtime_ns == before
    shutil.rmtree("kept")
    bench(*args)
    with open("kept/model.safetensors", "rb") as f:
        assert f.read() == first, "random weights differ between two calls"


def test_interrupted_it_cleans_up():
    p = subprocess.Popen([PROGRAM, "bench", "--preset", "v1-small"], env=env, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not os.listdir("tmp") and time.monotonic() < deadline:
        time.sleep(0.05)
    p.send_signal(signal.SIGINT)
    words = p.communicate(timeout=120)[1].decode()
    assert p.returncode == 130 and "cancelled" in words, (p.returncode, words)
    assert not os.listdir("tmp"), os.listdir("tmp")


def test_sweep():
    o = json.loads(bench("--preset", "tiny", "--sweep", "--precision", "f32", "--json").stdout)
    assert "runs" not in o and sorted(p["frames"] for p in o["sweep"])[::7] == [400, 3000]
    assert all(0 < p["attention_cpu_seconds"] < p["evaluation_cpu_seconds"] for p in o["sweep"])
    save("sweep.json", o)
    table = bench("--load", "sweep.json", "--svg", "sweep.svg").stdout
    assert "without attention" in table
    xml.dom.minidom.parse("sweep.svg")


def test_compare_finds_what_became_worse():
    now = measured()
    save("now.json", now)
    same = bench("--load", "now.json", "--compare", "now.json").stdout
    assert "+0.0 %" in same and "WORSE" not in same
    faster = copy.deepcopy(now)
    for r in faster["runs"]:
        r["rtf_mean"] *= 0.92
    save("faster.json", faster)
    r = bench("--load", "now.json", "--compare", "faster.json", code=1)
    assert r.stdout.count("WORSE") == 4 and "4 runs are worse" in r.stderr
    bench("--load", "now.json", "--compare", "faster.json", "--threshold", "10")
    assert "better" in bench("--load", "faster.json", "--compare", "now.json").stdout
    leaner = copy.deepcopy(now)
    leaner["runs"][0]["rss_bytes"] *= 0.5
    save("leaner.json", leaner)
    assert "1 run is worse" in bench("--load", "now.json", "--compare", "leaner.json", code=1).stderr
    r = bench("--load", "now.json", "--compare", "faster.json", "--json", code=1)
    assert json.loads(r.stdout) == now and "WORSE" in r.stderr


def test_compare_wants_something_in_common():
    other = copy.deepcopy(measured())
    for r in other["runs"]:
        r["nfe"] = 99
    save("other.json", other)
    save("now.json", measured())
    assert "no run in common" in bench("--load", "now.json", "--compare", "other.json", code=1).stderr


def test_files_that_hold_something_else():
    save("now.json", measured())
    for text in ("", "{", "[]", "{}", '{"runs": 3}', '"runs"'):
        with open("odd.json", "w", encoding="utf-8") as f:
            f.write(text)
        assert "odd.json" in bench("--load", "odd.json", code=1).stderr, text
        assert "odd.json" in bench("--load", "now.json", "--compare", "odd.json", code=1).stderr, text
    for text in ('{"runs": []}', '{"runs": [1, {"components": 2, "rtf_mean": "x", "precision": "<b>&"}]}',
                 '{"sweep": [{"frames": -1}, null]}'):
        with open("odd.json", "w", encoding="utf-8") as f:
            f.write(text)
        bench("--load", "odd.json")
        assert "nothing in the result to draw" in bench("--load", "odd.json", "--svg", "no.svg", code=1).stderr
        assert not os.path.exists("no.svg")


def test_names_from_a_file_are_only_text():
    evil = copy.deepcopy(measured())
    evil["runs"][0]["precision"] = "<script>alert(1)</script>"
    save("evil.json", evil)
    bench("--load", "evil.json", "--html", "evil.html")
    with open("evil.html", encoding="utf-8") as f:
        assert "<script" not in f.read()


def test_wrong_usage():
    for args, word in ((("extra",), "extra"), (("--runs", "0"), "--runs"), (("--runs", "x"), "--runs"),
                       (("--threshold", "-1"), "--threshold"), (("--arch", "v2"), "--arch"), (("--preset", "huge"), "huge"),
                       (("--preset", "tiny", "--model", MODEL), "--model"), (("--nfe", "0"), "nfe"), (("--nfe", "7,"), "nfe"),
                       (("--frames", "10"), "frames"), (("--frames", "300", "--text", "short"), "--frames"),
                       (("--text", "tall"), "tall"), (("--load", "x", "--nfe", "7"), "--nfe"),
                       (("--model", MODEL, "--keep", "x"), "keep"), (("--preset", "tiny", "--precision", "f31"), "f31"),
                       (("--sweep", "--nfe", "7"), "--sweep")):
        r = bench(*args, code=2)
        assert word in r.stderr and not r.stdout, (args, r)


def test_a_model_is_needed():
    assert "no-such-model" in bench("--model", "no-such-model", code=1).stderr
    assert "preset" in bench("--model", "builtin", code=1).stderr


def test_help():
    r = bench("--help")
    assert "--compare" in r.stdout and not r.stderr


tests = [(name, fn) for name, fn in list(globals().items()) if name.startswith("test_")]
print(f"1..{len(tests)}")
failed = 0
for number, (name, fn) in enumerate(tests, 1):
    try:
        fn()
        print(f"ok {number} - {name[5:].replace('_', ' ')}", flush=True)
    except Exception:
        failed += 1
        print(f"not ok {number} - {name[5:].replace('_', ' ')}", flush=True)
        print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
shutil.rmtree(work)
sys.exit(1 if failed else 0)
