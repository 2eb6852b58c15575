"""The servers that the load test is aimed at, and a proxy before them."""

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parent.parent
for folder in ("clients", "registry", "seaweedfs", "load"):
    sys.path.insert(0, str(_TESTS / folder))

import gateway as servers
from proxy import Fault, Proxy
from server_fixtures import pytest_report_header, pytest_runtest_makereport, under_test  # noqa: F401


class BehindProxy:
    """A gateway that tells its clients to come through a proxy, and that proxy."""

    def __init__(self, directory):
        self._port = servers.free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self.gateway = servers.Tidegate(directory, ("--advertise", self.bootstrap, "--storage", "memory"), registry=True)
        self.registry = f"http://{self.gateway.registry}"

    def proxy(self, *faults, seed=1):
        """The proxy with these faults, as `proxy.py` takes them; only one at a time."""
        return Proxy(self._port, self.gateway.bootstrap, [Fault.parse(fault) for fault in faults], seed)


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory):
    """One gateway for the tests of a module: each takes topics or a proxy of its own."""
    target = BehindProxy(tmp_path_factory.mktemp("gateway"))
    with under_test(target.gateway):
        yield target


@pytest.fixture
def start(tmp_path):
    """Starts servers of the test's own, which it may kill, and stops them at the end."""
    with ExitStack() as started:
        yield lambda server: started.enter_context(under_test(server))
