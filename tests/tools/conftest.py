"""Fixtures of the tools' tests: one server, and Kafka's tools of two releases on it."""

import sys
import uuid
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

import gateway as servers
from kafka_tools import RELEASES, Tools

_STARTED = []


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """The server that a run shares. A test may kill it; it leaves it running."""
    server = servers.new_gateway(tmp_path_factory.mktemp("gateway"))
    _STARTED.append(server)
    server.start()
    yield server
    server.terminate()


@pytest.fixture(autouse=True)
def _gateway_is_running(gateway):
    """A test that finds the server gone fails for that reason, and leaves a running one behind."""
    yield
    if not gateway.running():
        gateway.start()
        pytest.fail("the server was gone after the test")


@pytest.fixture(scope="session")
def newest(gateway):
    """The tools of the newest release."""
    tools = Tools(RELEASES[0], gateway.bootstrap)
    yield tools
    tools.close()


@pytest.fixture(scope="session")
def older(gateway):
    tools = Tools(RELEASES[1], gateway.bootstrap)
    yield tools
    tools.close()


@pytest.fixture(params=RELEASES)
def tools(request):
    """The tools of each release in turn."""
    return request.getfixturevalue("newest" if request.param == RELEASES[0] else "older")


@pytest.fixture
def name(request):
    """A name for this test's topics and groups that no other test has. (Longer ones are quoted in CSV.)"""
    claim = request.node.originalname.removeprefix("test_").replace("_", "-")
    return f"{claim[:13]}-{uuid.uuid4().hex[:8]}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in _STARTED:
            report.sections.append((f"the end of {server.log}", server.log_tail()))


def pytest_report_header():
    return f"server under test: {servers.TARGET}"
