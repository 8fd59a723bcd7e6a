"""For tests that need packages of tests/requirements.txt: runs them again with an interpreter that has them."""
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def need_packages(build):
    """`build` is the build folder. Where the packages cannot be had, the test is skipped as a whole."""
    if os.environ.get("ISHOW_PYPI") == sys.executable:
        return
    found = subprocess.run([os.path.join(TOP, "tools", "python-tests"), build], capture_output=True, text=True)
    if found.returncode:
        print(f"1..0 # SKIP {found.stderr.strip()}")
        sys.exit(0)
    python = found.stdout.strip()
    os.execve(python, [python, *sys.argv], dict(os.environ, ISHOW_PYPI=python))
