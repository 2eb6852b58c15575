"""Fixtures of the client tests: the server under test, and topics on it."""

import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import gateway as servers
from admin import Admin

_STARTED = []


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """The server that a run shares. Tests may restart it; they leave it running."""
    server = servers.new_gateway(tmp_path_factory.mktemp("gateway"))
    _STARTED.append(server)
    server.start()
    yield server
    server.terminate()


@pytest.fixture(autouse=True)
def _gateway_is_running(request):
    """A test that finds the server gone fails for that reason, and leaves a running one behind."""
    yield
    for server in _STARTED:
        if "gateway" in request.fixturenames and not server.running():
            server.start()
            pytest.fail("the server was gone after the test")


@pytest.fixture(scope="session")
def admin(gateway):
    return Admin(gateway)


@pytest.fixture(scope="session")
def new_topic(admin):
    """Creates a topic with a name of its own that keeps records of any age."""

    def create(prefix, partitions, configs=None):
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        admin.create_topic(name, partitions, {"retention.ms": "-1"} | (configs or {}))
        return name

    return create


def chosen(request, *names):
    """The values of these parameters in the chosen tests of the module that asks."""
    specs = [i.callspec.params for i in request.session.items if i.module is request.module and hasattr(i, "callspec")]
    values = [tuple(params[name] for name in names) for params in specs if set(names) <= set(params)]
    return list(dict.fromkeys(values))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in _STARTED:
            report.sections.append((f"the end of {server.log}", server.log_tail()))


def pytest_report_header():
    return f"server under test: {servers.TARGET}"
