"""Fixtures of the client tests: the server under test, and topics on it."""

import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from admin import Admin
from server_fixtures import (  # noqa: F401
    own_gateway,
    pytest_report_header,
    pytest_runtest_makereport,
    shared_gateway_is_running,
)
from server_fixtures import shared_gateway as gateway  # noqa: F401


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
