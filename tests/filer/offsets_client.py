"""OffsetCommit and OffsetFetch by hand: a client library would ask again and hide what it was told."""

import socket
import struct
from dataclasses import dataclass

PATIENCE_S = 90
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 8, 9, 10
NONE, COORDINATOR_NOT_AVAILABLE = 0, 15


@dataclass(frozen=True)
class Committed:
    """What is committed for a partition."""

    offset: int
    epoch: int
    note: str


def _string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


class OffsetsClient:
    """One connection, one request at a time, as a consumer without group management."""

    def __init__(self, bootstrap):
        host, port = bootstrap.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        self._ask(FIND_COORDINATOR, 1, _string("any") + b"\0")

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the gateway closed the connection")
            data += more
        return data

    def _ask(self, key, version, body):
        request = struct.pack(">hhi", key, version, 7) + _string("offsets") + body
        self._socket.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", self._read(4))
        return self._read(size)[4:]

    def commit(self, group, topic, committed):
        """Commits {partition: Committed} and returns {partition: error code}."""
        rows = b"".join(
            struct.pack(">iqi", partition, one.offset, one.epoch) + _string(one.note)
            for partition, one in committed.items()
        )
        topics = struct.pack(">i", 1) + _string(topic) + struct.pack(">i", len(committed)) + rows
        answer = self._ask(OFFSET_COMMIT, 6, _string(group) + struct.pack(">i", -1) + _string("") + topics)
        at = 4 + 4 + 2 + len(topic.encode())
        (count,) = struct.unpack_from(">i", answer, at)
        return dict(struct.unpack_from(">ih", answer, at + 4 + 6 * index) for index in range(count))

    def commit_one(self, group, topic, offset, epoch=-1, note="", partition=0):
        """Commits one partition and returns the error code."""
        return self.commit(group, topic, {partition: Committed(offset, epoch, note)})[partition]

    def fetch(self, group, topic, partitions=(0,)):
        """What is committed, {partition: Committed or None}; an error code if there is no answer."""
        wanted = struct.pack(f">i{len(partitions)}i", len(partitions), *partitions)
        answer = self._ask(OFFSET_FETCH, 5, _string(group) + struct.pack(">i", 1) + _string(topic) + wanted)
        (error,) = struct.unpack_from(">h", answer, len(answer) - 2)
        if error:
            return error
        at, found = 4 + 4 + 2 + len(topic.encode()) + 4, {}
        for _ in partitions:
            partition, offset, epoch, size = struct.unpack_from(">iqih", answer, at)
            at += 18
            note = answer[at : at + max(size, 0)].decode()
            at += max(size, 0) + 2
            found[partition] = None if offset < 0 else Committed(offset, epoch, note)
        return found

    def fetch_one(self, group, topic, partition=0):
        found = self.fetch(group, topic, (partition,))
        return found if isinstance(found, int) else found[partition]
