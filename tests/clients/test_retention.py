"""Consumers whose position was deleted: by request, by retention, or with the topic.

A member commits, goes away, and what it had not read is cut off below it. What
happens when it returns is for the client to choose, and the server has only to
say OFFSET_OUT_OF_RANGE, and where the log begins and ends. Every test is right
on Apache Kafka too (TARGET=kafka), which waits half a minute for its first
round of retention.
"""

import time
import uuid

import gateway as servers
import pytest
from admin import Admin
from clients import CLIENTS
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

READERS = ["confluent", "franz", "java-2.8.2", "java-3.9.1", "java-4.4.0"]
PATIENCE_S = 60
SEGMENT_BYTES = 1 << 20
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A server that looks at what retention leaves several times a second."""
    directory = tmp_path_factory.mktemp("retention")
    server = servers.new_gateway(directory, kafka_settings={"log.retention.check.interval.ms": "200"})
    server.start()
    yield server
    server.terminate()


@pytest.fixture(scope="module")
def admin(gateway):
    return Admin(gateway)


@pytest.fixture
def topic(admin):
    """A topic that keeps everything, until it is told otherwise."""
    return new_topic(admin, {"retention.ms": "-1"})


def new_topic(admin, configs):
    name = f"cut-{uuid.uuid4().hex[:8]}"
    admin.create_topic(name, 1, configs)
    return name


def group_name():
    return f"retention-{uuid.uuid4().hex[:8]}"


def write(gateway, topic, count, value=b"v", age_ms=0):
    """Appends records to partition 0 and waits until they are acknowledged; returns the next offset."""
    offsets = []
    # A batch for each record: how many go into a segment must not depend on how they happen to be batched.
    settings = {"acks": "all", "compression.type": "none", "batch.num.messages": 1}
    producer = Producer({"bootstrap.servers": gateway.bootstrap} | settings)
    at = int(time.time() * 1000) - age_ms
    for _ in range(count):
        producer.produce(
            topic,
            value,
            partition=0,
            timestamp=at,
            on_delivery=lambda error, message: offsets.append((error, message.offset())),
        )
    assert producer.flush(PATIENCE_S) == 0
    assert all(error is None for error, _ in offsets)
    return max(offset for _, offset in offsets) + 1


def cut(gateway, topic, before):
    """Deletes the records below an offset; returns the low watermark that is told."""
    place = TopicPartition(topic, 0, before)
    client = AdminClient({"bootstrap.servers": gateway.bootstrap})
    return client.delete_records([place])[place].result().low_watermark


def wait_for_start(admin, topic, condition):
    """The log start once retention has made it as wanted."""
    end = time.monotonic() + PATIENCE_S
    while not condition(start := admin.starts(topic)[0]):
        assert time.monotonic() < end, f"the log still begins at {start}"
        time.sleep(0.1)
    return start


def commit(gateway, topic, group, offset):
    consumer = Consumer({"bootstrap.servers": gateway.bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def offsets_of(member):
    return [offset for _, offset in member.records]


@pytest.mark.parametrize("reader", READERS)
def test_earliest_goes_on_at_the_log_start(gateway, topic, reader):
    write(gateway, topic, 20)
    group = group_name()
    commit(gateway, topic, group, 3)
    assert cut(gateway, topic, 12) == 12
    with CLIENTS[reader].member(gateway.bootstrap, topic, group, reset="earliest") as member:
        member.until_read((0, offset) for offset in range(12, 20))
        assert offsets_of(member) == list(range(12, 20))
        assert member.commit() == {0: 20}
        member.close()


@pytest.mark.parametrize("reader", READERS)
def test_latest_goes_on_with_what_comes(gateway, topic, reader):
    write(gateway, topic, 20)
    group = group_name()
    commit(gateway, topic, group, 3)
    cut(gateway, topic, 12)
    with CLIENTS[reader].member(gateway.bootstrap, topic, group, reset="latest") as member:
        member.until_held([0])
        end = time.monotonic() + PATIENCE_S
        # When it has asked for the end cannot be seen from here: something comes until it reads.
        while not member.records:
            assert time.monotonic() < end, "nothing is read"
            write(gateway, topic, 1)
            time.sleep(0.2)
            member.pump()
        first = offsets_of(member)[0]
        assert first >= 20
        written = write(gateway, topic, 3)
        member.until_read((0, offset) for offset in range(first, written))
        assert offsets_of(member) == list(range(first, written))
        member.close()


@pytest.mark.parametrize("reader", READERS)
def test_none_is_told_and_reads_nothing(gateway, topic, reader):
    write(gateway, topic, 20)
    group = group_name()
    commit(gateway, topic, group, 3)
    cut(gateway, topic, 12)
    with CLIENTS[reader].member(gateway.bootstrap, topic, group, reset="none") as member:
        member.until(lambda: any(event["event"] == "lost" for event in member.events), "be told")
        assert member.records == []
    # Whoever committed an offset that is still there is told nothing.
    group = group_name()
    commit(gateway, topic, group, 12)
    with CLIENTS[reader].member(gateway.bootstrap, topic, group, reset="none") as member:
        member.until_read((0, offset) for offset in range(12, 20))
        assert offsets_of(member) == list(range(12, 20))
        assert not any(event["event"] == "lost" for event in member.events)
        member.close()


@pytest.mark.parametrize("reader", READERS)
def test_a_position_at_the_end_of_an_emptied_log_is_no_reason_to_reset(gateway, topic, reader):
    write(gateway, topic, 5)
    group = group_name()
    commit(gateway, topic, group, 5)
    assert cut(gateway, topic, -1) == 5
    with CLIENTS[reader].member(gateway.bootstrap, topic, group, reset="none") as member:
        member.until_held([0])
        written = write(gateway, topic, 3)
        member.until_read((0, offset) for offset in range(5, written))
        assert offsets_of(member) == [5, 6, 7]
        member.close()


@pytest.mark.parametrize("reader", READERS)
def test_a_topic_created_again_is_read_from_its_beginning_by_the_group_of_the_old_one(gateway, admin, topic, reader):
    group = group_name()
    write(gateway, topic, 5)
    with CLIENTS[reader].member(gateway.bootstrap, topic, group) as member:
        member.until_read((0, offset) for offset in range(5))
        assert member.commit() == {0: 5}
        member.close()
    client = AdminClient({"bootstrap.servers": gateway.bootstrap})
    client.delete_topics([topic])[topic].result()
    end = time.monotonic() + PATIENCE_S
    while admin.committed(group):
        assert time.monotonic() < end, f"committed offsets outlive their topic: {admin.committed(group)}"
        time.sleep(0.1)
    admin.create_topic(topic, 1, {"retention.ms": "-1"})
    write(gateway, topic, 8)
    with CLIENTS[reader].member(gateway.bootstrap, topic, group) as member:
        member.until_read((0, offset) for offset in range(8))
        assert offsets_of(member) == list(range(8))
        member.close()


def test_a_reader_at_work_jumps_to_the_log_start_once_and_misses_nothing_from_there(gateway, topic):
    end = write(gateway, topic, 40, b"x" * 100_000)
    reader = Consumer(
        {
            "bootstrap.servers": gateway.bootstrap,
            "group.id": group_name(),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # It has little in its hands when the log is cut.
            "queued.min.messages": 1,
            "queued.max.messages.kbytes": 128,
            "fetch.message.max.bytes": 100_000,
        }
    )
    reader.subscribe([topic])
    offsets, deadline = [], time.monotonic() + PATIENCE_S
    start = 0
    while not offsets or offsets[-1] < end - 1:
        assert time.monotonic() < deadline, f"read {offsets}"
        message = reader.poll(0.2)
        if message is None:
            continue
        assert message.error() is None, message.error()
        offsets.append(message.offset())
        if len(offsets) == 2:
            start = cut(gateway, topic, 30)
    reader.close()
    assert start == 30
    before = [offset for offset in offsets if offset < start]
    assert offsets == list(range(len(before))) + list(range(start, end))
    assert len(before) < start, "nothing was skipped: the test has shown nothing"


@pytest.mark.parametrize("reader", ["confluent", "java-4.4.0"])
def test_what_retention_by_size_leaves_is_read_from_its_first_record(gateway, admin, reader):
    configs = {"retention.ms": "-1", "retention.bytes": str(2 * SEGMENT_BYTES), "segment.bytes": str(SEGMENT_BYTES)}
    topic = new_topic(admin, configs)
    group = group_name()
    commit(gateway, topic, group, 0)
    # Nine of them fill a segment.
    end = write(gateway, topic, 60, b"x" * 110_000)
    kept_min = 2 * SEGMENT_BYTES // 110_000
    start = wait_for_start(admin, topic, lambda start: end - start <= kept_min + SEGMENT_BYTES // 110_000)
    assert end - start >= kept_min, "less is kept than was asked for"
    with CLIENTS[reader].member(gateway.bootstrap, topic, group) as member:
        member.until_read((0, offset) for offset in range(start, end))
        assert offsets_of(member) == list(range(start, end))
        member.close()


def test_records_past_retention_ms_go_and_offsets_go_on(gateway, admin):
    topic = new_topic(admin, {"retention.ms": str(HOUR_MS)})
    group = group_name()
    end = write(gateway, topic, 7, age_ms=2 * HOUR_MS)
    commit(gateway, topic, group, 2)
    assert wait_for_start(admin, topic, lambda start: start == end) == 7
    assert admin.ends(topic) == {0: 7}
    assert write(gateway, topic, 2) == 9
    with CLIENTS["confluent"].member(gateway.bootstrap, topic, group) as member:
        member.until_read([(0, 7), (0, 8)])
        assert offsets_of(member) == [7, 8]
        member.close()
