"""franz-go's schema registry client on the registry inside the gateway: go/*_test.go, each a test here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "kgo"))

from registry_settings import PASSWORD, USER, guarded_gateway
from kgo import Results

_GO = _HERE / "go"
_TEST = re.compile(r"(?m)^func (Test\w+)\(")
_TESTS = [name for path in sorted(_GO.glob("*_test.go")) for name in _TEST.findall(path.read_text())]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All of them, run at once on one gateway that begins with no schema and asks for a password."""
    results = Results()
    with guarded_gateway(tmp_path_factory.mktemp("go")) as server:
        about = {
            "REGISTRY_URL": f"http://{server.registry}",
            "REGISTRY_USER": USER,
            "REGISTRY_PASSWORD": PASSWORD,
            "KAFKA_SEEDS": server.bootstrap,
        }
        done = subprocess.run(
            ["go", "test", "-p", "2", "-count", "1", "-timeout", "2m", "-json", "./..."],
            cwd=_GO,
            env=os.environ | about,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    for line in done.stdout.splitlines():
        results.take(line)
    return results


@pytest.mark.parametrize("name", _TESTS)
def test_franz_go(name, results):
    of_test = [other for other in results.outcome if other == name or other.startswith(name + "/")]
    said = "".join(line for other in of_test for line in results.output[other])
    assert results.outcome.get(name) == "pass", said or "".join(results.outside)
