"""Metadata, rule sets and configs through confluent-kafka's SchemaRegistryClient, on the embedded registry."""

import pytest
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    MetadataTags,
    Rule,
    RuleKind,
    RuleMode,
    RuleParams,
    RuleSet,
    Schema,
    ServerConfig,
)

from registry_client import avro_record as record
from registry_client import refusal


def rule(name="r", kind=RuleKind.CONDITION, mode=RuleMode.WRITE, **named):
    """A rule in which all that is not said is left out."""
    rest = dict.fromkeys(["doc", "type", "tags", "params", "expr", "on_success", "on_failure", "disabled"])
    return Rule(name=name, kind=kind, mode=mode, **(rest | named))


def metadata(tags=None, sensitive=None, **properties):
    return Metadata(
        tags=MetadataTags(tags) if tags else None,
        properties=MetadataProperties(properties) if properties else None,
        sensitive=sensitive,
    )


def test_subject_config_keeps_every_field_and_falls_back_when_deleted(client, name):
    rules = RuleSet(migration_rules=None, domain_rules=[rule(type="CEL", expr="true")])
    config = ServerConfig(
        compatibility=ConfigCompatibilityLevel.FULL_TRANSITIVE,
        compatibility_group="application.major",
        default_metadata=metadata(owner="me"),
        override_metadata=metadata(tags={"**.ssn": ["PII"]}, sensitive=["owner"]),
        default_rule_set=rules,
        override_rule_set=RuleSet(migration_rules=None, domain_rules=[rule("s", type="CEL", expr="false")]),
    )
    assert refusal(client.get_config, name) == (404, 40408)
    client.set_config(name, config)
    kept = client.get_config(name)
    assert kept.compatibility_level == ConfigCompatibilityLevel.FULL_TRANSITIVE
    assert kept.compatibility_group == "application.major"
    assert kept.default_metadata.properties == config.default_metadata.properties
    assert kept.override_metadata.tags == config.override_metadata.tags
    assert kept.override_metadata.sensitive == ["owner"]
    assert kept.default_rule_set.domain_rules[0].expr == "true"
    assert kept.override_rule_set.domain_rules[0].expr == "false"
    assert client.delete_config(name).compatibility_level == ConfigCompatibilityLevel.FULL_TRANSITIVE
    assert refusal(client.get_config, name) == (404, 40408)


# Data contracts


def contract(owner):
    """A schema with metadata and rules."""
    return Schema(
        record("R", "a").schema_str,
        "AVRO",
        metadata=metadata(tags={"R.a": ["PII"]}, sensitive=["team"], owner=owner, team="x"),
        rule_set=RuleSet(
            migration_rules=[
                rule("up", RuleKind.TRANSFORM, RuleMode.UPGRADE, type="JSONATA", expr="$", disabled=False)
            ],
            domain_rules=[
                rule(
                    "check",
                    doc="a is there",
                    type="CEL",
                    tags=["PII"],
                    params=RuleParams({"k": "v"}),
                    expr="size(message.a) > 0",
                    on_failure="ERROR",
                    disabled=False,
                )
            ],
            encoding_rules=[],
        ),
    )


def test_metadata_and_rules_are_kept_and_make_a_schema_another(client, fresh, name):
    one, two = contract("ann"), contract("bob")
    first = client.register_schema_full_response(name, one)
    second = client.register_schema_full_response(name, two)
    assert (first.version, second.version) == (1, 2)
    assert first.schema_id != second.schema_id and first.guid != second.guid
    kept = fresh().get_schema(first.schema_id)
    assert kept.metadata == one.metadata
    assert kept.rule_set == one.rule_set
    assert fresh().lookup_schema(name, one).version == 1
    assert fresh().lookup_schema(name, two).version == 2


def test_latest_with_metadata_is_the_latest_version_that_has_it(client, name):
    for owner in ["ann", "bob", "cid"]:
        client.register_schema(name, contract(owner))
    assert client.get_latest_with_metadata(name, {"owner": "bob"}).version == 2
    assert client.get_latest_with_metadata(name, {"owner": "ann", "team": "x"}).version == 1
    assert client.get_latest_with_metadata(name, {"team": "x"}).version == 3
    assert refusal(client.get_latest_with_metadata, name, {"owner": "dan"}) == (404, 40403)
    assert refusal(client.get_latest_with_metadata, f"{name}-other", {"owner": "ann"}) == (404, 40401)


@pytest.mark.parametrize(
    "migration, domain",
    [
        ([], [rule("", type="CEL")]),
        ([], [rule("two words", type="CEL")]),
        ([], [rule()]),
        ([], [rule(type="CEL"), rule(type="CEL")]),
        ([], [rule(mode=RuleMode.UPGRADE, type="CEL")]),
        ([rule(mode=RuleMode.READ, type="CEL")], []),
    ],
    ids=["no-name", "name", "no-type", "twice", "domain-upgrade", "migration-read"],
)
def test_rule_set_that_cannot_be_is_refused(client, name, migration, domain):
    rules = RuleSet(migration_rules=migration, domain_rules=domain)
    schema = Schema(record("R", "a").schema_str, "AVRO", rule_set=rules)
    assert refusal(client.register_schema, name, schema) == (422, 42210)


def test_defaults_and_overrides_of_the_config_are_merged_into_what_is_registered(client, name):
    client.set_config(
        name,
        ServerConfig(
            default_metadata=metadata(owner="default", stage="draft"),
            override_metadata=metadata(stage="final"),
            default_rule_set=RuleSet(migration_rules=None, domain_rules=[rule("d", type="CEL", expr="true")]),
        ),
    )
    plain = record("R", "a")
    mine = Schema(plain.schema_str, "AVRO", metadata=metadata(owner="me", stage="mine"))
    client.register_schema(name, mine)
    kept = client.get_version(name, 1).schema
    assert kept.metadata.properties.properties == {"owner": "me", "stage": "final"}
    assert [one.name for one in kept.rule_set.domain_rules] == ["d"]
