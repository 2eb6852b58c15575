#!/usr/bin/env python3
"""Kills the gateway again and again under load, and looks for anything that it had promised and lost.

    crash.py [--rounds 20] [--hours H] [--seed S] [--dir D]

In each round idempotent producers write and a consumer group reads and
commits. At a random moment the gateway is killed (SIGKILL), sometimes a second
time while it recovers, and started again on the same directory. Then:

- every acknowledged record is there exactly once, at the offset that was
  acknowledged, in the order in which it was sent, with its contents;
- no offset is missing, and none holds what nobody wrote;
- the high watermark of no partition has fallen;
- no committed offset and no generation has gone back.

TARGET=kafka runs it against Apache Kafka. Failures leave the directory behind.
"""

import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from confluent_kafka import Consumer, TopicPartition

import gateway as servers
import rounds
import stamped
from admin import Admin
from clients import CLIENTS
from rounds import Lost, expect

PARTITIONS = 6
# After so many rounds the topic is read again from its first offset and given up for a new one.
ROUNDS_A_TOPIC = 10
FINISH_TIMEOUT_S = 110
READ_TIMEOUT_S = 120
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
# name, partitions, codec, smallest and largest value, linger, records a second
PRODUCERS = [
    ("small", [0, 1, 2], "none", 20, 200, 1, 1500),
    ("middle", [1, 2, 3, 4], "lz4", 500, 20_000, 5, 200),
    ("large", [4, 5], "zstd", 50_000, 400_000, 0, 8),
]


class Worker:
    """A producer or a consumer in a process of its own, and the lines that it prints."""

    def __init__(self, name, start):
        self.name = name
        self._stderr = tempfile.TemporaryFile("w+")
        self._process = start(self._stderr)
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)

    def lines(self):
        """What was printed since the last call."""
        while True:
            try:
                yield self._lines.get_nowait()
            except queue.Empty:
                return

    def check_alive(self):
        expect(self._process.poll() is None, f"{self.name} ended by itself: {self.said()}")

    def finish(self):
        """Ends its stdin and waits until it has done what is left to do."""
        self._process.stdin.close()
        try:
            code = self._process.wait(FINISH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Lost(f"{self.name} did not end: {self.said()}") from None
        self._reader.join()
        expect(code == 0, f"{self.name} ended with {code}: {self.said()}")

    def kill(self):
        self._process.kill()
        self._process.wait()

    def said(self):
        self._stderr.seek(0)
        return self._stderr.read()[-6000:]


class ProducerRun:
    """One producer in one round, with what it was told is stored."""

    def __init__(self, name, bootstrap, topic, kind):
        _, partitions, codec, size_min, size_max, linger_ms, rate = kind
        self.name = name
        self.acks = {}
        settings = {
            "name": name,
            "bootstrap": bootstrap,
            "topic": topic,
            "partitions": partitions,
            "codec": codec,
            "size_min": size_min,
            "size_max": size_max,
            "linger_ms": linger_ms,
            "rate": rate,
        }
        command = [sys.executable, HERE / "producer.py", json.dumps(settings)]
        self.worker = Worker(name, lambda stderr: subprocess.Popen(command, stderr=stderr, **PIPES))

    def take(self):
        for line in self.worker.lines():
            i, partition, offset = map(int, line.split())
            self.acks[i] = (partition, offset)
        return len(self.acks)


class Topic:
    """All that is known of a topic: who holds which offset, and how far it has been read."""

    def __init__(self, bootstrap, name):
        self._bootstrap = bootstrap
        self.name = name
        self.acknowledged = {}
        self.read_to = dict.fromkeys(range(PARTITIONS), 0)
        self._last_of = {}

    def acknowledge(self, run):
        for i, place in run.acks.items():
            holder = self.acknowledged.setdefault(place, (run.name, i))
            expect(holder == (run.name, i), f"{place} was acknowledged to {holder} and to {(run.name, i)}")

    def reread(self):
        self.read_to = dict.fromkeys(range(PARTITIONS), 0)
        self._last_of = {}

    def read(self, ends):
        """Reads every partition on to its end and checks each record; returns how many there were."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "unused",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "check.crcs": True,
                "fetch.wait.max.ms": 50,
            }
        )
        begin = dict(self.read_to)
        todo = {p for p in ends if self.read_to[p] < ends[p]}
        consumer.assign([TopicPartition(self.name, p, self.read_to[p]) for p in todo])
        deadline = time.monotonic() + READ_TIMEOUT_S
        while todo:
            expect(time.monotonic() < deadline, f"partitions {todo} cannot be read from {self.read_to} to {ends}")
            for message in consumer.consume(1000, 0.2):
                expect(not message.error(), f"reading: {message.error()}")
                if message.partition() in todo:
                    self.accept(message.partition(), message.offset(), message.key(), message.value())
                    if self.read_to[message.partition()] == ends[message.partition()]:
                        todo.discard(message.partition())
        consumer.close()
        return sum(self.read_to[p] - begin[p] for p in ends)

    def accept(self, partition, offset, key, value):
        """Judges the record that was read next."""
        place = (partition, offset)
        expect(place[1] == self.read_to[place[0]], f"offset {self.read_to[place[0]]} is missing before {place}")
        self.read_to[place[0]] += 1
        try:
            producer, i = stamped.read(key, value)
        except (ValueError, TypeError) as e:
            raise Lost(f"{place}: {e}") from None
        holder = self.acknowledged.get(place)
        expect(holder == (producer, i), f"{place} holds record {i} of {producer}, acknowledged was {holder}")
        last = self._last_of.get((producer, place[0]), -1)
        expect(i > last, f"{place}: record {i} of {producer} comes after its record {last}")
        self._last_of[producer, place[0]] = i


class Group:
    """A consumer group that commits all the time; what it was told is committed may not go back."""

    def __init__(self, bootstrap, topic):
        self._bootstrap = bootstrap
        self._topic = topic
        self.name = f"group-of-{topic}"
        self.committed = {}
        self.generation = 0
        self._start()

    def _start(self):
        options = {"bootstrap": self._bootstrap, "topic": self._topic, "group": self.name}
        franz = CLIENTS["franz"]
        self._worker = Worker(
            "the group's member",
            lambda stderr: franz.popen("follow", options, stdin=subprocess.PIPE, stderr=stderr),
        )

    def take(self):
        for line in self._worker.lines():
            report = json.loads(line)
            expect(
                report["generation"] >= self.generation,
                f"the generation went from {self.generation} to {report['generation']}",
            )
            self.generation = report["generation"]
            for partition, offset in report["committed"].items():
                # The group has one member: what it reads again it had not committed.
                expect(
                    offset >= self.committed.get(int(partition), 0),
                    f"partition {partition}: {offset} is committed after {self.committed.get(int(partition))}",
                )
                self.committed[int(partition)] = offset
        self._worker.check_alive()

    def expect_kept(self, admin):
        kept = admin.committed(self.name)
        for partition, offset in self.committed.items():
            expect(
                kept.get(partition, -1) >= offset,
                f"partition {partition} of the group had {offset} committed and now has {kept.get(partition)}",
            )

    def restart(self):
        """A new member takes over, in a new generation."""
        self.finish()
        before = self.generation
        self._start()
        end = time.monotonic() + 90
        while self.generation == before and time.monotonic() < end:
            self.take()
            time.sleep(0.02)
        expect(before == 0 or self.generation > before, f"a new member came into the old generation {before}")

    def until(self, ends):
        """Waits until it has committed up to these offsets."""
        end = time.monotonic() + READ_TIMEOUT_S
        while any(self.committed.get(p, 0) < offset for p, offset in ends.items()):
            expect(
                time.monotonic() < end,
                f"the group stands at {self.committed}, the topic ends at {ends}; its member: {self._worker.said()}",
            )
            self.take()
            time.sleep(0.02)

    def finish(self):
        self._worker.finish()
        for line in self._worker.lines():
            report = json.loads(line)
            self.committed |= {int(p): offset for p, offset in report["committed"].items()}

    def kill(self):
        self._worker.kill()


def check_the_judge():
    """Shows the judge forged topics: it must refuse each of them, and pass the true one."""
    records = [(stamped.key("p", i), stamped.value("p", i, 40)) for i in range(4)]
    (key, first), (_, second) = records[:2]
    forged = {
        "a record lost": [records[0], records[2], records[3]],
        "a record twice": [records[0], records[0], records[1]],
        "records out of order": [records[1], records[0]],
        "contents exchanged": [(key, second)],
        "a bit flipped": [(key, first[:-1] + bytes([first[-1] ^ 1]))],
        "a value cut off": [(key, first[:-1])],
        "no value": [(key, None)],
        "a record that nobody wrote": [*records, (stamped.key("q", 0), stamped.value("q", 0, 40))],
    }

    def judge(stored, first_offset=0):
        topic = Topic("", "forged")
        topic.acknowledged = {(0, i): ("p", i) for i in range(len(records))}
        for offset, (key, value) in enumerate(stored, first_offset):
            topic.accept(0, offset, key, value)

    judge(records)
    for what, stored in forged.items():
        try:
            judge(stored)
        except Lost:
            continue
        raise AssertionError(f"the judge did not notice {what}")
    try:
        judge(records[1:], first_offset=1)
    except Lost:
        return
    raise AssertionError("the judge did not notice a gap in the offsets")


class Harness:
    def __init__(self, server, seed):
        self.server = server
        self.admin = Admin(server)
        self.random = random.Random(seed)
        self.round = 0
        self.topic = None
        self.group = None
        self.runs = []
        self.totals = {"records": 0, "kills": 0}
        self.recoveries_s = []
        self._watermarks = {}

    def begin(self):
        """Nothing: a round that finds no topic makes one."""

    def run_round(self):
        self.round += 1
        if self.topic is None:
            name = f"crash-{self.round}"
            self.admin.create_topic(name, PARTITIONS, {"retention.ms": "-1"})
            self.topic, self._watermarks = Topic(self.server.bootstrap, name), {}
            self.group = Group(self.server.bootstrap, name)
        self.runs = [
            ProducerRun(f"{kind[0]}-{self.round}", self.server.bootstrap, self.topic.name, kind) for kind in PRODUCERS
        ]
        self._wait_for_traffic()
        for _ in range(self.random.choice([1, 1, 2])):
            self._wait(self.random.uniform(0.01, 1.5))
            self._crash()
        self._wait(self.random.uniform(0, 0.3))
        for run in self.runs:
            run.worker.finish()
            run.take()
            self.topic.acknowledge(run)
        ends = self._watch()
        checked = self.topic.read(ends)
        expect(checked == sum(len(run.acks) for run in self.runs), "as many records are there as were acknowledged")
        self.group.until(ends)
        self.totals["records"] += checked
        self._end_of_round(ends)
        return f"{checked} records checked, ready again after {self.recoveries_s[-1] * 1000:.0f} ms"

    def end(self):
        self.close_topic()
        slowest = f"slowest recovery {max(self.recoveries_s) * 1000:.0f} ms"
        return f"{self.totals['kills']} kills, {self.totals['records']} records, {slowest}"

    def after(self, directory):
        """Nothing more: the last round has read all there is."""

    def _end_of_round(self, ends):
        if self.round % ROUNDS_A_TOPIC == 0:
            self.close_topic(ends)
        elif self.round % 3 == 0:
            # Without new records its first commit would not come: it is seen in the next round.
            self.group.finish()
            self.group._start()

    def close_topic(self, ends=None):
        """Reads the whole topic once more, over all the crashes it has seen, and gives it up."""
        if self.topic is None:
            return
        self.topic.reread()
        self.topic.read(ends or self._watch())
        starts = self.admin.starts(self.topic.name)
        expect(set(starts.values()) == {0}, f"the topic begins at {starts}")
        self.group.expect_kept(self.admin)
        self.group.finish()
        self.topic = self.group = None

    def _wait_for_traffic(self):
        end = time.monotonic() + 90
        while not all(run.take() for run in self.runs):
            expect(time.monotonic() < end, f"no traffic: {[(run.name, len(run.acks)) for run in self.runs]}")
            for run in self.runs:
                run.worker.check_alive()
            time.sleep(0.005)

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for run in self.runs:
                run.take()
            self.group.take()
            time.sleep(min(0.02, max(0, end - time.monotonic())))

    def _watch(self):
        """The high watermarks now, none of which may be under what it was."""
        now = self.admin.ends(self.topic.name)
        for partition, offset in now.items():
            before = self._watermarks.get(partition, 0)
            expect(offset >= before, f"the high watermark of partition {partition} fell from {before} to {offset}")
        self._watermarks = now
        return now

    def _crash(self):
        self._watch()
        self.server.kill()
        self.totals["kills"] += 1
        for run in self.runs:
            run.take()
        self.group.take()
        acknowledged = {}
        for run in self.runs:
            for partition, offset in run.acks.values():
                acknowledged[partition] = max(acknowledged.get(partition, 0), offset + 1)
        if servers.TARGET == "tidegate" and self.random.random() < 0.3:
            self.server.start_and_kill(self.random.uniform(0, 0.05))
            self.totals["kills"] += 1
        begin = time.monotonic()
        self.server.start()
        self.recoveries_s.append(time.monotonic() - begin)
        now = self._watch()
        for partition, offset in acknowledged.items():
            expect(
                now[partition] >= offset,
                f"partition {partition} ends at {now[partition]}, acknowledged was up to {offset}",
            )
        self.group.expect_kept(self.admin)

    def kill_workers(self):
        for run in self.runs:
            run.worker.kill()
        if self.group:
            self.group.kill()


def main():
    check_the_judge()
    return rounds.run("crash", rounds.arguments(__doc__.splitlines()[0], 20).parse_args(), Harness)


if __name__ == "__main__":
    sys.exit(main())
