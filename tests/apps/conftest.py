"""The servers and applications of these tests, fresh ones for every test, and their logs where one fails."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

import apps
import gateway as servers
from server_fixtures import own_gateway as gateway  # noqa: F401
from server_fixtures import pytest_report_header, pytest_runtest_makereport, under_test  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def _jars():
    apps.install()


@pytest.fixture
def kafka(tmp_path):
    """Apache Kafka, whatever the gateway is."""
    with under_test(servers.Kafka(tmp_path / "kafka")) as server:
        yield server


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
