"""The registry inside of the gateway, or, with REGISTRY=apicurio, Apicurio on a gateway in its place.

Apicurio cannot do all that Confluent's registry does, so that some tests fail with it. It shows that the others
can pass, and which can fail.
"""

import os
import time
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

import gateway as servers
from apicurio import Apicurio
from confluent_api import Api
from ten_schemas import Schema, canonical

KIND = os.environ.get("REGISTRY", "embedded")
TOPIC = "_schemas"
_READ_TIMEOUT_S = 90


class _OnGateway:
    """What a registry and the gateway below it are to a test: one server, with the gateway's log."""

    gateway: servers.Gateway

    @property
    def bootstrap(self) -> str:
        return self.gateway.bootstrap

    @property
    def log(self) -> Path:
        return self.gateway.log

    def log_tail(self) -> str:
        return self.gateway.log_tail()

    def restart(self, hard: bool = False) -> None:
        self.kill() if hard else self.terminate()
        self.start()


class Embedded(_OnGateway, Api):
    """A gateway with its registry, which start, stop and die together."""

    def __init__(self, directory: Path, arguments=(), kafka_settings=None):
        self.gateway = servers.new_gateway(directory, arguments, kafka_settings, registry=True)
        super().__init__(f"http://{self.gateway.registry}")

    def explain(self, what: str) -> str:
        return f"registry: {what}; the gateway's log ends\n{self.log_tail()}"

    def stored_text(self, schema: Schema) -> str:
        return canonical(schema)

    def start(self) -> None:
        self.gateway.start()

    def terminate(self) -> None:
        self.gateway.terminate()

    def kill(self) -> None:
        self.gateway.kill()


class ApicurioInItsPlace(_OnGateway, Apicurio):
    """A gateway, and Apicurio on it."""

    def __init__(self, directory: Path, arguments=(), kafka_settings=None):
        self.gateway = servers.new_gateway(directory, arguments, kafka_settings)
        super().__init__(self.gateway.bootstrap, directory / "registry.log")

    def start(self) -> None:
        self.gateway.start()
        super().start()

    def terminate(self) -> None:
        self.stop()
        self.gateway.terminate()

    def kill(self) -> None:
        self.stop()
        self.gateway.kill()


def new_registry(directory: Path, arguments=(), kafka_settings=None):
    """A registry of the kind that REGISTRY names, not started yet."""
    kind = {"embedded": Embedded, "apicurio": ApicurioInItsPlace}[KIND]
    return kind(directory, arguments, kafka_settings)


def schemas_topic(bootstrap: str) -> list[tuple[bytes, bytes | None]]:
    """Keys and values of all that `_schemas` holds, in their order."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False, "fetch.wait.max.ms": 20}
    )
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=60)
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        records, deadline = [], time.monotonic() + _READ_TIMEOUT_S
        while end > 0 and (not records or records[-1].offset() < end - 1):
            assert time.monotonic() < deadline, f"{len(records)} records were read, {TOPIC} ends at {end}"
            records += consumer.consume(1000, timeout=0.1)
            assert all(record.error() is None for record in records)
        return [(record.key(), record.value()) for record in records]
    finally:
        consumer.close()
