"""What the crash tests share: options, rounds until they are enough, the verdict, and data that stays where one failed."""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import gateway as servers
from admin import AdminFailed
from clients import ClientFailed


class Lost(Exception):
    """The gateway broke a promise."""


def expect(condition, what):
    if not condition:
        raise Lost(what)


def arguments(about, rounds):
    """The parser of the options that all of them have."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--hours", type=float, help="instead of --rounds: go on for so long")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--dir", help="keep the gateway's data here")
    return parser


def run(name, options, make_harness, **gateway_options):
    """Runs rounds of `make_harness(server, seed)` on a gateway of its own and prints what came of them.

    A harness has `begin()` (the server runs), `run_round()` and `end()` (the server still runs), which give
    the line to print and raise `Lost`, `after(directory)` (the server has stopped), and `kill_workers()`.
    Returns the exit code.
    """
    print(f"seed {options.seed}, server {servers.TARGET}", flush=True)
    directory = Path(options.dir or tempfile.mkdtemp(prefix=f"tidegate-{name}-"))
    try:
        server = servers.new_gateway(directory, **gateway_options)
    except servers.GatewayFailed as e:
        print(f"{name}: {e}")
        return 1
    harness = make_harness(server, options.seed)
    begin, done = time.monotonic(), 0
    try:
        server.start()
        harness.begin()
        while done < options.rounds if options.hours is None else time.monotonic() - begin < options.hours * 3600:
            at, done = time.monotonic(), done + 1
            line = harness.run_round()
            print(f"round {done}: {line}, {time.monotonic() - at:.1f} s", flush=True)
        line = harness.end()
        server.terminate()
        harness.after(directory)
    except (Lost, servers.GatewayFailed, AdminFailed, ClientFailed) as e:
        print(f"FAILED in round {done} of seed {options.seed}: {e}")
        print(f"the end of {server.log}:\n{server.log_tail()}")
        print(f"data is left in {directory}")
        return 1
    finally:
        harness.kill_workers()
        if server.running():
            server.kill()
    print(f"passed: {done} rounds, {line}, {time.monotonic() - begin:.0f} s")
    if not options.dir:
        subprocess.run(["rm", "-rf", directory], check=False)
    return 0
