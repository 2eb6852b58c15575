"""Frames of Kafka's protocol, as far as the proxy must edit them: batches of records, Produce, Fetch, ApiVersions.

Only classic encodings are read, that is Produce 3 to 7 and Fetch 4 to 11. `cap_versions` makes a broker's answer
say that it has no newer ones.
"""

import gzip
import struct
from dataclasses import dataclass, field

import crc32c
import cramjam
import lz4.frame
import zstandard

PRODUCE, FETCH, API_VERSIONS = 0, 1, 18
NEWEST = {PRODUCE: 7, FETCH: 11}
# Everything of a batch's header that stands before what the CRC covers, and that itself.
_BEFORE_CRC = struct.Struct(">qiibI")
_AFTER_CRC = struct.Struct(">hiqqqhii")
_CODEC_BITS = 0x7


class Reader:
    """Takes fields from the front of a frame."""

    def __init__(self, data, at=0):
        self.data = data
        self.at = at

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def raw(self, length):
        if length < 0:
            return None
        self.at += length
        assert self.at <= len(self.data), "a field ends behind its frame"
        return self.data[self.at - length : self.at]

    def string(self):
        return self.raw(self.take("h"))

    def bytes(self):
        return self.raw(self.take("i"))

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def varint(self):
        value = self.uvarint()
        return (value >> 1) ^ -(value & 1)

    def rest(self):
        return self.data[self.at :]


class Writer:
    """Puts fields to the end of a frame."""

    def __init__(self):
        self.data = bytearray()

    def put(self, layout, *values):
        self.data += struct.pack(">" + layout, *values)

    def _sized(self, layout, value):
        self.put(layout, -1 if value is None else len(value))
        self.data += value or b""

    def string(self, value):
        self._sized("h", value)

    def bytes(self, value):
        self._sized("i", value)

    def varint(self, value):
        value = (value << 1) ^ (value >> 63)
        while value > 0x7F:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value)

    def varbytes(self, value):
        self.varint(-1 if value is None else len(value))
        self.data += value or b""


@dataclass
class Record:
    """One record; offset and timestamp count from those of its batch."""

    offset_delta: int
    timestamp_delta: int
    key: bytes | None
    value: bytes | None
    headers: list = field(default_factory=list)


@dataclass
class Batch:
    """A batch of magic 2. Encoded it has no codec, whatever it had, and a CRC that is right."""

    base_offset: int
    leader_epoch: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: list

    def encode(self):
        body = Writer()
        for record in self.records:
            _put_record(body, record)
        after = _AFTER_CRC.pack(
            self.attributes & ~_CODEC_BITS,
            self.last_offset_delta,
            self.base_timestamp,
            max((self.base_timestamp + record.timestamp_delta for record in self.records), default=self.max_timestamp),
            self.producer_id,
            self.producer_epoch,
            self.base_sequence,
            len(self.records),
        ) + bytes(body.data)
        length = _BEFORE_CRC.size - 12 + len(after)
        return _BEFORE_CRC.pack(self.base_offset, length, self.leader_epoch, 2, crc32c.crc32c(after)) + after


def _put_record(out, record):
    inner = Writer()
    inner.put("b", 0)
    inner.varint(record.timestamp_delta)
    inner.varint(record.offset_delta)
    inner.varbytes(record.key)
    inner.varbytes(record.value)
    inner.varint(len(record.headers))
    for name, value in record.headers:
        inner.varbytes(name)
        inner.varbytes(value)
    out.varint(len(inner.data))
    out.data += inner.data


def _take_record(reader):
    reader.varint()
    reader.take("b")
    timestamp_delta, offset_delta = reader.varint(), reader.varint()
    key, value = reader.raw(reader.varint()), reader.raw(reader.varint())
    headers = [(reader.raw(reader.varint()), reader.raw(reader.varint())) for _ in range(reader.varint())]
    return Record(offset_delta, timestamp_delta, key, value, headers)


def _unpacked(codec, data):
    if codec == 0:
        return data
    if codec == 1:
        return gzip.decompress(data)
    if codec == 2:
        # Java frames its snappy blocks, librdkafka does not.
        return _unframed(data) if data.startswith(b"\x82SNAPPY\0") else bytes(cramjam.snappy.decompress_raw(data))
    if codec == 3:
        return lz4.frame.decompress(data)
    assert codec == 4, f"codec {codec}"
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def _unframed(data):
    reader, out = Reader(data, 16), bytearray()
    while reader.at < len(data):
        out += cramjam.snappy.decompress_raw(reader.bytes())
    return bytes(out)


def batches(data):
    """All whole batches at the front of `data`, decoded; a broker may cut the last of them off."""
    found, at = [], 0
    while len(data) - at >= 61:
        length = struct.unpack_from(">i", data, at + 8)[0] + 12
        if len(data) - at < length:
            break
        found.append(_batch(data[at : at + length]))
        at += length
    return found


def _batch(data):
    base_offset, _, leader_epoch, magic, _ = _BEFORE_CRC.unpack_from(data)
    assert magic == 2, f"magic {magic}"
    *header, count = _AFTER_CRC.unpack_from(data, _BEFORE_CRC.size)
    packed = data[_BEFORE_CRC.size + _AFTER_CRC.size :]
    # A control batch is never packed, and its records are no one's business.
    reader = Reader(_unpacked(header[0] & _CODEC_BITS, packed))
    return Batch(base_offset, leader_epoch, *header, [_take_record(reader) for _ in range(count)])


@dataclass
class Head:
    """The front of a request."""

    api_key: int
    version: int
    correlation_id: int
    client_id: bytes | None
    body: Reader

    @classmethod
    def of(cls, frame):
        reader = Reader(frame)
        api_key, version, correlation_id = reader.take("hhi")
        return cls(api_key, version, correlation_id, reader.string(), reader)

    def frame(self, body, correlation_id=None):
        out = Writer()
        out.put("hhi", self.api_key, self.version, self.correlation_id if correlation_id is None else correlation_id)
        out.string(self.client_id)
        return bytes(out.data) + body


class ProduceRequest:
    """The request's parts; `partitions` is a list of [topic, partition, records]."""

    def __init__(self, head):
        reader = head.body
        self.transactional_id = reader.string()
        self.acks, self.timeout_ms = reader.take("hi")
        self.partitions = []
        for _ in range(reader.take("i")):
            topic = reader.string()
            self.partitions += [[topic, reader.take("i"), reader.bytes()] for _ in range(reader.take("i"))]

    def encode(self):
        out = Writer()
        out.string(self.transactional_id)
        out.put("hii", self.acks, self.timeout_ms, len(self.partitions))
        for topic, partition, records in self.partitions:
            out.string(topic)
            out.put("ii", 1, partition)
            out.bytes(records)
        return bytes(out.data)


class ProduceResponse:
    """The answer's parts; `partitions` is a list of [topic, partition, error, base_offset, append_time, log_start]."""

    def __init__(self, version, frame):
        reader = Reader(frame)
        self.correlation_id = reader.take("i")
        self.partitions = []
        for _ in range(reader.take("i")):
            topic = reader.string()
            for _ in range(reader.take("i")):
                fields = list(reader.take("ihqq")) + [reader.take("q") if version >= 5 else None]
                self.partitions.append([topic, *fields])
        self.throttle_ms = reader.take("i")

    def encode(self, version):
        out = Writer()
        out.put("ii", self.correlation_id, len(self.partitions))
        for topic, *fields, log_start_offset in self.partitions:
            out.string(topic)
            out.put("iihqq", 1, *fields)
            if version >= 5:
                out.put("q", -1 if log_start_offset is None else log_start_offset)
        out.put("i", self.throttle_ms)
        return bytes(out.data)


def edit_fetched(version, frame, edit):
    """A Fetch response whose records of each partition are `edit(topic, partition, records)`; None keeps the frame."""
    reader, out = Reader(frame), Writer()
    edited = False

    def copy(layout):
        values = reader.take(layout)
        out.put(layout, *(values if isinstance(values, tuple) else (values,)))
        return values

    copy("ii")
    if version >= 7:
        copy("hi")
    for _ in range(copy("i")):
        topic = reader.string()
        out.string(topic)
        for _ in range(copy("i")):
            partition = copy("ihqq")[0]
            if version >= 5:
                copy("q")
            for _ in range(max(copy("i"), 0)):
                copy("qq")
            if version >= 11:
                copy("i")
            records = reader.bytes()
            changed = edit(topic, partition, records) if records else None
            edited |= changed is not None
            out.bytes(records if changed is None else changed)
    return bytes(out.data) + reader.rest() if edited else None


def cap_versions(version, frame):
    """An ApiVersions response in which Produce and Fetch end at the versions that are read here."""
    frame = bytearray(frame)
    reader = Reader(frame, 4)
    # A broker that does not know the version answers in the oldest form.
    flexible = reader.take("h") == 0 and version >= 3
    for _ in range(reader.uvarint() - 1 if flexible else reader.take("i")):
        api_key, _, newest = reader.take("hhh")
        if api_key in NEWEST:
            struct.pack_into(">h", frame, reader.at - 2, min(newest, NEWEST[api_key]))
        if flexible:
            for _ in range(reader.uvarint()):
                reader.uvarint()
                reader.raw(reader.uvarint())
    return bytes(frame)
