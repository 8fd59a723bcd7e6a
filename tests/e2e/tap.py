"""Runs the test_… functions of a module in turn and tells of each in TAP."""
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def run_tests(module):
    """`module` is the caller's globals()."""
    tests = [(name[5:].replace("_", " "), f) for name, f in module.items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    for i, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} - {name}", flush=True)
        except Skip as why:
            print(f"ok {i} - {name} # SKIP {why}", flush=True)
        except Exception:
            print(f"not ok {i} - {name}", flush=True)
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
