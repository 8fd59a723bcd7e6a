"""The page's files as they stand, without a browser: texts in both languages, contrast of the colours, what is put into the
program, and that nothing would be asked of another server. Prints TAP."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import run_tests  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
WEB = TOP / "web"
FILES = {p.name: p.read_text(encoding="utf-8") for p in sorted(WEB.iterdir()) if p.suffix in (".js", ".css", ".html")}
SCRIPTS = {name: re.sub(r"/\*.*?\*/", "", text, flags=re.S) for name, text in FILES.items() if name.endswith(".js") and name != "docs.js"}
TEXT = r'"((?:[^"\\]|\\.)*)"'
ENTRY = re.compile(rf'^ +"?([\w-]+)"?: \[\s*{TEXT},\s*{TEXT},?\s*\],$', re.M)

# words of the server's for what becomes of a message
VERDICTS = re.findall(r'"(\w+)"', re.search(r"rules_verdict_name.*?names\[\] = \{(.*?)\};", (TOP / "src/chat/rules.c").read_text(encoding="utf-8"), re.S)[1])

tables = {name: {key: (en, zh) for key, en, zh in ENTRY.findall(text)} for name, text in SCRIPTS.items()}
common = tables["i18n.js"]


def shared(text):
    """Tables of modules whose translator this one uses."""
    return {k: v for name, t in tables.items() if re.search(r"export const \w*Text = translator", SCRIPTS[name])
            and f'"./{name}"' in text for k, v in t.items()}


def faults(found):
    assert not found, "\n" + "\n".join(found)


def places(text):
    return sorted(re.findall(r"\{(\w+)\}", text))


def test_every_text_is_there_in_both_languages():
    assert sum(map(len, tables.values())) > 200
    faults([f"{name}: {key}: {en!r}, {zh!r}" for name, table in tables.items() for key, (en, zh) in table.items()
            if not en.strip() or not zh.strip() or places(en) != places(zh)])


def test_every_table_is_read_whole():
    """What has the shape of an entry but is none would be a text without a language."""
    for name, text in SCRIPTS.items():
        for start in re.finditer(r"translator\(\{\n", text):
            body = text[start.end():text.index("\n})", start.end())]
            keys = re.findall(r'^  "?([\w-]+)"?: ', body, re.M)
            missing = [k for k in keys if k not in tables[name]]
            assert not missing, f"{name}: {missing} are not [English, Chinese]"
            assert len(keys) == len(set(keys)), f"{name}: a key is there twice"


def test_every_text_that_is_asked_for_exists():
    found = []
    for name, text in SCRIPTS.items():
        known = {**common, **tables[name], **shared(text)}
        for key in re.findall(r'\b[tw]\("([\w-]+)"', text):
            if key not in known:
                found.append(f'{name}: t("{key}")')
        for pattern in re.findall(r"\b[tw]\(`([^`]+)`", text):
            if not any(re.fullmatch(re.sub(r"\\\$\\\{.*?\\\}", ".*", re.escape(pattern)), key) for key in known):
                found.append(f"{name}: t(`{pattern}`)")
    faults(found)


def test_every_verdict_has_its_words():
    assert len(VERDICTS) > 10
    faults([v for v in VERDICTS if v not in tables["verdicts.js"]])


def test_every_rule_can_be_edited():
    served = set(re.findall(r'^    \{"(\w+)", LIMIT_', (TOP / "src/chat/rules_json.c").read_text(encoding="utf-8"), re.M))
    shown = set(re.findall(r'\{ key: "(\w+)"', SCRIPTS["rule_fields.js"]))
    assert len(served) > 20 and served == shown, f"not in the editor: {served - shown}; no rules: {shown - served}"


def test_no_text_is_unused():
    found = []
    for name, table in tables.items():
        users = [t for n, t in SCRIPTS.items() if n == name or f'"./{name}"' in t]
        patterns = [re.sub(r"\\\$\\\{.*?\\\}", ".*", re.escape(p)) for t in users for p in re.findall(r"\(`([^`]+)`", t)]
        for key in table:
            words = sum(len(re.findall(rf"(?<![\w-]){re.escape(key)}(?![\w-])", t)) for t in users)
            if key not in VERDICTS and words < 2 and not any(re.fullmatch(p, key) for p in patterns):
                found.append(f"{name}: {key}")
    faults(found)


# -------- colours --------

def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= .04045 else ((p + .055) / 1.055) ** 2.4 for p in parts)
    return .2126 * r + .7152 * g + .0722 * b


def contrast(one, other):
    a, b = sorted((luminance(one), luminance(other)), reverse=True)
    return (a + .05) / (b + .05)


def test_colours_are_told_apart():
    tokens = {name: (light, dark) for name, light, dark
              in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", FILES["app.css"])}
    texts = [(text, ground, 4.5) for text in ("text", "dim") for ground in ("back", "card", "sunk")]
    texts += [(f"{hue}", f"{hue}-sunk", 4.5) for hue in ("accent", "good", "warn", "bad")]
    texts += [(hue, ground, 4.5) for hue in ("accent", "good", "warn", "bad") for ground in ("back", "card", "sunk")]
    texts += [("on-accent", "accent", 4.5), ("on-danger", "danger", 4.5)]
    texts += [("edge", ground, 3) for ground in ("back", "card", "sunk")]
    faults([f"{'light' if theme == 0 else 'dark'}: --{a} on --{b} is {contrast(tokens[a][theme], tokens[b][theme]):.2f}, not {least}"
            for a, b, least in texts for theme in (0, 1) if contrast(tokens[a][theme], tokens[b][theme]) < least])


def test_rooms_have_no_colours_of_their_own():
    faults([f"{name}: {colour}" for name, text in FILES.items() if name.startswith("room_") and name.endswith(".css")
            for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b", text)])


# -------- files --------

def test_every_file_is_in_the_program():
    embedded = set(re.findall(r'X\(\w+, "([^"]+)"', (TOP / "src/server/web_files.c").read_text(encoding="utf-8")))
    stamped = set(re.findall(r"'([\w.-]+\.(?:js|css|html|svg|json))'", (TOP / "src/server/meson.build").read_text(encoding="utf-8")))
    there = {p.name for p in WEB.iterdir() if p.suffix != ".md"}
    assert there == embedded, f"not in web_files.c: {there - embedded}; not in web/: {embedded - there}"
    assert there == stamped, f"not in meson.build: {there - stamped}; not in web/: {stamped - there}"


def test_what_is_imported_is_there():
    faults([f"{name}: {other}" for name, text in SCRIPTS.items() for other in re.findall(r'from "\./([^"]+)"', text)
            if other not in FILES])


def test_pages_have_nothing_inline():
    for name in ("index.html", "overlay.html", "docs.html"):
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", FILES[name]), name
    faults([f"{name}: {m}" for name, text in SCRIPTS.items() for m in re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", text)])


def test_nothing_is_asked_of_other_servers():
    allowed = ("http://www.w3.org/", "https://example.com", "http://127.0.0.1")
    found = [f"{name}: {url}" for name, text in {**FILES, **SCRIPTS}.items() for url in re.findall(r"\b(?:https?|wss?)://[\w.-]+[^\s\"'`)]*", text)
             if not url.startswith(allowed)]
    faults(found)


run_tests(globals())
