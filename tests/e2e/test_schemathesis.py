"""openapi.json held against the running server by schemathesis: requests are made out of the document, right ones and
wrong ones, and no answer may be an error of the server or something that the document does not tell. Usage:
test_schemathesis.py PROGRAM BUILD; prints TAP, a case an operation.

Speech is made of what is generated here, so few examples a route must do; they are the same in every run."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pypi import need_packages  # noqa: E402

need_packages(sys.argv[2])

import hypothesis  # noqa: E402
import schemathesis  # noqa: E402
from serving import Serving  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
EXAMPLES = int(os.environ.get("ISHOW_EXAMPLES", "25"))
SECONDS = 60  # a request

# What is right by the document may still be refused: a voice that is not there, a text without anything to speak.
CONFIG = """
[checks.positive_data_acceptance]
enabled = false
[checks.negative_data_rejection]
expected-statuses = ["4xx", "501", "503"]
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "501", "503", "504", "507"]
"""


# Not asked: what would call chat sites, and what has no end.
LEFT_OUT = {"POST /api/danmaku/start", "GET /api/live/events"}


def checker(operation):
    @hypothesis.settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                         suppress_health_check=list(hypothesis.HealthCheck),
                         phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
    @hypothesis.given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
                      | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    def check(case):
        case.call_and_validate(timeout=SECONDS)

    def told():
        try:
            check()
        except BaseExceptionGroup as group:
            raise AssertionError(str(group)[:4000]) from None
    return told


with Serving(PROGRAM) as server:
    config = schemathesis.Config.from_str(CONFIG)
    schema = schemathesis.openapi.from_url(server.url + "/openapi.json", config=config)
    tests = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label not in LEFT_OUT:
            tests[f"test_{operation.label}"] = checker(operation)
    run_tests(tests)
