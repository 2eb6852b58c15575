#!/usr/bin/env python3
"""What `tidegate load` can offer, beside what librdkafka's own performance program can: `make load-bench`.

    offered.py [--rounds 3] [--seconds 5] [--bytes 1024]

rdkafka_performance comes with the librdkafka that is compiled into the load test, and is compiled from there. It runs
three times a round: with one buffer that is sent again and again; with a buffer of its own for each record (-D); and
with the two headers besides that each record of the load test has. All of them send to a gateway of their own that
keeps its data in memory, on the processors that it runs on too: the last table has records a second and the ratio to
what the load test offered in the same round, the median of all rounds.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import gateway as servers

PARTITIONS = 4
# rdkafka_performance is given a number of records and not a time; so many it sends in a second, about.
GUESS_PER_S = 300_000
# The properties that the load test gives its producers.
PROPERTIES = (
    "acks=all",
    "enable.idempotence=true",
    "linger.ms=5",
    "batch.num.messages=10000",
    "queue.buffering.max.kbytes=16384",
)
HEADERS = ("load-record=0123456789abcdef-0-123456-1234567890123456", "load-format=avro")
OFFERS = "tidegate load"


def compiled(folder):
    """rdkafka_performance, from the librdkafka that the newest build of the load test has made."""
    build = Path(os.environ["TIDEGATE_BIN"]).parent / "build"
    outs = [path.parent.parent for path in build.glob("rdkafka-sys-*/out/src/librdkafka.a")]
    if not outs:
        sys.exit(f"offered.py: there is no librdkafka below {build}: build the gateway first")
    out = max(outs, key=lambda path: path.stat().st_mtime)
    libraries = [*build.glob("libz-sys-*/out/lib/libz.a"), *build.glob("zstd-sys-*/out/libzstd.a")]
    program = folder / "rdkafka_performance"
    command = ["gcc", "-O2", f"-I{out}", f"-I{out / 'src'}", "-o", program]
    command += [out / "examples" / "rdkafka_performance.c", out / "src" / "librdkafka.a", *libraries]
    subprocess.run([*map(str, command), "-lpthread", "-ldl", "-lm"], check=True)
    return program


def of_librdkafka(program, flags, gateway, arguments):
    """Records a second of rdkafka_performance."""
    create = [os.environ["TIDEGATE_BIN"], "topic", "create", "offered", "-p", str(PARTITIONS), "-b", gateway.bootstrap]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
    command = [program, "-P", "-q", "-t", "offered", "-b", gateway.bootstrap, "-s", str(arguments.bytes)]
    command += ["-c", str(GUESS_PER_S * arguments.seconds), *flags]
    for one in PROPERTIES:
        command += ["-X", one]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(re.findall(r"(\d+) msgs/s", done.stdout + done.stderr)[-1])


def of_load(gateway, arguments):
    """Records a second of `tidegate load`, all of which were found again as they were sent."""
    report = Path(gateway.directory) / "report.json"
    command = [os.environ["TIDEGATE_BIN"], "load", "standard", "--bootstrap", gateway.bootstrap, "--no-registry"]
    command += ["--topics", "1", "--partitions", str(PARTITIONS), "--producers", "1", "--consumers", "0"]
    command += ["--rate", "0", "--bytes", str(arguments.bytes), "--codec", "none", "--batch-records", "10000"]
    command += ["--duration", f"{arguments.seconds}s", "--quiet", "--report", str(report)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    totals = json.loads(report.read_text())["totals"]
    return totals["acknowledged"] * 1000 // totals["produce_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="about so long runs each of them")
    parser.add_argument("--bytes", type=int, default=1024, help="of each value")
    arguments = parser.parse_args()
    headers = [word for header in HEADERS for word in ("-H", header)]
    with tempfile.TemporaryDirectory(prefix="offered-") as name:
        folder = Path(name)
        program = compiled(folder)

        def performance(*flags):
            return lambda gateway: of_librdkafka(program, flags, gateway, arguments)

        offers = {
            "rdkafka_performance": performance(),
            "rdkafka_performance -D": performance("-D"),
            "rdkafka_performance -D -H ... -H ...": performance("-D", *headers),
            OFFERS: lambda gateway: of_load(gateway, arguments),
        }
        rates = {offer: [] for offer in offers}
        for round_ in range(arguments.rounds):
            for at, (offer, run) in enumerate(offers.items()):
                # A new one each time: what the last one took is still in its memory.
                gateway = servers.Tidegate(folder / f"gateway-{round_}-{at}", ("--storage", "memory"))
                gateway.start()
                try:
                    rates[offer].append(run(gateway))
                finally:
                    gateway.kill()
                print(f"round {round_ + 1}: {rates[offer][-1]:>9,}/s  {offer}", flush=True)
    print()
    own = rates.pop(OFFERS)
    print(f"{statistics.median(own):>11,.0f}/s   {OFFERS}")
    for offer, each in rates.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(own, each))
        print(f"{statistics.median(each):>11,.0f}/s   {offer}: the load test offered {ratio:.2f} times as much")
    return 0


if __name__ == "__main__":
    sys.exit(main())
