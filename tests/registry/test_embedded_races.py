"""Many connections to the embedded registry at once: each answer holds for all of them from the moment it is given."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka.schema_registry import AsyncSchemaRegistryClient

from confluent_api import Api
from registry_client import avro_record, compact

_CONNECTIONS = 16
_SCHEMAS = 400


def at_once(registry, count, work):
    """The results of `work(api, number)` for so many connections, which all begin at the same moment."""
    together = threading.Barrier(count)

    def connection(number):
        api = Api(registry.url)
        api.call("GET", "/subjects")
        together.wait(120)
        return work(api, number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(connection, range(count)))


def register(api, subject, schema):
    return api.call("POST", f"/subjects/{subject}/versions", {"schema": schema.schema_str})


def test_the_very_first_schemas_come_over_many_connections_at_once(new_embedded):
    for attempt in range(5):
        registry = new_embedded(directory=f"gateway-{attempt}")
        answers = at_once(registry, _CONNECTIONS, lambda api, i: register(api, f"s{i}", avro_record(f"R{i}", "a")))
        assert all(answer.ok for answer in answers), [answer.text for answer in answers]
        assert sorted(answer.json()["id"] for answer in answers) == list(range(1, _CONNECTIONS + 1))


def test_acknowledged_schema_is_read_at_once_over_every_connection(own_embedded):
    waiting = iter(range(_SCHEMAS))
    readers = [Api(own_embedded.url) for _ in range(_CONNECTIONS)]

    def connection(api, number):
        # What one connection is told, the next one asks for.
        reader = readers[(number + 1) % _CONNECTIONS]
        seen = 0
        for i in waiting:
            schema = avro_record(f"R{i}", "a")
            answer = register(api, f"s{i}", schema)
            assert answer.ok, answer.text
            told = answer.json()
            with locks[(number + 1) % _CONNECTIONS]:
                text = compact(schema.schema_str)
                assert reader.text_by_id(told["id"]) == text
                assert reader.text_by_version(f"s{i}", 1) == text
                assert reader.ask("GET", f"/schemas/guids/{told['guid']}")["schema"] == text
                assert reader.ask("POST", f"/subjects/s{i}", {"schema": schema.schema_str})["id"] == told["id"]
            seen += 1
        return seen

    locks = [threading.Lock() for _ in range(_CONNECTIONS)]
    assert sum(at_once(own_embedded, _CONNECTIONS, connection)) == _SCHEMAS


def test_versions_of_one_subject_from_many_connections_have_no_gap(embedded, name):
    embedded.ask("PUT", f"/config/{name}", {"compatibility": "NONE"})

    def connection(api, number):
        answers = [register(api, name, avro_record(f"R{number}_{i}", "a")) for i in range(10)]
        assert all(answer.ok for answer in answers), [answer.text for answer in answers]
        return [answer.json()["version"] for answer in answers]

    told = at_once(embedded, _CONNECTIONS, connection)
    every = list(range(1, 10 * _CONNECTIONS + 1))
    assert sorted(sum(told, [])) == every
    assert all(versions == sorted(versions) for versions in told), "versions go up over each connection"
    assert embedded.ask("GET", f"/subjects/{name}/versions") == every


def test_of_schemas_that_exclude_each_other_one_is_registered(embedded, name):
    for i in range(10):
        subject = f"{name}-{i}"
        answers = at_once(
            embedded, _CONNECTIONS, lambda api, number: register(api, subject, avro_record("R", f"f{number}"))
        )
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200] + [409] * (_CONNECTIONS - 1), [answer.text for answer in answers]
        assert embedded.ask("GET", f"/subjects/{subject}/versions") == [1]


def test_deleted_subject_is_gone_for_every_connection_at_once(embedded, name):
    for i in range(10):
        subject = f"{name}-{i}"
        assert register(embedded, subject, avro_record("R", "a")).ok
        answers = at_once(embedded, _CONNECTIONS, lambda api, _: api.call("DELETE", f"/subjects/{subject}"))
        assert sorted(answer.status_code for answer in answers) == [200] + [404] * (_CONNECTIONS - 1)
        assert {answer.json()["error_code"] for answer in answers if not answer.ok} == {40404}


def test_confluents_asyncio_client_is_answered(embedded, name):
    async def run():
        async with AsyncSchemaRegistryClient({"url": embedded.url}) as client:
            schemas = [avro_record(f"R{i}", "a") for i in range(50)]
            ids = await asyncio.gather(*(client.register_schema(f"{name}-{i}", s) for i, s in enumerate(schemas)))
            found = await asyncio.gather(*(client.get_schema(schema_id) for schema_id in ids))
            assert [one.schema_str for one in found] == [compact(schema.schema_str) for schema in schemas]

    asyncio.run(run())
