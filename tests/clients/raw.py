"""Record batches and requests by hand, for what no client library would send.

One connection, one request at a time: Produce 8 (the first version whose
answer names single records), Fetch 4 to 11 and ListOffsets 2, written as the
protocol's pages draw them.
"""

import gzip
import socket
import struct
from dataclasses import dataclass, field

import cramjam
import crc32c
import lz4.frame

PATIENCE_S = 60
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
XERIAL_MAGIC = b"\x82SNAPPY\0"
LOG_APPEND_TIME = 1 << 3
PRODUCE = 0
FETCH = 1
LIST_OFFSETS = 2


def varint(value):
    """A signed number as records hold them: zigzag, seven bits a byte."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _nullable(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(offset_delta=0, key=None, value=b"v", headers=(), timestamp_delta=0, attributes=0):
    """One record with its length before it."""
    body = bytes([attributes]) + varint(timestamp_delta) + varint(offset_delta)
    body += _nullable(key) + _nullable(value) + varint(len(headers))
    for name, content in headers:
        body += _nullable(name) + _nullable(content)
    return varint(len(body)) + body


def _xerial(data):
    block = bytes(cramjam.snappy.compress_raw(data))
    return XERIAL_MAGIC + struct.pack(">iii", 1, 1, len(block)) + block


def compressed(codec, data):
    return {
        "none": lambda: data,
        "gzip": lambda: gzip.compress(data),
        "snappy": lambda: _xerial(data),
        "lz4": lambda: lz4.frame.compress(data),
        "zstd": lambda: bytes(cramjam.zstd.compress(data)),
    }[codec]()


def decompressed(codec, data):
    """The record bytes of a batch. Snappy comes raw from librdkafka and Go, and framed from Java."""
    if codec == 2 and not data.startswith(XERIAL_MAGIC):
        return bytes(cramjam.snappy.decompress_raw(data))
    if codec != 2:
        return {
            0: lambda: data,
            1: lambda: gzip.decompress(data),
            3: lambda: lz4.frame.decompress(data),
            4: lambda: bytes(cramjam.zstd.decompress(data)),
        }[codec]()
    out, at = b"", 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        out += bytes(cramjam.snappy.decompress_raw(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return out


@dataclass
class Batch:
    """A batch in which every field can be made to lie."""

    records: list = field(default_factory=lambda: [record()])
    codec: str = "none"
    base_timestamp: int = 0
    max_timestamp: int = 0
    attributes: int = 0
    count: int | None = None
    last_offset_delta: int | None = None
    base_offset: int = 0
    producer: tuple = (-1, -1, -1)
    magic: int = 2
    payload: bytes | None = None

    def bytes(self):
        count = len(self.records) if self.count is None else self.count
        last = count - 1 if self.last_offset_delta is None else self.last_offset_delta
        payload = compressed(self.codec, b"".join(self.records)) if self.payload is None else self.payload
        attributes = self.attributes | CODECS[self.codec]
        body = struct.pack(">hiqq", attributes, last, self.base_timestamp, self.max_timestamp)
        body += struct.pack(">qhii", *self.producer, count) + payload
        rest = struct.pack(">ibI", -1, self.magic, crc32c.crc32c(body)) + body
        return struct.pack(">qi", self.base_offset, len(rest)) + rest


@dataclass
class Stored:
    """A batch as it was fetched."""

    base_offset: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer: tuple
    count: int
    payload: bytes
    raw: bytes

    @property
    def codec(self):
        return self.attributes & 7

    @property
    def record_bytes(self):
        return decompressed(self.codec, self.payload)


def batches(data):
    """The whole batches in a fetched record set, their checksums verified."""
    found = []
    while len(data) >= 61:
        base_offset, size = struct.unpack_from(">qi", data)
        raw, data = data[: 12 + size], data[12 + size :]
        if len(raw) < 12 + size:
            break
        (crc,) = struct.unpack_from(">I", raw, 17)
        assert crc == crc32c.crc32c(raw[21:]), f"the batch at {base_offset} has a wrong checksum"
        attributes, last, base, largest, *producer, count = struct.unpack_from(">hiqqqhii", raw, 21)
        found.append(Stored(base_offset, attributes, last, base, largest, tuple(producer), count, raw[61:], raw))
    return found


@dataclass
class Produced:
    """The answer to one batch."""

    error: int
    base_offset: int
    log_append_time: int
    record_errors: list
    message: str | None


class _Reader:
    def __init__(self, data):
        self._data = data
        self._at = 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self._data, self._at)
        self._at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def string(self):
        size = self.take("h")
        return None if size < 0 else self._bytes(size).decode()

    def _bytes(self, size):
        self._at += size
        return self._data[self._at - size : self._at]

    def records(self):
        size = self.take("i")
        return b"" if size < 0 else self._bytes(size)

    def array(self, element):
        return [element() for _ in range(self.take("i"))]


def _string(text):
    return struct.pack(">h", len(text)) + text.encode()


class Connection:
    """One socket to the server."""

    def __init__(self, bootstrap):
        host, port = bootstrap.split(":")
        self._socket = socket.create_connection((host, int(port)), PATIENCE_S)
        self._next_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _call(self, key, version, body):
        self._next_id += 1
        frame = struct.pack(">hhi", key, version, self._next_id) + _string("raw") + body
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)
        (size,) = struct.unpack(">i", self._receive(4))
        reader = _Reader(self._receive(size))
        assert reader.take("i") == self._next_id
        return reader

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return data

    def produce(self, topic, batch, version=8):
        """Sends one batch, or bytes that are none, to partition 0 with acks=all."""
        data = batch if isinstance(batch, bytes) else batch.bytes()
        body = struct.pack(">hhii", -1, -1, 10_000, 1) + _string(topic)
        body += struct.pack(">iii", 1, 0, len(data)) + data
        reader = self._call(PRODUCE, version, body)
        assert reader.take("i") == 1
        reader.string()
        _, _, error, base_offset, log_append_time = reader.take("iihqq")
        if version < 8:
            return Produced(error, base_offset, log_append_time, [], None)
        reader.take("q")
        record_errors = reader.array(lambda: (reader.take("i"), reader.string()))
        return Produced(error, base_offset, log_append_time, record_errors, reader.string())

    def fetch(self, topic, offset=0, version=11, max_bytes=10_000_000):
        """Reads partition 0 at once; returns the error code and the record bytes."""
        body = struct.pack(">iiiib", -1, 0, 0, max_bytes, 0)
        if version >= 7:
            body += struct.pack(">ii", 0, -1)
        body += struct.pack(">i", 1) + _string(topic) + struct.pack(">ii", 1, 0)
        if version >= 9:
            body += struct.pack(">i", -1)
        body += struct.pack(">q", offset)
        if version >= 5:
            body += struct.pack(">q", -1)
        body += struct.pack(">i", max_bytes)
        if version >= 7:
            body += struct.pack(">i", 0)
        if version >= 11:
            body += _string("")
        reader = self._call(FETCH, version, body)
        reader.take("i")
        if version >= 7:
            reader.take("hi")
        assert reader.take("i") == 1
        reader.string()
        _, _, error, _, _ = reader.take("iihqq")
        if version >= 5:
            reader.take("q")
        reader.array(lambda: reader.take("qq"))
        if version >= 11:
            reader.take("i")
        return error, reader.records()

    def offset_for(self, topic, timestamp):
        """The first record of partition 0 at or after a time: (timestamp, offset), both -1 for none."""
        body = struct.pack(">ibi", -1, 0, 1) + _string(topic) + struct.pack(">iiq", 1, 0, timestamp)
        reader = self._call(LIST_OFFSETS, 2, body)
        reader.take("ii")
        reader.string()
        _, _, error, found, offset = reader.take("iihqq")
        assert error == 0, f"ListOffsets: Kafka's error {error}"
        return found, offset
