"""Clients that do not get through."""

import contextlib
import http.client
import resource
import socket

from clients_under_trouble import PATIENCE_S, create_topic, producer, send_in_vain
from confluent_kafka import KafkaException


def test_client_speaks_tls(symptom):
    gateway = symptom.gateway()
    with symptom.produced(gateway):
        send_in_vain(symptom, "orders", gateway, **{"security.protocol": "ssl"})


def test_not_kafka(symptom):
    gateway = symptom.gateway()
    with symptom.produced(gateway), contextlib.suppress(http.client.HTTPException, OSError):
        client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
        client.request("GET", "/health")
        client.getresponse()


def test_advertised_address_wrong(symptom):
    gateway = symptom.gateway("--advertise", "gateway.invalid:9092", start=False)
    with symptom.produced(gateway):
        gateway.start()
        send_in_vain(symptom, "orders", gateway)


def test_too_many_connections(symptom):
    gateway = symptom.gateway(kafka={"max.connections": "2"})
    with symptom.produced(gateway), contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(socket.create_connection(("127.0.0.1", gateway.port), PATIENCE_S))
        # The system takes connections for the gateway: it must see the third while two are still there.
        symptom.wait_for_log("too many connections", gateway)


def test_too_many_open_files(symptom):
    gateway = symptom.gateway()
    with symptom.produced(gateway):
        usual, most = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (20, most))
        # Those that are not accepted wait with the system, and hold nothing of the gateway's.
        held = [socket.create_connection(("127.0.0.1", gateway.port), PATIENCE_S) for _ in range(30)]
        symptom.wait_for_log("accept failed", gateway)
        for connection in held:
            connection.close()
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (usual, most))


def test_unsupported_request(symptom):
    gateway = symptom.gateway()
    create_topic(gateway, "orders")
    with symptom.produced(gateway):
        client = producer(gateway, **{"transactional.id": "orders-importer", "error_cb": symptom.hears})
        try:
            client.init_transactions(5)
        except KafkaException as error:
            symptom.hears(error)
