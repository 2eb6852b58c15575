"""`tidegate schema import` into a registry that can keep ids: the gateway's own."""

import filecmp
import itertools
import json
import os
import signal
import subprocess
import time
from contextlib import ExitStack

import pytest
import requests

from embedded import Embedded
from registry_settings import PASSWORD, USER, gateway_with, guarded_gateway
from schema_command import SchemaCommand
from server_fixtures import under_test

_MONEY = {"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}]}
_ORDER = {"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "total", "type": "Money"}]}
_MONEY_PROTO = 'syntax = "proto3";\npackage shop;\n\nmessage Money {\n  int64 cents = 1;\n}\n'
_ORDER_PROTO = 'syntax = "proto3";\npackage shop;\n\nimport "money.proto";\n\nmessage Order {\n  Money m = 1;\n}\n'
_JSON = '{"$schema":"http://json-schema.org/draft-07/schema#","type":"integer","multipleOf":1.10}'


@pytest.fixture
def registries(tmp_path):
    """Makes registries with nothing in them, each with the command on it."""
    with ExitStack() as started:
        count = itertools.count()

        def make():
            registry = started.enter_context(under_test(Embedded(tmp_path / f"registry-{next(count)}")))
            return registry, SchemaCommand(registry.url)

        yield make


def _fill(schema, tmp_path):
    """All that an export has a place for."""
    for name, text in (
        ("money.avsc", json.dumps(_MONEY)),
        ("order.avsc", json.dumps(_ORDER)),
        ("money.proto", _MONEY_PROTO),
        ("order.proto", _ORDER_PROTO),
        ("number.json", _JSON),
        ("metadata.json", '{"properties":{"owner":"ann"}}'),
    ):
        (tmp_path / name).write_text(text)
    # An id that is gone leaves a gap.
    schema.run("register", "gone=-", "--type", "AVRO", stdin='"bytes"')
    schema.run("delete", "gone", "--permanent")
    schema.run("register", f"a-order={tmp_path}/order.avsc", f"z-money={tmp_path}/money.avsc")
    schema.run("register", f"b-order={tmp_path}/order.proto", f"{tmp_path}/money.proto")
    schema.run("register", f"number={tmp_path}/number.json", "--metadata", f"{tmp_path}/metadata.json")
    schema.run("config", "set", "NONE", "--subject", "versions")
    for kind in ("int", "long", "string"):
        schema.run("register", "versions=-", "--type", "AVRO", stdin=f'"{kind}"')
    # Version 1 is deleted and comes again as version 4, version 3 is gone.
    schema.run("delete", "versions", "--version", "1", "--version", "2")
    schema.run("delete", "versions", "--version", "3", "--permanent")
    schema.run("register", "versions=-", "--type", "AVRO", stdin='"int"')
    schema.run("register", "same-schema=-", "--type", "AVRO", stdin='"int"')
    schema.run("register", ":.ctx:elsewhere=-", "--type", "AVRO", stdin='"double"')
    # Deleted, and others refer to what it refers to.
    schema.run("delete", "b-order")
    schema.run("config", "set", "FULL_TRANSITIVE", "normalize=true")
    schema.run("mode", "set", "READONLY", "--subject", "z-money")


def _export(schema, folder):
    schema.run("export", "--folder", str(folder))
    return folder


def _same(one, other):
    compared = filecmp.dircmp(one, other)
    return not (compared.left_only or compared.right_only or compared.diff_files or compared.funny_files)


def test_a_registry_moves_to_another_one_with_all_its_ids(registries, tmp_path):
    _, one = registries()
    other_registry, other = registries()
    _fill(one, tmp_path)
    exported = _export(one, tmp_path / "one")
    done = other.json("import", str(exported), "--keep-ids")
    assert (done["changed"], done["problems"], done["not_kept"]) == ([], [], None)
    assert _same(exported, _export(other, tmp_path / "other"))
    assert other.json("mode", "get")["mode"] == "READWRITE"
    # After a restart too, so it is all on the topic.
    other_registry.kill()
    other_registry.start()
    assert _same(exported, _export(other, tmp_path / "restarted"))
    again = other.json("import", str(exported), "--keep-ids")
    assert (again["registered"], again["deleted"], again["configs"], again["modes"]) == (0, 0, 0, 0)
    # Ids go on behind the highest one that came.
    (row,) = other.json("register", "next=-", "--type", "AVRO", stdin='"float"')
    ids = [version["id"] for subject in one.json("list", "--deleted") for version in subject["versions"]]
    assert row["id"] == max(ids) + 1


def test_a_dump_of_the_topic_moves_it_too(registries, tmp_path):
    registry, one = registries()
    _, other = registries()
    _fill(one, tmp_path)
    nobody = SchemaCommand("http://127.0.0.1:1")
    dump = tmp_path / "dump"
    nobody.run("export", "--dump", str(dump), "--bootstrap", registry.bootstrap)
    done = other.json("import", str(dump), "--keep-ids")
    assert (done["changed"], done["problems"]) == ([], [])
    # From REST the same records come, those aside that nothing remained of.
    assert one.run("export", "--dump", "-").stdout == other.run("export", "--dump", "-").stdout


def test_an_import_that_was_killed_is_run_again(registries, tmp_path):
    _, schema = registries()
    count = 3_000
    lines = []
    for number in range(1, count + 1):
        text = json.dumps({"type": "record", "name": f"R{number}", "fields": []})
        subject, version = f"subject-{number % 1000}", (number - 1) // 1000 + 1
        key = {"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}
        lines.append({"key": key, "value": {"id": number * 2, "schema": text, "deleted": number % 7 == 0}})
    lines.append({"key": {"keytype": "MODE", "magic": 0}, "value": {"mode": "READWRITE"}})
    dump = tmp_path / "dump"
    dump.write_text("".join(json.dumps(line) + "\n" for line in lines))
    running = subprocess.Popen(
        [os.environ["TIDEGATE_BIN"], "schema", "import", str(dump), "--url", schema.url],
        stdout=subprocess.DEVNULL,
    )
    end = time.monotonic() + 30
    while len(requests.get(schema.url + "/subjects", timeout=30).json()) < 100 and time.monotonic() < end:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL, "it was done before it could be killed"
    assert schema.json("mode", "get")["mode"] == "IMPORT"
    done = schema.json("import", str(dump), "--keep-ids")
    assert done["registered"] + done["unchanged"] == count and done["unchanged"] > 0
    assert (done["problems"], done["changed"]) == ([], [])
    assert schema.json("mode", "get")["mode"] == "READWRITE"
    listed = schema.json("list", "--deleted")
    found = {v["id"]: v["deleted"] for subject in listed for v in subject["versions"]}
    assert found == {number * 2: number % 7 == 0 for number in range(1, count + 1)}


def test_an_import_that_was_cut_off_before_a_deletion_takes_the_later_version(registries):
    _, schema = registries()

    def record(version, deleted):
        key = {"keytype": "SCHEMA", "subject": "s", "version": version, "magic": 1}
        return json.dumps({"key": key, "value": {"id": 4, "schema": '"int"', "deleted": deleted}}) + "\n"

    schema.json("import", "-", stdin=record(1, False))
    done = schema.json("import", "-", "--keep-ids", stdin=record(1, True) + record(2, False))
    assert (done["registered"], done["deleted"], done["problems"]) == (1, 1, [])
    (listed,) = schema.json("list", "--deleted")
    # A registry lets the deleted version go for good when the same schema comes again.
    assert [(v["version"], v["id"], v["deleted"]) for v in listed["versions"]] == [(2, 4, False)]


def test_what_is_in_the_way_is_told_and_left_alone(registries):
    _, schema = registries()
    schema.run("register", "taken=-", "--type", "AVRO", stdin='"int"')
    key = {"keytype": "SCHEMA", "subject": "taken", "version": 1, "magic": 1}
    other_text = {"key": key, "value": {"id": 1, "schema": '"string"', "deleted": False}}
    free = {"key": key | {"subject": "free"}, "value": {"id": 5, "schema": '"long"', "deleted": False}}
    dump = json.dumps(other_text) + "\n" + json.dumps(free) + "\n"
    looked = schema.run("import", "-", "--validate-only", "--json", stdin=dump, exit=1)
    assert json.loads(looked.stdout)["registered"] == 1 and "taken version 1" in looked.stderr
    done = json.loads(schema.run("import", "-", "--json", stdin=dump, exit=1).stdout)
    assert done["registered"] == 1 and "is another schema there" in done["problems"][0]
    assert schema.json("get", "taken")["schema"] == '"int"'
    assert schema.json("get", "free")["id"] == 5
    # Nothing stays in mode IMPORT.
    for subject in ("taken", "free"):
        assert schema.json("mode", "get", "--effective", "--subject", subject)["mode"] == "READWRITE"


def test_a_registry_whose_modes_cannot_be_changed_keeps_no_ids(tmp_path):
    key = {"keytype": "SCHEMA", "subject": "s", "version": 3, "magic": 1}
    dump = json.dumps({"key": key, "value": {"id": 9, "schema": '"int"', "deleted": False}})
    with gateway_with(tmp_path, "mode.mutability = false") as gateway:
        schema = SchemaCommand(f"http://{gateway.registry}")
        refused = schema.run("import", "-", "--keep-ids", stdin=dump, exit=1).stderr
        assert "cannot keep its ids" in refused and "run it again" not in refused
        assert schema.json("list") == []
        done = schema.json("import", "-", stdin=dump)
        assert "mode IMPORT was refused" in done["not_kept"]
        assert [(row["new_version"], row["new_id"]) for row in done["changed"]] == [(1, 1)]


def test_lists_are_read_to_their_end_however_short_their_pages_are(tmp_path):
    limits = [f"{what}.search.max.limit = 3" for what in ("schema", "subject", "subject.version")]
    limits += [f"{what}.search.default.limit = 3" for what in ("schema", "subject", "subject.version")]
    with gateway_with(tmp_path, "\n".join(limits)) as gateway:
        schema = SchemaCommand(f"http://{gateway.registry}")
        schema.run("config", "set", "NONE")
        for number in range(8):
            text = json.dumps({"type": "record", "name": f"R{number}", "fields": []})
            schema.run("register", f"subject-{number}=-", "--type", "AVRO", stdin=text)
            schema.run("register", "versions=-", "--type", "AVRO", stdin=text)
        listed = schema.json("list")
        assert [len(subject["versions"]) for subject in listed] == [1] * 8 + [8]
        checked = schema.json("check", "versions", "-", "--type", "AVRO", "--all", stdin=text)
        assert len(checked) == 8
        assert schema.json("export", "--folder", str(tmp_path / "folder"))["versions"] == 16


def test_a_guarded_registry_lets_in_who_says_so(tmp_path):
    with guarded_gateway(tmp_path) as gateway:
        schema = SchemaCommand(f"http://{gateway.registry}")
        schema.run("register", "s=-", "--type", "AVRO", "--user", f"{USER}:{PASSWORD}", stdin='"int"')
        assert "s " in schema.run("list", TIDEGATE_REGISTRY_USER=f"{USER}:{PASSWORD}").stdout
        assert "401" in schema.refused("list")


def test_contexts_are_apart_by_address_and_by_name(registries):
    _, schema = registries()
    schema.run("register", ":.one:s=-", "--type", "AVRO", stdin='"int"')
    schema.run("register", "s=-", "--type", "AVRO", stdin='"string"')
    assert [subject["subject"] for subject in schema.json("list")] == [":.one:s", "s"]
    assert schema.json("get", "--id", "1", "--context", ".one")["schema"] == '"int"'
    assert schema.json("get", "--id", "1")["schema"] == '"string"'
    inside = SchemaCommand(schema.url + "/contexts/.one")
    assert [subject["subject"] for subject in inside.json("list")] == [":.one:s"]
    assert inside.json("get", "s")["schema"] == '"int"'


def test_a_mode_and_a_guid_are_read(registries):
    _, schema = registries()
    (row,) = schema.json("register", "s=-", "--type", "AVRO", stdin='"int"')
    got = schema.json("get", "s")
    assert got["guid"] == row["guid"] and got["guid"]
    assert schema.json("get", "--guid", got["guid"])["schema"] == '"int"'
    schema.run("mode", "set", "READONLY", "--subject", "s")
    assert schema.json("mode", "get", "--subject", "s") == {"mode": "READONLY"}
    refused = schema.run("register", "s=-", "--type", "AVRO", stdin='"long"', exit=1)
    assert "42205" in refused.stderr
    schema.run("mode", "delete", "--subject", "s")
    assert "40409" in schema.refused("mode", "get", "--subject", "s")
