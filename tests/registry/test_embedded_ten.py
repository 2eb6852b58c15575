"""The embedded registry keeps what it has acknowledged, over restarts and SIGKILL, and gives out each id once."""

import json
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from confluent_api import Api
from embedded import schemas_topic
from ten_schemas import numbered_schema, ten_schemas

_CONNECTIONS = 8
_MANY_CONNECTIONS = 100
_SUBJECTS = 1_000
# A restart may find the port in use no longer, and connections that were open are gone.
_GONE = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def register_all(registry, schemas, connections=_CONNECTIONS):
    """Registers every schema from so many connections. The answer: id by schema, those that were acknowledged."""
    waiting = iter(schemas)
    lock = threading.Lock()
    ids = {}

    def connection():
        api = Api(registry.url)
        while True:
            with lock:
                schema = next(waiting, None)
            if schema is None:
                return
            try:
                ids[schema] = api.register(schema)
            except _GONE:
                return

    with ThreadPoolExecutor(connections) as pool:
        for one in [pool.submit(connection) for _ in range(connections)]:
            one.result()
    return ids


def test_ten_of_ten_are_given_back_after_restart_and_kill(own_embedded):
    ids = register_all(own_embedded, ten_schemas())
    # The same schema has one id under each subject that it is registered under.
    assert sorted(set(ids.values())) == list(range(1, 7)), ids
    assert len(ids) == 10
    assert own_embedded.missing(ids) == []

    own_embedded.restart()
    assert own_embedded.missing(ids) == [], "after a restart"

    own_embedded.restart(hard=True)
    assert own_embedded.missing(ids) == [], "after SIGKILL"
    assert register_all(own_embedded, ten_schemas()) == ids, "registered again"


def test_nothing_acknowledged_is_lost_by_kill_in_the_midst_of_registering(own_embedded):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    moment = random.Random(seed)
    schemas = ten_schemas()
    ids = {}
    for round_ in range(5):
        schemas += [numbered_schema(round_ * 1_000 + i) for i in range(400)]
        known = set(ids)
        killer = threading.Timer(moment.uniform(0.05, 0.4), own_embedded.kill)
        killer.start()
        try:
            ids |= register_all(own_embedded, [schema for schema in schemas if schema not in known])
        finally:
            killer.join()
            own_embedded.start()
        assert own_embedded.missing(ids) == [], f"after SIGKILL {round_}"
    again = register_all(own_embedded, schemas)
    assert {schema: again[schema] for schema in ids} == ids, "acknowledged twice with different ids"
    texts = {own_embedded.stored_text(schema) for schema in schemas}
    assert sorted(set(again.values())) == list(range(1, len(texts) + 1)), "ids are dense"
    by_id = {}
    for schema, schema_id in again.items():
        assert by_id.setdefault(schema_id, own_embedded.stored_text(schema)) == own_embedded.stored_text(schema)
    print(f"{len(ids)} of {len(schemas)} were acknowledged before a kill")
    assert len(ids) < len(schemas), "no kill came in the midst"


def test_the_same_schema_from_a_hundred_connections_has_one_id_and_one_record(own_embedded):
    schema = numbered_schema(7)
    together = threading.Barrier(_MANY_CONNECTIONS)

    def connection(_):
        api = Api(own_embedded.url)
        api.call("GET", "/subjects")
        together.wait(120)
        return api.register(schema)

    with ThreadPoolExecutor(_MANY_CONNECTIONS) as pool:
        ids = list(pool.map(connection, range(_MANY_CONNECTIONS)))
    assert set(ids) == {1}
    kinds = [json.loads(key)["keytype"] for key, _ in schemas_topic(own_embedded.bootstrap)]
    assert kinds.count("SCHEMA") == 1


def test_a_thousand_subjects_are_all_found_after_a_restart(own_embedded):
    schemas = [numbered_schema(i) for i in range(_SUBJECTS)]
    begin = time.monotonic()
    ids = register_all(own_embedded, schemas)
    took_s = time.monotonic() - begin
    print(f"{_SUBJECTS} schemas from {_CONNECTIONS} connections, {_SUBJECTS / took_s:.0f}/s")
    assert sorted(ids.values()) == list(range(1, _SUBJECTS + 1))

    own_embedded.restart()
    assert own_embedded.missing(ids) == []
    assert sorted(own_embedded.ask("GET", "/subjects")) == sorted(schema.subject for schema in schemas)


def test_ten_are_registered_in_a_gateway_without_a_disk(new_embedded):
    registry = new_embedded(arguments=["--storage", "memory"])
    ids = register_all(registry, ten_schemas())
    assert len(ids) == 10 and registry.missing(ids) == []
