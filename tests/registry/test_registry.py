"""Schema registries on the gateway: Apicurio as it is, and the probe of Confluent's behaviour."""

import json
import os
import statistics
import subprocess
import time

import pytest

from apicurio import Apicurio
from probing import PATIENT, PROBE, expect_read_back_at_once, found, offsets, probe, read_until
from ten_schemas import numbered_schema, ten_schemas

_CLIENTS = ["2.8.2", "3.9.1", "4.4.0"]

# NOOP of the start, NOOP of the new leader, ten schemas.
_OFFSETS_AFTER_RUN = 12
_NOOPS_PER_START = 2

# Schemas in the test of a fuller registry; a release runs it with thousands.
_MANY = int(os.environ.get("REGISTRY_SCHEMAS", "200"))


# The probe


@pytest.mark.parametrize("version", _CLIENTS)
def test_probe_sees_offsets_from_0_to_11_and_finds_ten_of_ten_again_after_kill(version, gateway):
    events = probe(version, "run", gateway)
    assert offsets(events) == list(range(_OFFSETS_AFTER_RUN))
    assert found(events) == 10
    expect_read_back_at_once(events)

    events = probe(version, "verify", gateway)
    assert offsets(events) == list(range(_OFFSETS_AFTER_RUN + _NOOPS_PER_START))
    assert found(events) == 10

    gateway.kill()
    gateway.start()
    events = probe(version, "verify", gateway)
    assert offsets(events) == list(range(_OFFSETS_AFTER_RUN + 2 * _NOOPS_PER_START))
    assert found(events) == 10


@pytest.mark.parametrize("version", _CLIENTS)
def test_running_probe_registers_again_after_gateway_was_killed(version, gateway):
    command = [PROBE, version, "live", "--bootstrap", gateway.bootstrap, *PATIENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as live:
        try:
            before = read_until(live, "waiting")
            assert offsets(before) == list(range(_OFFSETS_AFTER_RUN))
            gateway.kill()
            gateway.start()
            live.stdin.write("one more\n")
            live.stdin.flush()
            after = read_until(live, "summary")
            assert found(after) == 10
            live.stdin.close()
            assert live.wait(60) == 0
        finally:
            live.kill()
    assert offsets(after)[0] == _OFFSETS_AFTER_RUN


def test_survivor_becomes_master_and_no_generation_has_two_equal_urls(gateway):
    # The three releases wait out session timeouts side by side, each in a group of its own.
    running = {
        version: subprocess.Popen(
            [PROBE, version, "elect", "--bootstrap", gateway.bootstrap, "--group", f"elect-{version}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for version in _CLIENTS
    }
    try:
        for version, process in running.items():
            said, _ = process.communicate(timeout=500)
            assert process.returncode == 0, f"election on kafka-clients {version}\n{said}"
            events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
            steps = [event for event in events if event.get("event") == "election"]
            assert [step["step"] for step in steps] == [
                "agreed",
                "survivor took over",
                "replaced",
                "replaced at once",
            ]
            print(version, {step["step"]: step["ms"] for step in steps})
            for event in events:
                members = event.get("says", {}).get("members", [])
                assert len(members) == len(set(members)), f"two equal URLs in {members}"
    finally:
        for process in running.values():
            process.terminate()


# Apicurio


@pytest.fixture
def registry(gateway, tmp_path):
    server = Apicurio(gateway.bootstrap, tmp_path / "registry.log")
    server.start()
    yield server
    server.stop()


def test_apicurio_gives_back_ten_of_ten_over_restarts_and_a_gateway_kill(registry, gateway):
    ids = {schema: registry.register(schema) for schema in ten_schemas()}
    assert len(ids) == 10
    assert registry.missing(ids) == []

    registry.stop()
    registry.start()
    assert registry.missing(ids) == [], "after the registry's restart"

    gateway.kill()
    gateway.start()
    assert registry.missing(ids) == [], "after the gateway was killed under it"
    eleventh = numbered_schema(0)
    ids[eleventh] = registry.register(eleventh)

    # Only a registry that starts anew shows what the topic holds.
    registry.stop()
    registry.start()
    assert registry.missing(ids) == [], "after both had been restarted"


def test_apicurio_gives_back_every_one_of_many_schemas(registry):
    ids = {}
    latencies_ms = []
    begin = time.monotonic()
    for number in range(_MANY):
        schema = numbered_schema(number)
        sent = time.monotonic()
        ids[schema] = registry.register(schema)
        latencies_ms.append((time.monotonic() - sent) * 1000)
    took_s = time.monotonic() - begin
    assert len(set(ids.values())) == _MANY

    registry.stop()
    registry.start()
    assert registry.missing(ids) == []
    quantiles = statistics.quantiles(latencies_ms, n=100)
    print(f"{_MANY} schemas, {_MANY / took_s:.0f}/s, p50 {quantiles[49]:.1f} ms, p99 {quantiles[98]:.1f} ms")
