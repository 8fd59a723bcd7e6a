"""A hub on this machine: answers as huggingface.co does, with faults on request. Standard library only.

Two servers run in one process: the hub, and on 127.0.0.2 the delivery network that large files are
redirected to. `Hub.faults` maps a file's name to a list of faults; each GET (or HEAD, for those that say
so) takes the first that applies. What was asked is recorded in `Hub.requests`.
"""
import gzip
import hashlib
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class File:
    def __init__(self, data, large):
        self.data = data
        self.large = large
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        self.etag = self.sha256 if large else self.git


class Fault:
    """One thing that goes wrong.

    kind: "drop" (close after `n` bytes), "wrong" (flip a bit of byte `n`), "status" (answer `n`), "stall"
    (send `n` bytes, then nothing), "slow" (`n` bytes a second), "call" (send `n` bytes, then call `then`),
    "longer" (a byte too many), "gzip" (compressed although nobody asked).
    """

    def __init__(self, kind, n=0, on="GET", where="any", headers=None, then=None):
        self.kind, self.n, self.on, self.where = kind, n, on, where
        self.headers, self.then = headers or {}, then


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients are killed in mid-sentence here


class Hub:
    def __init__(self):
        self.repos = {}      # repo -> {"commit": str, "files": {name: File}}
        self.faults = {}     # file name -> [Fault]
        self.requests = []   # dicts: where, method, path, range, auth, file, sent
        self.token = None    # required when set
        self.gated = False
        self.ranges = True   # False: Range is ignored
        self.range_shift = 0 # Content-Range is wrong by so much
        self.moved = None    # (old, new) name of a repository: a relative redirect
        self.linked = True   # X-Linked-Etag is given
        self.sized = True    # X-Linked-Size is given
        self.lock = threading.Lock()
        self.hub = self._start("hub")
        self.cdn = self._start("cdn")

    def _start(self, where):
        server = Server(("127.0.0.1" if where == "hub" else "127.0.0.2", 0), _handler(self, where))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    @property
    def endpoint(self):
        return "http://127.0.0.1:%d" % self.hub.server_port

    def close(self):
        for server in (self.hub, self.cdn):
            server.shutdown()
            server.server_close()

    def add(self, repo, name, data, large):
        r = self.repos.setdefault(repo, {"commit": hashlib.sha1(repo.encode()).hexdigest(), "files": {}})
        r["files"][name] = File(data, large)

    def take_fault(self, name, method, where, gives_body):
        with self.lock:
            for fault in self.faults.get(name, []):
                if fault.on == method and fault.where in ("any", where) and (gives_body or fault.kind == "status"):
                    self.faults[name].remove(fault)
                    return fault
        return None

    def count(self, **want):
        with self.lock:
            return sum(all(r[k] == v for k, v in want.items()) for r in self.requests)

    def sent(self, name):
        """Bytes of a file's contents that left."""
        with self.lock:
            return sum(r["sent"] for r in self.requests if r["file"] == name)


def _handler(hub, where):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def refuse(self, status, code="", message="", headers=None):
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
                self.send_header("X-Error-Message", message)
            for k, v in (headers or {}).items():
                self.send_header(k, v)
            body = b"" if self.command == "HEAD" else b"no"
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def answer(self):
            try:
                self.answer_or_break()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def answer_or_break(self):
            path = self.path.split("?")[0]
            self.record = {"where": where, "method": self.command, "path": self.path, "file": None, "sent": 0,
                           "range": self.headers.get("Range"), "auth": self.headers.get("Authorization"),
                           "encoding": self.headers.get("Accept-Encoding")}
            with hub.lock:
                hub.requests.append(self.record)
            if where == "cdn":
                return self.cdn(path)
            if hub.moved and path.startswith("/%s/" % hub.moved[0]):
                return self.refuse(307, headers={"Location": path.replace(*hub.moved, 1)})
            m = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
            repo = m and hub.repos.get(urllib.parse.unquote(m[1]))
            if hub.token and self.record["auth"] != "Bearer " + hub.token:
                return self.refuse(401, "RepoNotFound", "Repository not found")
            if hub.gated:
                return self.refuse(403, "GatedRepo", "Access to this repository is restricted")
            if not repo:
                return self.refuse(404, "RepoNotFound", "Repository not found")
            if urllib.parse.unquote(m[2]) not in ("main", repo["commit"], "v/1"):
                return self.refuse(404, "RevisionNotFound", "Invalid rev id")
            name = urllib.parse.unquote(m[3])
            file = repo["files"].get(name)
            if not file:
                return self.refuse(404, "EntryNotFound", "Entry not found")
            self.record["file"] = name
            fault = hub.take_fault(name, self.command, where, not file.large)
            if fault and fault.kind == "status":
                return self.refuse(fault.n, headers=fault.headers)
            about = {"X-Repo-Commit": repo["commit"], "Accept-Ranges": "bytes"}
            if not file.large:
                about["ETag"] = '"%s"' % file.etag
                return self.send_file(file, about, fault)
            if hub.linked:
                about["X-Linked-Etag"] = '"%s"' % file.etag
            if hub.sized:
                about["X-Linked-Size"] = str(len(file.data))
            about["ETag"] = '"%s"' % hashlib.md5(file.data).hexdigest()
            about["Location"] = "http://127.0.0.2:%d/blobs/%s?Signature=a%%2Bb&name=%s" % (
                hub.cdn.server_port, file.etag, urllib.parse.quote(name))
            self.refuse(302, headers=about)

        def cdn(self, path):
            if self.record["auth"]:
                return self.refuse(400)
            etag = path.rsplit("/", 1)[-1]
            for repo in hub.repos.values():
                for name, file in repo["files"].items():
                    if file.etag == etag:
                        self.record["file"] = name
                        fault = hub.take_fault(name, self.command, where, True)
                        if fault and fault.kind == "status":
                            return self.refuse(fault.n, headers=fault.headers)
                        etag = '"%s"' % hashlib.md5(file.data).hexdigest()
                        return self.send_file(file, {"ETag": etag}, fault)
            self.refuse(404)

        def send_file(self, file, headers, fault):
            data, status, start = file.data, 200, 0
            m = re.fullmatch(r"bytes=(\d+)-", self.record["range"] or "")
            if m and hub.ranges:
                start = int(m[1])
                if start >= len(data):
                    return self.refuse(416, headers={"Content-Range": "bytes */%d" % len(data)})
                status = 206
                shift = hub.range_shift
                headers["Content-Range"] = "bytes %d-%d/%d" % (start + shift, len(data) - 1, len(data))
            body = data[start:]
            kind = fault.kind if fault else None
            if kind == "wrong":
                at = fault.n - start
                body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
            elif kind == "longer":
                body += b"x"
            elif kind == "gzip":
                body = gzip.compress(body)
                headers["Content-Encoding"] = "gzip"
            self.send_response(status)
            for k, v in headers.items():
                self.send_header(k, v)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.send_body(body, kind, fault)

        def send_body(self, body, kind, fault):
            if kind == "slow":
                for i in range(0, len(body), max(fault.n // 20, 1)):
                    self.write(body[i:i + max(fault.n // 20, 1)])
                    time.sleep(0.05)
            elif kind in ("drop", "stall", "call"):
                self.write(body[:fault.n])
                if kind == "stall":
                    time.sleep(20)
                if kind == "call":
                    fault.then()
                    return self.write(body[fault.n:])
                self.close_connection = True
            else:
                self.write(body)

        def write(self, data):
            self.wfile.write(data)
            self.wfile.flush()
            self.record["sent"] += len(data)

    return Handler
