"""Fixtures of the tools' tests: one server, and Kafka's tools of two releases on it."""

import sys
import uuid
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

from kafka_tools import RELEASES, Tools
from server_fixtures import (  # noqa: F401
    pytest_report_header,
    pytest_runtest_makereport,
    shared_gateway_is_running,
)
from server_fixtures import shared_gateway as gateway  # noqa: F401


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
