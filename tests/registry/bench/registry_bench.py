#!/usr/bin/env python3
"""The registry inside the gateway and Apicurio Registry on the same gateway, side by side.

Every round starts a gateway on an empty directory and loads both registries in turn, in an order that
changes from round to round. The table shows medians over the rounds. README.md names the settings.

Needs nothing outside Python's standard library, a JDK 17 and Maven for Apicurio.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_TESTS / "java" / "bench"))

import bench as kafka_bench
import servers

_LOAD = os.environ.get("REGISTRY_LOAD", "registry-load")
_READY_TIMEOUT_S = 90


def _setting(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


@dataclass(frozen=True)
class Plan:
    """The sizes of a run; each has an environment variable, listed in README.md."""

    rounds: int = int(_setting("BENCH_ROUNDS", 3))
    seconds: float = _setting("BENCH_SECONDS", 5)
    warm_up_s: float = _setting("BENCH_WARM_UP_S", 5)
    connections: int = int(_setting("BENCH_CONNECTIONS", 64))
    read_connections: int = int(_setting("BENCH_READ_CONNECTIONS", 16))
    schemas: int = int(_setting("BENCH_SCHEMAS", 1000))
    versions: int = int(_setting("BENCH_VERSIONS", 100))
    subjects: int = int(_setting("BENCH_SUBJECTS", 20_000))


@dataclass(frozen=True)
class Measure:
    """A row of the table, and what the row is to come to."""

    key: str
    title: str
    target: float | None
    more_is_better: bool = False

    def target_text(self) -> str:
        if self.target is None:
            return ""
        return f"{'≥' if self.more_is_better else '<'} {self.target:,.0f}"


MEASURES = [
    Measure("one_p50_ms", "new schemas, 1 connection, p50, ms", 2),
    Measure("one_p99_ms", "new schemas, 1 connection, p99, ms", None),
    Measure("many_per_s", "new schemas, {connections} connections, 1/s", 5_000, True),
    Measure("many_p99_ms", "new schemas, {connections} connections, p99, ms", None),
    Measure("get_per_s", "get by id, {read_connections} connections, 1/s", 40_000, True),
    Measure("get_p99_ms", "get by id, {read_connections} connections, p99, ms", None),
    Measure("lookup_per_s", "lookup of a schema that is there, {read_connections} connections, 1/s", 30_000, True),
    Measure("lookup_p99_ms", "lookup of a schema that is there, {read_connections} connections, p99, ms", None),
    Measure("compatible_p50_ms", "check of 50 fields against {versions} versions, p50, ms", 10),
    Measure("compatible_p99_ms", "check of 50 fields against {versions} versions, p99, ms", None),
    Measure("start_s", "process start to first answer, empty, s", None),
    Measure("memory", "resident memory of the process after these loads, MiB", None),
    Measure("subjects_memory", "memory for {subjects:,} subjects, as registered, MiB", 60),
    Measure("loaded_memory", "memory for {subjects:,} subjects, after a start, MiB", 60),
    Measure("load_s", "start with {subjects:,} subjects, more than an empty one, s", 1),
]


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Embedded(servers.Tidegate):
    """The gateway with its registry, or with none if that is not `on`."""

    def __init__(self, folder: Path, on: bool = True):
        address = f"127.0.0.1:{servers.free_port()}"
        super().__init__(folder, {"TIDEGATE_REGISTRY_LISTEN": address if on else "off"})
        self.url = f"http://{address}"

    def start_until(self, path: str) -> float:
        """Seconds from the start of the process until the registry answers a GET of `path`."""
        begin = time.monotonic()
        self.start()
        while not answers(self.url + path):
            if time.monotonic() - begin > _READY_TIMEOUT_S:
                raise RuntimeError(f"the registry does not answer {path}")
            time.sleep(0.005)
        return time.monotonic() - begin


class Apicurio(servers.Server):
    """Apicurio Registry with its state in the gateway at `bootstrap`, as a JVM of 512 MiB runs it."""

    def __init__(self, folder: Path, bootstrap: str):
        super().__init__(folder)
        self._kafka = bootstrap
        self._process: subprocess.Popen | None = None
        self.url = f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def start(self) -> float:
        self.folder.mkdir(parents=True, exist_ok=True)
        script = _TESTS / "registry" / "apicurio.sh"
        jars = subprocess.run([script, "install"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        settings = {
            "APICURIO_STORAGE_KIND": "kafkasql",
            "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": self._kafka,
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_PORT": str(self._port),
        }
        begin = time.monotonic()
        with (self.folder / "registry.out").open("ab") as log:
            self._process = subprocess.Popen(
                ["java", "-Xmx512m", "-jar", f"{jars}/apicurio-registry-app-3.0.9-runner.jar"],
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid
        while not answers(self.url + "/subjects"):
            if self._process.poll() is not None or time.monotonic() - begin > _READY_TIMEOUT_S:
                raise RuntimeError("Apicurio did not become ready")
            time.sleep(0.1)
        return time.monotonic() - begin

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def load(kind: str, url: str, prefix: str, plan: Plan, connections: int = 1, **more) -> dict:
    """Runs the load generator; the answer is what it measured."""
    options = {"connections": connections, "seconds": plan.seconds, "warm-up-s": plan.warm_up_s} | more
    command = [_LOAD, kind, "--url", url, "--prefix", prefix]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    # An answer that is wrong is told in a line; where in the load generator it was found says nothing.
    environment = os.environ | {"RUST_BACKTRACE": "0"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=600
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    return json.loads(done.stdout)


def measure_loads(server: servers.Server, plan: Plan, dense: bool) -> dict[str, float]:
    """All loads on a registry that runs. `dense`: its ids must have no gaps."""
    result: dict[str, float] = {}

    def take(name: str, figures: dict) -> None:
        result.update({f"{name}_{key}": figures[key] for key in ("per_s", "p50_ms", "p99_ms", "p999_ms", "max_ms")})
        if dense and not figures.get("dense", True):
            raise RuntimeError(f"{name}: ids with gaps")

    take("one", load("register", server.url, "one", plan))
    take("many", load("register", server.url, "many", plan, plan.connections))
    take("get", load("get", server.url, "get", plan, plan.read_connections, schemas=plan.schemas))
    take("lookup", load("lookup", server.url, "lookup", plan, plan.read_connections, schemas=plan.schemas))
    take("compatible", load("compatible", server.url, "wide", plan, schemas=plan.versions))
    result["memory"] = server.memory_mib("VmRSS")
    return result


def measure_subjects(folder: Path, plan: Plan) -> dict[str, float]:
    """What many subjects take in memory and at a start, of the embedded registry."""
    server = Embedded(folder)
    try:
        empty_s = server.start_until("/subjects")
        empty = server.memory_mib("VmRSS")
        load("register", server.url, "full", plan, plan.connections, requests=plan.subjects)
        result = {"subjects_memory": server.memory_mib("VmRSS") - empty}
        server.kill()
        last = f"/subjects/full-{plan.subjects - 1}/versions/1"
        result["load_s"] = max(0.0, server.start_until(last) - empty_s)
        result["loaded_memory"] = server.memory_mib("VmRSS") - empty
        return result
    finally:
        server.destroy()


def measure_round(folder: Path, plan: Plan, names: list[str]) -> dict[str, dict[str, float]]:
    """One gateway, and on it each registry in turn."""
    results: dict[str, dict[str, float]] = {}
    gateway = Embedded(folder / "gateway", on="tidegate" in names)
    if "tidegate" in names:
        start_s = gateway.start_until("/subjects")
    else:
        start_s = gateway.start()
    try:
        for name in names:
            if name == "tidegate":
                results[name] = {"start_s": start_s} | measure_loads(gateway, plan, dense=True)
                continue
            apicurio = Apicurio(folder / "apicurio", gateway.bootstrap)
            try:
                start_s = apicurio.start()
                results[name] = {"start_s": start_s} | measure_loads(apicurio, plan, dense=False)
            finally:
                apicurio.destroy()
    finally:
        gateway.destroy()
    if "tidegate" in names:
        results["tidegate"] |= measure_subjects(folder / "subjects", plan)
    return results


def table(rounds: list[dict[str, dict[str, float]]], names: list[str], plan: Plan) -> str:
    """Markdown: a row per measure, a column per registry, the ratio, and what was aimed at."""
    titles = {"tidegate": "Tidegate", "apicurio": "Apicurio"}
    heads = ["", *(titles[name] for name in names), *(["ratio"] if len(names) == 2 else []), "target"]
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|--:" * (len(heads) - 1) + "|"]
    for row in MEASURES:
        medians = {}
        for name in names:
            figures = [results[name][row.key] for results in rounds if row.key in results[name]]
            medians[name] = statistics.median(figures) if figures else None
        cells = [row.title.format(**vars(plan)), *(figure(medians[name]) for name in names)]
        if len(names) == 2:
            ours, theirs = medians["tidegate"], medians["apicurio"]
            cells.append(f"{ours / theirs:.3g}" if ours and theirs else "")
        ours, target = medians.get("tidegate"), row.target_text()
        if target and ours is not None and (ours < row.target) == row.more_is_better:
            target += " (missed)"
        lines.append("| " + " | ".join([*cells, target]) + " |")
    return "\n".join(lines)


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> int:
    """Runs every round and prints the table."""
    # A SIGTERM must end the servers too: sys.exit runs the `finally` clauses, the default does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan()
    names = os.environ.get("BENCH_TARGETS", "tidegate apicurio").split()
    rounds = []
    with tempfile.TemporaryDirectory(prefix="registry-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        for number in range(plan.rounds):
            turn = number % len(names)
            rounds.append(measure_round(Path(folder), plan, names[turn:] + names[:turn]))
            print(f"round {number + 1}: {json.dumps(rounds[-1])}", file=sys.stderr, flush=True)
    print(f"{kafka_bench.machine()}; median of {plan.rounds} rounds\n")
    print(plan, end="\n\n")
    print(table(rounds, names, plan))
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_text(json.dumps({"plan": vars(plan), "machine": kafka_bench.machine(), "rounds": rounds}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
