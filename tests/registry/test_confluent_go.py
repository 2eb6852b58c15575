"""The tests that Confluent wrote for its Go client and serializers, on the registry inside the gateway.

They come with the release that confluent/go.mod pins. Those of the serializers ask an imitation of a registry,
"mock://"; in a copy of their sources it is replaced by the address of a real one, with a context for each, because
all use the same subjects. Rules, references, evolution and headers with GUIDs are what they are about.
"""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from registry_settings import gateway_with

_HERE = Path(__file__).resolve().parent
_MODULE = _HERE / "confluent"
_CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
_REPOSITORY = "github.com/confluentinc/confluent-kafka-go/v2"
_CLIENT = "schemaregistry"
_MOCK = '"mock://"'
# They want a registry of keys as well, /dek-registry, which the gateway has not.
_NOT_RUN = "Encryption"
# What ran when this was written. Fewer would mean that tests are lost without a word.
_TESTS = {
    _CLIENT: 1,
    f"{_CLIENT}/serde/avrov2": 22,
    f"{_CLIENT}/serde/jsonschema": 17,
    f"{_CLIENT}/serde/protobuf": 14,
}


@pytest.fixture
def registry(tmp_path):
    """The URL of a registry without schemas that compares nothing, as the imitation does."""
    with gateway_with(tmp_path, 'schema.compatibility.level = "none"') as server:
        yield f"http://{server.registry}"


@pytest.fixture(scope="session")
def programs():
    return install()


def install():
    """Builds a test program for each package, once, whose tests ask the registry at REGISTRY_URL. Returns the folder."""
    root = _CACHE / "confluent-go"
    listed = ["go", "mod", "download", "-json", _REPOSITORY]
    module = json.loads(subprocess.run(listed, cwd=_MODULE, check=True, stdout=subprocess.PIPE, text=True).stdout)
    stamp = root / "stamp"
    want = f"{module['Version']} {Path(__file__).read_text()}"
    if stamp.exists() and stamp.read_text() == want:
        return root
    shutil.rmtree(root, ignore_errors=True)
    source = root / "module"
    shutil.copytree(module["Dir"], source, ignore=shutil.ignore_patterns("examples", "soaktest"))
    for path in [source, *source.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    for package in _TESTS:
        ask_the_registry(source / package, contexts=package != _CLIENT)
    text = (_MODULE / "go.mod").read_text()
    (root / "go.mod").write_text(f"{text}\nreplace {_REPOSITORY} => {source}\n")
    shutil.copy(_MODULE / "go.sum", root / "go.sum")
    packages = [f"{_REPOSITORY}/{package}" for package in _TESTS]
    build = ["go", "test", "-p", "2", "-vet", "off", "-modfile", root / "go.mod", "-c", "-o", f"{root}/", *packages]
    subprocess.run(build, cwd=_MODULE, check=True, stdin=subprocess.DEVNULL)
    stamp.write_text(want)
    return root


def ask_the_registry(package, contexts):
    """Replaces the imitation in a package's tests, and in its first file says by what."""
    asked = 0
    files = [path for path in sorted(package.glob("*_test.go")) if path.name != "config_test.go"]
    for path in files:
        first, *others = path.read_text().split(_MOCK)
        for other in others:
            asked += 1
            first += f"registryForTest({asked}){other}"
        path.write_text(first)
    assert asked, f"no test of {package} asks {_MOCK}"
    clause = next(line for line in files[0].read_text().splitlines() if line.startswith("package "))
    context = 'fmt.Sprintf("/contexts/.test%d", n)' if contexts else 'fmt.Sprint()'
    (package / "registry_for_test.go").write_text(
        f"""{clause}

import (
	"fmt"
	"os"
)

func registryForTest(n int) string {{ return os.Getenv("REGISTRY_URL") + {context} }}
"""
    )


@pytest.mark.parametrize("package", _TESTS)
def test_confluents_own_go_tests(package, registry, programs):
    def run(*arguments):
        # A process for each test: what executes rules is one for a process, and bound to one registry.
        return subprocess.run(
            [programs / f"{Path(package).name}.test", "-test.timeout", "60s", *arguments],
            cwd=programs / "module" / package,
            env=os.environ | {"REGISTRY_URL": registry},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )

    only = "^TestClient$" if package == _CLIENT else "."
    listed = run("-test.list", only).stdout.splitlines()
    names = [name for name in listed if name.startswith("Test") and _NOT_RUN not in name]
    assert len(names) >= _TESTS[package], names
    done = {name: run("-test.run", f"^{name}$", "-test.v") for name in names}
    failed = {name: result.stdout for name, result in done.items() if result.returncode or "--- PASS" not in result.stdout}
    assert not failed, "\n".join(f"{name}:\n{said}" for name, said in failed.items())
