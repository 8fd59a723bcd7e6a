#!/usr/bin/env python3
"""Runs TOML cases through toml_decode and says in TAP which pass, one test a case and version.

    run-toml-test.py DECODER OWN_CASES [TOML_TEST_DIR]

OWN_CASES holds valid/*.toml with a .json beside each, and invalid/*.toml; a case named *.v10.* or
*.v11.* is for that version alone. TOML_TEST_DIR is a checkout of github.com/toml-lang/toml-test: every
case that its tests/files-toml-1.0.0 and files-toml-1.1.0 list is run for that version.

A valid case passes when what the decoder writes means the same as the .json: floats by value, dates
and times to the nanosecond. An invalid one passes when the decoder exits with 1 and a sentence that
names line and column.
"""
import json
import math
import os
import re
import subprocess
import sys

VERSIONS = {"1.0": "files-toml-1.0.0", "1.1": "files-toml-1.1.0"}


def same_float(a, b):
    a, b = float(a), float(b)
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


def canonical_time(text):
    """One spelling for each moment: upper case, seconds, nine digits, Z for a zero offset."""
    text = text.upper().replace(" ", "T")
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)?T?(\d\d:\d\d)?(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?", text)
    if not found:
        return text
    date, minutes, seconds, fraction, offset = found.groups()
    if minutes is None:
        return date
    fraction = ((fraction or ".") + "0" * 9)[:10]
    offset = "Z" if offset in ("+00:00", "-00:00") else offset or ""
    return f"{date or ''}T{minutes}{seconds or ':00'}{fraction}{offset}"


def is_leaf(value):
    return isinstance(value, dict) and set(value) == {"type", "value"} and isinstance(value["type"], str)


def difference(want, got, path="top"):
    """A sentence about the first place where the two differ, or None."""
    if is_leaf(want) and is_leaf(got):
        kind, a, b = want["type"], want["value"], got["value"]
        if kind != got["type"]:
            return f"{path}: expected type {kind}, found {got['type']}"
        if kind == "float":
            equal = same_float(a, b)
        elif kind == "integer":
            equal = int(a) == int(b)
        elif kind.startswith(("date", "time")):
            equal = canonical_time(a) == canonical_time(b)
        else:
            equal = a == b
        return None if equal else f"{path}: expected {a!r}, found {b!r}"
    if isinstance(want, dict) and isinstance(got, dict):
        if set(want) != set(got):
            return f"{path}: expected the keys {sorted(want)}, found {sorted(got)}"
        pairs = [(want[k], got[k], f"{path}.{k}") for k in want]
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            return f"{path}: expected {len(want)} items, found {len(got)}"
        pairs = [(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(want, got))]
    else:
        return f"{path}: expected {want!r}, found {got!r}"
    return next((d for d in (difference(*p) for p in pairs) if d), None)


def run_case(decoder, version, path, valid):
    """None when the case passes, otherwise what went wrong."""
    with open(path, "rb") as text:
        done = subprocess.run([decoder, version], stdin=text, capture_output=True)
    said = done.stderr.decode("utf-8", "replace").strip()
    if not valid:
        if done.returncode != 1:
            return f"expected exit 1, found {done.returncode}"
        return None if re.match(r"line \d+, column \d+: .", said) else f"no sentence with a place: {said!r}"
    if done.returncode != 0:
        return f"exit {done.returncode}: {said}"
    with open(os.path.splitext(path)[0] + ".json", encoding="utf-8") as expected:
        return difference(json.load(expected), json.loads(done.stdout.decode("utf-8")))


def own_cases(root):
    for kind in ("valid", "invalid"):
        folder = os.path.join(root, kind)
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".toml"):
                continue
            for version in VERSIONS:
                only = re.search(r"\.v(\d)(\d)\.toml$", name)
                if not only or ".".join(only.groups()) == version:
                    yield version, f"own/{kind}/{name}", os.path.join(folder, name), kind == "valid"


def official_cases(root):
    tests = os.path.join(root, "tests")
    for version, listing in VERSIONS.items():
        with open(os.path.join(tests, listing), encoding="utf-8") as names:
            for name in names.read().split("\n"):
                if name.endswith(".toml"):
                    yield version, name, os.path.join(tests, name), name.startswith("valid/")


def main():
    decoder, own = sys.argv[1:3]
    official = sys.argv[3] if len(sys.argv) > 3 else ""
    cases = list(own_cases(own))
    if official:
        cases += official_cases(official)
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, (version, name, path, valid) in enumerate(cases, 1):
        wrong = run_case(decoder, version, path, valid)
        failed += wrong is not None
        print(f"{'not ok' if wrong else 'ok'} {number} - {version} {name}")
        if wrong:
            print(f"# {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
