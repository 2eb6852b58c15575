#!/usr/bin/env python3
"""Registers many subjects with the embedded registry, starts it anew, and finds every one of them again.

    large.py [--subjects 20000] [--connections 16] [--dir D]

Prints how fast they were registered, what they take in memory, and how long
it takes from a start to the first answer.
"""

import argparse
import http.client
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

import gateway as servers
from ten_schemas import canonical, numbered_schema

HEADERS = {"Content-Type": "application/vnd.schemaregistry.v1+json"}


def resident_mb(server):
    """What the gateway holds in memory."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("/proc does not tell the resident size")


def ask(connection, method, path, body=None):
    """One request over a kept connection; it must succeed."""
    connection.request(method, path, body and json.dumps(body), HEADERS)
    answer = connection.getresponse()
    data = answer.read()
    assert answer.status == 200, f"{method} {path}: {answer.status} {data}"
    return json.loads(data)


def spread(address, connections, items, work):
    """`work(connection, item)` for all items from so many connections; the results in the items' order."""

    def share(first):
        connection = http.client.HTTPConnection(address, timeout=60)
        return [work(connection, item) for item in items[first::connections]]

    with ThreadPoolExecutor(connections) as pool:
        shares = list(pool.map(share, range(connections)))
    return [shares[i % connections][i // connections] for i in range(len(items))]


def register(connection, schema):
    return ask(connection, "POST", f"/subjects/{schema.subject}/versions", {"schema": schema.text})["id"]


def start(server):
    """Starts the gateway and waits for an answer that all of `_schemas` has to be read for."""
    server.start()
    ask(http.client.HTTPConnection(server.registry, timeout=60), "GET", "/subjects?limit=1")


def timed(function):
    begin = time.monotonic()
    result = function()
    return result, time.monotonic() - begin


def run(server, subjects, connections):
    schemas = [numbered_schema(i) for i in range(subjects)]
    _, empty_s = timed(lambda: start(server))
    empty_mb = resident_mb(server)

    ids, took_s = timed(lambda: spread(server.registry, connections, schemas, register))
    assert sorted(ids) == list(range(1, subjects + 1)), "ids have a gap, or one was given out twice"
    print(f"registered {subjects} subjects from {connections} connections in {took_s:.1f} s, {subjects / took_s:.0f}/s")
    print(f"memory: {empty_mb:.0f} MB without them, {resident_mb(server):.0f} MB with them")

    for hard in [False, True]:
        (server.kill if hard else server.terminate)()
        _, start_s = timed(lambda: start(server))
        how = "SIGKILL" if hard else "an orderly stop"
        print(f"first answer after {how}: {start_s:.2f} s, {empty_s:.2f} s without subjects")
        expect_all(server, connections, schemas, ids)
        print(f"memory: {resident_mb(server):.0f} MB")


def expect_all(server, connections, schemas, ids):
    """Every subject is listed, and found by version and by id."""
    listed = ask(http.client.HTTPConnection(server.registry, timeout=60), "GET", "/subjects")
    assert sorted(listed) == sorted(schema.subject for schema in schemas), "not all subjects are listed"

    def found(connection, pair):
        schema, schema_id = pair
        latest = ask(connection, "GET", f"/subjects/{schema.subject}/versions/latest")
        by_id = ask(connection, "GET", f"/schemas/ids/{schema_id}")
        return latest["id"] == schema_id and latest["schema"] == by_id["schema"] == canonical(schema)

    (right, took_s) = timed(lambda: spread(server.registry, connections, list(zip(schemas, ids)), found))
    assert all(right), f"{right.count(False)} subjects are not what was registered"
    print(f"found all {len(schemas)} by version and by id in {took_s:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--dir", help="keep the gateway's data here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-registry-") as temporary:
        server = servers.new_gateway(options.dir or temporary, registry=True)
        try:
            run(server, options.subjects, options.connections)
        finally:
            if server.running():
                server.kill()
    print(f"passed: {options.subjects} subjects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
