#!/usr/bin/env python3
"""Commits and fetches a second of every storage of offsets, the filer's on a real SeaweedFS of its own.

    make offsets-bench OPTIONS="--seconds 10"
    make offsets-bench OPTIONS="--beside /tmp/offset_storages_before --rounds 5 --local"

OFFSET_STORAGES names the program (crates/cli/examples/offset_storages.rs), which prints the table. It speaks to the
broker without a socket between, so that storages are compared and not clients. With --beside an older build of it and
this one take turns, because two runs on one machine minutes apart compare the minutes; the table has medians.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "seaweedfs"))

from seaweedfs import SeaweedFS


def bench(program, seconds, urls, **options):
    """One run in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "bench", "--dir", directory, "--seconds", seconds, *urls]
        return subprocess.run(command, text=True, check=True, **options)


def rows(table):
    """{(storage, at once): its figures}"""
    lines = [line.strip("| \n").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {tuple(line[:2]): [float(figure) for figure in line[2:]] for line in lines[1:]}


def compare(old, new, seconds, rounds, urls):
    """Both in turn, and the medians of what they printed."""
    runs = {old: [], new: []}
    for turn in range(rounds):
        for program in (old, new) if turn % 2 == 0 else (new, old):
            runs[program].append(rows(bench(program, seconds, urls, stdout=subprocess.PIPE).stdout))
    print(f"medians of {rounds} rounds of {seconds} s: before, now, and now's part of before\n")
    print("| storage | at once | commits/s | | | fetches/s | | |\n|---|--:|--:|--:|--:|--:|--:|--:|")
    for row in runs[new][0]:
        figures = []
        for column in (0, 3):
            before, now = (median(run[row][column] for run in runs[program]) for program in (old, new))
            figures += [f"{before:.0f}", f"{now:.0f}", f"{now / before:.2f}"]
        print("| " + " | ".join([*row, *figures]) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", default="5")
    parser.add_argument("--local", action="store_true", help="only the log and memory")
    parser.add_argument("--beside", metavar="PROGRAM", help="an older build, to take turns with")
    parser.add_argument("--rounds", type=int, default=5, help="of --beside")
    arguments = parser.parse_args()
    program = os.environ["OFFSET_STORAGES"]

    def run(urls):
        if arguments.beside:
            compare(arguments.beside, program, arguments.seconds, arguments.rounds, urls)
        else:
            bench(program, arguments.seconds, urls)

    if arguments.local:
        return run([])
    with tempfile.TemporaryDirectory() as directory:
        cluster = SeaweedFS(Path(directory) / "seaweedfs")
        try:
            cluster.start()
            run([f"http://{cluster.filers[0]}"])
        finally:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
