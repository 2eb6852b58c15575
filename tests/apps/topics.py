"""Topics and groups as the tests of applications see them, through one client library."""

import collections
import socket
import struct
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec

_TIMEOUT_S = 120
_EARLIEST = {"auto.offset.reset": "earliest"}

Record = collections.namedtuple("Record", "partition offset key value headers timestamp")


def _settings(bootstrap):
    # A server that is killed is no news to a test that kills it.
    return {"bootstrap.servers": bootstrap, "log_level": 2}


def _admin(bootstrap):
    """A client that has to be kept until its answers are there."""
    return AdminClient(_settings(bootstrap))


def create(bootstrap, name, partitions, configs=None):
    config = {"retention.ms": "-1"} | (configs or {})
    topic = NewTopic(name, partitions, replication_factor=1, config=config)
    admin = _admin(bootstrap)
    admin.create_topics([topic])[name].result(_TIMEOUT_S)


def configs_of(bootstrap, topic):
    """The topic's configs, name to value."""
    admin = _admin(bootstrap)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    found = admin.describe_configs([resource])[resource].result(_TIMEOUT_S)
    return {name: entry.value for name, entry in found.items()}


def serves(gateway, key):
    """True if the server names requests of that key in its answer to ApiVersions."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=_TIMEOUT_S) as connection:
        # Key 18, version 0, correlation id 1, no client id.
        request = struct.pack(">hhih", 18, 0, 1, -1)
        connection.sendall(struct.pack(">i", len(request)) + request)
        stream = connection.makefile("rb")
        (length,) = struct.unpack(">i", stream.read(4))
        _, error, count = struct.unpack_from(">ihi", answer := stream.read(length))
    assert error == 0, f"ApiVersions: Kafka's error {error}"
    return key in (served for served, _, _ in struct.iter_unpack(">hhh", answer[10 : 10 + 6 * count]))


def partitions_of(bootstrap, topic):
    """How many partitions the topic has, 0 if there is no such topic."""
    found = _admin(bootstrap).list_topics(timeout=_TIMEOUT_S).topics.get(topic)
    return len(found.partitions) if found else 0


def produce(bootstrap, topic, records):
    """Writes (partition, key, value, headers), waits until all are acknowledged."""
    producer = Producer(_settings(bootstrap) | {"enable.idempotence": True, "linger.ms": 5})
    failed = []
    for partition, key, value, headers in records:
        producer.produce(
            topic,
            value,
            key,
            partition=partition,
            headers=headers,
            on_delivery=lambda error, _: error and failed.append(error),
        )
        producer.poll(0)
    assert producer.flush(_TIMEOUT_S) == 0 and not failed, failed[:3]


def committed(bootstrap, group):
    """The group's committed offsets, by (topic, partition)."""
    admin = _admin(bootstrap)
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    found = asked[group].result(_TIMEOUT_S).topic_partitions
    return {(one.topic, one.partition): one.offset for one in found if one.offset >= 0}


def ends(bootstrap, places):
    """The next offsets of (topic, partition)s."""
    admin = _admin(bootstrap)
    asked = admin.list_offsets({TopicPartition(*place): OffsetSpec.latest() for place in places})
    return {(at.topic, at.partition): one.result(_TIMEOUT_S).offset for at, one in asked.items()}


def consume_and_commit(bootstrap, group, topic, count):
    """Reads as a member of the group until `count` different keys have come, and commits. Returns the keys."""
    member = Consumer(_settings(bootstrap) | {"group.id": group, "enable.auto.commit": False} | _EARLIEST)
    member.subscribe([topic])
    keys = set()
    end = time.monotonic() + _TIMEOUT_S
    try:
        while len(keys) < count and time.monotonic() < end:
            keys |= {message.key() for message in member.consume(1000, 0.5) if message.error() is None}
        assert len(keys) >= count, f"{len(keys)} of {count} records of {topic} within {_TIMEOUT_S} s"
        member.commit(asynchronous=False)
    finally:
        member.close()
    return keys


class Follower:
    """Reads every partition of a topic from its beginning, whatever happens to the server meanwhile."""

    def __init__(self, bootstrap, topic, partitions):
        self._consumer = Consumer(
            _settings(bootstrap)
            | {
                "group.id": "follower",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "reconnect.backoff.max.ms": 500,
            }
        )
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
        self.records = []

    def poll(self, timeout_s=0.2):
        """Takes what has come; returns all there is so far."""
        for message in self._consumer.consume(1000, timeout_s):
            if message.error() is None:
                self.records.append(
                    Record(
                        message.partition(),
                        message.offset(),
                        message.key(),
                        message.value(),
                        message.headers() or [],
                        message.timestamp(),
                    )
                )
        return self.records

    def close(self):
        self._consumer.close()
