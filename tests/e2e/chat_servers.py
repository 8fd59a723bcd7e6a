"""Stand-ins for chat sites that speak their real protocols on loopback, and a WebSocket client, for tests.

Each server does what the site does, and on demand what it does on a bad day: cuts lines in the middle, sends rubbish, falls
silent, hangs up."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import struct
import threading
import zlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEADLINE = 60


class Listener:
    """Accepts on a port that the system chooses; `serve(socket)` runs in a thread for each client."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.changed = threading.Condition()
        self.clients, self.seen, self.ended = [], [], False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.settimeout(DEADLINE)
            with self.changed:
                self.clients.append(client)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self.serve(client)
        except (OSError, EOFError):
            pass

    def saw(self, what):
        with self.changed:
            self.seen.append(what)
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), f"waited for {what} in vain: {self.seen[-10:]}"

    def wait_seen(self, text, times=1):
        self.wait(lambda: sum(text in str(s) for s in self.seen) >= times, text)

    def hang_up(self):
        for client in self.clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.socket.close()
        self.hang_up()


class Twitch(Listener):
    """irc.chat.twitch.tv without TLS. `refuse`: the login; `split`: every line goes out in two pieces."""

    def __init__(self, refuse=False):
        super().__init__()
        self.refuse, self.joined = refuse, []

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self.port}"

    def serve(self, client):
        for line in client.makefile("r", encoding="utf-8", newline="\r\n"):
            line = line.rstrip("\r\n")
            self.saw(line)
            word, _, rest = line.partition(" ")
            if word == "CAP":
                self.send(client, ":tmi.twitch.tv CAP * ACK :twitch.tv/tags twitch.tv/commands")
            elif word == "NICK" and self.refuse:
                self.send(client, ":tmi.twitch.tv NOTICE * :Login authentication failed")
            elif word == "NICK":
                for code, text in (("001", "Welcome, GLHF!"), ("002", "Your host is tmi.twitch.tv"), ("375", "-"),
                                   ("372", "You are in a maze of twisty passages."), ("376", ">")):
                    self.send(client, f":tmi.twitch.tv {code} {rest} :{text}")
            elif word == "JOIN":
                self.send(client, f":justinfan!justinfan@justinfan.tmi.twitch.tv JOIN {rest}")
                self.send(client, f"@room-id=5 :tmi.twitch.tv ROOMSTATE {rest}")
                with self.changed:
                    self.joined.append((client, rest))
                    self.changed.notify_all()
            elif word == "PING":
                self.send(client, f":tmi.twitch.tv PONG tmi.twitch.tv {rest}")

    def wait_joined(self, times=1):
        self.wait(lambda: len(self.joined) >= times, "a JOIN")

    def send(self, client, line, split=False):
        data = line.encode() + b"\r\n"
        if split:
            client.sendall(data[:len(data) // 2])
            client.sendall(data[len(data) // 2:])
        else:
            client.sendall(data)

    def say(self, text, name="Ann", id="m1", tags="", split=False):
        client, room = self.joined[-1]
        login = name.lower()
        self.send(client, f"@badge-info=;badges=;color=#1E90FF;display-name={name};emotes=;id={id};room-id=5;user-id=u-{login};"
                          f"{tags} :{login}!{login}@{login}.tmi.twitch.tv PRIVMSG {room} :{text}", split)

    def line(self, text):
        client, room = self.joined[-1]
        self.send(client, text.replace("#CHANNEL", room))

    def raw(self, data):
        self.joined[-1][0].sendall(data)


class WebSocketServer(Listener):
    """Upgrades; `opened(client)` and `message(client, opcode, data)` are for those who speak a protocol over it."""

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        self.saw(head.decode().split("\r\n")[0])
        key = {k.lower(): v for k, v in fields.items()}["sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        client.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        reader = Frames(client, rest)
        self.opened(client)
        while True:
            opcode, data = reader.next()
            if opcode == 8:
                client.sendall(frame(8, data))
                return
            if opcode == 9:
                client.sendall(frame(10, data))
            else:
                self.message(client, opcode, data)

    def opened(self, client):
        self.saw("opened")

    def message(self, client, opcode, data):
        self.saw(data)

    def send(self, data, opcode=1):
        self.clients[-1].sendall(frame(opcode, data.encode() if isinstance(data, str) else data))


def frame(opcode, data, mask=False):
    n = len(data)
    head = bytes([0x80 | opcode])
    bit = 0x80 if mask else 0
    head += bytes([bit | n]) if n < 126 else struct.pack("!BH", bit | 126, n) if n < 65536 else struct.pack("!BQ", bit | 127, n)
    if not mask:
        return head + data
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(data))


class Frames:
    """What comes over a socket, frame by frame."""

    def __init__(self, s, rest=b""):
        self.socket, self.data = s, rest

    def _take(self, n):
        while len(self.data) < n:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.data += more
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def next(self):
        first, second = self._take(2)
        n = second & 0x7F
        if n == 126:
            n, = struct.unpack("!H", self._take(2))
        elif n == 127:
            n, = struct.unpack("!Q", self._take(8))
        key = self._take(4) if second & 0x80 else b"\0\0\0\0"
        data = self._take(n)
        return first & 0x0F, bytes(b ^ key[i % 4] for i, b in enumerate(data)) if second & 0x80 else data


class Bilibili(WebSocketServer):
    """The open platform: its signed HTTP requests and the websocket that they lead to. `deaf`: no heartbeat is answered."""

    KEY, SECRET, CODE, APP = "key-1", "secret-1", "code-1", 4711

    def __init__(self, deaf=False):
        super().__init__()
        self.deaf, self.calls, self.bad = deaf, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.check(self.headers, body)
                with outer.changed:
                    outer.calls.append((self.path, json.loads(body)))
                    outer.changed.notify_all()
                data = {}
                if self.path == "/v2/app/start":
                    data = {"game_info": {"game_id": "game-1"}, "anchor_info": {"room_id": 22, "uname": "主播"},
                            "websocket_info": {"auth_body": "{\"key\":\"abc\"}",
                                               "wss_link": [f"ws://127.0.0.1:{outer.port}/sub"]}}
                answer = json.dumps({"code": 0, "message": "0", "data": data}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def check(self, headers, body):
        """Every header that is signed, and the signature over them."""
        names = ["x-bili-accesskeyid", "x-bili-content-md5", "x-bili-signature-method", "x-bili-signature-nonce",
                 "x-bili-signature-version", "x-bili-timestamp"]
        text = "\n".join(f"{n}:{headers[n]}" for n in names)
        wanted = hmac.new(self.SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        if (headers["Authorization"] != wanted or headers["x-bili-accesskeyid"] != self.KEY or
                headers["x-bili-content-md5"] != hashlib.md5(body).hexdigest()):
            self.bad.append((dict(headers), body))

    def message(self, client, opcode, data):
        size, head, version, op, _ = struct.unpack("!IHHII", data[:16])
        self.saw((op, data[head:size].decode()))
        if op == 7:
            client.sendall(frame(2, packet(8, b'{"code":0}')))
        elif op == 2 and not self.deaf:
            client.sendall(frame(2, packet(3, struct.pack("!I", 1)) + data[16:]))

    def command(self, name, compress=False, **data):
        body = json.dumps({"cmd": "LIVE_OPEN_PLATFORM_" + name, "data": data}).encode()
        self.clients[-1].sendall(frame(2, packet(5, zlib.compress(packet(5, body) * 1), 2) if compress else packet(5, body)))

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        super().close()


def packet(op, body, version=0):
    return struct.pack("!IHHII", 16 + len(body), 16, version, op, 1) + body


class YouTube:
    """The Data API's few routes. `pages`: lists of items, one a poll; then empty ones. `searches`: answers to a search, one
    each; then the video."""

    def __init__(self, video="dQw4w9WgXcQ"):
        self.video, self.pages, self.searches, self.calls, self.status = video, [], [], [], None
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, answer = outer.answer(self.path)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def answer(self, path):
        with self.changed:
            self.calls.append(path)
            self.changed.notify_all()
            if "key=the-key" not in path:
                return 400, {"error": {"code": 400, "message": "API key not valid.", "errors": [{"reason": "badRequest"}]}}
            if self.status:
                return self.status
            if path.startswith("/videos"):
                found = [{"liveStreamingDetails": {"activeLiveChatId": "chat/1"}}] if self.video in path else []
                return 200, {"items": found}
            if path.startswith("/channels"):
                return 200, {"items": [{"id": "UC" + "x" * 22}]}
            if path.startswith("/search") and self.searches:
                return self.searches.pop(0)
            if path.startswith("/search"):
                return 200, {"items": [{"id": {"videoId": self.video}}]}
            items = self.pages.pop(0) if self.pages else []
            return 200, {"items": items, "nextPageToken": f"page{len(self.calls)}", "pollingIntervalMillis": 100}

    def add(self, *items):
        with self.changed:
            self.pages.append(list(items))

    @staticmethod
    def item(id, type="textMessageEvent", name="Ann", **details):
        return {"id": id, "snippet": {"type": type, "publishedAt": "2026-01-01T00:00:00Z", **details},
                "authorDetails": {"channelId": "UC-" + name, "displayName": name, "isChatOwner": False,
                                  "isChatModerator": False, "isChatSponsor": False}}

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Player:
    """A listener of /api/danmaku/stream: packets decoded, controls as they come."""

    def __init__(self, port, path="/api/danmaku/stream"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(4096)
            assert more, head
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        wanted = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
        assert b"sec-websocket-accept: " + wanted.lower() in head.lower(), head
        self.frames = Frames(self.socket, rest)

    def next(self):
        """("control", object) or ("packet", header, wav)"""
        while True:
            opcode, data = self.frames.next()
            if opcode == 9:
                self.socket.sendall(frame(10, data, mask=True))
            elif opcode == 8:
                return "close", struct.unpack("!H", data[:2])[0] if data else 0
            elif opcode == 1:
                return "control", json.loads(data)
            elif opcode == 2:
                n, = struct.unpack("<I", data[:4])
                return "packet", json.loads(data[4:4 + n]), data[4 + n:]

    def packet(self):
        while True:
            found = self.next()
            assert found[0] != "close", found
            if found[0] == "packet":
                return found[1], found[2]

    def close(self):
        self.socket.close()
