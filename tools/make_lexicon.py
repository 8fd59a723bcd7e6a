#!/usr/bin/env python3
"""Builds src/text/lexicon.bin, the words and readings that tokens_split works with.

    tools/make_lexicon.py [OUT]

needs the PyPI packages jieba 0.42.1 (dict.txt and the HMM tables; both are also what rjieba 0.2.2 has
inside, the emissions there rounded to six decimals) and pypinyin 0.55.0 (pinyin_dict.json,
phrases_dict.json). The same packages give the same bytes. src/text/lexicon.h describes the file,
src/text/LEXICON.md the data's origin and licences.

Everything that can be worked out beforehand is: logarithms of the frequencies, and the readings after
tone sandhi, because sandhi depends on nothing outside the phrase.
"""

import array
import collections
import importlib.util
import json
import math
import pathlib
import struct
import sys
import unicodedata

MAGIC = b"ISHOWLX1"
MIN_FLOAT = -3.14e100  # what jieba takes for the logarithm of zero

# Characters that pypinyin reads: those of the Basic Multilingual Plane, in the order of their table, and
# those of plane 2 that a word of jieba-rs can hold.
READING_RANGES = [(0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xE815, 0xE864), (0xF900, 0xFAFF)]
ASTRAL_RANGES = [(0x20000, 0x2A6DF), (0x2A703, 0x2B73F), (0x2B740, 0x2B81D), (0x2B825, 0x2BF6E),
                 (0x2C029, 0x2CE93), (0x2D016, 0x2D016), (0x2D11B, 0x2EBD9), (0x2F80A, 0x2FA1F)]
HMM_RANGE = (0x4E00, 0x9FD5)
HMM_STATES = "BEMS"


def package_dir(name):
    spec = importlib.util.find_spec(name)
    if spec is None:
        sys.exit(f"make_lexicon.py: the package {name} is not installed")
    return pathlib.Path(spec.origin).parent


def python_table(path):
    """The dictionary `P` of one of jieba's table modules."""
    scope = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    return scope["P"]


def load_words(path):
    words = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, freq = line.split(" ")[:2]
        if words.setdefault(word, int(freq)) != int(freq):
            sys.exit(f"make_lexicon.py: {word} has two frequencies")
    return words


# --- readings ---------------------------------------------------------------------------------------

TONE_MARKS = {"\u0304": 1, "\u0301": 2, "\u030c": 3, "\u0300": 4}


def split_tone(reading):
    """'lüè' -> ('lve', 4); no mark -> tone 0."""
    letters, tone = "", 0
    for c in unicodedata.normalize("NFD", reading):
        if c in TONE_MARKS:
            tone = TONE_MARKS[c]
        elif c == "\u0308":
            letters = letters[:-1] + "v"
        elif "a" <= c <= "z":
            letters += c
        else:
            sys.exit(f"make_lexicon.py: cannot spell the reading {reading!r}")
    return letters, tone


def sandhi(phrase, readings):
    """pypinyin's three rules, in its order. `readings` are (letters, tone), or None for a character
    without one. They act on one phrase of the dictionary (or one character), never across.

    Third tones: what counts is the run that the phrase ends in. A run of two turns the first third
    tone of the phrase into a second; a run of n > 2 turns the first n - 1 of the phrase.
    """
    tones = [r[1] if r else 0 for r in readings]
    run = 0
    for t in tones:
        run = run + 1 if t == 3 else 0
    if run >= 2:
        for i in [i for i, t in enumerate(tones) if t == 3][: run - 1]:
            tones[i] = 2
    for char, final in ("不", 4), ("一", 1):
        for i, c in enumerate(phrase):
            if c != char:
                continue
            if i == len(phrase) - 1:
                tone = final
            elif tones[i + 1] == 4:
                tone = 2 if tones[i] == 4 else tones[i]
            else:
                tone = 4
            tones[i] = tone if tones[i] else 0
    return [(r[0], t) if r else None for r, t in zip(readings, tones)]


class Syllables:
    def __init__(self):
        self.ids = {"": 0}

    def id(self, reading):
        if reading is None:
            return 0
        letters, tone = reading
        return self.ids.setdefault(letters + (str(tone) if tone else ""), len(self.ids))

    def sections(self):
        texts = [s.encode() for s in self.ids]
        offsets = [0]
        for t in texts:
            offsets.append(offsets[-1] + len(t))
        return [array.array("H", offsets), b"".join(texts)]


# --- tries ------------------------------------------------------------------------------------------


def build_trie(values):
    """{word: 1..65535} -> the five arrays of a trie, nodes numbered level by level."""
    root = {}
    for word in sorted(values):
        node = root
        for c in word:
            node = node.setdefault(ord(c), {})
        node[None] = values[word]
    labels, node_values = array.array("H"), array.array("H")
    bits, starts = [], array.array("I")
    queue = collections.deque([(0, root)])
    count = 1
    while queue:
        label, node = queue.popleft()
        children = sorted(k for k in node if k is not None)
        labels.append(label)
        node_values.append(node.get(None, 0))
        bits.append(bool(children))
        if children:
            starts.append(count)
            count += len(children)
            queue.extend((k, node[k]) for k in children)
    starts.append(count)
    words, ranks, rank = array.array("Q"), array.array("I"), 0
    for i in range(0, len(bits), 64):
        word = sum(1 << j for j, b in enumerate(bits[i : i + 64]) if b)
        words.append(word)
        ranks.append(rank)
        rank += word.bit_count()
    return [labels, node_values, words, ranks, starts]


# --- the file ---------------------------------------------------------------------------------------


def words_sections(words):
    """The trie of words, its values 1 + the index of the frequency, and ln(freq / total) of each
    frequency; index 0 is a character that the dictionary lacks, which counts as once seen."""
    freqs = sorted(set(words.values()))
    index = {f: i + 1 for i, f in enumerate(freqs)}
    log_total = math.log(sum(words.values()))
    logs = [0.0 - log_total] + [math.log(f) - log_total for f in freqs]
    return build_trie({w: index[f] for w, f in words.items()}), array.array("d", logs)


def hmm_sections(start, trans, emit):
    rounded = {s: {c: round(p, 6) for c, p in emit[s].items()} for s in HMM_STATES}
    values = sorted({p for s in HMM_STATES for p in rounded[s].values()})
    index = {p: i + 1 for i, p in enumerate(values)}
    rows = array.array("H")
    for cp in range(HMM_RANGE[0], HMM_RANGE[1] + 1):
        rows.extend(index.get(rounded[s].get(chr(cp)), 0) for s in HMM_STATES)
    steps = [start[s] for s in HMM_STATES]
    steps += [trans[a].get(b, MIN_FLOAT) for a in HMM_STATES for b in HMM_STATES]
    return [rows, array.array("d", [MIN_FLOAT] + values), array.array("d", steps)]


def pinyin_sections(chars, phrases):
    """Readings after sandhi: the trie of phrases, one syllable id a character, and the phrases whose
    readings are not simply those of their characters. A value of 1 means they are, 2 + i that they
    begin at entry i."""
    syllables = Syllables()

    def read(cp):
        reading = chars.get(str(cp))
        return sandhi(chr(cp), [split_tone(reading.split(",")[0])])[0] if reading else None

    single = {chr(cp): read(cp) for lo, hi in READING_RANGES for cp in range(lo, hi + 1)}
    own, values = array.array("H"), {}
    for phrase in sorted(phrases):
        readings = sandhi(phrase, [split_tone(r[0]) for r in phrases[phrase]])
        if len(readings) != len(phrase) or any(c not in single for c in phrase):
            sys.exit(f"make_lexicon.py: the phrase {phrase} does not have one reading a character")
        if readings == [single[c] for c in phrase]:
            values[phrase] = 1
        else:
            values[phrase] = 2 + len(own)
            own.extend(syllables.id(r) for r in readings)
    table = array.array("H", [syllables.id(single[c]) for c in single])
    astral = array.array("I")
    for lo, hi in ASTRAL_RANGES:
        for cp in range(lo, hi + 1):
            if read(cp):
                astral.append(cp - 0x20000 << 16 | syllables.id(read(cp)))
    return build_trie(values), [table, astral, own] + syllables.sections()


def fnv1a(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def main():
    home = pathlib.Path(__file__).parents[1] / "src/text/lexicon.bin"
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else home
    if sys.byteorder != "little":
        sys.exit("make_lexicon.py: needs a little-endian machine")
    jieba, pypinyin = package_dir("jieba"), package_dir("pypinyin")
    words = load_words(jieba / "dict.txt")
    hmm = [python_table(jieba / f"finalseg/prob_{name}.py") for name in ("start", "trans", "emit")]
    chars = json.loads((pypinyin / "pinyin_dict.json").read_text(encoding="utf-8"))
    phrases = json.loads((pypinyin / "phrases_dict.json").read_text(encoding="utf-8"))

    word_trie, log_freqs = words_sections(words)
    phrase_trie, readings = pinyin_sections(chars, phrases)
    sections = word_trie + phrase_trie + [log_freqs] + hmm_sections(*hmm) + readings

    table, body = b"", b""
    base = 24 + 8 * len(sections)
    for s in sections:
        body += bytes(-len(body) % 8)
        data = s if isinstance(s, bytes) else s.tobytes()
        table += struct.pack("<II", base + len(body), len(data))
        body += data
    body += bytes(-len(body) % 8)
    out.write_bytes(MAGIC + struct.pack("<IIQ", len(sections), 0, fnv1a(table + body)) + table + body)
    print(f"{out}: {len(words)} words, {len(phrases)} phrases, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
