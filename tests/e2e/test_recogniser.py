"""Can what the built-in voice says be understood? Usage: test_recogniser.py PROGRAM; prints TAP.

recogniser.txt holds ten lines that a chat could have, each with the words that a listener should hear.
`ishowtts say` speaks them, pocketsphinx writes down what it hears, and at most a fifth of all words may be wrong."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 0.20
TOOLS = {"pocketsphinx_continuous": "pocketsphinx pocketsphinx-en-us", "sox": "sox"}


def run(*command, env=None):
    r = subprocess.run(command, capture_output=True, env=env, stdin=subprocess.DEVNULL, timeout=120)
    if r.returncode:
        sys.exit(f"Bail out! {command[0]} failed: {r.stderr.decode(errors='replace').strip()[-400:]}")
    return r.stdout.decode()


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def wrong_words(want, got):
    """Fewest words to insert, drop or replace (Levenshtein)."""
    row = list(range(len(got) + 1))
    for i, w in enumerate(want, 1):
        before, row[0] = row[0], i
        for k, g in enumerate(got, 1):
            before, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, before + (w != g))
    return row[-1]


def hear(text, folder):
    """What the recogniser makes of what the program makes of the text."""
    spoken, heard_at = os.path.join(folder, "24k.wav"), os.path.join(folder, "16k.wav")
    env = dict(os.environ, HF_HOME=folder, XDG_CONFIG_HOME=folder, LC_ALL="C.UTF-8")
    run(PROGRAM, "say", "--model", "builtin", "-o", spoken, text, env=env)
    run("sox", spoken, "-r", "16000", "-c", "1", "-b", "16", heard_at)  # what its acoustic model was trained on
    return words(run("pocketsphinx_continuous", "-infile", heard_at))


def main():
    for tool, package in TOOLS.items():
        if not shutil.which(tool):
            print(f"1..0 # SKIP {tool} is not installed (apt-get install {package})")
            return
    with open(os.path.join(HERE, "recogniser.txt"), encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f]
    print(f"1..{len(lines) + 1}")
    errors = total = 0
    with tempfile.TemporaryDirectory(prefix="ishow-hear-") as folder:
        for number, (text, expected) in enumerate(lines, 1):
            want = words(expected)
            got = hear(text, folder)
            wrong = wrong_words(want, got)
            errors += wrong
            total += len(want)
            # one word in a sentence may be misheard, a sentence must not be lost
            print(f"{'ok' if wrong <= len(want) / 2 else 'not ok'} {number} - {text.replace('#', '')}")
            if wrong:
                print(f"# heard: {' '.join(got)}")
    rate = errors / total
    print(f"{'ok' if rate <= LIMIT else 'not ok'} {len(lines) + 1} - at most {LIMIT:.0%} of the words are wrong")
    print(f"# {errors} of {total} words, {rate:.1%}")
    sys.exit(rate > LIMIT)


main()
