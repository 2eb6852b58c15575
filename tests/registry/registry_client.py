"""What the tests of confluent-kafka's SchemaRegistryClient share."""

import json

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryError


def avro_record(record_name, *fields):
    """An Avro record; a field with `?` at its end has a default."""
    of = [
        {"name": field.rstrip("?"), "type": "string"} | ({"default": ""} if field.endswith("?") else {})
        for field in fields
    ]
    return Schema(json.dumps({"type": "record", "name": record_name, "fields": of}), "AVRO")


def compact(text):
    return json.dumps(json.loads(text), separators=(",", ":"))


def refusal(function, *arguments, **named):
    """HTTP status and error code of a call that must be refused."""
    with pytest.raises(SchemaRegistryError) as refused:
        function(*arguments, **named)
    assert refused.value.error_message
    return refused.value.http_status_code, refused.value.error_code
