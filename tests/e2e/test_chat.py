"""Chats that are read aloud: each site by a stand-in that speaks its protocol, faults included; rules, queue and controls over
HTTP; what players hear. Usage: test_chat.py PROGRAM; prints TAP."""
import concurrent.futures
import contextlib
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chat_servers import Bilibili, Listener, Player, Twitch, WebSocketServer, YouTube  # noqa: E402
from serving import DEADLINE, Serving, until  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
QUICK = "[danmaku_gateway.queue]\nrate_limit_per_sec = 1000.0\n"


@contextlib.contextmanager
def live(settings="", **more):
    with Serving(PROGRAM, settings + QUICK, **more) as server:
        yield server


def post(server, path, **body):
    status, answer, _ = server.ask("POST", path, body)
    return status, json.loads(answer) if answer else None


def state(server):
    return json.loads(server.ask("GET", "/api/live")[1])


def start(server, **body):
    status, answer = post(server, "/api/danmaku/start", **body)
    assert status == 202 and answer["status"] == "started", (status, answer)
    return answer["channel"]


def channel(server):
    return state(server)["channels"][0]


def ready(server):
    until(lambda: channel(server)["state"] == "ready", "a channel that is read")


def verdicts(server):
    return [(e["message"]["text"], e["verdict"]) for e in state(server)["log"]]


def pause(server):
    assert post(server, "/api/live/control", action="pause")[0] == 200


def queued(server):
    return [i["id"] for i in state(server)["queue"]]


# -------- Twitch --------

def test_twitch_is_heard():
    twitch = Twitch()
    with live() as server:
        player = Player(server.port)
        assert start(server, platform="twitch", channel="https://www.twitch.tv/SomeOne", url=twitch.url) == "someone"
        ready(server)
        assert any(s.startswith("NICK justinfan") for s in twitch.seen) and "JOIN #someone" in twitch.seen
        twitch.say("Hello there, what a nice stream!", split=True)
        header, wav = player.packet()
        assert header["username"] == "Ann" and header["platform"] == "twitch" and header["channel"] == "someone"
        assert header["display_text"] == "Ann says: Hello there, what a nice stream!" and header["color"] == "#1E90FF"
        assert header["format"] == "audio/wav" and header["sample_rate"] == 24000 and header["id"] == "m1"
        assert wav[:4] == b"RIFF" and abs(header["duration"] - (len(wav) - 44) / 48000) < 0.01
        twitch.line("PING :tmi.twitch.tv")
        twitch.wait_seen("PONG :tmi.twitch.tv")
    twitch.close()


def test_twitch_reconnects_and_joins_again():
    twitch = Twitch()
    with live() as server:
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        twitch.line(":tmi.twitch.tv RECONNECT")
        twitch.wait_joined(2)
        twitch.raw(b"@half=of;a=line :x!x@x PRIVMSG #a :cut in the mid")
        twitch.hang_up()
        twitch.wait_joined(3)
        ready(server)
        twitch.say("still here")
        until(lambda: ("still here", "say") in verdicts(server), "a message after two new beginnings")
        assert not any("cut in" in text for text, _ in verdicts(server))
    twitch.close()


def test_twitch_refuses_an_account_for_good():
    twitch = Twitch(refuse=True)
    with live(f'[danmaku.twitch]\nbot_username = "me"\noauth_token = "oauth:secret123"\nurl = "{twitch.url}"\n') as server:
        start(server, platform="twitch", channel="a")
        until(lambda: channel(server)["state"] == "refused", "a refusal")
        assert "Login authentication failed" in channel(server)["trouble"]
        assert "PASS oauth:secret123" in twitch.seen
        assert len(twitch.clients) == 1
        assert "secret123" not in json.dumps(state(server)) + json.dumps(server.events)
    twitch.close()


def test_twitch_rubbish_is_counted_and_survived():
    twitch = Twitch()
    with live() as server:
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        twitch.raw(b"\xff\xfe\r\n@no-space\r\n:\r\n\r\n" + bytes(range(1, 9)) + b"\r\n")
        twitch.say("good")
        until(lambda: ("good", "say") in verdicts(server), "a message after rubbish")
        twitch.raw(b"x" * 20000)  # a line without end
        twitch.wait_joined(2)
    twitch.close()


def test_removed_messages_are_not_spoken():
    twitch = Twitch()
    with live() as server:
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        pause(server)
        for i in range(6):
            twitch.say(f"message number {i} of someone", name="Bob" if i == 4 else "Ann", id=f"id{i}")
        until(lambda: len(queued(server)) == 6, "six messages")
        twitch.line("@target-msg-id=id3;login=ann :tmi.twitch.tv CLEARMSG #CHANNEL :x")
        until(lambda: "id3" not in queued(server), "a removal")
        twitch.line("@target-user-id=u-ann :tmi.twitch.tv CLEARCHAT #CHANNEL :ann")
        until(lambda: queued(server) == ["id4"], "a ban")
        twitch.line(":tmi.twitch.tv CLEARCHAT #CHANNEL")
        until(lambda: queued(server) == [], "an empty chat")
    twitch.close()


def test_what_sounds_stops_when_it_is_removed():
    twitch = Twitch()
    with live() as server:
        player = Player(server.port)
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        twitch.say("This is a rather long message that takes its time to be said aloud, word by word by word", id="bad")
        player.packet()
        twitch.line("@target-msg-id=bad :tmi.twitch.tv CLEARMSG #CHANNEL :x")
        assert player.next() == ("control", {"type": "skip", "volume": 1.0, "paused": False})
    twitch.close()


def test_what_was_spoken_is_forgotten_when_it_is_removed():
    twitch = Twitch()
    with live() as server:
        player = Player(server.port)
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        numbers = {}
        for id in ("good", "bad"):
            twitch.say(f"a {id} one", id=id)
            numbers[id] = player.packet()[0]["number"]
            post(server, "/api/live/control", action="skip")
            assert player.next()[1]["type"] == "skip"

        def deleted():
            return [e["message"]["id"] for e in state(server)["log"] if e["deleted"]]

        def clips():
            return {id: server.ask("GET", f"/api/live/clips/{n}")[0] for id, n in numbers.items()}
        assert deleted() == [] and clips() == {"good": 200, "bad": 200}
        twitch.line("@target-msg-id=bad;login=ann :tmi.twitch.tv CLEARMSG #CHANNEL :x")
        until(lambda: deleted() == ["bad"], "a message that is marked as deleted")
        assert clips() == {"good": 200, "bad": 404}
        post(server, "/api/live/control", action="replay")
        assert player.next()[1]["type"] == "replay"
        assert player.packet()[0]["id"] == "good"
        assert post(server, "/api/danmaku/stop", platform="twitch", channel="a")[0] == 202
        assert deleted() == ["bad"] and clips()["good"] == 200  # no more read, but not taken back
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined(2)
        post(server, "/api/danmaku/enqueue", id="paid", platform="twitch", channel="a", text="money",
             user={"id": "p", "name": "P"}, amount={"micros": 5000000, "currency": "USD", "text": "$5"})
        twitch.line(":tmi.twitch.tv CLEARCHAT #CHANNEL")
        until(lambda: deleted() == ["good", "bad"], "an empty chat, but for what was paid")
        assert clips() == {"good": 404, "bad": 404}
    twitch.close()


def test_moderators_give_commands():
    twitch = Twitch()
    with live() as server:
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        twitch.say("!tts pause", name="Mo", tags="mod=1")
        until(lambda: state(server)["paused"], "a pause")
        twitch.say("!tts resume", name="Ann")  # not a moderator
        twitch.say("!tts mute @Bob", name="Mo", tags="mod=1")
        twitch.say("I am Bob", name="Bob")
        until(lambda: ("I am Bob", "muted") in verdicts(server), "a mute")
        assert state(server)["paused"]
        twitch.say("!tts volume 40", name="Mo", tags="mod=1")
        until(lambda: state(server)["volume"] == 0.4, "a volume")
        for i, words in enumerate(("nan", "-nan", "up", "", "50 please", "-1", "101", "inf")):
            twitch.say(f"!tts volume {words}", name="Mo", tags="mod=1")
            twitch.say("still here", name=f"Dan{i}", id=f"v{i}")
            until(lambda: any(e["message"]["id"] == f"v{i}" for e in state(server)["log"]), "a message behind it")
            assert state(server)["volume"] == 0.4, words
        twitch.say("!tts volume 1 ", name="Mo", tags="mod=1")
        until(lambda: state(server)["volume"] == 0.01, "one per cent")
        twitch.say("!tts nick Ann Annabelle", name="Mo", tags="mod=1")
        twitch.say("in between", name="Cid", id="n0")  # a name is said once in a row
        twitch.say("hello again", name="Ann", id="n1")
        until(lambda: "n1" in queued(server), "a message")
        assert [i["text"] for i in state(server)["queue"] if i["id"] == "n1"] == ["Annabelle says: hello again"]
    twitch.close()


def test_a_chat_follows_the_rules_of_all_after_a_mute():
    twitch = Twitch()
    with live() as server:
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        twitch.say("!tts mute Bob", name="Mo", tags="mod=1")
        twitch.say("I am Bob", name="Bob")
        until(lambda: ("I am Bob", "muted") in verdicts(server), "a mute")
        assert not channel(server)["own_rules"]
        rules = json.loads(server.ask("GET", "/api/live/rules")[1])
        assert rules["muted_users"] == ["Bob"]
        assert server.ask("PUT", "/api/live/rules", {**rules, "blocked_words": ["turnip"]})[0] == 200
        twitch.say("what a turnip", id="t1")
        until(lambda: ("what a turnip", "word") in verdicts(server), "a blocked word")
        twitch.say("still Bob", name="Bob", id="t2")
        until(lambda: ("still Bob", "muted") in verdicts(server), "a mute that stays")

        path = "/api/live/rules?platform=twitch&channel=a"  # rules of its own are changed for it alone
        assert server.ask("PUT", path, {"max_words": 5})[0] == 200
        twitch.say("!tts mute Cid", name="Mo", tags="mod=1")
        twitch.say("I am Cid", name="Cid", id="t3")
        until(lambda: ("I am Cid", "muted") in verdicts(server), "a mute in its own rules")
        assert json.loads(server.ask("GET", path)[1])["muted_users"] == ["Cid"]
        assert json.loads(server.ask("GET", "/api/live/rules")[1])["muted_users"] == ["Bob"]
    twitch.close()


def test_what_is_posted_gives_no_commands():
    with live('[auth]\ntoken = "all-of-it-0123456789"\n'
              '[[auth.tokens]]\nname = "bot"\ntoken = "only-speak-0123456789"\nscopes = ["speak"]\n') as server:
        def ask(token, method, path, body=None):
            status, answer, _ = server.ask(method, path, body, {"Authorization": f"Bearer {token}-0123456789"})
            return status, json.loads(answer) if answer else None

        twitch = Twitch()
        status, _ = ask("all-of-it", "POST", "/api/danmaku/start", {"platform": "twitch", "channel": "a", "url": twitch.url})
        assert status == 202, status
        twitch.wait_joined()
        for role, verb in (("moderator", "pause"), ("owner", "panic")):
            status, answer = ask("only-speak", "POST", "/api/danmaku/enqueue", {
                "platform": "twitch", "channel": "a", "text": f"!tts {verb}",
                "user": {"id": role, "name": role.title(), "roles": [role]}})
            assert status == 202 and answer["text"].endswith(f"says: {verb}"), (status, answer)
        assert not ask("all-of-it", "GET", "/api/live")[1]["paused"]
        assert ask("only-speak", "POST", "/api/live/control", {"action": "pause"})[0] == 403
        twitch.close()


def test_no_secret_goes_to_an_address_of_a_request():
    twitch, youtube, bilibili = Twitch(), YouTube(), Bilibili()
    with live('[danmaku.twitch]\nbot_username = "me"\noauth_token = "oauth:secret123"\n'
              '[danmaku.youtube]\napi_key = "the-key"\n' + BILIBILI.format(bilibili.url)) as server:
        start(server, platform="twitch", channel="a", url=twitch.url)
        twitch.wait_joined()
        assert "PASS SCHMOOPIIE" in twitch.seen and not any("secret123" in s or "NICK me" in s for s in twitch.seen)
        for more in ({"platform": "youtube", "channel": "dQw4w9WgXcQ", "url": youtube.url},
                     {"platform": "bilibili", "channel": "22", "code": "code-1", "url": bilibili.url}):
            status, answer = post(server, "/api/danmaku/start", **more)
            assert status == 400 and f"danmaku.{more['platform']}.url" in answer["error"]["message"], answer
        assert not youtube.calls and not bilibili.calls
    for stand_in in twitch, youtube, bilibili:
        stand_in.close()


# -------- YouTube --------

def test_youtube_is_heard():
    youtube = YouTube()
    youtube.add(YouTube.item("old", textMessageDetails={"messageText": "said before"}))
    youtube.add(YouTube.item("y1", textMessageDetails={"messageText": "hello from the tube"}),
                YouTube.item("y2", "superChatEvent", "Bob", superChatDetails={
                    "amountMicros": "5000000", "currency": "EUR", "amountDisplayString": "€5.00", "userComment": "wow"}))
    with live(f'[danmaku.youtube]\napi_key = "the-key"\nurl = "{youtube.url}"\n') as server:
        pause(server)
        start(server, platform="youtube", channel="https://www.youtube.com/watch?v=dQw4w9WgXcQ")
        until(lambda: sorted(queued(server)) == ["y1", "y2"], "two messages")
        items = {i["id"]: i for i in state(server)["queue"]}
        assert items["y2"]["priority"] == "paid" and items["y2"]["text"] == "Bob sent €5.00: wow"
        assert "said before" not in str(verdicts(server))
        quota = channel(server)["quota"]
        assert quota["limit"] == 10000 and quota["used"] >= 11
        youtube.add({"id": "d", "snippet": {"type": "messageDeletedEvent",
                                            "messageDeletedDetails": {"deletedMessageId": "y1"}}},
                    {"id": "e", "snippet": {"type": "chatEndedEvent"}})
        until(lambda: channel(server)["state"] == "ended", "the end of the chat")
        assert queued(server) == ["y2"]
    youtube.close()


def test_youtube_without_a_key_says_how_to_get_one():
    with live() as server:
        status, answer = post(server, "/api/danmaku/start", platform="youtube", channel="dQw4w9WgXcQ")
        assert status == 400 and "danmaku.youtube.api_key" in answer["error"]["message"], answer


def test_youtube_quota_and_bad_keys():
    youtube = YouTube()
    with live(f'[danmaku.youtube]\napi_key = "the-key"\nquota = 3\nurl = "{youtube.url}"\n') as server:
        start(server, platform="youtube", channel="dQw4w9WgXcQ")
        until(lambda: channel(server)["state"] == "waiting", "a used up quota")
        assert "quota" in channel(server)["trouble"]
        assert not any("liveChat" in c for c in youtube.calls)  # what cannot be paid is not asked
    with live(f'[danmaku.youtube]\napi_key = "other"\nurl = "{youtube.url}"\n') as server:
        start(server, platform="youtube", channel="dQw4w9WgXcQ")
        until(lambda: channel(server)["state"] == "refused", "a refusal")
        assert "API key not valid" in channel(server)["trouble"]
    youtube.close()


def test_youtube_channel_that_is_not_live_does_not_eat_the_quota():
    youtube = YouTube()
    youtube.searches = [(500, {}), (200, {"items": []})]
    with live(f'[danmaku.youtube]\napi_key = "the-key"\nurl = "{youtube.url}"\n') as server:
        start(server, platform="youtube", channel="@someone")
        until(lambda: channel(server)["trouble"] == "the channel is not live", "an answer")
        assert channel(server)["state"] == "waiting" and channel(server)["retry_seconds"] > 800, channel(server)
        # the second attempt knows whose the handle is
        assert [c.split("?")[0] for c in youtube.calls] == ["/channels", "/search", "/search"], youtube.calls
        assert channel(server)["quota"]["used"] == 201
    youtube.close()


def test_a_question_without_an_answer_does_not_keep_the_server():
    silent = Listener()
    silent.serve = lambda client: silent.saw("asked")
    with live(f'[danmaku.youtube]\napi_key = "the-key"\nurl = "http://127.0.0.1:{silent.port}"\n') as server:
        start(server, platform="youtube", channel="dQw4w9WgXcQ")
        silent.wait_seen("asked")
        server.stop()  # with a sanitizer it says what was left behind
    silent.close()


# -------- Bilibili --------

BILIBILI = ('[danmaku.bilibili]\napp_id = "4711"\naccess_key_id = "key-1"\naccess_key_secret = "secret-1"\n'
            'code = "code-1"\nurl = "{}"\n')


def test_bilibili_is_heard():
    bilibili = Bilibili()
    with live(BILIBILI.format(bilibili.url)) as server:
        pause(server)
        start(server, platform="bilibili", channel="22", code="code-1")
        ready(server)
        assert bilibili.calls[0] == ("/v2/app/start", {"code": "code-1", "app_id": 4711}) and not bilibili.bad
        assert (7, '{"key":"abc"}') in bilibili.seen
        bilibili.command("DM", uname="小明", open_id="o1", msg="主播好厉害", msg_id="d1", dm_type=0, guard_level=0)
        bilibili.command("SUPER_CHAT", compress=True, uname="小红", open_id="o2", message="加油", rmb=30, message_id=99, msg_id="x")
        bilibili.command("SEND_GIFT", uname="小刚", open_id="o3", gift_name="小花花", gift_num=3, price=100, paid=True, msg_id="g1")
        until(lambda: len(queued(server)) == 3, "three messages")
        items = {i["id"]: i for i in state(server)["queue"]}
        assert items["sc99"]["priority"] == "paid" and items["sc99"]["amount"]["value"] == 30
        assert items["g1"]["amount"]["text"] == "¥0.30" and items["d1"]["lang"] == "zh"
        bilibili.command("SUPER_CHAT_DEL", message_ids=[99])
        until(lambda: "sc99" not in queued(server), "a super chat taken back")
        bilibili.command("INTERACTION_END", game_id="game-1")
        bilibili.wait(lambda: sum(c[0] == "/v2/app/start" for c in bilibili.calls) >= 2, "a new start")
        ready(server)
    assert bilibili.calls[-1] == ("/v2/app/end", {"game_id": "game-1", "app_id": 4711}), bilibili.calls
    assert not bilibili.bad, bilibili.bad
    bilibili.close()


def test_bilibili_rubbish_is_survived():
    bilibili = Bilibili()
    with live(BILIBILI.format(bilibili.url)) as server:
        start(server, platform="bilibili", channel="22", code="code-1")
        ready(server)
        for data in (b"", b"short", b"\xff" * 16, b"\0\0\0\x20\0\x10\0\x02\0\0\0\x05\0\0\0\x01" + b"not zlib!" + b"\0" * 7,
                     b"\0\0\0\x14\0\x10\0\0\0\0\0\x05\0\0\0\x01{no}"):
            bilibili.send(data, 2)
        bilibili.command("DM", uname="a", open_id="o", msg="still here", msg_id="ok")
        until(lambda: ("still here", "say") in verdicts(server), "a message after rubbish")
    bilibili.close()


def hear_silence():
    bilibili = Bilibili(deaf=True)
    with live(BILIBILI.format(bilibili.url)) as server:
        start(server, platform="bilibili", channel="22", code="code-1")
        ready(server)
        until(lambda: "stopped answering" in channel(server)["trouble"], "a connection that is given up", 120)
    bilibili.close()


SILENCE = concurrent.futures.ThreadPoolExecutor().submit(hear_silence)  # beside the other tests, for it takes a minute


# -------- everything else --------

def test_any_websocket():
    other = WebSocketServer()
    with live() as server:
        pause(server)
        start(server, platform="other", channel="mine", url=f"ws://127.0.0.1:{other.port}/chat?room=1")
        ready(server)
        assert other.seen[0] == "GET /chat?room=1 HTTP/1.1"
        other.send(json.dumps({"id": "o1", "channel": "mine", "user": {"name": "Zed"}, "text": "from somewhere"}))
        other.send(json.dumps([{"id": "o2", "channel": "mine", "text": "one more"}, 5, {"no": "text"}]))
        other.send("{broken")
        until(lambda: queued(server) == ["o1", "o2"], "two messages")
        other.send(json.dumps({"type": "remove", "id": "o1"}))
        until(lambda: queued(server) == ["o2"], "a removal")
        other.hang_up()
        other.wait(lambda: len(other.clients) >= 2, "a new connection")
        ready(server)
    other.close()


def test_muting_by_the_name_that_is_seen_takes_what_waits():
    other = WebSocketServer()
    with live() as server:
        pause(server)
        start(server, platform="other", channel="mine", url=f"ws://127.0.0.1:{other.port}/")
        ready(server)
        bob, ann = {"id": "UC-1", "name": "Bob"}, {"id": "UC-2", "name": "Ann"}
        for id, user, text in (("b1", bob, "one"), ("b2", bob, "two"), ("a1", ann, "other"), ("b3", bob, "three")):
            other.send(json.dumps({"id": id, "channel": "mine", "user": user, "text": text}))
        until(lambda: len(queued(server)) == 4, "four messages")
        other.send(json.dumps({"channel": "mine", "text": "!tts mute @Bob",
                               "user": {"id": "UC-3", "name": "Mo", "roles": ["moderator"]}}))
        until(lambda: queued(server) == ["a1"], "what is left")
    other.close()


def test_enqueue_in_the_originals_words():
    with live() as server:
        pause(server)
        status, answer = post(server, "/api/danmaku/enqueue", id="6f9619ff-8b86-d011-b42d-00cf4fc964ff", platform="Twitch",
                              channel="c", user_id=None, username="Ann", priority="Gift", content={"Text": "have this"},
                              metadata={}, timestamp="2026-01-01T00:00:00Z")
        assert status == 202 and answer["verdict"] == "say", answer
        status, _, headers = server.ask("POST", "/api/danmaku/enqueue", {"text": "!song"})
        assert status == 204 and headers["x-ishow-verdict"] == "command"
        status, answer = post(server, "/api/danmaku/enqueue", platform="icq", text="x")
        assert status == 400 and "icq" in answer["error"]["message"]
        assert state(server)["queue"][0]["priority"] == "paid"


def enqueued(server, count, **more):
    """What became of so many messages that come at once, in order."""
    found = []
    for i in range(count):
        status, body, headers = server.ask("POST", "/api/danmaku/enqueue", {
            "channel": "c", "text": f"message number {i} of many", "user": {"id": f"u{i}", "name": f"User{i}"}, **more})
        assert status == (204 if "x-ishow-verdict" in headers else 202), (status, headers)
        found.append(headers.get("x-ishow-verdict") or json.loads(body)["verdict"])
    return found


def test_enqueue_says_why_what_the_rules_would_say_is_not_said():
    for settings, why in (("[danmaku_gateway.queue]\nrate_limit_per_sec = 0.5\n", "rate"),
                          (QUICK + "[danmaku]\nflood = 2.0\n", "flood")):
        with Serving(PROGRAM, settings) as server:
            pause(server)
            found = enqueued(server, 8)
            assert found[0] == "say" and set(found) == {"say", why}, (why, found)
            assert [verdict for _, verdict in verdicts(server)] == found, (verdicts(server), found)
    with Serving(PROGRAM, QUICK + "capacity = 2\n") as server:
        pause(server)
        paid = {"micros": 5000000, "currency": "USD", "text": "$5"}
        assert enqueued(server, 4, amount=paid) == ["say"] * 4  # they do not go for what is not paid
        assert enqueued(server, 1) == ["full"]


# -------- queue and controls --------

def fill(server, *texts, **more):
    for i, text in enumerate(texts):
        status, answer = post(server, "/api/danmaku/enqueue", id=f"q{i}", platform="other", channel="c", text=text,
                              user={"id": f"u{i}", "name": f"User{i}"}, **more)
        assert status == 202, (status, answer)


def test_paid_and_moderators_go_first():
    with live() as server:
        pause(server)
        fill(server, "first one", "second one", "third one")
        post(server, "/api/danmaku/enqueue", id="mod", text="order", user={"id": "m", "name": "M", "roles": ["moderator"]})
        post(server, "/api/danmaku/enqueue", id="paid", text="money", user={"id": "p", "name": "P"},
             amount={"micros": 5000000, "currency": "USD", "text": "$5"})
        ids = queued(server)
        assert ids[0] == "q0" and ids[1:] == ["paid", "mod", "q1", "q2"], ids  # q0 was being made already


def test_pause_resume_skip_clear_replay_panic():
    with live() as server:
        player = Player(server.port)
        fill(server, "This is the first message and it is quite long so that it takes a while", "the second", "the third")
        assert player.packet()[0]["id"] == "q0"
        pause(server)
        assert player.next()[1]["type"] == "pause"
        post(server, "/api/live/control", action="skip")
        assert player.next()[1]["type"] == "skip"
        assert state(server)["playing"] is None
        post(server, "/api/live/control", action="resume")
        assert player.next()[1]["type"] == "resume"
        assert player.packet()[0]["id"] == "q1"
        post(server, "/api/live/control", action="panic")
        assert player.next()[1]["type"] == "panic"
        now = state(server)
        assert now["paused"] and now["playing"] is None and now["queue"] == [], now
        post(server, "/api/live/control", action="replay")
        assert player.next()[1]["type"] == "replay"
        assert player.packet()[0]["id"] == "q1"
        status, answer = post(server, "/api/live/control", action="dance")
        assert status == 400 and "dance" in answer["error"]["message"]


def test_the_queue_is_moved_and_thinned_by_hand():
    with live() as server:
        pause(server)
        fill(server, "one", "two", "three", "four", "five")
        numbers = {i["id"]: i["number"] for i in state(server)["queue"]}
        assert post(server, f"/api/live/queue/{numbers['q4']}", action="move", before=numbers["q1"])[0] == 200
        assert queued(server) == ["q0", "q4", "q1", "q2", "q3"]
        assert post(server, f"/api/live/queue/{numbers['q2']}", action="remove")[0] == 200
        assert post(server, f"/api/live/queue/{numbers['q0']}", action="remove")[0] == 200  # made already
        assert queued(server) == ["q4", "q1", "q3"]
        assert post(server, "/api/live/queue/99999", action="remove")[0] == 404


def outcome(server, text, id):
    post(server, "/api/danmaku/enqueue", id=id, platform="other", channel="c", text=text, user={"id": id, "name": id})
    return next(e["verdict"] for e in state(server)["log"] if e["message"]["id"] == id)


def test_what_the_rate_dropped_is_said_when_there_is_room():
    with Serving(PROGRAM, "[danmaku_gateway.queue]\nrate_limit_per_sec = 0.5\n") as server:
        pause(server)
        texts = (f"hello everyone, says number {i}" for i in range(100))
        dropped = next(text for text in texts if outcome(server, text, text) == "rate")
        ids = (f"again{i}" for i in itertools.count())
        assert until(lambda: (v := outcome(server, dropped, next(ids))) != "rate" and v, "room") == "say"
        assert outcome(server, dropped, next(ids)) == "merge"


def test_what_made_room_for_others_may_be_said_again():
    with Serving(PROGRAM, "[danmaku_gateway.queue]\ncapacity = 1\nrate_limit_per_sec = 1000.0\n") as server:
        pause(server)
        fill(server, "this is being made already", "hello everyone", "something that is newer")
        assert state(server)["summary"]["dropped"] == {"full": 1}
        assert outcome(server, "hello everyone", "again") == "say"
        assert outcome(server, "hello everyone", "once more") == "merge"


def test_identical_messages_become_one():
    with live() as server:
        player = Player(server.port)
        pause(server)
        fill(server, "something else first", "gg well played", "GG well played!", "gg  well played")
        assert [i["merged"] for i in state(server)["queue"]] == [0, 2]
        post(server, "/api/live/control", action="resume")
        player.packet()
        post(server, "/api/live/control", action="skip")
        header, _ = player.packet()
        assert header["id"] == "q1"


def test_a_flood_is_told_in_one_sentence():
    with live("[danmaku]\nflood = 4.0\n") as server:
        pause(server)
        fill(server, "this one is being made while the others wait",
             "this one is rather long, because the queue has to take more than four seconds to be said, word by word by word")
        for i in range(8):
            server.ask("POST", "/api/danmaku/enqueue", {"id": f"f{i}", "text": f"message {i} of a flood",
                                                        "user": {"id": f"f{i}", "name": f"Many{i}"}})
        now = state(server)
        assert now["summary"]["dropped"] == {"flood": 6} and len(now["queue"]) == 4, now  # one in four is said
        for item in now["queue"]:
            assert post(server, f"/api/live/queue/{item['number']}", action="remove")[0] == 200
        post(server, "/api/danmaku/enqueue", id="calm", text="all is calm", user={"id": "c", "name": "Cat"})
        texts = [i["text"] for i in state(server)["queue"]]
        assert "and 6 more messages" in texts, texts
        fill(server, "and after it nothing is left to tell")
        assert sum("more messages" in i["text"] for i in state(server)["queue"]) == 1


def test_rules_are_changed_tested_and_refused():
    with live() as server:
        status, answer = post(server, "/api/live/rules/test", text="buy followers at spam dot com", rules={
            "blocked_patterns": ["spam\\s+dot"]})
        assert status == 200 and answer["verdict"] == "pattern", answer
        status, body, _ = server.ask("PUT", "/api/live/rules", {"words": "zh", "blocked_words": ["坏"], "max_chars": 10})
        assert status == 200 and json.loads(body)["max_chars"] == 10
        assert post(server, "/api/live/rules/test", text="大坏蛋")[1]["verdict"] == "word"
        assert post(server, "/api/live/rules/test", text="你好", user="小明")[1]["text"] == "小明说：你好"
        for rules, words in (({"blocked_word": []}, 'did you mean "blocked_words"'), ({"max_chars": -1}, '"max_chars"'),
                             ({"blocked_patterns": ["("]}, "regular expression"), ({"mode": "loud"}, "all|command|mention")):
            status, body, _ = server.ask("PUT", "/api/live/rules", rules)
            assert status == 400 and words in json.loads(body)["error"]["message"], (rules, body)
        assert json.loads(server.ask("GET", "/api/live/rules")[1])["max_chars"] == 10


def test_a_server_that_ends_takes_no_messages():
    body = json.dumps({"id": "late", "text": "Is anybody there?", "user": {"id": "u", "name": "Ann"}}).encode()
    with live() as server, server.connect() as late:
        late.sendall(b"POST /api/danmaku/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body[:10])
        until(lambda: server.connections() == 2, "the server to see it")
        server.process.send_signal(signal.SIGTERM)
        server.wait_event("draining")
        late.sendall(body[10:])
        answer = late.recv(65536)
        assert answer.startswith(b"HTTP/1.1 503") and b"Retry-After: 1" in answer and b"shutting_down" in answer, answer
        server.process.wait(DEADLINE)


# -------- what is kept --------

def test_a_chat_leaves_with_its_line_in_the_configuration():
    twitch, folder = Twitch(), tempfile.mkdtemp(prefix="ishow-configured-")
    line = f'[danmaku.twitch]\nenabled = true\nchannels = ["configured"]\nurl = "{twitch.url}"\n'
    for settings, expected in (line, ["configured"]), ("", []):
        server = Serving(PROGRAM, settings + QUICK, folder=folder)
        assert [c["channel"] for c in state(server)["channels"]] == expected
        server.stop()
        server.process.stderr.close()
    shutil.rmtree(folder)


def test_paid_messages_channels_and_rules_survive_kill_9():
    twitch = Twitch()
    with live() as first:
        pause(first)
        start(first, platform="twitch", channel="keep", url=twitch.url)
        ready(first)
        status, body, _ = first.ask("PUT", "/api/live/rules?platform=twitch&channel=keep", {"max_words": 5})
        assert status == 200, body
        for i in range(5):
            post(first, "/api/danmaku/enqueue", id=f"p{i}", text=f"paid message {i}", color="#1E90FF", item="Rose", count=3,
                 user={"id": "u", "name": "Rich", "login": "rich", "roles": ["member"]}, reply_to="r", time_ms=5,
                 amount={"micros": 1000000, "currency": "EUR", "text": "€1"})
        post(first, "/api/danmaku/enqueue", id="free", text="not paid", user={"id": "v", "name": "Poor"})
        until(lambda: kept(first, "live_paid") == 5 and kept(first, "live_rules") == 1, "what was paid for on the disk")
        before = what_was_paid(first)
        assert before[0]["amount"] == {"value": 1.0, "micros": 1000000, "currency": "EUR", "text": "€1"}, before[0]
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        first.odd.clear()
        with live(folder=first.folder) as second:
            pause(second)
            until(lambda: len(queued(second)) == 5, "paid messages")
            assert queued(second) == [f"p{i}" for i in range(5)]
            assert what_was_paid(second) == before
            assert channel(second)["channel"] == "keep" and channel(second)["own_rules"]
            rules = json.loads(second.ask("GET", "/api/live/rules?platform=twitch&channel=keep")[1])
            assert rules["max_words"] == 5
            post(second, "/api/live/control", action="resume")
            for _ in range(5):
                until(lambda: state(second)["playing"], "a clip")
                post(second, "/api/live/control", action="skip")
            until(lambda: kept(second, "live_paid") == 0, "nothing that is owed")
            second.stop()
        first.process.returncode = 0
    twitch.close()


def what_was_paid(server):
    """All that is told of the queue's paid messages, but for when and as which number they came."""
    return [{k: v for k, v in i.items() if k not in ("number", "waiting_seconds")}
            for i in state(server)["queue"] if i["priority"] == "paid"]


def pay(server, count):
    for i in range(count):
        post(server, "/api/danmaku/enqueue", id=f"p{i}", text=f"paid message {i}", user={"id": "u", "name": "Rich"},
             amount={"micros": 1000000, "currency": "EUR", "text": "€1"})
    until(lambda: kept(server, "live_paid") == count, "what was paid for on the disk")


def hear(server, player, count):
    heard = []
    while len(heard) < count:
        header, _ = player.packet()
        assert "offset" not in header, header  # from its begin
        heard.append(header["id"])
        post(server, "/api/live/control", action="skip")
    return heard


def test_a_newer_program_says_what_was_paid_for_once():
    with live() as server:
        pause(server)
        pay(server, 6)
        player = Player(server.port)
        post(server, "/api/live/control", action="resume")
        heard = hear(server, player, 1) + [player.packet()[0]["id"]]  # this one sounds while the program is exchanged
        server.process.send_signal(signal.SIGUSR2)
        successor = server.wait_event("upgraded")["pid"]
        try:
            while (told := player.next())[0] != "close":
                if told[0] == "packet":
                    heard.append(told[1]["id"])
            server.process.wait()
            until(lambda: len(queued(server)) + len(heard) >= 5, "what is left")  # one is being made, perhaps
            time.sleep(1)  # nobody listens, so nothing is said
            assert state(server)["playing"] is None
            player = Player(server.port)
            heard += hear(server, player, 6 - len(heard))
            assert heard == [f"p{i}" for i in range(6)], heard
            until(lambda: kept(server, "live_paid") == 0, "nothing that is owed")
            assert not queued(server) and state(server)["playing"] is None
        finally:
            os.kill(successor, signal.SIGTERM)


def test_what_was_paid_for_waits_for_a_player_but_not_for_ever():
    with live() as first:
        pause(first)
        pay(first, 2)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        first.odd.clear()
        with live(folder=first.folder) as second:
            began = time.monotonic()
            until(lambda: state(second)["playing"], "a clip for nobody", 20)
            assert time.monotonic() - began > 8, "pages have had no time to come back"
            second.stop()
        first.process.returncode = 0


def kept(server, kind):
    import sqlite3
    with contextlib.closing(sqlite3.connect(f"file:{server.folder}/data/state.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM note WHERE kind = ?", (kind,)).fetchone()[0]


# -------- listeners --------

def test_late_listeners_get_what_sounds_and_not_what_was():
    with live() as server:
        first = Player(server.port)
        fill(server, "a short one", "This one is long, so that there is enough of it left for those who come in late, is there?")
        first.packet()
        post(server, "/api/live/control", action="skip")
        header, _ = first.packet()
        late = Player(server.port)
        found, _ = late.packet()
        assert found["id"] == header["id"] == "q1" and 0 <= found["offset"] < header["duration"]
        until(lambda: state(server)["listeners"] == 2, "two listeners")
        late.close()
        until(lambda: state(server)["listeners"] == 1, "one listener")


def test_listeners_are_told_when_the_server_goes():
    with live() as server:
        player = Player(server.port)
        until(lambda: state(server)["listeners"] == 1, "a listener")
        server.process.send_signal(signal.SIGTERM)
        assert player.next()[1]["type"] == "volume"  # how loud it is, for who has just come
        end = player.next()
        assert end == ("close", 1001), end
        server.stop()


def test_bilibili_that_falls_silent_is_left():
    SILENCE.result()


run_tests(globals())
