"""Gateways that keep offsets in a filer, and what stands between them."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parent / "seaweedfs")]

from filer_proxy import FilerProxy
from gateway import Tidegate
from seaweedfs import SeaweedFS
from server_fixtures import pytest_runtest_makereport, under_test  # noqa: F401

# A test machine is slow at times; a claim that says less sets its own.
REQUEST_TIMEOUT_MS = 15_000


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    """The SeaweedFS that tests share which do it no harm."""
    cluster = SeaweedFS(tmp_path_factory.mktemp("seaweedfs"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def new_seaweedfs(tmp_path):
    """Starts a cluster for the test alone; the arguments are those of SeaweedFS."""
    with contextlib.ExitStack() as stack:

        def start(**options):
            cluster = SeaweedFS(tmp_path / "seaweedfs", **options)
            stack.callback(cluster.stop)
            cluster.start()
            return cluster

        yield start


@pytest.fixture
def new_proxy():
    """Puts a proxy in front of a filer."""
    proxies = []

    def start(filer, **options):
        proxies.append(FilerProxy(filer, **options))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def folder(request):
    """Where the test's files are in a filer that others use too."""
    return f"/{request.node.name}".replace("[", "-").replace("]", "")


class FilerGateway(Tidegate):
    """A gateway whose settings can be changed before the next start."""

    def __init__(self, directory):
        self._config = Path(directory) / "tidegate.toml"
        super().__init__(directory, arguments=["--config", str(self._config)])

    def keep_offsets(self, where, folder="/kafka", *urls, **settings):
        """Settings for `where`; those of the filer's table as they are in the file."""
        # Without a cache every fetch reads the files, and an error of theirs shows; None is the default.
        cache = settings.pop("offsets_cache_bytes", 0)
        table = {
            "urls": [url if "://" in url else f"http://{url}" for url in urls],
            "offsets_path": f"{folder}/consumer_offsets",
            "groups_path": f"{folder}/consumer_groups",
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            **settings,
        }
        lines = ["[storage]", f'offsets = "{where}"']
        lines += [] if cache is None else [f"offsets_cache_bytes = {cache}"]
        lines += ["[filer]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in table.items()]
        self._config.write_text("\n".join(lines) + "\n")

    def command(self, *words, status=0):
        """Runs a command of the binary on this gateway."""
        words = [self._command[0], *words, "--bootstrap-server", self.bootstrap]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, f"{words}: {done}"
        return done.stdout


@pytest.fixture
def new_gateway(tmp_path):
    """Starts a gateway; the arguments are those of `keep_offsets`. It has topic t of eight partitions."""
    with contextlib.ExitStack() as stack:

        def start(where, folder="/kafka", *urls, directory="gateway", **settings):
            server = FilerGateway(tmp_path / directory)
            server.keep_offsets(where, folder, *urls, **settings)
            stack.enter_context(under_test(server))
            server.command("topic", "create", "t", "--partitions", "8")
            return server

        yield start
