#!/usr/bin/env python3
"""The boards for Grafana, from a compact description.

    deploy/grafana/boards.py          writes *.json beside this file
    deploy/grafana/boards.py --check  fails if they are not what is described here

Every query names its instance by the variable $instance, so that one board serves many gateways. What a panel
means is its description in Grafana. tests/observe evaluates every query on a real Prometheus.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = 24


def query(expr, legend="", may_be_empty=False):
    """A query; `may_be_empty` marks those without data while nothing is wrong."""
    return {"expr": expr, "legend": legend, "may_be_empty": may_be_empty}


def panel(title, unit, *queries, about="", width=8, kind="timeseries", stack=False, maximum=None):
    """A chart, or one number (`stat`) of the newest values."""
    return {
        "title": title, "unit": unit, "queries": queries, "about": about, "width": width, "kind": kind,
        "stack": stack, "maximum": maximum,
    }


def stat(title, unit, *queries, about="", width=4, maximum=None):
    return panel(title, unit, *queries, about=about, width=width, kind="stat", maximum=maximum)


def quantiles(metric, by="", labels="", of=(0.5, 0.99)):
    """Quantiles of a histogram over the last interval."""
    selector = "{" + ",".join(filter(None, ['instance=~"$instance"', labels])) + "}"
    group = ", ".join(filter(None, ["le", by]))
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        query(
            f"histogram_quantile({q}, sum by ({group}) (rate({metric}_bucket{selector}[$__rate_interval])))",
            f"{legend}p{q * 100:g}",
        )
        for q in of
    ]


def rate(metric, by="", labels="", legend=None, **options):
    selector = "{" + ",".join(filter(None, ['instance=~"$instance"', labels])) + "}"
    grouped = f"sum by ({by})" if by else "sum"
    if legend is None:
        legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(",")) if by else ""
    return query(f"{grouped} (rate({metric}{selector}[$__rate_interval]))", legend, **options)


def now(metric, by="", labels="", legend=None, how="sum", **options):
    selector = "{" + ",".join(filter(None, ['instance=~"$instance"', labels])) + "}"
    grouped = f"{how} by ({by})" if by else how
    if legend is None:
        legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(",")) if by else ""
    return query(f"{grouped} ({metric}{selector})", legend, **options)


INSTANCES = ("instance", "label_values(tidegate_build_info, instance)", "Gateway")

OVERVIEW = {
    "name": "overview",
    "title": "Tidegate: overview",
    "variables": [INSTANCES],
    "panels": [
        stat("Up for", "s", query('time() - max(process_start_time_seconds{instance=~"$instance"})')),
        stat("Records in", "cps", rate("tidegate_produce_records_total")),
        stat("Records out", "cps", rate("tidegate_fetch_records_total")),
        stat("Connections", "short", now("tidegate_connections_open")),
        stat("Disk free", "percentunit", query(
            'min(tidegate_storage_free_bytes{instance=~"$instance"} / tidegate_storage_size_bytes{instance=~"$instance"})'),
            maximum=1),
        stat("Takes records", "short", query('1 - max(tidegate_storage_full{instance=~"$instance"})'),
             about="1 while appends are taken, 0 while there is no room for them."),
        panel("Records", "cps", rate("tidegate_produce_records_total", legend="in"),
              rate("tidegate_fetch_records_total", legend="out")),
        panel("Bytes on the network", "Bps", rate("tidegate_network_received_bytes_total", legend="received"),
              rate("tidegate_network_sent_bytes_total", legend="sent")),
        panel("Requests by type", "reqps", rate("tidegate_requests_total", "api"), stack=True),
        panel("Produce: p50 and p99", "s",
              *quantiles("tidegate_request_duration_seconds", labels='api="Produce"', of=(0.5, 0.99)),
              about="From a request's last byte read to its answer's last byte written."),
        panel("Where a Produce's time goes", "s", query(
            'sum by (phase) (rate(tidegate_request_phase_seconds_sum{instance=~"$instance",api="Produce"}[$__rate_interval])) '
            '/ on () group_left () sum (rate(tidegate_request_duration_seconds_count{instance=~"$instance",api="Produce"}[$__rate_interval]))',
            "{{phase}}"), stack=True,
            about="Mean by part: queue is behind earlier requests of the connection, log the disk, send the network."),
        panel("Errors", "reqps", rate("tidegate_requests_total", "api, error", 'error!~"NONE|MEMBER_ID_REQUIRED|REBALANCE_IN_PROGRESS"',
                                      may_be_empty=True),
              about="Answers by the first error in them. Those that belong to a group's normal course are left out."),
        panel("Connections by client library", "short",
              now("tidegate_connections_by_software", "software, version"), stack=True),
        panel("Connections that ended", "cps", rate("tidegate_connections_closed_total", "reason"),
              rate("tidegate_connections_refused_total", legend="too many"),
              rate("tidegate_accept_failures_total", legend="not accepted")),
        panel("Throttled by quotas", "s", rate("tidegate_throttle_seconds_total", legend="told to wait"),
              about="Seconds of waiting that senders were told, by second."),
        panel("Processor", "percentunit", query('rate(process_cpu_seconds_total{instance=~"$instance",job="tidegate"}[$__rate_interval])', "{{instance}}"),
              about="1 is one core."),
        panel("Memory", "bytes", query('process_resident_memory_bytes{instance=~"$instance",job="tidegate"}', "resident"),
              now("tidegate_tail_bytes", legend="recent batches"),
              now("tidegate_request_memory_bytes", legend="arriving requests")),
        panel("Log lines", "cps", rate("tidegate_log_lines_total", "level"),
              query('sum(increase(tidegate_clock_jumps_total{instance=~"$instance"}[$__rate_interval]))', "clock jumps")),
    ],
}

TOPICS = {
    "name": "topics",
    "title": "Tidegate: topics",
    "variables": [
        INSTANCES,
        ("topic", 'label_values(tidegate_topic_partition_size_bytes{instance=~"$instance"}, topic)', "Topic"),
    ],
    "panels": [
        stat("Topics", "short", now("tidegate_topics")),
        stat("Partitions", "short", now("tidegate_partitions")),
        stat("Not shown", "short", now("tidegate_topic_partitions_not_shown"),
             about="Partitions beyond metrics.topic_partitions_max: the smallest ones."),
        stat("Size", "bytes", now("tidegate_topic_partition_size_bytes")),
        stat("Kept", "short", query('sum(tidegate_topic_partition_end_offset{instance=~"$instance"} - tidegate_topic_partition_start_offset{instance=~"$instance"})'),
             about="Offsets between start and end, of all topics shown."),
        stat("Fetches waiting", "short", now("tidegate_fetches_parked")),
        panel("Records written by topic", "cps", query(
            'topk(10, sum by (topic) (rate(tidegate_topic_partition_end_offset{instance=~"$instance",topic=~"$topic"}[$__rate_interval])))',
            "{{topic}}"), width=12, stack=True),
        panel("Size by topic", "bytes", query(
            'topk(10, sum by (topic) (tidegate_topic_partition_size_bytes{instance=~"$instance",topic=~"$topic"}))', "{{topic}}"),
            width=12, stack=True),
        panel("Growth by topic", "Bps", query(
            'topk(10, sum by (topic) (deriv(tidegate_topic_partition_size_bytes{instance=~"$instance",topic=~"$topic"}[$__rate_interval])))',
            "{{topic}}"), width=12, about="Falls where retention removes segments."),
        panel("Partitions written to most", "cps", query(
            'topk(10, sum by (topic, partition) (rate(tidegate_topic_partition_end_offset{instance=~"$instance",topic=~"$topic"}[$__rate_interval])))',
            "{{topic}}-{{partition}}"), width=12, about="One that stands out has the hot keys."),
        panel("Records by batch", "short", query(
            'sum(rate(tidegate_produce_records_total{instance=~"$instance"}[$__rate_interval])) / sum(rate(tidegate_produce_batches_total{instance=~"$instance"}[$__rate_interval]))',
            "records"), about="Producers that send few per batch cost most: linger.ms and batch.size."),
        panel("Bytes by record", "bytes", query(
            'sum(rate(tidegate_produce_bytes_total{instance=~"$instance"}[$__rate_interval])) / sum(rate(tidegate_produce_records_total{instance=~"$instance"}[$__rate_interval]))',
            "bytes"), about="As stored: compressed ones count compressed."),
        panel("Removed by retention", "Bps", rate("tidegate_trimmed_bytes_total", legend="bytes")),
    ],
}

GROUPS = {
    "name": "groups",
    "title": "Tidegate: groups and lag",
    "variables": [
        INSTANCES,
        ("group", 'label_values(tidegate_group_lag_records{instance=~"$instance"}, group)', "Group"),
    ],
    "panels": [
        stat("Groups", "short", now("tidegate_groups")),
        stat("Rebalancing", "short", query(
            'sum(tidegate_groups{instance=~"$instance",state=~".*Rebalance"}) or vector(0)'),
            about="Groups that wait for their members or their assignment."),
        stat("Lag in all", "short", now("tidegate_group_lag_records")),
        stat("Largest lag", "short", now("tidegate_group_lag_records", how="max")),
        stat("Lags not shown", "short", now("tidegate_group_lags_not_shown"),
             about="Beyond metrics.lag_partitions_max: smaller than all that are shown."),
        stat("Commits", "reqps", rate("tidegate_requests_total", labels='api="OffsetCommit"')),
        panel("Lag by group", "short", query(
            'topk(10, sum by (group) (tidegate_group_lag_records{instance=~"$instance",group=~"$group"}))', "{{group}}"), width=12),
        panel("Lag by partition", "short", query(
            'topk(10, tidegate_group_lag_records{instance=~"$instance",group=~"$group"})', "{{group}} {{topic}}-{{partition}}"),
            width=12, about="One partition that stands out: its member is stuck, or has the hot keys."),
        panel("Behind in time", "s", query(
            'topk(10, sum by (group) (tidegate_group_lag_records{instance=~"$instance",group=~"$group"}) / on () group_left () '
            'sum(rate(tidegate_produce_records_total{instance=~"$instance"}[$__rate_interval])))', "{{group}}", may_be_empty=True),
            width=12, about="Lag by the rate at which records come in: about how old the next record is."),
        panel("Groups by state", "short", now("tidegate_groups", "state"), width=12, stack=True),
        panel("Rebalances by cause", "cpm", query(
            'sum by (cause) (rate(tidegate_group_rebalances_total{instance=~"$instance"}[$__rate_interval])) * 60', "{{cause}}"),
            width=12, about="Each has a line in the log with group, member and cause."),
        panel("Commits: p50 and p99", "s", *quantiles("tidegate_request_duration_seconds", labels='api="OffsetCommit"'), width=12),
        panel("Offsets: time to keep, p99", "s", *quantiles("tidegate_offsets_commit_seconds", "storage", of=(0.5, 0.99)), width=12,
              about="By where offsets are kept: in the log, in memory, or in a filer."),
        panel("Offsets: errors and misses of the cache", "cps", rate("tidegate_offsets_errors_total", "operation"),
              rate("tidegate_offsets_cache_misses_total", legend="not in the cache"),
              rate("tidegate_offsets_cache_hits_total", legend="in the cache"), width=12),
        panel("Group requests", "reqps", rate("tidegate_requests_total", "api", 'api=~"JoinGroup|SyncGroup|Heartbeat|LeaveGroup|OffsetCommit|OffsetFetch"'),
              width=12, stack=True),
        panel("Group requests with errors", "reqps", rate(
            "tidegate_requests_total", "api, error",
            'api=~"JoinGroup|SyncGroup|Heartbeat|LeaveGroup|OffsetCommit|OffsetFetch",error!="NONE"', may_be_empty=True), width=12,
            about="MEMBER_ID_REQUIRED and REBALANCE_IN_PROGRESS belong to joining; ILLEGAL_GENERATION after a long pause does not."),
    ],
}

STORAGE = {
    "name": "storage",
    "title": "Tidegate: storage",
    "variables": [INSTANCES],
    "panels": [
        stat("Free", "bytes", now("tidegate_storage_free_bytes", how="min")),
        stat("Free of the disk", "percentunit", query(
            'min(tidegate_storage_free_bytes{instance=~"$instance"} / tidegate_storage_size_bytes{instance=~"$instance"})'), maximum=1),
        stat("Waits for the disk", "bytes", now("tidegate_wal_pending_bytes")),
        stat("Recent batches in memory", "bytes", now("tidegate_tail_bytes")),
        stat("Checkpoints", "short", now("tidegate_checkpoints_total")),
        stat("Full", "short", now("tidegate_storage_full", how="max")),
        panel("Write-ahead log: time of a write", "s", *quantiles("tidegate_wal_write_seconds", of=(0.5, 0.99, 0.999)),
              width=12, about="With sync = always until the frame is on the disk: every acknowledgement waits for it."),
        panel("Appends that share a write", "short", query(
            'sum(rate(tidegate_wal_appends_total{instance=~"$instance"}[$__rate_interval])) / sum(rate(tidegate_wal_frames_total{instance=~"$instance"}[$__rate_interval]))', "mean"),
            *quantiles("tidegate_wal_frame_appends", of=(0.99,)), width=12,
            about="Group commit: the more clients at once, the more share one write."),
        panel("Bytes of a write", "bytes", *quantiles("tidegate_wal_frame_bytes"), width=12),
        panel("Writes", "cps", rate("tidegate_wal_frames_total", legend="frames"), rate("tidegate_wal_appends_total", legend="appends"), width=12),
        panel("Bytes to the write-ahead log", "Bps", rate("tidegate_wal_bytes_total", legend="batches"), width=12),
        panel("Other syncs: p99", "s", query(
            'histogram_quantile(0.99, sum by (le, files) (rate(tidegate_fsync_seconds_bucket{instance=~"$instance"}[$__rate_interval])))',
            "{{files}}", may_be_empty=True), width=12, about="Of segments and checkpoints, in the background; of the log with sync = interval."),
        panel("Checkpoints: mean time", "s", query(
            'sum(rate(tidegate_checkpoint_seconds_sum{instance=~"$instance"}[5m])) / sum(rate(tidegate_checkpoint_seconds_count{instance=~"$instance"}[5m]))',
            "mean", may_be_empty=True), width=12),
        panel("Room on the disk", "bytes", now("tidegate_storage_free_bytes", "instance"), width=12),
    ],
}

REGISTRY = {
    "name": "registry",
    "title": "Tidegate: schema registry",
    "variables": [INSTANCES],
    "panels": [
        stat("Subjects", "short", now("tidegate_registry_subjects")),
        stat("Versions", "short", now("tidegate_registry_versions")),
        stat("Schemas", "short", now("tidegate_registry_schemas")),
        stat("Connections", "short", now("tidegate_registry_connections_open")),
        stat("Parsed schemas held", "bytes", now("tidegate_registry_cache_bytes")),
        stat("Unreadable records", "short", now("tidegate_registry_skipped_records"),
             about="Records of _schemas that could not be read: should be 0."),
        panel("Requests by route", "reqps", rate("tidegate_registry_requests_total", "method, route"), width=12, stack=True),
        panel("Requests by code", "reqps", rate("tidegate_registry_requests_total", "code"), width=12, stack=True,
              about="Confluent's codes: 40401 is a subject that is not there, 42201 a schema that is none, 409 an incompatible one."),
        panel("Time of a request", "s", *quantiles("tidegate_registry_request_duration_seconds", of=(0.5, 0.99)), width=12),
        panel("Time by route: p99", "s", query(
            'histogram_quantile(0.99, sum by (le, method, route) (rate(tidegate_registry_request_duration_seconds_bucket{instance=~"$instance"}[$__rate_interval])))',
            "{{method}} {{route}}"), width=12),
        panel("Failures of the registry", "reqps", rate("tidegate_registry_requests_total", "route, code", 'code=~"5.*"', may_be_empty=True), width=12),
        panel("Schemas", "short", now("tidegate_registry_schemas", legend="schemas"), now("tidegate_registry_versions", legend="versions"), width=12),
    ],
}


def load(metric):
    return f'{metric}{{instance=~"$load"}}'


LOAD = {
    "name": "load",
    "title": "Tidegate: load test",
    "variables": [INSTANCES, ("load", "label_values(tidegate_load_info, instance)", "Load test")],
    "panels": [
        stat("Acknowledged", "short", query(f"sum({load('tidegate_load_acknowledged_records_total')})")),
        stat("Consumed", "short", query(f"sum({load('tidegate_load_consumed_records_total')})")),
        stat("Faults", "short", query(f"sum({load('tidegate_load_faults_total')}) or vector(0)"),
             about="Lost, duplicated, reordered or changed records: each is a fault of the target."),
        stat("Given up", "short", query(f"sum({load('tidegate_load_failed_records_total')})")),
        stat("On their way", "short", query(f"sum({load('tidegate_load_outstanding_records')})")),
        stat("Lag", "short", query(f"sum({load('tidegate_load_lag_records')})", may_be_empty=True)),
        panel("Records", "cps",
              query(f"sum(rate({load('tidegate_load_offered_records_total')}[$__rate_interval]))", "offered"),
              query(f"sum(rate({load('tidegate_load_acknowledged_records_total')}[$__rate_interval]))", "acknowledged"),
              query(f"sum(rate({load('tidegate_load_consumed_records_total')}[$__rate_interval]))", "consumed"),
              width=12, about="Offered is what should have been sent: where acknowledged stays below, the target is at its end."),
        panel("Acknowledgement, from when it was due", "s", *[query(
            f"histogram_quantile({q}, sum by (le) (rate({load('tidegate_load_ack_latency_seconds_bucket')}[$__rate_interval])))", f"p{q * 100:g}")
            for q in (0.5, 0.99, 0.999)], width=12, about="Measured from when a record should have been sent: a stall shows in full."),
        panel("End to end", "s", *[query(
            f"histogram_quantile({q}, sum by (le) (rate({load('tidegate_load_end_to_end_latency_seconds_bucket')}[$__rate_interval])))", f"p{q * 100:g}")
            for q in (0.5, 0.99, 0.999)], width=12),
        panel("Bytes", "Bps",
              query(f"sum(rate({load('tidegate_load_acknowledged_bytes_total')}[$__rate_interval]))", "acknowledged"),
              query(f"sum(rate({load('tidegate_load_consumed_bytes_total')}[$__rate_interval]))", "consumed"), width=12),
        panel("Errors and rebalances", "cps",
              query(f"sum(rate({load('tidegate_load_errors_total')}[$__rate_interval]))", "errors", may_be_empty=True),
              query(f"sum(rate({load('tidegate_load_rebalances_total')}[$__rate_interval]))", "rebalances", may_be_empty=True), width=12),
        panel("The gateway meanwhile: writes to its disk", "s", *quantiles("tidegate_wal_write_seconds"), width=12),
        panel("Processor", "percentunit", query(f"rate({load('tidegate_load_cpu_seconds_total')}[$__rate_interval])", "load test"),
              query('rate(process_cpu_seconds_total{instance=~"$instance",job="tidegate"}[$__rate_interval])', "gateway"), width=12,
              about="On one machine they share the cores."),
        panel("Memory", "bytes", query(load("tidegate_load_resident_memory_bytes"), "load test"),
              query('process_resident_memory_bytes{instance=~"$instance",job="tidegate"}', "gateway"), width=12),
    ],
}

BOARDS = [OVERVIEW, TOPICS, GROUPS, STORAGE, REGISTRY, LOAD]


# ---------------------------------------------------------------------------- Grafana's JSON

SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def grafana(board):
    """The board as Grafana 11 and 12 import it (schema version 39)."""
    return {
        "uid": f"tidegate-{board['name']}",
        "title": board["title"],
        "tags": ["tidegate"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "timezone": "",
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["tidegate"], "title": "Tidegate", "asDropdown": True,
                   "includeVars": True, "keepTime": True, "icon": "external link", "targetBlank": False,
                   "tooltip": "", "url": ""}],
        "templating": {"list": [datasource(), *map(variable, board["variables"])]},
        "panels": [*placed(board["panels"])],
    }


def datasource():
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
            "current": {}, "hide": 0, "includeAll": False, "multi": False, "options": [], "refresh": 1, "regex": ""}


def variable(described):
    name, source, label = described
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "definition": source,
        "query": {"query": source, "refId": name}, "refresh": 2, "regex": "", "sort": 1, "hide": 0,
        "includeAll": True, "allValue": ".*", "multi": True, "options": [],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def placed(panels):
    """The panels from left to right, each row as high as its kind."""
    x = y = height = 0
    for number, described in enumerate(panels, start=1):
        tall = 4 if described["kind"] == "stat" else 8
        if x + described["width"] > COLUMNS or (height and tall != height):
            x, y, height = 0, y + height, 0
        yield grafana_panel(number, described, {"x": x, "y": y, "w": described["width"], "h": tall})
        x, height = x + described["width"], tall


def grafana_panel(number, described, place):
    defaults = {"unit": described["unit"], "min": 0, "color": {"mode": "palette-classic"}, "mappings": [],
                "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]}}
    if described["maximum"] is not None:
        defaults["max"] = described["maximum"]
    if described["title"].startswith("Growth"):
        del defaults["min"]
    shown = {
        "id": number, "type": described["kind"], "title": described["title"], "description": described["about"],
        "gridPos": place, "datasource": SOURCE, "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": one["expr"], "legendFormat": one["legend"],
             "editorMode": "code", "range": True, "instant": False}
            for index, one in enumerate(described["queries"])
        ],
    }
    if described["kind"] == "stat":
        shown["options"] = {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value",
            "graphMode": "area", "justifyMode": "auto", "orientation": "auto", "textMode": "auto", "wideLayout": True,
        }
        return shown
    defaults["custom"] = {
        "drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if described["stack"] else 10, "showPoints": "never",
        "spanNulls": False, "stacking": {"mode": "normal" if described["stack"] else "none", "group": "A"},
    }
    shown["options"] = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return shown


def main():
    stale = []
    for board in BOARDS:
        path = HERE / f"{board['name']}.json"
        text = json.dumps(grafana(board), indent=2, ensure_ascii=False) + "\n"
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                stale.append(path.name)
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"not what boards.py describes (run it): {', '.join(stale)}")


if __name__ == "__main__":
    main()
