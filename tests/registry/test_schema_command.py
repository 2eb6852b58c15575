"""`tidegate schema` on Apicurio and on the gateway's own registry: the same words do the same on both."""

import json

import pytest

import gateway as servers
from embedded import ApicurioInItsPlace, Embedded
from front import Front
from schema_command import SchemaCommand
from server_fixtures import under_test

_MONEY = {"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}]}
_ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [{"name": "total", "type": "Money"}, {"name": "count", "type": "int", "default": 1}],
}
_MONEY_PROTO = 'syntax = "proto3";\npackage shop;\nmessage Money { int64 cents = 1; }\n'
_ORDER_PROTO = 'syntax = "proto3";\npackage shop;\nimport "common/money.proto";\nmessage Order { Money total = 1; }\n'
_DRAFT = "http://json-schema.org/draft-07/schema#"


@pytest.fixture(scope="module", params=[Embedded, ApicurioInItsPlace])
def registry(request, tmp_path_factory):
    """One registry for all tests here, which keep apart by the names of their subjects."""
    with under_test(request.param(tmp_path_factory.mktemp("registry"))) as server:
        if request.param is Embedded:
            # As Apicurio has it, which refuses to be told.
            SchemaCommand(server.url).run("config", "set", "NONE")
        yield server


@pytest.fixture
def schema(registry):
    return SchemaCommand(registry.url)


@pytest.fixture
def avro_files(tmp_path):
    """An order and the money that it refers to."""
    (tmp_path / "order.avsc").write_text(json.dumps(_ORDER))
    (tmp_path / "money.avsc").write_text(json.dumps(_MONEY))
    return str(tmp_path / "order.avsc"), str(tmp_path / "money.avsc")


def test_files_that_refer_to_each_other_are_registered_in_order(schema, avro_files):
    order, money = avro_files
    rows = schema.json("register", f"avro-order={order}", f"avro-money={money}")
    assert [(row["subject"], row["version"], row["done"]) for row in rows] == [
        ("avro-money", 1, True),
        ("avro-order", 1, True),
    ]
    assert rows[1]["references"] == [{"name": "shop.Money", "subject": "avro-money", "version": 1}]
    again = schema.json("register", f"avro-order={order}", f"avro-money={money}")
    assert [row["id"] for row in again] == [row["id"] for row in rows]


def test_imports_and_refs_are_found_by_path(schema, tmp_path):
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "money.proto").write_text(_MONEY_PROTO)
    (tmp_path / "order.proto").write_text(_ORDER_PROTO)
    money, order = {"type": "integer"}, {"properties": {"total": {"$ref": "money.json"}}}
    (tmp_path / "money.json").write_text(json.dumps({"$schema": _DRAFT} | money))
    (tmp_path / "order.json").write_text(json.dumps({"$schema": _DRAFT} | order))
    rows = schema.json(
        "register",
        f"proto-order={tmp_path}/order.proto",
        f"{tmp_path}/common/money.proto",
        f"json-order={tmp_path}/order.json",
        f"{tmp_path}/money.json",
    )
    assert [row["subject"] for row in rows] == ["common/money.proto", "proto-order", "money.json", "json-order"]
    assert rows[1]["references"][0]["name"] == "common/money.proto"
    assert rows[3]["references"][0]["name"] == "money.json"
    got = schema.json("get", "proto-order", "--references")
    assert [found["subject"] for found in got["dependencies"]] == ["common/money.proto"]
    raw = schema.run("get", "proto-order", "--references", "--raw").stdout
    assert raw.index("cents") < raw.index("message Order")


def test_what_a_file_refers_to_can_be_named(schema, avro_files):
    order, money = avro_files
    schema.run("register", f"named-money={money}")
    assert "error" in schema.refused("register", f"named-order={order}")
    reference = ["--reference", "shop.Money=named-money:latest"]
    (row,) = schema.json("register", f"named-order={order}", *reference)
    assert row["references"] == [{"name": "shop.Money", "subject": "named-money", "version": 1}]


def test_what_a_registry_refuses_does_not_stop_the_others(schema, avro_files, tmp_path):
    (tmp_path / "wrong.avsc").write_text('{"type":"record"}')
    rows = schema.json("register", f"wrong={tmp_path}/wrong.avsc", f"right={avro_files[1]}", exit=1)
    assert [(row["subject"], row["done"]) for row in rows] == [("wrong", False), ("right", True)]
    assert rows[0]["error"] and rows[1]["error"] is None


def test_a_schema_is_got_by_subject_version_and_id(schema, tmp_path):
    for kind in ("int", "long"):
        schema.run("register", "got=-", "--type", "AVRO", stdin=f'"{kind}"')
    latest, first = schema.json("get", "got"), schema.json("get", "got/1")
    assert (latest["version"], latest["schema"], first["schema"]) == (2, '"long"', '"int"')
    assert schema.json("get", "got", "--version", "1") == first
    by_id = schema.json("get", "--id", str(latest["id"]))
    assert (by_id["schema"], by_id["type"]) == ('"long"', "AVRO")
    assert {"subject": "got", "version": 2} in by_id["subjects"]
    assert schema.run("get", "got/1", "--raw").stdout == '"int"\n'
    assert "40402" in schema.refused("get", "got/7")


def test_the_list_tells_versions_and_what_is_deleted(schema):
    for kind in ("int", "long", "string"):
        schema.run("register", "listed=-", "--type", "AVRO", stdin=f'"{kind}"')
    schema.run("delete", "listed", "--version", "2")
    (listed,) = schema.json("list", "listed")
    assert [version["version"] for version in listed["versions"]] == [1, 3]
    (listed,) = schema.json("list", "listed", "--deleted")
    assert [(version["version"], version["deleted"]) for version in listed["versions"]] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    assert schema.run("list", "listed", "--deleted").stdout.splitlines()[1].split()[2:] == ["1,3", str(
        listed["versions"][2]["id"]
    ), "2"]
    assert schema.json("list", "listed-not") == []


def test_a_subject_is_deleted_softly_and_for_good(schema):
    schema.run("register", "deleted=-", "--type", "AVRO", stdin='"int"')
    schema.run("delete", "deleted")
    assert schema.json("list", "deleted") == []
    assert schema.json("list", "deleted", "--deleted")[0]["versions"][0]["deleted"]
    schema.run("delete", "deleted", "--permanent")
    assert schema.json("list", "deleted", "--deleted") == []
    assert "40401" in schema.refused("delete", "deleted")


def test_a_check_tells_every_reason_and_exits_with_1(schema, tmp_path):
    old = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    new = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": "int"}]}
    (tmp_path / "old.avsc").write_text(json.dumps(old))
    (tmp_path / "new.avsc").write_text(json.dumps(new))
    schema.run("register", f"checked={tmp_path}/old.avsc")
    schema.run("config", "set", "BACKWARD", "--subject", "checked")
    assert schema.json("check", "checked", f"{tmp_path}/old.avsc")[0]["compatible"]
    (row,) = schema.json("check", "checked", f"{tmp_path}/new.avsc", "--version", "1", exit=1)
    assert row["version"] == 1 and not row["compatible"]
    said = schema.run("check", "checked", f"{tmp_path}/new.avsc", "--all", exit=1)
    assert said.stdout.startswith("NOT compatible: ") and "is not compatible" in said.stderr


def test_a_registry_behind_https_and_a_password(schema, registry, tmp_path):
    schema.run("register", "fronted=-", "--type", "AVRO", stdin='"int"')
    with Front(registry.url, "ann:p@ss word", tmp_path) as front:
        there = ["--url", front.url, "--ca-file", str(front.ca_file)]
        assert schema.json("list", "fronted", *there, "--user", "ann:p@ss word")[0]["subject"] == "fronted"
        (tmp_path / "user").write_text("ann:p@ss word\n")
        schema.run("list", *there, "--user-file", str(tmp_path / "user"))
        schema.run("list", *there, TIDEGATE_REGISTRY_USER="ann:p@ss word")
        in_url = front.url.replace("https://", "https://ann:p%40ss%20word@")
        schema.run("list", "--url", in_url, "--ca-file", str(front.ca_file))
        assert "--user" in schema.refused("list", *there)
        assert "401" in schema.refused("list", *there, "--user", "ann:wrong")
        # The system does not trust this certificate.
        assert "certificate" in schema.refused("list", "--url", front.url, exit=3)


def test_what_is_too_much_for_a_registry_is_asked_again(schema, registry, tmp_path):
    with Front(registry.url, "ann:secret", tmp_path, busy=2) as front:
        there = ["--url", front.url, "--ca-file", str(front.ca_file), "--user", "ann:secret"]
        schema.run("register", "patient=-", "--type", "AVRO", *there, stdin='"int"')
    assert schema.json("get", "patient")["version"] == 1


def test_the_next_address_is_tried_and_none_at_all_is_exit_code_3(schema, registry):
    dead = f"http://127.0.0.1:{servers.free_port()}"
    schema.run("list", "--url", f"{dead},{registry.url}")
    assert dead in schema.refused("list", "--url", dead, exit=3)
    assert "http" in schema.refused("list", "--url", "kafka://x", exit=2)


def test_a_diff_is_of_lines_and_tells_the_versions(schema, tmp_path):
    old = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "default": 0}]}
    new = old | {"fields": [{"name": "a", "type": "long", "default": 0}]}
    for record in (old, new):
        schema.run("register", "diffed=-", "--type", "AVRO", stdin=json.dumps(record))
    text = schema.run("diff", "diffed").stdout
    assert text.startswith("--- diffed version 1\n+++ diffed version 2\n@@ ")
    assert '\n-      "type": "int",\n+      "type": "long",\n' in text
    assert schema.run("diff", "diffed", "1", "latest").stdout == text
    assert schema.json("diff", "diffed", "1")["diff"] in text
    (tmp_path / "same.avsc").write_text(json.dumps(old, indent=4))
    same = schema.json("diff", "diffed", "1", f"{tmp_path}/same.avsc")
    assert same["identical"] and same["diff"] == "" and same["backward"]["compatible"]
    schema.run("register", "diffed-once=-", "--type", "AVRO", stdin='"int"')
    assert "one version" in schema.refused("diff", "diffed-once")


def test_protobuf_is_diffed_as_registries_print_it(schema, tmp_path):
    old = 'syntax = "proto3"; package shop; message Money { int64 cents = 1; }'
    (tmp_path / "old.proto").write_text(old)
    (tmp_path / "new.proto").write_text(old.replace("int64", "string"))
    schema.run("register", f"diffed-proto={tmp_path}/old.proto")
    assert schema.json("diff", "diffed-proto", "1", f"{tmp_path}/old.proto")["identical"]
    compared = schema.json("diff", "diffed-proto", "1", f"{tmp_path}/new.proto")
    assert "\n-  int64 cents = 1;\n+  string cents = 1;\n" in compared["diff"]
    assert not compared["backward"]["compatible"] and compared["backward"]["messages"]


def test_what_a_diffed_schema_refers_to_is_read_too(schema, avro_files):
    order, money = avro_files
    schema.run("register", f"diffed-order={order}", f"diffed-money={money}")
    compared = schema.json("diff", "diffed-order", "1", order)
    assert compared["note"] is None and compared["forward"]["compatible"]
    assert schema.json("check", "diffed-order", order, "--version", "1")[0]["compatible"]


def test_a_config_is_set_got_and_deleted(schema):
    schema.run("register", "configured=-", "--type", "AVRO", stdin='"int"')
    schema.run("config", "set", "full_transitive", "--subject", "configured")
    config = schema.json("config", "get", "--subject", "configured")
    assert config["compatibilityLevel"] == "FULL_TRANSITIVE"
    (row,) = schema.json("config", "delete", "--subject", "configured")
    assert row["done"]
    assert "NONE" in schema.run("config", "get").stdout
    assert "there is no colour" in schema.refused("config", "set", "colour=red", exit=2)


def test_a_mode_is_read_or_said_not_to_be_there(schema, registry):
    if isinstance(registry, ApicurioInItsPlace):
        assert "error 404" in schema.refused("mode", "get")
    else:
        assert schema.json("mode", "get") == {"mode": "READWRITE"}
