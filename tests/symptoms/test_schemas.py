"""Schemas that are not there, or not taken."""

import json
import struct
import time

import raw
import requests
from case import tidegate

VERSIONS = "/subjects/orders-value/versions"
RECORD = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}


def ask(case, gateway, method, path, schema=None):
    body = None if schema is None else {"schema": json.dumps(schema)}
    answer = requests.request(method, f"http://{gateway.registry}{path}", json=body, timeout=60)
    case.hears(answer.text)
    return answer


def test_schemas_not_found(symptom):
    """They were registered in a gateway that keeps nothing."""
    gateway = symptom.gateway("--storage", "memory", registry=True)
    assert ask(symptom, gateway, "POST", VERSIONS, RECORD).ok
    with symptom.produced(gateway):
        gateway.restart()
        assert ask(symptom, gateway, "GET", f"{VERSIONS}/1").status_code == 404


def test_two_registries(symptom):
    """Another one leads the group in which Confluent's registries elect their leader."""
    gateway = symptom.gateway(registry=True)
    assert ask(symptom, gateway, "POST", VERSIONS, RECORD).ok
    with raw.Connection(gateway.bootstrap) as other, symptom.produced(gateway):
        lead(other)
        assert not ask(symptom, gateway, "POST", "/subjects/parcels-value/versions", RECORD).ok


def lead(connection):
    """Joins as Confluent's registry does, alone and so as the leader, and takes the assignment."""

    def text(value):
        return struct.pack(">h", len(value)) + value.encode()

    def data(value):
        return struct.pack(">i", len(value)) + value

    me = {"host": "registry.example", "port": 8081, "master_eligibility": True, "scheme": "http", "version": 1}
    group = text("schema-registry")
    find_coordinator = 10
    end = time.monotonic() + 60
    while connection._call(find_coordinator, 0, group).take("h") != 0:
        assert time.monotonic() < end, "there is no coordinator"
        time.sleep(0.1)
    protocols = struct.pack(">i", 1) + text("v0") + data(json.dumps(me).encode())
    join_group, sync_group = 11, 14
    joined = connection._call(join_group, 1, group + struct.pack(">ii", 60_000, 60_000) + text("") + text("sr") + protocols)
    error, generation = joined.take("hi")
    assert error == 0, f"JoinGroup: Kafka's error {error}"
    joined.string(), joined.string()
    member = joined.string()
    assignment = json.dumps({"error": 0, "master": member, "master_identity": me, "version": 1}).encode()
    mine = struct.pack(">i", 1) + text(member) + data(assignment)
    synced = connection._call(sync_group, 0, group + struct.pack(">i", generation) + text(member) + mine)
    assert synced.take("h") == 0


def test_schema_incompatible(symptom):
    gateway = symptom.gateway(registry=True)
    assert ask(symptom, gateway, "POST", VERSIONS, RECORD).ok
    assert tidegate(gateway, "schema", "list").returncode == 0
    wider = RECORD | {"fields": [*RECORD["fields"], {"name": "price", "type": "double"}]}
    with symptom.produced(gateway):
        assert ask(symptom, gateway, "POST", VERSIONS, wider).status_code == 409
