"""`tidegate schema export` and `import`: from one registry to another, and from the topic itself."""

import filecmp
import json
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

import gateway as servers
from embedded import ApicurioInItsPlace
from schema_command import SchemaCommand
from server_fixtures import under_test
from ten_schemas import ten_schemas

_KAFKA_SH = Path(__file__).resolve().parent.parent / "kafka" / "kafka.sh"
_TIMEOUT_S = 30
_JSON = '{"$schema": "http://json-schema.org/draft-07/schema#", "multipleOf": 1.10}'


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two registries with nothing in them, each on a gateway of its own."""
    with under_test(ApicurioInItsPlace(tmp_path_factory.mktemp("one"))) as one:
        with under_test(ApicurioInItsPlace(tmp_path_factory.mktemp("other"))) as other:
            yield one, other


def _same(one: Path, other: Path) -> bool:
    compared = filecmp.dircmp(one, other)
    return not (compared.left_only or compared.right_only or compared.diff_files or compared.funny_files)


def test_what_is_exported_and_imported_is_exported_again_the_same(two, tmp_path):
    one, other = two
    # Six different ones: Apicurio counts its ids on where a schema is there already.
    for schema in ten_schemas()[:6]:
        one.register(schema)
    at_one, at_other = SchemaCommand(one.url), SchemaCommand(other.url)
    money = '{"type":"record","name":"Money","fields":[]}'
    (tmp_path / "money.avsc").write_text(money)
    order = '{"type":"record","name":"Order","fields":[{"name":"m","type":"Money"}]}'
    (tmp_path / "order.avsc").write_text(order)
    at_one.run("register", f"a-order={tmp_path}/order.avsc", f"z-money={tmp_path}/money.avsc")
    for kind in ("long", "float", "double"):
        at_one.run("register", "versions=-", "--type", "AVRO", stdin=f'"{kind}"')
    at_one.run("delete", "versions", "--version", "2")
    at_one.run("config", "set", "FULL", "--subject", "versions")

    exported = at_one.json("export", "--folder", str(tmp_path / "one"))
    assert (exported["subjects"], exported["versions"], exported["notes"]) == (9, 11, [])
    done = at_other.json("import", str(tmp_path / "one"))
    assert (done["registered"], done["deleted"], done["problems"], done["changed"]) == (11, 1, [], [])
    assert "no modes" in done["not_kept"]
    at_other.run("export", "--folder", str(tmp_path / "other"))
    assert _same(tmp_path / "one", tmp_path / "other")

    again = at_other.json("import", str(tmp_path / "one"))
    assert (again["registered"], again["unchanged"], again["configs"]) == (0, 11, 0)
    # Over the older export, of which nothing stays.
    at_other.run("delete", "versions", "--permanent")
    at_other.run("export", "--folder", str(tmp_path / "other"))
    assert not list((tmp_path / "other").glob("versions*"))
    dump = at_one.run("export", "--dump", "-").stdout
    assert at_other.json("import", "-", stdin=dump)["problems"] == []
    assert SchemaCommand(other.url).json("get", "versions")["schema"] == '"double"'


def test_ids_that_cannot_be_kept_are_told_or_refused(two, tmp_path):
    one, _ = two
    schema = SchemaCommand(one.url)
    value = {"subject": "moved", "version": 7, "id": 7000, "schema": '"boolean"', "deleted": False}
    key = {"keytype": "SCHEMA", "subject": "moved", "version": 7, "magic": 1}
    dump = json.dumps({"key": key, "value": value})
    refused = schema.run("import", "-", "--keep-ids", stdin=dump, exit=1)
    assert "cannot keep its ids" in refused.stderr
    assert schema.json("list", "moved") == []
    assert schema.json("import", "-", "--validate-only", stdin=dump)["registered"] == 1
    (changed,) = schema.json("import", "-", stdin=dump)["changed"]
    assert (changed["version"], changed["id"], changed["new_version"]) == (7, 7000, 1)
    assert changed["new_id"] == schema.json("get", "moved")["id"]


@pytest.fixture
def topic(two):
    """A _schemas as registries write it, on the first gateway, in batches of two codecs."""
    gateway, _ = two
    admin = AdminClient({"bootstrap.servers": gateway.bootstrap})
    created = admin.create_topics([NewTopic("_schemas", 1, 1, config={"cleanup.policy": "compact"})])
    created["_schemas"].result(_TIMEOUT_S)

    def schema(version, identifier, text, **more):
        key = {"keytype": "SCHEMA", "subject": "topical", "version": version, "magic": 1}
        value = {"subject": "topical", "version": version, "id": identifier, "schema": text, "deleted": False}
        return key, value | more

    records = [
        ({"keytype": "NOOP", "magic": 0}, None),
        schema(1, 1, '"int"'),
        schema(2, 2, '"long"', schemaType="AVRO", references=[]),
        schema(3, 3, _JSON, schemaType="JSON"),
        (schema(2, 2, "")[0], None),
        ({"keytype": "DELETE_SUBJECT", "subject": "topical", "magic": 0}, {"subject": "topical", "version": 1}),
        ({"keytype": "CONFIG", "subject": "topical", "magic": 0}, {"compatibilityLevel": "NONE"}),
        ("not JSON", {}),
    ]
    for codec, some in (("gzip", records[:3]), ("zstd", records[3:])):
        producer = Producer({"bootstrap.servers": gateway.bootstrap, "compression.type": codec})
        for key, value in some:
            key = key if isinstance(key, str) else json.dumps(key, separators=(",", ":"))
            producer.produce("_schemas", None if value is None else json.dumps(value), key)
        assert producer.flush(_TIMEOUT_S) == 0
    yield gateway
    admin.delete_topics(["_schemas"])["_schemas"].result(_TIMEOUT_S)


def test_the_topic_is_exported_without_a_registry(topic, tmp_path):
    nobody = SchemaCommand(f"http://127.0.0.1:{servers.free_port()}")
    folder = tmp_path / "folder"
    done = nobody.run("export", "--folder", str(folder), "--bootstrap", topic.bootstrap)
    assert done.stdout == "2 versions of 1 subjects\n"
    assert "offset 7 is left out" in done.stderr
    index = json.loads((folder / "index.json").read_text())
    (subject,) = index["subjects"]
    assert subject["config"] == {"compatibilityLevel": "NONE"}
    versions = [(version["version"], version.get("deleted", False)) for version in subject["versions"]]
    assert versions == [(1, True), (3, False)]
    assert (folder / "topical.v3.json").read_text() == _JSON

    dump = tmp_path / "dump"
    nobody.run("export", "--dump", str(dump), "--bootstrap", topic.bootstrap)
    assert len(dump.read_text().splitlines()) == 7


def test_what_kafkas_consumer_prints_is_imported(topic, two, tmp_path):
    _, other = two
    schema = SchemaCommand(other.url)
    printed = subprocess.run(
        [_KAFKA_SH, "tool", "org.apache.kafka.tools.consumer.ConsoleConsumer"]
        + ["--bootstrap-server", topic.bootstrap, "--topic", "_schemas", "--from-beginning"]
        + ["--formatter-property", "print.key=true", "--max-messages", "8"],
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
    ).stdout
    done = schema.json("import", "-", stdin=printed)
    assert done["notes"] == ["line 8 is left out: it is no record in JSON"]
    assert (done["registered"], done["deleted"], done["problems"]) == (2, 1, [])
    assert schema.json("get", "topical")["schema"] == _JSON


def test_a_topic_that_is_not_there_is_an_error(two):
    gateway, _ = two
    nobody = SchemaCommand(f"http://127.0.0.1:{servers.free_port()}")
    assert "does not exist" in nobody.refused("export", "--dump", "-", "--bootstrap", gateway.bootstrap)
