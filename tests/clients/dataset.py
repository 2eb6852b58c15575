"""The canonical data set: what every client writes, in every way it can, and every client reads.

Records come in blocks of one partition and one set of headers, because kcat
takes headers as arguments of its process and so needs one process a block.
"""

import base64
import hashlib
import json
import random
from dataclasses import dataclass, field

PARTITIONS = 3
VALUE_PRINTED_BYTES_MAX = 64 * 1024
ALL_BYTES = bytes(range(256))
# In the past, with milliseconds, and neither equal nor in order.
_TIMESTAMP_BASE_MS = 1_600_000_000_123

KEYS = [None, b"", b"key", ALL_BYTES, b"line\nbreak\x00\xff", b"k" * 300]
VALUES = [None, b"", "größe 水 \U0001f30a".encode(), ALL_BYTES, b"\x00", b"tide " * 2000]
HEADERS = [
    [],
    [("name", b"value")],
    [("twice", b"first"), ("twice", b"second"), ("twice", b"first")],
    [("a", b"1"), ("b", b"2"), ("a", b"3")],
    [("empty", b""), ("after", b"x")],
    [("null", None), ("after", b"x")],
    [("binary", ALL_BYTES[1:]), ("größe", "水".encode())],
    [("zero", b"\x00\x00"), ("long", b"h" * 2000)],
]


@dataclass
class Record:
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list = field(default_factory=list)
    timestamp: int | None = None

    def line(self):
        """The record as a line of a driver's input file."""
        fields = {
            "partition": self.partition,
            "key": _encoded(self.key),
            "value": _encoded(self.value),
            "headers": [[name, _encoded(value)] for name, value in self.headers],
        }
        if self.timestamp is not None:
            fields["timestamp"] = self.timestamp
        return json.dumps(fields)

    def contents(self):
        """What a driver must print of this record, but for its place and its time."""
        return {"key": _encoded(self.key), "headers": [[n, _encoded(v)] for n, v in self.headers]} | value_fields(
            self.value
        )


def _encoded(data):
    return None if data is None else base64.b64encode(data).decode()


def value_fields(value):
    if value is not None and len(value) > VALUE_PRINTED_BYTES_MAX:
        return {"value_sha256": hashlib.sha256(value).hexdigest(), "value_len": len(value)}
    return {"value": _encoded(value)}


@dataclass
class Variant:
    """One run of a writer."""

    codec: str
    acks: str
    idempotent: bool
    records: list

    @property
    def name(self):
        return f"{self.codec}-acks-{self.acks}-{'idempotent' if self.idempotent else 'plain'}"


def interleaved(headers):
    """Whether a header comes again after one of another name."""
    names = [name for name, _ in headers]
    return names != sorted(names, key=names.index)


def writable(record, capabilities):
    """Whether a client can express this record at all."""
    can = capabilities.get
    return all(
        [
            record.key is not None or can("null_keys", True),
            record.value is not None or can("null_values", True),
            record.key is not None or record.value is not None or can("null_key_and_value", True),
            record.key != b"" or record.value is not None or can("empty_key_with_null_value", True),
            record.key is not None or record.value != b"" or can("null_key_with_empty_value", True),
            all(v is not None for _, v in record.headers) or can("null_header_values", True),
            all(b"\0" not in (v or b"") for _, v in record.headers) or can("zero_bytes_in_headers", True),
            not interleaved(record.headers) or can("interleaved_headers", True),
        ]
    )


def _edge_cases(seed):
    """Every key with every value, under each set of headers some of them."""
    pairs = [(key, value) for key in KEYS for value in VALUES]
    random.Random(seed).shuffle(pairs)
    size = -(-len(pairs) // len(HEADERS))
    for i, (key, value) in enumerate(pairs):
        block = i // size
        yield Record(block % PARTITIONS, key, value, HEADERS[block])


def _small(seed, count):
    for i in range(count):
        yield Record(i * PARTITIONS // count, b"%d" % i, b"%d of seed %d %s" % (i, seed, b"." * (i % 50)))


def _large(seed):
    """A record near a megabyte: one that compresses, and one that does not."""
    yield Record(0, b"large", b"0123456789abcdef" * 62_500)
    yield Record(1, b"large", random.Random(seed).randbytes(1_000_000))


def records_of(seed, capabilities, small=60):
    """The data set as far as the client can write it, with timestamps if it can set them."""
    records = [r for r in (*_edge_cases(seed), *_small(seed, small), *_large(seed)) if writable(r, capabilities)]
    if capabilities.get("timestamps", True):
        for i, record in enumerate(records):
            record.timestamp = _TIMESTAMP_BASE_MS + (i * 7919) % 1_000_003
    return records


def variants(capabilities):
    """The runs of a writer: each codec, each acks, idempotent and not.

    acks=0 comes last, because a record that nobody acknowledges may still be
    on its way when the next run begins.
    """
    idempotence = capabilities.get("idempotence", True)
    codecs = capabilities["codecs"]
    runs = [(codec, "all", idempotence and i % 2 == 0) for i, codec in enumerate(codecs)]
    runs += [("none", "all", False)] if idempotence else []
    runs += [("gzip", "1", False)]
    runs += [("none", "0", False)] if capabilities.get("acks_0", True) else []
    for seed, (codec, acks, idempotent) in enumerate(runs):
        # Several hundred small records in one run, so that batches fill and requests overlap.
        small = 600 if idempotent and codec == "none" else 60
        yield Variant(codec, acks, idempotent, records_of(seed, capabilities, small))
