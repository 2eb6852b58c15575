#!/usr/bin/env python3
"""A real SeaweedFS on this machine: one master, one volume server and as many filers as a test wants.

    seaweedfs.py start --dir D [--filers 2] [--gateway] [--security FILE]    prints the addresses as JSON when all serve
    seaweedfs.py kill --dir D NAME...       SIGKILL; names are those of the JSON, such as filer-1
    seaweedfs.py pause --dir D NAME...      SIGSTOP: a filer that hangs
    seaweedfs.py resume --dir D NAME...     SIGCONT
    seaweedfs.py restart --dir D NAME...    starts what was killed, on the same ports and data, and waits until it serves
    seaweedfs.py stop --dir D               ends all; the data stays

Every process is one of its own, so that each can be killed alone. What runs is written to D/cluster.json; a
second `start` on the directory keeps ports and data. `--gateway` adds a message broker and the Kafka gateway.
Several filers keep a store each and follow one another: what one has acknowledged, another may not have yet.

`weed` is the one of clients/setup.sh, or $WEED. Needs nothing outside of Python's standard library, so that
tests in other languages can call it.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

import ports

HOST = "127.0.0.1"
READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 1
KILL_TIMEOUT_S = 20
# gRPC has the port 10000 above. Both stay below the range of outgoing connections.
_PORTS = range(11000, 20000)
_GRPC_ABOVE = 10000
# The Kafka gateway tells its clients to come to this port, whatever `-port` says.
GATEWAY_PORT = 9093
# Parts the runs of a process in its log.
STARTED = "---- started ----"


class SeaweedFailed(Exception):
    """A process did not start or ended by itself. Carries the end of its log."""


def weed():
    """The program, or SeaweedFailed that says how to get it."""
    cache = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
    named = os.environ.get("WEED")
    for candidate in [named] if named else [cache / "venv" / "bin" / "weed", shutil.which("weed")]:
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    raise SeaweedFailed("weed is not installed: run tests/clients/setup.sh, or set WEED to the program")


def free_port():
    """A port that nobody has, with the one that gRPC takes with it."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        if ports.take(port) and ports.take(port + _GRPC_ABOVE):
            return port


class Part:
    """One process of the cluster. It is known by its files alone, so that any program can go on with it."""

    def __init__(self, directory, name, port, arguments):
        self.name = name
        self.port = port
        self.address = f"{HOST}:{port}"
        self.arguments = arguments
        self.log = directory / f"{name}.log"
        self._directory = directory
        self._pid_file = directory / f"{name}.pid"

    @property
    def pid(self):
        """The process, or None if it does not run."""
        try:
            pid, began = map(int, self._pid_file.read_text().split())
        except (OSError, ValueError):
            return None
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        # Never a stranger that was given the number later.
        return pid if start_of(pid) == began else None

    def spawn(self):
        if self.pid:
            return
        with self.log.open("a") as log:
            log.write(f"{STARTED}\n")
            log.flush()
            # A session of its own, so that Ctrl-C in a terminal is the caller's to handle. The folder is where
            # weed looks for security.toml and filer.toml first.
            child = subprocess.Popen(
                [weed(), "-logtostderr=true", *self.arguments],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file.write_text(f"{child.pid} {start_of(child.pid)}")

    def send(self, number):
        pid = self.pid
        if pid:
            os.kill(pid, number)
        return pid is not None

    def kill(self):
        self.send(signal.SIGKILL)
        self._gone_within(KILL_TIMEOUT_S)

    def stop(self):
        """SIGTERM, and SIGKILL soon: a filer waits fifteen seconds before it ends by itself."""
        # One that is paused would not see it.
        self.send(signal.SIGCONT)
        if self.send(signal.SIGTERM) and not self._gone_within(STOP_TIMEOUT_S):
            self.kill()

    def _gone_within(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.pid is None:
                return True
            time.sleep(0.02)
        return False

    def pause(self):
        """SIGSTOP. A thread that runs at that moment may answer once more: it returns when all of them stand."""
        self.send(signal.SIGSTOP)
        end = time.monotonic() + KILL_TIMEOUT_S
        while self.pid and not _stands(self.pid):
            if time.monotonic() > end:
                raise SeaweedFailed(self.explain("did not stop"))
            time.sleep(0.01)

    def wait_until(self, ready):
        """Returns when `ready()` does so with True, or raises with the end of the log."""
        end = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < end:
            if self.pid is None:
                raise SeaweedFailed(self.explain("ended before it was ready"))
            with contextlib.suppress(OSError):
                if ready():
                    return
            time.sleep(0.05)
        raise SeaweedFailed(self.explain(f"was not ready within {READY_TIMEOUT_S} s"))

    def said_since_its_start(self):
        return self.log.read_text(errors="replace").rpartition(STARTED)[2]

    def explain(self, what):
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])
        return f"{self.name} {what}; the end of {self.log}:\n{tail}"


class SeaweedFS:
    """A cluster on a directory, which keeps its ports and its data across restarts of any part."""

    def __init__(self, directory, filers=1, gateway=False, registry_url=None, security=None):
        """`security` is the text of a security.toml (JWT, TLS)."""
        self.directory = Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._file = self.directory / "cluster.json"
        if security is not None:
            (self.directory / "security.toml").write_text(security)
        if self._file.exists():
            kept = json.loads(self._file.read_text())
        else:
            kept = self._planned(filers, gateway, registry_url)
            self._file.write_text(json.dumps(kept, indent=2))
        self.parts = {name: Part(self.directory, name, **part) for name, part in kept.items()}

    def _planned(self, filers, gateway, registry_url):
        """Names, ports and arguments of all processes, in the order in which they start."""
        master = free_port()
        at = f"-master={HOST}:{master}"
        bind = [f"-ip={HOST}", f"-ip.bind={HOST}"]
        for folder in ["master", "volume", *(f"filer-{i}" for i in range(filers))]:
            (self.directory / folder).mkdir(exist_ok=True)

        def part(port, program, *arguments):
            return {"port": port, "arguments": [program, f"-port={port}", *arguments]}

        parts = {
            "master": part(
                master, "master", *bind, "-mdir=master", "-peers=none", "-telemetry=false", "-volumeSizeLimitMB=256"
            ),
            # On a machine whose disk is nearly full the default would make all volumes read-only.
            "volume": part(
                free_port(), "volume", *bind, at, "-dir=volume", "-max=64", "-minFreeSpace=64MiB", "-preStopSeconds=0"
            ),
        }
        for i in range(filers):
            folder = f"filer-{i}"
            store = [f"-defaultStoreDir={folder}", f"-localSocket={folder}.sock"]
            parts[folder] = part(free_port(), "filer", *bind, at, *store)
        if gateway:
            # Records reach the disk as early as it can be made to.
            parts["broker"] = part(free_port(), "mq.broker", f"-ip={HOST}", at, "-logFlushInterval=0")
            url = [f"-schema-registry-url={registry_url}"] if registry_url else []
            parts["gateway"] = part(GATEWAY_PORT, "mq.kafka.gateway", *bind, at, *url)
        return parts

    @property
    def master(self):
        return self.parts["master"].address

    @property
    def filers(self):
        """The addresses of all filers, HOST:PORT."""
        return [part.address for name, part in self.parts.items() if name.startswith("filer-")]

    @property
    def bootstrap(self):
        """The Kafka gateway's address."""
        return self.parts["gateway"].address

    def start(self):
        """Starts what does not run and returns when a file written to each filer comes back."""
        try:
            for part in self.parts.values():
                part.spawn()
                # A volume server or filer that finds no master waits seconds until it asks again.
                part.wait_until(lambda part=part: _connects(part.port))
            for part in self.parts.values():
                part.wait_until(lambda part=part: self._serves(part))
        except BaseException:
            self.stop()
            raise

    def restart(self, *names):
        """Starts these again, on the same ports and data, and returns when they serve."""
        for name in names:
            self.parts[name].stop()
            self.parts[name].spawn()
        for name in names:
            part = self.parts[name]
            part.wait_until(lambda part=part: self._serves(part))

    def kill(self, *names):
        for name in names:
            self.parts[name].kill()

    def pause(self, *names):
        """Lets them hang: connections are accepted by the kernel and nothing answers."""
        for name in names:
            self.parts[name].pause()

    def resume(self, *names):
        for name in names:
            self.parts[name].send(signal.SIGCONT)

    def stop(self):
        # The last to start are the first to end: a broker writes what it has to a filer.
        for part in reversed(self.parts.values()):
            part.stop()

    def describe(self):
        """The addresses and processes, as `start` prints them."""
        parts = {name: {"address": part.address, "pid": part.pid} for name, part in self.parts.items()}
        return {"directory": str(self.directory), "master": self.master, "filers": self.filers, "parts": parts}

    def _serves(self, part):
        if part.name == "volume":
            return _status(f"http://{part.address}/healthz") == 200
        if part.name.startswith("filer-"):
            # With JWT the filer refuses what is not signed, which it can only do when it serves.
            url = f"http://{part.address}/.ready-{part.name}"
            return _status(url, "PUT", b"ready") in (201, 401) and _status(url) in (200, 401)
        if part.name == "broker":
            # Until it has found who balances, topics cannot be made.
            return _connects(part.port) and "connects to balancer" in part.said_since_its_start()
        return _connects(part.port)


def start_of(pid):
    """When the process was started, in ticks since the machine was; None if it is gone.

    After a SIGKILL the first thread may be a zombie already while others still hold the sockets: a port is free,
    and a connection refused, only once the last of them has ended.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ended = fields[0] == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return None
    return None if ended else int(fields[19])


def _stands(pid):
    """True if every thread of the process is stopped, or has ended."""
    states = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                states.add((task / "stat").read_text().rpartition(")")[2].split()[0])
    return not states - set("TtZX")


def _connects(port):
    with socket.create_connection((HOST, port), timeout=1):
        return True


def _status(url, method="GET", body=None):
    request = urllib.request.Request(url, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("verb", choices=["start", "kill", "pause", "resume", "restart", "stop"])
    parser.add_argument("names", nargs="*", help="processes: filer-0, volume, ...")
    parser.add_argument("--dir", required=True)
    parser.add_argument("--filers", type=int, default=1)
    parser.add_argument("--gateway", action="store_true", help="with a message broker and the Kafka gateway")
    parser.add_argument("--registry", help="the schema registry's URL for the Kafka gateway")
    parser.add_argument("--security", type=Path, help="a security.toml")
    arguments = parser.parse_intermixed_args()
    security = arguments.security.read_text() if arguments.security else None
    try:
        cluster = SeaweedFS(arguments.dir, arguments.filers, arguments.gateway, arguments.registry, security)
        unknown = [name for name in arguments.names if name not in cluster.parts]
        if unknown:
            raise SeaweedFailed(f"there is no {unknown[0]}; there are {', '.join(cluster.parts)}")
        getattr(cluster, arguments.verb)(*arguments.names)
        print(json.dumps(cluster.describe()))
    except SeaweedFailed as error:
        sys.exit(f"seaweedfs.py: {error}")


if __name__ == "__main__":
    main()
