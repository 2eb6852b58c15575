"""What docs/operations.md says of copies of a data directory."""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import gateway as servers
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

PATIENCE_S = 60


def producer(server):
    return Producer({"bootstrap.servers": server.bootstrap, "enable.idempotence": True, "linger.ms": 1})


def values(server, topic):
    """All records of the topic's one partition."""
    client = Consumer({"bootstrap.servers": server.bootstrap, "group.id": "reader", "enable.auto.commit": False})
    partition = TopicPartition(topic, 0, 0)
    client.assign([partition])
    _, end = client.get_watermark_offsets(partition, PATIENCE_S)
    found, deadline = [], time.monotonic() + PATIENCE_S
    while len(found) < end and time.monotonic() < deadline:
        more = [message.value() for message in client.consume(1000, 0.5) if not message.error()]
        found += more
        # However many there are: only silence is an end.
        deadline = time.monotonic() + PATIENCE_S if more else deadline
    client.close()
    return found


def commit(server, topic, offset):
    client = Consumer({"bootstrap.servers": server.bootstrap, "group.id": "billing", "enable.auto.commit": False})
    client.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    client.close()


def committed(server, topic):
    client = Consumer({"bootstrap.servers": server.bootstrap, "group.id": "billing"})
    (found,) = client.committed([TopicPartition(topic, 0)], PATIENCE_S)
    client.close()
    return found.offset


def copy_of(server, directory):
    """Another machine's gateway on a copy of the data, with ports of its own."""
    copy = servers.Tidegate(directory, registry=True)
    shutil.copytree(server.directory / "data", directory / "data")
    return copy


def test_a_copy_of_a_stopped_gateway_has_all_on_another_machine(tmp_path):
    server = servers.Tidegate(tmp_path / "old", registry=True)
    server.start()
    client = producer(server)
    for number in range(100):
        client.produce("orders", str(number))
    assert client.flush(PATIENCE_S) == 0
    commit(server, "orders", 42)
    subject = "/subjects/orders-value/versions"
    requests.post(f"http://{server.registry}{subject}", json={"schema": '"string"'}, timeout=PATIENCE_S).raise_for_status()
    server.terminate()
    copy = copy_of(server, tmp_path / "new")
    copy.start()
    try:
        assert values(copy, "orders") == [str(number).encode() for number in range(100)]
        assert committed(copy, "orders") == 42
        assert requests.get(f"http://{copy.registry}{subject}/1", timeout=PATIENCE_S).json()["schema"] == '"string"'
        id_of = [(side / "data" / "cluster_id").read_text() for side in (tmp_path / "old", tmp_path / "new")]
        assert id_of[0] == id_of[1]
    finally:
        copy.terminate()
    inspect = [os.environ["TIDEGATE_BIN"], "inspect", "--data-dir", tmp_path / "new" / "data"]
    assert subprocess.run(inspect, capture_output=True, check=False).returncode == 0


def pause(pid):
    """Stops the process, and returns when each of its threads stands still."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + PATIENCE_S
    while not stands_still(pid):
        assert time.monotonic() < end, "the process did not stand still"
        time.sleep(0.01)


def stands_still(pid):
    try:
        states = [(task / "stat").read_text().rsplit(") ", 1)[1][0] for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        # A thread ended between the list and the look at it.
        return False
    return set(states) == {"T"}


def test_a_copy_of_a_paused_gateway_has_all_that_was_acknowledged(tmp_path):
    server = servers.Tidegate(tmp_path / "running", ["--sync", "always"])
    server.start()
    client, acknowledged, done = producer(server), [], threading.Event()

    def delivered(error, message):
        if error is None:
            acknowledged.append(message.value())

    def load():
        number = 0
        while not done.is_set():
            client.produce("orders", b"%d" % number, on_delivery=delivered)
            client.poll(0)
            number += 1
            if len(client) > 500:
                client.poll(0.01)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for enough in (1000, 5000):
            end = time.monotonic() + PATIENCE_S
            while len(acknowledged) < enough:
                assert time.monotonic() < end, "the load does not go on"
                time.sleep(0.01)
            safe = len(acknowledged)
            pause(server.pid)
            try:
                copy = copy_of(server, tmp_path / f"copy-{enough}")
            finally:
                os.kill(server.pid, signal.SIGCONT)
            copy.start()
            try:
                found = values(copy, "orders")
            finally:
                copy.terminate()
                shutil.rmtree(copy.directory)
            assert found[:safe] == acknowledged[:safe]
    finally:
        done.set()
        thread.join()
        client.flush(PATIENCE_S)
        server.terminate()
