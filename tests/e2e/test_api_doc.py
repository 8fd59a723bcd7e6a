"""The examples of docs/API.md, run as they stand there against a server. Usage: test_api_doc.py PROGRAM; prints TAP, a
case a command."""
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import Serving  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADDRESS = "http://127.0.0.1:27121"
WORDS = {"mira": "The quick brown fox jumps over the lazy dog and runs away.",
         "zoe": "She sells sea shells by the sea shore every single morning."}

with open(os.path.join(TOP, "docs", "API.md"), encoding="utf-8") as f:
    TEXT = f.read()
COMMANDS = [command for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
            for command in block.replace("\\\n", "").strip().split("\n")]


def run(command):
    done = subprocess.run(["sh", "-c", command.replace(ADDRESS, server.url) + " -w '\\n%{http_code}'"], cwd=folder,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    words, _, status = done.stdout.rpartition(b"\n")
    assert status.startswith(b"20"), f"{command}: {status.decode()} {words[:500]!r}"


def every_route_has_an_example():
    _, body, _ = server.ask("GET", "/openapi.json")
    shown = TEXT.replace(ADDRESS, "")
    for path in json.loads(body)["paths"]:
        pattern = re.sub(r"\\{[a-z]+\\}", "[^/ ]+", re.escape(path))
        if path.startswith(("/docs", "/app", "/overlay")) or path == "/":
            continue  # for people
        assert re.search(rf"(?m){pattern}([ '?\n]|$)", shown), f"{path} has no example"


tests = {"test_every route has an example": every_route_has_an_example}
for number, each in enumerate(COMMANDS, 1):
    tests[f"test_{number:02} {each[:70]}"] = lambda command=each: run(command)

with Serving(PROGRAM) as server, tempfile.TemporaryDirectory() as folder:
    for name, words in WORDS.items():
        _, sound, _ = server.speak(words)
        with wave.open(io.BytesIO(sound)) as w, wave.open(os.path.join(folder, f"{name}.wav"), "wb") as out:
            out.setparams(w.getparams())
            out.writeframes(w.readframes(w.getnframes()) + bytes(24000))  # half a second of silence at its end
        with open(os.path.join(folder, f"{name}.txt"), "w", encoding="utf-8") as f:
            f.write(words)
    run_tests(tests)
