"""What tests/load/chat and tests/e2e/test_chat_load.py are made of: a chat that writes faster than anybody can, and players by
the thousand.

Floods are bytes that were made beforehand, so that Python's pace is not what is measured. Players are one process with one
selector; what they hear they only count."""
import json
import os
import select
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "e2e"))
from chat_servers import Listener  # noqa: E402

WORDS = ("stream game mountain river window yellow garden silver monkey castle bridge summer winter candle thunder planet "
         "rocket violin pepper basket marble island copper forest desert harbor lantern meadow pillow saddle tunnel velvet "
         "walnut zebra anchor beacon canyon dragon engine falcon").split()


def words_of(i):
    """A short text that no other number has."""
    picked = []
    for _ in range(4):
        i, n = divmod(i, len(WORDS))
        picked.append(WORDS[n])
    return " ".join(picked)


def line(room, i, paid=False):
    """Message number `i` of a room as Twitch sends it; its id is the number."""
    user = i % 997
    bits = "bits=100;" if paid else ""
    text = f"Cheer100 {words_of(i)}" if paid else words_of(i)
    return (f"@badge-info=;badges=;{bits}color=#1E90FF;display-name=Viewer{user};emotes=;id={i};room-id=5;user-id={user};"
            f"user-type= :viewer{user}!viewer{user}@viewer{user}.tmi.twitch.tv PRIVMSG #{room} :{text}\r\n").encode()


class FastTwitch(Listener):
    """A Twitch that answers logins, knows who is in which room, and times the answers to its PINGs."""

    def __init__(self):
        super().__init__()
        self.rooms, self.asked, self.lags = {}, {}, []

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self.port}"

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for text in client.makefile("r", encoding="utf-8", newline="\r\n"):
            word, _, rest = text.rstrip("\r\n").partition(" ")
            if word == "NICK":
                client.sendall(f":tmi.twitch.tv 001 {rest} :Welcome\r\n:tmi.twitch.tv 376 {rest} :>\r\n".encode())
            elif word == "JOIN":
                client.sendall(f"@room-id=5 :tmi.twitch.tv ROOMSTATE {rest}\r\n".encode())
                with self.changed:
                    self.rooms[rest[1:]] = client
                    self.changed.notify_all()
            elif word == "PONG":
                with self.changed:
                    self.lags.append(time.monotonic() - self.asked.pop(rest.lstrip(":")))
                    self.changed.notify_all()

    def wait_rooms(self, count):
        self.wait(lambda: len(self.rooms) >= count, f"{count} rooms")

    def ping(self, room):
        """The answer comes only after all that was sent before has been read."""
        with self.changed:
            name = str(len(self.lags) + len(self.asked))
            self.asked[name] = time.monotonic()
        self.rooms[room].sendall(f"PING :{name}\r\n".encode())

    def wait_pongs(self):
        self.wait(lambda: not self.asked, "a PONG")

    def flood(self, blocks, every, ping_each):
        """Sends blocks, lists of (room, bytes), in time, and a PING with each so-manieth; gives the seconds that it took."""
        began = time.monotonic()
        for n, block in enumerate(blocks):
            wait = began + n * every - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            for room, data in block:
                self.rooms[room].sendall(data)
            if n % ping_each == 0:
                self.ping(block[0][0])
        self.wait_pongs()
        return time.monotonic() - began


class Skipper(threading.Thread):
    """Hears each clip for `seconds`, and has it skipped then: the stage goes on as fast as clips are made."""

    def __init__(self, player, control, seconds=0.0):
        super().__init__(daemon=True)
        self.player, self.control, self.seconds, self.heard = player, control, seconds, []
        self.start()

    def run(self):
        try:
            while True:
                found = self.player.next()
                if found[0] == "close":
                    return
                if found[0] == "packet":
                    self.heard.append(found[1]["id"])
                    time.sleep(self.seconds)
                    self.control("skip")
        except (OSError, EOFError):
            pass


# -------- many players --------

class Players:
    """So many players of a server, in a process of their own; `slow` of them never read."""

    def __init__(self, port, count, slow=0):
        import subprocess
        self.child = subprocess.Popen([sys.executable, os.path.abspath(__file__), str(port), str(count), str(slow)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout.readline() == "ready\n"

    def finish(self):
        """{"packets": how many each one heard, "gone": how many were hung up on, "spread": seconds from the first to the last
        who heard a clip}"""
        out, _ = self.child.communicate("\n", timeout=60)
        return json.loads(out)


class Ear:
    """One player. Frames of a server have no masks."""

    def __init__(self, port, slow):
        self.socket = socket.socket()
        if slow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET /api/danmaku/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(1)
            assert more, head
            head += more
        assert b" 101 " in head, head
        self.slow, self.head, self.left, self.binary, self.packets = slow, b"", 0, False, []

    def read(self, block, now):
        """0 at the end."""
        n = self.socket.recv_into(block)
        at = 0
        while at < n:
            if self.left:
                took = min(self.left, n - at)
                self.left -= took
                at += took
            else:
                self.head += block[at:at + 1]
                at += 1
                size = 2 if len(self.head) < 2 else {126: 4, 127: 10}.get(self.head[1], 2)
                if len(self.head) < size:
                    continue
                self.binary = self.head[0] == 0x82
                if self.head[0] == 0x89:  # a ping without words; who is silent for long is hung up on
                    self.socket.sendall(b"\x8a\x80\0\0\0\0")
                self.left = self.head[1] if size == 2 else int.from_bytes(self.head[2:], "big")
                self.head = b""
            if not self.left and not self.head and self.binary:
                self.packets.append(now)
                self.binary = False
        return n


def listen(port, count, slow):
    ears = [Ear(port, i < slow) for i in range(count)]
    poll, by_fd = select.epoll(), {e.socket.fileno(): e for e in ears if not e.slow}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    poll.register(0, select.EPOLLIN)
    print("ready", flush=True)
    block, gone, told = memoryview(bytearray(1 << 20)), 0, False
    while not told or poll.poll(0.2):
        for fd, _ in poll.poll(1):
            if fd == 0:
                told = True
                poll.unregister(0)
                break
            try:
                n = by_fd[fd].read(block, time.monotonic())
            except OSError:
                n = 0
            if n == 0:
                poll.unregister(fd)
                gone += 1
    for e in ears:
        if e.slow:
            gone += ended(e.socket)
    times = [[e.packets[i] for e in ears if len(e.packets) > i] for i in range(max((len(e.packets) for e in ears), default=0))]
    print(json.dumps({"packets": [len(e.packets) for e in ears if not e.slow], "gone": gone,
                      "spread": [max(t) - min(t) for t in times]}))


def ended(s):
    """Whether a server hung up: what lies in the socket is read first."""
    s.settimeout(2)
    try:
        while s.recv(1 << 20):
            pass
        return 1
    except TimeoutError:
        return 0
    except OSError:
        return 1


if __name__ == "__main__":
    listen(*map(int, sys.argv[1:4]))
