"""confluent-kafka's serializers and deserializers with the embedded registry, through the gateway's topics."""

import base64
import io
import json
import struct
import uuid

import fastavro
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    dual_schema_id_deserializer,
    header_schema_id_serializer,
    record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, timestamp_pb2

from registry_client import avro_record

VALUE = MessageField.VALUE

_JSON_PERSON = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "born": {"type": "integer"}},
    "required": ["name"],
}

# One file that imports another and a well-known one, with nested messages.
_FILES = [
    """
    name: "inner.proto" package: "test" syntax: "proto3"
    message_type { name: "Inner" field { name: "x" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 } }
    """,
    """
    name: "outer.proto" package: "test" syntax: "proto3"
    dependency: "inner.proto" dependency: "google/protobuf/timestamp.proto"
    message_type {
      name: "Outer"
      field { name: "inner" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".test.Inner" }
      field { name: "at" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" }
    }
    message_type {
      name: "Second"
      nested_type { name: "First" field { name: "y" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }
      nested_type {
        name: "Middle"
        nested_type { name: "Deep" field { name: "z" number: 1 label: LABEL_REPEATED type: TYPE_STRING } }
      }
    }
    """,
]


def _messages():
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    for text in _FILES:
        pool.AddSerializedFile(text_format.Parse(text, descriptor_pb2.FileDescriptorProto()).SerializeToString())
    names = ["test.Inner", "test.Outer", "test.Second", "test.Second.First", "test.Second.Middle.Deep"]
    return {one: message_factory.GetMessageClass(pool.FindMessageTypeByName(one)) for one in names}


MESSAGES = _messages()


@pytest.fixture
def travel(embedded, name):
    """Writes bytes and headers to a topic and gives back what a consumer reads of them."""
    producer = Producer({"bootstrap.servers": embedded.bootstrap})

    def go(value, headers=(), key=None):
        reports = []
        producer.produce(
            name, key=key, value=value, headers=list(headers), on_delivery=lambda error, at: reports.append((error, at))
        )
        assert producer.flush(60) == 0
        error, at = reports[0]
        assert error is None, error
        consumer = Consumer({"bootstrap.servers": embedded.bootstrap, "group.id": "none", "enable.auto.commit": False})
        consumer.assign([TopicPartition(name, at.partition(), at.offset())])
        try:
            message = consumer.poll(60)
            assert message is not None and message.error() is None
            return message
        finally:
            consumer.close()

    return go


def framed(data, schema_id):
    """The payload after the magic byte and the schema's id."""
    assert struct.unpack(">bI", data[:5]) == (0, schema_id)
    return data[5:]


# Avro


def test_avro_travels_with_its_id_and_fastavro_reads_it(client, fresh, name, travel):
    schema = avro_record("Person", "name", "town?")
    person = {"name": "Ada", "town": "London"}
    context = SerializationContext(name, VALUE)
    message = travel(AvroSerializer(client, schema.schema_str)(person, context))
    assert AvroDeserializer(fresh())(message.value(), context) == person

    latest = fresh().get_latest_version(f"{name}-value")
    payload = framed(message.value(), latest.schema_id)
    parsed = fastavro.parse_schema(json.loads(latest.schema.schema_str))
    assert fastavro.schemaless_reader(io.BytesIO(payload), parsed, None) == person


def test_avro_key_and_value_have_subjects_of_their_own(client, fresh, name, travel):
    key_context, value_context = SerializationContext(name, MessageField.KEY), SerializationContext(name, VALUE)
    key = AvroSerializer(client, '"string"')("k", key_context)
    value = AvroSerializer(client, '"long"')(7, value_context)
    message = travel(value, key=key)
    assert AvroDeserializer(fresh())(message.key(), key_context) == "k"
    assert AvroDeserializer(fresh())(message.value(), value_context) == 7
    assert sorted(client.get_subjects(subject_prefix=name)) == [f"{name}-key", f"{name}-value"]


def test_avro_reader_of_a_later_schema_fills_in_defaults(client, fresh, name, travel):
    context = SerializationContext(name, VALUE)
    old, new = avro_record("Person", "name"), avro_record("Person", "name", "town?")
    message = travel(AvroSerializer(client, old.schema_str)({"name": "Ada"}, context))
    client.register_schema(f"{name}-value", new)
    assert AvroDeserializer(fresh(), new.schema_str)(message.value(), context) == {"name": "Ada", "town": ""}
    latest = AvroDeserializer(fresh(), None, conf={"use.latest.version": True})
    assert latest(message.value(), context) == {"name": "Ada", "town": ""}


def test_avro_with_a_reference_is_written_and_read(client, fresh, name, travel):
    client.register_schema(f"{name}-inner", avro_record("Inner", "a"))
    fields = [{"name": "inner", "type": "Inner"}, {"name": "others", "type": {"type": "array", "items": "Inner"}}]
    outer = Schema(
        json.dumps({"type": "record", "name": "Outer", "fields": fields}),
        "AVRO",
        references=[SchemaReference("Inner", f"{name}-inner", 1)],
    )
    context = SerializationContext(name, VALUE)
    value = {"inner": {"a": "1"}, "others": [{"a": "2"}, {"a": "3"}]}
    message = travel(AvroSerializer(client, outer)(value, context))
    assert AvroDeserializer(fresh())(message.value(), context) == value
    found = fresh().get_latest_version(f"{name}-value")
    assert found.schema.references == outer.references
    assert client.get_referenced_by(f"{name}-inner", 1) == [found.schema_id]


def test_serializer_that_may_not_register_finds_what_is_registered(client, fresh, name):
    schema, context = avro_record("Person", "name"), SerializationContext(name, VALUE)
    conf = {"auto.register.schemas": False}
    with pytest.raises(Exception, match="40401"):
        AvroSerializer(fresh(), schema.schema_str, conf=conf)({"name": "Ada"}, context)
    schema_id = client.register_schema(f"{name}-value", schema)
    framed(AvroSerializer(fresh(), schema.schema_str, conf=conf)({"name": "Ada"}, context), schema_id)
    latest = AvroSerializer(fresh(), None, conf=conf | {"use.latest.version": True})
    framed(latest({"name": "Ada"}, context), schema_id)
    by_id = AvroSerializer(fresh(), None, conf=conf | {"use.schema.id": schema_id})
    framed(by_id({"name": "Ada"}, context), schema_id)


def test_serializer_finds_the_latest_schema_with_metadata(client, fresh, name):
    def schema(major):
        metadata = Metadata(tags=None, properties=MetadataProperties({"major": major}), sensitive=None)
        return Schema(avro_record("Person", "name").schema_str, "AVRO", metadata=metadata)

    ids = [client.register_schema(f"{name}-value", schema(major)) for major in "12"]
    conf = {"auto.register.schemas": False, "use.latest.with.metadata": {"major": "1"}}
    data = AvroSerializer(fresh(), None, conf=conf)({"name": "Ada"}, SerializationContext(name, VALUE))
    framed(data, ids[0])


def test_subject_may_be_named_after_the_record(client, fresh, name):
    record_name = name.replace("-", "_")
    conf = {"subject.name.strategy": record_subject_name_strategy}
    serializer = AvroSerializer(client, avro_record(record_name, "a").schema_str, conf=conf)
    serializer({"a": "1"}, SerializationContext(name, VALUE))
    assert fresh().get_versions(record_name) == [1]


def test_incompatible_schema_stops_the_serializer(client, fresh, name):
    context = SerializationContext(name, VALUE)
    AvroSerializer(client, avro_record("Person", "name").schema_str)({"name": "Ada"}, context)
    with pytest.raises(Exception, match="40901|incompatible"):
        AvroSerializer(fresh(), avro_record("Person", "age").schema_str)({"age": "1"}, context)


# Ids in headers


@pytest.mark.parametrize("kind", ["avro", "json", "protobuf"])
def test_guid_in_a_header_finds_the_schema(client, fresh, name, travel, kind):
    conf = {"schema.id.serializer": header_schema_id_serializer}
    back = {"schema.id.deserializer": dual_schema_id_deserializer}
    inner = MESSAGES["test.Inner"]
    serializer, deserializer, value = {
        "avro": lambda: (
            AvroSerializer(client, avro_record("Person", "name").schema_str, conf=conf),
            AvroDeserializer(fresh(), conf=back),
            # It takes no payload that is shorter than the frame that it does without.
            {"name": "Ada Lovelace"},
        ),
        "json": lambda: (
            JSONSerializer(json.dumps(_JSON_PERSON), client, conf=conf),
            JSONDeserializer(None, schema_registry_client=fresh(), conf=back),
            {"name": "Ada"},
        ),
        "protobuf": lambda: (
            ProtobufSerializer(inner, client, conf=conf),
            ProtobufDeserializer(inner, back, fresh()),
            inner(x=7),
        ),
    }[kind]()
    headers = []
    data = serializer(value, SerializationContext(name, VALUE, headers))
    message = travel(data, headers)
    (header,) = [content for key, content in message.headers() if key == "__value_schema_id"]
    guid = client.get_latest_version(f"{name}-value").guid
    assert header[:17] == b"\x01" + uuid.UUID(guid).bytes
    assert deserializer(message.value(), SerializationContext(name, VALUE, message.headers())) == value


# JSON Schema


def test_json_travels_with_its_id_and_is_validated(client, fresh, name, travel):
    context = SerializationContext(name, VALUE)
    serializer = JSONSerializer(json.dumps(_JSON_PERSON), client)
    person = {"name": "Ada", "born": 1815}
    message = travel(serializer(person, context))
    latest = fresh().get_latest_version(f"{name}-value")
    assert latest.schema.schema_type == "JSON"
    assert json.loads(framed(message.value(), latest.schema_id)) == person
    assert JSONDeserializer(None, schema_registry_client=fresh())(message.value(), context) == person
    with pytest.raises(SerializationError):
        serializer({"born": 1815}, context)


def test_json_with_references_is_written_and_read(client, fresh, name, travel):
    client.register_schema(f"{name}-person", Schema(json.dumps(_JSON_PERSON), "JSON"))
    couple = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"one": {"$ref": "person.json"}, "two": {"$ref": "person.json"}},
    }
    schema = Schema(json.dumps(couple), "JSON", references=[SchemaReference("person.json", f"{name}-person", 1)])
    context = SerializationContext(name, VALUE)
    value = {"one": {"name": "Ada"}, "two": {"name": "Charles"}}
    message = travel(JSONSerializer(schema, client)(value, context))
    assert JSONDeserializer(None, schema_registry_client=fresh())(message.value(), context) == value
    latest = fresh().get_latest_version(f"{name}-value")
    assert client.get_referenced_by(f"{name}-person", 1) == [latest.schema_id]
    with pytest.raises(SerializationError):
        JSONSerializer(schema, client)({"one": {"born": 1}}, context)


# Protobuf


@pytest.mark.parametrize(
    "message_name, fields, indexes",
    [
        ("test.Inner", {"x": 7}, b"\x00"),
        ("test.Second", {}, b"\x02\x02"),
        ("test.Second.First", {"y": "a"}, b"\x04\x02\x00"),
        ("test.Second.Middle.Deep", {"z": ["a", "b"]}, b"\x06\x02\x02\x00"),
    ],
)
def test_protobuf_travels_with_its_id_and_message_indexes(
    client, fresh, name, travel, message_name, fields, indexes
):
    context = SerializationContext(name, VALUE)
    kind = MESSAGES[message_name]
    value = kind(**fields)
    message = travel(ProtobufSerializer(kind, client)(value, context))
    latest = fresh().get_latest_version(f"{name}-value")
    assert latest.schema.schema_type == "PROTOBUF"
    assert framed(message.value(), latest.schema_id) == indexes + value.SerializeToString()
    assert ProtobufDeserializer(kind, None, fresh())(message.value(), context) == value


def test_protobuf_imports_become_references(client, fresh, name, travel):
    context = SerializationContext(name, VALUE)
    kind = MESSAGES["test.Outer"]
    value = kind(inner={"x": 7}, at={"seconds": 1})
    conf = {"reference.subject.name.strategy": lambda context, file: f"{context.topic}/{file.name}"}
    message = travel(ProtobufSerializer(kind, client, conf)(value, context))
    assert ProtobufDeserializer(kind, None, fresh())(message.value(), context) == value

    latest = fresh().get_latest_version(f"{name}-value")
    assert latest.schema.references == [SchemaReference("inner.proto", f"{name}/inner.proto", 1)]
    assert client.get_referenced_by(f"{name}/inner.proto", 1) == [latest.schema_id]
    assert fresh().get_latest_version(f"{name}/inner.proto").schema.schema_str == (
        'syntax = "proto3";\npackage test;\n\nmessage Inner {\n  int32 x = 1;\n}\n'
    )


def test_protobuf_is_given_back_as_text_or_as_a_serialized_descriptor(client, fresh, name):
    ProtobufSerializer(MESSAGES["test.Second"], client)(MESSAGES["test.Second"](), SerializationContext(name, VALUE))
    latest = fresh().get_latest_version(f"{name}-value")
    assert latest.schema.schema_str.startswith('syntax = "proto3";\npackage test;\n')
    serialized = fresh().get_schema(latest.schema_id, fmt="serialized")
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(serialized.schema_str))
    assert file.package == "test" and [message.name for message in file.message_type] == ["Outer", "Second"]
