"""Fixtures of the tests of what a gateway shows: one under load, and a Prometheus that scrapes it."""

import re
import sys
import time
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(ROOT / "deploy" / "grafana")]

import gateway as servers
from prometheus import Prometheus
from server_fixtures import (  # noqa: F401
    pytest_report_header,
    pytest_runtest_makereport,
    shared_gateway_is_running,
    under_test,
)
from traffic import Traffic


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A gateway with a schema registry that makes a checkpoint every few seconds."""
    directory = tmp_path_factory.mktemp("gateway")
    server = servers.Tidegate(directory, registry=True)
    server._settings["TIDEGATE_CHECKPOINT_INTERVAL_MS"] = "2000"
    with under_test(server):
        yield server


@pytest.fixture(scope="session")
def scraped(gateway, tmp_path_factory):
    """A Prometheus that has scraped the gateway under load for a while, and still does."""
    load_metrics = f"127.0.0.1:{servers.free_port()}"
    jobs = {"tidegate": gateway.admin, "tidegate-load": load_metrics}
    rules = [ROOT / "deploy" / "prometheus" / "alerts.yml"]
    with Prometheus(tmp_path_factory.mktemp("prometheus"), jobs, rules) as prometheus:
        with Traffic(gateway.bootstrap, gateway.registry, load_metrics) as traffic:
            deadline = time.monotonic() + 240
            # Until there is something of everything, the rarest being a rebalance and a checkpoint.
            wanted = [
                "count_over_time(up[1m]) > 12",
                'rate(tidegate_requests_total{api="LeaveGroup"}[2m]) > 0',
                "rate(tidegate_checkpoints_total[2m]) > 0",
                "sum(tidegate_group_lag_records) > 0",
                "rate(tidegate_load_consumed_records_total[2m]) > 0",
                "rate(tidegate_registry_requests_total[2m]) > 0",
            ]
            while missing := [one for one in wanted if not prometheus.query(one)]:
                assert not traffic.problems, traffic.problems
                assert time.monotonic() < deadline, f"there is no data for {missing}"
                time.sleep(1)
            yield prometheus
        assert not traffic.problems


@pytest.fixture
def page(scraped, gateway):
    """/metrics as a browser gets it, of a gateway that has done a bit of everything."""
    with urllib.request.urlopen(f"http://{gateway.admin}/metrics", timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


@pytest.fixture
def documented():
    """The names of the metrics in docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    tables = re.findall(r"<!-- generated: (?!load)\w+ -->\n(.*?)<!-- end -->", text, re.DOTALL)
    return {name for table in tables for name in re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)}
