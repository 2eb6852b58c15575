#!/usr/bin/env python3
"""Runs `tidegate load` against SeaweedFS's own Kafka gateway and keeps the report: `make load-seaweedfs`.

    gateway_load.py [--out docs/reports] [--duration 60s] [--kills 3]

Broker and gateway are killed (SIGKILL) and started again while records are produced. The schema registry is
Tidegate's. What SeaweedFS acknowledged and then did not have is in the report; that it is found, is what this
checks: it ends with 0 if the load test ended with 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "clients"))

import gateway as servers
from seaweedfs import SeaweedFS

KINDS = ("json", "html")
# Named by where they are seen from, so that the report has no paths of this machine.
KILL = "python3 -m seaweedfs kill --dir cluster broker gateway >/dev/null"
RESTART = "python3 -m seaweedfs restart --dir cluster broker gateway >/dev/null"


def run(folder, registry, arguments):
    """The load test's exit code. It runs in `folder`, where the cluster is."""
    duration_s = int(arguments.duration.rstrip("s"))
    plan = {
        "preset": "standard",
        "bootstrap": "127.0.0.1:9093",
        "registry": registry,
        "duration": arguments.duration,
        "bytes": 1024,
        "delivery_timeout": "30s",
        "drain_timeout": "20s",
        # Its answers to those who delete topics it may not survive.
        "keep_topics": True,
    }
    (folder / "plan.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in plan.items()))
    command = [os.environ["TIDEGATE_BIN"], "load", "--config", "plan.toml"]
    for kill in range(arguments.kills):
        at = duration_s * (kill + 1) // (arguments.kills + 1)
        command += ["--at", f"{at}s", f"{KILL}; {RESTART}"]
    for kind in KINDS:
        command += ["--report", f"seaweedfs-gateway.{kind}"]
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reports")
    parser.add_argument("--duration", default="30s", help="in seconds")
    parser.add_argument("--kills", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as name:
        folder = Path(name)
        tidegate = servers.Tidegate(folder / "tidegate", ("--storage", "memory"), registry=True)
        tidegate.start()
        cluster = None
        try:
            registry = f"http://{tidegate.registry}"
            cluster = SeaweedFS(folder / "cluster", gateway=True, registry_url=registry)
            cluster.start()
            # It asks for its registry, and lets go of a new broker, once more after that.
            time.sleep(5)
            code = run(folder, registry, arguments)
        finally:
            if cluster:
                cluster.stop()
            tidegate.kill()
        for kind in KINDS:
            report = (folder / f"seaweedfs-gateway.{kind}").read_text()
            for private in (str(folder), str(ROOT), str(Path.home()) + "/", os.uname().nodename):
                assert private not in report, f"the report names {private}"
            arguments.out.mkdir(parents=True, exist_ok=True)
            (arguments.out / f"seaweedfs-gateway.{kind}").write_text(report)
    print(f"the load test ended with {code}; its report is in {arguments.out}")
    return 0 if code == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
