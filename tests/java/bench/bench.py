"""Tidegate and Apache Kafka 4.3.1, side by side, measured with Kafka's own tools.

Every round starts each server on an empty directory, one after the other, in an
order that turns from round to round, so that neither the machine's other work
nor a warm cache favours one of them. The table shows medians over the rounds.
"""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import servers
import tools

# What a server does after the last ack, a lazy flush for one, is its work too.
_SETTLE_S = 3.0


def _setting(name: str, default: int) -> int:
    return int(os.environ.get(name, default))


@dataclass(frozen=True)
class Plan:
    """The sizes of a run; each has an environment variable, listed in README.md."""

    rounds: int = _setting("BENCH_ROUNDS", 3)
    records: int = _setting("BENCH_RECORDS", 1_000_000)
    record_bytes: int = _setting("BENCH_RECORD_BYTES", 1024)
    partitions: int = _setting("BENCH_PARTITIONS", 4)
    paced_rate: int = _setting("BENCH_PACED_RATE", 5000)
    paced_s: int = _setting("BENCH_PACED_S", 20)
    round_trips: int = _setting("BENCH_ROUND_TRIPS", 5000)
    spread_partitions: int = _setting("BENCH_SPREAD_PARTITIONS", 1000)
    spread_records: int = _setting("BENCH_SPREAD_RECORDS", 500_000)
    spread_bytes: int = _setting("BENCH_SPREAD_BYTES", 170)
    recovery_bytes: int = _setting("BENCH_RECOVERY_BYTES", 1 << 30)
    flush_divisor: int = _setting("BENCH_FLUSH_DIVISOR", 5)

    def shortened(self) -> "Plan":
        """For a server that syncs each batch by itself: rates are the same, found in less time."""
        return replace(
            self,
            records=self.records // self.flush_divisor,
            paced_s=max(2, self.paced_s // self.flush_divisor),
            spread_records=self.spread_records // self.flush_divisor,
        )


@dataclass(frozen=True)
class Measure:
    """A row of the table."""

    key: str
    title: str
    unit: str
    more_is_better: bool


MEASURES = [
    Measure("produce", "produce, 1 topic", "records/s", True),
    Measure("produce_cpu", "server CPU per GB produced", "s", False),
    Measure("consume", "consume", "records/s", True),
    Measure("consume_cpu", "server CPU per GB consumed", "s", False),
    Measure("paced_p50", "produce latency p50, paced, unbatched", "ms", False),
    Measure("paced_p99", "produce latency p99, paced, unbatched", "ms", False),
    Measure("paced_p999", "produce latency p99.9, paced, unbatched", "ms", False),
    Measure("round_trip", "end to end, mean", "ms", False),
    Measure("round_trip_p99", "end to end, p99", "ms", False),
    Measure("spread", "produce, many partitions", "records/s", True),
    Measure("memory_idle", "resident memory, empty", "MiB", False),
    Measure("memory", "resident memory, after the load", "MiB", False),
    Measure("memory_peak", "resident memory, peak", "MiB", False),
    Measure("start", "ready after a first start", "s", False),
    Measure("recovery", "ready after kill -9", "s", False),
]


def measure_load(server: servers.Server, plan: Plan) -> dict[str, float]:
    """One server, from its start on an empty directory to the end of all loads."""
    result = {"start": server.start()}
    result["memory_idle"] = server.memory_mib("VmRSS")
    gb = plan.records * plan.record_bytes / 1e9
    tools.create_topic(server.bootstrap, "load", plan.partitions)

    before_s = server.cpu_s()
    produced = tools.produce(server.bootstrap, "load", plan.records, plan.record_bytes, -1, 0, "linger.ms=5")
    time.sleep(_SETTLE_S)
    result["produce"] = produced.records_per_s
    result["produce_cpu"] = (server.cpu_s() - before_s) / gb

    before_s = server.cpu_s()
    result["consume"] = tools.consume(server.bootstrap, "load", plan.records)
    result["consume_cpu"] = (server.cpu_s() - before_s) / gb

    # Warm-up counts on top: a JIT compiler at work is not the server's latency.
    rate, seconds = plan.paced_rate, plan.paced_s
    # A server that cannot keep up is to show it by its latency and not by expired records.
    settings = ["linger.ms=0", "batch.size=1", "delivery.timeout.ms=600000"]
    tools.create_topic(server.bootstrap, "paced", plan.partitions)
    paced = tools.produce(
        server.bootstrap, "paced", rate * (seconds + 5), plan.record_bytes, rate, rate * 5, *settings
    )
    result |= {"paced_p50": paced.p50_ms, "paced_p99": paced.p99_ms, "paced_p999": paced.p999_ms}

    tools.create_topic(server.bootstrap, "round-trip", 1)
    trip = tools.end_to_end(server.bootstrap, "round-trip", plan.round_trips, plan.record_bytes)
    result |= {"round_trip": trip.mean_ms, "round_trip_p99": trip.p99_ms}

    tools.create_topic(server.bootstrap, "spread", plan.spread_partitions)
    result["spread"] = tools.spread(
        server.bootstrap, "spread", plan.spread_partitions, plan.spread_records, plan.spread_bytes
    )
    result["memory"] = server.memory_mib("VmRSS")
    result["memory_peak"] = server.memory_mib("VmHWM")
    return result


def measure_recovery(server: servers.Server, plan: Plan) -> float:
    """Seconds from the start to ready on what a kill -9 right after the last ack left behind."""
    server.start()
    tools.create_topic(server.bootstrap, "load", plan.partitions)
    records = plan.recovery_bytes // plan.record_bytes
    tools.produce(server.bootstrap, "load", records, plan.record_bytes, -1, 0, "linger.ms=5")
    server.kill()
    return server.start()


def measure(name: str, folder: Path, plan: Plan) -> dict[str, float]:
    """All measures of one server in one round."""
    flushes = name == "kafka-flush"
    server = servers.make(name, folder / name)
    try:
        result = measure_load(server, plan.shortened() if flushes else plan)
    finally:
        server.destroy()
    if flushes:
        # A kill leaves it nothing to recover that it leaves not to the unsynced Kafka.
        return result
    server = servers.make(name, folder / name, without_checkpoints=True)
    try:
        result["recovery"] = measure_recovery(server, plan)
    finally:
        server.destroy()
    return result


def median_table(rounds: dict[str, list[dict[str, float]]]) -> str:
    """Markdown: a row per measure, a column per server, and Tidegate against each Kafka."""
    names = list(rounds)
    peers = [name for name in names if name != "tidegate"] if "tidegate" in names else []
    heads = ["measure", "unit", *names, *(f"tidegate / {peer}" for peer in peers)]
    lines = ["| " + " | ".join(heads) + " |", "|---|---" + "|--:" * (len(heads) - 2) + "|"]
    for row in MEASURES:
        medians = {name: _median(rounds[name], row.key) for name in names}
        cells = [row.title, row.unit, *(_figure(medians[name]) for name in names)]
        cells += [_ratio(medians["tidegate"], medians[peer], row.more_is_better) for peer in peers]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _median(results: list[dict[str, float]], key: str) -> float | None:
    figures = [result[key] for result in results if key in result]
    return statistics.median(figures) if figures else None


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(ours: float | None, theirs: float | None, more_is_better: bool) -> str:
    if ours is None or not theirs:
        return "-"
    ratio = ours / theirs
    good = ratio >= 1 if more_is_better else ratio <= 1
    return f"{ratio:.2f}" + ("" if good else " (worse)")


def machine() -> str:
    """What the figures were measured on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    java = subprocess.run(["java", "-version"], check=True, stderr=subprocess.PIPE, text=True).stderr.splitlines()[0]
    cores = os.cpu_count()
    return f"{cores} x {model}, {memory_kib / 2**20:.0f} GiB, Linux {platform.release()}, {java}"


def main() -> int:
    """Runs every round and prints the table."""
    # A SIGTERM must end the servers too: sys.exit runs the `finally` clauses, the default does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan()
    default = "kafka kafka-flush tidegate" if os.environ.get("TIDEGATE_BIN") else "kafka kafka-flush"
    names = os.environ.get("BENCH_TARGETS", default).split()
    tools.install()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        for number in range(plan.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                begin = time.monotonic()
                result = measure(name, Path(folder), plan)
                rounds[name].append(result)
                took_s = time.monotonic() - begin
                print(f"round {number + 1}, {name}, {took_s:.0f} s: {json.dumps(result)}", file=sys.stderr, flush=True)
    print(f"{machine()}; median of {plan.rounds} rounds\n")
    print(plan, end="\n\n")
    print(median_table(rounds))
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_text(json.dumps({"plan": vars(plan), "machine": machine(), "rounds": rounds}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
