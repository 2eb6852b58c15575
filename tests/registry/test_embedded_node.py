"""The registry clients of Node.js with the embedded registry, through the gateway's topics, and Python beside them."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from clients import CACHE

_DRIVER = Path(__file__).resolve().parent / "node" / "registry.js"
_TIMEOUT_S = 180
PERSON = {"name": "Ada", "born": 1815}
KINDS = ["avro", "json", "protobuf"]
LIBRARIES = ["confluent", "kafkajs"]


def node(*words):
    """The objects that the driver prints; fails with all that it said unless it exits with 0."""
    done = subprocess.run(
        ["node", _DRIVER, *words],
        env=os.environ | {"NODE_PATH": str(CACHE / "clients" / "node" / "node_modules")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def topic(embedded, name):
    """The beginning of three topics' names."""
    producer = Producer({"bootstrap.servers": embedded.bootstrap})
    # They are created at once when metadata is asked for.
    for kind in KINDS:
        producer.list_topics(f"{name}-{kind}", timeout=60)
    return name


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_one_process_writes_another_reads_and_python_too(library, embedded, fresh, topic):
    written = node(library, "write", embedded.url, embedded.bootstrap, topic)
    assert [one["kind"] for one in written] == KINDS
    read = node(library, "read", embedded.url, embedded.bootstrap, topic)
    assert {one["kind"]: one["value"] for one in read} == dict.fromkeys(KINDS, PERSON)

    data = {one["kind"]: base64.b64decode(one["data"]) for one in written}
    avro, js = (SerializationContext(f"{topic}-{kind}", MessageField.VALUE) for kind in ["avro", "json"])
    assert AvroDeserializer(fresh())(data["avro"], avro) == PERSON
    assert JSONDeserializer(None, schema_registry_client=fresh())(data["json"], js) == PERSON
    # Person is the second message of its file. kafkajs's client leaves the indexes out.
    assert data["protobuf"][5:].startswith(b"\x02\x02") == (library == "confluent")


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_python_writes_is_read(library, embedded, client, fresh, topic):
    node(library, "write", embedded.url, embedded.bootstrap, f"{topic}-first")
    producer = Producer({"bootstrap.servers": embedded.bootstrap})
    for kind, serializer in [("avro", AvroSerializer), ("json", JSONSerializer)]:
        text = fresh().get_latest_version(f"{topic}-first-{kind}-value").schema.schema_str
        arguments = (client, text) if kind == "avro" else (text, client)
        data = serializer(*arguments)(PERSON, SerializationContext(f"{topic}-{kind}", MessageField.VALUE))
        producer.produce(f"{topic}-{kind}", data)
    protobuf = node(library, "write", embedded.url, embedded.bootstrap, f"{topic}-third")[2]
    producer.produce(f"{topic}-protobuf", base64.b64decode(protobuf["data"]))
    assert producer.flush(60) == 0
    read = node(library, "read", embedded.url, embedded.bootstrap, topic)
    assert {one["kind"]: one["value"] for one in read} == dict.fromkeys(KINDS, PERSON)


def test_every_method_of_confluents_client_is_answered(embedded, name):
    lines = node("confluent", "client", embedded.url, name)
    said = {one["what"]: one.get("answer", one.get("refused")) for one in lines}
    schema_id = said["register"]
    schema = said["getSchemaMetadata"]["schema"]
    assert said["registerFullResponse"]["id"] == said["getId"] == schema_id
    assert said["getVersion"] == 1 and said["getAllVersions"] == [1]
    for what in ["getLatestSchemaMetadata", "getSchemaMetadata"]:
        assert (said[what]["id"], said[what]["version"], said[what]["subject"]) == (schema_id, 1, name)
    assert said["getByGuid"]["schema"] == said["getBySubjectAndId"]["schema"] == schema
    assert said["testCompatibility"] is False and said["testSubjectCompatibility"] is False
    assert said["register incompatible"] == [409, 40901]
    assert said["getCompatibility"] == [404, 40408]
    assert said["updateCompatibility"] == said["getCompatibility again"] == "NONE"
    config = {"compatibilityLevel": "FULL", "normalize": True, "compatibilityGroup": "major"}
    assert said["getConfig"] | config == said["getConfig"]
    assert said["getDefaultCompatibility"] == "BACKWARD"
    assert said["deleteSubjectVersion"] == 1 and said["deleteSubject permanent"] == [1]
    assert said["deleteSubject"] == [1] and said["getAllSubjects"] == []
