"""Confluent's Java client and Flink's format on the registry inside the gateway: java/src, each test a test here."""

import re
import subprocess
from pathlib import Path

import pytest

from registry_settings import PASSWORD, USER, guarded_gateway

_JAVA = Path(__file__).resolve().parent / "java"
_TEST = re.compile(r"(?m)^    public void (\w+)\(\)")
_TESTS = [name for path in sorted((_JAVA / "src").glob("*.java")) for name in _TEST.findall(path.read_text())]


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """What the program printed, which ran all of them on one gateway that began with no schema and asked for a password."""
    with guarded_gateway(tmp_path_factory.mktemp("java")) as server:
        done = subprocess.run(
            [_JAVA / "run.sh", f"http://{server.registry}", server.bootstrap, USER, PASSWORD],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
    return done.stdout.splitlines() + done.stderr.splitlines()


@pytest.mark.parametrize("name", _TESTS)
def test_java(name, lines):
    if f"pass {name}" in lines:
        return
    why = [line for line in lines if line.startswith(f"fail {name} ")] or lines
    pytest.fail("\n".join(why).replace("\\n", "\n"), pytrace=False)
