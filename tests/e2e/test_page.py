"""The page as a streamer has it, in headless Chromium before the real server: what chat writes is heard and seen, by mouse and
by keyboard alone, in both languages and themes; the overlay for OBS. Usage: test_page.py PROGRAM; prints TAP.

Each test fails too when the console has an error, when the policy of contents was violated, or when the page asked anybody
but its own server for something."""
import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402
from chat_servers import Twitch  # noqa: E402
from serving import Serving, until  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
ROOMS = {"live": "Live", "studio": "Studio", "voices": "Voices", "insight": "Insight", "settings": "Settings"}
QUICK = "[danmaku_gateway.queue]\nrate_limit_per_sec = 1000.0\n"
LONG = "This is a rather long message, and it takes its time to be said aloud, word by word by word, until it ends at last"
SPOKEN = "The quick brown fox jumps over the lazy dog, and then it goes home to have a long and quiet evening by the fire."

# Meters on everything that goes to the loudspeaker, so that silence is not taken for sound.
METERS = """
  window.meters = [];
  window.played = [];
  const connect = AudioNode.prototype.connect, play = HTMLMediaElement.prototype.play;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const meter = new AnalyserNode(to.context);
      connect.call(this, meter);
      meters.push(meter);
    }
    return connect.call(this, to, ...rest);
  };
  HTMLMediaElement.prototype.play = function () {
    if (!played.includes(this)) played.push(this);
    return play.call(this);
  };
  window.loudness = () => Math.max(0, ...meters.map((meter) => {
    const wave = new Float32Array(meter.fftSize);
    meter.getFloatTimeDomainData(wave);
    return Math.max(...wave.map(Math.abs));
  }));
  window.hears = () => loudness() > 0.01 || played.some((a) => !a.paused && !a.error && a.currentTime > 0.05 && a.volume > 0 && !a.muted);
  window.heardAt = 0;
  setInterval(() => { if (hears()) heardAt = performance.now(); }, 20);
  window.silent = () => performance.now() - heardAt > 500;  // longer than between two words
"""

kept = {}


def browser():
    """One for all tests: it takes a second to start. Its microphone hears somebody speak."""
    if "browser" not in kept:
        folder = tempfile.TemporaryDirectory(prefix="ishow-microphone-")
        kept["folder"], kept["clip"] = folder, os.path.join(folder.name, "spoken.wav")
        subprocess.run([PROGRAM, "say", "-o", kept["clip"], "--", SPOKEN], check=True, stderr=subprocess.DEVNULL)
        kept["browser"] = Browser(microphone=kept["clip"])
        atexit.register(kept["browser"].close)
    return kept["browser"]


@contextlib.contextmanager
def server_with_chat(settings="", **more):
    browser()  # or skip at once
    twitch = Twitch()
    try:
        with Serving(PROGRAM, QUICK + f'[danmaku.twitch]\nurl = "{twitch.url}"\n{settings}', **more) as server:
            yield server, twitch
        assert not any(e["event"] == "drain timeout" for e in server.events), "a page keeps the server from ending"
    finally:
        twitch.close()


@contextlib.contextmanager
def page_of(server, path="/", allowed=(), **more):
    with browser().page(server.url + path, before=METERS, **more) as page:
        page.server = server
        if more.get("settle", True):
            page.until("!!document.querySelector('main:not([aria-busy])')", "a whole room")
        yield page
        bad = [c for c in page.complaints if not any(a in c for a in allowed)]
        assert not bad, bad
        foreign = [u for u in page.requests if not u.startswith((server.url, f"ws://127.0.0.1:{server.port}", "blob:", "data:", "about:"))]
        assert not foreign, foreign


def ask(server, method, path, body=None):
    status, answer, _ = server.ask(method, path, body)
    assert 200 <= status < 300, (status, answer)
    return json.loads(answer) if answer else None


def live(server):
    return ask(server, "GET", "/api/live")


def control(server, action):
    ask(server, "POST", "/api/live/control", {"action": action})


def join(server, twitch, channel="somebody"):
    times = len(twitch.joined) + 1
    ask(server, "POST", "/api/danmaku/start", {"platform": "twitch", "channel": channel})
    twitch.wait_joined(times)


def caption(text):
    return f"document.querySelector('.stage .caption')?.textContent.includes({json.dumps(text)})"


def listening(page):
    """It has the stream of sound, and so hears from its beginning what is said next."""
    until(lambda: live(page.server)["listeners"] == 1, "a listener")


def to_room(page, name):
    page.js(f"location.hash = '#{name}'")
    page.until(f"!!document.querySelector('main:not([aria-busy]) .room.{name} h1')", f"the room {name}")
    page.quiet()


# -------- live --------

def test_a_viewer_is_heard_and_seen():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        page.fill("textbox", "Channel", "https://www.twitch.tv/SomeBody")
        page.click("button", "Connect")
        twitch.wait_joined()
        page.until("document.querySelector('.chats').innerText.includes('reading')", "a channel that is read")
        listening(page)
        twitch.say("Hello there, what a very nice and friendly stream this is!")
        page.until(caption("Ann says: Hello there"), "a caption")
        page.until("hears()", "sound")
        playing = live(server)["playing"]
        assert playing["user"]["name"] == "Ann" and playing["channel"] == "somebody", playing
        at = page.js("import('/app/player.js').then((p) => p.state.position)")
        page.until(f"import('/app/player.js').then((p) => p.state.position > {at})", "sound that goes on")
        assert "Hello there" in page.js("document.querySelector('.messages').innerText")
        page.until("document.querySelector('.messages').innerText.includes('said')", "what became of it")


def test_what_is_not_said_is_shown_with_its_reason():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        twitch.say("!song", name="Bob")
        page.until("!!document.querySelector('.messages .dropped')", "a message that is not said")
        twitch.say("<img src=x onerror=alert(1)> <b>bold</b>", name="Eve", id="evil")
        page.until("document.querySelector('.messages').innerText.includes('<b>bold</b>')", "markup as text")
        assert page.js("document.querySelectorAll('.messages img, .messages p b').length") == 0


def test_pause_skip_replay_and_panic():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        listening(page)
        twitch.say("First: " + LONG, id="a1")
        twitch.say("Second: " + LONG, id="a2")
        twitch.say("Third: " + LONG, id="a3")
        page.until(caption("First"), "the first")
        page.until("hears()", "sound")
        page.click("button", "Pause")
        until(lambda: live(server)["paused"], "a pause")
        page.until("silent()", "silence", seconds=2)
        page.click("button", "Resume")
        page.until("hears()", "sound again")
        page.click("button", "Skip")
        page.until(caption("Second"), "the second", seconds=3)  # by itself it comes later
        page.until("hears()", "its sound")
        page.click("button", "Panic …")
        page.until("silent()", "silence after a panic", seconds=2)
        now = live(server)
        assert now["paused"] and not now["queue"] and not now["playing"], now
        page.click("button", "Resume")
        page.click("button", "Replay")
        page.until(caption("Second"), "the second again")
        page.until("hears()", "its sound again")
        page.click("button", "Skip")


def test_it_comes_back_when_the_server_does():
    with server_with_chat() as (first, twitch):
        # what the browser itself says of lost connections is no fault of the page
        with page_of(first, allowed=("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY", "WebSocket connection")) as page:
            join(first, twitch)
            page.until("document.querySelector('.connection').dataset.state === 'open'", "a connection")
            first.stop()
            page.until("document.querySelector('.connection').dataset.state !== 'open'", "its loss to be shown")
            with Serving(PROGRAM, QUICK + f'[danmaku.twitch]\nurl = "{twitch.url}"\n', folder=first.folder, port=first.port) as second:
                page.server = second
                page.until("document.querySelector('.connection').dataset.state === 'open'", "a new connection", seconds=60)
                twitch.wait_joined(2)
                listening(page)
                twitch.say("And here we are again, all of us, as if nothing had been.", id="again")
                page.until(caption("here we are again"), "a caption")
                page.until("hears()", "sound")
                page.reload()
                page.until("document.querySelector('.connection').dataset.state === 'open'", "a connection after a reload")
                page.until("document.querySelector('.messages').innerText.includes('here we are again')", "what was said before")


def test_the_queue_by_mouse_and_by_keys():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        control(server, "pause")
        for i, name in enumerate(("Ann", "Bob", "Cid", "Dan")):
            twitch.say(f"{name} has something to say of number {i}", name=name, id=f"q{i}")
        page.until("document.querySelectorAll('.queue > li').length === 4", "a queue of four")
        names = "[...document.querySelectorAll('.queue > li')].map((li) => /Ann|Bob|Cid|Dan/.exec(li.innerText)[0]).join()"
        assert page.js(names) == "Ann,Bob,Cid,Dan"
        page.call("DOM.focus", backendNodeId=page.find("button", "Move Dan, now 4 of 4: arrow keys"))
        page.press("ArrowUp")
        page.until(f"{names} === 'Ann,Bob,Dan,Cid'", "Dan before Cid")
        until(lambda: [i["user"]["name"] for i in live(server)["queue"]] == ["Ann", "Bob", "Dan", "Cid"], "the server's order")
        page.click("button", "Remove what Bob wrote")
        page.until(f"{names} === 'Ann,Dan,Cid'", "Bob gone")
        page.click("button", "Mute Cid")
        page.click("button", "In somebody")
        page.until(f"!{names}.includes('Cid')", "Cid gone")
        twitch.say("me again", name="Cid", id="q9")
        page.until("document.querySelector('.messages').innerText.includes('muted')", "who is muted")


# -------- languages, themes, keys --------

def test_languages_are_switched_while_it_runs():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        page.shows("On stage")
        page.fill("textbox", "Message", "half a sentence")
        assert page.js("document.documentElement.lang") == "en"
        page.click("button", "中文")
        page.until("document.documentElement.lang === 'zh-CN'", "Chinese")
        page.until("!!document.querySelector('h1')", "the room")
        for name in ROOMS:
            to_room(page, name)
            page.until("/[\\u4e00-\\u9fff]/.test(document.querySelector('h1').textContent)", f"{name} in Chinese")
        to_room(page, "live")
        twitch.say("这个直播真的很好看，大家快来看看吧", name="小明")
        page.until("document.querySelector('.messages').innerText.includes('这个直播')", "a Chinese message")
        page.reload()
        page.until("document.documentElement.lang === 'zh-CN'", "Chinese after a reload")
        page.click("button", "English")
        page.until("document.documentElement.lang === 'en'", "English")
        page.shows("On stage")


def test_themes_follow_the_system_or_the_choice():
    dark = "((c) => c[0] + c[1] + c[2] < 380)(getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number))"
    with server_with_chat() as (server, _), page_of(server) as page:
        page.media("dark")
        page.until(dark, "dark as the system")
        page.media("light")
        page.until(f"!{dark}", "light as the system")
        page.click("button", "Theme: system")
        page.click("button", "Theme: light")
        page.until(dark, "dark as chosen")
        page.reload()
        page.until(dark, "dark after a reload")
        page.find("button", "Theme: dark")


FOCUS = """(() => {
  const e = document.activeElement;
  if (!e || e === document.body || e.localName === 'main') return null;
  const s = getComputedStyle(e), mark = (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none';
  const label = e.nextElementSibling && getComputedStyle(e.nextElementSibling);
  if (!e.dataset.tabbed) e.dataset.tabbed = '1'; else return { again: true };
  const box = e.getBoundingClientRect();
  return { what: `${e.localName}#${e.id} ${e.getAttribute('aria-label') || e.textContent.slice(0, 40)}`, mark,
           seen: box.bottom > 0 && box.top < innerHeight && box.width > 0 };
})()"""
REACHABLE = """[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((e) => !e.disabled && e.tabIndex >= 0 && e.type !== 'hidden' && e.checkVisibility({ checkVisibilityCSS: true }) &&
          e.getClientRects().length && !e.dataset.tabbed && !(e.type === 'radio' && !e.checked))
  .map((e) => `${e.localName}#${e.id} ${e.getAttribute('aria-label') || e.textContent.slice(0, 40)}`)"""


def test_tab_reaches_everything_and_shows_where_it_is():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        control(server, "pause")
        join(server, twitch)
        twitch.say("something that waits")
        for name in ROOMS:
            to_room(page, name)
            page.js("document.querySelectorAll('[data-tabbed]').forEach((e) => delete e.dataset.tabbed); document.activeElement.blur()")
            page.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            faults = []
            for _ in range(250):
                page.press("Tab")
                at = page.js(FOCUS)
                if at and at.get("again"):
                    break
                if at and not at["mark"]:
                    faults.append(f"no mark on {at['what']}")
                if at and not at["seen"]:
                    faults.append(f"out of sight: {at['what']}")
            missed = page.js(REACHABLE)
            assert not missed and not faults, (name, missed, faults)


def test_everything_by_keys():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        listening(page)
        page.press("?")
        page.until("!!document.querySelector('dialog[open]')", "the keyboard's help")
        assert "Pause" in page.js("document.querySelector('dialog').innerText")
        page.press(" ")
        assert not live(server)["paused"]  # not while a dialog is open
        if page.js("!!document.querySelector('dialog[open]')"):
            page.press("Escape")
        page.until("!document.querySelector('dialog')", "no dialog")
        twitch.say("First: " + LONG, id="k1")
        twitch.say("Second: " + LONG, id="k2")
        page.until(caption("First"), "the first")
        page.press("s")
        page.until(caption("Second"), "the second", seconds=3)  # by itself it comes later
        page.js("document.activeElement.blur()")
        page.press(" ")
        until(lambda: live(server)["paused"], "a pause")
        page.find("button", "Resume")
        page.press(" ")
        until(lambda: not live(server)["paused"], "no pause")
        for i, name in enumerate(ROOMS, 1):
            page.press(str(i))
            page.until(f"!!document.querySelector('main:not([aria-busy]) .room.{name} h1')", f"the room {name} by its number")
        page.press("/")
        page.until("document.activeElement?.id === 'test-text'", "the test message")
        page.press("s", "p")  # letters, not commands
        assert page.js("document.activeElement.value") == "sp" and not live(server)["paused"]
        page.press("Escape", "Escape")
        until(lambda: live(server)["paused"], "a panic")
        assert not live(server)["queue"]


# -------- studio, voices, insight, settings --------

def test_the_studio_speaks_and_keeps_it():
    with server_with_chat() as (server, _), page_of(server, "/#studio") as page:
        page.fill("textbox", "Text", "Good evening, and welcome to the stream, all of you!")
        page.click("button", "Speak")
        page.until("hears()", "speech")
        page.shows("Done:")
        until(lambda: ask(server, "GET", "/api/history")["items"], "the history")
        page.until("[...document.querySelectorAll('.room.studio li, .room.studio article')].some((e) => e.innerText.includes('Good evening'))",
                   "it in the history")


def fill_voice(page, name):
    page.fill("textbox", "Name", name)
    page.fill("textbox", "Words of the clip", SPOKEN)
    page.click("checkbox", "Whoever …") if page.has("checkbox", "Whoever …") else page.click("switch", "Whoever …")
    if page.has("textbox", "Who agreed …"):
        page.fill("textbox", "Who agreed …", "myself, today")


def test_a_voice_from_a_file():
    with server_with_chat() as (server, _), page_of(server, "/#voices") as page:
        page.upload(".room.voices input[type=file]", kept["clip"])
        page.shows("chosen")
        fill_voice(page, "From a file")
        page.click("button", "Make the voice")
        page.shows("The voice From a file is there.")
        assert "From a file" in json.dumps(ask(server, "GET", "/api/voices"))


def test_a_voice_from_the_microphone():
    with server_with_chat() as (server, _), page_of(server, "/#voices") as page:
        page.click("button", "Record")
        page.shows("Recording.")
        page.until("[...document.querySelectorAll('[role=meter], meter')].some((m) => Number(m.getAttribute('aria-valuenow') ?? m.value) > "
                   "Number(m.getAttribute('aria-valuemin') ?? m.min))", "a level")
        page.until("/Stop, (1[0-9]|[0-9]) s left/.test(document.body.innerText) || !document.body.innerText.includes('Stop, 2')", "some seconds")
        page.click("button", "Stop, …")
        page.shows("chosen")
        page.click("button", "Play the part")
        page.until("hears()", "what was recorded")


def test_rules_are_tried_before_they_count():
    with server_with_chat() as (server, _), page_of(server, "/#settings") as page:
        page.find("textbox", "Message")
        page.fill("textbox", "Message", "buy followers at https://spam.example now")
        page.until("document.querySelector('.tester .verdict').innerText.replace(/\\s+/g, ' ') === 'not said link'", "why it is not said")
        page.js("document.querySelectorAll('.groups details').forEach((d) => { d.open = true; })")
        page.choose("Links", "word")
        page.until("document.querySelector('.tester blockquote')?.innerText.includes('buy followers at link now')", "what would be said of it")
        assert ask(server, "GET", "/api/live/rules")["links"] == "drop_message"


def rules_of(server, channel):
    return ask(server, "GET", f"/api/live/rules?platform=twitch&channel={channel}")


def at_the_rules_of(page, channel):
    """From Live, as a streamer goes there."""
    to_room(page, "live")
    page.click("button", f"Rules of {channel}")
    page.until("!!document.querySelector('main:not([aria-busy]) #rule-command')", f"the rules of {channel}")


def test_rules_stay_their_channels_in_another_language():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        for channel in ("alpha", "beta"):
            join(server, twitch, channel)
            ask(server, "PUT", f"/api/live/rules?platform=twitch&channel={channel}", {**rules_of(server, channel), "command": f"!{channel}"})
        at_the_rules_of(page, "alpha")
        page.until("document.getElementById('rule-command').value === '!alpha'", "the rules of alpha")
        page.choose("Rules of", "twitch/beta")
        page.until("document.getElementById('rule-command').value === '!beta'", "the rules of beta")
        page.click("button", "中文")
        page.until("document.documentElement.lang === 'zh-CN' && !!document.querySelector('main:not([aria-busy]) #rule-command')", "Chinese")
        page.quiet()
        assert page.js("[document.getElementById('rules-whose').value, document.getElementById('rule-command').value]") == ["twitch/beta", "!beta"]
        page.js("document.getElementById('rule-command').select(); document.getElementById('rule-command').focus()")
        page.call("Input.insertText", text="!both")
        page.click("button", "English")
        page.until("document.documentElement.lang === 'en' && !!document.querySelector('main:not([aria-busy]) #rule-command')", "English")
        page.click("button", "Save rules")
        until(lambda: rules_of(server, "beta")["command"] == "!both", "the rules of beta")
        assert rules_of(server, "alpha")["command"] == "!alpha"


def test_menus_have_the_names_of_voices():
    with server_with_chat() as (server, _), page_of(server, "/#voices") as page:
        page.upload(".room.voices input[type=file]", kept["clip"])
        page.shows("chosen")
        fill_voice(page, "Mira")
        page.click("button", "Make the voice")
        page.shows("The voice Mira is there.")
        page.click("button", "Rename Mira")
        page.fill("textbox", "New name", "Mira, in the evening")
        page.click("button", "Save")
        page.find("button", "Preview Mira, in the evening")
        for name, menu in (("live", "stage-voice"), ("settings", "rule-voice")):
            to_room(page, name)
            page.until(f"[...document.getElementById('{menu}').options].some((o) => o.value === 'Mira' && o.text === 'Mira, in the evening')",
                       f"its name in the menu of {name}", seconds=3)


def test_rules_that_cannot_be_are_not_saved():
    with server_with_chat() as (server, _), page_of(server, "/#settings") as page:
        page.fill("textbox", "Command", "!hear")
        page.js("document.querySelectorAll('.groups details').forEach((d) => { d.open = true; })")
        page.fill("spinbutton", "Words", "1.5")
        page.js("document.querySelectorAll('.groups details').forEach((d) => { d.open = false; })")
        page.click("button", "Save rules")
        page.until("document.activeElement.id === 'rule-max_words' && document.activeElement.ariaInvalid === 'true'", "what is wrong", seconds=3)
        assert page.js("document.activeElement.checkVisibility() && !document.getElementById('toasts').children.length")
        assert ask(server, "GET", "/api/live/rules")["command"] != "!hear"
        page.fill("spinbutton", "Words", "15")
        page.click("button", "Save rules")
        page.shows("Saved")
        rules = ask(server, "GET", "/api/live/rules")
        assert (rules["command"], rules["max_words"]) == ("!hear", 15), rules


def test_a_draft_of_rules_is_not_lost_unasked():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        for channel in ("alpha", "beta"):
            join(server, twitch, channel)
        at_the_rules_of(page, "alpha")
        page.fill("textbox", "Command", "!draft")
        drafted = "[document.getElementById('rules-whose').value, document.getElementById('rule-command')?.value].join() === 'twitch/alpha,!draft'"
        to_room(page, "live")
        page.click("button", "Rules of beta")
        page.until("!!document.querySelector('dialog[open]')", "a question", seconds=3)
        page.click("button", "Cancel")
        page.until(drafted, "the draft")
        beta = os.path.join(kept["folder"].name, "beta.json")
        with open(beta, "w", encoding="utf-8") as f:
            json.dump({"rules": {"twitch/beta": {**rules_of(server, "beta"), "command": "!imported"}}}, f)
        page.upload(".room.settings input[type=file]", beta)
        page.click("button", "Replace")
        page.shows("Rules of 1 taken over")
        page.quiet()
        assert page.js(drafted) and rules_of(server, "beta")["command"] == "!imported"
        to_room(page, "live")
        page.click("button", "Rules of beta")
        page.click("button", "Leave them")
        page.until("document.getElementById('rule-command')?.value === '!imported'", "the rules of beta")


def test_a_room_made_anew_knows_what_was_typed():
    with server_with_chat() as (server, _), page_of(server, "/#settings") as page:
        address = "document.querySelector('main:not([aria-busy]) #overlay-address:not([data-old])').value"
        mark_old = "document.getElementById('overlay-address').dataset.old = 1"
        page.fill("textbox", "Token", "a-secret")
        page.click("button", "Use token")
        page.until("!!document.querySelector('main:not([aria-busy]) #overlay-token')", "the room")
        page.quiet()
        page.click("switch", "With the token of this page")
        page.fill("spinbutton", "Size of the text, px", "48")
        page.until(f"{address}.includes('size=48') && {address}.includes('a-secret')", "an address with both")
        page.js(mark_old)
        page.click("button", "中文")
        page.until(f"{address}.includes('size=48') && {address}.includes('a-secret') && {address}.includes('lang=zh-CN')", "both still", seconds=3)
        page.js(mark_old)
        page.click("button", "清除令牌")
        page.until(f"{address}.includes('size=48') && !{address}.includes('a-secret')", "an address without the token", seconds=3)
        assert page.js("document.getElementById('settings-token').value") == ""


def test_the_countdown_goes_on_in_another_room():
    browser()  # or skip at once
    with Serving(PROGRAM, '[danmaku.twitch]\nurl = "tcp://127.0.0.1:9"\n') as server, page_of(server) as page:
        ask(server, "POST", "/api/danmaku/start", {"platform": "twitch", "channel": "nobody"})
        seconds = "Number(/again in ([0-9]+)/.exec(document.querySelector('.chats')?.innerText)?.[1] ?? 0)"
        first = page.until(f"{seconds} > 3 && {seconds}", "a countdown of some seconds")
        to_room(page, "insight")
        page.js("new Promise((done) => setTimeout(done, 2500))")
        to_room(page, "live")
        assert 0 < page.js(seconds) <= first - 2, (first, page.js(seconds))


def test_what_was_said_is_heard_again():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        twitch.say("Once more, please.")
        page.until("document.querySelector('.messages .said .actions button')?.hidden === false", "what was said")
        page.js("player = null; URL.revokeObjectURL = ((revoke) => (u) => { window.freed = u; revoke.call(URL, u); })(URL.revokeObjectURL)")
        page.click("button", "Hear it again on this page")
        page.until("hears() && played.length === 1", "sound")
        page.until("played[0].ended && window.freed === played[0].src", "its end")
        assert sum("/api/live/clips/" in u for u in page.requests) == 1, page.requests


def test_a_room_that_cannot_be_opened_says_so():
    with server_with_chat() as (server, _), page_of(server) as page:
        page.js("location.hash = '#settings/twitch/%'")
        page.until("document.getElementById('alerts').innerText.includes('This room could not be opened')", "why", seconds=3)
        page.until("!document.querySelector('main[aria-busy]')", "no more to wait for", seconds=3)
        to_room(page, "studio")


def test_rooms_have_their_heading_before_the_server_answers():
    with server_with_chat() as (server, _), page_of(server, "/#insight") as page:
        page.js("window.fetch = ((ask) => (to, ...rest) => String(to).includes('/api/voices') ? new Promise(() => {}) : ask(to, ...rest))(fetch)")
        for name in ROOMS:
            page.js(f"location.hash = '#{name}'")
            page.until(f"!!document.querySelector('.room.{name} h1')", f"the heading of {name}", seconds=3)


# -------- for everybody --------

def faults_of(page, what):
    with open(os.path.join(HERE, "page_checks.js"), encoding="utf-8") as f:
        faults = page.js(f.read())
    for node in page.axes():
        role = node["role"]["value"]
        if role in ("button", "link", "textbox", "searchbox", "combobox", "slider", "checkbox", "switch", "radio", "spinbutton", "img", "image",
                    "dialog", "tab", "menuitem", "listbox", "option", "meter", "progressbar") and not node.get("name", {}).get("value"):
            faults.append(f"a {role} without a name: {node.get('value', {}).get('value', '')} {node.get('description', {}).get('value', '')}"
                          f"{page.call('DOM.describeNode', backendNodeId=node['backendDOMNodeId'])['node'].get('attributes')}")
    return [f"{what}: {f}" for f in faults]


def test_labels_structure_and_contrast_in_every_room():
    with server_with_chat() as (server, twitch), page_of(server) as page:
        join(server, twitch)
        control(server, "pause")
        for i, name in enumerate(("Ann", "Bob")):
            twitch.say(f"something that waits {i}", name=name, id=f"w{i}", tags="mod=1" if i else "")
        twitch.say("!nothing", name="Cid", id="w3")
        faults = []
        for scheme in ("light", "dark"):
            page.media(scheme, "reduce")
            for name in ROOMS:
                to_room(page, name)
                page.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
                for width in (1280, 320):
                    page.size(width, 900)
                    faults += faults_of(page, f"{name}, {scheme}, {width} px")
            page.size(1280, 900)
            page.js("import('/app/keys.js').then((k) => k.showHelp())")
            faults += faults_of(page, f"help, {scheme}")
            page.press("Escape")
        assert not faults, "\n".join(sorted(set(faults)))


# -------- the overlay --------

def pixels(png):
    """(width, height, rows of RGBA bytes) of a PNG without a palette."""
    at, data, width, height, channels = 8, b"", 0, 0, 4
    while at < len(png):
        size, kind = struct.unpack("!I4s", png[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack("!IIBB", png[at + 8:at + 18])
            assert depth == 8 and colour in (2, 6), (depth, colour)
            channels = 4 if colour == 6 else 3
        elif kind == b"IDAT":
            data += png[at + 8:at + 8 + size]
        at += size + 12
    raw, stride, rows = zlib.decompress(data), width * channels, []
    before = bytearray(stride)
    for y in range(height):
        how, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a, b, c = row[i - channels] if i >= channels else 0, before[i], before[i - channels] if i >= channels else 0
            if how == 4:
                p = a + b - c
                guess = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, guess if how == 4 else 0)[how]) & 255
        rows.append(row)
        before = row
    return width, height, channels, rows


def test_the_overlay_is_transparent_and_shows_what_is_said():
    with server_with_chat() as (server, twitch), page_of(server, "/overlay?size=40&theme=dark", settle=False, size=(480, 270)) as page:
        join(server, twitch)
        listening(page)
        width, height, channels, rows = pixels(page.picture(transparent=True))
        assert channels == 4 and not any(any(row[3::4]) for row in rows), "an empty overlay is not transparent"
        twitch.say("Look at me, I am on the stream with all that I have to say to you today!")
        page.until("document.body.innerText.includes('Look at me')", "a caption")
        page.until("hears()", "sound")
        page.until("document.getAnimations().every((a) => a.effect.getComputedTiming().endTime > 1000 || a.playState === 'finished')", "its place")
        width, height, channels, rows = pixels(page.picture(transparent=True))
        assert all(rows[4][x * 4 + 3] == 0 for x in range(width)), "the top is not transparent"
        assert max(row[x * 4 + 3] for row in rows[height // 2:] for x in range(width)) == 255, "no letters"
        control(server, "skip")
        page.until("!document.body.innerText.includes('Look at me')", "no caption")
        page.until("silent()", "silence", seconds=2)


def test_the_overlay_keeps_to_its_channel_and_to_silence():
    with server_with_chat() as (server, twitch), \
            page_of(server, "/overlay?channel=twitch/mine&audio=0&theme=light", settle=False, size=(480, 270)) as page:
        page.js("""window.shown = [];
            new MutationObserver((all) => { shown.push(...all.flatMap((m) => [...m.addedNodes].map((n) => n.textContent))); })
                .observe(document.getElementById('captions'), { childList: true })""")
        join(server, twitch, "other")
        listening(page)
        twitch.say("this is not for you at all, however long it goes on and on", id="no")
        until(lambda: live(server)["playing"] and live(server)["position_seconds"] > 0.5, "a clip that has sounded for a while")
        control(server, "skip")
        join(server, twitch, "mine")
        twitch.say("but this one is, and it is long enough to be seen", id="yes")
        page.until("document.body.innerText.includes('but this one is')", "a caption")
        page.js("new Promise((done) => setTimeout(done, 700))")
        shown = page.js("shown")
        assert len(shown) == 1 and "but this one is" in shown[0], shown
        assert page.js("heardAt") == 0, "sound, although none was wanted"


run_tests(globals())
