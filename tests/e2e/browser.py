"""A headless Chromium for tests: real keys, clicks, sound and microphone, over its own protocol (CDP) by a pipe, so that there
is nothing to install beside Debian's chromium.

Controls are found as a screen reader finds them: by role and name, from the accessibility tree."""
import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from tap import Skip

DEADLINE = 30
OPTIONS = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-extensions",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-default-browser-check",
           "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--mute-audio",
           "--force-color-profile=srgb", "--font-render-hinting=none", "--lang=en-US",
           "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]  # nothing beyond this machine
# Chromium reads commands from descriptor 3 and answers on 4.
START = "import os, sys\nos.dup2(int(sys.argv[1]), 3)\nos.dup2(int(sys.argv[2]), 4)\nos.execvp(sys.argv[3], sys.argv[3:])"
KEYS = {"Tab": ("Tab", 9, ""), "Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), " ": ("Space", 32, " "),
        "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, ""), "ArrowRight": ("ArrowRight", 39, ""),
        "ArrowLeft": ("ArrowLeft", 37, ""), "Home": ("Home", 36, ""), "End": ("End", 35, "")}


class Browser:
    """`microphone`: a WAV that the fake one hears again and again. `autoplay`: sound needs no click first."""

    def __init__(self, microphone=None, autoplay=True):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not program:
            raise Skip("chromium is not installed")
        self.folder = tempfile.mkdtemp(prefix="ishow-browser-")
        options = OPTIONS + [f"--user-data-dir={self.folder}"]
        if microphone:
            options.append(f"--use-file-for-fake-audio-capture={microphone}")
        if autoplay:
            options.append("--autoplay-policy=no-user-gesture-required")
        its_in, self.to = high_pipe()
        self.out, its_out = high_pipe(reversed_=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(its_in), str(its_out), program, *options, "about:blank"],
            pass_fds=(its_in, its_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.folder, "LANG": "C.UTF-8"}, start_new_session=True)
        os.close(its_in)
        os.close(its_out)
        self.news, self.answers, self.listeners, self.number, self.gone = threading.Condition(), {}, {}, 0, False
        threading.Thread(target=self._read, daemon=True).start()
        self.call("Browser.getVersion")

    def _read(self):
        rest = b""
        while True:
            try:
                data = os.read(self.out, 1 << 20)
            except OSError:
                data = b""
            if not data:
                break
            *messages, rest = (rest + data).split(b"\0")
            for message in map(json.loads, messages):
                with self.news:
                    if "id" in message:
                        self.answers[message["id"]] = message
                    else:
                        listener = self.listeners.get(message.get("sessionId"))
                        if listener:
                            listener(message["method"], message["params"])
                    self.news.notify_all()
        with self.news:
            self.gone = True
            self.news.notify_all()

    def call(self, method, session=None, **params):
        with self.news:
            self.number += 1
            number = self.number
            message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
            data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        with self.news:
            assert self.news.wait_for(lambda: number in self.answers or self.gone, DEADLINE), f"no answer to {method}"
            assert number in self.answers, "the browser is gone"
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    @contextlib.contextmanager
    def page(self, url, size=(1280, 900), before="", settle=True):
        """A page with storage of its own. `before`: a script that runs ahead of the page's."""
        context = self.call("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
        try:
            yield Page(self, context, url, size, before, settle)
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(DEADLINE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            os.close(self.to)
            shutil.rmtree(self.folder, ignore_errors=True)


def high_pipe(reversed_=False):
    """A pipe whose end for the child is far from 3 and 4: (read, write)."""
    import fcntl
    ends = list(os.pipe())
    at = 1 if reversed_ else 0
    moved = fcntl.fcntl(ends[at], fcntl.F_DUPFD, 20)
    os.close(ends[at])
    ends[at] = moved
    return ends


class Page:
    def __init__(self, browser, context, url, size, before, settle):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.complaints, self.requests, self.under_way = [], [], set()
        browser.listeners[self.session] = self._event
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Log.startViolationsReport", config=[])
        # headless pages are not focused, and without that no :focus-visible
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.size(*size)
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.goto(url, settle)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def _event(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
            if not params["request"]["url"].endswith("/events"):
                self.under_way.add(params["requestId"])
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self.under_way.discard(params["requestId"])

    # -------- looking --------

    def goto(self, url, settle=True):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'", "the page")
        if settle:
            self.until("!!document.querySelector('main h1')", "a room")

    def reload(self):
        self.js("document.documentElement.dataset.old = 1")
        self.call("Page.reload")
        self.until("!document.documentElement.dataset.old && document.readyState === 'complete'", "the page again")

    def js(self, expression):
        """The value of an expression, or of what it promises."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=False)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(f"{expression[:200]}: {details.get('exception', {}).get('description') or details['text']}")
        return answer["result"].get("value")

    def run(self, script, *values):
        """The value of `return` in the body of a function of $0, $1, …"""
        names = ", ".join(f"${i}" for i in range(len(values)))
        return self.js(f"(async ({names}) => {{ {script} }})({', '.join(json.dumps(v) for v in values)})")

    def until(self, expression, what="", seconds=DEADLINE):
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self.js(expression)
            except RuntimeError as error:  # a page on its way out
                answer, last = None, str(error)
            else:
                last = repr(answer)
            if answer:
                return answer
            if time.monotonic() > end:
                raise AssertionError(f"waited for {what or expression} in vain: {last[:500]}; {self.complaints[-5:]}; "
                                     f"the page says: {self.text()[:1500]}")
            time.sleep(0.03)

    def quiet(self):
        """Nothing is being fetched any more, but events, and what was is drawn."""
        for _ in range(3):
            end = time.monotonic() + DEADLINE
            while self.under_way:
                assert time.monotonic() < end, f"{len(self.under_way)} requests have no end: {self.requests[-5:]}"
                time.sleep(0.02)
            self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def text(self):
        return self.js("document.body.innerText") or ""

    def shows(self, text, seconds=DEADLINE):
        self.until(f"document.body.innerText.includes({json.dumps(text)})", repr(text), seconds)

    def axes(self, role=None, name=None):
        """Nodes of the accessibility tree. A name that ends with … is the beginning of one."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        whole = name if name and not name.endswith("…") else None
        wanted = {k: v for k, v in (("role", role), ("accessibleName", whole)) if v is not None}
        return [n for n in self.call("Accessibility.queryAXTree", nodeId=root, **wanted)["nodes"]
                if not n.get("ignored") and (whole or not name or n.get("name", {}).get("value", "").startswith(name[:-1].strip()))]

    def find(self, role, name, nth=0, seconds=DEADLINE):
        """The element of that role and name, as its number in the browser."""
        end = time.monotonic() + seconds
        while True:
            found = self.axes(role, name)
            if len(found) > nth:
                return found[nth]["backendDOMNodeId"]
            if time.monotonic() > end:
                there = sorted({n["name"]["value"] for n in self.axes(role) if n.get("name")})
                raise AssertionError(f"there is no {role} {name!r}, but {there}; {self.complaints[-5:]}")
            time.sleep(0.03)

    def has(self, role, name):
        return bool(self.axes(role, name))

    # -------- doing --------

    def click(self, role, name, nth=0):
        self.click_node(self.find(role, name, nth))

    def click_node(self, node):
        self.call("DOM.scrollIntoViewIfNeeded", backendNodeId=node)
        quads = self.call("DOM.getContentQuads", backendNodeId=node)["quads"]
        assert quads, "it has no place on the page"
        x, y = sum(quads[0][0::2]) / 4, sum(quads[0][1::2]) / 4
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)

    def press(self, *keys):
        for key in keys:
            shift = key == "Shift+Tab"
            key = "Tab" if shift else key
            code, number, text = KEYS.get(key, (f"Key{key.upper()}" if key.isalpha() else "", ord(key[0].upper()), key))
            more = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
            self.call("Input.dispatchKeyEvent", type="keyDown", **more, **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **more)

    def fill(self, role, name, text):
        node = self.find(role, name)
        self.call("DOM.focus", backendNodeId=node)
        self.js("document.activeElement.select?.()")
        self.call("Input.insertText", text=text)

    def choose(self, name, value):
        """An option of a select, by its value."""
        node = self.find("combobox", name)
        it = self.call("DOM.resolveNode", backendNodeId=node)["object"]["objectId"]
        self.call("Runtime.callFunctionOn", objectId=it, arguments=[{"value": value}], functionDeclaration="""function (value) {
            this.value = value;
            this.dispatchEvent(new Event("input", { bubbles: true }));
            this.dispatchEvent(new Event("change", { bubbles: true }));
        }""")

    def upload(self, selector, *paths):
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, f"there is no {selector}"
        self.call("DOM.setFileInputFiles", files=list(paths), nodeId=node)

    # -------- how it is looked at --------

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def media(self, scheme="light", motion="no-preference"):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme},
                                                         {"name": "prefers-reduced-motion", "value": motion}])

    def picture(self, transparent=False, whole=False):
        """The PNG of what is seen, or of the whole page."""
        self.call("Emulation.setDefaultBackgroundColorOverride", **({"color": {"r": 0, "g": 0, "b": 0, "a": 0}} if transparent else {}))
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                                          **({"clip": self._all()} if whole else {}))["data"])

    def _all(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
