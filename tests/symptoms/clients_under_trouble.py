"""Real clients with little patience, which tell a case what they were told."""

import logging
import time

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

PATIENCE_S = 20
# What the library writes of connections that end with a test helps nobody.
_SILENT = logging.getLogger("librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def producer(gateway, **settings):
    config = {"bootstrap.servers": gateway.bootstrap, "linger.ms": 0, "message.timeout.ms": 3000}
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
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "enable.auto.commit": False,
    }
    config |= {name.replace("_", "."): value for name, value in settings.items()}
    return Consumer(config, logger=_SILENT)


def read(case, client, count, within_s=PATIENCE_S):
    """Polls until so many records have come; notes errors. Returns their offsets."""
    offsets = []
    end = time.monotonic() + within_s
    while len(offsets) < count and time.monotonic() < end:
        message = client.poll(0.2)
        if message is None:
            continue
        if message.error():
            case.hears(message.error())
        else:
            offsets.append(message.offset())
    return offsets
