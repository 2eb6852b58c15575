"""The load test's ten schemas: five topics, one schema each for key and value.

The format goes by topic index modulo three: 0 and 3 Avro, 1 and 4 JSON Schema,
2 Protobuf. The same texts as in probe/src/Schemas.java.
"""

import json
from dataclasses import dataclass

_DRAFT = "http://json-schema.org/draft-07/schema#"

_FIELDS = {
    "id": "string",
    "timestamp": "long",
    "producer_id": "int",
    "counter": "long",
    "user_id": "string",
    "event_type": "string",
}

_JSON_TYPES = {"string": "string", "long": "integer", "int": "integer"}
_PROTOBUF_TYPES = {"string": "string", "long": "int64", "int": "int32"}


@dataclass(frozen=True)
class Schema:
    """A schema as a client registers it; `kind` is the registry's schemaType."""

    subject: str
    kind: str
    text: str


def _avro_value() -> str:
    fields = [{"name": name, "type": kind} for name, kind in _FIELDS.items()]
    fields.append({"name": "properties", "type": {"type": "map", "values": "string"}})
    record = {"type": "record", "name": "LoadTestMessage", "namespace": "loadtest", "fields": fields}
    return json.dumps(record)


def _json_value() -> str:
    properties: dict = {name: {"type": _JSON_TYPES[kind]} for name, kind in _FIELDS.items()}
    properties["properties"] = {"type": "object", "additionalProperties": {"type": "string"}}
    return json.dumps({"$schema": _DRAFT, "title": "LoadTestMessage", "type": "object", "properties": properties})


def _protobuf_value() -> str:
    lines = [f"  {_PROTOBUF_TYPES[kind]} {name} = {i};" for i, (name, kind) in enumerate(_FIELDS.items(), start=1)]
    lines.append(f"  map<string, string> properties = {len(_FIELDS) + 1};")
    body = "\n".join(lines)
    return f'syntax = "proto3";\npackage loadtest;\n\nmessage LoadTestMessage {{\n{body}\n}}\n'


_TEXTS = {
    ("AVRO", "key"): '"string"',
    ("AVRO", "value"): _avro_value(),
    ("JSON", "key"): json.dumps({"$schema": _DRAFT, "type": "string"}),
    ("JSON", "value"): _json_value(),
    ("PROTOBUF", "key"): 'syntax = "proto3";\npackage loadtest;\n\nmessage LoadTestKey {\n  string key = 1;\n}\n',
    ("PROTOBUF", "value"): _protobuf_value(),
}


def ten_schemas() -> list[Schema]:
    """All ten, in the order of their topics."""
    kinds = ["AVRO", "JSON", "PROTOBUF"]
    return [
        Schema(f"loadtest-topic-{topic}-{part}", kinds[topic % 3], _TEXTS[kinds[topic % 3], part])
        for topic in range(5)
        for part in ("key", "value")
    ]


def numbered_schema(number: int) -> Schema:
    """An Avro schema of its own for each `number`, so that each gets an id of its own."""
    record = {"type": "record", "name": f"Numbered{number}", "fields": [{"name": "x", "type": "long"}]}
    return Schema(f"numbered-{number}-value", "AVRO", json.dumps(record))


def canonical(schema: Schema) -> str:
    """The text that Confluent's registry keeps for one of these schemas: JSON without a space too many.

    The Protobuf files above are written as its printer writes them.
    """
    return schema.text if schema.kind == "PROTOBUF" else json.dumps(json.loads(schema.text), separators=(",", ":"))
