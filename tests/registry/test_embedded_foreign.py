"""The embedded registry serves a `_schemas` topic that others have written, and write while it runs."""

import json
import subprocess

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from embedded import TOPIC
from probing import PATIENT, PROBE, found, probe, read_until
from ten_schemas import ten_schemas

AVRO = '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}'


def quoted(text):
    return json.dumps(text)


# Keys and values in the forms of each writer: "old" is one of Avro alone, under `magic` 0.
FORMS = {
    "confluent-5.5": [
        ('{"keytype":"NOOP","magic":0}', None),
        ('{"keytype":"SCHEMA","subject":"old","version":1,"magic":0}',
         f'{{"subject":"old","version":1,"id":1,"schema":{quoted(AVRO)}}}'),
        ('{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
         f'{{"subject":"s","version":1,"id":1,"schema":{quoted(AVRO)},"deleted":false}}'),
        ('{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}',
         '{"subject":"gone","version":1,"id":2,"schema":"\\"int\\"","deleted":true}'),
        ('{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}'),
        ('{"keytype":"CONFIG","subject":"s","magic":0}', '{"compatibilityLevel":"NONE"}'),
        ('{"keytype":"MODE","subject":"s","magic":0}', '{"mode":"READONLY"}'),
    ],
    "confluent-7": [
        ('{"keytype":"NOOP","magic":0}', None),
        ('{"keytype":"SCHEMA","subject":"old","version":1,"magic":1}',
         f'{{"subject":"old","version":1,"id":1,"schema":{quoted(AVRO)},"deleted":false}}'),
        ('{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
         f'{{"subject":"s","version":1,"id":1,"schema":{quoted(AVRO)},"deleted":false}}'),
        ('{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}',
         '{"subject":"gone","version":1,"id":2,"schemaType":"JSON","schema":"{}","deleted":false}'),
        ('{"keytype":"DELETE_SUBJECT","subject":"gone","magic":0}', '{"subject":"gone","version":1}'),
        ('{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"FULL"}'),
        ('{"keytype":"CONFIG","subject":"s","magic":0}', '{"subject":"s","compatibilityLevel":"NONE"}'),
        ('{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"READONLY"}'),
    ],
    "confluent-8": [
        ('{"keytype":"NOOP","magic":0}', None),
        ('{"keytype":"SCHEMA","subject":"old","version":1,"magic":1}',
         '{"subject":"old","version":1,"id":1,"schemaType":"AVRO",'
         f'"references":[],"schema":{quoted(AVRO)},"deleted":false,"unknownMember":{{"x":1}}}}'),
        ('{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
         f'{{"subject":"s","version":1,"id":1,"schemaType":"AVRO","schema":{quoted(AVRO)},"deleted":false}}'),
        ('{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}',
         '{"subject":"gone","version":1,"id":2,"schemaType":"AVRO","schema":"\\"int\\"","deleted":true}'),
        ('{"keytype":"ASSOC","tenant":"default","subject":"s","magic":0}', '{"tenant":"default"}'),
        ('{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"FULL"}'),
        ('{"keytype":"CONFIG","subject":"s","magic":0}', '{"subject":"s","compatibilityLevel":"NONE"}'),
        ('{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"READONLY"}'),
    ],
    "karapace": [
        ('{"keytype":"SCHEMA","subject":"old","version":1,"magic":1}',
         f'{{"subject":"old","version":1,"id":1,"deleted":false,"schema":{quoted(AVRO)}}}'),
        ('{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
         f'{{"subject":"s","version":1,"id":1,"deleted":false,"schema":{quoted(AVRO)}}}'),
        ('{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}',
         '{"subject":"gone","version":1,"id":2,"deleted":false,"schemaType":"JSON","schema":"{}"}'),
        ('{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}', ""),
        ('{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}'),
        ('{"keytype":"CONFIG","subject":"s","magic":0}', '{"compatibilityLevel":"NONE"}'),
        ('{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"READONLY"}'),
    ],
}


def registrys_producer(bootstrap, **settings):
    return Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 0} | settings)


def create_topic(bootstrap, partitions=1, policy="compact"):
    new = NewTopic(TOPIC, partitions, 1, config={"cleanup.policy": policy})
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([new])[TOPIC].result(60)


def produce(producer, records):
    """Writes records as a registry does, and returns when they are acknowledged."""
    wrong = []
    for key, value in records:
        producer.produce(
            TOPIC,
            key=key,
            value=value,
            partition=0,
            # Karapace's producer adds headers.
            headers=[("writer", b"7"), ("none", None)],
            on_delivery=lambda error, _: error and wrong.append(error),
        )
    assert producer.flush(60) == 0 and wrong == []


def expect_forms_served(registry):
    assert sorted(registry.ask("GET", "/subjects")) == ["old", "s"]
    assert registry.text_by_id(1) == registry.text_by_version("old", 1) == registry.text_by_version("s", 1) == AVRO
    assert registry.ask("GET", "/subjects/s/versions/latest")["id"] == 1
    assert registry.ask("GET", "/config")["compatibilityLevel"] == "FULL"
    assert registry.ask("GET", "/config/s")["compatibilityLevel"] == "NONE"
    assert registry.ask("GET", "/mode/s")["mode"] == "READONLY"
    assert registry.call("POST", "/subjects/s/versions", {"schema": '"long"'}).json()["error_code"] == 42205
    # The id of what is gone is not given to another.
    assert registry.ask("POST", "/subjects/new/versions", {"schema": '"long"'})["id"] == 3


@pytest.mark.parametrize("form", FORMS)
def test_topic_of_another_registry_is_served(own_embedded, form):
    create_topic(own_embedded.bootstrap)
    produce(registrys_producer(own_embedded.bootstrap), FORMS[form])
    expect_forms_served(own_embedded)
    own_embedded.restart(hard=True)
    assert own_embedded.text_by_version("new", 1) == '"long"'
    assert own_embedded.text_by_id(1) == AVRO


@pytest.mark.parametrize("form", FORMS)
def test_what_another_writes_is_read_at_once(own_embedded, form):
    own_embedded.ask("POST", "/subjects/s/versions", {"schema": AVRO})
    producer = registrys_producer(own_embedded.bootstrap)
    for number, record in enumerate(FORMS[form], start=1):
        produce(producer, [record])
        keytype = json.loads(record[0])
        if keytype["keytype"] == "CONFIG" and keytype.get("subject") is None:
            assert own_embedded.ask("GET", "/config")["compatibilityLevel"] == "FULL", f"record {number}"
        if keytype.get("subject") == "old":
            assert own_embedded.text_by_version("old", 1) == AVRO, f"record {number}"
    expect_forms_served(own_embedded)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_batches_are_read(own_embedded, codec):
    create_topic(own_embedded.bootstrap)
    settings = {"compression.type": codec, "linger.ms": 200, "batch.num.messages": 3}
    produce(registrys_producer(own_embedded.bootstrap, **settings), FORMS["confluent-8"])
    expect_forms_served(own_embedded)


@pytest.mark.parametrize("partitions, policy", [(2, "compact"), (1, "delete")])
def test_topic_that_cannot_keep_schemas_is_refused_with_what_is_wrong(own_embedded, partitions, policy):
    create_topic(own_embedded.bootstrap, partitions, policy)
    for method, path, body in [("GET", "/subjects", None), ("POST", "/subjects/s/versions", {"schema": AVRO})]:
        answer = own_embedded.call(method, path, body)
        assert (answer.status_code, answer.json()["error_code"]) == (500, 50001)
        assert ("partition" if partitions == 2 else "cleanup.policy") in answer.json()["message"]


def test_deleted_topic_takes_the_schemas_with_it(own_embedded):
    for kind in ["int", "long"]:
        own_embedded.ask("POST", f"/subjects/{kind}/versions", {"schema": json.dumps(kind)})
    admin = AdminClient({"bootstrap.servers": own_embedded.bootstrap})
    admin.delete_topics([TOPIC])[TOPIC].result(60)
    assert own_embedded.ask("GET", "/subjects") == []
    assert own_embedded.text_by_id(1) is None
    assert own_embedded.ask("POST", "/subjects/new/versions", {"schema": '"bytes"'})["id"] == 1
    own_embedded.restart(hard=True)
    assert own_embedded.ask("GET", "/subjects") == ["new"]


DAMAGED = [
    ("no JSON", "no JSON"),
    ("", ""),
    ("[]", "{}"),
    ('{"keytype":"WHATEVER","magic":0}', "{}"),
    ('{"keytype":"SCHEMA","subject":"x","version":1,"magic":9}', '{"subject":"x","version":1,"id":9,"schema":"{}"}'),
    ('{"keytype":"SCHEMA","subject":"x","version":1,"magic":1}', "no JSON"),
    ('{"keytype":"SCHEMA","subject":"x","version":1,"magic":1}', "[7]"),
    ('{"keytype":"SCHEMA","subject":"x","version":"one","magic":1}', "{}"),
    ('{"keytype":"SCHEMA","version":1,"magic":1}', "{}"),
    ('{"keytype":"CONFIG","subject":"x","magic":0}', '{"compatibilityLevel":"SIDEWARD"}'),
    ('{"keytype":"MODE","subject":"x","magic":0}', '{"mode":7}'),
    ('{"keytype":"SCHEMA","subject":"x","version":1,"magic":1}', b"\xff\xfe{"),
    (b"\xff\xfe{", b"\x00"),
]


def test_damaged_records_are_skipped_and_told_of(own_embedded):
    create_topic(own_embedded.bootstrap)
    good = ('{"keytype":"SCHEMA","subject":"%s","version":1,"magic":1}',
            '{"subject":"%s","version":1,"id":%d,"schema":"\\"%s\\"","deleted":false}')
    before = (good[0] % "before", good[1] % ("before", 1, "int"))
    after = (good[0] % "after", good[1] % ("after", 2, "long"))
    produce(registrys_producer(own_embedded.bootstrap), [before, *DAMAGED, after])
    for hard in [False, True]:
        assert sorted(own_embedded.ask("GET", "/subjects")) == ["after", "before"]
        assert own_embedded.text_by_id(1) == '"int"' and own_embedded.text_by_id(2) == '"long"'
        own_embedded.restart(hard)
    log = own_embedded.gateway.log.read_text()
    assert "offset=1" in log, "the first damaged record is in the log with its offset"
    assert own_embedded.ask("POST", "/subjects/more/versions", {"schema": '"bytes"'})["id"] == 3


@pytest.mark.parametrize("takeover", [False, True])
def test_registry_that_leads_is_followed_and_taken_over_from(new_embedded, takeover):
    registry = new_embedded(arguments=["--registry-takeover"] if takeover else [])
    command = [PROBE, "4.4.0", "live", "--bootstrap", registry.bootstrap, *PATIENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as live:
        try:
            assert found(read_until(live, "waiting")) == 10
            subjects = sorted(schema.subject for schema in ten_schemas())
            assert sorted(registry.ask("GET", "/subjects")) == subjects
            answer = registry.call("POST", "/subjects/mine/versions", {"schema": '"long"'})
            if takeover:
                assert answer.ok, answer.text
            else:
                assert answer.status_code == 500 and "--registry-takeover" in answer.json()["message"]
                live.stdin.write("one more\n")
                live.stdin.flush()
                read_until(live, "summary")
                assert registry.text_by_version("loadtest-extra-0-value", 1) == '"long"'
            live.stdin.close()
            assert live.wait(60) == 0
        finally:
            live.kill()
    # It has left; the topic is ours, and another may take it over again.
    assert registry.ask("POST", "/subjects/mine/versions", {"schema": '"long"'})["id"] == 11
    assert registry.ask("POST", "/subjects/mine2/versions", {"schema": '"double"'})["id"] == 12
    probe("4.4.0", "verify", registry)
    assert registry.text_by_version("mine", 1) == '"long"'
