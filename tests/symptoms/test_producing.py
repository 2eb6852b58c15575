"""Records that are not taken, or late."""

import shutil
import time

import raw
from case import tidegate
from clients_under_trouble import PATIENCE_S, create_topic, producer, send
from confluent_kafka import KafkaError


def test_message_too_large(symptom):
    gateway = symptom.gateway()
    create_topic(gateway, "orders", max_message_bytes=1000)
    with symptom.produced(gateway):
        send(symptom, "orders", value=b"x" * 5000, gateway=gateway)


def test_out_of_order_sequence(symptom):
    """The directory goes back to a copy while the producer lives."""
    gateway = symptom.gateway()
    create_topic(gateway, "orders")
    client = producer(gateway, **{"enable.idempotence": True, "error_cb": symptom.hears})
    send(symptom, "orders", 3, client=client)
    gateway.terminate()
    data, copy = gateway.directory / "data", gateway.directory / "copy"
    shutil.copytree(data, copy)
    gateway.start()
    send(symptom, "orders", 3, client=client)
    gateway.terminate()
    shutil.rmtree(data)
    copy.rename(data)
    gateway.start()
    with symptom.produced(gateway):
        send(symptom, "orders", 1, client=client)


def test_producer_fenced(symptom):
    gateway = symptom.gateway()
    create_topic(gateway, "orders")
    with symptom.produced(gateway), raw.Connection(gateway.bootstrap) as connection:
        for epoch in (1, 0):
            answer = connection.produce("orders", raw.Batch(producer=(4711, epoch, 0)))
            symptom.hears(KafkaError(answer.error))


def test_topic_by_typo(symptom):
    gateway = symptom.gateway()
    with symptom.produced(gateway):
        send(symptom, "ordres", gateway=gateway)


def test_disk_full(symptom):
    gateway = symptom.gateway_with_faults()
    create_topic(gateway, "orders")
    send(symptom, "orders", gateway=gateway)
    with symptom.produced(gateway):
        symptom.faults.set(full=1)
        end = time.monotonic() + PATIENCE_S
        while symptom.is_unheard() and time.monotonic() < end:
            send(symptom, "orders", value=b"x" * 900_000, gateway=gateway, **{"retries": 0})
    symptom.faults.set()
    symptom.wait_for_log("space is back", gateway)
    symptom.heard.clear()
    send(symptom, "orders", gateway=gateway)
    assert not symptom.heard


def test_slow_disk(symptom):
    gateway = symptom.gateway_with_faults()
    create_topic(gateway, "orders")
    with symptom.produced(gateway):
        symptom.faults.set(sync_ms=1200)
        send(symptom, "orders", 2, gateway=gateway)
    symptom.faults.set()


def test_quota_throttles(symptom):
    gateway = symptom.gateway()
    create_topic(gateway, "orders")
    quota = ["quota", "set", "--client-id", "orders-importer", "producer_byte_rate=500"]
    assert tidegate(gateway, *quota).returncode == 0
    with symptom.produced(gateway):
        settings = {"client.id": "orders-importer", "throttle_cb": lambda event: symptom.hears(f"throttle {event}")}
        client = send(symptom, "orders", 7, b"x" * 1000, gateway=gateway, **settings)
        client.poll(1)
