#!/usr/bin/env python3
"""Commits and fetches a second of every storage of offsets, the filer's on a real SeaweedFS of its own.

    make offsets-bench OPTIONS="--seconds 10"

OFFSET_STORAGES names the program (crates/cli/examples/offset_storages.rs), which prints the table. It speaks to the
broker without a socket between, so that storages are compared and not clients.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "seaweedfs"))

from seaweedfs import SeaweedFS


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", default="5")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        cluster = SeaweedFS(Path(directory) / "seaweedfs")
        try:
            cluster.start()
            command = [os.environ["OFFSET_STORAGES"], "bench", "--dir", directory]
            command += ["--seconds", arguments.seconds, f"http://{cluster.filers[0]}"]
            return subprocess.run(command).returncode
        finally:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
