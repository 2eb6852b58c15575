"""A SeaweedFS of the tests' own, on free ports."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from seaweedfs import SeaweedFS


@pytest.fixture
def new_seaweedfs(tmp_path):
    """Starts a cluster for the test alone; the arguments are those of SeaweedFS."""
    started = []

    def start(directory="seaweedfs", **options):
        cluster = SeaweedFS(tmp_path / directory, **options)
        started.append(cluster)
        cluster.start()
        return cluster

    yield start
    for cluster in started:
        cluster.stop()
