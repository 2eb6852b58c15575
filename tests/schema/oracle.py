"""Verdicts on schemas: ours, and those of Java libraries. JSON lines go in and come out."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
_TIMEOUT_S = 300


def java(name, pom, sources, *properties):
    """The command that runs the first of `sources` with the jars of `pom`. `name` is its place in the cache."""
    home = CACHE / "schema" / name
    jars = home / "lib"
    subprocess.run([ROOT / "tests" / "java" / "jars.sh", pom, jars, *properties], check=True, stdin=subprocess.DEVNULL)
    classes, stamp = home / "classes", home / "classes.stamp"
    wanted = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        compiler = ["javac", "-Xlint:all,-classfile,-processing", "-Werror", "-cp", f"{jars}/*", "-d", classes, *sources]
        subprocess.run(compiler, check=True)
        stamp.write_text(wanted)
    # A program of seconds: quick to start, and a heap that leaves room for the rest of the suite.
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]
    return ["java", *options, "-cp", f"{classes}:{jars}/*", sources[0].stem]


def tidegate():
    """The command that gives our verdicts. It is built where no build is named by TIDEGATE_VERDICTS."""
    named = os.environ.get("TIDEGATE_VERDICTS")
    if named:
        return [named]
    profile = os.environ.get("PROFILE", "fast")
    build = ["cargo", "build", "-q", "--profile", profile, "-p", "tidegate-schema", "--example", "verdicts"]
    subprocess.run(build, check=True, cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return [target / ("debug" if profile == "dev" else profile) / "examples" / "verdicts"]


def verdicts(command, requests):
    """What `command` answers to each of `requests`."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True, timeout=_TIMEOUT_S)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == len(requests), f"{len(answers)} answers to {len(requests)} lines"
    return answers
