"""franz-go's schema registry client on the registry inside the gateway: go/*_test.go, each a test here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "kgo"))

import gateway as servers
from kgo import Results

_GO = _HERE / "go"
_TESTS = [name for path in sorted(_GO.glob("*_test.go")) for name in re.findall(r"(?m)^func (Test\w+)\(", path.read_text())]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All of them, run at once on one gateway that begins with no schema."""
    server = servers.new_gateway(tmp_path_factory.mktemp("gateway"), registry=True)
    server.start()
    results = Results()
    try:
        done = subprocess.run(
            ["go", "test", "-p", "2", "-count", "1", "-timeout", "2m", "-json", "./..."],
            cwd=_GO,
            env=os.environ | {"REGISTRY_URL": f"http://{server.registry}", "KAFKA_SEEDS": server.bootstrap},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    finally:
        server.terminate()
    for line in done.stdout.splitlines():
        results.take(line)
    return results


@pytest.mark.parametrize("name", _TESTS)
def test_franz_go(name, results):
    of_test = [other for other in results.outcome if other == name or other.startswith(name + "/")]
    said = "".join(line for other in of_test for line in results.output[other])
    assert results.outcome.get(name) == "pass", said or "".join(results.outside)
