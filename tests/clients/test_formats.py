"""What may be in a batch, and what becomes of it: codecs, timestamps, and bytes that are no records.

Half of it is read by real clients, half of it is sent by none: raw.py builds
batches whose every field can lie.
"""

import time

import pytest

import dataset
import raw
from clients import CLIENTS
from dataset import Record
from raw import Batch, Connection, record, varint
from test_interop import contents, expected_contents

HOUR_MS = 3_600_000

# Kafka's error numbers
CORRUPT_MESSAGE = 2
MESSAGE_TOO_LARGE = 10
RECORD_LIST_TOO_LARGE = 18
INVALID_TIMESTAMP = 32
UNSUPPORTED_COMPRESSION_TYPE = 76
INVALID_RECORD = 87

TOPIC_CODECS = ["uncompressed", "gzip", "snappy", "lz4", "zstd"]
CODEC_OF = {"uncompressed": 0} | {name: raw.CODECS[name] for name in TOPIC_CODECS[1:]}
READERS = list(CLIENTS)


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def connection(gateway):
    with Connection(gateway.bootstrap) as connected:
        yield connected


def ready(connection, topic):
    """Waits until the server serves a new topic: Kafka says that it exists a little before."""
    end = time.monotonic() + raw.PATIENCE_S
    while connection.fetch(topic)[0] and time.monotonic() < end:
        time.sleep(0.05)
    return topic


def stored(connection, topic, offset=0):
    error, data = connection.fetch(topic, offset)
    assert error == 0
    return raw.batches(data)


# ---- compression.type


@pytest.fixture(scope="module", params=TOPIC_CODECS)
def recompressed(request, gateway, new_topic):
    """A topic with a codec of its own, and what was written to it in each codec by two libraries."""
    topic = new_topic(f"stored-{request.param}", 1, {"compression.type": request.param})
    expected = []
    for writer in ["confluent", "java-4.4.0"]:
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
            records = [
                Record(0, key, value, headers, dataset._TIMESTAMP_BASE_MS + len(expected) * 7919 % 1000 - i)
                for i, (key, value, headers) in enumerate(
                    (key, value, dataset.HEADERS[(k + v) % len(dataset.HEADERS)])
                    for k, key in enumerate(dataset.KEYS)
                    for v, value in enumerate(dataset.VALUES)
                )
            ]
            idempotent = codec in ("none", "zstd")
            acks = CLIENTS[writer].produce(gateway.bootstrap, topic, records, codec, idempotent=idempotent)
            assert [ack["offset"] for ack in acks] == list(range(len(expected), len(expected) + len(records)))
            expected += records
    return request.param, topic, expected


def test_every_batch_is_stored_with_the_topics_codec(recompressed, connection):
    codec, topic, expected = recompressed
    found = stored(connection, topic)
    assert {batch.codec for batch in found} == {CODEC_OF[codec]}
    assert sum(batch.count for batch in found) == len(expected)
    assert all(batch.record_bytes for batch in found), "they can be unpacked"


@pytest.mark.parametrize("reader", READERS)
def test_every_client_reads_batches_that_were_stored_with_another_codec(recompressed, gateway, reader):
    _, topic, expected = recompressed
    got = CLIENTS[reader].consume(gateway.bootstrap, topic, len(expected))
    assert [r["offset"] for r in got] == list(range(len(expected)))
    for sent, read in zip(expected, got, strict=True):
        assert read["timestamp"] == sent.timestamp
        assert contents(read) == expected_contents(sent, CLIENTS[reader])


def test_a_rewritten_batch_has_the_header_that_kafka_gives_it(connection, new_topic):
    """Deltas from the first record's time, no attributes but the codec, the producer's fields kept."""
    now = now_ms()
    odd = [
        record(0, None, None, timestamp_delta=5),
        record(1, b"", b"", [(b"h", None), (b"h", b""), (b"a", b"1")], timestamp_delta=-7),
        record(2, b"k" * 10, b"v" * 100, attributes=3),
    ]
    expected = b"".join(
        [
            record(0, None, None),
            record(1, b"", b"", [(b"h", None), (b"h", b""), (b"a", b"1")], timestamp_delta=-12),
            record(2, b"k" * 10, b"v" * 100, timestamp_delta=-5),
        ]
    )
    for name in TOPIC_CODECS:
        topic = ready(connection, new_topic("rewritten", 1, {"compression.type": name}))
        for n, codec in enumerate(c for c in raw.CODECS if raw.CODECS[c] != CODEC_OF[name]):
            batch = Batch(odd, codec, now, now + 5, attributes=0x140, producer=(900 + n, 3, 2**31 - 2))
            answer = connection.produce(topic, batch)
            assert (answer.error, answer.base_offset) == (0, n * 3)
            (got,) = stored(connection, topic, n * 3)
            assert got.attributes == CODEC_OF[name]
            assert (got.base_timestamp, got.max_timestamp) == (now + 5, now + 5)
            assert (got.producer, got.count, got.last_offset_delta) == (batch.producer, 3, 2)
            assert got.record_bytes == expected
            assert name != "snappy" or got.payload.startswith(raw.XERIAL_MAGIC), "as Java reads it"
            again = connection.produce(topic, batch)
            assert (again.error, again.base_offset) == (0, n * 3), "a repetition"


@pytest.mark.parametrize("codec", TOPIC_CODECS)
def test_a_batch_in_the_topics_codec_stays_as_it_was_sent(connection, new_topic, codec):
    topic = ready(connection, new_topic("verbatim", 1, {"compression.type": codec}))
    now = now_ms()
    batch = Batch([record(0), record(1, attributes=5)], "none" if codec == "uncompressed" else codec, now, now)
    assert connection.produce(topic, batch).error == 0
    (got,) = stored(connection, topic)
    assert got.raw[16:] == batch.bytes()[16:], "but for base offset, length and leader epoch"


def test_the_size_limit_holds_for_what_is_sent_and_for_what_is_stored(connection, new_topic):
    large = [record(value=b"x" * 2000)]
    shrinking = ready(connection, new_topic("limit", 1, {"compression.type": "gzip", "max.message.bytes": "1000"}))
    assert connection.produce(shrinking, Batch(large)).error == MESSAGE_TOO_LARGE
    growing = {"compression.type": "uncompressed", "max.message.bytes": "1000"}
    growing = ready(connection, new_topic("limit", 1, growing))
    assert connection.produce(growing, Batch(large, "gzip")).error == MESSAGE_TOO_LARGE
    segments = {"max.message.bytes": "3000000", "segment.bytes": "1048576"}
    segments = ready(connection, new_topic("limit", 1, segments))
    assert connection.produce(segments, Batch([record(value=b"x" * 2_000_000)])).error == RECORD_LIST_TOO_LARGE


def test_zstd_needs_produce_7_and_any_fetch_reads_it(connection, new_topic):
    """Kafka 4 gives zstd to Fetch 4 to 9 too; 2.1 to 3.9 refused it."""
    for configs in [{}, {"compression.type": "zstd"}]:
        topic = ready(connection, new_topic("zstd", 1, configs))
        assert connection.produce(topic, Batch(codec="zstd"), version=6).error == UNSUPPORTED_COMPRESSION_TYPE
        assert connection.produce(topic, Batch(codec="zstd"), version=7).error == 0
        for version in range(4, 12):
            error, data = connection.fetch(topic, version=version)
            assert (error, [batch.codec for batch in raw.batches(data)]) == (0, [4]), f"Fetch {version}"


# ---- timestamps


def two(first, second):
    return [record(0, timestamp_delta=first), record(1, timestamp_delta=second)]


@pytest.fixture(scope="module")
def plain_topic(gateway, new_topic):
    with Connection(gateway.bootstrap) as connected:
        return ready(connected, new_topic("plain", 1))


@pytest.mark.parametrize("codec", raw.CODECS)
def test_timestamps_from_the_future_are_refused_by_record(connection, plain_topic, codec):
    now = now_ms()
    late = Batch(two(0, 2 * HOUR_MS), codec, now, now + 2 * HOUR_MS)
    answer = connection.produce(plain_topic, late)
    assert answer.error == INVALID_TIMESTAMP
    assert answer.message == "One or more records have been rejected due to invalid timestamp"
    ((index, message),) = answer.record_errors
    assert index == 1
    head, _, limits = message.partition(". The timestamp should be within [")
    assert head == f"Timestamp {now + 2 * HOUR_MS} of message with offset 1 is out of range"
    earliest, latest = (int(limit) for limit in limits.rstrip("]").split(", "))
    assert earliest - latest == -(2**63 - 1) - HOUR_MS
    assert 0 <= latest - HOUR_MS - now < 60_000


@pytest.mark.parametrize("codec", raw.CODECS)
def test_a_largest_timestamp_that_lies_ahead_is_put_right(connection, plain_topic, codec):
    now = now_ms()
    answer = connection.produce(plain_topic, Batch(two(0, 10), codec, now, now + 5 * HOUR_MS))
    assert answer.error == 0
    (got, *_) = stored(connection, plain_topic, answer.base_offset)
    assert (got.base_timestamp, got.max_timestamp) == (now, now + 10)


def test_no_timestamp_is_never_out_of_range(connection, new_topic):
    # Wide enough for a batch to reach the server, and narrower than the hour by which a record is wrong.
    narrow = {"message.timestamp.before.max.ms": "600000", "message.timestamp.after.max.ms": "600000"}
    topic = ready(connection, new_topic("narrow", 1, narrow))
    for codec in raw.CODECS:
        assert connection.produce(topic, Batch(two(0, 0), codec, -1, -1)).error == 0
        answer = connection.produce(topic, Batch(two(0, -HOUR_MS), codec, now_ms(), now_ms()))
        assert (answer.error, [index for index, _ in answer.record_errors]) == (INVALID_TIMESTAMP, [1])


@pytest.mark.parametrize("codec", raw.CODECS)
def test_only_a_broker_stamps_batches(connection, plain_topic, new_topic, codec):
    now = now_ms()
    batch = Batch(two(0, 10), codec, now, now + 10, attributes=raw.LOG_APPEND_TIME)
    answer = connection.produce(plain_topic, batch)
    assert answer.error == 0
    (got, *_) = stored(connection, plain_topic, answer.base_offset)
    assert (got.attributes, got.max_timestamp) == (raw.CODECS[codec], now + 10), "the mark is taken away"
    topic = ready(connection, new_topic("stamped", 1, {"message.timestamp.type": "LogAppendTime"}))
    answer = connection.produce(topic, batch)
    assert (answer.error, [index for index, _ in answer.record_errors]) == (INVALID_TIMESTAMP, [0, 1])


@pytest.fixture(scope="module", params=["producer", "zstd"])
def stamped(request, gateway, new_topic):
    """A topic on which the server's clock counts, and when what was written to it."""
    configs = {"message.timestamp.type": "LogAppendTime", "compression.type": request.param}
    topic = new_topic("stamped", 1, configs)
    times = []
    for codec in ["none", "lz4"]:
        records = [Record(0, b"k", b"%d" % i, [], dataset._TIMESTAMP_BASE_MS + i) for i in range(10)]
        before = now_ms()
        CLIENTS["confluent"].produce(gateway.bootstrap, topic, records, codec)
        times += [(before, now_ms())] * len(records)
        time.sleep(0.05)
    return topic, times


@pytest.mark.parametrize("reader", READERS)
def test_every_record_reads_as_of_its_append(stamped, gateway, reader):
    topic, times = stamped
    got = CLIENTS[reader].consume(gateway.bootstrap, topic, len(times))
    for read, (before, after) in zip(got, times, strict=True):
        assert before <= read["timestamp"] <= after


def test_lookups_by_time_go_by_the_time_of_the_append(stamped, connection):
    topic, times = stamped
    batches = stored(connection, topic)
    second = next(batch for batch in batches if batch.base_offset == 10)
    assert connection.offset_for(topic, 0) == (batches[0].max_timestamp, 0)
    assert connection.offset_for(topic, second.max_timestamp) == (second.max_timestamp, 10)
    assert connection.offset_for(topic, times[-1][1] + 1) == (-1, -1)


def test_a_repetition_is_told_the_time_of_the_original(connection, new_topic):
    topic = ready(connection, new_topic("stamped", 1, {"message.timestamp.type": "LogAppendTime"}))
    batch = Batch(two(0, 1), "gzip", producer=(5, 0, 0))
    first = connection.produce(topic, batch)
    time.sleep(0.05)
    assert first.log_append_time > 0
    assert connection.produce(topic, batch) == first


# ---- bytes that are no records


def body(*numbers):
    """A record of these numbers behind its attributes."""
    content = b"\0" + b"".join(varint(number) for number in numbers)
    return varint(len(content)) + content


GOOD = record(0) + record(1)
MALFORMED = {
    "nothing": (b"", 1),
    "one record more than counted": (GOOD, 1),
    "one record fewer than counted": (GOOD, 3),
    "a byte after the last record": (GOOD + b"\0", 2),
    "bytes after the last record": (GOOD + b"\x02ab", 2),
    "a length beyond the record": (varint(len(record(0))) + record(0)[1:] + b"\0", 1),
    "a key beyond the record": (body(0, 0, 100, -1, 0), 1),
    "a value beyond the record": (body(0, 0, -1, 100, 0), 1),
    "a negative count of headers": (body(0, 0, -1, -1, -1), 1),
    "headers beyond the record": (body(0, 0, -1, -1, 100), 1),
    "a header without a name": (body(0, 0, -1, -1, 1, -1, -1), 1),
    "a number of eleven bytes": (varint(16) + b"\0" + b"\xff" * 11 + b"\0" * 4, 1),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_bytes_that_are_no_records_are_refused(connection, plain_topic, what):
    payload, count = MALFORMED[what]
    answer = connection.produce(plain_topic, Batch([payload], count=count))
    assert (answer.error, answer.record_errors) == (INVALID_RECORD, [])


HEADERS = {
    "no records": (Batch([], last_offset_delta=0), INVALID_RECORD),
    "a negative count": (Batch(count=-1, last_offset_delta=0), INVALID_RECORD),
    "a count other than its offsets": (Batch(last_offset_delta=4), INVALID_RECORD),
    "a negative last offset": (Batch(last_offset_delta=-5), INVALID_RECORD),
    "a base offset": (Batch(base_offset=100), INVALID_RECORD),
    "control records": (Batch(attributes=32), INVALID_RECORD),
    "a producer without a sequence": (Batch(producer=(5, 0, -1)), INVALID_RECORD),
    "format 0": (Batch(magic=0), INVALID_RECORD),
    "format 1": (Batch(magic=1), INVALID_RECORD),
    "format 3": (Batch(magic=3), CORRUPT_MESSAGE),
    "no bytes": (b"", INVALID_RECORD),
    "an impossible length": (bytes(16) + b"\2" + bytes(60), CORRUPT_MESSAGE),
    "its last byte missing": (Batch().bytes()[:-1], INVALID_RECORD),
    "another batch behind it": (Batch().bytes() * 2, INVALID_RECORD),
    "a wrong checksum": (Batch().bytes()[:-1] + b"\1", CORRUPT_MESSAGE),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_batch_that_contradicts_itself_is_refused(connection, plain_topic, what):
    batch, expected = HEADERS[what]
    assert connection.produce(plain_topic, batch).error == expected


def test_a_compacted_topic_says_which_records_lack_a_key(connection, new_topic):
    topic = ready(connection, new_topic("compacted", 1, {"cleanup.policy": "compact"}))
    keys = [b"a", None, b"", None, None, None]
    why = f"Compacted topic cannot accept message without key in topic partition {topic}-0"
    shown = ", ".join(f"RecordError(batchIndex={i}, message='{why}')" for i in (1, 3, 4))
    for codec in raw.CODECS:
        answer = connection.produce(topic, Batch([record(i, key) for i, key in enumerate(keys)], codec))
        assert answer.error == INVALID_RECORD
        assert answer.record_errors == [(i, why) for i in (1, 3, 4, 5)]
        assert answer.message == (
            "One or more records have been rejected due to 4 record errors in total, and only showing the first "
            f"three errors at most: [{shown}]"
        )
