"""Administration through confluent-kafka."""

import json

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from driver_io import emit


def _create(client, options):
    topic = NewTopic(
        options.required("topic"),
        options.number("partitions", 1),
        options.number("replication", 1),
        config=json.loads(options.get("configs", "{}")),
    )
    client.create_topics([topic], validate_only=options.flag("validate-only"))[topic.topic].result()
    return {}


def _describe(client, options):
    name = options.required("topic")
    described = client.describe_topics(TopicCollection([name]))[name].result()
    return {
        "partitions": [
            {"id": p.id, "leader": p.leader.id, "replicas": [node.id for node in p.replicas]}
            for p in described.partitions
        ]
    }


def _configs(client, options):
    resource = ConfigResource(ConfigResource.Type.TOPIC, options.required("topic"))
    entries = client.describe_configs([resource])[resource].result()
    return {"configs": {name: [entry.value, entry.source] for name, entry in entries.items()}}


def _group(client, options):
    name = options.required("group")
    group = client.describe_consumer_groups([name])[name].result()
    return {
        "state": group.state.name.lower(),
        "protocol": group.partition_assignor,
        "members": [
            sorted(row.partition for row in member.assignment.topic_partitions) for member in group.members
        ],
    }


def _committed(client, options):
    name = options.required("group")
    rows = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result()
    return {"offsets": {str(row.partition): row.offset for row in rows.topic_partitions}}


def _delete_topic(client, options):
    name = options.required("topic")
    client.delete_topics([name])[name].result()
    return {}


def _delete_group(client, options):
    name = options.required("group")
    client.delete_consumer_groups([name])[name].result()
    return {}


_QUESTIONS = {
    "create": _create,
    "topics": lambda client, _: {"topics": list(client.list_topics(timeout=60).topics)},
    "describe": _describe,
    "configs": _configs,
    "delete": _delete_topic,
    "groups": lambda client, _: {"groups": [g.group_id for g in client.list_consumer_groups().result().valid]},
    "group": _group,
    "committed": _committed,
    "delete-group": _delete_group,
    "cluster": lambda client, _: {"brokers": [node.id for node in client.describe_cluster().result().nodes]},
}


def admin(options):
    client = AdminClient({"bootstrap.servers": options.required("bootstrap")})
    try:
        emit(**_QUESTIONS[options.required("ask")](client, options))
    except KafkaException as e:
        emit(error=e.args[0].code())
