"""What administrators alter while it is in use, and that a kill -9 leaves it altered."""

import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from clients import CLIENTS
from dataset import Record

TIMEOUT_S = 60


def new_client(gateway):
    return AdminClient({"bootstrap.servers": gateway.bootstrap})


@pytest.fixture
def client(gateway):
    return new_client(gateway)


def alter(client, kind, name, operation, config, value=None):
    entry = ConfigEntry(config, value, incremental_operation=operation)
    resource = ConfigResource(kind, name, incremental_configs=[entry])
    client.incremental_alter_configs([resource])[resource].result(TIMEOUT_S)


def config(client, kind, name, config_name):
    resource = ConfigResource(kind, name)
    return client.describe_configs([resource])[resource].result(TIMEOUT_S)[config_name].value


def count(client, topic):
    return len(client.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)


@pytest.mark.parametrize("hard", [False, True], ids=["restart", "kill"])
def test_altered_configs_and_added_partitions_are_there_after_a_restart(gateway, client, new_topic, hard):
    topic = new_topic("alter", 1)

    alter(client, ResourceType.TOPIC, topic, AlterConfigOpType.SET, "retention.ms", "7200000")
    alter(client, ResourceType.TOPIC, topic, AlterConfigOpType.APPEND, "cleanup.policy", "compact")
    alter(client, ResourceType.BROKER, "1", AlterConfigOpType.SET, "log.segment.bytes", "2097152")
    client.create_partitions([NewPartitions(topic, 3)])[topic].result(TIMEOUT_S)
    records = [Record(p, b"key", b"value") for p in range(3)]
    CLIENTS["franz"].produce(gateway.bootstrap, topic, records)
    try:
        gateway.restart(hard=hard)
        # librdkafka forgets what it is asked before it has noticed that the old connection is gone.
        client = new_client(gateway)
        assert config(client, ResourceType.TOPIC, topic, "retention.ms") == "7200000"
        assert config(client, ResourceType.TOPIC, topic, "cleanup.policy") == "delete,compact"
        assert config(client, ResourceType.TOPIC, topic, "segment.bytes") == "2097152"
        assert config(client, ResourceType.BROKER, "1", "log.segment.bytes") == "2097152"
        assert count(client, topic) == 3
        read = CLIENTS["franz"].consume(gateway.bootstrap, topic, 3)
        assert sorted(record["partition"] for record in read) == [0, 1, 2]
    finally:
        alter(client, ResourceType.BROKER, "1", AlterConfigOpType.DELETE, "log.segment.bytes")
    alter(client, ResourceType.TOPIC, topic, AlterConfigOpType.DELETE, "cleanup.policy")
    assert config(client, ResourceType.TOPIC, topic, "cleanup.policy") == "delete"
    assert config(client, ResourceType.TOPIC, topic, "segment.bytes") == "1073741824"


def test_a_producer_at_work_sees_new_partitions_at_its_next_metadata_refresh(gateway, client, new_topic):
    topic = new_topic("grow", 1)
    producer = Producer({"bootstrap.servers": gateway.bootstrap, "topic.metadata.refresh.interval.ms": 200})
    told = []
    producer.produce(topic, b"first", on_delivery=lambda error, message: told.append((error, message.partition())))
    producer.flush(TIMEOUT_S)
    client.create_partitions([NewPartitions(topic, 8)])[topic].result(TIMEOUT_S)
    end = time.monotonic() + TIMEOUT_S
    while len({partition for _, partition in told}) < 2 and time.monotonic() < end:
        producer.produce(topic, b"v", on_delivery=lambda error, message: told.append((error, message.partition())))
        producer.flush(TIMEOUT_S)
        producer.poll(0.05)
    assert all(error is None for error, _ in told)
    assert len({partition for _, partition in told}) > 1
