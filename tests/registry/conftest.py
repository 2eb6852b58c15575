"""The gateway of the registries' tests, a fresh one for every test: `_schemas` must be empty at its start.

Tests of the embedded registry that do not mind others' subjects share one.
"""

import sys
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

import embedded as registries
import server_fixtures
from server_fixtures import own_gateway as gateway  # noqa: F401
from server_fixtures import pytest_runtest_makereport, under_test  # noqa: F401


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """The registry that a run shares. Tests leave it running."""
    with under_test(registries.new_registry(tmp_path_factory.mktemp("embedded"))) as registry:
        yield registry


@pytest.fixture
def new_embedded(tmp_path):
    """Starts a registry for the test alone, on a gateway of its own. It may kill and start it again."""
    with ExitStack() as started:

        def start(directory="gateway", **options):
            return started.enter_context(under_test(registries.new_registry(tmp_path / directory, **options)))

        yield start


@pytest.fixture
def own_embedded(new_embedded):
    """A running registry of the test's own, with nothing in it."""
    return new_embedded()


@pytest.fixture
def client(embedded):
    with SchemaRegistryClient({"url": embedded.url}) as one:
        yield one


@pytest.fixture
def fresh(embedded):
    """A client that has nothing in its caches, for each use."""

    def make():
        return SchemaRegistryClient({"url": embedded.url})

    return make


@pytest.fixture
def name():
    """A name for this test's topics and subjects that no other test has."""
    return f"t-{uuid.uuid4().hex[:8]}"


def pytest_report_header():
    return f"{server_fixtures.pytest_report_header()}, registry under test: {registries.KIND}"
