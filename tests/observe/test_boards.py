"""Every query of every board and every alert is evaluated on a real Prometheus that scrapes a gateway under load."""

import json
import re
import subprocess
import sys

import boards
import pytest
from conftest import ROOT
from prometheus import program

GRAFANA = ROOT / "deploy" / "grafana"
RULES = ROOT / "deploy" / "prometheus"

# What Grafana puts in place of a variable when everything is chosen.
ALL = {"$instance": ".*", "$topic": ".*", "$group": ".*", "$load": ".*", "$__rate_interval": "30s"}


def with_values(expression):
    """The query as Grafana sends it."""
    for name, value in ALL.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"a variable without a value: {expression}"
    return expression


def queries():
    for board in boards.BOARDS:
        for panel in board["panels"]:
            for query in panel["queries"]:
                yield pytest.param(query, id=f"{board['name']}: {panel['title']} {query['legend']}")


@pytest.mark.parametrize("query", queries())
def test_each_query_has_an_answer_and_data_where_there_must_be(scraped, query):
    expression = with_values(query["expr"])
    rows = scraped.query_until(expression, lambda rows: rows or query["may_be_empty"])
    assert rows or query["may_be_empty"], f"no data: {expression}"


def test_each_metric_in_a_query_or_an_alert_exists(scraped, documented):
    known = documented
    texts = [query["expr"] for b in boards.BOARDS for p in b["panels"] for query in p["queries"]]
    texts += [rule["query"] for rule in rules(scraped)]
    texts += [source for board in boards.BOARDS for _, source, _ in board["variables"]]
    used = {name for text in texts for name in re.findall(r"\b(?:tidegate|process)_[a-z_]+\b", text)}
    unknown = {name for name in used if not {name, re.sub(r"_(bucket|sum|count)$", "", name)} & known}
    # The load test's own are documented in a table of their own.
    manual = (ROOT / "docs" / "metrics.md").read_text()
    of_load = {name for name in unknown if f"| `{re.sub('_bucket$', '', name)}` |" in manual}
    assert not unknown - of_load


def test_the_boards_are_what_their_description_says():
    subprocess.run([sys.executable, GRAFANA / "boards.py", "--check"], check=True)


@pytest.mark.parametrize("board", boards.BOARDS, ids=lambda board: board["name"])
def test_each_board_is_one_that_grafana_imports(board):
    read = json.loads((GRAFANA / f"{board['name']}.json").read_text())
    assert read["uid"] == f"tidegate-{board['name']}" and len(read["uid"]) <= 40
    ids = [panel["id"] for panel in read["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in read["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
        assert panel["targets"] and panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


def rules(prometheus):
    groups = prometheus.ask("rules")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_each_alert_is_evaluated_and_none_fires_on_a_gateway_that_is_well(scraped):
    found = rules(scraped)
    assert len(found) > 10
    for rule in found:
        assert (rule["health"], rule.get("lastError", "")) == ("ok", ""), rule["name"]
        assert rule["annotations"]["summary"] and rule["annotations"]["what_to_do"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
    # Those about disk and clock look at the machine of the test, whatever happens to it.
    of_the_machine = {
        "TidegateStorageFull", "TidegateStorageLow", "TidegateStorageFullSoon", "TidegateDiskSlow", "TidegateClockJump",
    }
    firing = {rule["name"] for rule in found if rule["state"] == "firing"}
    assert not firing - of_the_machine


def test_the_alert_rules_pass_their_own_tests():
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"],
                    ["check", "config", "prometheus.yml"]):
        done = subprocess.run([program("promtool"), *command], cwd=RULES, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_metrics_are_as_prometheus_wants_them(page):
    done = subprocess.run([program("promtool"), "check", "metrics"], input=page, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_openmetrics_is_given_to_whom_asks_for_it_and_taken_by_prometheus(scraped):
    # Prometheus asks for OpenMetrics first, and a target whose text it cannot read is never up. One that was once may
    # have been too slow since, on a busy machine.
    up = {row["metric"]["job"]: row["value"][1] for row in scraped.query("max_over_time(up[5m])")}
    assert up == {"tidegate": "1", "tidegate-load": "1"}, scraped.ask("targets")["activeTargets"]


def test_each_metric_that_is_served_is_documented_and_the_other_way_round(page, documented):
    served = set(re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE))
    assert served == documented


def test_the_parts_of_a_requests_time_add_up(scraped):
    # Both are of requests answered; the last few, of which one may have taken long, may not be sent yet.
    parts = 'sum(tidegate_request_phase_seconds_sum{api="Produce"})'
    whole = 'sum(tidegate_request_duration_seconds_sum{api="Produce"})'
    rows = scraped.query_until(f"{parts} / {whole}", add_up)
    assert add_up(rows), rows


def add_up(rows):
    return bool(rows) and 0.9 < float(rows[0]["value"][1]) < 1.1
