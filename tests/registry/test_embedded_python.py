"""Every method of confluent-kafka's SchemaRegistryClient, on the embedded registry."""

import json
import uuid

import pytest
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
)

from registry_client import avro_record as record
from registry_client import compact, refusal


# Registering and finding


def test_registered_schema_is_found_by_id_guid_version_and_text(client, fresh, name):
    schema = record(name.replace("-", "_"), "a")
    registered = client.register_schema_full_response(name, schema)
    assert registered.schema_id > 0 and registered.version == 1
    assert uuid.UUID(registered.guid)
    assert client.register_schema(name, schema) == registered.schema_id
    assert fresh().register_schema(name, schema) == registered.schema_id

    by_id = fresh().get_schema(registered.schema_id)
    assert by_id.schema_str == compact(schema.schema_str) and by_id.schema_type == "AVRO"
    assert fresh().get_schema(registered.schema_id, subject_name=name).schema_str == by_id.schema_str
    assert fresh().get_schema_by_guid(registered.guid).schema_str == by_id.schema_str

    for found in [
        fresh().get_version(name, 1),
        fresh().get_version(name),
        fresh().get_latest_version(name),
        fresh().lookup_schema(name, schema),
    ]:
        assert (found.subject, found.version) == (name, 1)
        assert (found.schema_id, found.guid) == (registered.schema_id, registered.guid)
        assert compact(found.schema.schema_str) == by_id.schema_str


def test_one_schema_under_two_subjects_has_one_id_and_both_subjects(client, name):
    schema = record(name.replace("-", "_"), "a")
    one, two = f"{name}-1", f"{name}-2"
    schema_id = client.register_schema(one, schema)
    assert client.register_schema(two, schema) == schema_id
    assert sorted(client.get_subjects_by_schema_id(schema_id)) == [one, two]
    # A subject says in which context to look; it filters nothing.
    assert sorted(client.get_subjects_by_schema_id(schema_id, subject_name=two)) == [one, two]
    assert client.get_subjects_by_schema_id(schema_id, limit=1, offset=1) in ([one], [two])
    versions = client.get_schema_versions(schema_id)
    assert sorted((version.subject, version.version) for version in versions) == [(one, 1), (two, 1)]
    assert len(client.get_schema_versions(schema_id, limit=1)) == 1


def test_unknown_ids_subjects_and_versions_are_refused_with_their_codes(client, name):
    assert refusal(client.get_schema, 2_000_000_000) == (404, 40403)
    assert refusal(client.get_schema_by_guid, str(uuid.uuid4())) == (404, 40403)
    assert refusal(client.get_subjects_by_schema_id, 2_000_000_000) == (404, 40403)
    assert refusal(client.get_latest_version, name) == (404, 40401)
    assert refusal(client.get_versions, name) == (404, 40401)
    assert refusal(client.lookup_schema, name, record("R", "a")) == (404, 40401)
    assert refusal(client.delete_subject, name) == (404, 40401)
    client.register_schema(name, record("R", "a"))
    assert refusal(client.get_version, name, 9) == (404, 40402)
    assert refusal(client.delete_version, name, 9) == (404, 40402)
    assert refusal(client.get_version, name, "first") == (422, 42202)
    assert refusal(client.lookup_schema, name, record("R", "b")) == (404, 40403)


@pytest.mark.parametrize(
    "schema",
    [
        Schema('{"type": "record"}', "AVRO"),
        Schema("{", "AVRO"),
        Schema('{"type": 7}', "JSON"),
        Schema('syntax = "proto3"; message {', "PROTOBUF"),
        Schema('syntax = "proto3"; message M { Unknown u = 1; }', "PROTOBUF"),
        Schema("{}", "THRIFT"),
    ],
    ids=["avro", "avro-json", "json", "protobuf", "protobuf-name", "type"],
)
def test_what_is_no_schema_is_refused_as_invalid(client, name, schema):
    assert refusal(client.register_schema, name, schema) == (422, 42201)
    assert name not in client.get_subjects()


def test_schema_larger_than_a_record_may_be_is_refused(client, name):
    doc = "x" * 2_000_000
    large = Schema(json.dumps({"type": "record", "name": "R", "fields": [], "doc": doc}), "AVRO")
    assert refusal(client.register_schema, name, large) == (422, 42209)
    assert client.register_schema(name, record("R", "a")) > 0


def test_schema_types_are_the_three(client):
    assert sorted(client.get_schema_types()) == ["AVRO", "JSON", "PROTOBUF"]


def test_subjects_are_listed_by_prefix_page_and_deletion(client, name):
    subjects = [f"{name}-{letter}" for letter in "abc"]
    for subject in subjects:
        client.register_schema(subject, record("R", "a"))
    assert sorted(client.get_subjects(subject_prefix=name)) == subjects
    assert len(client.get_subjects(subject_prefix=name, offset=1, limit=1)) == 1
    assert client.delete_subject(subjects[0]) == [1]
    assert sorted(client.get_subjects(subject_prefix=name)) == subjects[1:]
    assert sorted(client.get_subjects(subject_prefix=name, deleted=True)) == subjects


# Deleting


def test_soft_deleted_version_is_hidden_and_comes_back_when_registered_again(client, fresh, name):
    first, second = record("R", "a"), record("R", "a", "b?")
    schema_id = client.register_schema(name, first)
    client.register_schema(name, second)
    assert client.get_versions(name) == [1, 2]
    assert client.delete_version(name, 1) == 1
    assert client.get_versions(name) == [2]
    assert client.get_versions(name, deleted=True) == [1, 2]
    assert refusal(fresh().get_version, name, 1) == (404, 40402)
    assert fresh().get_version(name, 1, deleted=True).schema_id == schema_id
    # What has been written can be read on.
    assert fresh().get_schema(schema_id).schema_str == compact(first.schema_str)
    assert refusal(client.delete_version, name, 1) == (404, 40406)
    assert fresh().register_schema_full_response(name, first).schema_id == schema_id
    assert client.get_versions(name) == [2, 3]


def test_permanent_deletion_wants_a_soft_one_before_it(client, fresh, name):
    schema_id = client.register_schema(name, record(name.replace("-", "_"), "a"))
    assert refusal(client.delete_version, name, 1, permanent=True) == (404, 40407)
    assert refusal(client.delete_subject, name, permanent=True) == (404, 40405)
    assert client.delete_subject(name) == [1]
    assert refusal(client.delete_subject, name) == (404, 40404)
    assert client.delete_subject(name, permanent=True) == [1]
    assert refusal(fresh().get_schema, schema_id) == (404, 40403)
    assert refusal(client.delete_subject, name, permanent=True) == (404, 40401)


# References


def test_referenced_schema_cannot_be_deleted_and_names_who_refers_to_it(client, name):
    inner, outer = f"{name}-inner", f"{name}-outer"
    client.register_schema(inner, record("Inner", "a"))
    fields = [{"name": "inner", "type": "Inner"}]
    referring = Schema(
        json.dumps({"type": "record", "name": "Outer", "fields": fields}),
        "AVRO",
        references=[SchemaReference("Inner", inner, 1)],
    )
    schema_id = client.register_schema(outer, referring)
    assert client.get_referenced_by(inner, 1) == [schema_id]
    assert client.get_referenced_by(inner) == [schema_id]
    assert client.get_version(outer, 1).schema.references == referring.references
    assert refusal(client.delete_version, inner, 1) == (422, 42206)
    assert refusal(client.delete_subject, inner) == (422, 42206)
    missing = Schema(referring.schema_str, "AVRO", references=[SchemaReference("Inner", inner, 7)])
    assert refusal(client.register_schema, f"{name}-other", missing) == (422, 42201)
    client.delete_subject(outer)
    client.delete_subject(outer, permanent=True)
    assert client.delete_subject(inner) == [1]


# Compatibility, config and mode


def test_incompatible_schema_is_refused_and_tested_so(client, name):
    client.register_schema(name, record("R", "a"))
    wrong, right = record("R", "a", "b"), record("R", "a", "b?")
    assert not client.test_compatibility(name, wrong)
    assert not client.test_compatibility(name, wrong, version=1, verbose=True, normalize=True)
    assert not client.test_compatibility_all_versions(name, wrong, verbose=True)
    assert refusal(client.register_schema, name, wrong) == (409, 40901)
    assert client.test_compatibility(name, right)
    assert client.test_compatibility_all_versions(name, right)
    client.register_schema(name, right)

    assert client.set_compatibility(name, "NONE") == {"compatibility": "NONE"}
    assert client.get_compatibility(name) == "NONE"
    assert client.test_compatibility(name, wrong)
    client.register_schema(name, wrong)
    assert refusal(client.set_compatibility, name, "SIDEWARD") == (422, 42203)


def test_global_config_is_set_and_deleted(own_embedded, name):
    client = SchemaRegistryClient({"url": own_embedded.url})
    assert client.get_compatibility() == "BACKWARD"
    client.set_compatibility(level="FORWARD")
    assert client.get_config().compatibility_level == ConfigCompatibilityLevel.FORWARD
    client.register_schema(name, record("R", "a"))
    assert client.test_compatibility(name, record("R", "a", "b"))
    assert not client.test_compatibility(name, record("R", "b"))
    own_embedded.restart()
    assert client.get_compatibility() == "FORWARD", "after a restart"
    client.delete_config()
    assert client.get_compatibility() == "BACKWARD"


def test_mode_of_a_subject_forbids_registering_until_it_is_deleted(client, name):
    assert client.get_global_mode() == "READWRITE"
    assert refusal(client.get_mode, name) == (404, 40409)
    assert client.update_mode(name, "READONLY") == "READONLY"
    assert client.get_mode(name) == "READONLY"
    assert refusal(client.register_schema, name, record("R", "a")) == (422, 42205)
    assert client.delete_mode(name) == "READONLY"
    assert client.register_schema(name, record("R", "a")) > 0
    assert refusal(client.update_mode, name, "IMPORT") == (422, 42205)
    assert client.update_mode(name, "IMPORT", force=True) == "IMPORT"
    assert refusal(client.update_mode, name, "SIDEWARD") == (422, 42204)


def test_global_mode_forbids_registering_everywhere(own_embedded, name):
    client = SchemaRegistryClient({"url": own_embedded.url})
    assert client.update_global_mode("READONLY") == "READONLY"
    assert refusal(client.register_schema, name, record("R", "a")) == (422, 42205)
    own_embedded.restart()
    assert client.get_global_mode() == "READONLY", "after a restart"
    assert client.update_global_mode("READWRITE", force=True) == "READWRITE"
    assert client.register_schema(name, record("R", "a")) == 1


# Contexts and names


def test_contexts_count_ids_each_for_itself(own_embedded):
    client = SchemaRegistryClient({"url": own_embedded.url})
    assert client.register_schema("s", record("A", "a")) == 1
    assert client.register_schema("s2", record("B", "a")) == 2
    assert client.register_schema(":.other:s", record("C", "a")) == 1
    assert client.get_contexts() == [".", ".other"]
    assert client.get_latest_version(":.other:s").subject == ":.other:s"
    assert compact(client.get_schema(1, subject_name=":.other:s").schema_str) == compact(record("C", "a").schema_str)
    assert client.get_subjects(subject_prefix=":.other:") == [":.other:s"]
    assert sorted(client.get_subjects()) == [":.other:s", "s", "s2"]
    assert sorted(client.get_subjects(subject_prefix=":.:")) == ["s", "s2"]

    inside = SchemaRegistryClient({"url": f"{own_embedded.url}/contexts/.other"})
    assert inside.register_schema("t", record("D", "a")) == 2
    assert inside.get_latest_version("t").schema_id == 2
    own_embedded.restart(hard=True)
    assert sorted(inside.get_subjects()) == [":.other:s", ":.other:t"]


@pytest.mark.parametrize("subject", ["a/b", "a b", "ä€😀", "a:b", "a%2Fb", "a+b", "a?b#c", "."])
def test_subjects_of_any_letters_are_given_back_as_they_came(client, fresh, name, subject):
    subject = f"{name}{subject}"
    schema_id = client.register_schema(subject, record("R", "a"))
    assert fresh().get_latest_version(subject).subject == subject
    assert subject in client.get_subjects()
    assert subject in client.get_subjects_by_schema_id(schema_id)
    client.delete_subject(subject)
    client.delete_subject(subject, permanent=True)
    assert subject not in client.get_subjects(deleted=True)


def test_associations_are_unknown_so_that_serializers_name_subjects_after_topics(client, name):
    status, _ = refusal(client.get_associations_by_resource_name, name, "-", "topic", ["value"])
    assert status == 404


# Normalizing


def test_normalized_schemas_that_mean_the_same_are_one(client, fresh, name):
    def proto(*imports):
        lines = "".join(f'import "google/protobuf/{one}.proto";\n' for one in imports)
        fields = "google.protobuf.Timestamp t = 1; google.protobuf.Duration d = 2;"
        return Schema(f'syntax = "proto3";\n{lines}message M {{ {fields} }}\n', "PROTOBUF")

    one, two = proto("timestamp", "duration"), proto("duration", "timestamp")
    schema_id = client.register_schema(name, one, normalize_schemas=True)
    assert fresh().register_schema(name, two, normalize_schemas=True) == schema_id
    assert fresh().lookup_schema(name, two, normalize_schemas=True).version == 1
    assert client.get_versions(name) == [1]
