"""Ports for servers under test, of which no other test on this machine is given the same."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below the range from which Linux takes the ports of outgoing connections: a
# client that reconnects to a stopped server could otherwise be given the very
# port that it calls, and be connected to itself.
_PORTS = range(20000, 30000)

_taken = set()
_locks = None


def free_port():
    """A port that nobody listens on. It stays the caller's until its process ends, also while no server is on it."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        if take(port):
            return port


def take(port):
    """Takes a port if nobody listens on it and no other test has it, whether its server runs or not."""
    if port in _taken or not _is_free(port) or not _locked(port):
        return False
    _taken.add(port)
    return True


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def _locked(port):
    """Locks the port's byte of a file that all tests share: a probe alone sees no server that is about to start."""
    global _locks
    if _locks is None:
        path = Path(tempfile.gettempdir()) / f"tidegate-test-ports-{os.getuid()}"
        # Never closed: the first close of a file gives up all locks that its process has on it.
        _locks = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(_locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return True
    except OSError:
        return False
