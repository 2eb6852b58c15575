"""Administration through four libraries: topics, configs and groups."""

import json
import uuid

import pytest

from clients import CLIENTS
from dataset import Record

LIBRARIES = ["confluent", "kafka-python", "franz", "sarama"]

# Kafka's error numbers
INVALID_TOPIC = 17
UNKNOWN_TOPIC = 3
TOPIC_EXISTS = 36
INVALID_PARTITIONS = 37
INVALID_REPLICATION_FACTOR = 38
INVALID_CONFIG = 40
NON_EMPTY_GROUP = 68
GROUP_NOT_FOUND = 69

# Where a config's value comes from
TOPIC_CONFIG = 1
DEFAULT_CONFIG = 5


class Library:
    """The admin client of one library, one question a call."""

    def __init__(self, name, bootstrap):
        self._client = CLIENTS[name]
        self._bootstrap = bootstrap

    def __call__(self, ask, **options):
        return self._client.run("admin", bootstrap=self._bootstrap, ask=ask, **options)[0]

    def create(self, topic, partitions=1, replication=1, configs=None, validate_only=False):
        return self(
            "create",
            topic=topic,
            partitions=partitions,
            replication=replication,
            configs=json.dumps(configs or {}),
            validate_only=str(validate_only).lower(),
        )


@pytest.fixture(params=LIBRARIES)
def ask(request, gateway):
    return Library(request.param, gateway.bootstrap)


@pytest.fixture
def topic():
    return f"admin-{uuid.uuid4().hex[:8]}"


def test_a_created_topic_is_listed_and_described(ask, topic):
    assert ask.create(topic, partitions=5) == {}
    assert topic in ask("topics")["topics"]
    (broker,) = ask("cluster")["brokers"]
    assert sorted(ask("describe", topic=topic)["partitions"], key=lambda p: p["id"]) == [
        {"id": i, "leader": broker, "replicas": [broker]} for i in range(5)
    ]


def test_a_topic_that_is_only_validated_does_not_come_to_be(ask, topic):
    assert ask.create(topic, validate_only=True) == {}
    assert topic not in ask("topics")["topics"]


def test_creating_a_topic_twice_returns_topic_already_exists(ask, topic):
    assert ask.create(topic) == {}
    assert ask.create(topic) == {"error": TOPIC_EXISTS}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"partitions": 0}, INVALID_PARTITIONS),
        ({"replication": 2}, INVALID_REPLICATION_FACTOR),
        ({"configs": {"retention.ms": "long"}}, INVALID_CONFIG),
        ({"configs": {"no.such.config": "1"}}, INVALID_CONFIG),
        ({"configs": {"cleanup.policy": "shred"}}, INVALID_CONFIG),
        ({"topic": "not a name"}, INVALID_TOPIC),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "-".join(map(str, value)),
)
def test_a_topic_that_cannot_be_is_refused_with_the_exact_error(gateway, topic, fields, error):
    ask = Library("kafka-python", gateway.bootstrap)
    assert ask.create(**({"topic": topic} | fields)) == {"error": error}
    assert topic not in ask("topics")["topics"]


def test_configs_come_with_their_values_and_sources(ask, topic):
    ask.create(topic, configs={"cleanup.policy": "compact", "retention.ms": "3600000"})
    configs = ask("configs", topic=topic)["configs"]
    assert configs["cleanup.policy"] == ["compact", TOPIC_CONFIG]
    assert configs["retention.ms"] == ["3600000", TOPIC_CONFIG]
    assert configs["retention.bytes"] == ["-1", DEFAULT_CONFIG]
    assert configs["min.insync.replicas"][0] == "1"
    # Kafka 4.3 has over thirty configs of topics; a client shows what it is given.
    assert len(configs) > 25


def test_a_deleted_topic_is_gone(ask, topic):
    ask.create(topic)
    assert ask("delete", topic=topic) == {}
    assert topic not in ask("topics")["topics"]
    assert ask("delete", topic=topic) == {"error": UNKNOWN_TOPIC}


def test_a_topic_deleted_and_created_again_begins_empty(gateway, ask, topic):
    ask.create(topic)
    CLIENTS["franz"].produce(gateway.bootstrap, topic, [Record(0, b"old", b"value")])
    ask("delete", topic=topic)
    ask.create(topic)
    assert CLIENTS["franz"].produce(gateway.bootstrap, topic, [Record(0, b"new", b"value")])[0]["offset"] == 0
    (record,) = CLIENTS["franz"].consume(gateway.bootstrap, topic, 1)
    assert record["key"] == "bmV3"


def test_a_group_is_described_while_it_lives_and_deleted_when_it_is_empty(gateway, ask, topic):
    group = f"group-of-{topic}"
    ask.create(topic, partitions=2)
    CLIENTS["franz"].produce(gateway.bootstrap, topic, [Record(p, b"key", b"value") for p in (0, 0, 1)])
    with CLIENTS["franz"].member(gateway.bootstrap, topic, group) as member:
        member.until_read([(0, 0), (0, 1), (1, 0)])
        member.commit()
        assert group in ask("groups")["groups"]
        assert ask("group", group=group) == {"state": "stable", "protocol": "range", "members": [[0, 1]]}
        assert ask("committed", group=group) == {"offsets": {"0": 2, "1": 1}}
        assert ask("delete-group", group=group) == {"error": NON_EMPTY_GROUP}
        member.close()
    assert ask("group", group=group)["state"] == "empty"
    assert ask("delete-group", group=group) == {}
    assert group not in ask("groups")["groups"]
    assert ask("delete-group", group=group) == {"error": GROUP_NOT_FOUND}
    assert ask("committed", group=group) == {"offsets": {}}
