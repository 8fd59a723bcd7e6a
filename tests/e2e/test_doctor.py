"""`ishowtts doctor` as a user and as a script meet it. Usage: test_doctor.py PROGRAM; prints TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
home = tempfile.mkdtemp(prefix="ishow-doctor-")
number = 0


def doctor(*args, **env):
    keep = {k: v for k, v in os.environ.items() if k == "PATH" or k.endswith("SAN_OPTIONS")}
    return subprocess.run([PROGRAM, "doctor", *args], env={**keep, "HOME": home, **env}, capture_output=True, text=True,
                          timeout=60)


def check(what, good, shown=""):
    global number
    number += 1
    print("%sok %d - %s" % ("" if good else "not ", number, what), flush=True)
    if not good:
        print("".join("# %s\n" % line for line in str(shown).splitlines()), flush=True)
    return good


print("1..9")
all_good = True
run = doctor()
all_good &= check("a fresh machine can speak", run.returncode == 0 and not run.stderr, run)
all_good &= check("it says how to get a model", "ishowtts pull f5\n" in run.stdout, run.stdout)
all_good &= check("plain ASCII without a UTF-8 locale", run.stdout.isascii() and "\n+ " in run.stdout, run.stdout)
run = doctor(LANG="C.UTF-8")
all_good &= check("signs with one, no colour in a pipe", "\n✓ " in run.stdout and "\033" not in run.stdout, run.stdout)
run = doctor("--json")
report = json.loads(run.stdout)
topics = {f["topic"]: f for f in report["findings"]}
wanted = {"cpu", "cores", "kernels", "memory", "clock", "gpu", "model f5", "model f5-v0", "disk", "sound files", "flite",
          "espeak-ng", "playing"}
all_good &= check("JSON has every topic", report["ok"] and wanted <= set(topics), run.stdout)
all_good &= check("verdicts are of three kinds", {f["verdict"] for f in topics.values()} <= {"good", "note", "bad"})
run = doctor("--json", ISHOW_KERNELS="nonsense")
bad = [f for f in json.loads(run.stdout)["findings"] if f["verdict"] == "bad"]
all_good &= check("what cannot work makes the exit code 1", run.returncode == 1 and len(bad) == 1
                  and bad[0]["mend"] == "unset ISHOW_KERNELS", run)
run = doctor("extra")
all_good &= check("arguments are refused", run.returncode == 2 and not run.stdout and "extra" in run.stderr, run)
run = doctor("--help")
all_good &= check("help goes to stdout", run.returncode == 0 and "--json" in run.stdout and not run.stderr, run)
shutil.rmtree(home)
sys.exit(not all_good)
