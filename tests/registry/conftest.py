"""The gateway of the client tests, a fresh one for every test: `_schemas` must be empty at its start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

import gateway as servers

_SERVER = pytest.StashKey[servers.Gateway]()


@pytest.fixture
def gateway(tmp_path, request):
    """A running server on an empty directory. Tests may kill and start it again."""
    server = servers.new_gateway(tmp_path / "gateway")
    request.node.stash[_SERVER] = server
    server.start()
    yield server
    server.terminate()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    server = item.stash.get(_SERVER, None)
    if report.failed and server is not None:
        report.sections.append((f"the end of {server.log}", server.log_tail()))


def pytest_report_header():
    return f"server under test: {servers.TARGET}"
