"""Consumers that stop, start again from elsewhere, or never come to rest."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from case import tidegate
from clients_under_trouble import consumer, create_topic, read, send
from confluent_kafka import KafkaException, TopicPartition

HERE = Path(__file__).resolve().parent
DAY_MS = 24 * 60 * 60 * 1000


def commit(case, client, offset, metadata=""):
    position = [TopicPartition("orders", 0, offset, metadata=metadata)]
    try:
        client.commit(offsets=position, asynchronous=False)
    except KafkaException as error:
        case.hears(error)


def with_orders(case, gateway, count=5):
    create_topic(gateway, "orders")
    send(case, "orders", count, gateway=gateway)


def joined(case, gateway, group="billing", count=1, **settings):
    """A member of the group, which has read so many records."""
    client = consumer(gateway, group, **settings)
    client.subscribe(["orders"])
    offsets = read(case, client, count)
    assert len(offsets) >= count, case.heard
    return client, offsets


def test_consumer_starts_over(symptom):
    """The offsets are in memory, and the gateway restarts."""
    gateway = symptom.gateway(variables={"TIDEGATE_OFFSETS": "memory"})
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway, count=5)
    commit(symptom, client, 5)
    client.close()
    gateway.restart()
    with symptom.produced(gateway):
        client, offsets = joined(symptom, gateway, count=5)
        assert offsets == [0, 1, 2, 3, 4]
        client.close()


def test_offsets_expired(symptom):
    gateway = symptom.gateway_with_faults(kafka={"offsets.retention.check.interval.ms": "1000"})
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway)
    commit(symptom, client, 1)
    client.close()
    with symptom.produced(gateway):
        symptom.faults.set(ahead_ms=8 * DAY_MS)


def test_clock_jumps(symptom):
    gateway = symptom.gateway_with_faults()
    with symptom.produced(gateway):
        symptom.faults.set(ahead_ms=DAY_MS)


def test_rebalance_loop(symptom):
    """Each record takes the member longer than max.poll.interval.ms."""
    gateway = symptom.gateway()
    with_orders(symptom, gateway)
    slow = {"max_poll_interval_ms": 9000, "session_timeout_ms": 9000}
    client, _ = joined(symptom, gateway, **slow)
    with symptom.produced(gateway):
        # Its library leaves the group for it.
        symptom.wait_for_log('cause="left"', gateway)
        read(symptom, client, 1)
    client.close()


def test_member_vanishes(symptom):
    """A consumer dies without a word; the rest waits for its session to end."""
    gateway = symptom.gateway()
    with_orders(symptom, gateway)
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]; from case import *; from types import SimpleNamespace as Some;"
        "from clients_under_trouble import consumer;"
        "c = consumer(Some(bootstrap=sys.argv[1]), session_timeout_ms=6000); c.subscribe(['orders']);"
        "print(c.poll(60).offset(), flush=True); import time; time.sleep(60)"
    )
    command = [sys.executable, "-c", code, gateway.bootstrap, "-", str(HERE), str(HERE.parent / "clients")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as dying:
        assert dying.stdout.readline()
        with symptom.produced(gateway):
            dying.kill()


def test_lag_never_falls(symptom):
    """The consumer reads everything and commits nothing."""
    gateway = symptom.gateway()
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway)
    commit(symptom, client, 1)
    client.close()
    with symptom.produced(gateway):
        client, offsets = joined(symptom, gateway, count=4)
        assert offsets == [1, 2, 3, 4]
    client.close()


def test_group_is_full(symptom):
    gateway = symptom.gateway(kafka={"group.max.size": "1"})
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway)
    with symptom.produced(gateway):
        second = consumer(gateway)
        second.subscribe(["orders"])
        second.poll(0)
        symptom.wait_for_log("GROUP_MAX_SIZE_REACHED", gateway)
        second.close()
    client.close()


def test_offset_out_of_range(symptom):
    """What the group would read next has been deleted."""
    gateway = symptom.gateway()
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway)
    commit(symptom, client, 1)
    client.close()
    deleted = tidegate(gateway, "topic", "delete-records", "orders", "--before", "4", "--execute")
    assert deleted.returncode == 0, deleted.stderr
    with symptom.produced(gateway):
        client, offsets = joined(symptom, gateway)
        assert offsets == [4]
        client.close()


def test_records_gone(symptom):
    gateway = symptom.gateway(kafka={"log.retention.check.interval.ms": "500"})
    create_topic(gateway, "orders", segment_bytes=1 << 20, retention_bytes=1)
    with symptom.produced(gateway):
        send(symptom, "orders", 3, b"x" * 900_000, gateway=gateway)


def test_metadata_too_large(symptom):
    gateway = symptom.gateway()
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway)
    with symptom.produced(gateway):
        commit(symptom, client, 1, metadata="x" * 5000)
    client.close()


def test_slow_commits(symptom):
    """The commit is an append, and the disk is slow."""
    gateway = symptom.gateway_with_faults()
    with_orders(symptom, gateway)
    client, _ = joined(symptom, gateway)
    with symptom.produced(gateway):
        symptom.faults.set(sync_ms=1500)
        begin = time.monotonic()
        commit(symptom, client, 1)
        assert time.monotonic() - begin > 1
    symptom.faults.set()
    client.close()


def test_filer_down(symptom):
    """Nobody listens where the filer should be."""
    with socket.socket() as held:
        # Bound, so that nobody else is given the port meanwhile, and not listening.
        held.bind(("127.0.0.1", 0))
        variables = {
            "TIDEGATE_OFFSETS": "filer",
            "TIDEGATE_FILER_URLS": f"http://127.0.0.1:{held.getsockname()[1]}",
            "TIDEGATE_FILER_REQUEST_TIMEOUT_MS": "1500",
        }
        gateway = symptom.gateway(variables=variables)
        with_orders(symptom, gateway)
        client = consumer(gateway)
        with symptom.produced(gateway):
            commit(symptom, client, 1)
        client.close()
