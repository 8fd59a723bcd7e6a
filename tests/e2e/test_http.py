"""Every case of tests/http, against a running server in both of its states: without tokens, and with. Usage:
test_http.py PROGRAM; prints TAP. tests/http/README.md tells what a case looks like."""
import fnmatch
import glob
import http.client
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import Serving  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TOKENS = {scope: f"a-token-that-may-{scope}-1234" for scope in ("read", "speak", "manage", "nothing-here")}
WITH_TOKENS = "[auth]\n" + "".join(
    f'[[auth.tokens]]\nname = "{scope}"\ntoken = "{TOKENS[scope]}"\nscopes = ["{scope}"]\n'
    for scope in ("read", "speak", "manage"))
OTHER = {"read": "speak", "speak": "read", "manage": "speak"}


class Case:
    def __init__(self, name):
        self.name, self.scope, self.ends = name, None, True
        self.request, self.status, self.headers, self.absent, self.body = [], None, [], [], []

    def bytes(self, host, token=None):
        """The request as it goes out."""
        empty = self.request.index("")
        body = unescape("\n".join(self.request[empty + 1:]))
        head = [line.replace("{host}", host).replace("{length}", str(len(body))) for line in self.request[:empty]]
        if token:
            head.insert(1, f"Authorization: Bearer {token}")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def unescape(text):
    """\\xHH and \\r at a line's end; all else, JSON's own escapes too, stays."""
    text = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())
    return re.sub(rb"\\r(?=\n|$)", b"\r", text)


def read_cases(path):
    cases = []
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            if line.startswith("### "):
                cases.append(Case(f"{os.path.basename(path)[:-5]}: {line[4:]}"))
            elif line.startswith("scope: "):
                cases[-1].scope = line[7:]
            elif line == "ends: no":
                cases[-1].ends = False
            elif line.startswith(">"):
                cases[-1].request.append(line[2:])
            elif re.fullmatch("< [0-9]{3}", line):
                cases[-1].status = int(line[2:])
            elif line.startswith("< !"):
                cases[-1].absent.append(line[3:])
            elif line.startswith("< "):
                cases[-1].headers.append(line[2:].split(": ", 1))
            elif line:
                cases[-1].body.append(line)
    return cases


CASES = [case for path in sorted(glob.glob(os.path.join(TOP, "tests", "http", "*.http"))) for case in read_cases(path)]


# -------- comparing --------

KINDS = {"<string>": lambda v: isinstance(v, str), "<list>": lambda v: isinstance(v, list),
         "<int>": lambda v: isinstance(v, int) and not isinstance(v, bool), "<bool>": lambda v: isinstance(v, bool),
         "<number>": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool)}


def compare(expected, got, where="the body"):
    if isinstance(expected, dict):
        assert isinstance(got, dict), f"{where}: expected an object, got {got!r}"
        for key, value in expected.items():
            assert key in got, f"{where}: no {key!r} in {got!r}"
            compare(value, got[key], f"{where}.{key}")
    elif isinstance(expected, list) and len(expected) == 1:
        assert isinstance(got, list) and got, f"{where}: expected a list with something in it, got {got!r}"
        for i, item in enumerate(got):
            compare(expected[0], item, f"{where}[{i}]")
    elif isinstance(expected, str) and expected in KINDS:
        assert KINDS[expected](got), f"{where}: expected {expected}, got {got!r}"
    else:
        assert expected == got, f"{where}: expected {expected!r}, got {got!r}"


def exchange(server, request, method, ends=True):
    with server.connect() as s:
        s.sendall(request)
        answer = http.client.HTTPResponse(s, method=method)
        answer.begin()
        return answer, answer.read() if ends else b""


def check(case, server, token=None):
    answer, body = exchange(server, case.bytes(f"127.0.0.1:{server.port}", token), case.request[0].split()[0],
                            case.ends)
    assert answer.status == case.status, f"{answer.status}, expected {case.status}: {body[:500]!r}"
    for name, pattern in case.headers:
        value = answer.getheader(name)
        assert value is not None, f"there is no {name}: {answer.getheaders()}"
        assert fnmatch.fnmatchcase(value, pattern.replace("[", "[[]")), f"{name} is {value!r}, expected {pattern!r}"
    for name in case.absent:
        assert answer.getheader(name) is None, f"there is a {name}: {answer.getheader(name)!r}"
    if answer.status >= 400 and case.request[0].split()[0] != "HEAD" and answer.status != 403:
        assert answer.getheader("Content-Type") == "application/json", answer.getheaders()
    for pattern in (line[2:] for line in case.body if line.startswith("~ ")):
        assert re.search(pattern.encode("latin-1"), body, re.DOTALL), f"{pattern!r} is not in {body[:2000]!r}"
    expected = [line for line in case.body if not line.startswith("~ ")]
    if expected:
        compare(json.loads("\n".join(expected)), json.loads(body))
    assert answer.getheader("x-request-id"), "there is no x-request-id"


def check_refused(case, server, token, status):
    method = case.request[0].split()[0]
    answer, body = exchange(server, case.bytes(f"127.0.0.1:{server.port}", token), method)
    assert answer.status == status, f"with {token or 'no token'}: {answer.status}, expected {status}: {body[:300]!r}"
    if status == 401:
        assert answer.getheader("WWW-Authenticate", "").startswith("Bearer"), answer.getheaders()
    compare({"error": {"message": "<string>", "type": "authentication_error" if status == 401 else "permission_error"}},
            json.loads(body))


# -------- the tests --------

servers = {}


def without_tokens(case):
    check(case, servers["open"])


def with_tokens(case):
    server = servers["closed"]
    if case.scope == "none":
        check(case, server)
        check(case, server, TOKENS["read"])
        return
    check_refused(case, server, None, 401)
    check_refused(case, server, TOKENS["nothing-here"], 401)
    check_refused(case, server, TOKENS[OTHER[case.scope]], 403)
    check(case, server, TOKENS[case.scope])


def every_route_has_a_case():
    status, body, _ = servers["open"].ask("GET", "/openapi.json")
    assert status == 200, status
    seen = [(c.request[0].split()[0], c.request[0].split()[1].split("?")[0]) for c in CASES if c.scope]
    for path, operations in json.loads(body)["paths"].items():
        pattern = re.compile(re.sub(r"\\{[a-z]+\\}", "[^/]+", re.escape(path)) + "$")
        for method, operation in operations.items():
            wanted = method.upper()
            assert any(m == wanted and pattern.match(p) for m, p in seen), f"{wanted} {path} has no case"


tests = {"test_every route has a case": every_route_has_a_case}
for each in CASES:
    tests[f"test_{each.name}"] = lambda case=each: without_tokens(case)
    if each.scope:
        tests[f"test_{each.name}, with tokens"] = lambda case=each: with_tokens(case)

with Serving(PROGRAM) as servers["open"], Serving(PROGRAM, WITH_TOKENS) as servers["closed"]:
    run_tests(tests)
