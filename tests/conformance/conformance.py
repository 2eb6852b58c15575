#!/usr/bin/env python3
"""Starts the brokers that a command of the conformance suite needs, and runs it.

    conformance.py check [--junit FILE]   Tidegate against what is recorded
    conformance.py record                 record Apache Kafka's answers
    conformance.py accept                 record Tidegate's deliberate differences
    conformance.py compare                Apache Kafka and Tidegate, side by side

Further arguments go to the suite: --filter create_topics. TIDEGATE_BIN and CONFORMANCE_BIN name the
binaries; without them those of `make build` are taken.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "clients"))

from gateway import Kafka, Tidegate  # noqa: E402

# What both brokers are told, so that no answer differs for its sake and no scenario has to wait long.
SETTINGS = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "100",
    "group.max.size": "6",
    "offsets.topic.num.partitions": "4",
    "log.retention.ms": "-1",
}


def binary(variable, name):
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return os.environ.setdefault(
        variable, str(Path(target) / os.environ.get("PROFILE", "fast") / name)
    )


class ToldKafka(Kafka):
    def start(self):
        told = [part for pair in SETTINGS.items() for part in ("--set", "=".join(pair))]
        self._script("start", "--port", str(self.port), *told)


def told_tidegate(directory):
    directory.mkdir()
    config = directory / "tidegate.toml"
    lines = [f'"{name}" = "{value}"' for name, value in SETTINGS.items()]
    config.write_text("\n".join(["[kafka]", *lines, ""]))
    # The memory engine: the protocol is the subject here, durability has suites of its own.
    return Tidegate(directory, ["--config", str(config), "--storage", "memory"])


def main():
    command, *arguments = sys.argv[1:] or ["check"]
    suite = binary("CONFORMANCE_BIN", "conformance")
    binary("TIDEGATE_BIN", "tidegate")
    with tempfile.TemporaryDirectory(prefix="tidegate-conformance-") as directory:
        needed = {
            "check": [told_tidegate],
            "accept": [told_tidegate],
            "record": [ToldKafka],
            "compare": [ToldKafka, told_tidegate],
        }
        if command not in needed:
            sys.exit(__doc__)
        brokers = [make(Path(directory) / str(n)) for n, make in enumerate(needed[command])]
        try:
            for broker in brokers:
                broker.start()
            at = [broker.bootstrap for broker in brokers]
            where = at if command == "compare" else ["--bootstrap", *at]
            done = subprocess.run([suite, command, *where, *arguments], cwd=ROOT, check=False)
        finally:
            for broker in brokers:
                if broker.running():
                    broker.terminate()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
