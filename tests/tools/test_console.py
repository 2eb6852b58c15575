"""kafka-console-producer, kafka-console-consumer and kafka-get-offsets: records in, records out."""

import json
import re

import pytest

# In 3.9 what is for the reader and for the formatter has no name of its own.
READER = {"4.3.1": "--reader-property", "3.9.1": "--property"}
FORMATTER = {"4.3.1": "--formatter-property", "3.9.1": "--property"}
EVERYTHING = ["key", "headers", "offset", "partition", "timestamp"]


def create(tools, topic, partitions=1, *configs):
    options = [word for config in configs for word in ("--config", config)]
    tools.out("kafka-topics", "--create", "--topic", topic, "--partitions", partitions, *options)


def produce(tools, topic, lines, *arguments, **properties):
    """Sends lines with kafka-console-producer; `properties` are the reader's, with _ for a dot."""
    options = [word for p, v in properties.items() for word in (READER[tools.release], f"{p.replace('_', '.')}={v}")]
    text = "".join(line + "\n" for line in lines)
    assert tools.out("kafka-console-producer", "--topic", topic, *options, *arguments, stdin=text) == []


def consume(tools, *arguments, shown=()):
    """What kafka-console-consumer prints, and the number that it says it has printed."""
    options = [word for part in shown for word in (FORMATTER[tools.release], f"print.{part}=true")]
    result = tools.run("kafka-console-consumer", *arguments, *options)
    count = int(re.search(r"Processed a total of (\d+) messages\n", result.err).group(1))
    assert "ERROR" not in result.err
    return result.out.splitlines(), count


def test_keys_headers_and_nulls_come_back(tools, name):
    create(tools, name)
    lines = ["h1:v1,h2:NIL|k=v", "h1:v1|NIL=v2", "NIL|k3=NIL", "NIL|="]
    properties = {"parse_key": "true", "parse_headers": "true", "null_marker": "NIL", "headers_delimiter": "|"}
    produce(tools, name, lines, key_separator="=", **properties)
    nulls = [FORMATTER[tools.release], "null.literal=NIL"]
    arguments = ["--topic", name, "--from-beginning", "--max-messages", 4, *nulls]
    lines, count = consume(tools, *arguments, shown=EVERYTHING)
    assert [re.sub(r"^CreateTime:\d{13}\t", "CreateTime:T\t", line) for line in lines] == [
        "CreateTime:T\tPartition:0\tOffset:0\th1:v1,h2:NIL\tk\tv",
        "CreateTime:T\tPartition:0\tOffset:1\th1:v1\tNIL\tv2",
        "CreateTime:T\tPartition:0\tOffset:2\tNO_HEADERS\tk3\tNIL",
        "CreateTime:T\tPartition:0\tOffset:3\tNO_HEADERS\t\t",
    ]
    assert count == 4


def test_the_servers_time_is_shown_as_such(tools, name):
    create(tools, name, 1, "message.timestamp.type=LogAppendTime")
    produce(tools, name, ["v"])
    lines, _ = consume(tools, "--topic", name, "--from-beginning", "--max-messages", 1, shown=["timestamp"])
    assert re.fullmatch(r"LogAppendTime:\d{13}\tv", lines[0])


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_lines_of_each_codec_come_back_in_order(newest, name, codec):
    create(newest, name)
    sent = [f"line {i}" for i in range(500)]
    produce(newest, name, sent, "--compression-codec", codec)
    assert consume(newest, "--topic", name, "--from-beginning", "--max-messages", 500) == (sent, 500)


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_lines_of_each_kind_of_acknowledgement_come_back(tools, name, acks):
    create(tools, name)
    produce(tools, name, ["a", "b"], "--sync", "--timeout", 10, "--request-required-acks", acks)
    assert consume(tools, "--topic", name, "--from-beginning", "--max-messages", 2) == (["a", "b"], 2)


def test_too_large_a_record_is_refused_as_such(tools, name):
    create(tools, name, 1, "max.message.bytes=1000")
    lines = "before\n" + "x" * 2000 + "\nafter\n"
    refused = tools.run("kafka-console-producer", "--topic", name, "--sync", "--timeout", 10, stdin=lines, exit=1)
    # Servers add sentences of their own to the error's name.
    assert "org.apache.kafka.common.errors.RecordTooLargeException: " in refused.err.splitlines()[0]
    assert consume(tools, "--topic", name, "--from-beginning", "--max-messages", 1) == (["before"], 1)
    assert tools.out("kafka-get-offsets", "--topic", name) == [f"{name}:0:1"]


def test_a_partition_is_read_from_an_offset(tools, name):
    create(tools, name, 2)
    produce(tools, name, ["0:a", "0:b", "0:c"], parse_key="true", key_separator=":")
    ends = tools.out("kafka-get-offsets", "--topic", name)
    # One key, one partition; which one is the client's choice.
    assert sorted(ends) in ([f"{name}:0:3", f"{name}:1:0"], [f"{name}:0:0", f"{name}:1:3"])
    partition = 0 if f"{name}:0:3" in ends else 1
    place = ["--topic", name, "--partition", partition]
    assert consume(tools, *place, "--offset", 1, "--max-messages", 2) == (["b", "c"], 2)
    assert consume(tools, *place, "--offset", "earliest", "--max-messages", 1) == (["a"], 1)
    assert consume(tools, *place, "--offset", "latest", "--timeout-ms", 500) == ([], 0)


def test_topics_are_read_by_regular_expression(tools, name):
    for suffix in "a", "b", "other":
        create(tools, f"{name}-{suffix}")
        produce(tools, f"{name}-{suffix}", [suffix])
    lines, _ = consume(tools, "--include", f"{name}-[ab]", "--from-beginning", "--max-messages", 2)
    assert sorted(lines) == ["a", "b"]


def test_a_group_goes_on_where_it_stopped(tools, name):
    create(tools, name)
    produce(tools, name, "abcde")
    arguments = ["--topic", name, "--group", name, "--from-beginning", "--max-messages"]
    assert consume(tools, *arguments, 2) == (["a", "b"], 2)
    assert consume(tools, *arguments, 3, "--isolation-level", "read_committed") == (["c", "d", "e"], 3)


def offsets_of(tools, topic, *arguments, **options):
    """What kafka-get-offsets prints, without the topic's name."""
    lines = tools.out("kafka-get-offsets", *arguments, **options)
    return [line.removeprefix(f"{topic}:") for line in lines]


def test_get_offsets_takes_every_kind_of_time(tools, name):
    create(tools, name, 2)
    produce(tools, name, ["1:a", "1:b", "1:c"], parse_key="true", key_separator=":")
    full = next(line for line in offsets_of(tools, name, "--topic", name) if line.endswith(":3")).split(":")[0]
    times = {
        ("-1", "latest"): "3",
        ("-2", "earliest"): "0",
        ("-3", "max-timestamp"): None,
        ("-4", "earliest-local"): "0",
    }
    for spellings, offset in times.items():
        for time in spellings:
            (line,) = offsets_of(tools, name, "--topic", name, "--partitions", full, "--time", time)
            partition, found = line.split(":")
            assert partition == full
            # Three records in a millisecond or in three: the newest time is that of any of them.
            assert found == offset if offset else found in "012", time
    # There is no tiered storage, and no record as young as the year 2100.
    for time in "latest-tiered", "-5", "4102444800000":
        assert offsets_of(tools, name, "--topic", name, "--time", time) == []
    assert offsets_of(tools, name, "--topic", name, "--partitions", full, "--time", 0) == [f"{full}:0"]


def test_get_offsets_selects_partitions_by_pattern(tools, name):
    create(tools, name, 4)
    select = ["kafka-get-offsets", "--topic-partitions"]
    assert tools.out(*select, f"{name}:0,{name}:2-") == [f"{name}:{i}:0" for i in (0, 2, 3)]
    assert tools.out(*select, f"{name}:1-3") == [f"{name}:{i}:0" for i in (1, 2)]
    assert tools.out(*select, f"{name[:-1]}.:-2") == [f"{name}:{i}:0" for i in (0, 1)]
    absent = tools.run("kafka-get-offsets", "--topic", f"{name}-absent", exit=1)
    assert absent.err == "Error occurred: Could not match any topic-partitions with the specified filters\n"


def test_get_offsets_leaves_internal_topics_out_if_told_so(tools, name):
    create(tools, name)
    produce(tools, name, "a")
    consume(tools, "--topic", name, "--group", name, "--from-beginning", "--max-messages", 1)

    def topics(*arguments):
        return {line.split(":")[0] for line in tools.out("kafka-get-offsets", *arguments)}

    everything = topics()
    assert {name, "__consumer_offsets"} <= everything
    users = {topic for topic in everything if not topic.startswith("__")}
    assert topics("--exclude-internal-topics") == users


def objects(text):
    """JSON objects that follow one another without a separator."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        one, at = decoder.raw_decode(text, at)
        found.append(one)
    return found


def coordinated_by(group, partitions):
    """The partition of __consumer_offsets that holds a group, as Java's String.hashCode tells."""
    code = 0
    for letter in group:
        code = (31 * code + ord(letter)) % 2**32
    return abs(code if code < 2**31 else code - 2**32) % partitions


def records_of(tools, group, formatter):
    """The records about a group in __consumer_offsets, without their times."""
    formatter = f"org.apache.kafka.tools.consumer.{formatter}"
    offsets = ["kafka-get-offsets", "--topic", "__consumer_offsets"]
    partition = coordinated_by(group, len(tools.out(*offsets)))
    place = [*offsets, "--partitions", partition, "--time"]
    (first,), (end,) = ([int(line.split(":")[2]) for line in tools.out(*place, time)] for time in ("earliest", "latest"))
    # All of them, by their number: how long the first one takes is nobody's promise.
    everything = ["--topic", "__consumer_offsets", "--partition", partition, "--offset", "earliest"]
    everything += ["--max-messages", end - first, "--timeout-ms", 60_000]
    result = tools.run("kafka-console-consumer", *everything, "--formatter", formatter)
    assert "ERROR" not in result.err
    mine = [record for record in objects(result.out) if record["key"]["data"]["group"] == group]
    for record in mine:
        value = record["value"] and record["value"]["data"]
        for time in "commitTimestamp", "currentStateTimestamp":
            if value and time in value:
                assert value.pop(time) > 1_700_000_000_000
    return mine


def test_committed_offsets_are_records_in_kafkas_format(tools, name):
    create(tools, name)
    described = tools.out("kafka-topics", "--describe", "--topic", name)
    topic_id = re.search(r"TopicId: (\S+)", described[0]).group(1)
    produce(tools, name, "abc")
    consume(tools, "--topic", name, "--group", name, "--from-beginning", "--max-messages", 2)
    committed = records_of(tools, name, "OffsetsMessageFormatter")[-1]
    kind = committed["key"].pop("type" if tools.release.startswith("4") else "version")
    assert kind == 1
    assert committed["key"] == {"data": {"group": name, "topic": name, "partition": 0}}
    value = committed["value"]["data"]
    # 3.9 does not know the newest version of the value and reads what it knows of it.
    assert value.pop("topicId", topic_id) == topic_id
    assert value == {"offset": 2, "leaderEpoch": -1, "metadata": ""}


def test_group_metadata_are_records_in_kafkas_format(tools, name):
    create(tools, name)
    produce(tools, name, "abc")
    consume(tools, "--topic", name, "--group", name, "--from-beginning", "--max-messages", 2)
    kind = {"type" if tools.release.startswith("4") else "version": 2, "data": {"group": name}}
    # Kafka also writes a record of the group as it is before its first generation.
    stable, empty = records_of(tools, name, "GroupMetadataMessageFormatter")[-2:]
    assert stable["key"] == empty["key"] == kind
    assert stable["value"]["version"] == empty["value"]["version"] == 3
    assert empty["value"]["data"] == {
        "protocolType": "consumer",
        "generation": 2,
        "protocol": None,
        "leader": None,
        "members": [],
    }
    stable = stable["value"]["data"]
    (member,) = stable.pop("members")
    leader = stable.pop("leader")
    assert stable == {"protocolType": "consumer", "generation": 1, "protocol": "range"}
    assert leader == member.pop("memberId")
    assert leader.startswith("console-consumer-")
    # Both are the client's own bytes, which name the topic.
    assert member.pop("subscription") and member.pop("assignment")
    assert member == {
        "groupInstanceId": None,
        "clientId": "console-consumer",
        "clientHost": "/127.0.0.1",
        "rebalanceTimeout": 300000,
        "sessionTimeout": 45000,
    }
