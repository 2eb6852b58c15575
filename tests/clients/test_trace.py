"""What real clients do, as `tidegate trace` shows it while it happens and `tidegate inspect` afterwards."""

import json
import os
import queue
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

import gateway as servers

pytestmark = pytest.mark.skipif(servers.TARGET != "tidegate", reason="only Tidegate has these commands")

TIMEOUT_S = 90
RECORDS = 30


class Trace:
    """A running `tidegate trace`; its lines are kept as they come."""

    def __init__(self, gateway, *arguments):
        words = [os.environ["TIDEGATE_BIN"], "trace", "--json", "--admin", f"http://{gateway.admin}", *arguments]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr.readline().startswith("tracing ")
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def find(self, wanted):
        """The next line of which `wanted` is true."""
        end = time.monotonic() + TIMEOUT_S
        seen = []
        while time.monotonic() < end:
            try:
                line = self._lines.get(timeout=1)
            except queue.Empty:
                continue
            if wanted(line):
                return line
            seen.append(line)
        pytest.fail(f"no such line among {json.dumps(seen)[:4000]}")

    def api(self, name):
        return self.find(lambda line: line["api"] == name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()


def inspected(gateway, *arguments):
    data = str(gateway.directory / "data")
    words = [os.environ["TIDEGATE_BIN"], "inspect", *arguments, "--json", "--data-dir", data]
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def create(gateway, topic):
    words = [os.environ["TIDEGATE_BIN"], "topic", "create", topic, "--partitions", "1"]
    subprocess.run([*words, "--bootstrap", gateway.bootstrap], check=True, timeout=TIMEOUT_S)


def produce(gateway, topic):
    producer = Producer(
        {"bootstrap.servers": gateway.bootstrap, "client.id": "till", "enable.idempotence": True, "linger.ms": 100}
    )
    for number in range(RECORDS):
        producer.produce(topic, f"v{number}".encode(), partition=0)
    assert producer.flush(TIMEOUT_S) == 0


def read(consumer, count):
    seen = []
    end = time.monotonic() + TIMEOUT_S
    while len(seen) < count and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            seen.append(message)
    assert len(seen) == count
    return seen


def consumer_of(gateway, group):
    return Consumer(
        {
            "bootstrap.servers": gateway.bootstrap,
            "client.id": "books",
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )


def test_a_trace_of_a_topic_shows_its_batches_on_their_way_in_and_out(own_gateway):
    create(own_gateway, "orders")
    create(own_gateway, "other")
    with Trace(own_gateway, "--topic", "orders", "--api", "Produce", "--api", "Fetch") as trace:
        produce(own_gateway, "other")
        produce(own_gateway, "orders")
        line = trace.api("Produce")
        assert line["client_id"] == "till"
        (sent,) = line["request"]["TopicData"]
        assert sent.get("Name", sent.get("TopicName")) == "orders"
        (batch, *_) = sent["PartitionData"][0]["Records"]["batches"]
        assert batch["records"] > 0 and batch["producer_id"] >= 0 and batch["base_sequence"] == 0
        assert line["response"]["Responses"][0]["PartitionResponses"][0]["BaseOffset"] == 0

        consumer = consumer_of(own_gateway, "billing")
        consumer.assign([TopicPartition("orders", 0, 0)])
        read(consumer, RECORDS)

        def answered(line):
            rows = [row for topic in line["response"]["Responses"] for row in topic["Partitions"]]
            return sum(batch["records"] for row in rows for batch in (row["Records"] or {}).get("batches", []))

        fetch = trace.find(lambda line: line["api"] == "Fetch" and answered(line))
        assert {"topic": "orders", "partition": 0, "fetch_offset": 0} in fetch["asked"]
        # A session's later fetches name no topic at all, and are found by what is in the session.
        trace.find(lambda line: line["api"] == "Fetch" and line["asked"][0]["fetch_offset"] == RECORDS)
        consumer.close()


def test_a_trace_of_a_group_shows_where_it_began_and_what_it_committed(own_gateway):
    create(own_gateway, "orders")
    produce(own_gateway, "orders")
    with Trace(own_gateway, "--group", "billing") as trace:
        consumer = consumer_of(own_gateway, "billing")
        consumer.subscribe(["orders"])
        read(consumer, RECORDS)
        consumer.commit(asynchronous=False)
        assert trace.api("JoinGroup")["client_id"] == "books"
        trace.api("SyncGroup")
        fetched = json.dumps(trace.api("OffsetFetch")["response"])
        assert '"CommittedOffset": -1' in fetched
        committed = trace.api("OffsetCommit")
        assert committed["errors"] == []
        (partition,) = committed["request"]["Topics"][0]["Partitions"]
        assert partition["CommittedOffset"] == RECORDS
        consumer.close()
        assert trace.api("LeaveGroup")["errors"] == []
    own_gateway.terminate()
    (offset,) = inspected(own_gateway, "offsets", "--group", "billing")
    assert (offset["topic"], offset["partition"], offset["committed_offset"]) == ("orders", 0, RECORDS)
    (group,) = inspected(own_gateway, "groups")
    assert (group["group"], group["state"], group["offsets"]) == ("billing", "Empty", 1)
    own_gateway.start()


def test_producers_and_records_are_inspected_after_a_kill(own_gateway):
    create(own_gateway, "orders")
    produce(own_gateway, "orders")
    own_gateway.kill()
    (producer,) = inspected(own_gateway, "producers", "--topic", "orders")
    assert (producer["partition"], producer["last_sequence"]) == (0, RECORDS - 1)
    batches = inspected(own_gateway, "log", "--topic", "orders")
    assert sum(batch["records"] for batch in batches) == RECORDS
    records = inspected(own_gateway, "log", "--topic", "orders", "--records", "--from", "28")
    assert [(record["offset"], record["value"]) for record in records] == [(28, "v28"), (29, "v29")]
    own_gateway.start()
