"""The performance tools and the verifiable clients: what they count is what is there."""

import json
import re
import subprocess
import threading

import pytest
from test_console import consume, create


# What the options were called before 4.0.
OPTIONS = {
    "4.3.1": {"records": "--num-records", "settings": ["--command-property", "acks=all", "--command-property"]},
    "3.9.1": {"records": "--messages", "settings": ["--producer-props", "acks=all"]},
}


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_the_performance_tools_count_the_same_records(tools, name, codec):
    create(tools, name, 2)
    options = OPTIONS[tools.release]
    sizes = ["--num-records", 3000, "--record-size", 100, "--throughput", -1]
    command = ["kafka-producer-perf-test", "--topic", name, *sizes]
    *_, line = tools.out(*command, *options["settings"], f"compression.type={codec}")
    assert re.match(r"3000 records sent, [\d.]+ records/sec", line)
    ends = tools.out("kafka-get-offsets", "--topic", name)
    assert sum(int(end.split(":")[2]) for end in ends) == 3000
    limits = ["--topic", name, options["records"], 3000, "--timeout", 60000]
    heading, row = tools.out("kafka-consumer-perf-test", *limits)
    cells = dict(zip(heading.split(", "), row.split(", "), strict=True))
    assert cells["data.consumed.in.nMsg"] == "3000"
    assert cells["data.consumed.in.MB"] == f"{3000 * 100 / 1024 / 1024:.4f}"


def test_end_to_end_latency_is_measured_record_by_record(tools, name):
    arguments = {
        "4.3.1": ["--topic", name, "--num-records", 50, "--producer-acks", "all", "--record-size", 100],
        "3.9.1": [name, 50, "all", 100],
    }
    created, *_, average, percentiles = tools.out("kafka-e2e-latency", *arguments[tools.release])
    assert created == (
        f'Topic "{name}" does not exist. Will create topic with 1 partition(s) and replication factor = 1'
    )
    assert re.fullmatch(r"Avg latency: [\d.]+ ms", average)
    assert re.fullmatch(r"Percentiles: 50th = \d+, 99th = \d+, 99\.9th = \d+", percentiles)
    assert tools.out("kafka-get-offsets", "--topic", name) == [f"{name}:0:50"]


class Client:
    """A verifiable client: a process of its own that prints what it does, an object a line."""

    def __init__(self, tools, tool, *arguments):
        self.events = []
        self._changed = threading.Condition()
        self._process = tools.spawn(tool, *arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()

    def named(self, name):
        return [event for event in self.events if event["name"] == name]

    def wait_for(self, done, timeout_s=180):
        with self._changed:
            assert self._changed.wait_for(done, timeout_s), f"after {timeout_s} s: {self.events[-3:]}"

    def finish(self):
        """Waits until the client has ended by itself."""
        assert self._process.wait(180) == 0
        self._reader.join(10)

    def stop(self):
        """Asks the client to end; harmless if it has."""
        self._process.terminate()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(10)
            self._process.stdout.close()


@pytest.fixture
def start(tools):
    """Starts verifiable clients that do not outlive the test."""
    clients = []

    def start(*arguments):
        clients.append(Client(tools, *arguments))
        return clients[-1]

    yield start
    for client in clients:
        client.stop()


def test_verifiable_clients_lose_nothing_over_a_kill_of_the_server(tools, gateway, start, name):
    create(tools, name, 2)
    reader = start("kafka-verifiable-consumer", "--topic", name, "--group-id", name, "--verbose",
                   "--reset-policy", "earliest")
    # Else a slow start of the reader could miss the whole of the stream.
    reader.wait_for(lambda: reader.named("partitions_assigned"))
    writer = start("kafka-verifiable-producer", "--topic", name, "--max-messages", 2000, "--throughput", 200)
    # In the middle of both streams, the first of which lasts ten seconds.
    writer.wait_for(lambda: len(writer.named("producer_send_success")) >= 150)
    reader.wait_for(lambda: len(reader.named("record_data")) >= 150)
    before = len(writer.named("producer_send_success"))
    gateway.restart(hard=True)
    writer.finish()
    acknowledged = {(e["partition"], e["offset"]): e["value"] for e in writer.named("producer_send_success")}
    # The writer does not retry: it gives up what was on its way.
    assert len(acknowledged) + len(writer.named("producer_send_error")) == 2000
    assert before < len(acknowledged), "the kill came too late"
    ends = [int(end.split(":")[2]) for end in tools.out("kafka-get-offsets", "--topic", name)]

    def seen():
        return {(e["partition"], e["offset"]): e["value"] for e in reader.named("record_data")}

    # What was on its way at the kill may be there without having been acknowledged.
    reader.wait_for(lambda: len(seen()) >= sum(ends))
    reader.stop()
    read = seen()
    assert {place: read[place] for place in acknowledged} == acknowledged
    # Each offset holds one record for every reader, before the kill and after it.
    printed = [(e["partition"], e["offset"], e["value"]) for e in reader.named("record_data")]
    assert len(set(printed)) == len(read)
    assert len(printed) == len(read), "a record that was read was not committed"
    assert sum(ends) == len(read)
    # A group that begins anew finds the same.
    lines, _ = consume(tools, "--topic", name, "--from-beginning", "--max-messages", sum(ends),
                       shown=["partition", "offset"])
    again = [re.fullmatch(r"Partition:(\d+)\tOffset:(\d+)\t(.*)", line).groups() for line in lines]
    assert {(int(p), int(o)): value for p, o, value in again} == read
