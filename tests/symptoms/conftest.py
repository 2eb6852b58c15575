"""Fixtures of the symptoms' tests. A test `test_<id>` produces the symptom `<id>` of the guide."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

import guide
from case import Case, Faults

SYMPTOMS = guide.read()


@pytest.fixture(scope="session")
def faults_library(tmp_path_factory):
    """The library that makes disks slow or full and clocks jump, for a gateway that is started with it."""
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, HERE / "faults.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.fixture
def symptom(request, tmp_path, faults_library):
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    assert name in SYMPTOMS, f"docs/troubleshooting.md has no symptom {name}"
    failed_before = request.session.testsfailed
    case = Case(SYMPTOMS[name], tmp_path, Faults(faults_library, tmp_path / "faults"))
    try:
        yield case
    finally:
        case.stop()
    if request.session.testsfailed == failed_before:
        assert case.is_checked, "the test did not check what the guide says"
