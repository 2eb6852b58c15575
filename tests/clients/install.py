"""Fetches and builds what suites beside the clients' run on, so that no test waits for a download: setup.sh calls it.

What is there already costs next to nothing. A test that finds something missing all the same fetches it itself.
"""

import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / folder) for folder in ("clients", "apps", "tools", "registry", "schema")]

import apps
import kafka_tools
import test_avro
import test_confluent_go
import test_protobuf
from clients import JAVA_VERSIONS

ATTEMPTS = 3


def run(*command, folder="."):
    subprocess.run([str(word) for word in command], cwd=TESTS / folder, check=True, stdin=subprocess.DEVNULL)


def programs():
    """What is to be had, one after the other: Maven and two cores are shared with a build."""
    yield kafka_tools.install
    yield apps.install
    yield lambda: run(TESTS / "registry" / "apicurio.sh", "install")
    yield lambda: run(TESTS / "registry" / "java" / "run.sh", "install")
    for version in JAVA_VERSIONS:
        yield lambda version=version: run(TESTS / "registry" / "probe" / "probe.sh", version, "install")
    yield test_avro.install
    yield test_protobuf.install
    # Compiled and not run, which leaves all of it in Go's cache.
    yield lambda: run("go", "test", "-p", "2", "-run", "^$", "./...", folder="registry/go")
    yield lambda: run("go", "test", "-p", "2", "-run", "^$", "github.com/twmb/franz-go/pkg/kgo", folder="kgo")
    yield test_confluent_go.install


def main():
    for install in programs():
        for attempt in range(1, ATTEMPTS + 1):
            try:
                install()
                break
            except subprocess.CalledProcessError as error:
                print(f"install.py: attempt {attempt}: {error}", file=sys.stderr, flush=True)
                if attempt == ATTEMPTS:
                    sys.exit(1)
                # A download may break off.
                time.sleep(2)


if __name__ == "__main__":
    main()
