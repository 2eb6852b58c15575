"""What the conftest of each suite takes: servers under test, and the end of their logs where a test fails.

Hooks of pytest count in the file that imports them.
"""

import contextlib

import pytest

import gateway as servers

_STARTED = []


@contextlib.contextmanager
def under_test(server):
    """Starts a server, and stops it at the end. It may have been killed and started again in between."""
    _STARTED.append(server)
    try:
        server.start()
        yield server
        server.terminate()
    finally:
        _STARTED.remove(server)


@pytest.fixture(scope="session")
def shared_gateway(tmp_path_factory):
    """The server that a run shares. Tests may restart it; they leave it running."""
    with under_test(servers.new_gateway(tmp_path_factory.mktemp("gateway"))) as server:
        yield server


@pytest.fixture
def own_gateway(tmp_path):
    """A running server of the test's own, on an empty directory. It may kill and start it again."""
    with under_test(servers.new_gateway(tmp_path / "gateway")) as server:
        yield server


@pytest.fixture(autouse=True)
def shared_gateway_is_running(request):
    """A test that finds the shared server gone fails for that reason, and leaves a running one behind."""
    yield
    for server in _STARTED:
        if "gateway" in request.fixturenames and not server.running():
            server.start()
            pytest.fail("the server was gone after the test")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in _STARTED:
            report.sections.append((f"the end of {server.log}", server.log_tail()))


def pytest_report_header():
    return f"server under test: {servers.TARGET}"
