"""Records that prove themselves: each says who wrote it and when in its stream, and carries a checksum."""

import random
import struct
import zlib

_FORMAT = ">IQI"
_HEADER_BYTES = struct.calcsize(_FORMAT)


def key(producer, i):
    return f"{producer}/{i}".encode()


def value(producer, i, size):
    """A value of about `size` bytes, of which half compresses well."""
    noise = random.Random(f"{producer}/{i}").randbytes(size // 2)
    payload = key(producer, i) + noise + b"tide" * (size // 8)
    return struct.pack(_FORMAT, zlib.crc32(payload), i, len(payload)) + payload


def read(found_key, found_value):
    """The producer and the number of a record; ValueError if it is not what was written."""
    checksum, i, length = struct.unpack_from(_FORMAT, found_value)
    payload = found_value[_HEADER_BYTES:]
    if len(payload) != length or zlib.crc32(payload) != checksum:
        raise ValueError(f"the record with key {found_key!r} has other contents than were written")
    if not payload.startswith(found_key) or found_key.rpartition(b"/")[2] != b"%d" % i:
        raise ValueError(f"the key {found_key!r} belongs to another value")
    return found_key.rpartition(b"/")[0].decode(), i
