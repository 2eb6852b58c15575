"""Real clients that tell a case what they were told."""

import logging
import time

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

PATIENCE_S = 60
# What the library writes of connections that end with a test helps nobody.
_SILENT = logging.getLogger("librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def producer(gateway, **settings):
    config = {
        "bootstrap.servers": gateway.bootstrap,
        "linger.ms": 0,
        "message.timeout.ms": PATIENCE_S * 1000,
        # A gateway that is back is found soon, however long it was away.
        "reconnect.backoff.max.ms": 500,
    }
    return Producer(config | settings, logger=_SILENT)


def send(case, topic, count=1, value=b"an order", client=None, gateway=None, **settings):
    """Sends records, each awaited, and notes what their deliveries came to. Returns the producer."""
    client = client or producer(gateway, error_cb=case.hears, **settings)

    def delivered(error, _):
        if error is not None:
            case.hears(error)

    for _ in range(count):
        try:
            client.produce(topic, value, on_delivery=delivered)
            client.flush(PATIENCE_S)
        except KafkaException as error:
            case.hears(error)
    return client


def send_in_vain(case, topic, gateway, **settings):
    """Sends a record that does not get through, until the client has said what the guide says of it."""
    client = send(case, topic, gateway=gateway, **{"message.timeout.ms": 3000}, **settings)
    end = time.monotonic() + PATIENCE_S
    while case.is_unheard() and time.monotonic() < end:
        client.poll(0.2)


def create_topic(gateway, topic, partitions=1, **configs):
    client = AdminClient({"bootstrap.servers": gateway.bootstrap})
    config = {name.replace("_", "."): str(value) for name, value in configs.items()}
    for done in client.create_topics([NewTopic(topic, partitions, 1, config=config)]).values():
        done.result(PATIENCE_S)


def consumer(gateway, group="billing", **settings):
    config = {
        "bootstrap.servers": gateway.bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 30_000,
        "heartbeat.interval.ms": 500,
        "enable.auto.commit": False,
    }
    config |= {name.replace("_", "."): value for name, value in settings.items()}
    return Consumer(config, logger=_SILENT)


def read(case, client, count):
    """Polls until so many records have come; notes errors. Returns their offsets."""
    offsets = []
    end = time.monotonic() + PATIENCE_S
    while len(offsets) < count and time.monotonic() < end:
        message = client.poll(0.2)
        if message is None:
            continue
        if message.error():
            case.hears(message.error())
        else:
            offsets.append(message.offset())
    return offsets
