"""The commands of the binary, on Tidegate and on Apache Kafka: the same words do the same on both.

TIDEGATE_BIN names the binary with TARGET=kafka too, for its commands.
"""

import json
import os
import subprocess
import time
import uuid

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

TIMEOUT_S = 90
# 2026-11-20T08:00:00Z; each record of a partition is a minute after the one before it.
FIRST_MS = 1_795_161_600_000
MINUTE_MS = 60_000


class Command:
    """The binary's commands on one server."""

    def __init__(self, bootstrap):
        self._bootstrap = bootstrap

    def run(self, *arguments, exit=0):
        words = [os.environ["TIDEGATE_BIN"], *arguments, "--bootstrap-server", self._bootstrap]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == exit, f"{arguments}: {done}"
        return done

    def json(self, *arguments, exit=0):
        return json.loads(self.run(*arguments, "--json", exit=exit).stdout)

    def refused(self, *arguments, exit=1):
        return self.run(*arguments, exit=exit).stderr


@pytest.fixture(scope="module")
def cli(gateway):
    return Command(gateway.bootstrap)


@pytest.fixture
def name():
    return f"cli-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(cli, gateway, name):
    """A topic of two partitions with ten records each, the offset being the minute."""
    cli.run("topic", "create", name, "--partitions", "2", "--config", "retention.ms=-1")
    producer = Producer({"bootstrap.servers": gateway.bootstrap})
    for partition in range(2):
        for minute in range(10):
            # Batches of one record: where a time is looked up must not depend on how they were batched.
            at = FIRST_MS + minute * MINUTE_MS
            producer.produce(name, b"v", partition=partition, timestamp=at)
            assert producer.flush(TIMEOUT_S) == 0
    return name


@pytest.fixture
def group(gateway, topic, name):
    """A group without members that has committed 4 in partition 0 and 6, with metadata, in partition 1."""
    consumer = Consumer({"bootstrap.servers": gateway.bootstrap, "group.id": name})
    offsets = [TopicPartition(topic, 0, 4), TopicPartition(topic, 1, 6, metadata="noted")]
    end = time.monotonic() + TIMEOUT_S
    while True:
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
            break
        except KafkaException as failure:
            # Kafka makes and loads the topic of the offsets when the first group comes.
            if not failure.args[0].retriable() and failure.args[0].name() != "COORDINATOR_LOAD_IN_PROGRESS":
                raise
            assert time.monotonic() < end, failure
            time.sleep(0.2)
    consumer.close()
    return name


def becomes(ask, expected):
    """Waits until `ask` gives what is expected: a broker of Kafka learns of changes after they are answered."""
    end = time.monotonic() + TIMEOUT_S
    while (found := ask()) != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert found == expected


def committed(cli, group):
    rows = cli.json("group", "describe", group)[0]["offsets"]
    return {row["partition"]: row["committed_offset"] for row in rows}


def new_offsets(rows):
    return {row["partition"]: row["new_offset"] for row in rows}


def test_a_topic_is_created_listed_described_altered_and_deleted(cli, name):
    created = cli.json("topic", "create", name, "-p", "2", "-r", "1", "-c", "retention.ms=7200000")
    assert created == [{"name": name, "done": True, "error": None}]
    assert [row["topic"] for row in cli.json("topic", "list", f"{name[:-1]}?")] == [name]

    altered = ("--partitions", "3", "-c", "cleanup.policy+=compact", "-c", "segment.bytes=2097152")
    cli.run("topic", "alter", name, *altered, "--delete-config", "retention.ms")
    described = cli.json("topic", "describe", name)[0]
    assert [row["partition"] for row in described["partitions"]] == [0, 1, 2]
    assert {(row["start_offset"], row["end_offset"], row["size_bytes"]) for row in described["partitions"]} == {(0, 0, 0)}
    configs = {row["name"]: row["value"] for row in described["configs"] if row["source"] == "DYNAMIC_TOPIC_CONFIG"}
    assert configs == {"cleanup.policy": "delete,compact", "segment.bytes": "2097152"}

    cli.run("topic", "delete", name)
    assert cli.json("topic", "list", name) == []


def test_validate_only_changes_nothing(cli, name):
    cli.run("topic", "create", name, "--validate-only")
    assert cli.json("topic", "list", name) == []
    cli.run("topic", "create", name, "-p", "1")
    cli.run("topic", "alter", name, "-p", "2", "-c", "retention.ms=1", "--validate-only")
    described = cli.json("topic", "describe", name)[0]
    assert len(described["partitions"]) == 1
    assert "retention.ms" not in {c["name"] for c in described["configs"] if c["source"] == "DYNAMIC_TOPIC_CONFIG"}


def test_what_is_refused_is_told_with_kafkas_reason(cli, name):
    cli.run("topic", "create", name, "-p", "2")
    assert "TOPIC_ALREADY_EXISTS" in cli.refused("topic", "create", name)
    cli.run("topic", "create", name, "--if-not-exists")
    assert "INVALID_PARTITIONS" in cli.refused("topic", "alter", name, "-p", "1")
    assert "INVALID_CONFIG" in cli.refused("topic", "alter", name, "-c", "retention.ms=x")
    assert "INVALID_REPLICATION_FACTOR" in cli.refused("topic", "create", f"{name}-2", "-r", "3")
    assert "INVALID_TOPIC_EXCEPTION" in cli.refused("topic", "create", "a/b")


def test_a_list_goes_on_after_one_that_failed(cli, name):
    cli.run("topic", "create", name)
    rows = cli.json("topic", "delete", f"{name}-missing", name, exit=1)
    assert [(row["name"], row["done"]) for row in rows] == [(name, True), (f"{name}-missing", False)]
    assert cli.json("topic", "list", name) == []
    cli.run("topic", "delete", name, "--if-exists")


def test_a_pattern_deletes_only_what_it_was_told_to(cli, name):
    for which in "ab":
        cli.run("topic", "create", f"{name}-{which}")
    shown = cli.refused("topic", "delete", f"{name}-*", exit=2)
    assert f"{name}-a" in shown and f"{name}-b" in shown and "--yes" in shown
    assert len(cli.json("topic", "list", f"{name}-*")) == 2
    cli.run("topic", "delete", f"{name}-*", "--yes")
    assert cli.json("topic", "list", f"{name}-*") == []


def test_sizes_are_those_of_the_records(cli, topic):
    sizes = [row["size_bytes"] for row in cli.json("topic", "describe", topic)[0]["partitions"]]
    assert all(10 * 61 <= size < 10_000 for size in sizes), sizes


def test_offsets_are_looked_up_by_place_and_time(cli, topic):
    def at(*where):
        words = [word for place in where for word in ("--at", place)]
        return [(row["offset"], row["timestamp_ms"]) for row in cli.json("topic", "offsets", f"{topic}:1", *words)]

    assert [offset for offset, _ in at("earliest", "latest")] == [0, 10]
    assert at("max-timestamp") == [(9, FIRST_MS + 9 * MINUTE_MS)]
    third = (3, FIRST_MS + 3 * MINUTE_MS)
    assert at("2026-11-20T08:02:30", "2026-11-20T09:03:00+01:00", str(FIRST_MS + 3 * MINUTE_MS)) == [third] * 3
    assert at("2026-11-20T09:00") == [(None, None)]
    message = cli.refused("topic", "offsets", f"{topic}:2")
    assert f"{topic}-2 does not exist" in message


def test_records_are_deleted_only_with_execute(cli, topic):
    def starts():
        return [row["start_offset"] for row in cli.json("topic", "describe", topic)[0]["partitions"]]

    rows = cli.json("topic", "delete-records", topic, "--before", "2026-11-20T08:04")
    assert [(row["start_offset"], row["new_start_offset"], row["done"]) for row in rows] == [(0, 4, False)] * 2
    assert starts() == [0, 0]
    cli.run("topic", "delete-records", topic, "--before", "2026-11-20T08:04", "--execute")
    assert starts() == [4, 4]
    cli.run("topic", "delete-records", f"{topic}:1", "--before", "6", "--execute")
    assert starts() == [4, 6]
    assert "OFFSET_OUT_OF_RANGE" in cli.refused("topic", "delete-records", f"{topic}:0", "--before", "11", "--execute")
    cli.run("topic", "delete-records", topic, "--before", "latest", "--execute")
    assert starts() == [10, 10]


def test_records_are_deleted_by_kafkas_file(cli, topic, tmp_path):
    file = tmp_path / "records.json"
    partitions = [{"topic": topic, "partition": 0, "offset": 3}, {"topic": topic, "partition": 1, "offset": -1}]
    file.write_text(json.dumps({"partitions": partitions, "version": 1}))
    rows = cli.json("topic", "delete-records", "--from-file", str(file), "--execute")
    assert [(row["new_start_offset"], row["done"]) for row in rows] == [(3, True), (10, True)]


def test_a_group_without_members_is_listed_and_described(cli, group, topic):
    listed = cli.json("group", "list", group, "--state", "empty", "--type", "classic")
    assert [(row["group"], row["state"]) for row in listed] == [(group, "Empty")]
    assert cli.json("group", "list", group, "--state", "stable") == []
    described = cli.json("group", "describe", group)[0]
    assert (described["state"], described["type"], described["members"]) == ("Empty", "Classic", [])
    told = [(row["committed_offset"], row["end_offset"], row["lag"]) for row in described["offsets"]]
    assert told == [(4, 10, 6), (6, 10, 4)]
    # This client ends what it commits with a zero byte.
    assert [(row["metadata"] or "").rstrip("\0") for row in described["offsets"]] == ["", "noted"]


@pytest.mark.parametrize(
    "words, offsets",
    [
        (["--to-earliest"], {0: 0, 1: 0}),
        (["--to-latest"], {0: 10, 1: 10}),
        (["--to-current"], {0: 4, 1: 6}),
        (["--to-offset", "7"], {0: 7, 1: 7}),
        (["--to-offset", "11"], {0: 10, 1: 10}),
        (["--shift-by", "2"], {0: 6, 1: 8}),
        (["--shift-by", "-5"], {0: 0, 1: 1}),
        (["--to-datetime", "2026-11-20T08:02:30"], {0: 3, 1: 3}),
        (["--to-datetime", "2026-11-20T12:00:00.000"], {0: 10, 1: 10}),
        (["--by-duration", "P3650D"], {0: 0, 1: 0}),
        (["--by-duration", "0s"], {0: 10, 1: 10}),
    ],
    ids=lambda value: "-".join(value).strip("-") if isinstance(value, list) else "",
)
def test_offsets_are_reset_only_with_execute(cli, group, topic, words, offsets):
    rows = cli.json("group", "reset-offsets", group, "--all-topics", *words)
    assert new_offsets(rows) == offsets
    assert {row["partition"]: (row["current_offset"], row["done"]) for row in rows} == {0: (4, False), 1: (6, False)}
    assert committed(cli, group) == {0: 4, 1: 6}

    rows = cli.json("group", "reset-offsets", group, "--all-topics", *words, "--execute")
    assert all(row["done"] for row in rows)
    assert committed(cli, group) == offsets


def test_an_offset_out_of_range_becomes_the_nearest_with_a_note(cli, group, topic):
    rows = cli.json("group", "reset-offsets", group, "--topic", f"{topic}:0", "--to-offset", "11")
    assert [(row["new_offset"], row["note"]) for row in rows] == [(10, "11 is after the last record")]


def test_a_reset_of_some_partitions_leaves_the_others(cli, group, topic):
    cli.run("group", "reset-offsets", group, "--topic", f"{topic}:1", "--to-latest", "--execute")
    assert committed(cli, group) == {0: 4, 1: 10}


def test_a_reset_makes_a_group_that_did_not_exist(cli, topic, name):
    group = f"{name}-new"
    cli.run("group", "reset-offsets", group, "--topic", topic, "--to-earliest", "--execute")
    assert committed(cli, group) == {0: 0, 1: 0}
    assert "--topic" in cli.refused("group", "reset-offsets", f"{group}-2", "--all-topics", "--to-earliest")
    message = cli.refused("group", "reset-offsets", group, "--topic", f"{topic}-missing", "--to-earliest")
    assert f"{topic}-missing does not exist" in message


@pytest.mark.parametrize("form", ["csv", "json"])
def test_exported_offsets_are_imported_as_they_were(cli, group, topic, tmp_path, form):
    file = tmp_path / f"offsets.{form}"
    words = ["--json"] if form == "json" else []
    file.write_text(cli.run("group", "export-offsets", group, *words).stdout)
    if form == "csv":
        assert file.read_text() == f"{topic},0,4\n{topic},1,6\n"
    cli.run("group", "reset-offsets", group, "--all-topics", "--to-latest", "--execute")
    cli.run("group", "reset-offsets", group, "--from-file", str(file), "--execute")
    assert committed(cli, group) == {0: 4, 1: 6}


def test_a_plan_is_exported_as_kafkas_tool_reads_it(cli, group, topic):
    plan = cli.run("group", "reset-offsets", group, "--all-topics", "--to-latest", "--export").stdout
    assert plan == f"{topic},0,10\n{topic},1,10\n"


def test_a_group_with_members_is_described_and_left_as_it_is(cli, gateway, group, topic):
    consumer = Consumer({"bootstrap.servers": gateway.bootstrap, "group.id": group, "client.id": "reader"})
    try:
        consumer.subscribe([topic])
        end = time.monotonic() + TIMEOUT_S
        while not consumer.assignment():
            assert time.monotonic() < end, "the consumer got no partitions"
            consumer.poll(0.2)
        described = cli.json("group", "describe", group)[0]
        assert described["state"] == "Stable"
        members = [(member["client_id"], member["assignment"]) for member in described["members"]]
        assert members == [("reader", {topic: [0, 1]})]
        assert all(row["member_id"] == described["members"][0]["member_id"] for row in described["offsets"])

        message = cli.refused("group", "reset-offsets", group, "--all-topics", "--to-earliest", "--execute")
        assert "only while it has no members: it is Stable with 1 member" in message
        assert "NON_EMPTY_GROUP" in cli.refused("group", "delete", group)
        message = cli.refused("group", "delete-offsets", group, "--topic", topic)
        assert "GROUP_SUBSCRIBED_TO_TOPIC" in message
        assert committed(cli, group) == {0: 4, 1: 6}
    finally:
        consumer.close()


def test_committed_offsets_and_groups_are_deleted(cli, group, topic):
    cli.run("group", "delete-offsets", group, "--topic", f"{topic}:0")
    assert committed(cli, group) == {1: 6}
    assert "has committed no offsets" in cli.refused("group", "delete-offsets", group, "--topic", "another")
    rows = cli.json("group", "delete", f"{group}-missing", group, exit=1)
    assert {row["name"]: row["done"] for row in rows} == {f"{group}-missing": False, group: True}
    assert cli.json("group", "list", group) == []
    assert f"group {group} does not exist" in cli.refused("group", "describe", group)


def test_a_consumer_goes_on_where_it_was_reset_to(cli, gateway, group, topic):
    cli.run("group", "reset-offsets", group, "--topic", topic, "--to-offset", "8", "--execute")
    consumer = Consumer({"bootstrap.servers": gateway.bootstrap, "group.id": group})
    try:
        consumer.subscribe([topic])
        read = consumer.consume(4, TIMEOUT_S)
        assert sorted((m.partition(), m.offset()) for m in read) == [(0, 8), (0, 9), (1, 8), (1, 9)]
    finally:
        consumer.close()


def test_configs_of_topics_and_brokers_are_set_and_unset(cli, topic):
    def own(*what, source, config):
        rows = cli.json("config", "describe", *what)["configs"]
        return [row["value"] for row in rows if (row["name"], row["source"]) == (config, source)]

    cli.run("config", "set", "topic", topic, "retention.ms=7200000", "cleanup.policy+=compact")
    cli.run("config", "unset", "topic", topic, "retention.ms")
    own_of_topic = {"source": "DYNAMIC_TOPIC_CONFIG"}
    becomes(lambda: own("topic", topic, config="cleanup.policy", **own_of_topic), ["delete,compact"])
    becomes(lambda: own("topic", topic, config="retention.ms", **own_of_topic), [])

    retention = {"config": "log.retention.ms"}
    for broker, source in (["1"], "DYNAMIC_BROKER_CONFIG"), ([], "DYNAMIC_DEFAULT_BROKER_CONFIG"):
        which = broker or [""]
        cli.run("config", "set", "broker", *which, "log.retention.ms=7200000")
        becomes(lambda: own("broker", *broker, source=source, **retention), ["7200000"])
        cli.run("config", "unset", "broker", *which, "log.retention.ms")
        becomes(lambda: own("broker", *broker, source=source, **retention), [])

    assert "is not a broker" in cli.refused("config", "describe", "broker", "x", exit=2)
    assert "INVALID_CONFIG" in cli.refused("config", "set", "topic", topic, "no.such.config=1")


def test_quotas_are_set_listed_and_unset(cli, name):
    def listed():
        return [(row["entity"], row["quotas"]) for row in cli.json("quota", "list", "--client-id", name)]

    cli.run("quota", "set", "producer_byte_rate=1048576", "request_percentage=50", "--client-id", name)
    entity = {"client-id": name}
    becomes(listed, [(entity, {"producer_byte_rate": 1048576.0, "request_percentage": 50.0})])
    cli.run("quota", "unset", "request_percentage", "--client-id", name)
    becomes(listed, [(entity, {"producer_byte_rate": 1048576.0})])
    cli.run("quota", "unset", "producer_byte_rate", "--client-id", name)
    becomes(listed, [])
    assert "INVALID_REQUEST" in cli.refused("quota", "set", "no_such_quota=1", "--client-id", name)
    assert "nobody is named" in cli.refused("quota", "set", "producer_byte_rate=1", exit=2)
