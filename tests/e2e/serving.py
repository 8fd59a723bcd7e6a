"""A running `ishowtts serve` for tests: on a port that the system chooses, with the built-in engine and a folder of its
own."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

DEADLINE = 60
SENTENCE = "Hello chat, thanks for the follow, welcome to the stream!"


def until(condition, what="a condition", seconds=DEADLINE):
    """Looks again and again; the first answer that is true."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited for {what} in vain"
        time.sleep(0.02)


class Serving:
    """`settings` is TOML after the [speech] table; `popen` goes to subprocess."""

    def __init__(self, program, settings="", folder=None, env=None, port=0, **popen):
        self.program = program
        self.folder = folder or tempfile.mkdtemp(prefix="ishow-serve-")
        config = os.path.join(self.folder, "ishowtts.toml")
        with open(config, "w", encoding="utf-8") as f:
            f.write('data_dir = "data"\n[speech]\nengine = "builtin"\n' + settings)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ISHOWTTS__")}
        self.events, self.odd, self.heard = [], [], threading.Condition()
        self.process = subprocess.Popen(
            [program, "serve", "--config", config, "--bind", f"127.0.0.1:{port}", "--log-format", "json"],
            env={**clean, "HOME": self.folder, "LC_ALL": "C.UTF-8", **(env or {})}, stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, **popen)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = int(self.wait_event("listening")["address"].rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def _read(self):
        for line in self.process.stderr:
            with self.heard:
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    self.odd.append(line)  # a sanitizer's words, say
                self.heard.notify_all()
        with self.heard:
            self.events.append({"event": "end"})
            self.heard.notify_all()

    def wait_event(self, name, count=1):
        """The last of so many events of that name."""
        def found():
            return [e for e in self.events if e.get("event") == name]
        with self.heard:
            self.heard.wait_for(lambda: len(found()) >= count or self.events[-1:] == [{"event": "end"}], DEADLINE)
            assert len(found()) >= count, f"no {name}: {self.events[-20:]} {''.join(self.odd)[-3000:]}"
            return found()[count - 1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        elif self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self, how=signal.SIGTERM):
        """Ends it, and asserts that it ended as it should."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        assert code == (0 if how == signal.SIGTERM else -how), (code, "".join(self.odd)[-3000:])
        assert not self.odd, "".join(self.odd)[-3000:]

    # -------- asking --------

    def connect(self, timeout=DEADLINE):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def ask(self, method, path, body=None, headers=None):
        """(status, body, headers in lower case)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            c.request(method, path, json.dumps(body) if isinstance(body, dict) else body,
                      {"Content-Type": "application/json", **(headers or {})} if body else headers or {})
            r = c.getresponse()
            return r.status, r.read(), {k.lower(): v for k, v in r.getheaders()}
        finally:
            c.close()

    def speak(self, text=SENTENCE, **more):
        return self.ask("POST", "/v1/audio/speech",
                        {"model": "tts-1", "input": text, "voice": "alloy", "response_format": "wav", **more})

    def health(self):
        status, body, _ = self.ask("GET", "/api/health")
        assert status == 200, (status, body)
        return json.loads(body)

    def speaks(self):
        status, sound, _ = self.speak()
        assert status == 200 and sound[:4] == b"RIFF" and len(sound) > 48000, (status, sound[:200])

    def load(self, *args, start=False):
        """`ishowtts load` against it; its JSON, or the process."""
        child = subprocess.Popen([self.program, "load", "--url", self.url, "--json", *map(str, args)],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return child if start else finish(child)

    # -------- looking at the process --------

    def sanitized(self):
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as f:
            maps = f.read()
        return "libasan" in maps or "libtsan" in maps or "7fff8000-" in maps

    def resident(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="utf-8") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("Rss:"))

    def connections(self):
        """That are open by its own count, with the one that asks."""
        return int(re.search(rb"^http_connections (\d+)$", self.ask("GET", "/metrics")[1], re.M)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def finish(child):
    out, words = child.communicate(timeout=DEADLINE * 3)
    assert child.returncode == 0, (child.returncode, words, out)
    return json.loads(out)
