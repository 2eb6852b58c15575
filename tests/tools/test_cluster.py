"""The tools that look at the cluster, its one node, its disks and its partitions' replicas."""

import json
import re
import time

import pytest
from test_console import consume, create, produce
from test_entity_configs import settles


@pytest.fixture
def records(newest, name):
    """A topic of the test's name whose partitions 0 and 1 hold 8 and 2 records."""
    create(newest, name, 2)
    produce(newest, name, [f"{key}:{key}" for key in "abcdaabcda"], parse_key="true", key_separator=":")
    assert newest.out("kafka-get-offsets", "--topic", name) == [f"{name}:0:8", f"{name}:1:2"]
    return name


def test_the_node_tells_the_versions_of_its_apis(tools, gateway):
    heading, *rows, end = tools.out("kafka-broker-api-versions")
    address = re.escape(gateway.bootstrap)
    assert re.fullmatch(rf"{address} \(id: 1 rack: null( isFenced: false)?\) -> \(", heading)
    assert end == ")"
    row = re.compile(r"\t(\w+)\(\d+\): \d+(?: to \d+)? \[usable: (\d+)\],?")
    usable = dict(found.groups() for found in map(row.fullmatch, rows) if found)
    # The newest version that the tool knows.
    wanted = {
        "4.3.1": {"Produce": "13", "Fetch": "18", "Metadata": "13", "OffsetFetch": "10"},
        "3.9.1": {"Produce": "11", "Fetch": "17", "Metadata": "12", "OffsetFetch": "9"},
    }[tools.release]
    assert {api: usable[api] for api in wanted} == wanted


def test_the_cluster_has_an_id(tools):
    (line,) = tools.out("kafka-cluster", "cluster-id")
    assert re.fullmatch(r"Cluster ID: [\w-]{22}", line)


def test_the_cluster_has_one_node(newest, gateway):
    host, port = gateway.bootstrap.split(":")
    for fenced in [], ["--include-fenced-brokers"]:
        heading, *nodes = newest.out("kafka-cluster", "list-endpoints", *fenced)
        assert heading.split() == "ID HOST PORT RACK STATE ENDPOINT_TYPE".split()
        assert [node.split() for node in nodes] == [["1", host, port, "null", "unfenced", "broker"]]


def test_the_quorum_is_the_one_node(tools):
    status = dict(re.split(r":\s+", line, maxsplit=1) for line in tools.out("kafka-metadata-quorum", "describe", "--status"))
    (cluster_id,) = tools.out("kafka-cluster", "cluster-id")
    assert status["ClusterId"] == cluster_id.removeprefix("Cluster ID: ")
    assert (status["LeaderId"], status["MaxFollowerLag"], status["CurrentObservers"]) == ("1", "0", "[]")
    assert re.match(r'\[\{"id": 1|\[1\]', status["CurrentVoters"])
    heading, *nodes = tools.out("kafka-metadata-quorum", "describe", "--replication")
    assert heading.split() == "NodeId DirectoryId LogEndOffset Lag LastFetchTimestamp LastCaughtUpTimestamp Status".split()
    (node,) = nodes
    node_id, directory, end, lag, _, _, role = node.split()
    assert (node_id, lag, role) == ("1", "0", "Leader")
    assert int(end) >= int(status["HighWatermark"]) >= 0


def test_features_are_described(tools):
    columns = ["SupportedMinVersion", "SupportedMaxVersion", "FinalizedVersionLevel", "Epoch"]
    row = re.compile(r"Feature: \S+" + "".join(rf"\s+{column}: \S.*" for column in columns))
    # Servers have different features; that there is an answer that the tool can read is the claim.
    for line in tools.out("kafka-features", "describe"):
        assert row.fullmatch(line), line


def test_every_partition_has_its_preferred_leader(tools, name, tmp_path):
    create(tools, name, 2)
    elect = ["kafka-leader-election", "--election-type"]
    for kind in "preferred", "unclean":
        elected = tools.out(*elect, kind, "--topic", name, "--partition", 1)
        assert elected == [f"Valid replica already elected for partitions {name}-1"]
    path = tmp_path / "election.json"
    path.write_text(json.dumps({"partitions": [{"topic": name, "partition": 0}, {"topic": name, "partition": 1}]}))
    (line,) = tools.out(*elect, "preferred", "--path-to-json-file", path)
    partitions = line.removeprefix("Valid replica already elected for partitions ")
    assert sorted(partitions.split(", ")) == [f"{name}-0", f"{name}-1"]
    assert tools.out(*elect, "preferred", "--all-topic-partitions") == []
    failed = tools.run(*elect, "preferred", "--topic", name, "--partition", 9, exit=1)
    assert f"UnknownTopicOrPartitionException: No such partition as {name}-9" in failed.out + failed.err


def log_dir(tools, topic):
    """What kafka-log-dirs tells of the one directory and a topic in it."""
    asking, received, answer = tools.out("kafka-log-dirs", "--describe", "--topic-list", topic)
    assert asking == "Querying brokers for log directories information"
    assert received == "Received log directory information from brokers 1"
    answer = json.loads(answer)
    (broker,) = answer["brokers"]
    (found,) = broker["logDirs"]
    assert (answer["version"], broker["broker"], found["error"]) == (1, 1, None)
    return found


def test_log_dirs_tell_sizes_of_partitions(tools, name):
    create(tools, name, 2)
    produce(tools, name, ["k:" + "x" * 1000], parse_key="true", key_separator=":")
    found = log_dir(tools, name)
    assert found["logDir"].startswith("/")
    rows = {row.pop("partition"): row for row in found["partitions"]}
    sizes = sorted(row.pop("size") for row in rows.values())
    assert rows == {f"{name}-{i}": {"offsetLag": 0, "isFuture": False} for i in (0, 1)}
    # A batch of one record adds its header, and what the disk's format adds is little.
    assert sizes[0] == 0 and 1061 <= sizes[1] < 1200
    absent = tools.run("kafka-log-dirs", "--describe", "--topic-list", name, "--broker-list", "7", exit=None)
    assert "The given brokers do not exist from --broker-list: 7. Current existent brokers: 1" in absent.out + absent.err


def test_records_are_deleted_up_to_an_offset(newest, records, tmp_path):
    path = tmp_path / "offsets.json"
    offsets = [{"topic": records, "partition": 0, "offset": 3}, {"topic": records, "partition": 1, "offset": -1}]
    path.write_text(json.dumps({"partitions": offsets, "version": 1}))
    begun, done, *rows = newest.out("kafka-delete-records", "--offset-json-file", path)
    assert (begun, done) == ("Executing records delete operation", "Records delete operation completed:")
    assert sorted(rows) == [f"partition: {records}-0\tlow_watermark: 3", f"partition: {records}-1\tlow_watermark: 2"]
    assert newest.out("kafka-get-offsets", "--topic", records, "--time", "earliest") == [f"{records}:0:3", f"{records}:1:2"]
    assert newest.out("kafka-get-offsets", "--topic", records) == [f"{records}:0:8", f"{records}:1:2"]
    lines, count = consume(newest, "--topic", records, "--from-beginning", "--max-messages", 5, shown=["offset"])
    assert [line.split("\t")[0] for line in lines] == [f"Offset:{offset}" for offset in range(3, 8)]
    # Beyond the end nothing can be deleted.
    path.write_text(json.dumps({"partitions": [{"topic": records, "partition": 0, "offset": 9}], "version": 1}))
    *_, row = newest.out("kafka-delete-records", "--offset-json-file", path)
    error = "org.apache.kafka.common.errors.OffsetOutOfRangeException"
    assert row.startswith(f"partition: {records}-0\terror: {error}: ")


def assignment(topic, directory):
    rows = [{"topic": topic, "partition": i, "replicas": [1], "log_dirs": [directory]} for i in (0, 1)]
    return {"version": 1, "partitions": rows}


def test_reassignments_to_the_one_node_are_proposed_and_executed(tools, newest, name, tmp_path):
    create(tools, name, 2)
    while len(log_dir(newest, name)["partitions"]) < 2:
        time.sleep(0.1)  # Kafka makes the directories a little later
    topics, plan = tmp_path / "topics.json", tmp_path / "plan.json"
    topics.write_text(json.dumps({"version": 1, "topics": [{"topic": name}]}))
    reassign = ["kafka-reassign-partitions"]
    arguments = ["--generate", "--topics-to-move-json-file", topics, "--broker-list", "1"]
    lines = [line for line in tools.out(*reassign, *arguments) if line]
    assert lines[::2] == ["Current partition replica assignment", "Proposed partition reassignment configuration"]
    current, proposed = map(json.loads, lines[1::2])
    # 3.9 does not look for the directories.
    directory = log_dir(newest, name)["logDir"] if tools.release.startswith("4") else "any"
    assert current == assignment(name, directory)
    assert proposed == assignment(name, "any")
    plan.write_text(json.dumps(proposed))
    *_, last = tools.out(*reassign, "--execute", "--reassignment-json-file", plan)
    assert last == f"Successfully started partition reassignments for {name}-0,{name}-1"
    assert tools.out(*reassign, "--list") == ["No partition reassignments found."]
    unknown = assignment(name, "any")
    unknown["partitions"][0]["replicas"] = [7]
    plan.write_text(json.dumps(unknown))
    refused = tools.run(*reassign, "--execute", "--reassignment-json-file", plan, exit=1)
    assert "Unknown broker id 7" in refused.out + refused.err


def test_a_reassignment_is_verified_and_its_throttles_are_cleared(tools, name, tmp_path):
    create(tools, name, 2)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(assignment(name, "any")))
    reassign = ["kafka-reassign-partitions", "--reassignment-json-file", plan]
    node = ["--entity-type", "brokers", "--entity-name", "1"]

    def throttles():
        lines = [line.strip() for line in tools.out("kafka-configs", "--describe", *node)]
        return {line.split(" ")[0] for line in lines if ".replication.throttled.rate=" in line}

    *_, throttled, started = tools.out(*reassign, "--execute", "--throttle", 1000000)
    assert throttled == "The inter-broker throttle limit was set to 1000000 B/s"
    assert started == f"Successfully started partition reassignments for {name}-0,{name}-1"
    rates = {f"{role}.replication.throttled.rate=1000000" for role in ("leader", "follower")}
    settles(throttles, rates)
    status = [f"Reassignment of partition {name}-{i} is completed." for i in (0, 1)]
    status = ["Status of partition reassignment:", *status, ""]
    cleared = ["Clearing broker-level throttles on broker 1", f"Clearing topic-level throttles on topic {name}"]
    assert tools.out(*reassign, "--verify", "--preserve-throttles") == status
    assert throttles() == rates
    assert tools.out(*reassign, "--verify") == [*status, *cleared]
    settles(throttles, set())
    # No line ends before the third sentence.
    inactive = "None of the specified partition moves are active." + cleared[0]
    assert tools.out(*reassign, "--cancel") == [
        "None of the specified partition reassignments are active.",
        inactive,
        cleared[1],
    ]


def test_producers_of_a_partition_are_described(newest, records):
    command = ["describe-producers", "--topic", records, "--partition", "0"]
    heading, row = newest.out("kafka-transactions", *command)
    assert heading.split() == [
        *("ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch"),
        *("LastSequence", "LastTimestamp", "CurrentTransactionStartOffset"),
    ]
    producer_id, epoch, coordinator_epoch, sequence, timestamp, start = row.split()
    assert (epoch, coordinator_epoch, sequence, start) == ("0", "-1", "7", "None")
    assert int(producer_id) >= 0 and int(timestamp) > 1_700_000_000_000
