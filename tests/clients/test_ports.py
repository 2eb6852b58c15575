"""The ports of servers under test, which suites that run side by side do not take from one another."""

import subprocess
import sys
from pathlib import Path

import ports

# Takes a port, tells which, and keeps it until its stdin ends.
HOLDER = "import sys, ports; print(ports.free_port(), flush=True); sys.stdin.read()"


def test_a_port_is_given_to_one_process_until_it_ends():
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=Path(ports.__file__).parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        port = int(holder.stdout.readline())
        # Nobody listens on it, which is all that a probe could see.
        assert not ports.take(port)
    assert ports.take(port)


def test_a_port_is_given_once(monkeypatch):
    monkeypatch.setattr(ports, "_PORTS", range(29_000, 29_050))
    given = [ports.free_port() for _ in range(20)]
    assert len(set(given)) == len(given)
