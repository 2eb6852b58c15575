"""Kafka's own measuring tools, run as a user runs them, and their answers as numbers."""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
_CACHE = Path(os.environ.get("TIDEGATE_CACHE") or Path.home() / ".cache" / "tidegate")
_KAFKA_JARS = _CACHE / "kafka-4.3.1" / "*"
_TIMEOUT_S = 1800
_QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"


def _java(classpath: str, *arguments: str) -> str:
    done = subprocess.run(
        ["java", "-Xms512m", "-Xmx512m", _QUIET, "-cp", classpath, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def _tool(name: str, bootstrap: str, *arguments: str) -> str:
    return _java(str(_KAFKA_JARS), f"org.apache.kafka.tools.{name}", "--bootstrap-server", bootstrap, *arguments)


@cache
def _spread_classpath() -> str:
    compile_sh = _TESTS / "java" / "compile.sh"
    source = Path(__file__).resolve().parent / "Spread.java"
    return subprocess.run(
        [compile_sh, "4.4.0", "spread", source], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def install() -> None:
    """Fetches and compiles what the tools need, so that no measurement pays for it."""
    subprocess.run([_TESTS / "kafka" / "kafka.sh", "install"], check=True)
    _spread_classpath()


def create_topic(bootstrap: str, topic: str, partitions: int) -> None:
    """Creates `topic`; one that exists is an error."""
    _tool("TopicCommand", bootstrap, "--create", "--topic", topic, "--partitions", str(partitions))


@dataclass(frozen=True)
class Produced:
    """ProducerPerformance's last line: rate, and latency in milliseconds."""

    records_per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float


_PRODUCED = re.compile(
    r"([\d.]+) records/sec .*?, (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th", re.ASCII
)


def produce(bootstrap: str, topic: str, records: int, record_bytes: int, rate: int, warmup: int, *settings: str) -> Produced:
    """Sends `records` at `rate` records/s (-1: as fast as it goes); the first `warmup` do not count."""
    arguments = ["--topic", topic, "--num-records", str(records), "--record-size", str(record_bytes)]
    arguments += ["--throughput", str(rate)]
    if warmup:
        arguments += ["--warmup-records", str(warmup)]
    said = _tool("ProducerPerformance", bootstrap, *arguments, "--command-property", "acks=all", *settings)
    # The tool goes on when sends fail, and counts only what succeeded.
    if "Exception" in said:
        raise RuntimeError(f"ProducerPerformance met errors:\n{said[-4000:]}")
    return Produced(*map(float, _PRODUCED.findall(said)[-1]))


def consume(bootstrap: str, topic: str, records: int) -> float:
    """Reads `records` from the beginning; the answer is records/s, without the time to join the group."""
    said = _tool("ConsumerPerformance", bootstrap, "--topic", topic, "--num-records", str(records), "--timeout", "60000")
    head, row = [line.split(", ") for line in said.splitlines() if ", " in line][-2:]
    answer = dict(zip(head, row))
    if int(answer["data.consumed.in.nMsg"]) < records:
        raise RuntimeError(f"ConsumerPerformance read too few records:\n{said[-4000:]}")
    return float(answer["fetch.nMsg.sec"])


@dataclass(frozen=True)
class EndToEnd:
    """EndToEndLatency's answer: a record sent, acknowledged and read, one at a time."""

    mean_ms: float
    p99_ms: float


def end_to_end(bootstrap: str, topic: str, records: int, record_bytes: int) -> EndToEnd:
    """Measures `records` round trips, one after the other."""
    arguments = ["--topic", topic, "--num-records", str(records), "--record-size", str(record_bytes)]
    said = _tool("EndToEndLatency", bootstrap, *arguments, "--producer-acks", "all")
    mean = re.search(r"Avg latency: ([\d.]+) ms", said)
    p99 = re.search(r"99th = (\d+)", said)
    if mean is None or p99 is None:
        raise RuntimeError(f"EndToEndLatency said no result:\n{said[-4000:]}")
    return EndToEnd(float(mean[1]), float(p99[1]))


def spread(bootstrap: str, topic: str, partitions: int, records: int, record_bytes: int) -> float:
    """Sends records to many partitions in turn; the answer is records/s acknowledged."""
    said = _java(_spread_classpath(), "Spread", bootstrap, topic, str(partitions), str(records), str(record_bytes))
    return float(re.findall(r"([\d.]+) records/sec", said)[-1])
