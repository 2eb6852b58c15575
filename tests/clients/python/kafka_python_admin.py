"""Administration through kafka-python."""

import json

from kafka import KafkaAdminClient
from kafka import errors
from kafka.admin import ConfigResource, ConfigResourceType, ConfigSourceType
from kafka.errors import BrokerResponseError

from driver_io import emit


def _create(client, options):
    spec = {
        "num_partitions": options.number("partitions", 1),
        "replication_factor": options.number("replication", 1),
        "configs": json.loads(options.get("configs", "{}")),
    }
    client.create_topics({options.required("topic"): spec}, validate_only=options.flag("validate-only"))
    return {}


def _describe(client, options):
    (topic,) = client.describe_topics([options.required("topic")])
    if topic["error_code"]:
        return {"error": topic["error_code"]}
    return {
        "partitions": [
            {"id": p["partition_index"], "leader": p["leader_id"], "replicas": p["replica_nodes"]}
            for p in topic["partitions"]
        ]
    }


def _configs(client, options):
    name = options.required("topic")
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    entries = client.describe_configs([resource], config_filter="all")["topic"][name]
    source = {n: ConfigSourceType[entry["config_source"]].value for n, entry in entries.items()}
    return {"configs": {n: [entry["value"], source[n]] for n, entry in entries.items()}}


def _group(client, options):
    name = options.required("group")
    group = client.describe_groups([name])[name]
    return {
        "state": group["group_state"].lower(),
        "protocol": group["protocol_data"],
        "members": [
            sorted(p for row in member["member_assignment"]["assigned_partitions"] for p in row["partitions"])
            for member in group["members"]
        ],
    }


def _committed(client, options):
    name = options.required("group")
    rows = client.list_group_offsets(name)[name]
    return {"offsets": {str(partition.partition): row.offset for partition, row in rows.items()}}


def _delete_topic(client, options):
    client.delete_topics([options.required("topic")])
    return {}


def _delete_group(client, options):
    name = options.required("group")
    verdict = client.delete_groups([name])[name]
    return {} if verdict == "OK" else {"error": getattr(errors, verdict).errno}


_QUESTIONS = {
    "create": _create,
    "topics": lambda client, _: {"topics": client.list_topics()},
    "describe": _describe,
    "configs": _configs,
    "delete": _delete_topic,
    "groups": lambda client, _: {"groups": [group["group_id"] for group in client.list_groups()]},
    "group": _group,
    "committed": _committed,
    "delete-group": _delete_group,
    "cluster": lambda client, _: {"brokers": [b["broker_id"] for b in client.describe_cluster()["brokers"]]},
}


def admin(options):
    client = KafkaAdminClient(bootstrap_servers=options.required("bootstrap"))
    try:
        emit(**_QUESTIONS[options.required("ask")](client, options))
    except BrokerResponseError as e:
        emit(error=e.errno)
    client.close()
