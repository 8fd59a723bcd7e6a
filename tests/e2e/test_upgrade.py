#!/usr/bin/env python3
"""Restarts that nobody notices: a newer program in the old one's place, two on one socket, and the end of the last one.
Usage: test_upgrade.py PROGRAM."""
import contextlib
import ctypes
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Skip, run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
DEADLINE = 30
ROUNDS = 3
CLIENTS = 6

work = tempfile.mkdtemp(prefix="ishow-upgrade-")
env = {k: v for k, v in os.environ.items() if not k.startswith(("ISHOWTTS", "LISTEN_", "NOTIFY_"))}
env |= {"HOME": work, "XDG_CONFIG_HOME": os.path.join(work, "none"), "LC_ALL": "C.UTF-8",
        "ISHOWTTS__speech__engine": "builtin"}
# What a server starts in its own place becomes this process's child when the server ends.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

ACTIVATE = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])"""


def wait_until(what, condition):
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} within {DEADLINE} s"
        time.sleep(0.01)
    return found


class Server:
    """A server and those that take its place, all writing to one log."""

    def __init__(self, config="", sock=None, port=0, **more_env):
        self.folder = tempfile.mkdtemp(dir=work)
        self.log_path = os.path.join(self.folder, "log")
        self.write_config(config, f'"127.0.0.1:{port}"')
        command = [PROGRAM, "serve", "--config", os.path.join(self.folder, "ishowtts.toml")]
        keep = ()
        if sock:
            command = [sys.executable, "-c", ACTIVATE, str(sock.fileno())] + command
            keep = (sock.fileno(),)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL, env=env | more_env,
                                            pass_fds=keep)
        self.pid = self.process.pid
        self.port = int(self.wait_log(r"listening address=127\.0\.0\.1:(\d+)")[1])

    def write_config(self, text, bind='"127.0.0.1:0"'):
        with open(os.path.join(self.folder, "ishowtts.toml"), "w", encoding="utf-8") as f:
            f.write(f'data_dir = "data"\n[server]\nbind = [{bind}]\n' + text)

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def wait_log(self, pattern, times=1):
        def found():
            matches = list(re.finditer(pattern, self.log()))
            assert self.alive() or len(matches) >= times, self.log()
            return matches[times - 1] if len(matches) >= times else None
        return wait_until(f"{times} times \"{pattern}\" in the log", found)

    def alive(self):
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return os.path.exists(f"/proc/{self.pid}")  # not yet this process's child

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_end(self):
        """The exit code."""
        wait_until("the end of the server", lambda: not self.alive())
        if self.pid == self.process.pid:
            return self.process.wait()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def stop(self):
        self.signal(signal.SIGKILL)
        self.wait_end()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)


def ask(connection, text="Hi.", stream=False):
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm" if stream else "wav"}
    if stream:
        body["stream_format"] = "audio"
    connection.request("POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json"})
    return connection.getresponse()


class Load:
    """Clients that speak all the time: some keep their connection, some make one for each request."""

    def __init__(self, port):
        self.port, self.done, self.failures, self.ended = port, 0, [], False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def run(self, number):
        dice = random.Random(number)
        connection = None
        while not self.ended:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
                answer = ask(connection, stream=number % 3 == 0)
                sound = answer.read()
                assert answer.status == 200 and len(sound) > 1000, f"{answer.status} {sound[:200]}"
                with self.lock:
                    self.done += 1
            except Exception as e:
                with self.lock:
                    self.failures.append(repr(e))
                connection = None
                continue
            if number % 2:
                connection.close()
                connection = None
            time.sleep(dice.choice((0, 0, 0.05, 0.3)))
        if connection:
            connection.close()

    def wait_for(self, more):
        target = self.done + more
        wait_until(f"{more} more answers", lambda: self.done >= target or self.failures)

    def end(self):
        self.ended = True
        for t in self.threads:
            t.join()
        assert not self.failures, f"{len(self.failures)} of {self.done + len(self.failures)} failed: {self.failures[:5]}"
        assert self.done >= 10 * ROUNDS, self.done


def test_a_newer_program_takes_over_under_load():
    server = Server()
    load = Load(server.port)
    try:
        for i in range(ROUNDS):
            load.wait_for(10)
            server.signal(signal.SIGUSR2)
            successor = int(server.wait_log(r"upgraded pid=(\d+)", i + 1)[1])
            assert server.wait_end() == 0, server.log()
            server.pid = successor
        load.wait_for(10)
        load.end()
    finally:
        load.ended = True
        server.signal(signal.SIGTERM)
        assert server.wait_end() == 0


def test_two_programs_share_a_socket_under_load():
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
    servers = [Server(sock=sock)]
    load = Load(servers[0].port)
    try:
        assert servers[0].port == sock.getsockname()[1]
        for _ in range(ROUNDS):
            load.wait_for(10)
            servers.append(Server(sock=sock))
            servers[0].signal(signal.SIGTERM)
            assert servers.pop(0).wait_end() == 0
        load.wait_for(10)
        load.end()
    finally:
        load.ended = True
        for s in servers:
            s.stop()
        sock.close()


def test_a_newer_program_that_fails_changes_nothing():
    server = Server()
    try:
        server.write_config("no_such_key = [\n")
        server.signal(signal.SIGUSR2)
        message = server.wait_log(r"upgrade failed message=\"?(.*?)\"? pid=")[1]
        assert "line" in message, message
        assert ask(server.connect()).status == 200
        server.write_config("")
        server.signal(signal.SIGUSR2)
        successor = int(server.wait_log(r"upgraded pid=(\d+)")[1])
        assert server.wait_end() == 0
        server.pid = successor
        assert ask(server.connect()).status == 200
    finally:
        server.stop()


def test_a_change_of_address_comes_with_the_newer_program():
    server = Server()
    path = os.path.join(server.folder, "x.sock")
    try:
        server.write_config("", bind=f'"unix:{path}", "127.0.0.1:0"')
        server.signal(signal.SIGUSR2)
        successor = int(server.wait_log(r"upgraded pid=(\d+)")[1])
        assert server.wait_end() == 0
        server.pid = successor
        assert re.findall(r"listening address=127\.0\.0\.1:(\d+)", server.log()) == [str(server.port)] * 2
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert s.recv(65536).startswith(b"HTTP/1.1 200 ")
    finally:
        server.stop()


def test_what_has_begun_is_finished():
    server = Server()
    try:
        kept, streaming = server.connect(), server.connect()
        assert ask(kept).read()
        answer = ask(streaming, "This is a sentence that takes a moment to be spoken. " * 8, stream=True)
        sound = answer.read(1000)
        server.signal(signal.SIGTERM)
        server.wait_log("draining")
        wait_until("closed doors", lambda: socket.socket().connect_ex(("127.0.0.1", server.port)) != 0)
        last = ask(kept)
        assert last.status == 200 and last.getheader("Connection") == "close" and last.read()
        sound += answer.read()
        assert len(sound) > 8 * 48000, len(sound)  # a second of each sentence at least
        streaming.close()
        assert server.wait_end() == 0
    finally:
        if server.alive():
            server.stop()


def test_patience_has_an_end():
    for config, signals in (("drain_timeout = 0.3\n", (signal.SIGTERM,)), ("drain_timeout = 600\n", (signal.SIGINT,) * 2)):
        server = Server(config)
        stalled = server.connect()
        ask(stalled, "This is a sentence that nobody listens to. " * 50, stream=True)
        for number in signals:
            server.signal(number)
            server.wait_log("draining")
        assert server.wait_end() == 0
        stalled.close()


def test_a_socket_of_systemd_is_handed_on():
    sock = socket.create_server(("127.0.0.1", 0))
    server = Server(sock=sock)
    try:
        server.signal(signal.SIGUSR2)
        successor = int(server.wait_log(r"upgraded pid=(\d+)")[1])
        assert server.wait_end() == 0
        server.pid = successor
        sock.close()  # systemd would not, but then it would not be seen who answers
        assert ask(server.connect()).status == 200
    finally:
        server.stop()


def test_two_programs_may_listen_beside_each_other():
    first = Server("reuse_port = true\n")
    second = Server("reuse_port = true\n", port=first.port)
    try:
        assert second.port == first.port
        first.signal(signal.SIGTERM)
        assert first.wait_end() == 0
        assert ask(second.connect()).status == 200
    finally:
        second.stop()


def test_systemd_hears_whom_to_look_after():
    path = os.path.join(work, "notify.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        server = Server(NOTIFY_SOCKET=path)
        try:
            try:
                while b"READY=1" not in manager.recv(4096):
                    pass
            except TimeoutError:
                raise Skip("this program is built without libsystemd")
            server.signal(signal.SIGUSR2)
            successor = int(server.wait_log(r"upgraded pid=(\d+)")[1])
            assert server.wait_end() == 0
            server.pid = successor
            heard = []
            manager.setblocking(False)
            with contextlib.suppress(BlockingIOError):  # the old one has ended: what it said is there
                while True:
                    heard.append(manager.recv(4096))
            assert f"MAINPID={successor}".encode() in heard and not any(b"STOPPING" in h for h in heard), heard
        finally:
            server.stop()


def test_what_is_handed_over_must_listen():
    with socket.socket() as idle:
        command = [sys.executable, "-c", ACTIVATE, str(idle.fileno()), PROGRAM, "serve"]
        done = subprocess.run(command, env=env, pass_fds=(idle.fileno(),), stderr=subprocess.PIPE, timeout=DEADLINE)
    assert done.returncode == 1 and b"no listening stream" in done.stderr, done.stderr


run_tests(globals())
