"""Idempotent producers over the death of the server in the middle of their stream.

Whatever they were told is stored must be there exactly once, where they were
told, in the order in which they sent it - whatever the server knew when it died.
"""

import json
import subprocess
import tempfile
import threading
import time

import pytest

import gateway as servers
from clients import CLIENTS
from dataset import Record

PARTITIONS = 3
RECORDS = 21_000
# The stream lasts about ten seconds, far longer than the two deaths in its first half and what comes between them.
RATE = 2_000
DEATHS_AFTER_ACKS = [1_000, 4_000]


def records():
    for i in range(RECORDS):
        yield Record(i % PARTITIONS, b"%d" % i, (b"%d " % i) * (1 + i % 40))


class Stream:
    """A producer that runs while the test does something else."""

    def __init__(self, client, bootstrap, topic, codec):
        self._file = tempfile.NamedTemporaryFile("w", suffix=".jsonl")
        self._file.writelines(record.line() + "\n" for record in records())
        self._file.flush()
        options = {"bootstrap": bootstrap, "topic": topic, "input": self._file.name, "codec": codec}
        options |= {"acks": "all", "idempotent": "true", "rate": RATE, "timeout-ms": 90_000}
        self._stderr = tempfile.TemporaryFile("w+")
        self._process = client.popen("produce", options, stdin=subprocess.DEVNULL, stderr=self._stderr)
        self.acks = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.acks.append(json.loads(line))

    def until_acked(self, count):
        end = time.monotonic() + 60
        while len(self.acks) < count:
            assert self._process.poll() is None, f"the producer ended: {self._said()}"
            assert time.monotonic() < end, f"{len(self.acks)} acknowledgements within 60 s: {self._said()}"
            time.sleep(0.005)

    def finish(self):
        try:
            code = self._process.wait(120)
        finally:
            self._process.kill()
        self._reader.join()
        assert code == 0, self._said()
        return self.acks

    def _said(self):
        self._stderr.seek(0)
        return self._stderr.read()[-3000:]


@pytest.mark.parametrize("codec", ["none", "lz4"])
@pytest.mark.parametrize("client", ["confluent", "franz"])
def test_acknowledged_records_are_there_once_and_in_order_after_kills(gateway, admin, new_topic, client, codec):
    topic = new_topic(f"idempotent-{client}", PARTITIONS)
    stream = Stream(CLIENTS[client], gateway.bootstrap, topic, codec)
    for acked in DEATHS_AFTER_ACKS:
        stream.until_acked(acked)
        assert len(stream.acks) < RECORDS, "the stream ended before the server died"
        # Kafka acknowledges before its log is on disk, but a restart in order loses nothing.
        gateway.restart(hard=servers.TARGET != "kafka")
    acks = stream.finish()

    assert len(acks) == RECORDS
    assert admin.starts(topic) == dict.fromkeys(range(PARTITIONS), 0)
    assert admin.ends(topic) == dict.fromkeys(range(PARTITIONS), RECORDS // PARTITIONS)
    stored = {}
    for record in CLIENTS["confluent"].consume(gateway.bootstrap, topic, RECORDS):
        stored[record["partition"], record["offset"]] = {n: record[n] for n in ("key", "headers", "value")}
    for record, ack in zip(records(), acks, strict=True):
        place = (record.partition, ack["i"] // PARTITIONS)
        assert (ack["partition"], ack["offset"]) == place, "acknowledged in the order of sending"
        assert stored[place] == record.contents()
