"""The suite that every storage of offsets passes, on the one in a real filer."""

import os
import subprocess
from pathlib import Path

import pytest

PATIENCE_S = 240
PROGRAM = Path(os.environ["TIDEGATE_BIN"]).parent / "examples" / "offset_storages"


@pytest.mark.parametrize("storage", ["log", "memory", "filer", "filer-cached"])
def test_every_claim_holds(seaweedfs, storage):
    command = [PROGRAM, "conformance", storage, f"http://{seaweedfs.filers[0]}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = [line.split()[0] for line in done.stdout.splitlines()[:-1]]
    assert set(verdicts) == {"ok"} and len(verdicts) > 15, done.stdout
