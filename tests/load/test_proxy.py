"""The proxy itself, beside a client that is not the load test: each fault is done as it says, and nothing else."""

import time
import uuid
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

COUNT = 400
KEYS = 7


@dataclass(frozen=True)
class Read:
    offset: int
    key: bytes
    value: bytes
    headers: tuple
    timestamp: int


def sent_record(i):
    return Read(i, b"key-%d" % (i % KEYS), b"value-%06d-%s" % (i, b"x" * 40), (("h", b"%d" % i),), 1_700_000_000_000 + i)


def produce(bootstrap, topic, codec="snappy", idempotent=True):
    """Sends COUNT records; the offsets that were acknowledged."""
    offsets = [None] * COUNT
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": idempotent,
            "compression.codec": codec,
            # Longer than this program needs for ten records on a busy machine: all batches are of ten.
            "linger.ms": 2000,
            "batch.num.messages": 10,
            "retry.backoff.ms": 10,
            "reconnect.backoff.ms": 10,
        }
    )

    def delivered(i):
        def note(error, message):
            assert error is None, error
            offsets[i] = message.offset()

        return note

    for i in range(COUNT):
        record = sent_record(i)
        producer.produce(
            topic,
            record.value,
            record.key,
            0,
            on_delivery=delivered(i),
            timestamp=record.timestamp,
            headers=list(record.headers),
        )
    assert producer.flush(60) == 0
    return offsets


def read(bootstrap, topic):
    """All records of partition 0."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "client.id": "a-reader",
            "group.id": "none",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found = []
        while True:
            message = consumer.poll(60)
            assert message is not None, f"{len(found)} records, and no end"
            if message.error():
                return found
            headers = tuple(message.headers() or ())
            found.append(
                Read(message.offset(), message.key(), message.value(), headers, message.timestamp()[1])
            )
    finally:
        consumer.close()


@pytest.fixture
def topic(behind_proxy):
    return f"proxy-{uuid.uuid4().hex[:8]}"


def run(behind_proxy, topic, *faults, **options):
    """What was sent and read through a proxy, read again through a faultless one, and the offsets told."""
    with behind_proxy.proxy(*faults) as proxy:
        admin = AdminClient({"bootstrap.servers": behind_proxy.bootstrap})
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(60)
        offsets = produce(behind_proxy.bootstrap, topic, **options)
        seen = read(behind_proxy.bootstrap, topic)
    assert proxy.errors == []
    with behind_proxy.proxy() as clean:
        there = read(behind_proxy.bootstrap, topic)
    assert clean.errors == []
    return proxy, offsets, seen, there


def without_offset(records):
    return [(record.key, record.value, record.headers, record.timestamp) for record in records]


SENT = [sent_record(i) for i in range(COUNT)]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_without_faults_nothing_changes(behind_proxy, topic, codec):
    proxy, offsets, seen, there = run(behind_proxy, topic, codec=codec)
    assert (offsets, seen, there) == (list(range(COUNT)), SENT, SENT)
    assert proxy.done == []


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_batches_of_every_codec_are_taken_apart_and_put_together(behind_proxy, topic, codec):
    # A fault that is never due: all batches are edited, for their producer ids.
    _, offsets, seen, _ = run(behind_proxy, topic, "lose:skip=100000", codec=codec)
    assert (offsets, seen) == (list(range(COUNT)), SENT)


def test_lost_batches_are_acknowledged_and_absent(behind_proxy, topic):
    proxy, offsets, seen, there = run(behind_proxy, topic, "lose:skip=5,count=2")
    lost = set(without_offset(SENT)) - set(without_offset(seen))
    assert len(lost) == proxy.records("lose") > 0 and len(proxy.done) == 2
    assert None not in offsets and seen == there and len(seen) == COUNT - len(lost)


def test_a_lost_record_leaves_the_rest_of_its_batch(behind_proxy, topic):
    _, _, seen, there = run(behind_proxy, topic, "lose_record:skip=5")
    assert len(seen) == COUNT - 1 and seen == there
    assert set(without_offset(seen)) < set(without_offset(SENT))


def test_duplicates_are_there_twice(behind_proxy, topic):
    proxy, _, seen, there = run(behind_proxy, topic, "duplicate:skip=5,count=2")
    assert len(seen) == COUNT + proxy.records("duplicate") > COUNT
    assert set(without_offset(seen)) == set(without_offset(SENT)) and seen == there


@pytest.mark.parametrize("fault", ["swap", "overtake"])
def test_order_within_a_key_is_broken_and_nothing_lost(behind_proxy, topic, fault):
    # An idempotent librdkafka keeps one request in flight here, which nothing overtakes.
    proxy, offsets, seen, there = run(behind_proxy, topic, f"{fault}:skip=5", idempotent=False)
    assert [done["kind"] for done in proxy.done] == [fault]
    assert sorted(without_offset(seen)) == sorted(without_offset(SENT)) and seen == there
    of_key = [[record.value for record in seen if record.key == b"key-%d" % key] for key in range(KEYS)]
    assert any(values != sorted(values) for values in of_key)
    # Who overtook was acknowledged with the offset that it has; who was swapped was not.
    lies_at = {record.value: record.offset for record in seen}
    wrong = sum(lies_at[record.value] != offset for record, offset in zip(SENT, offsets))
    assert wrong == {"swap": 2, "overtake": 0}[fault]


@pytest.mark.parametrize(
    "fault, field",
    [
        ("change_value", "value"),
        ("wrong_schema", "value"),
        ("change_key", "key"),
        ("change_header", "headers"),
        ("drop_headers", "headers"),
        ("change_timestamp", "timestamp"),
    ],
)
def test_a_change_is_one_of_one_field(behind_proxy, topic, fault, field):
    _, offsets, seen, there = run(behind_proxy, topic, f"{fault}:skip=5,count=3")
    assert offsets == list(range(COUNT)) and seen == there
    changed = [(read, sent) for read, sent in zip(seen, SENT) if read != sent]
    assert len(changed) == 3
    for read_record, sent in changed:
        differing = [name for name in Read.__dataclass_fields__ if getattr(read_record, name) != getattr(sent, name)]
        assert differing == [field]


def test_a_wrong_offset_is_one_of_the_acknowledgement_alone(behind_proxy, topic):
    proxy, offsets, seen, _ = run(behind_proxy, topic, "wrong_offset:skip=5,count=2")
    assert seen == SENT
    assert sum(i != offset for i, offset in enumerate(offsets)) == proxy.records("wrong_offset") > 0


def test_a_hidden_record_is_hidden_from_those_who_are_meant(behind_proxy, topic):
    proxy, _, seen, there = run(behind_proxy, topic, "hide:skip=5,count=2,of=reader")
    assert [done["kind"] for done in proxy.done] == ["hide", "hide"]
    assert len(seen) == COUNT - 2 and there == SENT
    assert {record.offset for record in SENT} - {record.offset for record in seen} == {
        done["offset"] for done in proxy.done
    }
    proxy, _, seen, _ = run(behind_proxy, f"{topic}-others", "hide:skip=5,count=2,of=others")
    assert proxy.done == [] and seen == SENT


def test_a_stall_makes_the_producer_wait(behind_proxy, topic):
    begin = time.monotonic()
    run(behind_proxy, topic, "stall:skip=5,s=1.5")
    assert time.monotonic() - begin >= 1.5


@pytest.mark.parametrize("fault", ["cut", "refuse"])
def test_a_cut_connection_costs_an_idempotent_producer_nothing(behind_proxy, topic, fault):
    proxy, offsets, seen, _ = run(behind_proxy, topic, f"{fault}:skip=5,count=2")
    assert (offsets, seen) == (list(range(COUNT)), SENT)
    assert [done["kind"] for done in proxy.done] == [fault, fault]


def test_a_cut_connection_doubles_what_a_plain_producer_sent(behind_proxy, topic):
    _, _, seen, _ = run(behind_proxy, topic, "cut:skip=5", idempotent=False)
    assert len(seen) > COUNT
