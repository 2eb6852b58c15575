"""`_schemas` as the embedded registry writes it: Confluent's records, byte by byte, as a Kafka consumer reads them."""

import json

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from embedded import TOPIC, schemas_topic

AVRO = '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}'
PROTOBUF = 'syntax = "proto3";\npackage p;\n\nmessage M {\n  string a = 1;\n}\n'
# What Jackson escapes in UTF-8 and what it leaves as it is: a control character, a slash, a letter, one beyond the BMP.
ODD = '{"type":"string","title":"\\u001f / ä 😀"}'


@pytest.fixture
def written(own_embedded):
    """Makes requests, and gives back the records that each of them wrote."""
    seen = 0

    def ask(method, path, body=None, **query):
        nonlocal seen
        own_embedded.ask(method, path, body, **query)
        records = schemas_topic(own_embedded.bootstrap)
        new, seen = records[seen:], len(records)
        return [(key.decode(), value if value is None else value.decode()) for key, value in new]

    return ask


def version_key(subject, version):
    return f'{{"keytype":"SCHEMA","subject":"{subject}","version":{version},"magic":1}}'


def subject_key(keytype, subject=None):
    named = "" if subject is None else f'"subject":"{subject}",'
    return f'{{"keytype":"{keytype}",{named}"magic":0}}'


def test_versions_are_written_deleted_and_taken_away(written):
    def value(version, schema_id, text, deleted="false"):
        head = f'{{"subject":"s","version":{version},"id":{schema_id},"schemaType":"AVRO",'
        return f'{head}"schema":{json.dumps(text)},"deleted":{deleted}}}'

    assert written("POST", "/subjects/s/versions", {"schema": AVRO}) == [(version_key("s", 1), value(1, 1, AVRO))]
    assert written("POST", "/subjects/s/versions", {"schema": AVRO}) == [], "it is known"
    two = AVRO.replace('"string"', '["null","string"]')
    assert written("POST", "/subjects/s/versions", {"schema": two}) == [(version_key("s", 2), value(2, 2, two))]
    assert written("DELETE", "/subjects/s/versions/1") == [(version_key("s", 1), value(1, 1, AVRO, "true"))]
    assert written("DELETE", "/subjects/s/versions/1", permanent="true") == [(version_key("s", 1), None)]
    assert written("DELETE", "/subjects/s") == [(subject_key("DELETE_SUBJECT", "s"), '{"subject":"s","version":2}')]
    assert written("DELETE", "/subjects/s", permanent="true") == [(version_key("s", 2), None)]


def test_json_and_protobuf_are_written_with_their_type_and_references(written):
    ((_, value),) = written("POST", "/subjects/j/versions", {"schemaType": "JSON", "schema": ODD})
    text = '"{\\"type\\":\\"string\\",\\"title\\":\\"\\\\u001F / ä \\uD83D\\uDE00\\"}"'
    assert value == f'{{"subject":"j","version":1,"id":1,"schemaType":"JSON","schema":{text},"deleted":false}}'

    written("POST", "/subjects/p/versions", {"schemaType": "PROTOBUF", "schema": PROTOBUF})
    outer = 'syntax = "proto3";\n\nimport "m.proto";\n\nmessage O {\n  p.M m = 1;\n}\n'
    references = [{"name": "m.proto", "subject": "p", "version": 1}]
    body = {"schemaType": "PROTOBUF", "schema": outer, "references": references}
    assert written("POST", "/subjects/o/versions", body) == [
        (
            version_key("o", 1),
            '{"subject":"o","version":1,"id":3,"schemaType":"PROTOBUF",'
            '"references":[{"name":"m.proto","subject":"p","version":1}],'
            f'"schema":{json.dumps(outer)},"deleted":false}}',
        )
    ]


def test_metadata_and_rules_are_written_in_confluents_order(written):
    rule = {"type": "CEL", "name": "r", "mode": "WRITE", "kind": "CONDITION", "expr": "true", "tags": ["b", "a"]}
    body = {
        "schema": '"string"',
        "metadata": {"properties": {"b": "2", "a": "1"}, "tags": {"t": ["y", "x"]}, "sensitive": ["b"]},
        "ruleSet": {"domainRules": [rule]},
    }
    ((_, value),) = written("POST", "/subjects/s/versions", body)
    assert value == (
        '{"subject":"s","version":1,"id":1,"schemaType":"AVRO",'
        '"metadata":{"tags":{"t":["x","y"]},"properties":{"a":"1","b":"2"},"sensitive":["b"]},'
        '"ruleSet":{"domainRules":[{"name":"r","kind":"CONDITION","mode":"WRITE","type":"CEL",'
        '"tags":["a","b"],"expr":"true","disabled":false}]},'
        '"schema":"\\"string\\"","deleted":false}'
    )


def test_configs_and_modes_are_written_with_and_without_a_subject(written):
    full = {"compatibility": "FULL"}
    assert written("PUT", "/config", full) == [(subject_key("CONFIG"), '{"compatibilityLevel":"FULL"}')]
    assert written("PUT", "/config/s", full | {"normalize": True}) == [
        (subject_key("CONFIG", "s"), '{"subject":"s","normalize":true,"compatibilityLevel":"FULL"}')
    ]
    assert written("DELETE", "/config/s") == [(subject_key("CONFIG", "s"), None)]
    assert written("DELETE", "/config") == [(subject_key("CONFIG"), None)]
    assert written("PUT", "/mode/s", {"mode": "READONLY"}) == [
        (subject_key("MODE", "s"), '{"subject":"s","mode":"READONLY"}')
    ]
    assert written("DELETE", "/mode/s") == [(subject_key("MODE", "s"), None)]
    assert written("PUT", "/mode", {"mode": "READWRITE"}) == [(subject_key("MODE"), '{"mode":"READWRITE"}')]


def test_the_first_schema_of_a_context_is_preceded_by_the_context(written):
    context, schema = written("POST", "/subjects/:.c:s/versions", {"schema": '"string"'})
    assert context == (
        '{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}',
        '{"tenant":"default","context":".c"}',
    )
    assert schema[0] == version_key(":.c:s", 1)
    assert [key for key, _ in written("POST", "/subjects/:.c:t/versions", {"schema": '"int"'})] == [
        version_key(":.c:t", 1)
    ]


def test_config_and_mode_go_with_the_last_version_of_their_subject(written):
    written("POST", "/subjects/s/versions", {"schema": AVRO})
    written("PUT", "/config/s", {"compatibility": "FULL"})
    assert [key for key, _ in written("DELETE", "/subjects/s")] == [subject_key("DELETE_SUBJECT", "s")]
    assert written("DELETE", "/subjects/s", permanent="true") == [
        (version_key("s", 1), None),
        (subject_key("CONFIG", "s"), None),
    ]


def test_a_schema_that_comes_back_takes_its_deleted_version_away(written):
    written("POST", "/subjects/s/versions", {"schema": AVRO})
    written("DELETE", "/subjects/s/versions/1")
    gone, back = written("POST", "/subjects/s/versions", {"schema": AVRO})
    assert gone == (version_key("s", 1), None)
    assert back[0] == version_key("s", 2) and json.loads(back[1])["id"] == 1


def test_topic_is_made_with_one_compacted_partition(own_embedded):
    admin = AdminClient({"bootstrap.servers": own_embedded.bootstrap})
    assert TOPIC not in admin.list_topics(timeout=60).topics, "there is nothing to keep yet"
    own_embedded.ask("POST", "/subjects/s/versions", {"schema": '"string"'})
    assert len(admin.list_topics(timeout=60).topics[TOPIC].partitions) == 1
    resource = ConfigResource(ResourceType.TOPIC, TOPIC)
    (described,) = admin.describe_configs([resource]).values()
    assert described.result(60)["cleanup.policy"].value == "compact"
