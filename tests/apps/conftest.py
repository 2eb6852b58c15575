"""The servers and applications of these tests, fresh ones for every test, and their logs where one fails."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

import apps
import gateway as servers

_LOGS = pytest.StashKey[list]()


@pytest.fixture(scope="session", autouse=True)
def _jars():
    apps.install()


@pytest.fixture
def gateway(tmp_path, request):
    """A running server on an empty directory. Tests may kill and start it again."""
    server = servers.new_gateway(tmp_path / "gateway")
    request.node.stash.setdefault(_LOGS, []).append(server)
    server.start()
    yield server
    server.terminate()


@pytest.fixture
def kafka(tmp_path, request):
    """Apache Kafka, whatever the gateway is."""
    server = servers.Kafka(tmp_path / "kafka")
    request.node.stash.setdefault(_LOGS, []).append(server)
    server.start()
    yield server
    server.terminate()


@pytest.fixture
def app(gateway, tmp_path):
    """Makes an application of a class of apps.py; it is ended before the servers are."""
    made = []

    def make(kind, *arguments):
        made.append(kind(tmp_path / "app", *arguments))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in item.stash.get(_LOGS, []):
            report.sections.append((f"the end of {server.log}", server.log_tail()))


def pytest_report_header():
    return f"server under test: {servers.TARGET}"
