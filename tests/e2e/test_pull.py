"""`ishowtts pull` against a hub on this machine. Usage: test_pull.py PROGRAM; prints TAP."""
import errno
import fcntl
import json
import os
import pty
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hub_server import Fault, Hub  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
F5, VOCOS = "SWivid/F5-TTS", "charactr/vocos-mel-24khz"
CHECKPOINT, VOCAB = "F5TTS_v1_Base/model_1250000.safetensors", "F5TTS_v1_Base/vocab.txt"
BIN = "pytorch_model.bin"
SIZE = 3_000_000
ROUNDS = []


class Skip(Exception):
    pass


class Room:
    """A hub with the real names, and a home folder."""

    def __init__(self):
        noise = random.Random(7)
        self.hub = Hub()
        self.hub.add(F5, CHECKPOINT, noise.randbytes(SIZE), True)
        self.hub.add(F5, VOCAB, b" \n!\nni3\nhao3\n", False)
        self.hub.add(F5, "F5TTS_Base/model_1200000.safetensors", noise.randbytes(200_000), True)
        self.hub.add(F5, "F5TTS_Base/vocab.txt", b" \n?\n", False)
        self.hub.add(VOCOS, "config.yaml", b"backbone: {}\n", False)
        self.hub.add(VOCOS, BIN, noise.randbytes(100_000), True)
        self.home = tempfile.mkdtemp(prefix="ishow-pull-")
        self.cache = os.path.join(self.home, ".cache", "huggingface", "hub")
        self.children = []

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for pipe in (child.stdout, child.stderr):
                if pipe:
                    pipe.close()
        self.hub.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def env(self, **more):
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                                             "LSAN_OPTIONS", "LLVM_PROFILE_FILE")}
        env = {**keep, "HOME": self.home, "HF_ENDPOINT": self.hub.endpoint, **more}
        return {k: v for k, v in env.items() if v is not None}

    def start(self, *args, **env):
        child = subprocess.Popen([PROGRAM, "pull", *(args or ("f5",))], env=self.env(**env), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def pull(self, *args, code=0, **env):
        """Runs to the end; the words on stderr."""
        child = self.start(*args, **env)
        out, words = child.communicate(timeout=60)
        assert child.returncode == code, "exit code %d, expected %d: %s" % (child.returncode, code, words)
        self.out = out
        return words

    def repo(self, repo):
        return os.path.join(self.cache, "models--" + repo.replace("/", "--"))

    def file(self, repo, name):
        return self.hub.repos[repo]["files"][name]

    def pointer(self, repo, name):
        return os.path.join(self.repo(repo), "snapshots", self.hub.repos[repo]["commit"], name)

    def partial(self, repo, name):
        return os.path.join(self.repo(repo), "blobs", self.file(repo, name).etag + ".incomplete")

    def check_whole(self, repo, name):
        """The file is there, right, and linked as other tools expect."""
        file, pointer = self.file(repo, name), self.pointer(repo, name)
        with open(pointer, "rb") as f:
            assert f.read() == file.data, name
        up = "../" * (name.count("/") + 2)
        assert os.readlink(pointer) == up + "blobs/" + file.etag, os.readlink(pointer)
        assert not os.path.exists(self.partial(repo, name))

    def check_f5(self):
        for repo, name in ((F5, CHECKPOINT), (F5, VOCAB), (VOCOS, "config.yaml"), (VOCOS, BIN)):
            self.check_whole(repo, name)
        for repo in (F5, VOCOS):
            with open(os.path.join(self.repo(repo), "refs", "main")) as f:
                assert f.read() == self.hub.repos[repo]["commit"]

    def fault(self, name, *faults):
        self.hub.faults[name] = list(faults)


def test(fn):
    ROUNDS.append(fn)
    return fn


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited for %d s in vain" % seconds
        time.sleep(0.01)


def size_of(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return -1


def fails(words, *parts):
    assert len([line for line in words.splitlines() if line.startswith("ishowtts pull: ")]) == 1, words
    for part in parts:
        assert part in words, "%r is not in %r" % (part, words)


@test
def everything_is_fetched_into_the_shared_layout(r):
    words = r.pull()
    r.check_f5()
    assert r.hub.sent(CHECKPOINT) == SIZE
    assert "--model f5" in words and "\r" not in words and "\033" not in words, words
    assert r.out == ""
    for request in r.hub.requests:
        assert request["encoding"] == "identity"
        assert request["auth"] is None


@test
def huggingface_hub_finds_it(r):
    try:
        import huggingface_hub
    except ImportError:
        raise Skip("huggingface_hub is not installed")
    r.pull()
    for repo, name in ((F5, CHECKPOINT), (F5, VOCAB), (VOCOS, "config.yaml"), (VOCOS, BIN)):
        found = huggingface_hub.try_to_load_from_cache(repo, name, cache_dir=r.cache)
        assert found == r.pointer(repo, name), found
    info = huggingface_hub.scan_cache_dir(r.cache)
    assert not info.warnings and {i.repo_id for i in info.repos} == {F5, VOCOS}, info.warnings


@test
def what_huggingface_hub_fetched_is_found(r):
    try:
        import huggingface_hub  # noqa: F401
    except ImportError:
        raise Skip("huggingface_hub is not installed")
    code = "import sys, huggingface_hub as h; h.hf_hub_download(sys.argv[1], sys.argv[2])"
    env = r.env(HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1")
    subprocess.run([sys.executable, "-c", code, F5, CHECKPOINT], env=env, check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = r.hub.sent(CHECKPOINT)
    assert "is here already" in r.pull()
    assert r.hub.sent(CHECKPOINT) == before
    r.check_f5()


@test
def a_second_pull_fetches_nothing(r):
    r.pull()
    gets = r.hub.count(method="GET")
    assert r.pull().count("is here already") == 4
    assert r.hub.count(method="GET") == gets


@test
def v0_shares_the_vocoder(r):
    r.pull()
    r.pull("f5-v0")
    r.check_f5()
    r.check_whole(F5, "F5TTS_Base/model_1200000.safetensors")
    assert r.hub.sent(BIN) == 100_000


@test
def json_names_the_files(r):
    r.pull("--json", "f5", "f5-v0")
    files = json.loads(r.out)["files"]
    assert len(files) == 6 and all(f["fetched"] and os.path.getsize(f["path"]) == f["size"] for f in files)
    r.pull("--json", "f5")
    assert [f["fetched"] for f in json.loads(r.out)["files"]] == [False] * 4


@test
def the_folders_variables_are_honoured(r):
    for env, cache in (({"HF_HOME": "hf"}, "hf/hub"), ({"HF_HUB_CACHE": "c"}, "c"),
                       ({"XDG_CACHE_HOME": "x"}, "x/huggingface/hub")):
        r.cache = os.path.join(r.home, cache)
        r.pull(**{k: os.path.join(r.home, v) for k, v in env.items()})
        r.check_f5()


@test
def a_mirror_below_a_path_and_a_slash(r):
    r.hub.add("m/n", "x", b"", False)
    words = r.pull(code=1, HF_ENDPOINT=r.hub.endpoint + "/prefix//")
    assert any(q["path"].startswith("/prefix/" + F5) for q in r.hub.requests), words
    r.pull(HF_ENDPOINT=r.hub.endpoint + "//")
    r.check_f5()


@test
def the_token_goes_to_the_hub_alone(r):
    r.hub.token = "hf_secret"
    r.pull(HF_TOKEN="hf_secret\n")
    r.check_f5()
    assert all((q["auth"] == "Bearer hf_secret") == (q["where"] == "hub") for q in r.hub.requests)
    assert r.hub.count(where="cdn") == 2


@test
def the_token_file_is_read(r):
    r.hub.token = "hf_file"
    os.makedirs(os.path.join(r.home, "hf"))
    with open(os.path.join(r.home, "hf", "token"), "w") as f:
        f.write("hf_file\n")
    r.cache = os.path.join(r.home, "hf", "hub")
    r.pull(HF_HOME=os.path.join(r.home, "hf"))
    r.check_f5()
    fails(r.pull(code=1, HF_TOKEN="wrong", HF_HOME=os.path.join(r.home, "other")), "401", "HF_TOKEN")


@test
def refusals_say_what_to_do(r):
    r.hub.token = "hf_secret"
    fails(r.pull(code=1), "401", "HF_TOKEN", "settings/tokens")
    r.hub.gated = True
    fails(r.pull(code=1, HF_TOKEN="hf_secret"), "403", "granted", r.hub.endpoint + "/" + F5)
    r.hub.token, r.hub.gated = None, False
    fails(r.pull("--revision", "gone", "f5", code=1), "404", '"gone"')
    del r.hub.repos[F5]["files"][CHECKPOINT]
    fails(r.pull(code=1), "404", CHECKPOINT)
    del r.hub.repos[VOCOS]
    fails(r.pull(code=1), "404", VOCOS)
    assert "hf_secret" not in r.pull(code=1, HF_TOKEN="hf_secret")


@test
def a_bad_token_is_not_sent(r):
    fails(r.pull(code=2, HF_TOKEN="a\r\nX-Evil: 1"), "HF_TOKEN")
    assert not r.hub.requests


@test
def wrong_usage(r):
    for args in ((), ("nothing",), ("--what", "f5"), ("--revision", "../x", "f5")):
        child = subprocess.run([PROGRAM, "pull", *args], env=r.env(), capture_output=True, text=True, timeout=20)
        assert child.returncode == 2 and child.stderr and not child.stdout, (args, child)
    child = subprocess.run([PROGRAM, "pull", "--help"], env=r.env(), capture_output=True, text=True, timeout=20)
    assert child.returncode == 0 and "f5-v0" in child.stdout and not child.stderr
    fails(r.pull(code=2, HF_ENDPOINT="ftp://x"), "HF_ENDPOINT")
    assert not r.hub.requests


@test
def a_branch_with_a_slash_and_a_commit(r):
    commit = r.hub.repos[F5]["commit"]
    r.pull("--revision", "v/1", "f5")
    with open(os.path.join(r.repo(F5), "refs", "v", "1")) as f:
        assert f.read() == commit
    assert not os.path.exists(os.path.join(r.repo(F5), "refs", "main"))
    heads = r.hub.count(method="HEAD")
    r.pull("--revision", commit, "f5")
    assert r.hub.count(method="HEAD") == heads + 2, "a commit that is here needs no question"


@test
def a_dropped_connection_is_resumed(r):
    r.fault(CHECKPOINT, Fault("drop", 1_000_000), Fault("drop", 500_000))
    r.fault(VOCAB, Fault("drop", 3))
    words = r.pull()
    r.check_f5()
    assert "trying again" in words
    assert r.hub.sent(CHECKPOINT) == SIZE, r.hub.sent(CHECKPOINT)
    ranges = [q["range"] for q in r.hub.requests if q["where"] == "cdn" and q["file"] == CHECKPOINT]
    assert ranges == [None, "bytes=1000000-", "bytes=1500000-"], ranges


@test
def five_failures_in_a_row_are_enough(r):
    r.fault(VOCAB, *[Fault("status", 503, on="HEAD") for _ in range(9)])
    words = r.pull(code=1)
    fails(words, "503")
    assert words.count("trying again") == 4 and len(r.hub.faults[VOCAB]) == 4, words


@test
def server_errors_pass(r):
    r.fault(VOCAB, Fault("status", 500, on="HEAD"), Fault("status", 502))
    r.fault(CHECKPOINT, Fault("status", 504, where="hub"), Fault("status", 403, where="cdn"))
    r.fault(BIN, Fault("status", 429, headers={"Retry-After": "1"}, where="hub"))
    before = time.monotonic()
    words = r.pull()
    assert time.monotonic() - before >= 1, "Retry-After"
    r.check_f5()
    assert words.count("trying again") == 5, words


@test
def a_server_that_asks_for_an_hour_is_not_waited_for(r):
    r.fault(VOCAB, Fault("status", 429, on="HEAD", headers={"Retry-After": "3600"}))
    before = time.monotonic()
    fails(r.pull(code=1), "60 minutes")
    assert time.monotonic() - before < 30


@test
def a_stalled_connection_is_given_up(r):
    r.fault(CHECKPOINT, Fault("stall", 1_000_000))
    words = r.pull(HF_HUB_DOWNLOAD_TIMEOUT="2")
    assert "nothing came for 2 s" in words, words
    r.check_f5()
    ranges = [q["range"] for q in r.hub.requests if q["where"] == "cdn" and q["file"] == CHECKPOINT]
    assert ranges[1] == "bytes=1000000-", ranges


@test
def a_server_without_ranges_starts_over(r):
    r.hub.ranges = False
    r.fault(CHECKPOINT, Fault("drop", 1_000_000))
    r.pull()
    r.check_f5()
    assert r.hub.sent(CHECKPOINT) == SIZE + 1_000_000


@test
def a_wrong_content_range_starts_over(r):
    r.hub.range_shift = 1
    r.fault(CHECKPOINT, Fault("drop", 1_000_000))
    r.pull()
    r.check_f5()


@test
def a_416_starts_over(r):
    r.fault(CHECKPOINT, Fault("drop", 1_000_000), Fault("status", 416, where="cdn"))
    words = r.pull()
    assert "416" in words
    r.check_f5()
    assert r.hub.sent(CHECKPOINT) == SIZE + 1_000_000


@test
def a_wrong_byte_is_caught(r):
    for repo, name, at in ((F5, VOCAB, 2), (F5, CHECKPOINT, SIZE - 1)):
        r.fault(name, Fault("wrong", at))
        fails(r.pull(code=1), "damaged", os.path.basename(name))
        assert not os.path.lexists(r.pointer(repo, name))
        assert os.listdir(os.path.join(r.repo(repo), "blobs")).count(r.file(repo, name).etag) == 0
        assert not os.path.exists(r.partial(repo, name))
    assert not os.path.exists(os.path.join(r.repo(F5), "refs", "main"))
    r.pull()
    r.check_f5()


@test
def a_damaged_partial_file_is_fetched_anew(r):
    os.makedirs(os.path.dirname(r.partial(F5, CHECKPOINT)))
    for junk in (b"\0" * 1_000_000, b"\0" * SIZE, b"\0" * (SIZE + 1)):
        with open(r.partial(F5, CHECKPOINT), "wb") as f:
            f.write(junk)
        r.pull()
        r.check_f5()
        shutil.rmtree(os.path.join(r.repo(F5), "snapshots"))
        os.unlink(os.path.join(r.repo(F5), "blobs", r.file(F5, CHECKPOINT).etag))


@test
def a_whole_partial_file_needs_no_download(r):
    os.makedirs(os.path.dirname(r.partial(F5, CHECKPOINT)))
    with open(r.partial(F5, CHECKPOINT), "wb") as f:
        f.write(r.file(F5, CHECKPOINT).data)
    r.pull()
    r.check_f5()
    assert r.hub.sent(CHECKPOINT) == 0


@test
def too_long_and_compressed_answers_are_refused(r):
    r.fault(CHECKPOINT, Fault("longer"))
    fails(r.pull(code=1), "sends more")
    r.fault(VOCAB, Fault("gzip"))
    shutil.rmtree(os.path.join(r.home, ".cache"))
    fails(r.pull(code=1), "compressed")


@test
def a_hub_without_figures_is_refused(r):
    r.hub.linked = False
    fails(r.pull(code=1), "checksum")
    r.hub.linked, r.hub.sized = True, False
    fails(r.pull(code=1), "how large")
    assert r.hub.count(method="GET") == 0


@test
def a_renamed_repository_is_followed_with_the_token(r):
    r.hub.token = "t"
    r.hub.repos["New/Name"] = r.hub.repos[F5]
    r.hub.moved = (F5, "New/Name")
    r.pull(HF_TOKEN="t")
    r.check_f5()
    assert sum(q["path"].startswith("/New/Name/") for q in r.hub.requests) == 4
    r.hub.moved = (F5, F5)
    fails(r.pull("f5-v0", code=1, HF_TOKEN="t"), "redirects")


@test
def a_damaged_file_is_found_by_check(r):
    r.pull()
    blob = os.path.realpath(r.pointer(F5, CHECKPOINT))
    with open(blob, "r+b") as f:
        f.seek(12345)
        f.write(b"\0\0\0\0")
    assert "is here already" in r.pull()
    assert "damaged" in r.pull("--check", "f5")
    r.check_f5()
    r.pull("--check", "f5")
    assert r.hub.sent(CHECKPOINT) == 2 * SIZE
    os.truncate(blob, 100)
    r.pull()
    r.check_f5()


@test
def interrupted_by_the_user(r):
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        sent = r.hub.sent(CHECKPOINT)
        r.fault(CHECKPOINT, Fault("slow", 800_000))
        child = r.start()
        until(lambda: r.hub.sent(CHECKPOINT) > sent + 100_000)
        child.send_signal(number)
        words = child.communicate(timeout=10)[1]
        assert child.returncode == code, (child.returncode, words)
        assert "goes on from there" in words
        assert 0 < size_of(r.partial(F5, CHECKPOINT)) < SIZE
    r.fault(CHECKPOINT)
    have = size_of(r.partial(F5, CHECKPOINT))
    r.pull()
    r.check_f5()
    assert r.hub.requests[-1]["range"] == "bytes=%d-" % have, r.hub.requests[-1]


@test
def killed_and_resumed(r):
    r.fault(CHECKPOINT, Fault("slow", 800_000))
    child = r.start()
    until(lambda: size_of(r.partial(F5, CHECKPOINT)) > 100_000)
    child.kill()
    child.wait()
    until(lambda: r.hub.sent(CHECKPOINT) >= size_of(r.partial(F5, CHECKPOINT)))
    have, before = size_of(r.partial(F5, CHECKPOINT)), len(r.hub.requests)
    assert not os.path.lexists(r.pointer(F5, CHECKPOINT))
    r.pull()
    r.check_f5()
    ranges = [q["range"] for q in r.hub.requests[before:] if q["where"] == "cdn"]
    assert ranges == ["bytes=%d-" % have], ranges


@test
def two_at_once_fetch_each_file_once(r):
    r.fault(CHECKPOINT, Fault("slow", 3_000_000))
    children = [r.start(), r.start()]
    for child in children:
        assert child.wait(timeout=60) == 0, child.stderr.read()
    r.check_f5()
    assert r.hub.sent(CHECKPOINT) == SIZE


@test
def the_lock_is_that_of_other_tools(r):
    lock = os.path.join(r.cache, ".locks", "models--SWivid--F5-TTS", r.file(F5, CHECKPOINT).etag + ".lock")
    os.makedirs(os.path.dirname(lock))
    held = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    child = r.start()
    until(lambda: os.path.exists(r.pointer(VOCOS, BIN)))
    time.sleep(0.5)
    assert child.poll() is None and r.hub.sent(CHECKPOINT) == 0
    os.unlink(lock)  # as filelock does before it lets go
    os.close(held)
    words = child.communicate(timeout=30)[1]
    assert child.returncode == 0 and "waiting for another program" in words, words
    r.check_f5()


def small_disk(r, size):
    if os.geteuid() != 0:
        raise Skip("mounting a small disk takes root")
    path = os.path.join(r.home, "disk")
    os.makedirs(path)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "none", path], stderr=subprocess.DEVNULL).returncode:
        raise Skip("cannot mount a small disk here")
    return path


@test
def a_small_disk_is_refused_first(r):
    disk = small_disk(r, 8 << 20)
    try:
        fails(r.pull(code=1, HF_HOME=disk), "not enough room", "HF_HOME", disk)
        assert r.hub.count(method="GET") == 0 and os.listdir(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


@test
def a_disk_that_fills_up_keeps_what_came(r):
    disk = small_disk(r, 24 << 20)
    filler = os.path.join(disk, "filler")

    def fill():
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 65536)
            except OSError as e:
                assert e.errno == errno.ENOSPC

    try:
        r.cache = os.path.join(disk, "hub")
        r.fault(CHECKPOINT, Fault("call", 1_000_000, then=fill))
        fails(r.pull(code=1, HF_HOME=disk), "disk is full", CHECKPOINT)
        have = size_of(r.partial(F5, CHECKPOINT))
        assert 0 < have < SIZE, have
        os.unlink(filler)
        r.pull(HF_HOME=disk)
        r.check_f5()
    finally:
        subprocess.run(["umount", disk], check=True)


@test
def a_cache_that_cannot_be_written(r):
    blocked = os.path.join(r.home, "file")
    with open(blocked, "w"):
        pass
    fails(r.pull(code=1, HF_HOME=blocked), blocked)
    disk = small_disk(r, 24 << 20)
    try:
        r.pull(HF_HOME=disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert r.pull(HF_HOME=disk).count("is here already") == 4
        fails(r.pull("f5-v0", code=1, HF_HOME=disk), "Read-only")
    finally:
        subprocess.run(["umount", disk], check=True)


@test
def no_home_at_all(r):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        raise Skip("becoming a user without an entry takes root and setpriv")
    os.chmod(r.home, 0o755)
    child = subprocess.run(["setpriv", "--reuid=54321", "--clear-groups", PROGRAM, "pull", "f5"],
                           env=r.env(HOME=None), capture_output=True, text=True, timeout=20)
    if "setpriv" in child.stderr or "Permission denied" in child.stderr:
        raise Skip("the program cannot be run by another user here")
    assert child.returncode == 1 and "HF_HOME" in child.stderr, child


@test
def offline(r):
    fails(r.pull(code=1, HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE")
    assert not r.hub.requests
    r.pull()
    asked = len(r.hub.requests)
    assert r.pull(HF_HUB_OFFLINE="1").count("is here already") == 4
    assert len(r.hub.requests) == asked


@test
def a_hub_that_cannot_be_reached(r):
    r.pull()
    nobody = "http://127.0.0.1:1"
    words = r.pull(HF_ENDPOINT=nobody)
    assert "what is here already will do" in words and words.count("is here already") >= 4
    words = r.pull("f5-v0", code=1, HF_ENDPOINT=nobody)
    fails(words, "127.0.0.1")
    assert words.count("trying again") == 4


@test
def a_newer_commit_replaces_the_ref_when_it_is_whole(r):
    r.pull()
    old = r.hub.repos[F5]["commit"]
    r.hub.repos[F5]["commit"] = "1" * 40
    r.hub.add(F5, CHECKPOINT, random.Random(9).randbytes(50_000), True)
    r.fault(CHECKPOINT, Fault("wrong", 5))
    r.pull(code=1)
    with open(os.path.join(r.repo(F5), "refs", "main")) as f:
        assert f.read() == old
    vocab = r.hub.sent(VOCAB)
    r.pull()
    r.check_f5()
    assert r.hub.sent(VOCAB) == vocab, "the vocabulary is the same, and here"


@test
def a_bar_on_a_terminal(r):
    r.fault(CHECKPOINT, Fault("slow", 1_500_000))
    ours, theirs = pty.openpty()
    child = subprocess.Popen([PROGRAM, "pull", "f5"], env=r.env(TERM="xterm", LANG="C.UTF-8"), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=theirs)
    r.children.append(child)
    os.close(theirs)
    shown = b""
    end = time.monotonic() + 30
    while time.monotonic() < end and select.select([ours], [], [], 30)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert child.wait(timeout=10) == 0
    text = shown.decode()
    assert "█" in text and "MB/s" in text and "left" in text and "of 3.1 MB" in text, text[-2000:]
    assert all(len(line.split("\033[K")[-1]) <= 79 for line in text.replace("\r\n", "\r").split("\r") if "\033[K" in line
               and "is ready" not in line)
    r.check_f5()


def run(fn):
    """The lines of TAP after "ok"; None and what went wrong."""
    room = Room()
    try:
        fn(room)
        return "", None
    except Skip as why:
        return " # SKIP %s" % why, None
    except Exception:
        return "", traceback.format_exc()
    finally:
        room.close()


def main():
    only = sys.argv[2:]
    chosen = [fn for fn in ROUNDS if not only or fn.__name__ in only]
    failed = 0
    print("1..%d" % len(chosen), flush=True)
    with ThreadPoolExecutor(8) as pool:  # they wait more than they work
        for number, (fn, (note, trouble)) in enumerate(zip(chosen, pool.map(run, chosen)), 1):
            print("%sok %d - %s%s" % ("not " if trouble else "", number, fn.__name__.replace("_", " "), note), flush=True)
            if trouble:
                failed = 1
                print("".join("# %s\n" % line for line in trouble.splitlines()), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
