#!/usr/bin/env python3
"""Records what the reference makes of lines of text, for tests/unit/test_tokens.c to compare with.

    tools/compare_tokens.py                    writes tests/unit/data/tokens/recorded.txt anew
    tools/compare_tokens.py TEXT [RECORDED]    records the lines of a text file

The second form is for comparing on any other text: give the recorded file to the test program,
`build/tests/unit/test_tokens RECORDED`, and it prints each line that differs and the agreement.

Needs the PyPI packages f5-tts 1.1.20 (of which only convert_char_to_pinyin is loaded), torch, rjieba 0.2.2,
pypinyin 0.55.0 and, for the first form, jieba 0.42.1. Two lines a record: the text, and its tokens with "|"
between; in both, "\\\\", "|", tab, line feed and carriage return are written \\\\, \\p, \\t, \\n, \\r. Lines that
the reference fails on (src/text/LEXICON.md) are left out.
"""

import importlib.util
import pathlib
import sys

import token_lines

SEED = 20250
PER_TEMPLATE = 96
ESCAPES = {"\\": "\\\\", "|": "\\p", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
HEADER = "# tokens of f5-tts 1.1.20, recorded by tools/compare_tokens.py\n"


def load_reference():
    """f5_tts.model.utils by itself: the package around it wants far more than a tokeniser needs."""
    root = pathlib.Path(importlib.util.find_spec("f5_tts").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("f5_utils", root / "model/utils.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.convert_char_to_pinyin


def escape(s):
    return "".join(ESCAPES.get(c, c) for c in s)


def record(lines, out):
    reference = load_reference()
    count = failed = 0
    with open(out, "w", encoding="utf-8", newline="\n") as f:
        f.write(HEADER)
        for line in lines:
            try:
                tokens = reference([line])[0]
            except IndexError:
                failed += 1
                continue
            f.write(escape(line) + "\n" + "|".join(escape(t) for t in tokens) + "\n")
            count += len(tokens)
    print(f"{out}: {len(lines) - failed} lines, {count} tokens; the reference failed on {failed} more")


def dictionary():
    path = pathlib.Path(importlib.util.find_spec("jieba").origin).parent / "dict.txt"
    return {w: int(f) for w, f, *_ in (x.split(" ") for x in path.read_text(encoding="utf-8").splitlines())}


def main():
    if len(sys.argv) > 1:
        text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.split("\n") if line.strip()]
        record(lines, sys.argv[2] if len(sys.argv) > 2 else sys.argv[1] + ".recorded")
    else:
        lines = token_lines.Lines(dictionary(), SEED).all(PER_TEMPLATE)
        record(lines, pathlib.Path(__file__).parents[1] / "tests/unit/data/tokens/recorded.txt")


if __name__ == "__main__":
    main()
