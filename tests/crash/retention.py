#!/usr/bin/env python3
"""Kills the gateway again and again while logs are cut at their beginning, and looks for what was cut too far or grew back.

    retention.py [--rounds 12] [--seed S] [--dir D]

Two topics are written by idempotent producers. From one of them records are
deleted on request all the time (DeleteRecords), the other one is kept to a
size by retention, which looks every 50 ms. The gateway is killed (SIGKILL) at
random moments, sometimes again while it recovers, sometimes stopped in order,
and started again on the same directory. Then:

- no log starts below what was told of it before: by the answer to a
  DeleteRecords, or by ListOffsets;
- nothing was cut that nobody asked for: not above the highest offset that was
  asked for, and retention leaves as many bytes as retention.bytes says;
- from the log start on every acknowledged record is there exactly once, in
  order, with its contents;
- a segment that lies below the log start as a whole has no file any more;
- at the end, `tidegate inspect` finds no checksum wrong.

Apache Kafka writes log starts down at an interval (log.flush.start.offset.checkpoint.interval.ms), so that they
may go back with a SIGKILL: this is no test for it.
"""

import math
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

import crash
import gateway as servers
import rounds
from admin import Admin
from crash import ProducerRun
from rounds import expect

PARTITIONS = 3
SEGMENT_BYTES = 1 << 20
RETENTION_BYTES = 3 << 20
# What retention.bytes leaves at most: the segment that would go below it, and the one that is written to.
MUCH_BYTES = RETENTION_BYTES + 2 * SEGMENT_BYTES
SETTLE_TIMEOUT_S = 60
# name, partitions, codec, smallest and largest value, linger, records a second
PRODUCER = ("trim", [0, 1, 2], "none", 5_000, 40_000, 2, 250)
DELETE_RECORDS = 21
OFFSET_OUT_OF_RANGE = 1


class Cutter:
    """Deletes records of a topic on request, all the time, over every restart of the server."""

    def __init__(self, port, topic, ends, seed):
        self.asked = dict.fromkeys(range(PARTITIONS), 0)
        self.told = dict.fromkeys(range(PARTITIONS), 0)
        self.answers = 0
        self._port = port
        self._topic = topic
        self._ends = ends
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._wrong = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        expect(self._wrong is None, self._wrong)

    def _run(self):
        while not self._stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), 5) as connection:
                    connection.settimeout(10)
                    while not self._stop.wait(0.01):
                        self._cut(connection)
            except OSError:
                # The server is down; whether it took the last request is seen later.
                time.sleep(0.02)
            except rounds.Lost as e:
                self._wrong = str(e)
                return

    def _cut(self, connection):
        partition = self._random.randrange(PARTITIONS)
        end = self._ends(partition)
        if end <= self.told[partition]:
            return
        before = self._random.randint(self.told[partition], end)
        self.asked[partition] = max(self.asked[partition], before)
        name = self._topic.encode()
        # DeleteRecords 1: topics, each with partitions and offsets, and a timeout.
        body = struct.pack(">ih", 1, len(name)) + name + struct.pack(">iiqi", 1, partition, before, 9_000)
        header = struct.pack(">hhih", DELETE_RECORDS, 1, 7, -1)
        connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        low_watermark, error = struct.unpack(">qh", _receive(connection, size)[-10:])
        # What was acknowledged before a crash and not read again yet may be above the high watermark.
        expect(error in (0, OFFSET_OUT_OF_RANGE), f"DeleteRecords up to {before}: error {error}")
        if error == 0:
            expect(low_watermark >= before, f"records up to {before} deleted, told {low_watermark}")
            self.told[partition] = max(self.told[partition], low_watermark)
            self.answers += 1


def _receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise OSError("the connection was closed")
        data += part
    return data


class Log(crash.Topic):
    """A topic that is cut at its beginning."""

    def __init__(self, server, admin, name, configs, bytes_wanted=math.inf):
        """Retention is to leave `bytes_wanted` in a partition at most."""
        super().__init__(server.bootstrap, name)
        admin.create_topic(name, PARTITIONS, {"segment.bytes": str(SEGMENT_BYTES)} | configs)
        self._admin = admin
        self._bytes_wanted = bytes_wanted
        self.starts = dict.fromkeys(range(PARTITIONS), 0)
        self.bytes_of = {}
        self._id = _topic_id(server, name)

    def accept(self, partition, offset, key, value):
        super().accept(partition, offset, key, value)
        self.bytes_of[partition, offset] = len(value)

    def watch(self):
        """The log starts now, none of which may be below what it was."""
        now = self._admin.starts(self.name)
        for partition, start in now.items():
            before = self.starts[partition]
            expect(start >= before, f"{self.name}-{partition} began at {before} and begins at {start} now")
        self.starts = now
        return now

    def settled(self):
        """The log starts once retention has nothing left to do."""
        end = time.monotonic() + SETTLE_TIMEOUT_S
        before = None
        while before != self.watch():
            expect(time.monotonic() < end, f"{self.name} is cut on and on, though nobody writes")
            before = self.starts
            time.sleep(0.3)
        return before

    def read_all(self):
        """Reads from the log starts to the ends and checks that this is all that was acknowledged."""
        starts, checked = self._read_settled()
        kept = sum(offset >= starts[partition] for partition, offset in self.acknowledged)
        expect(checked == kept, f"{self.name}: {kept} records were acknowledged from {starts} on, {checked} are there")
        return checked

    def _read_settled(self):
        """The log starts, and how many records were read from there on."""
        end = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            starts, wrong = self.settled(), None
            self.reread()
            self.read_to = dict(starts)
            self.bytes_of = {}
            try:
                checked = self.read(self._admin.ends(self.name))
            except rounds.Lost as e:
                wrong = e
            # Where retention is slow it is not done when two looks are the same: what is cut later cannot be read.
            done = starts == self.watch() and self._bytes_max() <= self._bytes_wanted
            if not done and time.monotonic() < end:
                continue
            if wrong:
                raise wrong
            return starts, checked

    def _bytes_max(self):
        """How much the fullest partition held when it was read last."""
        bytes_of = dict.fromkeys(range(PARTITIONS), 0)
        for (partition, _), size in self.bytes_of.items():
            bytes_of[partition] += size
        return max(bytes_of.values())

    def forget_cut(self):
        """Drops from memory what can never be read again."""
        self.acknowledged = {
            (partition, offset): holder
            for (partition, offset), holder in self.acknowledged.items()
            if offset >= self.starts[partition]
        }

    def expect_no_needless_file(self, data):
        """Of the files that begin at or below the log start, only the last one holds anything wanted."""
        end = time.monotonic() + SETTLE_TIMEOUT_S
        while needless := self._needless(data):
            expect(time.monotonic() < end, f"{self.name}: below the log starts {self.starts} there still are {needless}")
            time.sleep(0.1)

    def _needless(self, data):
        needless = []
        for partition, start in self.starts.items():
            files = sorted((data / "segments" / f"{self._id}-{partition}").glob("*.log"))
            below = [file for file in files if int(file.stem) <= start]
            needless += below[:-1]
        return needless


def _topic_id(server, name):
    """A topic's id as the names of its directories spell it."""
    client = AdminClient({"bootstrap.servers": server.bootstrap})
    described = client.describe_topics(TopicCollection([name]))[name].result()
    high, low = described.topic_id.get_most_significant_bits(), described.topic_id.get_least_significant_bits()
    return f"{high & (1 << 64) - 1:016x}{low & (1 << 64) - 1:016x}"


class Harness:
    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.seed = seed
        self.round = 0
        self.totals = {"records": 0, "kills": 0, "stops": 0, "requests": 0}
        self.runs = []
        self.cutter = None
        self._highest = dict.fromkeys(range(PARTITIONS), 0)

    def begin(self):
        admin = Admin(self.server)
        self.by_request = Log(self.server, admin, "by-request", {"retention.ms": "-1"})
        self.by_size = Log(self.server, admin, "by-size", {"retention.bytes": str(RETENTION_BYTES)}, MUCH_BYTES)
        # A checkpoint knows their segment.bytes from now on, so that recovery divides by it, too.
        self.server.restart()

    def run_round(self):
        self.round += 1
        self.runs = [
            (log, ProducerRun(f"{log.name}-{self.round}", self.server.bootstrap, log.name, PRODUCER))
            for log in (self.by_request, self.by_size)
        ]
        self._ends = dict.fromkeys(range(PARTITIONS), 0)
        self.cutter = Cutter(self.server.port, "by-request", self._ends.get, self.seed + self.round)
        self._wait_for_traffic()
        for _ in range(self.random.choice([1, 2, 3])):
            self._wait(self.random.uniform(0.1, 1.5))
            self._restart()
        self._wait(0.5)
        for log, run in self.runs:
            run.worker.finish()
            run.take()
            log.acknowledge(run)
        self.cutter.stop()
        checked = self.by_request.read_all() + self.by_size.read_all()
        self._judge_request()
        self._judge_size()
        for log in (self.by_request, self.by_size):
            log.expect_no_needless_file(self.server.directory / "data")
            log.forget_cut()
        self.totals["records"] += checked
        self.totals["requests"] += self.cutter.answers
        starts = [list(log.starts.values()) for log in (self.by_request, self.by_size)]
        return f"{checked} records checked, {self.cutter.answers} requests, logs begin at {starts}"

    def end(self):
        expect(self.totals["requests"] and all(self.by_size.starts.values()), "something was cut everywhere")
        return ", ".join(f"{count} {what}" for what, count in self.totals.items())

    def after(self, directory):
        """Lets the gateway's own tool look at every checksum."""
        command = [os.environ["TIDEGATE_BIN"], "inspect", "--data-dir", directory / "data"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"inspect: {done.stdout}{done.stderr}")

    def _judge_request(self):
        for partition, start in self.by_request.starts.items():
            told, asked = self.cutter.told[partition], self.cutter.asked[partition]
            expect(start >= told, f"by-request-{partition} begins at {start}, told was {told}")
            highest = self._highest[partition] = max(asked, self._highest[partition])
            expect(start <= highest, f"by-request-{partition} begins at {start}, at most {highest} was asked for")

    def _judge_size(self):
        for partition, start in self.by_size.starts.items():
            kept = sum(size for (p, _), size in self.by_size.bytes_of.items() if p == partition)
            # Values alone; what batches take beside them counts as well.
            enough = start == 0 or kept + kept // 20 >= RETENTION_BYTES
            expect(enough, f"by-size-{partition}: of {kept} bytes more was cut than retention.bytes allows")
            expect(kept <= MUCH_BYTES, f"by-size-{partition}: {kept} bytes are kept, {MUCH_BYTES} at most should be")

    def _wait_for_traffic(self):
        end = time.monotonic() + 90
        while not (all(run.acks for _, run in self.runs) and self.cutter.answers):
            expect(time.monotonic() < end, f"no traffic: {[(run.name, len(run.acks)) for _, run in self.runs]}")
            self._take()
            time.sleep(0.005)

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._take()
            time.sleep(0.02)

    def _take(self):
        for log, run in self.runs:
            run.take()
            run.worker.check_alive()
        for partition, offset in self.runs[0][1].acks.values():
            self._ends[partition] = max(self._ends[partition], offset + 1)

    def _restart(self):
        for log in (self.by_request, self.by_size):
            log.watch()
        if self.random.random() < 0.25:
            self.server.terminate()
            self.totals["stops"] += 1
        else:
            self.server.kill()
            self.totals["kills"] += 1
        told = dict(self.cutter.told)
        if self.random.random() < 0.3:
            self.server.start_and_kill(self.random.uniform(0, 0.05))
            self.totals["kills"] += 1
        self.server.start()
        starts = self.by_request.watch()
        self.by_size.watch()
        for partition, start in starts.items():
            expect(start >= told[partition], f"by-request-{partition} begins at {start}, told was {told[partition]}")

    def kill_workers(self):
        for _, run in self.runs:
            run.worker.kill()


def main():
    options = rounds.arguments(__doc__.splitlines()[0], 12).parse_args()
    if servers.TARGET != "tidegate":
        sys.exit("retention.py: Apache Kafka's log starts may go back with a SIGKILL; see the top of this file")
    settings = {"log.retention.check.interval.ms": "50"}
    return rounds.run("retention", options, Harness, kafka_settings=settings)


if __name__ == "__main__":
    sys.exit(main())
