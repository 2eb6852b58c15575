"""Every client reads exactly what every client wrote.

A writer writes the canonical data set in each of its variants to one topic of
its own; a reader reads that topic once. Contents, timestamps, order and
offsets are compared with what was sent and acknowledged.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

import dataset
from clients import CLIENTS
from conftest import chosen

# On few cores more readers than this only slow each other down.
AT_A_TIME = 2


class Written:
    """A writer's topic: what each record must look like, by partition and offset."""

    def __init__(self, writer, bootstrap, topic):
        self.topic = topic
        self.acks = []
        self.expected = {}
        ends = defaultdict(int)
        for variant in dataset.variants(writer.capabilities):
            acknowledged = writer.produce(
                bootstrap, topic, variant.records, variant.codec, variant.acks, variant.idempotent
            )
            for record, ack in zip(variant.records, acknowledged, strict=True):
                place = (record.partition, ends[record.partition])
                ends[record.partition] += 1
                self.expected[place] = record
                self.acks.append((variant, place, (ack["partition"], ack["offset"])))


@pytest.fixture(scope="module")
def workers():
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield pool


@pytest.fixture(scope="module")
def written(request, gateway, new_topic, workers):
    """Lets all chosen writers write; a future of what each wrote."""
    return {
        writer: workers.submit(
            Written, CLIENTS[writer], gateway.bootstrap, new_topic(f"from-{writer}", dataset.PARTITIONS)
        )
        for (writer,) in chosen(request, "writer")
    }


@pytest.fixture(scope="module")
def readings(request, gateway, written, workers):
    """Starts all chosen readings; a future of what each reader printed."""
    def read(writer, reader):
        topic = written[writer].result()
        return CLIENTS[reader].consume(gateway.bootstrap, topic.topic, len(topic.expected))

    for future in written.values():
        future.exception()
    return {pair: workers.submit(read, *pair) for pair in chosen(request, "writer", "reader")}


@pytest.mark.parametrize("writer", CLIENTS)
def test_acknowledgements_carry_the_exact_offsets(written, writer):
    for variant, place, acknowledged in written[writer].result().acks:
        expected = (place[0], -1) if variant.acks == "0" else place
        assert acknowledged == expected, f"in the run {variant.name}"


@pytest.mark.parametrize("writer", CLIENTS)
@pytest.mark.parametrize("reader", CLIENTS)
def test_reader_gets_exactly_what_was_written(readings, written, writer, reader):
    got = readings[writer, reader].result()
    expected = written[writer].result().expected
    positions = defaultdict(int)
    for record in got:
        place = (record["partition"], record["offset"])
        assert place[1] == positions[place[0]], f"partition {place[0]} is read with a gap or out of order"
        positions[place[0]] += 1
        sent = expected[place]
        if sent.timestamp is not None:
            assert record["timestamp"] == sent.timestamp, f"the timestamp at {place}"
        assert contents(record) == expected_contents(sent, CLIENTS[reader]), f"the record at {place}"
    assert sum(positions.values()) == len(expected)


def contents(record):
    return {name: value for name, value in record.items() if name not in ("partition", "offset", "timestamp")}


def expected_contents(record, reader):
    """What a reader prints: headers of one name together, if it knows them only so."""
    fields = record.contents()
    if not reader.capabilities.get("interleaved_headers", True):
        names = [name for name, _ in fields["headers"]]
        fields["headers"] = sorted(fields["headers"], key=lambda header: names.index(header[0]))
    return fields


@pytest.mark.parametrize("writer", CLIENTS)
def test_the_data_set_lacks_only_what_the_writer_cannot_express(writer):
    """A driver that claims too little would make the tests above weaker without a sign."""
    allowed = {
        "kafkajs": {"null_header_values", "interleaved_headers"},
        "kafka-python": {"null_header_values", "null_key_and_value"},
        "aiokafka": {"null_key_and_value"},
        "kcat": {"zero_bytes_in_headers", "empty_key_with_null_value", "null_key_with_empty_value", "timestamps"},
    }
    missing = {name for name, value in CLIENTS[writer].capabilities.items() if value is False}
    missing -= {"static_members", "explicit_commit"}
    assert missing == allowed.get(writer, set())
    assert CLIENTS[writer].capabilities["codecs"] == ["none", "gzip", "snappy", "lz4", "zstd"]
