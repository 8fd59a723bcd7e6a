#!/usr/bin/env python3
"""What an operator writes, what `serve --check-config` says to it, who is let in, and SIGHUP.

Usage: test_config.py PROGRAM; prints TAP."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Skip, run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIP = os.path.join(TOP, "tests", "golden", "english", "ref.wav")
DEADLINE = 30
ALL, SPEAKER = "a-token-for-everything", "a-token-for-speaking"

work = tempfile.mkdtemp(prefix="ishow-config-")
os.chdir(work)
env = {k: v for k, v in os.environ.items() if not k.startswith("ISHOWTTS__")}
env |= {"HOME": work, "XDG_CONFIG_HOME": os.path.join(work, "none"), "STATE_DIRECTORY": os.path.join(work, "state"),
        "LC_ALL": "C.UTF-8", "ISHOWTTS__speech__engine": "builtin"}


def write(name, text):
    with open(name + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(name + ".new", name)
    return name


def check(text=None, *args, **more):
    if text is not None:
        args = ("--config", write("x.toml", text), *args)
    return subprocess.run([PROGRAM, "serve", "--check-config", *args], capture_output=True, text=True, env=env | more,
                          stdin=subprocess.DEVNULL, timeout=DEADLINE)


class Server:
    """One that listens on a free port, with its log as a list of events."""

    def __init__(self, text, *args):
        self.events = []
        self.heard = threading.Condition()
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--config", write("live.toml", text), "--bind", "127.0.0.1:0", "--log-format", "json",
             *args],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.port = int(self.wait("listening")["address"].rsplit(":", 1)[1])

    def read(self):
        for line in self.process.stderr:
            with self.heard:
                self.events.append(json.loads(line) if line.startswith("{") else {"event": line})
                self.heard.notify_all()

    def wait(self, event, after=0):
        """The first event of that name from the `after`th on."""
        until = time.monotonic() + DEADLINE
        with self.heard:
            while True:
                for e in self.events[after:]:
                    if e["event"] == event:
                        return e
                left = until - time.monotonic()
                assert left > 0 and self.process.poll() is None, (event, self.events)
                self.heard.wait(min(left, 0.2))

    def reload(self, text, event="reloaded"):
        write("live.toml", text)
        with self.heard:
            after = len(self.events)
        self.process.send_signal(signal.SIGHUP)
        return self.wait(event, after), after

    def ask(self, path, method="GET", body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        if body is not None:
            names["Content-Type"] = "application/json"
        c.request(method, path, body=json.dumps(body) if body is not None else None, headers=names)
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer.status, answer.headers, data

    def status(self, path, *args, **headers):
        return self.ask(path, *args, **headers)[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        self.process.stderr.close()
        assert code == 0, (code, self.events)


# -------- --check-config --------


def test_the_sample_is_in_force_as_it_says():
    r = check(None, "--config", os.path.join(TOP, "config", "ishowtts.toml"))
    assert r.returncode == 0 and r.stderr == "", r
    shown = tomllib.loads(r.stdout)
    assert shown["server"]["bind"] == ["127.0.0.1:27121"] and shown["queue"]["ladder"][0]["depth"] == 8, shown
    assert shown["speech"]["engine"] == "builtin" and shown["data_dir"] == env["STATE_DIRECTORY"], shown
    again = check(r.stdout)
    assert (again.returncode, again.stdout, again.stderr) == (0, r.stdout, ""), again


def test_nothing_written_is_fine_and_a_named_file_must_be_there():
    assert check().returncode == 0
    r = check(None, "--config", "gone.toml")
    assert r.returncode == 1 and "gone.toml" in r.stderr and len(r.stderr.splitlines()) == 1, r


def test_what_is_wrong_is_one_sentence_with_its_place():
    for text, words in (
        ("[queue]\ncapacity = '64'\n",
         "x.toml: line 2, column 12: queue.capacity: expected a whole number from 1 to 10000 requests, found a string"),
        ("[queue\n", "x.toml: line 1, column 7: "),
        ("[log]\nlevel = 'loud'\n", "log.level: expected one of debug, info, warn, error, found \"loud\""),
        ("[[f5.voices]]\nid = 'a'\nreference_audio = 'a'\n" * 2,
         "line 4, column 1: the voice \"a\" is there already, on line 1"),
        ("bind_addr = '0.0.0.0:27121'\n", "0.0.0.0:27121 can be reached from other machines, but there is no token"),
        ("[auth]\ntoken = 'brief'\n", "the token \"default\": expected 16 to 512 characters, found 5"),
        ("[auth]\ntoken_file = 'gone'\n", "gone: No such file"),
        ("[danmaku_gateway.filter]\nmax_words = 5000\n", "max_words: expected a whole number from 1 to 1000 words"),
        ("[danmaku_gateway.filter]\nbanned_keywords = ['fine', '(']\n", "[danmaku_gateway.filter], as rules: "),
        ("[danmaku_gateway.filter]\nbanned_keywords = ['']\n", "[danmaku_gateway.filter], as rules: "),
        ("[server]\ntls_certificate = '/dev/null'\ntls_key = 'gone.pem'\n", "server.tls_key: gone.pem: No such file"),
    ):
        r = check(text)
        assert r.returncode == 1 and r.stdout == "", r
        lines = r.stderr.splitlines()
        assert lines[-1].startswith("ishowtts serve: ") and words in lines[-1], r.stderr


def test_what_is_odd_is_told_and_no_more():
    r = check("defualt_voice = 'a'\n[queue]\ncapacty = 3\n[index_tts]\ndevice = 'cuda'\n")
    assert r.returncode == 0 and r.stdout, r
    assert r.stderr.splitlines() == [
        "ishowtts serve: x.toml: line 1, column 1: unknown key 'defualt_voice'; did you mean 'default_voice'?",
        "ishowtts serve: x.toml: line 3, column 1: unknown key 'capacty'; did you mean 'capacity'?",
        "ishowtts serve: x.toml: line 4, column 2: index_tts: this program does not have that engine; its voices are "
        "left out",
    ], r.stderr
    r = check("\n[[f5.voices]]\nid = 'a'\nreference_audio = 'gone.wav'\nreference_text = 'Words.'\n")
    assert r.returncode == 0 and r.stderr == ("ishowtts serve: x.toml: line 2, column 1: the voice \"a\" cannot speak: "
                                              "gone.wav: No such file or directory\n"), r


def test_environment_over_file_and_command_line_over_both():
    r = check("[queue]\ncapacity = 3\n[log]\nlevel = 'warn'\n", "--log-level", "error", ISHOWTTS__queue__capacity="5",
              ISHOWTTS__log__level="debug", ISHOWTTS__server__cors_origins="https://a.example,https://b.example")
    shown = tomllib.loads(r.stdout)
    assert r.returncode == 0 and shown["queue"]["capacity"] == 5 and shown["log"]["level"] == "error", r
    assert shown["server"]["cors_origins"] == ["https://a.example", "https://b.example"], r
    r = check("", ISHOWTTS__queue__capacity="many")
    assert r.returncode == 1 and "ISHOWTTS__queue__capacity: queue.capacity: expected a whole number" in r.stderr, r
    r = check("", ISHOWTTS__f5__voices="[]")
    assert r.returncode == 1 and "can stand only in the file" in r.stderr, r
    r = check("", "--log-level", "loud")
    assert r.returncode == 1 and r.stderr.startswith("ishowtts serve: --log-level: log.level: expected one of"), r
    r = check("", "--bind", "0.0.0.0:1", ISHOWTTS__auth__token=ALL)
    assert r.returncode == 0, r


def test_no_secret_is_shown():
    os.makedirs("secret", exist_ok=True)
    write("secret/token", "SECRET-0123456789\n")
    os.chmod("secret/token", 0o600)
    r = check("[auth]\ntoken_file = 'secret/token'\n[[auth.tokens]]\nname = 'overlay'\ntoken = 'SECRET-abcdefghij'\n"
              "[danmaku.twitch]\noauth_token = 'SECRET'\n[danmaku.youtube]\napi_key = 'SECRET'\n")
    assert r.returncode == 0 and "SECRET" not in r.stdout + r.stderr, r
    assert "# oauth_token is set" in r.stdout and 'name = "overlay"' in r.stdout, r


# -------- who is let in --------

TOKENS = (f"[server]\ncors_origins = ['https://page.example']\n[auth]\ntoken = '{ALL}'\n[[auth.tokens]]\n"
          f"name = 'speaker'\nsha256 = '{hashlib.sha256(SPEAKER.encode()).hexdigest()}'\n")


def test_tokens_open_what_they_are_for():
    with Server(TOKENS) as s:
        assert s.status("/api/health") == 200
        status, headers, data = s.ask("/api/voices")
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), (status, data)
        assert json.loads(data)["error"]["code"] == "no_token", data
        for way in ({"Authorization": "Bearer " + SPEAKER}, {"x_api_key": SPEAKER}):
            assert s.status("/api/voices", **way) == 200, way
            assert s.status("/api/history", "DELETE", **way) == 403, way
        assert s.status("/api/voices?access_token=" + SPEAKER) == 200
        assert s.status("/api/history?access_token=" + ALL, "DELETE") == 401
        assert s.status("/api/voices", Authorization="Bearer " + SPEAKER[:-1]) == 401
        assert s.status("/api/nothing") == 404 and s.status("/api/health", "PUT") == 405
        assert s.status("/v1/audio/speech", "POST", {"input": "Hi.", "model": "tts-1", "voice": "alloy"}) == 401
    told = json.dumps(s.events)
    assert ALL not in told and SPEAKER not in told and SPEAKER[:-1] not in told, "a token is in the log"
    assert any(e["event"] == "request" and e["token"] == "speaker" for e in s.events), s.events


def test_pages_of_strangers_stay_outside():
    with Server("[server]\ncors_origins = ['https://page.example']\n") as s:
        say = {"text": "Hello."}
        own = f"http://127.0.0.1:{s.port}"
        assert s.status("/api/tts", "POST", say) == 200
        assert s.status("/api/tts", "POST", say, Origin=own) == 200
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
                        {"Host": "evil.example"}, {"Host": "evil.example", "Origin": "http://evil.example"}):
            status, _, data = s.ask("/api/tts", "POST", say, **headers)
            assert status == 403, (headers, status, data)
        assert s.status("/api/health", Host="rebound.example") == 403
        status, headers, _ = s.ask("/api/tts", "OPTIONS", Origin="https://page.example",
                                   Access_Control_Request_Method="POST",
                                   Access_Control_Request_Headers="authorization, content-type")
        assert status == 204 and headers["Access-Control-Allow-Origin"] == "https://page.example", headers
        assert "DELETE" in headers["Access-Control-Allow-Methods"], headers
        assert headers["Access-Control-Allow-Headers"] == "authorization, content-type", headers
        status, headers, _ = s.ask("/api/tts", "OPTIONS", Origin="https://evil.example",
                                   Access_Control_Request_Method="POST")
        assert status == 403 and "Access-Control-Allow-Origin" not in headers, headers
        status, headers, _ = s.ask("/api/voices", Origin="https://page.example")
        assert headers["Access-Control-Allow-Origin"] == "https://page.example" and "Origin" in headers["Vary"], headers
        status, headers, _ = s.ask("/nothing", Origin="https://page.example")
        assert status == 404 and headers["Access-Control-Allow-Origin"] == "https://page.example", headers
        status, headers, _ = s.ask("/api/voices", Origin="https://evil.example")
        assert status == 200 and "Access-Control-Allow-Origin" not in headers, headers
        assert headers["X-Content-Type-Options"] == "nosniff", headers


def test_proxies_are_believed_when_trusted():
    with Server("[server]\ntrusted_proxies = ['127.0.0.1']\n") as s:
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=DEADLINE)
        c.putrequest("GET", "/api/voices")
        c.putheader("X-Forwarded-For", "6.6.6.6")  # the client's own, to mislead
        c.putheader("X-Forwarded-For", "7.7.7.7, 192.0.2.1")
        c.endheaders()
        assert c.getresponse().read()
        assert s.wait("request")["peer"] == "192.0.2.1", s.events
        c.close()
    with Server("") as s:
        s.status("/api/voices", X_Forwarded_For="192.0.2.1")
        assert s.wait("request")["peer"] == "127.0.0.1", s.events


def test_other_machines_need_a_token():
    r = subprocess.run([PROGRAM, "serve", "--bind", "0.0.0.0:0"], capture_output=True, text=True, env=env,
                       stdin=subprocess.DEVNULL, timeout=DEADLINE)
    assert r.returncode == 1 and "openssl rand -hex 32" in r.stderr, r


def test_a_warm_up_comes_before_the_first_request():
    preloaded = voice("two") + "preload = true\n"
    with Server("default_voice = 'one'\n" + voice("one") + preloaded, "--warmup") as s:
        names = [e.get("voice") or e["event"] for e in s.events if e["event"] in ("voice_ready", "listening")]
        assert names[-1] == "listening" and sorted(names[:-1]) == ["one", "two"], s.events
    with Server(preloaded) as s:
        assert s.wait("voice_ready")["voice"] == "two"


# -------- SIGHUP --------


def test_a_reload_does_not_open_the_door_to_everybody():
    with Server(f"[auth]\ntoken = '{ALL}'\n", "--bind", "0.0.0.0:0") as s:
        e, _ = s.reload("", "reload_failed")
        assert "openssl rand -hex 32" in e["message"] and s.status("/api/voices") == 401, e


def voice(name):
    return f"[[f5.voices]]\nid = '{name}'\nreference_audio = '{CLIP}'\nreference_text = 'Words.'\n"


def ids(s, **headers):
    return [v["id"] for v in json.loads(s.ask("/api/voices", **headers)[2])]


def test_a_reload_swaps_tokens_voices_origins_and_the_log():
    with Server(voice("one")) as s:
        assert "one" in ids(s)
        s.reload(f"[auth]\ntoken = '{ALL}'\n[server]\ncors_origins = ['https://page.example']\n" + voice("two"))
        assert s.status("/api/voices") == 401
        key = {"x_api_key": ALL}
        assert "two" in ids(s, **key) and "one" not in ids(s, **key)
        assert s.ask("/api/voices", Origin="https://page.example", **key)[1]["Access-Control-Allow-Origin"]
        s.reload(f"[auth]\ntoken = '{SPEAKER}'\n")
        assert s.status("/api/voices", **key) == 401 and s.status("/api/voices", x_api_key=SPEAKER) == 200
        _, after = s.reload("[log]\naccess = false\n")
        assert s.status("/api/voices") == 200
        s.reload("")
        assert not [e for e in s.events[after:] if e["event"] == "request"], s.events


def certificate(name):
    """A key and a certificate for it, in files."""
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                           "-nodes", "-keyout", "key.new", "-out", "cert.new", "-days", "2", "-subj", "/CN=" + name],
                          capture_output=True)
    assert made.returncode == 0, made
    os.rename("key.new", "key.pem")
    os.rename("cert.new", "cert.pem")
    with open("cert.pem") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


def test_a_reload_takes_up_a_new_certificate():
    if not shutil.which("openssl"):
        raise Skip("there is no openssl to make certificates with")
    first = certificate("first")
    text = "[server]\ntls_certificate = 'cert.pem'\ntls_key = 'key.pem'\n"
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE

    def shown(s):
        c = http.client.HTTPSConnection("127.0.0.1", s.port, timeout=DEADLINE, context=unchecked)
        c.request("GET", "/api/health")
        der = c.sock.getpeercert(True)
        assert c.getresponse().status == 200
        c.close()
        return der

    with Server(text) as s:
        assert shown(s) == first
        second = certificate("second")
        assert shown(s) == first, "before it is told to"
        s.reload(text)
        assert shown(s) == second
        write("cert.pem", "no certificate\n")
        e, after = s.reload(text, "reload_failed")
        assert "cert.pem" in e["message"] and shown(s) == second, e
        _, after = s.reload("")
        assert s.wait("restart_needed", after)["key"] == "server.tls_certificate"
        assert shown(s) == second


def test_a_broken_file_leaves_the_old_in_force():
    good = f"[auth]\ntoken = '{ALL}'\n" + voice("one")
    with Server(good) as s:
        key = {"x_api_key": ALL}
        for text, words in (("[auth]\ntoken = 3\n", "line 2, column 9: auth.token: expected a string"),
                            ("[auth\n", "line 1"), ("[auth]\ntoken = 'brief'\n", "16 to 512 characters"),
                            (good + voice("one"), "is there already"),
                            ("[server]\ntls_key = 'k'\n", "TLS needs both")):
            e, _ = s.reload(text, "reload_failed")
            assert words in e["message"] and "live.toml" in e["message"], e
            assert "one" in ids(s, **key) and s.status("/api/voices") == 401, text
        os.unlink("live.toml")
        with s.heard:
            after = len(s.events)
        s.process.send_signal(signal.SIGHUP)
        assert "live.toml" in s.wait("reload_failed", after)["message"]
        assert "one" in ids(s, **key)
        s.reload(good)


def test_what_only_a_start_can_change_is_named():
    with Server("") as s:
        _, after = s.reload("data_dir = 'elsewhere'\n[speech]\nthreads = 1\n[queue]\ncapacity = 5\n"
                            "[danmaku]\nageing = 5\n[danmaku.twitch]\nchannels = ['someone']\n")
        named = {e["key"] for e in s.events[after:] if e["event"] == "restart_needed"}
        assert named == {"data_dir", "speech.threads", "danmaku.ageing", "danmaku.twitch.channels"}, s.events[after:]


def test_a_storm_of_signals_drops_nothing():
    with Server(voice("one")) as s:
        statuses = []

        def talk():
            for _ in range(5):
                statuses.append(s.status("/api/tts", "POST", {"text": "A storm is coming, and we go on talking."}))

        talkers = [threading.Thread(target=talk) for _ in range(4)]
        for t in talkers:
            t.start()
        sent = 0
        while any(t.is_alive() for t in talkers) or sent < 300:
            s.process.send_signal(signal.SIGHUP)
            sent += 1
            time.sleep(0.001)  # for the kernel to deliver it
        for t in talkers:
            t.join()
        with s.heard:
            after = len(s.events)
        s.process.send_signal(signal.SIGHUP)
        s.wait("reloaded", after)
        assert statuses == [200] * 20, statuses
        assert sum(e["event"] == "reloaded" for e in s.events) < sent, sent
        assert not [e for e in s.events if e["event"] == "reload_failed"], s.events


try:
    run_tests(globals())
finally:
    shutil.rmtree(work, ignore_errors=True)
