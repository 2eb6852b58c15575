"""The gateway of the registries' tests, a fresh one for every test: `_schemas` must be empty at its start."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

from server_fixtures import own_gateway as gateway  # noqa: F401
from server_fixtures import pytest_report_header, pytest_runtest_makereport  # noqa: F401
