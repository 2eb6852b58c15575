"""The probe: a program on Kafka's Java clients that does what Confluent's registry does."""

import json
import subprocess
from pathlib import Path

PROBE = Path(__file__).resolve().parent / "probe" / "probe.sh"
# In place of the 500 ms of a registry, which a single pause of a busy machine would use up.
PATIENT = ("--timeout-ms", "60000")
READ_BACK_MS = 500


def probe(version: str, verb: str, gateway, *options: str) -> list[dict]:
    """Runs one verb of the probe to its end; fails with all that it said unless it exits with 0."""
    done = subprocess.run(
        [PROBE, version, verb, "--bootstrap", gateway.bootstrap, *PATIENT, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, f"probe {verb} on kafka-clients {version}\n{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def offsets(events: list[dict]) -> list[int]:
    """Every offset that the probe's reader saw, in its order."""
    return [event["offset"] for event in events if event.get("event") == "offset"]


def expect_read_back_at_once(events: list[dict]) -> None:
    """Most schemas were read back in the time that a registry would have waited for each."""
    p50_us = [event for event in events if event.get("event") == "summary"][0]["p50_us"]
    assert p50_us < READ_BACK_MS * 1000, f"half of the schemas took over {p50_us} µs"


def found(events: list[dict]) -> int:
    """How many of the ten schemas the probe found at its end."""
    return [event for event in events if event.get("event") == "summary"][-1]["found"]


def read_until(process: subprocess.Popen, kind: str) -> list[dict]:
    """The events up to and with the first of `kind`."""
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == kind:
            return events
    raise AssertionError(f"the probe ended before {kind}: {events}")
